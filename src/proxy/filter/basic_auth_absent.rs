//! A build without the feature `authentication`: no route has such a filter.

use super::{Step, Verdict};
use crate::bridge::question::Answer;
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::BasicAuth;

/// Nothing.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(_: &Step<'_>, plan: &BasicAuth, _: &State, _: &mut Exchange) -> Verdict {
    match *plan {}
}

pub(super) fn on_answer(
    _: &Step<'_>,
    plan: &BasicAuth,
    _: &State,
    _: Answer,
    _: &mut Exchange,
) -> Verdict {
    match *plan {}
}
