//! From an access-log record to one line: JSON, or a format string with nginx's variable names.
//!
//! Everything that a peer sent may be hostile. In JSON, control bytes are escaped and bytes that
//! are not UTF-8 become U+FFFD; in a format string, quotes, backslashes and all that is not
//! printable ASCII become `\xHH`, as nginx does it. Either way one exchange is one line.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::bridge::log::Record;
use crate::control::names::Names;
use crate::snapshot::{ExchangeId, RequestId};

/// What a line is made from.
pub struct Entry<'a> {
    /// The facts.
    pub record: &'a Record<'a>,
    /// What the numbers in them are called.
    pub names: &'a Names,
    /// The worker that wrote them.
    pub worker: usize,
}

/// How a line looks.
pub struct Format(Shape);

enum Shape {
    Json,
    Parts(Vec<Part>),
}

enum Part {
    Text(Vec<u8>),
    Variable(&'static Variable),
}

/// Why a format string was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatFault {
    /// A name that no variable has.
    #[error("unknown variable ${name}; there are {}", known())]
    Unknown {
        /// The name, without its dollar sign.
        name: String,
        /// Where the dollar sign is, in bytes.
        offset: usize,
    },
    /// A dollar sign without a name; a dollar sign itself is written twice.
    #[error("a `$` without a name (write `$$` for the sign itself)")]
    Nameless {
        /// Where the dollar sign is, in bytes.
        offset: usize,
    },
    /// `${` without its `}`.
    #[error("`${{` without its `}}`")]
    Unclosed {
        /// Where the dollar sign is, in bytes.
        offset: usize,
    },
}

impl Format {
    /// One JSON object a line, with the variables' names as its keys.
    pub fn json() -> Format {
        Format(Shape::Json)
    }

    /// A format string: text with `$name`, `${name}` and `$$`.
    ///
    /// # Errors
    /// [`FormatFault`] at the first place that is wrong.
    pub fn parse(text: &str) -> Result<Format, FormatFault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let offset = text.len() - rest.len() + at;
            push_text(&mut parts, &rest[..at]);
            let after = &rest[at + 1..];
            rest = match after.strip_prefix('$') {
                Some(after) => {
                    push_text(&mut parts, "$");
                    after
                }
                None => {
                    let (name, after) = split_name(after, offset)?;
                    parts.push(Part::Variable(find(name, offset)?));
                    after
                }
            };
        }
        push_text(&mut parts, rest);
        Ok(Format(Shape::Parts(parts)))
    }

    /// Adds the line, its line feed included.
    pub fn line(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match &self.0 {
            Shape::Json => json_line(entry, out),
            Shape::Parts(parts) => {
                for part in parts {
                    match part {
                        Part::Text(text) => out.extend_from_slice(text),
                        Part::Variable(variable) => plain((variable.value)(entry), out),
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

/// A moment as `2026-11-23T20:59:00.123Z`.
pub fn iso8601(unix_seconds: u64, nanos: u32) -> String {
    let mut text = Vec::new();
    bare(&Value::Iso8601(unix_seconds, nanos), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Names of all variables, in the order in which JSON lines have them.
pub fn variable_names() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|variable| variable.name)
}

fn known() -> String {
    let names: Vec<String> = variable_names().map(|name| format!("${name}")).collect();
    names.join(" ")
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Text(last)) => last.extend_from_slice(text.as_bytes()),
        Some(Part::Variable(_)) | None => parts.push(Part::Text(text.as_bytes().to_vec())),
    }
}

/// The name after a dollar sign and what follows it.
fn split_name(after: &str, offset: usize) -> Result<(&str, &str), FormatFault> {
    if let Some(braced) = after.strip_prefix('{') {
        return braced.split_once('}').ok_or(FormatFault::Unclosed { offset });
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let length = after.bytes().position(|byte| !is_name(byte)).unwrap_or(after.len());
    if length == 0 {
        return Err(FormatFault::Nameless { offset });
    }
    Ok(after.split_at(length))
}

fn find(name: &str, offset: usize) -> Result<&'static Variable, FormatFault> {
    VARIABLES
        .iter()
        .find(|variable| variable.name == name)
        .ok_or_else(|| FormatFault::Unknown { name: name.to_owned(), offset })
}

struct Variable {
    name: &'static str,
    /// Whether JSON lines have it; not if it only says differently what another one says.
    in_json: bool,
    value: for<'a> fn(&Entry<'a>) -> Value<'a>,
}

enum Value<'a> {
    Absent,
    Number(u64),
    /// Nanoseconds, written as seconds with six decimals.
    Seconds(u64),
    /// Bytes from a peer; none are written as absent.
    Peer(&'a [u8]),
    /// The gateway's own number of an exchange.
    Id(ExchangeId),
    /// A word of the gateway's own or of its configuration.
    Word(&'a str),
    Ip(IpAddr),
    Address(SocketAddr),
    /// Unix seconds and nanoseconds, as `2026-11-23T20:59:00.123Z`.
    Iso8601(u64, u32),
    /// Unix seconds, as `23/Nov/2026:20:59:00 +0000`.
    Local(u64),
    /// Unix seconds and nanoseconds, as `1700000000.123`.
    Milliseconds(u64, u32),
    /// Method, target and version.
    RequestLine(&'a Record<'a>),
}

fn number_or_absent(number: u64) -> Value<'static> {
    if number == 0 { Value::Absent } else { Value::Number(number) }
}

fn seconds_or_absent(nanos: u64) -> Value<'static> {
    if nanos == 0 { Value::Absent } else { Value::Seconds(nanos) }
}

fn protocol(version: u16) -> Value<'static> {
    match version {
        10 => Value::Word("HTTP/1.0"),
        11 => Value::Word("HTTP/1.1"),
        _ => Value::Absent,
    }
}

/// A variable of both forms.
const fn both(name: &'static str, value: for<'a> fn(&Entry<'a>) -> Value<'a>) -> Variable {
    Variable { name, in_json: true, value }
}

/// A variable of format strings alone.
const fn text(name: &'static str, value: for<'a> fn(&Entry<'a>) -> Value<'a>) -> Variable {
    Variable { name, in_json: false, value }
}

static VARIABLES: &[Variable] = &[
    both("time_iso8601", |e| Value::Iso8601(e.record.wall_seconds, e.record.wall_nanos)),
    text("time_local", |e| Value::Local(e.record.wall_seconds)),
    text("msec", |e| Value::Milliseconds(e.record.wall_seconds, e.record.wall_nanos)),
    both("remote_addr", |e| e.record.client.map_or(Value::Absent, |peer| Value::Ip(peer.ip()))),
    both("remote_port", |e| {
        e.record.client.map_or(Value::Absent, |peer| Value::Number(peer.port().into()))
    }),
    text("remote_user", |e| Value::Peer(e.record.identity)),
    text("request", |e| Value::RequestLine(e.record)),
    both("request_method", |e| Value::Peer(e.record.method)),
    both("request_uri", |e| Value::Peer(e.record.target)),
    both("server_protocol", |e| protocol(e.record.version)),
    both("host", |e| Value::Peer(e.record.host)),
    both("status", |e| Value::Number(e.record.status.into())),
    both("request_id", |e| match e.record.request_id {
        RequestId::Own(own) => Value::Id(own),
        RequestId::Kept(kept) => Value::Peer(kept),
    }),
    both("reason", |e| Value::Word(e.record.reason.label())),
    both("errno", |e| number_or_absent(e.record.errno.into())),
    both("request_time", |e| Value::Seconds(e.record.duration_ns)),
    both("request_length", |e| Value::Number(e.record.bytes_in)),
    both("bytes_sent", |e| Value::Number(e.record.bytes_out)),
    both("body_bytes_sent", |e| Value::Number(e.record.body_bytes_out)),
    both("route", |e| e.names.route(e.record.route).map_or(Value::Absent, Value::Word)),
    both("cluster", |e| {
        e.names.upstream(e.record.upstream).map_or(Value::Absent, |u| Value::Word(u.cluster))
    }),
    both("upstream", |e| {
        e.names.upstream(e.record.upstream).map_or(Value::Absent, |u| Value::Word(u.address))
    }),
    both("upstream_addr", |e| e.record.endpoint.map_or(Value::Absent, Value::Address)),
    both("upstream_status", |e| number_or_absent(e.record.upstream_status.into())),
    both("upstream_attempts", |e| Value::Number(e.record.attempts.into())),
    both("upstream_connect_time", |e| seconds_or_absent(e.record.connect_ns)),
    both("upstream_header_time", |e| seconds_or_absent(e.record.first_byte_ns)),
    both("upstream_response_time", |e| seconds_or_absent(e.record.upstream_ns)),
    both("http_referer", |e| Value::Peer(e.record.referer)),
    both("http_user_agent", |e| Value::Peer(e.record.user_agent)),
    both("http_x_forwarded_for", |e| Value::Peer(e.record.forwarded_for)),
    both("identity", |e| Value::Peer(e.record.identity)),
    both("filter", |e| e.names.filter(e.record.filter).map_or(Value::Absent, Value::Word)),
    both("rule", |e| e.names.rule(e.record.rule).map_or(Value::Absent, Value::Word)),
    both("shadow", |e| e.names.filter(e.record.shadow).map_or(Value::Absent, Value::Word)),
    both("worker", |e| Value::Number(e.worker as u64)),
    both("connection", |e| Value::Number(e.record.connection)),
    both("connection_requests", |e| Value::Number(e.record.connection_request)),
    both("generation", |e| Value::Number(e.record.generation)),
];

fn json_line(entry: &Entry<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, variable) in VARIABLES.iter().filter(|variable| variable.in_json).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_text(variable.name.as_bytes(), out);
        out.push(b':');
        json((variable.value)(entry), out);
    }
    out.push(b'}');
}

fn json(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Absent | Value::Peer(b"") => out.extend_from_slice(b"null"),
        Value::Number(_) | Value::Seconds(_) | Value::Milliseconds(..) => bare(&value, out),
        Value::Peer(bytes) => json_text(bytes, out),
        Value::Word(word) => json_text(word.as_bytes(), out),
        // None of these has a byte that JSON would escape, but for a peer's in the request line.
        Value::Ip(_) | Value::Address(_) | Value::Id(_) | Value::Iso8601(..) | Value::Local(_) => {
            out.push(b'"');
            bare(&value, out);
            out.push(b'"');
        }
        Value::RequestLine(record) => {
            let mut line = Vec::new();
            request_line(record, |bytes| line.extend_from_slice(bytes));
            json_text(&line, out);
        }
    }
}

fn plain(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Absent | Value::Peer(b"") => out.push(b'-'),
        Value::Peer(bytes) => escaped(bytes, out),
        Value::Word(word) => escaped(word.as_bytes(), out),
        Value::RequestLine(record) => request_line(record, |bytes| escaped(bytes, out)),
        Value::Number(_)
        | Value::Seconds(_)
        | Value::Milliseconds(..)
        | Value::Ip(_)
        | Value::Address(_)
        | Value::Id(_)
        | Value::Iso8601(..)
        | Value::Local(_) => bare(&value, out),
    }
}

/// What looks the same in both forms.
fn bare(value: &Value<'_>, out: &mut Vec<u8>) {
    let written = match value {
        Value::Number(number) => write!(out, "{number}"),
        Value::Seconds(nanos) => {
            write!(out, "{}.{:06}", nanos / 1_000_000_000, nanos / 1_000 % 1_000_000)
        }
        Value::Ip(ip) => write!(out, "{ip}"),
        Value::Address(address) => write!(out, "{address}"),
        Value::Id(ExchangeId(number)) => write!(out, "{number:032x}"),
        Value::Iso8601(seconds, nanos) => {
            let at = Civil::of(*seconds);
            let (year, month, day) = (at.year, at.month, at.day);
            let (hour, minute, second) = (at.hour, at.minute, at.second);
            let millis = nanos / 1_000_000;
            write!(out, "{year:04}-{month:02}-{day:02}T")
                .and_then(|()| write!(out, "{hour:02}:{minute:02}:{second:02}.{millis:03}Z"))
        }
        Value::Local(seconds) => {
            let at = Civil::of(*seconds);
            let month = MONTHS[(at.month - 1) as usize];
            let (year, day) = (at.year, at.day);
            let (hour, minute, second) = (at.hour, at.minute, at.second);
            write!(out, "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
        }
        Value::Milliseconds(seconds, nanos) => {
            write!(out, "{seconds}.{:03}", nanos / 1_000_000)
        }
        Value::Absent | Value::Peer(_) | Value::Word(_) | Value::RequestLine(_) => Ok(()),
    };
    written.expect("a Vec takes everything");
}

fn request_line(record: &Record<'_>, mut write: impl FnMut(&[u8])) {
    if record.method.is_empty() {
        // A head that was not understood: its first line stands in the target's place.
        return write(if record.target.is_empty() { b"-" } else { record.target });
    }
    write(record.method);
    write(b" ");
    write(record.target);
    if let Value::Word(protocol) = protocol(record.version) {
        write(b" ");
        write(protocol.as_bytes());
    }
}

fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                write!(out, "\\x{byte:02X}").expect("a Vec takes everything");
            }
            b' '..=b'~' => out.push(byte),
        }
    }
}

/// A JSON string (RFC 8259 section 7).
fn json_text(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().bytes() {
            match character {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', character]),
                0..=0x1f | 0x7f => {
                    write!(out, "\\u{character:04x}").expect("a Vec takes everything");
                }
                b' '.. => out.push(character),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of the proleptic Gregorian calendar in UTC.
#[derive(Debug, PartialEq, Eq)]
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Civil {
    /// Counts in eras of 400 years, whose length in days is fixed, from the 1st of March of year 0,
    /// so that a leap day is the last of its year.
    fn of(unix_seconds: u64) -> Civil {
        const ERA_DAYS: u64 = 146_097;
        const DAYS_TO_1970: u64 = 719_468;
        let day_number = unix_seconds / 86_400 + DAYS_TO_1970;
        let in_day = unix_seconds % 86_400;
        let day_of_era = day_number % ERA_DAYS;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Civil {
            year: day_number / ERA_DAYS * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: in_day / 3_600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bridge::Reason;
    use crate::bridge::log::tests::record;

    fn line(format: &Format, record: &Record<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        format.line(&Entry { record, names: &Names::sample(), worker: 1 }, &mut out);
        out
    }

    fn text_line(format: &str, record: &Record<'_>) -> String {
        let format = Format::parse(format).expect("a good format");
        String::from_utf8(line(&format, record)).expect("printable ASCII")
    }

    fn json_value(record: &Record<'_>) -> serde_json::Value {
        let line = line(&Format::json(), record);
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&line).expect("JSON")
    }

    #[test]
    fn writes_the_combined_format_of_nginx() {
        let combined = concat!(
            r#"$remote_addr - $remote_user [$time_local] "$request" $status "#,
            r#"$body_bytes_sent "$http_referer" "$http_user_agent""#
        );
        assert_eq!(
            text_line(combined, &record()),
            concat!(
                r#"2001:db8::1 - ann [14/Nov/2023:22:13:20 +0000] "GET /a?b=c HTTP/1.1" 200 "#,
                "1800 \"-\" \"curl/8\"\n"
            )
        );
    }

    #[test]
    fn writes_names_times_and_addresses() {
        let format = "${route}/$upstream $upstream_addr $request_time $msec $time_iso8601 $$1";
        assert_eq!(
            text_line(format, &record()),
            "route-1/up-2:80 10.0.0.1:8080 0.001234 1700000000.123 \
             2023-11-14T22:13:20.123Z $1\n"
        );
    }

    #[test]
    fn tells_who_asked_and_which_filter_and_rule_decided() {
        let line = text_line("$remote_user $identity $filter $rule", &record());
        assert_eq!(line, "ann ann rbac@route-0 writers\n");
        let value = json_value(&record());
        let told = [&value["identity"], &value["filter"], &value["rule"]];
        assert_eq!(told, ["ann", "rbac@route-0", "writers"]);
        assert_eq!(text_line("$shadow", &record()), "rbac@route-0\n");
        assert_eq!(value["shadow"], "rbac@route-0");
        let nobody = Record { identity: b"", filter: None, rule: None, shadow: None, ..record() };
        assert_eq!(json_value(&nobody)["shadow"], serde_json::Value::Null);
        assert_eq!(text_line("$remote_user $identity $filter $rule", &nobody), "- - - -\n");
        assert_eq!(json_value(&nobody)["identity"], serde_json::Value::Null);
        let hostile = Record { identity: b"a\" \n$filter", ..record() };
        assert_eq!(text_line("[$identity]", &hostile), "[a\\x22 \\x0A$filter]\n");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let fault = |text| Format::parse(text).err();
        let unknown = FormatFault::Unknown { name: "statuss".into(), offset: 4 };
        let text = unknown.to_string();
        assert!(text.starts_with("unknown variable $statuss; there are $time_iso8601 "), "{text}");
        assert_eq!(fault("abc $statuss"), Some(unknown));
        assert_eq!(fault("a $ b"), Some(FormatFault::Nameless { offset: 2 }));
        assert_eq!(fault("${status"), Some(FormatFault::Unclosed { offset: 0 }));
        assert_eq!(fault("$$ ${status}x$status"), None);
    }

    #[test]
    fn escapes_hostile_bytes_in_a_format_string() {
        let hostile = Record { target: b"/\"\\\n\x00\xff\x7f", ..record() };
        assert_eq!(text_line("[$request_uri]", &hostile), "[/\\x22\\x5C\\x0A\\x00\\xFF\\x7F]\n");
    }

    #[test]
    fn escapes_hostile_bytes_in_json() {
        let hostile = Record { target: b"/\"\\\n\x00\xff\x7f\xc3\xa9", ..record() };
        let value = json_value(&hostile);
        assert_eq!(value["request_uri"], "/\"\\\n\0\u{fffd}\u{7f}\u{e9}");
    }

    #[test]
    fn says_null_for_what_there_was_not() {
        let refused = Record {
            route: None,
            upstream: None,
            endpoint: None,
            client: None,
            reason: Reason::RequestMalformed,
            status: 400,
            upstream_status: 0,
            method: b"",
            version: 0,
            ..record()
        };
        let value = json_value(&refused);
        for key in ["route", "upstream", "upstream_addr", "remote_addr", "request_method"] {
            assert_eq!(value[key], serde_json::Value::Null, "{key}");
        }
        assert_eq!(value["reason"], "request_malformed");
        assert_eq!(value["status"], 400);
        assert_eq!(value["request_time"], 0.001_234);
        // Of a head that was refused the first line is told as it came, if anything came.
        assert_eq!(text_line("$request|$route", &refused), "/a?b=c|-\n");
        let silent = Record { target: b"", ..refused };
        assert_eq!(text_line("$request|$route", &silent), "-|-\n");
    }

    #[test]
    fn knows_every_variable_by_its_name() {
        let mut names: Vec<_> = variable_names().collect();
        for name in &names {
            text_line(&format!("${name}"), &record());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARIABLES.len());
    }

    #[test]
    fn counts_the_calendar() {
        let date = |seconds| {
            let at = Civil::of(seconds);
            (at.year, at.month, at.day, at.hour, at.minute, at.second)
        };
        assert_eq!(date(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(date(951_782_399), (2000, 2, 28, 23, 59, 59));
        assert_eq!(date(951_782_400), (2000, 2, 29, 0, 0, 0));
        assert_eq!(date(1_709_251_200), (2024, 3, 1, 0, 0, 0));
        assert_eq!(date(4_107_542_399), (2100, 2, 28, 23, 59, 59));
        assert_eq!(date(4_107_542_400), (2100, 3, 1, 0, 0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_make_one_line_of_json(
            target in prop::collection::vec(any::<u8>(), 0..200),
            agent in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let hostile = Record { target: &target, user_agent: &agent, ..record() };
            let value = json_value(&hostile);
            let expected = String::from_utf8_lossy(&target);
            if target.is_empty() {
                prop_assert!(value["request_uri"].is_null());
            } else {
                prop_assert_eq!(value["request_uri"].as_str(), Some(&*expected));
            }
        }

        #[test]
        fn any_bytes_make_one_line_of_text(target in prop::collection::vec(any::<u8>(), 0..200)) {
            let hostile = Record { target: &target, ..record() };
            let line = text_line("\"$request\"", &hostile);
            prop_assert!(line.ends_with("\"\n"));
            let inner = &line[1..line.len() - 2];
            prop_assert!(inner.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"'));
        }

        #[test]
        fn any_format_is_parsed_or_refused(text in "[$a-z_{} ]{0,40}") {
            if let Ok(format) = Format::parse(&text) {
                line(&format, &record());
            }
        }
    }
}
