//! What those who are known may do.

use super::super::{Faults, Owner, condition};
use super::KNOWS;
use crate::config::{GatewayConfig, Middleware, RbacConfig, RbacRule, Route, path};
use crate::error::Fault;
use crate::limits;
use std::collections::HashMap;

/// `path` is where the filter stands.
pub(super) fn check(path: &str, found: &RbacConfig, faults: &mut Faults) {
    let base = path::join(path, "rules");
    if found.rules.is_empty() {
        faults.push(&base, "no rule: every request would be refused");
    }
    if found.rules.len() > limits::RBAC_RULES_COUNT_MAX {
        faults.push(&base, format!("more than {} rules", limits::RBAC_RULES_COUNT_MAX));
        return;
    }
    if found.roles_claim.is_empty() {
        faults.push(&path::join(path, "roles_claim"), "an empty name: no claim has it");
    }
    let mut names: HashMap<&str, usize> = HashMap::with_capacity(found.rules.len());
    for (index, one) in found.rules.iter().enumerate() {
        let place = path::element(&base, index);
        rule(&place, one, faults);
        if let Some(other) = names.insert(&one.name, index).filter(|_| !one.name.is_empty()) {
            let message = format!("`{}` is the name of another rule", one.name.escape_debug());
            let other = path::join(&path::element(&base, other), "name");
            let fault = Fault::new(path::join(&place, "name"), message);
            faults.add(fault.against(other, "the other rule"));
        }
    }
}

/// Rules that ask who the client is need a filter in front that finds out: without one they would
/// refuse everybody.
pub(super) fn of_route(
    owner: Owner<'_>,
    config: &GatewayConfig,
    found: &Route,
    faults: &mut Faults,
) {
    let mut is_known = false;
    for (index, middleware) in found.middlewares.iter().enumerate() {
        let (path, middleware) = match middleware {
            Middleware::Named(name) => match config.middlewares.get(name) {
                Some(named) => (path::element(&owner.key("middlewares"), index), named),
                None => continue,
            },
            own => (owner.key("rbac"), own),
        };
        is_known |= middleware.kind().is_some_and(|kind| KNOWS.contains(&kind));
        let Middleware::Rbac(rbac) = middleware else { continue };
        let asking = rbac.rules.iter().find(|rule| rule.asks_who());
        if let Some(rule) = asking.filter(|_| !is_known) {
            let message = format!(
                "the rule `{}` asks who the client is, and no filter in front finds out: `auth`, \
                 `api_key`, `basic_auth`, `forward_auth` and `custom` do",
                rule.name.escape_debug()
            );
            faults.push(&path, message);
        }
    }
}

fn rule(place: &str, found: &RbacRule, faults: &mut Faults) {
    let name = path::join(place, "name");
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if found.name.is_empty() {
        faults.push(&name, "a rule has a name: it stands in the log");
    } else if !found.name.bytes().all(is_name) {
        faults.push(&name, "a name is letters, digits, `-` and `_`");
    } else if found.name.len() > limits::NAME_CHARACTERS_MAX {
        faults.push(&name, "a name has at most 128 characters");
    }
    for (key, list) in
        [("roles", &found.roles), ("scopes", &found.scopes), ("subjects", &found.subjects)]
    {
        texts(&path::join(place, key), list, key == "scopes", faults);
    }
    let claims = path::join(place, "claims");
    too_many(&claims, found.claims.len(), faults);
    for (claim, values) in &found.claims {
        let path = path::join(&claims, claim);
        if claim.is_empty() {
            faults.push(&claims, "an empty name: no claim has it");
        }
        if values.is_empty() {
            faults.push(&path, "an empty list: no value is in it");
        }
        too_many(&path, values.len(), faults);
    }
    let methods = path::join(place, "methods");
    too_many(&methods, found.methods.len(), faults);
    for (index, method) in found.methods.iter().enumerate() {
        if found.methods.iter().take(index).any(|other| other == method) {
            let message = format!("`{}` is in the list already", method.as_str());
            faults.push(&path::element(&methods, index), message);
        }
    }
    too_many(&path::join(place, "paths"), found.paths.len(), faults);
    condition::all(&path::join(place, "when"), &found.conditions, faults);
}

/// Texts that are there, once each, and in which no word ends where words are compared.
fn texts(path: &str, list: &[String], are_words: bool, faults: &mut Faults) {
    too_many(path, list.len(), faults);
    for (index, text) in list.iter().enumerate().take(limits::RBAC_LIST_COUNT_MAX) {
        let place = || path::element(path, index);
        if text.is_empty() {
            faults.push(&place(), "an empty text: no client has it");
        } else if are_words && text.contains(|one: char| one.is_ascii_whitespace()) {
            faults.push(&place(), "a scope is one word: write several in the list");
        }
        if list.iter().take(index).any(|other| other == text) {
            faults.push(&place(), format!("`{}` is in the list already", text.escape_debug()));
        }
    }
}

fn too_many(path: &str, count: usize, faults: &mut Faults) {
    let most = limits::RBAC_LIST_COUNT_MAX;
    if count > most {
        faults.push(path, format!("{count} entries, more than {most}"));
    }
}
