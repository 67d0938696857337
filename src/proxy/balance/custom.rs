//! As the embedding program says.

use super::EndpointSet;
use crate::extension::{Attempt, BalancerContext, Endpoints, LoadBalancer};
use crate::snapshot::{Cluster, CustomBalance, Endpoint, EndpointId};

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A balancer of the embedding program: one for a cluster's name, shared by what exchanges of all
/// generations know of the cluster, so that it hears of every attempt.
#[derive(Clone)]
pub struct Custom {
    plan: Arc<CustomBalance>,
    /// None where it could not be made: then nobody is picked.
    balancer: Option<Rc<RefCell<Box<dyn LoadBalancer>>>>,
    /// Whether it was said already that it picks what cannot be picked.
    is_told: bool,
}

impl Custom {
    /// One for a cluster, after another one where that had other settings.
    pub(super) fn new(
        plan: &Arc<CustomBalance>,
        cluster: &Cluster,
        seed: u64,
        previous: Option<&Custom>,
    ) -> Custom {
        let previous = previous.and_then(|previous| previous.balancer.as_ref());
        let previous = previous.map(|previous| previous.borrow());
        let context = BalancerContext {
            cluster: &cluster.name,
            settings: &plan.settings,
            endpoints: Endpoints::new(&cluster.endpoints),
            seed,
            previous: previous.as_ref().map(|previous| &***previous),
        };
        let balancer = match plan.factory.build(&context) {
            Ok(balancer) => Some(Rc::new(RefCell::new(balancer))),
            Err(error) => {
                let (cluster, name) = (&*cluster.name, &*plan.name);
                tracing::error!(cluster, name, "the load balancer cannot be made: {error}");
                None
            }
        };
        Custom { plan: Arc::clone(plan), balancer, is_told: false }
    }

    /// What it picks, if that can be picked.
    pub(super) fn pick(
        &mut self,
        endpoints: &[Endpoint],
        key: u64,
        tried: &EndpointSet,
    ) -> Option<EndpointId> {
        let list = Endpoints::new(endpoints);
        let picked = self.balancer.as_ref()?.borrow_mut().pick(&list, key, tried)?;
        let has_weight = list.get(picked).is_some_and(|endpoint| endpoint.weight != 0);
        if has_weight && !tried.contains(picked) {
            return Some(picked);
        }
        if !self.is_told {
            self.is_told = true;
            let (name, picked) = (&*self.plan.name, picked.0);
            tracing::error!(name, picked, "the load balancer picks what cannot be picked");
        }
        None
    }

    /// Goes on with the same cluster of a new snapshot.
    pub(super) fn install(
        &mut self,
        plan: &Arc<CustomBalance>,
        previous: &Cluster,
        next: &Cluster,
        seed: u64,
    ) {
        if self.plan != *plan {
            *self = Custom::new(plan, next, seed, Some(self));
            return;
        }
        if let Some(balancer) = &self.balancer
            && previous.endpoints != next.endpoints
        {
            let before = Endpoints::new(&previous.endpoints);
            balancer.borrow_mut().install(&before, &Endpoints::new(&next.endpoints));
        }
    }

    /// Tells it of an attempt that ended.
    pub(super) fn on_attempt(&self, attempt: &Attempt) {
        if let Some(balancer) = &self.balancer {
            balancer.borrow_mut().on_attempt(attempt);
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Custom").field("plan", &self.plan).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Balancer;
    use super::super::fixture::cluster;
    use super::*;
    use crate::extension::{AttemptEnd, LoadBalancerFactory, Settings};
    use crate::snapshot::Balance;
    use serde_json::json;
    use std::time::Duration;

    /// Picks what its settings say, and counts.
    struct Fixed {
        pick: u32,
        picks_count: u64,
        attempts_count: u64,
        installs_count: u64,
    }

    impl LoadBalancer for Fixed {
        fn pick(&mut self, _: &Endpoints<'_>, key: u64, _: &EndpointSet) -> Option<EndpointId> {
            self.picks_count += 1;
            (key != 99).then_some(EndpointId(self.pick))
        }

        fn on_attempt(&mut self, _: &Attempt) {
            self.attempts_count += 1;
        }

        fn install(&mut self, _: &Endpoints<'_>, _: &Endpoints<'_>) {
            self.installs_count += 1;
        }
    }

    struct FixedFactory;

    impl LoadBalancerFactory for FixedFactory {
        fn build(&self, context: &BalancerContext<'_>) -> Result<Box<dyn LoadBalancer>, String> {
            let pick = context.settings().get("pick").and_then(serde_json::Value::as_u64);
            let pick = pick.ok_or("no pick")?;
            Ok(Box::new(Fixed {
                pick: u32::try_from(pick).map_err(|error| error.to_string())?,
                picks_count: context.previous_as::<Fixed>().map_or(0, |fixed| fixed.picks_count),
                attempts_count: 0,
                installs_count: 0,
            }))
        }
    }

    fn balance(settings: serde_json::Value) -> Balance {
        let settings = Settings::new(settings);
        let factory = Arc::new(FixedFactory);
        Balance::Custom(Arc::new(CustomBalance { name: "fixed".into(), settings, factory }))
    }

    fn counts(balancer: &Balancer) -> [u64; 3] {
        let Balancer::Custom(Custom { balancer: Some(balancer), .. }) = balancer else {
            panic!("a custom one that could be made")
        };
        let balancer = balancer.borrow();
        let any: &dyn std::any::Any = &**balancer;
        let fixed = any.downcast_ref::<Fixed>().expect("of this type");
        [fixed.picks_count, fixed.attempts_count, fixed.installs_count]
    }

    #[test]
    fn what_it_picks_is_taken_where_it_can_be() {
        let mut tried = EndpointSet::EMPTY;
        let picked = |pick: u32, weights: &[u32], tried: &EndpointSet| {
            let cluster = cluster(balance(json!({ "pick": pick })), weights);
            Balancer::new(&cluster, 1).pick(&cluster, || 0, tried)
        };
        assert_eq!(picked(1, &[1, 1], &tried), Some(EndpointId(1)));
        assert_eq!(picked(0, &[0, 1], &tried), None);
        assert_eq!(picked(2, &[1, 1], &tried), None);
        assert_eq!(picked(u32::MAX, &[1, 1], &tried), None);
        tried.insert(EndpointId(1));
        assert_eq!(picked(1, &[1, 1], &tried), None);
    }

    #[test]
    fn one_that_cannot_be_made_picks_nobody() {
        let cluster = cluster(balance(json!({})), &[1, 1]);
        assert_eq!(Balancer::new(&cluster, 1).pick(&cluster, || 0, &EndpointSet::EMPTY), None);
    }

    #[test]
    fn is_shared_while_its_settings_stay_and_handed_on_when_they_change() {
        let before = cluster(balance(json!({ "pick": 0 })), &[1, 1]);
        let mut old = Balancer::new(&before, 1);
        assert_eq!(old.pick(&before, || 99, &EndpointSet::EMPTY), None);
        let after = cluster(balance(json!({ "pick": 0 })), &[1, 2]);
        let mut new = old.clone();
        new.install(&before, &after, 1);
        assert!(new.pick(&after, || 0, &EndpointSet::EMPTY).is_some());
        // The old one is the same one.
        assert!(old.pick(&before, || 0, &EndpointSet::EMPTY).is_some());
        let Balancer::Custom(custom) = &old else { panic!("a custom one") };
        custom.on_attempt(&Attempt {
            endpoint: before.endpoints[0],
            end: AttemptEnd::Failed,
            first_byte: None,
            duration: Duration::ZERO,
        });
        assert_eq!(counts(&new), [3, 1, 1]);
        let changed = cluster(balance(json!({ "pick": 1 })), &[1, 2]);
        let mut newest = new.clone();
        newest.install(&after, &changed, 1);
        assert_eq!(newest.pick(&changed, || 0, &EndpointSet::EMPTY), Some(EndpointId(1)));
        assert_eq!(counts(&newest), [4, 0, 0]);
        assert_eq!(counts(&new), [3, 1, 1]);
    }
}
