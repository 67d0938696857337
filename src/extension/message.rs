//! A request and an answer as filters see them.

use crate::http::changes::HeadChanges;
use crate::http::field::{FRAMING, Field, FieldId, HOP_BY_HOP};
use crate::http::head::{RequestHead, ResponseHead};
use crate::http::method::Method;
use crate::http::status::Status;
use crate::router::Parameters;

/// A request on its way to the upstream. What it says stays as the client sent it; what a filter
/// writes stands in the head that goes upstream.
pub struct Request<'a> {
    pub(crate) head: RequestHead<'a>,
    pub(crate) path: &'a [u8],
    /// The names of the route's parameters, in the order of `parameters`.
    pub(crate) names: &'a [String],
    pub(crate) parameters: &'a Parameters,
    pub(crate) changes: &'a mut HeadChanges,
    pub(crate) answer: &'a mut HeadChanges,
}

impl<'a> Request<'a> {
    /// Its method.
    pub fn method(&self) -> Method {
        self.head.method()
    }

    /// Its path by which the route was found: without the query, dot segments resolved, percent
    /// escapes that need none decoded.
    pub fn path(&self) -> &'a [u8] {
        self.path
    }

    /// Its query without the question mark; none where there is no question mark.
    pub fn query(&self) -> Option<&'a [u8]> {
        self.head.query()
    }

    /// Its target as it was received.
    pub fn target(&self) -> &'a [u8] {
        self.head.target()
    }

    /// The host that was asked for, with its port where one was named; none of a request of
    /// HTTP/1.0 that names none.
    pub fn host(&self) -> Option<&'a [u8]> {
        self.head.authority()
    }

    /// What a parameter of the route's path matched; none where the path has none of that name.
    pub fn parameter(&self, name: &str) -> Option<&'a [u8]> {
        let index = self.names.iter().position(|known| known == name)?;
        self.path.get(self.parameters.range(index)?)
    }

    /// The value of the first field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        named(self.head.fields(), name).next()
    }

    /// The values of all fields of that name, in any case, in their order.
    pub fn fields_named(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        named(self.head.fields(), name)
    }

    /// Names and values of all fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.head.fields().map(|field| (field.name, field.value))
    }

    /// Writes a field for the upstream, in place of all lines of it that the client sent and
    /// filters wrote.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        self.edit().set(name, value)
    }

    /// Writes one more line of a field for the upstream.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        self.edit().append(name, value)
    }

    /// Keeps all lines of a field from the upstream.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may remove.
    pub fn remove(&mut self, name: &str) -> Result<(), FieldInvalid> {
        self.edit().remove(name)
    }

    /// The changes of the answer's head, whoever will give it: an upstream, a file, or the gateway
    /// when it refuses the request.
    pub fn answer(&mut self) -> FieldEdits<'_> {
        FieldEdits { changes: self.answer, is_request: false }
    }

    fn edit(&mut self) -> FieldEdits<'_> {
        FieldEdits { changes: self.changes, is_request: true }
    }
}

/// An answer on its way to the client. What it says is as it came; what filters wrote before shows
/// only in what is sent.
pub struct Response<'a> {
    pub(crate) status: Status,
    pub(crate) reason: &'a str,
    pub(crate) source: ResponseSource<'a>,
    pub(crate) changes: &'a mut HeadChanges,
}

/// Where an answer comes from.
#[derive(Clone, Copy)]
pub(crate) enum ResponseSource<'a> {
    /// An upstream.
    Upstream(ResponseHead<'a>),
    /// The gateway: whole lines, each with its CRLF, and the media type.
    Own { lines: &'a [u8], content_type: &'a [u8] },
}

impl<'a> Response<'a> {
    /// Its status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether an upstream gave it. Otherwise it is a file, a redirect, a fixed answer, a filter's
    /// reply or a refusal.
    pub fn is_of_upstream(&self) -> bool {
        match self.source {
            ResponseSource::Upstream(_) => true,
            ResponseSource::Own { .. } => false,
        }
    }

    /// Why it is what it is, in the log's word: `ok` of an upstream's answer.
    pub fn reason(&self) -> &'a str {
        self.reason
    }

    /// The value of the first field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields_named(name).next()
    }

    /// The values of all fields of that name, in any case, in their order.
    pub fn fields_named(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Names and values of all fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let (head, lines, content_type): (_, &[u8], &[u8]) = match self.source {
            ResponseSource::Upstream(head) => (Some(head), b"", b""),
            ResponseSource::Own { lines, content_type } => (None, lines, content_type),
        };
        let upstream = head.into_iter().flat_map(ResponseHead::fields);
        let content_type = Some(content_type).filter(|value| !value.is_empty());
        upstream
            .map(|field| (field.name, field.value))
            .chain(content_type.map(|value| (&b"Content-Type"[..], value)))
            .chain(lines.split(|byte| *byte == b'\n').filter_map(parts))
    }

    /// Writes a field for the client, in place of all lines of it.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        self.edit().set(name, value)
    }

    /// Writes one more line of a field for the client.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        self.edit().append(name, value)
    }

    /// Keeps all lines of a field from the client.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may remove.
    pub fn remove(&mut self, name: &str) -> Result<(), FieldInvalid> {
        self.edit().remove(name)
    }

    fn edit(&mut self) -> FieldEdits<'_> {
        FieldEdits { changes: self.changes, is_request: false }
    }
}

/// Changes of the fields of one head. What holds for one connection and what says where a message
/// ends is the gateway's own to write, and so is a request's `Host`.
pub struct FieldEdits<'a> {
    changes: &'a mut HeadChanges,
    is_request: bool,
}

impl FieldEdits<'_> {
    /// Writes a field in place of all lines of it.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        let value = value.as_ref();
        fault_of(name, value, self.is_request)?;
        self.changes.set(name.as_bytes(), value);
        Ok(())
    }

    /// Writes one more line of a field.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may write.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldInvalid> {
        let value = value.as_ref();
        fault_of(name, value, self.is_request)?;
        self.changes.append(name.as_bytes(), value);
        Ok(())
    }

    /// Leaves out all lines of a field.
    ///
    /// # Errors
    /// [`FieldInvalid`]: it is none that a filter may remove.
    pub fn remove(&mut self, name: &str) -> Result<(), FieldInvalid> {
        fault_of(name, b"", self.is_request)?;
        self.changes.remove(name.as_bytes());
        Ok(())
    }
}

/// Why a field cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldInvalid {
    /// The name is none (RFC 9110 section 5.1).
    #[error("it is no name of a field")]
    Name,
    /// The value has a control character (RFC 9110 section 5.5), such as the end of a line.
    #[error("a value of a field has no control characters")]
    Value,
    /// The gateway writes this field itself.
    #[error("the gateway writes this field itself")]
    Reserved,
}

/// What is wrong with a field that a filter wants to write.
pub(super) fn fault_of(name: &str, value: &[u8], is_request: bool) -> Result<(), FieldInvalid> {
    let name = name.as_bytes();
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err(FieldInvalid::Name);
    }
    let id = match FieldId::of(name) {
        FieldId::Other => FieldId::of_twin(name),
        known => known,
    };
    let is_of_connection =
        HOP_BY_HOP.contains(id) || matches!(id, FieldId::Trailer | FieldId::Expect);
    if FRAMING.contains(id) || is_of_connection || (is_request && id == FieldId::Host) {
        return Err(FieldInvalid::Reserved);
    }
    match value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()) {
        true => Ok(()),
        false => Err(FieldInvalid::Value),
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn named<'a>(
    fields: impl Iterator<Item = Field<'a>>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let named = move |field: &Field<'a>| field.name.eq_ignore_ascii_case(name.as_bytes());
    fields.filter(named).map(|field| field.value)
}

/// Name and value of a line.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}
