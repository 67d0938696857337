//! One worker on the simulated network, with an upstream and clients as small as they can be.

use frys_gateway::bridge::mailbox;
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::config::{GatewayConfig, Route, Upstream, Workers};
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::simulated::{Faults, Settings};
use frys_gateway::runtime::{Address, Options, Runtime, Segment, Socket};
use frys_gateway::snapshot::{self, Resolved};

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
pub const GATEWAY: &str = "10.0.0.1:80";
pub const UPSTREAM: &str = "10.0.1.1:80";

/// Everything is one thread's, in virtual time that never has to move.
pub struct Scene {
    runtime: Runtime,
    pub worker: Rc<Worker>,
    clients: Vec<Socket>,
    request: &'static [u8],
    /// Control's end: a worker without control ends.
    _sender: mailbox::Sender,
}

impl Scene {
    /// Clients that are connected to [`GATEWAY`], or to [`UPSTREAM`] itself; all is warm.
    pub fn new(clients_count: usize, to: &str) -> Scene {
        Scene::with(Route::default(), REQUEST, clients_count, to)
    }

    /// As [`Scene::new`]; the gateway's route has more, and clients ask for something else.
    pub fn with(route: Route, request: &'static [u8], clients_count: usize, to: &str) -> Scene {
        let options = Options { buffers_count: 256, buffer_bytes: 4096, ..Options::default() };
        let settings = Settings { seed: 1, faults: Faults::none() };
        let runtime = Runtime::simulated(&options, settings);
        let block = WorkerBlock::new(0);
        let parts =
            Parts { runtime: runtime.clone(), number: 0, count: 1, block, log: None, seed: 1 };
        let worker = Worker::new(parts);
        let (mut sender, mut receiver) = mailbox::pair().expect("two descriptors");
        // The simulated network has no place for a real socket: the worker looks by itself.
        drop(receiver.take_wake());
        let snapshot =
            snapshot::compile(&config(route), &Resolved::default(), 1).expect("it is valid");
        let installed = sender.send(mailbox::Message::Install(Arc::new(snapshot)));
        assert!(installed.is_ok(), "an empty mailbox has room");
        let listen = |address: &str| runtime.listen_simulated(socket_address(address));
        let upstream = listen(UPSTREAM).expect("nobody listens yet");
        runtime.spawn(serve(runtime.clone(), upstream));
        let listener = listen(GATEWAY).expect("nobody listens yet");
        runtime.spawn(worker.clone().run(vec![listener], receiver));
        let to = Address::Tcp(socket_address(to));
        let mut clients = Vec::new();
        runtime.block_on(async {
            for _ in 0..clients_count {
                clients.push(runtime.connect(&to).await.expect("somebody listens"));
            }
        });
        let mut scene = Scene { runtime, worker, clients, request, _sender: sender };
        let warm_count = scene.ask(WARM_COUNT);
        assert_eq!(warm_count, WARM_COUNT * clients_count as u64, "warm requests are answered");
        scene
    }

    /// Each client asks so often, all at once, each for the next when it has its answer; how many
    /// answers were right.
    pub fn ask(&mut self, times: u64) -> u64 {
        self.ask_between(times, |_| {})
    }

    /// As [`Scene::ask`]; before each time `between` is called with its number.
    pub fn ask_between(&mut self, times: u64, between: impl Fn(u64)) -> u64 {
        let mut right_count = 0;
        self.runtime.block_on(async {
            for time in 0..times {
                between(time);
                for client in &self.clients {
                    client.push(Segment::Static(self.request));
                }
                for client in &self.clients {
                    right_count += u64::from(is_answered(client).await);
                }
            }
        });
        right_count
    }
}

const WARM_COUNT: u64 = 20;

fn socket_address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn config(route: Route) -> GatewayConfig {
    let url = format!("http://{UPSTREAM}").parse().expect("a url");
    GatewayConfig {
        listen_addr: GATEWAY.parse().expect("an address"),
        workers: Workers::Count(1),
        routes: vec![Route {
            id: "all".into(),
            path: "/*".into(),
            upstreams: vec![Upstream { url, weight: 1 }],
            ..route
        }],
        ..GatewayConfig::default()
    }
}

/// An upstream: each piece that ends a head is answered with the same bytes.
async fn serve(runtime: Runtime, listener: frys_gateway::runtime::Listener) {
    while let Ok(socket) = listener.accept().await {
        runtime.spawn(async move {
            while let Ok(Some(lease)) = socket.receive().await {
                if lease.ends_with(b"\r\n\r\n") {
                    socket.push(Segment::Static(ANSWER));
                }
            }
        });
    }
}

/// Whether the next answer is a good one, to its last byte.
async fn is_answered(client: &Socket) -> bool {
    let mut is_good = false;
    let mut received_bytes = 0;
    loop {
        let Ok(Some(lease)) = client.receive().await else { return false };
        if received_bytes == 0 {
            is_good = lease.starts_with(b"HTTP/1.1 200 OK\r\n");
        }
        received_bytes += lease.len();
        if lease.ends_with(b"\r\n\r\nhello") {
            return is_good;
        }
    }
}
