//! A build without the feature `authentication`: no route has such a filter.

use super::Verdict;
use crate::bridge::question::Answer;
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::ForwardAuth;

pub(super) fn on_request(plan: &ForwardAuth, _: &mut Exchange) -> Verdict {
    match *plan {}
}

pub(super) fn on_answer(plan: &ForwardAuth, _: Answer, _: &mut Exchange) -> Verdict {
    match *plan {}
}
