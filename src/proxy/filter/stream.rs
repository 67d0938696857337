//! A request's body that goes up piece by piece through filters of the embedding program, while the
//! answer may already come down: the exchange is then in the hands of the answer's half.

use super::body::{self, Scratch};
use crate::extension::{BodySink, Direction, Filter, FilterContext, FilterParts, Principal};
use crate::http::head::{HeadIndex, RequestHead};
use crate::proxy::exchange::{Course, Exchange, Kept};
use crate::proxy::failure::Failure;
use crate::proxy::worker::{Generation, Worker};
use crate::snapshot::RouteId;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// What the filters of one request's body need to know of its exchange.
pub struct RequestStream {
    head: Vec<u8>,
    index: HeadIndex,
    generation: Rc<Generation>,
    route: Option<RouteId>,
    peer: Option<SocketAddr>,
    is_trusted: bool,
    principal: Option<Rc<Principal>>,
    /// In the order in which they see the body.
    filters: Vec<(Rc<dyn Filter>, Kept)>,
    scratch: Scratch,
}

impl RequestStream {
    /// That of a request, if its body goes through filters piece by piece.
    pub fn of(exchange: &mut Exchange) -> Option<Box<RequestStream>> {
        if exchange.passage.request_course != Course::Stream {
            return None;
        }
        let links = exchange.passage.request_links;
        let visits = exchange.passage.visits.iter_mut();
        let chosen = visits.filter(|visit| links & (1 << visit.at) != 0);
        let filters = chosen.map(|visit| (Rc::clone(&visit.filter), visit.kept.share())).collect();
        Some(Box::new(RequestStream {
            head: exchange.head.clone(),
            index: exchange.index.clone(),
            generation: Rc::clone(&exchange.generation),
            route: exchange.facts.route,
            peer: exchange.peer,
            is_trusted: exchange.is_trusted,
            principal: exchange.passage.principal.clone(),
            filters,
            scratch: Scratch::default(),
        }))
    }

    /// Shows a piece to the filters; what the upstream reads is appended to `out`.
    ///
    /// # Errors
    /// One of them failed.
    pub fn piece(
        &mut self,
        worker: &Worker,
        (chunk, end): (&[u8], bool),
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let snapshot = &self.generation.snapshot;
        let route = self.route.map(|id| snapshot.route(id));
        let wall = worker.runtime.wall();
        let mut filters = self.filters.iter_mut();
        body::through(&mut self.scratch, (chunk, end), out, |chunk, out| {
            let (filter, kept) = filters.next()?;
            let mut kept_now = kept.take();
            // Who asks and where to is settled by now.
            let (mut principal, mut balance_key) = (self.principal.clone(), None);
            let mut context = FilterContext::new(FilterParts {
                head: RequestHead::new(&self.head, &self.index),
                route: route.map_or("", |route| &route.id),
                peer: self.peer,
                trusted: self.is_trusted.then_some(&snapshot.trusted),
                worker: worker.number(),
                now: Duration::from_nanos(worker.runtime.now().0),
                wall: Duration::new(wall.seconds, wall.nanos),
                principal: &mut principal,
                balance_key: &mut balance_key,
                kept: &mut kept_now,
            });
            let mut sink = BodySink::new(out);
            filter.on_body(Direction::Request, chunk, end, &mut sink, &mut context);
            let has_failed = sink.has_failed();
            kept.put(kept_now);
            Some(body::passed(has_failed))
        })
    }
}
