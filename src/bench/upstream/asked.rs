//! One request as it was understood: everything that follows from its head alone, so that the same
//! head again needs no second look.

use crate::http::field::FieldId;
use crate::http::framing::{self, Body};
use crate::http::h1::encode::decimal;
use crate::http::head::{RequestHead, Version};
use crate::http::method::Method;
use crate::http::status::Status;

use super::behaviour::{Behaviour, Coding, Content, Defaults, SMALL_BYTES};
use super::filler;

use std::fmt::{Debug, Write as _};
use std::sync::LazyLock;

/// What a head says.
pub(super) struct Asked {
    pub(super) behaviour: Behaviour,
    pub(super) is_head: bool,
    pub(super) version: Version,
    pub(super) keeps_alive: bool,
    pub(super) body: Body,
    pub(super) expects_continue: bool,
    /// What a description begins with; empty where none is asked for.
    pub(super) description: String,
}

/// What the head of an answer says beside its status.
pub(super) struct Declared {
    pub(super) status: Status,
    /// Bytes of the body, where they are known.
    pub(super) length: Option<u64>,
    pub(super) is_chunked: bool,
}

impl Asked {
    /// Reads what a complete head asks for.
    pub(super) fn of(head: RequestHead<'_>, defaults: &Defaults) -> Asked {
        let body = match framing::request(head) {
            Ok(body) => body,
            Err(fault) => return Asked::refused(fault.status(), &fault),
        };
        let mut behaviour = Behaviour::of(head.path(), head.query(), defaults);
        if head.version() == Version::Http10 && matches!(behaviour.coding, Coding::Chunked(_)) {
            // RFC 9112 section 6.1: chunks are for 1.1 alone.
            behaviour.coding = Coding::UntilClose;
        }
        let expects = head.all(FieldId::Expect).any(|value| {
            value.eq_ignore_ascii_case(b"100-continue") && head.version() == Version::Http11
        });
        let has_body = !matches!(body, Body::Empty | Body::Length(0));
        let description = match &behaviour.content {
            Content::Description(name) => describe(name, head),
            Content::Filler(_) | Content::Echo | Content::Text(_) => String::new(),
        };
        let ends = behaviour.close || behaviour.coding == Coding::UntilClose;
        Asked {
            is_head: head.method() == Method::HEAD,
            version: head.version(),
            keeps_alive: framing::request_keeps_alive(head) && !ends,
            body,
            expects_continue: expects && has_body,
            description,
            behaviour,
        }
    }

    /// A request that is not understood: the connection ends with its answer.
    pub(super) fn refused(status: Status, fault: &impl Debug) -> Asked {
        let behaviour = Behaviour::refusal(format!("the request is refused: {fault:?}"));
        Asked {
            behaviour: Behaviour { status, ..behaviour },
            is_head: false,
            version: Version::Http11,
            keeps_alive: false,
            body: Body::Empty,
            expects_continue: false,
            description: String::new(),
        }
    }

    /// The whole answer, where it is always the same and comes at once.
    pub(super) fn fixed(&self) -> Option<&'static [u8]> {
        let Behaviour { status, content, coding, delay, failure, bytes_per_second, close } =
            &self.behaviour;
        let is_small = *content == Content::Filler(SMALL_BYTES) && *status == Status::OK;
        let is_plain = delay.is_none() && failure.is_none() && bytes_per_second.is_none();
        let is_framed = *coding == Coding::Length && self.keeps_alive && !close;
        let is_usual = self.version == Version::Http11 && !self.is_head && self.body == Body::Empty;
        (is_small && is_plain && is_framed && is_usual).then(|| SMALL.as_slice())
    }

    /// Writes the head of an answer to this request.
    pub(super) fn encode(&self, declared: &Declared, out: &mut Vec<u8>) {
        let name = match &self.behaviour.content {
            Content::Description(name) => name,
            Content::Filler(_) | Content::Echo | Content::Text(_) => SERVER,
        };
        let connection = match self.version {
            _ if !self.keeps_alive => Some("close"),
            // RFC 9112 appendix C.2.2: a client of 1.0 keeps it only where it is told to.
            Version::Http10 => Some("keep-alive"),
            Version::Http11 => None,
        };
        encode(name, connection, declared, out);
    }
}

fn encode(server: &str, connection: Option<&str>, declared: &Declared, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&declared.status.digits());
    out.push(b' ');
    out.extend_from_slice(declared.status.reason().as_bytes());
    out.extend_from_slice(b"\r\nServer: ");
    out.extend_from_slice(server.as_bytes());
    out.extend_from_slice(DATE_AND_TYPE);
    // RFC 9110 section 8.6: no length where there can be no body.
    if declared.is_chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    } else if let Some(length) = declared.length
        && !declared.status.is_bodyless()
    {
        out.extend_from_slice(b"Content-Length: ");
        decimal(length, out);
        out.extend_from_slice(b"\r\n");
    }
    if let Some(connection) = connection {
        out.extend_from_slice(b"Connection: ");
        out.extend_from_slice(connection.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// The answer that most measurements ask for.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut answer = Vec::new();
    let declared = Declared { status: Status::OK, length: Some(SMALL_BYTES), is_chunked: false };
    encode(SERVER, None, &declared, &mut answer);
    answer.extend_from_slice(&filler()[..SMALL_BYTES as usize]);
    answer
});

/// The method, the target and the fields, a line each.
fn describe(name: &str, head: RequestHead<'_>) -> String {
    let target = String::from_utf8_lossy(head.target());
    let mut text = format!("{name} was asked: {} {target}\n", head.method());
    for field in head.fields() {
        let (name, value) =
            (String::from_utf8_lossy(field.name), String::from_utf8_lossy(field.value));
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name}: {value}");
    }
    text
}

const SERVER: &str = "lab";

/// The date stands still: what is measured has the bytes of a real answer without a clock.
const DATE_AND_TYPE: &[u8] =
    b"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\n";
