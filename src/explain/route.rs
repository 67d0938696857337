//! What the route that was found does with the request: the head that goes up, who may get it, and
//! what bounds it. Written with what the workers write heads with.

use super::asked::Asked;
use super::build::{Source, answer, text};
use super::explanation::{Answer, Bound, Cluster, Endpoint, Filter, Found};
use super::{bounds, filters, words};
use crate::bridge::Reason;
use crate::config::MiddlewareKind;
use crate::http::field::{self, FieldId, FieldNames, FieldSet};
use crate::http::forwarded::{self, Hop};
use crate::http::framing;
use crate::http::h1::encode::{self, Framing, Others, Target};
use crate::http::head::Form;
use crate::http::method::Method;
use crate::http::origin;
use crate::router::Parameters;
use crate::router::path::Forward;
use crate::snapshot::filter::{Asker, CorsCache};
use crate::snapshot::template::Values;
use crate::snapshot::{
    Action, Balance, ClusterId, ExchangeId, Extra, FileName, Files, Matched, NameFault, NoHost,
    RequestId, RequestIdField, RewriteCaches, Route, RouteId, Upstream,
};

use std::net::SocketAddr;

/// A route and the request that it has.
pub(super) struct One<'a> {
    pub(super) source: Source<'a>,
    pub(super) asked: &'a Asked,
    /// The path in which the parameters lie.
    pub(super) canonical: &'a [u8],
    pub(super) id: RouteId,
    pub(super) parameters: &'a Parameters,
}

/// A cluster and its weight among those of the route.
struct Share {
    cluster: ClusterId,
    weight: u64,
}

impl One<'_> {
    /// What the route does, and what the gateway itself answers.
    pub(super) fn explain(
        &self,
        matched: &Matched,
        place: Option<String>,
    ) -> (Found, Option<Answer>) {
        let route = self.route();
        let config = self.source.config.routes.get(self.id.0 as usize);
        let shares = self.shares();
        // Of several clusters the likeliest stands for the others in what is sent.
        let likeliest = shares.iter().max_by_key(|share| share.weight);
        let upstream = likeliest.and_then(|share| self.upstream(share.cluster));
        let values = self.values(upstream);
        let extra = route.extra.as_deref();
        let mut found = Found {
            route: route.id.to_string(),
            place,
            action: config.map(|config| words::action(config).text).unwrap_or_default(),
            filters: self.filters(),
            parameters: self.parameters(),
            rest: self.rest(),
            sent: Vec::new(),
            answer_lines: self.answer_lines(&values),
            answer_removed: extra.map(|extra| removed(&extra.response.drop)).unwrap_or_default(),
            clusters: self.clusters(&shares),
            timeouts: config.map(|route| bounds::timeouts(self.source, route)).unwrap_or_default(),
            limits: self.limits(),
        };
        let answer = match self.body_fault() {
            Some(reason) => Some(answer(reason, None, Vec::new())),
            None => self.preflight().or_else(|| self.answered(&values)),
        };
        if answer.is_none() {
            match self.sent(matched, &values) {
                Ok(lines) => found.sent = lines,
                Err(refused) => return (found, Some(refused)),
            }
        }
        (found, answer)
    }

    fn route(&self) -> &Route {
        self.source.snapshot.route(self.id)
    }

    /// Why a body of the declared length is not taken.
    fn body_fault(&self) -> Option<Reason> {
        match framing::request(self.asked.head()) {
            Err(_) => Some(Reason::FramingInvalid),
            Ok(framing::Body::Length(bytes)) if bytes > self.route().body_bytes_max => {
                Some(Reason::BodyTooLarge)
            }
            Ok(_) => None,
        }
    }

    fn filters(&self) -> Vec<Filter> {
        let is_preflight = origin::preflight_method(self.asked.head()).is_some();
        let links = self.route().chain().into_iter().flat_map(|chain| &chain.links);
        let shown = links.map(|link| {
            let filter = self.source.snapshot.filter(link.filter);
            let is_let_by = is_preflight && link.lets_preflights_by;
            Filter {
                name: filter.name.to_string(),
                kind: filter.written().kind().map_or("", MiddlewareKind::name).to_owned(),
                does: filters::describe(filter.written())
                    + if is_let_by { "; not asked of preflights" } else { "" },
            }
        });
        shown.collect()
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let config = self.source.config.routes.get(self.id.0 as usize);
        let names = config.map(words::parameter_names).unwrap_or_default();
        let value = |index| {
            let range = self.parameters.range(index)?;
            self.canonical.get(range).map(text)
        };
        let named = names.into_iter().enumerate();
        named.filter_map(|(index, name)| Some((name, value(index)?))).collect()
    }

    fn rest(&self) -> Option<String> {
        let start = self.parameters.rest_start()?;
        Some(text(self.canonical.get(start..).unwrap_or_default()))
    }

    fn shares(&self) -> Vec<Share> {
        match &self.route().action {
            Action::Cluster(cluster) => vec![Share { cluster: *cluster, weight: 1 }],
            Action::Split(split) => (split.shares.iter())
                .map(|share| Share { cluster: share.cluster, weight: share.weight.into() })
                .collect(),
            Action::Redirect(_) | Action::Respond(_) | Action::Files(_) => Vec::new(),
        }
    }

    /// The first upstream of a cluster that has a weight.
    fn upstream(&self, cluster: ClusterId) -> Option<&Upstream> {
        let snapshot = self.source.snapshot;
        let upstreams = snapshot.upstreams.get(snapshot.cluster(cluster).upstreams.clone())?;
        upstreams.iter().find(|upstream| upstream.weight > 0).or_else(|| upstreams.first())
    }

    fn values<'v>(&'v self, upstream: Option<&'v Upstream>) -> Values<'v> {
        let snapshot = self.source.snapshot;
        let cluster = upstream.map(|upstream| snapshot.cluster(upstream.cluster));
        let (request, peer) = (self.asked.head(), self.asked.peer);
        let is_trusted = peer.is_some_and(|peer| snapshot.trusted.contains(peer));
        let field = snapshot.request_id.as_deref().filter(|field| field.trust && is_trusted);
        Values {
            request,
            path: self.canonical,
            parameters: self.parameters,
            peer: peer.map(|peer| SocketAddr::new(peer, 0)),
            trusted: is_trusted.then_some(&snapshot.trusted),
            scheme: if self.asked.is_tls { "https" } else { "http" },
            id: match field.and_then(|field| field.received(request)) {
                Some(kept) => RequestId::Kept(kept),
                None => RequestId::Own(ExchangeId::default()),
            },
            route: &self.route().id,
            cluster: cluster.map_or("", |cluster| &cluster.name),
            upstream: upstream.map_or("", |upstream| &upstream.name),
            upstream_host: upstream.map_or(b"", |upstream| &upstream.authority),
            principal: None,
            places: &[],
            groups: &[],
        }
    }

    /// The answer of the route's `cors` to a preflight.
    fn preflight(&self) -> Option<Answer> {
        let cors = self.source.snapshot.cors(self.route())?;
        let request = self.asked.head();
        let method = origin::preflight_method(request)?;
        let asker = cors.judge(request, &mut CorsCache::default());
        let mut lines = Vec::new();
        cors.write_preflight(asker, request, &mut lines);
        let lines = lines.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
        let lines = lines.filter(|line| !line.is_empty()).map(text).collect();
        let is_refused = cors.rejects && (asker == Asker::Denied || !cors.takes(request, method));
        Some(match is_refused {
            true => answer(Reason::CorsDenied, None, lines),
            false => answer(Reason::PreflightAnswered, Some(204), lines),
        })
    }

    /// The gateway's own answer, where the route has no upstream.
    fn answered(&self, values: &Values<'_>) -> Option<Answer> {
        match &self.route().action {
            Action::Cluster(_) | Action::Split(_) => None,
            Action::Redirect(redirect) => {
                let mut to = b"Location: ".to_vec();
                let written = redirect.write(values, &mut to);
                Some(match written {
                    Ok(()) => {
                        let status = Some(redirect.status.code());
                        answer(Reason::Redirected, status, vec![shown(&to)])
                    }
                    Err(NoHost) => answer(Reason::HostInvalid, None, Vec::new()),
                })
            }
            Action::Respond(respond) => {
                let lines = match respond.body.is_empty() {
                    true => Vec::new(),
                    false => vec![
                        format!("Content-Type: {}", text(&respond.content_type)),
                        format!("Content-Length: {}", respond.body.len()),
                    ],
                };
                Some(answer(Reason::Responded, Some(respond.status.code()), lines))
            }
            Action::Files(files) => Some(self.file(files, values)),
        }
    }

    /// Which file is looked for, or why none is.
    fn file(&self, files: &Files, values: &Values<'_>) -> Answer {
        if !matches!(values.request.method(), Method::GET | Method::HEAD) {
            return answer(Reason::MethodNotAllowed, None, vec!["Allow: GET, HEAD".to_owned()]);
        }
        let mut target = Vec::new();
        if self.route().rewrite().is_some()
            && let Err(refused) = self.write_target(Forward::Canonical, values, &mut target)
        {
            return refused;
        }
        let config = self.source.config.routes.get(self.id.0 as usize);
        let root = config.and_then(|route| route.files.as_ref()).map(|files| files.root.display());
        let root = root.map_or_else(String::new, |root| root.to_string());
        let named = files.named(&target, self.canonical);
        let below = text(files.below(named));
        let lines = vec![format!("file {}/{below}", root.trim_end_matches('/'))];
        match files.write_name(named, &mut Vec::new()) {
            Err(NameFault::Forbidden) => answer(Reason::FileForbidden, None, lines),
            Err(NameFault::Absent) if files.fallback.is_none() => {
                answer(Reason::FileNotFound, None, lines)
            }
            // What is found there is the disk's to say.
            Err(NameFault::Absent) | Ok(FileName::File | FileName::Folder) => {
                Answer { meaning: ELSE.to_owned(), ..answer(Reason::FileServed, None, lines) }
            }
        }
    }

    /// The head that goes to the upstream.
    fn sent(&self, matched: &Matched, values: &Values<'_>) -> Result<Vec<String>, Answer> {
        let snapshot = self.source.snapshot;
        let (request, extra) = (values.request, self.route().extra.as_deref());
        let mut target = Vec::new();
        self.write_target(matched.forward, values, &mut target)?;
        let mut other_host = Vec::new();
        if let Some(template) = extra.and_then(|extra| extra.host.as_ref()) {
            template.write(values, &mut other_host);
            if !crate::http::target::authority_is_valid(&other_host) {
                let line = format!("Host: {}", text(&other_host));
                return Err(answer(Reason::HostInvalid, None, vec![line]));
            }
        }
        let edits = extra.map(|extra| &extra.request);
        let id = snapshot.request_id.as_deref().filter(|_| edits.is_none_or(|one| one.writes_id));
        let names = edits.map(|edits| &edits.drop).or(id.map(|id| &id.names));
        let drop = names.map_or(FieldSet::EMPTY, FieldNames::known);
        let is_trusted = values.trusted.is_some();
        let hop = Hop {
            peer: self.asked.peer,
            trusted: is_trusted,
            proto: values.scheme,
            host: request.authority(),
        };
        let mut lines = Vec::new();
        forwarded::request(request, &hop, drop, &mut lines);
        if let Some(id) = id {
            id.write(values.id, &mut lines);
        }
        if let Some(edits) = edits {
            edits.lines.write(|| *values, &mut lines);
        }
        let own = FieldSet::of(&[FieldId::Expect, FieldId::FrysExplain]);
        let body = framing::request(request)
            .map_err(|_| answer(Reason::FramingInvalid, None, Vec::new()))?;
        let edits = encode::Edits {
            drop: forwarded::drop_set(is_trusted).union(own).union(drop),
            others: Others { fixed: names.map_or(&[], FieldNames::others), more: &[] },
            framing: Framing::from(body),
            append: &lines,
        };
        let host = if other_host.is_empty() {
            request.authority().unwrap_or(values.upstream_host)
        } else {
            &other_host
        };
        let target = if target.is_empty() { Target::Received } else { Target::Rewritten(&target) };
        let mut head = Vec::new();
        encode::request(request, target, host, &edits, &mut head);
        let lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
        let mut lines = lines.filter(|line| !line.is_empty());
        // The first is no field, whatever words stand in its target.
        let first = lines.next().map(shown);
        Ok(first.into_iter().chain(lines.map(masked)).collect())
    }

    /// Another target than the received one, if there is one.
    fn write_target(
        &self,
        forward: Forward,
        values: &Values<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Answer> {
        let is_path = values.request.form() != Form::Asterisk;
        match (self.route().rewrite().filter(|_| is_path), forward) {
            (Some((rewrite, policy)), _) => {
                let written = rewrite.write(values, policy, &mut RewriteCaches::default(), out);
                if let Err(refusal) = written {
                    let line = format!("rewritten to {}", text(out));
                    return Err(answer(refusal.into(), None, vec![line]));
                }
            }
            (None, Forward::Canonical) => out.extend_from_slice(values.path),
            (None, Forward::Raw) => return Ok(()),
        }
        if let Some(query) = values.request.query() {
            out.push(b'?');
            out.extend_from_slice(query);
        }
        Ok(())
    }

    /// Lines that the answer gains.
    fn answer_lines(&self, values: &Values<'_>) -> Vec<String> {
        let edits = self.route().extra.as_deref().map(|extra: &Extra| &extra.response);
        let mut lines = Vec::new();
        let responds = |id: &&RequestIdField| id.respond;
        let id = self.source.snapshot.request_id.as_deref().filter(responds);
        if let Some(id) = id.filter(|_| edits.is_none_or(|edits| edits.writes_id)) {
            id.write(values.id, &mut lines);
        }
        if let Some(edits) = edits {
            edits.lines.write(|| *values, &mut lines);
        }
        let lines = lines.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
        lines.filter(|line| !line.is_empty()).map(shown).collect()
    }

    fn clusters(&self, shares: &[Share]) -> Vec<Cluster> {
        let sum: u64 = shares.iter().map(|share| share.weight).sum();
        shares.iter().map(|share| self.cluster(share, sum)).collect()
    }

    fn cluster(&self, share: &Share, sum: u64) -> Cluster {
        let snapshot = self.source.snapshot;
        let cluster = snapshot.cluster(share.cluster);
        let mut endpoints: Vec<Endpoint> = (cluster.endpoints.iter())
            .map(|endpoint| Endpoint {
                upstream: snapshot.upstream(endpoint.upstream).name.to_string(),
                address: endpoint.address.to_string(),
                weight: endpoint.weight,
                percent: 0.0,
            })
            .collect();
        let with_address: Vec<_> = cluster.endpoints.iter().map(|one| one.upstream).collect();
        let mut unresolved = Vec::new();
        for index in cluster.upstreams.clone() {
            let upstream = &snapshot.upstreams[index];
            if with_address.iter().any(|id| id.0 as usize == index) {
                continue;
            }
            let name = upstream.name.to_string();
            if self.source.is_running {
                unresolved.push(name);
            } else {
                // A file alone says nothing of addresses, so the name stands for them.
                let address = name.clone();
                let weight = upstream.weight;
                endpoints.push(Endpoint { upstream: name, address, weight, percent: 0.0 });
            }
        }
        let is_even = cluster.balance == Balance::RoundRobin;
        let weight = |one: &Endpoint| if is_even { one.weight.min(1) } else { one.weight };
        let weights: u64 = endpoints.iter().map(|one| u64::from(weight(one))).sum();
        for endpoint in &mut endpoints {
            endpoint.percent = words::percent(weight(endpoint).into(), weights);
        }
        Cluster {
            name: cluster.name.to_string(),
            percent: words::percent(share.weight, sum),
            balancer: match &cluster.balance {
                Balance::RoundRobin => "round_robin".to_owned(),
                Balance::SmoothWeighted => "weighted_round_robin".to_owned(),
                Balance::Custom(custom) => format!("custom {}", custom.name),
            },
            connections_max: cluster.connections_max,
            endpoints,
            unresolved,
        }
    }

    fn limits(&self) -> Vec<Bound> {
        bounds::limits(self.source, self.id)
    }
}

fn removed(names: &FieldNames) -> Vec<String> {
    let known = FieldId::KNOWN.iter().filter(|id| names.known().contains(**id));
    let known = known.map(|id| id.name().to_owned());
    known.chain(names.others().iter().map(|name| text(name))).collect()
}

/// A line with a word in place of the id that only a served request has.
fn shown(line: &[u8]) -> String {
    let id = text(&ExchangeId::default().text());
    text(line).replace(&id, "<request id>")
}

/// The same without the values of secret fields, which a request of the past still has.
fn masked(line: &[u8]) -> String {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    match field::is_secret(name) {
        true => format!("{}: …", text(name)),
        false => shown(line),
    }
}

/// What the gateway may find in place of a file.
const ELSE: &str = "The file is served if it is there. Else it is `file_not_found` (404), or \
    `file_forbidden` (403) where it must not be read; a folder without a slash behind it is \
    `redirected` (308).";
