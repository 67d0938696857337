//! Rate limits and concurrency limits: over two workers, by every key, through reloads.

use crate::support::wire::{Response, Wire};
use crate::support::{Gateway, Upstream, until};

use socket2::SockRef;

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

/// Two workers, and a route that answers by itself, with these lines of its own.
fn answering(route: &str) -> Gateway {
    answering_with("", route)
}

fn answering_with(top: &str, route: &str) -> Gateway {
    Gateway::with_top(
        &format!("workers = 2\n{top}"),
        &format!("[[routes]]\nid = \"all\"\npath = \"/*\"\nrespond = {{ body = \"ok\" }}\n{route}"),
    )
}

/// As [`Gateway::ask`], with further fields.
fn get(gateway: &Gateway, path: &str, fields: &str) -> Response {
    gateway.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

/// How many of so many requests pass, each on a connection of its own, so that both workers see
/// some.
fn passed(gateway: &Gateway, count: usize, fields: impl Fn(usize) -> String) -> usize {
    let statuses = (0..count).map(|number| get(gateway, "/", &fields(number)).status);
    statuses.filter(|status| *status == 200).count()
}

fn number(response: &Response, field: &str) -> u64 {
    let value = response.field(field).unwrap_or_else(|| panic!("no {field} in {response:?}"));
    value.parse().unwrap_or_else(|_| panic!("{field}: {value}"))
}

#[test]
fn two_workers_admit_one_burst() {
    // One token comes back in a minute.
    let gateway = answering("rate_limit = { rate = \"1/min\", burst_size = 20, key = \"ip\" }\n");
    let mut wires: Vec<Wire> = (0..16).map(|_| gateway.connect()).collect();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        for wire in &mut wires {
            statuses.push(wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status);
        }
    }
    assert_eq!(statuses[..20], [200; 20]);
    assert_eq!(statuses[20..], [429; 28]);
    gateway.wait_for_reason("rate_limited");
    assert_eq!(gateway.metric("frys_rate_limit_keys", &["filter=\"rate_limit@all\""]), 1.0);
    let busy = |worker: &str| gateway.metric("frys_connections_accepted_total", &[worker]);
    let seen = [busy("worker=\"0\""), busy("worker=\"1\"")];
    assert!(seen.iter().all(|count| *count > 0.0), "both workers had clients: {seen:?}");
}

#[test]
fn tells_what_is_left_and_when_to_come_back() {
    let gateway = answering("rate_limit = { rate = \"6/min\", burst_size = 3 }\n");
    let first = gateway.get("/");
    assert_eq!(first.status, 200);
    assert_eq!(number(&first, "ratelimit-limit"), 3);
    assert_eq!(number(&first, "ratelimit-remaining"), 2);
    assert_eq!(number(&first, "ratelimit-reset"), 10);
    assert_eq!(first.field("retry-after"), None);
    assert_eq!(number(&gateway.get("/"), "ratelimit-remaining"), 1);
    assert_eq!(number(&gateway.get("/"), "ratelimit-remaining"), 0);
    let refused = gateway.get("/");
    refused.assert_own(429, "rate_limited");
    assert_eq!(number(&refused, "ratelimit-limit"), 3);
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    assert!((29..=30).contains(&number(&refused, "ratelimit-reset")), "{refused:?}");
    assert!((9..=10).contains(&number(&refused, "retry-after")), "{refused:?}");
    assert!(!refused.closes(), "the connection can carry more");
}

#[test]
fn without_headers_only_a_refusal_says_when_to_come_back() {
    let gateway = answering("rate_limit = { rate = \"1/h\", burst_size = 1, headers = false }\n");
    assert_eq!(gateway.get("/").field("ratelimit-limit"), None);
    let refused = gateway.get("/");
    assert_eq!((refused.status, refused.field("ratelimit-limit")), (429, None));
    assert!(number(&refused, "retry-after") > 3500);
}

#[test]
fn an_upstreams_own_limit_is_replaced() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nRateLimit-Limit: 7\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
    );
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         rate_limit = {{ requests_per_second = 100, burst_size = 20 }}\n",
        upstream.address
    ));
    let answer = gateway.get("/");
    let limits =
        answer.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("ratelimit-limit"));
    assert_eq!(limits.count(), 1, "{answer:?}");
    assert_eq!(number(&answer, "ratelimit-limit"), 20);
    assert_eq!(number(&answer, "retry-after"), 3, "the upstream's, since it passed here");
}

#[test]
fn of_several_limits_the_tightest_is_told() {
    let gateway = answering(
        "rate_limit = [{ rate = \"60/min\", burst_size = 60 }, { rate = \"10/h\", burst_size = 2 },\
         { rate = \"100/h\", burst_size = 9, key = \"route\" }]\n",
    );
    let answer = gateway.get("/");
    assert_eq!(number(&answer, "ratelimit-limit"), 2);
    assert_eq!(number(&answer, "ratelimit-remaining"), 1);
    let names: Vec<_> = answer.fields.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("ratelimit-")).count(), 3);
}

#[test]
fn counts_by_header_and_who_leaves_it_out_by_address() {
    let gateway =
        answering("rate_limit = { rate = \"1/h\", burst_size = 2, key = \"header:X-Key\" }\n");
    let key = |value: &'static str| move |_: usize| format!("X-Key: {value}\r\n");
    assert_eq!(passed(&gateway, 5, key("a")), 2);
    assert_eq!(passed(&gateway, 5, key("b")), 2);
    // None, an empty one, and two of them are all the same: nothing to be counted by.
    let none = ["", "X-Key: \r\n", "X-Key: a\r\nX-Key: c\r\n"];
    assert_eq!(passed(&gateway, 6, |number| none[number % 3].to_owned()), 2);
    let long = "k".repeat(16_000);
    assert_eq!(passed(&gateway, 5, |_| format!("X-Key: {long}1\r\n")), 2);
    assert_eq!(passed(&gateway, 5, |_| format!("X-Key: {long}2\r\n")), 2);
}

#[test]
fn what_is_missing_passes_or_is_refused_where_it_is_said() {
    let limit = |missing: &str| {
        answering(&format!(
            "rate_limit = {{ rate = \"1/h\", burst_size = 1, key = \"cookie:id\", \
             missing = \"{missing}\" }}\n"
        ))
    };
    let pass = limit("pass");
    assert_eq!(passed(&pass, 5, |_| String::new()), 5);
    assert_eq!(passed(&pass, 5, |_| "Cookie: id=1\r\n".to_owned()), 1);
    let refuse = limit("refuse");
    assert_eq!(passed(&refuse, 5, |_| String::new()), 0);
    assert_eq!(passed(&refuse, 5, |_| "Cookie: a=b; id=1\r\n".to_owned()), 1);
    assert_eq!(passed(&refuse, 5, |_| "Cookie: id=2; id=3\r\n".to_owned()), 0, "tossed cookies");
}

#[test]
fn counts_by_path_and_by_combinations() {
    let gateway = Gateway::with_top(
        "workers = 2",
        "[[routes]]\nid = \"user\"\npath = \"/users/{id}\"\nrespond = {}\n\
         rate_limit = { rate = \"1/h\", burst_size = 1, key = [\"path:id\", \"header:X-Key\"] }\n",
    );
    let ask = |id: u32, key: &str| get(&gateway, &format!("/users/{id}"), key).status;
    assert_eq!([ask(1, "X-Key: a\r\n"), ask(1, "X-Key: a\r\n")], [200, 429]);
    assert_eq!([ask(2, "X-Key: a\r\n"), ask(1, "X-Key: b\r\n")], [200, 200]);
    assert_eq!([ask(2, "X-Key: b\r\n"), ask(2, "X-Key: b\r\n")], [200, 429]);
}

#[test]
fn routes_share_a_limit_and_some_pay_more() {
    let gateway = Gateway::with_top(
        "workers = 2",
        "[middlewares.rate_limit.tight]\nrate = \"1/h\"\nburst_size = 10\ncosts = { report = 4 }\n\
         [[routes]]\nid = \"report\"\npath = \"/report\"\nrespond = {}\n\
         middlewares = [\"rate_limit.tight\"]\n\
         [[routes]]\nid = \"all\"\npath = \"/*\"\nrespond = {}\n\
         middlewares = [\"rate_limit.tight\"]\n",
    );
    let ask = |path: &str| gateway.get(path);
    assert_eq!(number(&ask("/report"), "ratelimit-remaining"), 6);
    assert_eq!(number(&ask("/x"), "ratelimit-remaining"), 5);
    assert_eq!(number(&ask("/report"), "ratelimit-remaining"), 1);
    assert_eq!(ask("/report").status, 429, "it costs four, and one is there");
    assert_eq!(ask("/x").status, 200);
    assert_eq!(ask("/x").status, 429);
}

#[test]
fn a_limit_in_shadow_refuses_nobody_and_counts() {
    let gateway = answering("rate_limit = { rate = \"1/h\", burst_size = 1, shadow = true }\n");
    assert_eq!(passed(&gateway, 5, |_| String::new()), 5);
    assert_eq!(gateway.get("/").field("ratelimit-limit"), None);
    until("it is counted", 10, || {
        let labels = ["filter=\"rate_limit@all\"", "decision=\"shadowed\""];
        (gateway.metric("frys_filter_decisions_total", &labels) == 5.0).then_some(())
    });
}

#[test]
fn the_log_names_the_limit_in_shadow_that_would_have_refused() {
    let gateway = answering_with(
        "[access_log]\noutput = \"@FOLDER@/access.log\"\nformat = '$shadow $filter $status'\n",
        "middlewares = [\"rate_limit.wide\", \"rate_limit.tight\", \"rate_limit.tighter\"]\n\
         [middlewares.rate_limit.wide]\nrate = \"1/h\"\nburst_size = 9\n\
         [middlewares.rate_limit.tight]\nrate = \"1/h\"\nburst_size = 2\nshadow = true\n\
         [middlewares.rate_limit.tighter]\nrate = \"1/h\"\nburst_size = 1\nshadow = true\n",
    );
    // On one connection: what a request leaves is not taken for the next one's.
    let mut wire = gateway.connect();
    let mut want = String::new();
    for (shadow, filter, status) in [
        ("-", "-", 200),
        ("rate_limit.tighter", "-", 200),
        ("rate_limit.tight", "-", 200),
        ("rate_limit.tight", "-", 200),
    ] {
        assert_eq!(wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, status);
        want += &format!("{shadow} {filter} {status}\n");
    }
    let path = gateway.file("access.log");
    let logged = until("the log has its lines", 10, || {
        let text = fs::read_to_string(&path).ok()?;
        (text.lines().count() == 4 && text.ends_with('\n')).then_some(text)
    });
    assert_eq!(logged, want);
}

#[test]
fn nobody_takes_another_address_by_saying_so() {
    let forwarded = |number: usize| format!("X-Forwarded-For: 192.0.2.{number}\r\n");
    let route = "rate_limit = { rate = \"1/h\", burst_size = 2 }\n";
    assert_eq!(passed(&answering(route), 6, forwarded), 2);
    // Of a proxy that is trusted, each client has its own.
    let trusting = answering_with("trusted_proxies = [\"127.0.0.0/8\"]", route);
    assert_eq!(passed(&trusting, 6, forwarded), 6);
    let network = |number: usize| format!("X-Forwarded-For: 2001:db8::{number}\r\n");
    assert_eq!(passed(&trusting, 6, network), 2, "one network of 64 bits is one client");
}

#[test]
fn a_flood_of_keys_grows_no_memory_and_resets_nobody() {
    let gateway = answering(
        "rate_limit = { rate = \"1/h\", burst_size = 2, key = \"header:X-Key\", \
         memory = \"4KiB\" }\n",
    );
    let victim = |_: usize| "X-Key: victim\r\n".to_owned();
    assert_eq!(passed(&gateway, 5, victim), 2);
    let mut wire = gateway.connect();
    for number in 0..5_000 {
        let status =
            wire.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Key: {number}\r\n\r\n")).status;
        assert!([200, 429].contains(&status));
    }
    assert_eq!(passed(&gateway, 5, victim), 0, "limited as before");
    let labels = ["filter=\"rate_limit@all\""];
    assert_eq!(gateway.metric("frys_rate_limit_keys", &labels), 256.0, "4 KiB of 16 bytes");
    assert!(gateway.metric("frys_rate_limit_evictions_total", &labels) > 0.0);
    assert!(gateway.metric("frys_limit_memory_bytes", &labels) < 5_000.0);
}

fn rewrite(gateway: &Gateway, from: &str, to: &str) {
    let file = gateway.file("frys.toml");
    let text = fs::read_to_string(&file).expect("the file is there");
    assert!(text.contains(from));
    fs::write(&file, text.replace(from, to)).expect("the file can be written");
    let before = gateway.metric("frys_config_generation", &[]);
    gateway.signal("HUP");
    until("the configuration is in use", 20, || {
        (gateway.metric("frys_config_generation", &[]) > before).then_some(())
    });
}

#[test]
fn counts_survive_a_reload() {
    let gateway = answering("rate_limit = { rate = \"10/h\", burst_size = 5 }\n");
    assert_eq!(passed(&gateway, 8, |_| String::new()), 5);
    rewrite(&gateway, "body = \"ok\"", "body = \"changed\"");
    assert_eq!(passed(&gateway, 8, |_| String::new()), 0, "the same limit");
    rewrite(&gateway, "burst_size = 5", "burst_size = 7");
    assert_eq!(passed(&gateway, 8, |_| String::new()), 2, "two more on the same counts");
    rewrite(&gateway, "burst_size = 7", "key = \"global\", burst_size = 7");
    assert_eq!(passed(&gateway, 8, |_| String::new()), 7, "another key is another count");
}

#[test]
fn so_many_requests_are_under_way_and_no_more() {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request_head() {
            peer.remember(&request);
            if request.target() != "/now" {
                return peer.wait_for_end();
            }
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let gateway = Gateway::with_top(
        "workers = 2",
        &format!(
            "[[routes]]\nid = \"all\"\npath = \"/*\"\nconcurrency_limit = {{ max_requests = 3 }}\n\
             upstreams = [{{ url = \"http://{}\" }}]\n",
            upstream.address
        ),
    );
    // In the middle of their bodies, so that their end is not taken for the end of a request.
    let mut waiting: Vec<Wire> = (0..3).map(|_| gateway.connect()).collect();
    for (number, wire) in waiting.iter_mut().enumerate() {
        wire.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome");
        upstream.wait_for(number);
    }
    let labels = ["filter=\"concurrency_limit@all\""];
    assert_eq!(gateway.metric("frys_concurrency_limit_active", &labels), 3.0);
    let refused = gateway.get("/now");
    refused.assert_own(429, "concurrency_limited");
    assert_eq!(number(&refused, "retry-after"), 1);
    // One client goes, and its place is free.
    drop(waiting.pop());
    until("the place is free", 10, || (gateway.get("/now").status == 200).then_some(()));
    assert_eq!(gateway.metric("frys_concurrency_limit_active", &labels), 2.0);
    drop(waiting);
    until("all places are free", 10, || {
        (gateway.metric("frys_concurrency_limit_active", &labels) == 0.0).then_some(())
    });
}

/// Streams that are silent after their first event.
fn silent_streams() -> (Upstream, Gateway) {
    let upstream = Upstream::start(|peer| {
        while let Some(request) = peer.request() {
            let (length, event) = match request.target() {
                "/now" => ("Content-Length: 0", ""),
                // Long enough to be moved in the kernel, once its first part is out.
                "/long" => ("Content-Length: 10000000", "data: 1\n\n"),
                _ => ("Transfer-Encoding: chunked", "9\r\ndata: 1\n\n\r\n"),
            };
            peer.wire.send(format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{event}"));
            if request.target() != "/now" {
                return peer.wait_for_end();
            }
        }
    });
    let gateway = Gateway::start(&format!(
        "[[routes]]\nid = \"all\"\npath = \"/*\"\nconcurrency_limit = {{ max_requests = 1 }}\n\
         timeouts = {{ upstream_idle = \"1h\", first_byte = \"1h\" }}\n\
         upstreams = [{{ url = \"http://{}\" }}]\n",
        upstream.address
    ));
    (upstream, gateway)
}

#[test]
fn a_client_that_resets_a_silent_stream_leaves_its_place() {
    let (_upstream, gateway) = silent_streams();
    for path in ["/events", "/long"] {
        let stream = TcpStream::connect(gateway.address).expect("it listens");
        let wire = stream.try_clone().expect("a socket can be cloned");
        let mut wire = Wire::over(wire);
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(wire.head().is_some());
        let begins: &[u8] = if path == "/long" { b"data: 1\n\n" } else { b"9\r\ndata: 1\n\n\r\n" };
        assert_eq!(wire.take(begins.len()), begins);
        gateway.get("/now").assert_own(429, "concurrency_limited");
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("it is open");
        drop((stream, wire));
        until("the place is free", 10, || (gateway.get("/now").status == 200).then_some(()));
    }
    assert_eq!(gateway.metric("frys_upstream_failures_total", &[]), 0.0);
    gateway.wait_for_reason("client_closed");
}
