//! `frys explain`, `frys capture`, `frys diff --traffic`, and the reason on the answer.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::gateway::FRYS;
use crate::support::{Gateway, Upstream, run, until};

fn routes(upstream: &Upstream) -> String {
    format!(
        "[clusters.api]\nupstreams = [{{ url = \"http://{}\" }}]\n\
         timeouts = {{ connect = \"2s\" }}\n\n\
         [[routes]]\nid = \"beta\"\npath = \"/api/{{name}}\"\ncluster = \"api\"\n\
         when = {{ header = \"X-Beta\", equals = \"yes\" }}\n\n\
         [[routes]]\nid = \"users\"\npath = \"/api/*\"\nmethods = [\"GET\"]\ncluster = \"api\"\n\
         rewrite = {{ strip_prefix = \"/api\", add_prefix = \"/v2\" }}\n\
         request_headers = {{ set = {{ X-Route = \"$route\" }} }}\n\n\
         [[routes]]\nid = \"old\"\npath = \"/old\"\nredirect = {{ to = \"/new\", status = 308 }}\n",
        upstream.address
    )
}

fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    run(Command::new(FRYS).arg("explain").args(arguments))
}

/// A folder with the routes in a file.
fn written(upstream: &Upstream) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frys.toml");
    let text = format!("listen_addr = \"127.0.0.1:8080\"\n\n{}", routes(upstream));
    fs::write(&file, text).expect("the file can be written");
    let file = file.display().to_string();
    (folder, file)
}

#[test]
fn a_target_that_speaks_of_secrets_is_no_secret_field() {
    let upstream = Upstream::saying("ok");
    let (_folder, file) = written(&upstream);
    let target = "GET http://a.test/api/x?token=1";
    let (status, out, error) = explain(&["--config", &file, target, "-H", "X-Auth-Token: t"]);
    assert_eq!(status, Some(0), "{error}");
    assert!(out.contains("sent        GET /v2/x?token=1 HTTP/1.1\n"), "{out}");
    assert!(out.contains("X-Auth-Token: …"), "{out}");
}

#[test]
fn a_file_says_who_takes_a_request_and_who_was_turned_away() {
    let upstream = Upstream::saying("ok");
    let (_folder, file) = written(&upstream);
    let (status, out, error) =
        explain(&["--config", &file, "GET http://a.test/api/x?q=1", "-H", "X-Beta: no"]);
    assert_eq!(status, Some(0), "{error}");
    for part in [
        "beta ",
        "frys.toml:7",
        "a condition does not hold",
        "- header x-beta equals `yes`",
        "> users",
        "route `users`",
        "rest        x",
        "action      cluster api",
        "sent        GET /v2/x?q=1 HTTP/1.1",
        "X-Route: users",
        "2s",
        "cluster api",
        "100 %",
    ] {
        assert!(out.to_lowercase().contains(&part.to_lowercase()), "{part} is not in:\n{out}");
    }
}

#[test]
fn a_request_that_no_route_takes_is_told_why() {
    let upstream = Upstream::saying("ok");
    let (_folder, file) = written(&upstream);
    let (status, out, _) = explain(&["--config", &file, "http://a.test/nothing"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("answered with 404: route_not_found"), "{out}");
    let (status, out, _) = explain(&["--config", &file, "POST http://a.test/api/x"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("answered with 405: method_not_allowed"), "{out}");
    assert!(out.contains("Allow: GET, HEAD"), "{out}");
    let (status, out, _) = explain(&["--config", &file, "http://a.test/api/a%2Fb"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("answered with 400: path_encoded_slash"), "{out}");
    assert!(out.contains("encoded_slash: reject"), "{out}");
    let (status, out, _) = explain(&["--config", &file, "http://a.test/old"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains("answered with 308: redirected"), "{out}");
    assert!(out.contains("Location: /new"), "{out}");
}

#[test]
fn what_a_route_refuses_is_a_refusal_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frys.toml").display().to_string();
    let text = "listen_addr = \"127.0.0.1:8080\"\n\
        clusters.a.upstreams = [{ url = \"http://127.0.0.1:1\" }]\n\
        [versions.api]\nfrom = [\"header\", \"query\"]\nheader = \"X-V\"\nquery = \"v\"\n\
        [versions.api.known.1]\n\
        [[routes]]\npath = \"/q\"\ncluster = \"a\"\nrewrite = { path = \"/b/${query.to}/x\" }\n\
        [[routes]]\npath = \"/static/*\"\nfiles = { root = \"/srv\" }\n\
        [[routes]]\npath = \"/v\"\ncluster = \"a\"\nversion = { group = \"api\", is = \"1\" }\n\
        [[routes]]\npath = \"/c\"\ncluster = \"a\"\nwhen = { all = [\
        { cookie = \"who\", equals = \"me\" }, { header = \"X-Api-Token\", prefix = \"t\" }] }\n";
    fs::write(&file, text).expect("the file can be written");
    for (request, field, code, parts) in [
        ("/q?to=a", "X: 1", 0, &["sent        GET /b/a/x?to=a"][..]),
        (
            "/q?to=..;",
            "X: 1",
            1,
            &["answered with 400: path_dot_parameter", "rewritten to /b/..;/x", "path_policy"],
        ),
        ("POST /static/a", "X: 1", 1, &["answered with 405: method_not_allowed", "GET, HEAD"]),
        ("/static/.env", "X: 1", 1, &["answered with 403: file_forbidden", "file /srv/.env"]),
        ("/static/a%2520b", "X: 1", 1, &["answered with 400: path_double_encoded"]),
        ("/static/a", "X: 1", 0, &["what is found there: file_served", "`file_not_found` (404)"]),
        (
            "/v",
            "X-V: 2",
            1,
            &["version `1` of api by header X-V, query v: ", "Vary: X-V", "route_not_found"],
        ),
        ("/c", "Cookie: who=hush", 1, &["cookie who equals `me`: it is not shown"]),
        ("/c", "X-Api-Token: hush", 1, &["header X-Api-Token begins with `t`: it is not shown"]),
    ] {
        let host = ["-H", "Host: a.test"];
        let arguments = ["--config", &file, request, host[0], host[1], "-H", field];
        let (status, out, error) = explain(&arguments);
        assert_eq!(status, Some(code), "{request}: {out}{error}");
        for part in parts {
            assert!(out.contains(part), "{part} is not in:\n{out}");
        }
        assert!(!out.contains("hush"), "{out}");
    }
}

#[test]
fn of_many_expressions_those_are_told_that_begin_as_the_path_does() {
    use std::fmt::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frys.toml").display().to_string();
    let mut text = "listen_addr = \"127.0.0.1:8080\"\n\
        clusters.a.upstreams = [{ url = \"http://127.0.0.1:1\" }]\n"
        .to_owned();
    for number in 0..200 {
        writeln!(
            text,
            "[[routes]]\nid = \"svc{number}\"\npath_regex = '^/svc{number}/(?<id>\\d+)$'\n\
             cluster = \"a\""
        )
        .expect("a string takes everything");
    }
    fs::write(&file, text).expect("the file can be written");
    let (status, out, _) = explain(&["--config", &file, "http://a.test/svc7/12"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains("most specific first\n> svc7 "), "{out}");
    assert!(out.contains("\n  and 199 of another path\n"), "{out}");
    let (status, out, _) = explain(&["--config", &file, "http://a.test/svc7/x"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("the expression does not match /svc7/x"), "{out}");
    assert!(out.contains(" of another path\n") && !out.contains("more of this host"), "{out}");
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let upstream = Upstream::saying("ok");
    let (_folder, file) = written(&upstream);
    for (arguments, part) in [
        (vec!["--config", &file, "ftp://a.test/"], "ftp"),
        (vec!["--config", &file, "/path-alone"], "Host"),
        (vec!["--config", "nowhere.toml", "http://a.test/"], "nowhere.toml"),
        (vec!["--admin", "127.0.0.1:1", "http://a.test/"], "does not answer"),
        (vec!["http://a.test/"], "--config"),
        (vec!["--config", &file], "REQUEST"),
    ] {
        let (status, out, error) = explain(&arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {out}{error}");
        assert!(error.contains(part), "{part} is not in:\n{error}");
    }
}

#[test]
fn the_explained_head_is_the_one_that_the_upstream_gets() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&routes(&upstream));
    let admin = format!("unix:{}", gateway.file("admin").display());
    gateway.ask("GET /api/x?q=1 HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n");
    let sent = String::from_utf8(upstream.wait_for(0).head).expect("ASCII");
    let (status, out, error) = explain(&[
        "--admin",
        &admin,
        "--format",
        "json",
        "-H",
        "Accept: */*",
        "http://a.test/api/x?q=1",
    ]);
    assert_eq!(status, Some(0), "{error}");
    let explained: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(explained["generation"], 1);
    let lines: Vec<&str> = sent.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(explained["found"]["sent"], serde_json::json!(lines));
    let endpoint = &explained["found"]["clusters"][0]["endpoints"][0];
    assert_eq!(endpoint["address"], upstream.address.to_string());
    assert_eq!(explained["candidates"][0]["route"], "beta");
    assert_eq!(explained["candidates"][1]["verdict"], "taken");
}

fn recent(gateway: &Gateway, query: &str, count: usize) -> Vec<Value> {
    until("the requests are listed", 10, || {
        let answer = gateway.admin(&format!("/requests{query}"));
        let listed: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let requests = listed["requests"].as_array().expect("a list").clone();
        (requests.len() >= count).then_some(requests)
    })
}

#[test]
fn a_past_request_is_found_by_its_id_without_its_secrets() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&routes(&upstream));
    let admin = format!("unix:{}", gateway.file("admin").display());
    gateway.ask(
        "GET /api/x HTTP/1.1\r\nHost: a.test\r\nAuthorization: hush\r\nCookie: hush=1\r\n\
         X-Auth-Token: hush\r\n\r\n",
    );
    gateway.ask("GET /gone HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let listed = recent(&gateway, "?status=2xx", 1);
    let id = listed[0]["id"].as_str().expect("an id");
    assert_eq!(listed[0]["route"], "users");
    assert!(!listed[0].to_string().contains("hush"), "{}", listed[0]);
    let (status, out, error) = explain(&["--admin", &admin, "--id", id]);
    assert_eq!(status, Some(0), "{error}");
    assert!(out.contains("> users"), "{out}");
    assert!(out.contains("ended with ok, status 200, by route `users` of generation 1"), "{out}");
    assert!(!out.contains("hush"), "{out}");
    let lost = recent(&gateway, "?reason=route_not_found", 1);
    let (status, _, _) = explain(&["--admin", &admin, "--id", lost[0]["id"].as_str().expect("id")]);
    assert_eq!(status, Some(1));
    let (status, _, error) = explain(&["--admin", &admin, "--id", "unknown"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("`unknown`"), "{error}");
    assert_eq!(gateway.admin("/requests?status=x").status, 400);
}

#[test]
fn nothing_is_kept_where_the_file_says_so() {
    let upstream = Upstream::saying("ok");
    // What comes first joins the table of the admin, which stands last above it.
    let gateway = Gateway::start(&format!("recent_requests = 0\n\n{}", routes(&upstream)));
    gateway.ask("GET /api/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(gateway.admin("/requests").status, 404);
}

#[test]
fn a_trusted_peer_is_told_the_reason_and_nobody_else() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nFrys-Explain: reason=\"lie\"\r\n\r\nok",
    );
    let trusting = "workers = 1\ntrusted_proxies = [\"127.0.0.1\"]";
    let request = |path: &str, asks: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n{asks}\r\n")
    };
    for (top, asks, is_told) in [
        (trusting, "Frys-Explain: 1\r\n", true),
        (trusting, "", false),
        (trusting, "Frys-Explain: 0\r\n", false),
        ("workers = 1", "Frys-Explain: 1\r\n", false),
    ] {
        let gateway = Gateway::with_top(top, &routes(&upstream));
        let answer = gateway.ask(request("/api/x", asks));
        let told = answer.field("frys-explain").unwrap_or_default().to_owned();
        assert_eq!(!told.is_empty(), is_told, "{told}");
        let lost = gateway.ask(request("/gone", asks));
        let lost = lost.field("frys-explain").unwrap_or_default().to_owned();
        if is_told {
            let upstream = upstream.address;
            let want =
                format!("reason=\"ok\", route=\"users\", cluster=\"api\", upstream=\"{upstream}\"");
            assert!(told.starts_with(&want), "{told}");
            assert!(told.ends_with("generation=1"), "{told}");
            assert!(lost.starts_with("reason=\"route_not_found\", id="), "{lost}");
            let old = gateway.ask(request("/old", asks));
            let old = old.field("frys-explain").unwrap_or_default().to_owned();
            assert!(old.starts_with("reason=\"redirected\", route=\"old\""), "{old}");
        }
    }
    let asked = upstream.received().into_iter().filter(|one| one.field("frys-explain").is_some());
    assert_eq!(asked.count(), 0);
}

fn diff(traffic: &Path, old: &Path, new: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    run(Command::new(FRYS).arg("diff").arg("--traffic").arg(traffic).args(more).arg(old).arg(new))
}

/// A capture of one request: the next one, or with `--recent` the first that is kept.
fn begins_when_it_is_told_to(gateway: &Gateway) {
    let capture = |more: &[&str]| {
        let mut command = Command::new(FRYS);
        let admin = format!("unix:{}", gateway.file("admin").display());
        command.args(["capture", "--count", "1", "--admin", &admin]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts")
    };
    let said = |child: Child| {
        let out = child.wait_with_output().expect("it ran").stdout;
        String::from_utf8(out).expect("text")
    };
    let out = said(capture(&["--recent"]));
    assert!(out.contains("\"/api/a\""), "{out}");
    let mut child = capture(&[]);
    until("a request is captured", 10, || {
        gateway.ask("GET /api/later HTTP/1.1\r\nHost: a.test\r\n\r\n");
        child.try_wait().expect("it is ours")
    });
    let out = said(child);
    assert!(out.contains("\"/api/later\"") && out.lines().count() == 1, "{out}");
}

#[test]
fn recorded_traffic_tells_two_configurations_apart() {
    let upstream = Upstream::saying("ok");
    let log = "[access_log]\noutput = \"@FOLDER@/access.log\"\n\n";
    let gateway = Gateway::start(&format!("{log}{}", routes(&upstream)));
    for path in ["/api/a", "/api/b", "/gone"] {
        gateway.ask(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nX-Beta: yes\r\n\r\n"));
    }
    gateway.ask("GET /refused HTTP/1.1\r\nHost : a\r\n\r\n");
    recent(&gateway, "", 4);
    let (old, new) = (gateway.file("frys.toml"), gateway.file("new.toml"));
    let text = fs::read_to_string(&old).expect("it was written");
    fs::write(&new, text.replace("id = \"beta\"", "id = \"beta-2\"")).expect("a file");
    let captured = gateway.file("captured.jsonl");
    let (status, _, error) = run(Command::new(FRYS)
        .args(["capture", "--admin", &format!("unix:{}", gateway.file("admin").display())])
        .arg("--output")
        .arg(&captured));
    assert_eq!(status, Some(0), "{error}");
    assert!(error.contains("4 requests"), "{error}");
    let (status, out, error) = diff(&captured, &old, &new, &[]);
    assert_eq!(status, Some(1), "{error}");
    assert!(out.starts_with("3 requests: 2 (66.67 %) would go elsewhere"), "{out}");
    assert!(out.contains("route `beta-2`"), "{out}");
    assert!(out.contains("GET http://a.test/api/a"), "{out}");
    assert!(out.contains("1 of 4 lines were not used"), "{out}");
    // The log does not have the field that the condition asks for.
    let logged = gateway.file("access.log");
    until("the log has its lines", 10, || {
        let lines = fs::read_to_string(&logged).ok()?.lines().count();
        (lines == 4).then_some(())
    });
    let (status, out, _) = diff(&logged, &old, &new, &["--format", "json"]);
    assert_eq!(status, Some(0), "{out}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&report["used"], &report["without_fields"]), (&3.into(), &3.into()));
    let (status, _, error) = diff(&old, &old, &new, &[]);
    assert_eq!(status, Some(2), "{error}");
    assert!(error.contains("no line"), "{error}");
    begins_when_it_is_told_to(&gateway);
}
