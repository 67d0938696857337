//! Heads as the gateway sends them: written from what was understood.
//!
//! A line that already stands as it would be written is copied together with its neighbours; the
//! bytes are the same, only the copies are fewer.

use crate::http::field::{FRAMING, FieldId, FieldSet, HOP_BY_HOP, is_among, is_one_of};
use crate::http::framing::{self, Body};
use crate::http::head::{Form, HeadIndex, RequestHead, ResponseHead, Slot, Version, list};
use crate::http::method::Method;
use crate::http::status::Status;

/// How a head differs from the one received, beyond what always differs: hop-by-hop fields, fields
/// that `Connection` names, and those of framing are never passed on.
#[derive(Clone, Copy, Debug)]
pub struct Edits<'a> {
    /// Fields that are left out as well, also where `_` stands for `-` in their names.
    pub drop: FieldSet,
    /// Names of fields without a number that are left out as well.
    pub others: Others<'a>,
    /// The framing that the new head declares.
    pub framing: Framing,
    /// Whole lines, each `Name: value` with its CRLF, that stand behind the others.
    pub append: &'a [u8],
}

/// Names of fields without a number, in lower case with `-` for `_`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Others<'a> {
    /// Some of them: `FieldNames::others`.
    pub fixed: &'a [Box<[u8]>],
    /// More of them, each with a line end.
    pub more: &'a [u8],
}

impl Others<'_> {
    /// No name.
    pub const NONE: Others<'static> = Others { fixed: &[], more: &[] };

    /// Whether a field without a number is left out: it is one of these, or `_` makes its name that
    /// of a well-known one that is.
    #[inline]
    fn leave_out(&self, name: &[u8], drop: FieldSet) -> bool {
        drop.contains(FieldId::of_twin(name)) || (!self.are_none() && self.contain(name))
    }

    /// Whether a name, in any case, is one of them.
    fn contain(&self, name: &[u8]) -> bool {
        is_one_of(name, self.fixed) || is_among(name, self.more)
    }

    fn are_none(&self) -> bool {
        self.fixed.is_empty() && self.more.is_empty()
    }
}

/// What a head says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing.
    None,
    /// `Content-Length`
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
}

/// Which target a request is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The one received, in origin-form (RFC 9112 section 3.2.1), or `*`.
    Received,
    /// Another: origin-form, ready to be sent.
    Rewritten(&'a [u8]),
}

impl From<Body> for Framing {
    /// The framing that declares a body as it came. A body that ends with the connection declares
    /// nothing.
    fn from(body: Body) -> Framing {
        match body {
            Body::Empty | Body::UntilClose => Framing::None,
            Body::Length(length) => Framing::Length(length),
            Body::Chunked => Framing::Chunked,
        }
    }
}

impl Framing {
    /// What the head of a response declares to a client of version `client`, where `body` is what
    /// `framing::response` gave. To HTTP/1.0 a body without a length declares nothing and ends with
    /// the connection.
    pub fn of_response(
        method: Method,
        head: ResponseHead<'_>,
        body: Body,
        client: Version,
    ) -> Framing {
        let without_length = match client {
            Version::Http11 => Framing::Chunked,
            Version::Http10 => Framing::None,
        };
        match body {
            Body::Length(length) => Framing::Length(length),
            Body::Chunked | Body::UntilClose => without_length,
            // RFC 9110 section 8.6: the length that a GET would have had is passed on, but 1xx and
            // 204 have none.
            Body::Empty if method == Method::HEAD || head.status() == Status::NOT_MODIFIED => {
                match framing::response_declared(head) {
                    Ok(Some(Body::Length(length))) => Framing::Length(length),
                    Ok(Some(Body::Chunked)) => without_length,
                    Ok(Some(Body::Empty | Body::UntilClose) | None) | Err(_) => Framing::None,
                }
            }
            Body::Empty => Framing::None,
        }
    }
}

/// Appends a request's head. `host` is the value of its `Host` line.
pub fn request(
    head: RequestHead<'_>,
    target: Target<'_>,
    host: &[u8],
    edits: &Edits<'_>,
    out: &mut Vec<u8>,
) {
    out.reserve(head.bytes().len() + edits.append.len() + ROOM_BYTES);
    out.extend_from_slice(head.method().as_str().as_bytes());
    out.push(b' ');
    match target {
        Target::Received => received_target(head, out),
        Target::Rewritten(target) => out.extend_from_slice(target),
    }
    out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    out.extend_from_slice(host);
    out.extend_from_slice(b"\r\n");
    // RFC 9112 section 3.2.2: a received Host is replaced, also where it says the same.
    let drop = edits.drop.with(FieldId::Host);
    fields(head.bytes(), head.index(), drop, edits.others, out);
    finish(edits, out);
}

/// Appends a response's head. The version is the gateway's own (RFC 9110 section 2.5).
pub fn response(head: ResponseHead<'_>, edits: &Edits<'_>, out: &mut Vec<u8>) {
    out.reserve(head.bytes().len() + edits.append.len() + ROOM_BYTES);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&head.status().digits());
    out.push(b' ');
    out.extend_from_slice(head.reason());
    out.extend_from_slice(b"\r\n");
    fields(head.bytes(), head.index(), edits.drop, edits.others, out);
    finish(edits, out);
}

/// Takes out of whole lines, each with its CRLF, those that a head would lose: of trailers, which
/// many a reader takes for a part of the head.
pub fn strip(lines: &mut Vec<u8>, drop: FieldSet, others: Others<'_>) {
    let mut at = 0;
    while let Some(feed) = memchr::memchr(b'\n', lines.get(at..).unwrap_or_default()) {
        let end = at + feed + 1;
        let name = lines[at..end].split(|byte| *byte == b':').next().unwrap_or_default();
        let is_dropped = match FieldId::of(name) {
            FieldId::Other => others.leave_out(name, drop),
            known => drop.contains(known),
        };
        if is_dropped {
            std::mem::drop(lines.drain(at..end));
        } else {
            at = end;
        }
    }
}

/// Appends a number in decimal digits.
pub fn decimal(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut at = digits.len();
    loop {
        at -= 1;
        // Below 10, so the cast keeps the value.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Room for what a head gains: the framing line, `Host` and the first line's fixed parts.
const ROOM_BYTES: usize = 320;

fn received_target(head: RequestHead<'_>, out: &mut Vec<u8>) {
    match head.form() {
        Form::Origin | Form::Asterisk => out.extend_from_slice(head.target()),
        Form::Absolute => {
            let start = head.index().start;
            // RFC 9112 section 3.2.4: OPTIONS for a whole server, spelled as an absolute target
            // with neither path nor query, becomes an asterisk at the last proxy.
            let is_for_server = start.path.start == start.path.end && start.query.is_none();
            if is_for_server && head.method() == Method::OPTIONS {
                out.push(b'*');
                return;
            }
            out.extend_from_slice(head.path());
            if let Some(query) = head.query() {
                out.push(b'?');
                out.extend_from_slice(query);
            }
        }
    }
}

/// Appends the lines that are kept, neighbours that need no change as one range.
fn fields(bytes: &[u8], index: &HeadIndex, drop: FieldSet, others: Others<'_>, out: &mut Vec<u8>) {
    let twins = drop;
    let drop = drop.union(HOP_BY_HOP).union(FRAMING).union(index.listed);
    let mut run = 0..0;
    for slot in &index.fields {
        let is_dropped = match slot.id {
            FieldId::Other => {
                is_listed_by_name(bytes, index, slot) || others.leave_out(slot.name(bytes), twins)
            }
            known => drop.contains(known),
        };
        let (start, end) = line_of(slot);
        if !is_dropped && slot.canonical {
            if run.end != start {
                out.extend_from_slice(bytes.get(run).unwrap_or_default());
                run = start..start;
            }
            run.end = end;
            continue;
        }
        out.extend_from_slice(bytes.get(run).unwrap_or_default());
        run = end..end;
        if !is_dropped {
            line(bytes, slot, out);
        }
    }
    out.extend_from_slice(bytes.get(run).unwrap_or_default());
}

/// Start and end of a canonical line with its CRLF.
#[inline]
fn line_of(slot: &Slot) -> (usize, usize) {
    let start = slot.line_start as usize;
    let value_bytes = usize::from(slot.value_offset) + usize::from(slot.value_bytes);
    (start, start + value_bytes + b"\r\n".len())
}

fn line(bytes: &[u8], slot: &Slot, out: &mut Vec<u8>) {
    out.extend_from_slice(slot.name(bytes));
    out.extend_from_slice(b": ");
    out.extend_from_slice(slot.value(bytes));
    out.extend_from_slice(b"\r\n");
}

/// RFC 9110 section 7.6.1: what `Connection` names is meant for the gateway alone. Known names are
/// bits of `listed`; the others are compared.
#[inline]
fn is_listed_by_name(bytes: &[u8], index: &HeadIndex, slot: &Slot) -> bool {
    if !index.connection.others {
        return false;
    }
    let name = slot.name(bytes);
    let mut options = index.all(bytes, FieldId::Connection).flat_map(list);
    options.any(|option| option.eq_ignore_ascii_case(name))
}

fn finish(edits: &Edits<'_>, out: &mut Vec<u8>) {
    match edits.framing {
        Framing::None => {}
        Framing::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            decimal(length, out);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    out.extend_from_slice(edits.append);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};

    const NO_EDITS: Edits<'_> =
        Edits { drop: FieldSet::EMPTY, others: Others::NONE, framing: Framing::None, append: b"" };

    fn encoded(bytes: &str, target: Target<'_>, edits: &Edits<'_>) -> String {
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        let head = RequestHead::new(bytes.as_bytes(), &index);
        let mut out = Vec::new();
        request(head, target, head.authority().unwrap_or_default(), edits, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn kept_lines_pass_byte_by_byte() {
        let bytes = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\n\r\n";
        assert_eq!(encoded(bytes, Target::Received, &NO_EDITS), bytes);
    }

    #[test]
    fn dropped_lines_leave_no_trace_wherever_they_stand() {
        let bytes = "GET / HTTP/1.1\r\nCookie: 1\r\nHost: a\r\nA: b\r\nCookie: 2\r\nB:c\r\n\
            C: d\r\nCookie: 3\r\n\r\n";
        let edits = Edits { drop: FieldSet::of(&[FieldId::Cookie]), ..NO_EDITS };
        let expected = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nB: c\r\nC: d\r\n\r\n";
        assert_eq!(encoded(bytes, Target::Received, &edits), expected);
    }

    #[test]
    fn twins_of_dropped_lines_are_dropped_as_well() {
        let bytes =
            "GET / HTTP/1.1\r\nHost: a\r\nX_Real-IP: 1\r\nX_Other: 2\r\nx_real_ip:3\r\n\r\n";
        let edits = Edits { drop: FieldSet::of(&[FieldId::XRealIp]), ..NO_EDITS };
        let expected = "GET / HTTP/1.1\r\nHost: a\r\nX_Other: 2\r\n\r\n";
        assert_eq!(encoded(bytes, Target::Received, &edits), expected);
        assert!(encoded(bytes, Target::Received, &NO_EDITS).contains("x_real_ip: 3"));
    }

    #[test]
    fn names_without_a_number_are_dropped_in_any_spelling() {
        let bytes = "GET / HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\nx_own: 2\r\nX-Owner: 3\r\n\r\n";
        let mut names = crate::http::field::FieldNames::default();
        names.insert("x-OWN");
        let edits = Edits { others: Others { fixed: names.others(), more: &[] }, ..NO_EDITS };
        let expected = "GET / HTTP/1.1\r\nHost: a\r\nX-Owner: 3\r\n\r\n";
        assert_eq!(encoded(bytes, Target::Received, &edits), expected);
    }

    #[test]
    fn lines_are_stripped_by_the_same_rule() {
        let mut names = crate::http::field::FieldNames::default();
        names.insert("X-Own");
        let others = Others { fixed: names.others(), more: b"x-more\n" };
        let drop = FieldSet::of(&[FieldId::XFrameOptions]);
        let mut lines = b"X-Sum: 1\r\nx_own: 2\r\nX-OWN: 3\r\nX-More: 4\r\nx_frame-OPTIONS: 5\r\n\
            X-Frame-Options: 6\r\nX-Owner: 7\r\nETag: 8\r\n"
            .to_vec();
        strip(&mut lines, FieldSet::EMPTY, Others::NONE);
        assert_eq!(lines.len(), 102);
        strip(&mut lines, drop, others);
        assert_eq!(lines, b"X-Sum: 1\r\nX-Owner: 7\r\nETag: 8\r\n");
    }

    #[test]
    fn framing_and_appended_lines_stand_at_the_end() {
        let bytes = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\nA: b\r\n\r\n";
        let edits = Edits { framing: Framing::Length(7), append: b"Via: 1.1 frys\r\n", ..NO_EDITS };
        let expected = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 7\r\n\
            Via: 1.1 frys\r\n\r\n";
        assert_eq!(encoded(bytes, Target::Received, &edits), expected);
    }

    #[test]
    fn a_rewritten_target_takes_the_place_of_the_received_one() {
        let bytes = "GET http://a/old HTTP/1.1\r\nHost: a\r\n\r\n";
        let text = encoded(bytes, Target::Rewritten(b"/new?x"), &NO_EDITS);
        assert_eq!(text, "GET /new?x HTTP/1.1\r\nHost: a\r\n\r\n");
    }

    #[test]
    fn a_body_without_length_is_chunked_for_1_1_and_bare_for_1_0() {
        let bytes = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut index = HeadIndex::new();
        parse::response(bytes, &HeadLimits::default(), &mut index).unwrap();
        let head = ResponseHead::new(bytes, &index);
        let framing = |client| Framing::of_response(Method::GET, head, Body::UntilClose, client);
        assert_eq!(framing(Version::Http11), Framing::Chunked);
        assert_eq!(framing(Version::Http10), Framing::None);
    }

    #[test]
    fn numbers_are_written_as_std_writes_them() {
        for number in [0, 9, 10, 99, 100, 1234, u64::MAX] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
