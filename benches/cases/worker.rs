//! The whole worker on the simulated network: accept to record, once all is warm. The count holds
//! the simulated network and its peers too; `no gateway` is what those cost alone, for one of the
//! two connections that a proxied request goes over.

use super::scene::{GATEWAY, Scene, UPSTREAM};
use super::{Case, Round};

pub(super) const ROUNDS_PER_CLIENT: u64 = 4;

pub fn cases() -> Vec<Case> {
    let proxied = |count: u64| {
        let name = format!("worker/small, {count} at once");
        Case::new(&name, ROUNDS_PER_CLIENT * count, move || {
            round(Scene::new(count as usize, GATEWAY))
        })
    };
    let direct = || round(Scene::new(1, UPSTREAM));
    vec![
        proxied(1),
        proxied(64),
        Case::new("worker/no gateway, 1 at once", ROUNDS_PER_CLIENT, direct),
    ]
}

pub(super) fn round(mut scene: Scene) -> Round {
    Box::new(move || scene.ask(ROUNDS_PER_CLIENT))
}
