//! The gateway inside another program: this one. What the seed promised works, on any executor or
//! on none, several times in one process, and leaves what belongs to the process alone.

#[path = "embedding/executors.rs"]
mod executors;
#[path = "embedding/several.rs"]
mod several;
#[path = "embedding/stats.rs"]
mod stats;
#[cfg(all(feature = "authentication", feature = "rate_limiting"))]
#[path = "embedding/seed.rs"]
mod seed;
#[cfg(all(feature = "authentication", feature = "rate_limiting", feature = "authorization"))]
#[path = "embedding/examples.rs"]
mod examples;
#[path = "embedding/upstream.rs"]
mod upstream;

use frys_gateway::{
    AdminConfig, Gateway, GatewayConfig, ListenAddress, Route, RouteBuilder, Running,
    StaticResponse, Workers,
};

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// One worker, one port that the system chooses, no admin, and these routes.
fn config(routes: Vec<Route>) -> GatewayConfig {
    GatewayConfig {
        listen_addr: "127.0.0.1:0".parse().expect("an address"),
        workers: Workers::Count(1),
        admin: AdminConfig { enabled: false, ..Default::default() },
        drain_timeout: Duration::from_secs(5),
        routes,
        ..Default::default()
    }
}

/// A route that answers everything with a text.
fn saying(text: &str) -> Route {
    let response = StaticResponse { body: Some(text.to_owned()), ..Default::default() };
    RouteBuilder::new("all").path("/*").respond(response).build()
}

/// A gateway that serves.
fn started(config: GatewayConfig) -> Running {
    let mut running = Gateway::checked(config).expect("no fault").launch().expect("it starts");
    running.wait_ready().expect("it serves");
    running
}

/// Its first address.
fn address_of(running: &Running) -> SocketAddr {
    match &running.addresses()[0] {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(path) => panic!("{} is no TCP address", path.display()),
    }
}

/// What a client is told.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    /// The value of a field.
    fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut named = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim())
    }
}

/// GETs a path with these fields, each with its line end, on a connection of its own.
fn get(address: SocketAddr, path: &str, fields: &str) -> Response {
    ask(address, "GET", path, fields)
}

/// The same with a method.
fn ask(address: SocketAddr, method: &str, path: &str, fields: &str) -> Response {
    let mut client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
    client.write_all(format!("{head}\r\n{fields}\r\n").as_bytes()).expect("it reads");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

/// Waits until nobody listens at an address any more.
fn until_refused(address: SocketAddr) {
    until("nobody listens", || TcpStream::connect(address).is_err());
}

/// Waits for a condition.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        park_timeout(Duration::from_millis(2));
    }
}

/// A port that stays ours: a socket bound to it that never listens, beside which a gateway's own
/// binds.
fn reserve() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound").as_socket().expect("an IP address");
    (socket, address)
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
