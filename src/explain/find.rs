//! Where a request goes, as the workers find it.

use super::asked::Asked;
use crate::bridge::Reason;
use crate::http::head::Form;
use crate::router::{Found, NoGuards, Parameters, Request, Scratch, path};
use crate::snapshot::{RouteId, Snapshot};

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
    decoded: Vec<u8>,
    scratch: Scratch,
    parameters: Parameters,
}

impl<'a> Finder<'a> {
    /// Finds in this snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Finder<'a> {
        Finder {
            snapshot,
            decoded: Vec::new(),
            scratch: Scratch::new(),
            parameters: Parameters::default(),
        }
    }

    /// What becomes of a request.
    pub fn find(&mut self, asked: &Asked) -> Outcome {
        let head = asked.head();
        let raw = if head.form() == Form::Asterisk { b"/" } else { head.path() };
        let Ok(canonical) = path::canonical(raw, &mut self.decoded) else {
            return Outcome::Refused(Reason::RequestMalformed);
        };
        let asked =
            Request { host: head.authority(), path: canonical.path, method: head.method() };
        let Finder { snapshot, parameters, scratch, .. } = self;
        let found = snapshot.router.find(&asked, parameters, scratch, &mut NoGuards);
        match found {
            Found::Route(id) => Outcome::Route(id),
            Found::MethodNotAllowed(_) => Outcome::Refused(Reason::MethodNotAllowed),
            Found::NotAcceptable | Found::NotFound => Outcome::Refused(Reason::RouteNotFound),
        }
    }
}
