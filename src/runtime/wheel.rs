//! Timers in a hierarchical wheel of milliseconds.
//!
//! A connection sets its deadline at every step and almost never reaches it. So setting a later
//! deadline is a store: the wheel's entry stays where it is and moves when its old time comes.

use crate::memory::{Slab, Slot};

use super::clock::Instant;
use super::executor::Waiter;

/// All timers of one runtime.
pub(crate) struct Wheel {
    entries: Slab<Entry>,
    /// First entry of each place's list, by level and place.
    places: Box<[[Option<Slot>; PLACES]; LEVELS]>,
    /// Which places of a level have a list.
    occupied: [u64; LEVELS],
    /// All places up to this tick have been visited.
    tick: u64,
}

struct Entry {
    /// When it is to fire; [`NEVER`] when it is not set.
    deadline: u64,
    /// The place it is listed at, if it is.
    listed: Option<Place>,
    previous: Option<Slot>,
    next: Option<Slot>,
    waiter: Waiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    level: u8,
    index: u8,
    /// The tick at which this place is visited.
    due: u64,
}

/// Places a level, one bit each in a word.
const PLACES: usize = 64;
const PLACE_BITS: u32 = 6;

/// Six levels of 64 places of 1 ms reach 2 years; what is later waits in the last place.
const LEVELS: usize = 6;

const REACH: u64 = 1 << (PLACE_BITS * LEVELS as u32);

const NEVER: u64 = u64::MAX;

const NANOS_PER_TICK: u64 = 1_000_000;

/// The first tick at which `instant` has been reached.
fn tick_of(instant: Instant) -> u64 {
    if instant == Instant::NEVER { NEVER } else { instant.0.div_ceil(NANOS_PER_TICK) }
}

impl Wheel {
    pub(crate) fn new(timers_count_max: usize) -> Wheel {
        Wheel {
            entries: Slab::new(timers_count_max),
            places: Box::new([[None; PLACES]; LEVELS]),
            occupied: [0; LEVELS],
            tick: 0,
        }
    }

    /// A timer that is not set; `None` when there are too many.
    pub(crate) fn insert(&mut self) -> Option<Slot> {
        let entry = Entry {
            deadline: NEVER,
            listed: None,
            previous: None,
            next: None,
            waiter: Waiter::Nobody,
        };
        self.entries.insert(entry).ok()
    }

    pub(crate) fn remove(&mut self, timer: Slot) {
        self.unlist(timer);
        self.entries.remove(timer);
    }

    /// Sets the deadline; `NEVER` unsets it. The waiter stays.
    pub(crate) fn set(&mut self, timer: Slot, deadline: Instant) {
        let deadline = tick_of(deadline);
        let Some(entry) = self.entries.get_mut(timer) else { return };
        entry.deadline = deadline;
        match entry.listed {
            Some(place) if place.due <= deadline => {}
            Some(_) => {
                self.unlist(timer);
                self.list(timer);
            }
            None if deadline != NEVER => self.list(timer),
            None => {}
        }
    }

    /// Whether the deadline was reached by `now`.
    pub(crate) fn expired(&self, timer: Slot, now: Instant) -> bool {
        self.entries
            .get(timer)
            .is_some_and(|entry| entry.deadline != NEVER && now.0 / NANOS_PER_TICK >= entry.deadline)
    }

    /// Who is to be woken when it fires.
    pub(crate) fn wait(&mut self, timer: Slot, waiter: Waiter) {
        if let Some(entry) = self.entries.get_mut(timer) {
            entry.waiter = waiter;
        }
    }

    /// When to look again: no timer fires before, though perhaps none fires then.
    pub(crate) fn next(&self) -> Option<Instant> {
        let due = (0..LEVELS).filter_map(|level| self.first_due(level)).min()?;
        Some(Instant(due.saturating_mul(NANOS_PER_TICK)))
    }

    /// Visits all places that are due by `now` and hands over the waiters of what fired.
    pub(crate) fn advance(&mut self, now: Instant, mut fired: impl FnMut(Waiter)) {
        let target = now.0 / NANOS_PER_TICK;
        while let Some((due, level)) =
            (0..LEVELS).filter_map(|level| Some((self.first_due(level)?, level))).min()
        {
            if due > target {
                break;
            }
            // Entries are listed again relative to this tick, so it moves first.
            self.tick = self.tick.max(due);
            self.visit(level, due, target, &mut fired);
        }
        self.tick = self.tick.max(target);
    }

    fn visit(&mut self, level: usize, due: u64, target: u64, fired: &mut impl FnMut(Waiter)) {
        let index = (due >> (PLACE_BITS * level as u32)) as usize % PLACES;
        while let Some(timer) = self.places[level][index] {
            self.unlist(timer);
            let Some(entry) = self.entries.get_mut(timer) else { return };
            if entry.deadline == NEVER {
                continue;
            }
            if entry.deadline <= target {
                fired(std::mem::take(&mut entry.waiter));
            } else {
                self.list(timer);
            }
        }
    }

    /// The tick at which the first occupied place of `level` is due.
    fn first_due(&self, level: usize) -> Option<u64> {
        let occupied = self.occupied[level];
        if occupied == 0 {
            return None;
        }
        let shift = PLACE_BITS * level as u32;
        let unit = self.tick >> shift;
        let here = (unit % PLACES as u64) as u32;
        // Bit 0 of the rotated word is the place of the present unit: its turn is over, so it
        // stands for one whole round later.
        let ahead = occupied.rotate_right(here);
        let distance = if ahead & !1 != 0 { (ahead & !1).trailing_zeros() } else { 64 };
        Some((unit + u64::from(distance)) << shift)
    }

    /// Lists an entry at the finest level that reaches its deadline, at least one tick ahead.
    fn list(&mut self, timer: Slot) {
        let Some(entry) = self.entries.get(timer) else { return };
        let deadline = entry.deadline.clamp(self.tick + 1, self.tick + REACH - 1);
        let level = (0..LEVELS - 1)
            .find(|level| {
                let shift = PLACE_BITS * *level as u32;
                (deadline >> shift) - (self.tick >> shift) < PLACES as u64
            })
            .unwrap_or(LEVELS - 1);
        let shift = PLACE_BITS * level as u32;
        let unit = deadline >> shift;
        let index = (unit % PLACES as u64) as usize;
        let next = self.places[level][index].replace(timer);
        self.occupied[level] |= 1 << index;
        if let Some(next) = next.and_then(|next| self.entries.get_mut(next)) {
            next.previous = Some(timer);
        }
        if let Some(entry) = self.entries.get_mut(timer) {
            entry.previous = None;
            entry.next = next;
            entry.listed =
                Some(Place { level: level as u8, index: index as u8, due: unit << shift });
        }
    }

    fn unlist(&mut self, timer: Slot) {
        let Some(entry) = self.entries.get_mut(timer) else { return };
        let Some(place) = entry.listed.take() else { return };
        let (previous, next) = (entry.previous.take(), entry.next.take());
        if let Some(next) = next.and_then(|next| self.entries.get_mut(next)) {
            next.previous = previous;
        }
        match previous.and_then(|previous| self.entries.get_mut(previous)) {
            Some(previous) => previous.next = next,
            None => {
                let (level, index) = (usize::from(place.level), usize::from(place.index));
                self.places[level][index] = next;
                if next.is_none() {
                    self.occupied[level] &= !(1 << index);
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
