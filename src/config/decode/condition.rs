//! Conditions: one subject, and one operator where the subject has a value.

use super::super::node::{Node, Value};
use super::super::sections;
use super::super::{ConditionOperator, ConditionValue, RouteCondition};
use super::{Decoder, Fields, values};

/// A condition, or a list of which all must hold.
pub(super) fn when(d: &mut Decoder, node: &Node) -> Option<Vec<RouteCondition>> {
    match &node.value {
        Value::List(_) => conditions(d, node),
        Value::Table(_) => condition(d, node).map(|one| vec![one]),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Other(_) => {
            d.unexpected(node, "a condition such as `{ header = \"X-A\", exists = true }`");
            None
        }
    }
}

/// One that is wrong keeps its place in the list.
fn conditions(d: &mut Decoder, node: &Node) -> Option<Vec<RouteCondition>> {
    let wrong = || RouteCondition::All(Vec::new());
    values::list(|d, node| Some(condition(d, node).unwrap_or_else(wrong)))(d, node)
}

/// The recursion is bounded: a file has at most `limits::CONFIG_DEPTH_MAX` levels.
fn condition(d: &mut Decoder, node: &Node) -> Option<RouteCondition> {
    let fields = Fields::of(d, node, &sections::CONDITION)?;
    let subjects = fields.present(&SUBJECTS);
    let subject = match *subjects.as_slice() {
        [subject] => subject,
        [] => {
            // A subject that is not built, or mistyped, was said already.
            if fields.is_known() {
                let message = format!("no subject: one of {} is needed", quoted(&SUBJECTS));
                d.fault(fields.place(), message);
            }
            return None;
        }
        [..] => {
            let given = quoted(&subjects);
            let message = format!("{given} are several subjects: `all` and `any` join conditions");
            d.fault(fields.place(), message);
            return None;
        }
    };
    let operators = fields.present(&ConditionOperator::ALL.map(ConditionOperator::name));
    let has_value = matches!(subject, "header" | "query" | "cookie");
    if !has_value && let Some(operator) = operators.first() {
        let message = format!("`{subject}` takes no operator");
        let place = fields.place_of(operator);
        d.within_key(operator, |d| d.fault(place, message));
    }
    match subject {
        "all" => fields.read(d, "all", conditions).map(RouteCondition::All),
        "any" => fields.read(d, "any", conditions).map(RouteCondition::Any),
        "not" => fields.read(d, "not", condition).map(|one| RouteCondition::Not(Box::new(one))),
        "client_ip" => fields.read(d, "client_ip", networks).map(RouteCondition::ClientIp),
        "scheme" => {
            let scheme = fields.read(d, "scheme", values::word(&SCHEMES))?;
            Some(RouteCondition::Scheme(scheme.to_owned()))
        }
        subject => compared(d, &fields, subject, &operators),
    }
}

fn networks(d: &mut Decoder, node: &Node) -> Option<Vec<ipnet::IpNet>> {
    match &node.value {
        Value::List(_) => values::list(values::network)(d, node),
        Value::Text(_) => values::network(d, node).map(|one| vec![one]),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Table(_)
        | Value::Other(_) => {
            d.unexpected(node, "a network or a list of networks");
            None
        }
    }
}

/// A header, query parameter or cookie with its one operator.
fn compared(
    d: &mut Decoder,
    fields: &Fields<'_>,
    subject: &'static str,
    operators: &[&'static str],
) -> Option<RouteCondition> {
    let name = fields.read(d, subject, values::text);
    let operator = match *operators {
        [one] => ConditionOperator::ALL.into_iter().find(|operator| operator.name() == one)?,
        [] => {
            if fields.is_known() {
                let known = ConditionOperator::ALL.map(ConditionOperator::name);
                let message = format!("no operator: one of {} is needed", quoted(&known));
                d.fault(fields.place(), message);
            }
            return None;
        }
        [..] => {
            let given = quoted(operators);
            let message = format!("{given} are several operators: `all` joins conditions");
            d.fault(fields.place(), message);
            return None;
        }
    };
    let value = fields.read(d, operator.name(), |d, node| value(d, node, operator));
    let (name, value) = (name?, value?);
    Some(match subject {
        "header" => RouteCondition::Header { name, value, operator },
        "query" => RouteCondition::Query { name, value, operator },
        _ => RouteCondition::Cookie { name, value, operator },
    })
}

fn value(d: &mut Decoder, node: &Node, operator: ConditionOperator) -> Option<ConditionValue> {
    match operator {
        ConditionOperator::Exists => values::boolean(d, node).map(ConditionValue::Flag),
        ConditionOperator::In | ConditionOperator::NotIn => {
            values::list(values::text)(d, node).map(ConditionValue::List)
        }
        ConditionOperator::LessThan
        | ConditionOperator::AtMost
        | ConditionOperator::GreaterThan
        | ConditionOperator::AtLeast => values::decimal(d, node).map(ConditionValue::Number),
        ConditionOperator::Equal
        | ConditionOperator::NotEqual
        | ConditionOperator::Contains
        | ConditionOperator::Prefix
        | ConditionOperator::Suffix
        | ConditionOperator::Regex => values::text(d, node).map(ConditionValue::Text),
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

const SUBJECTS: [&str; 8] =
    ["header", "query", "cookie", "client_ip", "scheme", "all", "any", "not"];

const SCHEMES: [(&str, &str); 2] = [("http", "http"), ("https", "https")];
