//! The whole worker as in `worker`, on a route with the filters of the lab's scenario `filters`:
//! a token, a rate limit by address, CORS and five changes of fields.

use super::Case;
use super::scene::{GATEWAY, Scene};
use super::worker::{ROUNDS_PER_CLIENT, round};

use frys_gateway::config::{
    AuthConfig, CorsConfig, HeaderEdits, Middleware, RateLimitConfig, Route,
};
use frys_gateway::jwt::Algorithm;
use frys_gateway::jwt::fixture::Signer;
use frys_gateway::snapshot::filter::FilterId;
use serde_json::json;

const SECRET: &str = "a secret of thirty-two bytes, or so";
const FILTERS_COUNT: u32 = 3;

pub fn cases() -> Vec<Case> {
    let case = |count: u64| {
        let name = format!("worker/filters, {count} at once");
        Case::new(&name, ROUNDS_PER_CLIENT * count, move || round(scene(count as usize)))
    };
    vec![case(1), case(64)]
}

fn scene(clients_count: usize) -> Scene {
    let scene = Scene::with(route(), request().leak(), clients_count, GATEWAY);
    // As the gateway has it.
    scene.worker.block.keep_recent(1024);
    let generation = scene.worker.generation();
    for id in (0..FILTERS_COUNT).map(FilterId) {
        let filter = generation.snapshot.filter(id);
        assert!(filter.series.of(0).passed.read() > 0, "{} sees requests", filter.name);
    }
    scene
}

fn route() -> Route {
    let cors = CorsConfig { origins: vec!["https://app.lab".into()], ..CorsConfig::default() };
    // Never reached.
    let rate_limit = RateLimitConfig {
        requests_per_second: 1_000_000,
        burst_size: 100_000,
        ..RateLimitConfig::default()
    };
    let auth = AuthConfig {
        jwt_secret: SECRET.into(),
        issuer: Some("https://issuer.lab".into()),
        audience: vec!["lab".into()],
        ..AuthConfig::default()
    };
    let fields = |fields: [(&str, &str); 2]| {
        fields.map(|(name, value)| (name.to_owned(), value.into())).into()
    };
    Route {
        middlewares: vec![
            Middleware::Cors(cors),
            Middleware::RateLimit(rate_limit),
            Middleware::Auth(auth),
        ],
        request_headers: HeaderEdits {
            set: fields([("X-Environment", "lab"), ("X-Gateway", "edge")]),
            remove: vec!["X-Debug".into()],
            ..HeaderEdits::default()
        },
        response_headers: HeaderEdits {
            set: fields([("X-Served-By", "edge"), ("X-Frame-Options", "DENY")]),
            ..HeaderEdits::default()
        },
        ..Route::default()
    }
}

/// With a token as long as one that an RSA key of 2048 bits signs: of one that is known only the
/// length tells.
fn request() -> Vec<u8> {
    let claims = json!({
        "iss": "https://issuer.lab", "aud": "lab", "sub": "lab", "iat": 0,
        "exp": 10_000_000_000_u64, "scope": "read write", "roles": ["reader"],
        "jti": "0123456789abcdef".repeat(14),
    });
    let token = Signer::secret(SECRET.as_bytes()).token(Algorithm::HS256, None, &claims);
    let head = format!(
        "GET /api/items HTTP/1.1\r\nHost: bench.test\r\nAuthorization: Bearer {token}\r\n\
         Origin: https://app.lab\r\nX-Debug: 1\r\nUser-Agent: bench\r\n\r\n"
    );
    head.into_bytes()
}
