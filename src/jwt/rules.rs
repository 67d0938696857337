//! What a token must say.

use super::algorithm::Algorithms;
use super::verify::TokenFault;
use crate::limits;
use serde_json::Value;

/// What a token must say beyond being signed.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Algorithms that are allowed at all; without them each key's own.
    pub algorithms: Option<Algorithms>,
    /// What `iss` must be.
    pub issuer: Option<Box<str>>,
    /// One of them must be in `aud`.
    pub audience: Box<[Box<str>]>,
    /// By how much clocks may differ.
    pub leeway_s: u64,
    /// Whether there must be an `exp`.
    pub require_exp: bool,
    /// Claims that must be there.
    pub claims: Box<[ClaimRule]>,
    /// Scopes that must all be there.
    pub scopes: Box<[Box<str>]>,
}

/// A claim that must be there.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// Its name, or with points a way through objects.
    pub name: Box<str>,
    /// One of them must be its value, or in it; any will do where there are none.
    pub values: Box<[Box<str>]>,
}

/// Unix seconds in which a token holds, the leeway included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// From here on.
    pub(super) begins_s: u64,
    /// Until before here; `u64::MAX` for ever.
    pub(super) ends_s: u64,
}

impl Rules {
    /// Holds a token's claims, which are an object, against the rules.
    pub(super) fn judge(&self, claims: &Value, now_s: u64) -> Result<Span, TokenFault> {
        let span = self.span(claims)?;
        if now_s >= span.ends_s {
            return Err(TokenFault::Expired);
        }
        if now_s < span.begins_s {
            return Err(TokenFault::Early);
        }
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(TokenFault::Issuer);
        }
        let is_meant = |text: &str| self.audience.iter().any(|audience| **audience == *text);
        if !self.audience.is_empty() && !claims.get("aud").is_some_and(|aud| any(aud, is_meant)) {
            return Err(TokenFault::Audience);
        }
        if !self.claims.iter().all(|rule| rule.holds(claims)) {
            return Err(TokenFault::ClaimMissing);
        }
        if !self.scopes.iter().all(|scope| has_scope(claims, scope)) {
            return Err(TokenFault::ScopeMissing);
        }
        Ok(span)
    }

    fn span(&self, claims: &Value) -> Result<Span, TokenFault> {
        // RFC 7519 sections 4.1.4 to 4.1.6. A fraction is taken to the side that is refused.
        let ends_s = match claims.get("exp") {
            Some(exp) => seconds(exp, f64::floor)?.saturating_add(self.leeway_s),
            None if self.require_exp => return Err(TokenFault::ExpiryMissing),
            None => u64::MAX,
        };
        let mut begins_s = 0;
        for name in ["nbf", "iat"] {
            if let Some(date) = claims.get(name) {
                let from_s = seconds(date, f64::ceil)?.saturating_sub(self.leeway_s);
                begins_s = from_s.max(begins_s);
            }
        }
        Ok(Span { begins_s, ends_s })
    }
}

impl ClaimRule {
    fn holds(&self, claims: &Value) -> bool {
        let Some(found) = claim(claims, &self.name).filter(|found| !found.is_null()) else {
            return false;
        };
        let is_allowed = |text: &str| self.values.iter().any(|value| **value == *text);
        self.values.is_empty() || any(found, is_allowed)
    }
}

/// A claim by its whole name, or else by its way through objects.
fn claim<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    let way = || name.split('.').try_fold(claims, |found, step| found.get(step));
    claims.get(name).or_else(way)
}

/// Whether a text, a number, a boolean, or one of a list of them passes.
fn any(value: &Value, passes: impl Fn(&str) -> bool) -> bool {
    let one = |value: &Value| match value {
        Value::String(text) => passes(text),
        Value::Number(number) => passes(&number.to_string()),
        Value::Bool(is_true) => passes(if *is_true { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    match value {
        Value::Array(list) => list.iter().any(one),
        other => one(other),
    }
}

/// In `scope` (RFC 8693 section 4.2) or `scp`, as one of the words of a text or as a member of a
/// list.
fn has_scope(claims: &Value, scope: &str) -> bool {
    ["scope", "scp"].iter().any(|name| match claims.get(name) {
        Some(Value::String(words)) => words.split(' ').any(|word| word == scope),
        Some(Value::Array(list)) => list.iter().any(|entry| entry.as_str() == Some(scope)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    })
}

/// A `NumericDate` (RFC 7519 section 2): seconds since 1970, with a fraction or without. What lies
/// before 1970 is 1970.
fn seconds(value: &Value, round: fn(f64) -> f64) -> Result<u64, TokenFault> {
    // The cast takes what is below zero to zero, and what is beyond 64 bits to their end.
    let rounded = || value.as_f64().map(|number| round(number) as u64);
    let date = value.as_u64().or_else(rounded);
    date.filter(|date| *date <= limits::TOKEN_DATE_SECONDS_MAX).ok_or(TokenFault::Malformed)
}
