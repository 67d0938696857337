//! Host, then path, then method, then conditions: which route a request takes. Pure.
//!
//! # What a pattern says
//!
//! - **Host**: exact (`api.example.com`, `[::1]`), or `*.example.com`, which matches one or more
//!   labels in front of `.example.com` but not `example.com` itself, or `api.*`, which matches one
//!   or more labels behind `api.`; or none, which matches every host and also a request without
//!   one. Case, a port and one trailing dot are ignored.
//! - **Path**: literal bytes; `{name}` for one or more bytes of a segment (also inside one:
//!   `/v{version}/x`, `/files/{name}.json`); `*` alone for a whole segment that is not empty
//!   (`/a/*/b`); and a trailing `/*`: `/prefix/*` matches `/prefix`, `/prefix/` and all below it. A
//!   parameter never crosses a `/`. Where a segment could be split in more than one way, every
//!   parameter takes as few bytes as it can, from left to right, and is then held against its
//!   regular expression, if it has one.
//! - **A regular expression** in place of the path: it must match all of the canonical path. Its
//!   named groups are parameters. Bytes, ASCII classes, with case; no look-around but `^`, `$` and
//!   `\\b`, no back references: the search never goes back.
//! - **Methods**: a list, or none, which matches every method. A route that lists GET answers HEAD
//!   too, unless another route of the same host and path lists HEAD (RFC 9110 section 9.3.2: a
//!   server that has one has the other).
//! - **A guard**: conditions that the router does not know (see [`Guards`] and [`Judge`]).
//!
//! # Which route wins
//!
//! Of all routes that match host, path, method and conditions, the first in this order. It is
//! total: no two routes of one router that can match one request are equal in it, and the order of
//! the file plays no part.
//!
//! 1. An exact host, then the longer `*.example.com`, then the longer `api.*`, then no host.
//! 2. The paths compared segment by segment from the left; the first difference decides:
//!    1. more literal bytes before the segment's first parameter (so a literal segment comes
//!       before every other),
//!    2. then more literal bytes in the segment,
//!    3. then fewer parameters in it,
//!    4. then the byte order of its literals;
//!    5. then `*` alone;
//!    6. then a regular expression, which stands at the segment in which the literal bytes that it
//!       begins with end: the one with more of these bytes first, then the one with the longer
//!       text;
//!    7. a path that ends here comes before `/*`, and a further segment comes before `/*`.
//! 3. A route that lists the method before one that lists none.
//! 4. More conditions before fewer: those of the guard, and one for each regular expression of a
//!    parameter.
//! 5. The higher quality that the client gives to what the route produces; a route that does not
//!    negotiate has the highest.
//! 6. The higher priority.
//!
//! Two routes that are equal up to here are a [`BuildFault::Tie`], unless no request can match
//! both, as far as is known: they have no method in common, their guards are disjoint
//! ([`Guards::are_disjoint`]), or regular expressions of the same parameter or path match texts of
//! other lengths or with other first bytes.
//!
//! A route that matches host and path but not the method or its conditions does not end the search:
//! a less specific one may still answer. [`Found::MethodNotAllowed`] therefore means that no route
//! that matches all else has the method, and carries all methods that they have;
//! [`Found::NotAcceptable`] that some route matched all but the media type.
//!
//! # How it is found
//!
//! A hash of the host gives a tree; each tree is a compressed radix tree over path bytes, laid out
//! in one run of bytes. The search walks down the literals and keeps, in a small fixed stack, the
//! places where a parameter, a regular expression or `/*` could be tried instead. A place of the
//! tree is visited at most once a search, because a segment matches a shape in one way, so the work
//! is bounded by the tree, not by the number of ways to split a path. Regular expressions of one
//! place are run at once, and only where their literal bytes stand.

mod alone;
mod build;
pub mod condition;
mod guard;
mod host;
mod leaf;
mod methods;
pub mod naive;
pub mod path;
mod pattern;
mod regex;
mod tree;
mod wide;
#[cfg(test)]
mod tests;

pub use alone::Paths;
pub use build::{BuildFault, Builder};
pub use guard::{GuardId, Guards, Judge, Need, NoGuards, Verdict};
pub use methods::MethodSet;
pub use pattern::{Part, PatternError};
pub use regex::Scratch;

use crate::http::method::Method;
use crate::limits;
use std::ops::Range;

/// A route's index in the snapshot that the router was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// What one route matches, as an operator writes it.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'a> {
    /// `api.example.com`, `*.example.com`, `api.*`, or none for any host.
    pub host: Option<&'a str>,
    /// The path.
    pub path: PathPattern<'a>,
    /// What parameters of the path must match whole: their names and regular expressions.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Empty: any method.
    pub methods: &'a [Method],
    /// Further conditions.
    pub guard: Option<GuardId>,
    /// Decides where nothing else does: the higher first.
    pub priority: i32,
}

/// A path as an operator writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPattern<'a> {
    /// Literals, `{name}`, `*` and a trailing `/*`.
    Segments(&'a str),
    /// A regular expression for all of the path.
    Regex(&'a str),
}

impl<'a> Pattern<'a> {
    /// Every host and every method of a path of segments.
    pub const fn segments(path: &'a str) -> Pattern<'a> {
        Pattern {
            host: None,
            path: PathPattern::Segments(path),
            parameters: &[],
            methods: &[],
            guard: None,
            priority: 0,
        }
    }
}

/// A request, as far as the router itself looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The authority as received, or none.
    pub host: Option<&'a [u8]>,
    /// The canonical form that [`path::canonical`] gives, without a query.
    pub path: &'a [u8],
    /// The method.
    pub method: Method,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The most specific route that matches.
    Route(RouteId),
    /// Routes match all but the method: what an `Allow` field lists.
    MethodNotAllowed(MethodSet),
    /// A route matches all but that the client takes none of what it produces.
    NotAcceptable,
    /// No route matches host, path and conditions.
    NotFound,
}

/// Where the parameters of the found pattern lie in the path, in the pattern's order.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    ranges: [(u32, u32); limits::PARAMETERS_COUNT_MAX],
    count: u32,
    /// Where what `/*` matched begins; it goes on to the path's end.
    rest: Option<u32>,
}

impl Parameters {
    /// No parameters.
    pub const fn new() -> Parameters {
        Parameters { ranges: [(0, 0); limits::PARAMETERS_COUNT_MAX], count: 0, rest: None }
    }

    /// Parameters of the found pattern.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Where what a trailing `/*` matched begins in the path, without the slash in front; it goes
    /// on to the path's end. None where the found pattern has no `/*`.
    pub fn rest_start(&self) -> Option<usize> {
        self.rest.map(|start| start as usize)
    }

    /// The byte range of one parameter in the path that was searched with.
    pub fn range(&self, index: usize) -> Option<Range<usize>> {
        let (start, end) = *self.ranges.get(..self.count())?.get(index)?;
        Some(start as usize..end as usize)
    }

    fn clear(&mut self) {
        self.count = 0;
        self.rest = None;
    }

    fn truncate(&mut self, count: u32) {
        debug_assert!(count <= self.count);
        self.count = count;
    }

    fn push(&mut self, start: u32, end: u32) {
        // A pattern has at most PARAMETERS_COUNT_MAX, which `pattern::parse` holds.
        debug_assert!(self.count() < limits::PARAMETERS_COUNT_MAX);
        if let Some(range) = self.ranges.get_mut(self.count as usize) {
            *range = (start, end);
            self.count += 1;
        }
    }
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters::new()
    }
}

/// An immutable index of all routes, shared by every worker.
#[derive(Debug)]
pub struct Router {
    hosts: host::Index,
    tree: tree::Tree,
    methods: methods::Table,
}

impl Router {
    /// The most specific route for a request.
    ///
    /// `judge` is asked for guards only, `scratch` used for regular expressions only; it serves one
    /// router after another, but best always the same. `parameters` is overwritten.
    pub fn find(
        &self,
        request: &Request<'_>,
        parameters: &mut Parameters,
        scratch: &mut Scratch,
        judge: &mut impl Judge,
    ) -> Found {
        parameters.clear();
        let mut search = tree::Search {
            path: request.path,
            method: self.methods.bit(request.method),
            allowed: MethodSet::EMPTY,
            not_acceptable: false,
            parameters,
            scratch,
            judge,
        };
        let found = self.hosts.roots(request.host, |root| self.tree.find(root, &mut search));
        match found {
            Some(route) => Found::Route(route),
            None if search.not_acceptable => Found::NotAcceptable,
            None if search.allowed.is_empty() => Found::NotFound,
            None => Found::MethodNotAllowed(search.allowed),
        }
    }

    /// The methods of a set that this router gave.
    pub fn methods(&self, set: MethodSet) -> impl Iterator<Item = Method> {
        self.methods.of(set)
    }

    /// Heap bytes that the index holds.
    pub fn memory_bytes(&self) -> usize {
        self.hosts.memory_bytes() + self.tree.memory_bytes() + self.methods.memory_bytes()
    }
}
