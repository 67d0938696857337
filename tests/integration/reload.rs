//! New configurations for a running gateway: who brings them, what stays, what wrong ones change.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::gateway::{FRYS, reserve, route_to};
use crate::support::wire::Response;
use crate::support::{Gateway, Upstream, Wire, run, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The gateway's file as it is, with `from` replaced.
fn changed(gateway: &Gateway, from: &str, to: &str) -> String {
    let text = fs::read_to_string(gateway.file("frys.toml")).expect("the gateway's file");
    assert!(text.contains(from), "{from} is not in:\n{text}");
    text.replace(from, to)
}

fn write(gateway: &Gateway, text: &str) {
    fs::write(gateway.file("frys.toml"), text).expect("the file can be written");
}

fn admin(gateway: &Gateway, method: &str, path: &str, fields: &str, body: &str) -> Response {
    let mut wire = Wire::connect_unix(&gateway.file("admin")).expect("the admin listens");
    let length = body.len();
    wire.ask(format!(
        "{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n{fields}\
         Content-Length: {length}\r\n\r\n{body}"
    ))
}

fn reload(gateway: &Gateway) -> Response {
    admin(gateway, "POST", "/config/reload", "", "")
}

fn config(gateway: &Gateway) -> Value {
    serde_json::from_slice(&gateway.admin("/config").body).expect("JSON")
}

fn until_says(gateway: &Gateway, want: &str) {
    until("the new configuration is in use", 20, || {
        (gateway.get("/").text() == want).then_some(())
    });
}

/// Two upstreams, and a gateway that sends everything to the first.
fn pair(top: &str) -> (Upstream, Upstream, Gateway) {
    let (one, two) = (Upstream::saying("one"), Upstream::saying("two"));
    let gateway = Gateway::with_top(top, &route_to(&[one.address]));
    assert_eq!(gateway.get("/").text(), "one");
    (one, two, gateway)
}

fn to(upstream: &Upstream) -> String {
    upstream.address.to_string()
}

#[test]
fn follows_its_file() {
    let (one, two, gateway) = pair("workers = 2");
    write(&gateway, &changed(&gateway, &to(&one), &to(&two)));
    until_says(&gateway, "two");
    until("the log says so", 10, || {
        gateway.stderr().contains("1 route changed (all)").then_some(())
    });
}

#[test]
fn follows_a_pattern_that_a_new_file_fits() {
    let (one, two, gateway) = pair("workers = 1\ninclude = [\"more.d/*.toml\"]");
    let folder = gateway.file("more.d");
    fs::create_dir(&folder).expect("a folder");
    let route = |path: &str, upstream: &Upstream| {
        let address = upstream.address;
        format!("[[routes]]\npath = \"{path}\"\nupstreams = [{{ url = \"http://{address}\" }}]\n")
    };
    fs::write(folder.join("new.toml"), route("/new", &two)).expect("a file");
    until("the new file's route is there", 20, || {
        (gateway.get("/new").text() == "two").then_some(())
    });
    fs::write(folder.join("new.txt"), "no pattern fits").expect("a file");
    fs::write(folder.join("other.toml"), route("/other", &two)).expect("a file");
    until("the next one too", 20, || (gateway.get("/other").text() == "two").then_some(()));
    fs::remove_file(folder.join("new.toml")).expect("it is there");
    until("what is gone is gone", 20, || (gateway.get("/new").text() == "one").then_some(()));
    drop(one);
}

#[test]
fn follows_a_symlink_that_is_swapped() {
    let (one, two, gateway) = pair("workers = 1");
    drop(gateway);
    // As Kubernetes mounts a ConfigMap.
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let (_port, address) = reserve();
    let place = |number: u32, upstream: &Upstream| {
        let inside = root.join(format!("..{number}"));
        fs::create_dir(&inside).expect("a folder");
        let text = format!(
            "listen_addr = \"{address}\"\nworkers = 1\n[admin]\nenabled = false\n{}",
            route_to(&[upstream.address])
        );
        fs::write(inside.join("frys.toml"), text).expect("a file");
    };
    place(1, &one);
    place(2, &two);
    symlink("..1", root.join("..data")).expect("a link");
    symlink("..data/frys.toml", root.join("frys.toml")).expect("a link");
    let file = root.join("frys.toml");
    let mut child = Command::new(FRYS)
        .args(["run", "--config"])
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(fs::File::create(root.join("stderr")).expect("a file"))
        .spawn()
        .expect("frys starts");
    let says = |want: &str| {
        until("the gateway says so", 20, || {
            std::net::TcpStream::connect(address).ok()?;
            (Wire::connect(address).ask(GET).text() == want).then_some(())
        });
    };
    says("one");
    symlink("..2", root.join("..data.new")).expect("a link");
    fs::rename(root.join("..data.new"), root.join("..data")).expect("the same folder");
    says("two");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn reads_its_file_again_on_sighup() {
    let (one, two, gateway) = pair("workers = 1\nreload = { watch = false }");
    write(&gateway, &changed(&gateway, &to(&one), &to(&two)));
    gateway.signal("HUP");
    until_says(&gateway, "two");
    // The workers have it before control writes that they do.
    until("the log tells who asked", 20, || {
        gateway.stderr().contains("asked_by=\"signal\"").then_some(())
    });
}

#[test]
fn answers_a_post_when_every_worker_has_the_new_one() {
    let (one, two, gateway) = pair("workers = 2\nreload = { watch = false }");
    write(&gateway, &changed(&gateway, &to(&one), &to(&two)));
    let response = reload(&gateway);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains("generation 2 is in use: 1 route changed (all)"));
    // Not one request more goes where the old one sent it.
    for _ in 0..20 {
        assert_eq!(gateway.get("/").text(), "two");
    }
    let shown = config(&gateway);
    assert_eq!(shown["configuration_generation"], 2);
    for worker in shown["workers"].as_array().expect("a list") {
        assert_eq!(worker["generation"], 2);
    }
    assert_eq!(shown["configuration"]["routes"][0]["id"], "all");
    assert_eq!(gateway.metric("frys_config_reloads_total", &["installed"]), 1.0);
    assert_eq!(gateway.metric("frys_config_generation", &[]), 2.0);
}

#[test]
fn takes_a_configuration_that_is_put_and_leaves_the_file() {
    let (one, two, gateway) = pair("workers = 1\nreload = { watch = false }");
    let before = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    let text = changed(&gateway, &to(&one), &to(&two));
    let response = admin(&gateway, "PUT", "/config?format=toml", "", &text);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains("is as it was"), "{}", response.text());
    assert_eq!(gateway.get("/").text(), "two");
    assert_eq!(fs::read_to_string(gateway.file("frys.toml")).expect("the file"), before);
    let kind = "Content-Type: application/toml; charset=utf-8\r\nAccept: application/json\r\n";
    let response = admin(&gateway, "PUT", "/config", kind, &before);
    let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!((&answer["generation"], &answer["routes"]["changed"]), (&3.into(), &1.into()));
    assert_eq!(gateway.get("/").text(), "one");
    assert_eq!(admin(&gateway, "PUT", "/config", "", &before).status, 415);
    let accept = "Accept: application/json\r\n";
    let refused = admin(&gateway, "PUT", "/config?format=toml", accept, "x = 1\n");
    assert_eq!(refused.status, 400);
    let refused: serde_json::Value = serde_json::from_str(&refused.text()).expect("JSON");
    let fault = &refused["faults"][0];
    assert_eq!(fault["severity"], "fault");
    assert_eq!(fault["end"], serde_json::json!({ "line": 1, "column": 2 }));
    assert!(fault.as_object().is_some_and(|fault| fault.contains_key("related")), "{fault}");
    let said = gateway.stderr();
    assert!(said.contains("the request's body: "), "{said}");
    assert!(!said.contains("frys.toml: "), "the log blames the file:\n{said}");
    assert_eq!(reload(&gateway).status, 200);
    assert_eq!(gateway.get("/").text(), "one");
}

#[test]
fn a_wrong_file_changes_nothing_and_is_told_as_by_check() {
    let (_one, _two, gateway) = pair("workers = 1\nreload = { watch = false }");
    let good = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    let wrong = [
        good.replace("path = \"/*\"", "path = \"no\"\nwrong = 3"),
        good.replace("[[routes]]", "[[routes]]\npath = \"/*\"\n[[routes]]"),
        String::new(),
        good[..good.len() / 2].to_owned(),
    ];
    for text in &wrong {
        write(&gateway, text);
        let response = reload(&gateway);
        assert_eq!(response.status, 400, "{}", response.text());
        let file = gateway.file("frys.toml");
        let (_, _, said) = run(Command::new(FRYS).args(["check", "--config"]).arg(&file));
        assert_eq!(response.text(), said);
        assert_eq!(gateway.get("/").text(), "one");
    }
    assert_eq!(gateway.metric("frys_config_reloads_total", &["refused"]), 4.0);
    assert_eq!(gateway.metric("frys_config_last_reload_successful", &[]), 0.0);
    let json = admin(&gateway, "POST", "/config/reload", "Accept: application/json\r\n", "");
    let json: Value = serde_json::from_slice(&json.body).expect("JSON");
    assert!(json["faults"][0]["line"].is_number(), "{json}");
    write(&gateway, &good);
    assert_eq!(reload(&gateway).status, 200);
    assert_eq!(gateway.metric("frys_config_last_reload_successful", &[]), 1.0);
}

#[test]
fn what_needs_a_restart_is_refused_by_name() {
    let (_one, _two, gateway) = pair("workers = 1\nreload = { watch = false }");
    write(&gateway, &changed(&gateway, "workers = 1", "workers = 2\nruntime.entries = 512"));
    let response = reload(&gateway);
    assert_eq!(response.status, 400);
    let text = response.text();
    for part in ["frys.toml:2:", "workers: cannot change", "runtime: cannot change", "restart"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn listeners_come_and_go_without_the_others() {
    let (_one, _two, gateway) = pair("workers = 2\nreload = { watch = false }");
    let good = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    let (_port, second) = reserve();
    let path = gateway.file("socket");
    let both = good.replace(
        "workers = 2",
        &format!(
            "workers = 2\nlisteners = [{{ address = \"{second}\" }}, \
                  {{ address = \"unix:{}\" }}]",
            path.display()
        ),
    );
    let mut kept = gateway.connect();
    assert_eq!(kept.ask(GET).text(), "one");
    write(&gateway, &both);
    let response = reload(&gateway);
    assert!(response.text().contains("2 listeners added"), "{}", response.text());
    let mut leaving = Wire::connect(second);
    assert_eq!(leaving.ask(GET).text(), "one");
    assert_eq!(Wire::connect_unix(&path).expect("it listens").ask(GET).text(), "one");
    write(&gateway, &good);
    let response = reload(&gateway);
    assert!(response.text().contains("2 listeners removed"), "{}", response.text());
    // Its client lives on, and is told at its next answer.
    until("the listener is closed", 10, || {
        std::net::TcpStream::connect(second).is_err().then_some(())
    });
    assert!(!path.exists());
    let answer = leaving.ask(GET);
    assert_eq!(answer.text(), "one");
    assert!(answer.closes(), "{answer:?}");
    let answer = kept.ask(GET);
    assert_eq!(answer.text(), "one");
    assert!(!answer.closes(), "{answer:?}");
}

#[test]
fn an_address_that_is_taken_refuses_the_whole() {
    let (one, two, gateway) = pair("workers = 1\nreload = { watch = false }");
    let text = changed(&gateway, &to(&one), &to(&two));
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = holder.local_addr().expect("bound");
    let listeners = format!("workers = 1\nlisteners = [{{ address = \"{address}\" }}]");
    write(&gateway, &text.replace("workers = 1", &listeners));
    let response = reload(&gateway);
    assert_eq!(response.status, 400);
    assert!(response.text().contains(&address.to_string()), "{}", response.text());
    assert_eq!(gateway.get("/").text(), "one");
}

#[test]
fn counters_and_connections_of_what_stays_stay() {
    let (one, _two, gateway) = pair("workers = 1\nreload = { watch = false }");
    let count = |route: &str| {
        let label = format!("route=\"{route}\"");
        gateway.metric("frys_http_requests_total", &[&label, "2xx"])
    };
    let good = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    let before = format!(
        "[[routes]]\nid = \"first\"\npath = \"/first\"\nupstreams = [{{ url = \
                          \"http://{}\" }}]\n\n[[routes]]\nid = \"all\"",
        one.address
    );
    for round in 1..=5 {
        // Each time the route has another number.
        let is_odd = round % 2 == 1;
        write(
            &gateway,
            &if is_odd { good.replace("[[routes]]\nid = \"all\"", &before) } else { good.clone() },
        );
        assert_eq!(reload(&gateway).status, 200);
        assert_eq!(gateway.get("/").text(), "one");
        assert_eq!(count("all"), f64::from(round + 1));
        assert_eq!(count("first"), 0.0);
    }
    // Kept alive from the first request to the last.
    assert_eq!(one.connections_count(), 1);
}

#[test]
fn a_download_outlives_a_hundred_reloads_and_its_route() {
    let go = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&go);
    let upstream = Upstream::start(move |peer| {
        while let Some(request) = peer.request() {
            if request.line.contains("/slow") {
                peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
                until("the test lets it go on", 30, || flag.load(Ordering::SeqCst).then_some(()));
                peer.wire.send("half");
                continue;
            }
            peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let gateway = Gateway::with_top(
        "workers = 1\nreload = { watch = false }",
        &route_to(&[upstream.address]),
    );
    let mut client = gateway.connect();
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().expect("the answer begins");
    assert!(head.line.contains("200"));
    let good = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    let other = good.replace("id = \"all\"\npath = \"/*\"", "id = \"other\"\npath = \"/other\"");
    for round in 0..100 {
        write(&gateway, if round % 2 == 0 { &other } else { &good });
        assert_eq!(reload(&gateway).status, 200);
    }
    // The first generation is still there, and nothing between it and the last: each is let go of
    // before the reload that replaced it is answered.
    assert_eq!(gateway.metric("frys_generations_active", &[]), 2.0);
    let stats = gateway.stats();
    assert_eq!(stats["generations"][0]["generation"], 1);
    assert_eq!(stats["generations"][0]["requests"], 1);
    assert_eq!(gateway.metric("frys_http_requests_active", &[]), 1.0);
    go.store(true, Ordering::SeqCst);
    assert_eq!(client.body(&head.fields, false).expect("a whole body").0, b"halfhalf");
    until("the first generation is gone", 10, || {
        (gateway.metric("frys_generations_active", &[]) == 1.0).then_some(())
    });
}

#[test]
fn an_exchange_of_an_old_configuration_ends_at_its_greatest_age() {
    let upstream = Upstream::start(|peer| {
        peer.request();
        peer.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        peer.wait_for_end();
    });
    let top = "workers = 1\nreload = { watch = false, max_generation_age = \"1s\" }";
    let gateway = Gateway::with_top(top, &route_to(&[upstream.address]));
    let mut client = gateway.connect();
    client.send(GET);
    assert!(client.head().expect("the answer begins").line.contains("200"));
    write(&gateway, &changed(&gateway, "id = \"all\"", "id = \"every\""));
    assert_eq!(reload(&gateway).status, 200);
    // What came of it is sent, and then the connection ends: it does not look whole.
    assert_eq!(client.rest(), b"half");
    gateway.wait_for_reason("generation_expired");
}

#[test]
fn a_page_may_change_nothing() {
    let (_one, _two, gateway) = pair("workers = 1");
    let origin = "Origin: http://localhost\r\n";
    for (method, path) in [("POST", "/config/reload"), ("PUT", "/config?format=toml")] {
        assert_eq!(admin(&gateway, method, path, origin, "").status, 403);
    }
    assert_eq!(admin(&gateway, "GET", "/config/reload", "", "").status, 405);
    assert_eq!(admin(&gateway, "DELETE", "/config", "", "").status, 405);
    assert_eq!(config(&gateway)["configuration_generation"], 1);
}

#[test]
fn starts_from_what_was_last_known_to_be_good() {
    let (one, two, gateway) = pair("workers = 1\nreload = { last_known_good = \"@FOLDER@/good\" }");
    let kept = gateway.file("good");
    let kept_text = || fs::read_to_string(&kept).unwrap_or_default();
    until("it is kept", 10, || kept_text().contains(&to(&one)).then_some(()));
    assert_eq!(kept.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    write(&gateway, &changed(&gateway, &to(&one), &to(&two)));
    until_says(&gateway, "two");
    until("it is kept", 10, || kept_text().contains(&to(&two)).then_some(()));
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("kept.json");
    fs::copy(&kept, &copy).expect("it can be copied");
    // What is kept is a configuration itself.
    let (status, out, error) = run(Command::new(FRYS).args(["check", "--config"]).arg(&copy));
    assert_eq!(status, Some(0), "{out}{error}");
    let address = gateway.address;
    let admin = gateway.file("admin");
    let good = fs::read_to_string(gateway.file("frys.toml")).expect("the file");
    write(&gateway, "routes = 3\n");
    let mut gateway = gateway;
    gateway.signal("TERM");
    assert_eq!(gateway.exit_status().code(), Some(0));
    starts_from(&gateway.file("frys.toml"), &copy, address, &admin, &good);
}

fn starts_from(file: &Path, kept: &Path, address: std::net::SocketAddr, admin: &Path, good: &str) {
    let said = file.with_file_name("stderr-again");
    let mut child = Command::new(FRYS)
        .args(["run", "--config"])
        .arg(file)
        .arg("--last-known-good")
        .arg(kept)
        .stdin(Stdio::null())
        .stderr(fs::File::create(&said).expect("a file"))
        .spawn()
        .expect("frys starts");
    let ready = || {
        let mut wire = Wire::connect_unix(admin).ok()?;
        let response = wire.ask("GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        (response.status == 200).then(|| response.text())
    };
    let detail = until("the gateway is ready", 20, ready);
    assert!(detail.contains("last-known-good") && detail.contains("frys.toml"), "{detail}");
    assert_eq!(Wire::connect(address).ask(GET).text(), "two");
    let told = fs::read_to_string(said).expect("a file");
    assert!(told.contains("LAST-KNOWN-GOOD"), "{told}");
    // The file is watched all the same.
    fs::write(file, good).expect("it can be written");
    until("the file is in use again", 20, || (!ready()?.contains("last-known-good")).then_some(()));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
