//! Answers that the gateway makes itself: small, plain, with a length.

use crate::http::h1::encode::decimal;
use crate::http::status::Status;

/// An answer of the gateway's own.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// Its status; the reason phrase is the registered one.
    pub status: Status,
    /// The body; empty for none.
    pub body: &'a [u8],
    /// What the body is, where there is one; empty to say nothing.
    pub content_type: &'a [u8],
    /// The `Date`, from `http::date`; empty for none.
    pub date: &'a [u8],
    /// Whether the connection ends with it: adds `Connection: close`.
    pub close: bool,
    /// Whether it answers HEAD: the length is declared, and the body is left out.
    pub head_only: bool,
    /// Whole lines more, each with its CRLF: `Proxy-Status`, `Allow` and the like.
    pub append: &'a [u8],
}

/// `Content-Type` of the gateway's own texts.
pub const PLAIN_TEXT: &[u8] = b"text/plain; charset=utf-8";

/// Appends the whole answer.
pub fn encode(reply: &Reply<'_>, out: &mut Vec<u8>) {
    encode_head(reply, out);
    if reply.has_body() {
        out.extend_from_slice(reply.body);
    }
}

/// Appends the answer without its body.
pub fn encode_head(reply: &Reply<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&reply.status.digits());
    out.push(b' ');
    out.extend_from_slice(reply.status.reason().as_bytes());
    out.extend_from_slice(b"\r\n");
    if !reply.date.is_empty() {
        line(b"Date: ", reply.date, out);
    }
    // RFC 9110 section 8.6: no length where there can be no body; 304 would declare another's.
    if !reply.status.is_bodyless() {
        if !reply.body.is_empty() && !reply.content_type.is_empty() {
            line(b"Content-Type: ", reply.content_type, out);
        }
        out.extend_from_slice(b"Content-Length: ");
        // A length fits into 64 bits on every machine.
        decimal(reply.body.len() as u64, out);
        out.extend_from_slice(b"\r\n");
    }
    if reply.close {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(reply.append);
    out.extend_from_slice(b"\r\n");
}

impl Reply<'_> {
    /// Whether the body is sent.
    pub fn has_body(&self) -> bool {
        !self.head_only && !self.status.is_bodyless()
    }
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_FOUND: Reply<'_> = Reply {
        status: Status::NOT_FOUND,
        body: b"no route\n",
        content_type: PLAIN_TEXT,
        date: b"Sun, 06 Nov 1994 08:49:37 GMT",
        close: false,
        head_only: false,
        append: b"",
    };

    fn text(reply: &Reply<'_>) -> String {
        let mut out = Vec::new();
        encode(reply, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn has_status_date_type_length_and_body() {
        let expected = "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n\r\nno route\n";
        assert_eq!(text(&NOT_FOUND), expected);
    }

    #[test]
    fn leaves_the_body_out_for_head_and_keeps_its_length() {
        let reply = text(&Reply { head_only: true, ..NOT_FOUND });
        assert!(reply.contains("Content-Length: 9\r\n"));
        assert!(reply.ends_with("\r\n\r\n"));
    }

    #[test]
    fn declares_close_and_appends_lines_when_asked() {
        let append = b"Allow: GET, HEAD\r\nProxy-Status: frys; error=http_request_error\r\n";
        let reply = text(&Reply { close: true, append, ..NOT_FOUND });
        assert!(reply.contains("\r\nConnection: close\r\nAllow: GET, HEAD\r\nProxy-Status: frys;"));
        assert!(!text(&NOT_FOUND).contains("Connection"));
    }

    #[test]
    fn a_status_without_body_declares_no_length() {
        let reply = text(&Reply { status: Status::CONTINUE, ..NOT_FOUND });
        assert!(!reply.contains("Content-"));
        assert!(reply.ends_with("GMT\r\n\r\n"));
    }
}
