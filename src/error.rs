//! What a caller of the library is told when a configuration or a start is refused.
