//! Files that are right, and what they mean.

use super::{FULL, LEAST, accept};
use frys_gateway::config::{
    AccessLogFormat, AccessLogOutput, AfterSunset, Ambiguous, ConditionOperator, ConditionValue,
    ConnectionLimits, FileServing, GatewayConfig, HeaderEdits, Limits, LoadBalancerType, Method,
    PathPolicy, Redirect, RequestIdConfig, Rewrite, Route, RouteCondition, RouteVersion,
    StaticResponse, Timeouts, VersionGroup, VersionLife, VersionSource, WeightedCluster, Workers,
};
use std::time::Duration;

#[test]
fn reads_every_key() {
    let config = accept(FULL);
    let addresses: Vec<String> = config.listen_addresses().map(ToString::to_string).collect();
    assert_eq!(addresses, ["0.0.0.0:8080", "[::1]:8081", "unix:/run/frys/http.sock"]);
    assert_eq!(config.workers, Workers::Cores(vec![0, 1]));
    assert_eq!(config.drain_timeout, Duration::from_secs(20));
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]);
    assert_eq!(
        config.connection_limits,
        ConnectionLimits {
            max_connections: 20_000,
            max_connections_per_upstream: 100,
            connection_timeout: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_secs(75),
            requests_per_connection: ConnectionLimits::UNLIMITED,
            pipelined_requests: 8,
        }
    );
    assert_eq!(
        config.limits,
        Limits {
            request_line: 4096,
            fields: 64,
            fields_size: 16_384,
            body: Some(10 << 20),
            chunk_extension: 0,
            trailers: 1024,
        }
    );
    assert_eq!((config.pool.idle_connections, config.runtime.buffers), (32, 512));
    assert_eq!(config.admin.address.to_string(), "unix:/run/frys/admin.sock");
    assert_eq!(config.metrics_path(), Some("/prometheus"));
    let log = config.access_log.expect("an access log");
    assert_eq!(log.output, AccessLogOutput::File("/var/log/frys/access.log".into()));
    assert_eq!(log.format, AccessLogFormat::Text("$remote_addr $status".into()));
}

#[test]
fn reads_timeouts_of_three_levels() {
    let config = accept(FULL);
    let gateway = config.effective_timeouts();
    assert_eq!(gateway.connect, Some(Duration::from_secs(5)), "from connection_limits");
    assert_eq!(gateway.keep_alive, Some(Duration::from_secs(75)), "from connection_limits");
    assert_eq!(gateway.first_byte, Some(Duration::from_secs(90)));
    assert_eq!(gateway.upstream_idle, Some(Timeouts::OFF));
    let merged = config.routes[0].timeouts.or(config.clusters["api"].timeouts).or(gateway);
    assert_eq!(merged.connect, Some(Duration::from_millis(250)), "the cluster's");
    assert_eq!(merged.total, Some(Timeouts::OFF), "the route's");
    assert_eq!(merged.client_header, Some(Duration::from_secs(5)), "the gateway's");
}

#[test]
fn reads_routes_and_clusters() {
    let config = accept(FULL);
    let users = &config.routes[0];
    assert_eq!(users.host.as_deref(), Some("*.example.com"));
    assert_eq!(users.methods[..2], [Method::GET, Method::POST]);
    assert_eq!(users.methods[2].as_str(), "PURGE");
    assert_eq!(users.cluster.as_deref(), Some("api"));
    assert_eq!(users.max_body, Some(Limits::UNLIMITED));
    let api = &config.routes[1];
    assert_eq!(api.name(), "/api/*");
    let weights: Vec<u32> = api.upstreams.iter().map(|upstream| upstream.weight).collect();
    assert_eq!(weights, [70, 30]);
    assert_eq!(config.clusters["api"].max_connections, Some(50));
    assert_eq!(config.clusters["api"].upstreams[1].weight, 1);
    assert_eq!(config.clusters["static"].load_balancer, LoadBalancerType::RoundRobin);
}

fn compared(
    make: fn(String, ConditionValue, ConditionOperator) -> RouteCondition,
    name: &str,
    operator: ConditionOperator,
    value: impl Into<ConditionValue>,
) -> RouteCondition {
    make(name.into(), value.into(), operator)
}

fn header(name: String, value: ConditionValue, operator: ConditionOperator) -> RouteCondition {
    RouteCondition::Header { name, value, operator }
}

fn query(name: String, value: ConditionValue, operator: ConditionOperator) -> RouteCondition {
    RouteCondition::Query { name, value, operator }
}

fn cookie(name: String, value: ConditionValue, operator: ConditionOperator) -> RouteCondition {
    RouteCondition::Cookie { name, value, operator }
}

fn route(id: &str) -> Route {
    let config = accept(FULL);
    config.routes.into_iter().find(|route| route.name() == id).expect("the route is there")
}

#[test]
fn reads_conditions() {
    let network = |text: &str| text.parse().expect("a network");
    let beta = route("beta");
    assert_eq!(
        beta.conditions,
        [
            compared(header, "X-A", ConditionOperator::Equal, "b"),
            RouteCondition::Any(vec![
                compared(query, "k", ConditionOperator::In, vec!["a".to_owned(), "b".to_owned()]),
                compared(cookie, "beta", ConditionOperator::Exists, true),
            ]),
            RouteCondition::Not(Box::new(RouteCondition::ClientIp(vec![
                network("10.0.0.0/8"),
                network("::1/128"),
            ]))),
            RouteCondition::All(vec![
                compared(header, "X-N", ConditionOperator::AtLeast, 2.5),
                compared(header, "X-N", ConditionOperator::LessThan, 10.0),
            ]),
            RouteCondition::Scheme("https".into()),
        ]
    );
    let old = route("/old/*");
    assert_eq!(old.conditions, [RouteCondition::ClientIp(vec![network("192.0.2.0/24")])]);
}

#[test]
fn reads_every_operator() {
    for operator in ConditionOperator::ALL {
        let (written, want) = match operator {
            ConditionOperator::Exists => ("false", false.into()),
            ConditionOperator::In | ConditionOperator::NotIn => {
                ("['a', '']", vec!["a".to_owned(), String::new()].into())
            }
            ConditionOperator::LessThan
            | ConditionOperator::AtMost
            | ConditionOperator::GreaterThan
            | ConditionOperator::AtLeast => ("-3", ConditionValue::Number(-3.0)),
            _ => ("'a'", "a".into()),
        };
        let when = format!("when = {{ query = 'q', {} = {written} }}, path", operator.name());
        let config = accept(&LEAST.replace("path", &when));
        assert_eq!(config.routes[0].conditions, [query("q".into(), want, operator)]);
    }
}

#[test]
fn reads_what_else_tells_routes_apart() {
    let beta = route("beta");
    assert_eq!(beta.path_regex.as_deref(), Some(r"^/beta/(?<id>\d+)$"));
    assert_eq!(beta.produces, ["application/json", "text/html"]);
    assert_eq!(beta.version, Some(RouteVersion { group: "api".into(), is: "2".into() }));
    assert_eq!(beta.priority, -1);
    let policy = PathPolicy {
        encoded_slash: Some(Ambiguous::Decode),
        repeated_slashes: Some(Ambiguous::Keep),
        ..PathPolicy::default()
    };
    assert_eq!(beta.path_policy, policy);
    assert_eq!(route("users").path_params, [("id".to_owned(), "[0-9a-f-]+".to_owned())]);
}

#[test]
fn reads_actions() {
    let weighted = |name: &str, weight| WeightedCluster { name: name.into(), weight };
    assert_eq!(route("beta").clusters, [weighted("api", 95), weighted("static", 1)]);
    let redirect = Redirect { to: "https://$host/new/$rest".into(), status: 308 };
    assert_eq!(route("/old/*").redirect, Some(redirect));
    let respond = StaticResponse {
        status: 201,
        body: Some("hello\n".into()),
        body_file: None,
        content_type: "text/x-hello".into(),
    };
    assert_eq!(route("/hello").respond, Some(respond));
    let body_file = Some("/etc/hostname".into());
    let respond = StaticResponse { body_file, ..StaticResponse::default() };
    assert_eq!(route("/text").respond, Some(respond));
    let files = FileServing {
        root: "/srv/www".into(),
        index: vec!["index.htm".into()],
        fallback: Some("/404.html".into()),
        cache_control: Some("max-age=60".into()),
        hidden: true,
    };
    assert_eq!(route("/www/*").files, Some(files));
}

#[test]
fn reads_changes_of_heads() {
    let beta = route("beta");
    let regex = r"^/beta/(.*)$".to_owned();
    assert_eq!(beta.rewrite, Some(Rewrite::Regex { regex, with: "/$1".into() }));
    assert_eq!(route("/www/*").rewrite, Some(Rewrite::Path("/site".into())));
    let prefix = Rewrite::Prefix { strip: "/api".into(), add: "/v2".into() };
    assert_eq!(route("/api/v1/*").rewrite, Some(prefix));
    assert_eq!(beta.host_rewrite.as_deref(), Some("$upstream_host"));
    let one = |name: &str, value: &str| [(name.to_owned(), value.into())].into();
    let edits = HeaderEdits {
        set: one("X-A", "$client_ip"),
        append: one("X-B", "v"),
        remove: vec!["X-C".into()],
    };
    assert_eq!(beta.request_headers, edits);
    let edits = HeaderEdits {
        set: one("X-D", "$request_id"),
        remove: vec!["Server".into()],
        ..HeaderEdits::default()
    };
    assert_eq!(beta.response_headers, edits);
}

#[test]
fn reads_policies_request_ids_and_versions() {
    let config = accept(FULL);
    let policy = PathPolicy {
        encoded_slash: Some(Ambiguous::Keep),
        backslash: Some(Ambiguous::Reject),
        nul: Some(Ambiguous::Reject),
        double_encoding: Some(Ambiguous::Keep),
        dot_parameter: Some(Ambiguous::Keep),
        dot_segments: Some(Ambiguous::Reject),
        repeated_slashes: Some(Ambiguous::Resolve),
    };
    assert_eq!(config.path_policy, policy);
    let header = "X-Correlation-Id".into();
    let id = RequestIdConfig { header, trust: false, respond: true };
    assert_eq!(config.request_id, Some(id));
    let old = VersionLife {
        deprecated: Some("2026-01-01".into()),
        sunset: Some("2027-01-01".into()),
        link: Some("https://example.com/sunset".into()),
        after_sunset: AfterSunset::Gone,
    };
    let group = VersionGroup {
        from: vec![
            VersionSource::Path("version".into()),
            VersionSource::Header("X-Api-Version".into()),
            VersionSource::MediaType("v".into()),
            VersionSource::Query("api-version".into()),
        ],
        default: Some("2".into()),
        known: [("1".to_owned(), old), ("2".to_owned(), VersionLife::default())].into(),
    };
    assert_eq!(config.versions["api"], group);
}

#[test]
fn a_schema_for_editors_is_not_read() {
    accept(&format!("\"$schema\" = \"./frys.schema.json\"\n{LEAST}"));
}

#[test]
fn leaves_the_rest_at_its_defaults() {
    let config = accept(LEAST);
    let want = GatewayConfig {
        listen_addr: "0.0.0.0:8080".parse().expect("an address"),
        routes: config.routes.clone(),
        ..GatewayConfig::default()
    };
    assert_eq!(config, want);
}

#[test]
fn counts_cores_and_workers() {
    let with = |workers: &str| accept(&format!("workers = {workers}\n{LEAST}")).workers;
    assert_eq!(with("\"auto\""), Workers::Auto);
    assert_eq!(with("4"), Workers::Count(4));
    assert_eq!(with("[3, 1]"), Workers::Cores(vec![3, 1]));
}
