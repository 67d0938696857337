//! In place of `rate_limit`, where the program was built without the feature `rate_limiting`: no
//! configuration that needs it is accepted.

use super::{Step, Verdict};
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::proxy::worker::Worker;
use crate::snapshot::filter::RateLimit;

/// Nothing.
#[derive(Debug)]
pub struct State {}

impl State {
    pub(super) fn new(_: &Worker, _: &RateLimit) -> State {
        State {}
    }
}

pub(super) fn on_request(_: &Step<'_>, _: &RateLimit, _: &State, _: &mut Exchange) -> Verdict {
    Err(Failure::new(Reason::FilterFailed))
}

pub(super) fn tell(_: &mut Exchange) {}
