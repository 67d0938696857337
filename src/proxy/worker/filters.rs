//! What a worker keeps for each filter.

use crate::limits;
use crate::snapshot::filter::{Filter, FilterId};

use super::super::filter::{Local, State};
use super::{Generation, Worker};

use std::rc::Rc;
use std::sync::Arc;

impl Worker {
    /// This worker's number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How many workers there are; one at least.
    pub fn workers_count(&self) -> usize {
        self.count.max(1)
    }

    /// Makes the filters of the embedding program before a request needs them, a few a turn: what
    /// is wrong with one shows at once.
    pub(super) async fn prepare_filters(self: Rc<Self>) {
        let generation = self.generation();
        for ids in generation.snapshot.custom_filters.chunks(limits::LOCALS_TIDIED_MAX) {
            if generation.snapshot.generation != self.generation().snapshot.generation {
                // Whoever installed the next one makes its filters.
                return;
            }
            for id in ids {
                self.filter(&generation, *id);
            }
            self.runtime.yield_now().await;
        }
    }

    /// What this worker keeps for a filter of a generation.
    pub fn filter(&self, generation: &Generation, id: FilterId) -> Rc<Local> {
        let filter = generation.snapshot.filter(id);
        let known = self.filters.borrow();
        if let Some(Some(local)) = known.get(filter.slot as usize)
            && Arc::ptr_eq(&local.filter, filter)
        {
            return local.clone();
        }
        drop(known);
        self.make_filter(generation, filter)
    }

    #[cold]
    fn make_filter(&self, generation: &Generation, filter: &Arc<Filter>) -> Rc<Local> {
        let slot = filter.slot as usize;
        let before = self.filters.borrow().get(slot).cloned().flatten();
        let before = before.filter(|local| local.filter.name == filter.name);
        let state = State::new(self, filter, before.as_ref().map(|local| &local.state));
        let local = Rc::new(Local { filter: filter.clone(), state });
        // A request that began before the present snapshot gets one of its own.
        if generation.snapshot.generation == self.generation().snapshot.generation {
            let mut filters = self.filters.borrow_mut();
            if filters.len() <= slot {
                filters.resize(slot + 1, None);
            }
            let old = filters[slot].replace(local.clone());
            drop(filters);
            drop(old);
        }
        local
    }

    /// Brings what is kept for so many filters, from this place on, to the present snapshot: what
    /// is gone is let go of. Where to go on.
    pub(super) fn tidy_filters(&self, from: usize, count: usize) -> usize {
        let generation = self.generation();
        for slot in from..from + count {
            let known = self.filters.borrow().get(slot).cloned();
            let Some(known) = known else { return 0 };
            let Some(known) = known else { continue };
            let now = generation.snapshot.filter_in(slot);
            match now.filter(|now| now.name == known.filter.name) {
                Some(now) if Arc::ptr_eq(now, &known.filter) => {}
                Some(now) => drop(self.make_filter(&generation, now)),
                None => self.filters.borrow_mut()[slot] = None,
            }
        }
        from + count
    }
}
