//! All guards of one router, as its build and its search ask for them.

use super::super::{GuardId, Guards, Judge, Need, Parameters, Verdict};
use super::{Compiler, Group, Guard, Lookup, MISSED_MEDIA_TYPE, Node, Scratch, Subject, Test};
use foldhash::fast::FixedState;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Guards by [`GuardId`].
#[derive(Debug, Default)]
pub struct Table {
    guards: Vec<Guard>,
    /// By their number.
    lookups: Vec<Arc<Lookup>>,
    /// By their number, those that guards have.
    groups: Vec<Option<Arc<Group>>>,
}

/// The guards as one request has them judged.
#[derive(Debug)]
pub struct Judging<'a> {
    table: &'a Table,
    subject: Subject<'a>,
    scratch: &'a mut Scratch,
    /// Whether the scratch was made ready: requests that meet no guard do not pay for it.
    is_begun: bool,
}

impl Table {
    /// Takes a guard in.
    pub fn add(&mut self, guard: Guard) -> GuardId {
        let id = u32::try_from(self.guards.len()).expect("at most one guard a route");
        self.guards.push(guard);
        GuardId(id)
    }

    /// Takes in the places that the guards look at: to be called after the last guard was made.
    pub fn finish(&mut self, compiler: Compiler) {
        self.lookups = compiler.into_lookups();
        for version in self.guards.iter().filter_map(|guard| guard.version.as_ref()) {
            let number = version.group.number as usize;
            if self.groups.len() <= number {
                self.groups.resize(number + 1, None);
            }
            self.groups[number].get_or_insert_with(|| Arc::clone(&version.group));
        }
        self.guards.shrink_to_fit();
    }

    /// One of the guards.
    pub fn guard(&self, id: GuardId) -> Option<&Guard> {
        self.guards.get(id.0 as usize)
    }

    /// The fields by which guards failed, for one of the numbers of [`Scratch::missed`]: with
    /// others another route may have been found.
    pub fn fields(&self, missed: u32) -> impl Iterator<Item = &str> {
        let accept = (missed == MISSED_MEDIA_TYPE).then_some("Accept");
        let number = missed.checked_sub(MISSED_MEDIA_TYPE + 1);
        let group = number.and_then(|number| self.groups.get(number as usize)?.as_deref());
        accept.into_iter().chain(group.into_iter().flat_map(Group::fields))
    }

    fn pair(&self, a: GuardId, b: GuardId) -> Option<(&Guard, &Guard)> {
        Some((self.guard(a)?, self.guard(b)?))
    }
}

impl Guards for Table {
    fn conditions_count(&self, guard: GuardId) -> u32 {
        self.guard(guard).map_or(0, Guard::count)
    }

    /// Guards that produce different media types are told apart by [`Guards::order`], where one
    /// request wants both alike.
    fn are_disjoint(&self, a: GuardId, b: GuardId) -> bool {
        self.pair(a, b).is_some_and(|(a, b)| {
            let both_negotiate = a.negotiates() && b.negotiates();
            (both_negotiate && !a.produces().eq(b.produces())) || a.is_disjoint(b)
        })
    }

    fn order(&self, a: GuardId, b: GuardId) -> Ordering {
        let Some((a, b)) = self.pair(a, b) else { return a.cmp(&b) };
        a.produces().cmp(b.produces()).then_with(|| a.to_string().cmp(&b.to_string()))
    }

    fn needs(&self, guard: GuardId, mut take: impl FnMut(Need)) {
        let Some(guard) = self.guard(guard) else { return };
        guard.conditions.iter().for_each(|node| node.needs(&mut take));
    }
}

impl<'a> Judging<'a> {
    /// Judges for one request.
    pub fn new(table: &'a Table, subject: Subject<'a>, scratch: &'a mut Scratch) -> Judging<'a> {
        Judging { table, subject, scratch, is_begun: false }
    }

    fn begin(&mut self) {
        if !self.is_begun {
            self.is_begun = true;
            self.scratch.begin();
        }
    }
}

impl Judge for Judging<'_> {
    fn judge(&mut self, guard: GuardId, parameters: &Parameters) -> Verdict {
        self.begin();
        match self.table.guard(guard) {
            Some(guard) => guard.judge(&self.subject, parameters, self.scratch),
            None => Verdict::Fails,
        }
    }

    fn values(&mut self, subject: u32, mut take: impl FnMut(u64)) {
        self.begin();
        let Some(lookup) = self.table.lookups.get(subject as usize) else { return };
        for index in self.scratch.values(lookup, &self.subject) {
            take(hash(self.scratch.value(index, &self.subject)));
        }
    }
}

impl Node {
    fn needs(&self, take: &mut impl FnMut(Need)) {
        match self {
            Node::All(nodes) => nodes.iter().for_each(|node| node.needs(take)),
            Node::Value { lookup, test: Test::Equals(value), is_negated: false } => {
                take(Need { subject: lookup.number, value: hash(value) });
            }
            Node::Value { .. } | Node::Any(_) | Node::Not(_) | Node::Client(_) | Node::Tls(_) => {}
        }
    }
}

/// What collides is only judged in vain, so the seed need not be secret.
fn hash(value: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(value);
    hasher.finish()
}
