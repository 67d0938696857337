//! Every case of `tests/wire/` through the running gateway, on what the neighbour received.

#[path = "../wire/mod.rs"]
mod cases;

use std::sync::{Arc, Mutex};

use cases::{Case, Kind, Message, Outcome};

use crate::support::{Gateway, Received, Upstream, Wire};

#[test]
fn every_request_reaches_the_upstream_as_it_says() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let gateway = Gateway::to(&[upstream.address]);
    let cases = cases::load(&upstream.address.to_string());
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| case.kind != Kind::Response) {
        if let Err(failure) = play_request(case, &gateway, &upstream) {
            failures.push(format!("{} (RFC {}): {failure}", case.id, case.rfc));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_response_reaches_the_client_as_it_says() {
    let answer = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&answer);
    // One answer a connection, so that what a case leaves behind ends with it.
    let upstream = Upstream::start(move |peer| {
        if peer.request().is_some() {
            let bytes: Vec<u8> = shared.lock().expect("no test panicked").clone();
            // A refusal may close before all of it was read.
            let _ = peer.wire.try_send(&bytes);
        }
    });
    let gateway = Gateway::to(&[upstream.address]);
    let mut failures = Vec::new();
    for case in cases::load("").iter().filter(|case| case.kind == Kind::Response) {
        answer.lock().expect("no test panicked").clone_from(&case.bytes);
        if let Err(failure) = play_response(case, &gateway) {
            failures.push(format!("{} (RFC {}): {failure}", case.id, case.rfc));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn play_request(case: &Case, gateway: &Gateway, upstream: &Upstream) -> Result<(), String> {
    let before = upstream.received().len();
    let mut client = gateway.connect();
    let head: &[u8] = match case.kind {
        Kind::Chunked => b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        Kind::Request | Kind::Response => b"",
    };
    // The gateway may refuse and close before all of it was sent.
    let _ = client.try_send(&[head, &case.bytes].concat());
    match &case.expected {
        Outcome::Accepted(message) => {
            final_status(&mut client, 200)?;
            let received = upstream.received();
            let received = received.get(before).ok_or("answered, but not by the upstream")?;
            compare_request(case, message, received)
        }
        Outcome::Refused(status) => {
            final_status(&mut client, *status)?;
            none_received(upstream, before)
        }
        Outcome::Partial => {
            client.half_close();
            client.rest();
            none_received(upstream, before)
        }
    }
}

fn final_status(client: &mut Wire, expected: u16) -> Result<(), String> {
    loop {
        let head = client.head().ok_or("closed without an answer")?;
        let status = head.line.split(' ').nth(1).and_then(|word| word.parse::<u16>().ok());
        match status {
            Some(100..=199) => {}
            Some(status) if status == expected => return Ok(()),
            _ => return Err(format!("answered `{}`, expected {expected}", head.line)),
        }
    }
}

fn none_received(upstream: &Upstream, before: usize) -> Result<(), String> {
    match upstream.received().get(before) {
        None => Ok(()),
        Some(received) => Err(format!("the upstream received {}", show(&received.head))),
    }
}

fn compare_request(case: &Case, message: &Message, received: &Received) -> Result<(), String> {
    let head = cases::without_added_lines(&received.head);
    // A chunked body alone says nothing about its head.
    if case.kind != Kind::Chunked && head != message.head {
        return Err(format!("received {}, expected {}", show(&head), show(&message.head)));
    }
    if received.body != message.body {
        return Err(format!("body {}, expected {}", show(&received.body), show(&message.body)));
    }
    same_trailers(&received.trailers, &message.trailers)
}

fn play_response(case: &Case, gateway: &Gateway) -> Result<(), String> {
    let mut client = gateway.connect();
    let method = &case.method;
    client
        .send(format!("{method} / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"));
    let head = client.head().ok_or("closed without an answer")?;
    let refused = head.line.starts_with("HTTP/1.1 502 ");
    // What follows an interim answer or an answer to HEAD is not this message's body.
    let interim = head.line.starts_with("HTTP/1.1 1");
    match &case.expected {
        Outcome::Accepted(message) => {
            let received = cases::without_added_lines(&head.raw);
            if received != message.head {
                return Err(format!(
                    "received {}, expected {}",
                    show(&received),
                    show(&message.head)
                ));
            }
            let no_body = interim || method == "HEAD" || no_body_status(&head.line);
            if no_body {
                return Ok(());
            }
            let (body, trailers) = client.body(&head.fields, true).ok_or("the body is cut")?;
            if body != message.body {
                return Err(format!("body {}, expected {}", show(&body), show(&message.body)));
            }
            same_trailers(&trailers, &message.trailers)
        }
        Outcome::Refused(_) | Outcome::Partial if refused => Ok(()),
        Outcome::Refused(_) | Outcome::Partial => match client.body(&head.fields, false) {
            // The head was good and gone before its body was not: the end must be missing.
            None => Ok(()),
            Some(_) => Err(format!("answered {} as if it were whole", show(&head.raw))),
        },
    }
}

fn no_body_status(line: &str) -> bool {
    [" 204", " 304"].iter().any(|status| line[8..].starts_with(status))
}

fn same_trailers(received: &[(String, String)], expected: &[u8]) -> Result<(), String> {
    let lines: String =
        received.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    if lines.as_bytes() == expected {
        return Ok(());
    }
    Err(format!("trailers {lines:?}, expected {}", show(expected)))
}

fn show(bytes: &[u8]) -> String {
    let shown: String = bytes.escape_ascii().to_string();
    if shown.len() > 400 { format!("`{}…`", &shown[..400]) } else { format!("`{shown}`") }
}
