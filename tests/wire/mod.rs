//! The cases of `tests/wire/*.toml`: bytes, and what has to become of them.
//!
//! Strings are TOML literal strings with escapes of their own, because the cases are bytes:
//! `\r`, `\n`, `\t`, `\0`, `\\`, `\xHH`, and `\{unit*count}` for `unit` repeated. Line breaks of
//! the file within a string do not count. `{upstream}` in an expected head stands for the authority
//! of the upstream, where the request has none.
//!
//! | key | meaning |
//! |---|---|
//! | `id` | unique within its file |
//! | `rfc` | number and section of the rule |
//! | `bytes` | what arrives |
//! | `status` | refused; what the client is answered (502 for faults of an upstream) |
//! | `verdict = "partial"` | neither: more has to arrive |
//! | `upstream` | requests: the head that the upstream receives |
//! | `client` | responses: the head that a client of HTTP/1.1 receives |
//! | `body`, `trailers` | decoded content, and trailer lines; empty by default |
//! | `rest` | bytes behind the message; empty by default |
//! | `method` | responses: of the request, GET by default |
//!
//! Lines that the gateway adds (`Via`, `X-Forwarded-*`, `Forwarded`, in responses `Via`) are not in
//! the expected heads: [`without_added_lines`] takes them off what was received.

use std::path::Path;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request with its body, from a client.
    Request,
    /// A response with its body, from an upstream.
    Response,
    /// A chunked body alone.
    Chunked,
}

/// What has to become of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole message.
    Accepted(Message),
    /// Answered with this status.
    Refused(u16),
    /// More has to arrive.
    Partial,
}

/// A message as the neighbour behind the gateway receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Encoded again; empty for a chunked body alone.
    pub head: Vec<u8>,
    /// Without chunk framing.
    pub body: Vec<u8>,
    /// Whole lines.
    pub trailers: Vec<u8>,
    /// What follows the message.
    pub rest: Vec<u8>,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// File and id: `request_line/get-origin-form`.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// The rule, such as `9112 6.3`.
    pub rfc: String,
    /// What arrives.
    pub bytes: Vec<u8>,
    /// What has to become of it.
    pub expected: Outcome,
    /// Method of the request that a response answers.
    pub method: String,
}

/// All cases, with `upstream` for the upstream's authority. Panics where a file is malformed.
pub fn load(upstream: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of the cases is there") {
        let path = entry.expect("its entries can be listed").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            load_file(&path, upstream, &mut cases);
        }
    }
    cases.sort_by(|left, right| left.id.cmp(&right.id));
    for pair in cases.windows(2) {
        assert_ne!(pair[0].id, pair[1].id, "two cases share an id");
    }
    cases
}

/// A received head without the lines that the gateway adds to every message.
pub fn without_added_lines(head: &[u8]) -> Vec<u8> {
    let added =
        ["via:", "x-forwarded-for:", "x-forwarded-proto:", "x-forwarded-host:", "forwarded:"];
    let is_added = |line: &[u8]| {
        let line = line.to_ascii_lowercase();
        added.iter().any(|name| line.starts_with(name.as_bytes()))
    };
    head.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !is_added(line))
        .flatten()
        .copied()
        .collect()
}

fn load_file(path: &Path, upstream: &str, cases: &mut Vec<Case>) {
    let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a file has a name");
    let kind = match file {
        "response" => Kind::Response,
        "chunked" => Kind::Chunked,
        _ => Kind::Request,
    };
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let list = table["case"].as_array().expect("`case` is an array of tables");
    for case in list.iter().map(|case| case.as_table().expect("a case is a table")) {
        cases.push(read_case(file, kind, case, upstream));
    }
}

fn read_case(file: &str, kind: Kind, case: &toml::Table, upstream: &str) -> Case {
    let id = format!("{file}/{}", case["id"].as_str().expect("`id` is a string"));
    let known = [
        "id", "rfc", "bytes", "status", "verdict", "upstream", "client", "body", "trailers",
        "rest", "method",
    ];
    for key in case.keys() {
        assert!(known.contains(&key.as_str()), "{id}: unknown key `{key}`");
    }
    let text = |key: &str| case.get(key).map(|value| value.as_str().expect("a string"));
    let bytes = |key: &str| {
        let escaped = text(key).unwrap_or_default().replace("{upstream}", upstream);
        unescape(&escaped).unwrap_or_else(|| panic!("{id}: bad escape in `{key}`"))
    };
    let head_key = match kind {
        Kind::Request => "upstream",
        Kind::Response => "client",
        Kind::Chunked => "body",
    };
    let expected = match (case.get("status"), text("verdict"), case.get(head_key)) {
        (Some(status), None, None) => {
            let status = status.as_integer().expect("`status` is a number");
            Outcome::Refused(u16::try_from(status).expect("`status` has three digits"))
        }
        (None, Some("partial"), None) => Outcome::Partial,
        (None, None, Some(_)) => Outcome::Accepted(Message {
            head: if kind == Kind::Chunked { Vec::new() } else { bytes(head_key) },
            body: bytes("body"),
            trailers: bytes("trailers"),
            rest: bytes("rest"),
        }),
        _ => panic!("{id}: one of `status`, `verdict = \"partial\"` and `{head_key}` is needed"),
    };
    let rfc = text("rfc").unwrap_or_else(|| panic!("{id}: `rfc` is missing")).to_owned();
    let method = text("method").unwrap_or("GET").to_owned();
    Case { kind, rfc, bytes: bytes("bytes"), expected, method, id }
}

/// The bytes of an escaped string.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'\n' {
            continue;
        }
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        rest = after;
        match escape {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'0' => bytes.push(0),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            }
            b'{' => {
                let end = rest.iter().position(|byte| *byte == b'}')?;
                let inner = std::str::from_utf8(&rest[..end]).ok()?;
                let (unit, count) = inner.rsplit_once('*')?;
                rest = &rest[end + 1..];
                bytes.extend(unescape(unit)?.repeat(count.parse().ok()?));
            }
            _ => return None,
        }
    }
    Some(bytes)
}
