//! A server that `compare` or `tune` measures: started for it, or running already.

use crate::bench::child::{Child, ChildFault, Folder, Launch, Reserved, Usage};
use crate::bench::knob::{Base, KnobFault, Setting, Stand};
use crate::bench::plan::{Load, PlanFault};
use crate::bench::target::Target;
use crate::bench::upstream;
use crate::config::{Format, UpstreamUrl};
use crate::limits;

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

/// What is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A server that runs: `http://host:port`.
    Running(String),
    /// A configuration for this binary.
    Configuration(PathBuf),
    /// A gateway's binary, for the configuration that is named beside it.
    Binary(PathBuf),
    /// `PORT=COMMAND`: a command for the shell, and the port of 127.0.0.1 that it listens on.
    Command {
        /// Where.
        port: u16,
        /// What.
        line: String,
    },
}

/// Where a gateway that is started here sends requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamChoice {
    /// To the test upstream, on a thread of this process.
    Included,
    /// Where its configuration says.
    File,
    /// To this one.
    Url(String),
}

/// What all servers of one comparison have in common.
#[derive(Debug)]
pub struct Common {
    /// The cores that they are pinned to; empty for all.
    cores: Vec<usize>,
    /// The upstream in place of those of a configuration.
    upstream: Option<String>,
    /// The configuration of binaries.
    config: Option<PathBuf>,
    _included: Option<upstream::Running>,
}

/// A server under measurement.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Option<Child>,
    // Dropped after the child that uses them.
    _port: Option<Reserved>,
    _folder: Option<Folder>,
}

/// Why there is no server to be measured.
#[derive(Debug)]
pub enum SideFault {
    /// It is not what it seems to be.
    Subject(String),
    /// Its configuration.
    Config(KnobFault),
    /// Its process.
    Child(ChildFault),
    /// The included upstream.
    Upstream(upstream::Fault),
    /// A file or port for it.
    System(io::Error),
}

impl FromStr for UpstreamChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<UpstreamChoice, String> {
        match text {
            "included" => Ok(UpstreamChoice::Included),
            "file" => Ok(UpstreamChoice::File),
            url => match url.parse::<UpstreamUrl>() {
                Ok(_) => Ok(UpstreamChoice::Url(url.to_owned())),
                Err(fault) => Err(format!("neither `included` nor `file`, and as a URL: {fault}")),
            },
        }
    }
}

impl Common {
    /// What is common to servers on these cores, checked before any of them starts; the included
    /// upstream starts where it is chosen.
    ///
    /// # Errors
    /// [`SideFault::Subject`] and [`SideFault::Upstream`].
    pub fn new(
        cores: &[usize],
        choice: &UpstreamChoice,
        config: Option<&Path>,
    ) -> Result<Common, SideFault> {
        check_cores(cores)?;
        let (upstream, included) = match choice {
            UpstreamChoice::File => (None, None),
            UpstreamChoice::Url(url) => {
                resolve(url).map_err(|fault| fault.of("--upstream"))?;
                (Some(url.clone()), None)
            }
            UpstreamChoice::Included => {
                let running = upstream::start(&upstream::Options::default());
                let running = running.map_err(SideFault::Upstream)?;
                (Some(format!("http://{}", running.address())), Some(running))
            }
        };
        let (cores, config) = (cores.to_vec(), config.map(Path::to_owned));
        Ok(Common { cores, upstream, config, _included: included })
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Subject, String> {
        if text.starts_with("http://") {
            return Ok(Subject::Running(text.trim_end_matches('/').to_owned()));
        }
        if let Some((port, line)) = text.split_once('=')
            && let Ok(port) = port.parse::<u16>()
        {
            let line = line.trim().to_owned();
            if port == 0 || line.is_empty() {
                return Err("a command is written as `8081=COMMAND`".to_owned());
            }
            return Ok(Subject::Command { port, line });
        }
        let path = PathBuf::from(text);
        if !path.is_file() {
            return Err("it is neither `http://host:port`, nor `PORT=COMMAND`, nor a file that \
                        is a configuration or a binary"
                .to_owned());
        }
        Ok(match Format::of(&path) {
            Some(_) => Subject::Configuration(path),
            None => Subject::Binary(path),
        })
    }
}

impl Subject {
    /// Whether it is a gateway that is started here, which needs an upstream.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Subject::Configuration(_) | Subject::Binary(_))
    }

    /// Checks the configuration that it runs, before anything is started.
    ///
    /// # Errors
    /// See [`SideFault`].
    pub fn check(&self, config: Option<&Path>) -> Result<(), SideFault> {
        match self {
            Subject::Running(url) => resolve(url).map(|_| ()),
            Subject::Configuration(path) => base(path).map(|_| ()),
            Subject::Binary(_) => base(config.ok_or_else(needs_config)?).map(|_| ()),
            Subject::Command { .. } => Ok(()),
        }
    }

    /// Starts it and waits until it accepts connections.
    ///
    /// # Errors
    /// See [`SideFault`].
    pub fn start(&self, common: &Common) -> Result<Server, SideFault> {
        match self {
            Subject::Running(url) => Ok(Server::at(resolve(url)?)),
            Subject::Configuration(path) => {
                gateway(&own_binary()?, &base(path)?, &Setting::default(), common)
            }
            Subject::Binary(program) => {
                let config = common.config.as_deref().ok_or_else(needs_config)?;
                gateway(program, &base(config)?, &Setting::default(), common)
            }
            Subject::Command { port, line } => {
                // What listens there already would be measured in its place.
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                drop(std::net::TcpListener::bind(address).map_err(SideFault::System)?);
                let folder = Folder::new().map_err(SideFault::System)?;
                let shell = ["/bin/sh", "-c"].map(str::to_owned);
                let words = shell.into_iter().chain([line.clone()]).collect();
                start(words, address, folder, None, common)
            }
        }
    }
}

/// Starts a gateway with a setting of a configuration, on a port of its own.
///
/// # Errors
/// See [`SideFault`].
pub fn gateway(
    program: &Path,
    base: &Base,
    setting: &Setting,
    common: &Common,
) -> Result<Server, SideFault> {
    let folder = Folder::new().map_err(SideFault::System)?;
    let port = Reserved::new().map_err(SideFault::System)?;
    let (listen, upstream) = (port.address, common.upstream.as_deref());
    let stand = Stand { listen, folder: folder.path(), upstream };
    let text = base.text(setting, stand).map_err(SideFault::Config)?;
    let file = folder.path().join("frys.json");
    fs::write(&file, text).map_err(SideFault::System)?;
    let words = [program, Path::new("run"), Path::new("--config"), file.as_path()];
    let words = words.map(|word| word.display().to_string()).to_vec();
    start(words, listen, folder, Some(port), common)
}

/// A configuration to start gateways from.
///
/// # Errors
/// See [`SideFault`].
pub fn base(path: &Path) -> Result<Base, SideFault> {
    // What is missing has no wrong ending.
    fs::metadata(path)
        .map_err(|error| SideFault::Subject(format!("--config: {}: {error}", path.display())))?;
    Base::from_file(path).map_err(SideFault::Config)
}

/// A load that was checked, for the server at this address.
///
/// # Errors
/// As [`Plan::load`](crate::bench::plan::Plan::load).
pub fn moved(load: &Load, address: SocketAddr) -> Result<Load, PlanFault> {
    let mut plan = load.plan.clone();
    for target in &mut plan.targets {
        let url = format!("http://{address}{}", target.path);
        let Target { url, server, .. } = url.parse().expect("an address and a path are a URL");
        (target.url, target.server) = (url, server);
    }
    plan.load()
}

/// Tries each core alone: of several, `taskset` takes no notice of those that are not there.
fn check_cores(cores: &[usize]) -> Result<(), SideFault> {
    for core in cores {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string(), "true"]);
        let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = streams.status().map_err(|error| {
            SideFault::Subject(format!("--server-cores: `taskset` of util-linux: {error}"))
        })?;
        if !status.success() {
            let message = format!("--server-cores: there is no core {core} for this process");
            return Err(SideFault::Subject(message));
        }
    }
    Ok(())
}

/// This binary.
///
/// # Errors
/// [`SideFault::System`] where the system does not say where it is.
pub fn own_binary() -> Result<PathBuf, SideFault> {
    std::env::current_exe().map_err(SideFault::System)
}

fn start(
    words: Vec<String>,
    address: SocketAddr,
    folder: Folder,
    port: Option<Reserved>,
    common: &Common,
) -> Result<Server, SideFault> {
    let output = folder.path().join("output");
    let launch = Launch { words, cores: common.cores.clone(), output };
    let mut child = Child::start(&launch).map_err(SideFault::Child)?;
    let patience = Duration::from_millis(limits::BENCH_CHILD_START_MS_MAX);
    child.wait_for(address, patience).map_err(SideFault::Child)?;
    Ok(Server { address, child: Some(child), _port: port, _folder: Some(folder) })
}

impl Server {
    fn at(address: SocketAddr) -> Server {
        Server { address, child: None, _port: None, _folder: None }
    }

    /// What it has used so far; `None` of one that was not started here.
    pub fn usage(&self) -> Option<Usage> {
        self.child.as_ref().map(Child::usage)
    }

    /// Whether it still runs, as far as can be told.
    ///
    /// # Errors
    /// [`SideFault::Subject`] with its last words.
    pub fn check(&mut self) -> Result<(), SideFault> {
        let Some(child) = &mut self.child else { return Ok(()) };
        if child.is_running() {
            return Ok(());
        }
        let words = child.last_words();
        Err(SideFault::Subject(format!("the server has ended and said:\n{words}")))
    }
}

fn needs_config() -> SideFault {
    SideFault::Subject("a binary needs `--config FILE` to run".to_owned())
}

fn resolve(url: &str) -> Result<SocketAddr, SideFault> {
    let server: UpstreamUrl =
        url.parse().map_err(|fault| SideFault::Subject(format!("{url}: {fault}")))?;
    let found = server.host_and_port().to_socket_addrs();
    let mut found = found.map_err(|error| SideFault::Subject(format!("{url}: {error}")))?;
    found.next().ok_or_else(|| SideFault::Subject(format!("{url}: no address")))
}

impl SideFault {
    /// The same with the option that it is of.
    fn of(self, option: &str) -> SideFault {
        SideFault::Subject(format!("{option}: {self}"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Running(url) => formatter.write_str(url),
            Subject::Configuration(path) | Subject::Binary(path) => path.display().fmt(formatter),
            Subject::Command { line, .. } => formatter.write_str(line),
        }
    }
}

impl fmt::Display for SideFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SideFault::Subject(text) => formatter.write_str(text),
            SideFault::Config(fault) => fault.fmt(formatter),
            SideFault::Child(fault) => fault.fmt(formatter),
            SideFault::Upstream(fault) => write!(formatter, "the included upstream: {fault}"),
            SideFault::System(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for SideFault {}

/// Where no server is: the place of one that is yet to be started.
pub const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_told_by_its_look() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "").expect("it is written");
            path
        };
        let (config, binary) = (file("a.toml"), file("frys"));
        for (text, want) in [
            ("http://127.0.0.1:80/", Subject::Running("http://127.0.0.1:80".into())),
            ("8081=nginx -c a=b", Subject::Command { port: 8081, line: "nginx -c a=b".into() }),
            (&config.display().to_string(), Subject::Configuration(config.clone())),
            (&binary.display().to_string(), Subject::Binary(binary.clone())),
        ] {
            assert_eq!(text.parse(), Ok(want), "{text}");
        }
        for text in ["0=nginx", "80=", "99999=nginx", "/no/such/file", "", "https://a"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_upstream_is_chosen_by_a_word_or_a_url() {
        assert_eq!("included".parse(), Ok(UpstreamChoice::Included));
        assert_eq!("file".parse(), Ok(UpstreamChoice::File));
        let url = UpstreamChoice::Url("http://127.0.0.1:81".into());
        assert_eq!("http://127.0.0.1:81".parse(), Ok(url));
        let fault = "includd".parse::<UpstreamChoice>().expect_err("none of them");
        assert!(fault.contains("neither `included` nor `file`"), "{fault}");
    }

    #[test]
    fn a_taken_port_is_not_measured_in_anothers_place() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let subject = Subject::Command { port, line: "sleep 100".into() };
        let common = Common::new(&[], &UpstreamChoice::File, None).expect("nothing starts");
        assert!(matches!(subject.start(&common), Err(SideFault::System(_))));
    }

    #[test]
    fn a_binary_needs_a_configuration() {
        let common = Common::new(&[], &UpstreamChoice::File, None).expect("nothing starts");
        let fault = Subject::Binary("/bin/true".into()).start(&common).expect_err("none is named");
        assert!(fault.to_string().contains("--config"), "{fault}");
    }
}
