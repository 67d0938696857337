//! Reads over a body: how much of the bytes at hand belongs to it, and whether it ended.

use crate::head::{Length, Malformed};

/// Where in a body the reader stands.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Bytes(u64),
    UntilClose,
    Size { value: u64, digits: u8 },
    Extension { value: u64 },
    Chunk(u64),
    ChunkEnd,
    Trailer { line_bytes: u32 },
    Done,
}

impl Body {
    /// A reader at the start of a body of this length.
    pub fn new(length: Length) -> Self {
        let state = match length {
            Length::Bytes(0) => State::Done,
            Length::Bytes(bytes) => State::Bytes(bytes),
            Length::Chunked => State::Size { value: 0, digits: 0 },
            Length::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the whole body was read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether only the peer's close ends the body.
    pub fn ends_at_close(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Takes what belongs to the body from the front of `bytes`, hands its content to `content`,
    /// and says how many bytes it took.
    ///
    /// # Errors
    /// [`Malformed`] where a chunk is not understood.
    pub fn take(
        &mut self,
        bytes: &[u8],
        mut content: impl FnMut(&[u8]),
    ) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            match self.state {
                State::Bytes(left) | State::Chunk(left) => {
                    let some = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                    content(&bytes[at..at + some]);
                    at += some;
                    self.content_taken(left - some as u64);
                }
                State::UntilClose => {
                    content(&bytes[at..]);
                    at = bytes.len();
                }
                State::Size { .. }
                | State::Extension { .. }
                | State::ChunkEnd
                | State::Trailer { .. } => {
                    self.framing(bytes[at])?;
                    at += 1;
                }
                State::Done => {}
            }
        }
        Ok(at)
    }

    fn content_taken(&mut self, left: u64) {
        self.state = match self.state {
            State::Bytes(_) if left == 0 => State::Done,
            State::Bytes(_) => State::Bytes(left),
            _ if left == 0 => State::ChunkEnd,
            _ => State::Chunk(left),
        };
    }

    fn framing(&mut self, byte: u8) -> Result<(), Malformed> {
        self.state = match (self.state, byte) {
            (State::Size { value, digits }, _) if byte.is_ascii_hexdigit() && digits < 15 => {
                let digit = u64::from(char::from(byte).to_digit(16).ok_or(Malformed)?);
                State::Size { value: value * 16 + digit, digits: digits + 1 }
            }
            (State::Size { value, digits: 1.. } | State::Extension { value }, b'\n') => {
                if value == 0 { State::Trailer { line_bytes: 0 } } else { State::Chunk(value) }
            }
            (State::Size { value, digits: 1.. } | State::Extension { value }, _) => {
                State::Extension { value }
            }
            (State::ChunkEnd, b'\r') => State::ChunkEnd,
            (State::ChunkEnd, b'\n') => State::Size { value: 0, digits: 0 },
            (State::Trailer { line_bytes: 0 }, b'\n') => State::Done,
            (State::Trailer { .. }, b'\n') => State::Trailer { line_bytes: 0 },
            (state @ State::Trailer { .. }, b'\r') => state,
            (State::Trailer { line_bytes }, _) => State::Trailer { line_bytes: line_bytes + 1 },
            _ => return Err(Malformed),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(length: Length, bytes: &[u8], step: usize) -> (Vec<u8>, usize, bool) {
        let (mut body, mut out, mut taken) = (Body::new(length), Vec::new(), 0);
        for piece in bytes.chunks(step) {
            let some = body.take(piece, |part| out.extend_from_slice(part)).expect("well formed");
            taken += some;
            if some < piece.len() {
                break;
            }
        }
        (out, taken, body.is_done())
    }

    #[test]
    fn takes_chunks_at_any_split() {
        let wire = b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nTrailer: 1\r\n\r\nGET";
        for step in 1..wire.len() {
            let (out, taken, done) = content(Length::Chunked, wire, step);
            assert_eq!((out.as_slice(), taken, done), (b"abcd".as_slice(), wire.len() - 3, true));
        }
    }

    #[test]
    fn leaves_what_follows_a_length() {
        assert_eq!(content(Length::Bytes(2), b"abGET", 5), (b"ab".to_vec(), 2, true));
    }

    #[test]
    fn refuses_a_chunk_without_a_size() {
        assert_eq!(Body::new(Length::Chunked).take(b"\r\n", |_| {}), Err(Malformed));
    }
}
