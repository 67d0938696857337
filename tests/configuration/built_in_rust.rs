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
                distributed: true,
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
        "routes[1].middlewares[0]",
        "routes[1].path_params",
        "routes[1].conditions",
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
