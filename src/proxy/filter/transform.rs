//! Changes of bodies.

use super::body::{too_long, unreadable};
use super::{Flow, Local, Step, Verdict};
use crate::bridge::reason::Reason;
use crate::extension::Direction;
use crate::http::field::{FieldId, FieldSet};
use crate::http::head::ResponseHead;
use crate::limits;
use crate::proxy::exchange::{Exchange, Growing};
use crate::proxy::failure::Failure;
use crate::snapshot::filter::{Scratch, Transform, Unchanged};

use std::cell::RefCell;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {
    scratch: RefCell<Scratch>,
}

/// Asks the upstream for what can be changed: the whole answer (RFC 9110 section 14.2 lets a server
/// ignore `Range`), without a coding.
pub(super) fn on_request(
    _step: &Step<'_>,
    plan: &Transform,
    _state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    if plan.changes_answers() {
        let changes = &mut exchange.passage.request;
        changes.remove_known(FieldSet::of(&[FieldId::Range, FieldId::IfRange]));
        changes.set(b"Accept-Encoding", b"identity");
    }
    Ok(Flow::Continue)
}

/// Changes a whole body, which was found to be for this filter.
pub(super) fn whole(
    step: &Step<'_>,
    plan: &Transform,
    local: &Local,
    direction: Direction,
    exchange: &Exchange,
    body: &mut Growing,
) -> Result<(), Failure> {
    let super::State::Transform(state) = &local.state else {
        return Err(Failure::new(Reason::FilterFailed));
    };
    let media_type = match direction {
        Direction::Request => exchange.request().first(FieldId::ContentType),
        Direction::Response => {
            let head = ResponseHead::new(&exchange.response_head, &exchange.response_index);
            head.first(FieldId::ContentType)
        }
    };
    let media_type = media_type.unwrap_or_default();
    let runtime = &step.worker.runtime;
    let late_at = runtime.precise().plus_ns(limits::TRANSFORM_REGEX_NS_MAX);
    let is_late = || runtime.precise() > late_at;
    let scratch = &mut *state.scratch.borrow_mut();
    match plan.apply(direction, media_type, body.bytes_mut(), scratch, &is_late) {
        Ok(true) => step.block().bodies_changed.add(1),
        Ok(false) => {}
        Err(Unchanged::Malformed) if plan.refuses => {
            return Err(Failure::new(unreadable(direction)));
        }
        Err(Unchanged::Malformed) => step.block().bodies_left.add(1),
        Err(Unchanged::TooLong) => return Err(Failure::new(too_long(direction))),
        Err(Unchanged::TooSlow) => return Err(Failure::new(Reason::FilterFailed)),
    }
    Ok(())
}
