//! Rules of access: who may do what, and what is told of it.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::gateway::FRYS;
use crate::support::wire::Response;
use crate::support::{Gateway, Upstream, run, until};

/// Readers read, editors write, nobody but the house sees prices, and everybody sees the health.
fn gateway(upstream: &Upstream) -> Gateway {
    Gateway::start(&format!(
        "[access_log]\noutput = \"@FOLDER@/access.log\"\n\n\
         [[routes]]\nid = \"items\"\npath = \"/items/*\"\n\
         upstreams = [{{ url = \"http://{}\" }}]\n\
         [routes.api_key]\noptional = true\nrealm = \"items\"\n\
         keys = [\n\
         {{ name = \"ann\", key = \"0123456789abcdef-ann\", roles = [\"editor\"] }},\n\
         {{ name = \"bob\", key = \"0123456789abcdef-bob\", roles = [\"reader\"] }},\n]\n\
         [[routes.rbac.rules]]\nname = \"readers\"\nroles = [\"reader\", \"editor\"]\n\
         methods = [\"GET\"]\n\
         [[routes.rbac.rules]]\nname = \"editors\"\nroles = [\"editor\"]\n\
         [[routes.rbac.rules]]\nname = \"health\"\npaths = [\"/items/health\"]\n\
         methods = [\"GET\"]\n\
         [[routes.rbac.rules]]\nname = \"prices\"\neffect = \"deny\"\n\
         paths = [\"/items/{{id}}/price\"]\n\
         when = {{ header = \"X-House\", not_equals = \"yes\" }}\n",
        upstream.address
    ))
}

fn ask(gateway: &Gateway, line: &str, who: &str) -> Response {
    let key = match who {
        "" => String::new(),
        who => format!("X-Api-Key: 0123456789abcdef-{who}\r\n"),
    };
    gateway.ask(format!("{line} HTTP/1.1\r\nHost: a\r\n{key}\r\n"))
}

fn logged(gateway: &Gateway, count: usize) -> Vec<Value> {
    let path = gateway.file("access.log");
    let text = until("the log has its lines", 10, || {
        let text = fs::read_to_string(&path).ok()?;
        (text.lines().count() >= count && text.ends_with('\n')).then_some(text)
    });
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn rules_decide_and_the_log_says_which() {
    let upstream = Upstream::saying("ok");
    let gateway = gateway(&upstream);
    let cases = [
        ("GET /items/1", "bob", 200, Some("readers")),
        ("DELETE /items/1", "bob", 403, None),
        ("DELETE /items/1", "ann", 200, Some("editors")),
        ("GET /items/1/price", "ann", 403, Some("prices")),
        ("GET /items/health", "", 200, Some("health")),
        ("GET /items/1", "", 401, None),
        ("GET /items/1/price", "", 403, Some("prices")),
    ];
    for (line, who, status, rule) in cases {
        let answer = ask(&gateway, line, who);
        assert_eq!(answer.status, status, "{line} {who} {rule:?}");
    }
    let lines = logged(&gateway, cases.len());
    for (told, (line, who, status, rule)) in lines.iter().zip(cases) {
        assert_eq!(told["status"], status, "{line}");
        assert_eq!(told["rule"].as_str(), rule, "{line} {who}");
        assert_eq!(told["identity"].as_str(), Some(who).filter(|who| !who.is_empty()), "{line}");
        let filter = (status != 200).then_some("rbac@items");
        assert_eq!(told["filter"].as_str(), filter, "{line}");
    }
    assert_eq!(lines[1]["reason"], "rbac_denied");
    assert_eq!(lines[5]["reason"], "credentials_missing");
}

#[test]
fn a_client_that_nobody_knows_is_told_what_to_bring() {
    let upstream = Upstream::saying("ok");
    let gateway = gateway(&upstream);
    let answer = ask(&gateway, "GET /items/1", "");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.field("www-authenticate"), Some("ApiKey realm=\"items\""));
    assert_eq!(ask(&gateway, "DELETE /items/1", "bob").field("www-authenticate"), None);
}

#[test]
fn stats_metrics_and_requests_tell_of_filters() {
    let upstream = Upstream::saying("ok");
    let gateway = gateway(&upstream);
    assert_eq!(ask(&gateway, "DELETE /items/1", "bob").status, 403);
    assert_eq!(ask(&gateway, "GET /items/1", "bob").status, 200);
    let stats = gateway.stats();
    let filters = stats["filters"].as_array().expect("a list");
    let rbac = filters.iter().find(|one| one["name"] == "rbac@items").expect("it is told");
    assert_eq!((&rbac["passed"], &rbac["refused"]), (&1.into(), &1.into()));
    let metrics = gateway.admin("/metrics").text();
    for line in [
        "frys_filter_decisions_total{filter=\"rbac@items\",decision=\"refused\"} 1",
        "frys_filter_decisions_total{filter=\"api_key@items\",decision=\"passed\"} 2",
        "frys_filter_asks_total{filter=\"rbac@items\"} 0",
        "frys_filter_cache_total{filter=\"rbac@items\",outcome=\"hit\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    let listed = gateway.admin("/requests?status=403").text();
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let told = &listed["requests"][0];
    assert_eq!((&told["identity"], &told["filter"]), (&"bob".into(), &"rbac@items".into()));
    let admin = format!("unix:{}", gateway.file("admin").display());
    let id = told["id"].as_str().expect("a text");
    let (status, out, error) =
        run(Command::new(FRYS).args(["explain", "--admin", &admin, "--id", id]));
    assert_eq!(status, Some(0), "{error}");
    let denies = "denies by prices, allows by readers, editors, health; denies the rest";
    for part in ["filter `rbac@items`", "client was `bob`", "api_key@items", denies] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
}

#[test]
fn the_configuration_is_shown_without_the_secrets_of_filters() {
    let upstream = Upstream::saying("ok");
    let gateway = gateway(&upstream);
    let shown = gateway.admin("/config").text();
    assert!(shown.contains("\"readers\""), "{shown}");
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
}
