//! What the kinds of authentication share: who is known, and how the unknown are turned away.

use super::super::exchange::Exchange;
use super::super::failure::Failure;
use crate::bridge::reason::Reason;
use crate::extension::Principal;
use crate::snapshot::filter::owner::Owner;

use hashbrown::HashMap;

use std::cell::RefCell;
use std::rc::Rc;

/// Owners of keys and passwords as requests are given them, each made when it first asks.
#[derive(Debug, Default)]
pub(super) struct Principals(RefCell<HashMap<u32, Rc<Principal>, foldhash::fast::RandomState>>);

impl Principals {
    /// The request is this owner's, unless a filter before knows whose it is.
    pub(super) fn enter(
        &self,
        number: u32,
        owner: &Owner,
        method: &'static str,
        exchange: &mut Exchange,
    ) {
        if exchange.passage.principal.is_some() {
            return;
        }
        let mut known = self.0.borrow_mut();
        let found = known.entry(number).or_insert_with(|| Rc::new(owner.principal(method)));
        exchange.passage.principal = Some(found.clone());
    }
}

/// Refuses a request, with the challenge that goes with 401 (RFC 9110 section 15.5.2).
pub(super) fn refuse(exchange: &mut Exchange, challenge: &[u8], reason: Reason) -> Failure {
    exchange.passage.response.append(b"WWW-Authenticate", challenge);
    Failure::new(reason)
}
