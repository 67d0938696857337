//! The path tree of all hosts in flat arrays, and the search in it.

use super::{MethodSet, Parameters, RouteId};
use crate::limits;
use smallvec::SmallVec;

/// No index.
pub(super) const NONE: u32 = u32::MAX;

/// All trees of a router. Nodes that are siblings lie side by side, so that the first bytes of
/// their labels lie side by side in `firsts` too and are searched as one run of bytes.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The first byte of each node's label.
    pub(super) firsts: Vec<u8>,
    pub(super) labels: Vec<u8>,
    pub(super) stops: Vec<Stop>,
    pub(super) shapes: Vec<Shape>,
    pub(super) pieces: Vec<Piece>,
    pub(super) entries: Vec<Entry>,
}

/// Literal bytes, then children, then what else can follow. Four to a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) label_start: u32,
    pub(super) label_bytes: u16,
    pub(super) children_count: u16,
    pub(super) children_start: u32,
    /// Index into `stops`, or [`NONE`] for a node where only literals go on.
    pub(super) stop: u32,
}

/// What a node has beside literal children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// First of the entries for a path that ends here, or [`NONE`].
    pub(super) exact: u32,
    /// First of the entries of `/*`, or [`NONE`].
    pub(super) wildcard: u32,
    pub(super) shapes_start: u32,
    pub(super) shapes_count: u32,
}

/// The rest of a segment from its first parameter on, and the node behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) pieces_start: u32,
    pub(super) pieces_count: u32,
    pub(super) node: u32,
}

/// A parameter's literal successor in `labels`; empty only as the last of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) bytes: u32,
}

/// One route of a leaf. Entries of a leaf lie side by side, those without methods last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) methods: MethodSet,
    pub(super) route: RouteId,
    pub(super) is_last: bool,
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
    Node { node: u32, at: usize },
    Found(RouteId),
    Exhausted,
}

/// A place to come back to.
struct Choice {
    stop: Stop,
    at: usize,
    shapes_tried: u32,
    parameters_count: u32,
}

type Choices = SmallVec<[Choice; limits::CHOICES_COUNT_MAX]>;

impl Tree {
    /// The most specific route below one root.
    pub(super) fn find(&self, root: u32, search: &mut Search<'_>) -> Option<RouteId> {
        // A path that does not fit a parameter's range is longer than every head that is accepted.
        u32::try_from(search.path.len()).ok()?;
        // The build refuses trees that would need more, so this never grows onto the heap.
        let mut choices = Choices::new();
        search.parameters.truncate(0);
        let mut next = Next::Node { node: root, at: 0 };
        loop {
            next = match next {
                Next::Node { node, at } => self.descend(node, at, &mut choices, search),
                Next::Found(route) => return Some(route),
                Next::Exhausted => return None,
            };
        }
    }

    /// Gives back what the arrays have to spare.
    pub(super) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.firsts.shrink_to_fit();
        self.labels.shrink_to_fit();
        self.stops.shrink_to_fit();
        self.shapes.shrink_to_fit();
        self.pieces.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.firsts.capacity()
            + self.labels.capacity()
            + self.stops.capacity() * size_of::<Stop>()
            + self.shapes.capacity() * size_of::<Shape>()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.entries.capacity() * size_of::<Entry>()
    }

    /// Down the literals until nothing fits, then back to the last choice.
    #[inline]
    fn descend(
        &self,
        mut node: u32,
        mut at: usize,
        choices: &mut Choices,
        search: &mut Search<'_>,
    ) -> Next {
        loop {
            let place = self.nodes[node as usize];
            let label = self.label(place.label_start, u32::from(place.label_bytes));
            if !starts_with(search.path.get(at..).unwrap_or_default(), label) {
                break;
            }
            at += label.len();
            if place.stop != NONE {
                let stop = self.stops[place.stop as usize];
                if at == search.path.len()
                    && let Some(route) = self.entry(stop.exact, search)
                {
                    return Next::Found(route);
                }
                if stop.shapes_count != 0 || stop.wildcard != NONE {
                    debug_assert!(choices.len() < limits::CHOICES_COUNT_MAX);
                    let parameters_count = search.parameters.count;
                    choices.push(Choice { stop, at, shapes_tried: 0, parameters_count });
                }
            }
            match search.path.get(at).and_then(|byte| self.child(place, *byte)) {
                Some(child) => node = child,
                None => break,
            }
        }
        self.next_choice(choices, search)
    }

    /// The next thing to try at the place that was passed last.
    fn next_choice(&self, choices: &mut Choices, search: &mut Search<'_>) -> Next {
        while let Some(choice) = choices.last_mut() {
            let stop = choice.stop;
            let rest = search.path.get(choice.at..).unwrap_or_default();
            if choice.shapes_tried < stop.shapes_count {
                let bytes = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let segment = rest.get(..bytes).unwrap_or_default();
                while choice.shapes_tried < stop.shapes_count {
                    let shape = self.shapes[(stop.shapes_start + choice.shapes_tried) as usize];
                    choice.shapes_tried += 1;
                    search.parameters.truncate(choice.parameters_count);
                    if self.fits(shape, segment, choice.at, search.parameters) {
                        return Next::Node { node: shape.node, at: choice.at + bytes };
                    }
                }
            }
            search.parameters.truncate(choice.parameters_count);
            choices.pop();
            if matches!(rest.first(), None | Some(b'/'))
                && let Some(route) = self.entry(stop.wildcard, search)
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
    fn fits(&self, shape: Shape, segment: &[u8], at: usize, parameters: &mut Parameters) -> bool {
        let start = shape.pieces_start as usize;
        let pieces = &self.pieces[start..start + shape.pieces_count as usize];
        let Some((last, inner)) = pieces.split_last() else { return false };
        let suffix = self.label(last.start, last.bytes);
        let Some(body) = segment.strip_suffix(suffix) else { return false };
        let mut from = 0;
        for piece in inner {
            let literal = self.label(piece.start, piece.bytes);
            // A parameter is never empty, so the literal begins one byte further at the earliest.
            let Some(rest) = body.get(from + 1..) else { return false };
            let Some(found) = memchr::memmem::find(rest, literal) else { return false };
            parameters.push(place(at + from), place(at + from + 1 + found));
            from += 1 + found + literal.len();
        }
        if from >= body.len() {
            return false;
        }
        parameters.push(place(at + from), place(at + body.len()));
        true
    }

    /// The route of a leaf that has the method; if none has, their methods are noted.
    #[inline]
    fn entry(&self, first: u32, search: &mut Search<'_>) -> Option<RouteId> {
        if first == NONE {
            return None;
        }
        for entry in &self.entries[first as usize..] {
            if entry.methods.intersects(search.method) {
                return Some(entry.route);
            }
            search.allowed.insert(entry.methods);
            if entry.is_last {
                break;
            }
        }
        None
    }

    #[inline]
    fn child(&self, place: Node, byte: u8) -> Option<u32> {
        let start = place.children_start as usize;
        let firsts = &self.firsts[start..start + usize::from(place.children_count)];
        // Few children are found sooner by looking at each than by setting up a wide search.
        let index = if firsts.len() <= 8 {
            firsts.iter().position(|first| *first == byte)?
        } else {
            memchr::memchr(byte, firsts)?
        };
        Some(place.children_start + u32::try_from(index).ok()?)
    }

    #[inline]
    fn label(&self, start: u32, bytes: u32) -> &[u8] {
        &self.labels[start as usize..start as usize + bytes as usize]
    }
}

/// A place in a path that [`Tree::find`] measured.
#[inline]
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether `text` begins with `label`, compared in the widest words that fit: a label is mostly
/// shorter than what a call to `memcmp` is worth.
#[inline]
fn starts_with(text: &[u8], label: &[u8]) -> bool {
    let Some(text) = text.get(..label.len()) else { return false };
    if label.len() > 16 {
        let (blocks, _) = text.as_chunks::<16>();
        let (label_blocks, _) = label.as_chunks::<16>();
        blocks.iter().zip(label_blocks).all(|(a, b)| a == b)
            && text.last_chunk::<16>() == label.last_chunk::<16>()
    } else if label.len() >= 8 {
        ends_equal::<8>(text, label)
    } else if label.len() >= 4 {
        ends_equal::<4>(text, label)
    } else {
        text.iter().zip(label).all(|(a, b)| a == b)
    }
}

/// Whether the first and the last `N` bytes, which may overlap, are equal.
#[inline]
fn ends_equal<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_labels_of_every_length() {
        let text: Vec<u8> = (0..80).collect();
        for bytes in 0..80 {
            let mut label = text[..bytes].to_vec();
            assert!(starts_with(&text, &label));
            assert!(starts_with(&text[..bytes], &label));
            if bytes > 0 {
                assert!(!starts_with(&text[..bytes - 1], &label));
            }
            for place in 0..bytes {
                label[place] ^= 0x80;
                assert!(!starts_with(&text, &label), "{bytes} {place}");
                label[place] ^= 0x80;
            }
        }
    }

    #[test]
    fn a_node_is_a_fourth_of_a_cache_line() {
        assert_eq!(size_of::<Node>(), 16);
        assert_eq!(size_of::<Stop>(), 16);
        assert_eq!(size_of::<Entry>(), 16);
    }
}
