//! Files of a folder through the real command: names, conditions, ranges, what is not served, and
//! what becomes of files that change.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::gateway::FRYS;
use crate::support::wire::Response;
use crate::support::{Gateway, Wire, program, run, until};

/// A folder with a site beside a file that is none of it.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: TempDir::new().expect("a folder") };
        site.write("index.html", "<h1>home</h1>");
        site.write("hello.txt", "hello world\n");
        site.write("docs/index.html", "docs");
        site.write("docs/a b.css", "a {}");
        site.write("empty/x", "x");
        site.write(".secret", "secret");
        site.write(".git/config", "secret");
        site.write(".well-known/acme", "token");
        fs::write(site.folder.path().join("outside"), "outside").expect("a file");
        site
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("www")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn route(&self, path: &str, more: &str) -> String {
        let root = self.root().display().to_string();
        format!(
            "[[routes]]\nid = \"{path}\"\npath = \"{path}\"\n\
             files = {{ root = \"{root}\"{more} }}\n"
        )
    }

    fn gateway(&self) -> Gateway {
        Gateway::start(&self.route("/*", ""))
    }
}

fn get(gateway: &Gateway, path: &str, fields: &[(&str, &str)]) -> Response {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    gateway.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
}

/// Status, and the reason where it is the gateway's own answer.
fn outcome(response: &Response) -> (u16, &str) {
    let proxy_status = response.field("proxy-status").unwrap_or_default();
    let reason = proxy_status.split("details=\"").nth(1).unwrap_or_default();
    (response.status, reason.trim_end_matches('"'))
}

#[test]
fn serves_files_with_what_clients_and_caches_want_to_know() {
    let site = Site::new();
    let gateway = Gateway::start(&site.route("/*", ", cache_control = \"max-age=60\""));
    let response = gateway.get("/hello.txt");
    assert_eq!((response.status, response.text().as_str()), (200, "hello world\n"));
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.field("content-length"), Some("12"));
    assert_eq!(response.field("accept-ranges"), Some("bytes"));
    assert_eq!(response.field("cache-control"), Some("max-age=60"));
    assert!(response.field("last-modified").is_some_and(|date| date.ends_with(" GMT")));
    let etag = response.field("etag").expect("a tag");
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert!(response.field("date").is_some());
    assert_eq!(gateway.get("/docs/a%20b.css").text(), "a {}");
    until("the request is counted", 10, || {
        let count = gateway.metric("frys_http_requests_total", &["route=\"/*\"", "2xx"]);
        (count == 2.0).then_some(())
    });
}

#[test]
fn folders_answer_with_their_index_behind_a_slash() {
    let site = Site::new();
    let routes = [
        site.route("/*", ""),
        site.route("/s/*", ", index = [\"none\", \"docs\", \"hello.txt\"]"),
        site.route("/one/hello.txt", ""),
    ];
    let gateway = Gateway::start(&routes.concat());
    assert_eq!(gateway.get("/").text(), "<h1>home</h1>");
    assert_eq!(gateway.get("/?a=b").text(), "<h1>home</h1>");
    assert_eq!(gateway.get("/docs/").text(), "docs");
    for (path, location) in [
        ("/docs", "/docs/"),
        ("/docs?a=/b", "/docs/?a=/b"),
        ("/./docs", "/docs/"),
        ("//docs", "/docs/"),
        ("/s", "/s/"),
        ("/s/docs", "/s/docs/"),
    ] {
        let response = gateway.get(path);
        assert_eq!((response.status, response.field("location")), (308, Some(location)), "{path}");
        assert_eq!(response.field("content-length"), Some("0"));
    }
    assert_eq!(outcome(&gateway.get("/empty/")), (404, "file_not_found"), "no list of its files");
    assert_eq!(gateway.get("/s/").text(), "hello world\n", "a folder is no index");
    assert_eq!(outcome(&gateway.get("/hello.txt/")), (404, "file_not_found"));
    assert_eq!(outcome(&gateway.get("/one/hello.txt")), (404, "file_not_found"), "the whole path");
}

#[test]
fn a_rewritten_path_names_the_file() {
    let site = Site::new();
    let root = site.root().display().to_string();
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/v1/*\"\n\
         rewrite = {{ strip_prefix = \"/v1\", add_prefix = \"/docs\" }}\n\
         files = {{ root = \"{root}\" }}\nresponse_headers = {{ set = {{ X-Site = \"$path\" }}, \
         remove = [\"ETag\", \"Date\"] }}\n"
    ));
    let response = gateway.get("/v1/a%20b.css?x=/../y");
    assert_eq!((response.status, response.text().as_str()), (200, "a {}"));
    assert_eq!(response.field("x-site"), Some("/v1/a%20b.css"));
    assert_eq!((response.field("etag"), response.field("date")), (None, None));
    assert_eq!(gateway.get("/v1/").text(), "docs");
}

#[test]
fn nothing_outside_of_the_folder_is_served() {
    let site = Site::new();
    let root = site.root();
    symlink("hello.txt", root.join("beside")).unwrap();
    symlink("../outside", root.join("above")).unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    symlink("/proc/self/environ", root.join("magic")).unwrap();
    symlink("..", root.join("docs/up")).unwrap();
    symlink("../..", root.join("docs/out")).unwrap();
    symlink("circle", root.join("circle")).unwrap();
    let made = Command::new("mkfifo").arg(root.join("fifo")).status();
    assert!(made.expect("mkfifo starts").success());
    let gateway = site.gateway();
    for (path, status, reason) in [
        ("/../outside", 400, ""),
        ("/%2e%2e/outside", 400, ""),
        ("/docs/../../outside", 400, ""),
        ("/docs/..%2f..%2foutside", 400, ""),
        ("/..\\outside", 400, ""),
        ("/%252e%252e/outside", 400, ""),
        ("/hello.txt%00.html", 400, ""),
        ("/.%2e/outside", 400, ""),
        ("/beside", 200, ""),
        ("/docs/up/hello.txt", 200, ""),
        ("/above", 403, "file_forbidden"),
        ("/absolute", 403, "file_forbidden"),
        ("/magic", 403, "file_forbidden"),
        ("/docs/out/outside", 403, "file_forbidden"),
        ("/circle", 403, "file_forbidden"),
        ("/fifo", 403, "file_forbidden"),
        ("/.secret", 403, "file_forbidden"),
        ("/.git/config", 403, "file_forbidden"),
        ("/.missing", 403, "file_forbidden"),
        ("/.well-known/acme", 200, ""),
        ("/missing", 404, "file_not_found"),
        ("/hello.txt/x", 404, "file_not_found"),
    ] {
        let response = gateway.get(path);
        let (found, said) = outcome(&response);
        // Which of the two an ambiguous path is, its policy says; neither is a file.
        let is_refused = status == 400 && matches!(found, 400 | 404);
        assert!(is_refused || (found, said) == (status, reason), "{path}: {found} {said}");
        assert!(!["outside", "secret"].contains(&response.text().as_str()), "{path}");
    }
    let long = format!("/{}", "x".repeat(300));
    assert_eq!(outcome(&gateway.get(&long)), (404, "file_not_found"));
}

#[test]
fn a_device_is_not_served() {
    let gateway = Gateway::start("[[routes]]\npath = \"/*\"\nfiles = { root = \"/dev\" }\n");
    assert_eq!(outcome(&gateway.get("/null")), (403, "file_forbidden"));
    assert_eq!(outcome(&gateway.get("/zero")), (403, "file_forbidden"));
}

#[test]
fn a_file_that_may_not_be_read_is_forbidden() {
    let site = Site::new();
    fs::set_permissions(site.root().join("hello.txt"), PermissionsExt::from_mode(0o0)).unwrap();
    let gateway = site.gateway();
    // Root may read everything.
    let expected = match File::open(site.root().join("hello.txt")) {
        Ok(_) => (200, ""),
        Err(_) => (403, "file_forbidden"),
    };
    assert_eq!(outcome(&gateway.get("/hello.txt")), expected);
}

#[test]
fn hidden_names_are_served_where_that_is_asked_for() {
    let site = Site::new();
    let gateway = Gateway::start(&site.route("/*", ", hidden = true"));
    assert_eq!(gateway.get("/.secret").text(), "secret");
    assert_eq!(gateway.get("/.git/config").text(), "secret");
}

#[test]
fn a_fallback_stands_for_what_is_not_there_alone() {
    let site = Site::new();
    let gateway = Gateway::start(&site.route("/app/*", ", fallback = \"/index.html\""));
    for path in ["/app/users/7", "/app/empty/", "/app/hello.txt/x"] {
        let response = gateway.get(path);
        assert_eq!((response.status, response.text().as_str()), (200, "<h1>home</h1>"), "{path}");
        assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"));
    }
    assert_eq!(gateway.get("/app/hello.txt").text(), "hello world\n");
    assert_eq!(gateway.get("/app/.secret").status, 403);
}

#[test]
fn conditions_are_held_against_the_file() {
    let site = Site::new();
    let gateway = site.gateway();
    let whole = gateway.get("/hello.txt");
    let etag = whole.field("etag").expect("a tag").to_owned();
    let modified = whole.field("last-modified").expect("a date").to_owned();
    let old = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (name, value, status) in [
        ("If-None-Match", etag.as_str(), 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", &modified, 304),
        ("If-Modified-Since", old, 200),
        ("If-Match", &etag, 200),
        ("If-Match", "\"other\"", 412),
        ("If-Unmodified-Since", &modified, 200),
        ("If-Unmodified-Since", old, 412),
    ] {
        let mut wire = gateway.connect();
        let response =
            wire.ask(format!("GET /hello.txt HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n"));
        assert_eq!(response.status, status, "{name}: {value}");
        if status == 304 {
            assert_eq!(response.field("etag"), Some(etag.as_str()));
            assert_eq!(response.field("content-length"), None);
        }
        // Whatever the answer, the connection goes on.
        let again = wire.ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(again.text(), "hello world\n", "after {name}: {value}");
    }
    site.write("hello.txt", "hello again\n");
    let changed = get(&gateway, "/hello.txt", &[("If-None-Match", &etag)]);
    assert_eq!((changed.status, changed.text().as_str()), (200, "hello again\n"));
}

#[test]
fn a_part_is_answered_as_a_part() {
    let site = Site::new();
    let gateway = site.gateway();
    let etag = gateway.get("/hello.txt").field("etag").expect("a tag").to_owned();
    for (range, status, part, text) in [
        ("bytes=0-4", 206, "bytes 0-4/12", "hello"),
        ("bytes=6-", 206, "bytes 6-11/12", "world\n"),
        ("bytes=-6", 206, "bytes 6-11/12", "world\n"),
        ("bytes=6-99", 206, "bytes 6-11/12", "world\n"),
        ("bytes=0-0,-1", 200, "", "hello world\n"),
        ("lines=0-1", 200, "", "hello world\n"),
        ("bytes=12-", 416, "bytes */12", ""),
        ("bytes=-0", 416, "bytes */12", ""),
    ] {
        let response = get(&gateway, "/hello.txt", &[("Range", range)]);
        assert_eq!(response.status, status, "{range}");
        assert_eq!(response.field("content-range").unwrap_or_default(), part, "{range}");
        if status != 416 {
            assert_eq!(response.text(), text, "{range}");
        }
    }
    let held = get(&gateway, "/hello.txt", &[("Range", "bytes=0-4"), ("If-Range", &etag)]);
    assert_eq!((held.status, held.text().as_str()), (206, "hello"));
    let other = get(&gateway, "/hello.txt", &[("Range", "bytes=0-4"), ("If-Range", "\"other\"")]);
    assert_eq!((other.status, other.text().as_str()), (200, "hello world\n"));
    let empty = get(&gateway, "/hello.txt", &[("Range", "bytes=0-4"), ("If-None-Match", "*")]);
    assert_eq!(empty.status, 304);
}

#[test]
fn head_tells_what_get_would_and_other_methods_are_not_allowed() {
    let site = Site::new();
    let gateway = site.gateway();
    let mut wire = gateway.connect();
    wire.send("HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4\r\n\r\n");
    let head = wire.response_without_body();
    assert_eq!((head.status, head.field("content-length")), (200, Some("12")));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let response = wire.ask(format!("{method} /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(outcome(&response), (405, "method_not_allowed"), "{method}");
        assert_eq!(response.field("allow"), Some("GET, HEAD"));
    }
    let body = gateway.ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert!(body.status == 200 && body.closes(), "what follows such a body is not looked for");
}

#[test]
fn serves_http_1_0_and_pipelined_requests() {
    let site = Site::new();
    let gateway = site.gateway();
    let old = gateway.ask("GET /hello.txt HTTP/1.0\r\n\r\n");
    assert_eq!((old.text().as_str(), old.field("content-length")), ("hello world\n", Some("12")));
    let mut wire = gateway.connect();
    let kept = wire.ask("GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(kept.field("connection"), Some("keep-alive"));
    let requests: String = ["/hello.txt", "/missing", "/docs/", "/docs", "/"]
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .concat();
    let mut wire = gateway.connect();
    wire.send(requests);
    let statuses = [(); 5].map(|()| wire.response().status);
    assert_eq!(statuses, [200, 404, 200, 308, 200]);
}

fn sparse(path: &Path, bytes: u64) {
    // Not emptied first: one that grows must not shrink on the way.
    let file = File::options().write(true).create(true).truncate(false).open(path);
    file.expect("a file").set_len(bytes).expect("room");
}

#[test]
fn a_gigabyte_passes_in_bounded_memory() {
    const BYTES: u64 = 1 << 30;
    let site = Site::new();
    sparse(&site.root().join("large"), BYTES);
    let gateway = site.gateway();
    let before_kib = gateway.rss_most_kib();
    let mut wire = gateway.connect();
    wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = wire.head().expect("an answer");
    assert!(head.line.contains("200"), "{}", head.line);
    wire.skip(BYTES);
    let after = wire.ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(after.text(), "hello world\n");
    let grown_kib = gateway.rss_most_kib() - before_kib;
    assert!(grown_kib < 16 * 1024, "{grown_kib} KiB more");
}

#[test]
fn files_of_every_size_arrive_as_they_are() {
    let site = Site::new();
    let gateway = site.gateway();
    let mut wire = gateway.connect();
    for bytes in [0, 1, 2047, 2049, 65_000, 65_536, 70_000, 200_000, 262_143, 262_144, 3_000_001] {
        let body: Vec<u8> = (0..bytes).map(|number: usize| (number * 7 / 3) as u8).collect();
        fs::write(site.root().join("x"), &body).unwrap();
        let response = wire.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(response.body == body, "{bytes} bytes");
        let range = format!("bytes={}-{}", bytes / 3, bytes.max(1) - 1);
        let part = wire.ask(format!("GET /x HTTP/1.1\r\nHost: a\r\nRange: {range}\r\n\r\n"));
        assert_eq!(part.status, if bytes == 0 { 416 } else { 206 });
        assert!(bytes == 0 || part.body == body[bytes / 3..], "a part of {bytes} bytes");
    }
}

#[test]
fn a_file_that_shrinks_meanwhile_breaks_its_answer() {
    const BYTES: u64 = 64 << 20;
    let site = Site::new();
    let path = site.root().join("large");
    sparse(&path, BYTES);
    let gateway = site.gateway();
    let mut stream = TcpStream::connect(gateway.address).expect("the gateway listens");
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").expect("the gateway reads");
    // Something has been read, and the rest waits for room.
    stream.read_exact(&mut [0; 1000]).expect("an answer");
    File::options().write(true).open(&path).and_then(|file| file.set_len(1000)).expect("a file");
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(ended.is_err() || (rest.len() as u64) < BYTES, "{} bytes came", rest.len());
    gateway.wait_for_reason("file_failed");
}

#[test]
fn a_file_that_grows_meanwhile_sends_what_was_announced() {
    const BYTES: u64 = 32 << 20;
    let site = Site::new();
    let path = site.root().join("large");
    sparse(&path, BYTES);
    let gateway = site.gateway();
    let mut wire = gateway.connect();
    wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(wire.head().is_some());
    sparse(&path, 2 * BYTES);
    wire.skip(BYTES);
    let after = wire.ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(after.text(), "hello world\n");
}

#[test]
fn who_does_not_read_is_cut_off_and_costs_nobody_else() {
    let site = Site::new();
    sparse(&site.root().join("large"), 64 << 20);
    let gateway = Gateway::with_top(
        "workers = 1\n[timeouts]\nclient_body_idle = \"300ms\"\n",
        &site.route("/*", ""),
    );
    let mut slow = gateway.connect();
    slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(slow.head().is_some());
    assert_eq!(gateway.get("/hello.txt").text(), "hello world\n");
    gateway.wait_for_reason("client_write_timeout");
    assert!(slow.rest().len() < 64 << 20);
}

#[test]
fn a_drain_lets_an_answer_end() {
    const BYTES: u64 = 32 << 20;
    let site = Site::new();
    sparse(&site.root().join("large"), BYTES);
    let mut gateway = site.gateway();
    let mut wire = gateway.connect();
    wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(wire.head().is_some());
    gateway.signal("TERM");
    wire.skip(BYTES);
    assert!(wire.is_closed());
    assert_eq!(gateway.exit_status().code(), Some(0));
}

#[test]
fn no_descriptor_stays_open() {
    let site = Site::new();
    sparse(&site.root().join("large"), 8 << 20);
    let gateway = site.gateway();
    let count = || {
        let files = fs::read_dir(format!("/proc/{}/fd", gateway.pid())).expect("procfs").flatten();
        let root = site.root();
        let is_of_site = |path: &PathBuf| path.starts_with(&root) && *path != root;
        files.filter_map(|file| fs::read_link(file.path()).ok()).filter(is_of_site).count()
    };
    for round in 0..50 {
        gateway.get("/hello.txt");
        gateway.get("/docs");
        gateway.get("/missing");
        let mut wire = gateway.connect();
        wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        if round % 2 == 0 {
            assert!(wire.head().is_some());
        }
        drop(wire);
    }
    until("every file is closed", 10, || (count() == 0).then_some(()));
}

#[test]
fn a_root_that_is_not_there_is_told_with_its_place() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("frys.toml");
    let text = "listen_addr = \"127.0.0.1:1\"\n[[routes]]\npath = \"/*\"\n\
                files = { root = \"/does/not/exist\" }\n";
    fs::write(&file, text).expect("a file");
    let (status, _, stderr) = run(Command::new(FRYS).arg("check").arg("--config").arg(&file));
    assert_ne!(status, Some(0));
    assert!(stderr.contains("/does/not/exist") && stderr.contains("No such file"), "{stderr}");
    assert!(stderr.contains(":4:"), "{stderr}");
}

#[test]
fn curl_downloads_goes_on_and_asks_for_what_is_new() {
    let Some(curl) = program("curl") else { return };
    let site = Site::new();
    let body: Vec<u8> = (0..1_000_000_u32).map(|number| (number * 7 / 3) as u8).collect();
    fs::write(site.root().join("body.bin"), &body).unwrap();
    let gateway = site.gateway();
    let url = format!("http://{}/body.bin", gateway.address);
    let target = site.folder.path().join("downloaded");
    let curl = |arguments: &[&str]| {
        let output = Command::new(&curl)
            .args(["-s", "-S", "-o"])
            .arg(&target)
            .args(["-w", "%{http_code}"])
            .args(arguments)
            .arg(&url)
            .output()
            .expect("curl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(curl(&["-r", "1000-1999"]), "206");
    assert!(fs::read(&target).unwrap() == body[1000..2000]);
    fs::write(&target, &body[..400_000]).unwrap();
    assert_eq!(curl(&["-C", "-"]), "206");
    assert!(fs::read(&target).unwrap() == body, "a download that was broken off goes on");
    let etags = site.folder.path().join("etags").display().to_string();
    assert_eq!(curl(&["--etag-save", &etags]), "200");
    assert_eq!(curl(&["--etag-compare", &etags]), "304");
    let downloaded = target.display().to_string();
    assert_eq!(curl(&["-z", &downloaded]), "304");
    assert_eq!(curl(&["--compressed", "--http1.0"]), "200");
    assert_eq!(curl(&["--path-as-is", "--request-target", "/../outside"]), "400");
}

/// Connections that break in the middle of their answers leave the others whole.
#[test]
fn broken_connections_leave_others_whole() {
    let site = Site::new();
    sparse(&site.root().join("large"), 16 << 20);
    let gateway = site.gateway();
    let mut steady = gateway.connect();
    for _ in 0..20 {
        let mut broken: Wire = gateway.connect();
        broken.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(broken.head().is_some());
        drop(broken);
        let response = steady.ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(response.text(), "hello world\n");
    }
    gateway.wait_for_reason("client_closed");
}
