//! Of bodies that filters read and change.

use super::REGEX_AUTOMATON_BYTES_MAX;
use std::ops::RangeInclusive;

/// Bytes of a body that a filter may hold whole: what is larger is a file, and changing it costs a
/// worker milliseconds in which it does nothing else.
pub const TRANSFORM_BUFFER: RangeInclusive<u64> = 1..=16 * 1024 * 1024;

/// Bytes of a body that a `transform` holds unless told otherwise: an answer of an interface has
/// some KiB, and [`HELD_BYTES_MAX`] has room for 64 of these.
pub const TRANSFORM_BUFFER_BYTES: u64 = 1024 * 1024;

/// Bytes of all bodies that one worker holds whole at once; one more is refused with 503. Four of
/// the largest, so that no single request can shut the others out.
pub const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Steps of one direction of a `transform`; each is a pass over the body.
pub const TRANSFORM_STEPS_MAX: usize = 32;

/// Media types of a `transform`. Each is compared with a body's.
pub const TRANSFORM_MEDIA_TYPES_MAX: usize = 32;

/// Bytes of what a `transform` looks for, or writes in its place.
pub const TRANSFORM_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a regular expression of a `transform`: as many as one of a condition may have.
pub const TRANSFORM_REGEX_BYTES_MAX: usize = 1024;

/// Bytes of its program, and of the states that a worker keeps for it: as one of a route's.
pub const TRANSFORM_PROGRAM_BYTES_MAX: usize = REGEX_AUTOMATON_BYTES_MAX;

/// Groups of such an expression, the whole match among them.
pub const TRANSFORM_GROUPS_MAX: usize = 17;

/// Nanoseconds in which all matches of an expression in one body must be found. Searching once is
/// linear, but each match begins a search that may look at all that is left: 100 ms are a hundred
/// times what 1 MiB takes, and bound what one body costs its worker's other clients.
pub const TRANSFORM_REGEX_NS_MAX: u64 = 100_000_000;

/// Matches of an expression between two looks at the clock.
pub const TRANSFORM_MATCHES_PER_LOOK: u32 = 16;

/// Paths of one step of JSON: the bits of a word.
pub const JSON_PATHS_MAX: usize = 64;

/// Names and numbers of one path of JSON; a body is read again for each level.
pub const JSON_PATH_PARTS_MAX: usize = 16;

/// Bytes that a worker keeps for the next body that is changed; what grew beyond is freed.
pub const TRANSFORM_SCRATCH_BYTES: usize = 64 * 1024;

/// Bytes of a held body that are given to a socket at once: what waits for a reader beyond the body
/// itself.
pub const HELD_PIECE_BYTES: usize = super::SEND_QUEUE_BYTES_MAX;

const _: () = assert!(TRANSFORM_BUFFER_BYTES <= *TRANSFORM_BUFFER.end());
const _: () = assert!(4 * *TRANSFORM_BUFFER.end() as usize <= HELD_BYTES_MAX);
const _: () = assert!(64 * TRANSFORM_BUFFER_BYTES as usize <= HELD_BYTES_MAX);
// Which filters of a route read a body, and which paths of a step are looked for, are bits.
const _: () = assert!(super::FILTERS_COUNT_MAX <= u32::BITS as usize);
const _: () = assert!(JSON_PATHS_MAX <= u64::BITS as usize);
