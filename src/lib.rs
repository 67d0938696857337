//! Frys Gateway: a thread-per-core, io_uring HTTP proxy and API gateway for bare-metal Linux.
//!
//! Each worker is one thread pinned to one core with its own ring, buffers, routes and upstream
//! pools; workers share only immutable snapshots of the configuration and counters that one thread
//! writes and another reads. `docs/architecture.md` is the plan of the house.

pub mod config;
mod error;
mod gateway;

// Not part of the API: open to this package's own tests and benches, and free to change.
#[doc(hidden)]
pub mod extension;
#[doc(hidden)]
#[cfg(feature = "authentication")]
pub mod jwt;
#[doc(hidden)]
#[cfg(not(feature = "authentication"))]
#[path = "jwt/absent.rs"]
pub mod jwt;
#[doc(hidden)]
pub mod snapshot;
#[doc(hidden)]
pub mod runtime;
#[doc(hidden)]
pub mod memory;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod router;
#[doc(hidden)]
pub mod proxy;
#[doc(hidden)]
pub mod meters;
#[doc(hidden)]
pub mod quota;
#[doc(hidden)]
pub mod bridge;
#[doc(hidden)]
pub mod explain;
#[doc(hidden)]
pub mod control;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod cli;

#[doc(inline)]
pub use bridge::metrics::WorkerState;
pub use config::*;
#[doc(inline)]
pub use control::reload::{ChangedNames, Changes, NameList, Reloaded};
#[doc(inline)]
pub use control::state::Phase;
pub use error::{ConfigError, ReloadError, StartError};
#[doc(inline)]
pub use extension::*;
pub use gateway::{
    ClassStats, FilterStats, Gateway, Handle, LatencyStats, Running, Stats, TrafficStats,
    UpstreamStats, WorkerStats,
};
#[doc(inline)]
pub use http::status::Status;

/// The seed's snippets, as they compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/from-the-seed.md")]
struct FromTheSeed;

/// The snippets for those who embed a gateway.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
