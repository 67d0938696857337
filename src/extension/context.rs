//! What a filter may know of an exchange beyond its heads.

use super::Principal;
use crate::http::forwarded;
use crate::http::head::RequestHead;
use crate::http::networks::Networks;
use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

/// An exchange, as one of its filters knows it: the same from its request to its end.
pub struct FilterContext<'a> {
    parts: FilterParts<'a>,
}

/// What it is made from.
pub(crate) struct FilterParts<'a> {
    pub(crate) head: RequestHead<'a>,
    pub(crate) route: &'a str,
    pub(crate) peer: Option<SocketAddr>,
    /// Whose word on its own client counts; none where the peer is not one of them.
    pub(crate) trusted: Option<&'a Networks>,
    pub(crate) worker: usize,
    pub(crate) now: Duration,
    pub(crate) wall: Duration,
    pub(crate) principal: &'a mut Option<Rc<Principal>>,
    pub(crate) balance_key: &'a mut Option<u64>,
    pub(crate) kept: &'a mut Option<Box<dyn Any>>,
}

impl<'a> FilterContext<'a> {
    pub(crate) fn new(parts: FilterParts<'a>) -> FilterContext<'a> {
        FilterContext { parts }
    }

    /// The name of the route.
    pub fn route(&self) -> &'a str {
        self.parts.route
    }

    /// The other end of the client's connection; none of a Unix socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.parts.peer
    }

    /// Who asks: the peer, or where it is one of `trusted_proxies`, the client that it names. None
    /// of a Unix socket.
    pub fn client(&self) -> Option<IpAddr> {
        let peer = self.parts.peer?.ip();
        Some(match self.parts.trusted {
            Some(trusted) => forwarded::client(self.parts.head, peer, trusted),
            None => peer.to_canonical(),
        })
    }

    /// Who asks, by name, once a filter has found out.
    pub fn principal(&self) -> Option<&Principal> {
        self.parts.principal.as_deref()
    }

    /// Says who asks, for the filters behind this one and for the log. Of use on the request.
    pub fn identify(&mut self, principal: Rc<Principal>) {
        *self.parts.principal = Some(principal);
    }

    /// The number that a custom balancer is given for this request, in place of one that is made of
    /// the client's address. Of use on the request.
    pub fn balance_by(&mut self, key: u64) {
        *self.parts.balance_key = Some(key);
    }

    /// The worker's number, from 0.
    pub fn worker(&self) -> usize {
        self.parts.worker
    }

    /// The time since the worker began: it never goes back. Read once in each turn of the worker,
    /// so that asking for it costs nothing.
    pub fn now(&self) -> Duration {
        self.parts.now
    }

    /// The time since 1970, as [`FilterContext::now`].
    pub fn wall(&self) -> Duration {
        self.parts.wall
    }

    /// Keeps something for this filter's later calls for the same exchange, in place of what was
    /// kept. It is dropped when the exchange ends.
    pub fn set(&mut self, kept: Box<dyn Any>) {
        *self.parts.kept = Some(kept);
    }

    /// What was kept, where it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.parts.kept.as_ref()?.downcast_ref()
    }

    /// What was kept, where it is of this type, to be changed.
    pub fn get_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.parts.kept.as_mut()?.downcast_mut()
    }

    /// Takes what was kept, whatever it is.
    pub fn take(&mut self) -> Option<Box<dyn Any>> {
        self.parts.kept.take()
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// The status that the client was sent; 0 where it was sent none.
    pub status: u16,
    /// Why, in the log's word: `ok`, `rate_limited`, `connect_refused` and others.
    pub reason: &'a str,
    /// The upstream of the last attempt, as `host:port`.
    pub upstream: Option<&'a str>,
    /// The status of the upstream's answer; 0 where none came.
    pub upstream_status: u16,
    /// Attempts at an upstream.
    pub attempts_count: u8,
    /// Bytes of the request's body that were read.
    pub body_bytes_in: u64,
    /// Bytes of the answer's body that were sent.
    pub body_bytes_out: u64,
    /// From the request's first byte to the end.
    pub duration: Duration,
}
