//! A gateway as it goes into production, built in Rust: routes that share filters, limits and
//! timeouts, access log, admin, and an end in order on SIGTERM.
//!
//! ```sh
//! JWT_SECRET=$(openssl rand -hex 32) UPSTREAM=http://127.0.0.1:9001 \
//!     cargo run --release --example complete_gateway
//! curl -i http://127.0.0.1:8080/status
//! curl -i http://127.0.0.1:8080/api/orders         # 401: it wants a token
//! ```
//! `api-gateway.toml` beside it says the same for `frys run`. Both are held by CI.

use frys_gateway::*;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The log is the program's: the gateway installs no subscriber and no handler of signals.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let gateway = Gateway::new(config()?).await?;
    let mut running = gateway.launch()?;
    running.ready().await?;
    for address in running.addresses() {
        tracing::info!(%address, "serving");
    }
    if let Some(address) = running.admin_address() {
        tracing::info!(%address, "admin");
    }
    end_on_signals(running.handle())?;
    let handle = running.handle();
    running.ended().await?;
    let total = handle.stats().total;
    tracing::info!(requests = total.requests, p99 = ?total.latency.p99, "ended in order");
    Ok(())
}

/// SIGTERM and SIGINT let what is under way finish; a second one ends at once.
fn end_on_signals(handle: Handle) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut received = signals.forever();
        if received.next().is_some() {
            handle.drain();
        }
        if received.next().is_some() {
            handle.stop();
        }
    })?;
    Ok(())
}

/// The whole configuration. `JWT_SECRET` and `UPSTREAM` come from the environment, and so may the
/// addresses `LISTEN` and `ADMIN`.
fn config() -> Result<GatewayConfig, Box<dyn Error>> {
    let or = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    Ok(GatewayConfig {
        listen_addr: or("LISTEN", "127.0.0.1:8080").parse()?,
        admin: AdminConfig {
            address: or("ADMIN", "127.0.0.1:9901").parse()?,
            ..Default::default()
        },
        access_log: Some(AccessLogConfig::default()),
        // What stands in front may say for whom it asks; nobody else may.
        trusted_proxies: vec!["10.0.0.0/8".parse()?],
        drain_timeout: Duration::from_secs(20),
        connection_limits: ConnectionLimits { max_connections: 20_000, ..Default::default() },
        limits: Limits { body: Some(1024 * 1024), ..Default::default() },
        timeouts: Timeouts {
            connect: Some(Duration::from_millis(500)),
            first_byte: Some(Duration::from_secs(5)),
            total: Some(Duration::from_secs(30)),
            ..Default::default()
        },
        request_id: Some(RequestIdConfig::default()),
        middlewares: filters()?,
        clusters: [("orders".to_owned(), orders(&env::var("UPSTREAM")?)?)].into(),
        routes: routes(),
        ..Default::default()
    })
}

fn orders(url: &str) -> Result<ClusterConfig, UrlInvalid> {
    let upstreams = vec![Upstream { url: url.parse()?, weight: 1 }];
    Ok(ClusterConfig { upstreams, ..Default::default() })
}

/// The filters that routes share, by kind and name.
fn filters() -> Result<BTreeMap<String, Middleware>, Box<dyn Error>> {
    let clients = RateLimitConfig {
        requests_per_second: 100,
        burst_size: 200,
        key_strategy: RateLimitKey::IP,
        ..Default::default()
    };
    let logins = RateLimitConfig {
        requests_per_second: 5,
        period: Duration::from_secs(60),
        burst_size: 5,
        ..Default::default()
    };
    let users = AuthConfig {
        jwt_secret: env::var("JWT_SECRET")?,
        audience: vec!["orders".into()],
        claims_to_headers: [("X-User".into(), "sub".into())].into(),
        forward_credentials: false,
        ..Default::default()
    };
    let web = CorsConfig {
        origins: vec!["https://app.example.com".into()],
        credentials: true,
        ..Default::default()
    };
    let inside = IpFilterConfig {
        allow: vec!["127.0.0.0/8".parse()?, "10.0.0.0/8".parse()?],
        ..Default::default()
    };
    Ok(BTreeMap::from([
        ("rate_limit.clients".into(), Middleware::RateLimit(clients)),
        ("rate_limit.logins".into(), Middleware::RateLimit(logins)),
        ("auth.users".into(), Middleware::Auth(users)),
        ("rbac.orders".into(), Middleware::Rbac(who_may())),
        ("cors.web".into(), Middleware::Cors(web)),
        ("ip_filter.inside".into(), Middleware::IpFilter(inside)),
        (
            "security_headers.web".into(),
            Middleware::SecurityHeaders(SecurityHeadersConfig::default()),
        ),
    ]))
}

/// Whoever has the role of a reader may read; only an administrator may do the rest.
fn who_may() -> RbacConfig {
    let readers = RbacRule {
        name: "readers-read".into(),
        roles: vec!["reader".into()],
        methods: vec![Method::GET],
        ..Default::default()
    };
    let administrators = RbacRule {
        name: "administrators".into(),
        roles: vec!["admin".into()],
        ..Default::default()
    };
    RbacConfig { rules: vec![readers, administrators], ..Default::default() }
}

fn routes() -> Vec<Route> {
    let ok = StaticResponse { body: Some("ok\n".into()), ..Default::default() };
    let mut api = RouteBuilder::new("api").path("/api/*").cluster("orders").build();
    api.middlewares = named(&[
        "cors.web",
        "security_headers.web",
        "rate_limit.clients",
        "auth.users",
        "rbac.orders",
    ]);
    let mut login = RouteBuilder::new("login")
        .path("/login")
        .methods(vec![Method::POST])
        .cluster("orders")
        .max_body(16 * 1024)
        .build();
    login.middlewares = named(&["security_headers.web", "rate_limit.logins"]);
    let mut internal = RouteBuilder::new("internal").path("/internal/*").cluster("orders").build();
    internal.middlewares = named(&["ip_filter.inside", "auth.users", "rbac.orders"]);
    let status = RouteBuilder::new("status").path("/status").respond(ok).build();
    vec![api, login, internal, status]
}

fn named(names: &[&str]) -> Vec<Middleware> {
    names.iter().map(|name| Middleware::Named((*name).to_owned())).collect()
}
