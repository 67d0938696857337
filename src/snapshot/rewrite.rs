//! Another path for the upstream, over the canonical one.

use super::Refusal;
use super::template::{Purpose, Scope, Template, TemplateFault, Values, one_slash};
use crate::limits;
use crate::router::path::{self, Ambiguities, Ambiguity, PathFault, Policy};
use regex_automata::Input;
use regex_automata::meta::{self, Cache, Regex};
use regex_automata::util::primitives::{NonMaxUsize, PatternID};
use regex_automata::util::syntax;
use std::fmt;

/// How a path is rewritten.
#[derive(Debug)]
pub enum Rewrite {
    /// Whole segments off the front, and others in their place.
    Prefix {
        /// Begins with a slash and ends with none; empty for none.
        strip: Box<[u8]>,
        /// The same.
        add: Box<[u8]>,
    },
    /// Another path altogether.
    Path(Template),
    /// What an expression matches, replaced.
    Regex(Box<Replace>),
}

/// An expression and what stands in place of its match.
pub struct Replace {
    /// Counts the expressions of a snapshot, for their caches.
    number: u32,
    regex: Regex,
    with: Template,
}

impl fmt::Debug for Replace {
    /// Without the expression's program, which has pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replace").field("number", &self.number).field("with", &self.with).finish()
    }
}

/// The memory that rewriting takes, for one worker.
#[derive(Debug, Default)]
pub struct RewriteCaches {
    slots: Vec<Option<Box<(u32, Cache)>>>,
    /// The canonical form of a path that was composed, where it is another.
    canonical: Vec<u8>,
}

impl Rewrite {
    /// Appends the path for the upstream: it begins with exactly one slash, and has neither a blank
    /// nor a `?`.
    ///
    /// # Errors
    /// What values came together to, where the route's policy does not take it of a path, or where
    /// it is a dot segment.
    pub fn write(
        &self,
        values: &Values<'_>,
        policy: Policy,
        caches: &mut RewriteCaches,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let from = out.len();
        match self {
            Rewrite::Prefix { strip, add } => {
                match without(values.path, strip) {
                    Some(left) => {
                        out.extend_from_slice(add);
                        out.extend_from_slice(left);
                        if out.len() == from {
                            out.push(b'/');
                        }
                    }
                    None => out.extend_from_slice(values.path),
                }
                // Whole segments that were judged already.
                return Ok(());
            }
            Rewrite::Path(template) => template.write(values, out),
            Rewrite::Regex(replace) => {
                replace.write(values, caches, out);
                one_slash(from, out);
            }
        }
        judge(out.get(from..).unwrap_or_default(), policy, &mut caches.canonical)
    }
}

/// Judges a path that was composed: a canonical one has nothing that the policy refuses, but
/// values that meet can make it.
fn judge(path: &[u8], policy: Policy, scratch: &mut Vec<u8>) -> Result<(), Refusal> {
    let refused = match path::canonical(path, scratch) {
        Ok(found) => policy.refused_of_composed(found.ambiguities),
        Err(PathFault::AboveRoot) => Some(Ambiguity::DotSegments),
        Err(fault) => return Err(Refusal::Path(fault)),
    };
    refused.map_or(Ok(()), |ambiguity| Err(Refusal::Ambiguous(ambiguity)))
}

/// What is left behind whole segments; none where the path does not begin with them.
fn without<'a>(path: &'a [u8], strip: &[u8]) -> Option<&'a [u8]> {
    let left = path.strip_prefix(strip)?;
    matches!(left, [] | [b'/', ..]).then_some(left)
}

/// What a policy refuses of a template whatever its values are: its literal parts have it.
pub(super) fn refused_of_parts(template: &Template, policy: Policy) -> Option<Ambiguity> {
    let mut scratch = Vec::new();
    // What a segment is, is not known of a part.
    let of_bytes = Ambiguities::of(&[
        Ambiguity::Nul,
        Ambiguity::Backslash,
        Ambiguity::EncodedSlash,
        Ambiguity::DoubleEncoding,
    ]);
    template.texts().find_map(|text| {
        let path = [b"/", text].concat();
        let found = path::canonical(&path, &mut scratch).ok()?;
        policy.refused_of_composed(found.ambiguities.and(of_bytes))
    })
}

/// What a policy refuses of a path that is always the same.
pub(super) fn refused_of_literal(path: &[u8], policy: Policy) -> Option<Ambiguity> {
    match judge(path, policy, &mut Vec::new()) {
        Err(Refusal::Ambiguous(ambiguity)) => Some(ambiguity),
        Err(
            Refusal::Path(_)
            | Refusal::Undecided
            | Refusal::Method(_)
            | Refusal::NotAcceptable
            | Refusal::NotFound,
        )
        | Ok(()) => None,
    }
}

impl Replace {
    /// The template of what replaces a match.
    pub(super) fn with(&self) -> &Template {
        &self.with
    }

    /// Compiles an expression, the `number`th of its snapshot, and what replaces its match.
    ///
    /// # Errors
    /// The fault, and whether it is the expression's rather than the template's.
    pub fn new(
        (regex, with): (&str, &str),
        number: u32,
        scope: &Scope<'_>,
    ) -> Result<Replace, (Side, TemplateFault)> {
        let fault = |message: String| (Side::Regex, TemplateFault { message, nearest: None });
        if regex.len() > limits::REWRITE_REGEX_BYTES_MAX {
            let most = limits::REWRITE_REGEX_BYTES_MAX;
            return Err(fault(format!("longer than {most} bytes")));
        }
        // A canonical path is ASCII, so classes of Unicode would only make the program large.
        let built = Regex::builder()
            .configure(
                Regex::config()
                    .nfa_size_limit(Some(limits::REWRITE_PROGRAM_BYTES_MAX))
                    .onepass_size_limit(Some(limits::REWRITE_PROGRAM_BYTES_MAX))
                    .hybrid_cache_capacity(limits::REWRITE_PROGRAM_BYTES_MAX)
                    .utf8_empty(false),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build(regex);
        let regex = match built {
            Ok(regex) => regex,
            Err(error) if error.size_limit().is_some() => {
                return Err(fault("the expression is too large once compiled".to_owned()));
            }
            Err(error) => return Err(fault(why(&error))),
        };
        let groups: Vec<Option<String>> = regex
            .group_info()
            .pattern_names(PatternID::ZERO)
            .map(|name| name.map(str::to_owned))
            .collect();
        if groups.len() > limits::REWRITE_GROUPS_MAX {
            let most = limits::REWRITE_GROUPS_MAX - 1;
            return Err(fault(format!("more than {most} groups")));
        }
        let scope = Scope { groups: Some(&groups), ..*scope };
        let with = Template::read(with, Purpose::PathPart, &scope);
        Ok(Replace { number, regex, with: with.map_err(|fault| (Side::With, fault))? })
    }

    fn write(&self, values: &Values<'_>, caches: &mut RewriteCaches, out: &mut Vec<u8>) {
        let path = values.path;
        let mut groups = [None::<NonMaxUsize>; 2 * limits::REWRITE_GROUPS_MAX];
        let cache = caches.of(self);
        let slots = groups.get_mut(..self.regex.group_info().slot_len()).unwrap_or_default();
        if self.regex.search_slots_with(cache, &Input::new(path), slots).is_none() {
            return out.extend_from_slice(path);
        }
        let at = |slot: usize| groups[slot].map_or(0, NonMaxUsize::get);
        out.extend_from_slice(path.get(..at(0)).unwrap_or_default());
        self.with.write(&Values { groups: &groups, ..*values }, out);
        out.extend_from_slice(path.get(at(1)..).unwrap_or_default());
    }
}

/// The half of a [`Replace`] that a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The expression.
    Regex,
    /// What replaces its match.
    With,
}

/// The sentence of a syntax error, which stands behind others.
fn why(error: &meta::BuildError) -> String {
    use std::error::Error;
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl RewriteCaches {
    /// The cache of an expression: its own, or one that was another's.
    fn of(&mut self, replace: &Replace) -> &mut Cache {
        if self.slots.is_empty() {
            self.slots.resize_with(limits::REWRITE_CACHES_MAX, || None);
        }
        let place = replace.number as usize % limits::REWRITE_CACHES_MAX;
        let slot = self.slots[place]
            .get_or_insert_with(|| Box::new((replace.number, replace.regex.create_cache())));
        if slot.0 != replace.number {
            slot.0 = replace.number;
            slot.1.reset(&replace.regex);
        }
        &mut slot.1
    }
}

#[cfg(test)]
mod tests;
