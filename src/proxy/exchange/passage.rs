//! What the filters of a route made of an exchange.

use super::Held;
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
    /// How the request's body is read, once that was decided.
    pub request_course: Course,
    /// The links of the chain that read it, by bits.
    pub request_links: u32,
    /// The links that read the answer's body.
    pub answer_links: u32,
    /// The request's body, where it is held whole and may still have to be sent.
    pub held: Option<Held>,
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

impl Passage {
    /// As at the beginning of a request.
    pub fn clear(&mut self) {
        self.request.clear();
        self.response.clear();
        self.principal = None;
        self.reached = None;
        self.request_course = Course::Pass;
        self.request_links = 0;
        self.answer_links = 0;
        self.held = None;
    }
}
