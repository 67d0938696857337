//! Paths before and after.

use super::*;
use crate::http::h1::parse::{self, HeadLimits};
use crate::http::head::{HeadIndex, RequestHead};
use crate::router::Parameters;
use crate::snapshot::{ExchangeId, RequestId};
use proptest::prelude::*;

fn rewritten(rewrite: &Rewrite, path: &str, caches: &mut RewriteCaches) -> Result<String, Refusal> {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX-Up: ../..\r\nX-Name: e f?g\r\n\r\n";
    let mut index = HeadIndex::new();
    parse::request(bytes, &HeadLimits::default(), &mut index).expect("a good head");
    let values = Values {
        request: RequestHead::new(bytes, &index),
        path: path.as_bytes(),
        parameters: &Parameters::new(),
        peer: None,
        trusted: None,
        scheme: "http",
        id: RequestId::Own(ExchangeId(0)),
        route: "",
        cluster: "",
        upstream: "",
        upstream_host: b"",
        principal: None,
        places: &[],
        groups: &[],
    };
    let mut out = Vec::new();
    rewrite.write(&values, Policy::STRICT, caches, &mut out)?;
    Ok(String::from_utf8(out).expect("text"))
}

fn once(rewrite: &Rewrite, path: &str) -> Result<String, Refusal> {
    rewritten(rewrite, path, &mut RewriteCaches::default())
}

fn prefix(strip: &str, add: &str) -> Rewrite {
    Rewrite::Prefix { strip: strip.as_bytes().into(), add: add.as_bytes().into() }
}

fn regex(regex: &str, with: &str) -> Rewrite {
    let replace = Replace::new((regex, with), 0, &Scope::default());
    Rewrite::Regex(Box::new(replace.unwrap_or_else(|fault| panic!("{regex}: {fault:?}"))))
}

#[test]
fn prefixes_are_whole_segments() {
    for (strip, add, path, result) in [
        ("/api", "", "/api/x", "/x"),
        ("/api", "", "/api", "/"),
        ("/api", "", "/api/", "/"),
        ("/api", "/v2", "/api/x/", "/v2/x/"),
        ("/api", "/v2", "/api", "/v2"),
        ("/api", "/v2", "/apix", "/apix"),
        ("/api", "/v2", "/other/api", "/other/api"),
        ("", "/v2", "/x", "/v2/x"),
        ("", "/v2", "/", "/v2/"),
        ("/a/b", "/c/d", "/a/b/e%2Ff", "/c/d/e%2Ff"),
    ] {
        assert_eq!(once(&prefix(strip, add), path), Ok(result.to_owned()), "{strip} {add} {path}");
    }
}

#[test]
fn an_expression_replaces_what_it_matches() {
    for (expression, with, path, result) in [
        ("^/a/(.*)$", "/b/$1", "/a/x/y", "/b/x/y"),
        ("^/a/(.*)$", "/b/$1", "/c/x", "/c/x"),
        (r"\.php$", ".html", "/a/b.php", "/a/b.html"),
        ("^/(?<user>[^/]+)/(?<id>[0-9]+)", "/u/$id/of/$user", "/ann/7/x", "/u/7/of/ann/x"),
        ("^/([a-z]+)(/[0-9]+)?", "/$1$2/z", "/abc", "/abc/z"),
        ("^/a", "", "/a/b", "/b"),
        ("^/a/", "", "/a/b", "/b"),
        ("^/", "//", "/a", "/a"),
        ("^/a$", "", "/a", "/"),
        ("^/(.*)$", "/${header.X-Name}/$1", "/a", "/e%20f%3Fg/a"),
        ("b", "$$$0$$", "/abc", "/a$b$c"),
        ("()", "/x", "/a", "/x/a"),
    ] {
        let rewrite = regex(expression, with);
        assert_eq!(once(&rewrite, path), Ok(result.to_owned()), "{expression} {with} {path}");
    }
}

#[test]
fn values_that_come_together_to_a_dot_segment_are_refused() {
    for (expression, with, path) in [
        ("^/a(.*)$", "/b/$1", "/a.."),
        ("^/a(.*)$", "/$1", "/a.."),
        ("^/a(.*)$", "/b/$1/c", "/a."),
        ("^/a(.*)$", "/$1./c", "/a."),
        ("^/(.*)$", "/${header.X-Up}/$1", "/a"),
        ("^/a(.*)$", "/b/$1", "/a%2E%2e"),
    ] {
        let refused = Err(Refusal::Ambiguous(Ambiguity::DotSegments));
        assert_eq!(once(&regex(expression, with), path), refused, "{with} {path}");
    }
    for path in ["/a...", "/a..b", "/a.b"] {
        once(&regex("^/a(.*)$", "/b/$1"), path).expect(path);
    }
}

#[test]
fn what_comes_together_is_judged_by_the_policy_of_the_route() {
    for (path, ambiguity) in [
        ("/a..;", Ambiguity::DotParameter),
        ("/a.;x/b", Ambiguity::DotParameter),
        ("/a..%2Fc", Ambiguity::EncodedSlash),
        ("/a..%5Cc", Ambiguity::Backslash),
        ("/a%00", Ambiguity::Nul),
        ("/a%2541", Ambiguity::DoubleEncoding),
    ] {
        let refused = Err(Refusal::Ambiguous(ambiguity));
        assert_eq!(once(&regex("^/a(.*)$", "/b/$1"), path), refused, "{path}");
    }
    let malformed = Err(Refusal::Path(PathFault::PercentMalformed));
    assert_eq!(once(&regex("9$", ""), "/a%C3%A9"), malformed);
    assert_eq!(once(&regex("^/a", "/b/"), "/a/c").as_deref(), Ok("/b//c"));
}

#[test]
fn what_the_policy_takes_of_no_path_is_seen_in_the_template() {
    let with = |with: &str| {
        let template = Template::read(with, Purpose::PathPart, &Scope::default());
        refused_of_parts(&template.expect(with), Policy::STRICT)
    };
    assert_eq!(with("/a%2F$path"), Some(Ambiguity::EncodedSlash));
    assert_eq!(with("$path%00"), Some(Ambiguity::Nul));
    assert_eq!(with("/a%20b/$path/..;"), None);
    let literal = |path: &str| refused_of_literal(path.as_bytes(), Policy::STRICT);
    assert_eq!(literal("/a/..;/b"), Some(Ambiguity::DotParameter));
    assert_eq!(literal("/a/../b"), Some(Ambiguity::DotSegments));
    assert_eq!(literal("/.."), Some(Ambiguity::DotSegments));
    assert_eq!(literal("/a//b"), None);
}

#[test]
fn refuses_expressions_that_cannot_be() {
    for (expression, with, side) in [
        ("(", "/x", Side::Regex),
        ("(?=a)", "/x", Side::Regex),
        (r"(a)\1", "/x", Side::Regex),
        ("(a{1000}){1000}", "/x", Side::Regex),
        (&"a".repeat(limits::REWRITE_REGEX_BYTES_MAX + 1), "/x", Side::Regex),
        (&"()".repeat(limits::REWRITE_GROUPS_MAX), "/x", Side::Regex),
        ("(a)", "/$2", Side::With),
        ("(?<path>a)", "/$path", Side::With),
        ("a", "/b c", Side::With),
        ("a", "/b?c", Side::With),
        ("a", "$request_uri", Side::With),
    ] {
        let (found, _) = Replace::new((expression, with), 0, &Scope::default())
            .expect_err(&format!("{expression} {with}"));
        assert_eq!(found, side, "{expression} {with}");
    }
    let most = "()".repeat(limits::REWRITE_GROUPS_MAX - 1);
    Replace::new((&most, "/${16}"), 0, &Scope::default()).expect("the last group");
}

#[test]
fn expressions_share_what_they_are_searched_with() {
    let rewrites: Vec<Rewrite> = (0..3 * limits::REWRITE_CACHES_MAX)
        .map(|number| {
            let (expression, with) = (format!("^/{number}/(.*)$"), format!("/n{number}/$1"));
            let replace = Replace::new((&expression, &with), number as u32, &Scope::default());
            Rewrite::Regex(Box::new(replace.expect("a good expression")))
        })
        .collect();
    let mut caches = RewriteCaches::default();
    for _ in 0..2 {
        for (number, rewrite) in rewrites.iter().enumerate() {
            let result = rewritten(rewrite, &format!("/{number}/x"), &mut caches);
            assert_eq!(result, Ok(format!("/n{number}/x")));
            let other = rewritten(rewrite, "/other", &mut caches);
            assert_eq!(other.as_deref(), Ok("/other"));
        }
    }
    assert_eq!(caches.slots.len(), limits::REWRITE_CACHES_MAX);
}

proptest! {
    #[test]
    fn a_rewritten_path_can_be_sent(
        path in "/([a-c./]|%2F|%2E){0,12}",
        expression in "[/a-c.(*)$^]{0,6}",
        with in "([/.a]|\\$0|\\$1){0,6}",
    ) {
        let Ok(replace) = Replace::new((&expression, &with), 0, &Scope::default()) else {
            return Ok(());
        };
        if let Ok(result) = once(&Rewrite::Regex(Box::new(replace)), &path) {
            prop_assert!(result.starts_with('/') && !result.starts_with("//"), "{}", result);
            prop_assert!(result.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!result.contains(['?', '#']));
            let decoded = result.replace("%2E", ".").replace("%2F", "/");
            prop_assert!(!decoded.split('/').any(|part| part == "." || part == ".."));
        }
    }
}
