//! Whether two guards can hold for one request: routes that nothing else tells apart need not tie
//! where they provably cannot.
//!
//! A request is taken to have one value of a name here. One that has several can fulfil two guards
//! that ask for different values; it goes to the first in the order of their texts.

use super::regex::Caches;
use super::{Comparison, Guard, Node, Test};

impl Guard {
    /// Whether no request, with one value of each name, fulfils both guards of one router. What the
    /// two produce plays no part.
    pub fn is_disjoint(&self, other: &Guard) -> bool {
        let versions = match (&self.version, &other.version) {
            (Some(a), Some(b)) => {
                // Different parameters could say different versions.
                let reads_alike = !a.group.looks_at_path() || a.parameter == b.parameter;
                a.group.number == b.group.number && reads_alike && a.is != b.is
            }
            (None, _) | (_, None) => false,
        };
        versions
            || self.conditions.iter().any(|a| other.conditions.iter().any(|b| are_disjoint(a, b)))
    }
}

/// Bounded by the number of comparisons of both, since each pair of them is met once.
fn are_disjoint(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::All(nodes), _) => nodes.iter().any(|node| are_disjoint(node, b)),
        (_, Node::All(nodes)) => nodes.iter().any(|node| are_disjoint(a, node)),
        (Node::Any(nodes), _) => nodes.iter().all(|node| are_disjoint(node, b)),
        (_, Node::Any(nodes)) => nodes.iter().all(|node| are_disjoint(a, node)),
        // Both may be negations, and either that of the other.
        (Node::Not(inner), other) if **inner == *other => true,
        (other, Node::Not(inner)) => **inner == *other,
        (Node::Not(_), _) => false,
        (Node::Tls(a), Node::Tls(b)) => a != b,
        (Node::Client(a), Node::Client(b)) => a.is_disjoint(b),
        (
            Node::Value { lookup: a, test: a_test, is_negated: a_negated },
            Node::Value { lookup: b, test: b_test, is_negated: b_negated },
        ) => {
            a == b
                && match (a_negated, b_negated) {
                    (false, false) => exclude(a_test, b_test),
                    (false, true) => implies(a_test, b_test),
                    (true, false) => implies(b_test, a_test),
                    (true, true) => false,
                }
        }
        (Node::Tls(_) | Node::Client(_) | Node::Value { .. }, _) => false,
    }
}

/// Whether a value that passes the first test passes the second.
fn implies(test: &Test, other: &Test) -> bool {
    if test == other || *other == Test::Exists {
        return true;
    }
    values(test).is_some_and(|values| values.iter().all(|value| passes(other, value)))
}

/// Whether no value passes both tests, as far as that is easily seen.
fn exclude(a: &Test, b: &Test) -> bool {
    if let Some(values) = values(a) {
        return !values.iter().any(|value| passes(b, value));
    }
    if let Some(values) = values(b) {
        return !values.iter().any(|value| passes(a, value));
    }
    match (a, b) {
        (Test::Prefix(a), Test::Prefix(b)) => !a.starts_with(b) && !b.starts_with(a),
        (Test::Suffix(a), Test::Suffix(b)) => !a.ends_with(b) && !b.ends_with(a),
        (Test::Number(a, a_bound), Test::Number(b, b_bound)) => {
            are_apart((*a, *a_bound), (*b, *b_bound))
        }
        (_, _) => false,
    }
}

/// The few values that pass a test.
fn values(test: &Test) -> Option<&[Box<[u8]>]> {
    match test {
        Test::Equals(value) => Some(std::slice::from_ref(value)),
        Test::In(list) => Some(list),
        Test::Exists
        | Test::Contains(_)
        | Test::Prefix(_)
        | Test::Suffix(_)
        | Test::Matches(_)
        | Test::Number(_, _) => None,
    }
}

fn passes(test: &Test, value: &[u8]) -> bool {
    test.holds(value, &mut Caches::default())
}

fn are_apart(a: (Comparison, f64), b: (Comparison, f64)) -> bool {
    let is_upper = |comparison| matches!(comparison, Comparison::Less | Comparison::AtMost);
    let ((upper, most), (lower, least)) = match (is_upper(a.0), is_upper(b.0)) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        (true, true) | (false, false) => return false,
    };
    let both_take_the_bound = upper == Comparison::AtMost && lower == Comparison::AtLeast;
    most < least || (most == least && !both_take_the_bound)
}
