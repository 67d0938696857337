//! What the filters of a route made of an exchange.

use super::HeldBody;
use crate::extension::{Filter, Needs, Principal};
pub use crate::http::changes::HeadChanges;
use crate::limits::LOG_IDENTITY_BYTES_MAX;
use crate::quota::Place;
use crate::snapshot::filter::{FilterId, RuleId};

use super::super::filter::Reply;

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

/// What filters leave for the stages behind them, and for the record. Its memory is kept from one
/// request to the next.
#[derive(Default)]
pub struct Passage {
    /// Changes of the request's head on its way to the upstream.
    pub request: HeadChanges,
    /// Changes of the answer's head, be it an upstream's or the gateway's own.
    pub response: HeadChanges,
    /// Who asks, once a filter has found out.
    pub principal: Option<Rc<Principal>>,
    /// Longest body that the filters let through, where it is shorter than the route's.
    pub body_bytes_max: Option<u64>,
    /// The filter that the request stopped at, or that it is at.
    pub reached: Option<FilterId>,
    /// The rule of access that decided, and the filter that it is one of.
    pub rule: Option<(FilterId, RuleId)>,
    /// The first limit in shadow mode that would have refused the request.
    pub shadow: Option<FilterId>,
    /// Of the route's filters those that let the request pass, from the first on, and were not
    /// shown an answer yet.
    pub passed_count: usize,
    /// The filters of the embedding program that have seen the request.
    pub visits: Vec<Visit>,
    /// What a filter put in the place of an answer whose head was not sent.
    pub instead: Option<Box<Reply>>,
    /// What a custom balancer picks by, where a filter said so.
    pub balance_key: Option<u64>,
    /// How the request's body is read, once that was decided.
    pub request_course: Course,
    /// The links of the chain that read it, by bits.
    pub request_links: u32,
    /// The links that read the answer's body.
    pub answer_links: u32,
    /// The request's body, where it is held whole and may still have to be sent.
    pub held_body: Option<HeldBody>,
    /// Where concurrency limits count it, until it ends.
    pub held: Vec<Held>,
    quota: Option<Quota>,
}

/// How a body goes through the filters of its route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// Past them: it is carried on as it comes.
    #[default]
    Pass,
    /// Piece by piece.
    Stream,
    /// Whole.
    Hold {
        /// Bytes that it may have.
        bytes_max: usize,
    },
    /// It is not there, and what is said of it would not be so of the one that it stands for.
    Describe,
}

/// A place in the tally of a concurrency limit.
#[derive(Debug)]
pub struct Held {
    /// The limit.
    pub filter: FilterId,
    /// The place.
    pub place: Place,
}

/// What is left of a rate limit, for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Tokens of a whole burst.
    pub limit: u64,
    /// Tokens that are left.
    pub remaining: u64,
    /// Seconds until all are there again.
    pub reset_seconds: u64,
}

/// A filter of the embedding program in one exchange: the same one to its end, whatever is
/// installed meanwhile.
pub struct Visit {
    /// Its place among the route's filters.
    pub at: usize,
    /// The filter.
    pub filter: Rc<dyn Filter>,
    /// What it wants to be called for.
    pub needs: Needs,
    /// What it keeps for the exchange.
    pub kept: Kept,
}

/// What a filter keeps for an exchange. It is shared where the request's body and the answer are
/// with the filter by turns.
pub enum Kept {
    /// By one owner.
    Own(Option<Box<dyn Any>>),
    /// By both halves.
    Shared(Rc<Cell<Option<Box<dyn Any>>>>),
}

impl Kept {
    /// Nothing yet.
    pub const NOTHING: Kept = Kept::Own(None);

    /// Takes it, to be put back.
    pub fn take(&mut self) -> Option<Box<dyn Any>> {
        match self {
            Kept::Own(kept) => kept.take(),
            Kept::Shared(kept) => kept.take(),
        }
    }

    /// Puts it back, or something else in its place.
    pub fn put(&mut self, now: Option<Box<dyn Any>>) {
        match self {
            Kept::Own(kept) => *kept = now,
            Kept::Shared(kept) => kept.set(now),
        }
    }

    /// Another handle of the same.
    pub fn share(&mut self) -> Kept {
        let kept = match self {
            Kept::Own(kept) => Rc::new(Cell::new(kept.take())),
            Kept::Shared(kept) => Rc::clone(kept),
        };
        *self = Kept::Shared(Rc::clone(&kept));
        Kept::Shared(kept)
    }
}

impl Passage {
    /// The name of who asks, in so far as the log keeps it; empty where nobody is known.
    pub fn identity(&self) -> &str {
        let Some(principal) = &self.principal else { return "" };
        let subject = &*principal.subject;
        &subject[..subject.floor_char_boundary(LOG_IDENTITY_BYTES_MAX)]
    }

    /// As at the beginning of a request.
    pub fn clear(&mut self) {
        self.request.clear();
        self.response.clear();
        self.principal = None;
        self.body_bytes_max = None;
        self.reached = None;
        self.rule = None;
        self.shadow = None;
        self.passed_count = 0;
        self.visits.clear();
        self.instead = None;
        self.balance_key = None;
        self.request_course = Course::Pass;
        self.request_links = 0;
        self.answer_links = 0;
        self.held_body = None;
        debug_assert!(self.held.is_empty(), "`filter::end` gives places back");
        self.quota = None;
    }

    /// Notes what is left of one more limit. Of several the tightest is told: that which leaves
    /// least, and of two that leave as much, that which takes longer.
    pub fn tell_quota(&mut self, quota: Quota) {
        let is_tighter = |told: Quota| {
            let (more, less) = (told.remaining, quota.remaining);
            less < more || (less == more && quota.reset_seconds > told.reset_seconds)
        };
        if self.quota.is_none_or(is_tighter) {
            self.quota = Some(quota);
        }
    }

    /// What is left of the tightest limit, once.
    pub fn take_quota(&mut self) -> Option<Quota> {
        self.quota.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_limits_the_tightest_is_told() {
        let quota = |remaining, reset_seconds| Quota { limit: 9, remaining, reset_seconds };
        let mut passage = Passage::default();
        for told in [quota(5, 9), quota(2, 1), quota(2, 3), quota(2, 2), quota(7, 90)] {
            passage.tell_quota(told);
        }
        assert_eq!(passage.take_quota(), Some(quota(2, 3)));
        assert_eq!(passage.take_quota(), None);
    }
}
