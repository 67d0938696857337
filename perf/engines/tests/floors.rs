//! Every floor relays what it says that it relays.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// One floor that runs, ended when dropped.
struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    fn start(program: &str, options: &[&str], upstream: SocketAddr) -> Self {
        let core = frys_gateway::runtime::cores()[0];
        let mut child = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--upstream", &upstream.to_string()])
            .args(["--core", &core.to_string()])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the floor is built");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("the floor speaks");
        let address = line.trim().strip_prefix("listening on ").expect("it says where");
        Self { address: address.parse().expect("an address"), child }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.child.kill().expect("the floor still runs: it did not fall over");
        self.child.wait().expect("it was ended");
    }
}

/// A blocking upstream: the target's last part is how many bytes its answer has. A thread a
/// connection; they end when the floor does.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    spawn(move || {
        for stream in listener.incoming().flatten() {
            spawn(move || answer_all(stream));
        }
    });
    address
}

fn answer_all(stream: TcpStream) {
    let mut input = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    while let Some((line, _)) = head(&mut input) {
        let target = line.split(' ').nth(1).unwrap_or_default();
        let bytes: usize = target.trim_start_matches('/').parse().unwrap_or_default();
        let mut message =
            format!("HTTP/1.1 200 OK\r\nX-Line: {line}\r\nContent-Length: {bytes}\r\n\r\n")
                .into_bytes();
        message.extend(body(bytes));
        if (&stream).write_all(&message).is_err() {
            return;
        }
    }
}

fn body(bytes: usize) -> impl Iterator<Item = u8> {
    (0..bytes).map(|position| (position * 31 / 7) as u8)
}

/// The first line of a head and its length; `None` at the end of the stream.
fn head(input: &mut impl BufRead) -> Option<(String, usize)> {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some((first?, length));
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse().ok()?;
        }
        first.get_or_insert_with(|| line.to_owned());
    }
}

/// A client that waits for each answer.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the floor listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        stream.set_nodelay(true).expect("TCP");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the floor reads");
    }

    fn expect(&mut self, bytes: usize) {
        let (line, length) = head(&mut self.0).expect("an answer");
        assert_eq!((line.as_str(), length), ("HTTP/1.1 200 OK", bytes));
        let mut received = vec![0; bytes];
        self.0.read_exact(&mut received).expect("a whole body");
        assert!(received.iter().copied().eq(body(bytes)), "the body is as it was sent");
    }

    fn ask(&mut self, bytes: usize) {
        self.send(format!("GET /{bytes} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        self.expect(bytes);
    }

    fn expect_end(&mut self) {
        let ended = self.0.read(&mut [0]);
        assert!(ended.is_err() || ended.is_ok_and(|bytes| bytes == 0), "the connection ended");
    }
}

fn relays(program: &str, options: &[&str]) {
    let floor = Floor::start(program, options, upstream());
    let address = floor.address;
    let mut client = Client::new(address);
    for _ in 0..100 {
        client.ask(150);
    }
    client.ask(1024 * 1024);
    client.ask(0);
    many_at_once(address);
    heads_in_pieces(address);
    let mut refused = Client::new(address);
    refused.send(b"PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n");
    refused.expect_end();
    let mut last = Client::new(address);
    last.send(b"GET /5 HTTP/1.1\r\nConnection: close\r\n\r\n");
    last.expect(5);
    last.expect_end();
    client.ask(150);
}

fn many_at_once(address: SocketAddr) {
    let client = |number: usize| {
        spawn(move || {
            let mut client = Client::new(address);
            for turn in 0..20 {
                client.ask(number * 1000 + turn * 7001);
            }
        })
    };
    let clients: Vec<JoinHandle<()>> = (0..16).map(client).collect();
    for client in clients {
        client.join().expect("each client was answered");
    }
}

fn heads_in_pieces(address: SocketAddr) {
    let mut client = Client::new(address);
    // An answer between proves that the first piece arrived alone.
    client.send(b"GET /7 HTTP/1.1\r\nHost: a\r\n\r\nGET /9 HTT");
    client.expect(7);
    client.send(b"P/1.1\r\nHost: a\r\n\r\nGET /11 HTTP/1.1\r\n\r\n");
    client.expect(9);
    client.expect(11);
}

#[test]
fn frys_relays() {
    relays(env!("CARGO_BIN_EXE_floor-frys"), &[]);
}

#[test]
fn monoio_relays() {
    relays(env!("CARGO_BIN_EXE_floor-monoio"), &[]);
}

#[test]
fn deferred_monoio_relays() {
    relays(env!("CARGO_BIN_EXE_floor-monoio"), &["--deferred"]);
}

#[test]
fn glommio_relays() {
    relays(env!("CARGO_BIN_EXE_floor-glommio"), &[]);
}

#[test]
fn tokio_relays() {
    relays(env!("CARGO_BIN_EXE_floor-tokio"), &[]);
}

#[test]
fn epoll_relays() {
    relays(env!("CARGO_BIN_EXE_floor-epoll"), &[]);
}

/// How long a client waits before the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);
