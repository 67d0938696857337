//! A body as filters see it: its bytes, without what frames them.

use crate::http::framing::Body;
use crate::http::h1::chunked::{ChunkError, ChunkLimits, Decoder, Event};

use std::ops::Range;

/// A body that is being read.
pub(super) struct Pieces {
    left: Left,
    /// Whole lines, once a chunked body has ended.
    pub(super) trailers: Vec<u8>,
}

enum Left {
    Bytes(u64),
    Chunks(Box<Decoder>),
    UntilClose,
}

/// What one look at received bytes found.
pub(super) struct Piece {
    /// The body's bytes among them.
    pub(super) data: Range<usize>,
    /// How many are done with.
    pub(super) consumed_bytes: usize,
}

impl Pieces {
    pub(super) fn new(body: Body, limits: ChunkLimits) -> Pieces {
        let left = match body {
            Body::Empty => Left::Bytes(0),
            Body::Length(bytes) => Left::Bytes(bytes),
            Body::Chunked => Left::Chunks(Box::new(Decoder::new(limits))),
            Body::UntilClose => Left::UntilClose,
        };
        Pieces { left, trailers: Vec::new() }
    }

    /// Whether the body ended. One that ends with the connection never does by itself.
    pub(super) fn are_over(&self) -> bool {
        match &self.left {
            Left::Bytes(bytes) => *bytes == 0,
            Left::Chunks(decoder) => decoder.is_ended(),
            Left::UntilClose => false,
        }
    }

    /// Whether the end of the connection is the body's end.
    pub(super) fn end_with_stream(&self) -> bool {
        matches!(self.left, Left::UntilClose)
    }

    /// Reads on in what was received. To be called while bytes are left and the body is not over.
    ///
    /// # Errors
    /// The chunked coding is broken.
    pub(super) fn read(&mut self, received: &[u8]) -> Result<Piece, ChunkError> {
        let whole = |bytes| Piece { data: 0..bytes, consumed_bytes: bytes };
        match &mut self.left {
            Left::Bytes(left_bytes) => {
                let bytes = usize::try_from(*left_bytes).unwrap_or(usize::MAX);
                let piece = whole(bytes.min(received.len()));
                *left_bytes -= piece.consumed_bytes as u64;
                Ok(piece)
            }
            Left::UntilClose => Ok(whole(received.len())),
            Left::Chunks(decoder) => {
                let step = decoder.decode(received, &mut self.trailers)?;
                let data = match step.event {
                    Event::Data(range) => range,
                    Event::NeedMore | Event::End => 0..0,
                };
                Ok(Piece { data, consumed_bytes: step.consumed })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Body, received: &[u8], piece_bytes: usize) -> (Vec<u8>, Vec<u8>, usize) {
        let mut pieces = Pieces::new(body, ChunkLimits::default());
        let (mut data, mut at) = (Vec::new(), 0);
        while at < received.len() && !pieces.are_over() {
            let some = &received[at..received.len().min(at + piece_bytes)];
            let piece = pieces.read(some).expect("well-formed");
            data.extend_from_slice(&some[piece.data]);
            at += piece.consumed_bytes;
        }
        (data, pieces.trailers, at)
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let chunked = b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-A: b\r\n\r\nNEXT";
        for piece_bytes in 1..chunked.len() {
            let (data, trailers, at) = read(Body::Chunked, chunked, piece_bytes);
            assert_eq!((data, trailers), (b"abcdefg".to_vec(), b"X-A: b\r\n".to_vec()));
            assert_eq!(&chunked[at..], b"NEXT");
            let (data, _, at) = read(Body::Length(5), b"abcdeNEXT", piece_bytes);
            assert_eq!((data, at), (b"abcde".to_vec(), 5));
            let (data, _, at) = read(Body::UntilClose, b"abcde", piece_bytes);
            assert_eq!((data, at), (b"abcde".to_vec(), 5));
        }
        assert!(Pieces::new(Body::Length(0), ChunkLimits::default()).are_over());
    }
}
