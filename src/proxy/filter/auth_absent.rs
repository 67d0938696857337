//! Bearers of a JSON Web Token, in a build without the feature `authentication`: no configuration
//! that has them compiles.

use super::{Step, Verdict};
use crate::bridge::question::Answer;
use crate::bridge::reason::Reason;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::Auth;

/// What one worker keeps for it.
pub struct State {}

impl State {
    pub(super) fn new(_: &Auth) -> State {
        State {}
    }
}

pub(super) fn on_request(_: &Step<'_>, _: &Auth, _: &State, _: &mut Exchange) -> Verdict {
    Err(Failure::new(Reason::FilterFailed))
}

pub(super) fn on_answer(_: &Step<'_>, _: &Auth, _: &State, _: Answer, _: &mut Exchange) -> Verdict {
    Err(Failure::new(Reason::FilterFailed))
}
