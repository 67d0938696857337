//! Logs through two configurations.

use super::*;
use crate::config::RouteBuilder;
use crate::snapshot::{self, Resolved};

use serde_json::json;

fn config(routes: &[(&str, &str, &str)]) -> GatewayConfig {
    let routes = routes.iter().map(|(id, path, upstream)| {
        RouteBuilder::new(*id).path(*path).upstream(upstream, 1).build()
    });
    GatewayConfig { routes: routes.collect(), ..GatewayConfig::default() }
}

fn compared(log: &str, old: &GatewayConfig, new: &GatewayConfig) -> Report {
    let compiled = |config| snapshot::compile(config, &Resolved::new(), 1).expect("no fault");
    let snapshots = [compiled(old), compiled(new)];
    let old = Side { config: old, snapshot: &snapshots[0] };
    let new = Side { config: new, snapshot: &snapshots[1] };
    compare(&mut log.as_bytes(), old, new, 0).expect("memory can be read")
}

const A: &str = "http://10.0.0.1:80";
const B: &str = "http://10.0.0.2:80";

fn logged(target: &str) -> String {
    json!({ "request_method": "GET", "request_uri": target, "host": "a.test", "status": 200 })
        .to_string()
}

#[test]
fn counts_what_would_go_elsewhere_and_groups_it() {
    let old = config(&[("all", "/*", A)]);
    let new = config(&[("all", "/*", A), ("api", "/api/*", B)]);
    let mut lines: Vec<String> = (0..10).map(|n| logged(&format!("/api/{n}?q"))).collect();
    lines.push(logged("/x"));
    let report = compared(&lines.join("\n"), &old, &new);
    assert_eq!((report.lines, report.used, report.different), (11, 11, 10));
    assert_eq!(report.groups.len(), 1);
    let group = &report.groups[0];
    assert_eq!(group.count, 10);
    assert_eq!(group.old.route.as_deref(), Some("all"));
    assert_eq!(group.new.route.as_deref(), Some("api"));
    assert_eq!(group.examples.len(), TRAFFIC_EXAMPLES_MAX);
    assert_eq!(group.examples[0], "GET http://a.test/api/0?q");
    let text = report.text();
    assert!(text.starts_with("11 requests: 10 (90.91 %) would go elsewhere\n"), "{text}");
    assert!(text.contains("route `all`, upstreams http://10.0.0.1:80"), "{text}");
    assert_eq!(report.json()["groups"][0]["count"], 10);
}

#[test]
fn a_route_under_the_same_name_that_does_the_same_is_the_same() {
    let old = config(&[("one", "/a", A), ("two", "/b", A)]);
    let new = config(&[("two", "/b", A), ("one", "/a", A)]);
    let report = compared(&[logged("/a"), logged("/b"), logged("/c")].join("\n"), &old, &new);
    assert_eq!((report.used, report.different), (3, 0));
    assert!(report.text().starts_with("3 requests: none would go elsewhere\n"));
}

#[test]
fn tells_of_requests_that_no_route_has_any_more() {
    let (old, new) = (config(&[("all", "/*", A)]), config(&[("a", "/a", A)]));
    let report = compared(&logged("/b"), &old, &new);
    assert_eq!(report.groups[0].new.to_string(), "route_not_found (4xx)");
}

#[test]
fn says_which_lines_it_could_not_use_and_why() {
    let (old, new) = (config(&[("all", "/*", A)]), config(&[("all", "/*", A)]));
    let refused = json!({ "request_method": null, "request_uri": "GET / HTTP/9" }).to_string();
    let long = format!("{{\"x\": \"{}\"}}", "a".repeat(TRAFFIC_LINE_BYTES_MAX));
    let cut = logged(&format!("/{}", "a".repeat(crate::limits::LOG_FIELD_BYTES_MAX)));
    let twice = json!({ "request_method": "GET", "request_uri": "/", "fields":
        [["Host", "a"], ["Host", "b"]] });
    let lines = [
        "10.0.0.1 - - [x] \"GET /\"",
        "[1, 2]",
        "\u{0}\u{1}",
        &refused,
        &long,
        &cut,
        &twice.to_string(),
        "",
        &logged("/"),
    ];
    let report = compared(&lines.join("\r\n"), &old, &new);
    assert_eq!((report.lines, report.used), (8, 1));
    let want = [
        (Unusable::NotJson, (3, 1)),
        (Unusable::TooLong, (1, 5)),
        (Unusable::NoRequest, (1, 4)),
        (Unusable::Cut, (1, 6)),
        (Unusable::Refused, (1, 7)),
    ];
    assert_eq!(report.unusable.into_iter().collect::<Vec<_>>(), want);
}

#[test]
fn a_capture_has_all_fields_but_the_secret_ones() {
    let (old, new) = (config(&[("all", "/*", A)]), config(&[("all", "/*", A)]));
    let captured = json!({ "request_method": "GET", "request_uri": "/", "scheme": "https",
        "fields": [["Host", "a.test"], ["X-A", "b\u{e9}"]], "withheld": ["cookie"],
        "remote_addr": "10.0.0.9" });
    let report = compared(&[captured.to_string(), logged("/")].join("\n"), &old, &new);
    assert_eq!((report.used, report.without_fields, report.withheld), (2, 1, 1));
    let text = report.text();
    assert!(text.contains("secret fields"), "{text}");
    assert!(text.contains("frys capture"), "{text}");
}

#[test]
fn an_example_cannot_move_the_cursor_of_a_terminal() {
    let group = Group {
        old: Destination { route: None, action: "a".into(), status: None },
        new: Destination { route: Some("x\u{1b}[2J".into()), action: "b".into(), status: None },
        count: 1,
        examples: vec!["GET /\u{1b}[2J".into()],
    };
    let report = Report { different: 1, used: 1, groups: vec![group], ..Report::default() };
    assert!(!report.text().contains('\u{1b}'));
}
