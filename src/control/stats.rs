//! `/stats`: everything that the gateway counts, as JSON for people and scripts.

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use std::io;

use super::report::{Classes, FilterSum, Report, Traffic, UpstreamSum, WorkerSum};
use super::state::State;
use crate::bridge::Reason;
use crate::bridge::histogram::Merged;
use crate::bridge::metrics::{StatusClass, WorkerState};
use crate::bridge::stages::Basis;

/// The whole document as text: indented, with what a list holds side by side.
pub fn text(state: &State) -> String {
    let mut text = Vec::new();
    let layout = Layout(PrettyFormatter::new());
    let mut serializer = Serializer::with_formatter(&mut text, layout);
    document(state).serialize(&mut serializer).expect("memory takes everything");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is text")
}

/// The whole document.
pub fn document(state: &State) -> Value {
    let report = Report::gather(state);
    let sum = |count: fn(&WorkerSum) -> u64| report.workers.iter().map(count).sum::<u64>();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": state.started.elapsed().as_secs(),
        "phase": state.phase().label(),
        "generation": state.generation(),
        "generations": state.generations().iter()
            .map(|(generation, requests)| json!({ "generation": generation, "requests": requests }))
            .collect::<Vec<_>>(),
        "process": process(&report),
        "total": traffic(&report.total),
        "stages": stages(&report),
        "requests_active": sum(|worker| worker.requests_active),
        "connections": {
            "accepted": sum(|worker| worker.connections_accepted),
            "active": sum(|worker| worker.connections_active),
        },
        "reasons": reasons(&report),
        "names": state.addresses(),
        "keys": state.keys.all(),
        "access_log": {
            "records": sum(|worker| worker.log_written),
            "dropped": sum(|worker| worker.log_dropped),
            "lost": state.log_lost.load(std::sync::atomic::Ordering::Relaxed),
        },
        "workers": report.workers.iter().map(worker).collect::<Vec<_>>(),
        "routes": report.routes.iter().map(|(id, of)| named(traffic(of), &[("id", id)]))
            .collect::<Vec<_>>(),
        "upstreams": report.upstreams.iter()
            .map(|((cluster, address), of)| {
                named(upstream(of), &[("cluster", cluster), ("address", address)])
            })
            .collect::<Vec<_>>(),
        "filters": report.filters.iter().map(|(name, of)| named(filter(of), &[("name", name)]))
            .collect::<Vec<_>>(),
    })
}

fn named(value: Value, names: &[(&str, &str)]) -> Value {
    let mut object = match value {
        Value::Object(object) => object,
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    object.extend(names.iter().map(|(key, name)| ((*key).to_owned(), Value::from(*name))));
    Value::Object(object)
}

fn process(report: &Report) -> Value {
    json!({
        "id": std::process::id(),
        "cpu_seconds": report.process.cpu.map(|cpu| cpu.as_secs_f64()),
        "resident_bytes": report.process.resident_bytes,
    })
}

/// In the order of a request, the whole request last.
fn stages(report: &Report) -> Value {
    let stages = report.stages.iter();
    let stages = stages.map(|(stage, sum)| distribution(stage.label(), stage.basis(), sum));
    let total = distribution("total", Basis::Clock, &report.total.latency);
    stages.chain([total]).collect()
}

/// Percentiles to read, and the counts from which those of the time between two looks are made.
fn distribution(name: &str, basis: Basis, merged: &Merged) -> Value {
    let buckets = merged.filled().map(|bucket| [bucket.from_ns, bucket.below_ns, bucket.count]);
    json!({
        "name": name,
        "basis": basis.label(),
        "count": merged.count(),
        "sum_ns": merged.sum_ns(),
        "duration_us": latency(merged),
        "buckets_ns": buckets.collect::<Vec<_>>(),
    })
}

fn traffic(traffic: &Traffic) -> Value {
    json!({
        "requests": traffic.count(),
        "classes": classes(&traffic.classes),
        "bytes_in": traffic.bytes_in,
        "bytes_out": traffic.bytes_out,
        "latency_us": latency(&traffic.latency),
    })
}

fn upstream(upstream: &UpstreamSum) -> Value {
    json!({
        "responses": upstream.classes.iter().sum::<u64>(),
        "classes": classes(&upstream.classes),
        "first_byte_us": latency(&upstream.first_byte),
        "failures": upstream.failures,
        "retries": upstream.retries,
        "connections": {
            "active": upstream.active(),
            "idle": upstream.idle,
            "connects": upstream.connects,
            "connect_failures": upstream.connect_failures,
            "reuses": upstream.reuses,
            "full": upstream.full,
        },
    })
}

fn filter(filter: &FilterSum) -> Value {
    json!({
        "passed": filter.passed,
        "refused": filter.refused,
        "answered": filter.answered,
        "shadowed": filter.shadowed,
        "asked": filter.asked,
        "cache": { "hits": filter.cache_hits, "misses": filter.cache_misses },
        "bodies": { "changed": filter.bodies_changed, "left": filter.bodies_left },
    })
}

fn worker(worker: &WorkerSum) -> Value {
    let state = match worker.state {
        WorkerState::Starting => "starting",
        WorkerState::Serving => "serving",
        WorkerState::Draining => "draining",
        WorkerState::Ended => "ended",
    };
    let engine: Map<_, _> =
        worker.engine.each().map(|(name, count)| (name.to_owned(), count.into())).collect();
    json!({
        "worker": worker.worker,
        "state": state,
        "generation": worker.generation,
        "total": traffic(&worker.traffic),
        "requests_active": worker.requests_active,
        "connections": {
            "accepted": worker.connections_accepted,
            "active": worker.connections_active,
        },
        "access_log": { "records": worker.log_written, "dropped": worker.log_dropped },
        "engine": engine,
        "thread": worker.thread.map(|thread| json!({
            "cpu_seconds": thread.cpu.as_secs_f64(),
            "starved_seconds": thread.starved.as_secs_f64(),
        })),
    })
}

fn classes(classes: &Classes) -> Value {
    let counts = StatusClass::ALL.iter().zip(classes);
    let object: Map<_, _> =
        counts.map(|(class, count)| (class.label().to_owned(), (*count).into())).collect();
    Value::Object(object)
}

/// Only the reasons that occurred.
fn reasons(report: &Report) -> Value {
    let counts = Reason::ALL.iter().zip(&report.reasons).filter(|(_, count)| **count > 0);
    let object: Map<_, _> =
        counts.map(|(reason, count)| (reason.label().to_owned(), (*count).into())).collect();
    Value::Object(object)
}

fn latency(merged: &Merged) -> Value {
    // Tenths of a microsecond are finer than the buckets.
    let micros = |nanos: u64| (nanos / 100) as f64 / 10.0;
    json!({
        "mean": micros(merged.mean_ns()),
        "p50": micros(merged.percentile_ns(0.5)),
        "p95": micros(merged.percentile_ns(0.95)),
        "p99": micros(merged.percentile_ns(0.99)),
        "p99.9": micros(merged.percentile_ns(0.999)),
        "max": micros(merged.max_ns()),
    })
}

/// Indents objects and leaves lists on their line, so that a histogram is one line, not hundreds.
struct Layout(PrettyFormatter<'static>);

impl Formatter for Layout {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::report::tests::sample;

    #[test]
    fn tells_workers_routes_and_upstreams() {
        let document = document(&sample());
        assert_eq!(document["total"]["requests"], 6);
        assert_eq!(document["total"]["classes"]["2xx"], 2);
        assert_eq!(document["total"]["latency_us"]["max"], 2000.0);
        assert_eq!(document["reasons"], json!({ "ok": 4, "route_not_found": 2 }));
        assert_eq!(document["workers"][1]["worker"], 1);
        assert_eq!(document["workers"][1]["engine"]["turns"], 5);
        assert_eq!(document["routes"][1]["id"], "route-0");
        let p99 = document["routes"][1]["latency_us"]["p99"].as_f64().expect("a number");
        assert!((p99 - 2000.0).abs() < 2000.0 * 0.0161);
        assert_eq!(document["upstreams"][0]["address"], "up-0:80");
        assert_eq!(document["upstreams"][0]["connections"]["idle"], 2);
        assert_eq!(document["filters"][0]["name"], "rate_limit.tight");
        assert_eq!(document["filters"][0]["refused"], 4);
        assert_eq!(document["filters"][0]["cache"], json!({ "hits": 2, "misses": 0 }));
        assert_eq!(document["access_log"]["dropped"], 2);
        assert_eq!(document["connections"]["active"], 2);
        assert!(document["process"]["cpu_seconds"].is_number());
    }

    #[test]
    fn tells_stages_so_that_two_looks_can_be_subtracted() {
        let document = document(&sample());
        let stages = document["stages"].as_array().expect("a list");
        let named = |name| stages.iter().find(|stage| stage["name"] == name).expect("it is told");
        let parse = named("parse");
        assert_eq!((&parse["basis"], &parse["count"]), (&json!("sample"), &json!(2)));
        assert_eq!(parse["sum_ns"], 800);
        assert_eq!(parse["buckets_ns"], json!([[384, 416, 2]]));
        assert_eq!(named("connect")["buckets_ns"], json!([]));
        assert_eq!(named("total")["count"], document["total"]["requests"]);
        assert_eq!(stages.last().expect("the total")["name"], "total");
    }

    #[test]
    fn writes_a_list_on_one_line() {
        let text = text(&sample());
        assert!(text.contains("\"buckets_ns\": [[384, 416, 2]],\n"), "{text}");
        assert!(text.ends_with("}\n"));
        let read: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read["total"]["requests"], 6);
    }
}
