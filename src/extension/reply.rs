//! An answer that a filter gives.

use super::message::{FieldInvalid, fault_of};
use crate::http::status::Status;

/// An answer in place of the upstream's. The gateway adds `Date`, `Content-Length` and what the
/// route writes into its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: Status,
    pub(crate) content_type: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Whole lines, each with its CRLF.
    pub(crate) lines: Vec<u8>,
}

impl Reply {
    /// An answer without a body. Informational statuses (below 200) are no answers: with one the
    /// filter counts as failed.
    pub fn new(status: Status) -> Reply {
        Reply { status, content_type: Vec::new(), body: Vec::new(), lines: Vec::new() }
    }

    /// And this body. Of an answer to HEAD, or of one whose status has none (204, 304), it is left
    /// out.
    ///
    /// # Errors
    /// The media type is no value of a field.
    pub fn body(
        mut self,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Reply, FieldInvalid> {
        fault_of("Content-Type", content_type.as_bytes(), false)?;
        self.content_type = content_type.as_bytes().to_vec();
        self.body = body.into();
        Ok(self)
    }

    /// And this plain text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Reply {
        self.content_type = b"text/plain; charset=utf-8".to_vec();
        self.body = text.into().into_bytes();
        self
    }

    /// And one more line of a field.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Reply, FieldInvalid> {
        let value = value.as_ref();
        fault_of(name, value, false)?;
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.lines.extend_from_slice(part);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_held_to_what_a_head_may_have() {
        let reply = Reply::new(Status::FORBIDDEN).text("no").field("X-Why", "because");
        assert_eq!(reply.expect("a field").lines, b"X-Why: because\r\n");
        let split = Reply::new(Status::FORBIDDEN).field("X-Why", "a\r\nX-Other: b");
        assert_eq!(split, Err(FieldInvalid::Value));
        let framing = Reply::new(Status::FORBIDDEN).field("Content-Length", "7");
        assert_eq!(framing, Err(FieldInvalid::Reserved));
        assert_eq!(Reply::new(Status::OK).body("a\n", "b"), Err(FieldInvalid::Value));
    }
}
