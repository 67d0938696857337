//! Every operator and every subject of a condition, and what becomes of requests that fail one.

use super::scene::{Scene, get};

/// Asks a route with a condition, beside one for all the rest.
fn assert_condition(condition: &str, rows: &[(&str, &[&str], bool)]) {
    let scene = Scene::new(&format!(
        "
[[routes]]
path = \"/x\"
when = {condition}
@with@
[[routes]]
path = \"/*\"
@without@
"
    ));
    let requests: Vec<String> =
        rows.iter().map(|(target, fields, _)| get(target, fields)).collect();
    for ((target, fields, holds), answer) in rows.iter().zip(scene.ask(&requests)) {
        let wanted = if *holds { "with" } else { "without" };
        assert_eq!(answer.upstream, wanted, "{condition}: {target} {fields:?}");
    }
}

#[test]
fn each_operator_compares_as_it_says() {
    for (operator, holding, failing) in [
        ("equals = \"b\"", "b", "B"),
        ("contains = \"b\"", "abc", "ac"),
        ("prefix = \"ab\"", "abc", "bab"),
        ("suffix = \"bc\"", "abc", "bca"),
        ("regex = '^a[0-9]+$'", "a12", "xa12"),
        ("in = [\"a\", \"b\"]", "b", "c"),
        ("not_equals = \"b\"", "c", "b"),
        ("not_in = [\"a\", \"b\"]", "c", "a"),
        ("less_than = 5", "4.9", "5"),
        ("at_most = 5", "5", "5.1"),
        ("greater_than = 5", "5.1", "5"),
        ("at_least = 5", "5.0", "abc"),
    ] {
        let field = |value: &str| format!("X-A: {value}");
        let (yes, no) = (field(holding), field(failing));
        let query = |value: &str| format!("/x?k={value}");
        let cookie = |value: &str| format!("Cookie: other=1; k={value}");
        let (yes_cookie, no_cookie) = (cookie(holding), cookie(failing));
        assert_condition(
            &format!("{{ header = \"X-A\", {operator} }}"),
            &[("/x", &[&yes], true), ("/x", &[&no], false)],
        );
        assert_condition(
            &format!("{{ query = \"k\", {operator} }}"),
            &[(&query(holding), &[], true), (&query(failing), &[], false)],
        );
        assert_condition(
            &format!("{{ cookie = \"k\", {operator} }}"),
            &[("/x", &[&yes_cookie], true), ("/x", &[&no_cookie], false)],
        );
    }
}

#[test]
fn absence_fulfils_negations_only() {
    for (operator, holds) in [
        ("exists = true", false),
        ("exists = false", true),
        ("equals = \"\"", false),
        ("not_equals = \"b\"", true),
        ("not_in = [\"b\"]", true),
        ("less_than = 5", false),
        ("regex = ''", false),
    ] {
        if operator != "regex = ''" {
            let condition = format!("{{ header = \"X-A\", {operator} }}");
            assert_condition(&condition, &[("/x", &[], holds)]);
        }
    }
    let twice: &[&str] = &["X-A: a", "x-a: b"];
    assert_condition("{ header = \"X-A\", equals = \"b\" }", &[("/x", twice, true)]);
    assert_condition("{ header = \"X-A\", not_equals = \"b\" }", &[("/x", twice, false)]);
}

#[test]
fn conditions_are_joined() {
    let condition = "{ all = [ { header = \"X-A\", equals = \"b\" }, \
        { any = [ { query = \"k\", in = [\"a\", \"b\"] }, \
            { cookie = \"beta\", exists = true } ] }, \
        { not = { header = \"X-Off\", exists = true } } ] }";
    assert_condition(
        condition,
        &[
            ("/x?k=a", &["X-A: b"], true),
            ("/x", &["X-A: b", "Cookie: beta="], true),
            ("/x?k=c", &["X-A: b"], false),
            ("/x?k=a", &["X-A: b", "X-Off:"], false),
            ("/x?k=a", &[], false),
        ],
    );
    let list = "[ { header = \"X-A\", exists = true }, { scheme = \"http\" } ]";
    assert_condition(list, &[("/x", &["X-A: 1"], true), ("/x", &[], false)]);
    assert_condition("{ scheme = \"https\" }", &[("/x", &[], false)]);
}

#[test]
fn the_client_is_known_behind_trusted_proxies_only() {
    let routes = |top: &str| {
        format!(
            "{top}
[[routes]]
path = \"/x\"
when = {{ client_ip = [\"192.0.2.0/24\", \"2001:db8::/32\"] }}
@inside@
[[routes]]
path = \"/*\"
@outside@
"
        )
    };
    // Clients of the simulated network come from the loopback address.
    let rows: [(&[&str], &str); 5] = [
        (&["X-Forwarded-For: 192.0.2.9"], "inside"),
        (&["X-Forwarded-For: 192.0.2.9, 198.51.100.1"], "outside"),
        (&["X-Forwarded-For: 198.51.100.1, 192.0.2.9, 127.0.0.1"], "inside"),
        (&["Forwarded: for=\"[2001:db8::1]\""], "inside"),
        (&[], "outside"),
    ];
    let trusting = Scene::new(&routes("trusted_proxies = [\"127.0.0.0/8\"]\n"));
    let wary = Scene::new(&routes(""));
    let requests: Vec<String> = rows.iter().map(|(fields, _)| get("/x", fields)).collect();
    for ((fields, wanted), answer) in rows.iter().zip(trusting.ask(&requests)) {
        assert_eq!(answer.upstream, *wanted, "{fields:?}");
    }
    for answer in wary.ask(&requests) {
        assert_eq!(answer.upstream, "outside");
    }
    let near = routes("").replace("192.0.2.0/24", "127.0.0.0/8");
    assert_eq!(Scene::new(&near).get("/x", &["X-Forwarded-For: 8.8.8.8"]).upstream, "inside");
}

#[test]
fn accept_chooses_among_routes() {
    let scene = Scene::new(
        "
[[routes]]
path = \"/r\"
methods = [\"GET\"]
produces = [\"application/json\"]
id = \"json\"
@json@
[[routes]]
path = \"/r\"
methods = [\"GET\"]
produces = [\"text/html\"]
id = \"html\"
@html@
[[routes]]
path = \"/r\"
methods = [\"POST\"]
produces = [\"text/html\"]
id = \"post\"
@post@
",
    );
    for (accept, wanted) in [
        ("Accept: text/html", "html /r"),
        ("Accept: application/json", "json /r"),
        ("Accept: text/html;q=0.4, application/json;q=0.5", "json /r"),
        ("Accept: text/html, */*;q=0.5", "html /r"),
        ("Accept: */*", "json /r"),
        ("Accept: text/*;q=0.1, application/*;q=0", "html /r"),
        ("Accept: image/png", "406 not_acceptable"),
        ("X-None: 1", "json /r"),
    ] {
        let answer = scene.get("/r", &[accept]);
        assert_eq!(answer.text(), wanted, "{accept}");
        assert_eq!(answer.fields("Vary"), ["Accept"], "{accept}");
    }
    let put = |method: &str, accept: &str| {
        format!(
            "{method} /r HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        )
    };
    let asked = [put("PUT", "text/html"), put("POST", "image/png"), put("PUT", "image/png")];
    let answers = scene.ask(&asked);
    assert_eq!(answers[0].text(), "405 method_not_allowed");
    assert_eq!(answers[1].text(), "406 not_acceptable");
    assert_ne!(answers[2].status, 200);
}

#[test]
fn what_a_route_was_passed_over_by_is_named_in_the_answer() {
    let scene = Scene::new(
        "
[versions.api]
from = [\"header\"]
header = \"X-V\"
[versions.api.known.1]
[[routes]]
path = \"/r\"
produces = [\"application/json\"]
@json@
[[routes]]
id = \"one\"
path = \"/r\"
version = { group = \"api\", is = \"1\" }
when = { header = \"X-A\", equals = \"1\" }
@one@
[[routes]]
path = \"/*\"
@rest@
response_headers = { set = { X-Kept = \"1\" } }
",
    );
    for (fields, wanted, vary) in [
        (&["Accept: application/json"][..], "json /r", &["Accept"][..]),
        (&["Accept: text/html"], "rest /r", &["Accept"]),
        (&["Accept: text/html", "X-V: 1"], "rest /r", &["Accept"]),
        (&["Accept: text/html", "X-A: 1"], "rest /r", &["X-V", "Accept"]),
        (&["Accept: text/html", "X-A: 1", "X-V: 1"], "one /r", &["X-V"]),
    ] {
        let answer = scene.get("/r", fields);
        assert_eq!(answer.text(), wanted, "{fields:?}");
        assert_eq!(answer.fields("Vary"), vary, "{fields:?}");
    }
    // On one connection, and so in one worker's memory.
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n");
    let answers = scene.ask(&[get("/r"), get("/other"), get("/r")]);
    assert_eq!(answers[0].fields("Vary"), ["Accept"]);
    assert_eq!(answers[1].fields("Vary"), [""; 0]);
    assert_eq!(answers[2].fields("Vary"), ["Accept"]);
}

#[test]
fn a_failed_condition_is_no_route_at_all() {
    let scene = Scene::new(
        "
[[routes]]
path = \"/x\"
methods = [\"GET\"]
when = { header = \"X-A\", exists = true }
@with@
[[routes]]
path = \"/y\"
methods = [\"POST\"]
id = \"post\"
@post@
",
    );
    assert_eq!(scene.get("/x", &[]).text(), "404 route_not_found");
    assert_eq!(scene.get("/x", &["X-A: 1"]).text(), "with /x");
    assert_eq!(scene.get("/y", &[]).text(), "405 method_not_allowed");
}

#[test]
fn more_conditions_go_before_fewer() {
    let scene = Scene::new(
        "
[[routes]]
path = \"/x\"
id = \"none\"
@none@
[[routes]]
path = \"/x\"
when = [ { header = \"X-A\", exists = true }, { header = \"X-B\", exists = true } ]
id = \"two\"
@two@
[[routes]]
path = \"/x\"
when = { header = \"X-A\", exists = true }
id = \"one\"
@one@
",
    );
    assert_eq!(scene.get("/x", &[]).upstream, "none");
    assert_eq!(scene.get("/x", &["X-A: 1"]).upstream, "one");
    assert_eq!(scene.get("/x", &["X-A: 1", "X-B: 1"]).upstream, "two");
}

#[test]
fn many_routes_of_one_path_are_told_apart_by_one_field() {
    let mut routes = String::new();
    for tenant in 0..300 {
        routes.push_str(&format!(
            "[[routes]]\nid = \"t{tenant}\"\npath = \"/x\"\n\
             when = {{ header = \"X-Tenant\", equals = \"{tenant}\" }}\n@up{}@\n",
            tenant % 7
        ));
    }
    let scene = Scene::new(&routes);
    let requests: Vec<String> =
        [0, 13, 299].map(|tenant| get("/x", &[&format!("X-Tenant: {tenant}")])).into();
    let answers = scene.ask(&requests);
    let found: Vec<&str> = answers.iter().map(|answer| answer.upstream.as_str()).collect();
    assert_eq!(found, ["up0", "up6", "up5"]);
    assert_eq!(scene.get("/x", &["X-Tenant: 300"]).text(), "404 route_not_found");
}
