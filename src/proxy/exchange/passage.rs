//! What the filters of a route made of an exchange.

use crate::extension::Principal;
pub use crate::http::changes::HeadChanges;
use crate::quota::Place;
use crate::snapshot::filter::FilterId;

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
    /// The filter that the request stopped at, or that it is at.
    pub reached: Option<FilterId>,
    /// Where concurrency limits count it, until it ends.
    pub held: Vec<Held>,
    quota: Option<Quota>,
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

impl Passage {
    /// As at the beginning of a request.
    pub fn clear(&mut self) {
        self.request.clear();
        self.response.clear();
        self.principal = None;
        self.reached = None;
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
