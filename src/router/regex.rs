//! Regular expressions over a path or a parameter: read once into a literal prefix, which the tree
//! takes, and a tail, which many routes may share; then run without going back over a byte.
//!
//! A tail of one repeated class, such as `\d+`, is a set of bytes. All others of one place of the
//! tree are one automaton that is run once and says which of them match.

use super::{Parameters, PatternError};
use crate::limits;
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A regular expression of a whole path, read.
#[derive(Debug)]
pub(super) struct PathRegex {
    /// Bytes that every path that matches begins with.
    pub(super) prefix: Vec<u8>,
    /// What must match the bytes behind them.
    pub(super) tail: Tail,
    /// Where the parameters come from, if there are any.
    pub(super) captures: Captures,
    /// The names of its groups, in their order.
    pub(super) names: Vec<String>,
}

/// What must match up to the end, without groups.
#[derive(Debug)]
pub(super) struct Tail(Hir);

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How the named groups of a path are found.
#[derive(Debug)]
pub(super) enum Captures {
    /// There are none.
    None,
    /// The one group takes all behind this many bytes.
    Rest(usize),
    /// By the expression with its groups, behind this many bytes.
    Groups(usize, Hir),
}

/// Reads a regular expression of a whole path.
pub(super) fn parse_path(text: &str) -> Result<PathRegex, PatternError> {
    let hir = parse(text)?;
    let mut names = Vec::new();
    let named = without_groups(&hir, &mut Some(&mut names));
    super::pattern::check_names(&names)?;
    let (prefix, tail) = split(without_groups(&hir, &mut None));
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
pub(super) fn parse_value(text: &str) -> Result<Tail, PatternError> {
    let hir = without_groups(&parse(text)?, &mut None);
    let HirKind::Concat(parts) = hir.kind() else { return Ok(Tail(hir)) };
    let mut parts = parts.clone();
    unanchor(&mut parts);
    Ok(Tail(Hir::concat(parts)))
}

/// Reads a regular expression as it is, groups and anchors included.
pub(super) fn parse(text: &str) -> Result<Hir, PatternError> {
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
struct Bytes([u64; 4]);

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

    fn intersects(&self, other: &Bytes) -> bool {
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
struct Repeated {
    bytes: Bytes,
    count_min: u32,
    count_max: u32,
}

impl Repeated {
    fn of(hir: &Hir) -> Option<Repeated> {
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
    fn matches(&self, text: &[u8]) -> bool {
        let count = u32::try_from(text.len()).unwrap_or(u32::MAX);
        (self.count_min..=self.count_max).contains(&count)
            && text.iter().all(|byte| self.bytes.contains(*byte))
    }
}

/// Bytes that a match can begin with, and whether it can be empty. It may say more than is true.
fn first_bytes(hir: &Hir) -> (Bytes, bool) {
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

/// A tail in a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TailId(u32);

/// An automaton with groups in a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupsId(pub(super) u32);

/// All tails of a router that is being built, each once.
#[derive(Debug, Default)]
pub(super) struct Pool {
    tails: Vec<Pooled>,
    by_text: HashMap<String, TailId>,
    groups: Vec<Regex>,
    groups_by_text: HashMap<String, GroupsId>,
    bytes: usize,
}

#[derive(Debug)]
struct Pooled {
    hir: Hir,
    matcher: Matcher,
    first: (Bytes, bool),
}

#[derive(Debug)]
enum Matcher {
    Repeated(Repeated),
    Automaton(Regex),
}

impl Pool {
    /// The number of a tail, which is compiled where it is new.
    pub(super) fn tail(&mut self, tail: Tail) -> Result<TailId, PatternError> {
        let text = tail.to_string();
        if let Some(id) = self.by_text.get(&text) {
            return Ok(*id);
        }
        let matcher = match Repeated::of(&tail.0) {
            Some(repeated) => Matcher::Repeated(repeated),
            None => Matcher::Automaton(self.compile(&[&tail.0], WhichCaptures::Implicit)?),
        };
        let id = TailId(index(self.tails.len()));
        let first = first_bytes(&tail.0);
        self.tails.push(Pooled { hir: tail.0, matcher, first });
        self.by_text.insert(text, id);
        Ok(id)
    }

    /// The number of an expression with groups.
    pub(super) fn groups(&mut self, hir: &Hir) -> Result<GroupsId, PatternError> {
        let text = hir.to_string();
        if let Some(id) = self.groups_by_text.get(&text) {
            return Ok(*id);
        }
        let automaton = self.compile(&[hir], WhichCaptures::All)?;
        let id = GroupsId(index(self.groups.len()));
        self.groups.push(automaton);
        self.groups_by_text.insert(text, id);
        Ok(id)
    }

    /// Whether nothing matches both, as far as lengths and first bytes tell.
    pub(super) fn are_disjoint(&self, a: TailId, b: TailId) -> bool {
        let (a, b) = (&self.tails[a.0 as usize], &self.tails[b.0 as usize]);
        let is_longer = |a: &Pooled, b: &Pooled| {
            let most = a.hir.properties().maximum_len();
            most.zip(b.hir.properties().minimum_len()).is_some_and(|(most, least)| most < least)
        };
        let both_empty = a.first.1 && b.first.1;
        is_longer(a, b) || is_longer(b, a) || !(both_empty || a.first.0.intersects(&b.first.0))
    }

    /// An automaton that says which of some expressions match; one of `WhichCaptures::All` also
    /// where their groups are.
    fn compile(&mut self, tails: &[&Hir], captures: WhichCaptures) -> Result<Regex, PatternError> {
        let with_groups = matches!(captures, WhichCaptures::All);
        let kind = if with_groups { MatchKind::LeftmostFirst } else { MatchKind::All };
        let config = meta::Config::new()
            .match_kind(kind)
            // Without the implicit ones `search_half` finds nothing.
            .which_captures(captures)
            .utf8_empty(false)
            .auto_prefilter(false)
            .nfa_size_limit(Some(limits::REGEX_AUTOMATON_BYTES_MAX))
            .hybrid_cache_capacity(limits::REGEX_CACHE_BYTES_MAX)
            .dfa(!with_groups);
        let whole: Vec<Hir> = tails
            .iter()
            .map(|tail| Hir::concat(vec![(*tail).clone(), Hir::look(Look::End)]))
            .collect();
        let built = Regex::builder().configure(config).build_many_from_hir(&whole);
        let automaton = built.map_err(|_| PatternError::RegexTooLarge)?;
        self.bytes += automaton.memory_usage();
        if self.bytes > limits::REGEXES_BYTES_MAX {
            return Err(PatternError::RegexesTooLarge);
        }
        Ok(automaton)
    }
}

/// A byte sequence's place in the tables of automata; [`NONE`] for none.
const NONE: u32 = u32::MAX;

/// Expressions of one place.
#[derive(Debug)]
struct Set {
    /// One that says which of `Test::Automaton` match.
    automaton: u32,
    tests: Box<[Test]>,
}

/// How one expression of a set is tried.
#[derive(Clone, Copy, Debug)]
enum Test {
    Repeated(u32),
    Automaton(u32),
}

/// A set of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetId(pub(super) u32);

/// What the searches run, laid out from a [`Pool`].
#[derive(Debug)]
pub(super) struct Table {
    /// Tells the router's caches from another's.
    number: u64,
    repeated: Vec<Repeated>,
    /// First those of [`GroupsId`].
    automata: Vec<Regex>,
    sets: Vec<Set>,
}

/// Makes a [`Table`].
pub(super) struct Layout {
    pool: Pool,
    table: Table,
    placed: HashMap<TailId, Test>,
    sets: HashMap<Vec<TailId>, SetId>,
}

impl Layout {
    pub(super) fn new(mut pool: Pool) -> Layout {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let table = Table {
            // Only has to differ from all others.
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            repeated: Vec::new(),
            automata: std::mem::take(&mut pool.groups),
            sets: Vec::new(),
        };
        Layout { pool, table, placed: HashMap::new(), sets: HashMap::new() }
    }

    pub(super) fn are_disjoint(&self, a: TailId, b: TailId) -> bool {
        self.pool.are_disjoint(a, b)
    }

    /// The order of two tails by their text.
    pub(super) fn text_order(&self, a: TailId, b: TailId) -> std::cmp::Ordering {
        let text = |id: TailId| self.pool.tails[id.0 as usize].hir.to_string();
        if a == b { std::cmp::Ordering::Equal } else { text(a).cmp(&text(b)) }
    }

    /// The set of these expressions, all of which are tried at one place.
    pub(super) fn set(&mut self, tails: &[TailId]) -> Result<SetId, PatternError> {
        if let Some(id) = self.sets.get(tails) {
            return Ok(*id);
        }
        let set = self.new_set(tails)?;
        let id = SetId(index(self.table.sets.len()));
        self.table.sets.push(set);
        self.sets.insert(tails.to_vec(), id);
        Ok(id)
    }

    fn new_set(&mut self, tails: &[TailId]) -> Result<Set, PatternError> {
        let is_automaton =
            |id: &TailId| matches!(self.pool.tails[id.0 as usize].matcher, Matcher::Automaton(_));
        let together: Vec<TailId> = tails.iter().copied().filter(is_automaton).collect();
        let automaton = match *together.as_slice() {
            [] => NONE,
            [only] => match self.test(only) {
                Test::Automaton(automaton) => automaton,
                Test::Repeated(_) => NONE,
            },
            _ => {
                let parts: Vec<Hir> =
                    together.iter().map(|id| self.pool.tails[id.0 as usize].hir.clone()).collect();
                let parts: Vec<&Hir> = parts.iter().collect();
                let automaton = self.pool.compile(&parts, WhichCaptures::Implicit)?;
                self.table.automata.push(automaton);
                index(self.table.automata.len() - 1)
            }
        };
        let mut next = 0..;
        let tests = tails.iter().map(|id| match self.pool.tails[id.0 as usize].matcher {
            Matcher::Repeated(_) => self.test(*id),
            Matcher::Automaton(_) => Test::Automaton(next.next().unwrap_or(NONE)),
        });
        let tests = tests.collect();
        Ok(Set { automaton, tests })
    }

    /// A tail that is tried alone: the place of its class or of its automaton.
    fn test(&mut self, id: TailId) -> Test {
        if let Some(test) = self.placed.get(&id) {
            return *test;
        }
        let test = match &self.pool.tails[id.0 as usize].matcher {
            Matcher::Repeated(repeated) => {
                self.table.repeated.push(*repeated);
                Test::Repeated(index(self.table.repeated.len() - 1))
            }
            Matcher::Automaton(automaton) => {
                self.table.automata.push(automaton.clone());
                Test::Automaton(index(self.table.automata.len() - 1))
            }
        };
        self.placed.insert(id, test);
        test
    }

    pub(super) fn finish(self) -> Table {
        let mut table = self.table;
        table.repeated.shrink_to_fit();
        table.automata.shrink_to_fit();
        table.sets.shrink_to_fit();
        table
    }
}

impl Table {
    /// Whether one expression of a set matches all from a place of a text on. The `bool` says
    /// whether the set's automaton was run there already.
    #[inline]
    pub(super) fn matches(
        &self,
        set: SetId,
        test: u16,
        (text, at, is_run): (&[u8], usize, &mut bool),
        scratch: &mut Scratch,
    ) -> bool {
        let Some(set) = self.sets.get(set.0 as usize) else { return false };
        match set.tests.get(usize::from(test)) {
            Some(Test::Repeated(class)) => self
                .repeated
                .get(*class as usize)
                .is_some_and(|class| class.matches(text.get(at..).unwrap_or_default())),
            Some(Test::Automaton(pattern)) => {
                if !*is_run {
                    *is_run = true;
                    self.run(set.automaton, text, at, scratch);
                }
                scratch.matched(set.automaton, *pattern)
            }
            None => false,
        }
    }

    /// Notes which expressions of an automaton match all from `at` on.
    fn run(&self, automaton: u32, text: &[u8], at: usize, scratch: &mut Scratch) {
        let Some(regex) = self.automata.get(automaton as usize) else { return };
        let Some(kept) = scratch.kept(self, automaton, regex) else { return };
        let input = Input::new(text).span(at..text.len()).anchored(Anchored::Yes);
        if let Some(only) = &mut kept.only {
            *only = regex.search_half_with(&mut kept.cache, &input.earliest(true)).is_some();
        } else {
            kept.matched.clear();
            regex.which_overlapping_matches_with(&mut kept.cache, &input, &mut kept.matched);
        }
    }

    /// Notes the groups of an expression that is known to match all from `at` on.
    pub(super) fn capture(
        &self,
        groups: GroupsId,
        (path, at): (&[u8], usize),
        scratch: &mut Scratch,
        parameters: &mut Parameters,
    ) {
        let automaton = groups.0;
        let Some(regex) = self.automata.get(automaton as usize) else { return };
        let Some(kept) = scratch.kept(self, automaton, regex) else { return };
        let mut slots: [Option<NonMaxUsize>; SLOTS_COUNT] = [None; SLOTS_COUNT];
        let count = (2 * regex.captures_len()).min(SLOTS_COUNT);
        let slots = slots.get_mut(..count).unwrap_or_default();
        let input = Input::new(path).span(at..path.len()).anchored(Anchored::Yes);
        regex.search_slots_with(&mut kept.cache, &input, slots);
        let place = |slot: &Option<NonMaxUsize>| {
            slot.and_then(|place| u32::try_from(place.get()).ok()).unwrap_or(0)
        };
        // The first pair is the whole match. A group that took no part is empty.
        for pair in slots.chunks_exact(2).skip(1) {
            if let [start, end] = pair {
                parameters.push(place(start), place(end));
            }
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let automata: usize = self.automata.iter().map(|regex| regex.memory_usage()).sum();
        let tests: usize = self.sets.iter().map(|set| size_of_val(&*set.tests)).sum();
        automata
            + tests
            + self.automata.capacity() * size_of::<Regex>()
            + self.repeated.capacity() * size_of::<Repeated>()
            + self.sets.capacity() * size_of::<Set>()
    }
}

/// Two for the whole match, two for each named group.
const SLOTS_COUNT: usize = 2 + 2 * limits::PARAMETERS_COUNT_MAX;

/// What searches need to run automata: made where it is first used and kept, one a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The router that all this belongs to; another's is dropped.
    number: u64,
    caches: Vec<Option<Box<Kept>>>,
    kept_count: usize,
    /// Candidates of one class of a leaf.
    pub(super) candidates: Vec<u32>,
}

/// The memory of one automaton, and what it said last.
#[derive(Debug)]
struct Kept {
    cache: meta::Cache,
    matched: PatternSet,
    /// Of one that has a single expression: whether it matched.
    only: Option<bool>,
}

impl Scratch {
    /// Nothing kept yet.
    pub fn new() -> Scratch {
        Scratch::default()
    }

    fn kept(&mut self, table: &Table, automaton: u32, regex: &Regex) -> Option<&mut Kept> {
        let is_full = self.kept_count >= limits::REGEX_CACHES_COUNT_MAX;
        let place = automaton as usize;
        let is_made =
            self.number == table.number && matches!(self.caches.get(place), Some(Some(_)));
        if self.number != table.number || (is_full && !is_made) {
            self.number = table.number;
            self.kept_count = 0;
            self.caches.clear();
        }
        if self.caches.len() < table.automata.len() {
            self.caches.resize_with(table.automata.len(), || None);
        }
        let slot = self.caches.get_mut(place)?;
        if slot.is_none() {
            self.kept_count += 1;
        }
        Some(slot.get_or_insert_with(|| {
            Box::new(Kept {
                cache: regex.create_cache(),
                matched: PatternSet::new(regex.pattern_len()),
                only: (regex.pattern_len() == 1).then_some(false),
            })
        }))
    }

    fn matched(&self, automaton: u32, pattern: u32) -> bool {
        let Some(Some(kept)) = self.caches.get(automaton as usize) else { return false };
        match kept.only {
            Some(is_matched) => is_matched,
            None => {
                let pattern = regex_automata::PatternID::new(pattern as usize);
                pattern.is_ok_and(|pattern| kept.matched.contains(pattern))
            }
        }
    }
}

fn index(count: usize) -> u32 {
    u32::try_from(count).expect("a million routes have fewer than 2^32 expressions")
}
