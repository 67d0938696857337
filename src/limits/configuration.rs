//! Of a configuration: its files, and what its keys may say.

use super::{COMPLETIONS_PER_ENTRY, CONDITION_DEPTH_MAX, ENDPOINTS_COUNT_MAX, ROUTES_COUNT_MAX};
use std::ops::RangeInclusive;

/// Bytes of a configuration file: [`ROUTES_COUNT_MAX`] routes of 256 bytes.
pub const CONFIG_BYTES_MAX: usize = ROUTES_COUNT_MAX * 256;

/// Levels of a configuration file. The deepest key, `routes[0].upstreams[0].url`, has five.
pub const CONFIG_DEPTH_MAX: usize = 32;

/// Values of a YAML file: sixteen a route.
pub const CONFIG_NODES_MAX: usize = ROUTES_COUNT_MAX * 16;

/// Values that a YAML file's aliases may stand for: more than a person shares, and far less than
/// aliases of aliases make.
pub const CONFIG_ALIAS_NODES_MAX: usize = 100_000;

/// Faults of one configuration that are listed; a wrong list of routes has one for each route.
pub const CONFIG_FAULTS_MAX: usize = 1000;

/// Times that YAML is printed until it stays the same: the second finds what the first has moved,
/// and the third that nothing moves any more.
pub const FORMAT_PASSES_MAX: usize = 4;

/// Files that include one another: nobody finds a key again that is further down.
pub const INCLUDE_DEPTH_MAX: usize = 8;

/// Files of one configuration: one for each tenant of a large gateway.
pub const INCLUDE_FILES_MAX: usize = 10_000;

/// Bytes of a secret: a certificate chain of some 4 KiB a certificate, and far more than a token.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Times that a file is read which is being written, before that is told.
pub const FILE_READS_COUNT_MAX: usize = 4;

/// Upper end of every duration of a configuration: 30 days. What should never end says so.
pub const DURATION_SECONDS_MAX: u64 = 30 * 24 * 3600;

const _: () = assert!(CONFIG_BYTES_MAX < u32::MAX as usize);

/// Threads that serve: the kernel's usual `CONFIG_NR_CPUS` is 8,192, and a gateway of 1,024 has
/// more cores than one machine.
pub const WORKERS_COUNT_MAX: usize = 1024;

/// Largest core number: `cpu_set_t` has 1,024 bits.
pub const CORE_INDEX_MAX: usize = 1023;

/// Upper end of every count of connections: the kernel's default `fs.nr_open`.
pub const CONNECTIONS_COUNT_MAX: u32 = 1_048_576;

/// Upper end of the pipelined requests of one connection.
pub const PIPELINED_COUNT_MAX: u32 = 1_000_000;

/// Largest weight of an upstream: 256 of them stay below 2^28, far from any overflow of sums.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// Bytes of a request line that may be chosen; a head's offsets stay in 17 bits.
pub const REQUEST_LINE: RangeInclusive<usize> = 512..=64 * 1024;

/// Fields of a head that may be chosen.
pub const FIELDS_COUNT: RangeInclusive<usize> = 8..=1000;

/// Bytes of a head's fields that may be chosen.
pub const FIELDS_SIZE: RangeInclusive<usize> = 1024..=64 * 1024;

/// Bytes of chunk extensions that may be chosen.
pub const CHUNK_EXTENSION: RangeInclusive<usize> = 0..=16 * 1024;

/// Bytes of trailers that may be chosen.
pub const TRAILERS: RangeInclusive<usize> = 0..=64 * 1024;

/// Receive buffers of a worker that may be chosen; the kernel's ring has at most 32,768.
pub const BUFFERS_COUNT: RangeInclusive<u16> = 16..=32768;

/// Bytes of a receive buffer that may be chosen: one page to thirty-two default buffers.
pub const BUFFER_SIZE: RangeInclusive<u32> = 4096..=1024 * 1024;

/// Entries of the submission queue that may be chosen; the kernel's maximum is 32,768, and the
/// completion queue is [`COMPLETIONS_PER_ENTRY`] times as long with a maximum of 65,536.
pub const ENTRIES_COUNT: RangeInclusive<u32> = 64..=8192;

const _: () = assert!(ENDPOINTS_COUNT_MAX as u64 * (WEIGHT_MAX as u64) < u32::MAX as u64);
const _: () = assert!(*ENTRIES_COUNT.end() * COMPLETIONS_PER_ENTRY <= 65_536);

/// Characters of the name of a route or a cluster: it is a label of every series.
pub const NAME_CHARACTERS_MAX: usize = 128;

/// Versions of one group: a release a week for five years.
pub const VERSIONS_COUNT_MAX: usize = 256;

/// Clusters that share one route's requests: with the largest weights their sum has 26 bits.
pub const WEIGHTED_CLUSTERS_COUNT_MAX: usize = 64;

/// Status codes of a redirect; not all of the range are.
pub const REDIRECT_STATUS: RangeInclusive<u16> = 301..=308;

/// Status codes of a fixed answer: an informational one is no answer.
pub const RESPOND_STATUS: RangeInclusive<u16> = 200..=599;

/// Names that stand for a folder: `index.html` and what a site moved from.
pub const INDEX_FILES_COUNT_MAX: usize = 16;

// A condition is a table in a list, below `routes[0].when`, and lists values itself.
const _: () = assert!(2 * CONDITION_DEPTH_MAX + 5 < CONFIG_DEPTH_MAX);
const _: () = assert!(WEIGHTED_CLUSTERS_COUNT_MAX as u64 * (WEIGHT_MAX as u64) < u32::MAX as u64);
