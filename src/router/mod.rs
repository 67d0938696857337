//! Host, then path, then method: which route a request takes. Pure.
//!
//! # What a pattern says
//!
//! - **Host**: exact (`api.example.com`), or `*.example.com`, which matches one or more labels in
//!   front of `.example.com` but not `example.com` itself; or none, which matches every host and
//!   also a request without one. Case, a port and one trailing dot are ignored.
//! - **Path**: literal bytes, `{name}` for one or more bytes of a segment (also inside one:
//!   `/v{version}/x`, `/files/{name}.json`), and a trailing `/*`: `/prefix/*` matches `/prefix`,
//!   `/prefix/` and all below it. A parameter never crosses a `/`. Where a segment could be split
//!   in more than one way, every parameter takes as few bytes as it can, from left to right.
//! - **Methods**: a list, or none, which matches every method. A route that lists GET answers HEAD
//!   too, unless another route of the same host and path lists HEAD (RFC 9110 section 9.3.2: a
//!   server that has one has the other).
//!
//! # Which route wins
//!
//! Of all routes that match host, path and method, the first in this order. It is total: no two
//! routes of one router are equal in it, and the order of the file plays no part.
//!
//! 1. An exact host, then the longer wildcard host, then no host.
//! 2. The paths compared segment by segment from the left; the first difference decides:
//!    1. more literal bytes before the segment's first parameter (so a literal segment comes
//!       before every other),
//!    2. then more literal bytes in the segment,
//!    3. then fewer parameters in it,
//!    4. then the byte order of its literals;
//!    5. a path that ends here comes before `/*`, and a further segment comes before `/*`.
//! 3. A route that lists the method before one that lists none.
//!
//! Two routes with the same host, the same path but for the names of parameters, and a method in
//! common (or both without methods) are a [`BuildFault::Tie`].
//!
//! A route that matches host and path but not the method does not end the search: a less specific
//! one may still answer. [`Found::MethodNotAllowed`] therefore means that no route that matches host
//! and path has the method, and carries all methods that they have.
//!
//! # How it is found
//!
//! A hash of the host gives a tree; each tree is a compressed radix tree over path bytes in flat
//! arrays. The search walks down the literals and keeps, in a small fixed stack, the places where a
//! parameter or `/*` could be tried instead. A place of the tree is visited at most once a search,
//! because a segment matches a shape in one way, so the work is bounded by the tree, not by the
//! number of ways to split a path.

mod build;
mod host;
mod methods;
pub mod path;
mod pattern;
mod tree;

pub use build::{BuildFault, Builder};
pub use methods::MethodSet;
pub use pattern::{Part, PatternError};

use crate::http::method::Method;
use crate::limits;
use std::ops::Range;

/// A route's index in the snapshot that the router was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// What one route matches, as an operator writes it.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'a> {
    /// `api.example.com`, `*.example.com`, or none for any host.
    pub host: Option<&'a str>,
    /// Literals, `{name}` and a trailing `/*`.
    pub path: &'a str,
    /// Empty: any method.
    pub methods: &'a [Method],
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The most specific route that matches.
    Route(RouteId),
    /// Routes match host and path, none of them the method: what an `Allow` field lists.
    MethodNotAllowed(MethodSet),
    /// No route matches host and path.
    NotFound,
}

/// Where the parameters of the found pattern lie in the path, in the pattern's order.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    ranges: [(u32, u32); limits::PARAMETERS_COUNT_MAX],
    count: u32,
}

impl Parameters {
    /// No parameters.
    pub const fn new() -> Parameters {
        Parameters { ranges: [(0, 0); limits::PARAMETERS_COUNT_MAX], count: 0 }
    }

    /// Parameters of the found pattern.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// The byte range of one parameter in the path that was searched with.
    pub fn range(&self, index: usize) -> Option<Range<usize>> {
        let (start, end) = *self.ranges.get(..self.count())?.get(index)?;
        Some(start as usize..end as usize)
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
    /// `host` is the authority as received, or none. `path` is the canonical form that
    /// [`path::canonical`] gives, without a query. `parameters` is overwritten.
    pub fn find(
        &self,
        host: Option<&[u8]>,
        path: &[u8],
        method: Method,
        parameters: &mut Parameters,
    ) -> Found {
        parameters.truncate(0);
        let mut search = tree::Search {
            path,
            method: self.methods.bit(method),
            allowed: MethodSet::EMPTY,
            parameters,
        };
        let found = self.hosts.roots(host, |root| self.tree.find(root, &mut search));
        match found {
            Some(route) => Found::Route(route),
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
