//! Bodies that filters change: every framing, both ways, at the bounds, and what is left alone.

use std::net::SocketAddr;

use crate::support::gateway::{frys_on, route_to};
use crate::support::{Gateway, Upstream, run, until};

/// A gateway whose one route goes to `upstream` and changes bodies.
fn changing(upstream: SocketAddr, transform: &str) -> Gateway {
    Gateway::start(&format!("{}[routes.transform]\n{transform}\n", route_to(&[upstream])))
}

/// An upstream that answers with what it was sent, as plain text.
fn echo() -> Upstream {
    Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let kind = request.field("content-type").unwrap_or("text/plain").to_owned();
            let length = request.body.len();
            peer.wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            ));
            peer.wire.send(request.body);
        }
    })
}

fn chunked(body: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in body.chunks(chunk_bytes) {
        coded.extend(format!("{:x}\r\n", chunk.len()).bytes());
        coded.extend(chunk);
        coded.extend(b"\r\n");
    }
    coded.extend(b"0\r\n\r\n");
    coded
}

fn post(kind: &str, body: &[u8], chunk_bytes: Option<usize>) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n");
    let (framing, body) = match chunk_bytes {
        None => (format!("Content-Length: {}", body.len()), body.to_vec()),
        Some(bytes) => ("Transfer-Encoding: chunked".to_owned(), chunked(body, bytes)),
    };
    [format!("{head}{framing}\r\n\r\n").into_bytes(), body].concat()
}

const SWAP: &str = "request = [{ find = \"upper\", with = \"UPPERCASE\" }]\n\
                    response = [{ find = \"lower\", with = \"low\" }]";

#[test]
fn changes_a_request_and_its_answer() {
    let upstream = echo();
    let gateway = changing(upstream.address, SWAP);
    let body = b"an upper and a lower word";
    let mut client = gateway.connect();
    for chunk_bytes in [None, Some(1), Some(3), Some(1000)] {
        let response = client.ask(post("text/plain", body, chunk_bytes));
        assert_eq!(response.text(), "an UPPERCASE and a low word");
        assert_eq!(response.field("content-length"), Some("27"));
        assert_eq!(response.field("transfer-encoding"), None);
    }
    for received in upstream.received() {
        assert_eq!(received.body, b"an UPPERCASE and a lower word");
        assert_eq!(received.field("content-length"), Some("29"));
        assert_eq!(received.field("transfer-encoding"), None);
        assert_eq!(received.field("accept-encoding"), Some("identity"));
    }
    // One connection to each side carried all of them.
    assert_eq!(upstream.connections_count(), 1);
}

#[test]
fn changes_an_answer_of_every_framing() {
    let body = "the lower of two lower parts";
    let framings: [(&str, Vec<u8>, bool); 3] = [
        ("length", format!("Content-Length: 28\r\n\r\n{body}").into_bytes(), true),
        (
            "chunked",
            [&b"Transfer-Encoding: chunked\r\n\r\n"[..], &chunked(body.as_bytes(), 6)].concat(),
            true,
        ),
        ("until close", format!("\r\n{body}").into_bytes(), false),
    ];
    for (name, rest, keeps) in framings {
        let answer = [&b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"[..], &rest].concat();
        let upstream = Upstream::start(move |peer| {
            while peer.request().is_some() {
                // Cut where a match is.
                for piece in answer.chunks(answer.len() / 3) {
                    peer.wire.send(piece);
                }
                if !keeps {
                    return;
                }
            }
        });
        let gateway = changing(upstream.address, SWAP);
        let mut client = gateway.connect();
        for version in ["1.1", "1.0"] {
            let response = client
                .ask(format!("GET / HTTP/{version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
            assert_eq!(response.text(), "the low of two low parts", "{name} {version}");
            // Its length is known, so a 1.0 client keeps its connection too.
            assert_eq!(response.field("content-length"), Some("24"), "{name} {version}");
        }
        assert_eq!(upstream.connections_count(), if keeps { 1 } else { 2 }, "{name}");
    }
}

#[test]
fn holds_to_the_bound_of_both_bodies() {
    let steps = "buffer = \"100B\"\nrequest = [{ find = \"x\", with = \"y\" }]\n\
                 response = [{ find = \"y\", with = \"z\" }]";
    let upstream = echo();
    let gateway = changing(upstream.address, steps);
    for bytes in [0, 1, 99, 100] {
        for chunk_bytes in [None, Some(7)] {
            let response = gateway.ask(post("text/plain", &vec![b'x'; bytes], chunk_bytes));
            assert_eq!(response.text(), "z".repeat(bytes), "{bytes} {chunk_bytes:?}");
        }
    }
    let count = upstream.received().len();
    for chunk_bytes in [None, Some(7)] {
        let response = gateway.ask(post("text/plain", &[b'x'; 101], chunk_bytes));
        response.assert_own(413, "body_not_buffered");
        assert!(response.closes());
    }
    assert_eq!(upstream.received().len(), count, "an upstream was asked for nothing");
}

#[test]
fn refuses_an_answer_beyond_the_bound_before_anything_is_sent() {
    let steps = "buffer = \"100B\"\nresponse = [{ find = \"x\", with = \"yy\" }]";
    for (body_bytes, is_chunked) in [(101, false), (101, true), (51, false), (51, true)] {
        let body = vec![b'x'; body_bytes];
        let framing = match is_chunked {
            true => [&b"Transfer-Encoding: chunked\r\n\r\n"[..], &chunked(&body, 10)].concat(),
            false => [format!("Content-Length: {body_bytes}\r\n\r\n").as_bytes(), &body].concat(),
        };
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
        let upstream = Upstream::answering([&head[..], &framing].concat());
        let gateway = changing(upstream.address, steps);
        let mut client = gateway.connect();
        let response = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        response.assert_own(502, "answer_not_buffered");
        // The client's connection goes on.
        let response = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        response.assert_own(502, "answer_not_buffered");
    }
}

#[test]
fn changes_json_by_paths() {
    let upstream = echo();
    let gateway = changing(
        upstream.address,
        "request = [{ json_set = { \"meta.via\" = \"frys\", version = 2 } }]\n\
         response = [{ json_remove = [\"users.*.password\", \"secret\"] }, \
         { json_rename = { \"users.*.id\" = \"key\" } }]",
    );
    let body = br#"{ "users": [{"id": 1.50, "password": "x"}, {"id":2}], "secret": null }"#;
    let response = gateway.ask(post("application/vnd.a+json; charset=utf-8", body, Some(9)));
    let want = r#"{"users":[{"key":1.50},{"key":2}],"meta":{"via":"frys"},"version":2}"#;
    assert_eq!(response.text(), want);
    // What is no JSON goes on as it is, and is counted.
    let response = gateway.ask(post("application/json", b"{no", None));
    assert_eq!(response.text(), "{no");
    let count = |what: &str| {
        let labels = ["filter=\"transform@all\"", &format!("body=\"{what}\"")];
        gateway.metric("frys_filter_bodies_total", &labels)
    };
    assert_eq!((count("changed"), count("left")), (2.0, 2.0));
    assert_eq!(gateway.ask(post("text/plain", b"{}", None)).text(), "{}");
}

#[test]
fn refuses_what_it_cannot_read_where_it_is_told_to() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{]",
    );
    let gateway = changing(
        upstream.address,
        "on_error = \"refuse\"\nrequest = [{ json_remove = [\"a\"] }]\n\
         response = [{ json_remove = [\"a\"] }]",
    );
    let mut client = gateway.connect();
    client.ask(post("application/json", b"{]", None)).assert_own(400, "body_unreadable");
    let coded = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                 Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";
    gateway.ask(coded).assert_own(400, "body_unreadable");
    assert!(upstream.received().is_empty());
    gateway.get("/").assert_own(502, "answer_unreadable");
}

#[test]
fn leaves_alone_what_is_not_for_it() {
    let cases = [
        ("Content-Type: image/png\r\n", "200 OK"),
        ("", "200 OK"),
        ("Content-Type: text/event-stream\r\n", "200 OK"),
        ("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "200 OK"),
        ("Content-Type: text/plain\r\nContent-Range: bytes 0-4/9\r\n", "206 Partial Content"),
    ];
    for (fields, status) in cases {
        let upstream = Upstream::answering(format!(
            "HTTP/1.1 {status}\r\n{fields}ETag: \"a\"\r\nAccept-Ranges: bytes\r\n\
             Content-Length: 5\r\n\r\nlower"
        ));
        let gateway = changing(upstream.address, SWAP);
        let response = gateway.get("/");
        assert_eq!(response.text(), "lower", "{fields}");
        assert_eq!(response.field("etag"), Some("\"a\""), "{fields}");
        assert_eq!(response.field("accept-ranges"), Some("bytes"), "{fields}");
    }
}

#[test]
fn tells_nothing_of_the_bytes_that_were() {
    let fields = "ETag: \"a\"\r\nAccept-Ranges: bytes\r\nContent-MD5: x\r\nDigest: y\r\n\
                  Content-Digest: z\r\nRepr-Digest: z\r\nTrailer: X-Sum\r\nLast-Modified: m\r\n";
    let upstream = Upstream::start(move |peer| {
        while let Some(request) = peer.request() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}");
            match request.line.starts_with("HEAD") {
                true => peer.wire.send(format!("{head}Content-Length: 5\r\n\r\n")),
                false => peer.wire.send(format!(
                    "{head}Transfer-Encoding: chunked\r\n\r\n5\r\nlower\r\n0\r\nX-Sum: 1\r\n\r\n"
                )),
            }
        }
    });
    let gateway = changing(upstream.address, SWAP);
    let mut client = gateway.connect();
    for (method, length) in [("GET", Some("3")), ("HEAD", None), ("GET", Some("3"))] {
        let response = client.ask(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\
             Range: bytes=0-1\r\nIf-Range: \"a\"\r\nAccept-Encoding: gzip, br\r\n\r\n"
        ));
        for name in
            ["etag", "accept-ranges", "content-md5", "digest", "content-digest", "repr-digest"]
        {
            assert_eq!(response.field(name), None, "{method} {name}");
        }
        assert_eq!(response.field("last-modified"), Some("m"));
        assert_eq!(response.field("content-length"), length, "{method}");
        assert!(response.trailers.is_empty());
    }
    for received in upstream.received() {
        assert_eq!(received.field("range"), None);
        assert_eq!(received.field("if-range"), None);
        assert_eq!(received.field("accept-encoding"), Some("identity"));
    }
}

#[test]
fn passes_answers_without_a_body() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let status = request.target().trim_start_matches('/').to_owned();
            peer.wire.send(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nETag: \"a\"\r\n\r\n"
            ));
        }
    });
    let gateway = changing(upstream.address, SWAP);
    let mut client = gateway.connect();
    for status in [204, 304, 204] {
        let response = client.ask(format!("GET /{status} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(response.status, status);
        assert_eq!(response.field("etag"), Some("\"a\""));
    }
}

#[test]
fn tells_a_client_that_waits_to_go_on() {
    let upstream = echo();
    let gateway = changing(upstream.address, SWAP);
    let mut client = gateway.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\
                Expect: 100-continue\r\n\r\n";
    client.send(head);
    let response = client.response_without_body();
    assert_eq!(response.status, 100);
    assert_eq!(upstream.received().len(), 0);
    client.send("upper");
    assert_eq!(client.response().text(), "UPPERCASE");
    assert_eq!(upstream.wait_for(0).field("expect"), None);
    // One that is too long is refused before it is sent.
    client.send(head.replace("Content-Length: 5", "Content-Length: 5000000"));
    client.response().assert_own(413, "body_not_buffered");
}

#[test]
fn carries_a_mebibyte_and_its_neighbours() {
    let upstream = echo();
    let gateway = changing(upstream.address, SWAP);
    let mut body: Vec<u8> = (0..1024 * 1024 - 4_u64).map(|n| (n * n / 7 % 251) as u8).collect();
    body[300_000..300_005].copy_from_slice(b"upper");
    body[700_000..700_005].copy_from_slice(b"lower");
    let mut want = body.clone();
    want.splice(700_000..700_005, *b"low");
    want.splice(300_000..300_005, *b"UPPERCASE");
    let mut client = gateway.connect();
    for chunk_bytes in [None, Some(70_001), None] {
        assert!(client.ask(post("text/plain", &body, chunk_bytes)).body == want, "{chunk_bytes:?}");
    }
    body.push(b'x');
    client.ask(post("text/plain", &body, None)).assert_own(413, "body_not_buffered");
}

#[test]
fn sends_a_held_body_again_on_a_new_connection() {
    let upstream = Upstream::start(|peer| {
        // The first connection dies with its second request.
        let mut left_count = if peer.number == 0 { 1 } else { 10 };
        while let Some(request) = peer.request() {
            if left_count == 0 {
                return;
            }
            left_count -= 1;
            let length = request.body.len();
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
            peer.wire.send(request.body);
        }
    });
    let gateway = changing(upstream.address, SWAP);
    let put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n\
               upper";
    let mut client = gateway.connect();
    for _ in 0..3 {
        assert_eq!(client.ask(put).text(), "UPPERCASE");
    }
    assert_eq!(upstream.connections_count(), 2);
    assert_eq!(upstream.received().len(), 4);
}

#[test]
fn is_not_kept_by_clients_and_upstreams_that_leave_in_the_middle() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
            match request.target() {
                "/short" => {
                    peer.wire.send(format!("{head}Content-Length: 9\r\n\r\nlow"));
                    return;
                }
                "/broken" => {
                    peer.wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nlow"));
                    return;
                }
                _ => peer.wire.send(format!("{head}Content-Length: 5\r\n\r\nlower")),
            }
        }
    });
    let gateway = changing(upstream.address, SWAP);
    for path in ["/short", "/broken"] {
        gateway.get(path).assert_own(502, "upstream_closed");
    }
    let mut client = gateway.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nup",
    );
    drop(client);
    gateway.wait_for_reason("client_closed");
    assert_eq!(gateway.get("/").text(), "low");
}

#[test]
fn waits_for_a_slow_client_within_its_bound() {
    let upstream = echo();
    let rest = format!(
        "[timeouts]\nclient_body_idle = \"300ms\"\n{}[routes.transform]\n{SWAP}\n",
        route_to(&[upstream.address])
    );
    let gateway = Gateway::start(&rest);
    let mut client = gateway.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nup",
    );
    client.response().assert_own(408, "client_body_timeout");
    assert!(upstream.received().is_empty());
}

#[test]
fn gives_an_early_answer_to_a_held_body() {
    let upstream = Upstream::start(|peer| {
        if peer.request_head().is_some() {
            peer.wire.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
            peer.wait_for_end();
        }
    });
    let gateway = changing(
        upstream.address,
        "buffer = \"16MiB\"\n\
                            request = [{ find = \"a\", with = \"b\" }]",
    );
    let response = gateway.ask(post("text/plain", &vec![b'a'; 8 * 1024 * 1024], None));
    assert_eq!((response.status, response.text().as_str()), (403, "no"));
}

#[test]
fn holds_the_bodies_of_one_worker_within_a_bound() {
    // 64 MiB over all bodies: five of 16 MiB are one too many.
    let upstream = echo();
    let gateway = changing(
        upstream.address,
        "buffer = \"16MiB\"\nrequest = [{ find = \"none\", with = \"b\" }]",
    );
    let bytes = 15 * 1024 * 1024;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = gateway.connect();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
             Content-Length: {bytes}\r\n\r\n"
        ));
        // The last byte stays out, so that all are held at once.
        for piece in vec![b'x'; bytes - 1].chunks(1024 * 1024) {
            if client.try_send(piece).is_err() {
                break;
            }
        }
        clients.push(client);
    }
    gateway.wait_for_reason("held_bodies_full");
    let before = gateway.rss_most_kib();
    assert!(before < 220 * 1024, "{before} KiB");
    drop(clients);
    until("a small body is taken again", 10, || {
        let response = gateway.ask(post("text/plain", &vec![b'x'; 200_000], None));
        (response.status == 200).then_some(())
    });
}

#[test]
fn check_says_which_routes_hold_bodies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "listen_addr = \"127.0.0.1:0\"\n\
        [[routes]]\nid = \"plain\"\npath = \"/a\"\nupstreams = [{ url = \"http://127.0.0.1:1\" }]\n\
        [[routes]]\nid = \"both\"\npath = \"/b\"\nupstreams = [{ url = \"http://127.0.0.1:1\" }]\n\
        [routes.transform]\nbuffer = \"64KiB\"\nrequest = [{ find = \"a\", with = \"b\" }]\n\
        response = [{ find = \"a\", with = \"b\" }]\n";
    let (code, out, err) = run(&mut frys_on(folder.path(), "check", "frys.toml", text));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("route `both` holds requests up to 64KiB and answers up to 64KiB"),
        "{out}"
    );
    assert!(!out.contains("plain"), "{out}");
}

#[test]
fn holds_to_the_bound_of_the_routes_own_limits() {
    let upstream = echo();
    let steps = "request = [{ find = \"x\", with = \"y\" }]\n\
                 [routes.request_limits]\nbody = \"10B\"";
    let gateway = changing(upstream.address, steps);
    for chunk_bytes in [None, Some(4)] {
        let response = gateway.ask(post("text/plain", &[b'x'; 10], chunk_bytes));
        assert_eq!(response.text(), "y".repeat(10), "{chunk_bytes:?}");
        let refused = gateway.ask(post("text/plain", &[b'x'; 11], chunk_bytes));
        refused.assert_own(413, "body_too_large");
    }
    assert_eq!(upstream.received().len(), 2, "an upstream was asked for nothing else");
}

#[test]
fn a_body_of_two_media_types_cannot_be_read() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Type: application/json\r\n\
         Content-Length: 9\r\n\r\n{\"a\": 1}\n",
    );
    let steps = "request = [{ json_remove = [\"admin\"] }]";
    let leaving = changing(upstream.address, steps);
    let refusing = changing(upstream.address, &format!("on_error = \"refuse\"\n{steps}"));
    let ask = |gateway: &Gateway, fields: &str| {
        gateway.ask(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\nContent-Length: 14\r\n\r\n{{\"admin\": true"
        ))
    };
    for fields in [
        "Content-Type: text/plain\r\nContent-Type: application/json",
        "Content-Type: application/json\r\nContent-Type: text/plain",
        "Content-Type: text/plain, application/json",
        "Content-Type:\r\nContent-Type: application/json",
    ] {
        ask(&refusing, fields).assert_own(400, "body_unreadable");
        assert_eq!(ask(&leaving, fields).status, 200, "{fields}");
    }
    assert!(upstream.received().iter().all(|request| request.body == b"{\"admin\": true"));
    assert_eq!(ask(&refusing, "Content-Type: text/plain").status, 200);
    let steps = "on_error = \"refuse\"\nresponse = [{ json_remove = [\"a\"] }]";
    changing(upstream.address, steps).get("/").assert_own(502, "answer_unreadable");
}
