//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::{Faults, is_token};
use crate::config::{CorsConfig, path};
use crate::http::origin;
use crate::limits;
use std::collections::HashSet;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &CorsConfig, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    let CorsConfig { origins: _, origin_regexes, methods, headers, expose_headers, .. } = found;
    origins(&key("origins"), found, faults);
    count(&key("origin_regexes"), origin_regexes.len(), limits::CORS_REGEXES_COUNT_MAX, faults);
    count(&key("methods"), methods.len(), limits::CORS_LIST_COUNT_MAX, faults);
    names(&key("headers"), headers, faults);
    names(&key("expose_headers"), expose_headers, faults);
    if found.credentials && expose_headers.iter().any(|name| name == "*") {
        let message = "with `credentials` browsers take `*` for a field of that name: list them";
        faults.push(&key("expose_headers"), message);
    }
    if found.max_age.as_secs() > limits::CORS_MAX_AGE_SECONDS_MAX {
        faults.push(&key("max_age"), "longer than a day, which is the most that any browser takes");
    }
    if found.max_age.subsec_nanos() > 0 {
        faults.push(&key("max_age"), "whole seconds");
    }
}

fn origins(base: &str, found: &CorsConfig, faults: &mut Faults) {
    let list = &found.origins;
    if list.is_empty() && found.origin_regexes.is_empty() {
        faults.push(base, "nobody's pages may: list origins, or `\"*\"` for all");
    }
    count(base, list.len(), limits::CORS_LIST_COUNT_MAX, faults);
    let mut seen = HashSet::new();
    for (index, text) in list.iter().enumerate() {
        let place = path::element(base, index);
        match origin::Pattern::parse(text) {
            Err(fault) => faults.push(&place, fault.to_string()),
            Ok(origin::Pattern::Any) if found.credentials => {
                let message = "with `credentials` every page would act in its reader's name: list \
                               the origins";
                faults.push(&place, message);
            }
            Ok(origin::Pattern::Any) if list.len() + found.origin_regexes.len() > 1 => {
                faults.push(&place, "`*` is all origins: the others say nothing more");
            }
            Ok(pattern) if !seen.insert(pattern.clone()) => {
                faults.push(&place, format!("`{}` is in the list already", text.escape_debug()));
            }
            Ok(_) => {}
        }
    }
}

fn names(base: &str, names: &[String], faults: &mut Faults) {
    count(base, names.len(), limits::CORS_LIST_COUNT_MAX, faults);
    let bytes: usize = names.iter().map(|name| name.len() + 2).sum();
    if bytes > limits::CORS_LINE_BYTES_MAX {
        let most = limits::CORS_LINE_BYTES_MAX;
        faults.push(base, format!("the names have more than {most} bytes together"));
    }
    for (index, name) in names.iter().enumerate() {
        let place = path::element(base, index);
        if !is_token(name) {
            faults.push(&place, format!("`{}` is no name of a field", name.escape_debug()));
        } else if name == "*" && names.len() > 1 {
            faults.push(&place, "`*` is all fields: the others say nothing more");
        }
    }
}

fn count(place: &str, count: usize, most: usize, faults: &mut Faults) {
    if count > most {
        faults.push(place, format!("{count} of them, more than {most}"));
    }
}
