//! Which name counts where, from one configuration to the next.
//!
//! A name keeps its series for as long as there is room, also while no configuration has it: one
//! that comes back goes on where it stood. The number of series is bounded: a new name takes the
//! place of the one that has been gone for longest, and where no name is gone, new ones count
//! together. What an ended series counted is added to theirs, so that no sum ever runs backwards.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{Block, Series};

/// The series of all names of one kind.
pub struct Registry<T> {
    series: HashMap<Box<str>, Entry<T>, foldhash::fast::RandomState>,
    /// Of the names that have none of their own.
    other: Arc<Series<T>>,
    /// Ended, and still counted in by what began under an older configuration.
    leaving: Vec<Arc<Series<T>>>,
    series_count_max: usize,
    workers_count: usize,
    round: u64,
    is_full: bool,
}

struct Entry<T> {
    series: Arc<Series<T>>,
    /// The last round in which a configuration had the name.
    seen: u64,
}

/// A series and its name; none for the names that count together.
pub struct Named<T> {
    /// As it was given.
    pub name: Option<Box<str>>,
    /// What is counted for it.
    pub series: Arc<Series<T>>,
}

impl<T: Block> Registry<T> {
    /// No name yet.
    pub fn new(workers_count: usize, series_count_max: usize) -> Registry<T> {
        Registry {
            series: HashMap::default(),
            other: Arc::new(Series::folding(workers_count)),
            leaving: Vec::new(),
            series_count_max,
            workers_count,
            round: 0,
            is_full: false,
        }
    }

    /// A new configuration: [`Registry::keep`] is called with all its names, then
    /// [`Registry::make`] with those that it did not know.
    pub fn begin(&mut self) {
        self.round += 1;
        self.is_full = false;
        self.settle();
    }

    /// The series of a name that has one already.
    pub fn keep(&mut self, name: &str) -> Option<Arc<Series<T>>> {
        let entry = self.series.get_mut(name)?;
        entry.seen = self.round;
        Some(Arc::clone(&entry.series))
    }

    /// A series for a new name; the common one where there is no room.
    pub fn make(&mut self, name: &str) -> Arc<Series<T>> {
        if let Some(series) = self.keep(name) {
            return series;
        }
        if self.is_full || !self.make_room() {
            self.is_full = true;
            return Arc::clone(&self.other);
        }
        let series = Arc::new(Series::new(self.workers_count));
        let entry = Entry { series: Arc::clone(&series), seen: self.round };
        self.series.insert(name.into(), entry);
        series
    }

    fn make_room(&mut self) -> bool {
        if self.series.len() < self.series_count_max {
            return true;
        }
        let gone = self.series.iter().filter(|(_, entry)| entry.seen < self.round);
        let Some(name) = gone.min_by_key(|(_, entry)| entry.seen).map(|(name, _)| name.clone())
        else {
            return false;
        };
        self.leaving.extend(self.series.remove(&name).map(|entry| entry.series));
        true
    }

    /// Adds the series that nobody counts in any more to the common one.
    pub fn settle(&mut self) {
        let other = &self.other;
        self.leaving.retain(|series| {
            let is_used = Arc::strong_count(series) > 1;
            if !is_used {
                other.fold(series);
            }
            is_used
        });
    }

    /// Every series; those that are leaving count with the common one.
    pub fn named(&self) -> Vec<Named<T>> {
        let own = self.series.iter().map(|(name, entry)| Named {
            name: Some(name.clone()),
            series: Arc::clone(&entry.series),
        });
        let common = [&self.other].into_iter().chain(&self.leaving);
        own.chain(common.map(|series| Named { name: None, series: Arc::clone(series) })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RouteBlock;
    use super::*;

    fn configure(registry: &mut Registry<RouteBlock>, names: &[&str]) {
        registry.begin();
        let known: Vec<bool> = names.iter().map(|name| registry.keep(name).is_some()).collect();
        for (name, known) in names.iter().zip(known) {
            if !known {
                registry.make(name).of(0).bytes_in.add(1);
            }
        }
    }

    fn counts(registry: &Registry<RouteBlock>) -> Vec<(String, u64)> {
        let mut counts: Vec<_> = registry
            .named()
            .iter()
            .map(|named| {
                let sum = named.series.read(0).map(|block| block.bytes_in.read()).sum();
                (named.name.as_deref().unwrap_or("_other").to_owned(), sum)
            })
            .collect();
        counts.sort();
        counts
    }

    fn as_told(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_name_that_comes_back_goes_on_where_it_stood() {
        let mut registry = Registry::new(1, 3);
        configure(&mut registry, &["a", "b"]);
        configure(&mut registry, &["b"]);
        configure(&mut registry, &["a", "b"]);
        assert_eq!(counts(&registry), as_told(&[("_other", 0), ("a", 1), ("b", 1)]));
    }

    #[test]
    fn a_new_name_takes_the_place_of_the_one_gone_for_longest() {
        let mut registry = Registry::new(1, 2);
        configure(&mut registry, &["a", "b"]);
        configure(&mut registry, &["b"]);
        configure(&mut registry, &["c"]);
        registry.settle();
        // What `a` counted is not lost.
        assert_eq!(counts(&registry), as_told(&[("_other", 1), ("b", 1), ("c", 1)]));
    }

    #[test]
    fn names_beyond_the_cap_count_together() {
        let mut registry = Registry::new(1, 2);
        configure(&mut registry, &["a", "b", "c", "d"]);
        assert_eq!(counts(&registry), as_told(&[("_other", 2), ("a", 1), ("b", 1)]));
        configure(&mut registry, &["a", "b", "c", "d"]);
        assert_eq!(registry.series.len(), 2);
    }

    #[test]
    fn a_series_in_use_is_told_until_it_is_added_to_the_others() {
        let mut registry: Registry<RouteBlock> = Registry::new(1, 1);
        registry.begin();
        let held = registry.make("a");
        held.of(0).bytes_in.add(5);
        configure(&mut registry, &["b"]);
        held.of(0).bytes_in.add(1);
        let others = |registry: &Registry<RouteBlock>| {
            let counts = counts(registry);
            counts.iter().filter(|(name, _)| name == "_other").map(|(_, sum)| sum).sum::<u64>()
        };
        assert_eq!((others(&registry), registry.leaving.len()), (6, 1));
        drop(held);
        registry.settle();
        assert_eq!((others(&registry), registry.leaving.len()), (6, 0));
    }
}
