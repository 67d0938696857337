//! Changes of bodies.

use super::super::super::path;
use super::super::{Faults, is_token};
use crate::config::{TransformConfig, TransformStep};
use crate::limits;

/// `base` is where the filter stands. Expressions and paths are checked as they are compiled.
pub(super) fn check(base: &str, found: &TransformConfig, faults: &mut Faults) {
    let TransformConfig { request, response, media_types, buffer, on_error: _ } = found;
    if request.is_empty() && response.is_empty() {
        faults.push(base, "it changes nothing: write steps in `request` or `response`");
    }
    for (key, steps) in [("request", request), ("response", response)] {
        let list = path::join(base, key);
        if steps.len() > limits::TRANSFORM_STEPS_MAX {
            faults.push(&list, format!("more than {} steps", limits::TRANSFORM_STEPS_MAX));
        }
        for (index, step) in steps.iter().enumerate() {
            check_step(&path::element(&list, index), step, faults);
        }
    }
    let list = path::join(base, "media_types");
    if media_types.len() > limits::TRANSFORM_MEDIA_TYPES_MAX {
        let most = limits::TRANSFORM_MEDIA_TYPES_MAX;
        faults.push(&list, format!("more than {most} media types"));
    }
    for (index, media_type) in media_types.iter().enumerate() {
        if !is_media_range(media_type) {
            let message = format!(
                "`{}` is no media type such as `text/html`, `text/*`, `application/*+json`, `*/*`",
                media_type.escape_debug()
            );
            faults.push(&path::element(&list, index), message);
        }
    }
    faults.range(&path::join(base, "buffer"), *buffer, limits::TRANSFORM_BUFFER);
}

fn check_step(base: &str, step: &TransformStep, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    match step {
        TransformStep::Replace { find, with } => {
            if find.is_empty() {
                faults.push(&key("find"), "the empty text is everywhere");
            }
            for (name, text) in [("find", find), ("with", with)] {
                too_long(&key(name), text, faults);
            }
        }
        TransformStep::ReplaceRegex { regex: _, with } => too_long(&key("with"), with, faults),
        TransformStep::JsonSet(values) => count(&key("json_set"), values.len(), faults),
        TransformStep::JsonRemove(paths) => count(&key("json_remove"), paths.len(), faults),
        TransformStep::JsonRename(names) => count(&key("json_rename"), names.len(), faults),
    }
}

fn too_long(path: &str, text: &str, faults: &mut Faults) {
    if text.len() > limits::TRANSFORM_TEXT_BYTES_MAX {
        let most = limits::TRANSFORM_TEXT_BYTES_MAX;
        faults.push(path, format!("longer than {most} bytes"));
    }
}

fn count(path: &str, paths_count: usize, faults: &mut Faults) {
    match paths_count {
        0 => faults.push(path, "no path"),
        count if count > limits::JSON_PATHS_MAX => {
            faults.push(path, format!("more than {} paths", limits::JSON_PATHS_MAX));
        }
        1.. => {}
    }
}

/// `type/subtype`, with `*` for all of either, or in front of a suffix.
fn is_media_range(text: &str) -> bool {
    let Some((kind, subtype)) = text.split_once('/') else { return false };
    let is_plain = |text: &str| is_token(text) && !text.contains('*');
    match (kind, subtype) {
        ("*", subtype) => subtype == "*",
        (kind, "*") => is_plain(kind),
        (kind, subtype) => {
            is_plain(kind) && is_plain(subtype.strip_prefix("*+").unwrap_or(subtype))
        }
    }
}
