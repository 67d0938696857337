//! Configurations that are written in Rust are held to the same checks.

use frys_gateway::config::*;
use std::error::Error;
use std::time::Duration;

fn quick_start() -> Result<GatewayConfig, Box<dyn Error>> {
    Ok(GatewayConfig {
        listen_addr: "0.0.0.0:8080".parse()?,
        routes: vec![Route {
            id: "api-v1".into(),
            path: "/api/v1/*".into(),
            methods: vec![Method::GET, Method::POST],
            upstreams: vec![
                Upstream { url: "http://service-a:8080".parse()?, weight: 70 },
                Upstream { url: "http://service-b:8080".parse()?, weight: 30 },
            ],
            load_balancer: LoadBalancerType::WeightedRoundRobin,
            ..Default::default()
        }],
        metrics_enabled: true,
        ..Default::default()
    })
}

fn paths(config: &GatewayConfig) -> Vec<String> {
    check(config).into_iter().map(|fault| fault.path).collect()
}

#[test]
fn the_quick_start_is_right() -> Result<(), Box<dyn Error>> {
    assert_eq!(check(&quick_start()?), []);
    Ok(())
}

#[test]
fn features_that_are_not_built_are_refused() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    config.tracing_enabled = true;
    config.tls_config = Some(TlsConfig {
        cert_path: "/etc/ssl/certs/gateway.crt".into(),
        key_path: "/etc/ssl/private/gateway.key".into(),
        client_ca_path: None,
    });
    config.routes.push(
        RouteBuilder::new("advanced-api")
            .path("/api/v{version}/users/{id}")
            .methods(vec![Method::GET, Method::POST, Method::PUT])
            .host("api.example.com")
            .path_param("version", r"^\d+$")
            .condition(RouteCondition::Header {
                name: "Authorization".into(),
                value: r"^Bearer .+$".into(),
                operator: ConditionOperator::Regex,
            })
            .middleware(Middleware::RateLimit(RateLimitConfig {
                requests_per_second: 1000,
                burst_size: 100,
                key_strategy: RateLimitKey::IP,
                ..Default::default()
            }))
            .upstream("https://api-backend:8443", 100)
            .upstream("nonsense", 1)
            .build(),
    );
    let want = [
        "tls_config",
        "tracing_enabled",
        "routes[1].upstreams[0].url",
        "routes[1].upstreams[1].url",
    ];
    assert_eq!(paths(&config), want);
    Ok(())
}

#[test]
fn timeouts_that_a_cluster_cannot_have_are_refused() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    let second = Some(Duration::from_secs(1));
    let early = Timeouts { client_header: second, keep_alive: second, ..Default::default() };
    let upstreams = config.routes[0].upstreams.clone();
    let cluster = ClusterConfig { upstreams, timeouts: early, ..Default::default() };
    config.clusters.insert("api".into(), cluster);
    config.routes[0].timeouts = early;
    let want = [
        "clusters.api.timeouts.client_header",
        "clusters.api.timeouts.keep_alive",
        "routes[0].timeouts.client_header",
        "routes[0].timeouts.keep_alive",
    ];
    assert_eq!(paths(&config), want);
    Ok(())
}

#[test]
fn a_fault_without_a_file_names_its_key() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    config.connection_limits.max_connections = 0;
    let faults = check(&config);
    let want = "connection_limits.max_connections: 0 is not from 1 to 1048576";
    assert_eq!(faults[0].to_string(), want);
    Ok(())
}

#[test]
fn limits_of_the_seed_are_right() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    config.connection_limits = ConnectionLimits {
        max_connections: 10000,
        max_connections_per_upstream: 100,
        connection_timeout: Duration::from_secs(10),
        keep_alive_timeout: Duration::from_secs(60),
        ..Default::default()
    };
    config.metrics =
        MetricsConfig { enabled: true, path: "/metrics".into(), prometheus_enabled: true };
    assert_eq!(check(&config), []);
    Ok(())
}

#[test]
fn every_part_of_a_route_can_be_built() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    let upstreams = config.routes[0].upstreams.clone();
    let cluster = ClusterConfig { upstreams, ..ClusterConfig::default() };
    config.clusters.insert("a".into(), cluster.clone());
    config.clusters.insert("b".into(), cluster);
    let source = VersionSource::Header("X-Version".into());
    let known = [("1".to_owned(), VersionLife::default())].into();
    config.versions.insert("api".into(), VersionGroup { from: vec![source], default: None, known });
    let policy = PathPolicy { nul: Some(Ambiguous::Keep), ..PathPolicy::default() };
    let matched = RouteBuilder::new("matched")
        .path_regex("/x/(?<id>.+)")
        .condition(RouteCondition::Not(Box::new(RouteCondition::Scheme("http".into()))))
        .produces("application/json")
        .version("api", "1")
        .priority(7)
        .path_policy(policy)
        .weighted_cluster("a", 95)
        .weighted_cluster("b", 5)
        .rewrite(Rewrite::Path("/$id".into()))
        .host_rewrite("$upstream_host")
        .set_request_header("X-A", "$client_ip")
        .append_request_header("X-B", "b")
        .remove_request_header("X-C")
        .set_response_header("X-D", "d")
        .append_response_header("X-E", "e")
        .remove_response_header("X-F")
        .build();
    assert_eq!(matched.path_regex.as_deref(), Some("/x/(?<id>.+)"));
    assert_eq!((matched.priority, matched.clusters.len()), (7, 2));
    assert_eq!(matched.request_headers.remove, ["X-C"]);
    assert_eq!(matched.response_headers.append["X-E"], "e".into());
    config.routes.push(matched);
    let path = |id: &str| RouteBuilder::new(id).path(format!("/{id}"));
    config.routes.push(path("gone").redirect("/elsewhere", 301).build());
    config.routes.push(path("fixed").respond(StaticResponse::default()).build());
    let root = "/srv/www".into();
    config.routes.push(path("files").files(FileServing { root, ..Default::default() }).build());
    assert_eq!(check(&config), []);
    Ok(())
}

#[test]
fn values_that_a_file_cannot_write_are_refused() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    let wrong = |value: ConditionValue, operator| RouteCondition::Cookie {
        name: "a".into(),
        value,
        operator,
    };
    let mut deep = wrong(true.into(), ConditionOperator::Exists);
    for _ in 0..100 {
        deep = RouteCondition::Not(Box::new(deep));
    }
    config.routes[0].conditions = vec![
        wrong(true.into(), ConditionOperator::Equal),
        wrong("a".into(), ConditionOperator::Exists),
        wrong(f64::NAN.into(), ConditionOperator::AtMost),
        RouteCondition::Scheme("ftp".into()),
        deep,
    ];
    config.routes[0].path_policy.nul = Some(Ambiguous::Decode);
    config.path_policy.dot_segments = Some(Ambiguous::Keep);
    let nested = ".not".repeat(8);
    let want = [
        "path_policy.dot_segments".to_owned(),
        "routes[0].when[0].equals".to_owned(),
        "routes[0].when[1].exists".to_owned(),
        "routes[0].when[2].at_most".to_owned(),
        "routes[0].when[3].scheme".to_owned(),
        format!("routes[0].when[4]{nested}"),
        "routes[0].path_policy.nul".to_owned(),
    ];
    assert_eq!(paths(&config), want);
    Ok(())
}
