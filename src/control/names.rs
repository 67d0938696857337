//! What routes and upstreams are called, for the log, the statistics and the metrics.

use crate::snapshot::{RouteId, Snapshot, UpstreamId};

/// Names of one generation, by number.
#[derive(Debug, Default)]
pub struct Names {
    routes: Vec<Box<str>>,
    upstreams: Vec<UpstreamName>,
}

/// What an upstream is called.
#[derive(Debug)]
pub struct UpstreamName {
    /// Its cluster's name.
    pub cluster: Box<str>,
    /// Its `host:port` as configured.
    pub address: Box<str>,
}

impl Names {
    /// The names of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Names {
        let cluster = |id| snapshot.cluster(id).name.clone();
        Names {
            routes: snapshot.routes.iter().map(|route| route.id.clone()).collect(),
            upstreams: (snapshot.upstreams.iter())
                .map(|upstream| UpstreamName {
                    cluster: cluster(upstream.cluster),
                    address: upstream.name.clone(),
                })
                .collect(),
        }
    }

    /// The `id` of the route of a number.
    pub fn route(&self, id: Option<RouteId>) -> Option<&str> {
        self.routes.get(id?.0 as usize).map(|id| &**id)
    }

    /// Two routes and three upstreams, for tests.
    #[cfg(test)]
    pub(crate) fn sample() -> Names {
        let route = |n: u32| format!("route-{n}").into();
        let upstream =
            |n: u32| UpstreamName { cluster: "web".into(), address: format!("up-{n}:80").into() };
        Names { routes: (0..2).map(route).collect(), upstreams: (0..3).map(upstream).collect() }
    }

    /// The upstream of a number.
    pub fn upstream(&self, id: Option<UpstreamId>) -> Option<&UpstreamName> {
        self.upstreams.get(id?.0 as usize)
    }
}
