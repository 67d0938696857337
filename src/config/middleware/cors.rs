//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

/// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CorsConfig {}
