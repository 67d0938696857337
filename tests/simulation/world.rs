//! One seeded world: a worker, its upstreams and its clients on one simulated network.

use crate::client::{self, Shape};
use crate::upstream;

use frys_gateway::bridge::histogram::Merged;
use frys_gateway::bridge::mailbox::{self, Message};
use frys_gateway::bridge::metrics::WorkerBlock;
use frys_gateway::bridge::reason::Reason;
use frys_gateway::bridge::stages::{Basis, Stage};
use frys_gateway::config::{
    ClusterConfig, ConnectionLimits, FileServing, GatewayConfig, HeaderEdits, Middleware,
    PoolConfig, Redirect, Rewrite, Route, StaticResponse, Timeouts, TransformConfig, TransformStep,
    Upstream, Workers,
};
use frys_gateway::http::h1::chunked::ChunkLimits;
use frys_gateway::http::h1::parse::HeadLimits;
use frys_gateway::proxy::worker::{Parts, Worker};
use frys_gateway::runtime::simulated::{Faults, Settings};
use frys_gateway::runtime::{Address, Options, Runtime};
use frys_gateway::snapshot::{Lineage, Meters, Plan, Resolved, SharedMeters, Snapshot};

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub const HEAD_LIMITS: HeadLimits = HeadLimits {
    request_line_bytes_max: 8 * 1024,
    fields_count_max: 100,
    fields_bytes_max: 32 * 1024,
};

pub const CHUNK_LIMITS: ChunkLimits =
    ChunkLimits { extension_bytes_max: 256, trailer_bytes_max: 8 * 1024 };

const CLIENTS_COUNT: u64 = 8;
const UPSTREAMS_COUNT: u64 = 3;
/// Of each upstream; fewer than clients, so that some wait for their turn.
const CONNECTIONS_PER_UPSTREAM: u64 = 3;

fn files() -> Route {
    Route {
        id: "files".into(),
        path: "/files/*".into(),
        // Any folder that is there: the simulated disk has a tree of its own.
        files: Some(FileServing { root: "/".into(), ..FileServing::default() }),
        ..Route::default()
    }
}

/// One route to one cluster of three upstreams, under bounds that a run reaches.
pub fn config(calm: bool) -> GatewayConfig {
    // Who is turned away in the middle of an upload may lose the answer to a reset, which is no
    // fault of a calm network: there, all find room.
    let max_connections = if calm { 10 * CLIENTS_COUNT } else { CLIENTS_COUNT - 2 };
    let upstream = |number: u64, weight| Upstream {
        url: format!("http://10.0.1.{number}:80").parse().expect("a url"),
        weight,
    };
    let echo = ClusterConfig {
        upstreams: vec![upstream(1, 3), upstream(2, 1), upstream(3, 1)],
        max_connections: Some(CONNECTIONS_PER_UPSTREAM as u32),
        ..ClusterConfig::default()
    };
    let seconds = |count| Some(Duration::from_secs(count));
    GatewayConfig {
        listen_addr: "10.0.0.1:80".parse().expect("an address"),
        workers: Workers::Count(1),
        connection_limits: ConnectionLimits {
            max_connections: max_connections as u32,
            ..ConnectionLimits::default()
        },
        timeouts: Timeouts {
            client_header: seconds(5),
            client_body_idle: seconds(5),
            keep_alive: seconds(2),
            connect: seconds(1),
            first_byte: seconds(2),
            upstream_idle: seconds(2),
            ..Timeouts::default()
        },
        pool: PoolConfig { idle_timeout: Duration::from_secs(1), ..PoolConfig::default() },
        clusters: [("echo".to_owned(), echo)].into(),
        routes: vec![
            Route {
                id: "echo".into(),
                path: "/echo/{bytes}/{coding}/{id}".into(),
                cluster: Some("echo".into()),
                ..Route::default()
            },
            files(),
            Route {
                id: "edited".into(),
                path: "/edited/{size}/{coding}/{id}".into(),
                cluster: Some("echo".into()),
                rewrite: Some(Rewrite::Path("/echo/$size/$coding/$id".into())),
                request_headers: set("X-Id", "$id"),
                response_headers: set("X-Edited", "$request_id"),
                ..Route::default()
            },
            held(),
            Route {
                id: "moved".into(),
                path: "/moved/*".into(),
                redirect: Some(Redirect { to: "https://$host/$rest".into(), status: 308 }),
                ..Route::default()
            },
            Route {
                id: "fixed".into(),
                path: "/fixed".into(),
                respond: Some(StaticResponse {
                    body: Some("x".repeat(FIXED_BYTES)),
                    ..StaticResponse::default()
                }),
                ..Route::default()
            },
        ],
        ..GatewayConfig::default()
    }
}

/// As `edited`, with both bodies held whole for a change of what none of them has.
fn held() -> Route {
    let nothing = || {
        vec![TransformStep::Replace { find: "a text that is nowhere".into(), with: String::new() }]
    };
    Route {
        id: "held".into(),
        path: "/held/{size}/{coding}/{id}".into(),
        cluster: Some("echo".into()),
        rewrite: Some(Rewrite::Path("/echo/$size/$coding/$id".into())),
        middlewares: vec![Middleware::Transform(TransformConfig {
            request: nothing(),
            response: nothing(),
            media_types: vec!["*/*".into()],
            ..TransformConfig::default()
        })],
        ..Route::default()
    }
}

/// The length of `/fixed`.
pub const FIXED_BYTES: usize = 40_000;

fn set(name: &str, value: &str) -> HeaderEdits {
    HeaderEdits { set: [(name.to_owned(), value.into())].into(), ..HeaderEdits::default() }
}

/// What a seed's run came to; equal for equal seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub answered_count: u64,
    pub refused_count: u64,
    pub broken_count: u64,
    pub recorded_count: u64,
    pub ended_ns: u64,
}

/// What every task of a world sees.
pub struct Shared {
    pub runtime: Runtime,
    pub gateway: Address,
    pub block: Arc<WorkerBlock>,
    /// The newest that was installed.
    pub snapshot: RefCell<Option<Arc<Snapshot>>>,
    pub worker: Rc<Worker>,
    meters: SharedMeters,
    pub lineage: RefCell<Lineage>,
    snapshots: RefCell<Vec<Weak<Snapshot>>>,
    pub calm: bool,
    /// The first segment of what the seeded clients ask for.
    pub place: Cell<&'static str>,
    /// Longer than any bound of the gateway: who waits this long waits for ever.
    pub patience_ns: u64,
    seed: u64,
    asked: RefCell<HashMap<u64, Shape>>,
    answered_count: Cell<u64>,
    refused_count: Cell<u64>,
    broken_count: Cell<u64>,
    upstream_open_count: Cell<u64>,
    fault: RefCell<Option<String>>,
}

/// SplitMix64: a stream of numbers that its seed alone decides.
pub struct Random(u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

/// The body that goes with an id: no two ids share one, so a mixed-up body shows.
pub fn body_of(id: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random(id);
    let word = random.below(u64::MAX).to_le_bytes();
    (0..bytes).map(|index| word[index % 8] ^ (index / 8) as u8).collect()
}

impl Shared {
    pub fn random(&self, stream: u64) -> Random {
        Random(self.seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(stream))
    }

    pub fn fault(&self, text: String) {
        self.fault.borrow_mut().get_or_insert(text);
    }

    pub fn asked(&self, shape: &Shape) {
        self.asked.borrow_mut().insert(shape.id, shape.clone());
    }

    /// The connection ended before the answer was whole: allowed only where something failed.
    pub fn broken(&self, shape: &Shape) {
        self.broken_count.set(self.broken_count.get() + 1);
        if self.calm && !shape.closes {
            self.fault(format!("request {} was cut off on a calm network", shape.id));
        }
    }

    pub fn answered(&self, shape: &Shape, status: u16, id: Option<u64>, body: &[u8]) {
        if self.asked.borrow_mut().remove(&shape.id).is_none() {
            self.fault(format!("request {} was answered twice", shape.id));
        }
        if status != 200 {
            self.refused_count.set(self.refused_count.get() + 1);
            let expected = [400, 408, 413, 502, 503, 504];
            if !expected.contains(&status) || (self.calm && status != 503) {
                self.fault(format!("request {} was answered {status}", shape.id));
            }
            return;
        }
        self.answered_count.set(self.answered_count.get() + 1);
        if id != Some(shape.id) {
            self.fault(format!("request {} was given the answer of {id:?}", shape.id));
        }
        let is_head = shape.method.as_str() == "HEAD";
        let expected = if is_head { 0 } else { shape.answer_bytes };
        if body != body_of(shape.id, expected) {
            self.fault(format!("request {} was given a wrong body", shape.id));
        }
    }

    /// What a stage came to.
    pub fn stage(&self, stage: Stage) -> Merged {
        let mut sum = Merged::default();
        self.block.stages.read(stage, &mut sum);
        sum
    }

    /// Whole requests.
    pub fn whole(&self) -> Merged {
        let mut sum = Merged::default();
        let routes = self.meters.lock().expect("nobody panicked").routes.named();
        let blocks = routes.iter().flat_map(|named| named.series.read(0));
        blocks.for_each(|block| sum.add(&block.latency));
        sum.add(&self.block.unrouted().latency);
        sum
    }

    /// The stages that are always timed add up to the whole, to the nanosecond.
    pub fn check_stages(&self) -> Result<(), String> {
        let always = Stage::ALL.iter().filter(|stage| stage.basis() == Basis::Clock);
        let stages_ns: u64 = always.map(|stage| self.stage(*stage).sum_ns()).sum();
        let whole_ns = self.whole().sum_ns();
        match stages_ns == whole_ns {
            true => Ok(()),
            false => Err(format!("the stages took {stages_ns} ns, the requests {whole_ns} ns")),
        }
    }

    /// The next generation, of this configuration.
    pub fn compile(&self, config: GatewayConfig) -> Result<Arc<Snapshot>, String> {
        let generation = self.snapshot.borrow().as_ref().map_or(1, |old| old.generation + 1);
        let mut lineage = self.lineage.borrow_mut();
        let mut plan = Plan::new(&config).map_err(|faults| format!("{faults:?}"))?;
        plan.enlist(&lineage, generation);
        let snapshot = Arc::new(plan.snapshot(&mut lineage, &Resolved::default(), generation));
        *self.snapshot.borrow_mut() = Some(snapshot.clone());
        self.snapshots.borrow_mut().push(Arc::downgrade(&snapshot));
        Ok(snapshot)
    }

    /// Generations that somebody still uses, the newest among them.
    pub fn generations_count(&self) -> usize {
        self.snapshots.borrow_mut().retain(|snapshot| snapshot.strong_count() > 0);
        self.snapshots.borrow().len()
    }

    pub fn upstream_opened(&self) {
        self.upstream_open_count.set(self.upstream_open_count.get() + 1);
    }

    pub fn upstream_closed(&self) {
        self.upstream_open_count.set(self.upstream_open_count.get() - 1);
    }

    /// Clients of seeded shapes, to their end.
    pub async fn serve_clients(self: &Rc<Self>) -> Result<(), String> {
        let mut clients = Vec::new();
        for number in 1..=CLIENTS_COUNT {
            let ended = Rc::new(Cell::new(false));
            clients.push(ended.clone());
            let running = client::run(self.clone(), number);
            self.runtime.spawn(async move {
                running.await;
                ended.set(true);
            });
        }
        self.wait("the clients", || clients.iter().all(|ended| ended.get())).await
    }

    /// Waits until `done`, but not for ever.
    pub async fn wait(&self, what: &str, mut done: impl FnMut() -> bool) -> Result<(), String> {
        let runtime = &self.runtime;
        let deadline = runtime.now().plus_ns(10 * self.patience_ns);
        while !done() {
            if let Some(fault) = self.fault.borrow().clone() {
                return Err(fault);
            }
            if runtime.now() > deadline {
                return Err(format!("{what} did not end"));
            }
            runtime.sleep_until(runtime.now().plus_ns(10_000_000)).await;
        }
        Ok(())
    }
}

pub struct World {
    shared: Rc<Shared>,
    worker: Rc<Worker>,
    block: Arc<WorkerBlock>,
    sender: mailbox::Sender,
    receiver: Option<mailbox::Receiver>,
}

impl World {
    pub fn new(seed: u64, calm: bool) -> World {
        let faults = if calm { Faults::gentle() } else { Faults::rough() };
        let options = Options { buffers_count: 64, buffer_bytes: 4096, ..Options::default() };
        let runtime = Runtime::simulated(&options, Settings { seed, faults });
        let gateway: SocketAddr = "10.0.0.1:80".parse().expect("an address");
        let block = WorkerBlock::new(0);
        let parts = Parts {
            runtime: runtime.clone(),
            number: 0,
            count: 1,
            block: block.clone(),
            log: None,
            seed,
        };
        let worker = Worker::new(parts);
        let meters = Meters::new(1);
        let shared = Rc::new(Shared {
            block: block.clone(),
            snapshot: RefCell::default(),
            worker: worker.clone(),
            lineage: Lineage::new(meters.clone(), 1).into(),
            meters,
            snapshots: RefCell::default(),
            runtime,
            gateway: Address::Tcp(gateway),
            calm,
            place: Cell::new("echo"),
            patience_ns: 60_000_000_000,
            seed,
            asked: RefCell::default(),
            answered_count: Cell::new(0),
            refused_count: Cell::new(0),
            broken_count: Cell::new(0),
            upstream_open_count: Cell::new(0),
            fault: RefCell::default(),
        });
        let (sender, mut receiver) = mailbox::pair().expect("two descriptors");
        // The simulated network has no place for a real socket: the worker looks by itself.
        drop(receiver.take_wake());
        World { shared, worker, block, sender, receiver: Some(receiver) }
    }

    /// Runs the world to its end, with clients of seeded shapes.
    pub fn run(self) -> Result<Report, String> {
        self.run_scene(async |shared: Rc<Shared>| shared.serve_clients().await)
    }

    /// Runs the world until `scene` has ended.
    pub fn run_scene(
        mut self,
        scene: impl AsyncFnOnce(Rc<Shared>) -> Result<(), String>,
    ) -> Result<Report, String> {
        let snapshot = self.shared.compile(config(self.shared.calm))?;
        self.watch();
        let runtime = self.shared.runtime.clone();
        let (shared, block) = (self.shared.clone(), self.block.clone());
        let result = runtime.block_on(self.play(snapshot, scene));
        runtime.shutdown();
        runtime.check()?;
        if let Some(fault) = shared.fault.borrow_mut().take() {
            return Err(fault);
        }
        result?;
        let counters = runtime.counters();
        for (what, count) in [
            ("buffers out", counters.buffers_out),
            ("blocks out", counters.blocks_out),
            ("sockets open", counters.sockets_open),
            ("files open", counters.files_open),
            ("operations in flight", counters.operations_in_flight),
            ("tasks", counters.tasks),
        ] {
            if count != 0 {
                return Err(format!("{count} {what} at the end"));
            }
        }
        shared.check_stages()?;
        let recorded_count = Reason::ALL.iter().map(|reason| block.reason_count(*reason)).sum();
        Ok(Report {
            answered_count: shared.answered_count.get(),
            refused_count: shared.refused_count.get(),
            broken_count: shared.broken_count.get(),
            recorded_count,
            ended_ns: runtime.now().0,
        })
    }

    /// After each turn of the loop: the engine's books balance, and limits hold.
    fn watch(&self) {
        let shared = Rc::downgrade(&self.shared);
        self.shared.runtime.after_turn(move |runtime| {
            let Some(shared) = shared.upgrade() else { return };
            if let Err(text) = runtime.check() {
                shared.fault(text);
            }
            let open_count = shared.upstream_open_count.get();
            if open_count > 2 * UPSTREAMS_COUNT * CONNECTIONS_PER_UPSTREAM {
                shared.fault(format!("{open_count} upstream connections are open"));
            }
        });
    }

    async fn play(
        &mut self,
        snapshot: Arc<Snapshot>,
        scene: impl AsyncFnOnce(Rc<Shared>) -> Result<(), String>,
    ) -> Result<(), String> {
        let shared = self.shared.clone();
        let runtime = &shared.runtime;
        for number in 1..=UPSTREAMS_COUNT {
            let address = format!("10.0.1.{number}:80").parse().expect("an address");
            let listener = runtime.listen_simulated(address).map_err(|errno| errno.to_string())?;
            runtime.spawn(upstream::run(shared.clone(), listener, number));
        }
        let Address::Tcp(gateway) = shared.gateway else { return Err("no address".into()) };
        let listener = runtime.listen_simulated(gateway).map_err(|errno| errno.to_string())?;
        let receiver = self.receiver.take().ok_or("run twice")?;
        let worker = self.worker.clone();
        worker.install(snapshot.clone());
        let worker_ended = Rc::new(Cell::new(false));
        let tell = worker_ended.clone();
        runtime.spawn(async move {
            worker.run(vec![listener], receiver).await;
            tell.set(true);
        });
        self.send(Message::Install(snapshot))?;
        scene(shared.clone()).await?;
        self.send(Message::Drain { timeout: Duration::from_secs(30) })?;
        shared.wait("the worker", || worker_ended.get()).await
    }

    fn send(&mut self, message: Message) -> Result<(), String> {
        self.sender.send(message).map_err(|_| "the mailbox took no message".to_string())
    }
}
