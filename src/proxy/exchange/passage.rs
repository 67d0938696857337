//! What the filters of a route made of an exchange.

use crate::extension::Principal;
pub use crate::http::changes::HeadChanges;
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
}

impl Passage {
    /// As at the beginning of a request.
    pub fn clear(&mut self) {
        self.request.clear();
        self.response.clear();
        self.principal = None;
        self.reached = None;
    }
}
