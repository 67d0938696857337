//! Heads: where one ends, and the few fields that say how long its body is.

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This many bytes.
    Bytes(u64),
    /// Chunks until the last one.
    Chunked,
    /// Until the peer closes.
    UntilClose,
}

/// What a request says that the upstream acts on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The request's target, as sent.
    pub target: &'a str,
    /// Whether the method is HEAD.
    pub is_head: bool,
    /// Bytes of the head with its blank line.
    pub head_bytes: usize,
    /// How long the body is.
    pub body: Length,
    /// Whether `Connection: close` or HTTP/1.0 asks to end the connection.
    pub close: bool,
    /// Whether the client waits for 100 (Continue).
    pub expects_continue: bool,
}

/// What a response says that the load generator acts on.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Bytes of the head with its blank line.
    pub head_bytes: usize,
    /// How long the body is.
    pub body: Length,
    /// Whether the server will close.
    pub close: bool,
}

/// Why a head was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads a request's head; `Ok(None)` until its blank line is there.
///
/// # Errors
/// [`Malformed`] where the request line or a length is not understood.
pub fn request(bytes: &[u8]) -> Result<Option<Request<'_>>, Malformed> {
    let Some(head_bytes) = end(bytes) else { return Ok(None) };
    let (line, rest) = split_line(&bytes[..head_bytes]).ok_or(Malformed)?;
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let target = std::str::from_utf8(target.ok_or(Malformed)?).map_err(|_| Malformed)?;
    let fields = Fields::read(rest)?;
    Ok(Some(Request {
        target,
        is_head: method == Some(b"HEAD"),
        head_bytes,
        body: fields.length.unwrap_or(Length::Bytes(0)),
        close: fields.close || (version == Some(b"HTTP/1.0") && !fields.keep_alive),
        expects_continue: fields.expects_continue,
    }))
}

/// Reads a response's head; `Ok(None)` until its blank line is there.
///
/// # Errors
/// [`Malformed`] where the status line or a length is not understood.
pub fn response(bytes: &[u8]) -> Result<Option<Response>, Malformed> {
    let Some(head_bytes) = end(bytes) else { return Ok(None) };
    let (line, rest) = split_line(&bytes[..head_bytes]).ok_or(Malformed)?;
    let digits = line.get(9..12).ok_or(Malformed)?;
    let status = number(digits)? as u16;
    let fields = Fields::read(rest)?;
    let empty = status < 200 || status == 204 || status == 304;
    let body = if empty { Length::Bytes(0) } else { fields.length.unwrap_or(Length::UntilClose) };
    Ok(Some(Response { status, head_bytes, body, close: fields.close }))
}

#[derive(Default)]
struct Fields {
    length: Option<Length>,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

impl Fields {
    fn read(mut lines: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        while let Some((line, rest)) = split_line(lines) {
            lines = rest;
            match line.first().map(u8::to_ascii_lowercase) {
                None => break,
                Some(b'c' | b't' | b'e') => fields.take(line)?,
                Some(_) => {}
            }
        }
        Ok(fields)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Err(Malformed) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = self.length.or(Some(Length::Bytes(number(value)?)));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.length = Some(Length::Chunked);
        } else if name.eq_ignore_ascii_case(b"connection") {
            self.close |= value.eq_ignore_ascii_case(b"close");
            self.keep_alive |= value.eq_ignore_ascii_case(b"keep-alive");
        } else if name.eq_ignore_ascii_case(b"expect") {
            self.expects_continue = true;
        }
        Ok(())
    }
}

fn end(bytes: &[u8]) -> Option<usize> {
    if bytes.ends_with(b"\r\n\r\n")
        && !bytes[..bytes.len() - 4].windows(4).any(|at| at == b"\r\n\r\n")
    {
        return Some(bytes.len());
    }
    bytes.windows(4).position(|at| at == b"\r\n\r\n").map(|at| at + 4)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..at];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[at + 1..]))
}

fn number(digits: &[u8]) -> Result<u64, Malformed> {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_request_with_a_length() {
        let bytes = b"PUT /x HTTP/1.1\r\nHost: a\r\ncontent-length: 12\r\n\r\nabc";
        let head = request(bytes).expect("well formed").expect("complete");
        assert_eq!(head.target, "/x");
        assert_eq!(head.body, Length::Bytes(12));
        assert_eq!(head.head_bytes, bytes.len() - 3);
        assert!(!head.close);
    }

    #[test]
    fn waits_for_the_blank_line() {
        assert!(request(b"GET / HTTP/1.1\r\nHost: a\r\n").expect("so far").is_none());
    }

    #[test]
    fn finds_the_first_of_two_pipelined_heads() {
        let bytes = b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
        assert_eq!(request(bytes).expect("well formed").expect("complete").head_bytes, 19);
    }

    #[test]
    fn reads_a_response_until_close() {
        let head = response(b"HTTP/1.1 200 OK\r\n\r\n").expect("well formed").expect("complete");
        assert_eq!(head.status, 200);
        assert_eq!(head.body, Length::UntilClose);
    }

    #[test]
    fn refuses_a_length_that_is_no_number() {
        let bytes = b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n";
        assert_eq!(request(bytes).err(), Some(Malformed));
    }
}
