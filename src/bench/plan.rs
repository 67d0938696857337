//! What a run is to do, checked and made ready: requests as bytes, servers as addresses.

use crate::http::h1::parse::{self, HeadLimits, ParseError, Parsed};
use crate::http::head::{HeadIndex, RequestHead};
use crate::http::method::Method;
use crate::limits;
use crate::runtime::{self, Address};

use super::random::Random;
use super::report::{Arrivals, Asked, AskedTarget};
use super::target::Target;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::time::Duration;

/// One run, as it was asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is requested; at least one.
    pub targets: Vec<Target>,
    /// Method of the targets that name none.
    pub method: String,
    /// Fields of every request, as name and value. `Host` in place of the URL's.
    pub headers: Vec<(String, String)>,
    /// Body of every request.
    pub body: Vec<u8>,
    /// Closed or open loop.
    pub pace: Pace,
    /// Seed of arrivals and choices.
    pub seed: u64,
    /// Connections at most, over all threads.
    pub connections: usize,
    /// The cores to run on, a thread each.
    pub cores: Vec<usize>,
    /// What counts.
    pub duration: Duration,
    /// What comes before it and does not.
    pub warm_up: Duration,
    /// When a request is given up.
    pub timeout: Duration,
    /// Requests at most, those of the warm-up included.
    pub requests_max: u64,
    /// A new connection for each request.
    pub new_connections: bool,
    /// A connection's pause after each answer.
    pub think: Duration,
    /// Bytes a second that a connection reads at most.
    pub read_bytes_per_s: Option<NonZeroU64>,
}

/// What sets the moment of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// The answer to the one before, on the same connection.
    Closed,
    /// A schedule.
    Open {
        /// Requests a second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
    },
}

/// A plan that was checked, with all that its threads need. Making one resolves names; running it
/// again costs nothing more.
#[derive(Clone, Debug)]
pub struct Load {
    /// The plan.
    pub plan: Plan,
    pub(super) requests: Vec<Request>,
    pub(super) addresses: Vec<Address>,
    /// Sums of the weights so far; empty where all weigh the same.
    weights: Vec<u64>,
}

/// One target's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Head and body. For the rest of the process: a run's requests outlive its threads.
    pub bytes: &'static [u8],
    pub method: Method,
    /// Which of the addresses.
    pub address: usize,
}

/// Why a plan cannot be run; each names what is to be changed.
#[derive(Debug)]
pub enum PlanFault {
    /// No target, or more than [`limits::BENCH_TARGETS_MAX`].
    TargetsCount(usize),
    /// A number out of its range, with what it is of.
    OutOfRange(&'static str, String),
    /// A method that is none, or `CONNECT`, which changes what a connection is.
    Method(String),
    /// A field that would break the request's head.
    Header(String),
    /// A URL or field that makes no valid request, and what the parser says of it.
    Request(String, String),
    /// Fewer open files are allowed than the connections need.
    Files {
        /// Connections, each to each server, and what the process has open besides.
        needed: u64,
        /// The soft limit of this process.
        allowed: u64,
    },
    /// More bytes of requests than [`limits::BENCH_REQUESTS_BYTES_MAX`].
    TooManyBytes,
    /// A name without an address.
    Unresolved(String, std::io::Error),
}

impl Plan {
    /// A plan for one target with the defaults of the command.
    pub fn new(target: Target) -> Plan {
        Plan {
            targets: vec![target],
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            pace: Pace::Closed,
            seed: 1,
            connections: 64,
            cores: runtime::cores(),
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            requests_max: limits::BENCH_REQUESTS_MAX,
            new_connections: false,
            think: Duration::ZERO,
            read_bytes_per_s: None,
        }
    }

    /// Checks it and makes it ready to run.
    ///
    /// # Errors
    /// See [`PlanFault`]; the first that is found.
    pub fn load(self) -> Result<Load, PlanFault> {
        self.check()?;
        let mut addresses: Vec<Address> = Vec::new();
        let mut requests = Vec::with_capacity(self.targets.len());
        let mut bytes_count = 0;
        for target in &self.targets {
            let address = Address::Tcp(resolve(target)?);
            let known = addresses.iter().position(|one| *one == address);
            let index = known.unwrap_or_else(|| {
                addresses.push(address);
                addresses.len() - 1
            });
            let (bytes, method) = self.request(target)?;
            bytes_count += bytes.len();
            if bytes_count > limits::BENCH_REQUESTS_BYTES_MAX {
                return Err(PlanFault::TooManyBytes);
            }
            requests.push(Request { bytes: bytes.leak(), method, address: index });
        }
        let weights = weights(&self.targets);
        Ok(Load { plan: self, requests, addresses, weights })
    }

    fn check(&self) -> Result<(), PlanFault> {
        let count = self.targets.len();
        if !(1..=limits::BENCH_TARGETS_MAX).contains(&count) {
            return Err(PlanFault::TargetsCount(count));
        }
        within("threads", self.cores.len(), 1..=limits::WORKERS_COUNT_MAX)?;
        let connections = self.cores.len()..=limits::BENCH_CONNECTIONS_MAX;
        within("connections (at least one a thread)", self.connections, connections)?;
        within("requests", self.requests_max, 1..=limits::BENCH_REQUESTS_MAX)?;
        let longest = Duration::from_secs(limits::BENCH_SECONDS_MAX);
        let shortest = Duration::from_millis(1);
        duration("duration", self.duration, shortest..=longest)?;
        duration("timeout", self.timeout, shortest..=longest)?;
        duration("warm-up", self.warm_up, Duration::ZERO..=longest)?;
        duration("think time", self.think, Duration::ZERO..=longest)?;
        within("body", self.body.len(), 0..=limits::BENCH_BODY_BYTES_MAX)?;
        self.check_files()?;
        match self.pace {
            // Slower than one in a run's longest time is no rate.
            Pace::Open { rate, .. } => within("rate", rate, 1e-4..=limits::BENCH_RATE_MAX),
            Pace::Closed => Ok(()),
        }
    }

    /// Without a descriptor for each connection the generator would look like a server that
    /// refuses.
    fn check_files(&self) -> Result<(), PlanFault> {
        let servers: BTreeSet<String> =
            self.targets.iter().map(|target| target.server.host_and_port()).collect();
        let needed = self.connections as u64 * servers.len() as u64 + FILES_SPARE;
        match runtime::open_files_limit() {
            Some((allowed, _)) if allowed < needed => Err(PlanFault::Files { needed, allowed }),
            Some(_) | None => Ok(()),
        }
    }

    /// The bytes of a request, read once by the gateway's own parser, which refuses what a server
    /// would.
    fn request(&self, target: &Target) -> Result<(Vec<u8>, Method), PlanFault> {
        let name = target.method.as_ref().unwrap_or(&self.method);
        let method: Method = name.parse().map_err(|_| PlanFault::Method(name.clone()))?;
        if method == Method::CONNECT {
            return Err(PlanFault::Method(name.clone()));
        }
        let mut head = format!("{name} {} HTTP/1.1\r\n", target.path);
        if !self.names("host") {
            head.push_str(&format!("Host: {}\r\n", target.server.authority()));
        }
        for (field, value) in &self.headers {
            head.push_str(&format!("{field}: {value}\r\n"));
        }
        // RFC 9110 section 8.6: a method that means content says a length, if only 0.
        let means_content = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        if !self.body.is_empty() || means_content {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        if self.new_connections {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        self.read_back(&head, target)?;
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        Ok((bytes, method))
    }

    fn names(&self, field: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(field))
    }

    fn read_back(&self, head: &str, target: &Target) -> Result<(), PlanFault> {
        for (name, value) in &self.headers {
            let breaks = |text: &str| text.contains(['\r', '\n', '\0']);
            if breaks(name)
                || breaks(value)
                || OURS.iter().any(|our| name.eq_ignore_ascii_case(our))
            {
                return Err(PlanFault::Header(format!("{name}: {value}")));
            }
        }
        let mut index = HeadIndex::default();
        let fault = |reason: String| PlanFault::Request(target.url.clone(), reason);
        match parse::request(head.as_bytes(), &HeadLimits::default(), &mut index) {
            Ok(Parsed::Complete { head_bytes }) if head_bytes == head.len() => {
                let read = RequestHead::new(head.as_bytes(), &index);
                debug_assert_eq!(read.target(), target.path.as_bytes());
                Ok(())
            }
            Ok(Parsed::Complete { .. } | Parsed::Partial) => {
                Err(fault("it is not one head".into()))
            }
            Err(error) => Err(fault(in_words(error))),
        }
    }
}

impl Load {
    /// The same load by another schedule and for another time.
    #[must_use]
    pub fn paced(&self, pace: Pace, duration: Duration, seed: u64) -> Load {
        let mut load = self.clone();
        load.plan.pace = pace;
        load.plan.duration = duration;
        load.plan.seed = seed;
        load
    }

    /// The same load on another port of the same addresses.
    #[must_use]
    pub fn threads_count(&self) -> usize {
        self.plan.cores.len()
    }

    /// Which request comes next: in order where all weigh the same, else by weight.
    pub(super) fn choose(&self, counter: u64, random: &mut Random) -> Request {
        let count = self.requests.len() as u64;
        let index = match self.weights.last() {
            None => counter % count,
            Some(sum) => {
                let drawn = random.below(*sum);
                self.weights.partition_point(|upto| *upto <= drawn) as u64
            }
        };
        // Both are below the count: a remainder, and a sum that ends above what is drawn.
        self.requests[index as usize]
    }

    /// The report's words for it.
    pub(super) fn asked(&self) -> Asked {
        let plan = &self.plan;
        let targets = plan.targets.iter().map(|target| AskedTarget {
            method: target.method.as_ref().unwrap_or(&plan.method).clone(),
            url: target.url.clone(),
            weight: target.weight,
            body_bytes: plan.body.len(),
        });
        let (rate, arrivals) = match plan.pace {
            Pace::Closed => (None, Arrivals::Constant),
            Pace::Open { rate, arrivals } => (Some(rate), arrivals),
        };
        Asked {
            targets: targets.collect(),
            rate,
            arrivals,
            seed: plan.seed,
            connections: plan.connections,
            threads: plan.cores.len(),
            duration_s: plan.duration.as_secs_f64(),
            warm_up_s: plan.warm_up.as_secs_f64(),
            timeout_s: plan.timeout.as_secs_f64(),
            new_connections: plan.new_connections,
            think_s: plan.think.as_secs_f64(),
            read_bytes_per_s: plan.read_bytes_per_s.map(NonZeroU64::get),
        }
    }
}

/// A parser's fault in words: `HostInvalid` is "host invalid".
fn in_words(error: ParseError) -> String {
    let mut words = String::new();
    for character in format!("{error:?}").chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

fn weights(targets: &[Target]) -> Vec<u64> {
    if targets.windows(2).all(|pair| pair[0].weight == pair[1].weight) {
        return Vec::new();
    }
    let mut sum = 0;
    let sums = targets.iter().map(|target| {
        sum += u64::from(target.weight);
        sum
    });
    sums.collect()
}

fn resolve(target: &Target) -> Result<SocketAddr, PlanFault> {
    let name = target.server.host_and_port();
    let fault = |error| PlanFault::Unresolved(name.clone(), error);
    let first = name.to_socket_addrs().map_err(fault)?.next();
    first.ok_or_else(|| fault(std::io::Error::from(std::io::ErrorKind::NotFound)))
}

fn within<T: PartialOrd + fmt::Display>(
    what: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), PlanFault> {
    if range.contains(&value) {
        return Ok(());
    }
    let text = format!("{value} is not within {} to {}", range.start(), range.end());
    Err(PlanFault::OutOfRange(what, text))
}

fn duration(
    what: &'static str,
    value: Duration,
    range: RangeInclusive<Duration>,
) -> Result<(), PlanFault> {
    if range.contains(&value) {
        return Ok(());
    }
    let text = format!("{value:?} is not within {:?} to {:?}", range.start(), range.end());
    Err(PlanFault::OutOfRange(what, text))
}

impl fmt::Display for PlanFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanFault::TargetsCount(0) => formatter.write_str("no target: name a URL"),
            PlanFault::TargetsCount(count) => {
                write!(formatter, "{count} targets, at most {}", limits::BENCH_TARGETS_MAX)
            }
            PlanFault::OutOfRange(what, text) => write!(formatter, "{what}: {text}"),
            PlanFault::Method(name) => write!(formatter, "`{name}` is no method to be sent"),
            PlanFault::Header(line) => write!(
                formatter,
                "the header `{line}`: line ends are refused, and so are Content-Length, \
                 Transfer-Encoding and Connection, which the generator sets itself"
            ),
            PlanFault::Request(url, reason) => {
                let url: String = url.chars().take(URL_CHARACTERS_TOLD).collect();
                write!(
                    formatter,
                    "`{url}` and the headers make no request that a server takes: {reason}"
                )
            }
            PlanFault::Files { needed, allowed } => write!(
                formatter,
                "the connections need {needed} open files and {allowed} are allowed: raise \
                 `ulimit -n` or lower --connections"
            ),
            PlanFault::TooManyBytes => write!(
                formatter,
                "the targets' requests are more than {} bytes together",
                limits::BENCH_REQUESTS_BYTES_MAX
            ),
            PlanFault::Unresolved(name, error) => write!(formatter, "{name}: {error}"),
        }
    }
}

impl std::error::Error for PlanFault {}

/// Rings, pipes and standard streams of a run.
const FILES_SPARE: u64 = 64;

/// A long URL is told by its beginning.
const URL_CHARACTERS_TOLD: usize = 120;

/// Fields of framing: a wrong one would make the server wait, or the figures wrong.
const OURS: [&str; 3] = ["Content-Length", "Transfer-Encoding", "Connection"];

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lines: &[&str]) -> Plan {
        let targets = lines.iter().map(|line| line.parse().expect("a target")).collect();
        Plan { targets, ..Plan::new("http://127.0.0.1:1".parse().expect("a target")) }
    }

    fn bytes(plan: Plan) -> String {
        let load = plan.load().expect("it is valid");
        String::from_utf8_lossy(load.requests[0].bytes).into_owned()
    }

    #[test]
    fn a_get_is_a_line_and_a_host() {
        assert_eq!(
            bytes(plan(&["http://127.0.0.1:81/a?b"])),
            "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:81\r\n\r\n"
        );
    }

    #[test]
    fn a_body_has_its_length_and_a_host_of_ones_own_stands_alone() {
        let mut plan = plan(&["POST http://127.0.0.1:81/"]);
        plan.headers = vec![("host".into(), "a.test".into())];
        plan.body = b"xyz".to_vec();
        plan.new_connections = true;
        assert_eq!(
            bytes(plan),
            "POST / HTTP/1.1\r\nhost: a.test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz"
        );
    }

    #[test]
    fn refuses_fields_that_break_the_head() {
        for (name, value) in [("A", "b\r\nC: d"), ("Content-Length", "1"), ("A b", "c"), ("", "x")]
        {
            let mut plan = plan(&["http://127.0.0.1:81/"]);
            plan.headers = vec![(name.into(), value.into())];
            assert!(plan.load().is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn refuses_methods_that_are_none() {
        assert!(plan(&["CONNECT http://127.0.0.1:81/"]).load().is_err());
        assert!(plan(&["PURGE http://127.0.0.1:81/"]).load().is_ok());
    }

    #[test]
    fn numbers_are_held_on_both_sides() {
        let with = |change: fn(&mut Plan)| {
            let mut plan = plan(&["http://127.0.0.1:81/"]);
            plan.cores = vec![0];
            change(&mut plan);
            plan.load().is_ok()
        };
        assert!(with(|plan| plan.connections = 1));
        assert!(!with(|plan| plan.connections = 0));
        assert!(!with(|plan| plan.connections = usize::MAX));
        assert!(!with(|plan| plan.connections = limits::BENCH_CONNECTIONS_MAX + 1));
        assert!(!with(|plan| plan.duration = Duration::ZERO));
        assert!(with(|plan| plan.duration = Duration::from_secs(limits::BENCH_SECONDS_MAX)));
        assert!(!with(|plan| plan.duration = Duration::from_secs(limits::BENCH_SECONDS_MAX + 1)));
        assert!(!with(|plan| plan.requests_max = 0));
        assert!(!with(|plan| {
            plan.pace = Pace::Open { rate: f64::NAN, arrivals: Arrivals::Constant };
        }));
        assert!(with(|plan| {
            plan.pace = Pace::Open { rate: limits::BENCH_RATE_MAX, arrivals: Arrivals::Constant };
        }));
        assert!(!with(|plan| {
            plan.pace =
                Pace::Open { rate: 2.0 * limits::BENCH_RATE_MAX, arrivals: Arrivals::Constant };
        }));
        assert!(!with(|plan| plan.targets.clear()));
    }

    #[test]
    fn equal_weights_take_turns_and_others_their_share() {
        let mut random = Random::new(1, 0);
        let load = plan(&["http://127.0.0.1:81/0", "http://127.0.0.1:82/1"]).load().expect("valid");
        assert_eq!(load.addresses.len(), 2);
        assert_eq!(load.choose(0, &mut random).address, 0);
        assert_eq!(load.choose(3, &mut random).address, 1);
        let lines = ["weight=9 http://127.0.0.1:81/", "http://127.0.0.1:82/"];
        let load = plan(&lines).load().expect("valid");
        let second = |random: &mut Random| load.choose(0, random).address;
        let seconds: usize = (0..10_000).map(|_| second(&mut random)).sum();
        assert!((900..1_100).contains(&seconds), "{seconds}");
    }
}
