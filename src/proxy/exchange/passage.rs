//! What the filters of a route made of an exchange.

use crate::extension::Principal;
use crate::http::field::{FieldId, FieldSet};
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

/// Fields that a head loses and gains.
#[derive(Default)]
pub struct HeadChanges {
    drop: FieldSet,
    /// Names of other fields that are left out, in lower case with `-` for `_`, each with a line
    /// end.
    names: Vec<u8>,
    lines: Vec<u8>,
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

impl HeadChanges {
    /// Whether the head stays as it is.
    #[inline]
    pub fn are_none(&self) -> bool {
        self.lines.is_empty() && self.names.is_empty() && self.drop == FieldSet::EMPTY
    }

    /// Leaves a field out: all lines of it that come from the other side.
    pub fn remove(&mut self, name: &[u8]) {
        match FieldId::of_twin(name) {
            FieldId::Other => {
                let folded = |byte: &u8| match byte {
                    b'_' => b'-',
                    byte => byte.to_ascii_lowercase(),
                };
                self.names.extend(name.iter().map(folded));
                self.names.push(b'\n');
            }
            id => self.drop.insert(id),
        }
    }

    /// Writes a field in place of those that come from the other side. Both must be as a head may
    /// have them.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.append(name, value);
    }

    /// Writes one more line of a field.
    pub fn append(&mut self, name: &[u8], value: &[u8]) {
        self.lines.extend_from_slice(name);
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value);
        self.lines.extend_from_slice(b"\r\n");
    }

    /// Writes lines that are whole, each with its CRLF.
    pub fn append_lines(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines);
    }

    /// Leaves out a set of well-known fields.
    pub fn remove_known(&mut self, known: FieldSet) {
        self.drop = self.drop.union(known);
    }

    /// Well-known fields that are left out.
    pub fn drop(&self) -> FieldSet {
        self.drop
    }

    /// Names of other fields that are left out, each with a line end.
    pub fn names(&self) -> &[u8] {
        &self.names
    }

    /// The lines that are written.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Bytes of memory that it holds.
    pub fn capacity(&self) -> usize {
        self.names.capacity() + self.lines.capacity()
    }

    fn clear(&mut self) {
        self.drop = FieldSet::EMPTY;
        self.names.clear();
        self.lines.clear();
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

    #[test]
    fn what_is_set_is_left_out_and_written() {
        let mut changes = HeadChanges::default();
        assert!(changes.are_none());
        changes.set(b"X-User_Name", b"a");
        changes.append(b"X-More", b"b");
        changes.remove(b"Cookie");
        assert_eq!(changes.names(), b"x-user-name\n");
        assert_eq!(changes.lines(), b"X-User_Name: a\r\nX-More: b\r\n");
        assert!(changes.drop().contains(FieldId::Cookie));
        changes.clear();
        assert!(changes.are_none());
    }
}
