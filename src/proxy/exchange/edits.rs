//! What a route changes on the heads of its exchanges.

use crate::bridge::reason::Reason;
use crate::http::field::{FieldId, FieldNames, FieldSet};
use crate::http::h1::encode::{self, Others};
use crate::http::head::Form;
use crate::http::target::authority_is_valid;
use crate::http::told::{self, Told};
use crate::router::path::Forward;
use crate::snapshot::template::Values;
use crate::snapshot::{Action, Edits, Extra, RequestId, RequestIdField, Route};

use super::super::failure::Failure;
use super::super::worker::{Generation, Worker};
use super::{Exchange, Facts, HeadChanges};

impl Exchange {
    /// The canonical path, in which the parameters lie.
    pub fn canonical_path(&self) -> &[u8] {
        if !self.facts.path_is_raw {
            return &self.path;
        }
        let request = self.request();
        if request.form() == Form::Asterisk { b"/" } else { request.path() }
    }

    /// The path that the request goes on with: of the two forms the one that an upstream is sent,
    /// or that a rewrite or a folder starts from.
    pub fn forwarded_path(&self) -> &[u8] {
        let is_file = || self.route().is_some_and(|route| matches!(route.action, Action::Files(_)));
        let is_rewritten = || self.extra().is_some_and(|extra| extra.rewrite.is_some());
        let request = self.request();
        let is_canonical = match self.facts.forward {
            Forward::Canonical => true,
            Forward::Raw => is_rewritten() || is_file(),
        };
        // OPTIONS * asks about the server, not about a path.
        match is_canonical && request.form() != Form::Asterisk {
            true => self.canonical_path(),
            false => request.path(),
        }
    }

    /// The id by which the request is found again.
    pub fn request_id(&self, worker: &Worker) -> RequestId<'_> {
        let field = self.generation.snapshot.request_id.as_deref();
        let kept = field.filter(|field| field.trust && self.is_trusted && self.index.is_complete());
        match kept.and_then(|field| field.received(self.request())) {
            Some(kept) => RequestId::Kept(kept),
            None => RequestId::Own(worker.exchange_id(self.facts.number)),
        }
    }

    /// What the variables of templates stand for.
    pub fn values(&self, worker: &Worker) -> Values<'_> {
        let snapshot = &self.generation.snapshot;
        let upstream = self.facts.upstream.map(|id| snapshot.upstream(id));
        let cluster = upstream.map(|upstream| snapshot.cluster(upstream.cluster));
        Values {
            request: self.request(),
            path: self.canonical_path(),
            parameters: &self.parameters,
            peer: self.peer,
            trusted: self.is_trusted.then_some(&snapshot.trusted),
            scheme: "http",
            id: self.request_id(worker),
            route: self.route().map_or("", |route| &route.id),
            cluster: cluster.map_or("", |cluster| &cluster.name),
            upstream: upstream.map_or("", |upstream| &upstream.name),
            upstream_host: upstream.map_or(b"", |upstream| &upstream.authority),
            principal: self.passage.principal.as_deref(),
            places: &[],
            groups: &[],
        }
    }

    /// What becomes of the fields of the request's head on its way to the upstream.
    pub fn request_changes(&self) -> Changes<'_> {
        Changes::of_request(&self.generation, &self.facts, &self.passage.request)
    }

    /// What becomes of the fields of an answer's head, be it an upstream's or the gateway's own.
    pub fn answer_changes(&self) -> Changes<'_> {
        let id = self.generation.snapshot.request_id.as_deref();
        // Of a request that was not understood there is nothing that a line could say.
        let is_understood = self.index.is_complete();
        let edits = self.extra().map(|extra| &extra.response).filter(|_| is_understood);
        let id = id.filter(|id| id.respond && is_understood);
        Changes::new(edits, id, filtered(&self.facts, &self.passage.response))
    }

    /// Applies the route's changes to the lines of an answer of the gateway's own, which are whole
    /// and with their CRLF; says which of those that the encoder writes remain.
    pub fn own_lines(&self, worker: &Worker, lines: &mut Vec<u8>) -> OwnLines {
        let changes = self.answer_changes();
        if changes.are_none() {
            return OwnLines::ALL;
        }
        changes.strip(lines);
        changes.write(self, worker, lines);
        OwnLines {
            date: !changes.drop.contains(FieldId::Date),
            content_type: !changes.drop.contains(FieldId::ContentType),
        }
    }

    /// Appends the line that says why the answer is what it is, where a trusted peer asked for it.
    #[inline]
    pub fn tell_reason(&self, worker: &Worker, reason: Reason, lines: &mut Vec<u8>) {
        if self.facts.tells_reason {
            self.write_reason(worker, reason, lines);
        }
    }

    fn write_reason(&self, worker: &Worker, reason: Reason, lines: &mut Vec<u8>) {
        let snapshot = &self.generation.snapshot;
        let upstream = self.facts.upstream.map(|id| snapshot.upstream(id));
        let cluster = upstream.map(|upstream| snapshot.cluster(upstream.cluster));
        let told = Told {
            reason: reason.label(),
            route: self.route().map(|route| &*route.id),
            cluster: cluster.map(|cluster| &*cluster.name),
            upstream: upstream.map(|upstream| &*upstream.name),
            generation: snapshot.generation,
        };
        told::line(&told, |out| self.request_id(worker).write(out), lines);
    }

    /// Writes target and `Host` for the upstream, where the route has others than the client. The
    /// upstream is known by then, since templates may name it.
    ///
    /// # Errors
    /// What the route's path policy does not take of a rewritten path, [`Reason::HostInvalid`]
    /// where values make no authority.
    #[inline]
    pub fn readdress(&mut self, worker: &Worker) -> Result<(), Failure> {
        let is_readdressed = match self.facts.forward {
            Forward::Raw => {
                self.extra().is_some_and(|extra| extra.rewrite.is_some() || extra.host.is_some())
            }
            Forward::Canonical => true,
        };
        if !is_readdressed {
            return Ok(());
        }
        let mut target = std::mem::take(&mut self.target);
        let mut host = std::mem::take(&mut self.host);
        target.clear();
        host.clear();
        let written = self.write_address(worker, &mut target, &mut host);
        self.target = target;
        self.host = host;
        written
    }

    fn write_address(
        &self,
        worker: &Worker,
        target: &mut Vec<u8>,
        host: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let (route, values) = (self.route(), self.values(worker));
        let extra = route.and_then(|route| route.extra.as_deref());
        if let Some(template) = extra.and_then(|extra| extra.host.as_ref()) {
            template.write(&values, host);
            if !authority_is_valid(host) {
                return Err(Failure::new(Reason::HostInvalid));
            }
        }
        // OPTIONS * asks about the server, not about a path.
        let is_path = values.request.form() != Form::Asterisk;
        let rewrite = route.filter(|_| is_path).and_then(Route::rewrite);
        match (rewrite, self.facts.forward) {
            (Some((rewrite, policy)), _) => {
                let mut caches = self.generation.rewrite_caches.borrow_mut();
                rewrite
                    .write(&values, policy, &mut caches, target)
                    .map_err(|refusal| Failure::new(refusal.into()))?;
            }
            (None, Forward::Canonical) => target.extend_from_slice(values.path),
            (None, Forward::Raw) => return Ok(()),
        }
        if let Some(query) = values.request.query() {
            target.push(b'?');
            target.extend_from_slice(query);
        }
        Ok(())
    }

    fn extra(&self) -> Option<&Extra> {
        self.route()?.extra.as_deref()
    }
}

/// Which fields of the gateway's own answers the encoder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLines {
    /// `Date`
    pub date: bool,
    /// `Content-Type`
    pub content_type: bool,
}

impl OwnLines {
    /// All of them.
    pub const ALL: OwnLines = OwnLines { date: true, content_type: true };
}

/// Fields that one head loses and gains.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    /// Well-known fields that are left out.
    pub drop: FieldSet,
    /// Names of other fields that are left out.
    pub others: Others<'a>,
    edits: Option<&'a Edits>,
    id: Option<&'a RequestIdField>,
    filtered: Option<&'a HeadChanges>,
}

/// What the route's filters change, if it has any, and the search for the route.
fn filtered<'a>(facts: &Facts, changes: &'a HeadChanges) -> Option<&'a HeadChanges> {
    let is_changed = facts.is_filtered || facts.varies;
    (is_changed && !changes.are_none()).then_some(changes)
}

impl<'a> Changes<'a> {
    /// What becomes of the fields of a request with these facts, in which `changes` are those of
    /// the route's filters.
    pub fn of_request(
        generation: &'a Generation,
        facts: &Facts,
        changes: &'a HeadChanges,
    ) -> Changes<'a> {
        let snapshot = &generation.snapshot;
        let extra = facts.route.and_then(|id| snapshot.route(id).extra.as_deref());
        let edits = extra.map(|extra| &extra.request);
        Changes::new(edits, snapshot.request_id.as_deref(), filtered(facts, changes))
    }

    fn new(
        edits: Option<&'a Edits>,
        id: Option<&'a RequestIdField>,
        filtered: Option<&'a HeadChanges>,
    ) -> Self {
        let dropped = edits.map(|edits| &edits.drop).or(id.map(|id| &id.names));
        let known = dropped.map_or(FieldSet::EMPTY, FieldNames::known);
        Self {
            drop: filtered.map_or(known, |filtered| known.union(filtered.drop())),
            others: Others {
                fixed: dropped.map_or(&[], FieldNames::others),
                more: filtered.map_or(&[], HeadChanges::names),
            },
            edits,
            id: id.filter(|_| edits.is_none_or(|edits| edits.writes_id)),
            filtered,
        }
    }

    /// Whether the head stays as it is.
    #[inline]
    pub fn are_none(&self) -> bool {
        self.edits.is_none() && self.id.is_none() && self.filtered.is_none()
    }

    /// Takes the lines out whose fields are left out: of a head that is written, or of trailers.
    pub fn strip(&self, lines: &mut Vec<u8>) {
        if !lines.is_empty() && !self.are_none() {
            encode::strip(lines, self.drop, self.others);
        }
    }

    /// Appends the lines that the head gains.
    pub fn write(&self, exchange: &Exchange, worker: &Worker, lines: &mut Vec<u8>) {
        if let Some(id) = self.id {
            id.write(exchange.request_id(worker), lines);
        }
        if let Some(filtered) = self.filtered {
            // What the route says of a field goes before what its filters say of it.
            match self.edits.map(|edits| &edits.drop).filter(|dropped| !dropped.is_empty()) {
                None => lines.extend_from_slice(filtered.lines()),
                Some(dropped) => filtered.write_but(dropped, lines),
            }
        }
        if let Some(edits) = self.edits.filter(|edits| !edits.lines.is_empty()) {
            edits.lines.write(|| exchange.values(worker), lines);
        }
    }
}
