//! The whole worker, from accept to record, on the simulated network: virtual time, split and
//! delayed reads, short writes, resets, refused connects, slow peers, all under one seed.
//!
//! `FRYS_SEED=17 cargo test --test simulation` replays one seed; `FRYS_SEEDS=1000` runs more.

mod actions;
mod bench;
mod client;
mod questions;
mod quotas;
mod reloads;
mod scenes;
mod files;
mod held;
mod stages;
#[cfg(feature = "authentication")]
mod tokens;
mod upstream;
mod world;

use world::World;

const SEEDS_COUNT: u64 = 200;

fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|value: String| value.parse().ok());
    match (number("FRYS_SEED"), number("FRYS_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, count) => (0..count.unwrap_or(SEEDS_COUNT)).collect(),
    }
}

fn run(name: &str, calm: bool) {
    let mut answered_count = 0;
    for seed in seeds() {
        let outcome = std::panic::catch_unwind(|| World::new(seed, calm).run());
        match outcome {
            Ok(Ok(report)) => answered_count += report.answered_count,
            Ok(Err(fault)) => panic!("{name}: seed {seed} (replay with FRYS_SEED={seed}): {fault}"),
            Err(_) => panic!("{name}: seed {seed} panicked (replay with FRYS_SEED={seed})"),
        }
    }
    assert!(answered_count > 0, "{name}: no request was answered, so nothing was shown");
    println!("{name}: {answered_count} answers over {} seeds", seeds().len());
}

#[test]
fn every_request_is_answered_rightly_on_a_calm_network() {
    run("calm", true);
}

#[test]
fn no_fault_of_the_network_breaks_an_invariant() {
    run("faulty", false);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 7] {
        let first = World::new(seed, false).run().expect("the run holds its invariants");
        let second = World::new(seed, false).run().expect("the run holds its invariants");
        assert_eq!(first, second, "seed {seed}");
    }
}
