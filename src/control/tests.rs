//! The control thread with workers that only read their mailbox.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use super::resolve::tests::{NameServer, quick, says};
use super::*;
use crate::bridge::Message;
use crate::bridge::log::tests::record;
use crate::config::{GatewayConfig, Route, Upstream};
use crate::limits::LOG_RING_BYTES;

/// What a worker of these tests does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conduct {
    /// As it should.
    Good,
    /// Ends on `Stop` only.
    Stubborn,
    /// Acknowledges nothing.
    Mute,
    /// Ends when it gets its first snapshot.
    Crashing,
}

/// What a worker was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Install { generation: u64, endpoints_count: usize },
    Listen(u32),
    Unlisten(Vec<u32>),
    Drain,
    Stop,
}

struct Worker {
    told: std_mpsc::Receiver<Told>,
    thread: JoinHandle<()>,
}

fn worker(number: usize, conduct: Conduct) -> (WorkerHandle, Worker) {
    let (mailbox, mut inbox) = mailbox::pair().expect("descriptors");
    let block = WorkerBlock::new(number);
    let (mut log, reader) = log::ring(LOG_RING_BYTES, &block);
    let (_, questions) = question::pair().expect("descriptors");
    let block_shared = Arc::clone(&block);
    let handle = WorkerHandle { mailbox, block: block_shared, log: Some(reader), questions };
    let (tell, told) = std_mpsc::channel();
    let thread = thread::spawn(move || {
        let wake = UnixStream::from(inbox.take_wake().expect("not yet taken"));
        loop {
            let read = (&wake).read(&mut [0; 64]).expect("control is there");
            assert!(read > 0, "control ends after its workers");
            while let Some(message) = inbox.pop() {
                let is_last = match &message {
                    Message::Install(_) => conduct == Conduct::Crashing,
                    Message::Listen(..) | Message::Unlisten(_) => false,
                    Message::Drain { .. } => conduct != Conduct::Stubborn,
                    Message::Stop => true,
                };
                let told = match message {
                    Message::Install(snapshot) => {
                        if conduct != Conduct::Mute {
                            block.acknowledge(snapshot.generation);
                        }
                        log.push(&record());
                        let generation = snapshot.generation;
                        let endpoints_count = snapshot.clusters[0].endpoints.len();
                        Told::Install { generation, endpoints_count }
                    }
                    Message::Listen(number, _) => Told::Listen(number),
                    Message::Unlisten(numbers) => Told::Unlisten(numbers.to_vec()),
                    Message::Drain { .. } => Told::Drain,
                    Message::Stop => Told::Stop,
                };
                // The test may have seen enough.
                let _ = tell.send(told);
                if is_last {
                    return;
                }
            }
        }
    });
    (handle, Worker { told, thread })
}

/// One route to one upstream.
fn config() -> GatewayConfig {
    GatewayConfig {
        listen_addr: "127.0.0.1:0".parse().expect("an address"),
        drain_timeout: Duration::from_secs(60),
        routes: vec![Route {
            id: "route".to_owned(),
            path: "/*".to_owned(),
            upstreams: vec![Upstream { url: "http://api.test".parse().expect("a URL"), weight: 1 }],
            ..Route::default()
        }],
        ..GatewayConfig::default()
    }
}

fn settings() -> Settings {
    Settings {
        admin: Some(admin::Address::Tcp("127.0.0.1:0".parse().expect("an address"))),
        metrics_path: Some("/metrics".to_owned()),
        access_log: None,
        kept_at: None,
        fallback: None,
        extensions: Extensions::new(),
    }
}

fn resolver(server: &NameServer) -> Resolver {
    Resolver::with_servers(server.config(), quick()).expect("a resolver")
}

fn named() -> Arc<NameServer> {
    let server = NameServer::start();
    server.set("api.test", says(0, &[1]));
    server
}

fn started(settings: Settings, conducts: &[Conduct]) -> (Control, Vec<Worker>, Arc<NameServer>) {
    started_with(settings, config(), conducts)
}

fn started_with(
    settings: Settings,
    config: GatewayConfig,
    conducts: &[Conduct],
) -> (Control, Vec<Worker>, Arc<NameServer>) {
    let server = named();
    let pairs = conducts.iter().enumerate().map(|(number, conduct)| worker(number, *conduct));
    let (handles, workers) = pairs.unzip();
    let first = Candidate::built(&config, &Extensions::new()).expect("it is right");
    let mut listeners = Listeners::new(conducts.len());
    listeners.apply(listeners.change(&first.listeners).expect("a free port"));
    let resolver = resolver(&server);
    let housekeeping = Housekeeping { settings, first, listeners, resolver, workers: handles };
    (start(housekeeping).expect("it starts"), workers, server)
}

fn ask(control: &Control, path: &str) -> String {
    let Some(admin::Address::Tcp(address)) = control.admin_address() else { panic!("no TCP") };
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers");
    response
}

fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not come true");
        thread::yield_now();
    }
}

fn finish(workers: Vec<Worker>) -> Vec<Vec<Told>> {
    let finished = workers.into_iter().map(|worker| {
        worker.thread.join().expect("no panic");
        worker.told.into_iter().collect()
    });
    finished.collect()
}

const FIRST: Told = Told::Install { generation: 1, endpoints_count: 1 };

#[test]
fn is_ready_once_all_workers_acknowledged_and_drains_when_asked() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Good; 2]);
    block_on(control.ready()).expect("the workers acknowledge");
    assert!(ask(&control, "/ready").contains(" 200 "));
    assert!(ask(&control, "/metrics").contains("frys_worker_generation{worker=\"1\"} 1\n"));
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::Drained);
    for told in finish(workers) {
        assert_eq!(told, [FIRST, Told::Drain]);
    }
    let Some(admin::Address::Tcp(address)) = control.admin_address() else { panic!("no TCP") };
    TcpListener::bind(address).expect("the admin's address is free again");
}

#[test]
fn is_not_ready_while_one_worker_is_mute() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Good, Conduct::Mute]);
    until(|| ask(&control, "/ready").contains("1 of 2 workers"));
    assert!(ask(&control, "/health").contains(" 200 "));
    control.remote().stop();
    assert_eq!(control.wait_ended(), Ending::Stopped);
    for told in finish(workers) {
        assert_eq!(told, [FIRST, Told::Stop]);
    }
}

#[test]
fn tells_why_it_is_not_ready_while_it_drains() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Stubborn]);
    block_on(control.ready()).expect("the worker acknowledges");
    control.remote().drain();
    until(|| ask(&control, "/ready").contains("draining"));
    control.remote().stop();
    assert_eq!(control.wait_ended(), Ending::Stopped);
    assert_eq!(finish(workers), [[FIRST, Told::Drain, Told::Stop]]);
}

#[test]
fn cuts_off_what_outlasts_the_drain() {
    let config = GatewayConfig { drain_timeout: Duration::from_millis(1), ..config() };
    let (mut control, workers, _server) =
        started_with(settings(), config, &[Conduct::Stubborn, Conduct::Good]);
    block_on(control.ready()).expect("the workers acknowledge");
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::CutOff);
    assert_eq!(finish(workers)[0], [FIRST, Told::Drain, Told::Stop]);
}

#[test]
fn drains_the_others_when_a_worker_is_lost() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Good, Conduct::Crashing]);
    let ending = control.wait_ended();
    assert_eq!(ending, Ending::WorkerLost { worker: 1 });
    assert!(!ending.is_orderly());
    assert_eq!(finish(workers)[0], [FIRST, Told::Drain]);
}

#[test]
fn sends_a_new_generation_when_a_name_changes() {
    let (mut control, mut workers, server) = started(settings(), &[Conduct::Good]);
    block_on(control.ready()).expect("the worker acknowledges");
    server.set("api.test", says(0, &[1, 2, 3]));
    let limit = Duration::from_secs(10);
    let worker = workers.pop().expect("there is one");
    assert_eq!(worker.told.recv_timeout(limit), Ok(FIRST));
    let second = Told::Install { generation: 2, endpoints_count: 3 };
    assert_eq!(worker.told.recv_timeout(limit), Ok(second));
    until(|| ask(&control, "/metrics").contains("frys_snapshot_generation 2\n"));
    assert!(ask(&control, "/ready").contains(" 200 "));
    assert!(ask(&control, "/stats").contains("\"10.0.0.3\""));
    assert!(ask(&control, "/metrics").contains("frys_names_unresolved 0\n"));
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::Drained);
    finish(vec![worker]);
}

fn two_listeners() -> GatewayConfig {
    let mut config = config();
    config
        .listeners
        .push("127.0.0.2:0".parse::<crate::config::ListenAddress>().expect("it").into());
    config
}

fn built(config: GatewayConfig) -> Input {
    Input::Built(Box::new(config))
}

#[test]
fn a_reload_is_answered_when_every_worker_has_it() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Good; 2]);
    block_on(control.ready()).expect("the workers acknowledge");
    let reloaded = block_on(control.remote().reload(built(two_listeners()))).expect("it is right");
    assert_eq!(reloaded.generation, 2);
    assert_eq!(reloaded.changes.to_string(), "1 listener added (127.0.0.2:0)");
    let reloaded = block_on(control.remote().reload(built(config()))).expect("it is right");
    assert_eq!(reloaded.changes.to_string(), "1 listener removed (127.0.0.2:0)");
    until(|| ask(&control, "/metrics").contains("frys_generations_active 1\n"));
    let metrics = ask(&control, "/metrics");
    assert!(metrics.contains("frys_config_reloads_total{outcome=\"installed\"} 2\n"), "{metrics}");
    assert!(metrics.contains("frys_config_generation 3\n"), "{metrics}");
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::Drained);
    let install = |generation| Told::Install { generation, endpoints_count: 1 };
    for told in finish(workers) {
        let want = [install(1), install(2), Told::Listen(1), install(3), Told::Unlisten(vec![1])];
        assert_eq!(told[..5], want);
    }
}

#[test]
fn a_refused_reload_leaves_all_as_it_was() {
    let (mut control, workers, _server) = started(settings(), &[Conduct::Good]);
    block_on(control.ready()).expect("the worker acknowledges");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut taken = config();
    let address = holder.local_addr().expect("bound");
    taken.listeners.push(crate::config::ListenAddress::Tcp(address).into());
    let mut restart = config();
    restart.workers = crate::config::Workers::Count(7);
    restart.connection_limits.max_connections += 1;
    let mut tie = config();
    tie.routes.push(tie.routes[0].clone());
    for (config, want) in
        [(taken, "cannot listen on"), (restart, "workers: cannot change"), (tie, "routes[1]")]
    {
        let error = block_on(control.remote().reload(built(config))).expect_err("it is wrong");
        assert!(error.to_string().contains(want), "{error}");
    }
    let no_file = block_on(control.remote().reload(Input::File));
    assert_eq!(no_file, Err(ReloadError::NoFile));
    let metrics = ask(&control, "/metrics");
    assert!(metrics.contains("frys_config_reloads_total{outcome=\"refused\"} 4\n"), "{metrics}");
    assert!(metrics.contains("frys_config_last_reload_successful 0\n"), "{metrics}");
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::Drained);
    assert_eq!(finish(workers), [[FIRST, Told::Drain]]);
    let after = block_on(control.remote().reload(built(config())));
    assert_eq!(after, Err(ReloadError::Ending));
}

#[test]
fn stops_when_it_is_dropped() {
    let (control, workers, _server) = started(settings(), &[Conduct::Good]);
    drop(control);
    assert_eq!(finish(workers)[0].last(), Some(&Told::Stop));
}

#[test]
fn writes_the_last_log_lines_before_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let format = Format::parse("$worker $route $status").expect("a good format");
    let access_log = Some((Output::File(path.clone()), format));
    let settings = Settings { access_log, ..settings() };
    let (mut control, workers, _server) = started(settings, &[Conduct::Good; 2]);
    block_on(control.ready()).expect("the workers acknowledge");
    control.remote().drain();
    assert_eq!(control.wait_ended(), Ending::Drained);
    finish(workers);
    let text = std::fs::read_to_string(path).expect("it was written");
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0 - 200", "1 - 200"]);
}

#[test]
fn refuses_to_start_without_its_admin_address() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = admin::Address::Tcp(taken.local_addr().expect("it is bound"));
    let server = named();
    let fault = start(Housekeeping {
        settings: Settings { admin: Some(address), ..settings() },
        first: Candidate::built(&config(), &Extensions::new()).expect("it is right"),
        listeners: Listeners::new(0),
        resolver: resolver(&server),
        workers: Vec::new(),
    });
    let text = fault.err().expect("the port is taken").to_string();
    assert!(text.starts_with("the admin server cannot listen on 127.0.0.1:"), "{text}");
}

/// The one test that touches the process's signals.
#[test]
fn obeys_signals() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let format = Format::parse("$status").expect("a good format");
    let access_log = Some((Output::File(path.clone()), format));
    let settings = Settings { access_log, ..settings() };
    let (mut control, workers, _server) = started(settings, &[Conduct::Stubborn]);
    let watch = signals::install(control.remote()).expect("descriptors");
    block_on(control.ready()).expect("the worker acknowledges");
    let raise = |signal| signal_hook::low_level::raise(signal).expect("a signal of this system");

    std::fs::rename(&path, folder.path().join("access.log.1")).expect("made at the start");
    raise(signal_hook::consts::SIGUSR1);
    until(|| path.exists());

    raise(signal_hook::consts::SIGINT);
    until(|| ask(&control, "/ready").contains("draining"));
    raise(signal_hook::consts::SIGINT);
    assert_eq!(control.wait_ended(), Ending::Stopped);
    assert_eq!(finish(workers), [[FIRST, Told::Drain, Told::Stop]]);
    drop(watch);
}
