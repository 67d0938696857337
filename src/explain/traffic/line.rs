//! One line of recorded traffic: of the JSON access log, or of `frys capture`.
//!
//! Both have the same keys. A captured line has all fields of the request; of a log's line the
//! fields are those that the log tells, and so its answer is less exact.

use super::super::asked::{Asked, UNLIMITED};
use crate::limits::LOG_FIELD_BYTES_MAX;

use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// Why a line says nothing about routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unusable {
    /// It is no JSON object with these keys: a text format, a line that was cut.
    NotJson,
    /// It is longer than `limits::TRAFFIC_LINE_BYTES_MAX`.
    TooLong,
    /// It has no method or no target: the head was refused, or never came.
    NoRequest,
    /// The log cut its target off.
    Cut,
    /// The gateway would refuse the head before it looks for a route.
    Refused,
}

impl Unusable {
    /// Every cause.
    pub const ALL: [Unusable; 5] = [
        Unusable::NotJson,
        Unusable::TooLong,
        Unusable::NoRequest,
        Unusable::Cut,
        Unusable::Refused,
    ];

    /// The word for JSON.
    pub fn label(self) -> &'static str {
        match self {
            Unusable::NotJson => "not_json",
            Unusable::TooLong => "too_long",
            Unusable::NoRequest => "no_request",
            Unusable::Cut => "cut",
            Unusable::Refused => "refused",
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unusable::NotJson => "are no JSON of an access log or a capture",
            Unusable::TooLong => "are too long",
            Unusable::NoRequest => "have no request: its head was refused or never came",
            Unusable::Cut => "have a target that was cut off",
            Unusable::Refused => "have a head that is refused before routing",
        })
    }
}

/// The keys that matter; the others are skipped.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    request_method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    request_uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    server_protocol: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    host: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    remote_addr: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    scheme: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    http_referer: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    http_user_agent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    http_x_forwarded_for: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    fields: Option<Vec<Pair<'a>>>,
    #[serde(borrow, default)]
    withheld: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Pair<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] Cow<'a, str>);

/// What a line had besides its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    /// All fields of the request are there, but for secret ones.
    pub has_fields: bool,
    /// Some were kept back.
    pub is_withheld: bool,
}

/// Reads a line into a request.
///
/// # Errors
/// Why it cannot be used.
pub fn read(line: &[u8], asked: &mut Asked) -> Result<Completeness, Unusable> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| Unusable::NotJson)?;
    let (Some(method), Some(target)) = (&line.request_method, &line.request_uri) else {
        return Err(Unusable::NoRequest);
    };
    if line.fields.is_none() && target.len() >= LOG_FIELD_BYTES_MAX {
        return Err(Unusable::Cut);
    }
    let version = line.server_protocol.as_deref().unwrap_or("HTTP/1.1");
    asked.begin(method.as_bytes(), target.as_bytes(), version.as_bytes());
    match &line.fields {
        Some(fields) => {
            for Pair(name, value) in fields {
                asked.field(name.as_bytes(), value.as_bytes());
            }
        }
        None => {
            let told = [
                ("Host", &line.host),
                ("Referer", &line.http_referer),
                ("User-Agent", &line.http_user_agent),
                ("X-Forwarded-For", &line.http_x_forwarded_for),
            ];
            for (name, value) in told {
                if let Some(value) = value {
                    asked.field(name.as_bytes(), value.as_bytes());
                }
            }
        }
    }
    asked.peer = line.remote_addr.as_deref().and_then(|text| text.parse().ok());
    asked.is_tls = line.scheme.as_deref() == Some("https");
    asked.end(&UNLIMITED).map_err(|_| Unusable::Refused)?;
    Ok(Completeness {
        has_fields: line.fields.is_some(),
        is_withheld: line.withheld.is_some_and(|withheld| withheld.get() != "[]"),
    })
}
