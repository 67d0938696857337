//! Of a worker's loop: its ring, its sockets and files, its tasks and timers.

/// Segments in one vectored send: a head and fifteen pieces of body, 256 bytes of kernel vectors.
pub const SEGMENTS_PER_SEND_MAX: usize = 16;

/// Completion queue entries per submission queue entry: multishot receives answer unasked, and an
/// overflowing queue costs a system call. 1,024 entries make 128 KiB of completions.
pub const COMPLETIONS_PER_ENTRY: u32 = 8;

/// Task polls before the kernel is entered again: at about 1 µs a poll half a millisecond.
pub const POLLS_PER_TURN_MAX: usize = 512;

/// Connections accepted from the kernel before a task asked for them.
pub const ACCEPTS_QUEUED_MAX: usize = 1024;

/// Listeners of one runtime, those that are draining included.
pub const LISTENERS_COUNT_MAX: usize = 256;

/// Bytes that the poll-style face of a socket queues: a bandwidth of 2 Gbit/s at 1 ms a turn.
pub const POLL_WRITE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a transfer that wait for a slow sink.
pub const TRANSFER_QUEUED_BYTES_MAX: usize = 256 * 1024;

/// Empty pipes kept for the next transfer: 256 of 256 KiB are what Linux lets the pipes of an
/// unprivileged user hold before it makes new ones small (`fs.pipe-user-pages-soft`), shared by
/// the workers.
pub const PIPES_FREE_COUNT_MAX: usize = 64;

/// A body with at least this much still to come is worth a transfer: at 16 KiB splicing loses by a
/// fifth, at 1 MiB it wins by a half or more.
pub const TRANSFER_BYTES_MIN: u64 = 128 * 1024;

/// Bytes of a block for parts of files: two of them keep a client of 1 Gbit/s at 1 ms a turn busy,
/// and are what a slow reader of a file costs.
pub const FILE_CHUNK_BYTES: usize = 64 * 1024;

/// Unused blocks for parts of files that are kept: 2 MiB a worker.
pub const FILE_CHUNKS_FREE_COUNT_MAX: usize = 32;

/// A part of a file of at least this much goes through a pipe: below, two copies cost less than a
/// thread of the kernel that fills it.
pub const FILE_TRANSFER_BYTES_MIN: u64 = 256 * 1024;

/// A dropped socket that still sends is cut after this long: nginx's lingering time.
pub const LINGER_MS_MAX: u64 = 30_000;

/// The same while a runtime shuts down, when its drain is over already.
pub const SHUTDOWN_LINGER_MS_MAX: u64 = 1_000;

/// How long a closing ring waits for the kernel to give cancelled operations back. They come within
/// microseconds; past this the memory they use is leaked.
pub const RING_DRAIN_MS_MAX: u64 = 2_000;

const _: () = assert!(SHUTDOWN_LINGER_MS_MAX < LINGER_MS_MAX);
const _: () = assert!(SEGMENTS_PER_SEND_MAX <= 1024, "the kernel's IOV_MAX");

/// Operations in flight: each socket receives, sends and polls, or waits for a file; listeners
/// accept; and what closed this turn may still be on its way back.
pub const fn operations_count_max(sockets_count_max: usize) -> usize {
    4 * sockets_count_max + LISTENERS_COUNT_MAX + ACCEPTS_QUEUED_MAX
}

/// Tasks: one a socket, and the worker's own.
pub const fn tasks_count_max(sockets_count_max: usize) -> usize {
    sockets_count_max + LISTENERS_COUNT_MAX + 64
}

/// Timers: four a socket (header, idle, upstream, total), and the worker's own.
pub const fn timers_count_max(sockets_count_max: usize) -> usize {
    4 * sockets_count_max + 64
}
