//! Of the load generator, of comparisons made with it, and of the upstream for tests.

use super::{NAME_CHARACTERS_MAX, RING_DRAIN_MS_MAX, SEND_QUEUE_BYTES_MAX, SHUTDOWN_LINGER_MS_MAX};
use std::ops::RangeInclusive;

/// Targets of one run of the load generator: a day's distinct URLs of a busy site, 30 MB of text.
pub const BENCH_TARGETS_MAX: usize = 100_000;

/// Connections of one run: what one address reaches of one port, and then some addresses.
pub const BENCH_CONNECTIONS_MAX: usize = 1_000_000;

/// Requests a second that may be asked for: ten times what 64 cores were measured to carry.
pub const BENCH_RATE_MAX: f64 = 1e8;

/// Requests of one run, where fewer were not asked for: a day at a million a second.
pub const BENCH_REQUESTS_MAX: u64 = 86_400_000_000;

/// Seconds of one run, of its warm-up and of a request's patience: a day.
pub const BENCH_SECONDS_MAX: u64 = 86_400;

/// Bytes of one request's body. It is in memory once a target.
pub const BENCH_BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of all requests of a run together.
pub const BENCH_REQUESTS_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Pieces that a run is cut into for the plot over time: a page's width in dots of 4.
pub const BENCH_INTERVALS_MAX: u64 = 240;

/// Shortest of these pieces: shorter ones hold too few requests for a percentile.
pub const BENCH_INTERVAL_MS_MIN: u64 = 100;

/// Connections that a thread begins a millisecond: an accept on loopback costs 10 µs, so a server
/// with one core keeps up and its listen queue stays short.
pub const BENCH_RAMP_PER_MS: u64 = 50;

/// How long a connection rests after it was refused, so that a server that is down is not stormed.
pub const BENCH_REFUSED_PAUSE_MS: u64 = 10;

/// How long after the last request was given up a thread of the generator must have ended.
pub const BENCH_GRACE_MS: u64 = SHUTDOWN_LINGER_MS_MAX + RING_DRAIN_MS_MAX + 5_000;

/// Nanoseconds of the longest latency that is told apart: an hour.
pub const BENCH_LATENCY_NS_MAX: u64 = 3_600 * 1_000_000_000;

/// Lateness of the generator's 99th percentile above which it says so: a twentieth of the
/// millisecond that objectives are written in.
pub const BENCH_LATENESS_US_MAX: f64 = 1_000.0;

/// Share of a core above which a thread of the generator is too busy to be believed.
pub const BENCH_CPU_SHARE_MAX: f64 = 0.95;

const _: () = assert!(BENCH_BODY_BYTES_MAX <= BENCH_REQUESTS_BYTES_MAX);

/// Requests that the correction of a closed loop fills in for one slow answer: an hour's at 1 µs
/// would be 3.6 billion; a million is a stall of 100 s at 100 µs.
pub const BENCH_FILLED_MAX: usize = 1_000_000;

/// Terms of one objective: one of each of the eleven measures, and a rate in both its forms.
pub const BENCH_TERMS_MAX: usize = 12;

/// Fewest rounds that a comparison is made from: with four, Student's quantile for 99 % is 5.8
/// deviations and next to nothing would ever be seen.
pub const BENCH_ROUNDS_MIN: usize = 5;

/// Most rounds: at two trials of 10 s each, most of six hours.
pub const BENCH_ROUNDS_MAX: usize = 1_000;

/// Trials that decide one rate, or confirm it.
pub const BENCH_REPEATS_MAX: u32 = 99;

/// Trials of one search: at ten seconds each half an hour.
pub const BENCH_TRIALS_MAX: usize = 200;

const _: () = assert!((BENCH_REPEATS_MAX as usize) < BENCH_TRIALS_MAX);

/// Settings of one tuning, the file as it is among them: at two minutes each two hours.
pub const BENCH_SETTINGS_MAX: usize = 64;

/// Milliseconds that a server of the lab has to end before it is ended: our gateway's drain of a
/// load that has ended takes none.
pub const BENCH_CHILD_STOP_MS_MAX: u64 = 3_000;

/// Milliseconds that a server of the lab has to accept connections: a gateway takes some ten, a
/// peer that reads a large configuration some thousand.
pub const BENCH_CHILD_START_MS_MAX: u64 = 20_000;
/// Milliseconds that a gateway's admin may take to answer: it is asked before and after a run, and
/// shares a saturated machine with the run's end.
pub const SCRAPE_MS_MAX: u64 = 5_000;

/// Bytes of its answer: 1,026 routes and upstreams of 1.5 KiB and 1,024 workers of 2 KiB are
/// 3.5 MiB, 512 filters of 256 bytes 128 KiB, and 16 full histograms of 1,056 buckets of 35 bytes
/// half a MiB.
pub const SCRAPE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of filler that are sent from one place, and of one chunk at most: as much as a socket may
/// have queued, so that 1 MiB with its head is five segments of one send.
pub const UPSTREAM_FILLER_BYTES: usize = SEND_QUEUE_BYTES_MAX;

/// Bytes of a request's head that are kept to know the same request again; wrk's has 45, a
/// browser's about 1 KiB.
pub const UPSTREAM_HEAD_KEPT_BYTES_MAX: usize = 2 * 1024;

/// Bytes of an echoed body that are kept until its end; what is longer streams, at this much a
/// connection.
pub const UPSTREAM_ECHO_KEPT_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a body that may be asked for: 1 TiB is three hours at a gigabit a second.
pub const UPSTREAM_BODY_BYTES_MAX: u64 = 1 << 40;

/// Longest delay, and longest period of stalls: ten minutes outlast every timeout of a gateway's
/// test.
pub const UPSTREAM_DELAY_MS_MAX: u64 = 600_000;

/// Requests a second of a fixed service rate: at a million the distance of two is 1,000 ns, so
/// rounding it to nanoseconds is at most 0.1 % of the rate.
pub const UPSTREAM_SERVICE_RATE: RangeInclusive<u64> = 1..=1_000_000;

/// Bytes a second of a slow body: what is faster than 10 Gbit/s is not slow.
pub const UPSTREAM_BODY_RATE: RangeInclusive<u64> = 1..=1 << 30;

/// Between two pieces of a slow body: ten ticks of the timers, so that their rounding is a tenth.
pub const UPSTREAM_PIECE_MS: u64 = 10;

/// Characters of the name that an upstream tells.
pub const UPSTREAM_NAME_CHARACTERS_MAX: usize = 64;

const _: () = assert!(UPSTREAM_FILLER_BYTES <= SEND_QUEUE_BYTES_MAX);
const _: () = assert!(UPSTREAM_NAME_CHARACTERS_MAX <= NAME_CHARACTERS_MAX);
