//! A body that goes up piece by piece through the filters of its route.

use super::super::super::filter::stream::RequestStream;
use super::super::chunks::Coding;
use super::super::pieces::Pieces;
use super::{Stop, Upload};

impl Upload<'_> {
    /// Carries the body to its end. What filters leave of it may have any length.
    pub(super) async fn filtered(&mut self, mut stream: Box<RequestStream>) -> Result<(), Stop> {
        let mut pieces = Pieces::new(self.body, self.chunk_limits);
        let mut out = Vec::new();
        loop {
            let mut lease = self.next().await?;
            let mut bytes = 0;
            while !lease.is_empty() && !pieces.are_over() {
                let piece = pieces.read(&lease).map_err(|error| Stop::Client(error.into()))?;
                bytes += piece.data.len() as u64;
                if !piece.data.is_empty() {
                    let shown = stream.piece(self.worker, (&lease[piece.data], false), &mut out);
                    shown.map_err(Stop::Client)?;
                }
                lease.advance(piece.consumed_bytes);
            }
            self.input.put_back(lease);
            self.count(bytes)?;
            let is_over = pieces.are_over();
            if is_over {
                stream.piece(self.worker, (b"", true), &mut out).map_err(Stop::Client)?;
            }
            let mut sink = self.sink(Coding::Chunked);
            sink.write(&mut out);
            if is_over {
                self.changes.strip(&mut pieces.trailers);
                sink.end(&pieces.trailers);
                return Ok(());
            }
            sink.flush();
            self.room().await?;
        }
    }
}
