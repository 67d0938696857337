//! What becomes of the fields of a head on its way through.

use crate::http::cookie;
use crate::http::field::{FieldId, FieldNames, FieldSet};
use crate::http::head::RequestHead;

/// Fields that a head loses and gains.
#[derive(Default)]
pub struct HeadChanges {
    drop: FieldSet,
    /// Names of other fields that are left out, in lower case with `-` for `_`, each with a line
    /// end.
    names: Vec<u8>,
    lines: Vec<u8>,
    /// No well-known field but these stands in `lines`, unless `has_others`.
    written: FieldSet,
    /// Any field may stand in `lines`.
    has_others: bool,
}

impl HeadChanges {
    /// Whether the head stays as it is.
    #[inline]
    pub fn are_none(&self) -> bool {
        self.lines.is_empty() && self.names.is_empty() && self.drop == FieldSet::EMPTY
    }

    /// Leaves a field out: all lines of it that come from the other side, also where `_` stands for
    /// `-` in its name, and those that were written here before.
    pub fn remove(&mut self, name: &[u8]) {
        let id = id_of(name);
        if self.may_write(FieldSet::of(&[id])) {
            self.unwrite(|written| is_twin(written, name));
        }
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

    /// Leaves out all fields of a set, as [`HeadChanges::remove`] does.
    pub fn remove_names(&mut self, names: &FieldNames) {
        if self.may_write(names.known()) {
            self.unwrite(|written| names.contains(written));
        }
        self.drop = self.drop.union(names.known());
        for name in names.others() {
            self.names.extend_from_slice(name);
            self.names.push(b'\n');
        }
    }

    /// Leaves out well-known fields, as [`HeadChanges::remove`] does.
    pub fn remove_fields(&mut self, known: FieldSet) {
        if self.may_write(known) {
            self.unwrite(|written| known.contains(id_of(written)));
        }
        self.drop = self.drop.union(known);
    }

    /// Whether lines of these fields, or of such as have no number, may have been written before.
    #[inline]
    fn may_write(&self, known: FieldSet) -> bool {
        self.has_others || self.written.meets(known)
    }

    /// Leaves out the cookies of a name: those of the head, and those that were written here before,
    /// as they are where another cookie was left out. All others stay.
    pub fn remove_cookie(&mut self, head: RequestHead<'_>, name: &[u8]) {
        if !self.drop.contains(FieldId::Cookie) {
            let lines = || head.all(FieldId::Cookie);
            if lines().any(|line| cookie::place_of(line, name).is_some()) {
                // From now on they stand among what is written.
                self.drop.insert(FieldId::Cookie);
                lines().for_each(|line| self.append(b"Cookie", line));
            }
        }
        self.unwrite_cookie(name);
    }

    fn unwrite_cookie(&mut self, name: &[u8]) {
        let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b';');
        let mut at = 0;
        while let Some(feed) = memchr::memchr(b'\n', self.lines.get(at..).unwrap_or_default()) {
            let mut end = at + feed + 1;
            if is_twin(name_of(&self.lines[at..end]), b"cookie") {
                let value_at = at + b"Cookie:".len();
                let line_end = b"\r\n".len();
                let value = |lines: &[u8], end| cookie::place_of(&lines[value_at..end], name);
                while let Some(place) = value(&self.lines, end - line_end) {
                    end -= place.len();
                    drop(self.lines.drain(value_at + place.start..value_at + place.end));
                }
                if self.lines[value_at..end - line_end].iter().all(is_between) {
                    drop(self.lines.drain(at..end));
                    continue;
                }
            }
            at = end;
        }
    }

    /// Takes back lines that were written before, by their names.
    fn unwrite(&mut self, is_meant: impl Fn(&[u8]) -> bool) {
        let mut at = 0;
        while let Some(end) = memchr::memchr(b'\n', self.lines.get(at..).unwrap_or_default()) {
            let end = at + end + 1;
            match is_meant(name_of(&self.lines[at..end])) {
                true => drop(self.lines.drain(at..end)),
                false => at = end,
            }
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
        match id_of(name) {
            FieldId::Other => self.has_others = true,
            id => self.written.insert(id),
        }
        self.lines.extend_from_slice(name);
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value);
        self.lines.extend_from_slice(b"\r\n");
    }

    /// Writes lines that are whole, each with its CRLF.
    pub fn append_lines(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before_bytes = self.lines.len();
        write(&mut self.lines);
        self.has_others |= self.lines.len() > before_bytes;
    }

    /// Writes lines that are whole, each with its CRLF, and each of one of these fields. So what is
    /// left out behind them costs no look at them.
    pub fn append_known(&mut self, known: FieldSet, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines);
        self.written = self.written.union(known);
    }

    /// Leaves out a set of well-known fields that come from the other side.
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

    /// Appends the lines that are written, but for those of some fields.
    pub fn write_but(&self, names: &FieldNames, out: &mut Vec<u8>) {
        if !self.may_write(names.known()) {
            return out.extend_from_slice(&self.lines);
        }
        for line in self.lines.split_inclusive(|byte| *byte == b'\n') {
            if !names.contains(name_of(line)) {
                out.extend_from_slice(line);
            }
        }
    }

    /// The lines that are written.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Bytes of memory that it holds.
    pub fn capacity(&self) -> usize {
        self.names.capacity() + self.lines.capacity()
    }

    /// As at the beginning, with the memory kept.
    pub fn clear(&mut self) {
        self.drop = FieldSet::EMPTY;
        self.names.clear();
        self.lines.clear();
        self.written = FieldSet::EMPTY;
        self.has_others = false;
    }
}

/// The number of a name, also of one with `_` for `-`.
fn id_of(name: &[u8]) -> FieldId {
    match FieldId::of(name) {
        FieldId::Other => FieldId::of_twin(name),
        id => id,
    }
}

fn name_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b':').next().unwrap_or_default()
}

/// Whether two names are one, without case and with `_` for `-`.
fn is_twin(one: &[u8], other: &[u8]) -> bool {
    let folded = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| folded(*one) == folded(*other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

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

    #[test]
    fn what_is_set_again_replaces_what_was_written() {
        let mut changes = HeadChanges::default();
        changes.append(b"X-User", b"a");
        changes.append(b"Vary", b"Origin");
        changes.append(b"x_user", b"b");
        changes.set(b"X-User", b"c");
        assert_eq!(changes.lines(), b"Vary: Origin\r\nX-User: c\r\n");
        changes.remove(b"vary");
        assert_eq!(changes.lines(), b"X-User: c\r\n");
        assert!(changes.drop().contains(FieldId::Vary));
    }

    #[test]
    fn a_later_filter_takes_back_what_an_earlier_one_wrote() {
        let mut changes = HeadChanges::default();
        changes.set(b"X-User_Name", b"a");
        changes.append(b"Vary", b"Origin");
        changes.set(b"x_user-name", b"b");
        assert_eq!(changes.lines(), b"Vary: Origin\r\nx_user-name: b\r\n");
        let mut names = FieldNames::default();
        names.insert("vary");
        names.insert("X-More");
        changes.append(b"x_more", b"c");
        changes.remove_names(&names);
        assert_eq!(changes.lines(), b"x_user-name: b\r\n");
        assert!(changes.drop().contains(FieldId::Vary));
        assert!(changes.names().ends_with(b"x-more\n"));
    }

    #[test]
    fn known_lines_are_taken_back_however_they_were_written() {
        let known = FieldSet::of(&[FieldId::Vary, FieldId::RateLimitLimit]);
        let mut names = FieldNames::default();
        names.insert("Vary");
        names.insert("RateLimit-Limit");
        let append: [fn(&mut HeadChanges); 4] = [
            |changes| changes.append(b"vary", b"a"),
            |changes| changes.append(b"ratelimit_limit", b"1"),
            |changes| changes.append_lines(|out| out.extend_from_slice(b"Vary: a\r\n")),
            |changes| {
                let known = FieldSet::of(&[FieldId::Vary]);
                changes.append_known(known, |out| out.extend_from_slice(b"Vary: a\r\n"));
            },
        ];
        for (case, append) in append.iter().enumerate() {
            let mut changes = HeadChanges::default();
            append(&mut changes);
            changes.append(b"Age", b"1");
            let mut out = Vec::new();
            changes.write_but(&names, &mut out);
            assert_eq!(out, b"Age: 1\r\n", "case {case}");
            changes.remove_fields(known);
            assert_eq!(changes.lines(), b"Age: 1\r\n", "case {case}");
            assert_eq!(changes.drop(), known);
            changes.remove_names(&names);
            changes.remove(b"AGE");
            assert_eq!(changes.lines(), b"", "case {case}");
            changes.clear();
            append(&mut changes);
            changes.remove_names(&names);
            assert_eq!(changes.lines(), b"", "case {case}");
        }
    }

    #[test]
    fn cookies_are_left_out_one_after_the_other() {
        let text =
            b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; k=2; b=3; k=4\r\nCookie: l=5\r\n\r\n";
        let mut index = HeadIndex::new();
        parse::request(text, &HeadLimits::default(), &mut index).expect("a head");
        let head = RequestHead::new(text, &index);
        let mut changes = HeadChanges::default();
        changes.remove_cookie(head, b"none");
        assert!(changes.are_none());
        changes.append(b"X-A", b"k=1; l=2");
        changes.remove_cookie(head, b"k");
        assert!(changes.drop().contains(FieldId::Cookie));
        assert_eq!(changes.lines(), b"X-A: k=1; l=2\r\nCookie: a=1; b=3\r\nCookie: l=5\r\n");
        changes.remove_cookie(head, b"l");
        assert_eq!(changes.lines(), b"X-A: k=1; l=2\r\nCookie: a=1; b=3\r\n");
        changes.append(b"cookie", b"l=own; m=6");
        changes.remove_cookie(head, b"l");
        changes.remove_cookie(head, b"a");
        assert_eq!(changes.lines(), b"X-A: k=1; l=2\r\nCookie: b=3\r\ncookie: m=6\r\n");
        changes.remove_cookie(head, b"b");
        changes.remove_cookie(head, b"m");
        changes.remove_cookie(head, b"k");
        assert_eq!(changes.lines(), b"X-A: k=1; l=2\r\n");
    }

    #[test]
    fn writes_lines_but_those_of_some_fields() {
        let mut changes = HeadChanges::default();
        changes.append(b"X-A", b"1");
        changes.append(b"X-B", b"2: 3");
        changes.append(b"x_a", b"4");
        let mut names = FieldNames::default();
        names.insert("X-A");
        let mut out = Vec::new();
        changes.write_but(&names, &mut out);
        assert_eq!(out, b"X-B: 2: 3\r\n");
    }
}
