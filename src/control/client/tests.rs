//! Against servers that do as they are told, on this machine.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

/// Gives one answer a connection, in their order, and keeps none open.
fn server(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/check?a=1", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                assert_eq!(stream.read(&mut byte).expect("a head"), 1);
                head.push(byte[0]);
            }
            heads.push(String::from_utf8(head).expect("text"));
            // Who asked may have heard enough.
            let _ = stream.write_all(&answer);
        }
        heads
    });
    (url, thread)
}

fn get(url: &str, timeout: Duration, body_bytes_max: usize) -> Result<Told, ClientFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = Clients::default().of(None).await?;
        let mut fields = HeaderMap::new();
        fields.insert("x-a", "b".parse().expect("a value"));
        let url = url.parse().expect("a URL");
        client.get(&url, &fields, Bounds { timeout, body_bytes_max }).await
    })
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn tells_what_was_answered() {
    let answer = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 4\r\n\r\nbody";
    let (url, server) = server(vec![answer.to_vec()]);
    let told = get(&url, LONG, 4).expect("an answer");
    assert_eq!(told.status, 302);
    assert_eq!(told.fields["location"], "/login");
    assert_eq!(told.body.as_deref(), Some(&b"body"[..]));
    let heads = server.join().expect("no panic");
    assert!(heads[0].starts_with("GET /check?a=1 HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[0].contains("x-a: b\r\n") && heads[0].contains("host: 127.0.0.1:"), "{heads:?}");
}

#[test]
fn a_body_that_is_too_long_is_none() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let (url, server) = server(vec![answer.to_vec()]);
    let told = get(&url, LONG, 4).expect("an answer");
    assert_eq!((told.status.as_u16(), told.body), (200, None));
    server.join().expect("no panic");
}

#[test]
fn what_was_lost_with_its_connection_is_asked_once_more() {
    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
    let (url, first) = server(vec![Vec::new(), answer.to_vec()]);
    assert_eq!(get(&url, LONG, 4).expect("an answer").status, 204);
    assert_eq!(first.join().expect("no panic").len(), 2);
    let (url, second) = server(vec![Vec::new(), Vec::new()]);
    assert!(matches!(get(&url, LONG, 4), Err(ClientFault::Failed(_))));
    assert_eq!(second.join().expect("no panic").len(), 2);
}

#[test]
fn refuses_what_is_no_answer() {
    let field = format!("X-Long: {}\r\n", "a".repeat(2 * limits::CLIENT_HEAD_BYTES_MAX));
    let many: String = (0..=limits::CLIENT_FIELDS_MAX).map(|n| format!("X-{n}: 1\r\n")).collect();
    for answer in [
        "nonsense and no HTTP\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{field}\r\n"),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
    ] {
        let line = answer[..20].to_owned();
        let (url, server) = server(vec![answer.into_bytes()]);
        let found = get(&url, LONG, 4).map(|told| told.status);
        assert!(matches!(found, Err(ClientFault::Failed(_))), "{line}: {found:?}");
        server.join().expect("no panic");
    }
}

#[test]
fn does_not_wait_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let fault = get(&url, Duration::from_millis(20), 4).expect_err("nobody answers");
    assert!(matches!(fault, ClientFault::Timeout(_)), "{fault}");
}

#[test]
fn refuses_authorities_that_are_none() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(Client::new(Some(pem)), Err(ClientFault::Authorities(_))), "{pem}");
    }
}

#[test]
fn one_client_is_made_for_the_same_authorities() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let clients = Clients::default();
        for _ in 0..3 {
            clients.of(None).await.expect("a client");
        }
        assert_eq!(clients.0.lock().expect("no panic").len(), 1);
    });
}
