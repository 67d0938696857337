//! What the filters of a route made of an exchange.

use crate::extension::{Filter, Needs, Principal};
pub use crate::http::changes::HeadChanges;
use crate::limits::LOG_IDENTITY_BYTES_MAX;
use crate::snapshot::filter::{FilterId, RuleId};

use super::super::filter::Reply;

use std::any::Any;
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
    /// Of the route's filters those that let the request pass, from the first on, and were not shown
    /// an answer yet.
    pub passed_count: usize,
    /// The filters of the embedding program that have seen the request.
    pub visits: Vec<Visit>,
    /// What a filter put in the place of an answer whose head was not sent.
    pub instead: Option<Box<Reply>>,
    /// What a custom balancer picks by, where a filter said so.
    pub balance_key: Option<u64>,
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
    pub kept: Option<Box<dyn Any>>,
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
        self.passed_count = 0;
        self.visits.clear();
        self.instead = None;
        self.balance_key = None;
    }
}
