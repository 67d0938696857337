//! What those who are known may do.

use super::super::{Method, RouteCondition};
use std::collections::BTreeMap;

/// What those who are known may do: role-based access control.
///
/// The first rule of [`RbacEffect::Deny`] that matches refuses a request; else the first of
/// [`RbacEffect::Allow`] that matches lets it pass; else it is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RbacConfig {
    /// The rules, at least one. Their order only says which of several that match is told in the
    /// log.
    pub rules: Vec<RbacRule>,
    /// The claim that has a client's roles: a list of texts, or a text of words. The whole name is
    /// looked for first, then, where it has points, a way through objects (`realm_access.roles`).
    /// `roles` by default, as Auth0's and Entra's guides have it.
    pub roles_claim: String,
}

/// One rule. It matches where everything that it says holds; of what it leaves empty it says
/// nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RbacRule {
    /// What the log calls it.
    pub name: String,
    /// What becomes of requests that it matches.
    pub effect: RbacEffect,
    /// The client has one of these roles.
    pub roles: Vec<String>,
    /// The client has all of these scopes: words of its claim `scope` (RFC 8693 section 4.2), or
    /// of `scp` where there is none.
    pub scopes: Vec<String>,
    /// The client has each of these claims with one of the values, or with a list that has one of
    /// them. Names are read as [`RbacConfig::roles_claim`] is.
    pub claims: BTreeMap<String, Vec<ClaimValue>>,
    /// The client is one of these: a token's `sub`, the name of a key or a user.
    pub subjects: Vec<String>,
    /// The method is one of these; GET stands for HEAD too.
    pub methods: Vec<Method>,
    /// The path matches one of these patterns, which are written as those of routes: `/a/*` is
    /// `/a` and all below.
    pub paths: Vec<String>,
    /// All of these hold.
    pub conditions: Vec<RouteCondition>,
}

/// What becomes of the requests that a rule matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RbacEffect {
    /// They pass, where no rule denies them. The default: most rules name who may.
    #[default]
    Allow,
    /// They are refused.
    Deny,
}

/// What a claim is compared with; `"text".into()`, `7.into()` and `true.into()` make one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimValue {
    /// This text, with case.
    Text(String),
    /// This whole number.
    Number(i64),
    /// This truth.
    Flag(bool),
}

impl RbacRule {
    /// Whether it says who the client must be: such a rule matches nobody who is not known.
    pub fn asks_who(&self) -> bool {
        let lists = [&self.roles, &self.scopes, &self.subjects];
        !self.claims.is_empty() || lists.iter().any(|list| !list.is_empty())
    }
}

impl Default for RbacConfig {
    fn default() -> RbacConfig {
        RbacConfig { rules: Vec::new(), roles_claim: "roles".to_owned() }
    }
}

impl From<&str> for ClaimValue {
    fn from(text: &str) -> ClaimValue {
        ClaimValue::Text(text.to_owned())
    }
}

impl From<i64> for ClaimValue {
    fn from(number: i64) -> ClaimValue {
        ClaimValue::Number(number)
    }
}

impl From<bool> for ClaimValue {
    fn from(flag: bool) -> ClaimValue {
        ClaimValue::Flag(flag)
    }
}
