//! The two files that the product is promised with: what is not built of them is refused at its
//! place, and the rest is taken.

use super::accept;
use frys_gateway::config::{Fault, Format, GatewayConfig, Method, RouteCondition};
use frys_gateway::{AuthConfig, ConfigError, Gateway, Middleware, RateLimitConfig};
use std::time::Duration;

const SHORT: &str = include_str!("promised/short.toml");
const GROWN: &str = include_str!("promised/grown.toml");

/// The file with the filters that it names.
fn grown() -> String {
    format!("{GROWN}{NAMED}")
}

const NAMED: &str = "\n[middlewares.rate_limit.tight]\nrequests_per_second = 10\n\
    [middlewares.auth.idp]\nissuer = \"https://auth.example.com\"\naudience = \"api\"\n\
    [middlewares.cors.web]\norigins = [\"https://www.example.com\"]\n";

/// The faults of a file, which must all be of one kind: what is not built.
fn not_built(text: &str) -> Vec<Fault> {
    let Err(ConfigError { faults }) = Gateway::from_text(text, Format::Toml, "frys.toml") else {
        panic!("accepted:\n{text}");
    };
    for fault in &faults {
        assert!(fault.message.ends_with("is not built in this version"), "{fault}");
    }
    faults
}

fn line_of(fault: &Fault) -> usize {
    fault.location.as_ref().expect("a fault of a file has a place").line as usize
}

/// Each fault's key and the beginning of its line.
fn keys_and_lines(faults: &[Fault], text: &str) -> Vec<(String, String)> {
    let beginning = |fault: &Fault| {
        let line = text.lines().nth(line_of(fault) - 1).expect("a line of the file");
        line.split_whitespace().next().unwrap_or("").to_owned()
    };
    faults.iter().map(|fault| (fault.path.clone(), beginning(fault))).collect()
}

/// The file without the lines that are refused.
fn built(text: &str, faults: &[Fault]) -> String {
    let refused: Vec<usize> = faults.iter().map(line_of).collect();
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(index, _)| !refused.contains(&(index + 1)));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

fn taken(text: &str) -> GatewayConfig {
    Gateway::from_text(text, Format::Toml, "frys.toml").expect("what is built is taken");
    accept(text)
}

#[test]
fn the_short_file_is_taken() {
    let config = taken(SHORT);
    let weights: Vec<u32> = config.routes[0].upstreams.iter().map(|u| u.weight).collect();
    assert_eq!(weights, [70, 30]);
    let limit =
        RateLimitConfig { requests_per_second: 100, burst_size: 20, ..RateLimitConfig::default() };
    let auth = AuthConfig::issued_by("https://auth.example.com", "api");
    let want = [Middleware::RateLimit(limit), Middleware::Auth(auth)];
    assert_eq!(config.routes[0].middlewares, want);
}

#[test]
fn the_grown_file_is_refused_for_what_is_not_built() {
    let text = grown();
    let found = keys_and_lines(&not_built(&text), &text);
    let want = [
        ("clusters.api.upstreams[0].url", "upstreams"),
        ("clusters.api.upstreams[1].url", "upstreams"),
        ("clusters.api.load_balancer", "load_balancer"),
        ("clusters.api.health_check", "health_check"),
        ("clusters.api.circuit_breaker", "circuit_breaker"),
        ("clusters.api.retry", "retry"),
        ("routes[0].mirror", "mirror"),
    ];
    assert_eq!(found, want.map(|(path, line)| (path.to_owned(), line.to_owned())));
}

#[test]
fn the_rest_of_the_grown_file_is_taken() {
    let plain = grown().replace("https://", "http://").replace("http+unix:/run/b.sock", "http://b");
    let config = taken(&built(&plain, &not_built(&plain)));
    let cluster = &config.clusters["api"];
    assert_eq!(cluster.upstreams.len(), 2);
    assert_eq!(cluster.timeouts.upstream_idle, Some(Duration::from_secs(30)));
    assert_eq!(cluster.timeouts.total, Some(Duration::from_secs(10)));
    let route = &config.routes[0];
    assert_eq!(
        (route.id.as_str(), route.host.as_deref()),
        ("advanced-api", Some("api.example.com"))
    );
    assert_eq!(route.methods, [Method::GET, Method::POST, Method::PUT]);
    assert_eq!(route.cluster.as_deref(), Some("api"));
    let names: Vec<&str> = route.path_params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id", "version"]);
    assert!(matches!(&route.conditions[..], [RouteCondition::All(all)] if all.len() == 2));
}
