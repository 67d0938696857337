//! One worker, and for each route an upstream that says what it was sent.

use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::config::{self, Format, GatewayConfig};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::simulated::{Faults, Settings};
use frys_gateway::runtime::{Address, Listener, Options, Runtime, Segment, Socket};
use frys_gateway::snapshot::{self, Resolved};

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

const GATEWAY: &str = "10.0.0.1:80";

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The name of the upstream that answered; empty where the gateway did.
    pub upstream: String,
    /// The target that it was sent.
    pub target: String,
    /// The reason that the gateway gave.
    pub reason: String,
    head: String,
}

impl Answer {
    /// `name target` of an upstream, `status reason` of the gateway.
    pub fn text(&self) -> String {
        match self.upstream.as_str() {
            "" => format!("{} {}", self.status, self.reason),
            upstream => format!("{upstream} {}", self.target),
        }
    }

    /// The values of all fields of a name.
    pub fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// Routes as they stand in a file; `@NAME@` is an upstream of that name.
pub struct Scene {
    config: GatewayConfig,
    /// Names of upstreams, in the order of their addresses.
    names: Vec<String>,
}

impl Scene {
    /// Reads a TOML text to which only the listener is added.
    pub fn new(text: &str) -> Scene {
        let (text, names) = with_addresses(text);
        let text = format!("listen_addr = \"{GATEWAY}\"\nworkers = 1\n{text}");
        let config = GatewayConfig::from_str(&text, Format::Toml, "test.toml");
        let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(config::check(&config), [], "{text}");
        assert_eq!(snapshot::check(&config), [], "{text}");
        Scene { config, names }
    }

    /// Sends requests, each on a connection of its own, and gathers the answers.
    pub fn ask(&self, requests: &[String]) -> Vec<Answer> {
        let options = Options { buffers_count: 64, buffer_bytes: 4096, ..Options::default() };
        let settings = Settings { seed: 1, faults: Faults::none() };
        let runtime = Runtime::simulated(&options, settings);
        let block = WorkerBlock::new(0);
        let parts =
            Parts { runtime: runtime.clone(), number: 0, count: 1, block, log: None, seed: 1 };
        let worker = Worker::new(parts);
        let (mut sender, mut receiver) = mailbox::pair().expect("two descriptors");
        // The simulated network has no place for a real socket: the worker looks by itself.
        drop(receiver.take_wake());
        let snapshot = snapshot::compile(&self.config, &Resolved::new(), 1).expect("it is valid");
        let installed = sender.send(Message::Install(Arc::new(snapshot)));
        assert!(installed.is_ok(), "an empty mailbox has room");
        for (index, name) in self.names.iter().enumerate() {
            let listener = runtime.listen_simulated(address(index)).expect("a free address");
            runtime.spawn(serve(runtime.clone(), listener, name.as_str().into()));
        }
        let gateway: SocketAddr = GATEWAY.parse().expect("an address");
        let listener = runtime.listen_simulated(gateway).expect("a free address");
        runtime.spawn(worker.run(vec![listener], receiver));
        runtime.block_on(async {
            let mut answers = Vec::new();
            for request in requests {
                let socket = runtime.connect(&Address::Tcp(gateway)).await.expect("it listens");
                answers.push(exchange(&runtime, &socket, request).await);
            }
            answers
        })
    }

    /// GETs one target with further field lines.
    pub fn get(&self, target: &str, fields: &[&str]) -> Answer {
        self.ask(&[get(target, fields)]).remove(0)
    }
}

/// A GET of `a.test`, on a connection that it ends.
pub fn get(target: &str, fields: &[&str]) -> String {
    let lines: String = fields.iter().map(|line| format!("{line}\r\n")).collect();
    format!("GET {target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{lines}\r\n")
}

/// The text with an address for each name, and the names.
fn with_addresses(text: &str) -> (String, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut out = String::new();
    for (index, part) in text.split('@').enumerate() {
        if index % 2 == 0 {
            out.push_str(part);
            continue;
        }
        let place = names.iter().position(|name| name == part).unwrap_or(names.len());
        if place == names.len() {
            names.push(part.to_owned());
        }
        out.push_str(&format!("upstreams = [{{ url = \"http://{}\" }}]", address(place)));
    }
    (out, names)
}

fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, u8::try_from(index + 1).expect("few upstreams")], 80))
}

/// Answers every head with its own name and the target that it was sent.
async fn serve(runtime: Runtime, listener: Listener, name: Rc<str>) {
    while let Ok(socket) = listener.accept().await {
        let (name, peer) = (name.clone(), runtime.clone());
        runtime.spawn(async move {
            let mut head = Vec::new();
            while let Ok(Some(lease)) = socket.receive().await {
                head.extend_from_slice(&lease);
                if !head.ends_with(b"\r\n\r\n") {
                    continue;
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                let target = text.split(' ').nth(1).unwrap_or_default();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nX-Upstream: {name}\r\nX-Target: {target}\r\n\
                     Deprecation: @1\r\nContent-Length: 0\r\n\r\n"
                );
                push(&peer, &socket, &answer);
                head.clear();
            }
        });
    }
}

async fn exchange(runtime: &Runtime, socket: &Socket, request: &str) -> Answer {
    push(runtime, socket, request);
    let mut bytes = Vec::new();
    while let Ok(Some(lease)) = socket.receive().await {
        bytes.extend_from_slice(&lease);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut answer = Answer {
        status: status.unwrap_or_else(|| panic!("no answer to {request}: {text}")),
        upstream: String::new(),
        target: String::new(),
        reason: String::new(),
        head,
    };
    let field = |name| answer.fields(name).first().map(|value| (*value).to_owned());
    let (upstream, target) = (field("X-Upstream"), field("X-Target"));
    let reason = field("Proxy-Status")
        .and_then(|value| Some(value.split_once("details=\"")?.1.trim_end_matches('"').to_owned()));
    answer.upstream = upstream.unwrap_or_default();
    answer.target = target.unwrap_or_default();
    answer.reason = reason.unwrap_or_default();
    answer
}

fn push(runtime: &Runtime, socket: &Socket, text: &str) {
    let mut block = runtime.blocks().take();
    block.extend_from_slice(text.as_bytes());
    socket.push(Segment::Block(block));
}
