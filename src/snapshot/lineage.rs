//! What one generation hands to the next: the clusters that did not change, the places of those
//! that did, and the series of names.

use super::filter::{self, Filter, FilterId};
use super::{Cluster, ClusterId, KeySets, Upstream};
use crate::jwt::{KeySet, KeySource};
use crate::limits::{METRIC_FILTERS_MAX, METRIC_ROUTES_MAX, METRIC_UPSTREAMS_MAX};
use crate::meters::{FilterBlock, Registry, RouteBlock, UpstreamBlock};
use hashbrown::HashMap;
use std::sync::{Arc, Mutex};

/// Where routes and upstreams are counted; read at scrape, changed with a new configuration.
pub struct Meters {
    /// By the routes' names.
    pub routes: Registry<RouteBlock>,
    /// By the clusters' and the upstreams' names: [`Meters::upstream_names`] takes them apart.
    pub upstreams: Registry<UpstreamBlock>,
    /// By the filters' names.
    pub filters: Registry<FilterBlock>,
}

/// The meters of one gateway.
pub type SharedMeters = Arc<Mutex<Meters>>;

/// The generations of one gateway.
pub struct Lineage {
    pub(super) meters: SharedMeters,
    pub(super) workers_count: usize,
    clusters: Arc<[Arc<Cluster>]>,
    upstreams: Arc<[Upstream]>,
    filters: Arc<[Arc<Filter>]>,
    key_sets: KeySets,
}

impl Meters {
    /// No name yet.
    pub fn new(workers_count: usize) -> SharedMeters {
        Arc::new(Mutex::new(Meters {
            routes: Registry::new(workers_count, METRIC_ROUTES_MAX),
            upstreams: Registry::new(workers_count, METRIC_UPSTREAMS_MAX),
            filters: Registry::new(workers_count, METRIC_FILTERS_MAX),
        }))
    }

    /// The cluster and the upstream of a name in [`Meters::upstreams`].
    pub fn upstream_names(key: &str) -> (&str, &str) {
        key.split_once(SEPARATOR).unwrap_or((key, ""))
    }
}

/// No name of a cluster and no URL has it.
const SEPARATOR: char = '\0';

/// The name of an upstream in [`Meters::upstreams`].
pub(super) fn upstream_key(cluster: &str, upstream: &str) -> String {
    [cluster, upstream].join("\0")
}

impl Default for Lineage {
    fn default() -> Lineage {
        Lineage::new(Meters::new(1), 1)
    }
}

/// Filters by id, and the filter in each place.
type AdoptedFilters = (Arc<[Arc<Filter>]>, Arc<[Option<FilterId>]>);

/// Clusters by id, and the cluster in each place.
type Adopted = (Arc<[Arc<Cluster>]>, Box<[Option<ClusterId>]>);

impl Lineage {
    /// No generation yet, for so many workers.
    pub fn new(meters: SharedMeters, workers_count: usize) -> Lineage {
        let workers_count = workers_count.max(1);
        Lineage {
            meters,
            workers_count,
            clusters: Arc::default(),
            upstreams: Arc::default(),
            filters: Arc::default(),
            key_sets: KeySets::new(),
        }
    }

    /// The keys that the next generations have.
    pub fn learn(&mut self, key_sets: KeySets) {
        self.key_sets = key_sets;
    }

    /// The keys of a place, if they came.
    pub(super) fn key_set(&self, source: &Arc<KeySource>) -> Option<&Arc<KeySet>> {
        self.key_sets.get(source)
    }

    /// The clusters of a new generation, with their places: what is as it was is what it was.
    pub(super) fn adopt(&mut self, clusters: Vec<Cluster>, upstreams: &Arc<[Upstream]>) -> Adopted {
        let previous = Arc::clone(&self.clusters);
        let by_name: HashMap<&str, &Arc<Cluster>, foldhash::fast::RandomState> =
            previous.iter().map(|cluster| (&*cluster.name, cluster)).collect();
        let mut slots = Vec::new();
        let mut take = |slot: u32, index: usize| {
            let slot = slot as usize;
            if slots.len() <= slot {
                slots.resize(slot + 1, None);
            }
            slots[slot] = Some(ClusterId(u32::try_from(index).expect("ids have 32 bits")));
        };
        let before: Vec<Option<&Arc<Cluster>>> =
            clusters.iter().map(|cluster| by_name.get(&*cluster.name).copied()).collect();
        for (index, old) in before.iter().enumerate() {
            if let Some(old) = old {
                take(old.slot, index);
            }
        }
        let mut free = 0;
        let adopted = clusters.into_iter().zip(before).enumerate().map(|(index, (new, old))| {
            let Some(old) = old else {
                while slots.get(free).is_some_and(Option::is_some) {
                    free += 1;
                }
                if slots.len() <= free {
                    slots.resize(free + 1, None);
                }
                slots[free] = Some(ClusterId(u32::try_from(index).expect("ids have 32 bits")));
                return Arc::new(Cluster { slot: as_slot(free), ..new });
            };
            let new = Cluster { slot: old.slot, ..new };
            let is_same = new == **old && self.has_same_upstreams(&new, upstreams);
            if is_same { Arc::clone(old) } else { Arc::new(new) }
        });
        let adopted: Arc<[Arc<Cluster>]> = adopted.collect();
        self.clusters = Arc::clone(&adopted);
        self.upstreams = Arc::clone(upstreams);
        (adopted, slots.into())
    }

    /// The filters of a new configuration, with their places: what is as it was is what it was, and
    /// what changed goes on with what its predecessor counted for all workers.
    pub(super) fn adopt_filters(&self, filters: Vec<Filter>) -> AdoptedFilters {
        let by_name: HashMap<&str, &Arc<Filter>, foldhash::fast::RandomState> =
            self.filters.iter().map(|filter| (&*filter.name, filter)).collect();
        let mut slots: Vec<Option<FilterId>> = Vec::new();
        let take = |slots: &mut Vec<Option<FilterId>>, slot: usize, index: usize| {
            if slots.len() <= slot {
                slots.resize(slot + 1, None);
            }
            slots[slot] = Some(FilterId(u32::try_from(index).expect("ids have 32 bits")));
        };
        for (index, filter) in filters.iter().enumerate() {
            if let Some(old) = by_name.get(&*filter.name) {
                take(&mut slots, old.slot as usize, index);
            }
        }
        let mut free = 0;
        let mut adopted = Vec::with_capacity(filters.len());
        for (index, mut new) in filters.into_iter().enumerate() {
            match by_name.get(&*new.name) {
                Some(old) if new.is_same(old) => {
                    adopted.push(Arc::clone(old));
                    continue;
                }
                Some(old) => {
                    filter::succeed(&mut new.step, &old.step);
                    new.slot = old.slot;
                }
                None => {
                    while slots.get(free).is_some_and(Option::is_some) {
                        free += 1;
                    }
                    take(&mut slots, free, index);
                    new.slot = as_slot(free);
                }
            }
            adopted.push(Arc::new(new));
        }
        (adopted.into(), slots.into())
    }

    /// What the next configuration begins with.
    pub(super) fn remember(&mut self, filters: &Arc<[Arc<Filter>]>) {
        self.filters = Arc::clone(filters);
    }

    fn has_same_upstreams(&self, cluster: &Cluster, upstreams: &[Upstream]) -> bool {
        let range = || cluster.upstreams.clone();
        match (self.upstreams.get(range()), upstreams.get(range())) {
            (Some(old), Some(new)) => old.iter().zip(new).all(|(old, new)| old.is_same(new)),
            (None, _) | (_, None) => false,
        }
    }
}

/// Fewer than there are clusters, whose ids have 32 bits.
fn as_slot(slot: usize) -> u32 {
    u32::try_from(slot).expect("ids have 32 bits")
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, Resolved, Snapshot};
    use super::*;
    use crate::config::{ClusterConfig, GatewayConfig, Route, Upstream as Configured};

    /// Clusters by name, with the last octets and weights of their upstreams.
    type Clusters<'a> = &'a [(&'a str, &'a [(u8, u32)])];

    fn config(clusters: Clusters<'_>) -> GatewayConfig {
        let mut config = GatewayConfig::default();
        for (name, upstreams) in clusters {
            let upstream = |(octet, weight): &(u8, u32)| Configured {
                url: format!("http://10.0.0.{octet}").parse().expect("a URL"),
                weight: *weight,
            };
            let cluster = ClusterConfig {
                upstreams: upstreams.iter().map(upstream).collect(),
                ..ClusterConfig::default()
            };
            config.clusters.insert((*name).to_owned(), cluster);
            config.routes.push(Route {
                path: format!("/{name}"),
                cluster: Some((*name).to_owned()),
                ..Route::default()
            });
        }
        config
    }

    fn next(lineage: &mut Lineage, generation: u64, clusters: Clusters<'_>) -> Snapshot {
        let mut plan = Plan::new(&config(clusters)).expect("no fault");
        plan.enlist(lineage, generation);
        plan.snapshot(lineage, &Resolved::new(), generation)
    }

    fn named<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Arc<Cluster> {
        snapshot.clusters.iter().find(|cluster| &*cluster.name == name).expect("it is there")
    }

    #[test]
    fn a_cluster_that_did_not_change_is_the_same_one() {
        let mut lineage = Lineage::default();
        let one = next(&mut lineage, 1, &[("a", &[(1, 1)]), ("b", &[(2, 1)])]);
        let two = next(&mut lineage, 2, &[("a", &[(1, 1)]), ("b", &[(2, 5)])]);
        assert!(Arc::ptr_eq(named(&one, "a"), named(&two, "a")));
        assert!(!Arc::ptr_eq(named(&one, "b"), named(&two, "b")));
        assert_eq!(named(&one, "b").slot, named(&two, "b").slot);
    }

    #[test]
    fn names_keep_their_places_and_free_ones_are_used_again() {
        let mut lineage = Lineage::default();
        let one = next(&mut lineage, 1, &[("a", &[(1, 1)]), ("b", &[(2, 1)]), ("c", &[(3, 1)])]);
        let two = next(&mut lineage, 2, &[("c", &[(3, 1)]), ("d", &[(4, 1)])]);
        assert_eq!(named(&two, "c").slot, named(&one, "c").slot);
        assert_eq!(named(&two, "d").slot, 0);
        for snapshot in [&one, &two] {
            for cluster in snapshot.clusters.iter() {
                let found = snapshot.cluster_in(cluster.slot as usize).expect("it has a place");
                assert!(Arc::ptr_eq(found, cluster));
            }
        }
        assert!(two.cluster_in(named(&one, "b").slot as usize).is_none());
        assert!(two.cluster_in(99).is_none());
    }

    #[test]
    fn the_places_of_a_thousand_generations_are_as_many_as_of_one() {
        let mut lineage = Lineage::default();
        for generation in 1..1_000 {
            let names = [format!("x{generation}"), format!("y{generation}")];
            let clusters = names.each_ref().map(|name| (name.as_str(), [(1, 1)]));
            let clusters = clusters.each_ref().map(|(name, upstreams)| (*name, &upstreams[..]));
            let snapshot = next(&mut lineage, generation, &clusters);
            assert!(snapshot.slots.len() <= 4, "{}", snapshot.slots.len());
        }
    }

    #[test]
    fn names_that_stay_are_counted_in_the_same_series() {
        let mut lineage = Lineage::default();
        let one = next(&mut lineage, 1, &[("a", &[(1, 1)]), ("b", &[(2, 1)])]);
        let two = next(&mut lineage, 2, &[("b", &[(2, 7)]), ("c", &[(1, 1)])]);
        assert!(Arc::ptr_eq(&one.routes[1].series, &two.routes[0].series));
        assert!(Arc::ptr_eq(&one.upstreams[1].series, &two.upstreams[0].series));
        assert!(!Arc::ptr_eq(&one.routes[0].series, &two.routes[1].series));
        // The same address in another cluster is another upstream.
        assert!(!Arc::ptr_eq(&one.upstreams[0].series, &two.upstreams[1].series));
    }

    #[test]
    fn new_addresses_make_neither_routes_nor_router_again() {
        let mut config = config(&[("a", &[(1, 1)])]);
        config.routes[0].cluster = None;
        config.routes[0].upstreams =
            vec![Configured { url: "http://up.test".parse().expect("a URL"), weight: 1 }];
        let mut plan = Plan::new(&config).expect("no fault");
        let mut lineage = Lineage::default();
        plan.enlist(&lineage, 1);
        let one = plan.snapshot(&mut lineage, &Resolved::new(), 1);
        let found = Resolved::from([("up.test".to_owned(), vec![[10, 0, 0, 9].into()])]);
        let two = plan.snapshot(&mut lineage, &found, 2);
        assert!(Arc::ptr_eq(&one.router, &two.router) && Arc::ptr_eq(&one.routes, &two.routes));
        assert_eq!((one.configuration, two.configuration), (1, 1));
        assert!(Arc::ptr_eq(named(&one, "a"), named(&two, "a")));
        assert_eq!(named(&two, "/a").endpoints.len(), 1);
    }
}
