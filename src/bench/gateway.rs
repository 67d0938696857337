//! The gateway's side of a run: its admin is asked before and after, and the difference of the two
//! answers is what the run cost there.
//!
//! The answers hold whole histograms, so the difference is exact: its percentiles are those of the
//! requests between the two looks, with the width of one bucket (3 % of the value) as error.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::error::Category;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::report;
use crate::limits::{SCRAPE_BYTES_MAX, SCRAPE_MS_MAX};

/// Where a gateway's admin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    /// An IP address with its port.
    Tcp(SocketAddr),
    /// The path of a socket.
    Unix(PathBuf),
}

/// Why the gateway's side of a run is not known.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeFault {
    /// The address cannot be understood.
    #[error("`{text}` is no admin address: write `127.0.0.1:9901` or `unix:/run/frys.sock`")]
    Address {
        /// What was written.
        text: String,
    },
    /// Nobody answers at the address.
    #[error("no admin can be reached at {admin}: {source}")]
    Unreachable {
        /// The address.
        admin: Admin,
        /// Why.
        source: io::Error,
    },
    /// No whole answer came in time.
    #[error("the admin at {admin} did not answer within {} ms", .limit.as_millis())]
    TimedOut {
        /// The address.
        admin: Admin,
        /// The time it had.
        limit: Duration,
    },
    /// Somebody else answers at the address.
    #[error("at {admin} is no admin of frys: {why}")]
    Stranger {
        /// The address.
        admin: Admin,
        /// What shows it.
        why: String,
    },
    /// The answer is not shaped as this version knows it.
    #[error("the admin at {admin} is of another version of frys: {why}")]
    Shape {
        /// The address.
        admin: Admin,
        /// What does not fit.
        why: String,
    },
    /// Between the two answers the gateway began anew.
    #[error("the gateway was restarted during the run: {why}")]
    Restarted {
        /// What shows it.
        why: String,
    },
}

/// What the gateway had counted at one moment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Scrape {
    /// The gateway's version.
    pub version: String,
    /// Since its start.
    pub uptime_seconds: u64,
    process: Process,
    stages: Vec<Distribution>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Process {
    id: u32,
    cpu_seconds: f64,
}

/// Durations by length: each bucket is its shortest, the first that is too long for it, and how
/// many; empty ones are left out, the others ascend.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Distribution {
    name: String,
    sum_ns: u64,
    buckets_ns: Vec<(u64, u64, u64)>,
}

/// The name under which the stages' list tells of whole requests.
const TOTAL: &str = "total";

impl Admin {
    /// Reads `127.0.0.1:9901`, `[::1]:9901`, `localhost:9901` or `unix:/run/frys.sock`.
    ///
    /// # Errors
    /// [`ScrapeFault::Address`].
    pub fn parse(text: &str) -> Result<Admin, ScrapeFault> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Admin::Unix(path.into()));
        }
        let port = text.strip_prefix("localhost:").and_then(|port| port.parse::<u16>().ok());
        let local = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let address = local.or_else(|| text.parse().ok());
        address.map(Admin::Tcp).ok_or_else(|| ScrapeFault::Address { text: text.to_owned() })
    }

    /// Asks for what the gateway has counted. Blocks, a bounded time; not for an async task.
    ///
    /// # Errors
    /// All but [`ScrapeFault::Address`] and [`ScrapeFault::Restarted`].
    pub fn scrape(&self) -> Result<Scrape, ScrapeFault> {
        self.scrape_within(Duration::from_millis(SCRAPE_MS_MAX))
    }

    fn scrape_within(&self, limit: Duration) -> Result<Scrape, ScrapeFault> {
        let unreachable = |source| ScrapeFault::Unreachable { admin: self.clone(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asked = async {
            match self {
                Admin::Tcp(address) => {
                    self.ask(TcpStream::connect(address).await.map_err(unreachable)?).await
                }
                Admin::Unix(path) => {
                    self.ask(UnixStream::connect(path).await.map_err(unreachable)?).await
                }
            }
        };
        let limited = async { tokio::time::timeout(limit, asked).await };
        match runtime.map_err(unreachable)?.block_on(limited) {
            Ok(answered) => self.read(&answered?),
            Err(_) => Err(ScrapeFault::TimedOut { admin: self.clone(), limit }),
        }
    }

    async fn ask<S>(&self, stream: S) -> Result<Bytes, ScrapeFault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stranger = |error: hyper::Error| self.stranger(error.to_string());
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(stranger)?;
        // What ends the connection shows in the answer; it ends with the runtime at the latest.
        tokio::spawn(connection);
        let host = match self {
            Admin::Tcp(address) => address.to_string(),
            Admin::Unix(_) => "localhost".to_owned(),
        };
        let request = Request::get("/stats").header("host", host).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| self.stranger(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(stranger)?;
        if response.status() != 200 {
            return Err(self.stranger(format!("`/stats` answers {}", response.status())));
        }
        let body = Limited::new(response.into_body(), SCRAPE_BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| self.stranger(error.to_string()))
    }

    fn read(&self, body: &[u8]) -> Result<Scrape, ScrapeFault> {
        let misshapen = |why| ScrapeFault::Shape { admin: self.clone(), why };
        let scrape: Scrape =
            serde_json::from_slice(body).map_err(|error| match error.classify() {
                Category::Data => misshapen(error.to_string()),
                Category::Syntax | Category::Eof | Category::Io => {
                    self.stranger(format!("`/stats` is no JSON: {error}"))
                }
            })?;
        let is_total = |stage: &Distribution| stage.name == TOTAL;
        match scrape.stages.iter().any(is_total) {
            true => Ok(scrape),
            false => Err(misshapen(format!("`stages` has no `{TOTAL}`"))),
        }
    }

    fn stranger(&self, why: String) -> ScrapeFault {
        ScrapeFault::Stranger { admin: self.clone(), why }
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Admin::Tcp(address) => write!(formatter, "{address}"),
            Admin::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl Scrape {
    /// What the gateway did between an earlier look and this one. `outside_mean_us` is left at
    /// zero: [`beside`] fills it in.
    ///
    /// # Errors
    /// [`ScrapeFault::Restarted`]: this is not the same gateway, or it began to count anew.
    pub fn since(&self, earlier: &Scrape) -> Result<report::Gateway, ScrapeFault> {
        let restarted = |why: String| Err(ScrapeFault::Restarted { why });
        let (now, before) = (&self.process, &earlier.process);
        if now.id != before.id {
            return restarted(format!("it was process {} and is {}", before.id, now.id));
        }
        if self.uptime_seconds < earlier.uptime_seconds || now.cpu_seconds < before.cpu_seconds {
            return restarted("it is younger than before".to_owned());
        }
        let mut total = Distribution::default();
        let mut stages = Vec::new();
        for stage in &self.stages {
            let before = earlier.stages.iter().find(|before| before.name == stage.name);
            let Some(before) = before else {
                return restarted(format!("it did not know the stage `{}`", stage.name));
            };
            let Some(difference) = stage.less(before) else {
                return restarted(format!("it counts less in `{}` than before", stage.name));
            };
            match difference.name == TOTAL {
                true => total = difference,
                false => stages.push(difference.stage()),
            }
        }
        let (requests, cpu_s) = (total.count(), now.cpu_seconds - before.cpu_seconds);
        Ok(report::Gateway {
            requests,
            cpu_s,
            cpu_us_per_request: if requests == 0 { 0.0 } else { cpu_s * 1e6 / requests as f64 },
            total: total.latency(),
            stages,
            outside_mean_us: 0.0,
        })
    }
}

/// Puts the gateway's side beside what the client saw: what of the client's mean passed outside.
///
/// A little below zero where the two did not count quite the same requests, as at the ends of a
/// run, or where others asked the gateway meanwhile.
pub fn beside(gateway: &mut report::Gateway, client: &report::Latency) {
    gateway.outside_mean_us = client.mean_us - gateway.total.mean_us;
}

impl Distribution {
    /// What was added since an earlier look; `None` where something was taken away.
    fn less(&self, earlier: &Distribution) -> Option<Distribution> {
        let mut before = earlier.buckets_ns.iter().peekable();
        let mut buckets_ns = Vec::new();
        for (from, below, count) in &self.buckets_ns {
            let had = before.next_if(|bucket| bucket.0 == *from).map_or(0, |bucket| bucket.2);
            let added = count.checked_sub(had)?;
            if added > 0 {
                buckets_ns.push((*from, *below, added));
            }
        }
        if before.next().is_some() {
            return None;
        }
        let sum_ns = self.sum_ns.checked_sub(earlier.sum_ns)?;
        Some(Distribution { name: self.name.clone(), sum_ns, buckets_ns })
    }

    fn count(&self) -> u64 {
        self.buckets_ns.iter().map(|bucket| bucket.2).sum()
    }

    fn mean_us(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            count => self.sum_ns as f64 / 1e3 / count as f64,
        }
    }

    /// Each bucket's middle in microseconds, and how many are in it or below it.
    fn curve(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut seen = 0;
        self.buckets_ns.iter().map(move |(from, below, count)| {
            seen += count;
            let middle_ns = match (from, below) {
                // Nearly all of what is below the clock's step reads zero.
                (0, _) => 0,
                (from, &u64::MAX) => *from,
                (from, below) => from + below.saturating_sub(*from) / 2,
            };
            (middle_ns as f64 / 1e3, seen)
        })
    }

    /// What `share` (0 to 1) of the durations do not exceed.
    fn percentile_us(&self, share: f64) -> f64 {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let reached = self.curve().find(|(_, seen)| *seen >= rank);
        reached.map_or(0.0, |(middle_us, _)| middle_us)
    }

    fn stage(&self) -> report::Stage {
        report::Stage {
            name: self.name.clone(),
            count: self.count(),
            mean_us: self.mean_us(),
            p50_us: self.percentile_us(0.5),
            p99_us: self.percentile_us(0.99),
            p999_us: self.percentile_us(0.999),
        }
    }

    fn latency(&self) -> report::Latency {
        let count = self.count();
        report::Latency {
            count,
            mean_us: self.mean_us(),
            min_us: self.percentile_us(0.0),
            p50_us: self.percentile_us(0.5),
            p75_us: self.percentile_us(0.75),
            p90_us: self.percentile_us(0.9),
            p99_us: self.percentile_us(0.99),
            p999_us: self.percentile_us(0.999),
            p9999_us: self.percentile_us(0.9999),
            p99999_us: self.percentile_us(0.99999),
            max_us: self.percentile_us(1.0),
            curve: self
                .curve()
                .map(|(middle_us, seen)| (seen as f64 * 100.0 / count as f64, middle_us))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
