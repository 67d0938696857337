//! What the filters of a route made of an exchange.

use crate::extension::Principal;
use crate::http::field::{FieldId, FieldSet};
use crate::limits::LOG_IDENTITY_BYTES_MAX;
use crate::snapshot::filter::{FilterId, RuleId};

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
    /// The rule of access that decided, and the filter that it is one of.
    pub rule: Option<(FilterId, RuleId)>,
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
        self.reached = None;
        self.rule = None;
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
        let id = match FieldId::of(name) {
            FieldId::Other => FieldId::of_twin(name),
            id => id,
        };
        match id {
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
