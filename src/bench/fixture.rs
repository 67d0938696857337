//! A made-up run that looks like a real one, for tests and for looking at the page: no test
//! measures, and each gets the same figures.

use std::collections::BTreeMap;

use super::page::document::{Document, NamedRun, Sweep, SweepPoint, Table};
use super::report::{
    Arrivals, Asked, AskedTarget, Client, Errors, Gateway, Interval, Latency, Report, Seen, Stage,
    TermVerdict, Verdict,
};

/// An open loop at 20,000/s for a minute, with a stall at two thirds, the gateway's side, and an
/// objective that was missed by one of its terms.
pub fn open_loop() -> Report {
    let latency = latency(1_200_000, 182.0, 1.0);
    let (client_mean, p99_us, p999_us) = (latency.mean_us, latency.p99_us, latency.p999_us);
    let seen = Seen {
        seconds: 60.0,
        requests: 1_199_958,
        rate: 19_999.3,
        received_bytes: 285_590_004,
        sent_bytes: 76_797_312,
        connections_opened: 64,
        statuses: BTreeMap::from([(200, 1_199_901), (503, 57)]),
        errors: Errors { timed_out: 42, non_2xx: 57, ..Errors::default() },
        service: Some(self::latency(1_200_000, 171.0, 0.6)),
        connect: Some(self::latency(64, 92.0, 0.3)),
        corrected: None,
        timeline: timeline(120, 0.5, 10_000, 182.0),
        latency,
    };
    Report {
        frys: "0.1.0".to_owned(),
        started_unix_s: 1_767_225_600,
        asked: asked(Some(20_000.0)),
        seen,
        client: Client {
            cpu_s: 14.2,
            requests_per_cpu_s: 84_504.0,
            cpu_share_max: 0.31,
            lateness: Some(self::latency(1_200_000, 6.4, 0.35)),
            is_limit: false,
            warnings: Vec::new(),
        },
        gateway: Some(gateway(client_mean)),
        objective: Some(Verdict {
            met: false,
            terms: vec![
                term("p99<5ms", p99_us, 5_000.0, true),
                term("p99.9<3ms", p999_us, 3_000.0, false),
                term("errors<0.1%", 0.000_082, 0.001, true),
            ],
        }),
    }
}

/// A closed loop on 64 connections that the generator's own thread held back.
pub fn closed_loop() -> Report {
    Report {
        frys: "0.1.0".to_owned(),
        started_unix_s: 1_767_225_600,
        asked: Asked { connections: 64, threads: 1, warm_up_s: 1.0, ..asked(None) },
        seen: Seen {
            seconds: 30.0,
            requests: 2_884_410,
            rate: 96_147.0,
            received_bytes: 686_489_580,
            sent_bytes: 184_602_240,
            connections_opened: 64,
            statuses: BTreeMap::from([(200, 2_884_410)]),
            latency: latency(2_884_410, 640.0, 0.4),
            corrected: Some(latency(2_885_002, 643.0, 1.0)),
            timeline: timeline(30, 1.0, 96_147, 640.0),
            ..Seen::default()
        },
        client: Client {
            cpu_s: 29.7,
            requests_per_cpu_s: 97_118.0,
            cpu_share_max: 0.99,
            lateness: None,
            is_limit: true,
            warnings: vec![
                "a thread of the generator used 99% of its core: the server may be \
                            faster than this"
                    .to_owned(),
            ],
        },
        gateway: None,
        objective: None,
    }
}

/// A run in which nothing was sent, let alone answered.
pub fn nothing() -> Report {
    Report {
        frys: "0.1.0".to_owned(),
        started_unix_s: 0,
        asked: asked(Some(10.0)),
        seen: Seen { errors: Errors { refused: 3, ..Errors::default() }, ..Seen::default() },
        client: Client::default(),
        gateway: Some(Gateway::default()),
        objective: Some(Verdict::default()),
    }
}

/// A run of a single request.
pub fn single() -> Report {
    let one = Latency {
        count: 1,
        mean_us: 210.0,
        min_us: 210.0,
        p50_us: 210.0,
        p75_us: 210.0,
        p90_us: 210.0,
        p99_us: 210.0,
        p999_us: 210.0,
        p9999_us: 210.0,
        p99999_us: 210.0,
        max_us: 210.0,
        curve: vec![(100.0, 210.0)],
    };
    let interval = Interval {
        seconds: 1.0,
        requests: 1,
        p50_us: 210.0,
        p99_us: 210.0,
        max_us: 210.0,
        counts: vec![(197.4, 1)],
        ..Interval::default()
    };
    let seen = Seen {
        seconds: 1.0,
        requests: 1,
        rate: 1.0,
        statuses: BTreeMap::from([(200, 1)]),
        latency: one,
        timeline: vec![interval],
        ..Seen::default()
    };
    Report { seen, gateway: None, objective: None, asked: asked(None), ..nothing() }
}

/// A page with all that a page can have: two runs, a sweep, a table and notes.
pub fn document() -> Document {
    let run = |name: &str, report| NamedRun { name: name.to_owned(), report };
    Document {
        title: "frys bench find: http://127.0.0.1:8080/".to_owned(),
        runs: vec![run("20,000/s", open_loop()), run("closed loop", closed_loop())],
        sweep: Some(sweep()),
        table: Some(Table {
            columns: ["setting", "rate", "95% interval", "verdict"].map(str::to_owned).to_vec(),
            rows: [
                ["workers = 2", "41,200/s", "40,100 to 42,600", "best"],
                ["workers = 1", "23,900/s", "23,300 to 24,400", "slower"],
            ]
            .map(|row| row.map(str::to_owned).to_vec())
            .to_vec(),
        }),
        notes: vec![
            "Each rate was tried three times for 10 s, with 2 s between trials.".to_owned(),
        ],
    }
}

fn sweep() -> Sweep {
    let mut points = Vec::new();
    for step in 1..=14_u32 {
        for trial in 0..3_u32 {
            let rate = 3_500.0 * f64::from(step);
            // The waiting time of a queue at this load, as far as it has one.
            let load = (rate / 44_000.0).min(1.4);
            let wait = if load < 0.995 { 1.0 / (1.0 - load) } else { 60.0 + 900.0 * (load - 0.9) };
            let noise = 1.0 + 0.06 * (f64::from(trial) - 1.0) * f64::from(step % 3);
            let point = SweepPoint {
                rate,
                achieved: rate.min(43_500.0),
                p50_us: 110.0 * wait.sqrt() * noise,
                p99_us: 240.0 * wait * noise,
                p999_us: 700.0 * wait * noise,
                errors_share: if load > 1.0 { 0.02 * load } else { 0.0 },
                met: 240.0 * wait * noise < 5_000.0 && load <= 1.0,
            };
            points.push(point);
        }
    }
    Sweep {
        objective: "p99<5ms,errors<0.1%".to_owned(),
        points,
        knee: Some(36_800.0),
        highest: Some(41_700.0),
        interval: Some((40_900.0, 42_300.0)),
    }
}

fn asked(rate: Option<f64>) -> Asked {
    let target = |path: &str, weight| AskedTarget {
        method: "GET".to_owned(),
        url: format!("http://127.0.0.1:8080{path}"),
        weight,
        body_bytes: 0,
    };
    Asked {
        targets: vec![target("/", 9), target("/articles?page=2", 1)],
        rate,
        arrivals: Arrivals::Poisson,
        seed: 7,
        connections: 64,
        threads: 2,
        duration_s: 60.0,
        warm_up_s: 5.0,
        timeout_s: 10.0,
        new_connections: false,
        think_s: 0.0,
        read_bytes_per_s: None,
    }
}

fn term(term: &str, measured: f64, bound: f64, met: bool) -> TermVerdict {
    TermVerdict { term: term.to_owned(), measured, bound, met }
}

/// A body around `typical` microseconds with a tail that grows by `tail` with each nine.
fn latency(count: u64, typical: f64, tail: f64) -> Latency {
    let at = |percentile: f64| {
        let nines = -(1.0 - percentile / 100.0).log10();
        let body = typical * (0.55 + 0.45 * (percentile / 50.0).min(1.0) + 0.9 * nines * 0.3);
        (body * (1.0 + tail * nines.powf(2.2)) * 10.0).round() / 10.0
    };
    let most = 100.0 * (1.0 - 1.0 / count as f64);
    let mut curve = Vec::new();
    let mut step = 0;
    loop {
        let percentile = 100.0 * (1.0 - 10_f64.powf(-f64::from(step) / 12.0));
        if percentile >= most {
            break;
        }
        curve.push((percentile, at(percentile)));
        step += 1;
    }
    curve.push((100.0, at(most)));
    let bounded = |percentile: f64| at(percentile.min(most));
    Latency {
        count,
        mean_us: bounded(58.0),
        min_us: at(0.0),
        p50_us: bounded(50.0),
        p75_us: bounded(75.0),
        p90_us: bounded(90.0),
        p99_us: bounded(99.0),
        p999_us: bounded(99.9),
        p9999_us: bounded(99.99),
        p99999_us: bounded(99.999),
        max_us: at(most),
        curve,
    }
}

/// `count` pieces with `requests` in each, and a stall at two thirds.
fn timeline(count: u32, seconds: f64, requests: u64, typical: f64) -> Vec<Interval> {
    let mut intervals = Vec::new();
    for at in 0..count {
        let since = f64::from(at) - f64::from(count * 2 / 3);
        let stall = if (0.0..5.0).contains(&since) { 60.0 / (1.0 + since * since) } else { 0.0 };
        let sway =
            1.0 + 0.12 * (f64::from(at) / 7.0).sin() + 0.05 * f64::from(at * 7919 % 13) / 13.0;
        let median = typical * sway * (1.0 + stall / 8.0);
        let mut counts = Vec::new();
        let mut most = median;
        for bucket in -10..=(26 + stall as i32) {
            let bound = 2_f64.powf(((median.log2() * 8.0).round() + f64::from(bucket)) / 8.0);
            let distance = f64::from(bucket) / if bucket < 0 { 4.0 } else { 6.0 + stall / 3.0 };
            let part = (requests as f64 * 0.1 * (-distance * distance).exp()) as u64;
            let stray = u64::from((at * 31 + bucket.unsigned_abs() * 17).is_multiple_of(11));
            if part + stray > 0 {
                counts.push(((bound * 10.0).round() / 10.0, part + stray));
                most = bound * 1.09;
            }
        }
        intervals.push(Interval {
            at_s: f64::from(at) * seconds,
            seconds,
            requests: requests - (stall * 20.0) as u64,
            errors: if stall > 20.0 { (stall / 2.0) as u64 } else { 0 },
            p50_us: median,
            p99_us: (median * (3.1 + stall / 5.0)).min(most),
            max_us: most,
            counts,
        });
    }
    intervals
}

fn gateway(client_mean_us: f64) -> Gateway {
    let total = latency(1_199_958, 121.0, 0.7);
    let outside_mean_us = client_mean_us - total.mean_us;
    let stage = |name: &str, count, share: f64| Stage {
        name: name.to_owned(),
        count,
        mean_us: total.mean_us * share,
        p50_us: total.p50_us * share,
        p99_us: total.p99_us * share,
        p999_us: total.p999_us * share,
    };
    Gateway {
        requests: 1_199_958,
        cpu_s: 21.4,
        cpu_us_per_request: 17.8,
        stages: vec![
            stage("accept_wait", 1_199_958, 0.04),
            stage("parse", 18_750, 0.012),
            stage("route", 18_750, 0.004),
            stage("pool_wait", 1_199_958, 0.07),
            stage("upstream_first_byte", 1_199_901, 0.78),
            stage("relay", 1_199_901, 0.06),
        ],
        outside_mean_us,
        total,
    }
}
