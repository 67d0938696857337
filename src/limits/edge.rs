//! Bounds of the filters at the edge of a route: addresses, origins, sizes and fields.

use super::{CONFIG_BYTES_MAX, FIELDS_COUNT, FIELDS_SIZE, HOST_BYTES_MAX, REQUEST_LINE};
use std::ops::RangeInclusive;

/// Networks of one list of an `ip_filter`: a million of 32 bytes are 32 MB. The lists that are
/// dealt in, of whole countries or of hosts that misbehaved, have some 100,000.
pub const IP_NETWORKS_COUNT_MAX: usize = 1_000_000;

/// Bytes of a file of networks: a million lines of 50 bytes, an IPv6 network and a remark.
pub const IP_FILE_BYTES_MAX: usize = 50 * IP_NETWORKS_COUNT_MAX;

/// Lines of a file of networks that are named where they are wrong: one screen says what is amiss.
pub const IP_FILE_FAULTS_MAX: usize = 5;

/// Fields of a head that a route may bound its requests to: as many as the gateway can be told.
pub const ROUTE_FIELDS_COUNT: RangeInclusive<usize> = 1..=*FIELDS_COUNT.end();

/// Bytes of a head's fields that a route may bound its requests to: from a `Host` on.
pub const ROUTE_FIELDS_SIZE: RangeInclusive<usize> = 64..=*FIELDS_SIZE.end();

/// Bytes of a target that a route may bound its requests to: from `/` on.
pub const URL_SIZE: RangeInclusive<usize> = 1..=*REQUEST_LINE.end();

/// Bytes of a query that a route may bound its requests to.
pub const QUERY_SIZE: RangeInclusive<usize> = 0..=*REQUEST_LINE.end();

/// Ranges of a set of networks behind one of its fences: 64 of 8 bytes are eight cache lines, of
/// which a search touches two or three; the fences of 100,000 ranges are 6 KiB, which stay near.
pub const NETWORKS_PER_FENCE: usize = 64;

/// Bytes of a scheme in an origin: the longest one in use, `safari-web-extension`, has 20.
pub const ORIGIN_SCHEME_BYTES_MAX: usize = 32;

/// Bytes of an origin: scheme, `://`, host, `:65535`.
pub const ORIGIN_BYTES_MAX: usize = ORIGIN_SCHEME_BYTES_MAX + 3 + HOST_BYTES_MAX + 6;

/// Origins, expressions, methods or names of fields in one list of a `cors`: more is a rule, which
/// an expression says.
pub const CORS_LIST_COUNT_MAX: usize = 1_000;

/// Expressions of one `cors`: they are run as one automaton.
pub const CORS_REGEXES_COUNT_MAX: usize = 64;

/// Bytes of one line of names that a `cors` answers with: what a client reads without complaint.
pub const CORS_LINE_BYTES_MAX: usize = 4 * 1024;

/// Seconds that a browser may keep the answer to a preflight: a day, the most that any browser
/// takes (Firefox; Chromium takes two hours).
pub const CORS_MAX_AGE_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Seconds of a `Retry-After`: thirty days, as long as any duration here.
pub const RETRY_AFTER_SECONDS_MAX: u64 = super::DURATION_SECONDS_MAX;

/// Bytes of one value of `security_headers`: a content security policy with hundreds of sources.
pub const SECURITY_VALUE_BYTES_MAX: usize = 4 * 1024;

const _: () = assert!(IP_FILE_BYTES_MAX <= CONFIG_BYTES_MAX);
const _: () = assert!(CORS_REGEXES_COUNT_MAX <= CORS_LIST_COUNT_MAX);
