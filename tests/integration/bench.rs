//! `frys bench TARGET` against the real test upstream and the real gateway: what is counted, what
//! is said, what is refused, and the exit status.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::gateway::FRYS;
use crate::support::{Gateway, Upstream, run};
use crate::test_upstream::Served;

/// Runs one load and gives its report, its exit status and what it said.
fn bench(words: &[&str]) -> (Value, Option<i32>, String) {
    let mut command = Command::new(FRYS);
    command.args(["bench", "--json", "--warm-up", "0s", "--threads", "1"]).args(words);
    let (status, out, error) = run(command.stdin(Stdio::null()));
    (serde_json::from_str(&out).unwrap_or_default(), status, error)
}

fn report(words: &[&str]) -> Value {
    let (report, status, error) = bench(words);
    assert_eq!(status, Some(0), "{error}");
    report
}

fn count(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}: {report}"))
}

fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer}: {report}"))
}

fn url(served: &Served, path: &str) -> String {
    format!("http://{}{path}", served.address)
}

#[test]
fn an_open_loop_sends_what_was_due_and_counts_each_answer() {
    let served = Served::start(&[]);
    let report = report(&["--rate", "500", "-d", "1s", "-c", "8", &url(&served, "/small")]);
    assert_eq!(count(&report, "/seen/requests"), 500);
    assert_eq!(count(&report, "/seen/statuses/200"), 500);
    assert_eq!(count(&report, "/seen/latency/count"), 500);
    // One that a connection took as it came free is not the generator's to be late with.
    assert!(count(&report, "/client/lateness/count") > 400);
    assert!(report.pointer("/seen/corrected").is_none(), "{report}");
}

#[test]
fn a_stall_is_in_every_request_that_it_delayed() {
    let served = Served::start(&["--stall", "400ms/1s"]);
    let report = report(&["--rate", "500", "-d", "2s", "-c", "16", &url(&served, "/small")]);
    // Four in ten requests are due within a stall of 0.4 s and wait evenly between 0 and 0.4 s: a
    // fifth of all waits for more than 0.2 s. Where the stalls begin within the run is open.
    let p75 = number(&report, "/seen/latency/p75_us");
    assert!(p75 > 60e3, "{p75}");
    let p99 = number(&report, "/seen/latency/p99_us");
    assert!(p99 > 0.35e6, "{p99}");
    // A closed loop shows the stall in one request of each connection alone.
    assert!(number(&report, "/seen/service/p75_us") < p75, "{report}");
}

#[test]
fn a_closed_loop_has_a_corrected_figure_beside_the_raw_one() {
    let served = Served::start(&[]);
    let report = report(&["-n", "300", "-c", "4", &url(&served, "/small")]);
    assert_eq!(count(&report, "/seen/requests"), 300);
    assert!(count(&report, "/seen/corrected/count") >= 300);
    assert_eq!(report.pointer("/asked/rate"), Some(&Value::Null));
    assert!(number(&report, "/seen/seconds") < 9.0, "it ends with its last request: {report}");
}

#[test]
fn errors_are_told_apart_by_kind() {
    let served = Served::start(&[]);
    let told = |words: &[&str]| bench(words).0;
    let ask = |path: &str| told(&["-n", "20", "-c", "2", "-d", "5s", &url(&served, path)]);
    assert_eq!(count(&ask("/status/503"), "/seen/errors/non_2xx"), 20);
    assert_eq!(count(&ask("/small?fail=1:reset"), "/seen/errors/reset"), 20);
    assert_eq!(count(&ask("/bytes/1000?fail=1:cut"), "/seen/errors/short_body"), 20);
    let late = told(&["-n", "2", "-c", "2", "--timeout", "100ms", &url(&served, "/delay/5000")]);
    assert_eq!(count(&late, "/seen/errors/timed_out"), 2);
    assert!(number(&late, "/seen/latency/min_us") >= 100e3, "{late}");
    let nobody = told(&["-n", "4", "-c", "2", "http://127.0.0.1:1/"]);
    assert_eq!(count(&nobody, "/seen/errors/refused"), 4);
    let other = Upstream::answering("SSH-2.0-OpenSSH_9\r\n\r\n");
    let other = told(&["-n", "2", "-c", "1", &format!("http://{}/", other.address)]);
    assert_eq!(count(&other, "/seen/errors/malformed"), 2);
}

#[test]
fn targets_are_chosen_by_weight_and_read_from_a_file() {
    let served = Served::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("urls");
    let (one, other) = (url(&served, "/status/201"), url(&served, "/status/202"));
    fs::write(&list, format!("# two\nweight=9 {one}\n\nweight=1 PUT {other}\n")).expect("written");
    let list = list.display().to_string();
    let report = report(&["-n", "1000", "-c", "4", "--urls", &list, "--body", "xyz"]);
    let others = count(&report, "/seen/statuses/202");
    assert_eq!(count(&report, "/seen/statuses/201") + others, 1_000);
    // The mean is 100, the deviation 9.5.
    assert!((50..150).contains(&others), "{others}");
}

#[test]
fn what_is_asked_reaches_the_server_as_it_was_asked() {
    let upstream = Upstream::saying("hello");
    let target = format!("http://{}/a?b=c", upstream.address);
    let words = ["-n", "1", "-c", "1", "-X", "PATCH", "-H", "X-A: b", "--body", "xyz", &target];
    report(&words);
    let received = upstream.wait_for(0);
    assert_eq!(received.target(), "/a?b=c");
    assert_eq!(received.field("x-a"), Some("b"));
    assert_eq!(received.field("content-length"), Some("3"));
}

#[test]
fn a_new_connection_for_each_request_is_one() {
    let served = Served::start(&[]);
    let target = url(&served, "/small");
    let report = report(&["-n", "50", "-c", "2", "--new-connections", &target]);
    assert_eq!(count(&report, "/seen/connections_opened"), 50);
    assert_eq!(count(&report, "/seen/connect/count"), 50);
    assert_eq!(count(&report, "/seen/requests"), 50);
}

#[test]
fn bodies_of_every_framing_are_read_to_their_end() {
    let served = Served::start(&[]);
    for path in ["/bytes/300000", "/chunked/300000", "/close/300000"] {
        let report = report(&["-n", "5", "-c", "1", &url(&served, path)]);
        assert_eq!(count(&report, "/seen/requests"), 5, "{path}");
        assert!(count(&report, "/seen/received_bytes") > 5 * 300_000, "{path}");
    }
}

#[test]
fn a_slow_reader_takes_its_time() {
    let served = Served::start(&[]);
    let target = url(&served, "/bytes/400000");
    let report = report(&["-n", "1", "-c", "1", "--read-rate", "1MiB", &target]);
    // 400 kB less the last piece at 1 MiB/s.
    assert!(number(&report, "/seen/latency/min_us") > 200e3, "{report}");
}

#[test]
fn thinking_connections_send_less() {
    let served = Served::start(&[]);
    let target = url(&served, "/small");
    let report = report(&["-d", "1s", "-c", "2", "--think", "100ms", &target]);
    assert!((10..=22).contains(&count(&report, "/seen/requests")), "{report}");
}

#[test]
fn the_exit_status_is_the_objectives() {
    let served = Served::start(&[]);
    let target = url(&served, "/delay/20");
    let (met, status, _) = bench(&["-n", "10", "-c", "1", "--slo", "p99<5s", &target]);
    assert_eq!((status, met.pointer("/objective/met")), (Some(0), Some(&Value::Bool(true))));
    let (missed, status, _) = bench(&["-n", "10", "-c", "1", "--slo", "p50<1ms", &target]);
    assert_eq!((status, missed.pointer("/objective/met")), (Some(1), Some(&Value::Bool(false))));
}

#[test]
fn where_nothing_was_answered_the_status_says_so() {
    let (report, status, _) = bench(&["-n", "4", "-c", "2", "http://127.0.0.1:1/"]);
    assert_eq!(status, Some(2));
    assert!(report["client"]["warnings"].to_string().contains("nothing was answered"), "{report}");
}

#[test]
fn requests_that_the_warm_up_used_up_are_told() {
    let served = Served::start(&[]);
    let mut command = Command::new(FRYS);
    command.args(["bench", "--json", "-n", "3", "-c", "1", &url(&served, "/small")]);
    let (status, out, _) = run(command.stdin(Stdio::null()));
    let report: Value = serde_json::from_str(&out).expect("a report");
    assert_eq!((status, number(&report, "/client/cpu_share_max")), (Some(2), 0.0));
    assert!(report["client"]["warnings"].to_string().contains("warm-up"), "{report}");
}

#[test]
fn no_request_is_lost_when_more_is_asked_for_than_can_be_sent() {
    let served = Served::start(&["--service-rate", "500"]);
    let target = url(&served, "/small");
    for arrivals in ["constant", "poisson"] {
        let words = ["-r", "20000", "-d", "500ms", "-c", "32", "--timeout", "1s", "--arrivals"];
        let (report, ..) = bench(&[&words, [arrivals, &target].as_slice()].concat());
        let unsent = count(&report, "/seen/errors/unsent");
        let timed_out = count(&report, "/seen/errors/timed_out");
        let answered = count(&report, "/seen/requests");
        let counted = answered + unsent + timed_out;
        // The count of Poisson arrivals has the deviation 100.
        let slack = if arrivals == "constant" { 0 } else { 500 };
        assert!(counted.abs_diff(10_000) <= slack, "{counted} of {report}");
        assert_eq!(count(&report, "/seen/latency/count"), counted);
    }
}

#[test]
fn too_few_open_files_are_told_before_the_run() {
    let line = format!("ulimit -n 100; exec '{FRYS}' bench -c 200 -t 1 http://127.0.0.1:1/");
    let (status, _, error) = run(Command::new("sh").args(["-c", &line]).stdin(Stdio::null()));
    assert_eq!(status, Some(2));
    assert!(error.contains("264 open files") && error.contains("ulimit -n"), "{error}");
}

#[test]
fn a_late_generator_says_so_and_strict_makes_it_an_error() {
    let served = Served::start(&[]);
    // One thread cannot send two million requests a second.
    let target = url(&served, "/small");
    let words = ["--rate", "2000000", "-d", "500ms", "-c", "64", "--timeout", "2s", &target];
    let (report, status, _) = bench(&[&["--strict"], words.as_slice()].concat());
    assert_eq!((status, report.pointer("/client/is_limit")), (Some(1), Some(&Value::Bool(true))));
    assert!(!report["client"]["warnings"].as_array().expect("a list").is_empty());
}

#[test]
fn arguments_that_make_no_run_are_refused_by_name() {
    for (words, what) in [
        (vec!["https://127.0.0.1/"], "https is not built"),
        (vec![], "no target"),
        (vec!["--rate", "0", "http://127.0.0.1:1/"], "rate"),
        (vec!["--rate=-5", "http://127.0.0.1:1/"], "rate"),
        (vec!["-c", "0", "http://127.0.0.1:1/"], "connections"),
        (vec!["-d", "5", "http://127.0.0.1:1/"], "5"),
        (vec!["-H", "Content-Length: 1", "http://127.0.0.1:1/"], "Content-Length"),
        (vec!["-X", "CONNECT", "http://127.0.0.1:1/"], "CONNECT"),
        (vec!["--urls", "/nowhere/urls"], "/nowhere/urls"),
        (vec!["http://no-such-name.invalid/"], "no-such-name.invalid"),
        (vec!["http://127.0.0.1:1/a b"], "%20"),
        (vec!["-c", "1", "find", "http://127.0.0.1:1/"], "subcommand stands first"),
        (vec!["--arrivals", "poisson", "http://127.0.0.1:1/"], "--rate"),
        (vec!["http://127.0.0.1:1/ü"], "no request that a server takes"),
        (vec!["--slo", "rate>=99%", "http://127.0.0.1:1/"], "--rate"),
        (vec!["--gateway", "127.0.0.1:1", "http://127.0.0.1:1/"], "127.0.0.1:1"),
        (vec!["--html", "/nowhere/page.html", "-n", "1", "http://127.0.0.1:1/"], "/nowhere"),
    ] {
        let (_, status, error) = bench(&words);
        assert_eq!(status, Some(2), "{words:?}: {error}");
        assert!(error.contains(what), "{words:?}: {error}");
    }
}

#[test]
fn the_gateways_stages_stand_beside_what_the_client_saw() {
    let served = Served::start(&[]);
    let gateway = Gateway::to(&[served.address]);
    let admin = format!("unix:{}", gateway.file("admin").display());
    let target = format!("http://{}/delay/30", gateway.address);
    let report = report(&["--rate", "50", "-d", "2s", "-c", "8", "--gateway", &admin, &target]);
    let asked = count(&report, "/seen/requests");
    assert!(count(&report, "/gateway/requests").abs_diff(asked) <= 10, "{report}");
    assert!(number(&report, "/gateway/cpu_us_per_request") > 0.0);
    let stages = report["gateway"]["stages"].as_array().expect("a list");
    let first_byte = stages.iter().find(|stage| stage["name"] == "upstream_first_byte");
    let p50 = first_byte.and_then(|stage| stage["p50_us"].as_f64()).expect("a figure");
    assert!((29e3..80e3).contains(&p50), "{p50}");
}

#[test]
fn a_table_a_page_and_a_pipe_that_closes_are_all_served() {
    let served = Served::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    let target = url(&served, "/small");
    let words = ["bench", "-n", "20", "-c", "2", "--warm-up", "0s", "--html"];
    let (status, out, error) =
        run(Command::new(FRYS).args(words).arg(&page).arg(&target).stdin(Stdio::null()));
    assert_eq!(status, Some(0), "{error}");
    assert!(out.contains("closed loop") && out.contains("corrected"), "{out}");
    let text = fs::read_to_string(&page).expect("the page");
    assert!(text.starts_with("<!DOCTYPE html>") || text.starts_with("<!doctype html>"), "{text}");
    assert!(text.contains("\"requests\":20"), "the page has the run");
}

#[test]
fn a_run_that_is_stopped_reports_what_it_saw_until_then() {
    let upstream = Upstream::saying("hello");
    let target = format!("http://{}/", upstream.address);
    let mut command = Command::new(FRYS);
    command.args(["bench", "--json", "--warm-up", "0s", "-c", "1", "-t", "1", "-d", "100s"]);
    command.arg(&target).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn().expect("it starts");
    upstream.wait_for(10);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill starts").success());
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(0));
    assert!(count(&report, "/seen/requests") >= 10, "{report}");
    assert!(number(&report, "/seen/seconds") < 60.0, "{report}");
    let warnings = report["client"]["warnings"].to_string();
    assert!(warnings.contains("stopped"), "{warnings}");
}
