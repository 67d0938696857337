//! Sets of methods as bits: nine of RFC 9110 and RFC 5789, then what extensions the routes name.

use crate::http::method::Method;
use crate::limits;

/// The bit of every method that no route names: only a route without methods has it.
const OTHER: MethodSet = MethodSet(1 << 63);

const _: () = assert!(Method::NAMED.len() + limits::METHOD_EXTENSIONS_COUNT_MAX < 64);

/// A set of methods of one router: bits that only this router can name again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MethodSet(u64);

impl MethodSet {
    /// No method.
    pub const EMPTY: MethodSet = MethodSet(0);
    /// Every method, also one that no route names.
    pub(super) const ANY: MethodSet = MethodSet(u64::MAX);
    pub(super) const GET: MethodSet = MethodSet(1);
    pub(super) const HEAD: MethodSet = MethodSet(2);

    /// Whether no method is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> MethodSet {
        MethodSet(u64::from_le_bytes(bytes))
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    pub(super) fn intersects(self, other: MethodSet) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn contains(self, other: MethodSet) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn insert(&mut self, other: MethodSet) {
        self.0 |= other.0;
    }
}

/// Which method has which bit.
#[derive(Debug, Default)]
pub(super) struct Table {
    extensions: Vec<Method>,
}

impl Table {
    /// The bit of a method, given to it now if it is a new extension; none when all are taken.
    pub(super) fn bit_or_insert(&mut self, method: Method) -> Option<MethodSet> {
        let bit = self.bit(method);
        if bit != OTHER {
            return Some(bit);
        }
        if self.extensions.len() == limits::METHOD_EXTENSIONS_COUNT_MAX {
            return None;
        }
        self.extensions.push(method);
        Some(self.bit(method))
    }

    /// The bit of a method.
    pub(super) fn bit(&self, method: Method) -> MethodSet {
        let standard = Method::NAMED.iter().position(|one| *one == method);
        let index = standard.or_else(|| {
            let extension = self.extensions.iter().position(|one| *one == method)?;
            Some(Method::NAMED.len() + extension)
        });
        index.map_or(OTHER, |index| MethodSet(1 << index))
    }

    /// The methods of a set, standard ones first.
    pub(super) fn of(&self, set: MethodSet) -> impl Iterator<Item = Method> {
        let all = Method::NAMED.iter().chain(&self.extensions);
        let held = all.enumerate().filter(move |(index, _)| set.0 & (1 << index) != 0);
        held.map(|(_, method)| *method)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.extensions.capacity() * size_of::<Method>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_methods_have_bits_of_their_own() {
        let mut table = Table::default();
        let purge: Method = "PURGE".parse().expect("a token");
        assert_eq!(table.bit(purge), OTHER);
        let bit = table.bit_or_insert(purge).expect("room");
        assert_ne!(bit, OTHER);
        assert_eq!(table.bit_or_insert(purge), Some(bit));
        let mut set = bit;
        set.insert(MethodSet::GET);
        assert_eq!(table.of(set).collect::<Vec<_>>(), [Method::GET, purge]);
    }

    #[test]
    fn refuses_more_extension_methods_than_bits() {
        let mut table = Table::default();
        for index in 0..limits::METHOD_EXTENSIONS_COUNT_MAX {
            let method: Method = format!("X{index}").parse().expect("a token");
            assert!(table.bit_or_insert(method).is_some());
        }
        let method: Method = "ONEMORE".parse().expect("a token");
        assert_eq!(table.bit_or_insert(method), None);
        assert!(MethodSet::ANY.intersects(table.bit(method)));
    }
}
