//! `transform`: what is read, and what is refused with its place.

use super::{accept, places};
use frys_gateway::Gateway;
use frys_gateway::config::{
    Fault, Format, Middleware, TransformConfig, TransformError, TransformStep,
};
use serde_json::json;

const ROUTE: &str = "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/*\"\n\
                     upstreams = [{ url = \"http://a:1\" }]\n";

/// The least configuration, with a transform.
fn with(transform: &str) -> String {
    format!("{ROUTE}[routes.transform]\n{transform}\n")
}

/// The faults of a text, also those that are found as it is compiled.
fn refuse(text: &str) -> Vec<Fault> {
    let built = Gateway::from_text(text, Format::Toml, "frys.toml");
    built.err().unwrap_or_else(|| panic!("accepted:\n{text}")).faults
}

fn read(transform: &str) -> TransformConfig {
    let config = accept(&with(transform));
    match config.routes.first().and_then(|route| route.middlewares.first()) {
        Some(Middleware::Transform(found)) => found.clone(),
        other => panic!("{other:?} is no transform"),
    }
}

#[test]
fn every_step_is_read() {
    let found = read(
        "buffer = \"64KiB\"\non_error = \"refuse\"\n\
         media_types = [\"text/*\", \"*/*\", \"application/*+json\"]\n\
         request = [{ find = \"a\", with = \"\" }, { regex = \"(b+)\", with = \"$1\" }]\n\
         response = [{ json_set = { \"a.b\" = [1, 2.5, \"x\", true], c = { d = {} } } }, \
         { json_remove = [\"a\", \"*.b\"] }, { json_rename = { \"a.b\" = \"c\" } }]",
    );
    let want = TransformConfig {
        request: vec![
            TransformStep::Replace { find: "a".into(), with: String::new() },
            TransformStep::ReplaceRegex { regex: "(b+)".into(), with: "$1".into() },
        ],
        response: vec![
            TransformStep::JsonSet(
                [
                    ("a.b".to_owned(), json!([1, 2.5, "x", true])),
                    ("c".to_owned(), json!({ "d": {} })),
                ]
                .into(),
            ),
            TransformStep::JsonRemove(vec!["a".into(), "*.b".into()]),
            TransformStep::JsonRename([("a.b".to_owned(), "c".to_owned())].into()),
        ],
        media_types: vec!["text/*".into(), "*/*".into(), "application/*+json".into()],
        buffer: 64 * 1024,
        on_error: TransformError::Refuse,
    };
    assert_eq!(found, want);
    let least = read("response = [{ find = \"a\", with = \"b\" }]");
    assert_eq!((least.buffer, least.on_error), (1024 * 1024, TransformError::Pass));
}

#[test]
fn what_cannot_work_is_refused_with_its_place() {
    for (transform, place, message) in [
        ("buffer = \"1KiB\"", "routes[0].transform", "it changes nothing"),
        ("response = [{}]", "routes[0].transform.response[0]", "a step is"),
        ("response = [{ find = \"a\" }]", "routes[0].transform.response[0]", "a step is"),
        (
            "response = [{ find = \"\", with = \"\" }]",
            "routes[0].transform.response[0].find",
            "everywhere",
        ),
        (
            "response = [{ find = \"a\", regex = \"a\", with = \"\" }]",
            "routes[0].transform.response[0]",
            "a step is",
        ),
        (
            "request = [{ regex = \"a*\", with = \"\" }]",
            "routes[0].transform.request[0].regex",
            "matches the empty text",
        ),
        (
            "request = [{ regex = \"a\", with = \"$1\" }]",
            "routes[0].transform.request[0].with",
            "no group `1`",
        ),
        (
            "request = [{ json_remove = [] }]",
            "routes[0].transform.request[0].json_remove",
            "no path",
        ),
        (
            "request = [{ json_remove = [\"a\", \"a.b\"] }]",
            "routes[0].transform.request[0].json_remove",
            "leads through",
        ),
        (
            "request = [{ find = \"a\", with = \"b\" }]\nmedia_types = [\"text\"]",
            "routes[0].transform.media_types[0]",
            "no media type",
        ),
        (
            "request = [{ find = \"a\", with = \"b\" }]\nmedia_types = [\"*/json\"]",
            "routes[0].transform.media_types[0]",
            "no media type",
        ),
        (
            "request = [{ find = \"a\", with = \"b\" }]\nbuffer = \"17MiB\"",
            "routes[0].transform.buffer",
            "from 1B to 16MiB",
        ),
        (
            "request = [{ find = \"a\", with = \"b\" }]\nbuffer = \"0B\"",
            "routes[0].transform.buffer",
            "from 1B to 16MiB",
        ),
        (
            "request = [{ find = \"a\", with = \"b\" }]\non_error = \"panic\"",
            "routes[0].transform.on_error",
            "`pass` or `refuse`",
        ),
    ] {
        let faults = refuse(&with(transform));
        let found = faults.iter().find(|fault| fault.path == place);
        let found = found.unwrap_or_else(|| panic!("{transform}: {:?}", places(&faults)));
        assert!(found.message.contains(message), "{transform}: {}", found.message);
    }
}

#[test]
fn a_route_without_an_upstream_has_no_bodies_to_change() {
    for action in ["respond = { body = \"a\" }", "redirect = { to = \"/b\" }"] {
        let text = format!(
            "listen_addr = \"0.0.0.0:8080\"\n[middlewares.transform.t]\n\
             response = [{{ find = \"a\", with = \"b\" }}]\n[[routes]]\npath = \"/a\"\n{action}\n\
             middlewares = [\"transform.t\"]\n"
        );
        let faults = refuse(&text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].path, "routes[0].middlewares");
        assert!(faults[0].message.contains("this route has none"), "{}", faults[0].message);
    }
}
