//! What routes do beside forwarding: redirects, fixed answers, rewrites, edits, ids, shares.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::support::gateway::{frys_on, reserve};
use crate::support::{Gateway, Upstream, program, until};

fn upstreams(address: SocketAddr) -> String {
    format!("upstreams = [{{ url = \"http://{address}\" }}]\n")
}

fn wait_for_count(gateway: &Gateway, reason: &str, count: u64) {
    until("the reason is counted", 10, || {
        (gateway.stats()["reasons"][reason] == count).then_some(())
    });
}

#[test]
fn sends_clients_elsewhere_and_goes_on() {
    let gateway = Gateway::start(
        "[[routes]]\npath = \"/old/{id}/*\"\n\
         redirect = { to = \"https://$host/new/$id/$rest?$query\", status = 301 }\n\
         response_headers = { set = { Cache-Control = \"no-store\" }, remove = [\"date\"] }\n\
         [[routes]]\npath = \"/*\"\nredirect = { to = \"https://$host$request_uri\" }\n",
    );
    let mut wire = gateway.connect();
    let head = "Host: WWW.Example.com:8080\r\n";
    let moved = wire.ask(format!("GET /old/7/a/b?c=d HTTP/1.1\r\n{head}\r\n"));
    assert_eq!(moved.status, 301);
    assert_eq!(moved.field("location"), Some("https://www.example.com/new/7/a/b?c=d"));
    assert_eq!(moved.field("cache-control"), Some("no-store"));
    assert_eq!(moved.field("content-length"), Some("0"));
    assert_eq!(moved.field("date"), None);
    let body = "Content-Length: 5\r\n\r\nhello";
    let found = wire.ask(format!("POST /x?y HTTP/1.1\r\n{head}{body}"));
    assert_eq!(found.status, 302);
    assert_eq!(found.field("location"), Some("https://www.example.com/x?y"));
    assert!(found.field("date").is_some());
    // The same connection, behind a body that nobody wanted.
    assert_eq!(wire.ask(format!("GET / HTTP/1.1\r\n{head}\r\n")).status, 302);
    wait_for_count(&gateway, "redirected", 3);
    assert_eq!(gateway.connect().ask("GET / HTTP/1.0\r\n\r\n").status, 400);
}

#[test]
fn a_redirect_to_no_host_is_not_sent() {
    let gateway = Gateway::start(
        "[[routes]]\npath = \"/*\"\n\
         redirect = { to = \"https://${query.tenant}.example.com$request_uri\" }\n",
    );
    let there = gateway.get("/x?tenant=a");
    assert_eq!(there.field("location"), Some("https://a.example.com/x?tenant=a"));
    for path in ["/x", "/x?tenant=", "/x?tenant=a.", "/x?tenant=a:80", "/x?tenant=a..b"] {
        gateway.get(path).assert_own(400, "host_invalid");
    }
}

#[test]
fn answers_with_fixed_texts_and_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("down.html");
    fs::write(&page, "<p>down</p>").expect("a file");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/down\"\n\
         respond = {{ status = 503, body_file = \"{}\", content_type = \"text/html\" }}\n\
         response_headers = {{ set = {{ Retry-After = \"60\" }} }}\n\
         [[routes]]\npath = \"/ping\"\nrespond = {{ body = \"pong\" }}\n\
         [[routes]]\npath = \"/none\"\nrespond = {{ status = 204 }}\n",
        page.display()
    ));
    let down = gateway.get("/down");
    assert_eq!((down.status, down.text()), (503, "<p>down</p>".to_owned()));
    assert_eq!(down.field("content-type"), Some("text/html"));
    assert_eq!(down.field("retry-after"), Some("60"));
    let pong = gateway.get("/ping");
    assert_eq!((pong.status, pong.text()), (200, "pong".to_owned()));
    assert_eq!(pong.field("content-type"), Some("text/plain; charset=utf-8"));
    let mut wire = gateway.connect();
    wire.send("HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = wire.response_without_body();
    assert_eq!(head.field("content-length"), Some("4"));
    let none = wire.ask("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((none.status, none.field("content-length")), (204, None));
    wait_for_count(&gateway, "responded", 4);
}

#[test]
fn upstreams_see_other_paths_hosts_and_fields() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nServer: x\r\nX_Inner: 1\r\nX-Kept: 2\r\nContent-Length: 2\r\n\r\nok",
    );
    let to = upstreams(upstream.address);
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/api/*\"\n{to}\
         rewrite = {{ strip_prefix = \"/api\", add_prefix = \"/v2\" }}\n\
         host_rewrite = \"$upstream_host\"\n\
         [routes.request_headers]\nremove = [\"Cookie\", \"X-Unknown\"]\n\
         set = {{ X-Forwarded-For = \"$client_ip\", X-Who = \"${{cookie.user}} of $host\" }}\n\
         append = {{ X-Tag = \"edge\" }}\n\
         [routes.response_headers]\nremove = [\"Server\", \"X-Inner\"]\n\
         set = {{ X-Edge = \"$route\" }}\n\
         [[routes]]\npath = \"/u/{{id}}\"\n{to}rewrite = {{ path = \"/users/$id/profile\" }}\n\
         [[routes]]\npath = \"/r/*\"\n{to}\
         rewrite = {{ regex = '^/r/([a-z]+)/(.*)$', with = \"/$2/$1\" }}\n\
         [[routes]]\npath = \"/e/x{{tail}}\"\n{to}rewrite = {{ path = \"/e/$tail\" }}\n",
    ));
    let request = "GET /api/a%20b/?q=1 HTTP/1.1\r\nHost: Site.example\r\nCookie: user=ann\r\n\
        x_unknown: 1\r\nX-Tag: own\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
    let response = gateway.ask(request);
    let fields: Vec<&str> = response.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!fields.iter().any(|name| ["server", "x_inner"].contains(&&*name.to_lowercase())));
    assert_eq!(response.field("x-kept"), Some("2"));
    assert_eq!(response.field("x-edge"), Some("/api/*"));
    let received = upstream.wait_for(0);
    assert_eq!(received.target(), "/v2/a%20b/?q=1");
    assert_eq!(received.field("host"), Some(&*upstream.address.to_string()));
    assert_eq!(received.field("x-who"), Some("ann of site.example"));
    assert_eq!(received.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.field("x-forwarded-host"), Some("Site.example"));
    assert_eq!(received.field("cookie"), None);
    assert_eq!(received.field("x_unknown"), None);
    let tags = received.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-tag"));
    assert_eq!(tags.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["own", "edge"]);
    let forwarded = |name: &str| {
        received.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name)).count()
    };
    assert_eq!(forwarded("x-forwarded-for"), 1);
    gateway.get("/u/a%20b?x");
    assert_eq!(upstream.wait_for(1).target(), "/users/a%20b/profile?x");
    gateway.get("/r/abc/d/e");
    assert_eq!(upstream.wait_for(2).target(), "/d/e/abc");
    // Values that come together to a dot segment never reach the upstream.
    assert_eq!(gateway.get("/e/x..").status, 400);
    assert_eq!(gateway.get("/e/x...").status, 200);
}

#[test]
fn a_rewritten_path_is_judged_by_the_policy_of_its_route() {
    let upstream = Upstream::saying("ok");
    let to = upstreams(upstream.address);
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/dl/v{{name}}/*\"\n\
         rewrite = {{ path = \"/public/$name/$rest\" }}\n{to}\
         [[routes]]\npath = \"/rx/*\"\n\
         rewrite = {{ regex = '^/rx/[a-z]+-(.*)$', with = \"/public/$1\" }}\n{to}\
         [[routes]]\npath = \"/q\"\nrewrite = {{ path = \"/b/${{query.to}}/x\" }}\n{to}\
         [[routes]]\npath = \"/kept\"\nrewrite = {{ path = \"/b/${{query.to}}/x\" }}\n{to}\
         path_policy = {{ encoded_slash = \"keep\", dot_parameter = \"keep\" }}\n"
    ));
    for (path, reason) in [
        ("/dl/v..;/admin", "path_dot_parameter"),
        ("/dl/v../admin", "path_dot_segments"),
        ("/rx/a-..;/admin", "path_dot_parameter"),
        ("/q?to=..;", "path_dot_parameter"),
        ("/q?to=%2e%2e%3bx", "path_dot_parameter"),
        ("/q?to=%00", "path_nul"),
        ("/q?to=a%2Fb", "path_encoded_slash"),
        ("/q?to=a%5Cb", "path_backslash"),
        ("/q?to=%252e%252e", "path_double_encoded"),
        ("/q?to=..", "path_dot_segments"),
        ("/q?to=../../..", "path_dot_segments"),
        ("/kept?to=..%2F", "path_dot_segments"),
        ("/kept?to=%00", "path_nul"),
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 400, "{path}");
        answer.assert_own(400, reason);
    }
    for (number, (path, target)) in [
        ("/dl/v1..2/a.b", "/public/1..2/a.b"),
        ("/q?to=a%20b", "/b/a%20b/x?to=a%20b"),
        ("/kept?to=a%2Fb", "/b/a%2Fb/x?to=a%2Fb"),
        ("/kept?to=..;", "/b/..;/x?to=..;"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(gateway.get(path).status, 200, "{path}");
        assert_eq!(upstream.wait_for(number).target(), target);
    }
}

#[test]
fn a_body_of_no_bytes_does_not_end_the_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a"), "a").expect("a file");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/files/*\"\nfiles = {{ root = \"{}\" }}\n\
         [[routes]]\npath = \"/get\"\nmethods = [\"GET\"]\nrespond = {{ body = \"pong\" }}\n",
        folder.path().display()
    ));
    let mut wire = gateway.connect();
    let none = "HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    for (line, status) in [
        ("GET /nothing", 404),
        ("POST /get", 405),
        ("GET /files/a", 200),
        ("GET /files/b", 404),
        ("POST /files/a", 405),
        ("GET /get", 200),
    ] {
        let answer = wire.ask(format!("{line} {none}"));
        assert_eq!((answer.status, answer.field("connection")), (status, None), "{line}");
    }
}

#[test]
fn answers_of_the_gateway_are_edited_where_the_route_is_known() {
    let (_port, refusing) = reserve();
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/a\"\n{}response_headers = {{ set = {{ X-Edge = \"$method\" }}, \
         remove = [\"Proxy-Status\"] }}\n",
        upstreams(refusing)
    ));
    let failed = gateway.get("/a");
    assert_eq!((failed.status, failed.field("x-edge")), (502, Some("GET")));
    assert_eq!(failed.field("proxy-status"), None);
    let missing = gateway.get("/b");
    assert_eq!((missing.status, missing.field("x-edge")), (404, None));
}

#[test]
fn every_request_has_an_id_and_a_proxys_is_kept() {
    let upstream = Upstream::saying("ok");
    let to = upstreams(upstream.address);
    let start = |trusted: &str| {
        Gateway::with_top(
            &format!("workers = 1\ntrusted_proxies = [{trusted}]"),
            &format!(
                "[access_log]\noutput = \"@FOLDER@/access.log\"\n\
                 [request_id]\nrespond = true\n\
                 [[routes]]\npath = \"/*\"\n{to}"
            ),
        )
    };
    let ask = |gateway: &Gateway, id: &str| {
        gateway.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n"))
    };
    let logged = |gateway: &Gateway| {
        until("the log has a line", 10, || {
            let text = fs::read_to_string(gateway.file("access.log")).ok()?;
            let line: Value = serde_json::from_str(text.lines().next()?).ok()?;
            line["request_id"].as_str().map(str::to_owned)
        })
    };
    let open = start("");
    let response = ask(&open, "from-anybody");
    let id = response.field("x-request-id").expect("an id").to_owned();
    assert_eq!(id.len(), 32);
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(upstream.wait_for(0).field("x-request-id"), Some(&*id));
    assert_eq!(logged(&open), id);
    let next = ask(&open, "x");
    assert_ne!(next.field("x-request-id"), Some(&*id));
    let behind = start("\"127.0.0.0/8\"");
    let response = ask(&behind, "of-a.proxy:7");
    assert_eq!(response.field("x-request-id"), Some("of-a.proxy:7"));
    assert_eq!(upstream.wait_for(2).field("x-request-id"), Some("of-a.proxy:7"));
    assert_eq!(logged(&behind), "of-a.proxy:7");
    for broken in ["a b", "a,b", "\"a\"", "", &"a".repeat(129)] {
        let response = ask(&behind, broken);
        assert_eq!(response.field("x-request-id").map(str::len), Some(32), "{broken}");
    }
    assert_eq!(ask(&behind, &"a".repeat(128)).field("x-request-id").map(str::len), Some(128));
}

#[test]
fn clusters_share_a_route_by_weight() {
    let [blue, green, grey] = ["blue", "green", "grey"].map(Upstream::saying);
    let cluster = |name: &str, at: SocketAddr| format!("[clusters.{name}]\n{}", upstreams(at));
    let gateway = Gateway::start(&format!(
        "{}{}{}[[routes]]\npath = \"/*\"\n\
         clusters = [{{ name = \"blue\", weight = 3 }}, {{ name = \"green\", weight = 1 }}, \
         {{ name = \"grey\", weight = 0 }}]\n\
         response_headers = {{ set = {{ X-Cluster = \"$cluster\" }} }}\n",
        cluster("blue", blue.address),
        cluster("green", green.address),
        cluster("grey", grey.address)
    ));
    let mut wire = gateway.connect();
    let mut green_count = 0;
    for _ in 0..1_000 {
        let response = wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(response.field("x-cluster"), Some(&*response.text()));
        assert_ne!(response.text(), "grey");
        green_count += u32::from(response.text() == "green");
    }
    // Seven standard deviations of 1,000 draws at a quarter.
    assert!((154..=346).contains(&green_count), "{green_count}");
}

#[test]
fn curl_follows_a_redirect_with_its_upload() {
    let Some(curl) = program("curl") else { return };
    let upstream = Upstream::saying("arrived");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/from/*\"\n\
         redirect = {{ to = \"/to/$rest?$query\", status = 307 }}\n\
         [[routes]]\npath = \"/to/*\"\n{}",
        upstreams(upstream.address)
    ));
    let url = format!("http://{}/from/a%20b?c=d", gateway.address);
    let format = "%{http_code} %{num_redirects} %{num_connects}";
    let arguments = ["-sSL", "--max-time", "10", "-d", "some=form", "-w", format, &url];
    let output = Command::new(curl).args(arguments).output().expect("curl starts");
    // On one connection: the redirect read the form over.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "arrived200 1 1", "{output:?}");
    let received = upstream.wait_for(0);
    assert_eq!(received.target(), "/to/a%20b?c=d");
    assert_eq!(received.body, b"some=form");
}

#[test]
fn check_says_what_a_template_cannot_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[[routes]]\npath = \"/a/{id}\"\nredirect = { to = \"https://example.com/$ip\" }\n\
        [[routes]]\npath = \"/b\"\nredirect = { to = \"https://example.com$id\" }\n\
        [[routes]]\npath = \"/c\"\nupstreams = [{ url = \"http://a\" }]\n\
        request_headers = { set = { X-A = \"$clent_ip\", Connection = \"close\" } }\n";
    let output = frys_on(folder.path(), "check", "frys.toml", text).output().expect("frys starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    for wanted in ["routes[0].redirect.to", "routes[1].redirect.to", "`client_ip`", "Connection"] {
        assert!(said.contains(wanted), "no {wanted} in:\n{said}");
    }
}
