//! What filters of the gateway's own and those of an embedding program share.

mod principal;

pub use principal::Principal;
