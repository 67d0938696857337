//! What the router asks about guards: conditions beyond host, path and method, which it does not
//! know. A route names its guard by a number; whoever builds and whoever searches know the rest.

use super::Parameters;
use std::cmp::Ordering;

/// A guard of the one who builds and searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuardId(pub u32);

/// What a guard says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The route may answer.
    Holds,
    /// The route may answer, with a media type that the client takes at this quality, in
    /// thousandths.
    HoldsWithQuality(u16),
    /// The route does not match.
    Fails,
    /// The route matches but for the media type, which the client does not take.
    FailsProduces,
}

/// The quality of a route that does not negotiate.
pub(super) const QUALITY_MAX: u16 = 1000;

impl Verdict {
    /// The quality if the guard holds.
    pub(super) fn quality(self) -> Option<u16> {
        match self {
            Verdict::Holds => Some(QUALITY_MAX),
            Verdict::HoldsWithQuality(quality) => Some(quality.min(QUALITY_MAX)),
            Verdict::Fails | Verdict::FailsProduces => None,
        }
    }
}

/// A value without which a guard fails: one of a subject's values must have this hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// A field, a query parameter or a cookie, numbered by the one who builds.
    pub subject: u32,
    /// The value's hash: equal for equal values.
    pub value: u64,
}

/// All guards, as the build sees them.
pub trait Guards {
    /// How many conditions a guard has: the more, the sooner its route is tried.
    fn conditions_count(&self, guard: GuardId) -> u32;

    /// Whether two routes that only these guards tell apart are no tie: no request fulfils both,
    /// or [`Guards::order`] is meant to decide.
    fn are_disjoint(&self, a: GuardId, b: GuardId) -> bool;

    /// Which of two such guards is tried first, whatever the order of the routes.
    fn order(&self, a: GuardId, b: GuardId) -> Ordering;

    /// Gives what a guard needs. Guards that need different values of one subject must be
    /// [disjoint](Guards::are_disjoint); many that do are then told apart by one search.
    fn needs(&self, guard: GuardId, take: impl FnMut(Need));
}

/// All guards, as the search of one request sees them.
pub trait Judge {
    /// Whether a guard holds. `parameters` are those of the guard's own route.
    fn judge(&mut self, guard: GuardId, parameters: &Parameters) -> Verdict;

    /// Gives the hashes of all values that the request has of a subject (see [`Need`]).
    fn values(&mut self, subject: u32, take: impl FnMut(u64));
}

/// For a router of routes without guards; a guard that there is all the same never holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGuards;

impl Guards for NoGuards {
    fn conditions_count(&self, _: GuardId) -> u32 {
        0
    }

    fn are_disjoint(&self, _: GuardId, _: GuardId) -> bool {
        false
    }

    fn order(&self, a: GuardId, b: GuardId) -> Ordering {
        a.cmp(&b)
    }

    fn needs(&self, _: GuardId, _: impl FnMut(Need)) {}
}

impl Judge for NoGuards {
    fn judge(&mut self, _: GuardId, _: &Parameters) -> Verdict {
        Verdict::Fails
    }

    fn values(&mut self, _: u32, _: impl FnMut(u64)) {}
}
