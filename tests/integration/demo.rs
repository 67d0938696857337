//! `frys demo`: what its own text says to try.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::support::gateway::FRYS;
use crate::support::wire::Response;
use crate::support::{Wire, until};

/// A running demo on ports that the system chose.
struct Demo {
    address: SocketAddr,
    child: Child,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(FRYS)
            .args(["demo", "--port", "0", "--admin-port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("frys starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let lines: Vec<String> = lines
            .map(|line| line.expect("text"))
            .take_while(|line| !line.starts_with("# Ctrl-C"))
            .collect();
        let address = lines.iter().find_map(|line| line.strip_prefix("listen_addr = "));
        let address = address.expect("its address").trim_matches('"');
        let address: SocketAddr = address.parse().expect("an address");
        until("the demo listens", 20, || std::net::TcpStream::connect(address).ok().map(drop));
        Self { address, child }
    }

    fn ask(&self, request: &str) -> Response {
        Wire::connect(self.address).ask(request)
    }

    fn get(&self, path: &str) -> Response {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: demo\r\n\r\n"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if thread::panicking() {
            // The test failed already; nothing is left running.
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        let pid = self.child.id().to_string();
        let signalled = Command::new("kill").args(["-INT", &pid]).status();
        assert!(signalled.expect("kill starts").success());
        let child = &mut self.child;
        let status = until("the demo ends", 20, || child.try_wait().expect("a child can be asked"));
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn what_the_demo_says_to_try_works() {
    let demo = Demo::start();
    let said: Vec<String> = (0..40).map(|_| demo.get("/hello").text()).collect();
    let of = |name: &str| said.iter().filter(|text| text.starts_with(name)).count();
    // Three to one, but each of the workers counts for itself.
    let (blue, green) = (of("blue was asked: GET /hello"), of("green was asked: GET /hello"));
    assert!(blue + green == 40 && (6..=14).contains(&green), "{blue} and {green}");
    let green = demo.get("/green/hello");
    assert!(green.text().starts_with("green was asked: GET /green/hello\n"), "{green:?}");
    assert_eq!(green.field("server"), Some("green"));
    assert!(demo.get("/users/7/posts").text().starts_with("blue was asked: GET /users/7/posts\n"));
    let body = "POST /echo HTTP/1.1\r\nHost: demo\r\nContent-Length: 9\r\n\r\nsome text";
    assert!(demo.ask(body).text().ends_with("  and sent 9 bytes\n"));
    let refused = demo.ask("DELETE /missing/route HTTP/1.1\r\nHost: demo\r\n\r\n");
    assert_eq!(refused.status, 405);
    assert!(demo.get("/delay/20").text().contains(" was asked: GET /delay/20\n"));
}
