//! Filters at the edge of a route: addresses, maintenance, sizes, origins, fields; on answers of
//! upstreams, of files, of redirects, and on refusals.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::support::gateway::{frys_on, reserve};
use crate::support::wire::Response;
use crate::support::{Gateway, Upstream, program, until};

fn to(address: SocketAddr) -> String {
    format!("upstreams = [{{ url = \"http://{address}\" }}]\n")
}

/// An upstream with an opinion of its own on origins.
fn opinionated() -> Upstream {
    Upstream::answering(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\
         Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Other\r\n\
         Access-Control-Allow-Private-Network: true\r\n\
         X-Frame-Options: ALLOWALL\r\nStrict-Transport-Security: max-age=1\r\nServer: inner\r\n\
         Content-Length: 2\r\n\r\nok",
    )
}

fn all<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
    let named = response.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str()).collect()
}

fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: example.com\r\n{fields}\r\n")
}

const CORS: &str = "cors = { origins = [\"https://a.example\"], credentials = true, \
                    expose_headers = [\"X-A\"] }\n";
const PAGE: &str = "Origin: https://a.example\r\n";
const STRANGER: &str = "Origin: https://b.example\r\n";
const ASKS_PUT: &str = "Access-Control-Request-Method: PUT\r\n";

#[test]
fn the_gateways_word_on_origins_replaces_the_upstreams() {
    let upstream = opinionated();
    let gateway =
        Gateway::start(&format!("[[routes]]\npath = \"/*\"\n{CORS}{}", to(upstream.address)));
    let page = gateway.ask(request("GET /", PAGE));
    assert_eq!(all(&page, "access-control-allow-origin"), ["https://a.example"]);
    assert_eq!(all(&page, "access-control-allow-credentials"), ["true"]);
    assert_eq!(all(&page, "access-control-expose-headers"), ["X-A"]);
    assert_eq!(all(&page, "vary"), ["Origin"]);
    assert_eq!(page.text(), "ok");
    for fields in [STRANGER, "", "Origin: null\r\n", &format!("{PAGE}{STRANGER}")] {
        let other = gateway.ask(request("GET /", fields));
        assert_eq!(other.status, 200, "{fields}");
        assert!(!other.fields.iter().any(|(name, _)| name.starts_with("Access-Control")));
        assert_eq!(all(&other, "vary"), ["Origin"], "{fields}");
    }
}

#[test]
fn interim_answers_and_trailers_lose_what_the_answer_loses() {
    let lines = "Link: </x>\r\nX-Frame-Options: ALLOWALL\r\nx_frame_options: ALLOWALL\r\n\
                 Access-Control-Allow-Origin: *\r\nX-Secret: 1\r\nx_secret: 1\r\nX-Own: 1\r\n";
    let upstream = Upstream::answering(format!(
        "HTTP/1.1 103 Early Hints\r\n{lines}\r\n\
         HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{lines}\r\n"
    ));
    let gateway = Gateway::start(&format!(
        "[middlewares.headers.h]\nresponse = {{ remove = [\"X-Secret\"] }}\n\
         [[routes]]\npath = \"/*\"\nmiddlewares = [\"cors\", \"headers.h\", \"security_headers\"]\n\
         security_headers = {{}}\nresponse_headers = {{ set = {{ X-Own = \"2\" }} }}\n{CORS}{}",
        to(upstream.address)
    ));
    let mut wire = gateway.connect();
    for _ in 0..2 {
        wire.send(request("GET /", "TE: trailers\r\nConnection: TE\r\n"));
        let interim = wire.any_response();
        let kept = [("Link".to_owned(), "</x>".to_owned())];
        assert_eq!((interim.status, &interim.fields[..]), (103, &kept[..]));
        let answer = wire.response();
        assert_eq!((answer.status, &answer.trailers[..]), (200, &kept[..]));
        assert_eq!(all(&answer, "x-own"), ["2"]);
    }
}

#[test]
fn preflights_never_reach_the_upstream() {
    let upstream = opinionated();
    let gateway = Gateway::start(&format!(
        "[[routes]]\nid = \"api\"\npath = \"/*\"\nmethods = [\"PUT\"]\n{CORS}{}",
        to(upstream.address)
    ));
    let mut wire = gateway.connect();
    let answer = wire.ask(request("OPTIONS /x", &format!("{PAGE}{ASKS_PUT}")));
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(all(&answer, "access-control-allow-origin"), ["https://a.example"]);
    assert_eq!(
        all(&answer, "access-control-allow-methods"),
        ["GET, HEAD, POST, PUT, PATCH, DELETE"]
    );
    let denied = wire.ask(request("OPTIONS /x", &format!("{STRANGER}{ASKS_PUT}")));
    assert_eq!(denied.status, 204);
    assert!(all(&denied, "access-control-allow-origin").is_empty());
    // No method of the route's, so no route of its own.
    assert_eq!(wire.ask(request("OPTIONS /x", PAGE)).status, 405);
    let other = ASKS_PUT.replace("PUT", "DELETE");
    assert_eq!(wire.ask(request("OPTIONS /x", &format!("{PAGE}{other}"))).status, 405);
    until("both are counted", 10, || {
        (gateway.stats()["reasons"]["preflight_answered"] == 2).then_some(())
    });
    assert!(upstream.received().is_empty());
}

#[test]
fn preflights_pass_those_by_who_ask_for_a_name() {
    let upstream = opinionated();
    let gateway = Gateway::start(&format!(
        "[[routes]]\nid = \"api\"\npath = \"/*\"\n{CORS}\
         middlewares = [\"rate_limit\", \"api_key\", \"rbac\", \"cors\"]\n\
         rate_limit = {{ rate = \"1/h\", burst_size = 3 }}\n\
         api_key = {{ keys = [{{ name = \"a\", key = \"k-0123456789abcdef01234\" }}] }}\n\
         rbac = {{ rules = [{{ name = \"some\", roles = [\"none\"] }}] }}\n{}",
        to(upstream.address)
    ));
    let mut wire = gateway.connect();
    let preflight = || request("OPTIONS /x", &format!("{PAGE}{ASKS_PUT}"));
    let answer = wire.ask(preflight());
    assert_eq!(answer.status, 204);
    assert_eq!(all(&answer, "access-control-allow-origin"), ["https://a.example"]);
    // Neither what a preflight is about nor what only looks like one.
    let refused = wire.ask(request("PUT /x", PAGE));
    assert_eq!((refused.status, refused.text().as_str()), (401, "401 credentials are needed\n"));
    assert_eq!(all(&refused, "access-control-allow-origin"), ["https://a.example"]);
    assert_eq!(wire.ask(request("OPTIONS /x", ASKS_PUT)).status, 401);
    // Who is not asked for a name is not passed by.
    assert_eq!(wire.ask(preflight()).status, 429);
    assert!(upstream.received().is_empty());
}

#[test]
fn strangers_are_refused_where_that_is_asked_for() {
    let upstream = opinionated();
    let cors = CORS.replace(" }", ", reject = true }");
    let gateway =
        Gateway::start(&format!("[[routes]]\npath = \"/*\"\n{cors}{}", to(upstream.address)));
    let own = "Origin: http://example.com\r\n";
    for fields in [PAGE, own, ""] {
        assert_eq!(gateway.ask(request("POST /", fields)).status, 200, "{fields}");
    }
    for fields in [STRANGER, "Origin: null\r\n", &format!("{PAGE}{PAGE}")] {
        let refused = gateway.ask(request("POST /", fields));
        refused.assert_own(403, "cors_denied");
        assert_eq!(all(&refused, "vary"), ["Origin"]);
    }
    let preflight = gateway.ask(request("OPTIONS /", &format!("{STRANGER}{ASKS_PUT}")));
    preflight.assert_own(403, "cors_denied");
    let names = "Access-Control-Request-Headers: x-a\r\n";
    let preflight = gateway.ask(request("OPTIONS /", &format!("{PAGE}{ASKS_PUT}{names}")));
    assert_eq!(all(&preflight, "access-control-allow-headers"), ["x-a"]);
    assert_eq!(upstream.received().len(), 3);
}

/// One route of each kind of answer, all with the same filters.
fn every_answer(filters: &str, upstream: SocketAddr, refusing: SocketAddr) -> String {
    let route =
        |path: &str, action: &str| format!("[[routes]]\npath = \"{path}\"\n{filters}{action}\n");
    [
        route("/up", &to(upstream)),
        route("/down", &to(refusing)),
        route("/moved", "redirect = { to = \"/up\" }"),
        route("/fixed", "respond = { body = \"fixed\" }"),
        route("/files/*", "files = { root = \"@FOLDER@\" }"),
        route("/closed", &format!("ip_filter = {{ deny = [\"127.0.0.0/8\"] }}\n{}", to(upstream))),
        route("/shut", &format!("maintenance = {{ body = \"soon\" }}\n{}", to(upstream))),
        route("/small", &format!("max_body = \"1B\"\n{}", to(upstream))),
    ]
    .concat()
}

const ANSWERS: [(&str, u16); 9] = [
    ("GET /up", 200),
    ("GET /down", 502),
    ("GET /moved", 302),
    ("GET /fixed", 200),
    ("GET /files/frys.toml", 200),
    ("GET /files/none", 404),
    ("GET /closed", 403),
    ("GET /shut", 503),
    ("POST /small", 413),
];

#[test]
fn pages_read_every_answer_and_every_answer_is_careful() {
    let upstream = opinionated();
    let (_port, refusing) = reserve();
    let filters = format!("{CORS}security_headers = {{}}\n");
    let gateway = Gateway::start(&every_answer(&filters, upstream.address, refusing));
    for (line, status) in ANSWERS {
        let length = if line.starts_with("POST") { "Content-Length: 2\r\n" } else { "" };
        let mut wire = gateway.connect();
        wire.send(request(line, &format!("{PAGE}{length}")));
        if !length.is_empty() {
            wire.send("ab");
        }
        let answer = wire.response();
        assert_eq!(answer.status, status, "{line}");
        for (name, value) in [
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-allow-credentials", "true"),
            ("vary", "Origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-opener-policy", "same-origin-allow-popups"),
        ] {
            assert_eq!(all(&answer, name), [value], "{line} {name}");
        }
        // Neither in the clear nor taken from the upstream, whose own business it is.
        let hsts = all(&answer, "strict-transport-security");
        assert_eq!(hsts, if line == "GET /up" { vec!["max-age=1"] } else { Vec::new() }, "{line}");
    }
}

#[test]
fn browsers_are_told_to_come_by_tls_where_they_came_by_tls() {
    let upstream = opinionated();
    let start = |trusted: &str| {
        Gateway::with_top(
            &format!("workers = 1\ntrusted_proxies = [{trusted}]"),
            &format!(
                "[[routes]]\npath = \"/*\"\nsecurity_headers = {{}}\n{}",
                to(upstream.address)
            ),
        )
    };
    let hsts = |gateway: &Gateway, proto: &str| {
        let answer = gateway.ask(request("GET /", &format!("X-Forwarded-Proto: {proto}\r\n")));
        all(&answer, "strict-transport-security").concat()
    };
    let behind = start("\"127.0.0.0/8\"");
    assert_eq!(hsts(&behind, "https"), "max-age=31536000");
    assert_eq!(hsts(&behind, "HTTPS, http"), "max-age=31536000");
    assert_eq!(hsts(&behind, "http"), "max-age=1");
    assert_eq!(hsts(&start(""), "https"), "max-age=1");
}

/// The status of a request that says it was forwarded for these.
fn forwarded(gateway: &Gateway, fields: &str) -> u16 {
    gateway.ask(request("GET /", fields)).status
}

#[test]
fn addresses_pass_by_the_lists_and_nobody_lends_himself_one() {
    let open = Gateway::start(
        "[[routes]]\npath = \"/*\"\nip_filter = { allow = [\"10.0.0.0/8\"] }\n\
         respond = { status = 204 }\n",
    );
    for fields in ["", "X-Forwarded-For: 10.0.0.1\r\n", "Forwarded: for=10.0.0.1\r\n"] {
        let refused = open.ask(request("GET /", fields));
        refused.assert_own(403, "ip_denied");
    }
    let behind = Gateway::with_top(
        "workers = 1\ntrusted_proxies = [\"127.0.0.0/8\"]",
        "[[routes]]\npath = \"/*\"\n\
         ip_filter = { allow = [\"10.0.0.0/8\"], deny = [\"10.6.6.0/24\"] }\n\
         respond = { status = 204 }\n\
         [[routes]]\npath = \"/peer\"\nip_filter = { deny = [\"127.0.0.0/8\"], of = \"peer\" }\n\
         respond = { status = 204 }\n",
    );
    for (fields, status) in [
        ("X-Forwarded-For: 10.0.0.1\r\n", 204),
        ("X-Forwarded-For: 10.6.6.6\r\n", 403),
        // Who stands behind the proxy writes what he likes in front of what the proxy saw.
        ("X-Forwarded-For: 10.0.0.1, 192.0.2.1\r\n", 403),
        ("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n", 403),
        ("X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n", 204),
        ("X-Forwarded-For: 10.0.0.1, unknown\r\n", 403),
        ("Forwarded: for=10.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n", 403),
        ("X-Real-IP: 10.0.0.1\r\n", 403),
        ("", 403),
    ] {
        assert_eq!(forwarded(&behind, fields), status, "{fields}");
    }
    let peer = behind.ask(request("GET /peer", "X-Forwarded-For: 10.0.0.1\r\n"));
    peer.assert_own(403, "ip_denied");
}

#[test]
fn a_list_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    fs::write(&list, "192.0.2.0/24\n").expect("a file");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nip_filter = {{ deny_file = \"{}\" }}\n\
         respond = {{ status = 204 }}\n",
        list.display()
    ));
    assert_eq!(gateway.get("/").status, 204);
    let many: String = (0..100_000_u32)
        .map(|number| format!("{}\n", std::net::Ipv4Addr::from_bits(0x0a00_0000 + 2 * number)))
        .collect();
    fs::write(&list, many + "127.0.0.0/8 # ourselves\n").expect("a file");
    until("the new list holds", 20, || (gateway.get("/").status == 403).then_some(()));
    // A list that is wrong is refused, and the last one stays.
    fs::write(&list, "127.0.0.0/33\n").expect("a file");
    until("the fault is told", 20, || gateway.stderr().contains("line 1: ").then_some(()));
    assert_eq!(gateway.get("/").status, 403);
    // Once it is right it holds.
    fs::write(&list, "192.0.2.0/24\n").expect("a file");
    until("the list that was mended holds", 20, || (gateway.get("/").status == 204).then_some(()));
}

#[test]
fn maintenance_answers_all_but_those_who_mend() {
    let upstream = Upstream::saying("works");
    let up = to(upstream.address);
    let gateway = Gateway::with_top(
        "workers = 1\ntrusted_proxies = [\"127.0.0.0/8\"]",
        &format!(
            "[[routes]]\npath = \"/plain\"\nmaintenance = {{}}\n{up}\
             [[routes]]\npath = \"/page\"\n\
             maintenance = {{ retry_after = \"2m\", status = 500, body = \"<p>soon\", \
             content_type = \"text/html\", allow = [\"10.0.0.0/8\"] }}\n{up}"
        ),
    );
    let plain = gateway.get("/plain");
    plain.assert_own(503, "maintenance");
    assert_eq!(plain.text(), "503 under maintenance\n");
    assert_eq!(plain.field("retry-after"), None);
    let mut wire = gateway.connect();
    let page = wire.ask(request("GET /page", ""));
    page.assert_own(500, "maintenance");
    assert_eq!(page.text(), "<p>soon");
    assert_eq!(page.field("content-type"), Some("text/html"));
    assert_eq!(page.field("retry-after"), Some("120"));
    wire.send(request("HEAD /page", ""));
    assert_eq!(wire.response_without_body().field("content-length"), Some("7"));
    let mender = wire.ask(request("GET /page", "X-Forwarded-For: 10.0.0.1\r\n"));
    assert_eq!((mender.status, mender.text().as_str()), (200, "works"));
    assert_eq!(mender.field("retry-after"), None);
    gateway.wait_for_reason("maintenance");
}

#[test]
fn a_route_takes_less_than_the_gateway() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\n\
         request_limits = {{ fields = 3, fields_size = \"100B\", url_size = \"10B\", \
         query_size = \"3B\", body = \"4B\" }}\n{}",
        to(upstream.address)
    ));
    let field = "X-A: 1\r\n";
    for (line, fields, status, reason) in [
        ("GET /a?bcd", field, 200, ""),
        ("GET /abcdefghi", field, 200, ""),
        ("GET /abcdefghij", field, 414, "request_line_too_long"),
        ("GET /a?bcde", field, 414, "request_line_too_long"),
        ("GET /", &field.repeat(2), 200, ""),
        ("GET /", &field.repeat(3), 431, "fields_too_large"),
        // `Host: example.com` and the empty line are 21 bytes, so 79 are left.
        ("GET /", &format!("X-A: {}\r\n", "x".repeat(72)), 200, ""),
        ("GET /", &format!("X-A: {}\r\n", "x".repeat(73)), 431, "fields_too_large"),
        ("POST /", "Content-Length: 5\r\n", 413, "body_too_large"),
    ] {
        let answer = gateway.ask(request(line, fields));
        assert_eq!(answer.status, status, "{line} {fields}");
        if status != 200 {
            answer.assert_own(status, reason);
        }
    }
    let post = |framing: &str, body: &str| {
        let mut wire = gateway.connect();
        wire.send(format!("{}{body}", request("POST /", framing)));
        wire.response()
    };
    assert_eq!(post("Content-Length: 4\r\n", "abcd").status, 200);
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(post(chunked, "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n").status, 200);
    let long = post(chunked, "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
    long.assert_own(413, "body_too_large");
}

#[test]
fn a_request_after_a_bounded_one_has_the_whole_bound_of_its_own_route() {
    let gateway = Gateway::start(
        "[[routes]]\npath = \"/small\"\nrequest_limits = { body = \"1B\" }\n\
         respond = { status = 204 }\n\
         [[routes]]\npath = \"/large\"\nrespond = { status = 204 }\n",
    );
    let mut wire = gateway.connect();
    for _ in 0..3 {
        let small = wire.ask(format!("{}a", request("POST /small", "Content-Length: 1\r\n")));
        assert_eq!(small.status, 204);
        let large = wire.ask(format!("{}abcd", request("POST /large", "Content-Length: 4\r\n")));
        assert_eq!(large.status, 204);
    }
}

#[test]
fn shared_edits_know_the_route_and_its_own_edits_win() {
    let upstream = opinionated();
    let gateway = Gateway::start(&format!(
        "[middlewares.headers.tagged.request]\n\
         set = {{ X-Id = \"$id at $host\", X-Who = \"$identity\", X-Own = \"filter\" }}\n\
         remove = [\"X-Secret\"]\n\
         [middlewares.headers.tagged.response]\n\
         set = {{ X-Seen = \"$id\", X-Own = \"filter\", X-Frame-Options = \"DENY\" }}\n\
         remove = [\"Server\"]\n\
         [middlewares.headers.later.response]\nset = {{ X-Seen = \"later\" }}\n\
         [[routes]]\npath = \"/a/{{name}}/{{id}}\"\nmiddlewares = [\"headers.tagged\"]\n\
         request_headers = {{ set = {{ X-Own = \"route\" }} }}\n\
         response_headers = {{ set = {{ X-Own = \"route\" }} }}\n{}\
         [[routes]]\npath = \"/b/{{id}}\"\n\
         middlewares = [\"headers.tagged\", \"headers.later\"]\nredirect = {{ to = \"/a\" }}\n\
         [[routes]]\npath = \"/c/{{id}}\"\n\
         middlewares = [\"ip_filter\", \"headers.tagged\"]\n\
         ip_filter = {{ deny = [\"127.0.0.0/8\"] }}\nredirect = {{ to = \"/a\" }}\n",
        to(upstream.address)
    ));
    let claimed = "X-Who: root\r\nX_Who: root\r\nX-Secret: s\r\n";
    let answer = gateway.ask(request("GET /a/x/7", claimed));
    assert_eq!(all(&answer, "x-seen"), ["7"]);
    assert_eq!(all(&answer, "x-own"), ["route"]);
    assert_eq!(all(&answer, "x-frame-options"), ["DENY"]);
    assert!(all(&answer, "server").is_empty());
    let received = upstream.wait_for(0);
    assert_eq!(received.field("x-id"), Some("7 at example.com"));
    let named = |name: &str| {
        let folded = |field: &str| field.to_ascii_lowercase().replace('_', "-");
        received.fields.iter().filter(|(field, _)| folded(field) == name).count()
    };
    // Nobody is known, and nobody may say that he is.
    assert_eq!((named("x-who"), named("x-secret"), named("x-own")), (0, 0, 1));
    assert_eq!(received.field("x-own"), Some("route"));
    let moved = gateway.get("/b/8");
    assert_eq!((moved.status, all(&moved, "x-seen")), (302, vec!["later"]));
    let refused = gateway.get("/c/9");
    assert_eq!((refused.status, all(&refused, "x-seen")), (403, vec!["9"]));
}

#[test]
fn explain_says_what_a_preflight_gets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frys.toml");
    let text = format!(
        "listen_addr = \"127.0.0.1:8080\"\n[[routes]]\nid = \"api\"\npath = \"/api/*\"\n\
         methods = [\"PUT\"]\n{CORS}middlewares = [\"forward_auth\", \"cors\"]\n\
         forward_auth = {{ url = \"http://127.0.0.1:9/\" }}\n\
         upstreams = [{{ url = \"http://127.0.0.1:9\" }}]\n\
         [[routes]]\nid = \"all\"\npath = \"/*\"\n\
         upstreams = [{{ url = \"http://127.0.0.1:9\" }}]\n"
    );
    fs::write(&file, text).expect("a file");
    let explain = |method: &str| {
        let output = Command::new(crate::support::gateway::FRYS)
            .args(["explain", "--config", &file.display().to_string()])
            .args(["OPTIONS http://example.com/api/x", "-H", "Origin: https://a.example"])
            .args(["-H", &format!("Access-Control-Request-Method: {method}")])
            .output()
            .expect("frys starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = explain("PUT");
    for part in [
        "for PUT: its route is that of the request it asks about",
        "> api",
        "; not asked of preflights",
        "answered with 204: preflight_answered",
        "Access-Control-Allow-Origin: https://a.example",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    let said = explain("GET");
    assert!(said.contains("> all") && !said.contains("preflight"), "{said}");
}

#[test]
fn the_examples_of_the_pages_pass_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut examples_count = 0;
    for page in [include_str!("../../docs/filters.md"), include_str!("../../docs/cors.md")] {
        for fenced in page.split("```toml").skip(1) {
            let (kind, rest) = fenced.split_once('\n').expect("a line");
            let (text, _) = rest.split_once("```").expect("an end");
            let top = if kind.is_empty() { "" } else { "listen_addr = \"0.0.0.0:8080\"\n" };
            let text = format!("{top}{text}");
            let output = frys_on(folder.path(), "check", "frys.toml", &text).output();
            let output = output.expect("frys starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}\n{text}");
            examples_count += 1;
        }
    }
    assert!(examples_count >= 6, "{examples_count}");
}

#[test]
fn curl_sees_what_a_browser_would() {
    let Some(curl) = program("curl") else { return };
    let upstream = opinionated();
    let gateway =
        Gateway::start(&format!("[[routes]]\npath = \"/*\"\n{CORS}{}", to(upstream.address)));
    let url = format!("http://{}/x", gateway.address);
    let arguments = [
        "-sS",
        "-i",
        "--max-time",
        "10",
        "-X",
        "OPTIONS",
        "-H",
        "Origin: https://a.example",
        "-H",
        "Access-Control-Request-Method: DELETE",
        "-H",
        "Access-Control-Request-Headers: x-a",
    ];
    let output = Command::new(curl).args(arguments).arg(&url).output().expect("curl starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "HTTP/1.1 204 No Content\r\n",
        "Access-Control-Allow-Origin: https://a.example\r\n",
        "Access-Control-Allow-Credentials: true\r\n",
        "Access-Control-Allow-Headers: x-a\r\n",
        "Access-Control-Max-Age: 600\r\n",
    ] {
        assert!(said.contains(line), "{line} is not in:\n{said}");
    }
}
