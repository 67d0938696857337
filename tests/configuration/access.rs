//! Keys, passwords and other servers that say who may pass.

use super::{accept, refuse};
use frys_gateway::config::{
    ApiKeyValue, CredentialSource, ForwardAuthError, GatewayConfig, Middleware,
};
use frys_gateway::snapshot;

use std::time::Duration;

fn text(filter: &str) -> String {
    format!(
        "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/*\"\n\
         upstreams = [{{ url = \"http://a:1\" }}]\n{filter}\n"
    )
}

fn taken(filter: &str) -> GatewayConfig {
    let config = accept(&text(filter));
    assert_eq!(snapshot::check(&config), [], "{filter}");
    config
}

/// `path: message` of the only fault.
fn fault(filter: &str) -> String {
    let faults = refuse(&text(filter));
    assert_eq!(faults.len(), 1, "{filter}: {faults:?}");
    assert!(faults[0].location.is_some(), "{faults:?}");
    format!("{}: {}", faults[0].path, faults[0].message)
}

/// The examples of the documents, with files that are there.
#[test]
fn the_documents_show_what_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    std::fs::write(&keys, format!("k:{}\n", "0".repeat(64))).expect("a file");
    let users = folder.path().join("users");
    std::fs::write(&users, format!("bob:{BCRYPT}\n")).expect("a file");
    for document in
        [include_str!("../../docs/api-keys.md"), include_str!("../../docs/basic-auth.md")]
    {
        let (_, rest) = document.split_once("```toml,outside\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        let example = example
            .replace("/etc/frys/keys", &keys.display().to_string())
            .replace("/etc/frys/users", &users.display().to_string())
            .replace("{ env = \"ACME_KEY\" }", "\"0123456789abcdef\"")
            .replace(HEX, &"1".repeat(64));
        assert_eq!(snapshot::check(&accept(&example)), [], "{example}");
    }
}

const HEX: &str = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde";

#[test]
fn reads_every_key_of_api_key() {
    let config = taken(&format!(
        "api_key = {{ keys = [{{ name = \"a\", key = \"0123456789abcdef\", roles = [\"r\"] }}, \
         {{ name = \"b\", sha256 = \"{}\", claims = {{ team = \"t\" }} }}], \
         from = [\"bearer\", \"cookie:key\"], optional = true, forward_credentials = false, \
         realm = \"api\" }}",
        "0".repeat(64)
    ));
    let [Middleware::ApiKey(found)] = &config.routes[0].middlewares[..] else { panic!("one") };
    assert_eq!(found.keys.len(), 2);
    assert_eq!(found.keys[0].identity.roles, ["r"]);
    assert_eq!(found.keys[1].key, ApiKeyValue::Sha256([0; 32]));
    assert_eq!(found.keys[1].identity.claims["team"], "t");
    let want = [CredentialSource::Bearer, CredentialSource::Cookie("key".to_owned())];
    assert_eq!(found.from, want);
    assert!(found.optional && !found.forward_credentials);
    assert_eq!(found.realm, "api");
    let shared = taken(&format!(
        "middlewares = [\"api_key.a\"]\n[middlewares.api_key.a]\n\
         keys = [{{ name = \"a\", sha256 = \"{HEX}\" }}]\nfrom = \"query:k\"\n"
    ));
    assert!(shared.middlewares.contains_key("api_key.a"));
}

#[test]
fn refuses_keys_that_protect_nothing() {
    let key = |entry: &str, more: &str| fault(&format!("api_key = {{ keys = [{entry}]{more} }}"));
    let good = format!("{{ name = \"a\", sha256 = \"{HEX}\" }}");
    for (found, want) in [
        (key("", ""), "routes[0].api_key.keys: nobody could pass"),
        (key("{ name = \"a\", key = \"short\" }", ""), "routes[0].api_key.keys[0].key: shorter"),
        (key("{ name = \"a\" }", ""), "routes[0].api_key.keys[0]: a key is either"),
        (key("{ name = \"a\", sha256 = \"00\" }", ""), "routes[0].api_key.keys[0].sha256: expec"),
        (
            key(&format!("{{ name = \"a:b\", sha256 = \"{HEX}\" }}"), ""),
            "routes[0].api_key.keys[0].name: a name without colons",
        ),
        (key(&good, ", from = \"body:x\""), "routes[0].api_key.from: expected `header:NAME`"),
        (key(&good, ", from = []"), "routes[0].api_key.from: from 1 to 8"),
        (key(&good, ", from = \"header:a b\""), "routes[0].api_key.from: `a b` is no name"),
        (key(&good, ", from = [\"bearer\", \"bearer\"]"), "routes[0].api_key.from: `bearer` stan"),
        (
            key(&good, ", from = \"query:k\", forward_credentials = false"),
            "routes[0].api_key.from: the query is passed on",
        ),
        (key(&good, ", realm = 'a\"b'"), "routes[0].api_key.realm: printable"),
        (key(&good, ", keys_file = \"/nowhere/keys\""), "routes[0].api_key.keys_file: /nowhere/"),
        (key(&good, ", keys_file = \"keys\""), "routes[0].api_key.keys_file: keys: the path is n"),
    ] {
        assert!(found.starts_with(want), "{found} instead of {want}");
    }
    let twice = accept(&text(&format!(
        "api_key = {{ keys = [{good}, {{ name = \"b\", sha256 = \"{HEX}\" }}] }}"
    )));
    let faults = snapshot::check(&twice);
    assert_eq!(faults[0].path, "routes[0].api_key.keys[1]");
}

#[test]
fn reads_every_key_of_basic_auth() {
    let config = taken(&format!(
        "basic_auth = {{ users = [{{ name = \"a\", password_hash = \"{BCRYPT}\", \
         roles = [\"r\"] }}], realm = \"staff\", optional = true, forward_credentials = false, \
         remember = \"0s\" }}"
    ));
    let [Middleware::BasicAuth(found)] = &config.routes[0].middlewares[..] else { panic!("one") };
    assert_eq!(found.users[0].password_hash.expose(), BCRYPT);
    assert_eq!(found.users[0].identity.roles, ["r"]);
    assert_eq!(found.remember, Duration::ZERO);
    assert!(found.optional && !found.forward_credentials);
}

#[test]
fn refuses_users_that_could_not_get_in() {
    let user =
        |entry: &str, more: &str| fault(&format!("basic_auth = {{ users = [{entry}]{more} }}"));
    let good = format!("{{ name = \"a\", password_hash = \"{BCRYPT}\" }}");
    for (found, want) in [
        (user("", ""), "routes[0].basic_auth.users: nobody could pass"),
        (user("{ name = \"a\" }", ""), "routes[0].basic_auth.users[0].password_hash: `password_"),
        (
            user(&format!("{{ name = \"a:b\", password_hash = \"{BCRYPT}\" }}"), ""),
            "routes[0].basic_auth.users[0].name: a name without colons",
        ),
        (user(&format!("{good}, {good}"), ""), "routes[0].basic_auth.users[1].name: there is"),
        (user(&good, ", remember = \"2h\""), "routes[0].basic_auth.remember: longer than an hour"),
        (user(&good, ", users_file = \"/nowhere/x\""), "routes[0].basic_auth.users_file: /nowh"),
    ] {
        assert!(found.starts_with(want), "{found} instead of {want}");
    }
    let plain = "basic_auth = { users = [{ name = \"a\", password_hash = \"secret\" }] }";
    let faults = snapshot::check(&accept(&text(plain)));
    assert_eq!(faults[0].path, "routes[0].basic_auth.users[0].password_hash");
    assert!(!faults[0].message.contains("secret"), "{}", faults[0].message);
}

#[test]
fn reads_every_key_of_forward_auth() {
    let config = taken(
        "forward_auth = { url = \"http://auth.example:9000/check?a=b\", timeout = \"250ms\", \
         request_headers = [\"Cookie\"], response_headers = [\"X-User\"], \
         client_headers = [\"Set-Cookie\"], user_header = \"X-User\", roles_header = \"X-Roles\", \
         on_error = \"pass\", max_requests = 10 }",
    );
    let [Middleware::ForwardAuth(found)] = &config.routes[0].middlewares[..] else { panic!("one") };
    assert_eq!(found.timeout, Duration::from_millis(250));
    assert_eq!(found.request_headers, Some(vec!["Cookie".to_owned()]));
    assert_eq!(found.on_error, ForwardAuthError::Pass);
    assert_eq!(found.max_requests, 10);
}

#[test]
fn refuses_servers_that_could_not_be_asked() {
    let server =
        |url: &str, more: &str| fault(&format!("forward_auth = {{ url = \"{url}\"{more} }}"));
    let good = "http://a:1/check";
    for (found, want) in [
        (fault("forward_auth = {}"), "routes[0].forward_auth.url: `url` is missing"),
        (server("a:1", ""), "routes[0].forward_auth.url: expected a URL"),
        (server("http://u:p@a/", ""), "routes[0].forward_auth.url: the host is"),
        (server("http://a/b c", ""), "routes[0].forward_auth.url: a URL has no spaces"),
        (server(good, ", timeout = \"2m\""), "routes[0].forward_auth.timeout: not from"),
        (server(good, ", timeout = \"0s\""), "routes[0].forward_auth.timeout: not from"),
        (server(good, ", on_error = \"allow\""), "routes[0].forward_auth.on_error: expected"),
        (server(good, ", max_requests = 0"), "routes[0].forward_auth.max_requests: expected"),
        (server(good, ", response_headers = [\"a b\"]"), "routes[0].forward_auth.response_header"),
        (server(good, ", response_headers = [\"Host\"]"), "routes[0].forward_auth.response_header"),
        (server(good, ", client_headers = [\"Connection\"]"), "routes[0].forward_auth.client_head"),
        (server(good, ", ca = \"/nowhere/ca\""), "routes[0].forward_auth.ca: /nowhere/ca: it can"),
    ] {
        assert!(found.starts_with(want), "{found} instead of {want}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "no PEM").expect("a file");
    let ca = format!(", ca = \"{}\"", file.display());
    let plain = server(good, &ca);
    assert!(plain.starts_with("routes[0].forward_auth.ca: certificates are for"), "{plain}");
    let wrong = format!("forward_auth = {{ url = \"https://a/\"{ca} }}");
    let faults = snapshot::check(&accept(&text(&wrong)));
    assert_eq!(faults[0].path, "routes[0].forward_auth.ca");
}
