//! What is said of a file: its validators, what part of it is asked for, and the head of the
//! answer.

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::http::conditional::{self, Validators, Verdict};
use crate::http::date;
use crate::http::field::FieldId;
use crate::http::h1::encode::decimal;
use crate::http::h1::reply::{self, Outline};
use crate::http::head::Version;
use crate::http::method::Method;
use crate::http::range::{self, Asked};
use crate::http::status::Status;
use crate::runtime::{Metadata, Segment};
use crate::snapshot::Action;

use super::super::exchange::{Client, Exchange};
use super::super::failure::Failure;
use super::super::filter::{self, Shown};
use super::super::worker::Worker;
use super::Opened;

use smallvec::SmallVec;

/// What is answered, and which part of the file follows the head.
pub(super) struct Body {
    pub(super) status: Status,
    /// Where the part begins.
    pub(super) offset: u64,
    /// The bytes that follow; none of HEAD.
    pub(super) bytes: u64,
    /// What the head declares.
    declared_bytes: u64,
    etag: Etag,
    modified_seconds: Option<u64>,
}

/// `"mtime-size-inode"` in hexadecimal digits, the time in nanoseconds.
type Etag = SmallVec<[u8; 56]>;

/// Judges what the request says of the file that it wants.
pub(super) fn judge(
    worker: &Worker,
    exchange: &mut Exchange,
    opened: &Opened,
) -> Result<Body, Failure> {
    let now_seconds = worker.runtime.wall().seconds;
    let metadata = &opened.metadata;
    let etag = etag(metadata);
    // RFC 9110 section 8.8.2.1: not later than the answer. Before 1970 there is no date to tell.
    let modified = u64::try_from(metadata.modified_seconds).ok();
    let modified_seconds = modified.map(|seconds| seconds.min(now_seconds));
    let request = exchange.request();
    let validators = Validators { etag: &etag, modified_seconds };
    let is_head = exchange.facts.method == Method::HEAD;
    let (status, offset, declared_bytes) = match conditional::evaluate(request, &validators) {
        Verdict::Failed => return Err(Failure::new(Reason::PreconditionFailed)),
        Verdict::NotModified => (Status::NOT_MODIFIED, 0, 0),
        Verdict::Proceed => {
            // RFC 9110 section 14.2: only GET has parts. A field that stands there twice is as good
            // as several ranges.
            let mut ranges = request.all(FieldId::Range);
            let asked = match (ranges.next(), ranges.next()) {
                (Some(value), None)
                    if !is_head && conditional::range_holds(request, &validators, now_seconds) =>
                {
                    range::parse(value, metadata.bytes)
                }
                (_, _) => Asked::Whole,
            };
            match asked {
                Asked::Whole => (Status::OK, 0, metadata.bytes),
                Asked::Part { first, bytes } => (Status::PARTIAL_CONTENT, first, bytes),
                Asked::Unsatisfiable => (Status::RANGE_NOT_SATISFIABLE, 0, 0),
            }
        }
    };
    if status == Status::RANGE_NOT_SATISFIABLE {
        exchange.facts.file_bytes = metadata.bytes;
        return Err(Failure::new(Reason::RangeNotSatisfiable));
    }
    let bytes = if is_head { 0 } else { declared_bytes };
    Ok(Body { status, offset, bytes, declared_bytes, etag, modified_seconds })
}

fn etag(metadata: &Metadata) -> Etag {
    let seconds = metadata.modified_seconds.cast_unsigned();
    let nanos = seconds.wrapping_mul(1_000_000_000).wrapping_add(metadata.modified_nanos.into());
    let mut etag = Etag::new();
    etag.push(b'"');
    for (number, end) in [(nanos, b'-'), (metadata.bytes, b'-'), (metadata.inode, b'"')] {
        let digits_count = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
        for place in (0..digits_count).rev() {
            etag.push(b"0123456789abcdef"[(number >> (4 * place) & 15) as usize]);
        }
        etag.push(end);
    }
    etag
}

/// Writes the head, unless a filter has another answer.
///
/// # Errors
/// That one waits in the passage.
pub(super) fn write(
    worker: &Worker,
    exchange: &mut Exchange,
    opened: &Opened,
    body: &Body,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut lines = std::mem::take(&mut exchange.lines);
    lines.clear();
    lines.extend_from_slice(b"ETag: ");
    lines.extend_from_slice(&body.etag);
    if let Some(seconds) = body.modified_seconds {
        lines.extend_from_slice(b"\r\nLast-Modified: ");
        lines.extend_from_slice(&date::imf_fixdate(seconds));
    }
    let route = exchange.route().map(|route| &route.action);
    if let Some(Action::Files(files)) = route
        && let Some(value) = &files.cache_control
    {
        lines.extend_from_slice(b"\r\nCache-Control: ");
        lines.extend_from_slice(value);
    }
    if body.status != Status::NOT_MODIFIED {
        lines.extend_from_slice(b"\r\nAccept-Ranges: bytes");
    }
    if body.status == Status::PARTIAL_CONTENT {
        lines.extend_from_slice(b"\r\nContent-Range: bytes ");
        decimal(body.offset, &mut lines);
        lines.push(b'-');
        // A part has at least one byte.
        decimal(body.offset + body.declared_bytes - 1, &mut lines);
        lines.push(b'/');
        decimal(opened.metadata.bytes, &mut lines);
    }
    lines.extend_from_slice(b"\r\n");
    let kind = (body.status, body.declared_bytes);
    let shown = (body.status, Reason::FileServed);
    let written = show(worker, exchange, shown, &lines, opened.content_type);
    if written.is_ok() {
        finish(worker, exchange, kind, opened.content_type, &mut lines, out);
    }
    exchange.lines = lines;
    written
}

/// Shows the answer to the route's filters.
fn show(
    worker: &Worker,
    exchange: &mut Exchange,
    kind: (Status, Reason),
    lines: &[u8],
    content_type: &str,
) -> Result<(), Failure> {
    if !exchange.facts.is_filtered {
        return Ok(());
    }
    let shown = Shown::own(kind, lines, content_type.as_bytes());
    match filter::response(worker, exchange, &shown) {
        Some(other) => {
            let failure = Failure::new(other.reason);
            exchange.passage.instead = Some(Box::new(other));
            Err(failure)
        }
        None => Ok(()),
    }
}

/// Writes the head with these lines and what the route changes.
fn finish(
    worker: &Worker,
    exchange: &Exchange,
    (status, body_bytes): (Status, u64),
    content_type: &'static str,
    lines: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    exchange.tell_reason(worker, Reason::FileServed, lines);
    let own = exchange.own_lines(worker, lines);
    let facts = &exchange.facts;
    if facts.keep_alive && facts.version == Version::Http10 {
        lines.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    let date = date::imf_fixdate(worker.runtime.wall().seconds);
    let outline = Outline {
        status,
        content_type: if own.content_type { content_type.as_bytes() } else { b"" },
        body_bytes,
        date: if own.date { &date } else { b"" },
        close: !facts.keep_alive,
        append: lines,
    };
    reply::encode_outline(&outline, out);
}

/// Sends the client to the same path with a slash behind it, where its relative links are right.
///
/// # Errors
/// A filter has another answer, which waits in the passage.
pub(super) fn to_folder(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    let mut lines = std::mem::take(&mut exchange.lines);
    lines.clear();
    lines.extend_from_slice(b"Location: /");
    // A second slash in front would make the next segment a host.
    let path = exchange.canonical_path();
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    lines.extend_from_slice(path.get(start..).unwrap_or_default());
    lines.push(b'/');
    if let Some(query) = exchange.request().query() {
        lines.push(b'?');
        lines.extend_from_slice(query);
    }
    lines.extend_from_slice(b"\r\n");
    let status = Status::PERMANENT_REDIRECT;
    if let Err(failure) = show(worker, exchange, (status, Reason::Redirected), &lines, "") {
        exchange.lines = lines;
        return Err(failure);
    }
    let mut block = worker.runtime.blocks().take();
    finish(worker, exchange, (status, 0), "", &mut lines, &mut block);
    exchange.lines = lines;
    let facts = &mut exchange.facts;
    facts.reason = Reason::Redirected;
    facts.status = status.code();
    facts.response_began = true;
    client.socket.push(Segment::Block(block));
    worker.stepped(facts, Stage::Answer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Kind;

    fn metadata(seconds: i64, nanos: u32, bytes: u64, inode: u64) -> Metadata {
        Metadata {
            kind: Kind::Regular,
            bytes,
            modified_seconds: seconds,
            modified_nanos: nanos,
            inode,
        }
    }

    #[test]
    fn a_tag_tells_time_size_and_inode() {
        let tag = |metadata| String::from_utf8(etag(&metadata).to_vec()).expect("ASCII");
        assert_eq!(tag(metadata(1, 5, 16, 0)), "\"3b9aca05-10-0\"");
        assert_eq!(tag(metadata(0, 0, 0, 1)), "\"0-0-1\"");
        assert_ne!(tag(metadata(1, 5, 16, 0)), tag(metadata(1, 6, 16, 0)));
        let longest = tag(metadata(-1, 999_999_999, u64::MAX, u64::MAX));
        assert!(longest.len() <= 56, "{longest}");
        assert_eq!(longest, "\"ffffffffffffffff-ffffffffffffffff-ffffffffffffffff\"");
    }
}
