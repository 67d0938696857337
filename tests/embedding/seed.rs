//! The seed's Quick Start serves as `docs/from-the-seed.md` adjusts it; the other snippets are
//! compiled, as this one is, by the documentation tests.

use super::{Response, address_of, get, started, upstream};
use frys_gateway::*;

use jsonwebtoken::{EncodingKey, Header};
use std::error::Error;
use std::time::{Duration, SystemTime};

/// The Quick Start's configuration, word for word but for the numbered lines of the document.
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
        tracing_enabled: false,
        ..Default::default()
    };
    Ok(config)
}

/// The same on a port and before upstreams that there are.
fn quick_start_here() -> Result<GatewayConfig, Box<dyn Error>> {
    let mut config = quick_start()?;
    config.listen_addr = "127.0.0.1:0".parse()?;
    config.admin.enabled = false;
    for upstream in &mut config.routes[0].upstreams {
        upstream.url = format!("http://{}", upstream::start()).parse()?;
    }
    Ok(config)
}

/// A field with a token that the Quick Start's secret signs.
fn bearer(claims: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let mut claims: serde_json::Value = serde_json::from_str(claims).expect("JSON");
    claims["exp"] = (now + Duration::from_mins(5)).as_secs().into();
    let key = EncodingKey::from_secret(b"your-secret-key");
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).expect("it can be signed");
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn the_quick_start_is_taken_as_it_stands() -> Result<(), Box<dyn Error>> {
    let gateway = Gateway::new(quick_start()?).await?;
    // It would serve a fixed port: the type is what is shown here.
    drop(gateway.start());
    Ok(())
}

#[test]
fn the_quick_start_wants_a_token_with_the_claim() -> Result<(), Box<dyn Error>> {
    let running = started(quick_start_here()?);
    let ask = |fields: &str| get(address_of(&running), "/api/v1/users", fields);
    let without = ask("");
    assert_eq!(without.status, 401);
    assert!(without.field("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    assert_eq!(ask("Authorization: Bearer a.b.c\r\n").status, 401);
    assert_eq!(ask(&bearer(r#"{ "sub": "ann" }"#)).status, 403);
    let with = ask(&bearer(r#"{ "sub": "ann", "role": "admin" }"#));
    assert_eq!(with.status, 200, "{with:?}");
    assert!(with.body.starts_with("GET /api/v1/users HTTP/1.1\n"), "{with:?}");
    Ok(())
}

#[test]
fn the_quick_start_limits_each_address() -> Result<(), Box<dyn Error>> {
    let mut config = quick_start_here()?;
    // One in a hundred seconds comes back in place of one in a hundredth: no test by luck.
    if let Middleware::RateLimit(limit) = &mut config.routes[0].middlewares[0] {
        limit.requests_per_second = 1;
        limit.period = Duration::from_secs(100);
    }
    let running = started(config);
    let token = bearer(r#"{ "role": "admin" }"#);
    let answers: Vec<Response> =
        (0..21).map(|_| get(address_of(&running), "/api/v1/users", &token)).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses[..20], [200; 20]);
    assert_eq!(statuses[20], 429);
    assert!(answers[20].field("retry-after").is_some(), "{:?}", answers[20]);
    let stats = running.stats();
    assert_eq!(stats.filters["rate_limit@api-v1"].refused, 1);
    assert_eq!(stats.filters["auth@api-v1"].passed, 20);
    Ok(())
}

#[test]
fn what_the_quick_start_asks_for_and_is_not_built_is_refused() -> Result<(), Box<dyn Error>> {
    let mut config = GatewayConfig { tracing_enabled: true, ..quick_start()? };
    if let Middleware::RateLimit(limit) = &mut config.routes[0].middlewares[0] {
        limit.distributed = true;
        limit.redis_url = Some("redis://redis:6379".into());
    }
    let refused = Gateway::checked(config).expect_err("three keys are not built");
    for fault in &refused.faults {
        assert!(fault.message.contains("not built in this version"), "{fault}");
    }
    let paths: Vec<&str> = refused.faults.iter().map(|fault| &*fault.path).collect();
    let of_limit = ["routes[0].rate_limit.distributed", "routes[0].rate_limit.redis_url"];
    assert_eq!(paths, [&["tracing_enabled"][..], &of_limit].concat());
    Ok(())
}
