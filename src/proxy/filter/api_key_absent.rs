//! A build without the feature `authentication`: no route has such a filter.

use super::{Step, Verdict};
use crate::proxy::exchange::Exchange;
use crate::snapshot::filter::ApiKey;

/// Nothing.
#[derive(Debug, Default)]
pub struct State {}

pub(super) fn on_request(_: &Step<'_>, plan: &ApiKey, _: &State, _: &mut Exchange) -> Verdict {
    match *plan {}
}
