//! The request that is asked about: bytes of a head, as a client would send them, and where it
//! comes from.

use crate::http::field::is_secret;
use crate::http::h1::parse::{self, HeadLimits, ParseError, Parsed};
use crate::http::head::{HeadIndex, RequestHead, Version};
use crate::http::method::Method;
use crate::limits::{EXPLAIN_FIELDS_MAX, HEAD_PART_BYTES_CAP};
use crate::snapshot;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// A request in words: what `frys explain` is given, and what it sends to the admin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// `[METHOD] URL`, where the URL is `http://host/path?query`, `https://…`, or a path alone; GET
    /// without a method.
    pub request: String,
    /// Fields with their values.
    #[serde(default)]
    pub fields: Vec<(String, String)>,
    /// The address that the connection comes from; loopback where none is told.
    #[serde(default)]
    pub client: Option<IpAddr>,
}

/// A request whose head was understood.
pub struct Asked {
    head: Vec<u8>,
    index: HeadIndex,
    /// The peer's address; none over a Unix socket.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub is_tls: bool,
}

/// Why a description is no request that a client could send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedInvalid {
    /// Not `[METHOD] URL`.
    Words(String),
    /// The method is no token.
    Method(String),
    /// A scheme that is neither `http` nor `https`.
    Scheme(String),
    /// A field without a colon, or with a byte that no field has.
    Field(String),
    /// More fields than are read.
    FieldsTooMany,
    /// The gateway itself would refuse such a head.
    Head(ParseError),
}

impl fmt::Display for AskedInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskedInvalid::Words(text) => write!(
                formatter,
                "`{}` is no request: write `GET https://example.com/path`, a space as %20",
                text.escape_debug()
            ),
            AskedInvalid::Method(text) => write!(formatter, "`{text}` is no method"),
            AskedInvalid::Scheme(text) => {
                write!(formatter, "`{text}:` is not served: write http:// or https://")
            }
            AskedInvalid::Field(text) => {
                write!(formatter, "`{}` is no field: write `Name: value`", text.escape_debug())
            }
            AskedInvalid::FieldsTooMany => {
                write!(formatter, "more than {EXPLAIN_FIELDS_MAX} fields")
            }
            AskedInvalid::Head(error) => write!(
                formatter,
                "the gateway answers such a head with {}: {}",
                error.status().code(),
                refusal(*error)
            ),
        }
    }
}

impl std::error::Error for AskedInvalid {}

impl Asked {
    /// The request of a description, as bytes; within the limits that the snapshot has.
    ///
    /// # Errors
    /// [`AskedInvalid`]: it says nothing that could be sent, or only what is refused at once.
    pub fn new(
        description: &Description,
        limits: &snapshot::Limits,
    ) -> Result<Asked, AskedInvalid> {
        let (method, url) = words(&description.request)?;
        let Url { is_tls, authority, target } = Url::parse(url)?;
        if description.fields.len() > EXPLAIN_FIELDS_MAX {
            return Err(AskedInvalid::FieldsTooMany);
        }
        let names_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
        let mut asked = Asked::empty();
        asked.begin(method.as_bytes(), target.as_bytes(), b"HTTP/1.1");
        if let (Some(authority), false) = (authority, description.fields.iter().any(names_host)) {
            asked.field(b"Host", authority.as_bytes());
        }
        for (name, value) in &description.fields {
            let is_sound = !name.is_empty() && !value.bytes().any(|byte| byte.is_ascii_control());
            if !is_sound || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
                return Err(AskedInvalid::Field(format!("{name}: {value}")));
            }
            asked.field(name.as_bytes(), value.as_bytes());
        }
        asked.peer = Some(description.client.unwrap_or(IpAddr::from([127, 0, 0, 1])));
        asked.is_tls = is_tls;
        asked.end(&head_limits(limits)).map_err(AskedInvalid::Head)?;
        Ok(asked)
    }

    /// The request of a head as it was received, without its secret fields: what is said about it
    /// is read by others than its sender.
    ///
    /// # Errors
    /// What the head breaks.
    pub fn of_head(head: &[u8], peer: Option<IpAddr>, is_tls: bool) -> Result<Asked, ParseError> {
        let mut whole = Asked { head: head.to_vec(), index: HeadIndex::new(), peer, is_tls };
        whole.understand(&UNLIMITED)?;
        let mut asked = Asked { peer, is_tls, ..Asked::empty() };
        let head = whole.head();
        let version: &[u8] = match head.version() {
            Version::Http10 => b"HTTP/1.0",
            Version::Http11 => b"HTTP/1.1",
        };
        asked.begin(head.method().as_str().as_bytes(), head.target(), version);
        for field in head.fields().filter(|field| !is_secret(field.name)) {
            asked.field(field.name, field.value);
        }
        asked.end(&UNLIMITED)?;
        Ok(asked)
    }

    /// A request of which nothing is known yet, to be filled again and again.
    pub fn empty() -> Asked {
        Asked { head: Vec::new(), index: HeadIndex::new(), peer: None, is_tls: false }
    }

    /// Begins a head anew.
    pub fn begin(&mut self, method: &[u8], target: &[u8], version: &[u8]) {
        self.head.clear();
        for (part, after) in [(method, &b" "[..]), (target, b" "), (version, b"\r\n")] {
            self.head.extend_from_slice(part);
            self.head.extend_from_slice(after);
        }
    }

    /// Adds a field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        for part in [name, b": ", value, b"\r\n"] {
            self.head.extend_from_slice(part);
        }
    }

    /// Ends the head and reads it as the gateway does.
    ///
    /// # Errors
    /// What the head breaks.
    pub fn end(&mut self, limits: &HeadLimits) -> Result<(), ParseError> {
        self.head.extend_from_slice(b"\r\n");
        self.understand(limits)
    }

    fn understand(&mut self, limits: &HeadLimits) -> Result<(), ParseError> {
        self.index.clear();
        let parsed = parse::request(&self.head, limits, &mut self.index);
        let is_whole =
            matches!(parsed?, Parsed::Complete { head_bytes } if head_bytes == self.head.len());
        // What does not end where it was ended has an empty line within: a line break in a part.
        if is_whole { Ok(()) } else { Err(ParseError::ValueInvalid) }
    }

    /// The head.
    pub fn head(&self) -> RequestHead<'_> {
        RequestHead::new(&self.head, &self.index)
    }
}

/// Bounds of a head that was understood once, within an operator's limits.
pub const UNLIMITED: HeadLimits = HeadLimits {
    request_line_bytes_max: HEAD_PART_BYTES_CAP,
    fields_count_max: usize::MAX,
    fields_bytes_max: HEAD_PART_BYTES_CAP,
};

fn head_limits(limits: &snapshot::Limits) -> HeadLimits {
    HeadLimits {
        request_line_bytes_max: limits.request_line_bytes_max,
        fields_count_max: limits.fields_count_max,
        fields_bytes_max: limits.fields_bytes_max,
    }
}

/// Reads `Name: value`.
///
/// # Errors
/// There is no colon, or nothing before it.
pub fn field(text: &str) -> Result<(String, String), AskedInvalid> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.trim().to_owned())),
        Some(_) | None => Err(AskedInvalid::Field(text.to_owned())),
    }
}

fn words(text: &str) -> Result<(&str, &str), AskedInvalid> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match *words.as_slice() {
        [url] => Ok(("GET", url)),
        [method, url] if Method::from_bytes(method.as_bytes()).is_ok() => Ok((method, url)),
        [method, _] => Err(AskedInvalid::Method(method.to_owned())),
        _ => Err(AskedInvalid::Words(text.to_owned())),
    }
}

/// A URL, taken apart without being changed: what is in it is what is asked about.
struct Url<'a> {
    is_tls: bool,
    authority: Option<&'a str>,
    target: String,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Result<Url<'a>, AskedInvalid> {
        // A fragment is never sent (RFC 9110 section 7.1).
        let text = text.split('#').next().unwrap_or_default();
        if text.starts_with('/') || text == "*" {
            return Ok(Url { is_tls: false, authority: None, target: text.to_owned() });
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            // As browsers do: a host alone is meant as http.
            None => ("http", text),
        };
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(AskedInvalid::Scheme(scheme.to_owned())),
        };
        let authority_bytes = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(authority_bytes);
        if authority.is_empty() {
            return Err(AskedInvalid::Words(text.to_owned()));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Url { is_tls, authority: Some(authority), target: format!("{slash}{target}") })
    }
}

/// The rule that a head breaks, in words.
fn refusal(error: ParseError) -> &'static str {
    match error {
        ParseError::MethodInvalid => "the method is no token",
        ParseError::MethodTooLong => "the method is too long",
        ParseError::MethodUnsupported => "the method is not served",
        ParseError::TargetInvalid => "the path or query has a byte that belongs percent-encoded",
        ParseError::SchemeUnsupported => "the scheme is not served",
        ParseError::AuthorityInvalid | ParseError::HostInvalid => "the host is malformed",
        ParseError::VersionInvalid | ParseError::VersionUnsupported => "the version is not served",
        ParseError::StartLineTooLong => "the request line is over `limits.request_line`",
        ParseError::StatusLineInvalid
        | ParseError::BareLf
        | ParseError::BareCr
        | ParseError::Folded
        | ParseError::SpaceBeforeColon => "the head is malformed",
        ParseError::NameInvalid => "a field's name is no token",
        ParseError::ValueInvalid => "a field's value has a control byte",
        ParseError::FieldsTooMany => "there are more fields than `limits.fields`",
        ParseError::FieldsTooLarge => "the fields are over `limits.fields_size`",
        ParseError::HostMissing => "there is no host: write a whole URL, or a `Host` field",
        ParseError::HostRepeated => "there is more than one `Host`",
        ParseError::ConnectionInvalid => "the `Connection` field is malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatewayConfig;
    use crate::http::field::FieldId;
    use crate::snapshot::Resolved;

    fn limits() -> snapshot::Limits {
        let snapshot = snapshot::compile(&GatewayConfig::default(), &Resolved::new(), 1);
        snapshot.expect("nothing to refuse").limits
    }

    fn ask(request: &str, fields: &[(&str, &str)]) -> Result<Asked, AskedInvalid> {
        let fields = fields.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let description = Description {
            request: request.into(),
            fields: fields.collect(),
            ..Description::default()
        };
        Asked::new(&description, &limits())
    }

    #[test]
    fn sends_a_url_as_a_client_would() {
        for (request, method, authority, target, is_tls) in [
            ("GET https://a.test/x/../y?b=c#d", "GET", "a.test", "/x/../y?b=c", true),
            ("http://a.test:8080", "GET", "a.test:8080", "/", false),
            ("POST a.test?q", "POST", "a.test", "/?q", false),
            ("HTTP://[::1]/%2f", "GET", "[::1]", "/%2f", false),
        ] {
            let asked = ask(request, &[]).expect(request);
            let head = asked.head();
            assert_eq!(head.method().as_str(), method, "{request}");
            assert_eq!(head.authority(), Some(authority.as_bytes()), "{request}");
            assert_eq!(head.target(), target.as_bytes(), "{request}");
            assert_eq!(asked.is_tls, is_tls, "{request}");
        }
    }

    #[test]
    fn a_host_field_stands_in_for_the_urls() {
        let asked = ask("GET http://127.0.0.1/", &[("host", "a.test"), ("Accept", "x/y")]);
        let asked = asked.expect("a request");
        assert_eq!(asked.head().authority(), Some(&b"a.test"[..]));
        assert_eq!(asked.head().first(FieldId::Accept), Some(&b"x/y"[..]));
        assert!(ask("/path", &[("Host", "a.test")]).is_ok());
    }

    #[test]
    fn refuses_what_nobody_could_send() {
        for request in ["", "GET", "a b c", "GE(T /", "ftp://a.test/", "http:///x", "/x"] {
            let refused = ask(request, &[]);
            // A word alone is a host.
            assert!(refused.is_err() || request == "GET", "{request}");
        }
        for field in [("", "x"), ("a b", "x"), ("a", "x\r\nb: c"), ("a:b", "")] {
            assert!(matches!(ask("a.test", &[field]), Err(AskedInvalid::Field(_))), "{field:?}");
        }
        let long = format!("http://a.test/{}", "x".repeat(9_000));
        assert!(matches!(ask(&long, &[]), Err(AskedInvalid::Head(ParseError::StartLineTooLong))));
        assert!(ask("http://a.test/\u{e4}", &[]).is_err());
    }

    #[test]
    fn reads_fields_as_curl_does() {
        assert_eq!(field("A: b: c "), Ok(("A".into(), "b: c".into())));
        assert_eq!(field("A:"), Ok(("A".into(), String::new())));
        assert!(field("A").is_err());
        assert!(field(": x").is_err());
    }
}
