//! The test upstream's own command, `frys-upstream`: each behaviour over real sockets, and each
//! option that is refused.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Gateway, Wire, program, run, until};

const COMMAND: &str = env!("CARGO_BIN_EXE_frys-upstream");

/// A running upstream; dropping it stops it by SIGTERM and checks the exit status.
pub struct Served {
    pub address: SocketAddr,
    child: Child,
}

impl Served {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(COMMAND)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("frys-upstream starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on ").expect("its address");
        Self { address: address.parse().expect("an address"), child }
    }

    fn connect(&self) -> Wire {
        Wire::connect(self.address)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").arg(format!("-{name}")).arg(pid).status();
        assert!(status.expect("kill starts").success());
    }

    fn rss_kib(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let text = text.expect("procfs");
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if thread::panicking() {
            // The test failed already; nothing is left running.
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        self.signal("TERM");
        let child = &mut self.child;
        let status = until("it exits", 10, || child.try_wait().expect("a child can be asked"));
        assert_eq!(status.code(), Some(0));
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn refused(arguments: &[&str]) -> String {
    let (status, out, error) = run(Command::new(COMMAND).args(arguments));
    assert!(status.is_some_and(|status| status != 0), "{out}{error}");
    error
}

#[test]
fn each_path_answers_as_it_is_documented() {
    let served = Served::start(&[]);
    let mut wire = served.connect();
    let sized = [
        ("/small", 200, 150),
        ("/anything?page=2", 200, 150),
        ("/16k", 200, 16 * 1024),
        ("/1m", 200, 1024 * 1024),
        ("/bytes/0", 200, 0),
        ("/bytes/70001", 200, 70_001),
        ("/bytes/3m", 200, 3 * 1024 * 1024),
        ("/chunked/70001", 200, 70_001),
        ("/delay/20", 200, 150),
        ("/status/503", 503, 0),
        ("/status/204", 204, 0),
        ("/bytes/9?chunk=2&status=201", 201, 9),
    ];
    for (target, status, bytes) in sized {
        let answer = wire.ask(get(target));
        assert_eq!((answer.status, answer.body.len()), (status, bytes), "{target}");
        assert!(answer.body.iter().all(|byte| *byte == b'x'), "{target}");
    }
    let answer = wire.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(answer.text(), "hello");
    let closing = wire.ask(get("/close/77"));
    assert!(closing.closes());
    assert_eq!(closing.body.len(), 77);
    assert!(wire.is_closed());
}

#[test]
fn an_answer_closes_where_that_is_asked_for() {
    let served = Served::start(&[]);
    for request in [get("/small?close"), "GET / HTTP/1.0\r\n\r\n".to_owned()] {
        let mut wire = served.connect();
        let answer = wire.ask(request);
        assert!(answer.closes());
        assert_eq!(answer.body.len(), 150);
        assert!(wire.is_closed());
    }
}

#[test]
fn failures_are_seen_as_what_they_are() {
    let served = Served::start(&["--fail", "1:502"]);
    let mut wire = served.connect();
    assert_eq!(wire.ask(get("/small")).status, 502);
    assert_eq!(wire.ask(get("/small?fail=0")).status, 200);
    wire.send(get("/bytes/1000?fail=1:cut"));
    assert_eq!(wire.response_without_body().field("content-length"), Some("1000"));
    assert_eq!(wire.rest().len(), 500);
    let mut reset = served.connect();
    reset.send(get("/?fail=1:reset"));
    assert!(reset.is_closed());
}

#[test]
fn a_gateway_tells_of_a_cut_and_of_a_reset() {
    let served = Served::start(&[]);
    let gateway = Gateway::to(&[served.address]);
    assert_eq!(gateway.get("/bytes/9").body.len(), 9);
    assert_eq!(gateway.get("/?fail=1:reset").status, 502);
    let mut wire = gateway.connect();
    wire.send("GET /bytes/1000000?fail=1:cut HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.response_without_body().status, 200);
    assert!(wire.rest().len() < 1_000_000);
}

#[test]
fn delays_and_slow_bodies_take_their_time() {
    let served = Served::start(&["--delay", "uniform:40ms:60ms"]);
    let mut wire = served.connect();
    for (target, least_ms) in
        [("/small", 40), ("/delay/80", 80), ("/bytes/100?delay=0&rate=1k", 97)]
    {
        let begun = Instant::now();
        assert_eq!(wire.ask(get(target)).status, 200);
        assert!(begun.elapsed() >= Duration::from_millis(least_ms), "{target}");
    }
}

#[test]
fn a_fixed_service_rate_is_the_capacity() {
    let served = Served::start(&["--service-rate", "200"]);
    let mut wires: Vec<Wire> = (0..8).map(|_| served.connect()).collect();
    let begun = Instant::now();
    for _ in 0..5 {
        wires.iter_mut().for_each(|wire| wire.send(get("/small")));
        wires.iter_mut().for_each(|wire| assert_eq!(wire.response().status, 200));
    }
    // Forty requests at 200 a second.
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_stalled_server_answers_at_the_end_of_its_stall() {
    let served = Served::start(&["--stall", "150ms/300ms"]);
    let mut wire = served.connect();
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    while begun.elapsed() < Duration::from_millis(900) {
        let asked = Instant::now();
        assert_eq!(wire.ask(get("/small")).status, 200);
        longest = longest.max(asked.elapsed());
    }
    assert!(longest >= Duration::from_millis(140), "{longest:?}");
}

#[test]
fn a_large_body_is_echoed_in_little_memory() {
    let served = Served::start(&[]);
    let mut wire = served.connect();
    wire.ask(get("/small"));
    let before_kib = served.rss_kib();
    const BYTES: usize = 64 * 1024 * 1024;
    let mut writer = std::net::TcpStream::connect(served.address).expect("it listens");
    let reader = writer.try_clone().expect("a second handle");
    let reading = thread::spawn(move || {
        let mut wire = Wire::over(reader);
        let head = wire.response_without_body();
        wire.skip(BYTES as u64);
        head.status
    });
    use std::io::Write;
    write!(writer, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\n\r\n")
        .expect("a head is taken");
    let part = vec![b'y'; 1024 * 1024];
    (0..64).for_each(|_| writer.write_all(&part).expect("the body is taken"));
    assert_eq!(reading.join().expect("the reader sees it all"), 200);
    let grown_kib = served.rss_kib() - before_kib;
    assert!(grown_kib < 16 * 1024, "{grown_kib} KiB for an echo of 64 MiB");
}

#[test]
fn who_ended_his_side_is_still_answered() {
    let served = Served::start(&[]);
    let mut wire = served.connect();
    wire.send(get("/delay/50"));
    wire.half_close();
    assert_eq!(wire.response().body.len(), 150);
    assert!(wire.is_closed());
}

#[test]
fn a_request_that_is_not_understood_is_told_why() {
    let served = Served::start(&[]);
    let mut wire = served.connect();
    for (target, why) in [
        ("/bytes/many", "/bytes/: `many` is no number from 0 to 1099511627776"),
        ("/?rate=0", "rate: `0` is no number from 1 to 1073741824"),
        ("/?fail=2", "fail: `2` is no share: write a number from 0 to 1, or 10%"),
    ] {
        let answer = wire.ask(get(target));
        assert_eq!((answer.status, answer.text().as_str()), (400, why));
    }
    let answer = wire.ask("GET / HTTP/2.0\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 505);
    assert!(answer.closes() && wire.is_closed());
}

#[test]
fn curl_sees_what_a_named_upstream_was_asked() {
    let Some(curl) = program("curl") else { return };
    let served = Served::start(&["--name", "blue", "--threads", "2"]);
    let url = format!("http://{}/users/7?x=y", served.address);
    let (status, out, error) = run(Command::new(&curl).args(["-sS", "-d", "some text", &url]));
    assert_eq!(status, Some(0), "{error}");
    assert!(out.starts_with("blue was asked: POST /users/7?x=y\n"), "{out}");
    assert!(out.ends_with("  and sent 9 bytes\n"), "{out}");
}

#[test]
fn curl_uploads_and_downloads() {
    let Some(curl) = program("curl") else { return };
    let served = Served::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("upload");
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 253) as u8).collect();
    std::fs::write(&file, &body).expect("a file");
    let (place, back) = (file.display().to_string(), folder.path().join("back"));
    let url = format!("http://{}/echo", served.address);
    for coding in ["Accept: */*", "Transfer-Encoding: chunked"] {
        let to = back.display().to_string();
        let arguments = ["-sS", "--max-time", "20", "-T", &place, "-H", coding, "-o", &to, &url];
        let (status, _, error) = run(Command::new(&curl).args(arguments));
        assert_eq!(status, Some(0), "{error}");
        assert!(std::fs::read(&back).expect("the answer") == body, "{coding}");
    }
}

#[test]
fn wrong_options_are_named() {
    for (arguments, option) in [
        (["--delay", "soon"], "--delay"),
        (["--fail", "2"], "--fail"),
        (["--stall", "10s/1s"], "--stall"),
        (["--name", "a b"], "--name"),
        (["--listen", "here"], "--listen"),
        (["--threads", "0"], "threads: 0"),
        (["--cores", "9999"], "cores: this process"),
        (["--service-rate", "0"], "service-rate: 0"),
        (["--colour", "blue"], "--colour"),
    ] {
        let said = refused(&arguments);
        assert!(said.contains(option), "{said}");
    }
    let served = Served::start(&[]);
    let taken = served.address.to_string();
    let said = refused(&["--listen", &taken]);
    assert!(said.contains(&format!("cannot listen at {taken}")), "{said}");
}

#[test]
fn an_interrupt_ends_it_too() {
    let mut served = Served::start(&[]);
    served.signal("INT");
    let child = &mut served.child;
    let status = until("it exits", 10, || child.try_wait().expect("a child can be asked"));
    assert_eq!(status.code(), Some(0));
    // What is dropped next was stopped already.
    std::mem::forget(served);
}

#[test]
fn help_documents_each_path() {
    let (status, out, _) = run(Command::new(COMMAND).arg("--help"));
    assert_eq!(status, Some(0));
    for path in [
        "/small",
        "/16k",
        "/1m",
        "/bytes/N",
        "/chunked/N",
        "/close/N",
        "/delay/",
        "/status/CODE",
        "/echo",
    ] {
        assert!(out.contains(path), "{path} is not in:\n{out}");
    }
}
