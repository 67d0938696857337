//! Searches against simulated queues whose capacity is known.

use super::*;
use crate::bench::random::Random;

/// A server with one queue.
#[derive(Clone, Copy)]
struct Server {
    /// Mean time of a request in seconds.
    service_s: f64,
    /// The time is drawn, exponentially; else it is fixed.
    is_random: bool,
    /// Arrivals are drawn; else they are at equal distances.
    is_poisson: bool,
    /// The share of trials in which everything stands still for a second.
    stalled: f64,
    /// p99 that meets the objective, in seconds.
    p99_s: f64,
}

impl Server {
    /// Waiting by Lindley's recursion: the p99 of what arrives within the time, and the share of it
    /// that is answered within it.
    fn observe(&self, rate: f64, seconds: f64, random: &mut Random) -> (f64, f64) {
        let count = ((rate * seconds) as usize).max(1);
        let mut free_s = 0.0_f64;
        let mut arrival_s = 0.0;
        let stall_s = (random.share() < self.stalled).then(|| seconds * random.share());
        let mut answered = 0;
        let mut latencies = Vec::with_capacity(count);
        for _ in 0..count {
            arrival_s += if self.is_poisson { random.exponential() } else { 1.0 } / rate;
            let service = if self.is_random { random.exponential() } else { 1.0 };
            let mut begin_s = free_s.max(arrival_s);
            if let Some(stall_s) = stall_s
                && begin_s >= stall_s
                && begin_s < stall_s + 1.0
            {
                begin_s = stall_s + 1.0;
            }
            free_s = begin_s + service * self.service_s;
            latencies.push(free_s - arrival_s);
            answered += usize::from(free_s <= seconds);
        }
        let place = (latencies.len() * 99 / 100).min(latencies.len() - 1);
        let (_, p99_s, _) = latencies.select_nth_unstable_by(place, f64::total_cmp);
        (*p99_s, answered as f64 / seconds)
    }

    fn trial(&self, step: Step, seconds: f64, seed: u64) -> Trial {
        let mut random = Random::new(seed, step.number as u64);
        let (p99_s, achieved) = self.observe(step.rate, seconds, &mut random);
        let asked = step.rate * seconds;
        let saturated = achieved * seconds < 0.98 * asked - 3.0 * asked.sqrt();
        Trial {
            rate: step.rate,
            achieved,
            met: !saturated && p99_s < self.p99_s,
            saturated,
            p99_us: p99_s * 1e6,
            ..Trial::default()
        }
    }

    fn search(&self, settings: Settings, seed: u64) -> Answer {
        let mut search = Search::new(settings).expect("valid settings");
        loop {
            match search.next() {
                Next::Trial(step) => search.hear(self.trial(step, settings.seconds, seed)),
                Next::End(answer) => return *answer,
            }
        }
    }
}

fn settings(start: f64) -> Settings {
    Settings { seconds: 5.0, cool_down_s: 1.0, budget_s: 3600.0, ..Settings::new(start) }
}

/// M/M/1: latency is exponential with `1 / (capacity - rate)`, so p99 is `ln(100)` of these.
const RANDOM: Server =
    Server { service_s: 1e-3, is_random: true, is_poisson: true, stalled: 0.0, p99_s: 0.05 };
const RANDOM_TRUTH: f64 = 1000.0 - 4.605_170 / 0.05;

/// Equal arrivals at a fixed service rate: nothing waits up to the capacity.
const FIXED: Server =
    Server { service_s: 1e-3, is_random: false, is_poisson: false, stalled: 0.0, p99_s: 0.005 };
const FIXED_TRUTH: f64 = 1000.0;

/// Runs many seeds; how many answers are within 5 % of the truth.
fn near(server: Server, truth: f64, start: f64, seeds: u64) -> u64 {
    let is_near = |seed: &u64| {
        // Long enough that a queue near its limit forgets that it began empty.
        let settings = Settings { seconds: 10.0, ..settings(start) };
        let answer = server.search(settings, *seed);
        assert!(answer.trials.len() <= 60, "{} trials", answer.trials.len());
        let Some(highest) = answer.highest else { return false };
        (highest.rate / truth - 1.0).abs() <= 0.05 && answer.end == End::Found
    };
    (0..seeds).filter(is_near).count() as u64
}

#[test]
fn a_random_queue_is_found_within_five_percent() {
    for start in [20.0, 450.0, 4_000.0] {
        let found = near(RANDOM, RANDOM_TRUTH, start, 60);
        assert!(found >= 57, "from {start}: {found} of 60");
    }
}

#[test]
fn a_fixed_service_rate_is_found_within_five_percent() {
    for start in [7.0, 600.0, 50_000.0] {
        let found = near(FIXED, FIXED_TRUTH, start, 20);
        assert_eq!(found, 20, "from {start}");
    }
}

#[test]
fn fixed_service_with_random_arrivals_is_found_within_five_percent() {
    let server = Server { is_random: false, p99_s: 0.03, ..RANDOM };
    // The truth of M/D/1 by a long observation at each rate.
    let mut random = Random::new(1, 1);
    let meets = |rate: &u32| server.observe(f64::from(*rate), 300.0, &mut random).0 < 0.03;
    let truth = (800..1000).rev().step_by(5).find(meets).map(f64::from).expect("some rate does");
    assert!((900.0..950.0).contains(&truth), "{truth}");
    let found = near(server, truth, 100.0, 60);
    assert!(found >= 57, "{found} of 60");
}

#[test]
fn a_stall_now_and_then_does_not_mislead() {
    let server = Server { stalled: 0.1, ..FIXED };
    let found = near(server, FIXED_TRUTH, 100.0, 60);
    assert!(found >= 57, "{found} of 60");
}

#[test]
fn a_server_that_stalls_in_every_trial_meets_nothing() {
    let server = Server { stalled: 1.0, ..FIXED };
    for seed in 0..10 {
        let settings = Settings { rate_min: 10.0, ..settings(200.0) };
        let answer = server.search(settings, seed);
        assert!(answer.highest.is_none(), "{answer}");
        assert!(matches!(answer.end, End::FailedAtLowest | End::SaturatedAtLowest), "{answer}");
    }
}

#[test]
fn a_server_that_stalls_in_every_other_trial_is_not_vouched_for() {
    let server = Server { stalled: 0.5, ..FIXED };
    for seed in 0..20 {
        let settings = Settings { rate_min: 10.0, ..settings(200.0) };
        let answer = server.search(settings, seed);
        assert!(answer.trials.len() <= limits::BENCH_TRIALS_MAX);
        if let Some(highest) = answer.highest {
            let share = f64::from(highest.met) / f64::from(highest.count);
            assert!(share <= 1.0 && highest.share_low < 0.5, "{answer}");
        }
    }
}

#[test]
fn the_interval_holds_the_rate_of_even_odds() {
    // Of trials as long as these: a short one begins with an empty queue.
    let even = |rate: &u32| {
        let met = (0..60).filter(|seed| {
            let mut random = Random::new(*seed, 99);
            RANDOM.observe(f64::from(*rate), 5.0, &mut random).0 < RANDOM.p99_s
        });
        met.count() >= 30
    };
    let even = (860..980).rev().step_by(4).find(even).map(f64::from).expect("some rate has");
    let held = (0..60).filter(|seed| {
        let highest = RANDOM.search(settings(300.0), *seed).highest.expect("a rate is found");
        let (low, high) = highest.interval.expect("some trials failed");
        low <= even && even <= high
    });
    let held = held.count();
    assert!(held >= 51, "{held} of 60 around {even}");
}

fn answer(settings: Settings, outcome: impl Fn(Step) -> Trial) -> Answer {
    let mut search = Search::new(settings).expect("valid settings");
    loop {
        match search.next() {
            Next::Trial(step) => search.hear(outcome(step)),
            Next::End(answer) => return *answer,
        }
    }
}

fn trial(step: Step, met: bool) -> Trial {
    Trial { rate: step.rate, achieved: step.rate, met, ..Trial::default() }
}

#[test]
fn what_never_fails_is_told_so() {
    let settings = Settings { rate_max: 3_000.0, ..settings(100.0) };
    let answer = answer(settings, |step| trial(step, true));
    assert_eq!(answer.end, End::NeverFailed);
    let highest = answer.highest.expect("the highest rate");
    assert_eq!((highest.rate, highest.met, highest.count), (3_000.0, 5, 5));
    assert_eq!(highest.interval, None);
    assert!((highest.share_low - 0.478).abs() < 0.001);
}

#[test]
fn a_generator_that_cannot_is_not_the_server() {
    let outcome =
        |step: Step| Trial { is_limit: step.rate > 1000.0, ..trial(step, step.rate <= 1000.0) };
    let found = answer(settings(100.0), outcome);
    assert_eq!(found.end, End::GeneratorLimit);
    assert!(found.highest.is_some_and(|highest| highest.rate > 950.0));
    let none = answer(settings(100.0), |step| Trial { is_limit: true, ..trial(step, false) });
    assert_eq!((none.end, none.highest), (End::GeneratorLimit, None));
}

#[test]
fn what_fails_at_the_lowest_rate_is_told_apart() {
    let settings = Settings { rate_min: 50.0, ..settings(100.0) };
    let failed = answer(settings, |step| trial(step, false));
    assert_eq!((failed.end, failed.trials.len()), (End::FailedAtLowest, 4));
    let saturated =
        answer(settings, |step| Trial { saturated: true, achieved: 1.0, ..trial(step, false) });
    assert_eq!((saturated.end, saturated.trials.len()), (End::SaturatedAtLowest, 2));
}

#[test]
fn one_failed_trial_at_a_low_rate_ends_nothing() {
    let outcome = |step: Step| trial(step, step.number != 2 && step.rate <= 5_000.0);
    let answer = answer(settings(100.0), outcome);
    assert!(answer.highest.is_some_and(|highest| highest.rate > 4_800.0), "{answer}");
}

#[test]
fn saturation_by_a_single_stall_is_doubted_before_the_end() {
    // The second trial stalls so long that it looks saturated; the server carries 5,000.
    let outcome = |step: Step| Trial {
        saturated: step.number == 2,
        ..trial(step, step.number != 2 && step.rate <= 5_000.0)
    };
    let answer = answer(settings(100.0), outcome);
    assert!(answer.highest.is_some_and(|highest| highest.rate > 4_800.0), "{answer}");
}

#[test]
fn the_time_is_kept() {
    let settings = Settings { budget_s: 60.0, ..settings(100.0) };
    let answer = answer(settings, |step| trial(step, step.rate <= 5_000.0));
    assert_eq!(answer.end, End::OutOfTime);
    let spent: f64 =
        answer.trials.iter().map(|heard| heard.step.cool_down_s + settings.seconds).sum();
    assert!(spent <= 60.0 && spent > 50.0, "{spent}");
    // What is known by then is told, with how little vouches for it.
    assert!(answer.highest.is_some_and(|highest| highest.rate >= 3_200.0 && highest.count <= 2));
}

#[test]
fn rests_grow_with_what_the_server_has_to_get_over() {
    let mut search = Search::new(settings(1000.0)).expect("valid settings");
    let rest = |search: &Search| match search.next() {
        Next::Trial(step) => step.cool_down_s,
        Next::End(answer) => panic!("{answer}"),
    };
    assert_eq!(rest(&search), 0.0);
    let step = |search: &Search| match search.next() {
        Next::Trial(step) => step,
        Next::End(answer) => panic!("{answer}"),
    };
    search.hear(trial(step(&search), true));
    assert_eq!(rest(&search), 1.0);
    search.hear(trial(step(&search), false));
    assert_eq!(rest(&search), 2.0);
    let last = step(&search);
    assert_eq!(last.rate, 2000.0, "a failed trial is repeated");
    search.hear(Trial { saturated: true, achieved: 1500.0, ..trial(last, false) });
    assert_eq!(rest(&search), 4.0);
    assert_eq!(step(&search).rate, 0.95 * 1500.0, "the capacity that was seen is a guess");
}

#[test]
fn the_knee_is_told_of() {
    let answer = RANDOM.search(settings(60.0), 5);
    let knee = answer.knee.expect("a queue bends");
    assert!((400.0..950.0).contains(&knee.rate), "{knee:?}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::new(100.0);
        change(&mut settings);
        Search::new(settings).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|settings| settings.rate_min = 101.0));
    assert!(refused(|settings| settings.rate_max = 99.0));
    assert!(refused(|settings| settings.rate_max = f64::NAN));
    assert!(refused(|settings| settings.precision = 0.0));
    assert!(refused(|settings| settings.trials = 2));
    assert!(refused(|settings| settings.confirmations = 0));
    assert!(refused(|settings| settings.confirmations = 101));
    assert!(refused(|settings| settings.seconds = 0.0));
    assert!(refused(|settings| settings.budget_s = 1e9));
}
