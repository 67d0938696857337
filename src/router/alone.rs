//! Path patterns without routes: whether any of a few patterns matches a path.
//!
//! A pattern means what it means in a route; it is read by the same code.

use super::PatternError;
use super::pattern::{self, Shape, Step, Steps, Turn};

/// A set of path patterns.
#[derive(Debug)]
pub struct Paths {
    patterns: Box<[Alone]>,
}

#[derive(Debug)]
struct Alone {
    steps: Box<[Step]>,
    wildcard: bool,
}

impl Paths {
    /// Reads patterns.
    ///
    /// # Errors
    /// The place of the first that cannot be read, and what is wrong with it.
    pub fn new(patterns: &[String]) -> Result<Paths, (usize, PatternError)> {
        let alone = |(index, text): (usize, &String)| match pattern::parse_path(text) {
            Ok(Steps { steps, wildcard, .. }) => Ok(Alone { steps: steps.into(), wildcard }),
            Err(error) => Err((index, error)),
        };
        let patterns: Result<_, _> = patterns.iter().enumerate().map(alone).collect();
        Ok(Paths { patterns: patterns? })
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether one of them matches a canonical path.
    pub fn any(&self, path: &[u8]) -> bool {
        self.patterns.iter().any(|alone| alone.is_match(path))
    }
}

impl Alone {
    fn is_match(&self, path: &[u8]) -> bool {
        let mut rest = path;
        for step in &self.steps {
            let after = match step {
                Step::Literal(literal) => rest.strip_prefix(&**literal),
                Step::Turn(Turn::Any) => behind(rest, |segment| !segment.is_empty()),
                Step::Turn(Turn::Shape(shape)) => behind(rest, |segment| shape.is_match(segment)),
                // Only a route's `path_regex` has it.
                Step::Turn(Turn::Regexes) => None,
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        rest.is_empty() || (self.wildcard && rest.first() == Some(&b'/'))
    }
}

/// What is behind the segment's end, if the rest of the segment is as it must be.
fn behind(rest: &[u8], is_match: impl FnOnce(&[u8]) -> bool) -> Option<&[u8]> {
    let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let (segment, after) = rest.split_at_checked(end)?;
    is_match(segment).then_some(after)
}

impl Shape {
    /// Whether parameters of one byte or more, each with its literal behind it, are a text. The
    /// first place of each literal will do: what the parameter behind it loses so, the next one
    /// takes.
    fn is_match(&self, text: &[u8]) -> bool {
        let Some((last, inner)) = self.0.split_last() else { return text.is_empty() };
        let mut rest = text;
        for literal in inner {
            let Some(tail) = rest.get(1..) else { return false };
            let Some(at) = memchr::memmem::find(tail, literal) else { return false };
            let Some(after) = tail.get(at + literal.len()..) else { return false };
            rest = after;
        }
        rest.len() > last.len() && rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive::{Answer, Naive};
    use super::super::{NoGuards, Pattern, Request, RouteId};
    use super::*;
    use crate::http::method::Method;
    use proptest::prelude::*;

    fn paths(patterns: &[&str]) -> Paths {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        Paths::new(&patterns).expect("they can be read")
    }

    #[test]
    fn matches_what_routes_match() {
        for (pattern, path, expected) in [
            ("/a/*", "/a", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/ab", false),
            ("/*", "/", true),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/users/{id}", "/users/7", true),
            ("/users/{id}", "/users/", false),
            ("/users/{id}", "/users/7/keys", false),
            ("/*/keys", "/x/keys", true),
            ("/*/keys", "//keys", false),
            ("/v{major}.{minor}/x", "/v1.2/x", true),
            ("/v{major}.{minor}/x", "/v1./x", false),
            ("/{a}-{b}/*", "/x-y-z/q", true),
            ("/é", "/%C3%A9", true),
        ] {
            assert_eq!(paths(&[pattern]).any(path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(paths(&["/a", "/b"]).any(b"/b"));
        assert!(!paths(&[]).any(b"/b") && paths(&[]).is_empty());
    }

    #[test]
    fn says_which_pattern_cannot_be_read() {
        let error = Paths::new(&["/a".to_owned(), "b".to_owned()]).expect_err("no slash");
        assert_eq!(error, (1, PatternError::NoLeadingSlash));
    }

    proptest! {
        #[test]
        fn agrees_with_the_router(
            pattern in "(/([ab]{0,2}(\\{x\\}[ab]{1,2}\\{y\\}[ab]?|\\{x\\}b?)?|\\*|a)){1,3}(/\\*)?",
            path in "(/[ab]{0,5}){1,4}",
        ) {
            let mut number = 0;
            // Names must differ.
            let pattern: String = pattern
                .split_inclusive('{')
                .map(|part| {
                    number += 1;
                    part.replacen(['x', 'y'], &format!("p{number}"), 1)
                })
                .collect();
            let Ok(alone) = Paths::new(std::slice::from_ref(&pattern)) else { return Ok(()) };
            let routes = [(RouteId(0), Pattern::segments(&pattern))];
            let naive = Naive::new(routes, &NoGuards).expect("it was read");
            let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
            let found = matches!(naive.find(&request, &mut NoGuards), Answer::Route(..));
            prop_assert_eq!(alone.any(path.as_bytes()), found, "{} {}", pattern, path);
        }
    }
}
