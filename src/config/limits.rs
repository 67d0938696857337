//! Bounds that an operator can move.

use crate::limits;
use std::time::Duration;

/// Bounds of connections, client and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Client connections of the process, split evenly over its workers; one more is answered with
    /// 503 and closed. Default 10,000: at 2.5 KiB for an idle one that is 25 MiB.
    pub max_connections: u32,
    /// Connections to one upstream of the process, split evenly over its workers; a request that
    /// finds none is answered with 503. Default 1,024: 20,000 requests a second at 50 ms each.
    pub max_connections_per_upstream: u32,
    /// For a connection to an upstream. `Timeouts::connect` overrides it. Default 10 s: long enough
    /// for three lost SYNs (1 s, 2 s and 4 s apart).
    pub connection_timeout: Duration,
    /// Between two requests of a client connection. `Timeouts::keep_alive` overrides it. Default
    /// 60 s: what load balancers in front use, and at most 2.5 KiB are held for it.
    pub keep_alive_timeout: Duration,
    /// Requests that one client connection may send before it is closed in order;
    /// [`ConnectionLimits::UNLIMITED`] for no bound. Default 10,000: a busy client then connects
    /// anew now and again, which spreads it over the workers, at 0.01 % of its requests.
    pub requests_per_connection: u64,
    /// Requests that a client may send in a row without waiting for an answer; the answer to the
    /// last of them closes the connection. Default 10,000, as `requests_per_connection`: they are
    /// answered one after another, so a long row costs nobody else anything.
    pub pipelined_requests: u32,
}

impl ConnectionLimits {
    /// No bound: `"unlimited"` in a file.
    pub const UNLIMITED: u64 = u64::MAX;
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            max_connections: 10_000,
            max_connections_per_upstream: 1024,
            connection_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(60),
            requests_per_connection: 10_000,
            pipelined_requests: 10_000,
        }
    }
}

/// Bounds of requests. What is over one is refused with the status named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request line; 414. Default 8 KiB: nginx's practical bound.
    pub request_line: usize,
    /// Fields of a head; 431. Default 100: Envoy's bound.
    pub fields: usize,
    /// Bytes of all field lines of a head; 431. Default 32 KiB: nginx's 4 x 8 KiB.
    pub fields_size: usize,
    /// Bytes of a request body; 413. `None`, the default, is no bound: bodies are streamed, so a
    /// large one costs no memory.
    pub body: Option<u64>,
    /// Bytes of extensions on one chunk-size line; 400. Default 256: nobody sends any.
    pub chunk_extension: usize,
    /// Bytes of all trailer lines of a body; 400. Default 8 KiB: a quarter of a head's.
    pub trailers: usize,
}

impl Limits {
    /// No bound, for `Route::max_body`: `"unlimited"` in a file.
    pub const UNLIMITED: u64 = u64::MAX;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_line: limits::REQUEST_LINE_BYTES_MAX,
            fields: limits::FIELDS_COUNT_MAX,
            fields_size: limits::FIELDS_BYTES_MAX,
            body: None,
            chunk_extension: limits::CHUNK_EXTENSION_BYTES_MAX,
            trailers: limits::TRAILER_BYTES_MAX,
        }
    }
}

/// Idle connections to upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Idle connections to one upstream of the process, split evenly over its workers. Default
    /// 1,024, as many as may be open by default: under load a bound below the number of clients
    /// closes what the next request opens again, which at 512 clients cost a quarter of the
    /// requests per CPU-second. What a burst leaves behind ends by `idle_timeout`.
    pub idle_connections: u32,
    /// How long one may be idle; each connection's own limit is up to a tenth shorter, so that they
    /// do not end together. Default 50 s: below the 60 s and 75 s that upstreams usually keep.
    pub idle_timeout: Duration,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig { idle_connections: 1024, idle_timeout: Duration::from_secs(50) }
    }
}

/// Each worker's io_uring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Receive buffers of a worker, a power of two. Default 256: 32 cost up to 30 % on small
    /// requests.
    pub buffers: u16,
    /// Bytes of a receive buffer. Default 32 KiB: 2 to 4 KiB halve the rate of large bodies. With
    /// 256 of them a worker has 8 MiB, of which only what is used is resident.
    pub buffer_size: u32,
    /// Entries of the submission queue, a power of two. Default 1,024: more in one turn cost a
    /// system call.
    pub entries: u32,
}

impl Default for RuntimeConfig {
    fn default() -> RuntimeConfig {
        RuntimeConfig { buffers: 256, buffer_size: 32 * 1024, entries: 1024 }
    }
}
