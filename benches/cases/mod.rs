//! What the micro-benchmarks time and the gate counts: the same code for both.
//!
//! A round is one call that does a case's operations and says how many of them came out right.

mod parse;
mod route;
mod balance;
mod edits;
mod limits;
mod edge;
mod memory;
mod worker;
#[cfg(all(feature = "authentication", feature = "rate_limiting"))]
mod filters;
#[cfg(not(all(feature = "authentication", feature = "rate_limiting")))]
#[path = "filters_absent.rs"]
mod filters;
pub mod heads;
pub mod routes;
pub mod scene;

/// Does a case's operations once; how many of them came out right.
pub type Round = Box<dyn FnMut() -> u64>;

/// One thing to measure.
pub struct Case {
    pub name: String,
    /// Operations in one round, all of which must come out right.
    pub operations_count: u64,
    prepare: Box<dyn Fn() -> Round>,
}

impl Case {
    fn new(name: &str, operations_count: u64, prepare: impl Fn() -> Round + 'static) -> Case {
        Case { name: name.to_owned(), operations_count, prepare: Box::new(prepare) }
    }

    /// Everything that is made before the first round.
    pub fn prepare(&self) -> Round {
        (self.prepare)()
    }

    /// # Panics
    /// When an operation of the round came out wrong.
    pub fn check(&self, right_count: u64) {
        assert_eq!(right_count, self.operations_count, "{}: operations that came right", self.name);
    }
}

/// Every case, in the order in which a request meets what it measures. A debug build, which only
/// shows that the cases still run, leaves out the largest.
pub fn all() -> Vec<Case> {
    let groups = [
        parse::cases(),
        route::cases(),
        limits::cases(),
        balance::cases(),
        edits::cases(),
        edge::cases(),
        memory::cases(),
    ];
    let workers = worker::cases().into_iter().chain(filters::cases());
    groups.into_iter().flatten().chain(workers).collect()
}
