//! What a route asks of a request beyond host, path and method: conditions, the media types that it
//! produces, and the version that it serves.
//!
//! A [`Guard`] is compiled once by a [`Compiler`], which gives every place that is looked at and
//! every expression a number, so that a request's values are looked up once for all guards that
//! are asked about it. Asking allocates nothing once [`Scratch`] is warm.
//!
//! # What holds
//!
//! - A field, parameter or cookie that comes more than once fulfils a comparison when any of its
//!   values does; a negated one is the negation of that, and so holds also without a value.
//! - Values are compared as bytes, with case. Numbers are decimal, and the whole value; a
//!   comparison with anything else is false.
//! - A guard's conditions are asked first, then its version, then what it produces:
//!   [`Verdict::FailsProduces`] says that only the last was missing.

mod compile;
mod table;
mod lookup;
mod media;
mod regex;
mod disjoint;
mod explain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use compile::{Compiler, Offer};
pub use explain::Finding;
pub use lookup::{Lookup, Place, Scratch, decoded};
pub use media::MediaType;
pub use regex::RegexError;
pub use table::{Judging, Table};

use super::{Parameters, Verdict};
use crate::http::head::RequestHead;
use crate::http::networks::Networks;
use regex::{Caches, Regex};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything of a request that a guard may look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Fields and query; without a head there are none.
    pub head: Option<RequestHead<'a>>,
    /// Whose connection it is; `None` over a Unix socket.
    pub peer: Option<IpAddr>,
    /// Whose word about the client is believed.
    pub trusted: &'a Networks,
    /// Whether the client's connection is encrypted.
    pub is_tls: bool,
    /// The canonical path, which the parameters lie in.
    pub path: &'a [u8],
}

/// Conditions, version and media types of one route.
#[derive(Debug)]
pub struct Guard {
    conditions: Box<[Node]>,
    version: Option<Version>,
    produces: Box<[Arc<MediaType>]>,
    count: u32,
}

/// A condition as it is asked.
#[derive(Debug, PartialEq)]
pub enum Node {
    /// Every one holds.
    All(Box<[Node]>),
    /// At least one holds.
    Any(Box<[Node]>),
    /// It does not hold.
    Not(Box<Node>),
    /// A named value passes a test.
    Value {
        /// Where it stands.
        lookup: Arc<Lookup>,
        /// What it must be.
        test: Test,
        /// Whether no value may pass the test.
        is_negated: bool,
    },
    /// The client's address lies in one of the networks.
    Client(Networks),
    /// The client's connection is encrypted, or is not.
    Tls(bool),
}

/// What one value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Anything.
    Exists,
    /// These bytes.
    Equals(Box<[u8]>),
    /// One of these, which are sorted.
    In(Box<[Box<[u8]>]>),
    /// These bytes somewhere in it.
    Contains(Box<[u8]>),
    /// These bytes in front.
    Prefix(Box<[u8]>),
    /// These bytes at its end.
    Suffix(Box<[u8]>),
    /// A match somewhere in it.
    Matches(Arc<Regex>),
    /// A number on that side of this one.
    Number(Comparison, f64),
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// How a request says which version of an interface it wants.
#[derive(Debug)]
pub struct Group {
    /// Its name, in messages and in what explains.
    pub name: Box<str>,
    number: u32,
    sources: Box<[Source]>,
}

#[derive(Debug)]
enum Source {
    /// The route's own parameter, see [`Version`].
    Path,
    Value(Arc<Lookup>),
}

/// The version that a route serves.
#[derive(Debug)]
struct Version {
    group: Arc<Group>,
    is: Box<str>,
    /// Which parameter of the route's path says the version.
    parameter: Option<usize>,
    /// Whether requests that say none mean this one.
    is_default: bool,
}

/// The number of guards that fail by the media type; those of groups of versions follow.
const MISSED_MEDIA_TYPE: u32 = 0;

impl Guard {
    /// What it says of a request whose path gave these parameters.
    pub fn judge(
        &self,
        subject: &Subject<'_>,
        parameters: &Parameters,
        scratch: &mut Scratch,
    ) -> Verdict {
        if !self.conditions.iter().all(|node| node.holds(subject, scratch)) {
            return Verdict::Fails;
        }
        if let Some(version) = &self.version
            && !version.holds(subject, parameters, scratch)
        {
            scratch.miss(MISSED_MEDIA_TYPE + 1 + version.group.number);
            return Verdict::Fails;
        }
        if self.produces.is_empty() {
            return Verdict::Holds;
        }
        let qualities = self.produces.iter().map(|media| scratch.quality(media, subject));
        let quality = qualities.max().unwrap_or(0);
        if quality < media::QUALITY_MAX {
            // Another route may be wanted more.
            scratch.miss(MISSED_MEDIA_TYPE);
        }
        match quality {
            0 => Verdict::FailsProduces,
            quality => Verdict::HoldsWithQuality(quality),
        }
    }

    /// How many conditions it has: a comparison is one, `all` are their sum, `any` is its least
    /// member, `not` is one; a version and a list of media types are one each.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether it negotiates the media type.
    pub fn negotiates(&self) -> bool {
        !self.produces.is_empty()
    }

    /// The media types that the route produces, as they were written.
    pub fn produces(&self) -> impl Iterator<Item = &str> {
        self.produces.iter().map(|media| &*media.text)
    }
}

impl Node {
    fn holds(&self, subject: &Subject<'_>, scratch: &mut Scratch) -> bool {
        match self {
            Node::All(nodes) => nodes.iter().all(|node| node.holds(subject, scratch)),
            Node::Any(nodes) => nodes.iter().any(|node| node.holds(subject, scratch)),
            Node::Not(node) => !node.holds(subject, scratch),
            Node::Value { lookup, test, is_negated } => {
                let range = scratch.values(lookup, subject);
                let is_found =
                    scratch.any(range, subject, |value, caches| test.holds(value, caches));
                is_found != *is_negated
            }
            Node::Client(networks) => {
                let client = scratch.client(subject);
                client.is_some_and(|client| networks.contains(client))
            }
            Node::Tls(is_tls) => subject.is_tls == *is_tls,
        }
    }

    /// See [`Guard::count`].
    fn count(&self) -> u32 {
        match self {
            Node::All(nodes) => nodes.iter().map(Node::count).sum(),
            Node::Any(nodes) => nodes.iter().map(Node::count).min().unwrap_or(0),
            Node::Not(_) | Node::Value { .. } | Node::Client(_) | Node::Tls(_) => 1,
        }
    }
}

impl Test {
    fn holds(&self, value: &[u8], caches: &mut Caches) -> bool {
        match self {
            Test::Exists => true,
            Test::Equals(text) => value == &**text,
            Test::In(list) => list.binary_search_by(|member| (**member).cmp(value)).is_ok(),
            Test::Contains(text) => memchr::memmem::find(value, text).is_some(),
            Test::Prefix(text) => value.starts_with(text),
            Test::Suffix(text) => value.ends_with(text),
            Test::Matches(regex) => regex.is_match(value, caches),
            Test::Number(comparison, bound) => {
                number(value).is_some_and(|number| comparison.holds(number, *bound))
            }
        }
    }
}

impl Comparison {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => number < bound,
            Comparison::AtMost => number <= bound,
            Comparison::Greater => number > bound,
            Comparison::AtLeast => number >= bound,
        }
    }
}

impl Version {
    fn holds(&self, subject: &Subject<'_>, parameters: &Parameters, scratch: &mut Scratch) -> bool {
        match self.asked(subject, parameters, scratch) {
            Some(version) => version == self.is.as_bytes(),
            None => self.is_default,
        }
    }

    /// The version that a request asks for: what the first source says that says anything.
    fn asked<'s>(
        &self,
        subject: &Subject<'s>,
        parameters: &Parameters,
        scratch: &'s mut Scratch,
    ) -> Option<&'s [u8]> {
        let mut found = None;
        for source in &self.group.sources {
            match source {
                Source::Path => {
                    let range = self.parameter.and_then(|index| parameters.range(index));
                    let value = range.and_then(|range| subject.path.get(range));
                    if value.is_some() {
                        return value;
                    }
                }
                Source::Value(lookup) => {
                    let mut range = scratch.values(lookup, subject);
                    found = range.find(|index| !scratch.value(*index, subject).is_empty());
                }
            }
            if let Some(index) = found {
                return Some(scratch.value(index, subject));
            }
        }
        None
    }
}

/// A decimal number that is the whole of a value: a sign, digits, a point and digits.
fn number(value: &[u8]) -> Option<f64> {
    let is_decimal = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    if !value.iter().all(is_decimal) {
        return None;
    }
    let number: f64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}
