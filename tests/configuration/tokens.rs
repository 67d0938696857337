//! `auth`: what it takes, and what it does not.

use super::{accept, places, refuse};
use frys_gateway::config::{
    AuthConfig, CredentialSource, Middleware, RequiredClaim, Route, TokenAlgorithm,
};
use frys_gateway::{Gateway, GatewayConfig, OIDCConfig};
use std::time::Duration;

const TOP: &str = "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/*\"\n\
                   respond = { body = \"in\" }\n";

/// The filter of a file whose only route has it.
fn auth(keys: &str) -> AuthConfig {
    let config = accept(&format!("{TOP}[routes.auth]\n{keys}\n"));
    let [Middleware::Auth(auth)] = &config.routes[0].middlewares[..] else {
        panic!("{:?}", config.routes[0].middlewares)
    };
    auth.clone()
}

/// What is wrong with one, each by its key.
fn wrong(keys: &str) -> Vec<String> {
    let faults = refuse(&format!("{TOP}[routes.auth]\n{keys}\n"));
    assert!(!places(&faults).is_empty());
    faults.iter().map(|fault| fault.path.replace("routes[0].auth", "")).collect()
}

#[test]
fn an_issuer_and_an_audience_are_enough() {
    let short =
        accept(&TOP.replace(
            "respond",
            "auth = { issuer = \"https://a.test\", audience = \"api\" }\nrespond",
        ));
    let want = AuthConfig::issued_by("https://a.test", "api");
    assert_eq!(short.routes[0].middlewares, [Middleware::Auth(want.clone())]);
    assert_eq!(want.token_from, [CredentialSource::Bearer]);
    assert!(want.require_exp && want.forward_credentials && !want.optional);
    assert_eq!((want.leeway, want.max_token_size), (Duration::from_secs(60), 8 * 1024));
}

#[test]
fn every_key_is_read() {
    let found = auth(
        "issuer = \"https://a.test\"\naudience = [\"api\", \"web\"]\n\
         jwt_secret = \"a secret of thirty-two bytes, or so\"\n\
         jwks_url = \"https://a.test/keys\"\nalgorithms = [\"HS256\", \"EdDSA\"]\n\
         required_claims = [\"role\", { name = \"tenant\", values = [\"x\"] }]\n\
         required_scopes = [\"read:users\"]\nrequire_exp = false\nleeway = \"5s\"\n\
         token_from = [\"header:X-Token\", \"cookie:session\", \"query:token\"]\n\
         claims_to_headers = { X-User = \"sub\" }\noptional = true\nrealm = \"shop\"\n\
         max_token_size = \"4KiB\"\ncache_tokens = 0\ncache_size = \"1MiB\"\n\
         refresh_interval = \"30s\"\n",
    );
    assert_eq!(found.audience, ["api", "web"]);
    assert_eq!(found.algorithms, [TokenAlgorithm::HS256, TokenAlgorithm::EdDSA]);
    let tenant = RequiredClaim { name: "tenant".into(), values: vec!["x".into()] };
    assert_eq!(found.required_claims, ["role".into(), tenant]);
    assert_eq!(found.token_from[1], CredentialSource::Cookie("session".into()));
    assert_eq!(found.claims_to_headers["X-User"], "sub");
    assert_eq!((found.realm.as_str(), found.cache_tokens, found.cache_size), ("shop", 0, 1 << 20));
    assert_eq!(found.refresh_interval, Some(Duration::from_secs(30)));
    assert!(found.optional && !found.require_exp);
}

#[test]
fn keys_of_tokens_are_read_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    let jwk = "{\"kty\":\"oct\",\"k\":\"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA\"}";
    std::fs::write(&path, format!("{{\"keys\":[{jwk}]}}")).expect("a file");
    let keys = format!("jwks_file = \"{}\"\n", path.display());
    assert!(auth(&keys).jwks.is_some());
    std::fs::write(&path, "{}").expect("a file");
    let text = format!("{TOP}[routes.auth]\n{keys}\n");
    let Err(error) = Gateway::from_text(&text, frys_gateway::Format::Toml, "frys.toml") else {
        panic!("accepted")
    };
    assert!(error.to_string().contains("no JWK Set"), "{error}");
    assert_eq!(error.faults[0].path, "routes[0].auth.jwks_file");
}

#[test]
fn what_cannot_be_is_refused_at_its_place() {
    let issuer = "issuer = \"https://a.test\"\n";
    for (keys, want) in [
        ("", [""].as_slice()),
        ("audience = \"api\"\n", &[""]),
        ("issuer = \"a.test\"\n", &[".issuer"]),
        ("issuer = \"ftp://a.test\"\n", &[".issuer"]),
        ("issuer = \"https://user@a.test\"\n", &[".issuer"]),
        ("jwks_url = \"/keys\"\n", &[".jwks_url"]),
        ("jwt_secret = \"\"\n", &[".jwt_secret"]),
        ("jwt_secret = { env = \"NO_SUCH_VARIABLE\" }\n", &[".jwt_secret.env"]),
        ("jwks_file = \"/nowhere/keys.json\"\n", &[".jwks_file"]),
        ("jwt_secret = \"x\"\nrefresh_interval = \"1m\"\n", &[".refresh_interval"]),
        ("jwt_secret = \"x\"\nalgorithms = [\"none\"]\n", &[".algorithms[0]"]),
        ("jwt_secret = \"x\"\nalgorithms = [\"hs256\"]\n", &[".algorithms[0]"]),
        ("secret = \"x\"\n", &[".secret"]),
        ("oidc_config = { issuer = \"https://a.test\" }\n", &[".oidc_config.client_id"]),
    ] {
        assert_eq!(wrong(keys), want, "{keys}");
    }
    for (keys, want) in [
        ("leeway = \"2h\"\n", ".leeway"),
        ("refresh_interval = \"9s\"\n", ".refresh_interval"),
        ("max_token_size = \"100B\"\n", ".max_token_size"),
        ("cache_size = \"1KiB\"\n", ".cache_size"),
        ("realm = \"a\\\"b\"\n", ".realm"),
        ("token_from = []\n", ".token_from"),
        ("token_from = [\"body:x\"]\n", ".token_from[0]"),
        ("token_from = [\"header:Cookie\"]\n", ".token_from[0]"),
        ("token_from = [\"header:X-A\", \"header:x-a\"]\n", ".token_from[1]"),
        ("token_from = [\"bearer\", \"header:authorization\"]\n", ".token_from[1]"),
        ("token_from = [\"query:t\"]\nforward_credentials = false\n", ".forward_credentials"),
        ("required_scopes = [\"a b\"]\n", ".required_scopes[0]"),
        ("required_claims = [\"\"]\n", ".required_claims[0]"),
        ("required_claims = [{ values = [\"a\"] }]\n", ".required_claims[0].name"),
        ("claims_to_headers = { Host = \"sub\" }\n", ".claims_to_headers.Host"),
        ("claims_to_headers = { Content-Length = \"sub\" }\n", ".claims_to_headers.Content-Length"),
        ("claims_to_headers = { Authorization = \"sub\" }\n", ".claims_to_headers.Authorization"),
        ("ca_file = \"/nowhere/ca.pem\"\n", ".ca_file"),
        ("oidc_config = { issuer = \"https://b.test\", client_id = \"a\" }\n", ".issuer"),
    ] {
        assert_eq!(wrong(&format!("{issuer}{keys}")), [want], "{keys}");
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    for (keys, want) in [
        ("public_key = \"secret\"\n", "-----BEGIN PUBLIC KEY-----"),
        ("public_key = \"-----BEGIN PRIVATE KEY-----\\nAA\\n\"\n", "a private key"),
        ("public_key = \"-----BEGIN CERTIFICATE-----\\nAA\\n\"\n", "a certificate"),
        ("jwt_secret = \"x\"\nalgorithms = [\"RS256\"]\n", "none of them is for the key"),
    ] {
        let text = format!("{TOP}[routes.auth]\n{keys}\n");
        let Err(error) = Gateway::from_text(&text, frys_gateway::Format::Toml, "frys.toml") else {
            panic!("accepted: {keys}")
        };
        assert!(error.to_string().contains(want), "{keys}: {error}");
    }
}

/// What `check` says of a text; nothing where it is right.
fn said(keys: &str) -> String {
    let text = format!("{TOP}[routes.auth]\n{keys}\n");
    match Gateway::from_text(&text, frys_gateway::Format::Toml, "frys.toml") {
        Ok(_) => String::new(),
        Err(error) => {
            let paths: Vec<_> = error.faults.iter().map(|fault| fault.path.as_str()).collect();
            assert_eq!(paths, ["routes[0].auth.algorithms"], "{error}");
            error.to_string()
        }
    }
}

#[test]
fn algorithms_are_for_keys_that_are_there() {
    let secret = "jwt_secret = \"a secret of thirty-two bytes, or so\"\n";
    let url = "jwks_url = \"https://a.test/keys\"\n";
    let issuer = "issuer = \"https://a.test\"\n";
    let provider = "oidc_config = { issuer = \"https://a.test\", client_id = \"a\" }\n";
    let confidential = "oidc_config = { issuer = \"https://a.test\", client_id = \"a\", \
                        client_secret = \"a secret of thirty-two bytes, or so\" }\n";
    let both = format!("{secret}{url}");
    let public = ", for `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, \
                  `EdDSA`";
    for (keys, algorithms, want) in [
        (url, "\"HS256\"", public),
        (url, "\"HS256\", \"HS512\"", "a key of `jwks_url`"),
        (url, "\"HS256\", \"EdDSA\"", ""),
        (url, "", ""),
        (issuer, "\"HS384\"", "a key of the issuer"),
        (issuer, "\"RS256\"", ""),
        (provider, "\"HS256\"", "a key of the issuer"),
        // OpenID Connect Core 1.0 section 10.1: the client's secret is the key.
        (confidential, "\"HS256\"", ""),
        (&both, "\"HS256\"", "a key of `jwks_url`"),
        (&both, "\"ES256\"", "but `HS256`, `HS384`, `HS512` would be"),
        (&both, "\"HS256\", \"ES256\"", ""),
        (secret, "\"RS256\", \"EdDSA\"", "the key that is a shared secret"),
        (secret, "\"RS256\", \"HS512\"", ""),
    ] {
        let said = said(&format!("{keys}algorithms = [{algorithms}]\n"));
        assert_eq!(said.is_empty(), want.is_empty(), "{keys} {algorithms}: {said}");
        assert!(said.contains(want), "{keys} {algorithms}: {said}");
    }
}

#[test]
fn a_file_of_keys_has_one_for_an_algorithm() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    let secret = r#"{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}"#;
    // RFC 8037 appendix A.2.
    let edwards = r#"{"kty":"OKP","crv":"Ed25519","kid":"new",
                      "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let both = format!("{secret},{edwards}");
    for (keys, algorithms, want) in [
        (secret, "\"HS256\"", ""),
        (secret, "\"EdDSA\"", "but `HS256`, `HS384`, `HS512` would be"),
        (edwards, "\"EdDSA\"", ""),
        (edwards, "\"HS256\"", "none of them is for the key `new`, but `EdDSA` would be"),
        (&both, "\"HS256\"", ""),
        (&both, "\"EdDSA\"", ""),
        (&both, "\"RS256\"", "none of them is for a key of `jwks_file`, but `HS256`"),
    ] {
        std::fs::write(&path, format!("{{\"keys\":[{keys}]}}")).expect("a file");
        let file = path.display();
        let said = said(&format!("jwks_file = \"{file}\"\nalgorithms = [{algorithms}]\n"));
        assert_eq!(said.is_empty(), want.is_empty(), "{keys} {algorithms}: {said}");
        assert!(said.contains(want), "{keys} {algorithms}: {said}");
    }
}

/// As the product was promised, but for the fields that were added since.
#[test]
fn the_promised_words_mean_what_they_say() {
    let quick = AuthConfig {
        jwt_secret: "your-secret-key".into(),
        required_claims: vec!["role".into()],
        ..AuthConfig::default()
    };
    let provider = AuthConfig {
        jwt_secret: "your-secret-key".into(),
        required_scopes: vec!["read:users".into(), "write:users".into()],
        oidc_config: Some(OIDCConfig {
            issuer: "https://auth.example.com".into(),
            client_id: "gateway".into(),
            client_secret: "another-secret".into(),
        }),
        ..AuthConfig::default()
    };
    for auth in [quick, provider] {
        let route = Route {
            path: "/*".into(),
            respond: Some(Default::default()),
            middlewares: vec![Middleware::Auth(auth)],
            ..Route::default()
        };
        let config = GatewayConfig {
            listen_addr: "127.0.0.1:0".parse().expect("an address"),
            routes: vec![route],
            ..GatewayConfig::default()
        };
        Gateway::check(&config).expect("no fault");
    }
}
