//! What a route does with its requests, and around that.

use super::filter::Chain;
use super::template::{RequestId, Template, Values};
use super::{ClusterId, Files, Rewrite, Timeouts};
use crate::http::field::{FieldId, FieldNames};
use crate::http::head::RequestHead;
use crate::http::status::Status;
use crate::http::target::authority_is_valid;
use crate::limits;
use std::fmt;

/// What becomes of a request.
#[derive(Debug)]
pub enum Action {
    /// It goes to one cluster.
    Cluster(ClusterId),
    /// It goes to one of several clusters.
    Split(Box<Split>),
    /// The client is sent elsewhere.
    Redirect(Box<Redirect>),
    /// It is answered with the same bytes always.
    Respond(Box<Respond>),
    /// It is answered with a file.
    Files(Box<Files>),
}

/// Clusters that share a route's requests by weight.
#[derive(Debug)]
pub struct Split {
    /// Those with a weight, in the order of the configuration.
    pub shares: Box<[Share]>,
    /// The sum of all weights, at least 1.
    pub weights_sum: u64,
}

/// One cluster's part of a [`Split`].
#[derive(Debug)]
pub struct Share {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its weight, at least 1.
    pub weight: u32,
    /// The route's timeouts above this cluster's.
    pub timeouts: Timeouts,
}

impl Split {
    /// The place of the share that a number below [`Split::weights_sum`] falls into.
    pub fn pick(&self, number: u64) -> usize {
        let mut rest = number;
        for (index, share) in self.shares.iter().enumerate() {
            match rest.checked_sub(u64::from(share.weight)) {
                Some(behind) => rest = behind,
                None => return index,
            }
        }
        0
    }
}

/// An answer that sends the client elsewhere.
#[derive(Debug)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: Status,
    /// `Location`.
    pub to: Template,
}

/// A redirect would lead to a host that there cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHost;

impl Redirect {
    /// Appends where it leads.
    ///
    /// # Errors
    /// [`NoHost`] where the request names no host and the redirect wants one, or where values make
    /// no name of a host.
    pub fn write(&self, values: &Values<'_>, out: &mut Vec<u8>) -> Result<(), NoHost> {
        if self.to.needs_host() && values.request.authority().is_none() {
            return Err(NoHost);
        }
        let from = out.len();
        self.to.write(values, out);
        let written = out.get(from..).unwrap_or_default();
        if self.to.chooses_host() && !has_host(written) { Err(NoHost) } else { Ok(()) }
    }
}

/// Whether a URI's host, which values are a part of, can be one: none of its labels is empty.
fn has_host(uri: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(uri, b"://") else { return false };
    let rest = uri.get(at + 3..).unwrap_or_default();
    let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    authority_is_valid(authority)
        && !authority.starts_with(b".")
        && !authority.starts_with(b"-")
        && memchr::memmem::find(authority, b"..").is_none()
}

/// An answer that is always the same.
#[derive(Debug)]
pub struct Respond {
    /// Its status.
    pub status: Status,
    /// Its body, at most [`crate::limits::RESPOND_BODY_BYTES_MAX`].
    pub body: Box<[u8]>,
    /// `Content-Type`, where there is a body.
    pub content_type: Box<[u8]>,
}

/// What few routes have, so that the others do not carry it.
#[derive(Debug, Default)]
pub struct Extra {
    /// Another path for the upstream.
    pub rewrite: Option<Rewrite>,
    /// Another `Host` for the upstream.
    pub host: Option<Template>,
    /// Changes of the request's fields.
    pub request: Edits,
    /// Changes of the answer's fields.
    pub response: Edits,
    /// From when on the version that it serves is gone: seconds since 1970.
    pub gone_at: Option<u64>,
    /// Filters.
    pub chain: Option<Chain>,
}

/// Changes of a head's fields.
#[derive(Debug, Default)]
pub struct Edits {
    /// Fields that are left out: those that are removed, and those that are set anew.
    pub drop: FieldNames,
    /// Fields that are written.
    pub lines: Lines,
    /// Whether the request's id is written too.
    pub writes_id: bool,
}

/// Fields that are written, in their order.
#[derive(Default)]
pub struct Lines {
    each: Box<[Line]>,
    /// All of them as they are written, where no value has a variable.
    text: Option<Box<[u8]>>,
}

impl Lines {
    /// These.
    pub fn new(each: Vec<Line>) -> Lines {
        let mut text = Some(Vec::new());
        for line in &each {
            match (&mut text, line.value.literal()) {
                (Some(_), Some(b"")) => {}
                (Some(text), Some(value)) => {
                    text.extend_from_slice(&line.name);
                    text.extend_from_slice(value);
                    text.extend_from_slice(b"\r\n");
                }
                (None, _) | (_, None) => text = None,
            }
        }
        Lines { each: each.into(), text: text.map(Vec::into_boxed_slice) }
    }

    /// One by one.
    pub fn into_vec(self) -> Vec<Line> {
        self.each.into_vec()
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Line> {
        self.each.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Appends them, each with its CRLF. What variables stand for is asked only where there are
    /// some.
    pub fn write<'v>(&self, values: impl FnOnce() -> Values<'v>, out: &mut Vec<u8>) {
        match &self.text {
            Some(text) => out.extend_from_slice(text),
            None => self.write_each(&values(), out),
        }
    }

    fn write_each(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        for line in &self.each {
            let from = out.len();
            out.extend_from_slice(&line.name);
            let value_at = out.len();
            line.value.write(values, out);
            if out.len() == value_at {
                out.truncate(from);
            } else {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

impl fmt::Debug for Lines {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.each).finish()
    }
}

/// A field that is written. It is left out where its value comes to nothing.
pub struct Line {
    /// Its name with the colon and the space behind it.
    pub name: Box<[u8]>,
    /// Its value.
    pub value: Template,
}

impl fmt::Debug for Line {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({}…)", self.name.escape_ascii())
    }
}

/// Where a request's id is sent and taken from.
#[derive(Debug)]
pub struct RequestIdField {
    /// The field's number, if it has one.
    pub id: FieldId,
    /// Its name with the colon and the space behind it.
    pub name: Box<[u8]>,
    /// As a set, for what is left out where the gateway writes its own.
    pub names: FieldNames,
    /// Whether the id that a trusted proxy sent is kept.
    pub trust: bool,
    /// Whether the answer carries it too.
    pub respond: bool,
}

impl RequestIdField {
    /// The field's name.
    pub fn field(&self) -> &[u8] {
        self.name.strip_suffix(b": ").unwrap_or(&self.name)
    }

    /// The id that a request came with, where it is one that may be kept: of printable characters
    /// without quotes, commas and semicolons, so that no log and no list reads it in another way.
    pub fn received<'a>(&self, request: RequestHead<'a>) -> Option<&'a [u8]> {
        let value = match self.id {
            FieldId::Other => {
                let is_it = |name: &[u8]| name.eq_ignore_ascii_case(self.field());
                request.fields().find(|field| is_it(field.name))?.value
            }
            id => request.first(id)?,
        };
        let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:+/=@".contains(byte);
        let bytes = 1..=limits::REQUEST_ID_BYTES_MAX;
        (bytes.contains(&value.len()) && value.iter().all(is_fit)).then_some(value)
    }

    /// Appends the line.
    pub fn write(&self, id: RequestId<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.name);
        id.write(out);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_no_empty_label() {
        for uri in ["https://a.example.com/x", "http://a:8080", "http://[::1]:80/", "http://a.?b"] {
            assert!(has_host(uri.as_bytes()), "{uri}");
        }
        for uri in [
            "https://.example.com/",
            "https://-x.example.com/",
            "https://a..example.com/",
            "https://a%3A80.example.com/",
            "https:///x",
        ] {
            assert!(!has_host(uri.as_bytes()), "{uri}");
        }
    }
}
