//! Bodies that go through filters of the embedding program: piece by piece, both ways at once, and
//! whole where one of them wants that.

use frys_gateway::{
    AdminConfig, BodyNeed, BodySink, BuildContext, CustomConfig, Direction, Extensions, Filter,
    FilterContext, FilterFactory, Flow, Gateway, GatewayConfig, ListenAddress, Middleware, Needs,
    Request, RouteBuilder, Running, Workers,
};

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Makes the filter that its settings name.
struct Factory(&'static str);

impl FilterFactory for Factory {
    fn build(&self, _context: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        Ok(Rc::new(Changing(self.0)))
    }
}

/// `shout`: pieces in capitals. `count`: how long the body was, behind it. `mirror`: the whole body
/// backwards. `fail`: no body at all.
struct Changing(&'static str);

impl Filter for Changing {
    fn needs(&self) -> Needs {
        let need = match self.0 {
            "mirror" => BodyNeed::Whole(1_000),
            _ => BodyNeed::Pieces,
        };
        Needs { request_body: need, response_body: need, ..Needs::default() }
    }

    fn on_request(&self, _request: &mut Request<'_>, context: &mut FilterContext<'_>) -> Flow {
        context.set(Box::new([0_usize; 2]));
        Flow::Continue
    }

    fn on_body(
        &self,
        direction: Direction,
        chunk: &[u8],
        end: bool,
        sink: &mut BodySink<'_>,
        context: &mut FilterContext<'_>,
    ) {
        match self.0 {
            "shout" => sink.pass(&chunk.to_ascii_uppercase()),
            "mirror" => {
                assert!(end, "a body that is wanted whole comes whole");
                let mirrored: Vec<u8> = chunk.iter().rev().copied().collect();
                sink.pass(&mirrored);
            }
            "count" => {
                sink.pass(chunk);
                // Both bodies are counted in what the filter keeps for the exchange.
                let counts = context.get_mut::<[usize; 2]>().expect("set on the request");
                let count = &mut counts[usize::from(direction == Direction::Response)];
                *count += chunk.len();
                if end {
                    sink.pass(format!("={count}").as_bytes());
                }
            }
            _ => sink.fail(),
        }
    }
}

/// A gateway to an upstream that gives each request's bytes back, behind these filters.
fn gateway(upstream: SocketAddr, filters: &[&'static str]) -> (Running, SocketAddr) {
    let mut extensions = Extensions::new();
    for name in ["shout", "count", "mirror", "fail"] {
        extensions = extensions.filter(name, Factory(name));
    }
    let custom = |name: &&str| {
        Middleware::Custom(CustomConfig { filter: (*name).to_owned(), ..CustomConfig::default() })
    };
    let mut route =
        RouteBuilder::new("all").path("/*").upstream(&format!("http://{upstream}"), 1).build();
    route.middlewares = filters.iter().map(custom).collect();
    let config = GatewayConfig {
        listen_addr: "127.0.0.1:0".parse().expect("an address"),
        workers: Workers::Count(1),
        admin: AdminConfig { enabled: false, ..AdminConfig::default() },
        routes: vec![route],
        ..GatewayConfig::default()
    };
    let checked = Gateway::checked_with(config, extensions).expect("no fault");
    let mut running = checked.launch().expect("it starts");
    running.wait_ready().expect("it serves");
    let address = match &running.addresses()[0] {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(path) => panic!("{} is no TCP address", path.display()),
    };
    (running, address)
}

fn end(running: Running) {
    running.handle().drain();
    running.wait().expect("an orderly end");
}

/// Takes one connection and answers, after the request's head, with its body's bytes as they come.
fn upstream() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the gateway connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut received = Vec::new();
        while !received.windows(4).any(|four| four == b"\r\n\r\n") {
            read_some(&mut stream, &mut received);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .expect("it reads");
        let head_bytes = received.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(received[..head_bytes].to_vec()).expect("text");
        let mut body = received.split_off(head_bytes + 4);
        let is_chunked = head.contains("Transfer-Encoding: chunked");
        let mut sent_bytes = 0;
        loop {
            // Chunks go back as they are; a body with a length is one chunk.
            let is_over = match is_chunked {
                true => body.ends_with(b"0\r\n\r\n"),
                false => !body.is_empty(),
            };
            if is_chunked {
                // The gateway may be gone; the test looks at what its client was told.
                let _ = stream.write_all(&body[sent_bytes..]);
                sent_bytes = body.len();
            }
            if is_over {
                break;
            }
            if read_some(&mut stream, &mut body) == 0 {
                return head;
            }
        }
        if !is_chunked {
            let chunk =
                [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
            stream.write_all(&chunk).expect("it reads");
        }
        head
    });
    (address, serving)
}

fn read_some(stream: &mut TcpStream, into: &mut Vec<u8>) -> usize {
    let mut bytes = [0; 4096];
    // A connection that was reset has ended too.
    let count = stream.read(&mut bytes).unwrap_or(0);
    into.extend_from_slice(&bytes[..count]);
    count
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends a request and reads to the end of the connection.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut client = connect(address);
    client.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    while read_some(&mut client, &mut answer) > 0 {}
    String::from_utf8(answer).expect("text")
}

/// The bytes of a chunked body.
fn unchunked(answer: &str) -> String {
    let (head, mut rest) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a chunk");
        let bytes = usize::from_str_radix(size, 16).expect("a size");
        if bytes == 0 {
            return body;
        }
        body.push_str(&after[..bytes]);
        rest = &after[bytes + 2..];
    }
}

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";

#[test]
fn pieces_go_through_every_filter_in_its_order() {
    let (upstream, serving) = upstream();
    let (running, address) = gateway(upstream, &["shout", "count"]);
    let answer = ask(address, &format!("{POST}Content-Length: 5\r\n\r\nhello"));
    // Up: in capitals, then counted. Down, the other way round: counted, then in capitals.
    assert_eq!(unchunked(&answer), "HELLO=5=7");
    let head = serving.join().expect("no panic");
    assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
    assert!(!head.contains("Content-Length"), "{head}");
    end(running);
}

#[test]
fn both_bodies_flow_at_once() {
    let (upstream, serving) = upstream();
    let (running, address) = gateway(upstream, &["shout", "count"]);
    let mut client = connect(address);
    let head = format!("{POST}Transfer-Encoding: chunked\r\n\r\n");
    client.write_all(head.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    for piece in ["ab", "cd", "ef"] {
        client.write_all(format!("2\r\n{piece}\r\n").as_bytes()).expect("it reads");
        // Each piece is back before the next one is sent.
        let want = piece.to_ascii_uppercase();
        while !String::from_utf8_lossy(&answer).contains(&want) {
            assert_ne!(read_some(&mut client, &mut answer), 0, "the answer ended early");
        }
    }
    client.write_all(b"0\r\n\r\n").expect("it reads");
    while read_some(&mut client, &mut answer) > 0 {}
    let answer = String::from_utf8(answer).expect("text");
    assert_eq!(unchunked(&answer), "ABCDEF=6=8");
    serving.join().expect("no panic");
    end(running);
}

#[test]
fn where_one_wants_the_whole_all_are_given_it() {
    let (upstream, serving) = upstream();
    let (running, address) = gateway(upstream, &["mirror", "count"]);
    let coded = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let answer = ask(address, &format!("{POST}Transfer-Encoding: chunked\r\n\r\n{coded}"));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    // Up: mirrored and counted. Down: counted and mirrored.
    assert_eq!(body, "7=5=abcde", "{head}");
    assert!(head.contains("Content-Length: 9"), "{head}");
    assert!(serving.join().expect("no panic").contains("Content-Length: 7"));
    end(running);
}

#[test]
fn a_body_longer_than_one_takes_is_refused() {
    let (_listener, address_of_nobody) = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    };
    let (running, address) = gateway(address_of_nobody, &["mirror"]);
    let answer = ask(address, &format!("{POST}Content-Length: 1001\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_not_buffered"), "{answer}");
    end(running);
}

#[test]
fn a_filter_that_fails_ends_the_exchange() {
    let (upstream, serving) = upstream();
    let (running, address) = gateway(upstream, &["fail"]);
    let answer = ask(address, &format!("{POST}Content-Length: 5\r\n\r\nhello"));
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("filter_failed"), "{answer}");
    serving.join().expect("no panic");
    end(running);
}

const PATIENCE: Duration = Duration::from_secs(20);
