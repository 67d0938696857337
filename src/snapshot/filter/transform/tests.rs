//! Whole filters over whole bodies.

use super::*;
use crate::config::GatewayConfig;
use crate::extension::Extensions;
use serde_json::{Value, json};

const JSON_TYPE: &[u8] = b"application/json; charset=utf-8";

fn compiled(config: &TransformConfig) -> Result<Transform, Vec<Fault>> {
    let mut faults = Vec::new();
    let gateway = GatewayConfig::default();
    let extensions = Extensions::new();
    let place = Place { path: "t", config: &gateway, extensions: &extensions };
    Transform::compile(config, &place, &mut faults).ok_or(faults)
}

fn changing(steps: Vec<TransformStep>) -> TransformConfig {
    TransformConfig { response: steps, ..TransformConfig::default() }
}

fn applied(steps: Vec<TransformStep>, body: &str) -> Result<String, Unchanged> {
    let transform = compiled(&changing(steps)).expect("compiles");
    let mut body = body.as_bytes().to_vec();
    let mut scratch = Scratch::default();
    let before = body.clone();
    let out =
        transform.apply(Direction::Response, JSON_TYPE, &mut body, &mut scratch, &|| false)?;
    assert_eq!(out, body != before);
    Ok(String::from_utf8(body).expect("text"))
}

fn replace(find: &str, with: &str) -> TransformStep {
    TransformStep::Replace { find: find.into(), with: with.into() }
}

fn regex(regex: &str, with: &str) -> TransformStep {
    TransformStep::ReplaceRegex { regex: regex.into(), with: with.into() }
}

fn set(values: &[(&str, Value)]) -> TransformStep {
    let of = |(path, value): &(&str, Value)| ((*path).to_owned(), value.clone());
    TransformStep::JsonSet(values.iter().map(of).collect())
}

fn remove(paths: &[&str]) -> TransformStep {
    TransformStep::JsonRemove(paths.iter().map(|path| (*path).to_owned()).collect())
}

fn rename(names: &[(&str, &str)]) -> TransformStep {
    let of = |(path, name): &(&str, &str)| ((*path).to_owned(), (*name).to_owned());
    TransformStep::JsonRename(names.iter().map(of).collect())
}

#[test]
fn every_occurrence_of_a_text_is_replaced() {
    for (find, with, body, want) in [
        ("a", "b", "", ""),
        ("a", "b", "a", "b"),
        ("aa", "b", "aaaaa", "bba"),
        ("a", "aa", "aba", "aabaa"),
        ("ab", "", "xababy", "xy"),
        ("é", "e", "caféé", "cafee"),
        ("a", "b", "xyz", "xyz"),
    ] {
        let got = applied(vec![replace(find, with)], body);
        assert_eq!(got.as_deref(), Ok(want), "{find} {with} {body}");
    }
}

#[test]
fn every_match_of_an_expression_is_replaced() {
    for (expression, with, body, want) in [
        (r"(\w+)@(\w+)", "$2 at ${1}!", "a@b, c@d", "b at a!, d at c!"),
        (r"(?<year>\d{4})-\d\d", "$year", "2026-11 2025-01", "2026 2025"),
        (r"a+", "$$1", "aab", "$1b"),
        (r"(a)|(b)", "[$2]", "ab", "[][b]"),
        (r"(?i)E", "i", "eEé", "iié"),
        (r"(é)+!", "<$1>", "éé!", "<é>"),
        (r"^a", "b", "aa", "ba"),
        (r"x", "y", "none", "none"),
        (r"a$", "b", "aa", "ab"),
    ] {
        let got = applied(vec![regex(expression, with)], body);
        assert_eq!(got.as_deref(), Ok(want), "{expression} {with} {body}");
    }
}

#[test]
fn steps_follow_one_another() {
    let steps = vec![replace("a", "b"), regex("b+", "c"), set(&[("c", json!(1))])];
    assert_eq!(applied(steps, r#"{"ab":0}"#).as_deref(), Ok(r#"{"c":1}"#));
}

#[test]
fn values_of_json_are_set() {
    for (values, body, want) in [
        (vec![("a", json!(1))], "{}", r#"{"a":1}"#),
        (vec![("a", json!("x"))], r#" {"a": 5, "b" : 6 } "#, r#"{"a":"x","b":6}"#),
        (vec![("a.b", json!(true))], r#"{"a":{"c":1.50}}"#, r#"{"a":{"c":1.50,"b":true}}"#),
        (
            vec![("a.b.c", json!(null)), ("a.b.d", json!([1]))],
            "{}",
            r#"{"a":{"b":{"c":null,"d":[1]}}}"#,
        ),
        (vec![("a.b", json!(1))], r#"{"a":null}"#, r#"{"a":{"b":1}}"#),
        (vec![("a.b", json!(1))], r#"{"a":"text"}"#, r#"{"a":"text"}"#),
        (vec![("a.1", json!(9))], r#"{"a":[1,2,3]}"#, r#"{"a":[1,9,3]}"#),
        (vec![("*.x", json!(0))], r#"{"a":{},"b":[1]}"#, r#"{"a":{"x":0},"b":[1]}"#),
        (vec![("*", json!(0)), ("b", json!(1))], r#"{"a":5,"b":6}"#, r#"{"a":0,"b":1}"#),
        (vec![(r"a\.b", json!(1))], r#"{"a.b":0}"#, r#"{"a.b":1}"#),
        (vec![("a", json!(1))], r#"{"\u0061":0,"a":2}"#, r#"{"a":1}"#),
        (vec![("a", json!(1))], "[{}]", "[{}]"),
    ] {
        let got = applied(vec![set(&values)], body);
        assert_eq!(got.as_deref(), Ok(want), "{values:?} {body}");
    }
}

#[test]
fn members_and_elements_are_taken_out() {
    for (paths, body, want) in [
        (vec!["a"], r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
        (vec!["a"], r#"{"a":1}"#, "{}"),
        (vec!["a"], r#"{"b":1, "\u0061":2,"a":3}"#, r#"{"b":1}"#),
        (vec!["a.b", "a.c"], r#"{"a":{"b":1,"c":2,"d":3}}"#, r#"{"a":{"d":3}}"#),
        (
            vec!["*.secret", "b.too"],
            r#"{"a":{"secret":1},"b":{"secret":2,"too":3,"x":4}}"#,
            r#"{"a":{},"b":{"x":4}}"#,
        ),
        (vec!["0", "2"], "[1,2,3]", "[2]"),
        (vec!["*.id"], r#"[{"id":1},{"id":2,"x":0}]"#, r#"[{},{"x":0}]"#),
        (vec!["*"], "[1,2]", "[]"),
        (
            vec!["none"],
            r#"{ "kept": 1e400, "as": 12345678901234567890123 }"#,
            r#"{ "kept": 1e400, "as": 12345678901234567890123 }"#,
        ),
    ] {
        let got = applied(vec![remove(&paths)], body);
        assert_eq!(got.as_deref(), Ok(want), "{paths:?} {body}");
    }
}

#[test]
fn members_are_renamed() {
    for (names, body, want) in [
        (vec![("a", "b")], r#"{"a":1,"c":2}"#, r#"{"b":1,"c":2}"#),
        (vec![("a", "b")], r#"{"b":0,"a":1}"#, r#"{"b":1}"#),
        (vec![("a", "b"), ("b", "a")], r#"{"a":1,"b":2}"#, r#"{"b":1,"a":2}"#),
        (vec![("a", "b")], r#"{"b":0}"#, r#"{"b":0}"#),
        (vec![("*.a", "b")], r#"[{"a":1},{"x":{"a":2}}]"#, r#"[{"b":1},{"x":{"a":2}}]"#),
    ] {
        let got = applied(vec![rename(&names)], body);
        assert_eq!(got.as_deref(), Ok(want), "{names:?} {body}");
    }
}

#[test]
fn what_is_no_json_stays_as_it_is() {
    for body in ["{", "{}x", "{\"a\":}", "nope", "\u{feff}{}", "{'a':1}", "[1,]"] {
        assert_eq!(applied(vec![remove(&["a"])], body), Err(Unchanged::Malformed), "{body}");
    }
    let transform = compiled(&changing(vec![replace("a", "b"), remove(&["x"])])).expect("compiles");
    let mut body = b"a{".to_vec();
    let done = transform.apply(
        Direction::Response,
        JSON_TYPE,
        &mut body,
        &mut Scratch::default(),
        &|| false,
    );
    assert_eq!((done, &body[..]), (Err(Unchanged::Malformed), &b"a{"[..]));
    // Not even UTF-8.
    let mut body = b"{\"a\":\"\xff\"}".to_vec();
    let only = compiled(&changing(vec![remove(&["a"])])).expect("compiles");
    let scratch = &mut Scratch::default();
    let done = only.apply(Direction::Response, JSON_TYPE, &mut body, scratch, &|| false);
    assert_eq!(done, Err(Unchanged::Malformed));
}

#[test]
fn nothing_becomes_longer_than_it_may() {
    for step in [
        replace("x", "yyyy"),
        regex("x", "yyyy"),
        set(&[("*.a", json!("yyyyyyyyyyyyy"))]),
        rename(&[("*.x", "yyyyyyyyyyyyyyy")]),
    ] {
        let body = br#"[{"x":1},{"x":2}]"#;
        for (buffer, is_enough) in [(body.len() as u64, false), (1_000, true)] {
            let config = TransformConfig { buffer, ..changing(vec![step.clone()]) };
            let transform = compiled(&config).expect("compiles");
            let mut changed = body.to_vec();
            let scratch = &mut Scratch::default();
            let done =
                transform.apply(Direction::Response, JSON_TYPE, &mut changed, scratch, &|| false);
            assert_eq!(
                done,
                if is_enough { Ok(true) } else { Err(Unchanged::TooLong) },
                "{step:?}"
            );
            assert_eq!(changed == body, !is_enough);
        }
    }
}

#[test]
fn an_expression_that_takes_too_long_is_given_up() {
    let transform = compiled(&changing(vec![regex("a", "b")])).expect("compiles");
    let mut body = b"a".repeat(limits::TRANSFORM_MATCHES_PER_LOOK as usize);
    let scratch = &mut Scratch::default();
    let done = transform.apply(Direction::Response, JSON_TYPE, &mut body, scratch, &|| true);
    assert_eq!(done, Err(Unchanged::TooSlow));
    assert_eq!(body, b"a".repeat(limits::TRANSFORM_MATCHES_PER_LOOK as usize));
}

#[test]
fn steps_look_at_the_media_types_that_are_theirs() {
    let both = compiled(&changing(vec![replace("a", "b"), remove(&["x"])])).expect("compiles");
    let only_json = compiled(&changing(vec![remove(&["x"])])).expect("compiles");
    let want = |transform: &Transform, media_type: &str, is_readable| {
        let media_types: Vec<&[u8]> = media_type.split('|').map(str::as_bytes).collect();
        transform.want(Direction::Response, &media_types, is_readable)
    };
    assert_eq!(want(&both, "text/html", true), Want::Whole);
    assert_eq!(want(&both, "text/html", false), Want::Unreadable);
    assert_eq!(want(&both, "image/png", false), Want::No);
    assert_eq!(want(&only_json, "text/html", true), Want::No);
    assert_eq!(want(&only_json, "application/hal+json", true), Want::Whole);
    assert_eq!(both.want(Direction::Request, &[JSON_TYPE], true), Want::No);
    // Which of several is meant, its reader alone knows.
    assert_eq!(want(&both, "image/png|application/json", true), Want::Unreadable);
    assert_eq!(want(&both, "application/json|application/json", true), Want::Unreadable);
    assert_eq!(want(&both, "|application/json", true), Want::Unreadable);
    assert_eq!(want(&only_json, "image/png|text/html", true), Want::No);
    let mut body = b"<a>{</a>".to_vec();
    let scratch = &mut Scratch::default();
    let done = both.apply(Direction::Response, b"text/html", &mut body, scratch, &|| false);
    assert_eq!((done, &body[..]), (Ok(true), &b"<b>{</b>"[..]));
}

#[test]
fn steps_that_cannot_work_are_refused_with_their_place() {
    for (step, place, message) in [
        (regex("(", "x"), "t.response[0].regex", "unclosed group"),
        (regex("a*", "x"), "t.response[0].regex", "it matches the empty text"),
        (regex("a", "$1"), "t.response[0].with", "no group `1`"),
        (regex("a", "cost: $"), "t.response[0].with", "a dollar is `$$`"),
        (regex("a", "${x"), "t.response[0].with", "without its `}`"),
        (regex("(a{1000}){1000}", ""), "t.response[0].regex", "too large"),
        (regex(&"a".repeat(1025), ""), "t.response[0].regex", "longer than 1024 bytes"),
        (regex(&"(a)".repeat(17), ""), "t.response[0].regex", "more than 16 groups"),
        (set(&[("a..b", json!(1))]), "t.response[0].json_set", "a name is empty"),
        (remove(&["a", "a.b"]), "t.response[0].json_remove", "`a.b` leads through `a`"),
        (rename(&[("a.*", "b")]), "t.response[0].json_rename", "cannot all have one name"),
        (remove(&[r"a\b"]), "t.response[0].json_remove", "stands before"),
        (remove(&[&["a"; 17].join(".")]), "t.response[0].json_remove", "more than 16 names"),
    ] {
        let faults = compiled(&changing(vec![step.clone()])).err();
        let faults = faults.unwrap_or_else(|| panic!("{step:?} is taken"));
        assert_eq!(faults[0].path, place, "{step:?}");
        assert!(faults[0].message.contains(message), "{step:?}: {}", faults[0].message);
    }
}

/// Against a model that works on a tree.
#[test]
fn removing_is_what_it_would_be_on_a_tree() {
    let mut seed = 7_u64;
    let mut random = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    fn tree(depth: u64, random: &mut impl FnMut(u64) -> u64) -> Value {
        match random(if depth == 0 { 3 } else { 6 }) {
            0 => json!(random(100)),
            1 => json!("text \" \\ é"),
            2 => Value::Null,
            3 => Value::Array((0..random(4)).map(|_| tree(depth - 1, random)).collect()),
            _ => {
                let mut members = serde_json::Map::new();
                for _ in 0..random(4) {
                    let name = ["a", "b", "c"][random(3) as usize];
                    members.insert(name.to_owned(), tree(depth - 1, random));
                }
                Value::Object(members)
            }
        }
    }
    fn without(value: &mut Value, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else { return };
        match value {
            Value::Object(members) => members.retain(|name, value| {
                let is_meant = *first == "*" || first == name;
                if is_meant && !rest.is_empty() {
                    without(value, rest);
                }
                !is_meant || !rest.is_empty()
            }),
            Value::Array(elements) => {
                let mut number = 0;
                elements.retain_mut(|value| {
                    let is_meant = *first == "*" || first.parse() == Ok(number);
                    number += 1;
                    if is_meant && !rest.is_empty() {
                        without(value, rest);
                    }
                    !is_meant || !rest.is_empty()
                });
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for _ in 0..3_000 {
        let before = tree(4, &mut random);
        let path: Vec<&str> =
            (0..1 + random(3)).map(|_| ["a", "b", "*", "0", "1"][random(5) as usize]).collect();
        let mut want = before.clone();
        without(&mut want, &path);
        let got = applied(vec![remove(&[&path.join(".")])], &before.to_string());
        let got = got.expect("JSON");
        let got: Value = serde_json::from_str(&got).expect("JSON");
        assert_eq!(got, want, "{path:?} of {before}");
    }
}
