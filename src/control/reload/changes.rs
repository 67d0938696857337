//! What two configurations differ in, in a line.

use std::fmt::{self, Write as _};
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashMap;

use crate::config::{GatewayConfig, HeaderEdits, HeaderValue, Route};
use crate::limits::CHANGES_NAMED_MAX;
use crate::snapshot::{Contents, Plan};

/// How a configuration differs from the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of routes.
    pub routes: ChangedNames,
    /// Of clusters, and of upstreams that are written in a route.
    pub clusters: ChangedNames,
    /// Of filters that routes share.
    pub filters: ChangedNames,
    /// Of listeners.
    pub listeners: ChangedNames,
    /// Whether anything else is different: limits, timeouts and the like.
    pub has_other: bool,
}

/// ChangedNames that came, went or mean something else now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedNames {
    /// They came.
    pub added: NameList,
    /// They went.
    pub removed: NameList,
    /// They stayed, and are not what they were.
    pub changed: NameList,
}

/// Some names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub names: Vec<String>,
}

/// What is remembered of a configuration to tell it from the next: eight bytes a route.
#[derive(Debug, Default)]
pub struct Prints {
    routes: Box<[u64]>,
    clusters: Box<[u64]>,
    /// There are few, and the compiled form has others among them.
    filters: Box<[(String, u64)]>,
    other: u64,
}

impl Prints {
    /// Those of a configuration, with what was read for each of its routes.
    pub fn of(config: &GatewayConfig, plan: &Plan) -> Prints {
        Prints::with(config, |route| plan.contents(route))
    }

    fn with<'p>(
        config: &GatewayConfig,
        contents: impl Fn(usize) -> Option<Contents<'p>>,
    ) -> Prints {
        let named = config.clusters.values().map(print);
        let written = config.routes.iter().filter(|route| !route.upstreams.is_empty());
        let written = written.map(|route| print(&(&route.upstreams, &route.load_balancer)));
        let other = (
            (&config.drain_timeout, &config.trusted_proxies, &config.connection_limits),
            (&config.limits, &config.timeouts, &config.pool, &config.reload),
            (&config.path_policy, &config.request_id, &config.versions),
        );
        Prints {
            routes: {
                let plain = Route::default();
                let routes = config.routes.iter().enumerate();
                routes.map(|(at, route)| print_route(route, &plain, contents(at))).collect()
            },
            clusters: named.chain(written).collect(),
            filters: config
                .middlewares
                .iter()
                .map(|(name, filter)| (name.clone(), print(filter)))
                .collect(),
            other: print(&other),
        }
    }
}

/// One side of a comparison: the names in the order of its prints.
pub struct Side<'a> {
    /// Of its routes.
    pub routes: Vec<&'a str>,
    /// Of its clusters.
    pub clusters: Vec<&'a str>,
    /// Where it listens.
    pub listeners: Vec<String>,
    /// What else is known of it.
    pub prints: &'a Prints,
}

impl Changes {
    /// From one configuration to the next.
    pub(in crate::control) fn between(old: &Side<'_>, new: &Side<'_>) -> Changes {
        fn rows<'r>(names: &[&'r str], prints: &[u64]) -> Vec<(&'r str, u64)> {
            names.iter().copied().zip(prints.iter().copied()).collect()
        }
        fn addresses<'r>(side: &'r Side<'_>) -> impl Iterator<Item = (&'r str, u64)> {
            side.listeners.iter().map(|address| (address.as_str(), 0))
        }
        fn filters<'r>(side: &'r Side<'_>) -> impl Iterator<Item = (&'r str, u64)> {
            side.prints.filters.iter().map(|(name, print)| (name.as_str(), *print))
        }
        Changes {
            routes: ChangedNames::between(
                rows(&old.routes, &old.prints.routes).into_iter(),
                rows(&new.routes, &new.prints.routes).into_iter(),
            ),
            clusters: ChangedNames::between(
                rows(&old.clusters, &old.prints.clusters).into_iter(),
                rows(&new.clusters, &new.prints.clusters).into_iter(),
            ),
            filters: ChangedNames::between(filters(old), filters(new)),
            listeners: ChangedNames::between(addresses(old), addresses(new)),
            has_other: old.prints.other != new.prints.other,
        }
    }

    /// Notes filters that are other ones now, though nothing that is shown of them is: a secret or
    /// a file changed. Of a route's own filter (`auth@ROUTE`) it is not said where its route is.
    pub(in crate::control) fn note_filters<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        for name in names {
            let route = name.split_once('@').map_or("", |(_, route)| route);
            let route = route.rsplit_once('#').map_or(route, |(route, _)| route);
            let is_told = |named: &NameList, name: &str| named.names.iter().any(|own| own == name);
            if !is_told(&self.filters.changed, name) && !is_told(&self.routes.changed, route) {
                self.filters.changed.push(name);
            }
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

impl ChangedNames {
    fn between<'a>(
        old: impl Iterator<Item = (&'a str, u64)>,
        new: impl Iterator<Item = (&'a str, u64)>,
    ) -> ChangedNames {
        let mut before: HashMap<&str, u64, foldhash::fast::RandomState> = old.collect();
        let mut names = ChangedNames::default();
        for (name, print) in new {
            match before.remove(name) {
                None => names.added.push(name),
                Some(other) if other != print => names.changed.push(name),
                Some(_) => {}
            }
        }
        let mut removed: Vec<&str> = before.into_keys().collect();
        removed.sort_unstable();
        removed.into_iter().for_each(|name| names.removed.push(name));
        names
    }
}

impl NameList {
    fn push(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < CHANGES_NAMED_MAX {
            self.names.push(name.to_owned());
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let kinds = [
            ("route", &self.routes),
            ("cluster", &self.clusters),
            ("filter", &self.filters),
            ("listener", &self.listeners),
        ];
        for (kind, names) in kinds {
            let ways =
                [("added", &names.added), ("removed", &names.removed), ("changed", &names.changed)];
            for (way, named) in ways.into_iter().filter(|(_, named)| named.count > 0) {
                let plural = if named.count == 1 { "" } else { "s" };
                let more = if named.count > named.names.len() { ", …" } else { "" };
                let list = named.names.join(", ");
                parts.push(format!("{} {kind}{plural} {way} ({list}{more})", named.count));
            }
        }
        if self.has_other {
            parts.push("other settings changed".to_owned());
        }
        let text = if parts.is_empty() { "nothing changed".to_owned() } else { parts.join("; ") };
        formatter.write_str(&text)
    }
}

/// A number that two values share only where they say the same.
fn print(value: &impl fmt::Debug) -> u64 {
    let mut print = Print::new();
    print.debug(value);
    print.end()
}

/// The print of a route. There are many, and most keys of most are as in `plain`: what is not
/// said is not written. What lies elsewhere, a secret or a file, is a part of it: it is not shown,
/// and to change it there changes the route.
fn print_route(route: &Route, plain: &Route, contents: Option<Contents<'_>>) -> u64 {
    // Without `..`, so that whoever adds a key is told by the compiler.
    let Route {
        id,
        host,
        path,
        path_regex,
        methods,
        path_params,
        conditions,
        produces,
        version,
        priority,
        path_policy,
        upstreams,
        cluster,
        clusters,
        redirect,
        respond,
        files,
        load_balancer,
        timeouts,
        max_body,
        rewrite,
        host_rewrite,
        request_headers,
        response_headers,
        middlewares,
        mirror,
    } = route;
    let mut print = Print::new();
    let texts = [Some(id), host.as_ref(), Some(path), path_regex.as_ref(), cluster.as_ref()];
    texts.into_iter().for_each(|text| print.text(text.map(String::as_str)));
    print.said(1, methods, &plain.methods);
    print.said(2, path_params, &plain.path_params);
    print.said(3, conditions, &plain.conditions);
    print.said(4, produces, &plain.produces);
    print.said(5, version, &plain.version);
    print.said(6, priority, &plain.priority);
    print.said(7, path_policy, &plain.path_policy);
    print.said(8, upstreams, &plain.upstreams);
    print.said(9, clusters, &plain.clusters);
    print.said(10, redirect, &plain.redirect);
    print.said(11, respond, &plain.respond);
    print.said(12, files, &plain.files);
    print.said(13, load_balancer, &plain.load_balancer);
    print.said(14, timeouts, &plain.timeouts);
    print.said(15, max_body, &plain.max_body);
    print.said(16, rewrite, &plain.rewrite);
    print.said(17, host_rewrite, &plain.host_rewrite);
    print.said(18, request_headers, &plain.request_headers);
    print.said(19, response_headers, &plain.response_headers);
    print.said(20, middlewares, &plain.middlewares);
    print.said(21, mirror, &plain.mirror);
    print.elsewhere([request_headers, response_headers], contents);
    print.end()
}

/// A number in the making, the same in every process.
struct Print<H>(H);

impl Print<()> {
    fn new() -> Print<impl Hasher> {
        Print(foldhash::quality::FixedState::with_seed(0).build_hasher())
    }
}

impl<H: Hasher> Print<H> {
    fn text(&mut self, text: Option<&str>) {
        // The length keeps neighbours apart.
        self.0.write_u64(text.map_or(0, |text| text.len() as u64 + 1));
        self.0.write(text.unwrap_or_default().as_bytes());
    }

    /// A key and its value, where that is not the plain one.
    fn said<T: fmt::Debug + PartialEq>(&mut self, key: u8, value: &T, plain: &T) {
        if value != plain {
            self.0.write_u8(key);
            self.debug(value);
        }
    }

    /// What a route has from elsewhere than its configuration.
    fn elsewhere(&mut self, edits_of_both: [&HeaderEdits; 2], contents: Option<Contents<'_>>) {
        for edits in edits_of_both {
            let values = edits.set.values().chain(edits.append.values());
            for value in values {
                if let HeaderValue::Secret(secret) = value {
                    self.text(Some(secret.expose()));
                }
            }
        }
        match contents {
            Some(Contents::Body(body)) => self.0.write(body),
            Some(Contents::Folder { device, inode }) => {
                self.0.write_u64(device);
                self.0.write_u64(inode);
            }
            None => {}
        }
    }

    fn debug(&mut self, value: &impl fmt::Debug) {
        write!(self, "{value:?}").expect("a hasher takes everything");
    }

    fn end(self) -> u64 {
        self.0.finish()
    }
}

impl<H: Hasher> fmt::Write for Print<H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClusterConfig, CorsConfig, Middleware, Route, Secret};

    fn config(routes: &[(&str, &str)]) -> GatewayConfig {
        let mut config = GatewayConfig::default();
        for name in ["a", "b"] {
            config.clusters.insert(name.to_owned(), ClusterConfig::default());
        }
        let routes = routes.iter().map(|(path, cluster)| Route {
            path: (*path).to_owned(),
            cluster: Some((*cluster).to_owned()),
            ..Route::default()
        });
        config.routes = routes.collect();
        config
    }

    fn between(old: &GatewayConfig, new: &GatewayConfig) -> Changes {
        let (old_prints, new_prints) = (Prints::with(old, |_| None), Prints::with(new, |_| None));
        Changes::between(&side(old, &old_prints, &["x"]), &side(new, &new_prints, &["x", "y"]))
    }

    fn side<'a>(config: &'a GatewayConfig, prints: &'a Prints, listeners: &[&str]) -> Side<'a> {
        Side {
            routes: config.routes.iter().map(|route| route.path.as_str()).collect(),
            clusters: config.clusters.keys().map(String::as_str).collect(),
            listeners: listeners.iter().map(|address| (*address).to_owned()).collect(),
            prints,
        }
    }

    #[test]
    fn says_what_came_went_and_is_different() {
        let old = config(&[("/1", "a"), ("/2", "a"), ("/3", "a")]);
        let mut new = config(&[("/2", "b"), ("/3", "a"), ("/4", "a")]);
        new.drain_timeout *= 2;
        let filter = Middleware::Cors(CorsConfig::default());
        new.middlewares.insert("cors.web".to_owned(), filter);
        let want = "1 route added (/4); 1 route removed (/1); 1 route changed (/2); 1 filter \
                    added (cors.web); 1 listener added (y); other settings changed";
        assert_eq!(between(&old, &new).to_string(), want);
    }

    #[test]
    fn counts_more_than_it_names() {
        let paths: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
        let routes: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "a")).collect();
        let changes = between(&config(&[]), &config(&routes));
        assert_eq!(changes.routes.added.count, 20);
        assert_eq!(changes.routes.added.names.len(), CHANGES_NAMED_MAX);
        assert!(changes.to_string().starts_with("20 routes added (/0, "), "{changes}");
    }

    #[test]
    fn the_same_is_no_change() {
        assert!(Changes::default().is_empty());
        assert_eq!(Changes::default().to_string(), "nothing changed");
    }

    #[test]
    fn every_key_of_a_route_is_seen() {
        type Change = fn(&mut Route);
        let changes: [Change; 8] = [
            |route| route.id = "a".into(),
            |route| route.host = Some("a".into()),
            |route| route.path = "a".into(),
            |route| route.path_regex = Some("a".into()),
            |route| route.cluster = Some("a".into()),
            |route| route.host_rewrite = Some("a".into()),
            |route| route.max_body = Some(1),
            |route| route.priority = 1,
        ];
        let plain = Route::default();
        let mut prints = vec![print_route(&plain, &plain, None)];
        for change in changes {
            let mut route = Route::default();
            change(&mut route);
            prints.push(print_route(&route, &plain, None));
            assert_eq!(print_route(&route, &plain, None), prints[prints.len() - 1]);
        }
        for contents in [
            Contents::Body(b"a"),
            Contents::Body(b"b"),
            Contents::Folder { device: 1, inode: 2 },
            Contents::Folder { device: 1, inode: 3 },
        ] {
            prints.push(print_route(&plain, &plain, Some(contents)));
        }
        for text in ["one", "two"] {
            let mut route = Route::default();
            let secret = HeaderValue::Secret(Secret::inline(text));
            route.response_headers.set.insert("X-A".into(), secret);
            prints.push(print_route(&route, &plain, None));
        }
        let count = prints.len();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), count);
    }
}
