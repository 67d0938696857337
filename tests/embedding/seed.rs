//! The seed's Quick Start and Basic Configuration compile as `docs/from-the-seed.md` adjusts them,
//! and what is not built of them is refused.

use frys_gateway::*;

use std::error::Error;
use std::time::Duration;

/// The Quick Start's configuration. The adjustments are the last lines of its two filters and of
/// the whole.
fn quick_start() -> Result<GatewayConfig, Box<dyn Error>> {
    let config = GatewayConfig {
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
            middlewares: vec![
                Middleware::RateLimit(RateLimitConfig {
                    requests_per_second: 100,
                    burst_size: 20,
                    ..Default::default()
                }),
                Middleware::Auth(AuthConfig {
                    jwt_secret: "your-secret-key".into(),
                    required_claims: vec!["role".into()],
                    ..Default::default()
                }),
            ],
            ..Default::default()
        }],
        metrics_enabled: true,
        tracing_enabled: true,
        ..Default::default()
    };
    Ok(config)
}

/// The Basic Configuration. The adjustments are one route where the seed has a comment, and the
/// last lines of the limits and of the whole.
fn basic_configuration() -> Result<GatewayConfig, Box<dyn Error>> {
    let config = GatewayConfig {
        listen_addr: "0.0.0.0:8080".parse()?,
        tls_config: Some(TlsConfig {
            cert_path: "/etc/ssl/certs/gateway.crt".into(),
            key_path: "/etc/ssl/private/gateway.key".into(),
            client_ca_path: Some("/etc/ssl/ca/client-ca.crt".into()),
        }),
        routes: vec![RouteBuilder::new("all").path("/*").upstream("http://a:8080", 1).build()],
        connection_limits: ConnectionLimits {
            max_connections: 10000,
            max_connections_per_upstream: 100,
            connection_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(60),
            ..Default::default()
        },
        metrics: MetricsConfig { enabled: true, path: "/metrics".into(), prometheus_enabled: true },
        ..Default::default()
    };
    Ok(config)
}

async fn refused(config: GatewayConfig) -> Vec<String> {
    let ConfigError { faults } = Gateway::new(config).await.expect_err("refused");
    let shown = |fault: Fault| {
        assert!(fault.message.ends_with("is not built in this version"), "{fault}");
        fault.path
    };
    faults.into_iter().map(shown).collect()
}

#[tokio::test]
async fn the_quick_start_is_refused_for_what_is_not_built() -> Result<(), Box<dyn Error>> {
    let want = ["tracing_enabled", "routes[0].middlewares[0]", "routes[0].middlewares[1]"];
    assert_eq!(refused(quick_start()?).await, want);
    Ok(())
}

#[tokio::test]
async fn the_rest_of_the_quick_start_is_taken() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start()?;
    config.tracing_enabled = false;
    config.routes[0].middlewares.clear();
    let gateway = Gateway::new(config).await?;
    // It would serve a fixed port: the type is what is shown here, `examples/` starts one.
    drop(gateway.start());
    Ok(())
}

#[tokio::test]
async fn the_basic_configuration_is_refused_for_what_is_not_built() -> Result<(), Box<dyn Error>> {
    assert_eq!(refused(basic_configuration()?).await, ["tls_config"]);
    Ok(())
}

#[tokio::test]
async fn the_rest_of_the_basic_configuration_is_taken() -> Result<(), Box<dyn Error>> {
    let config = GatewayConfig { tls_config: None, ..basic_configuration()? };
    Gateway::new(config).await?;
    Ok(())
}
