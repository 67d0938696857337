//! What workers count together: how much of its limit each key has used.
//!
//! Beside snapshots and metrics this is the one thing that workers share, because a limit that each
//! of them held alone would be another one with every worker more. A table has a fixed number of
//! places, whose memory is taken as keys come; it holds no key, only a secret hash of each. Nobody
//! ever waits for another here: all is loads and compare-exchanges with a bound on their number.

mod secret;
mod buckets;
mod rates;
mod leases;
mod tally;

pub use leases::{Leases, Terms};
pub use rates::{Rate, Rates, Taken, Usage};
pub use secret::{Digest, Secret};
pub use tally::{Entered, Place, Tally};
