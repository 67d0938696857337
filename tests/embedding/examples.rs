//! The complete example, as it was built: started, called and ended by SIGTERM.

use super::{PATIENCE, Response, ask, upstream};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::SystemTime;

const SECRET: &str = "a secret of thirty-two bytes or more";
const ORIGIN: &str = "Origin: https://app.example.com\r\n";

/// The example's process; one that is left is killed.
struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Example {
    fn start() -> Example {
        let mut child = Command::new(path())
            .env("LISTEN", "127.0.0.1:0")
            .env("ADMIN", "127.0.0.1:0")
            .env("UPSTREAM", format!("http://{}", upstream::start()))
            .env("JWT_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(stderr).lines();
        let address = told(&mut lines, "serving");
        let admin = told(&mut lines, "admin");
        Example { child, lines, address, admin }
    }

    fn api(&self, method: &str, role: Option<&str>) -> Response {
        let token = role.map(bearer).unwrap_or_default();
        ask(self.address, method, "/api/orders", &format!("{ORIGIN}{token}"))
    }

    /// Ends it by SIGTERM; what it said since.
    fn end(mut self) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill starts");
        assert!(sent.success());
        let rest: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{rest:?}");
        rest.join("\n")
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It has ended already where the test came to its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Beside this test's own folder; `cargo test` builds it, and so does `.ci/run` before.
fn path() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows where it is");
    let folder = own.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    let path = folder.join("examples/complete_gateway");
    assert!(path.is_file(), "{}: run `cargo build --examples`", path.display());
    path
}

/// The address in the line that says this.
fn told(lines: &mut Lines<BufReader<ChildStderr>>, what: &str) -> SocketAddr {
    let line = lines.map_while(Result::ok).find(|line| line.contains(what));
    let line = line.unwrap_or_else(|| panic!("it ended without a word of `{what}`"));
    let (_, address) = line.split_once("address=").expect("an address");
    address.split(' ').next().unwrap_or_default().parse().expect("an address")
}

fn bearer(role: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let expiry = (now + PATIENCE * 10).as_secs();
    let claims = json!({ "sub": "ann", "aud": "orders", "roles": [role], "exp": expiry });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).expect("it can be signed");
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn the_complete_gateway_serves_and_ends_in_order() {
    let example = Example::start();
    assert_eq!(ask(example.address, "GET", "/status", "").body, "ok\n");
    who_may_what(&example);
    pages_of_the_application_may_ask(&example);
    guesses_are_slowed_down(&example);
    the_admin_tells(&example);
    let said = example.end();
    assert!(said.contains("ended in order"), "{said}");
}

fn who_may_what(example: &Example) {
    let without = example.api("GET", None);
    assert_eq!(without.status, 401);
    assert!(without.field("www-authenticate").is_some(), "{without:?}");
    assert_eq!(without.field("x-content-type-options"), Some("nosniff"), "{without:?}");
    let read = example.api("GET", Some("reader"));
    assert_eq!(read.status, 200, "{read:?}");
    assert!(read.body.contains("X-User: ann\n"), "{read:?}");
    assert!(!read.body.to_ascii_lowercase().contains("authorization:"), "{read:?}");
    assert_eq!(example.api("DELETE", Some("reader")).status, 403);
    assert_eq!(example.api("DELETE", Some("admin")).status, 200);
    let spoofed = format!("X-User: root\r\n{}", bearer("reader"));
    let spoofed = ask(example.address, "GET", "/api/orders", &spoofed);
    assert!(!spoofed.body.contains("root"), "{spoofed:?}");
    let internal = ask(example.address, "GET", "/internal/jobs", &bearer("admin"));
    assert_eq!(internal.status, 200);
}

fn pages_of_the_application_may_ask(example: &Example) {
    let preflight = format!("{ORIGIN}Access-Control-Request-Method: DELETE\r\n");
    let preflight = ask(example.address, "OPTIONS", "/api/orders", &preflight);
    assert_eq!(preflight.status, 204, "{preflight:?}");
    let allowed = Some("https://app.example.com");
    assert_eq!(preflight.field("access-control-allow-origin"), allowed);
    assert_eq!(example.api("GET", Some("reader")).field("access-control-allow-origin"), allowed);
}

fn guesses_are_slowed_down(example: &Example) {
    let login = || ask(example.address, "POST", "/login", "Content-Length: 0\r\n");
    let statuses: Vec<u16> = (0..6).map(|_| login().status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
}

fn the_admin_tells(example: &Example) {
    assert_eq!(ask(example.admin, "GET", "/ready", "").status, 200);
    let metrics = ask(example.admin, "GET", "/metrics", "").body;
    let refused = r#"frys_filter_decisions_total{filter="rate_limit.logins",decision="refused"} 1"#;
    assert!(metrics.contains(refused), "{metrics}");
}
