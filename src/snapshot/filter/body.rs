//! Which filters of a route read bodies, and how.

use super::{Chain, Link, Step};
use crate::extension::Direction;

/// How a filter reads a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyNeed {
    /// Piece by piece, as it comes.
    Stream,
    /// Whole: it is held until its end.
    Hold {
        /// Bytes that it may have.
        bytes_max: usize,
    },
}

/// What a filter, or all of a route together, read of both bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyNeeds {
    /// Of the request's; none where it is not looked at.
    pub request: Option<BodyNeed>,
    /// Of the answer's.
    pub response: Option<BodyNeed>,
}

/// Bytes that a route may hold of each body, as `frys check` tells it; none where it holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    /// Of a request's.
    pub request_bytes: Option<usize>,
    /// Of an answer's.
    pub response_bytes: Option<usize>,
}

impl BodyNeed {
    /// What both need: whole where one needs it whole, and within the tighter bound.
    pub fn with(self, other: BodyNeed) -> BodyNeed {
        match (self, other) {
            (BodyNeed::Stream, other) | (other, BodyNeed::Stream) => other,
            (BodyNeed::Hold { bytes_max: a }, BodyNeed::Hold { bytes_max: b }) => {
                BodyNeed::Hold { bytes_max: a.min(b) }
            }
        }
    }

    fn held_bytes(self) -> Option<usize> {
        match self {
            BodyNeed::Stream => None,
            BodyNeed::Hold { bytes_max } => Some(bytes_max),
        }
    }
}

impl BodyNeeds {
    /// Of one way.
    pub fn of(&self, direction: Direction) -> Option<BodyNeed> {
        match direction {
            Direction::Request => self.request,
            Direction::Response => self.response,
        }
    }

    fn with(self, other: BodyNeeds) -> BodyNeeds {
        let both = |a: Option<BodyNeed>, b: Option<BodyNeed>| match (a, b) {
            (Some(a), Some(b)) => Some(a.with(b)),
            (one, None) | (None, one) => one,
        };
        let request = both(self.request, other.request);
        BodyNeeds { request, response: both(self.response, other.response) }
    }
}

impl Step {
    /// What it may read of bodies.
    pub fn bodies(&self) -> BodyNeeds {
        let Step::Transform(transform) = self else { return BodyNeeds::default() };
        transform.bodies()
    }
}

impl Chain {
    /// A chain of these, of which each knows what it reads.
    pub fn new(
        links: Vec<Link>,
        parameters: &[String],
        wants_response: bool,
        has_cors: bool,
    ) -> Chain {
        let bodies = links.iter().fold(BodyNeeds::default(), |all, link| all.with(link.bodies));
        let lets_preflights_by = links.iter().any(|link| link.lets_preflights_by);
        Chain {
            links: links.into(),
            parameters: parameters.into(),
            wants_response,
            has_cors,
            lets_preflights_by,
            bodies,
        }
    }

    /// Bytes that may be held of each body.
    pub fn buffers(&self) -> Buffers {
        Buffers {
            request_bytes: self.bodies.request.and_then(BodyNeed::held_bytes),
            response_bytes: self.bodies.response.and_then(BodyNeed::held_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_holds_makes_all_hold_within_the_tightest_bound() {
        let hold = |bytes_max| BodyNeed::Hold { bytes_max };
        assert_eq!(BodyNeed::Stream.with(BodyNeed::Stream), BodyNeed::Stream);
        assert_eq!(BodyNeed::Stream.with(hold(5)), hold(5));
        assert_eq!(hold(7).with(hold(5)), hold(5));
        let a = BodyNeeds { request: Some(hold(7)), response: None };
        let b = BodyNeeds { request: Some(BodyNeed::Stream), response: Some(BodyNeed::Stream) };
        let both = BodyNeeds { request: Some(hold(7)), response: Some(BodyNeed::Stream) };
        assert_eq!(a.with(b), both);
    }
}
