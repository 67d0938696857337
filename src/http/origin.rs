//! Origins (RFC 6454, Fetch standard): where a page comes from, and what asks before it is let do
//! more than a form could.

use crate::http::field::FieldId;
use crate::http::head::{Form, RequestHead};
use crate::http::method::Method;
use crate::http::target;
use crate::limits;
use smallvec::SmallVec;
use std::fmt;

/// An origin as origins are compared: in lower case, without its scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: SmallVec<[u8; limits::ORIGIN_BYTES_MAX]>,
    /// Where the host begins, and where it ends.
    host: (usize, usize),
}

/// The origins that an operator means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `*`
    Any,
    /// `null`: pages without an origin of their own.
    Null,
    /// This one.
    Exact(Origin),
    /// Those with one or more labels in front of this one's host.
    Below(Origin),
}

/// Why a text is no [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternInvalid {
    /// There is no scheme.
    Scheme,
    /// There is more than scheme, host and port.
    Path,
    /// A star elsewhere than in place of the first labels.
    Star,
    /// Scheme, host or port has a byte that none has, or the host is not in its ASCII form.
    Malformed,
}

impl fmt::Display for PatternInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PatternInvalid::Scheme => "an origin begins with its scheme, as in `https://a.example`",
            PatternInvalid::Path => {
                "an origin ends with host or port, without a slash, as in `https://a.example`"
            }
            PatternInvalid::Star => {
                "`*` stands alone, or for the first labels of a host as in `https://*.a.example`: \
                 anything else is an expression of `origin_regexes`"
            }
            PatternInvalid::Malformed => {
                "no origin: scheme, host in ASCII and port, as in `https://a.example:8443`"
            }
        })
    }
}

impl Origin {
    /// Reads an origin as browsers send it, in any case. `null` and a list of origins are none.
    pub fn parse(text: &[u8]) -> Option<Origin> {
        if text.len() > limits::ORIGIN_BYTES_MAX {
            return None;
        }
        let scheme_bytes = memchr::memchr(b':', text)?;
        let (scheme, rest) = text.split_at_checked(scheme_bytes)?;
        let rest = rest.strip_prefix(b"://")?;
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let begins = scheme.first().is_some_and(u8::is_ascii_alphabetic);
        let is_short = scheme.len() <= limits::ORIGIN_SCHEME_BYTES_MAX;
        if !begins || !is_short || !scheme.iter().all(is_scheme) {
            return None;
        }
        let (host, port) = host_and_port(rest)?;
        let mut lower = SmallVec::new();
        lower.extend(scheme.iter().map(u8::to_ascii_lowercase));
        let own_port = own_port(&lower);
        lower.extend_from_slice(b"://");
        let from = lower.len();
        lower.extend(host.iter().map(u8::to_ascii_lowercase));
        let host = (from, lower.len());
        if let Some(port) = port.filter(|port| Some(*port) != own_port) {
            lower.push(b':');
            lower.extend_from_slice(digits(port, &mut [0; 5]));
        }
        Some(Origin { text: lower, host })
    }

    /// `https://a.example:8443`
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Its host in lower case.
    pub fn host(&self) -> &[u8] {
        self.text.get(self.host.0..self.host.1).unwrap_or_default()
    }

    /// Whether it has the scheme and port of `parent`, and its host is below that one's.
    pub fn is_below(&self, parent: &Origin) -> bool {
        let (own, other) = (self.as_bytes(), parent.as_bytes());
        let (scheme, behind) = other.split_at_checked(parent.host.0).unwrap_or_default();
        let Some(rest) = own.strip_prefix(scheme) else { return false };
        let labels = rest.strip_suffix(behind).and_then(|front| front.strip_suffix(b"."));
        labels.is_some_and(|labels| !labels.is_empty() && !labels.starts_with(b"."))
    }

    /// Whether a request to this authority is one to the page's own server. Which scheme it came by
    /// is not asked: the gateway behind a proxy does not know it.
    pub fn is_of(&self, authority: &[u8]) -> bool {
        let scheme = self.text.get(..self.host.0).and_then(|scheme| scheme.strip_suffix(b"://"));
        let Some((host, port)) = host_and_port(authority) else { return false };
        let own_port = own_port(scheme.unwrap_or_default());
        let port = port.filter(|port| Some(*port) != own_port);
        let mut text = [0; 5];
        let port: &[u8] = port.map_or(&[], |port| digits(port, &mut text));
        let behind = self.text.get(self.host.1..).unwrap_or_default();
        self.host().eq_ignore_ascii_case(host)
            && behind.strip_prefix(b":").unwrap_or(behind) == port
    }
}

impl Pattern {
    /// Reads what an operator wrote.
    ///
    /// # Errors
    /// [`PatternInvalid`].
    pub fn parse(text: &str) -> Result<Pattern, PatternInvalid> {
        match text {
            "*" => return Ok(Pattern::Any),
            "null" => return Ok(Pattern::Null),
            _ => {}
        }
        let (scheme, rest) = text.split_once("://").ok_or(PatternInvalid::Scheme)?;
        if rest.contains(['/', '?', '#', '@']) {
            return Err(PatternInvalid::Path);
        }
        let origin = |rest: &str| {
            let text = format!("{scheme}://{rest}");
            Origin::parse(text.as_bytes()).ok_or(PatternInvalid::Malformed)
        };
        match rest.strip_prefix("*.") {
            Some(parent) if !parent.contains('*') => origin(parent).map(Pattern::Below),
            _ if text.contains('*') => Err(PatternInvalid::Star),
            Some(_) | None => origin(rest).map(Pattern::Exact),
        }
    }
}

/// The method that a preflight asks for; none of any other request.
///
/// Fetch standard, CORS-preflight request: an `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method`. One that has either twice was not sent by a browser.
#[inline]
pub fn preflight_method(request: RequestHead<'_>) -> Option<Method> {
    if request.method() != Method::OPTIONS { None } else { asked_method(request) }
}

fn asked_method(request: RequestHead<'_>) -> Option<Method> {
    if request.form() == Form::Asterisk || only(request, FieldId::Origin).is_none() {
        return None;
    }
    let method = only(request, FieldId::AccessControlRequestMethod)?;
    Method::from_bytes(method).ok()
}

/// The value of a field that stands there once.
pub fn only(request: RequestHead<'_>, id: FieldId) -> Option<&[u8]> {
    if !request.known().contains(id) {
        return None;
    }
    let mut values = request.all(id);
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

/// RFC 6454 section 4, for what a gateway meets.
fn own_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        _ => None,
    }
}

/// A host as it stands in an origin, and a port from 1 on.
fn host_and_port(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    if !target::authority_is_valid(text) {
        return None;
    }
    let host_bytes = match text {
        [b'[', ..] => memchr::memchr(b']', text)? + 1,
        _ => memchr::memchr(b':', text).unwrap_or(text.len()),
    };
    let (host, behind) = text.split_at_checked(host_bytes)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_host = host.starts_with(b"[") || host.iter().all(is_name);
    if host.is_empty() || host.len() > limits::HOST_BYTES_MAX || !is_host {
        return None;
    }
    match behind.strip_prefix(b":") {
        None => behind.is_empty().then_some((host, None)),
        Some(port) => {
            let is_plain = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
            let port = std::str::from_utf8(port).ok().filter(|_| is_plain)?;
            let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
            Some((host, Some(port)))
        }
    }
}

/// The decimal digits of a port.
fn digits(port: u16, out: &mut [u8; 5]) -> &[u8] {
    let mut rest = port;
    let mut from = out.len();
    for place in (0..out.len()).rev() {
        out[place] = b'0' + (rest % 10) as u8;
        from = place;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

    fn shown(text: &str) -> Option<String> {
        Origin::parse(text.as_bytes()).map(|origin| String::from_utf8_lossy(&origin.text).into())
    }

    #[test]
    fn origins_are_compared_without_case_and_own_port() {
        for (text, want) in [
            ("https://a.example", "https://a.example"),
            ("HTTPS://A.Example:443", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            ("https://a.example:08443", "https://a.example:8443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("https://a.example.", "https://a.example."),
            ("http://localhost:65535", "http://localhost:65535"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_origin() {
        for text in [
            "",
            "null",
            "*",
            "a.example",
            "https://",
            "https:a.example",
            "://a",
            "1http://a",
            "https://a.example/",
            "https://a.example https://b.example",
            "https://a@b.example",
            "https://a.example:",
            "https://a.example:0",
            "https://a.example:65536",
            "https://a.example:+80",
            "https://a.example:80.b.example",
            "https://a%2eexample",
            "https://[::1",
            "https://b\u{fc}cher.example",
            "https://a.example\r\nx: y",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
        let long = format!("https://{}", "a".repeat(limits::ORIGIN_BYTES_MAX));
        assert_eq!(shown(&long), None);
        let longest = format!("https://{}:65535", "a".repeat(limits::HOST_BYTES_MAX));
        assert!(shown(&longest).is_some());
        assert_eq!(shown(&longest.replacen('a', "aa", 1)), None);
    }

    #[test]
    fn a_pattern_takes_labels_in_front_and_nothing_else() {
        let Ok(Pattern::Below(parent)) = Pattern::parse("https://*.b.example:8443") else {
            panic!("a pattern with a star");
        };
        for (text, want) in [
            ("https://a.b.example:8443", true),
            ("https://A.A.B.example:8443", true),
            ("https://b.example:8443", false),
            ("https://.b.example:8443", false),
            ("https://ab.example:8443", false),
            ("https://a.b.example", false),
            ("http://a.b.example:8443", false),
            ("https://a.b.example:84430", false),
            ("https://b.example:8443.b.example", false),
        ] {
            let origin = Origin::parse(text.as_bytes());
            assert_eq!(origin.is_some_and(|origin| origin.is_below(&parent)), want, "{text}");
        }
    }

    #[test]
    fn patterns_say_what_is_wrong_with_them() {
        for (text, want) in [
            ("a.example", PatternInvalid::Scheme),
            ("https://a.example/", PatternInvalid::Path),
            ("https://u@a.example", PatternInvalid::Path),
            ("https://a.*.example", PatternInvalid::Star),
            ("https://*", PatternInvalid::Star),
            ("*://a.example", PatternInvalid::Star),
            ("https://*.*.example", PatternInvalid::Star),
            ("http://localhost:*", PatternInvalid::Star),
            ("https://b\u{fc}cher.example", PatternInvalid::Malformed),
            ("https://a b", PatternInvalid::Malformed),
        ] {
            assert_eq!(Pattern::parse(text), Err(want), "{text}");
        }
        assert_eq!(Pattern::parse("*"), Ok(Pattern::Any));
        assert_eq!(Pattern::parse("null"), Ok(Pattern::Null));
        assert_eq!(Pattern::parse("HTTPS://a:443"), Pattern::parse("https://A"));
    }

    #[test]
    fn a_page_asks_its_own_server_by_the_same_host_and_port() {
        for (origin, authority, want) in [
            ("https://a.example", "A.example", true),
            ("https://a.example", "a.example:443", true),
            ("https://a.example", "a.example:80", false),
            ("http://a.example", "a.example:80", true),
            ("https://a.example:8443", "a.example:8443", true),
            ("https://a.example:8443", "a.example", false),
            ("https://a.example", "b.example", false),
            ("https://[::1]:8443", "[::1]:8443", true),
            ("https://a.example", "", false),
        ] {
            let parsed = Origin::parse(origin.as_bytes()).expect("an origin");
            assert_eq!(parsed.is_of(authority.as_bytes()), want, "{origin} {authority}");
        }
    }

    fn asked(head: &str) -> Option<String> {
        let mut index = HeadIndex::new();
        let head = format!("{head}Host: a\r\n\r\n");
        parse::request(head.as_bytes(), &HeadLimits::default(), &mut index).expect("a head");
        let method = preflight_method(RequestHead::new(head.as_bytes(), &index));
        method.map(|method| method.as_str().to_owned())
    }

    #[test]
    fn a_preflight_asks_for_one_method_of_one_origin() {
        let fields = "Origin: https://b\r\nAccess-Control-Request-Method: PUT\r\n";
        let head = |line: &str, fields: &str| asked(&format!("{line} HTTP/1.1\r\n{fields}"));
        assert_eq!(head("OPTIONS /", fields).as_deref(), Some("PUT"));
        assert_eq!(head("GET /", fields), None);
        assert_eq!(head("OPTIONS *", fields), None);
        assert_eq!(head("OPTIONS /", "Origin: https://b\r\n"), None);
        assert_eq!(head("OPTIONS /", "Access-Control-Request-Method: PUT\r\n"), None);
        assert_eq!(head("OPTIONS /", &fields.replace("PUT", "P T")), None);
        assert_eq!(head("OPTIONS /", &fields.replace("PUT", "")), None);
        assert_eq!(head("OPTIONS /", &format!("{fields}Origin: https://c\r\n")), None);
        let twice = format!("{fields}Access-Control-Request-Method: GET\r\n");
        assert_eq!(head("OPTIONS /", &twice), None);
    }
}
