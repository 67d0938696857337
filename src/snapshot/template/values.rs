//! What variables stand for in one request.

use super::Variable;
use super::escape::Escape;
use crate::extension::Principal;
use crate::http::field::FieldId;
use crate::http::forwarded;
use crate::http::head::{Form, RequestHead, trim};
use crate::http::networks::Networks;
use crate::http::target;
use crate::router::Parameters;
use regex_automata::util::primitives::NonMaxUsize;
use serde_json::Value;
use std::io::Write;
use std::net::SocketAddr;

/// Everything that variables can stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The request.
    pub request: RequestHead<'a>,
    /// Its canonical path, in which [`Values::parameters`] lie.
    pub path: &'a [u8],
    /// Parameters of the route's path.
    pub parameters: &'a Parameters,
    /// The other end of the client's connection; none on a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The proxies whose word counts, where the peer is one of them.
    pub trusted: Option<&'a Networks>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The request's id.
    pub id: RequestId<'a>,
    /// The route's name.
    pub route: &'a str,
    /// The name of the cluster; empty before one is chosen.
    pub cluster: &'a str,
    /// `host:port` of the upstream as configured; empty before one is chosen.
    pub upstream: &'a str,
    /// The upstream's authority: its host, and its port where that is not 80.
    pub upstream_host: &'a [u8],
    /// Who asks, where a filter has found out.
    pub principal: Option<&'a Principal>,
    /// Of a template that several routes share: which of this route's parameters each of those is
    /// that it names. Empty where their numbers are the route's own.
    pub places: &'a [usize],
    /// The groups of a rewriting expression, as ranges of the path.
    pub groups: Groups<'a>,
}

/// Where the groups of an expression matched: start and end of each.
pub type Groups<'a> = &'a [Option<NonMaxUsize>];

/// What a request is found again by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestId<'a> {
    /// The gateway's own.
    Own(ExchangeId),
    /// A trusted proxy's.
    Kept(&'a [u8]),
}

/// The number of an exchange, the only one of its kind among all processes as far as chance goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExchangeId(pub u128);

impl ExchangeId {
    /// Its 32 hexadecimal digits.
    pub fn text(self) -> [u8; 32] {
        let mut text = [0; 32];
        for (place, digit) in text.iter_mut().enumerate() {
            let nibble = self.0 >> (4 * (31 - place)) & 15;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        text
    }

    /// The number of 32 hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<ExchangeId> {
        let is_id = text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(text).ok().filter(|_| is_id)?;
        u128::from_str_radix(text, 16).ok().map(ExchangeId)
    }
}

impl RequestId<'_> {
    /// Appends its text.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            RequestId::Own(number) => out.extend_from_slice(&number.text()),
            RequestId::Kept(text) => out.extend_from_slice(text),
        }
    }
}

impl Values<'_> {
    /// Appends a variable's value.
    pub(super) fn write(&self, variable: &Variable, escape: Escape, out: &mut Vec<u8>) {
        let method = self.request.method();
        let value = match variable {
            // These have no byte that any place would escape but a colon, which all of them hold.
            Variable::ClientIp => return self.client_ip(out),
            Variable::ClientPort => return self.client_port(out),
            Variable::RequestId => return self.id.write(out),
            Variable::Host => return self.host(out),
            Variable::RequestUri => return self.request_uri(escape, out),
            Variable::Claim(name) => return self.claim(name, escape, out),
            Variable::Identity => {
                self.principal.map_or(&b""[..], |principal| principal.subject.as_bytes())
            }
            Variable::Method => method.as_str().as_bytes(),
            Variable::Scheme => self.scheme.as_bytes(),
            Variable::Path => self.path,
            Variable::RawPath => self.raw_path(),
            Variable::Query => self.request.query().unwrap_or_default(),
            Variable::Route => self.route.as_bytes(),
            Variable::Cluster => self.cluster.as_bytes(),
            Variable::Upstream => self.upstream.as_bytes(),
            Variable::UpstreamHost => self.upstream_host,
            Variable::Rest(segments_count) => rest(self.path, *segments_count),
            Variable::Header(id, name) => self.header(*id, name),
            Variable::QueryParameter(name) => self.query_parameter(name),
            Variable::Cookie(name) => self.cookie(name),
            Variable::Parameter(index) => {
                let index = self.places.get(*index).copied().unwrap_or(*index);
                let range = self.parameters.range(index);
                range.and_then(|range| self.path.get(range)).unwrap_or_default()
            }
            Variable::Group(index) => self.group(*index),
        };
        escape.write(value, out);
    }

    fn client_ip(&self, out: &mut Vec<u8>) {
        let Some(peer) = self.peer else { return };
        let client = match self.trusted {
            Some(trusted) => forwarded::client(self.request, peer.ip(), trusted),
            None => peer.ip(),
        };
        forwarded::address(client, out);
    }

    /// Empty where a proxy stands between: it tells the address alone.
    fn client_port(&self, out: &mut Vec<u8>) {
        let Some(peer) = self.peer.filter(|_| self.trusted.is_none()) else { return };
        // Writing to a Vec does not fail.
        drop(write!(out, "{}", peer.port()));
    }

    /// The host's name in lower case, without port and trailing dot, as nginx has it.
    fn host(&self, out: &mut Vec<u8>) {
        let host = target::host_of(self.request.authority().unwrap_or_default());
        out.extend(host.iter().map(u8::to_ascii_lowercase));
    }

    /// `OPTIONS *` counts as `/`, by which its route was found.
    fn raw_path(&self) -> &[u8] {
        if self.request.form() == Form::Asterisk { b"/" } else { self.request.path() }
    }

    fn request_uri(&self, escape: Escape, out: &mut Vec<u8>) {
        // Its own question mark stays one where a whole reference may stand.
        let escape = if escape == Escape::Path { Escape::Uri } else { escape };
        escape.write(self.raw_path(), out);
        if let Some(query) = self.request.query() {
            escape.write(b"?", out);
            escape.write(query, out);
        }
    }

    fn header(&self, id: FieldId, name: &[u8]) -> &[u8] {
        if id != FieldId::Other {
            return self.request.first(id).unwrap_or_default();
        }
        let mut fields = self.request.fields();
        let found = fields.find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| field.value).unwrap_or_default()
    }

    /// The value as it stands, percent-encoded.
    fn query_parameter(&self, name: &[u8]) -> &[u8] {
        let query = self.request.query().unwrap_or_default();
        for pair in query.split(|byte| *byte == b'&') {
            let (key, value) = split(pair, b'=');
            if is_decoded(key, name) {
                return value;
            }
        }
        b""
    }

    /// RFC 6265 section 4.2.1.
    fn cookie(&self, name: &[u8]) -> &[u8] {
        for field in self.request.all(FieldId::Cookie) {
            for pair in field.split(|byte| *byte == b';') {
                let (key, value) = split(trim(pair), b'=');
                if key == name {
                    return value;
                }
            }
        }
        b""
    }

    /// A text or a number as it is, of a list the members with commas between; an object, and what
    /// is not there, is nothing.
    fn claim(&self, name: &str, escape: Escape, out: &mut Vec<u8>) {
        let Some(claim) = self.principal.and_then(|principal| principal.claim(name)) else {
            return;
        };
        let Value::Array(members) = claim else { return scalar(claim, escape, out) };
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                escape.write(b",", out);
            }
            scalar(member, escape, out);
        }
    }

    fn group(&self, index: usize) -> &[u8] {
        let at = |slot: usize| self.groups.get(slot).copied().flatten().map(NonMaxUsize::get);
        let range = at(2 * index).zip(at(2 * index + 1));
        range.and_then(|(start, end)| self.path.get(start..end)).unwrap_or_default()
    }
}

/// What stands behind so many segments of a path, without the slash in front.
pub(in crate::snapshot) fn rest(path: &[u8], segments_count: usize) -> &[u8] {
    let mut slashes = memchr::memchr_iter(b'/', path);
    match slashes.nth(segments_count) {
        Some(at) => path.get(at + 1..).unwrap_or_default(),
        None => b"",
    }
}

fn scalar(value: &Value, escape: Escape, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => escape.write(text.as_bytes(), out),
        // Digits, a sign and letters, which every place holds; writing to a Vec does not fail.
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}

fn split(pair: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(at, pair) {
        Some(place) => (&pair[..place], &pair[place + 1..]),
        None => (pair, b""),
    }
}

/// Whether a part of a query is this text once it is decoded.
fn is_decoded(encoded: &[u8], text: &[u8]) -> bool {
    let mut rest = encoded;
    let mut text = text.iter();
    while let [byte, after @ ..] = rest {
        rest = after;
        let value = match (*byte, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, behind @ ..]) => match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
                    high << 4 | low
                }
                (_, _) => b'%',
            },
            (plain, _) => plain,
        };
        if text.next() != Some(&value) {
            return false;
        }
    }
    text.next().is_none()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
