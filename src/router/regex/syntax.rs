//! What a regular expression says, read once: its literal prefix, its tail, its groups.

use crate::limits;
use crate::router::PatternError;
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look};

/// A regular expression of a whole path, read.
#[derive(Debug)]
pub(in crate::router) struct PathRegex {
    /// Bytes that every path that matches begins with.
    pub(in crate::router) prefix: Vec<u8>,
    /// What must match the bytes behind them.
    pub(in crate::router) tail: Tail,
    /// Where the parameters come from, if there are any.
    pub(in crate::router) captures: Captures,
    /// The names of its groups, in their order.
    pub(in crate::router) names: Vec<String>,
}

/// What must match up to the end, without groups.
#[derive(Debug)]
pub(in crate::router) struct Tail(pub(super) Hir);

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How the named groups of a path are found.
#[derive(Debug)]
pub(in crate::router) enum Captures {
    /// There are none.
    None,
    /// The one group takes all behind this many bytes.
    Rest(usize),
    /// By the expression with its groups, behind this many bytes.
    Groups(usize, Hir),
}

/// Reads a regular expression of a whole path.
pub(in crate::router) fn parse_path(text: &str) -> Result<PathRegex, PatternError> {
    let hir = parse(text)?;
    let mut names = Vec::new();
    let named = without_groups(&hir, &mut Some(&mut names));
    crate::router::pattern::check_names(&names)?;
    let (prefix, tail) = split(without_groups(&hir, &mut None));
    let begins_with_slash = match prefix.first() {
        Some(byte) => *byte == b'/',
        None => first_bytes(&tail).0.contains(b'/'),
    };
    if !begins_with_slash {
        return Err(PatternError::RegexNoSlash);
    }
    let captures = if names.is_empty() {
        Captures::None
    } else {
        let (before, groups) = split(named);
        match groups.kind() {
            HirKind::Capture(_) if names.len() == 1 => Captures::Rest(before.len()),
            _ => Captures::Groups(before.len(), groups),
        }
    };
    Ok(PathRegex { prefix, tail: Tail(tail), captures, names })
}

/// Reads a regular expression of a whole parameter.
pub(in crate::router) fn parse_value(text: &str) -> Result<Tail, PatternError> {
    let hir = without_groups(&parse(text)?, &mut None);
    let HirKind::Concat(parts) = hir.kind() else { return Ok(Tail(hir)) };
    let mut parts = parts.clone();
    unanchor(&mut parts);
    Ok(Tail(Hir::concat(parts)))
}

/// Reads a regular expression as it is, groups and anchors included.
pub(in crate::router) fn parse(text: &str) -> Result<Hir, PatternError> {
    if text.len() > limits::PATTERN_BYTES_MAX {
        return Err(PatternError::PathTooLong);
    }
    if !text.is_ascii() {
        return Err(PatternError::RegexNotAscii);
    }
    let mut builder = regex_syntax::ParserBuilder::new();
    builder.utf8(false).unicode(false).nest_limit(limits::REGEX_DEPTH_MAX);
    builder.build().parse(text).map_err(|error| {
        let (what, offset) = match &error {
            regex_syntax::Error::Parse(error) => {
                (error.kind().to_string(), error.span().start.offset)
            }
            regex_syntax::Error::Translate(error) => {
                (error.kind().to_string(), error.span().start.offset)
            }
            // The enum is another crate's and may grow.
            _ => (error.to_string(), 0),
        };
        PatternError::RegexInvalid { what: what.into(), offset }
    })
}

/// The same expression without its groups; with a list for names, the named ones stay and are
/// numbered anew. Recursion is bounded by [`limits::REGEX_DEPTH_MAX`].
fn without_groups(hir: &Hir, names: &mut Option<&mut Vec<String>>) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Repetition(repetition) => {
            Hir::repetition(repetition.with(without_groups(&repetition.sub, names)))
        }
        HirKind::Capture(capture) => {
            let index = match (names.as_mut(), &capture.name) {
                (Some(names), Some(name)) => {
                    names.push(name.to_string());
                    u32::try_from(names.len()).ok()
                }
                (Some(_) | None, _) => None,
            };
            let sub = without_groups(&capture.sub, names);
            match index {
                Some(index) => {
                    let name = capture.name.clone();
                    Hir::capture(Capture { index, name, sub: Box::new(sub) })
                }
                None => sub,
            }
        }
        HirKind::Concat(parts) => {
            Hir::concat(parts.iter().map(|part| without_groups(part, names)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| without_groups(part, names)).collect())
        }
    }
}

/// Takes `^` from the front and `$` from the end: both are meant anyway.
fn unanchor(parts: &mut Vec<Hir>) {
    if matches!(parts.first().map(Hir::kind), Some(HirKind::Look(Look::Start))) {
        parts.remove(0);
    }
    if matches!(parts.last().map(Hir::kind), Some(HirKind::Look(Look::End))) {
        parts.pop();
    }
}

/// The literal bytes at the front, and the rest.
fn split(hir: Hir) -> (Vec<u8>, Hir) {
    let mut parts = match hir.into_kind() {
        HirKind::Concat(parts) => parts,
        kind => vec![of_kind(kind)],
    };
    unanchor(&mut parts);
    let prefix = match parts.first().map(Hir::kind) {
        Some(HirKind::Literal(literal)) => literal.0.to_vec(),
        Some(_) | None => Vec::new(),
    };
    if !prefix.is_empty() {
        parts.remove(0);
    }
    (prefix, Hir::concat(parts))
}

/// What [`Hir::into_kind`] took apart.
fn of_kind(kind: HirKind) -> Hir {
    match kind {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition),
        HirKind::Capture(capture) => Hir::capture(capture),
        HirKind::Concat(parts) => Hir::concat(parts),
        HirKind::Alternation(parts) => Hir::alternation(parts),
    }
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn insert_all(&mut self, other: Bytes) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    #[inline]
    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    pub(super) fn intersects(&self, other: &Bytes) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    fn of_class(class: &Class) -> Bytes {
        let mut bytes = Bytes::default();
        match class {
            Class::Bytes(class) => {
                for range in class.ranges() {
                    (range.start()..=range.end()).for_each(|byte| bytes.insert(byte));
                }
            }
            // Only `(?u)` makes one. Beyond ASCII any byte may begin it.
            Class::Unicode(class) => {
                for range in class.ranges().iter().filter(|range| range.start().is_ascii()) {
                    let byte = |character: char| u8::try_from(character).unwrap_or(0x7f).min(0x7f);
                    (byte(range.start())..=byte(range.end())).for_each(|byte| bytes.insert(byte));
                }
                if !class.is_ascii() {
                    (0x80..=0xff).for_each(|byte| bytes.insert(byte));
                }
            }
        }
        bytes
    }
}

/// One class, repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    bytes: Bytes,
    count_min: u32,
    count_max: u32,
}

impl Repeated {
    pub(super) fn of(hir: &Hir) -> Option<Repeated> {
        let one = |hir: &Hir| match hir.kind() {
            HirKind::Class(class @ Class::Bytes(_)) => Some(Bytes::of_class(class)),
            HirKind::Literal(literal) => match *literal.0 {
                [byte] => {
                    let mut bytes = Bytes::default();
                    bytes.insert(byte);
                    Some(bytes)
                }
                _ => None,
            },
            HirKind::Class(Class::Unicode(_))
            | HirKind::Empty
            | HirKind::Look(_)
            | HirKind::Repetition(_)
            | HirKind::Capture(_)
            | HirKind::Concat(_)
            | HirKind::Alternation(_) => None,
        };
        match hir.kind() {
            HirKind::Empty => {
                Some(Repeated { bytes: Bytes::default(), count_min: 0, count_max: 0 })
            }
            HirKind::Repetition(repetition) => Some(Repeated {
                bytes: one(&repetition.sub)?,
                count_min: repetition.min,
                count_max: repetition.max.unwrap_or(u32::MAX),
            }),
            HirKind::Class(_)
            | HirKind::Literal(_)
            | HirKind::Look(_)
            | HirKind::Capture(_)
            | HirKind::Concat(_)
            | HirKind::Alternation(_) => {
                Some(Repeated { bytes: one(hir)?, count_min: 1, count_max: 1 })
            }
        }
    }

    #[inline]
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let count = u32::try_from(text.len()).unwrap_or(u32::MAX);
        (self.count_min..=self.count_max).contains(&count)
            && text.iter().all(|byte| self.bytes.contains(*byte))
    }
}

/// Bytes that a match can begin with, and whether it can be empty. It may say more than is true.
pub(super) fn first_bytes(hir: &Hir) -> (Bytes, bool) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (Bytes::default(), true),
        HirKind::Literal(literal) => {
            let mut bytes = Bytes::default();
            literal.0.first().into_iter().for_each(|byte| bytes.insert(*byte));
            (bytes, literal.0.is_empty())
        }
        HirKind::Class(class) => (Bytes::of_class(class), false),
        HirKind::Repetition(repetition) => {
            let (bytes, is_empty) = first_bytes(&repetition.sub);
            (bytes, is_empty || repetition.min == 0)
        }
        HirKind::Capture(capture) => first_bytes(&capture.sub),
        HirKind::Concat(parts) => {
            let mut all = Bytes::default();
            for part in parts {
                let (bytes, is_empty) = first_bytes(part);
                all.insert_all(bytes);
                if !is_empty {
                    return (all, false);
                }
            }
            (all, true)
        }
        HirKind::Alternation(parts) => {
            let mut all = (Bytes::default(), false);
            for (bytes, is_empty) in parts.iter().map(first_bytes) {
                all.0.insert_all(bytes);
                all.1 |= is_empty;
            }
            all
        }
    }
}
