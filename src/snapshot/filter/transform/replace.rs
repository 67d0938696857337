//! Texts and expressions, and what stands in their place.

use super::Unchanged;
use crate::limits;
use memchr::memmem::Finder;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::primitives::{NonMaxUsize, PatternID};
use regex_automata::util::syntax;
use std::error::Error;
use std::fmt;

/// A text that is looked for, byte by byte.
#[derive(Debug)]
pub(super) struct Literal {
    finder: Finder<'static>,
    with: Box<[u8]>,
}

/// An expression that is looked for.
pub(super) struct Expression {
    /// Counts the expressions of a filter, for their caches.
    number: usize,
    regex: Regex,
    with: Box<[Piece]>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    Group(usize),
}

/// The key that a fault is about, and the fault.
pub(super) type KeyFault = (&'static str, String);

impl Literal {
    pub(super) fn new(find: &[u8], with: &[u8]) -> Literal {
        Literal { finder: Finder::new(find).into_owned(), with: with.into() }
    }

    /// Appends `from` with every occurrence replaced; whether there was one. Occurrences do not
    /// overlap, and what was put in is not looked at again.
    pub(super) fn replace(
        &self,
        from: &[u8],
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Unchanged> {
        let find_bytes = self.finder.needle().len();
        let mut at = 0;
        for found in self.finder.find_iter(from) {
            push(out, &from[at..found], bytes_max)?;
            push(out, &self.with, bytes_max)?;
            at = found + find_bytes;
        }
        if at == 0 {
            return Ok(false);
        }
        push(out, &from[at..], bytes_max)?;
        Ok(true)
    }
}

impl fmt::Debug for Expression {
    /// Without the expression's program, which has pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("number", &self.number).finish()
    }
}

impl Expression {
    pub(super) fn new(regex: &str, with: &str, number: usize) -> Result<Expression, KeyFault> {
        let fault = |message: String| ("regex", message);
        if regex.len() > limits::TRANSFORM_REGEX_BYTES_MAX {
            let most = limits::TRANSFORM_REGEX_BYTES_MAX;
            return Err(fault(format!("longer than {most} bytes")));
        }
        // Bodies may hold bytes that are no text, and tables of Unicode would only make the program
        // large; what is written in UTF-8 is found byte by byte.
        let syntax =
            syntax::Config::new().unicode(false).utf8(false).nest_limit(limits::REGEX_DEPTH_MAX);
        let hir = syntax::parse_with(regex, &syntax).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            fault(last.strip_prefix("error: ").unwrap_or(last).to_owned())
        })?;
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return Err(fault("it matches the empty text, which is everywhere".to_owned()));
        }
        let config = Regex::config()
            .nfa_size_limit(Some(limits::TRANSFORM_PROGRAM_BYTES_MAX))
            .onepass_size_limit(Some(limits::TRANSFORM_PROGRAM_BYTES_MAX))
            .hybrid_cache_capacity(limits::TRANSFORM_PROGRAM_BYTES_MAX)
            .utf8_empty(false);
        let built = Regex::builder().configure(config).build_from_hir(&hir);
        let regex = built.map_err(|error| match error.size_limit() {
            Some(_) => fault("the expression is too large once compiled".to_owned()),
            None => fault(error.source().map_or(error.to_string(), ToString::to_string)),
        })?;
        let names = regex.group_info().pattern_names(PatternID::ZERO);
        let names: Vec<Option<String>> = names.map(|name| name.map(str::to_owned)).collect();
        if names.len() > limits::TRANSFORM_GROUPS_MAX {
            let most = limits::TRANSFORM_GROUPS_MAX - 1;
            return Err(fault(format!("more than {most} groups")));
        }
        let with = pieces(with, &names).map_err(|message| ("with", message))?;
        Ok(Expression { number, regex, with })
    }

    /// What searching takes: made the first time.
    pub(super) fn cache<'c>(&self, caches: &'c mut Vec<Option<Cache>>) -> &'c mut Cache {
        if caches.len() <= self.number {
            caches.resize_with(self.number + 1, || None);
        }
        caches[self.number].get_or_insert_with(|| self.regex.create_cache())
    }

    /// As [`Literal::replace`].
    pub(super) fn replace(
        &self,
        from: &[u8],
        bytes_max: usize,
        (cache, is_late): (&mut Cache, &dyn Fn() -> bool),
        out: &mut Vec<u8>,
    ) -> Result<bool, Unchanged> {
        let mut groups = [None::<NonMaxUsize>; 2 * limits::TRANSFORM_GROUPS_MAX];
        let slots = groups.get_mut(..self.regex.group_info().slot_len()).unwrap_or_default();
        let mut input = Input::new(from);
        let mut at = 0;
        let mut until_look = limits::TRANSFORM_MATCHES_PER_LOOK;
        while self.regex.search_slots_with(cache, &input, slots).is_some() {
            let range = |group: usize| {
                let slot = |at: usize| slots.get(at).copied().flatten().map(NonMaxUsize::get);
                slot(2 * group).zip(slot(2 * group + 1))
            };
            let Some((start, end)) = range(0) else { break };
            push(out, &from[at..start], bytes_max)?;
            for piece in &self.with {
                match piece {
                    Piece::Text(text) => push(out, text, bytes_max)?,
                    Piece::Group(group) => {
                        let (start, end) = range(*group).unwrap_or_default();
                        push(out, &from[start..end], bytes_max)?;
                    }
                }
            }
            // A match has a byte at least, so this ends.
            at = end;
            input.set_start(end);
            until_look -= 1;
            if until_look == 0 {
                until_look = limits::TRANSFORM_MATCHES_PER_LOOK;
                if is_late() {
                    return Err(Unchanged::TooSlow);
                }
            }
        }
        if at == 0 {
            return Ok(false);
        }
        push(out, &from[at..], bytes_max)?;
        Ok(true)
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8], bytes_max: usize) -> Result<(), Unchanged> {
    if out.len() + bytes.len() > bytes_max {
        return Err(Unchanged::TooLong);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Reads what stands in place of a match: `$1`, `${12}`, `$name` and `${name}` are groups, `$$` is
/// a dollar.
fn pieces(with: &str, names: &[Option<String>]) -> Result<Box<[Piece]>, String> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        text.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            text.push(b'$');
            rest = after;
            continue;
        }
        let name = match rest.strip_prefix('{') {
            Some(inner) => {
                let (name, after) = inner.split_once('}').ok_or("`${` without its `}`")?;
                rest = after;
                name
            }
            None => {
                let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let is_number = rest.as_bytes().first().is_some_and(u8::is_ascii_digit);
                let bytes = match is_number {
                    true => rest.bytes().take_while(u8::is_ascii_digit).count(),
                    false => rest.bytes().take_while(is_name).count(),
                };
                let (name, after) = rest.split_at(bytes);
                rest = after;
                name
            }
        };
        if name.is_empty() {
            return Err("`$` without a group behind it; a dollar is `$$`".to_owned());
        }
        let by_name = || names.iter().position(|known| known.as_deref() == Some(name));
        let group = name.parse().ok().filter(|group| *group < names.len()).or_else(by_name);
        let group = group.ok_or_else(|| {
            format!("the expression has no group `{}`; a dollar is `$$`", name.escape_debug())
        })?;
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text).into()));
        }
        pieces.push(Piece::Group(group));
    }
    text.extend_from_slice(rest.as_bytes());
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
    Ok(pieces.into())
}
