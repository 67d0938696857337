//! Who may pass: asked of another server for each request.

use super::super::{Faults, is_token};
use crate::config::{ForwardAuthConfig, path};
use crate::http::field::{FRAMING, FieldId, HOP_BY_HOP};
use crate::http::target::authority_is_valid;
use crate::limits;
use std::time::Duration;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &ForwardAuthConfig, faults: &mut Faults) {
    if let Err(what) = url(&found.url) {
        faults.push(&path::join(base, "url"), what);
    }
    let longest = Duration::from_millis(limits::FORWARD_TIMEOUT_MS_MAX);
    if found.timeout < Duration::from_millis(1) || found.timeout > longest {
        faults.push(&path::join(base, "timeout"), "not from 1 ms to a minute");
    }
    let place = path::join(base, "max_requests");
    faults.range(&place, found.max_requests, limits::FORWARD_REQUESTS);
    if found.ca.is_some() && !found.url.to_ascii_lowercase().starts_with("https://") {
        faults.push(&path::join(base, "ca"), "certificates are for `https://`");
    }
    let shown = found.request_headers.as_deref().unwrap_or_default();
    names(&path::join(base, "request_headers"), shown, faults);
    names(&path::join(base, "response_headers"), &found.response_headers, faults);
    names(&path::join(base, "client_headers"), &found.client_headers, faults);
    for (key, name) in [("user_header", &found.user_header), ("roles_header", &found.roles_header)]
    {
        let place = path::join(base, key);
        names(&place, name.as_slice(), faults);
    }
}

fn names(place: &str, names: &[String], faults: &mut Faults) {
    if names.len() > limits::FORWARD_NAMES_MAX {
        faults.push(place, format!("more than {} names", limits::FORWARD_NAMES_MAX));
    }
    for name in names {
        let shown = name.escape_debug();
        if !is_token(name) {
            faults.push(place, format!("`{shown}` is no name of a field"));
            continue;
        }
        let id = FieldId::of(name.as_bytes());
        if OWN.contains(&id) || HOP_BY_HOP.contains(id) || FRAMING.contains(id) {
            faults.push(place, format!("`{shown}` belongs to one connection, not to a request"));
        }
    }
}

/// Fields that each message has of its own.
const OWN: [FieldId; 4] = [FieldId::Host, FieldId::Trailer, FieldId::Expect, FieldId::Via];

fn url(url: &str) -> Result<(), String> {
    let scheme = |name: &str| {
        let (scheme, rest) = url.split_at_checked(name.len())?;
        scheme.eq_ignore_ascii_case(name).then_some(rest)
    };
    let rest = scheme("http://").or_else(|| scheme("https://"));
    let Some(rest) = rest else {
        return Err("expected a URL such as `http://auth.example:9000/check`".to_owned());
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() || !authority_is_valid(authority.as_bytes()) {
        return Err("the host is missing or malformed, or there is a name before it".to_owned());
    }
    if !path.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'#') {
        return Err("a URL has no spaces, no fragment and no letters beyond ASCII".to_owned());
    }
    if url.len() > limits::PATTERN_BYTES_MAX {
        return Err(format!("longer than {} bytes", limits::PATTERN_BYTES_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_urls_from_others() {
        for right in ["http://a", "HTTPS://a.example:9000/b?c=d", "http://[::1]:80/", "http://a?b"]
        {
            assert_eq!(url(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http:///b",
            "http://a b",
            "http://u@a/",
            "http://a/#b",
            "http://a/ä",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
