//! What a route is told to do, in words.

use crate::config::{Route, Upstream, WeightedCluster};
use crate::router::{PathPattern, Pattern};

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
        format!("{} {} %", cluster.name, percent(cluster.weight.into(), sum))
    };
    clusters.iter().map(share).collect::<Vec<_>>().join(", ")
}

/// A part of a sum in percent, with at most two decimals.
pub fn percent(part: u64, sum: u64) -> f64 {
    (10_000.0 * part as f64 / sum.max(1) as f64).round() / 100.0
}

/// Methods, host and path of a route.
pub fn pattern(route: &Route) -> String {
    let methods: Vec<&str> = route.methods.iter().map(|method| method.as_str()).collect();
    let space = if methods.is_empty() { "" } else { " " };
    let host = route.host.as_deref().unwrap_or_default();
    match &route.path_regex {
        Some(regex) => {
            format!("{}{space}{host} {regex}", methods.join(",")).trim_start().to_owned()
        }
        None => format!("{}{space}{host}{}", methods.join(","), route.path),
    }
}

/// The methods that a route takes.
pub fn methods(route: &Route) -> String {
    let methods: Vec<&str> = route.methods.iter().map(|method| method.as_str()).collect();
    methods.join(", ")
}

/// Names of a route's parameters, in their order.
pub fn parameter_names(route: &Route) -> Vec<String> {
    let path = match &route.path_regex {
        Some(regex) => PathPattern::Regex(regex),
        None => PathPattern::Segments(&route.path),
    };
    Pattern { path, ..Pattern::segments("/") }.parameter_names().unwrap_or_default()
}

/// The name of a parameter by its place, and the expression that it must match.
pub fn parameter(route: &Route, index: usize) -> Option<(String, String)> {
    let name = parameter_names(route).into_iter().nth(index)?;
    let wanted = route.path_params.iter().find(|(own, _)| *own == name);
    let wanted = wanted.map(|(_, regex)| format!("`{regex}`")).unwrap_or_default();
    Some((format!("`{name}`"), wanted))
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
