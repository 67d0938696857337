//! What may go wrong on the simulated network, and how often.

/// Shares are per mille of the occasions; delays are drawn evenly up to their bound.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Longest time a piece of bytes travels, in nanoseconds of virtual time. Order is kept.
    pub delay_ns_max: u64,
    /// Receives that bring only a part of what is there.
    pub split_per_mille: u16,
    /// Sends that end after a part of their bytes.
    pub short_send_per_mille: u16,
    /// Pieces that travel into a connection that is cut instead.
    pub reset_per_mille: u16,
    /// Connects that are refused.
    pub refuse_per_mille: u16,
    /// Connects that never answer.
    pub hang_per_mille: u16,
    /// Ends whose bytes arrive up to [`Faults::slow_ns_max`] later.
    pub slow_per_mille: u16,
    /// The additional delay of a slow end.
    pub slow_ns_max: u64,
    /// Receives that find no buffer though there is one.
    pub starve_per_mille: u16,
    /// Multishot operations that end, as the kernel's may, though nothing failed.
    pub end_multishot_per_mille: u16,
    /// Bytes that an end takes before its reader must have read some.
    pub socket_buffer_bytes: usize,
    /// Connections that wait to be accepted before more are refused.
    pub backlog_count: usize,
    /// Opens and reads of files that fail with `EIO`.
    pub file_error_per_mille: u16,
    /// Reads of files that bring only a part of what is there.
    pub file_short_per_mille: u16,
    /// Longest time that an open or a read of a file takes.
    pub file_delay_ns_max: u64,
}

impl Faults {
    /// Nothing goes wrong and nothing is late, but buffers are bounded.
    pub fn none() -> Faults {
        Faults {
            delay_ns_max: 0,
            split_per_mille: 0,
            short_send_per_mille: 0,
            reset_per_mille: 0,
            refuse_per_mille: 0,
            hang_per_mille: 0,
            slow_per_mille: 0,
            slow_ns_max: 0,
            starve_per_mille: 0,
            end_multishot_per_mille: 0,
            socket_buffer_bytes: 64 * 1024,
            backlog_count: 128,
            file_error_per_mille: 0,
            file_short_per_mille: 0,
            file_delay_ns_max: 0,
        }
    }

    /// Everything that a peer may not notice: delays, splits, short sends, no buffers.
    pub fn gentle() -> Faults {
        Faults {
            delay_ns_max: 2_000_000,
            split_per_mille: 200,
            short_send_per_mille: 100,
            slow_per_mille: 50,
            slow_ns_max: 20_000_000,
            starve_per_mille: 30,
            end_multishot_per_mille: 30,
            socket_buffer_bytes: 16 * 1024,
            file_short_per_mille: 200,
            file_delay_ns_max: 20_000_000,
            ..Faults::none()
        }
    }

    /// [`Faults::gentle`], and connections that break, are refused, or never answer.
    pub fn rough() -> Faults {
        Faults {
            reset_per_mille: 5,
            refuse_per_mille: 20,
            hang_per_mille: 10,
            file_error_per_mille: 20,
            ..Faults::gentle()
        }
    }
}
