//! What those who are known may do.

use super::super::super::node::{Node, Value};
use super::super::super::sections;
use super::super::super::{ClaimValue, Middleware, RbacConfig, RbacEffect, RbacRule};
use super::super::{Decoder, Fields, condition, route, values};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::RBAC)?;
    let mut found = RbacConfig::default();
    // A rule that is wrong keeps its place in the list.
    let read = |d: &mut Decoder, node: &Node| Some(rule(d, node).unwrap_or_default());
    if let Some(rules) = fields.require(d, "rules", values::list(read)) {
        found.rules = rules;
    }
    fields.set(d, "roles_claim", &mut found.roles_claim, values::text);
    Some(Middleware::Rbac(found))
}

fn rule(d: &mut Decoder, node: &Node) -> Option<RbacRule> {
    let fields = Fields::of(d, node, &sections::RBAC_RULE)?;
    let name = fields.require(d, "name", values::text).unwrap_or_default();
    let mut found = RbacRule { name, ..RbacRule::default() };
    fields.set(d, "effect", &mut found.effect, values::word(&EFFECTS));
    fields.set(d, "roles", &mut found.roles, values::list(values::text));
    fields.set(d, "scopes", &mut found.scopes, values::list(values::text));
    let claims = values::named("a table of claims and their values", claim);
    fields.set(d, "claims", &mut found.claims, claims);
    fields.set(d, "subjects", &mut found.subjects, values::list(values::text));
    fields.set(d, "methods", &mut found.methods, values::list(route::method));
    fields.set(d, "paths", &mut found.paths, values::list(values::text));
    fields.set(d, "when", &mut found.conditions, condition::when);
    Some(found)
}

/// One value, or a list of them.
fn claim(d: &mut Decoder, node: &Node) -> Option<Vec<ClaimValue>> {
    match &node.value {
        Value::List(_) => values::list(claim_value)(d, node),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Table(_)
        | Value::Other(_) => claim_value(d, node).map(|value| vec![value]),
    }
}

fn claim_value(d: &mut Decoder, node: &Node) -> Option<ClaimValue> {
    match &node.value {
        Value::Text(text) => Some(ClaimValue::Text(text.clone())),
        Value::Boolean(flag) => Some(ClaimValue::Flag(*flag)),
        Value::Integer(number) => Some(ClaimValue::Number(*number)),
        Value::Null | Value::Float(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
            d.unexpected(node, "a string, a whole number, `true` or `false`");
            None
        }
    }
}

const EFFECTS: [(&str, RbacEffect); 2] = [("allow", RbacEffect::Allow), ("deny", RbacEffect::Deny)];
