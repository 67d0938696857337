//! The path trees of all hosts, and the search in them.
//!
//! All trees lie in one run of bytes, each node whole in its record and mostly right before its
//! first child, so that a step down costs one cache line, not one for each of its parts. A record,
//! numbers little-endian, written by `build` and read here:
//!
//! ```text
//! node   label_bytes:u16 children_count:u8 flags:u8 label
//!        first_bytes:[u8; children_count] children:[u32; children_count]
//!        exact:leaf if EXACT, wildcard:leaf if WILDCARD, shapes if SHAPES
//! leaf   entries_count:u8 (methods:u64 route:u32)*
//! shapes shapes_count:u32 (node:u32 bytes:u32 pieces_count:u8 (literal_bytes:u16 literal)*)*
//! ```
//!
//! A node or a leaf is named by the place of its first byte.

use super::{MethodSet, Parameters, RouteId, wide};
use crate::limits;
use smallvec::SmallVec;

/// A path may end at this node.
pub(super) const EXACT: u8 = 1;
/// `/*` may follow this node.
pub(super) const WILDCARD: u8 = 2;
/// A parameter may follow this node.
pub(super) const SHAPES: u8 = 4;

/// Bytes of an entry of a leaf.
pub(super) const ENTRY_BYTES: usize = 12;

/// Records; see the module.
#[derive(Debug, Default)]
pub(super) struct Tree {
    records: Vec<u8>,
}

/// A request as the search sees it, and what the search says besides the route.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) path: &'a [u8],
    pub(super) method: MethodSet,
    /// Methods of routes that matched all but the method.
    pub(super) allowed: MethodSet,
    pub(super) parameters: &'a mut Parameters,
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
    /// The leaf of `/*`, if there is one.
    wildcard: Option<u32>,
    shapes_left: u32,
    next_shape: u32,
    parameters_count: u32,
}

type Choices = SmallVec<[Choice; limits::CHOICES_COUNT_MAX]>;

impl Tree {
    /// Takes records over.
    pub(super) fn new(mut records: Vec<u8>) -> Tree {
        records.shrink_to_fit();
        Tree { records }
    }

    /// The most specific route below one root.
    pub(super) fn find(&self, root: u32, search: &mut Search<'_>) -> Option<RouteId> {
        // A path that does not fit a parameter's range is longer than every head that is accepted.
        u32::try_from(search.path.len()).ok()?;
        // The build refuses trees that would need more, so this never grows onto the heap.
        let mut choices = Choices::new();
        search.parameters.truncate(0);
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
        self.records.capacity()
    }

    /// Down the literals until nothing fits, then back to the last choice.
    #[inline]
    fn descend(
        &self,
        mut node: usize,
        mut at: usize,
        choices: &mut Choices,
        search: &mut Search<'_>,
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
    fn stop(
        &self,
        mut part: usize,
        flags: u8,
        at: usize,
        choices: &mut Choices,
        search: &mut Search<'_>,
    ) -> Option<RouteId> {
        if flags & EXACT != 0 {
            if at == search.path.len()
                && let Some(route) = self.entry(part, search)
            {
                return Some(route);
            }
            part += self.leaf_bytes(part);
        }
        if flags & (WILDCARD | SHAPES) == 0 {
            return None;
        }
        let mut choice = Choice {
            at,
            wildcard: None,
            shapes_left: 0,
            next_shape: 0,
            parameters_count: search.parameters.count,
        };
        if flags & WILDCARD != 0 {
            // `/prefix/*` is the prefix itself and what is below it, not `/prefix-and-more`.
            if matches!(search.path.get(at), None | Some(b'/')) {
                choice.wildcard = u32::try_from(part).ok();
            }
            part += self.leaf_bytes(part);
        }
        if flags & SHAPES != 0 {
            choice.shapes_left = self.u32(part);
            choice.next_shape = u32::try_from(part + 4).unwrap_or(u32::MAX);
        }
        debug_assert!(choices.len() < limits::CHOICES_COUNT_MAX);
        choices.push(choice);
        None
    }

    /// The next thing to try at the place that was passed last.
    fn next_choice(&self, choices: &mut Choices, search: &mut Search<'_>) -> Next {
        while let Some(choice) = choices.last_mut() {
            search.parameters.truncate(choice.parameters_count);
            if choice.shapes_left > 0 {
                let rest = search.path.get(choice.at..).unwrap_or_default();
                let bytes = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let segment = rest.get(..bytes).unwrap_or_default();
                while choice.shapes_left > 0 {
                    let shape = choice.next_shape as usize;
                    choice.shapes_left -= 1;
                    choice.next_shape += self.u32(shape + 4);
                    if self.fits(shape + 8, segment, choice.at, search.parameters) {
                        let node = self.u32(shape) as usize;
                        return Next::Node { node, at: choice.at + bytes };
                    }
                    search.parameters.truncate(choice.parameters_count);
                }
            }
            let wildcard = choice.wildcard;
            choices.pop();
            if let Some(leaf) = wildcard
                && let Some(route) = self.entry(leaf as usize, search)
            {
                return Next::Found(route);
            }
        }
        Next::Exhausted
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
    fn entry(&self, leaf: usize, search: &mut Search<'_>) -> Option<RouteId> {
        let [entries_count] = self.array(leaf);
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
        let [entries_count] = self.array(leaf);
        1 + usize::from(entries_count) * ENTRY_BYTES
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
