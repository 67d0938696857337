//! Where a request goes, as the workers find it.

use super::asked::Asked;
use crate::bridge::Reason;
use crate::router::{Parameters, Scratch, condition};
use crate::snapshot::{self, Matched, Memory, RouteId, Snapshot};

/// What becomes of a request before anybody else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A route has it.
    Route(RouteId),
    /// The gateway answers for itself.
    Refused(Reason),
}

/// Finds routes in one snapshot, one request after the other.
pub struct Finder<'a> {
    /// Where.
    pub snapshot: &'a Snapshot,
    /// The canonical path of the last request, where it is not the received one.
    pub path: Vec<u8>,
    /// Where the parameters of the last found route lie.
    pub parameters: Parameters,
    scratch: Scratch,
    conditions: condition::Scratch,
    unix_seconds: u64,
}

impl<'a> Finder<'a> {
    /// Finds in this snapshot, as of this second since 1970.
    pub fn new(snapshot: &'a Snapshot, unix_seconds: u64) -> Finder<'a> {
        Finder {
            snapshot,
            path: Vec::new(),
            parameters: Parameters::default(),
            scratch: Scratch::new(),
            conditions: condition::Scratch::default(),
            unix_seconds,
        }
    }

    /// What a search says of a request.
    pub fn search(&mut self, asked: &Asked) -> Matched {
        let Finder { snapshot, path, parameters, scratch, conditions, .. } = self;
        conditions.forget_missed();
        let mut memory = Memory { path, parameters, scratch, conditions };
        let asked =
            snapshot::Asked { request: asked.head(), peer: asked.peer, is_tls: asked.is_tls };
        snapshot.find(&asked, &mut memory)
    }

    /// `Vary` lines for the fields by which the last search passed routes over.
    pub fn passed_over(&mut self, matched: &Matched) -> Vec<String> {
        let mut lines = Vec::new();
        let take = |name: &str| lines.push(format!("Vary: {name}"));
        self.snapshot.passed_over(matched.route, &mut self.conditions, take);
        lines
    }

    /// What becomes of a request.
    pub fn find(&mut self, asked: &Asked) -> Outcome {
        let matched = self.search(asked);
        self.outcome(&matched)
    }

    /// What becomes of a request that was searched for.
    pub fn outcome(&self, matched: &Matched) -> Outcome {
        match (matched.refusal, matched.route) {
            (Some(refusal), _) => Outcome::Refused(refusal.into()),
            (None, Some(id)) if self.snapshot.route(id).is_gone(|| self.unix_seconds) => {
                Outcome::Refused(Reason::VersionGone)
            }
            (None, Some(id)) => Outcome::Route(id),
            (None, None) => Outcome::Refused(Reason::RouteNotFound),
        }
    }
}
