//! One `frys run` with its configuration, its admin socket and its exit status.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::until;
use super::wire::{Response, Wire};

/// The command under test.
pub const FRYS: &str = env!("CARGO_BIN_EXE_frys");

/// A running gateway; dropping it stops it by SIGTERM and checks the exit status.
pub struct Gateway {
    pub address: SocketAddr,
    pub folder: TempDir,
    child: Child,
    stopped: bool,
    /// Keeps the port for the gateway: bound to it, never listening.
    _port: Socket,
}

impl Gateway {
    /// Starts a gateway whose file is `listen_addr`, one worker, an admin socket, then `rest`.
    ///
    /// `@FOLDER@` in `rest` is the gateway's own folder.
    pub fn start(rest: &str) -> Self {
        Self::with_top("workers = 1", rest)
    }

    /// The same with these top-level keys in place of `workers = 1`.
    pub fn with_top(top: &str, rest: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, address) = reserve();
        let place = folder.path().display().to_string();
        let rest = rest.replace("@FOLDER@", &place);
        let text = format!(
            "listen_addr = \"{address}\"\n{top}\n\n[admin]\naddress = \"unix:{place}/admin\"\n\n\
             {rest}\n"
        );
        let file = folder.path().join("frys.toml");
        fs::write(&file, text.replace("@FOLDER@", &place)).expect("the file can be written");
        let child = Command::new(FRYS)
            .args(["run", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout")).expect("a file"))
            .stderr(File::create(folder.path().join("stderr")).expect("a file"))
            .spawn()
            .expect("frys starts");
        let mut gateway = Self { address, folder, child, stopped: false, _port: port };
        gateway.wait_until_ready();
        gateway
    }

    /// A gateway that sends everything to these upstreams.
    pub fn to(upstreams: &[SocketAddr]) -> Self {
        Self::start(&route_to(upstreams))
    }

    fn wait_until_ready(&mut self) {
        until("the gateway is ready", 20, || {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                self.stopped = true;
                panic!("frys ended with {status}:\n{}", self.stderr());
            }
            let answer = self.try_admin("/ready").ok()?;
            (answer.status == 200).then_some(())
        });
    }

    /// Connects a client.
    pub fn connect(&self) -> Wire {
        Wire::connect(self.address)
    }

    /// Asks on a connection of its own.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        self.connect().ask(request)
    }

    /// GETs a path with some host.
    pub fn get(&self, path: &str) -> Response {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n"))
    }

    /// Asks the admin server.
    pub fn admin(&self, path: &str) -> Response {
        self.try_admin(path).expect("the admin answers")
    }

    /// Asks the admin server, which may not be there.
    pub fn try_admin(&self, path: &str) -> io::Result<Response> {
        self.try_admin_accepting(path, "*/*")
    }

    /// Asks the admin server for a type of answer.
    pub fn try_admin_accepting(&self, path: &str, accept: &str) -> io::Result<Response> {
        let mut wire = Wire::connect_unix(&self.folder.path().join("admin"))?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: admin\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        );
        wire.try_send(request.as_bytes())?;
        Ok(wire.response())
    }

    /// The value of the metric whose line begins with `name` and contains all of `labels`; 0 where
    /// there is none.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.admin("/metrics").text();
        let fits = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        let values = text.lines().filter(fits).filter_map(|line| line.rsplit(' ').next());
        values.filter_map(|value| value.parse::<f64>().ok()).sum()
    }

    /// Waits until the metrics counted an outcome of this reason.
    pub fn wait_for_reason(&self, reason: &str) {
        let label = format!("reason=\"{reason}\"");
        until("the reason is counted", 10, || {
            let text = self.admin("/metrics").text();
            let counted = |line: &str| line.contains(&label) && !line.ends_with(" 0");
            text.lines().any(counted).then_some(())
        });
    }

    /// `/stats` as JSON.
    pub fn stats(&self) -> Value {
        serde_json::from_slice(&self.admin("/stats").body).expect("JSON")
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid()).status();
        assert!(status.expect("kill starts").success());
    }

    /// Waits for the exit.
    pub fn exit_status(&mut self) -> ExitStatus {
        self.stopped = true;
        let child = &mut self.child;
        until("the gateway exits", 30, || child.try_wait().expect("a child can be asked"))
    }

    /// What the gateway wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// A file of the gateway's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The largest resident size so far, in KiB.
    pub fn rss_most_kib(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("procfs");
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    }

    /// The number of its process.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        if thread::panicking() {
            eprintln!("frys said:\n{}", self.stderr());
            // The test failed already; nothing is left running.
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        self.signal("TERM");
        let status = self.exit_status();
        assert_eq!(status.code(), Some(0), "after SIGTERM; frys said:\n{}", self.stderr());
    }
}

/// A route for everything, to these upstreams.
pub fn route_to(upstreams: &[SocketAddr]) -> String {
    let urls: Vec<_> =
        upstreams.iter().map(|address| format!("{{ url = \"http://{address}\" }}")).collect();
    format!("[[routes]]\nid = \"all\"\npath = \"/*\"\nupstreams = [{}]\n", urls.join(", "))
}

/// Writes a configuration into a folder and runs a subcommand on it.
pub fn frys_on(folder: &Path, subcommand: &str, name: &str, text: &str) -> Command {
    let file = folder.join(name);
    fs::write(&file, text).expect("the file can be written");
    let mut command = Command::new(FRYS);
    command.arg(subcommand).arg("--config").arg(file).stdin(Stdio::null());
    command
}

/// A port that stays ours: a socket bound to it with `SO_REUSEPORT` that never listens, beside
/// which the gateway's listeners bind.
pub fn reserve() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    let address = socket.local_addr().expect("a bound socket").as_socket().expect("an IP socket");
    (socket, address)
}
