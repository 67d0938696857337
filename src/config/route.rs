//! Which requests go where.

use super::action::{
    FileServing, HeaderEdits, HeaderValue, Redirect, Rewrite, StaticResponse, WeightedCluster,
};
use super::cluster::{LoadBalancerType, Upstream};
use super::condition::RouteCondition;
use super::middleware::Middleware;
use super::policy::PathPolicy;
use super::service::MirrorConfig;
use super::timeouts::Timeouts;
use super::url::UpstreamUrl;
use super::version::RouteVersion;
use crate::http::method::Method;

/// One route: what a request must look like, and where it goes.
///
/// The most specific route wins, whatever the order: an exact host before a wildcard before none;
/// then, segment by segment, a literal before a parameter before `/*`. Two routes that nothing
/// tells apart are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// The name in logs and metrics, unique, at most 128 characters; [`Route::name`] when empty.
    pub id: String,
    /// `api.example.com`, `*.example.com` (one or more labels in front) or `api.*` (one or more
    /// behind); `None` matches all.
    pub host: Option<String>,
    /// `/exact`, `/prefix/*` (the prefix itself and all below), `/users/{id}`, `/v{version}/x`,
    /// `/a/*/b` (one segment); empty where there is a [`Route::path_regex`].
    pub path: String,
    /// A regular expression that the whole canonical path must match, in place of a path. Its
    /// named groups are parameters.
    pub path_regex: Option<String>,
    /// Methods that match; none means all.
    pub methods: Vec<Method>,
    /// Regular expressions that the whole of a parameter must match, by its name.
    pub path_params: Vec<(String, String)>,
    /// All must hold. In the file: `when`.
    pub conditions: Vec<RouteCondition>,
    /// Media types that the route answers with: it matches where `Accept` takes one of them.
    pub produces: Vec<String>,
    /// The version of an interface that the route serves.
    pub version: Option<RouteVersion>,
    /// Decides between routes that nothing else tells apart: the higher first.
    pub priority: i32,
    /// What becomes of ambiguous paths, overriding the gateway's.
    pub path_policy: PathPolicy,
    /// Where requests go, when no [`Route::cluster`] is named.
    pub upstreams: Vec<Upstream>,
    /// The name of one of `GatewayConfig::clusters`, when there are no [`Route::upstreams`].
    pub cluster: Option<String>,
    /// Clusters that share the requests by weight.
    pub clusters: Vec<WeightedCluster>,
    /// Sends the client elsewhere.
    pub redirect: Option<Redirect>,
    /// Answers with a fixed text.
    pub respond: Option<StaticResponse>,
    /// Answers with files of a folder.
    pub files: Option<FileServing>,
    /// How one of [`Route::upstreams`] is chosen; a cluster has its own. Default
    /// `weighted_round_robin`.
    pub load_balancer: LoadBalancerType,
    /// Override the cluster's and the gateway's.
    pub timeouts: Timeouts,
    /// Bytes of a request body, overriding `Limits::body`; `Some(Limits::UNLIMITED)` for no bound.
    pub max_body: Option<u64>,
    /// Another path for the upstream.
    pub rewrite: Option<Rewrite>,
    /// The `Host` for the upstream, a template; `None` passes the client's on.
    pub host_rewrite: Option<String>,
    /// Changes of the request's fields on their way to the upstream.
    pub request_headers: HeaderEdits,
    /// Changes of the answer's fields on their way to the client.
    pub response_headers: HeaderEdits,
    /// Filters, in the order in which they see a request.
    pub middlewares: Vec<Middleware>,
    /// Not built in this version.
    pub mirror: Option<MirrorConfig>,
}

impl Route {
    /// The id, or what stands for it when it is empty: methods, host and path (or its regex), as in
    /// `GET,HEAD api.example.com/users/*`.
    pub fn name(&self) -> String {
        if !self.id.is_empty() {
            return self.id.clone();
        }
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        let space = if methods.is_empty() { "" } else { " " };
        let host = self.host.as_deref().unwrap_or("");
        let path = self.path_regex.as_deref().unwrap_or(&self.path);
        format!("{}{space}{host}{path}", methods.join(","))
    }
}

/// Builds a [`Route`] step by step.
///
/// Nothing is refused here: an upstream's URL that cannot be read is reported when the
/// configuration is checked, with all other faults.
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteBuilder {
    route: Route,
}

impl RouteBuilder {
    /// A route that matches every method of one path, which is still to be named, and whose action
    /// is too.
    pub fn new(id: impl Into<String>) -> RouteBuilder {
        RouteBuilder { route: Route { id: id.into(), ..Route::default() } }
    }

    /// [`Route::host`].
    pub fn host(mut self, host: impl Into<String>) -> RouteBuilder {
        self.route.host = Some(host.into());
        self
    }

    /// [`Route::path`].
    pub fn path(mut self, path: impl Into<String>) -> RouteBuilder {
        self.route.path = path.into();
        self
    }

    /// [`Route::methods`].
    pub fn methods(mut self, methods: Vec<Method>) -> RouteBuilder {
        self.route.methods = methods;
        self
    }

    /// Adds one of [`Route::upstreams`].
    pub fn upstream(mut self, url: &str, weight: u32) -> RouteBuilder {
        self.route.upstreams.push(Upstream { url: UpstreamUrl::lenient(url), weight });
        self
    }

    /// [`Route::cluster`].
    pub fn cluster(mut self, name: impl Into<String>) -> RouteBuilder {
        self.route.cluster = Some(name.into());
        self
    }

    /// [`Route::load_balancer`].
    pub fn load_balancer(mut self, load_balancer: LoadBalancerType) -> RouteBuilder {
        self.route.load_balancer = load_balancer;
        self
    }

    /// [`Route::timeouts`].
    pub fn timeouts(mut self, timeouts: Timeouts) -> RouteBuilder {
        self.route.timeouts = timeouts;
        self
    }

    /// [`Route::max_body`], in bytes.
    pub fn max_body(mut self, bytes: u64) -> RouteBuilder {
        self.route.max_body = Some(bytes);
        self
    }

    /// Adds one of [`Route::path_params`].
    pub fn path_param(mut self, name: impl Into<String>, regex: impl Into<String>) -> RouteBuilder {
        self.route.path_params.push((name.into(), regex.into()));
        self
    }

    /// Adds one of [`Route::conditions`].
    pub fn condition(mut self, condition: RouteCondition) -> RouteBuilder {
        self.route.conditions.push(condition);
        self
    }

    /// [`Route::path_regex`].
    pub fn path_regex(mut self, regex: impl Into<String>) -> RouteBuilder {
        self.route.path_regex = Some(regex.into());
        self
    }

    /// Adds one of [`Route::produces`].
    pub fn produces(mut self, media_type: impl Into<String>) -> RouteBuilder {
        self.route.produces.push(media_type.into());
        self
    }

    /// [`Route::version`].
    pub fn version(mut self, group: impl Into<String>, is: impl Into<String>) -> RouteBuilder {
        self.route.version = Some(RouteVersion { group: group.into(), is: is.into() });
        self
    }

    /// [`Route::priority`].
    pub fn priority(mut self, priority: i32) -> RouteBuilder {
        self.route.priority = priority;
        self
    }

    /// [`Route::path_policy`].
    pub fn path_policy(mut self, policy: PathPolicy) -> RouteBuilder {
        self.route.path_policy = policy;
        self
    }

    /// Adds one of [`Route::clusters`].
    pub fn weighted_cluster(mut self, name: impl Into<String>, weight: u32) -> RouteBuilder {
        self.route.clusters.push(WeightedCluster { name: name.into(), weight });
        self
    }

    /// [`Route::redirect`].
    pub fn redirect(mut self, to: impl Into<String>, status: u16) -> RouteBuilder {
        self.route.redirect = Some(Redirect { to: to.into(), status });
        self
    }

    /// [`Route::respond`].
    pub fn respond(mut self, response: StaticResponse) -> RouteBuilder {
        self.route.respond = Some(response);
        self
    }

    /// [`Route::files`].
    pub fn files(mut self, files: FileServing) -> RouteBuilder {
        self.route.files = Some(files);
        self
    }

    /// [`Route::rewrite`].
    pub fn rewrite(mut self, rewrite: Rewrite) -> RouteBuilder {
        self.route.rewrite = Some(rewrite);
        self
    }

    /// [`Route::host_rewrite`].
    pub fn host_rewrite(mut self, host: impl Into<String>) -> RouteBuilder {
        self.route.host_rewrite = Some(host.into());
        self
    }

    /// Adds one of [`HeaderEdits::set`] to [`Route::request_headers`].
    pub fn set_request_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<HeaderValue>,
    ) -> RouteBuilder {
        self.route.request_headers.set.insert(name.into(), value.into());
        self
    }

    /// Adds one of [`HeaderEdits::append`] to [`Route::request_headers`].
    pub fn append_request_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<HeaderValue>,
    ) -> RouteBuilder {
        self.route.request_headers.append.insert(name.into(), value.into());
        self
    }

    /// Adds one of [`HeaderEdits::remove`] to [`Route::request_headers`].
    pub fn remove_request_header(mut self, name: impl Into<String>) -> RouteBuilder {
        self.route.request_headers.remove.push(name.into());
        self
    }

    /// Adds one of [`HeaderEdits::set`] to [`Route::response_headers`].
    pub fn set_response_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<HeaderValue>,
    ) -> RouteBuilder {
        self.route.response_headers.set.insert(name.into(), value.into());
        self
    }

    /// Adds one of [`HeaderEdits::append`] to [`Route::response_headers`].
    pub fn append_response_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<HeaderValue>,
    ) -> RouteBuilder {
        self.route.response_headers.append.insert(name.into(), value.into());
        self
    }

    /// Adds one of [`HeaderEdits::remove`] to [`Route::response_headers`].
    pub fn remove_response_header(mut self, name: impl Into<String>) -> RouteBuilder {
        self.route.response_headers.remove.push(name.into());
        self
    }

    /// Adds one of [`Route::middlewares`].
    pub fn middleware(mut self, middleware: Middleware) -> RouteBuilder {
        self.route.middlewares.push(middleware);
        self
    }

    /// The route.
    pub fn build(self) -> Route {
        self.route
    }
}
