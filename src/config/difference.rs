//! What tells two configurations apart, in words.

use super::document::json;
use super::node::{Node, Value};
use super::{ClusterConfig, GatewayConfig, Loaded, Route, path, sections, units};
use std::collections::BTreeMap;
use std::fmt;

/// What becomes different when one configuration takes another's place.
///
/// Values are compared as they are meant: `"60s"` is `"1m"`, and a key that is written with its
/// default is no change. Secrets are never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Settings, listeners, clusters, version groups, filters, then routes; each in the order of
    /// its kind.
    pub parts: Vec<Part>,
}

/// One thing that is added, removed or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its name: a route's id, or methods, host and path; a listener's address; a table.
    pub name: String,
    /// How it is different.
    pub change: PartChange,
    /// Whether a reload cannot make the change: the process must be started anew.
    pub needs_restart: bool,
}

/// What a part of a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A key or a table of the top level.
    Setting,
    /// An address to listen on.
    Listener,
    /// One of `[clusters]`.
    Cluster,
    /// One of `[versions]`.
    Version,
    /// One of `[middlewares]`; one that stands in a route is a key of the route.
    Filter,
    /// One of `[[routes]]`.
    Route,
}

/// How a part is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartChange {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// Keys of it have other values.
    Changed(Vec<KeyChange>),
}

/// A key with two values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// As in `timeouts.total` or `upstreams[http://a:80].weight`; empty for the part itself.
    pub key: String,
    /// Its value as it was; `None` when there was none. The same as the new one where another
    /// secret stands in it, which is not shown.
    pub old: Option<String>,
    /// Its value as it is.
    pub new: Option<String>,
}

impl PartKind {
    /// As words have it.
    pub fn name(self) -> &'static str {
        match self {
            PartKind::Setting => "setting",
            PartKind::Listener => "listener",
            PartKind::Cluster => "cluster",
            PartKind::Version => "version group",
            PartKind::Filter => "filter",
            PartKind::Route => "route",
        }
    }
}

impl Difference {
    /// What is different between two configurations.
    pub fn between(old: &Loaded, new: &Loaded) -> Difference {
        let mut parts = settings(old, new);
        parts.extend(listeners(&old.config, &new.config));
        let sides = Sides { old, new };
        let pairs = named(&old.config.clusters, &new.config.clusters);
        parts.extend(pairs.into_iter().filter_map(|(name, a, b)| {
            let at = |_: &ClusterConfig| path::join("clusters", name);
            sides.part(PartKind::Cluster, name, (a, b), at, "[clusters.NAME]")
        }));
        let pairs = named(&old.config.versions, &new.config.versions);
        parts.extend(pairs.into_iter().filter_map(|(name, a, b)| {
            let at = |_: &_| path::join("versions", name);
            sides.part(PartKind::Version, name, (a, b), at, "[versions.NAME]")
        }));
        let pairs = named(&old.config.middlewares, &new.config.middlewares);
        parts.extend(pairs.into_iter().filter_map(|(name, a, b)| {
            // Its kind and its name are a table each.
            let (kind, own) = name.split_once('.').unwrap_or((name, ""));
            let at = |_: &_| path::join(&path::join("middlewares", kind), own);
            let section = format!("[middlewares.{kind}.NAME]");
            sides.part(PartKind::Filter, name, (a, b), at, &section)
        }));
        let (a, b) = (routes(&old.config), routes(&new.config));
        // In the order of the new file; what is gone comes first.
        let gone = a.order.iter().filter(|name| !b.by_name.contains_key(*name));
        for name in gone.chain(&b.order) {
            let pair = (a.by_name.get(name), b.by_name.get(name));
            let at = |(index, _): &(usize, &Route)| path::element("routes", *index);
            let pair = (pair.0, pair.1);
            if pair.0.map(|one| one.1) == pair.1.map(|one| one.1) {
                continue;
            }
            parts.extend(sides.part(PartKind::Route, name, pair, at, "[[routes]]"));
        }
        Difference { parts }
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a reload makes all of it: nothing needs a restart.
    pub fn can_reload(&self) -> bool {
        !self.parts.iter().any(|part| part.needs_restart)
    }
}

/// Both configurations.
struct Sides<'l> {
    old: &'l Loaded,
    new: &'l Loaded,
}

impl Sides<'_> {
    /// How a named part differs; `None` when it does not.
    fn part<T: PartialEq>(
        &self,
        kind: PartKind,
        name: &str,
        pair: (Option<&T>, Option<&T>),
        at: impl Fn(&T) -> String,
        section: &str,
    ) -> Option<Part> {
        let change = match pair {
            (Some(a), Some(b)) if a == b => return None,
            (Some(a), Some(b)) => {
                let (a, b) = (self.leaves(self.old, &at(a)), self.leaves(self.new, &at(b)));
                PartChange::Changed(changes(&a, &b, section.trim_matches(['[', ']'])))
            }
            (None, Some(_)) => PartChange::Added,
            (Some(_), None) => PartChange::Removed,
            (None, None) => return None,
        };
        Some(Part { kind, name: name.to_owned(), change, needs_restart: false })
    }

    fn leaves(&self, of: &Loaded, at: &str) -> Leaves {
        let mut leaves = Leaves::new();
        if let Some(node) = of.document.at(at) {
            flatten(of, node, String::new(), &mut leaves);
        }
        leaves
    }
}

/// Keys of the top level that are no list of parts.
fn settings(old: &Loaded, new: &Loaded) -> Vec<Part> {
    if bare(&old.config) == bare(&new.config) {
        return Vec::new();
    }
    let keys = sections::ROOT.keys.iter().map(|key| key.name);
    let keys = keys.filter(|key| !PARTS.contains(key) && !IGNORED.contains(key));
    let mut parts = Vec::new();
    for key in keys {
        let leaves = |of: &Loaded| {
            let mut leaves = Leaves::new();
            if let Some(node) = of.document.root().get(key) {
                flatten(of, node, key.to_owned(), &mut leaves);
            }
            leaves
        };
        let found = changes(&leaves(old), &leaves(new), "");
        if found.is_empty() {
            continue;
        }
        let needs_restart = needs_restart(key, &old.config, &new.config);
        let change = PartChange::Changed(found);
        parts.push(Part { kind: PartKind::Setting, name: key.to_owned(), change, needs_restart });
    }
    parts
}

/// Whether a change of a setting needs another process: threads, their rings, and what listens
/// beside the workers are made once, and so are tables with room for so many connections.
fn needs_restart(key: &str, old: &GatewayConfig, new: &GatewayConfig) -> bool {
    match key {
        "workers" => old.workers != new.workers,
        "runtime" => old.runtime != new.runtime,
        "admin" => old.admin != new.admin,
        "access_log" => old.access_log != new.access_log,
        "metrics" | "metrics_enabled" => old.metrics_path() != new.metrics_path(),
        "connection_limits" => {
            new.connection_limits.max_connections > old.connection_limits.max_connections
        }
        _ => false,
    }
}

fn listeners(old: &GatewayConfig, new: &GatewayConfig) -> Vec<Part> {
    let addresses = |config: &GatewayConfig| {
        config.listen_addresses().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (old, new) = (addresses(old), addresses(new));
    let part = |name: &String, change| Part {
        kind: PartKind::Listener,
        name: name.clone(),
        change,
        needs_restart: false,
    };
    let gone = old.iter().filter(|address| !new.contains(address));
    let more = new.iter().filter(|address| !old.contains(address));
    let gone = gone.map(|name| part(name, PartChange::Removed));
    gone.chain(more.map(|name| part(name, PartChange::Added))).collect()
}

/// A configuration without its parts.
fn bare(config: &GatewayConfig) -> GatewayConfig {
    let mut bare = config.clone();
    bare.routes.clear();
    bare.clusters.clear();
    bare.versions.clear();
    bare.middlewares.clear();
    bare.listeners.clear();
    bare.listen_addr = super::ListenAddr::default();
    bare
}

fn named<'c, T>(
    old: &'c BTreeMap<String, T>,
    new: &'c BTreeMap<String, T>,
) -> Vec<(&'c str, Option<&'c T>, Option<&'c T>)> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| (name.as_str(), old.get(name), new.get(name))).collect()
}

struct Routes<'c> {
    order: Vec<String>,
    by_name: BTreeMap<String, (usize, &'c Route)>,
}

fn routes(config: &GatewayConfig) -> Routes<'_> {
    let mut routes = Routes { order: Vec::new(), by_name: BTreeMap::new() };
    for (index, route) in config.routes.iter().enumerate() {
        let name = route.name();
        routes.order.push(name.clone());
        routes.by_name.insert(name, (index, route));
    }
    routes
}

/// Key paths and their values, in the order of the file.
type Leaves = Vec<(String, Leaf)>;

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Leaf {
    /// What is shown of it.
    shown: String,
    /// A secret that is not shown, and may be another behind the same mask.
    secret: Option<String>,
}

/// The values of a tree by their paths. Elements of a list that have a `url` or a `name` stand
/// under it, so that an element that moves is no change.
fn flatten(of: &Loaded, node: &Node, path: String, leaves: &mut Leaves) {
    match &node.value {
        Value::Table(entries) if !is_secret(node) => {
            for entry in entries {
                flatten(of, &entry.node, path::join(&path, &entry.key), leaves);
            }
        }
        Value::List(nodes)
            if !nodes.is_empty() && nodes.iter().all(|node| name(node).is_some()) =>
        {
            for node in nodes {
                let path = format!("{path}[{}]", name(node).unwrap_or(""));
                leaves.push((path.clone(), Leaf::default()));
                let unnamed = node.entries().unwrap_or_default().iter();
                for entry in unnamed.filter(|entry| !NAMES.contains(&entry.key.as_str())) {
                    flatten(of, &entry.node, path::join(&path, &entry.key), leaves);
                }
            }
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => leaves.push((path, leaf(of, node))),
    }
}

/// A value and what a reader sees of it.
fn leaf(of: &Loaded, node: &Node) -> Leaf {
    let shown = json(node, &|node| of.document.is_hidden(node)).to_string();
    let whole = json(node, &|_| false).to_string();
    let secret = (whole != shown).then_some(whole);
    Leaf { shown, secret }
}

/// Whether a table says where a secret is found: it is shown whole.
fn is_secret(node: &Node) -> bool {
    let entries = node.entries().unwrap_or_default();
    let is_source = |key: &str| ["env", "file", "credential"].contains(&key);
    entries.len() == 1 && entries.iter().all(|entry| is_source(&entry.key))
}

fn name(node: &Node) -> Option<&str> {
    let found = NAMES.into_iter().find_map(|key| node.get(key))?;
    match &found.value {
        Value::Text(text) => Some(text),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => None,
    }
}

/// The keys of two trees that have other values. What is the same in both and yet makes them
/// different lies elsewhere.
fn changes(old: &Leaves, new: &Leaves, table: &str) -> Vec<KeyChange> {
    let leaf = |leaves: &Leaves, key: &str| {
        leaves.iter().find(|(path, _)| path == key).map(|(_, leaf)| leaf.clone())
    };
    let mut keys: Vec<&String> = old.iter().map(|(path, _)| path).collect();
    keys.extend(new.iter().map(|(path, _)| path).filter(|path| leaf(old, path).is_none()));
    let mut found: Vec<KeyChange> = Vec::new();
    for key in keys {
        let default = || default(table, key);
        let (old, new) = (leaf(old, key), leaf(new, key));
        let is_other_secret = old.is_some() && new.is_some() && secret(&old) != secret(&new);
        let (a, b) = (old.map(|leaf| leaf.shown), new.map(|leaf| leaf.shown));
        let is_element = a.as_deref().or(b.as_deref()) == Some("");
        let filled = |value: &Option<String>| value.clone().or_else(default);
        let is_same = !is_element && meaning(&filled(&a)) == meaning(&filled(&b)) || a == b;
        if is_same && !is_other_secret {
            continue;
        }
        // The keys of an element that is new or gone are told with it.
        let owner = key.rsplit_once("].").map(|(owner, _)| format!("{owner}]"));
        let is_told = |change: &KeyChange| Some(&change.key) == owner.as_ref();
        if let Some(element) = found.iter_mut().find(|change| is_told(change)) {
            let detail = key.rsplit_once("].").map_or("", |(_, rest)| rest);
            let side = if a.is_none() { &mut element.new } else { &mut element.old };
            let text = side.get_or_insert_default();
            let space = if text.is_empty() { "" } else { ", " };
            let shown = a.or(b).unwrap_or_default();
            text.push_str(&format!("{space}{detail} = {shown}"));
            continue;
        }
        let note = |value: Option<String>| {
            value.or_else(|| default().map(|default| format!("{default} (the default)")))
        };
        let (old, new) = if is_element { (a, b) } else { (note(a), note(b)) };
        found.push(KeyChange { key: key.clone(), old, new });
    }
    found
}

fn secret(leaf: &Option<Leaf>) -> Option<&str> {
    leaf.as_ref()?.secret.as_deref()
}

/// The default of a key, where the reference has a value for it.
fn default(table: &str, key: &str) -> Option<String> {
    let whole = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
    let (table, name) = whole.rsplit_once('.').unwrap_or(("", &whole));
    // Elements of a list have their name in brackets, and tables by name are `NAME`.
    let plain = |part: &str| part.split('[').next().unwrap_or(part).to_owned();
    let mut steps: Vec<String> = Vec::new();
    let mut depth = 0;
    let mut step = String::new();
    for character in table.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth == 0 => steps.push(plain(&std::mem::take(&mut step))),
            other if depth == 0 => step.push(other),
            _ => {}
        }
    }
    if !step.is_empty() {
        steps.push(plain(&step));
    }
    let key = sections::at(&steps)?.keys.iter().find(|known| known.name == name)?;
    let is_value =
        !key.default.is_empty() && (!key.default.starts_with('[') || key.default == "[]");
    is_value.then(|| key.default.to_owned())
}

/// A value by what it means: durations and sizes by their amount.
fn meaning(value: &Option<String>) -> Option<String> {
    let value = value.as_ref()?;
    let Some(text) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Some(value.clone());
    };
    if let Ok(duration) = units::duration(text) {
        return Some(format!("{}us", duration.as_micros()));
    }
    match units::size(text) {
        Ok(bytes) => Some(format!("{bytes}B")),
        Err(_) => Some(value.clone()),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restart = if self.needs_restart { " (needs a restart)" } else { "" };
        let kind = self.kind.name();
        let name = self.name.escape_debug();
        match &self.change {
            PartChange::Added => writeln!(f, "{kind} `{name}` is added{restart}"),
            PartChange::Removed => writeln!(f, "{kind} `{name}` is removed{restart}"),
            PartChange::Changed(changes) => {
                writeln!(f, "{kind} `{name}` changes{restart}")?;
                if changes.is_empty() {
                    writeln!(f, "  what it names is another where it lies: a secret or a file")?;
                }
                changes.iter().try_for_each(|change| writeln!(f, "  {change}"))
            }
        }
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyChange { key, old, new } = self;
        let key = key.escape_debug();
        let details = |text: &str| {
            if text.is_empty() { String::new() } else { format!(": {text}") }
        };
        match (old, new) {
            (Some(old), Some(new)) if old == new => write!(f, "{key}: it has another secret"),
            (Some(old), Some(new)) => write!(f, "{key}: {old} becomes {new}"),
            (None, Some(new)) => write!(f, "{key} is added{}", details(new)),
            (Some(old), None) => write!(f, "{key} is removed{}", details(old)),
            (None, None) => write!(f, "{key}"),
        }
    }
}

/// Keys of the top level whose elements are parts of their own.
const PARTS: [&str; 6] =
    ["listen_addr", "listeners", "clusters", "versions", "middlewares", "routes"];
/// Keys that were used up when the file was read, or say nothing to the gateway.
const IGNORED: [&str; 3] = ["include", "env", "$schema"];
/// Keys that name an element of a list.
const NAMES: [&str; 2] = ["url", "name"];
