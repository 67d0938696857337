//! What a token costs: `cargo bench --bench tokens`. Beside the gateway's own verification stands
//! jsonwebtoken's, which checks the same of the same token with one key.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use frys_gateway::jwt::fixture::{Signer, set};
use frys_gateway::jwt::{
    Algorithm, Cache, Fetched, KeySet, Keys, Rules, Symmetric, Verified, verify,
};
use jsonwebtoken::{DecodingKey, Validation, decode, jwk::Jwk};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &[u8] = b"a secret of thirty-two bytes, or so";

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs()
}

/// What a provider puts into an access token.
fn claims() -> Value {
    json!({
        "iss": "https://auth.example.com/realms/shop", "aud": ["api", "account"],
        "sub": "7f3c1c1e-2f0b-4f0e-9c53-5a0c0a1d2b11", "typ": "Bearer", "azp": "web",
        "exp": now_s() + 100_000, "iat": now_s(), "nbf": now_s(),
        "jti": "0b9a51f1-4f4b-4d69-a0f2-8a9f7a8b5d0e", "scope": "openid profile email",
        "realm_access": { "roles": ["offline_access", "uma_authorization", "user"] },
        "email_verified": true, "preferred_username": "ada", "email": "ada@example.com",
    })
}

fn rules() -> Rules {
    Rules {
        issuer: Some("https://auth.example.com/realms/shop".into()),
        audience: Box::new(["api".into()]),
        leeway_s: 60,
        require_exp: true,
        ..Rules::default()
    }
}

fn signers() -> [(Algorithm, Signer); 5] {
    [
        (Algorithm::HS256, Signer::secret(SECRET)),
        (Algorithm::RS256, Signer::rsa_2048()),
        (Algorithm::PS256, Signer::rsa_2048()),
        (Algorithm::ES256, Signer::p256()),
        (Algorithm::EdDSA, Signer::ed25519()),
    ]
}

fn cold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cold");
    for (algorithm, signer) in signers() {
        let token = signer.token(algorithm, Some("k"), &claims());
        let mut jwk = signer.jwk("k");
        jwk["alg"] = format!("{algorithm:?}").into();
        let own = KeySet::parse(set(&[jwk.clone()]).as_bytes(), Symmetric::Allowed).expect("a set");
        let (rules, now_s) = (rules(), now_s());
        let keys = Keys { own: &own, fetched: Fetched::Never };
        let name = format!("{algorithm:?}");
        group.bench_function(BenchmarkId::new("frys", &name), |bencher| {
            bencher.iter(|| {
                verify(black_box(token.as_bytes()), keys, &rules, now_s).expect("it is right")
            });
        });
        let jwk: Jwk = serde_json::from_value(jwk).expect("a key");
        let key = DecodingKey::from_jwk(&jwk).expect("a key");
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&["https://auth.example.com/realms/shop"]);
        validation.set_audience(&["api"]);
        validation.validate_nbf = true;
        group.bench_function(BenchmarkId::new("jsonwebtoken", &name), |bencher| {
            bencher.iter(|| {
                decode::<Value>(black_box(&token), &key, &validation).expect("it is right")
            });
        });
    }
}

fn warm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("warm");
    for count in [1, 10_000] {
        let signer = Signer::secret(SECRET);
        let tokens: Vec<String> = (0..count)
            .map(|number| {
                let mut claims = claims();
                claims["jti"] = number.into();
                signer.token(Algorithm::HS256, None, &claims)
            })
            .collect();
        let mut cache = Cache::new(10_000, 1 << 30);
        for token in &tokens {
            let verified =
                Verified { claims: Value::Null, begins_s: 0, ends_s: u64::MAX, key_version: 0 };
            cache.insert(token.as_bytes(), &verified, (), 0, 1);
        }
        let mut at = 0;
        group.bench_function(BenchmarkId::new("hit of", count), |bencher| {
            bencher.iter(|| {
                at = (at + 7_919) % tokens.len();
                assert!(cache.get(black_box(tokens[at].as_bytes()), 1, 0).is_some());
            });
        });
    }
}

criterion_group!(tokens, cold, warm);
criterion_main!(tokens);
