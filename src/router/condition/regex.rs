//! Regular expressions over values, within bounds.
//!
//! Matching is by finite automata, in time linear in the text, whatever the pattern. What a pattern
//! becomes is bounded by [`limits::CONDITION_AUTOMATON_BYTES_MAX`], what a thread keeps for it by
//! [`limits::CONDITION_CACHE_BYTES`]. A literal that every match must hold is looked for first, so
//! that most texts never meet the automaton.
//!
//! Bytes are matched as they are: `.` is one byte but `\n`, classes such as `\d` and `\w` are
//! ASCII, `(?i)` folds ASCII.

use crate::limits;
use hashbrown::HashMap;
use memchr::memmem::Finder;
use regex_automata::meta::{self, Cache};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A compiled pattern; shared by all that were written alike.
#[derive(Debug)]
pub struct Regex {
    text: Box<str>,
    automaton: meta::Regex,
    required: Required,
    /// The [`Regexes`] that made it, and its number there.
    owner: u64,
    number: u32,
}

/// What is known of every text that matches.
#[derive(Debug)]
enum Required {
    Nothing,
    Prefix(Box<[u8]>),
    Somewhere(Box<Finder<'static>>),
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// It has more than [`limits::CONDITION_REGEX_BYTES_MAX`] bytes.
    TooLong,
    /// It is no regular expression; what the parser says.
    Syntax(String),
    /// Its automaton would be larger than [`limits::CONDITION_AUTOMATON_BYTES_MAX`].
    TooLarge,
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegexError::TooLong => {
                write!(
                    f,
                    "the expression is longer than {} bytes",
                    limits::CONDITION_REGEX_BYTES_MAX
                )
            }
            RegexError::Syntax(said) => write!(f, "no regular expression: {said}"),
            RegexError::TooLarge => f.write_str(
                "the expression repeats too much: what it compiles to is larger than is allowed",
            ),
        }
    }
}

/// Compiles patterns, each text once.
#[derive(Debug)]
pub struct Regexes {
    owner: u64,
    by_text: HashMap<Box<str>, Arc<Regex>>,
}

impl Regexes {
    /// No patterns yet.
    pub fn new() -> Regexes {
        static OWNERS: AtomicU64 = AtomicU64::new(1);
        Regexes { owner: OWNERS.fetch_add(1, Ordering::Relaxed), by_text: HashMap::new() }
    }

    /// A pattern that is searched for anywhere in a text; its anchors are its own.
    ///
    /// # Errors
    /// [`RegexError`].
    pub fn compile(&mut self, text: &str) -> Result<Arc<Regex>, RegexError> {
        if let Some(regex) = self.by_text.get(text) {
            return Ok(regex.clone());
        }
        if text.len() > limits::CONDITION_REGEX_BYTES_MAX {
            return Err(RegexError::TooLong);
        }
        let mut parser = ParserBuilder::new();
        parser.unicode(false).utf8(false).nest_limit(limits::REGEX_DEPTH_MAX);
        let parsed = parser.build().parse(text);
        let parsed = parsed.map_err(|error| RegexError::Syntax(first_sentence(&error)))?;
        let config = meta::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .utf8_empty(false)
            .nfa_size_limit(Some(limits::CONDITION_AUTOMATON_BYTES_MAX))
            .onepass_size_limit(Some(limits::CONDITION_AUTOMATON_BYTES_MAX))
            .hybrid_cache_capacity(limits::CONDITION_CACHE_BYTES);
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let built = meta::Builder::new().configure(config).syntax(syntax).build_from_hir(&parsed);
        let regex = Arc::new(Regex {
            text: text.into(),
            automaton: built.map_err(|_| RegexError::TooLarge)?,
            required: Required::of(&parsed),
            owner: self.owner,
            number: u32::try_from(self.by_text.len()).unwrap_or(u32::MAX),
        });
        self.by_text.insert(text.into(), regex.clone());
        Ok(regex)
    }
}

impl Default for Regexes {
    fn default() -> Regexes {
        Regexes::new()
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Regex) -> bool {
        self.text == other.text
    }
}

impl Regex {
    /// Whether it matches somewhere in a text.
    pub fn is_match(&self, text: &[u8], caches: &mut Caches) -> bool {
        if !self.required.is_in(text) {
            return false;
        }
        let cache = caches.of(self);
        self.automaton.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What one thread needs for matching: made where a pattern is first used, and kept.
#[derive(Debug, Default)]
pub struct Caches {
    owner: u64,
    slots: Vec<Option<Box<Cache>>>,
    /// Slots that hold a cache.
    count: usize,
}

impl Caches {
    fn of(&mut self, regex: &Regex) -> &mut Cache {
        let index = regex.number as usize;
        let is_full = self.count >= limits::REGEX_CACHES_COUNT_MAX
            && self.slots.get(index).is_none_or(Option::is_none);
        if self.owner != regex.owner || is_full {
            // A cache belongs to one automaton, and those of an older configuration are gone.
            self.slots.clear();
            self.count = 0;
            self.owner = regex.owner;
        }
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        let Caches { slots, count, .. } = self;
        slots[index].get_or_insert_with(|| {
            *count += 1;
            Box::new(regex.automaton.create_cache())
        })
    }
}

impl Required {
    /// The longest literal of a pattern that is, but for groups, a sequence; of an anchored one
    /// the literal that it begins with.
    fn of(pattern: &Hir) -> Required {
        let mut parts = Vec::new();
        flatten(pattern, &mut parts);
        if let [HirKind::Look(Look::Start), HirKind::Literal(first), ..] = parts.as_slice() {
            return Required::Prefix(first.0.clone());
        }
        let literals = parts.iter().filter_map(|part| match part {
            HirKind::Literal(literal) => Some(&literal.0),
            HirKind::Empty
            | HirKind::Class(_)
            | HirKind::Look(_)
            | HirKind::Repetition(_)
            | HirKind::Capture(_)
            | HirKind::Concat(_)
            | HirKind::Alternation(_) => None,
        });
        match literals.max_by_key(|literal| literal.len()) {
            Some(literal) => Required::Somewhere(Box::new(Finder::new(literal).into_owned())),
            None => Required::Nothing,
        }
    }

    #[inline]
    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Required::Nothing => true,
            Required::Prefix(prefix) => text.starts_with(prefix),
            Required::Somewhere(finder) => finder.find(text).is_some(),
        }
    }
}

/// The parts of a sequence, in order, groups taken apart.
fn flatten<'a>(pattern: &'a Hir, parts: &mut Vec<&'a HirKind>) {
    match pattern.kind() {
        HirKind::Capture(group) => flatten(&group.sub, parts),
        HirKind::Concat(members) => members.iter().for_each(|member| flatten(member, parts)),
        kind @ (HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_)) => parts.push(kind),
    }
}

/// The parser shows the pattern over several lines; the last one says what is wrong.
fn first_sentence(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &[u8]) -> bool {
        let regex = Regexes::new().compile(pattern).expect(pattern);
        regex.is_match(text, &mut Caches::default())
    }

    #[test]
    fn searches_bytes_with_the_patterns_own_anchors() {
        assert!(matches("b+", b"abc"));
        assert!(!matches("^b", b"abc"));
        assert!(matches("^ab?c$", b"ac"));
        assert!(matches(r"^\d{3}$", b"042"));
        assert!(!matches(r"^\d{3}$", "\u{663}\u{663}\u{663}".as_bytes()));
        assert!(matches("(?i)FireFox", b"a firefox"));
        assert!(matches(r"^.$", b"\xff"));
        assert!(matches("", b""));
    }

    #[test]
    fn a_literal_that_must_be_there_is_found_in_the_pattern() {
        let required = |pattern: &str| {
            let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
            match Required::of(&parsed.expect(pattern)) {
                Required::Nothing => "-".to_owned(),
                Required::Prefix(literal) => format!("^{}", literal.escape_ascii()),
                Required::Somewhere(finder) => finder.needle().escape_ascii().to_string(),
            }
        };
        assert_eq!(required("^ab(c|d)efg"), "^ab");
        assert_eq!(required("^(ab)c"), "^ab");
        assert_eq!(required("a.*(bcd)x?"), "bcd");
        assert_eq!(required("abc|abd"), "-");
        assert_eq!(required("a|bc"), "-");
        assert_eq!(required("(?i)abc"), "-");
        assert_eq!(required("(abc)?"), "-");
    }

    #[test]
    fn refuses_what_is_no_expression_or_would_be_too_large() {
        let compile = |text: &str| Regexes::new().compile(text);
        assert!(matches!(compile("(a"), Err(RegexError::Syntax(said)) if said == "unclosed group"));
        assert_eq!(compile("((a{99}){99}){99}").err(), Some(RegexError::TooLarge));
        let long = "a".repeat(limits::CONDITION_REGEX_BYTES_MAX);
        assert!(compile(&long).is_ok());
        assert_eq!(compile(&format!("{long}a")).err(), Some(RegexError::TooLong));
    }

    #[test]
    fn a_hostile_text_costs_no_more_than_its_length() {
        let text = vec![b'a'; *limits::FIELDS_SIZE.end()];
        assert!(!matches("(a*)*(a|a)*(a+)+b$", &text));
        assert!(!matches("^(a?){20}a{20}b", &text));
    }

    #[test]
    fn caches_of_another_configuration_are_dropped() {
        let (mut before, mut after) = (Regexes::new(), Regexes::new());
        let mut caches = Caches::default();
        let old = before.compile("^[a-f]+$").expect("a pattern");
        let new = after.compile("^[0-9]{2,5}(x|y)$").expect("a pattern");
        assert!(old.is_match(b"abc", &mut caches));
        assert!(new.is_match(b"123x", &mut caches));
        assert!(old.is_match(b"fed", &mut caches));
    }

    #[test]
    fn patterns_that_were_written_alike_are_one() {
        let mut regexes = Regexes::new();
        let [a, b] = ["a+", "a+"].map(|text| regexes.compile(text).expect("a pattern"));
        assert!(Arc::ptr_eq(&a, &b));
    }
}
