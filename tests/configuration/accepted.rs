//! Files that are right, and what they mean.

use super::{FULL, LEAST, accept};
use frys_gateway::config::{
    AccessLogFormat, AccessLogOutput, ConnectionLimits, GatewayConfig, Limits, LoadBalancerType,
    Method, Timeouts, Workers,
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
