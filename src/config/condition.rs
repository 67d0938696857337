//! Conditions of a route beyond host, path and method. None is built in this version: a
//! configuration with one is refused.

/// What a request must have for a route to match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteCondition {
    /// A field of the head.
    Header {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: String,
        /// How.
        operator: ConditionOperator,
    },
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: String,
        /// How.
        operator: ConditionOperator,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// What it is compared with.
        value: String,
        /// How.
        operator: ConditionOperator,
    },
    /// Every one holds.
    All(Vec<RouteCondition>),
    /// At least one holds.
    Any(Vec<RouteCondition>),
    /// It does not hold.
    Not(Box<RouteCondition>),
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConditionOperator {
    /// The same bytes.
    Equal,
    /// Other bytes.
    NotEqual,
    /// A regular expression matches.
    Regex,
    /// It begins with the value.
    Prefix,
    /// It is there at all.
    Exists,
}
