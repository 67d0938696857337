//! Conditions of a route beyond host, path and method.

use super::path;
use ipnet::IpNet;

/// What a request must have for a route to match.
///
/// A field, query parameter or cookie that comes more than once fulfils a positive operator when
/// any of its values does; `NotEqual` and `NotIn` are the negations of `Equal` and `In`, so they
/// hold also where there is no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RouteCondition {
    /// A field of the head. Its name has no case, its value has.
    Header {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: ConditionValue,
        /// How.
        operator: ConditionOperator,
    },
    /// A parameter of the query, both parts percent-decoded, `+` being a space.
    Query {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: ConditionValue,
        /// How.
        operator: ConditionOperator,
    },
    /// A cookie (RFC 6265 section 4.2).
    Cookie {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: ConditionValue,
        /// How.
        operator: ConditionOperator,
    },
    /// The client's address, as `trusted_proxies` lets it be known, lies in one of the networks.
    ClientIp(Vec<IpNet>),
    /// The scheme of the client's connection: `http` or `https`.
    Scheme(String),
    /// Every one holds.
    All(Vec<RouteCondition>),
    /// At least one holds.
    Any(Vec<RouteCondition>),
    /// It does not hold.
    Not(Box<RouteCondition>),
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConditionOperator {
    /// The same bytes.
    Equal,
    /// Other bytes, or no value at all.
    NotEqual,
    /// The value stands somewhere in it.
    Contains,
    /// It begins with the value.
    Prefix,
    /// It ends with the value.
    Suffix,
    /// A regular expression matches somewhere in it; anchors are the pattern's own.
    Regex,
    /// It is there at all; with the value `false`: it is not.
    Exists,
    /// It is one of a list of values.
    In,
    /// It is none of a list of values, or there is no value at all.
    NotIn,
    /// It is a decimal number below the value.
    LessThan,
    /// It is a decimal number and not above the value.
    AtMost,
    /// It is a decimal number above the value.
    GreaterThan,
    /// It is a decimal number and not below the value.
    AtLeast,
}

impl ConditionOperator {
    /// Every operator.
    pub const ALL: [ConditionOperator; 13] = [
        ConditionOperator::Equal,
        ConditionOperator::NotEqual,
        ConditionOperator::Contains,
        ConditionOperator::Prefix,
        ConditionOperator::Suffix,
        ConditionOperator::Regex,
        ConditionOperator::Exists,
        ConditionOperator::In,
        ConditionOperator::NotIn,
        ConditionOperator::LessThan,
        ConditionOperator::AtMost,
        ConditionOperator::GreaterThan,
        ConditionOperator::AtLeast,
    ];

    /// The key of the file.
    pub fn name(self) -> &'static str {
        match self {
            ConditionOperator::Equal => "equals",
            ConditionOperator::NotEqual => "not_equals",
            ConditionOperator::Contains => "contains",
            ConditionOperator::Prefix => "prefix",
            ConditionOperator::Suffix => "suffix",
            ConditionOperator::Regex => "regex",
            ConditionOperator::Exists => "exists",
            ConditionOperator::In => "in",
            ConditionOperator::NotIn => "not_in",
            ConditionOperator::LessThan => "less_than",
            ConditionOperator::AtMost => "at_most",
            ConditionOperator::GreaterThan => "greater_than",
            ConditionOperator::AtLeast => "at_least",
        }
    }
}

/// What a condition compares with; `"text".into()`, `3.5.into()`, `true.into()` and
/// `vec!["a".to_owned()].into()` make one.
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionValue {
    /// For [`ConditionOperator::Exists`].
    Flag(bool),
    /// For the comparisons of text.
    Text(String),
    /// For the comparisons of numbers.
    Number(f64),
    /// For [`ConditionOperator::In`] and [`ConditionOperator::NotIn`].
    List(Vec<String>),
}

impl From<bool> for ConditionValue {
    fn from(flag: bool) -> ConditionValue {
        ConditionValue::Flag(flag)
    }
}

impl From<&str> for ConditionValue {
    fn from(text: &str) -> ConditionValue {
        ConditionValue::Text(text.to_owned())
    }
}

impl From<String> for ConditionValue {
    fn from(text: String) -> ConditionValue {
        ConditionValue::Text(text)
    }
}

impl From<f64> for ConditionValue {
    fn from(number: f64) -> ConditionValue {
        ConditionValue::Number(number)
    }
}

impl From<Vec<String>> for ConditionValue {
    fn from(list: Vec<String>) -> ConditionValue {
        ConditionValue::List(list)
    }
}

/// The key path of one of a route's conditions below `routes[0].when`: a single one is written as a
/// table there, several as a list. Those below have `.all[1]`, `.any[1]` or `.not` behind it.
pub(crate) fn path(when: &str, count: usize, index: usize) -> String {
    if count == 1 { when.to_owned() } else { path::element(when, index) }
}
