//! Bodies that filters hold whole, on networks that cut, delay, stall and lose them.

use crate::seeds;
use crate::world::World;

fn run(calm: bool) {
    let mut answered_count = 0;
    // Each seed is a world of eight clients: fewer of them than for plain bodies are enough.
    for seed in seeds().into_iter().step_by(4) {
        let outcome = World::new(seed, calm).run_scene(async |shared| {
            shared.place.set("held");
            shared.serve_clients().await?;
            match shared.worker.ledger.held_bytes() {
                0 => Ok(()),
                bytes => Err(format!("{bytes} bytes are held at the end")),
            }
        });
        let report = outcome.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        answered_count += report.answered_count;
    }
    assert!(answered_count > 0, "no request was answered, so nothing was shown");
}

#[test]
fn held_bodies_arrive_whole_on_a_calm_network() {
    run(true);
}

#[test]
fn held_bodies_arrive_whole_or_not_at_all_on_a_faulty_network() {
    run(false);
}
