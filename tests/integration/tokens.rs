//! Bearers of tokens, against issuers that rotate, fail and lie.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use frys_gateway::jwt::Algorithm;
use frys_gateway::jwt::fixture::{Signer, part, set};
use serde_json::{Value, json};

use crate::support::gateway::route_to;
use crate::support::wire::Response;
use crate::support::{Gateway, Upstream, program, run, until};

const SECRET: &str = "a secret of thirty-two bytes, or so";

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs()
}

/// Claims that hold for five minutes.
fn claims(more: &Value) -> Value {
    let mut claims = json!({ "sub": "ada", "iat": now_s(), "exp": now_s() + 300 });
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    claims
}

fn shared(more: &Value) -> String {
    Signer::secret(SECRET.as_bytes()).token(Algorithm::HS256, None, &claims(more))
}

/// A gateway whose only route has these keys of `auth`.
fn gateway(upstream: &Upstream, auth: &str) -> Gateway {
    Gateway::start(&format!("{}\n[routes.auth]\n{auth}\n", route_to(&[upstream.address])))
}

fn ask_with(gateway: &Gateway, fields: &str) -> Response {
    gateway.ask(format!("GET /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

fn ask(gateway: &Gateway, token: &str) -> Response {
    ask_with(gateway, &format!("Authorization: Bearer {token}\r\n"))
}

#[track_caller]
fn assert_refused(answer: &Response, status: u16, reason: &str, error: &str) {
    answer.assert_own(status, reason);
    let challenge = answer.field("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer realm=\"frys\""), "{challenge}");
    assert_eq!(challenge.contains("error="), !error.is_empty(), "{challenge}");
    assert!(challenge.contains(error), "{challenge}");
}

#[test]
fn bearers_of_a_token_pass_and_others_do_not() {
    let upstream = Upstream::saying("in");
    let gateway = gateway(
        &upstream,
        &format!(
            "jwt_secret = \"{SECRET}\"\nissuer = \"https://a.test\"\naudience = \"api\"\n\
             required_claims = [\"role\", {{ name = \"tenant\", values = [\"x\", \"y\"] }}]\n\
             required_scopes = [\"read:users\", \"write:users\"]\nleeway = \"5s\"\n"
        ),
    );
    let good = json!({ "iss": "https://a.test", "aud": "api", "role": "admin", "tenant": "x",
                       "scope": "read:users write:users other" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        ask(&gateway, &shared(&claims))
    };
    assert_eq!(ask(&gateway, &shared(&good)).text(), "in");
    assert_refused(&ask_with(&gateway, ""), 401, "credentials_missing", "");
    let basic = "Authorization: Basic YTpi\r\n";
    assert_refused(&ask_with(&gateway, basic), 401, "credentials_missing", "");
    let invalid = "error=\"invalid_token\", error_description=\"";
    assert_refused(&ask(&gateway, "nonsense"), 401, "token_malformed", invalid);
    assert_refused(&ask(&gateway, ""), 401, "token_malformed", invalid);
    assert_refused(&with("exp", json!(now_s() - 6)), 401, "token_expired", invalid);
    assert_refused(&with("exp", Value::Null), 401, "token_malformed", invalid);
    let mut endless = claims(&good);
    endless.as_object_mut().expect("an object").remove("exp");
    let endless = Signer::secret(SECRET.as_bytes()).token(Algorithm::HS256, None, &endless);
    let no_expiry = "error_description=\"the token has no expiry\"";
    assert_refused(&ask(&gateway, &endless), 401, "token_expiry_missing", no_expiry);
    assert_refused(&with("nbf", json!(now_s() + 60)), 401, "token_early", invalid);
    assert_refused(&with("iat", json!(now_s() + 60)), 401, "token_early", invalid);
    assert_refused(&with("iss", json!("https://b.test")), 401, "token_issuer", invalid);
    assert_refused(&with("aud", json!(["web"])), 401, "token_audience", invalid);
    let insufficient = "error=\"insufficient_scope\"";
    assert_refused(&with("role", Value::Null), 403, "token_claim_missing", insufficient);
    assert_refused(&with("tenant", json!("z")), 403, "token_claim_missing", insufficient);
    let scopes = "scope=\"read:users write:users\"";
    assert_refused(&with("scope", json!("read:users")), 403, "scope_missing", scopes);
    let foreign = Signer::secret(b"another secret of thirty-two bytes!");
    let foreign = foreign.token(Algorithm::HS256, None, &claims(&good));
    assert_refused(&ask(&gateway, &foreign), 401, "token_signature", invalid);
    assert_eq!(upstream.received().len(), 1, "nobody else got through");
    // The connection goes on after a refusal.
    let mut wire = gateway.connect();
    let refused = wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_refused(&refused, 401, "credentials_missing", "");
    let token = shared(&good);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_eq!(wire.ask(&head).text(), "in");
    assert_eq!(wire.ask(&head).text(), "in");
}

#[test]
fn attacks_are_refused() {
    let upstream = Upstream::saying("in");
    let folder = tempfile::tempdir().expect("a folder");
    let signer = Signer::rsa_2048();
    let pem = folder.path().join("key.pem");
    fs::write(&pem, signer.pem()).expect("a file");
    let gateway = gateway(
        &upstream,
        &format!(
            "public_key = {{ file = \"{}\" }}\nmax_token_size = \"2KiB\"\n\
             token_from = [\"bearer\", \"cookie:session\", \"query:token\"]\n",
            pem.display()
        ),
    );
    let good = signer.token(Algorithm::RS256, None, &claims(&json!({})));
    assert_eq!(ask(&gateway, &good).status, 200);
    assert_eq!(ask_with(&gateway, &format!("Cookie: a=b; session={good}\r\n")).status, 200);
    let by_query = format!("GET /x?token={good} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(gateway.ask(by_query).status, 200);
    let count = upstream.received().len();

    let refused = |answer: Response, reason: &str| {
        assert_refused(&answer, 401, reason, "error=\"invalid_token\"");
    };
    // Algorithm confusion: the public key as an HMAC secret.
    let confused = Signer::secret(signer.pem().as_bytes());
    let confused = confused.token(Algorithm::HS256, None, &claims(&json!({})));
    refused(ask(&gateway, &confused), "token_algorithm");
    for name in ["none", "None", "NONE", "nOnE"] {
        let body = part(&claims(&json!({})));
        let token = format!("{}.{body}.", part(&json!({ "alg": name })));
        refused(ask(&gateway, &token), "token_algorithm");
    }
    // A key that the token brings itself.
    let evil = Signer::rsa_2048();
    let header = json!({ "alg": "RS256", "jwk": evil.jwk("k"), "kid": "../../../dev/null" });
    let token = evil.token_of(Algorithm::RS256, &header, &claims(&json!({})));
    refused(ask(&gateway, &token), "token_signature");
    let header = json!({ "alg": "RS256", "crit": ["b64"], "b64": false });
    let token = signer.token_of(Algorithm::RS256, &header, &claims(&json!({})));
    refused(ask(&gateway, &token), "token_malformed");
    // Too long.
    let long = claims(&json!({ "x": "x".repeat(2_000) }));
    refused(ask(&gateway, &signer.token(Algorithm::RS256, None, &long)), "token_malformed");
    // Twice, in whatever way.
    let twice = format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n");
    refused(ask_with(&gateway, &twice), "token_repeated");
    let tossed = format!("Cookie: session={good}; session={good}\r\n");
    refused(ask_with(&gateway, &tossed), "token_repeated");
    let both = format!("Authorization: Bearer {good}\r\nCookie: session={good}\r\n");
    refused(ask_with(&gateway, &both), "token_repeated");
    let head = format!("Host: a\r\nAuthorization: Bearer {good}\r\n\r\n");
    let in_query = format!("GET /x?t%6Fken={good} HTTP/1.1\r\n{head}");
    let several = gateway.ask(in_query);
    assert_refused(&several, 401, "token_repeated", "\"there is more than one token\"");
    assert_eq!(upstream.received().len(), count, "nobody got through");
}

#[test]
fn the_upstream_is_told_of_claims_and_never_by_the_client() {
    let upstream = Upstream::saying("in");
    let gateway = gateway(
        &upstream,
        &format!(
            "jwt_secret = \"{SECRET}\"\noptional = true\nforward_credentials = false\n\
             token_from = [\"bearer\", \"cookie:session\"]\n\
             claims_to_headers = {{ X-User = \"sub\", X-Roles = \"realm.roles\" }}\n"
        ),
    );
    let spoofed = "X-User: root\r\nx_user: root\r\nX-ROLES: admin\r\n";
    let more = json!({ "realm": { "roles": ["a", "b\r\nX-Evil: 1"] } });
    let token = shared(&more);
    for number in 0..3 {
        let fields = format!("{spoofed}Cookie: a=1; session={token}; b=2\r\n");
        assert_eq!(ask_with(&gateway, &fields).status, 200);
        let received = upstream.wait_for(number);
        let told = |name: &str| {
            let named =
                received.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(told("x-user"), ["ada"]);
        assert!(told("x-roles").is_empty(), "made to fit, it would be another list");
        assert_eq!(told("cookie"), ["a=1; b=2"]);
        assert!(told("x_user").is_empty() && told("x-evil").is_empty());
    }
    // Without a token nobody is anybody.
    assert_eq!(ask_with(&gateway, spoofed).status, 200);
    let received = upstream.wait_for(3);
    assert_eq!((received.field("x-user"), received.field("x-roles")), (None, None));
    assert_eq!(received.field("x_user"), None);
    // A wrong one is refused all the same.
    let wrong = ask(&gateway, "a.b.c");
    assert_refused(&wrong, 401, "token_malformed", "invalid_token");
    assert_eq!(ask(&gateway, &token).status, 200);
    assert_eq!(upstream.wait_for(4).field("authorization"), None);
}

#[test]
fn credentials_in_several_cookies_are_all_kept_from_the_upstream() {
    const KEY: &str = "a-key-of-thirty-two-bytes-or-so--";
    let upstream = Upstream::saying("in");
    let route = |path: &str, order: &str, places: &str| {
        format!(
            "[[routes]]\npath = \"{path}\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
             middlewares = [{order}]\nauth = {{ jwt_secret = \"{SECRET}\", optional = true, \
             token_from = [{places}], forward_credentials = false }}\n\
             api_key = {{ keys = [{{ name = \"k\", key = \"{KEY}\" }}], optional = true, \
             from = [\"cookie:k\"], forward_credentials = false }}\n",
            upstream.address
        )
    };
    let two = "\"cookie:a\", \"cookie:b\"";
    let gateway = Gateway::start(&format!(
        "{}{}",
        route("/one/*", "\"auth\", \"api_key\"", two),
        route("/two/*", "\"api_key\", \"auth\"", two)
    ));
    let token = shared(&json!({}));
    let (a, b, k) = (format!("a={token}"), format!("b={token}"), format!("k={KEY}"));
    let mut number = 0;
    for path in ["/one/", "/two/"] {
        for (cookies, left) in [
            (format!("{a}; z=1"), Some("z=1")),
            (format!("z=1; {b}"), Some("z=1")),
            (format!("{k}; z=1; {a}; y=2"), Some("z=1; y=2")),
            (format!("{a}; {k}"), None),
            (k.clone(), None),
            ("z=1; y=2".to_owned(), Some("z=1; y=2")),
        ] {
            let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n");
            assert_eq!(gateway.ask(head).status, 200, "{path} {cookies}");
            let received = upstream.wait_for(number);
            assert_eq!(received.field("cookie"), left, "{path} {cookies}");
            number += 1;
        }
    }
}

/// An issuer: what it says at each path.
struct Issuer {
    upstream: Upstream,
    pages: Arc<Mutex<Vec<(String, String)>>>,
}

impl Issuer {
    fn start() -> Issuer {
        let pages: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let inside = Arc::clone(&pages);
        let upstream = Upstream::start(move |peer| {
            while let Some(request) = peer.request() {
                let pages = inside.lock().expect("no panic");
                let found = pages.iter().rev().find(|(path, _)| path == request.target());
                let body = found.map(|(_, body)| body.clone());
                drop(pages);
                peer.wire.send(match body {
                    Some(body) => {
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                    }
                    None => "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n".to_owned(),
                });
            }
        });
        Issuer { upstream, pages }
    }

    fn url(&self) -> String {
        format!("http://{}", self.upstream.address)
    }

    fn says(&self, path: &str, body: &str) {
        self.pages.lock().expect("no panic").push((path.to_owned(), body.to_owned()));
    }

    fn has_keys(&self, keys: &[Value]) {
        self.says("/keys", &set(keys));
    }

    fn is_discovered(&self) {
        let page = json!({ "issuer": self.url(), "jwks_uri": format!("{}/keys", self.url()) });
        self.says("/.well-known/openid-configuration", &page.to_string());
    }

    fn claims(&self) -> Value {
        claims(&json!({ "iss": self.url(), "aud": "api" }))
    }
}

#[test]
fn the_keys_of_an_issuer_are_found_and_followed() {
    let (upstream, issuer) = (Upstream::saying("in"), Issuer::start());
    let (old, new) = (Signer::p256(), Signer::rsa_2048());
    issuer.is_discovered();
    issuer.has_keys(&[old.jwk("old")]);
    let gateway =
        gateway(&upstream, &format!("issuer = \"{}\"\naudience = \"api\"\n", issuer.url()));
    // They are there before the first request.
    let by_old = old.token(Algorithm::ES256, Some("old"), &issuer.claims());
    assert_eq!(ask(&gateway, &by_old).status, 200);
    assert_eq!(issuer.upstream.received().len(), 2);
    let labels = [format!("source=\"{}\"", issuer.url())];
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    assert_eq!(gateway.metric("frys_keys", &labels), 1.0);
    // The public key of the issuer is no secret, and a key that it does not have is asked for.
    let foreign = new.token(Algorithm::RS256, Some("new"), &issuer.claims());
    until("the key is looked for", 20, || {
        let answer = ask(&gateway, &foreign);
        assert_refused(&answer, 401, "token_key_unknown", "invalid_token");
        // Not sooner than ten seconds after the first fetch.
        (issuer.upstream.received().len() >= 4).then_some(())
    });
    let asked_count = issuer.upstream.received().len();
    for _ in 0..50 {
        let answer = ask(&gateway, &foreign);
        assert_refused(&answer, 401, "token_key_unknown", "invalid_token");
    }
    assert_eq!(issuer.upstream.received().len(), asked_count, "one fetch in ten seconds");
    // It comes into the set, and is found by the first token that names it.
    issuer.has_keys(&[old.jwk("old"), new.jwk("new")]);
    until("the new key is known", 20, || (ask(&gateway, &foreign).status == 200).then_some(()));
    assert_eq!(ask(&gateway, &by_old).status, 200);
    assert_eq!(gateway.metric("frys_keys", &labels), 2.0);
}

#[test]
fn keys_stay_when_the_issuer_fails_and_come_when_it_does() {
    let (upstream, issuer) = (Upstream::saying("in"), Issuer::start());
    let signer = Signer::ed25519();
    let gateway = gateway(&upstream, &format!("jwks_url = \"{}/keys\"\n", issuer.url()));
    let token = signer.token(Algorithm::EdDSA, Some("k"), &claims(&json!({})));
    let answer = ask(&gateway, &token);
    answer.assert_own(503, "keys_unavailable");
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert!(gateway.stderr().contains("the issuer's keys cannot be fetched"));
    issuer.says("/keys", "<html>oh no</html>");
    issuer.has_keys(&[signer.jwk("k")]);
    until("the keys come", 20, || (ask(&gateway, &token).status == 200).then_some(()));
    let labels = [format!("source=\"{}/keys\"", issuer.url())];
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    assert_eq!(gateway.metric("frys_keys_failing", &labels), 0.0);
    assert_eq!(gateway.stats()["keys"][format!("{}/keys", issuer.url())]["keys"], 1);
}

#[test]
fn a_provider_signs_with_its_keys_and_with_the_shared_secret() {
    let (upstream, issuer) = (Upstream::saying("in"), Issuer::start());
    let signer = Signer::p384();
    issuer.is_discovered();
    issuer.has_keys(&[signer.jwk("k")]);
    let gateway = gateway(
        &upstream,
        &format!(
            "oidc_config = {{ issuer = \"{}\", client_id = \"api\", \
             client_secret = \"{SECRET}\" }}\n",
            issuer.url()
        ),
    );
    let by_key = signer.token(Algorithm::ES384, Some("k"), &issuer.claims());
    assert_eq!(ask(&gateway, &by_key).status, 200);
    let secret = Signer::secret(SECRET.as_bytes());
    let by_secret = secret.token(Algorithm::HS256, None, &issuer.claims());
    assert_eq!(ask(&gateway, &by_secret).status, 200);
    let mut other = issuer.claims();
    other["aud"] = "web".into();
    let answer = ask(&gateway, &secret.token(Algorithm::HS256, None, &other));
    assert_refused(&answer, 401, "token_audience", "invalid_token");
}

#[test]
fn a_file_of_keys_is_read_again_when_it_changes() {
    let upstream = Upstream::saying("in");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    let (one, two) = (Signer::p256(), Signer::p256());
    let write = |keys: &[Value]| {
        let new = folder.path().join("new.json");
        fs::write(&new, set(keys)).expect("a file");
        fs::rename(&new, &path).expect("the same folder");
    };
    write(&[one.jwk("one")]);
    let gateway = gateway(&upstream, &format!("jwks_file = \"{}\"\n", path.display()));
    let by_one = one.token(Algorithm::ES256, Some("one"), &claims(&json!({})));
    let by_two = two.token(Algorithm::ES256, Some("two"), &claims(&json!({})));
    assert_eq!(ask(&gateway, &by_one).status, 200);
    let answer = ask(&gateway, &by_two);
    assert_refused(&answer, 401, "token_key_unknown", "invalid_token");
    write(&[two.jwk("two")]);
    until("the file is read", 20, || (ask(&gateway, &by_two).status == 200).then_some(()));
    let answer = ask(&gateway, &by_one);
    assert_refused(&answer, 401, "token_key_unknown", "invalid_token");
}

/// As another implementation makes them.
#[test]
fn tokens_of_openssl_pass() {
    let Some(openssl) = program("openssl") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let in_folder = |arguments: &[&str]| {
        let mut command = Command::new(&openssl);
        let (status, out, error) = run(command.args(arguments).current_dir(folder.path()));
        assert_eq!(status, Some(0), "openssl {arguments:?}: {out}{error}");
    };
    for (kind, option, algorithm, extra) in [
        ("RSA", "rsa_keygen_bits:2048", "RS256", [].as_slice()),
        (
            "RSA",
            "rsa_keygen_bits:3072",
            "PS256",
            &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
        ),
    ] {
        in_folder(&["genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", "key"]);
        in_folder(&["pkey", "-in", "key", "-pubout", "-out", "public"]);
        let header = part(&json!({ "alg": algorithm }));
        let signed = format!("{header}.{}", part(&claims(&json!({}))));
        fs::write(folder.path().join("signed"), &signed).expect("a file");
        let sign = ["dgst", "-sha256", "-sign", "key", "-out", "signature"];
        in_folder(&[&sign[..], extra, &["signed"]].concat());
        in_folder(&["base64", "-A", "-in", "signature", "-out", "text"]);
        let text = fs::read_to_string(folder.path().join("text")).expect("a file");
        let text = text.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
        let upstream = Upstream::saying("in");
        let public = folder.path().join("public");
        let gateway = gateway(&upstream, &with_key(&public, algorithm));
        assert_eq!(ask(&gateway, &format!("{signed}.{text}")).text(), "in", "{algorithm}");
    }
}

fn with_key(path: &Path, algorithm: &str) -> String {
    let path = path.display();
    format!("public_key = {{ file = \"{path}\" }}\nalgorithms = [\"{algorithm}\"]\n")
}
