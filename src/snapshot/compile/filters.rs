//! Filters, from the configuration's words to what workers read.

use super::id;
use crate::config::{self, Fault, GatewayConfig, Middleware, MiddlewareKind};
use crate::extension::Extensions;
use crate::limits::KEY_SOURCES_MAX;
use crate::meters::{FilterBlock, Series};
use crate::snapshot::filter::{self, Chain, Filter, FilterId, Link, Place, Step};
use crate::snapshot::template::variable_names;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Compiles the filters of routes one by one, and each of those that routes share once.
pub(super) struct Filters {
    extensions: Extensions,
    /// Of filters whose own series is not known yet.
    nobody: Arc<Series<FilterBlock>>,
    named: HashMap<String, Option<FilterId>>,
    /// Names that are taken.
    names: HashSet<Box<str>, foldhash::fast::RandomState>,
    filters: Vec<Filter>,
}

impl Filters {
    /// Compiles those that have names, also where no route names them: their faults must be told.
    pub(super) fn new(
        config: &GatewayConfig,
        extensions: &Extensions,
        faults: &mut Vec<Fault>,
    ) -> Filters {
        let nobody = Arc::new(Series::new(1));
        let mut filters = Filters {
            extensions: extensions.clone(),
            nobody,
            named: HashMap::new(),
            names: HashSet::default(),
            filters: Vec::new(),
        };
        for (name, middleware) in &config.middlewares {
            let path = format!("middlewares.{name}");
            let place = Place { path: &path, config, extensions };
            let found = filters.add(name.clone(), middleware, &place, faults);
            filters.named.insert(name.clone(), found);
        }
        filters
    }

    /// What shows only when all are known.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let sources = self.filters.iter().filter_map(|filter| filter.step.key_source());
        let sources: BTreeSet<_> = sources.collect();
        if sources.len() > KEY_SOURCES_MAX {
            let count = sources.len();
            let message = format!(
                "the filters `auth` fetch keys from {count} places, more than {KEY_SOURCES_MAX}"
            );
            faults.push(Fault::new("middlewares.auth", message));
        }
    }

    /// All of them, by their ids.
    pub(super) fn into_filters(self) -> Vec<Filter> {
        self.filters
    }

    /// The filters of a route; none where it has none. `parameters` are the names of its path
    /// parameters in their order.
    pub(super) fn chain(
        &mut self,
        place: &str,
        (route, name): (&config::Route, &str),
        parameters: &[String],
        config: &GatewayConfig,
        faults: &mut Vec<Fault>,
    ) -> Option<Chain> {
        if route.middlewares.is_empty() {
            return None;
        }
        let mut links = Vec::with_capacity(route.middlewares.len());
        for (index, middleware) in route.middlewares.iter().enumerate() {
            let (path, found) = match middleware {
                // One that is missing is told by the check of the configuration.
                Middleware::Named(name) => (
                    format!("{place}.middlewares[{index}]"),
                    self.named.get(name).copied().flatten(),
                ),
                own => {
                    let key = own.kind().map_or("middlewares", MiddlewareKind::name);
                    let path = format!("{place}.{key}");
                    let own_name = self.own_name(key, name);
                    let extensions = &self.extensions.clone();
                    let place = Place { path: &path, config, extensions };
                    let found = self.add(own_name, own, &place, faults);
                    (path, found)
                }
            };
            let Some(filter) = found else { continue };
            let step = &self.filters[filter.0 as usize].step;
            if let Step::RequestLimits(limits) = step {
                let body_bytes_max = route.max_body.or(config.limits.body).unwrap_or(u64::MAX);
                let fault = limits.fault_on(body_bytes_max);
                faults.extend(fault.map(|message| Fault::new(path.as_str(), message)));
            }
            let wanted = step.parameters();
            let cost = step.cost(name);
            let mut of_route = Vec::with_capacity(wanted.len());
            for wanted in wanted {
                match parameters.iter().position(|known| known == wanted) {
                    Some(at) => of_route.push(at),
                    None => {
                        let variables = variable_names().map(|name| -> &str { name });
                        let known = variables.chain(parameters.iter().map(String::as_str));
                        let nearest = config::nearest(wanted, known).map(str::to_owned);
                        let message = format!("the route's path has no parameter `{{{wanted}}}`");
                        faults.push(Fault { nearest, ..Fault::new(path.as_str(), message) });
                    }
                }
            }
            let bodies = self.filters[filter.0 as usize].step.bodies();
            let parameters = of_route.into();
            links.push(Link { filter, parameters, cost, bodies, lets_preflights_by: false });
        }
        let step = |link: &Link| &self.filters[link.filter.0 as usize].step;
        let cors_at = links.iter().position(|link| matches!(step(link), Step::Cors(_)));
        for link in &mut links[..cors_at.unwrap_or_default()] {
            link.lets_preflights_by = step(link).asks_who();
        }
        let wants_response = links.iter().any(|link| step(link).wants_response());
        Some(Chain::new(links, parameters, wants_response, cors_at.is_some()))
    }

    /// `rate_limit@ROUTE`, and `rate_limit@ROUTE#2` for the second of its kind.
    fn own_name(&self, kind: &str, route: &str) -> String {
        let name = format!("{kind}@{route}");
        let is_taken = |name: &str| self.names.contains(name);
        if !is_taken(&name) {
            return name;
        }
        let mut number = 2;
        loop {
            let numbered = format!("{name}#{number}");
            if !is_taken(&numbered) {
                return numbered;
            }
            number += 1;
        }
    }

    fn add(
        &mut self,
        name: String,
        middleware: &Middleware,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<FilterId> {
        let step = filter::compile(middleware, place, faults)?;
        let id = FilterId(id(self.filters.len()));
        let source = middleware.clone();
        let series = Arc::clone(&self.nobody);
        let name: Box<str> = name.into();
        self.names.insert(name.clone());
        self.filters.push(Filter { name, slot: 0, step, series, source });
        Some(id)
    }
}
