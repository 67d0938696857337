//! What is made of admins, of their answers, and of two answers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;

fn distribution(name: &str, sum_ns: u64, buckets_ns: &[(u64, u64, u64)]) -> Distribution {
    Distribution { name: name.to_owned(), sum_ns, buckets_ns: buckets_ns.to_vec() }
}

fn scrape(cpu_seconds: f64, stages: Vec<Distribution>) -> Scrape {
    Scrape {
        version: "0.1.0".to_owned(),
        uptime_seconds: 10,
        process: Process { id: 7, cpu_seconds },
        stages,
    }
}

/// A server that answers the first connection's request with these bytes and then waits for the
/// peer's end.
fn server(answer: Vec<u8>) -> (Admin, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a bound socket");
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let bytes = stream.read(&mut piece).expect("a request");
            assert!(bytes > 0, "the request ended early");
            request.extend_from_slice(&piece[..bytes]);
        }
        // A client that has seen enough may be gone.
        let _ = stream.write_all(&answer);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (Admin::Tcp(address), thread)
}

fn answering(status: &str, body: &str) -> Result<Scrape, ScrapeFault> {
    let length = body.len();
    let (admin, thread) =
        server(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into());
    let scraped = admin.scrape();
    thread.join().expect("the server does not panic");
    scraped
}

#[test]
fn reads_addresses_as_the_admin_is_configured() {
    let read = |text| Admin::parse(text).expect("an address").to_string();
    for text in ["127.0.0.1:9901", "[::1]:9901", "unix:/run/frys.sock"] {
        assert_eq!(read(text), text);
    }
    assert_eq!(read("localhost:9901"), "127.0.0.1:9901");
    for text in ["", "9901", "unix:", "localhost", "localhost:x", "http://127.0.0.1:9901"] {
        let fault = Admin::parse(text).expect_err(text);
        assert!(matches!(fault, ScrapeFault::Address { .. }), "{fault}");
    }
}

#[test]
fn subtracts_what_was_counted_before() {
    let before = scrape(
        1.5,
        vec![
            distribution("relay", 100_000, &[(0, 32, 5), (96_000, 100_000, 1)]),
            distribution(TOTAL, 1_000_000, &[(992_000, 1_024_000, 1)]),
        ],
    );
    let after = scrape(
        1.7,
        vec![
            distribution(
                "relay",
                290_000,
                &[(0, 32, 7), (64_000, 66_000, 1), (96_000, 100_000, 2)],
            ),
            distribution(TOTAL, 7_000_000, &[(992_000, 1_024_000, 3), (3_968_000, 4_096_000, 1)]),
        ],
    );
    let gateway = after.since(&before).expect("the same gateway");
    assert_eq!(gateway.requests, 3);
    assert!((gateway.cpu_s - 0.2).abs() < 1e-9);
    assert!((gateway.cpu_us_per_request - 200_000.0 / 3.0).abs() < 1e-6);
    let relay = &gateway.stages[0];
    assert_eq!((&*relay.name, relay.count, relay.mean_us), ("relay", 4, 47.5));
    assert_eq!((relay.p50_us, relay.p99_us), (0.0, 98.0));
    assert_eq!(gateway.stages.len(), 1, "the total is no stage");
    assert_eq!((gateway.total.count, gateway.total.mean_us), (3, 2_000.0));
    assert_eq!((gateway.total.min_us, gateway.total.max_us), (1_008.0, 4_032.0));
    assert_eq!(gateway.total.curve, [(200.0 / 3.0, 1_008.0), (100.0, 4_032.0)]);
}

#[test]
fn tells_zero_of_a_run_without_requests() {
    let same = scrape(1.0, vec![distribution(TOTAL, 1_000, &[(992, 1_024, 1)])]);
    let gateway = same.since(&same).expect("the same gateway");
    assert_eq!((gateway.requests, gateway.cpu_us_per_request), (0, 0.0));
    assert_eq!((gateway.total.mean_us, gateway.total.max_us), (0.0, 0.0));
}

#[test]
fn fills_in_what_passed_outside() {
    let before = scrape(1.0, vec![distribution(TOTAL, 0, &[])]);
    let after = scrape(1.0, vec![distribution(TOTAL, 1_000_000, &[(992_000, 1_024_000, 1)])]);
    let mut gateway = after.since(&before).expect("the same gateway");
    beside(&mut gateway, &report::Latency { mean_us: 1_250.0, ..Default::default() });
    assert_eq!(gateway.outside_mean_us, 250.0);
}

#[test]
fn notices_that_the_gateway_was_restarted() {
    let buckets = [(992, 1_024, 4), (2_048, 2_112, 1)];
    let before = scrape(5.0, vec![distribution(TOTAL, 6_000, &buckets)]);
    let mut other_process = before.clone();
    other_process.process.id = 8;
    let mut younger = before.clone();
    younger.uptime_seconds = 2;
    let less_cpu = scrape(0.1, before.stages.clone());
    let fewer = scrape(6.0, vec![distribution(TOTAL, 9_000, &[(992, 1_024, 3), buckets[1]])]);
    let gone = scrape(6.0, vec![distribution(TOTAL, 9_000, &buckets[..1])]);
    let shorter = scrape(6.0, vec![distribution(TOTAL, 5_000, &buckets)]);
    let mut renamed = before.clone();
    renamed.stages[0].name = "whole".to_owned();
    for after in [other_process, younger, less_cpu, fewer, gone, shorter, renamed] {
        let fault = after.since(&before).expect_err("it began anew");
        assert!(fault.to_string().starts_with("the gateway was restarted"), "{fault}");
    }
}

#[test]
fn says_that_nobody_listens() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    // Bound and not listening: nobody else can have the port, and it refuses.
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound").as_socket().expect("an IP address");
    let fault = Admin::Tcp(address).scrape().expect_err("it refuses");
    assert!(matches!(fault, ScrapeFault::Unreachable { .. }), "{fault}");
    let folder = tempfile::tempdir().expect("a folder");
    let fault = Admin::Unix(folder.path().join("none")).scrape().expect_err("there is none");
    assert!(matches!(fault, ScrapeFault::Unreachable { .. }), "{fault}");
}

#[test]
fn says_that_the_answer_did_not_come_in_time() {
    let (admin, thread) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec());
    let fault = admin.scrape_within(Duration::from_millis(20)).expect_err("it stops half-way");
    assert!(matches!(fault, ScrapeFault::TimedOut { .. }), "{fault}");
    thread.join().expect("the server does not panic");
}

#[test]
fn says_that_somebody_else_answers() {
    let (admin, thread) = server(b"220 mail.example ESMTP\r\n".to_vec());
    let faults = [
        admin.scrape().expect_err("no HTTP"),
        answering("404 Not Found", "").expect_err("no such path"),
        answering("200 OK", "<html>").expect_err("no JSON"),
        answering("200 OK", &" ".repeat(SCRAPE_BYTES_MAX + 1)).expect_err("too long"),
    ];
    thread.join().expect("the server does not panic");
    for fault in faults {
        assert!(matches!(fault, ScrapeFault::Stranger { .. }), "{fault}");
    }
}

#[test]
fn says_what_does_not_fit_of_another_version() {
    let fault = answering("200 OK", r#"{"version":"0.0.1","uptime_seconds":1}"#);
    let fault = fault.expect_err("it tells of no process");
    assert!(matches!(fault, ScrapeFault::Shape { .. }), "{fault}");
    assert!(fault.to_string().contains("process"), "{fault}");
    let text = r#"{"version":"9.0.0","uptime_seconds":1,"stages":[],
        "process":{"id":1,"cpu_seconds":0.1}}"#;
    let fault = answering("200 OK", text).expect_err("it has no stages");
    assert!(fault.to_string().contains("no `total`"), "{fault}");
}
