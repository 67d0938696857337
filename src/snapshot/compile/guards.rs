//! From the conditions, media types and versions of routes to the guards of their router.

use crate::config::{self, ConditionOperator, ConditionValue, Fault, GatewayConfig};
use crate::config::{RouteCondition, VersionSource};
use crate::http::networks::Networks;
use crate::router::condition::{Comparison, Compiler, Group, MediaType, Node, Offer};
use crate::router::condition::{Place, Table, Test};
use crate::router::{GuardId, PathPattern, Pattern};
use hashbrown::HashMap;
use std::sync::Arc;

/// The guards of all routes, and of each route its own, if it has one.
pub(super) fn guards(
    config: &GatewayConfig,
    faults: &mut Vec<Fault>,
) -> (Table, Vec<Option<GuardId>>) {
    let mut table = Table::default();
    let mut guards = Guards { config, compiler: Compiler::new(), groups: HashMap::new(), faults };
    let mut ids = Vec::with_capacity(config.routes.len());
    for (index, route) in config.routes.iter().enumerate() {
        let is_plain =
            route.conditions.is_empty() && route.version.is_none() && route.produces.is_empty();
        ids.push(if is_plain { None } else { guards.guard(index, route, &mut table) });
    }
    table.finish(guards.compiler);
    (table, ids)
}

/// The guards of lists of conditions that are no route's, each with its key path, and of each list
/// its own, if there is something to ask.
pub(in crate::snapshot) fn of_conditions<'a>(
    config: &GatewayConfig,
    lists: impl Iterator<Item = (String, &'a [RouteCondition])>,
    faults: &mut Vec<Fault>,
) -> (Table, Vec<Option<GuardId>>) {
    let mut table = Table::default();
    let mut guards = Guards { config, compiler: Compiler::new(), groups: HashMap::new(), faults };
    let mut ids = Vec::new();
    for (when, conditions) in lists {
        let before = guards.faults.len();
        let nodes = guards.nodes(&when, conditions);
        let guard = match guards.faults.len() > before {
            true => None,
            false => guards.compiler.guard(nodes, None, &[]),
        };
        ids.push(guard.map(|guard| table.add(guard)));
    }
    table.finish(guards.compiler);
    (table, ids)
}

/// Makes guards one by one.
struct Guards<'a> {
    config: &'a GatewayConfig,
    compiler: Compiler,
    groups: HashMap<&'a str, Arc<Group>>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Guards<'a> {
    fn guard(
        &mut self,
        index: usize,
        route: &'a config::Route,
        table: &mut Table,
    ) -> Option<GuardId> {
        let place = format!("routes[{index}]");
        let before = self.faults.len();
        let conditions = self.nodes(&format!("{place}.when"), &route.conditions);
        let offer = route.version.as_ref().and_then(|version| self.offer(&place, route, version));
        for (index, media) in route.produces.iter().enumerate() {
            if !MediaType::is_valid(media) {
                let message = "a media type such as `application/json`, without wildcard and `q`";
                self.faults.push(Fault::new(format!("{place}.produces[{index}]"), message));
            }
        }
        if self.faults.len() > before {
            return None;
        }
        self.compiler.guard(conditions, offer, &route.produces).map(|guard| table.add(guard))
    }

    fn nodes(&mut self, when: &str, conditions: &[RouteCondition]) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(conditions.len());
        for (index, condition) in conditions.iter().enumerate() {
            // A single condition stands in the file as a table, several as a list.
            let path =
                if conditions.len() == 1 { when.to_owned() } else { format!("{when}[{index}]") };
            nodes.extend(self.node(&path, condition));
        }
        nodes
    }

    /// As deep as the configuration is, which `config` bounds.
    fn node(&mut self, place: &str, condition: &RouteCondition) -> Option<Node> {
        let mut nodes = |key: &str, members: &[RouteCondition]| -> Box<[Node]> {
            let member = |(index, member)| self.node(&format!("{place}.{key}[{index}]"), member);
            members.iter().enumerate().filter_map(member).collect()
        };
        match condition {
            RouteCondition::All(members) => Some(Node::All(nodes("all", members))),
            RouteCondition::Any(members) => Some(Node::Any(nodes("any", members))),
            RouteCondition::Not(inner) => {
                let inner = self.node(&format!("{place}.not"), inner)?;
                Some(Node::Not(Box::new(inner)))
            }
            RouteCondition::ClientIp(networks) => Some(Node::Client(Networks::new(networks))),
            RouteCondition::Scheme(scheme) => Some(Node::Tls(scheme.eq_ignore_ascii_case("https"))),
            RouteCondition::Header { name, value, operator } => {
                self.value(place, (Place::Header, name), value, *operator)
            }
            RouteCondition::Query { name, value, operator } => {
                self.value(place, (Place::Query, name), value, *operator)
            }
            RouteCondition::Cookie { name, value, operator } => {
                self.value(place, (Place::Cookie, name), value, *operator)
            }
        }
    }

    fn value(
        &mut self,
        place: &str,
        (kind, name): (Place, &str),
        value: &ConditionValue,
        operator: ConditionOperator,
    ) -> Option<Node> {
        let is_negated = match (operator, value) {
            (ConditionOperator::NotEqual | ConditionOperator::NotIn, _) => true,
            (ConditionOperator::Exists, ConditionValue::Flag(exists)) => !exists,
            (_, _) => false,
        };
        let test = match (operator, value) {
            (ConditionOperator::Exists, ConditionValue::Flag(_)) => Test::Exists,
            (ConditionOperator::In | ConditionOperator::NotIn, ConditionValue::List(list)) => {
                Test::is_in(list.iter().map(|member| bytes(member)))
            }
            (ConditionOperator::Regex, ConditionValue::Text(text)) => {
                let compiled = self.compiler.matches(text);
                let place = || format!("{place}.{}", operator.name());
                compiled.map_err(|error| self.fault(&place(), error.to_string())).ok()?
            }
            (operator, ConditionValue::Text(text)) => of_text(operator, text)?,
            (operator, ConditionValue::Number(bound)) => {
                Test::Number(comparison(operator)?, *bound)
            }
            // `config` refuses what a key does not take; only Rust can write it.
            (_, ConditionValue::Flag(_) | ConditionValue::List(_)) => return None,
        };
        Some(self.compiler.value(kind, name, test, is_negated))
    }

    fn offer(
        &mut self,
        place: &str,
        route: &config::Route,
        version: &'a config::RouteVersion,
    ) -> Option<Offer> {
        let Some(group) = self.config.versions.get(&version.group) else {
            let names = self.config.versions.keys().map(String::as_str);
            let nearest = config::nearest(&version.group, names).map(str::to_owned);
            let message = format!("there is no group of versions `{}`", version.group);
            let path = format!("{place}.version.group");
            self.faults.push(Fault { nearest, ..Fault::new(path, message) });
            return None;
        };
        if !group.known.contains_key(&version.is) {
            let nearest = config::nearest(&version.is, group.known.keys().map(String::as_str));
            let nearest = nearest.map(str::to_owned);
            let message = format!("`{}` knows no version `{}`", version.group, version.is);
            let path = format!("{place}.version.is");
            self.faults.push(Fault { nearest, ..Fault::new(path, message) });
        }
        let parameter = self.parameter(place, route, version, group);
        let compiled = match self.groups.get(version.group.as_str()) {
            Some(compiled) => compiled.clone(),
            None => {
                let sources: Vec<_> = group.from.iter().map(source).collect();
                let compiled = self.compiler.group(&version.group, &sources);
                self.groups.insert(&version.group, compiled.clone());
                compiled
            }
        };
        let is_default = group.default.as_ref() == Some(&version.is);
        Some(Offer { group: compiled, is: version.is.clone(), parameter, is_default })
    }

    /// Which parameter of the route's path says the version.
    fn parameter(
        &mut self,
        place: &str,
        route: &config::Route,
        version: &config::RouteVersion,
        group: &config::VersionGroup,
    ) -> Option<usize> {
        let wanted = group.from.iter().find_map(|source| match source {
            VersionSource::Path(name) => Some(name),
            VersionSource::Header(_) | VersionSource::MediaType(_) | VersionSource::Query(_) => {
                None
            }
        })?;
        let (key, path) = match &route.path_regex {
            Some(regex) => ("path_regex", PathPattern::Regex(regex)),
            None => ("path", PathPattern::Segments(&route.path)),
        };
        // A path that cannot be read is the router's fault to tell.
        let names = Pattern { path, ..Pattern::segments("/") }.parameter_names().ok()?;
        let found = names.iter().position(|name| name == wanted);
        if found.is_none() && group.from.len() == 1 {
            let message = format!(
                "no parameter `{wanted}`, by which alone `{}` tells its versions: every request \
                 would say none",
                version.group
            );
            self.fault(&format!("{place}.{key}"), message);
        }
        found
    }

    fn fault(&mut self, place: &str, message: String) {
        self.faults.push(Fault::new(place, message));
    }
}

fn source(source: &VersionSource) -> Option<(Place, &str)> {
    match source {
        VersionSource::Path(_) => None,
        VersionSource::Header(name) => Some((Place::Header, name)),
        VersionSource::MediaType(name) => Some((Place::AcceptParameter, name)),
        VersionSource::Query(name) => Some((Place::Query, name)),
    }
}

fn of_text(operator: ConditionOperator, text: &str) -> Option<Test> {
    match operator {
        ConditionOperator::Equal | ConditionOperator::NotEqual => Some(Test::Equals(bytes(text))),
        ConditionOperator::Contains => Some(Test::Contains(bytes(text))),
        ConditionOperator::Prefix => Some(Test::Prefix(bytes(text))),
        ConditionOperator::Suffix => Some(Test::Suffix(bytes(text))),
        ConditionOperator::Regex
        | ConditionOperator::Exists
        | ConditionOperator::In
        | ConditionOperator::NotIn
        | ConditionOperator::LessThan
        | ConditionOperator::AtMost
        | ConditionOperator::GreaterThan
        | ConditionOperator::AtLeast => None,
    }
}

fn comparison(operator: ConditionOperator) -> Option<Comparison> {
    match operator {
        ConditionOperator::LessThan => Some(Comparison::Less),
        ConditionOperator::AtMost => Some(Comparison::AtMost),
        ConditionOperator::GreaterThan => Some(Comparison::Greater),
        ConditionOperator::AtLeast => Some(Comparison::AtLeast),
        ConditionOperator::Equal
        | ConditionOperator::NotEqual
        | ConditionOperator::Contains
        | ConditionOperator::Prefix
        | ConditionOperator::Suffix
        | ConditionOperator::Regex
        | ConditionOperator::Exists
        | ConditionOperator::In
        | ConditionOperator::NotIn => None,
    }
}

fn bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Route, RouteVersion, VersionGroup, VersionLife};
    use crate::router::{Guards as _, condition};

    fn route(conditions: Vec<RouteCondition>) -> Route {
        Route { path: "/v{version}/x".into(), conditions, ..Route::default() }
    }

    fn regex(text: &str) -> RouteCondition {
        RouteCondition::Header {
            name: "X-A".into(),
            value: text.into(),
            operator: ConditionOperator::Regex,
        }
    }

    /// A group that takes its version from the path's parameter of this name.
    fn with_group(parameter: &str, routes: Vec<Route>) -> GatewayConfig {
        let group = VersionGroup {
            from: vec![VersionSource::Path(parameter.into())],
            default: Some("2".into()),
            known: ["1", "2"].map(|name| (name.to_owned(), VersionLife::default())).into(),
        };
        GatewayConfig { versions: [("api".to_owned(), group)].into(), routes, ..Default::default() }
    }

    fn version(group: &str, is: &str) -> Option<RouteVersion> {
        Some(RouteVersion { group: group.into(), is: is.into() })
    }

    fn compiled(config: &GatewayConfig) -> (condition::Table, Vec<Option<GuardId>>, Vec<Fault>) {
        let mut faults = Vec::new();
        let (table, ids) = guards(config, &mut faults);
        (table, ids, faults)
    }

    fn paths(config: &GatewayConfig) -> Vec<String> {
        compiled(config).2.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_route_without_conditions_has_no_guard() {
        let config = with_group("version", vec![route(Vec::new()), route(vec![regex("^a")])]);
        let (table, ids, faults) = compiled(&config);
        assert_eq!(faults, []);
        assert_eq!(ids, [None, Some(GuardId(0))]);
        assert_eq!(table.conditions_count(GuardId(0)), 1);
    }

    #[test]
    fn faults_name_the_condition_as_the_file_has_it() {
        let nested = RouteCondition::Not(Box::new(RouteCondition::Any(vec![
            RouteCondition::Scheme("http".into()),
            RouteCondition::All(vec![regex("(")]),
        ])));
        let routes = vec![route(vec![nested]), route(vec![regex("a"), regex("[")])];
        let want = ["routes[0].when.not.any[1].all[0].regex", "routes[1].when[1].regex"];
        assert_eq!(paths(&with_group("version", routes)), want);
    }

    #[test]
    fn a_version_is_one_of_its_group() {
        let with = |version| Route { version, ..route(Vec::new()) };
        let routes =
            vec![with(version("api", "1")), with(version("apis", "1")), with(version("api", "3"))];
        let config = with_group("version", routes);
        let (table, ids, faults) = compiled(&config);
        let found: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(found, ["routes[1].version.group", "routes[2].version.is"]);
        assert_eq!(faults[0].nearest.as_deref(), Some("api"));
        let guard = ids[0].and_then(|id| table.guard(id)).expect("the first one is right");
        assert_eq!(guard.to_string(), "version `1` of api by path");
    }

    #[test]
    fn a_path_that_alone_says_the_version_has_its_parameter() {
        let mut routes = vec![Route { version: version("api", "1"), ..route(Vec::new()) }];
        assert!(paths(&with_group("version", routes.clone())).is_empty());
        assert_eq!(paths(&with_group("v", routes.clone())), ["routes[0].path"]);
        routes[0].path = "/x".into();
        let mut config = with_group("version", routes);
        assert_eq!(paths(&config), ["routes[0].path"]);
        let group = config.versions.get_mut("api").expect("it is there");
        group.from.push(VersionSource::Query("v".into()));
        assert!(paths(&config).is_empty());
    }

    #[test]
    fn a_media_type_is_one() {
        let produces = vec!["text/html".to_owned(), "text/*".to_owned()];
        let config = with_group("version", vec![Route { produces, ..route(Vec::new()) }]);
        assert_eq!(paths(&config), ["routes[0].produces[1]"]);
    }

    #[test]
    fn guards_of_two_media_types_do_not_tie_and_those_of_one_do() {
        let with =
            |produces: &str| Route { produces: vec![produces.to_owned()], ..route(Vec::new()) };
        let config = with_group("version", vec![with("b/b"), with("a/a"), with("b/b")]);
        let (table, ids, _) = compiled(&config);
        let [b, a, other_b] = [0, 1, 2].map(|index: usize| ids[index].expect("each has a guard"));
        assert!(table.are_disjoint(a, b));
        assert!(!table.are_disjoint(b, other_b));
        assert!(table.order(a, b).is_lt());
    }
}
