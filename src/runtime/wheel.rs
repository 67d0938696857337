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
        self.entries.get(timer).is_some_and(|entry| {
            entry.deadline != NEVER && now.0 / NANOS_PER_TICK >= entry.deadline
        })
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
        if target <= self.tick {
            return;
        }
        loop {
            let firsts: [Option<u64>; LEVELS] = std::array::from_fn(|level| self.first_due(level));
            let Some(due) = firsts.into_iter().flatten().min() else { break };
            if due > target {
                break;
            }
            // All levels are asked before the tick moves: a place at the tick itself stands for the
            // next round.
            self.tick = due;
            for (level, first) in firsts.into_iter().enumerate() {
                if first == Some(due) {
                    self.visit(level, due, target, &mut fired);
                }
            }
        }
        self.tick = target;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::simulated::Random;
    use std::collections::{BTreeMap, BTreeSet};

    fn at_ms(milliseconds: u64) -> Instant {
        Instant(milliseconds * NANOS_PER_TICK)
    }

    /// Advances and returns which timers fired.
    fn fired(wheel: &mut Wheel, now: Instant) -> BTreeSet<u64> {
        let mut timers = BTreeSet::new();
        wheel.advance(now, |waiter| match waiter {
            Waiter::Task(timer) => assert!(timers.insert(timer.to_bits()), "fired twice"),
            Waiter::Nobody | Waiter::Foreign(_) => panic!("somebody waits for each timer"),
        });
        timers
    }

    #[test]
    fn a_million_random_operations_fire_as_a_sorted_map_does() {
        let mut random = Random::new(11);
        let mut wheel = Wheel::new(200);
        let mut timers: Vec<Slot> = Vec::new();
        // Deadline by timer, for those that are to fire.
        let mut model: BTreeMap<u64, u64> = BTreeMap::new();
        let mut now_ms = 0;
        for _ in 0..1_000_000 {
            let pick = random.up_to(timers.len().max(1) as u64 - 1) as usize;
            match (random.up_to(99), timers.get(pick).copied()) {
                (0..4, _) => timers.extend(wheel.insert()),
                (4..7, Some(timer)) => {
                    wheel.remove(timer);
                    timers.swap_remove(pick);
                    model.remove(&timer.to_bits());
                }
                (7..80, Some(timer)) => {
                    let reach = [3, 70, 5_000, 300_000, 40_000_000][random.up_to(4) as usize];
                    let deadline_ms = (now_ms + random.up_to(reach)).saturating_sub(2);
                    wheel.set(timer, at_ms(deadline_ms));
                    wheel.wait(timer, Waiter::Task(timer));
                    model.insert(timer.to_bits(), deadline_ms);
                }
                (80..85, Some(timer)) => {
                    wheel.set(timer, Instant::NEVER);
                    model.remove(&timer.to_bits());
                }
                _ => {
                    let step = [0, 1, 1, 50, 2_000][random.up_to(4) as usize];
                    let next = wheel.next();
                    let before_ms = now_ms;
                    now_ms += random.up_to(step);
                    let due = fired(&mut wheel, at_ms(now_ms));
                    // What was set into the past fires with the next tick.
                    let expected: BTreeSet<u64> = model
                        .iter()
                        .filter(|(_, deadline_ms)| **deadline_ms <= now_ms)
                        .map(|(timer, _)| *timer)
                        .collect();
                    assert!(due.is_subset(&expected), "fired early at {now_ms}");
                    assert!(now_ms == before_ms || due == expected, "not fired at {now_ms}");
                    model.retain(|timer, _| !due.contains(timer));
                    if due.is_empty() {
                        continue;
                    }
                    assert!(next.is_some_and(|next| next <= at_ms(now_ms)), "woken too late");
                }
            }
        }
        now_ms += 50_000_000;
        let due = fired(&mut wheel, at_ms(now_ms));
        assert_eq!(due, model.into_keys().collect());
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn moving_a_deadline_later_leaves_the_entry_where_it_is() {
        let mut wheel = Wheel::new(1);
        let timer = wheel.insert().unwrap();
        wheel.set(timer, at_ms(10));
        wheel.set(timer, at_ms(1000));
        assert_eq!(wheel.next(), Some(at_ms(10)));
        wheel.wait(timer, Waiter::Task(timer));
        assert!(fired(&mut wheel, at_ms(10)).is_empty());
        assert!(wheel.next() > Some(at_ms(10)));
        assert_eq!(fired(&mut wheel, at_ms(1000)).len(), 1);
    }

    #[test]
    fn a_deadline_beyond_the_reach_still_fires() {
        let mut wheel = Wheel::new(1);
        let timer = wheel.insert().unwrap();
        wheel.set(timer, at_ms(3 * REACH));
        wheel.wait(timer, Waiter::Task(timer));
        assert!(fired(&mut wheel, at_ms(3 * REACH - 1)).is_empty());
        assert_eq!(fired(&mut wheel, at_ms(3 * REACH)).len(), 1);
    }

    #[test]
    fn a_timer_fires_in_the_millisecond_after_its_deadline() {
        let mut wheel = Wheel::new(1);
        let timer = wheel.insert().unwrap();
        wheel.set(timer, Instant(1_500_000));
        assert!(!wheel.expired(timer, Instant(1_999_999)));
        assert!(wheel.expired(timer, Instant(2_000_000)));
        assert_eq!(wheel.next(), Some(Instant(2_000_000)));
    }
}
