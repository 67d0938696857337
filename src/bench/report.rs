//! What a run of the load generator found: one tree for the terminal, `--json`, the HTML page and
//! whatever judges or compares runs.
//!
//! Times are microseconds as `f64`, longer ones seconds; the names say which.

use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Version of the generator.
    pub frys: String,
    /// Unix time of the first counted second.
    pub started_unix_s: u64,
    /// What was asked for.
    pub asked: Asked,
    /// What the client saw.
    pub seen: Seen,
    /// The generator's own health.
    pub client: Client,
    /// The gateway's side, where its admin was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Whether the objective was met, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Verdict>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What is requested, and how often of the whole.
    pub targets: Vec<AskedTarget>,
    /// Requests a second of an open loop; `None` in a closed loop.
    pub rate: Option<f64>,
    /// How an open loop's requests are spread over time.
    pub arrivals: Arrivals,
    /// Seed of the arrivals and of the choice between targets.
    pub seed: u64,
    /// Connections at most.
    pub connections: usize,
    /// Threads, each with its own loop.
    pub threads: usize,
    /// Seconds that count.
    pub duration_s: f64,
    /// Seconds before them that do not.
    pub warm_up_s: f64,
    /// Seconds after which a request is given up.
    pub timeout_s: f64,
    /// Whether each request has a connection of its own.
    pub new_connections: bool,
    /// Pause of a connection after each answer.
    pub think_s: f64,
    /// Bytes a second that a connection reads at most; `None` for as fast as they come.
    pub read_bytes_per_s: Option<u64>,
}

/// One target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskedTarget {
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Share of the requests, relative to the other targets'.
    pub weight: u32,
    /// Bytes of the body.
    pub body_bytes: usize,
}

/// How the requests of an open loop are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// At exponentially distributed distances, as independent clients send them.
    Poisson,
}

/// What the client saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Seconds counted.
    pub seconds: f64,
    /// Requests that were answered whole, whatever the status.
    pub requests: u64,
    /// Of them a second.
    pub rate: f64,
    /// Bytes received, heads included.
    pub received_bytes: u64,
    /// Bytes of requests sent.
    pub sent_bytes: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// What went wrong.
    pub errors: Errors,
    /// From when a request was due (open loop) or sent (closed loop) to the end of its answer.
    /// Requests that were given up count with the time they had waited by then.
    pub latency: Latency,
    /// Closed loop: what an open loop would have seen, estimated by filling in the requests that a
    /// slow answer kept from being sent (Gil Tene's coordinated omission).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Latency>,
    /// Open loop: from when a request was really sent, which is what a closed loop would show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Latency>,
    /// Time to connect, of new connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Latency>,
    /// The run in equal pieces.
    pub timeline: Vec<Interval>,
}

/// Requests that went wrong, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// The connection was refused or could not be opened.
    pub refused: u64,
    /// The connection was reset or broke while a request was on it.
    pub reset: u64,
    /// No whole answer within the timeout.
    pub timed_out: u64,
    /// An answer with a status below 200 or above 299. Its latency counts.
    pub non_2xx: u64,
    /// The connection ended inside an answer's head or body.
    pub short_body: u64,
    /// An answer that is not HTTP/1.1.
    pub malformed: u64,
    /// Open loop: due within the time, and no connection was free before its end.
    pub unsent: u64,
}

impl Errors {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Errors { refused, reset, timed_out, non_2xx, short_body, malformed, unsent } = self;
        refused + reset + timed_out + non_2xx + short_body + malformed + unsent
    }
}

/// A distribution of times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Least.
    pub min_us: f64,
    /// 50th percentile, and so on; three significant digits.
    pub p50_us: f64,
    /// 75th percentile.
    pub p75_us: f64,
    /// 90th percentile.
    pub p90_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// 99.99th percentile.
    pub p9999_us: f64,
    /// 99.999th percentile.
    pub p99999_us: f64,
    /// Most.
    pub max_us: f64,
    /// The percentile curve: pairs of a percentile (0 to 100) and microseconds, ascending.
    pub curve: Vec<(f64, f64)>,
}

/// A piece of the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds from the first counted second to its beginning.
    pub at_s: f64,
    /// How long it is.
    pub seconds: f64,
    /// Answers within it.
    pub requests: u64,
    /// Errors within it.
    pub errors: u64,
    /// Of the answers within it.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Most.
    pub max_us: f64,
    /// Non-empty cells of a heat map: the lower bound of a bucket in microseconds, eight buckets to
    /// a doubling, and how many answers fell into it. Ascending.
    pub counts: Vec<(f64, u64)>,
}

/// The generator's own health.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Client {
    /// CPU time of its threads within the counted seconds.
    pub cpu_s: f64,
    /// Requests for each second of it.
    pub requests_per_cpu_s: f64,
    /// The busiest thread's share of its core, 0 to 1.
    pub cpu_share_max: f64,
    /// Open loop: how much later than due a request was handed to the kernel although a connection
    /// was free. Waiting for a free connection is the server's doing and is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Latency>,
    /// The generator, not the server, set the figures.
    pub is_limit: bool,
    /// In words: what is to be doubted, and why.
    pub warnings: Vec<String>,
}

/// The gateway's side of the same seconds, from its admin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Gateway {
    /// Requests it finished.
    pub requests: u64,
    /// CPU time of its process.
    pub cpu_s: f64,
    /// CPU microseconds of a request.
    pub cpu_us_per_request: f64,
    /// From a request's first byte to the last byte handed over.
    pub total: Latency,
    /// Its stages in the order of a request.
    pub stages: Vec<Stage>,
    /// Mean of what the client saw less the mean of `total`: network, the sockets' queues, and the
    /// client itself.
    pub outside_mean_us: f64,
}

/// One of the gateway's stages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stage {
    /// Its name in `/stats`.
    pub name: String,
    /// What it was measured on; stages too short for the loop's clock are sampled.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// 50th percentile.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
}

/// Whether an objective was met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether all its terms were.
    pub met: bool,
    /// Term by term, as it was written.
    pub terms: Vec<TermVerdict>,
}

/// One term of an objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TermVerdict {
    /// The term, such as `p99<5ms`.
    pub term: String,
    /// What was measured, in the term's unit: microseconds, a share of 0 to 1, or a rate.
    pub measured: f64,
    /// The term's bound in the same unit.
    pub bound: f64,
    /// Whether it was met.
    pub met: bool,
}
