//! Every bound of the gateway with its unit and the sum that gives it.
//!
//! A bound that an operator can move has its default here and its key in `config`; one that
//! nobody needs to move is a constant alone.

/// Leases a socket may hold unread before its receive is taken back from the kernel: four 32 KiB
/// buffers cover a 100 KiB window at 1 ms of turn time, and 64 such sockets fill half of a ring of 512.
pub const LEASES_QUEUED_MAX: usize = 4;

/// Longest method token that is understood. The longest registered one, `UPDATEREDIRECTREF`, has 17.
pub const METHOD_BYTES_MAX: usize = 24;

/// Path parameters in one pattern. Sixteen ranges of two `u32` are two cache lines.
pub const PARAMETERS_COUNT_MAX: usize = 16;

/// Longest host that a route can match: RFC 1035 section 2.3.4 has 255 octets on the wire, which is
/// 253 as text; a longer one matches only routes without a host.
pub const HOST_BYTES_MAX: usize = 253;

/// Longest path pattern: half of the longest request line, whose paths it must match.
pub const PATTERN_BYTES_MAX: usize = REQUEST_LINE_BYTES_MAX / 2;

/// Places of one path where the router can come back to try a parameter or `/*`: 16 parameters and
/// as many prefixes of the same path that end in `/*`. The stack of a search is 32 x 32 bytes.
pub const CHOICES_COUNT_MAX: usize = 2 * PARAMETERS_COUNT_MAX;

/// Methods beyond RFC 9110's and PATCH that the routes of one snapshot can name: 64 bits, nine
/// taken, one for all the others. The IANA registry has 31 more.
pub const METHOD_EXTENSIONS_COUNT_MAX: usize = 54;

/// Routes of one snapshot: ten times what is measured, and their patterns' text stays below the
/// 4 GiB that an index of 32 bits reaches.
pub const ROUTES_COUNT_MAX: usize = 1_000_000;

/// Endpoints of one cluster: four words of a set that is copied with each attempt.
pub const ENDPOINTS_COUNT_MAX: usize = 256;

/// Default longest request line: nginx's and Envoy's practical bound, one buffer's fourth.
pub const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;

/// Default number of fields in a head: Envoy's default.
pub const FIELDS_COUNT_MAX: usize = 100;

/// Default bytes of all field lines of a head: nginx's 4 x 8 KiB.
pub const FIELDS_BYTES_MAX: usize = 32 * 1024;

/// Most bytes of a first line, and of all field lines, whatever is configured: offsets have 32 bits,
/// and both parts together stay far below.
pub const HEAD_PART_BYTES_CAP: usize = 16 * 1024 * 1024;

/// Fields whose memory a head's index keeps for the next head: 64 slots of 12 bytes are 768 bytes,
/// and a browser sends about 20 fields.
pub const FIELDS_KEPT_COUNT: usize = 64;

/// Members of all `Connection` fields of a head. Each is compared with each field that has no
/// number; honest heads have one to three.
pub const CONNECTION_OPTIONS_COUNT_MAX: usize = 16;

/// Bytes of extensions on one chunk-size line that are read over before the body is refused.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 256;

/// Bytes of all trailer lines of one body.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

const _: () = assert!(CHUNK_EXTENSION_BYTES_MAX < TRAILER_BYTES_MAX);
const _: () = assert!(TRAILER_BYTES_MAX <= FIELDS_BYTES_MAX);
const _: () = assert!(PATTERN_BYTES_MAX < REQUEST_LINE_BYTES_MAX);
const _: () = assert!(PATTERN_BYTES_MAX <= u16::MAX as usize);
const _: () = assert!(ENDPOINTS_COUNT_MAX.is_multiple_of(64));
const _: () = assert!(ROUTES_COUNT_MAX as u64 * PATTERN_BYTES_MAX as u64 <= u32::MAX as u64);
const _: () = assert!(FIELDS_KEPT_COUNT <= FIELDS_COUNT_MAX);
const _: () = assert!(REQUEST_LINE_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(FIELDS_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(2 * HEAD_PART_BYTES_CAP < u32::MAX as usize);
