//! What routes do with requests, and with their heads on the way.

use super::super::{
    FileServing, GatewayConfig, HeaderEdits, HeaderValue, Redirect, Rewrite, Route, StaticResponse,
    WeightedCluster, path,
};
use super::{Faults, Owner, is_token, route};
use crate::http::field::{FRAMING, FieldId, HOP_BY_HOP};
use crate::limits;
use std::collections::HashSet;
use std::path::Path;

/// Clusters that share a route's requests.
pub(super) fn clusters(
    owner: Owner<'_>,
    config: &GatewayConfig,
    found: &[WeightedCluster],
    faults: &mut Faults,
) {
    if found.is_empty() {
        return;
    }
    let list = owner.key("clusters");
    if found.iter().all(|cluster| cluster.weight == 0) {
        faults.push(&list, "every weight is 0: nobody would get a request");
    }
    if found.len() > limits::WEIGHTED_CLUSTERS_COUNT_MAX {
        let most = limits::WEIGHTED_CLUSTERS_COUNT_MAX;
        faults.push(&list, format!("more than {most} clusters"));
    }
    let mut seen = HashSet::new();
    for (index, cluster) in found.iter().enumerate() {
        let base = path::element(&list, index);
        let name = path::join(&base, "name");
        faults.range(&path::join(&base, "weight"), cluster.weight, 0..=limits::WEIGHT_MAX);
        if !config.clusters.contains_key(&cluster.name) {
            route::unknown_cluster(&name, &cluster.name, config, faults);
        } else if !seen.insert(cluster.name.as_str()) {
            let message = format!("`{}` is in the list already", cluster.name);
            faults.push(&name, message);
        }
    }
}

/// Answers that need no upstream.
pub(super) fn answers(owner: Owner<'_>, found: &Route, faults: &mut Faults) {
    if let Some(found) = &found.redirect {
        redirect(&owner.key("redirect"), found, faults);
    }
    if let Some(found) = &found.respond {
        respond(&owner.key("respond"), found, faults);
    }
    if let Some(found) = &found.files {
        files(&owner.key("files"), found, faults);
    }
}

fn redirect(base: &str, found: &Redirect, faults: &mut Faults) {
    let to = path::join(base, "to");
    if found.to.is_empty() {
        faults.push(&to, "nowhere to: write a URL or a path, as in `https://$host$request_uri`");
    }
    template(&to, &found.to, faults);
    if !REDIRECTS.contains(&found.status) {
        let message = format!("{} is no redirect: 301, 302, 303, 307 or 308", found.status);
        faults.push(&path::join(base, "status"), message);
    }
}

pub(super) fn respond(base: &str, found: &StaticResponse, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    let StaticResponse { status, body, body_file, content_type } = found;
    faults.range(&key("status"), *status, limits::RESPOND_STATUS);
    let body_key = if body.is_some() { "body" } else { "body_file" };
    if BODILESS.contains(status) && (body.is_some() || body_file.is_some()) {
        faults.push(&key(body_key), format!("an answer of status {status} has no body"));
    }
    if body.is_some() && body_file.is_some() {
        faults.push(&key("body_file"), "`body` says it already");
    }
    if let Some(body) = body
        && body.len() > limits::RESPOND_BODY_BYTES_MAX
    {
        let most = limits::RESPOND_BODY_BYTES_MAX / 1024;
        faults.push(&key("body"), format!("longer than {most} KiB: serve it with `files`"));
    }
    if let Some(file) = body_file {
        absolute(&key("body_file"), file, "a file", faults);
    }
    value(&key("content_type"), content_type, faults);
    if content_type.trim().is_empty() {
        faults.push(&key("content_type"), "an empty media type");
    }
}

fn files(base: &str, found: &FileServing, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    let FileServing { root, index, fallback, cache_control, hidden: _ } = found;
    absolute(&key("root"), root, "a folder", faults);
    if index.len() > limits::INDEX_FILES_COUNT_MAX {
        let most = limits::INDEX_FILES_COUNT_MAX;
        faults.push(&key("index"), format!("more than {most} names"));
    }
    for (at, name) in index.iter().enumerate() {
        if name.contains('/') || !is_below(name) {
            let message = format!("`{}` is no name of a file", name.escape_debug());
            faults.push(&path::element(&key("index"), at), message);
        }
    }
    if let Some(fallback) = fallback
        && !is_below(fallback.strip_prefix('/').unwrap_or(fallback))
    {
        let message = format!("`{}` is no file below `root`", fallback.escape_debug());
        faults.push(&key("fallback"), message);
    }
    if let Some(text) = cache_control {
        value(&key("cache_control"), text, faults);
        if text.trim().is_empty() {
            faults.push(&key("cache_control"), "an empty value: leave the key out");
        }
    }
}

/// Whether a path stays below the folder that it starts in, and says so plainly.
fn is_below(path: &str) -> bool {
    let is_name = |name: &str| !["", ".", ".."].contains(&name);
    path.split('/').all(is_name) && !path.contains('\0')
}

pub(super) fn absolute(path: &str, file: &Path, what: &str, faults: &mut Faults) {
    let has_nul = file.as_os_str().as_encoded_bytes().contains(&0);
    if !file.is_absolute() || has_nul {
        faults.push(path, format!("the absolute path of {what}, as in `/srv/www`"));
    }
}

/// What stands around the action.
pub(super) fn around(owner: Owner<'_>, found: &Route, faults: &mut Faults) {
    let has_upstream =
        !found.upstreams.is_empty() || found.cluster.is_some() || !found.clusters.is_empty();
    // A route without any action is refused for that.
    let answer = match (&found.redirect, &found.respond, &found.files) {
        _ if has_upstream => None,
        (Some(_), _, _) => Some("redirect"),
        (None, Some(_), _) => Some("respond"),
        (None, None, Some(_)) => Some("files"),
        (None, None, None) => None,
    };
    let mut unused = |key: &str| {
        if let Some(answer) = answer {
            let message = format!("`{answer}` sends nothing to an upstream");
            faults.push(&owner.key(key), message);
        }
    };
    if found.host_rewrite.is_some() {
        unused("host_rewrite");
    }
    if !found.request_headers.is_empty() {
        unused("request_headers");
    }
    if found.rewrite.is_some() && answer != Some("files") {
        unused("rewrite");
    }
    if let Some(found) = &found.rewrite {
        rewrite(&owner.key("rewrite"), found, faults);
    }
    if let Some(host) = &found.host_rewrite {
        let path = owner.key("host_rewrite");
        template(&path, host, faults);
        if host.is_empty() || host.contains([' ', '/']) {
            faults.push(&path, "a host, as in `api.internal:8080` or `$upstream_host`");
        }
    }
    for (key, edits, is_request) in [
        ("request_headers", &found.request_headers, true),
        ("response_headers", &found.response_headers, false),
    ] {
        if !edits.is_empty() {
            header_edits(&owner.key(key), edits, is_request, faults);
        }
    }
}

fn rewrite(base: &str, found: &Rewrite, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    match found {
        Rewrite::Prefix { strip, add } => {
            if strip.is_empty() && add.is_empty() {
                faults.push(base, "neither `strip_prefix` nor `add_prefix`: nothing changes");
            }
            for (name, prefix) in [("strip_prefix", strip), ("add_prefix", add)] {
                if !prefix.is_empty() && !prefix.starts_with('/') {
                    faults.push(&key(name), format!("begins with `/`: write `/{prefix}`"));
                }
                template(&key(name), prefix, faults);
            }
        }
        Rewrite::Path(path) => {
            // A variable may hold the `/`.
            if !path.starts_with(['/', '$']) {
                faults.push(&key("path"), "a path begins with `/`");
            }
            template(&key("path"), path, faults);
        }
        Rewrite::Regex { regex, with } => {
            if regex.is_empty() {
                faults.push(&key("regex"), "an empty regex: it matches everywhere");
            }
            template(&key("with"), with, faults);
        }
    }
}

/// Changes of one head; `base` is their key path.
pub(super) fn header_edits(base: &str, found: &HeaderEdits, is_request: bool, faults: &mut Faults) {
    let HeaderEdits { set, append, remove } = found;
    let count = set.len() + append.len() + remove.len();
    if count > limits::FIELD_EDITS_MAX {
        let most = limits::FIELD_EDITS_MAX;
        faults.push(base, format!("{count} changes, more than {most}"));
        return;
    }
    for (key, values) in [("set", set), ("append", append)] {
        let base = path::join(base, key);
        let mut seen = HashSet::new();
        for (name, found) in values {
            let path = path::join(&base, name);
            field_name(&path, name, is_request, faults);
            match found {
                HeaderValue::Template(text) => template(&path, text, faults),
                HeaderValue::Secret(secret) => value(&path, secret.expose(), faults),
            }
            if !seen.insert(name.to_ascii_lowercase().replace('_', "-")) {
                let message = "is there already: names of fields have no case, and an upstream may \
                               read `_` as `-`";
                faults.push(&path, message);
            }
        }
    }
    let list = path::join(base, "remove");
    for (index, name) in remove.iter().enumerate() {
        let path = path::element(&list, index);
        field_name(&path, name, is_request, faults);
        if remove.iter().take(index).any(|other| other.eq_ignore_ascii_case(name)) {
            faults.push(&path, format!("`{}` is in the list already", name.escape_debug()));
        }
        if set.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            faults.push(&path, "`set` replaces it already");
        }
    }
}

/// A field that may be written: what holds for one connection or ends a message is the gateway's.
pub(super) fn field_name(path: &str, name: &str, is_request: bool, faults: &mut Faults) {
    if !is_token(name) {
        faults.push(path, format!("`{}` is no name of a field", name.escape_debug()));
        return;
    }
    let id = FieldId::of(name.as_bytes());
    if id == FieldId::Host && is_request {
        faults.push(path, "`Host` is changed by `host_rewrite`");
    } else if FRAMING.contains(id) {
        faults.push(path, format!("`{name}` says where a message ends: the gateway writes it"));
    } else if HOP_BY_HOP.contains(id) || matches!(id, FieldId::Trailer | FieldId::Expect) {
        faults.push(path, format!("`{name}` holds for one connection: the gateway writes it"));
    }
}

/// A text in which variables are replaced; which there are is known where it is compiled.
fn template(path: &str, text: &str, faults: &mut Faults) {
    value(path, text, faults);
    if text.len() > limits::TEMPLATE_BYTES_MAX {
        faults.push(path, format!("longer than {} bytes", limits::TEMPLATE_BYTES_MAX));
    }
}

/// RFC 9110 section 5.5: what a field's value cannot have.
pub(super) fn value(path: &str, text: &str, faults: &mut Faults) {
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        faults.push(path, "control characters: a field is one line");
    }
}

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
const BODILESS: [u16; 3] = [204, 205, 304];
