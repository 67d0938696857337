//! The path trees of all hosts, and the search in them.
//!
//! All trees lie in one run of bytes, each node whole in its record and mostly right before its
//! first child, so that a step down costs one cache line, not one for each of its parts. A record,
//! numbers little-endian, written by `build` and read here:
//!
//! ```text
//! node   label_bytes:u16 children_count:u8 flags:u8 label
//!        first_bytes:[u8; children_count] children:[u32; children_count]
//!        exact:leaf if EXACT, wildcard:leaf if WILDCARD, regexes:leaf if REGEXES, turns if TURNS
//! leaf   entries_count:u8 (methods:u64 route:u32)*, or GUARDED and leaf:u32 of the leaf table
//! turns  turns_count:u32 turn*
//! turn   node:u32 bytes:u32 pieces_count:u8 (literal_bytes:u16 literal)*; ANY_SEGMENT and
//!        REGEX_TREE stand in place of a count
//! ```
//!
//! A turn into a tree of regular expressions takes no bytes of the path: the tree below it has the
//! literals with which they begin in this segment. Its nodes are choices as well, so the longest
//! literals are tried first.
//!
//! A node or a leaf is named by the place of its first byte.

use super::guard::Judge;
use super::regex::Scratch;
use super::{MethodSet, Parameters, RouteId, leaf, regex, wide};
use crate::limits;
use smallvec::SmallVec;

/// A path may end at this node.
pub(super) const EXACT: u8 = 1;
/// `/*` may follow this node.
pub(super) const WILDCARD: u8 = 2;
/// A parameter, any segment or a regular expression may follow this node.
pub(super) const TURNS: u8 = 4;
/// Regular expressions follow this node.
pub(super) const REGEXES: u8 = 8;

/// Instead of a count of entries: the leaf is one of the table.
pub(super) const GUARDED: u8 = u8::MAX;
/// Instead of a count of pieces: a whole segment that is no parameter.
pub(super) const ANY_SEGMENT: u8 = u8::MAX;
/// Instead of a count of pieces: the tree of regular expressions.
pub(super) const REGEX_TREE: u8 = 0;

/// Bytes of an entry of a leaf.
pub(super) const ENTRY_BYTES: usize = 12;

/// Records; see the module.
#[derive(Debug)]
pub(super) struct Tree {
    records: Vec<u8>,
    leaves: leaf::Table,
    regexes: regex::Table,
}

/// A request as the search sees it, and what the search says besides the route.
pub(super) struct Search<'a, J> {
    pub(super) path: &'a [u8],
    pub(super) method: MethodSet,
    /// Methods of routes that matched all but the method.
    pub(super) allowed: MethodSet,
    /// A route matched all but the media type.
    pub(super) not_acceptable: bool,
    pub(super) parameters: &'a mut Parameters,
    pub(super) scratch: &'a mut Scratch,
    pub(super) judge: &'a mut J,
}

/// Where the search goes next.
enum Next {
    Node { node: usize, at: usize },
    Found(RouteId),
    Exhausted,
}

/// A place to come back to.
struct Choice {
    at: usize,
    /// The leaf of `/*` or of regular expressions, if there is one.
    leaf: Option<u32>,
    is_regexes: bool,
    turns_left: u32,
    next_turn: u32,
    parameters_count: u32,
}

type Choices = SmallVec<[Choice; limits::CHOICES_COUNT_MAX]>;

impl Tree {
    /// Takes records over.
    pub(super) fn new(mut records: Vec<u8>, leaves: leaf::Table, regexes: regex::Table) -> Tree {
        records.shrink_to_fit();
        Tree { records, leaves, regexes }
    }

    /// The most specific route below one root.
    pub(super) fn find<J: Judge>(&self, root: u32, search: &mut Search<'_, J>) -> Option<RouteId> {
        // A path that does not fit a parameter's range is longer than every head that is accepted.
        u32::try_from(search.path.len()).ok()?;
        // The build refuses trees that would need more, so this never grows onto the heap.
        let mut choices = Choices::new();
        search.parameters.clear();
        let mut next = Next::Node { node: root as usize, at: 0 };
        loop {
            next = match next {
                Next::Node { node, at } => self.descend(node, at, &mut choices, search),
                Next::Found(route) => return Some(route),
                Next::Exhausted => return None,
            };
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.records.capacity() + self.leaves.memory_bytes() + self.regexes.memory_bytes()
    }

    /// Down the literals until nothing fits, then back to the last choice.
    #[inline]
    fn descend<J: Judge>(
        &self,
        mut node: usize,
        mut at: usize,
        choices: &mut Choices,
        search: &mut Search<'_, J>,
    ) -> Next {
        loop {
            let [low, high, children_count, flags] = self.array(node);
            let label = self.slice(node + 4, usize::from(u16::from_le_bytes([low, high])));
            if !wide::starts_with(search.path.get(at..).unwrap_or_default(), label) {
                break;
            }
            at += label.len();
            let firsts = self.slice(node + 4 + label.len(), usize::from(children_count));
            let children = node + 4 + label.len() + firsts.len();
            if flags != 0 {
                let stop = children + 4 * firsts.len();
                if let Some(route) = self.stop(stop, flags, at, choices, search) {
                    return Next::Found(route);
                }
            }
            match search.path.get(at).and_then(|byte| position(firsts, *byte)) {
                Some(index) => node = self.u32(children + 4 * index) as usize,
                None => break,
            }
        }
        self.next_choice(choices, search)
    }

    /// What a node has besides literal children: the route of a path that ends here, or else places
    /// to come back to.
    #[inline]
    fn stop<J: Judge>(
        &self,
        mut part: usize,
        flags: u8,
        at: usize,
        choices: &mut Choices,
        search: &mut Search<'_, J>,
    ) -> Option<RouteId> {
        if flags & EXACT != 0 {
            if at == search.path.len()
                && let Some(route) = self.entry(part, at, search)
            {
                return Some(route);
            }
            part += self.leaf_bytes(part);
        }
        if flags & (WILDCARD | TURNS | REGEXES) == 0 {
            return None;
        }
        let mut choice = Choice {
            at,
            leaf: None,
            is_regexes: flags & REGEXES != 0,
            turns_left: 0,
            next_turn: 0,
            parameters_count: search.parameters.count,
        };
        // No node has both: regular expressions have a tree of their own.
        if flags & (WILDCARD | REGEXES) != 0 {
            // `/prefix/*` is the prefix itself and what is below it, not `/prefix-and-more`.
            if choice.is_regexes || matches!(search.path.get(at), None | Some(b'/')) {
                choice.leaf = u32::try_from(part).ok();
            }
            part += self.leaf_bytes(part);
        }
        if flags & TURNS != 0 {
            choice.turns_left = self.u32(part);
            choice.next_turn = u32::try_from(part + 4).unwrap_or(u32::MAX);
        }
        debug_assert!(choices.len() < limits::CHOICES_COUNT_MAX);
        choices.push(choice);
        None
    }

    /// The next thing to try at the place that was passed last.
    fn next_choice<J: Judge>(&self, choices: &mut Choices, search: &mut Search<'_, J>) -> Next {
        while let Some(choice) = choices.last_mut() {
            search.parameters.truncate(choice.parameters_count);
            if choice.turns_left > 0 {
                let next = self.next_turn(choice, search);
                if let Some(next) = next {
                    return next;
                }
            }
            let Choice { at, leaf, is_regexes, .. } = *choice;
            choices.pop();
            let Some(leaf) = leaf.map(|leaf| leaf as usize) else { continue };
            if !is_regexes {
                search.parameters.rest = Some(place(search.path.len().min(at + 1)));
            }
            if let Some(route) = self.entry(leaf, at, search) {
                return Next::Found(route);
            }
            search.parameters.rest = None;
        }
        Next::Exhausted
    }

    /// The next turn of a choice that takes the segment.
    #[inline]
    fn next_turn<J: Judge>(&self, choice: &mut Choice, search: &mut Search<'_, J>) -> Option<Next> {
        let rest = search.path.get(choice.at..).unwrap_or_default();
        let bytes = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let segment = rest.get(..bytes).unwrap_or_default();
        while choice.turns_left > 0 {
            let turn = choice.next_turn as usize;
            choice.turns_left -= 1;
            choice.next_turn += self.u32(turn + 4);
            let [kind] = self.array(turn + 8);
            let (takes, bytes) = match kind {
                REGEX_TREE => (true, 0),
                ANY_SEGMENT => (!segment.is_empty(), bytes),
                _ => (self.fits(turn + 8, segment, choice.at, search.parameters), bytes),
            };
            if takes {
                return Some(Next::Node { node: self.u32(turn) as usize, at: choice.at + bytes });
            }
            search.parameters.truncate(choice.parameters_count);
        }
        None
    }

    /// Whether a shape takes the rest of a segment whole; its parameters are noted.
    ///
    /// Each literal is looked for at the first place where it can stand, and the last one at the
    /// end. That misses no match: a later place for one literal only leaves less for the next.
    fn fits(&self, pieces: usize, segment: &[u8], at: usize, parameters: &mut Parameters) -> bool {
        let [inner_count] = self.array(pieces);
        let mut piece = pieces + 1;
        let mut from = 0;
        for _ in 1..inner_count {
            let literal = self.literal(piece);
            piece += 2 + literal.len();
            // A parameter is never empty, so the literal begins one byte further at the earliest.
            let Some(rest) = segment.get(from + 1..) else { return false };
            let Some(found) = memchr::memmem::find(rest, literal) else { return false };
            parameters.push(place(at + from), place(at + from + 1 + found));
            from += 1 + found + literal.len();
        }
        let rest = segment.get(from..).unwrap_or_default();
        let Some(last) = rest.strip_suffix(self.literal(piece)) else { return false };
        parameters.push(place(at + from), place(at + from + last.len()));
        !last.is_empty()
    }

    /// The route of a leaf that has the method; if none has, their methods are noted.
    #[inline]
    fn entry<J: Judge>(
        &self,
        leaf: usize,
        at: usize,
        search: &mut Search<'_, J>,
    ) -> Option<RouteId> {
        let [entries_count] = self.array(leaf);
        if entries_count == GUARDED {
            return self.leaves.find(&self.regexes, (self.u32(leaf + 1), at), search);
        }
        for index in 0..usize::from(entries_count) {
            let entry = leaf + 1 + index * ENTRY_BYTES;
            let methods = MethodSet::from_bytes(self.array(entry));
            if methods.intersects(search.method) {
                return Some(RouteId(self.u32(entry + 8)));
            }
            search.allowed.insert(methods);
        }
        None
    }

    #[inline]
    fn leaf_bytes(&self, leaf: usize) -> usize {
        match self.array(leaf) {
            [GUARDED] => 5,
            [entries_count] => 1 + usize::from(entries_count) * ENTRY_BYTES,
        }
    }

    #[inline]
    fn literal(&self, piece: usize) -> &[u8] {
        self.slice(piece + 2, usize::from(u16::from_le_bytes(self.array(piece))))
    }

    #[inline]
    fn u32(&self, place: usize) -> u32 {
        u32::from_le_bytes(self.array(place))
    }

    #[inline]
    fn array<const N: usize>(&self, place: usize) -> [u8; N] {
        *self.records[place..].first_chunk().expect("`build` wrote whole records")
    }

    #[inline]
    fn slice(&self, place: usize, bytes: usize) -> &[u8] {
        &self.records[place..place + bytes]
    }
}

/// A place in a path that [`Tree::find`] measured.
#[inline]
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Where a byte is. Few bytes are found sooner by looking at each than by setting up a wide search.
#[inline]
fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    if bytes.len() <= 8 {
        bytes.iter().position(|one| *one == byte)
    } else {
        memchr::memchr(byte, bytes)
    }
}
