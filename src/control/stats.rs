//! `/stats`: everything that the gateway counts, as JSON for people and scripts.

use serde_json::{Map, Value, json};

use super::report::{Classes, Report, Traffic, UpstreamSum, WorkerSum};
use super::state::State;
use crate::bridge::Reason;
use crate::bridge::histogram::Merged;
use crate::bridge::metrics::{StatusClass, WorkerState};

/// The whole document.
pub fn document(state: &State) -> Value {
    let report = Report::gather(state);
    let mut total = Traffic::default();
    report.workers.iter().for_each(|worker| total.add(&worker.traffic));
    let sum = |count: fn(&WorkerSum) -> u64| report.workers.iter().map(count).sum::<u64>();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": state.started.elapsed().as_secs(),
        "phase": state.phase().label(),
        "generation": state.generation(),
        "total": traffic(&total),
        "requests_active": sum(|worker| worker.requests_active),
        "connections": {
            "accepted": sum(|worker| worker.connections_accepted),
            "active": sum(|worker| worker.connections_active),
        },
        "reasons": reasons(&report),
        "names": state.addresses(),
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
        assert_eq!(document["access_log"]["dropped"], 2);
        assert_eq!(document["connections"]["active"], 2);
    }
}
