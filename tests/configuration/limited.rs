//! Rate limits and concurrency limits, right and wrong.

use super::{accept, refuse};
use frys_gateway::Gateway;
use frys_gateway::config::{
    ConcurrencyLimitConfig, Format, GatewayConfig, LimitScope, Middleware, MissingKey,
    RateLimitConfig, RateLimitKey, Route, StaticResponse, check,
};
use std::time::Duration;

const ROUTE: &str = "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\nid = \"a\"\npath = \"/{id}\"\n\
                     respond = {}\n";

/// The filters of the route with this line.
fn filters(line: &str) -> Vec<Middleware> {
    accept(&format!("{ROUTE}{line}\n")).routes.swap_remove(0).middlewares
}

fn rate(inside: &str) -> RateLimitConfig {
    // A limit by a claim stands behind who finds the claims.
    let knows = if inside.contains("claim:") { KNOWS } else { "" };
    let found = filters(&format!("{knows}rate_limit = {{ {inside} }}"));
    let Some(Middleware::RateLimit(limit)) = found.last() else { panic!("{found:?}") };
    limit.clone()
}

const KNOWS: &str = "auth = { jwt_secret = \"0123456789abcdef0123456789abcdef\" }\n";

#[test]
fn reads_every_key_of_a_rate_limit() {
    assert_eq!(
        rate(
            "rate = \"5/min\", burst_size = 9, key = [\"ip\", \"header:X-Key\", \"path:id\"], \
             scope = \"worker\", cost = 2, costs = { a = 3 }, shadow = true, headers = false, \
             ipv6_prefix = 56, missing = \"refuse\", memory = \"1MiB\""
        ),
        RateLimitConfig {
            requests_per_second: 5,
            burst_size: 9,
            period: Duration::from_secs(60),
            key_strategy: RateLimitKey::All(vec![
                RateLimitKey::IP,
                RateLimitKey::Header("X-Key".into()),
                RateLimitKey::PathParameter("id".into()),
            ]),
            distributed: false,
            redis_url: None,
            scope: LimitScope::Worker,
            cost: 2,
            costs: [("a".to_owned(), 3)].into(),
            shadow: true,
            headers: false,
            ipv6_prefix: 56,
            missing: MissingKey::Refuse,
            memory: 1 << 20,
        }
    );
}

#[test]
fn a_burst_is_what_comes_back_in_the_rates_time() {
    for (inside, burst, interval_ns) in [
        ("requests_per_second = 100", 100, 10_000_000),
        ("rate = \"5/min\"", 5, 12_000_000_000),
        ("rate = \"1000/day\"", 1000, 86_400_000_000),
        ("rate = \"1/h\"", 1, 3_600_000_000_000),
        ("requests_per_second = 3, burst_size = 7", 7, 333_333_333),
    ] {
        let limit = rate(inside);
        assert_eq!((limit.burst(), limit.interval_ns()), (burst, interval_ns), "{inside}");
    }
}

#[test]
fn reads_every_kind_of_key() {
    let text = |text: &str| text.to_owned();
    for (key, wanted) in [
        ("ip", RateLimitKey::IP),
        ("route", RateLimitKey::Route),
        ("global", RateLimitKey::Global),
        ("header:Authorization", RateLimitKey::Header(text("Authorization"))),
        ("cookie:session", RateLimitKey::Cookie(text("session"))),
        ("claim:https://a.b/tenant", RateLimitKey::Claim(text("https://a.b/tenant"))),
        ("path:id", RateLimitKey::PathParameter(text("id"))),
    ] {
        let limit = rate(&format!("requests_per_second = 1, key = \"{key}\""));
        assert_eq!(limit.key_strategy, wanted);
        assert_eq!(limit.key_strategy.needs_claims(), key.starts_with("claim"));
    }
}

#[test]
fn reads_a_concurrency_limit_and_several_limits() {
    let found = filters("concurrency_limit = { max_requests = 7, key = \"route\" }");
    let limit = ConcurrencyLimitConfig {
        max_requests: 7,
        key_strategy: RateLimitKey::Route,
        ..ConcurrencyLimitConfig::default()
    };
    assert_eq!(found, [Middleware::ConcurrencyLimit(limit)]);
    let several = "rate_limit = [{ rate = \"1/s\", key = \"claim:sub\" }, { rate = \"9/min\" }]";
    let claims: Vec<Option<bool>> = filters(&format!("{KNOWS}{several}"))
        .iter()
        .map(|filter| match filter {
            Middleware::RateLimit(limit) => Some(limit.key_strategy.needs_claims()),
            _ => None,
        })
        .collect();
    assert_eq!(claims, [Some(false), None, Some(true)], "behind those who read the claims");
    let faults =
        refuse(&format!("{ROUTE}rate_limit = {{ rate = \"1/s\", key = \"claim:sub\" }}\n"));
    assert_eq!(faults[0].path, "routes[0].rate_limit");
    let twice = "middlewares = [\"rate_limit.a\", \"rate_limit.a\"]\n\
                 [middlewares.rate_limit.a]\nrate = \"1/s\"\n";
    assert_eq!(refuse(&format!("{ROUTE}{twice}"))[0].path, "routes[0].middlewares[1]");
}

/// The fault of a rate limit, with what it must say.
#[track_caller]
fn refused(inside: &str, path: &str, says: &str) {
    let knows = if inside.contains("claim:") { KNOWS } else { "" };
    let faults = refuse(&format!("{ROUTE}{knows}rate_limit = {{ {inside} }}\n"));
    let found = faults.iter().find(|fault| fault.path == path && fault.message.contains(says));
    assert!(found.is_some(), "{inside}: {faults:?}");
    assert_eq!(faults.len(), 1, "{inside}: {faults:?}");
}

#[test]
fn refuses_what_is_no_rate_limit() {
    let at = |key: &str| format!("routes[0].rate_limit.{key}");
    for (inside, path, says) in [
        ("", "routes[0].rate_limit", "`requests_per_second`, or `rate`"),
        ("requests_per_second = 1, rate = \"1/s\"", "routes[0].rate_limit", "or `rate`"),
        ("requests_per_second = 0", &at("requests_per_second"), "from 1"),
        ("requests_per_second = 20000000", &at("requests_per_second"), "from 1"),
        ("rate = \"5/sec\"", &at("rate"), "\"5/min\""),
        ("rate = \"+5/s\"", &at("rate"), "\"5/min\""),
        ("rate = \"0/s\"", &at("rate"), "\"5/min\""),
        ("rate = 5", &at("rate"), "expected a string"),
        ("rate = \"1/s\", key = \"ips\"", &at("key"), "`ip`"),
        ("rate = \"1/s\", key = \"header\"", &at("key"), "`header:NAME`"),
        ("rate = \"1/s\", key = \"header:\"", &at("key"), "no field name"),
        ("rate = \"1/s\", key = \"header:a b\"", &at("key"), "no field name"),
        ("rate = \"1/s\", key = \"cookie:a;b\"", &at("key"), "no name of a cookie"),
        ("rate = \"1/s\", key = \"claim:\"", &at("key"), "a name is missing"),
        ("rate = \"1/s\", key = []", &at("key"), "`\"global\"`"),
        ("rate = \"1/s\", key = [\"ip\", \"ip\"]", &at("key[1]"), "twice"),
        ("rate = \"1/s\", key = [\"ip\", \"global\"]", &at("key[1]"), "adds nothing"),
        ("rate = \"1/s\", scope = \"process\"", &at("scope"), "`gateway`"),
        ("rate = \"1/s\", missing = \"deny\"", &at("missing"), "`refuse`"),
        ("rate = \"1/s\", cost = 2", &at("cost"), "a burst has 1 tokens"),
        ("rate = \"1/s\", costs = { a = 2 }", &at("costs.a"), "a burst has 1 tokens"),
        ("rate = \"1/day\", burst_size = 31", &at("burst_size"), "more than 30 days"),
        ("rate = \"1/s\", ipv6_prefix = 129", &at("ipv6_prefix"), "128"),
        ("rate = \"1/s\", memory = \"1KiB\"", &at("memory"), "4KiB"),
        ("rate = \"1/s\", memory = \"8GiB\"", &at("memory"), "4GiB"),
        ("rate = \"1/s\", distributed = true", &at("distributed"), "not built"),
        ("rate = \"1/s\", redis_url = \"redis://a\"", &at("redis_url"), "not built"),
        ("rate = \"1/s\", burst = 3", &at("burst"), "unknown key"),
    ] {
        refused(inside, path, says);
    }
}

#[test]
fn refuses_what_is_no_concurrency_limit() {
    for (inside, path, says) in [
        ("", "routes[0].concurrency_limit.max_requests", "is missing"),
        ("max_requests = 0", "routes[0].concurrency_limit.max_requests", "from 1"),
        ("max_requests = 1, cost = 2", "routes[0].concurrency_limit.cost", "unknown key"),
    ] {
        let faults = refuse(&format!("{ROUTE}concurrency_limit = {{ {inside} }}\n"));
        assert_eq!(faults.len(), 1, "{inside}: {faults:?}");
        assert_eq!(faults[0].path, path);
        assert!(faults[0].message.contains(says), "{}", faults[0]);
    }
}

#[test]
fn refuses_names_that_are_nobodys() {
    for (line, path, says) in [
        (
            "rate_limit = { rate = \"1/s\", key = \"path:is\" }",
            "routes[0].rate_limit",
            "no parameter `{is}`",
        ),
        (
            "concurrency_limit = { max_requests = 1, key = [\"ip\", \"path:is\"] }",
            "routes[0].concurrency_limit",
            "no parameter `{is}`",
        ),
        (
            "rate_limit = { rate = \"5/s\", costs = { b = 2 } }",
            "routes[0].rate_limit.costs",
            "no route has the name `b`",
        ),
    ] {
        let text = format!("{ROUTE}{line}\n");
        let Err(error) = Gateway::from_text(&text, Format::Toml, "frys.toml") else {
            panic!("accepted:\n{text}");
        };
        let [fault] = &error.faults[..] else { panic!("{error}") };
        assert_eq!(fault.path, path);
        assert!(fault.message.contains(says), "{fault}");
        assert!(fault.location.is_some(), "{fault}");
    }
}

#[test]
fn refuses_in_rust_what_a_file_could_not_say() {
    let faults_of = |limit: RateLimitConfig| {
        let config = GatewayConfig {
            listen_addr: "0.0.0.0:80".parse().expect("an address"),
            routes: vec![Route {
                path: "/".into(),
                respond: Some(StaticResponse::default()),
                middlewares: vec![Middleware::RateLimit(limit)],
                ..Route::default()
            }],
            ..GatewayConfig::default()
        };
        let faults = check(&config).into_iter();
        faults.map(|fault| format!("{}: {}", fault.path, fault.message)).collect::<Vec<_>>()
    };
    let good = RateLimitConfig { requests_per_second: 10, ..RateLimitConfig::default() };
    assert_eq!(faults_of(good.clone()), [""; 0]);
    let distributed = RateLimitConfig {
        distributed: true,
        redis_url: Some("redis://127.0.0.1".into()),
        ..good.clone()
    };
    let faults = faults_of(distributed);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.ends_with("is not built in this version")));
    let nested = RateLimitKey::All(vec![RateLimitKey::All(vec![RateLimitKey::IP])]);
    let faults = faults_of(RateLimitConfig { key_strategy: nested, ..good.clone() });
    assert!(faults[0].contains("does not hold another"), "{faults:?}");
    let never = RateLimitConfig { period: Duration::ZERO, ..good };
    assert!(!faults_of(never).is_empty());
    assert!(!faults_of(RateLimitConfig::default()).is_empty(), "no rate lets nobody pass");
}
