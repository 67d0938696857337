//! Conditions of routes.

use super::super::condition;
use super::super::{ConditionOperator, ConditionValue, RouteCondition, path};
use super::{Faults, Owner, is_token};
use crate::error::Fault;
use crate::limits;

pub(super) fn conditions(owner: Owner<'_>, found: &[RouteCondition], faults: &mut Faults) {
    if !found.is_empty() {
        all(&owner.key("when"), found, faults);
    }
}

/// Those at a key path.
pub(super) fn all(base: &str, found: &[RouteCondition], faults: &mut Faults) {
    let mut leaves_count = 0;
    for (index, one) in found.iter().enumerate() {
        let path = condition::path(base, found.len(), index);
        check(&path, one, 1, &mut leaves_count, faults);
    }
    if leaves_count > limits::CONDITIONS_COUNT_MAX {
        let most = limits::CONDITIONS_COUNT_MAX;
        faults.push(base, format!("{leaves_count} comparisons, more than {most}"));
    }
}

/// The recursion is bounded by `limits::CONDITION_DEPTH_MAX`.
fn check(
    path: &str,
    found: &RouteCondition,
    depth: usize,
    leaves_count: &mut usize,
    faults: &mut Faults,
) {
    if depth > limits::CONDITION_DEPTH_MAX {
        let most = limits::CONDITION_DEPTH_MAX;
        faults.push(path, format!("conditions lie more than {most} deep"));
        return;
    }
    *leaves_count += 1;
    match found {
        RouteCondition::Header { name, value, operator } => {
            field_name(&path::join(path, "header"), name, faults);
            compared(path, value, *operator, true, faults);
        }
        RouteCondition::Query { name, value, operator } => {
            if name.is_empty() {
                faults.push(&path::join(path, "query"), "an empty name");
            }
            compared(path, value, *operator, false, faults);
        }
        RouteCondition::Cookie { name, value, operator } => {
            if !is_token(name) {
                let message = format!("`{}` is no name of a cookie", name.escape_debug());
                faults.push(&path::join(path, "cookie"), message);
            }
            compared(path, value, *operator, true, faults);
        }
        RouteCondition::ClientIp(networks) => client_ip(path, networks, faults),
        RouteCondition::Scheme(scheme) => {
            if !["http", "https"].contains(&scheme.as_str()) {
                let message = format!("`{}` is neither `http` nor `https`", scheme.escape_debug());
                faults.push(&path::join(path, "scheme"), message);
            }
        }
        RouteCondition::All(all) | RouteCondition::Any(all) => {
            *leaves_count -= 1;
            let is_all = matches!(found, RouteCondition::All(_));
            let (key, verdict) = if is_all { ("all", "always") } else { ("any", "never") };
            if all.is_empty() {
                faults.push(path, format!("`{key}` of nothing would {verdict} hold"));
            }
            let base = path::join(path, key);
            for (index, one) in all.iter().enumerate() {
                check(&path::element(&base, index), one, depth + 1, leaves_count, faults);
            }
        }
        RouteCondition::Not(one) => {
            *leaves_count -= 1;
            check(&path::join(path, "not"), one, depth + 1, leaves_count, faults);
        }
    }
}

fn field_name(path: &str, name: &str, faults: &mut Faults) {
    if !is_token(name) {
        faults.push(path, format!("`{}` is no name of a field", name.escape_debug()));
    }
}

fn client_ip(path: &str, networks: &[ipnet::IpNet], faults: &mut Faults) {
    let base = path::join(path, "client_ip");
    if networks.is_empty() {
        faults.push(&base, "an empty list: no address lies in it");
    }
    too_many(&base, networks.len(), faults);
    for (index, network) in networks.iter().enumerate() {
        if network.trunc() != *network {
            // One network may be written without a list.
            let path = if networks.len() == 1 { base.clone() } else { path::element(&base, index) };
            let message = format!("`{network}` is an address inside a network, not the network");
            let nearest = Some(network.trunc().to_string());
            faults.add(Fault { nearest, ..Fault::new(path, message) });
        }
    }
}

fn compared(
    path: &str,
    value: &ConditionValue,
    operator: ConditionOperator,
    is_line: bool,
    faults: &mut Faults,
) {
    let path = path::join(path, operator.name());
    let mut text = |text: &str, may_be_empty: bool| {
        if text.is_empty() && !may_be_empty {
            faults.push(&path, "an empty text: for a value of any kind write `exists = true`");
        }
        // RFC 9110 section 5.5: no field has them, so the comparison would never hold.
        if is_line && text.contains(['\r', '\n', '\0']) {
            faults.push(&path, "a line break or NUL: no field has one");
        }
    };
    match (operator, value) {
        (ConditionOperator::Exists, ConditionValue::Flag(_)) => {}
        (ConditionOperator::Equal | ConditionOperator::NotEqual, ConditionValue::Text(value)) => {
            text(value, true);
        }
        (
            ConditionOperator::Contains
            | ConditionOperator::Prefix
            | ConditionOperator::Suffix
            | ConditionOperator::Regex,
            ConditionValue::Text(value),
        ) => text(value, false),
        (ConditionOperator::In | ConditionOperator::NotIn, ConditionValue::List(values)) => {
            for value in values {
                text(value, true);
            }
            if values.is_empty() {
                faults.push(&path, "an empty list: no value is in it");
            }
            too_many(&path, values.len(), faults);
        }
        (
            ConditionOperator::LessThan
            | ConditionOperator::AtMost
            | ConditionOperator::GreaterThan
            | ConditionOperator::AtLeast,
            ConditionValue::Number(number),
        ) => {
            if !number.is_finite() {
                faults.push(&path, format!("`{number}` is no number to compare with"));
            }
        }
        // Only Rust can write the others.
        (operator, value) => {
            let message = format!("`{}` does not compare with {value:?}", operator.name());
            faults.push(&path, message);
        }
    }
}

fn too_many(path: &str, count: usize, faults: &mut Faults) {
    let most = limits::CONDITION_LIST_COUNT_MAX;
    if count > most {
        faults.push(path, format!("{count} entries, more than {most}"));
    }
}
