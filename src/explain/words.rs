//! What a route is told to do, in words.

use crate::config::{Route, Upstream, WeightedCluster};

/// An action in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// `cluster api`, `redirect 308 to https://…`.
    pub text: String,
    /// The status, where the gateway itself answers.
    pub status: Option<u16>,
}

/// What a route does with a request.
pub fn action(route: &Route) -> Action {
    let to = |text: String| Action { text, status: None };
    if let Some(redirect) = &route.redirect {
        let text = format!("redirect {} to {}", redirect.status, redirect.to);
        return Action { text, status: Some(redirect.status) };
    }
    if let Some(respond) = &route.respond {
        let text = format!("respond {}", respond.status);
        return Action { text, status: Some(respond.status) };
    }
    if let Some(files) = &route.files {
        return to(format!("files of {}", files.root.display()));
    }
    match (&route.cluster, route.clusters.as_slice()) {
        (Some(name), _) => to(format!("cluster {name}")),
        (None, []) => to(format!("upstreams {}", upstreams(&route.upstreams))),
        (None, clusters) => to(format!("clusters {}", shares(clusters))),
    }
}

fn upstreams(upstreams: &[Upstream]) -> String {
    let mut names: Vec<String> = upstreams.iter().take(UPSTREAMS_SHOWN).map(upstream).collect();
    if upstreams.len() > UPSTREAMS_SHOWN {
        names.push(format!("and {} more", upstreams.len() - UPSTREAMS_SHOWN));
    }
    names.join(", ")
}

fn upstream(upstream: &Upstream) -> String {
    match upstream.weight {
        1 => upstream.url.to_string(),
        weight => format!("{} (weight {weight})", upstream.url),
    }
}

/// `a 95 %, b 5 %`.
pub fn shares(clusters: &[WeightedCluster]) -> String {
    let sum: u64 = clusters.iter().map(|cluster| u64::from(cluster.weight)).sum();
    let share = |cluster: &WeightedCluster| {
        let percent = 100.0 * f64::from(cluster.weight) / sum.max(1) as f64;
        // At most two decimals, and none that are zero.
        let percent = format!("{percent:.2}");
        let percent = percent.trim_end_matches('0').trim_end_matches('.');
        format!("{} {percent} %", cluster.name)
    };
    clusters.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// Upstreams of a route that are named; more are counted.
const UPSTREAMS_SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Redirect;

    #[test]
    fn says_what_a_route_does() {
        let cluster = Route { cluster: Some("api".into()), ..Route::default() };
        assert_eq!(action(&cluster).text, "cluster api");
        let weighted = |name: &str, weight| WeightedCluster { name: name.into(), weight };
        let clusters = vec![weighted("a", 2), weighted("b", 1)];
        let split = Route { clusters, ..Route::default() };
        assert_eq!(action(&split).text, "clusters a 66.67 %, b 33.33 %");
        let to = "https://$host".to_owned();
        let redirect = Route { redirect: Some(Redirect { to, status: 308 }), ..Route::default() };
        let want = Action { text: "redirect 308 to https://$host".into(), status: Some(308) };
        assert_eq!(action(&redirect), want);
        let upstream = Upstream { url: "http://a:1".parse().expect("a URL"), weight: 1 };
        let heavy = Upstream { weight: 3, ..upstream.clone() };
        let mut own = Route { upstreams: vec![upstream.clone(), heavy], ..Route::default() };
        assert_eq!(action(&own).text, "upstreams http://a:1, http://a:1 (weight 3)");
        own.upstreams.extend(vec![upstream; 5]);
        assert!(action(&own).text.ends_with(", and 3 more"));
    }
}
