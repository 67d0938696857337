//! `forward_auth` through the real binary, with servers that decide, dawdle and lie.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::{Gateway, Peer, Upstream, program, run, until};

fn gateway(auth: &str, more: &str, upstream: &Upstream) -> Gateway {
    Gateway::start(&format!(
        "[[routes]]\nid = \"all\"\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         forward_auth = {{ url = \"{auth}\"{more} }}\n",
        upstream.address
    ))
}

fn url(server: &Upstream) -> String {
    format!("http://{}/check", server.address)
}

fn ask(gateway: &Gateway, lines: &str) -> (u16, String) {
    let answer = gateway.ask(format!("GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n"));
    (answer.status, answer.text())
}

#[test]
fn the_server_sees_the_request_and_the_upstream_what_it_says() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::answering(
        "HTTP/1.1 200 OK\r\nX-User: ann\r\nX-Roles: a, b\r\nX-Roles: c\r\nX-Other: no\r\n\
         X-Trace: t\r\nSet-Cookie: seen=1\r\nContent-Length: 7\r\n\r\nignored",
    );
    let more = ", response_headers = [\"X-User\", \"X-Roles\", \"X-Gone\"], \
                client_headers = [\"X-Trace\", \"Set-Cookie\"]";
    let gateway = gateway(&url(&server), more, &upstream);
    let answer = gateway.ask(
        "POST /a?b=c HTTP/1.1\r\nHost: shop.example\r\nCookie: s=1\r\nX-User: root\r\n\
         x_roles: root\r\nX-Gone: root\r\nX-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Uri: /free\r\n\
         X-Forwarded-Method: GET\r\nX_Forwarded_Uri: /free\r\nX-Real-IP: 10.9.9.9\r\n\
         Connection: X-Hop\r\nX-Hop: 1\r\nRange: bytes=0-1\r\nIf-None-Match: \"x\"\r\n\
         Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
    );
    assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()));
    assert_eq!((answer.field("x-trace"), answer.field("x-user")), (Some("t"), None));
    assert_eq!(answer.field("set-cookie"), Some("seen=1"));
    let asked = server.wait_for(0);
    assert_eq!(asked.line, "GET /check HTTP/1.1");
    assert_eq!(asked.field("host"), Some(server.address.to_string().as_str()));
    for (name, value) in [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-uri", "/a?b=c"),
        ("x-forwarded-for", "127.0.0.1"),
        ("cookie", "s=1"),
    ] {
        let values: Vec<_> =
            asked.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        assert_eq!(values[0].1, value, "{name}");
    }
    for name in
        ["content-length", "x-hop", "range", "if-none-match", "x_forwarded_uri", "x-real-ip"]
    {
        assert_eq!(asked.field(name), None, "{name}");
    }
    let passed = upstream.wait_for(0);
    assert_eq!(passed.field("x-user"), Some("ann"));
    let roles: Vec<_> =
        passed.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-roles")).collect();
    assert_eq!(roles.len(), 2, "{roles:?}");
    for name in ["x-gone", "x_roles", "x-other"] {
        assert_eq!(passed.field(name), None, "{name}");
    }
    assert_eq!(passed.body, b"body");
}

#[test]
fn the_server_decides_on_the_path_that_the_upstream_is_sent() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{0}\" }}]\n\
         forward_auth = {{ url = \"{1}\" }}\n\
         [[routes]]\npath = \"/in/*\"\nupstreams = [{{ url = \"http://{0}\" }}]\n\
         rewrite = {{ strip_prefix = \"/in\" }}\nforward_auth = {{ url = \"{1}\" }}\n",
        upstream.address,
        url(&server)
    ));
    for (number, (target, shown, sent)) in [
        ("/public/../admin?a=b", "/admin?a=b", "/admin?a=b"),
        ("/public/%2e%2e/admin", "/admin", "/admin"),
        ("//admin", "/admin", "/admin"),
        ("/./admin", "/admin", "/admin"),
        ("/%61dmin", "/%61dmin", "/%61dmin"),
        ("/in/%61dmin?c", "/in/admin?c", "/admin?c"),
        ("/a/../in//admin", "/in/admin", "/admin"),
        ("http://a?x", "/?x", "/?x"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = gateway.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(server.wait_for(number).field("x-forwarded-uri"), Some(shown), "{target}");
        assert_eq!(upstream.wait_for(number).target(), sent, "{target}");
    }
}

#[test]
fn roles_are_one_list_and_two_users_are_none() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::start(|peer: &mut Peer| {
        while let Some(request) = peer.request() {
            let lines = request.field("x-case").unwrap_or_default().replace('|', "\r\n");
            peer.wire.send(format!("HTTP/1.1 200 OK\r\n{lines}\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    let more = ", user_header = \"X-User\", roles_header = \"X-Roles\", \
                response_headers = [\"X-User\"] }\n\
                rbac = { rules = [{ name = \"out\", effect = \"deny\", roles = [\"suspended\"] }, \
                { name = \"in\", roles = [\"staff\"] }]";
    let gateway = gateway(&url(&server), more, &upstream);
    for (case, status) in [
        ("X-User: ann|X-Roles: staff", 200),
        ("X-User: ann|X-Roles: other|X-Roles: more, staff", 200),
        ("X-User: ann|X-Roles: staff|X-Roles: suspended", 403),
        ("X-User: ann|x-user: bob|X-Roles: staff", 503),
        ("X-User: ann|Connection: X-Roles|X-Roles: staff", 403),
        ("Connection: close, x-user|X-User: ann|X-Roles: staff", 200),
    ] {
        assert_eq!(ask(&gateway, &format!("X-Case: {case}\r\n")).0, status, "{case}");
    }
    let received = upstream.received();
    let users: Vec<_> = received.iter().map(|request| request.field("x-user")).collect();
    assert_eq!(users, [Some("ann"), Some("ann"), None]);
}

#[test]
fn trailers_say_nothing_that_the_server_says() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::answering("HTTP/1.1 200 OK\r\nX-User: ann\r\nContent-Length: 0\r\n\r\n");
    let more = ", response_headers = [\"X-User\", \"X-Roles\"]";
    let gateway = gateway(&url(&server), more, &upstream);
    gateway.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\
         X-User: root\r\nx_user: root\r\nX_ROLES: admin\r\nX_Forwarded_For: 1.1.1.1\r\n\
         X_Real_IP: 1.1.1.1\r\nX-Sum: 1\r\n\r\n",
    );
    let received = upstream.wait_for(0);
    assert_eq!(received.field("x-user"), Some("ann"));
    assert_eq!(received.trailers, [("X-Sum".to_owned(), "1".to_owned())]);
}

#[test]
fn a_refusal_is_passed_on_whole() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::start(|peer: &mut Peer| {
        while let Some(request) = peer.request() {
            let answer = match request.field("x-case") {
                Some("401") => {
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                     WWW-Authenticate: Bearer\r\nX-Why: w\r\nContent-Type: text/html\r\n\
                     Content-Length: 5\r\n\r\n<p>no"
                }
                Some("302") => {
                    "HTTP/1.1 302 Found\r\nLocation: /login?x\r\nSet-Cookie: a=1\r\n\
                     Set-Cookie: b=2\r\nX-Inner: i\r\nContent-Length: 0\r\n\r\n"
                }
                Some("304") => "HTTP/1.1 304 Not Modified\r\n\r\n",
                Some("500") => "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\noh",
                Some("404") => "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
                Some("long") => "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n",
                _ => "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
            };
            peer.wire.send(answer);
            if request.field("x-case") == Some("long") {
                let chunk = format!("10000\r\n{}\r\n", "a".repeat(65_536));
                peer.wire.send(chunk.repeat(2));
                peer.wire.send("0\r\n\r\n");
            }
        }
    });
    let gateway = gateway(&url(&server), ", client_headers = [\"X-Why\"]", &upstream);
    let case =
        |case: &str| gateway.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Case: {case}\r\n\r\n"));
    let unknown = case("401");
    assert_eq!((unknown.status, unknown.text()), (401, "<p>no".to_owned()));
    assert_eq!(unknown.field("content-type"), Some("text/html"));
    assert_eq!(unknown.field("x-why"), Some("w"));
    let challenges =
        unknown.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    assert_eq!(challenges.count(), 2, "{:?}", unknown.fields);
    let moved = case("302");
    assert_eq!((moved.status, moved.field("location")), (302, Some("/login?x")));
    let cookies = moved.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    assert_eq!((cookies.count(), moved.field("x-inner")), (2, None));
    assert_eq!((case("403").status, case("403").text()), (403, "no".to_owned()));
    let long = case("long");
    assert_eq!((long.status, long.text()), (403, String::new()));
    for none in ["304", "404", "500"] {
        case(none).assert_own(503, "forward_undecided");
    }
    gateway.wait_for_reason("forward_denied");
    gateway.wait_for_reason("forward_undecided");
    assert!(upstream.received().is_empty());
    // The client's connection goes on after a refusal.
    let mut wire = gateway.connect();
    for _ in 0..3 {
        assert_eq!(wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 403);
    }
}

#[test]
fn a_server_that_fails_is_told_from_one_that_refuses() {
    let upstream = Upstream::saying("hello");
    let silent = Upstream::start(|peer: &mut Peer| {
        peer.request_head();
        peer.wait_for_end();
    });
    let garbage = Upstream::answering("nonsense\r\n\r\n");
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    let huge = Upstream::answering(long);
    let cut = Upstream::start(|peer: &mut Peer| {
        peer.request_head();
        peer.wire.send("HTTP/1.1 200 O");
    });
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = format!("http://{}/", closed.local_addr().expect("bound"));
    drop(closed);
    let mut urls: Vec<String> = [&silent, &garbage, &huge, &cut].map(url).into();
    urls.push(dead);
    urls.push("http://nowhere.invalid/".to_owned());
    for url in &urls {
        let denying = gateway(url, ", timeout = \"300ms\"", &upstream);
        assert_eq!(ask(&denying, "").0, 503, "{url}");
        let more = ", timeout = \"300ms\", on_error = \"pass\", response_headers = [\"X-User\"]";
        let passing = gateway(url, more, &upstream);
        assert_eq!(ask(&passing, "X-User: root\r\n").0, 200, "{url}");
    }
    let passed = upstream.received();
    assert_eq!(passed.len(), urls.len());
    // Nobody else says who asks, least of all then.
    assert!(passed.iter().all(|request| request.field("x-user").is_none()));
}

#[test]
fn so_many_are_asked_at_once_and_others_do_not_wait() {
    let upstream = Upstream::saying("hello");
    let silent = Upstream::start(|peer: &mut Peer| {
        peer.request_head();
        peer.wait_for_end();
    });
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         forward_auth = {{ url = \"{}\", timeout = \"2s\", max_requests = 2 }}\n\
         [[routes]]\npath = \"/free\"\nrespond = {{ body = \"free\" }}\n",
        upstream.address,
        url(&silent)
    ));
    let mut waiting: Vec<_> = (0..2).map(|_| gateway.connect()).collect();
    for wire in &mut waiting {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    until("both are asked", 10, || (silent.connections_count() == 2).then_some(()));
    let started = std::time::Instant::now();
    assert_eq!(ask(&gateway, "").0, 503);
    assert_eq!(gateway.get("/free").text(), "free");
    assert!(started.elapsed().as_millis() < 1_500, "{:?}", started.elapsed());
    for wire in &mut waiting {
        assert_eq!(wire.response().status, 503);
    }
}

#[test]
fn connections_to_the_server_are_kept_and_lost_ones_made_again() {
    let upstream = Upstream::saying("hello");
    // Each connection answers twice and is closed without a word.
    let server = Upstream::start(|peer: &mut Peer| {
        for _ in 0..2 {
            if peer.request().is_none() {
                return;
            }
            peer.wire.send("HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    let gateway = gateway(&url(&server), "", &upstream);
    for _ in 0..10 {
        assert_eq!(ask(&gateway, ""), (200, "hello".to_owned()));
    }
    assert_eq!(upstream.received().len(), 10);
    assert!(server.connections_count() <= 10, "{}", server.connections_count());
}

#[test]
fn a_reload_with_questions_in_flight_loses_none() {
    let upstream = Upstream::saying("hello");
    let server = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let gateway = gateway(&url(&server), ", timeout = \"10s\"", &upstream);
    let file = gateway.file("frys.toml");
    let text = std::fs::read_to_string(&file).expect("it was written");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut wire = gateway.connect();
                for _ in 0..200 {
                    let answer = wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    assert_eq!(answer.status, 200);
                }
            });
        }
        for number in 0..5 {
            let changed = text.replace("timeout = \"10s\"", &format!("timeout = \"1{number}s\""));
            std::fs::write(&file, changed).expect("it can be written");
            gateway.signal("HUP");
        }
    });
    assert_eq!(upstream.received().len(), 800);
}

#[test]
fn questions_are_answered_while_the_gateway_drains() {
    let upstream = Upstream::saying("hello");
    let is_released = Arc::new(AtomicBool::new(false));
    let released = Arc::clone(&is_released);
    let server = Upstream::start(move |peer: &mut Peer| {
        if peer.request().is_some() {
            until("the server may answer", 20, || released.load(Ordering::SeqCst).then_some(()));
            peer.wire.send("HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    let mut gateway = gateway(&url(&server), ", timeout = \"20s\"", &upstream);
    let mut wire = gateway.connect();
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for(0);
    gateway.signal("TERM");
    until("the gateway drains", 10, || {
        std::net::TcpStream::connect(gateway.address).err().map(drop)
    });
    is_released.store(true, Ordering::SeqCst);
    let answer = wire.response();
    assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()));
    assert_eq!(gateway.exit_status().code(), Some(0));
}

#[test]
fn asks_over_tls_with_an_authority_of_its_own() {
    let Some(openssl) = program("openssl") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    let (code, _, said) = run(Command::new(&openssl).args(arguments));
    assert_eq!(code, Some(0), "{said}");
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").port()
    };
    let arguments = [
        "s_server",
        "-quiet",
        "-www",
        "-accept",
        &format!("127.0.0.1:{port}"),
        "-key",
        &key,
        "-cert",
        &certificate,
    ];
    let mut server = Command::new(&openssl)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl starts");
    let is_up = || std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop);
    until("openssl listens", 10, is_up);
    let upstream = Upstream::saying("hello");
    let auth = format!("https://127.0.0.1:{port}/");
    let trusting =
        gateway(&auth, &format!(", timeout = \"5s\", ca = \"{certificate}\""), &upstream);
    let trusted = ask(&trusting, "");
    let doubting = gateway(&auth, ", timeout = \"5s\"", &upstream);
    let doubted = ask(&doubting, "");
    server.kill().expect("it runs");
    server.wait().expect("it ends");
    assert_eq!(trusted, (200, "hello".to_owned()));
    assert_eq!(doubted.0, 503);
}
