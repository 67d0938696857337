//! Bodies of both directions: lengths, chunks, trailers, none at all, and very large ones.

use crate::support::{Gateway, Upstream};

const MIB: u64 = 1024 * 1024;

#[test]
fn forwards_a_body_with_a_length() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    gateway.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    let received = upstream.wait_for(0);
    assert_eq!(received.field("content-length"), Some("5"));
    assert_eq!(received.body, b"hello");
}

#[test]
fn forwards_a_chunked_body() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    );
    assert_eq!(response.status, 200);
    let received = upstream.wait_for(0);
    assert_eq!(received.field("transfer-encoding"), Some("chunked"));
    assert_eq!(received.body, b"hello world");
}

#[test]
fn drops_chunk_extensions() {
    let upstream = Upstream::start(|peer| {
        if let Some(mut request) = peer.request_head() {
            request.body = peer.wire.take("5\r\nhello\r\n0\r\n\r\n".len());
            peer.remember(&request);
            peer.wire.send("HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    gateway.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5;evil=\"x\"\r\nhello\r\n0\r\n\r\n",
    );
    let body = upstream.wait_for(0).body;
    assert!(!body.windows(4).any(|bytes| bytes == b"evil"));
}

#[test]
fn forwards_a_chunked_response() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    for _ in 0..2 {
        let response = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(response.text(), "abcde");
    }
}

#[test]
fn forwards_a_response_that_ends_at_close() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    assert_eq!(gateway.get("/").text(), "until the end");
    assert_eq!(gateway.get("/").text(), "until the end");
    assert_eq!(upstream.connections_count(), 2);
}

#[test]
fn forwards_trailers_to_a_client_that_asked() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
         2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n";
    let response = gateway.ask(request);
    assert_eq!(response.text(), "ok");
    assert_eq!(response.trailers, [("X-Sum".to_owned(), "42".to_owned())]);
}

#[test]
fn drops_trailers_for_a_client_that_did_not_ask() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.get("/");
    assert_eq!(response.text(), "ok");
    assert!(response.trailers.is_empty());
}

#[test]
fn never_lets_a_trailer_change_the_framing() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    gateway.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nhi\r\n0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n",
    );
    for received in upstream.received() {
        for (name, _) in &received.trailers {
            assert!(!name.eq_ignore_ascii_case("content-length"), "{received:?}");
            assert!(!name.eq_ignore_ascii_case("host"), "{received:?}");
        }
    }
}

#[test]
fn answers_head_without_a_body() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let body = if request.line.starts_with("HEAD") { "" } else { "body" };
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{body}"));
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    let response = client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.field("content-length"), Some("4"));
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "body");
    assert_eq!(upstream.connections_count(), 1);
}

#[test]
fn answers_204_and_304_without_a_body() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let status = request.target().trim_start_matches('/').to_owned();
            peer.wire.send(format!("HTTP/1.1 {status} X\r\nETag: \"a\"\r\n\r\n"));
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    for status in [204, 304, 204] {
        let response = client.ask(format!("GET /{status} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(response.status, status);
        assert_eq!(response.field("transfer-encoding"), None);
    }
}

#[test]
fn forwards_an_answer_that_comes_before_the_upload_ended() {
    let upstream = Upstream::start(|peer| {
        if peer.request_head().is_some() {
            peer.wire.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
            peer.wait_for_end();
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
    let response = client.response();
    assert_eq!(response.status, 403);
    assert_eq!(response.text(), "no");
}

#[test]
fn streams_both_bodies_at_once() {
    let upstream = Upstream::start(|peer| {
        if peer.request_head().is_some() {
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
            for _ in 0..4 {
                let bytes = peer.wire.take(2);
                peer.wire.send(bytes);
            }
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut client = gateway.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    assert_eq!(client.response_without_body().status, 200);
    for bytes in [b"ab", b"cd", b"ef", b"gh"] {
        client.send(bytes);
        assert_eq!(client.take(2), bytes);
    }
}

#[test]
fn streams_a_large_response_in_bounded_memory() {
    let upstream = Upstream::start(|peer| {
        while peer.request().is_some() {
            let bytes = 100 * MIB;
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n"));
            for _ in 0..100 {
                peer.wire.send(vec![b'x'; MIB as usize]);
            }
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let before = gateway.rss_most_kib();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_without_body().field("content-length"), Some("104857600"));
    client.skip(100 * MIB);
    let grown = gateway.rss_most_kib() - before;
    assert!(grown < 20 * 1024, "grew by {grown} KiB");
}

#[test]
fn holds_a_response_back_while_the_client_does_not_read() {
    let upstream = Upstream::start(|peer| {
        if peer.request().is_some() {
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 100 * MIB));
            for _ in 0..100 {
                // The gateway stops reading; the send fails when the test closes the client.
                if peer.wire.try_send(&vec![b'x'; MIB as usize]).is_err() {
                    return;
                }
            }
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let before = gateway.rss_most_kib();
    let mut client = gateway.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_without_body().status, 200);
    // Other clients are served meanwhile, and the gateway's memory stays.
    for _ in 0..50 {
        assert_eq!(gateway.admin("/health").status, 200);
    }
    let grown = gateway.rss_most_kib() - before;
    assert!(grown < 20 * 1024, "grew by {grown} KiB");
    drop(client);
}

#[test]
fn streams_a_large_upload_in_bounded_memory() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request_head() {
            let bytes = request.field("content-length").and_then(|text| text.parse().ok());
            peer.wire.skip(bytes.expect("a length"));
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let before = gateway.rss_most_kib();
    let mut client = gateway.connect();
    client.send(format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 100 * MIB));
    for _ in 0..100 {
        client.send(vec![b'x'; MIB as usize]);
    }
    assert_eq!(client.response().text(), "ok");
    let grown = gateway.rss_most_kib() - before;
    assert!(grown < 20 * 1024, "grew by {grown} KiB");
}

#[test]
fn keeps_the_bytes_of_a_large_body() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let length = request.body.len();
            peer.wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
            peer.wire.send(request.body);
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let body: Vec<u8> = (0..3_000_017_u64).map(|n| (n * n / 7 % 251) as u8).collect();
    for chunked in [false, true] {
        let mut request = match chunked {
            false => {
                format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len())
            }
            true => "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        }
        .into_bytes();
        if chunked {
            for chunk in body.chunks(70_001) {
                request.extend(format!("{:x}\r\n", chunk.len()).bytes());
                request.extend(chunk);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\n\r\n");
        } else {
            request.extend(&body);
        }
        assert!(gateway.ask(request).body == body, "chunked: {chunked}");
    }
}
