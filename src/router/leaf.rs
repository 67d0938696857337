//! The routes of one host and path: in which order they are tried, and which of them tie.
//!
//! Most leaves hold routes that only methods tell apart, and lie in the tree's own records. Those
//! with conditions lie here, in classes of routes that are equal but for quality and priority.

use super::build::BuildFault;
use super::guard::{GuardId, Guards, Judge, Need, QUALITY_MAX, Verdict};
use super::regex::{self, GroupsId, SetId, TailId};
use super::tree::Search;
use super::{MethodSet, RouteId};
use crate::limits;
use hashbrown::{HashMap, HashSet};
use smallvec::{SmallVec, smallvec};
use std::cmp::{Ordering, Reverse};

/// A route as it is added to a leaf.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: RouteId,
    pub(super) methods: MethodSet,
    pub(super) priority: i32,
    pub(super) guard: Option<GuardId>,
    pub(super) regexes: Option<Box<Regexes>>,
}

/// The regular expressions of a route.
#[derive(Debug)]
pub(super) struct Regexes {
    /// Parameters by their place, and what each must match whole.
    pub(super) checks: Vec<(u8, TailId)>,
    /// What the rest of the path must match.
    pub(super) path: Option<PathTail>,
}

/// The regular expression of a path, behind its literal prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathTail {
    pub(super) tail: TailId,
    /// Bytes of the whole pattern: the longer is tried first.
    pub(super) text_bytes: u16,
    pub(super) captures: Captures,
}

/// Where parameters lie that are groups of a regular expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Captures {
    None,
    /// One group: all from this byte on.
    Rest(u16),
    /// By an automaton that begins at this byte.
    Groups(u16, GroupsId),
}

/// Where a leaf stands among those of its place: smaller first.
type Class = (Reverse<u16>, bool, Reverse<u32>);

impl Draft {
    fn path(&self) -> Option<&PathTail> {
        self.regexes.as_ref()?.path.as_ref()
    }

    fn checks(&self) -> &[(u8, TailId)] {
        self.regexes.as_ref().map_or(&[], |regexes| &regexes.checks)
    }

    fn is_plain(&self) -> bool {
        self.guard.is_none() && self.regexes.is_none()
    }

    fn class(&self, guards: &impl Guards) -> Class {
        let of_guard = self.guard.map_or(0, |guard| guards.conditions_count(guard));
        let conditions = of_guard.saturating_add(count(self.checks().len()));
        let text_bytes = self.path().map_or(0, |path| path.text_bytes);
        (Reverse(text_bytes), self.methods == MethodSet::ANY, Reverse(conditions))
    }
}

/// A route and the methods that it answers, with HEAD where GET implies it.
type Member<'a> = (MethodSet, &'a Draft);

/// Makes leaves, and finds ties.
pub(super) struct Layout<'a, G> {
    pub(super) guards: &'a G,
    pub(super) regexes: regex::Layout,
    pub(super) table: Table,
    pub(super) faults: Vec<BuildFault>,
    pub(super) comparisons_left: usize,
}

/// A leaf, laid out.
pub(super) enum Leaf {
    /// Methods and routes, in the order in which they are tried.
    Plain(SmallVec<[(MethodSet, RouteId); 1]>),
    /// One of a [`Table`].
    Guarded(u32),
}

impl<G: Guards> Layout<'_, G> {
    /// Lays out the routes of one place.
    pub(super) fn leaf(&mut self, drafts: &[Draft]) -> Leaf {
        let sets = methods(drafts);
        if let ([only], [methods]) = (drafts, sets.as_slice())
            && only.is_plain()
        {
            return Leaf::Plain(smallvec![(*methods, only.id)]);
        }
        let mut order: Vec<(Class, usize)> =
            drafts.iter().map(|draft| draft.class(self.guards)).zip(0..).collect();
        order.sort_by(|(class, a), (other, b)| {
            let (a, b) = (&drafts[*a], &drafts[*b]);
            let rank = class.cmp(other).then(b.priority.cmp(&a.priority));
            rank.then_with(|| self.order(a, b)).then(a.id.cmp(&b.id))
        });
        let is_same = |(class, a): &(Class, usize), (other, b): &(Class, usize)| {
            class == other && drafts[*a].priority == drafts[*b].priority
        };
        for run in order.chunk_by(is_same).filter(|run| run.len() > 1) {
            let member = |(_, index): &(Class, usize)| (sets[*index], &drafts[*index]);
            let mut run: Vec<Member<'_>> = run.iter().map(member).collect();
            run.sort_by_key(|(_, draft)| draft.id);
            self.ties(&run);
        }
        let is_plain = drafts.iter().all(Draft::is_plain);
        if is_plain && order.len() < usize::from(super::tree::GUARDED) {
            let entry = |(_, index): &(Class, usize)| (sets[*index], drafts[*index].id);
            return Leaf::Plain(order.iter().map(entry).collect());
        }
        Leaf::Guarded(self.guarded(drafts, &sets, &order))
    }

    /// The order of two routes that nothing which an operator can see puts in order.
    fn order(&self, a: &Draft, b: &Draft) -> Ordering {
        let of_guards = match (a.guard, b.guard) {
            (Some(a), Some(b)) => self.guards.order(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let of_paths = || match (a.path(), b.path()) {
            (Some(a), Some(b)) => self.regexes.text_order(a.tail, b.tail),
            (None, _) | (_, None) => Ordering::Equal,
        };
        of_guards.then_with(of_paths)
    }

    /// Finds ties among routes of one class and priority, which come in the order of their ids.
    fn ties(&mut self, members: &[Member<'_>]) {
        let drafts: Vec<&Draft> = members.iter().map(|(_, draft)| *draft).collect();
        let subject = self.subject(&drafts, 2);
        let (mut kept, mut without) = (Vec::new(), Vec::new());
        let mut by_value: HashMap<u64, Vec<Member<'_>>> = HashMap::new();
        for member in members {
            let route = member.1.id;
            let value = subject.and_then(|subject| self.need(member.1, subject));
            let alike = match value {
                Some(value) => by_value.get(&value).map_or(&[][..], Vec::as_slice),
                None => kept.as_slice(),
            };
            let others = if value.is_some() { without.as_slice() } else { &[] };
            match self.comparisons_left.checked_sub(alike.len() + others.len()) {
                Some(left) => self.comparisons_left = left,
                None => return self.faults.push(BuildFault::TooManyAlike { route }),
            }
            let tied = alike.iter().chain(others).filter(|other| self.is_tie(other, member));
            if let Some((_, other)) = tied.min_by_key(|(_, other)| other.id) {
                self.faults.push(BuildFault::Tie { a: other.id, b: route });
                continue;
            }
            kept.push(*member);
            match value {
                Some(value) => by_value.entry(value).or_default().push(*member),
                None => without.push(*member),
            }
        }
    }

    fn is_tie(&self, (of_a, a): &Member<'_>, (of_b, b): &Member<'_>) -> bool {
        let is_disjoint = |a, b| self.regexes.are_disjoint(a, b);
        let paths = a.path().zip(b.path());
        let by_path = paths.is_some_and(|(a, b)| is_disjoint(a.tail, b.tail));
        let by_check = a.checks().iter().any(|(parameter, tail)| {
            let same = b.checks().iter().filter(|(other, _)| other == parameter);
            same.map(|(_, other)| *other).any(|other| is_disjoint(*tail, other))
        });
        let guards = a.guard.zip(b.guard);
        let by_guard = || guards.is_some_and(|(a, b)| self.guards.are_disjoint(a, b));
        of_a.intersects(*of_b) && !by_path && !by_check && !by_guard()
    }

    /// The subject of which most different values are needed, if they are two and as many as asked
    /// for.
    fn subject(&self, drafts: &[&Draft], values_min: usize) -> Option<u32> {
        let mut values: HashMap<u32, HashSet<u64>> = HashMap::new();
        for guard in drafts.iter().filter_map(|draft| draft.guard) {
            self.guards.needs(guard, |Need { subject, value }| {
                values.entry(subject).or_default().insert(value);
            });
        }
        let counts = values.into_iter().map(|(subject, values)| (values.len(), Reverse(subject)));
        let (count, Reverse(subject)) = counts.max()?;
        (count >= values_min).then_some(subject)
    }

    fn need(&self, draft: &Draft, subject: u32) -> Option<u64> {
        let mut found = None;
        self.guards.needs(draft.guard?, |need| {
            if need.subject == subject {
                found = found.or(Some(need.value));
            }
        });
        found
    }

    /// A leaf of the table.
    fn guarded(&mut self, drafts: &[Draft], sets: &[MethodSet], order: &[(Class, usize)]) -> u32 {
        let mut tails: Vec<TailId> =
            drafts.iter().filter_map(|draft| Some(draft.path()?.tail)).collect();
        tails.sort_unstable();
        tails.dedup();
        let set = self.set(&tails, drafts);
        let classes_start = count(self.table.classes.len());
        for class in order.chunk_by(|(class, _), (other, _)| class == other) {
            let members: Vec<&Draft> = class.iter().map(|(_, index)| &drafts[*index]).collect();
            self.class(&members);
            for (_, index) in class {
                self.entry(&drafts[*index], sets[*index], &tails);
            }
        }
        self.table.leaves.push(LeafRecord {
            classes_start,
            classes_end: count(self.table.classes.len()),
            set,
        });
        count(self.table.leaves.len() - 1)
    }

    /// The expressions of a place as one set.
    fn set(&mut self, tails: &[TailId], drafts: &[Draft]) -> Option<SetId> {
        let route = drafts.first().map(|draft| draft.id).filter(|_| !tails.is_empty())?;
        if tails.len() > limits::REGEXES_PER_PLACE_MAX {
            self.faults.push(BuildFault::RegexesTooMany { route });
            return None;
        }
        match self.regexes.set(tails) {
            Ok(set) => Some(set),
            Err(_) => {
                self.faults.push(BuildFault::RegexesTooLarge { route });
                None
            }
        }
    }

    /// The record of a class whose entries come next.
    fn class(&mut self, members: &[&Draft]) {
        let start = count(self.table.entries.len());
        let mut class = ClassRecord {
            start,
            end: start + count(members.len()),
            subject: NONE,
            needs_start: count(self.table.needs.len()),
        };
        let enough = members.len() >= limits::LOOKUP_COUNT_MIN;
        // A class with many routes of one value is better searched one by one.
        let values_min = (members.len() / 2).max(2);
        if enough && let Some(subject) = self.subject(members, values_min) {
            let values = members.iter().map(|draft| self.need(draft, subject));
            let needs: Option<Vec<(u64, u32)>> =
                values.zip(start..).map(|(value, entry)| Some((value?, entry))).collect();
            if let Some(mut needs) = needs {
                needs.sort_unstable();
                self.table.needs.extend(needs);
                class.subject = subject;
            }
        }
        self.table.classes.push(class);
    }

    fn entry(&mut self, draft: &Draft, methods: MethodSet, tails: &[TailId]) {
        let checks_start = count(self.table.checks.len());
        for (parameter, tail) in draft.checks() {
            // A set of one, so it is run as the tails of paths are.
            match self.regexes.set(&[*tail]) {
                Ok(set) => self.table.checks.push((*parameter, set)),
                Err(_) => self.faults.push(BuildFault::RegexesTooLarge { route: draft.id }),
            }
        }
        let tail = draft.path().and_then(|path| tails.binary_search(&path.tail).ok());
        self.table.entries.push(Entry {
            methods,
            route: draft.id,
            guard: draft.guard,
            checks_start,
            checks_count: u8::try_from(draft.checks().len()).expect("one for each parameter"),
            tail: tail.and_then(|tail| u16::try_from(tail).ok()).unwrap_or(u16::MAX),
            captures: draft.path().map_or(Captures::None, |path| path.captures),
        });
    }
}

/// The methods that each route answers: HEAD is added to those with GET, unless another route of
/// the same path lists HEAD.
fn methods(drafts: &[Draft]) -> SmallVec<[MethodSet; 1]> {
    let path = |draft: &Draft| draft.path().map(|path| (path.tail, path.text_bytes));
    let lists_head = |draft: &&Draft| {
        draft.methods != MethodSet::ANY && draft.methods.intersects(MethodSet::HEAD)
    };
    let with_head: HashSet<_> = drafts.iter().filter(lists_head).map(path).collect();
    let sets = drafts.iter().map(|draft| {
        let mut methods = draft.methods;
        if methods.intersects(MethodSet::GET) && !with_head.contains(&path(draft)) {
            methods.insert(MethodSet::HEAD);
        }
        methods
    });
    sets.collect()
}

const NONE: u32 = u32::MAX;

/// Leaves whose routes have conditions.
#[derive(Debug, Default)]
pub(super) struct Table {
    leaves: Vec<LeafRecord>,
    classes: Vec<ClassRecord>,
    entries: Vec<Entry>,
    checks: Vec<(u8, SetId)>,
    /// Hashes of needed values and the entries that need them, sorted within each class.
    needs: Vec<(u64, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct LeafRecord {
    classes_start: u32,
    classes_end: u32,
    /// The expressions of its paths.
    set: Option<SetId>,
}

/// Entries that are equal but for quality, priority and what comes after.
#[derive(Clone, Copy, Debug)]
struct ClassRecord {
    start: u32,
    end: u32,
    /// What is looked up in `needs`, which then has one for each entry; [`NONE`] where entries are
    /// tried one by one.
    subject: u32,
    needs_start: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    methods: MethodSet,
    route: RouteId,
    guard: Option<GuardId>,
    checks_start: u32,
    checks_count: u8,
    /// Which of the leaf's set; beyond it where the path is no regular expression.
    tail: u16,
    captures: Captures,
}

/// The place of the path at which a leaf is tried, and what is known there already.
struct Visit<'a> {
    regexes: &'a regex::Table,
    set: Option<SetId>,
    at: usize,
    /// The set's automaton was run here.
    is_run: bool,
}

impl Table {
    pub(super) fn shrink(&mut self) {
        self.leaves.shrink_to_fit();
        self.classes.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.checks.shrink_to_fit();
        self.needs.shrink_to_fit();
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.leaves.capacity() * size_of::<LeafRecord>()
            + self.classes.capacity() * size_of::<ClassRecord>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.checks.capacity() * size_of::<(u8, SetId)>()
            + self.needs.capacity() * size_of::<(u64, u32)>()
    }

    /// The first route of a leaf, at this place of the path, that takes the request.
    #[inline(never)]
    pub(super) fn find<J: Judge>(
        &self,
        regexes: &regex::Table,
        (leaf, at): (u32, usize),
        search: &mut Search<'_, J>,
    ) -> Option<RouteId> {
        let leaf = self.leaves.get(leaf as usize)?;
        let classes = leaf.classes_start as usize..leaf.classes_end as usize;
        let mut visit = Visit { regexes, set: leaf.set, at, is_run: false };
        for class in self.classes.get(classes)? {
            let best = if class.subject == NONE {
                self.first(class, &mut visit, search)
            } else {
                self.looked_up(class, &mut visit, search)
            };
            if let Some(entry) = best.and_then(|best| self.entries.get(best as usize)) {
                capture(entry, regexes, search);
                return Some(entry.route);
            }
        }
        None
    }

    /// The best entry of a class whose entries are tried in their order.
    fn first<J: Judge>(
        &self,
        class: &ClassRecord,
        visit: &mut Visit<'_>,
        search: &mut Search<'_, J>,
    ) -> Option<u32> {
        let mut best: Option<(u16, u32)> = None;
        for place in class.start..class.end {
            let Some(quality) = self.quality(place, visit, search) else { continue };
            if best.is_none_or(|(most, _)| most < quality) {
                best = Some((quality, place));
            }
            if quality == QUALITY_MAX {
                break;
            }
        }
        best.map(|(_, place)| place)
    }

    /// The best of the entries that need a value which the request has.
    fn looked_up<J: Judge>(
        &self,
        class: &ClassRecord,
        visit: &mut Visit<'_>,
        search: &mut Search<'_, J>,
    ) -> Option<u32> {
        let start = class.needs_start as usize;
        let needs = self.needs.get(start..start + (class.end - class.start) as usize)?;
        let mut candidates = std::mem::take(&mut search.scratch.candidates);
        candidates.clear();
        search.judge.values(class.subject, |value| {
            let from = needs.partition_point(|(needed, _)| *needed < value);
            let alike = needs.get(from..).unwrap_or_default().iter();
            candidates.extend(alike.take_while(|need| need.0 == value).map(|need| need.1));
        });
        let mut best: Option<(u16, Reverse<u32>)> = None;
        for place in &candidates {
            if let Some(quality) = self.quality(*place, visit, search) {
                best = best.max(Some((quality, Reverse(*place))));
            }
        }
        search.scratch.candidates = candidates;
        best.map(|(_, Reverse(place))| place)
    }

    /// The quality with which an entry takes the request, if it does; if only the method or the
    /// media type is against it, that is noted.
    fn quality<J: Judge>(
        &self,
        place: u32,
        visit: &mut Visit<'_>,
        search: &mut Search<'_, J>,
    ) -> Option<u16> {
        let entry = self.entries.get(place as usize)?;
        let has_method = entry.methods.intersects(search.method);
        let is_news = has_method || !search.allowed.contains(entry.methods);
        if !is_news || !self.matches(entry, visit, search) {
            return None;
        }
        let verdict = match entry.guard {
            None => Verdict::Holds,
            Some(guard) => judge(entry, guard, visit.regexes, search),
        };
        if has_method {
            search.not_acceptable |= verdict == Verdict::FailsProduces;
            return verdict.quality();
        }
        if verdict != Verdict::Fails {
            search.allowed.insert(entry.methods);
        }
        None
    }

    /// Whether the entry's regular expressions match.
    fn matches<J>(&self, entry: &Entry, visit: &mut Visit<'_>, search: &mut Search<'_, J>) -> bool {
        if let Some(set) = visit.set {
            let run = (search.path, visit.at, &mut visit.is_run);
            if !visit.regexes.matches(set, entry.tail, run, search.scratch) {
                return false;
            }
        }
        let start = entry.checks_start as usize;
        let checks = self.checks.get(start..start + usize::from(entry.checks_count));
        checks.unwrap_or_default().iter().all(|(parameter, set)| {
            let range = search.parameters.range(usize::from(*parameter));
            let value = range.and_then(|range| search.path.get(range)).unwrap_or_default();
            visit.regexes.matches(*set, 0, (value, 0, &mut false), search.scratch)
        })
    }
}

fn judge<J: Judge>(
    entry: &Entry,
    guard: GuardId,
    regexes: &regex::Table,
    search: &mut Search<'_, J>,
) -> Verdict {
    let parameters_count = search.parameters.count;
    capture(entry, regexes, search);
    let verdict = search.judge.judge(guard, search.parameters);
    search.parameters.truncate(parameters_count);
    verdict
}

/// Notes the parameters that are groups of the entry's path.
fn capture<J>(entry: &Entry, regexes: &regex::Table, search: &mut Search<'_, J>) {
    match entry.captures {
        Captures::None => {}
        Captures::Rest(at) => {
            let end = u32::try_from(search.path.len()).unwrap_or(u32::MAX);
            search.parameters.push(u32::from(at), end);
        }
        Captures::Groups(at, groups) => {
            let place = (search.path, usize::from(at));
            regexes.capture(groups, place, search.scratch, search.parameters);
        }
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).expect("a million routes with 16 parameters each are below 2^32")
}
