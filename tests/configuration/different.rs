//! What tells two configurations apart.

use super::{FULL, LEAST};
use frys_gateway::config::difference::{Difference, PartChange};
use frys_gateway::config::{Format, Loaded};

fn load(text: &str) -> Loaded {
    match Loaded::from_text(text.to_owned(), Format::Toml, "frys.toml") {
        Ok(loaded) => loaded,
        Err(error) => panic!("refused:\n{error}"),
    }
}

fn between(old: &str, new: &str) -> Difference {
    Difference::between(&load(old), &load(new))
}

#[test]
fn a_configuration_is_not_different_from_itself() {
    assert!(between(FULL, FULL).is_empty());
    let json = load(FULL).document.to_json();
    let json = Loaded::from_text(json, Format::Json, "frys.json").expect("right");
    assert_eq!(Difference::between(&load(FULL), &json).to_string(), "");
}

#[test]
fn spelling_is_no_difference() {
    let spelled = format!("drain_timeout = \"30s\"\nmetrics_enabled = true\n{LEAST}");
    assert!(between(LEAST, &spelled).is_empty());
    let other = spelled.replace("30s", "40s").replace("metrics_enabled = true", "");
    let said = between(&spelled, &other).to_string();
    assert_eq!(said, "setting `drain_timeout` changes\n  drain_timeout: \"30s\" becomes \"40s\"\n");
}

#[test]
fn says_in_words_what_changes() {
    let new = FULL
        .replace("total = \"none\"", "total = \"9s\"")
        .replace("\"http://a:8080\", weight = 70", "\"http://a:8080\", weight = 60")
        .replace("{ url = \"http://b:8080\", weight = 30 }", "{ url = \"http://c\", weight = 40 }")
        .replace("max_connections = 50", "max_connections = 60")
        .replace("address = \"[::1]:8081\"", "address = \"[::1]:8082\"")
        .replace("drain_timeout = \"20s\"\n", "")
        .replace("path = \"/static/*\"", "path = \"/assets/*\"");
    let want = "\
setting `drain_timeout` changes
  drain_timeout: \"20s\" becomes \"30s\" (the default)
listener `[::1]:8081` is removed
listener `[::1]:8082` is added
cluster `api` changes
  max_connections: 50 becomes 60
route `/static/*` is removed
route `users` changes
  timeouts.total: \"none\" becomes \"9s\"
route `/api/*` changes
  upstreams[http://a:8080].weight: 70 becomes 60
  upstreams[http://b:8080] is removed: weight = 30
  upstreams[http://c] is added: weight = 40
route `/assets/*` is added
";
    let found = between(FULL, &new);
    assert_eq!(found.to_string(), want);
    assert!(found.can_reload());
}

#[test]
fn says_what_needs_a_restart() {
    for (from, to) in [
        ("workers = [0, 1]", "workers = 2"),
        ("entries = 2048", "entries = 4096"),
        ("unix:/run/frys/admin.sock", "127.0.0.1:9901"),
        ("/var/log/frys/access.log", "/var/log/other.log"),
        ("path = \"/prometheus\"", "path = \"/metrics\""),
        ("max_connections = 20_000", "max_connections = 30_000"),
    ] {
        let found = between(FULL, &FULL.replace(from, to));
        assert_eq!(found.parts.len(), 1, "{found}");
        assert!(!found.can_reload(), "{found}");
        assert!(found.to_string().contains("(needs a restart)"), "{found}");
    }
    let found = between(FULL, &FULL.replace("max_connections = 20_000", "max_connections = 100"));
    assert!(found.can_reload(), "{found}");
}

#[test]
fn moving_a_route_is_no_difference() {
    let routes = |order: [&str; 2]| {
        let route = |path: &str| format!("[[routes]]\npath = \"{path}\"\ncluster = \"c\"\n");
        let top = "listen_addr = \"0.0.0.0:1\"\n";
        let cluster = "[clusters.c]\nupstreams = [{ url = \"http://a\" }]\n";
        format!("{top}{}{}{cluster}", route(order[0]), route(order[1]))
    };
    assert!(between(&routes(["/a", "/b"]), &routes(["/b", "/a"])).is_empty());
}

#[test]
fn secrets_are_not_shown() {
    let with = |value: &str| {
        let headers = format!("request_headers = {{ set = {{ Authorization = {value} }} }}");
        LEAST.replace("path = \"/*\"", &format!("path = \"/*\", {headers}"))
    };
    let (one, two) = (with("\"Bearer hush-1\""), with("\"Bearer hush-2\""));
    let found = between(&one, &two);
    assert_eq!(found.parts.len(), 1);
    assert!(!found.to_string().contains("hush"), "{found}");
    let told = "  request_headers.set.Authorization: it has another secret\n";
    assert!(found.to_string().ends_with(told), "{found}");
    let PartChange::Changed(keys) = &found.parts[0].change else { panic!("{found}") };
    assert_eq!(keys[0].old, keys[0].new);
    // Beside another key it is told too.
    let both = two.replace("path = \"/*\"", "path = \"/*\", max_body = \"1MiB\"");
    let found = between(&one, &both).to_string();
    assert!(found.contains("max_body") && found.contains(told), "{found}");
    let found = between(&one, &with("{ env = \"CARGO_PKG_NAME\" }"));
    assert!(!found.to_string().contains("hush"), "{found}");
    assert!(found.to_string().contains("{\"env\":\"CARGO_PKG_NAME\"}"), "{found}");
    assert!(!found.to_string().contains("frys-gateway"), "{found}");
    let shown = load(&one).document.to_json_masked();
    assert!(shown.contains("***") && !shown.contains("hush"), "{shown}");
    assert_eq!(load(&one).warnings.len(), 1);
}

#[test]
fn a_fault_beside_a_secret_does_not_show_it() {
    let route = "path = \"/*\", timeouts = 3, request_headers = { set = { Cookie = \"hush\" } }";
    let faults = super::refuse(&LEAST.replace("path = \"/*\"", route));
    let shown = faults.iter().map(ToString::to_string).collect::<String>();
    assert!(shown.contains("Cookie = ******") && !shown.contains("hush"), "{shown}");
}

#[test]
fn filters_that_routes_share_are_told_key_by_key() {
    let with = |keys: &str| {
        let key = "0123456789abcdef0123456789abcdef";
        format!(
            "{LEAST}[middlewares.rate_limit.tight]\n{keys}\n\
             [middlewares.auth.\"a.b\"]\njwt_secret = \"{key}\"\n"
        )
    };
    let old = with("requests_per_second = 10");
    let new = with("requests_per_second = 20").replace("0123", "3210");
    let want = "filter `auth.a.b` changes\n  jwt_secret: it has another secret\n\
                filter `rate_limit.tight` changes\n  requests_per_second: 10 becomes 20\n";
    assert_eq!(between(&old, &new).to_string(), want);
}
