//! Changes of bodies.

use crate::limits;
use serde_json::Value;
use std::collections::BTreeMap;

/// Changes of bodies. A body that it applies to is held whole, changed, and sent on with its new
/// length; every other body goes on as it comes.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformConfig {
    /// What is done to the body of a request, one step after the other.
    pub request: Vec<TransformStep>,
    /// What is done to the body of an answer.
    pub response: Vec<TransformStep>,
    /// The media types of bodies that it applies to: `text/html`, `text/*`, `application/*+json`,
    /// `*/*`. Without any: for steps of JSON `application/json`, `text/json` and `…+json`; for
    /// other steps these, XML, JavaScript and `text/*` but for `text/event-stream`, which has no
    /// end to wait for.
    pub media_types: Vec<String>,
    /// Bytes that a body may have, before each step and behind it; a longer request is refused with
    /// 413, a longer answer with 502. 1 MiB, since a worker holds 64 of them.
    pub buffer: u64,
    /// What becomes of a body that cannot be read: one that is coded (`Content-Encoding`), is no
    /// JSON where a step needs that, or is a part of an answer (206).
    pub on_error: TransformError,
}

/// One change of a body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TransformStep {
    /// Every occurrence of a text is replaced.
    Replace {
        /// The text, byte by byte.
        find: String,
        /// What stands in its place.
        with: String,
    },
    /// Every match of a regular expression is replaced.
    ReplaceRegex {
        /// The expression; it may not match the empty text.
        regex: String,
        /// What stands in its place, in which `$1` and `${name}` are groups and `$$` is a dollar.
        with: String,
    },
    /// Values of JSON, by their paths: `user.name`, `items.0`, `items.*.id`. Objects that are
    /// missing on the way are made.
    JsonSet(BTreeMap<String, Value>),
    /// Members and elements of JSON that are taken out.
    JsonRemove(Vec<String>),
    /// New names of members of JSON, by their paths.
    JsonRename(BTreeMap<String, String>),
}

/// What becomes of a body that a filter cannot read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransformError {
    /// It goes on as it is, and is counted: what is already served stays so.
    #[default]
    Pass,
    /// The request is refused with 400, the answer with 502: where a change must not be missed.
    Refuse,
}

impl Default for TransformConfig {
    fn default() -> Self {
        Self {
            request: Vec::new(),
            response: Vec::new(),
            media_types: Vec::new(),
            buffer: limits::TRANSFORM_BUFFER_BYTES,
            on_error: TransformError::default(),
        }
    }
}
