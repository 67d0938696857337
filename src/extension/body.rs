//! Bodies on their way through a filter.

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The request's, on its way to the upstream.
    Request,
    /// The answer's, on its way to the client.
    Response,
}

/// Where a filter puts what becomes of a body.
pub struct BodySink<'a> {
    out: &'a mut Vec<u8>,
    failed: bool,
}

impl<'a> BodySink<'a> {
    /// What is passed stands behind what is in `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> BodySink<'a> {
        BodySink { out, failed: false }
    }

    /// Hands bytes on.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// The body cannot be handed on: the exchange fails (`filter_failed`), or breaks off where its
    /// answer has begun.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether the filter has failed.
    pub fn has_failed(&self) -> bool {
        self.failed
    }
}
