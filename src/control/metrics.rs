//! `/metrics`: the same counts for Prometheus, in its text form or as OpenMetrics.
//!
//! The number of series is bounded: routes and upstreams beyond `limits::METRIC_ROUTES_MAX` and
//! `limits::METRIC_UPSTREAMS_MAX` are counted together as `_other`, exchanges without a route as
//! `_none`, and no label holds what a peer sent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, NoLabelSet, text::encode as encode_openmetrics,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::ledger::Status;
use super::reload::Outcome;
use super::report::{Classes, FilterSum, Report, UpstreamSum};
use super::state::{Phase, State};
use crate::bridge::histogram::Merged;
use crate::bridge::metrics::StatusClass;
use crate::bridge::{Blame, Reason};

/// Upper bounds of the published buckets in nanoseconds: 100 µs to 10 s in steps of about 2.3, the
/// proxied latencies that people alert on. A duration within 1.6 % of a bound may count on its
/// other side, because these are sums of the fine buckets.
const BOUNDS_NS: [u64; 16] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// The same for stages, which are much shorter: 250 ns to 10 s in steps of 4 or 2.5.
const STAGE_BOUNDS_NS: [u64; 14] = [
    250,
    1_000,
    2_500,
    10_000,
    25_000,
    100_000,
    250_000,
    1_000_000,
    2_500_000,
    10_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// The two forms of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What every Prometheus reads.
    Text,
    /// What a scraper may ask for by `Accept`.
    OpenMetrics,
}

impl Form {
    /// The form that an `Accept` field asks for (RFC 9110 section 12.5.1): OpenMetrics if it is
    /// named with at least the quality of the text form.
    pub fn of_accept(accept: &str) -> Form {
        let mut openmetrics = 0;
        let mut text = 0;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(quality_thousandths).unwrap_or(1_000);
            match &*name {
                "application/openmetrics-text" => openmetrics = openmetrics.max(quality),
                "text/plain" | "text/*" | "*/*" => text = text.max(quality),
                _ => {}
            }
        }
        if openmetrics > 0 && openmetrics >= text { Form::OpenMetrics } else { Form::Text }
    }

    /// The `Content-Type` of the form.
    pub const fn content_type(self) -> &'static str {
        match self {
            Form::Text => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes all metrics at each scrape.
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Over the counters of these workers.
    pub fn new(state: Arc<State>) -> Metrics {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape { state }));
        Metrics { registry }
    }

    /// The body of a scrape.
    pub fn encode(&self, form: Form) -> String {
        let mut text = String::new();
        encode_openmetrics(&mut text, &self.registry).expect("a String takes everything");
        match form {
            Form::OpenMetrics => text,
            Form::Text => as_text(&text),
        }
    }
}

fn quality_thousandths(parameter: &str) -> Option<u32> {
    let value = parameter.strip_prefix("q=")?;
    let share: f64 = value.parse().ok()?;
    Some((share.clamp(0.0, 1.0) * 1_000.0) as u32)
}

/// OpenMetrics names a counter without the `_total` of its samples and ends with `# EOF`; the older
/// form names it as the sample and just ends.
fn as_text(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take() {
                text.extend(["# HELP ", name, suffix, " ", words, "\n"]);
            }
            text.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with("# ") {
            text.extend([line, "\n"]);
        }
    }
    text
}

struct Scrape {
    state: Arc<State>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let report = Report::gather(&self.state);
        let mut out = Out { encoder };
        out.gateway(&self.state)?;
        out.configuration(&self.state)?;
        out.keys(&self.state)?;
        out.process(&report)?;
        out.requests(&report)?;
        out.stages(&report)?;
        out.reasons(&report)?;
        out.connections(&report)?;
        out.upstreams(&report)?;
        out.pools(&report)?;
        out.filters(&report)?;
        out.limiters(&report)?;
        out.log(&self.state, &report)?;
        out.engine(&report)
    }
}

type Label<'a> = (&'static str, &'a str);

struct Out<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Out<'_> {
    fn gateway(&mut self, state: &State) -> fmt::Result {
        let build = [[("version", env!("CARGO_PKG_VERSION"))]];
        self.gauges("frys_build_info", "The version that runs", build.map(|labels| (labels, 1)))?;
        let uptime = state.started.elapsed().as_secs();
        self.gauge("frys_uptime_seconds", "Time since the start", uptime)?;
        let ready = u64::from(state.phase() == Phase::Ready);
        self.gauge("frys_ready", "Whether requests are welcome", ready)?;
        let help = "Number of the newest configuration snapshot";
        self.gauge("frys_snapshot_generation", help, state.generation())?;
        let unresolved = state.addresses().values().filter(|found| found.is_empty()).count();
        let help = "Upstream names that never had an address";
        self.gauge("frys_names_unresolved", help, unresolved as u64)
    }

    fn configuration(&mut self, state: &State) -> fmt::Result {
        self.counters(
            "frys_config_reloads",
            "New configurations by what came of them",
            Outcome::ALL
                .map(|outcome| ([("outcome", outcome.label())], state.outcome_count(outcome))),
        )?;
        let help = "Whether the last reload, if there was one, came into use";
        let is_good = u64::from(state.is_last_reload_good());
        self.gauge("frys_config_last_reload_successful", help, is_good)?;
        let in_use = state.in_use();
        let help = "First snapshot of the configuration in use";
        self.gauge("frys_config_generation", help, in_use.generation)?;
        let help = "Whether the last-known-good configuration is used instead of the one asked for";
        self.gauge("frys_config_fallback", help, u64::from(in_use.fallback.is_some()))?;
        let help = "Snapshots that exchanges use, the newest among them";
        self.gauge("frys_generations_active", help, state.generations().len() as u64)
    }

    fn keys(&mut self, state: &State) -> fmt::Result {
        let places = state.keys.all();
        if places.is_empty() {
            return Ok(());
        }
        let rows = |count: fn(&Status) -> u64| {
            places.iter().map(move |(name, of)| ([("source", &**name)], count(of)))
        };
        let help = "Keys that tokens are verified with, by where they are fetched";
        self.gauges("frys_keys", help, rows(|of| of.keys))?;
        let help = "Whether the last fetch of keys failed; those that are known stay in use";
        self.gauges("frys_keys_failing", help, rows(|of| u64::from(of.failing)))?;
        let help = "Fetches of keys by what came of them";
        let outcomes = places.iter().flat_map(|(name, of)| {
            let outcomes = [("fetched", of.fetched), ("failed", of.failed)];
            outcomes.map(|(outcome, count)| ([("source", &**name), ("outcome", outcome)], count))
        });
        self.counters("frys_keys_fetches", help, outcomes)
    }

    fn process(&mut self, report: &Report) -> fmt::Result {
        if let Some(cpu) = report.process.cpu {
            let help = "CPU time of the process, user and system";
            self.seconds("process_cpu_seconds", help, [([], cpu)])?;
        }
        if let Some(bytes) = report.process.resident_bytes {
            let help = "Memory of the process that is in RAM";
            self.gauge("process_resident_memory_bytes", help, bytes)?;
        }
        let numbers = worker_numbers(report);
        let threads = || {
            let workers = numbers.iter().zip(&report.workers);
            workers.filter_map(|(number, worker)| Some(([("worker", &**number)], worker.thread?)))
        };
        let cpu = threads().map(|(labels, thread)| (labels, thread.cpu));
        self.seconds("frys_worker_cpu_seconds", "CPU time of the worker's thread", cpu)?;
        let starved = threads().map(|(labels, thread)| (labels, thread.starved));
        let help = "Time in which the worker could have run and another thread had its core";
        self.seconds("frys_worker_starved_seconds", help, starved)
    }

    fn stages(&mut self, report: &Report) -> fmt::Result {
        self.histograms(
            "frys_stage_duration_seconds",
            "Where the time of requests goes; short stages are sampled",
            &STAGE_BOUNDS_NS,
            report.stages.iter().map(|(stage, sum)| ([("stage", stage.label())], sum)),
        )
    }

    fn requests(&mut self, report: &Report) -> fmt::Result {
        let routes = || report.routes.iter().map(|(id, traffic)| (route_label(id), traffic));
        self.counters(
            "frys_http_requests",
            "Exchanges by route and class of the status sent to the client",
            report.routes.iter().flat_map(|(id, traffic)| {
                told(&traffic.classes).map(|(class, count)| ([("route", &**id), class], count))
            }),
        )?;
        self.histograms(
            "frys_http_request_duration_seconds",
            "From the first byte of the request to the last byte of the response",
            &BOUNDS_NS,
            routes().map(|(labels, traffic)| (labels, &traffic.latency)),
        )?;
        self.counters(
            "frys_http_received_bytes",
            "Bytes of heads and bodies received from clients",
            routes().map(|(labels, traffic)| (labels, traffic.bytes_in)),
        )?;
        self.counters(
            "frys_http_sent_bytes",
            "Bytes of heads and bodies sent to clients",
            routes().map(|(labels, traffic)| (labels, traffic.bytes_out)),
        )?;
        let active = report.workers.iter().map(|worker| worker.requests_active).sum();
        self.gauge("frys_http_requests_active", "Exchanges under way", active)
    }

    fn reasons(&mut self, report: &Report) -> fmt::Result {
        let counts = || Reason::ALL.iter().copied().zip(report.reasons);
        self.counters(
            "frys_errors",
            "Exchanges and connections that did not go well, by reason and by whose doing it was",
            counts().filter(|(reason, _)| reason.blame() != Blame::Nobody).map(
                |(reason, count)| {
                    ([("reason", reason.label()), ("blame", reason.blame().label())], count)
                },
            ),
        )?;
        self.counters(
            "frys_limits_hit",
            "Refusals because a limit of the configuration was reached",
            counts()
                .filter(|(reason, _)| reason.is_limit())
                .map(|(reason, count)| ([("limit", reason.label())], count)),
        )
    }

    fn connections(&mut self, report: &Report) -> fmt::Result {
        let numbers: Vec<String> = worker_numbers(report);
        let workers = || numbers.iter().map(|n| [("worker", &**n)]).zip(&report.workers);
        self.counters(
            "frys_connections_accepted",
            "Client connections accepted",
            workers().map(|(labels, worker)| (labels, worker.connections_accepted)),
        )?;
        self.gauges(
            "frys_connections_active",
            "Client connections open now",
            workers().map(|(labels, worker)| (labels, worker.connections_active)),
        )?;
        self.gauges(
            "frys_worker_generation",
            "Number of the snapshot that the worker uses",
            workers().map(|(labels, worker)| (labels, worker.generation)),
        )
    }

    fn upstreams(&mut self, report: &Report) -> fmt::Result {
        self.counters(
            "frys_upstream_responses",
            "Responses by class of the upstream's own status",
            report.upstreams.iter().flat_map(|(name, upstream)| {
                let [cluster, address] = upstream_label(name);
                let counts = told(&upstream.classes);
                counts.map(move |(class, count)| ([cluster, address, class], count))
            }),
        )?;
        self.histograms(
            "frys_upstream_first_byte_seconds",
            "From the sent request head to the response head",
            &BOUNDS_NS,
            report.upstreams.iter().map(|(name, of)| (upstream_label(name), &of.first_byte)),
        )?;
        self.each_upstream(
            report,
            "frys_upstream_failures",
            "Attempts that failed on an upstream's side",
            |upstream| upstream.failures,
        )?;
        self.each_upstream(
            report,
            "frys_upstream_retries",
            "Attempts that repeated a failed one",
            |upstream| upstream.retries,
        )?;
        self.each_upstream(report, "frys_upstream_connects", "Connections made", |upstream| {
            upstream.connects
        })?;
        self.each_upstream(
            report,
            "frys_upstream_connect_failures",
            "Connections that could not be made",
            |upstream| upstream.connect_failures,
        )
    }

    fn pools(&mut self, report: &Report) -> fmt::Result {
        self.gauges(
            "frys_pool_connections",
            "Connections to an upstream by whether they carry an exchange",
            report.upstreams.iter().flat_map(|(name, upstream)| {
                let [cluster, address] = upstream_label(name);
                [("active", upstream.active()), ("idle", upstream.idle)]
                    .map(|(state, count)| ([cluster, address, ("state", state)], count))
            }),
        )?;
        self.each_upstream(
            report,
            "frys_pool_reuses",
            "Exchanges that began on a pooled connection",
            |upstream| upstream.reuses,
        )?;
        self.each_upstream(
            report,
            "frys_pool_full",
            "Exchanges refused because every connection was in use",
            |upstream| upstream.full,
        )
    }

    fn limiters(&mut self, report: &Report) -> fmt::Result {
        let limiters = || report.limiters.iter().map(|(name, sum)| ([("filter", &**name)], sum));
        let rates = || limiters().filter_map(|(labels, sum)| Some((labels, sum.rate?)));
        let concurrency =
            || limiters().filter_map(|(labels, sum)| Some((labels, sum.concurrency?)));
        self.gauges(
            "frys_rate_limit_keys",
            "Places of a rate limit's table that belong to a key",
            rates().map(|(labels, rate)| (labels, rate.keys)),
        )?;
        self.counters(
            "frys_rate_limit_evictions",
            "Times that a new key took over the place, and the debt, of another",
            rates().map(|(labels, rate)| (labels, rate.evictions)),
        )?;
        self.gauges(
            "frys_concurrency_limit_active",
            "Requests under way that a concurrency limit counts",
            concurrency().map(|(labels, sum)| (labels, sum.active)),
        )?;
        self.counters(
            "frys_concurrency_limit_no_room",
            "Requests refused because their key found no place in the table",
            concurrency().map(|(labels, sum)| (labels, sum.no_room)),
        )?;
        self.gauges(
            "frys_limit_memory_bytes",
            "Memory of a limit's table that was taken",
            limiters().map(|(labels, sum)| (labels, sum.memory_bytes)),
        )
    }

    fn filters(&mut self, report: &Report) -> fmt::Result {
        type Outcome = (&'static str, fn(&FilterSum) -> u64);
        let rows = |name: &'static str, outcomes: &'static [Outcome]| {
            report.filters.iter().flat_map(move |(filter, sum)| {
                let row = move |(label, count): &Outcome| {
                    ([("filter", &**filter), (name, *label)], count(sum))
                };
                outcomes.iter().map(row)
            })
        };
        const REQUESTS: &[Outcome] = &[
            ("passed", |filter| filter.passed),
            ("refused", |filter| filter.refused),
            ("answered", |filter| filter.answered),
            ("shadowed", |filter| filter.shadowed),
        ];
        let help = "Requests by what the filter did; those that it would have refused, were it \
                    not only watching, count as shadowed and as passed";
        self.counters("frys_filter_decisions", help, rows("decision", REQUESTS))?;
        const DECISIONS: &[Outcome] =
            &[("hit", |filter| filter.cache_hits), ("miss", |filter| filter.cache_misses)];
        let help = "Decisions of filters by whether what was found out before was enough";
        self.counters("frys_filter_cache", help, rows("outcome", DECISIONS))?;
        const BODIES: &[Outcome] =
            &[("changed", |filter| filter.bodies_changed), ("left", |filter| filter.bodies_left)];
        let help = "Bodies that filters changed, and those that were for them and went on as they \
                    were, since they could not be read";
        self.counters("frys_filter_bodies", help, rows("body", BODIES))?;
        self.counters(
            "frys_filter_asks",
            "Questions of filters to the control plane",
            report.filters.iter().map(|(name, sum)| ([("filter", &**name)], sum.asked)),
        )
    }

    fn log(&mut self, state: &State, report: &Report) -> fmt::Result {
        let (mut written, mut dropped) = (0, 0);
        for worker in &report.workers {
            written += worker.log_written;
            dropped += worker.log_dropped;
        }
        let lost = state.log_lost.load(Ordering::Relaxed);
        self.counter("frys_log_records", "Access-log records handed over", written)?;
        let help = "Access-log records for which a worker's ring had no room";
        self.counter("frys_log_dropped", help, dropped)?;
        self.counter("frys_log_lost", "Access-log lines that the output did not take", lost)
    }

    fn engine(&mut self, report: &Report) -> fmt::Result {
        let numbers = worker_numbers(report);
        let Some(first) = report.workers.first() else { return Ok(()) };
        for (index, (name, _)) in first.engine.each().enumerate() {
            let rows = numbers.iter().zip(&report.workers).map(|(number, worker)| {
                let count = worker.engine.each().nth(index).map_or(0, |(_, count)| count);
                ([("worker", &**number)], count)
            });
            let metric = format!("frys_engine_{name}");
            match name {
                "buffers_out" | "sockets_open" | "tasks" => {
                    self.gauges(&metric, "The worker's engine, now", rows)?;
                }
                _ => self.counters(&metric, "The worker's engine, since its start", rows)?,
            }
        }
        Ok(())
    }

    fn each_upstream(
        &mut self,
        report: &Report,
        name: &str,
        help: &str,
        count: fn(&UpstreamSum) -> u64,
    ) -> fmt::Result {
        let rows = report.upstreams.iter().map(|(name, of)| (upstream_label(name), count(of)));
        self.counters(name, help, rows)
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, u64, u64>(&count, None)
    }

    fn gauge(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&count)
    }

    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in rows {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        }
        Ok(())
    }

    fn seconds<'l>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (impl AsRef<[Label<'l>]>, Duration)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, time) in rows {
            let seconds = time.as_secs_f64();
            match labels.as_ref() {
                [] => metric.encode_counter::<NoLabelSet, f64, u64>(&seconds, None)?,
                labels => metric
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, f64, u64>(&seconds, None)?,
            }
        }
        Ok(())
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, count) in rows {
            metric.encode_family(&labels)?.encode_gauge(&count)?;
        }
        Ok(())
    }

    fn histograms<'m, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        bounds_ns: &[u64],
        rows: impl IntoIterator<Item = (L, &'m Merged)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, merged) in rows {
            let sum = merged.sum_ns() as f64 / 1e9;
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                sum,
                merged.count(),
                &coarse(merged, bounds_ns),
                None,
            )?;
        }
        Ok(())
    }
}

/// The classes that are told: those of every server always, so that their rates begin at zero, and
/// the odd ones once they occurred.
fn told(classes: &Classes) -> impl Iterator<Item = (Label<'static>, u64)> {
    let counts = StatusClass::ALL.into_iter().zip(*classes);
    counts
        .filter(|(class, count)| match class {
            StatusClass::None | StatusClass::Informational => *count > 0,
            StatusClass::Success
            | StatusClass::Redirection
            | StatusClass::ClientError
            | StatusClass::ServerError => true,
        })
        .map(|(class, count)| (("class", class.label()), count))
}

fn route_label(id: &str) -> [Label<'_>; 1] {
    [("route", id)]
}

fn upstream_label((cluster, address): &(Box<str>, Box<str>)) -> [Label<'_>; 2] {
    [("cluster", cluster), ("upstream", address)]
}

fn worker_numbers(report: &Report) -> Vec<String> {
    report.workers.iter().map(|worker| worker.worker.to_string()).collect()
}

/// Upper bound in seconds and count of each published bucket, not yet added up.
fn coarse(merged: &Merged, bounds_ns: &[u64]) -> Vec<(f64, u64)> {
    let bounds = bounds_ns.iter().map(|bound_ns| *bound_ns as f64 / 1e9).chain([f64::INFINITY]);
    bounds.zip(merged.grouped(bounds_ns)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::control::report::tests::sample;

    fn lines_with(text: &str, prefix: &str) -> Vec<String> {
        text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
    }

    #[test]
    fn tells_requests_by_route_and_class() {
        let text = Metrics::new(sample()).encode(Form::Text);
        let requests = lines_with(&text, "frys_http_requests_total{");
        assert_eq!(requests.len(), 3 * 4);
        for line in [
            r#"frys_http_requests_total{route="route-0",class="2xx"} 2"#,
            r#"frys_http_requests_total{route="route-1",class="5xx"} 2"#,
            r#"frys_http_requests_total{route="_none",class="4xx"} 2"#,
            r#"frys_http_requests_total{route="_none",class="2xx"} 0"#,
        ] {
            assert!(requests.iter().any(|found| found == line), "{line}");
        }
        assert!(text.contains("frys_errors_total{reason=\"route_not_found\",blame=\"gateway\"} 2"));
        let refused =
            r#"frys_filter_decisions_total{filter="rate_limit.tight",decision="refused"} 4"#;
        assert_eq!(lines_with(&text, refused), [refused]);
        assert!(
            text.contains("frys_filter_cache_total{filter=\"rate_limit.tight\",outcome=\"hit\"} 2")
        );
        assert!(text.contains("frys_log_dropped_total 2\n"));
        assert!(text.contains("frys_connections_active{worker=\"1\"} 1\n"));
    }

    #[test]
    fn adds_up_the_buckets_of_a_histogram() {
        let text = Metrics::new(sample()).encode(Form::Text);
        let buckets = lines_with(&text, r#"frys_http_request_duration_seconds_bucket{le="#);
        let of_route: Vec<_> = buckets.iter().filter(|line| line.contains("route-0")).collect();
        assert_eq!(of_route.len(), BOUNDS_NS.len() + 1);
        let counts: Vec<u64> = (of_route.iter())
            .map(|line| line.rsplit(' ').next().expect("a value").parse().expect("a count"))
            .collect();
        assert!(counts.is_sorted());
        assert_eq!((counts.first(), counts.last()), (Some(&0), Some(&2)));
        assert!(text.contains(r#"frys_http_request_duration_seconds_sum{route="route-0"} 0.004"#));
    }

    #[test]
    fn tells_stages_and_what_the_process_costs() {
        let text = Metrics::new(sample()).encode(Form::Text);
        let relay = lines_with(&text, "frys_stage_duration_seconds_count{stage=\"relay\"}");
        assert_eq!(relay, ["frys_stage_duration_seconds_count{stage=\"relay\"} 2"]);
        let buckets = lines_with(&text, "frys_stage_duration_seconds_bucket{");
        let of_parse: Vec<_> = buckets.iter().filter(|line| line.contains("parse")).collect();
        assert_eq!(of_parse.len(), STAGE_BOUNDS_NS.len() + 1);
        assert!(of_parse[0].ends_with("} 0"), "up to 250 ns: {}", of_parse[0]);
        assert!(of_parse[1].ends_with("} 2"), "up to 1 µs: {}", of_parse[1]);
        assert_eq!(lines_with(&text, "process_cpu_seconds_total ").len(), 1);
        assert_eq!(lines_with(&text, "process_resident_memory_bytes ").len(), 1);
    }

    #[test]
    fn differs_between_the_two_forms() {
        let metrics = Metrics::new(sample());
        let (text, openmetrics) = (metrics.encode(Form::Text), metrics.encode(Form::OpenMetrics));
        assert!(openmetrics.ends_with("# EOF\n"));
        assert!(openmetrics.contains("# TYPE frys_http_requests counter\n"));
        assert!(!text.contains("# EOF"));
        assert!(text.contains("# TYPE frys_http_requests_total counter\n"));
        let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(samples(&text), samples(&openmetrics));
        let helps = lines_with(&text, "# HELP ").len();
        assert_eq!(helps, lines_with(&text, "# TYPE ").len());
    }

    #[test]
    fn chooses_the_form_by_accept() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Form::of_accept(prometheus), Form::OpenMetrics);
        assert_eq!(Form::of_accept("application/openmetrics-text"), Form::OpenMetrics);
        assert_eq!(Form::of_accept("application/openmetrics-text;q=0"), Form::Text);
        let text_first = "text/plain, application/openmetrics-text;q=0.5";
        assert_eq!(Form::of_accept(text_first), Form::Text);
        assert_eq!(Form::of_accept("*/*"), Form::Text);
        assert_eq!(Form::of_accept(""), Form::Text);
    }

    #[test]
    fn is_accepted_by_promtool() {
        let spawned = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match spawned {
            Ok(child) => child,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "promtool is needed in CI: {error}");
                println!("left out: `promtool check metrics` is not installed ({error})");
                return;
            }
        };
        let text = Metrics::new(sample()).encode(Form::Text);
        let mut input = promtool.stdin.take().expect("it is piped");
        input.write_all(text.as_bytes()).expect("promtool reads");
        drop(input);
        let output = promtool.wait_with_output().expect("promtool ends");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && complaint.is_empty(), "{complaint}\n{text}");
    }
}
