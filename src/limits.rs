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

/// Default longest request line: nginx's and Envoy's practical bound, one buffer's fourth.
pub const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;

/// Default number of fields in a head: Envoy's default.
pub const FIELDS_COUNT_MAX: usize = 100;

/// Default bytes of all field lines of a head: nginx's 4 x 8 KiB.
pub const FIELDS_BYTES_MAX: usize = 32 * 1024;

/// Most bytes of a first line, and of all field lines, whatever is configured: offsets have 32
/// bits, and both parts together stay far below.
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
const _: () = assert!(FIELDS_KEPT_COUNT <= FIELDS_COUNT_MAX);
const _: () = assert!(REQUEST_LINE_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(FIELDS_BYTES_MAX <= HEAD_PART_BYTES_CAP);
const _: () = assert!(2 * HEAD_PART_BYTES_CAP < u32::MAX as usize);
