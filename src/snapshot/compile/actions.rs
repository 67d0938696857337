//! What routes do, from the configuration's words to what workers read.

use super::body;
use super::edits::edits;
use super::files::Folders;
use super::filters::Filters;
use super::policy::policy;
use super::versions::Announced;
use super::{Group, id, timeouts};
use crate::config::{self, Fault, GatewayConfig};
use crate::extension::Extensions;
use crate::http::method::Method;
use crate::http::status::Status;
use crate::limits;
use crate::meters::{RouteBlock, Series};
use crate::router::path::{Ambiguity, Policy};
use crate::router::{PathPattern, Pattern};
use crate::snapshot::filter::Chain;
use crate::snapshot::rewrite::{Side, refused_of_literal, refused_of_parts};
use crate::snapshot::template::{Purpose, Scope, Template, TemplateFault};
use crate::snapshot::{Action, ClusterId, Extra, Redirect, Replace, Respond, Rewrite, Route};
use crate::snapshot::{Name, RequestIdField, Share, Split, Timeouts};
use hashbrown::HashMap;
use std::sync::Arc;

/// The keys of a route that say what becomes of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Upstreams,
    Cluster,
    Clusters,
    Redirect,
    Respond,
    Files,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Kind::Upstreams => "upstreams",
            Kind::Cluster => "cluster",
            Kind::Clusters => "clusters",
            Kind::Redirect => "redirect",
            Kind::Respond => "respond",
            Kind::Files => "files",
        }
    }

    /// Those that a route has.
    fn all_of(route: &config::Route) -> impl Iterator<Item = Kind> {
        let present = [
            (Kind::Upstreams, !route.upstreams.is_empty()),
            (Kind::Cluster, route.cluster.is_some()),
            (Kind::Clusters, !route.clusters.is_empty()),
            (Kind::Redirect, route.redirect.is_some()),
            (Kind::Respond, route.respond.is_some()),
            (Kind::Files, route.files.is_some()),
        ];
        present.into_iter().filter(|(_, is_present)| *is_present).map(|(kind, _)| kind)
    }

    fn has_upstream(self) -> bool {
        match self {
            Kind::Upstreams | Kind::Cluster | Kind::Clusters => true,
            Kind::Redirect | Kind::Respond | Kind::Files => false,
        }
    }
}

/// Compiles routes one by one.
pub(super) struct Routes<'a> {
    config: &'a GatewayConfig,
    named: HashMap<&'a str, ClusterId>,
    written: HashMap<usize, ClusterId>,
    expressions_count: u32,
    /// Of the last route.
    timeouts: Option<Arc<Timeouts>>,
    folders: Folders,
    filters: Filters,
    request_id: Option<&'a RequestIdField>,
    /// Of routes whose own series is not known yet.
    nobody: Arc<Series<RouteBlock>>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Routes<'a> {
    /// With the clusters that `groups` become, in the same order.
    pub(super) fn new(
        (config, extensions): (&'a GatewayConfig, &Extensions),
        groups: &'a [(String, Group<'a>)],
        request_id: Option<&'a RequestIdField>,
        faults: &'a mut Vec<Fault>,
    ) -> Routes<'a> {
        let mut named = HashMap::new();
        let mut written = HashMap::new();
        for (index, (_, group)) in groups.iter().enumerate() {
            match group.route {
                Some(route) => written.insert(route, ClusterId(id(index))),
                None => named.insert(group.name.as_str(), ClusterId(id(index))),
            };
        }
        let folders = Folders::default();
        let filters = Filters::new(config, extensions, faults);
        let nobody = Arc::new(Series::new(1));
        Routes {
            config,
            named,
            written,
            expressions_count: 0,
            timeouts: None,
            folders,
            filters,
            request_id,
            nobody,
            faults,
        }
    }

    /// All routes, in their order, the folders of those with files, and the filters; fewer where
    /// there are faults.
    pub(super) fn compile(mut self, names: Vec<String>) -> (Vec<Route>, Folders, Filters) {
        let mut routes = Vec::with_capacity(self.config.routes.len());
        for (index, (route, name)) in self.config.routes.iter().zip(Name::shared(names)).enumerate()
        {
            routes.extend(self.route(index, route, name));
        }
        (routes, self.folders, self.filters)
    }

    fn route(&mut self, index: usize, route: &config::Route, name: Name) -> Option<Route> {
        let place = format!("routes[{index}]");
        let kind = self.kind(&place, route)?;
        let parameters = parameters(route);
        let rest_segments = route.path.strip_suffix("/*").map(|before| before.matches('/').count());
        let has_upstream = kind.has_upstream();
        let scope =
            Scope { parameters: &parameters, rest_segments, has_upstream, ..Scope::default() };
        let action = self.action(kind, index, route, &scope);
        let policy = policy(&route.path_policy, &self.config.path_policy);
        let chain =
            self.filters.chain(&place, (route, &name), &parameters, self.config, self.faults);
        let rewrite = self.rewrite(&place, route, &scope, policy);
        let extra = self.extra(&place, route, kind, &scope, (chain, rewrite));
        let of_cluster = route.cluster.as_ref().and_then(|name| self.config.clusters.get(name));
        let of_cluster = of_cluster.map(|cluster| cluster.timeouts).unwrap_or_default();
        let above = self.config.effective_timeouts();
        Some(Route {
            id: name,
            action: action?,
            timeouts: self.shared(timeouts(route.timeouts.or(of_cluster).or(above))),
            body_bytes_max: route.max_body.or(self.config.limits.body).unwrap_or(u64::MAX),
            lists_options: route.methods.contains(&Method::OPTIONS),
            policy,
            extra,
            series: Arc::clone(&self.nobody),
        })
    }

    /// What is as the route before has it stands once for both.
    fn shared(&mut self, timeouts: Timeouts) -> Arc<Timeouts> {
        match &self.timeouts {
            Some(last) if **last == timeouts => Arc::clone(last),
            Some(_) | None => Arc::clone(self.timeouts.insert(Arc::new(timeouts))),
        }
    }

    /// The one thing that a route does.
    fn kind(&mut self, place: &str, route: &config::Route) -> Option<Kind> {
        let mut kinds = Kind::all_of(route);
        match (kinds.next(), kinds.next()) {
            (None, _) => {
                let message = "a route needs `upstreams`, a `cluster`, `clusters`, a `redirect`, \
                     `respond` or `files`";
                self.fault(place, message);
                None
            }
            (Some(first), Some(second)) => {
                let (first, second) = (first.key(), second.key());
                let message = format!("a route has either `{first}` or `{second}`, not both");
                self.fault(&format!("{place}.{second}"), message);
                None
            }
            (Some(kind), None) => Some(kind),
        }
    }

    fn action(
        &mut self,
        kind: Kind,
        index: usize,
        route: &config::Route,
        scope: &Scope<'_>,
    ) -> Option<Action> {
        let place = format!("routes[{index}].{}", kind.key());
        match kind {
            Kind::Upstreams => self.written.get(&index).copied().map(Action::Cluster),
            Kind::Cluster => {
                let name = route.cluster.as_deref().unwrap_or_default();
                self.cluster(&place, name).map(Action::Cluster)
            }
            Kind::Clusters => self.split(&place, route),
            Kind::Redirect => self.redirect(&place, route.redirect.as_ref()?, scope),
            Kind::Respond => self.respond(&place, route.respond.as_ref()?),
            Kind::Files => self.files(&place, route, scope),
        }
    }

    fn files(&mut self, place: &str, route: &config::Route, scope: &Scope<'_>) -> Option<Action> {
        // A rewritten path names the file as a whole.
        let prefix_segments = scope.rest_segments.filter(|_| route.rewrite.is_none());
        let compiled = self.folders.files(place, route.files.as_ref()?, prefix_segments);
        compiled.map_err(|fault| self.faults.push(*fault)).ok().map(Box::new).map(Action::Files)
    }

    fn cluster(&mut self, place: &str, name: &str) -> Option<ClusterId> {
        let found = self.named.get(name).copied();
        if found.is_none() {
            let names = self.config.clusters.keys().map(String::as_str);
            let nearest = config::nearest(name, names).map(str::to_owned);
            let message = format!("there is no cluster `{name}`");
            self.faults.push(Fault { nearest, ..Fault::new(place, message) });
        }
        found
    }

    fn split(&mut self, place: &str, route: &config::Route) -> Option<Action> {
        if route.clusters.len() > limits::WEIGHTED_CLUSTERS_COUNT_MAX {
            let most = limits::WEIGHTED_CLUSTERS_COUNT_MAX;
            self.fault(place, format!("at most {most} clusters share a route"));
            return None;
        }
        let above = self.config.effective_timeouts();
        let mut shares = Vec::with_capacity(route.clusters.len());
        for (index, share) in route.clusters.iter().enumerate() {
            let cluster = self.cluster(&format!("{place}[{index}].name"), &share.name);
            let of_cluster = self.config.clusters.get(&share.name);
            let of_cluster = of_cluster.map(|cluster| cluster.timeouts).unwrap_or_default();
            if route.clusters[..index].iter().any(|other| other.name == share.name) {
                let message = format!("`{}` stands here twice: add the weights up", share.name);
                self.fault(&format!("{place}[{index}].name"), message);
            }
            let timeouts = timeouts(route.timeouts.or(of_cluster).or(above));
            if let Some(cluster) = cluster.filter(|_| share.weight > 0) {
                shares.push(Share { cluster, weight: share.weight, timeouts });
            }
        }
        let weights_sum = shares.iter().map(|share| u64::from(share.weight)).sum();
        if route.clusters.iter().all(|share| share.weight == 0) {
            self.fault(place, "every weight is 0, so no cluster would get a request");
            return None;
        }
        Some(Action::Split(Box::new(Split { shares: shares.into(), weights_sum })))
    }

    fn redirect(
        &mut self,
        place: &str,
        redirect: &config::Redirect,
        scope: &Scope<'_>,
    ) -> Option<Action> {
        let to = self.template(&format!("{place}.to"), &redirect.to, Purpose::Location, scope)?;
        let status = Status::new(redirect.status).unwrap_or(Status::FOUND);
        Some(Action::Redirect(Box::new(Redirect { status, to })))
    }

    fn respond(&mut self, place: &str, respond: &config::StaticResponse) -> Option<Action> {
        let (text, file) = (respond.body.as_deref(), respond.body_file.as_deref());
        let body = body::fixed(place, (text, file), self.faults)?.unwrap_or_default();
        Some(Action::Respond(Box::new(Respond {
            status: Status::new(respond.status).unwrap_or(Status::OK),
            body: body.into(),
            content_type: respond.content_type.as_bytes().into(),
        })))
    }

    /// What few routes have; none for the others.
    fn extra(
        &mut self,
        place: &str,
        route: &config::Route,
        kind: Kind,
        scope: &Scope<'_>,
        (chain, rewrite): (Option<Chain>, Option<Rewrite>),
    ) -> Option<Box<Extra>> {
        if !kind.has_upstream() {
            self.refuse_unused(place, route, kind);
        }
        let announced = Announced::new(self.config, route);
        let is_plain = announced.is_empty()
            && chain.is_none()
            && route.rewrite.is_none()
            && route.host_rewrite.is_none()
            && route.request_headers.is_empty()
            && route.response_headers.is_empty();
        if is_plain {
            return None;
        }
        let host = route.host_rewrite.as_ref().and_then(|text| {
            self.template(&format!("{place}.host_rewrite"), text, Purpose::Authority, scope)
        });
        let of = |key: &str| format!("{place}.{key}");
        let id = self.request_id;
        let changes = &route.request_headers;
        let request = edits(&of("request_headers"), changes, scope, id, self.faults);
        let (changes, id) = (&route.response_headers, id.filter(|id| id.respond));
        let mut response = edits(&of("response_headers"), changes, scope, id, self.faults);
        let gone_at = announced.gone_at;
        announced.add_to(&mut response);
        Some(Box::new(Extra { rewrite, host, request, response, gone_at, chain }))
    }

    /// Keys that speak of an upstream, on a route without one.
    fn refuse_unused(&mut self, place: &str, route: &config::Route, kind: Kind) {
        let unused = [
            // A file is looked for under the rewritten path.
            ("rewrite", route.rewrite.is_some() && kind != Kind::Files),
            ("host_rewrite", route.host_rewrite.is_some()),
            ("request_headers", !route.request_headers.is_empty()),
        ];
        for (key, _) in unused.into_iter().filter(|(_, is_used)| *is_used) {
            let action = kind.key();
            let message = format!("a route with `{action}` sends no request on, so this is unused");
            self.fault(&format!("{place}.{key}"), message);
        }
    }

    fn rewrite(
        &mut self,
        place: &str,
        route: &config::Route,
        scope: &Scope<'_>,
        policy: Policy,
    ) -> Option<Rewrite> {
        let place = format!("{place}.rewrite");
        match route.rewrite.as_ref()? {
            config::Rewrite::Prefix { strip, add } => {
                let strip = self.prefix(&format!("{place}.strip_prefix"), strip);
                let place = format!("{place}.add_prefix");
                let add = self.prefix(&place, add);
                let refused = add.as_deref().filter(|add| !add.is_empty());
                self.refuse(&place, refused.and_then(|add| refused_of_literal(add, policy)));
                Some(Rewrite::Prefix { strip: strip?, add: add? })
            }
            config::Rewrite::Path(text) => {
                let place = format!("{place}.path");
                let path = self.template(&place, text, Purpose::Path, scope)?;
                let refused = match path.literal() {
                    Some(literal) => refused_of_literal(literal, policy),
                    None => refused_of_parts(&path, policy),
                };
                self.refuse(&place, refused);
                Some(Rewrite::Path(path))
            }
            config::Rewrite::Regex { regex, with } => {
                let number = self.expressions_count;
                self.expressions_count += 1;
                match Replace::new((regex, with), number, scope) {
                    Ok(replace) => {
                        let refused = refused_of_parts(replace.with(), policy);
                        self.refuse(&format!("{place}.with"), refused);
                        Some(Rewrite::Regex(Box::new(replace)))
                    }
                    Err((side, fault)) => {
                        let key = match side {
                            Side::Regex => "regex",
                            Side::With => "with",
                        };
                        self.faults.push(template_fault(&format!("{place}.{key}"), fault));
                        None
                    }
                }
            }
        }
    }

    /// What the route's policy takes of no path, and so not of this one.
    fn refuse(&mut self, place: &str, refused: Option<Ambiguity>) {
        let Some(ambiguity) = refused else { return };
        let name = ambiguity.name();
        let message = format!("the route's path policy refuses what this path has: {name}");
        self.fault(place, message);
    }

    /// Whole segments, as they stand in a canonical path.
    fn prefix(&mut self, place: &str, text: &str) -> Option<Box<[u8]>> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Some(Box::default());
        }
        match canonical(text) {
            Ok(path) => Some(path),
            Err(message) => {
                self.fault(place, message);
                None
            }
        }
    }

    fn template(
        &mut self,
        place: &str,
        text: &str,
        purpose: Purpose,
        scope: &Scope<'_>,
    ) -> Option<Template> {
        let read = Template::read(text, purpose, scope);
        read.map_err(|fault| self.faults.push(template_fault(place, fault))).ok()
    }

    fn fault(&mut self, place: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(place, message));
    }
}

/// A literal path in canonical form.
fn canonical(text: &str) -> Result<Box<[u8]>, String> {
    if !text.starts_with('/') {
        return Err("begins with `/`".to_owned());
    }
    if text.contains(['?', '#', '*', '{', '}', '$']) {
        return Err("whole segments of a path, without `?`, `#`, `*`, `{`, `}` and `$`".to_owned());
    }
    let mut scratch = Vec::new();
    match crate::router::path::canonical(text.as_bytes(), &mut scratch) {
        Ok(found) => Ok(found.path.into()),
        Err(_) => Err("a path that requests cannot have".to_owned()),
    }
}

pub(super) fn template_fault(place: &str, fault: TemplateFault) -> Fault {
    Fault { nearest: fault.nearest, ..Fault::new(place, fault.message) }
}

/// The names of the parameters of a route's path, in the order in which the router tells them; none
/// for a route without templates.
fn parameters(route: &config::Route) -> Vec<String> {
    let has_templates = route.redirect.is_some()
        || route.rewrite.is_some()
        || route.host_rewrite.is_some()
        || !route.request_headers.is_empty()
        || !route.response_headers.is_empty()
        || !route.middlewares.is_empty();
    if !has_templates {
        return Vec::new();
    }
    let path = match &route.path_regex {
        Some(regex) => PathPattern::Regex(regex),
        None => PathPattern::Segments(&route.path),
    };
    // A path that cannot be read is the router's fault to tell.
    Pattern { path, ..Pattern::segments("/") }.parameter_names().unwrap_or_default()
}

#[cfg(test)]
mod tests;
