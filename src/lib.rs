//! Frys Gateway: a thread-per-core, io_uring HTTP proxy and API gateway for bare-metal Linux.
//!
//! Each worker is one thread pinned to one core with its own ring, buffers, routes and upstream
//! pools; workers share only immutable snapshots of the configuration and counters that one thread
//! writes and another reads. `docs/architecture.md` is the plan of the house.

/// Declares a module that only this package's own tests and benches may see from outside.
///
/// What only they use (the simulated network, checks of invariants) is no dead code, though it
/// looks so in a build without them.
macro_rules! internal {
    ($($(#[$attribute:meta])* $name:ident;)*) => {$(
        $(#[$attribute])*
        #[cfg(feature = "__simulation")]
        #[doc(hidden)]
        #[allow(missing_docs)]
        pub mod $name;
        $(#[$attribute])*
        #[cfg(not(feature = "__simulation"))]
        #[allow(dead_code, unused_imports)]
        mod $name;
    )*};
}

pub mod config;
mod error;
mod gateway;
internal! {
    snapshot;
    runtime;
    memory;
    simd;
    http;
    router;
    proxy;
    bridge;
    control;
    limits;
}
#[doc(hidden)]
pub mod cli;

pub use config::*;
pub use error::{ConfigError, StartError};
pub use gateway::{Gateway, Handle, Running};
