//! Versions of an interface: where requests say them, and how old ones end.

use super::scene::{Scene, get};

/// Two versions that are told apart by `from`, with a route each.
fn scene(from: &str, path: &str, life: &str) -> Scene {
    Scene::new(&format!(
        "
[versions.api]
{from}
[versions.api.known.1]
{life}
[versions.api.known.2]
[[routes]]
id = \"one\"
path = \"{path}\"
version = {{ group = \"api\", is = \"1\" }}
@one@
[[routes]]
id = \"two\"
path = \"{path}\"
version = {{ group = \"api\", is = \"2\" }}
@two@
"
    ))
}

#[test]
fn each_source_says_the_version() {
    for (from, path, one, two, none) in [
        (
            "from = [\"path\"]\nparam = \"version\"\n",
            "/v{version}/x",
            ("/v1/x", ""),
            ("/v2/x", ""),
            ("/v3/x", ""),
        ),
        (
            "from = [\"header\"]\nheader = \"X-Version\"\n",
            "/x",
            ("/x", "x-version: 1"),
            ("/x", "X-Version: 2"),
            ("/x", "X-Other: 1"),
        ),
        (
            "from = [\"query\"]\nquery = \"v\"\n",
            "/x",
            ("/x?v=%31", ""),
            ("/x?a&v=2", ""),
            ("/x?v=3", ""),
        ),
        (
            "from = [\"media_type\"]\nmedia_type_param = \"version\"\n",
            "/x",
            ("/x", "Accept: a/b;version=1"),
            ("/x", "Accept: a/b;version=1;q=0.1, a/c;version=\"2\""),
            ("/x", "Accept: a/b"),
        ),
    ] {
        let scene = scene(from, path, "");
        for ((target, field), wanted) in [(one, "one"), (two, "two"), (none, "")] {
            let fields: &[&str] = if field.is_empty() { &[] } else { &[field] };
            let answer = scene.get(target, fields);
            assert_eq!(answer.upstream, wanted, "{from} {target} {field}");
            if wanted.is_empty() {
                assert_eq!(answer.text(), "404 route_not_found");
            }
        }
    }
}

#[test]
fn the_first_source_that_is_there_decides_and_the_default_is_last() {
    let from = "from = [\"header\", \"query\"]\nheader = \"X-Version\"\nquery = \"v\"\n\
                default = \"2\"\n";
    let scene = scene(from, "/x", "");
    for (target, fields, wanted) in [
        ("/x", &[][..], "two"),
        ("/x?v=1", &[], "one"),
        ("/x?v=1", &["X-Version: 2"], "two"),
        ("/x?v=2", &["X-Version: 1"], "one"),
        ("/x?v=9", &[], ""),
    ] {
        let answer = scene.get(target, fields);
        assert_eq!(answer.upstream, wanted, "{target} {fields:?}");
        // Also of the 404: with another field there would have been a route.
        assert_eq!(answer.fields("Vary"), ["X-Version"], "{target} {fields:?}");
    }
}

#[test]
fn a_deprecated_version_says_when_it_ends() {
    let life = "deprecated = \"2025-06-30\"\nsunset = \"2027-01-01\"\n\
                link = \"https://docs.test/v1\"\n";
    let scene = scene("from = [\"query\"]\nquery = \"v\"\n", "/x", life);
    let old = scene.get("/x?v=1", &[]);
    assert_eq!(old.text(), "one /x?v=1");
    // The upstream's own word gives way.
    assert_eq!(old.fields("Deprecation"), ["@1751241600"]);
    assert_eq!(old.fields("Sunset"), ["Fri, 01 Jan 2027 00:00:00 GMT"]);
    let links =
        ["<https://docs.test/v1>; rel=\"deprecation\"", "<https://docs.test/v1>; rel=\"sunset\""];
    assert_eq!(old.fields("Link"), links);
    let new = scene.get("/x?v=2", &[]);
    assert_eq!(new.fields("Deprecation"), ["@1"]);
    assert!(new.fields("Sunset").is_empty() && new.fields("Link").is_empty());
}

#[test]
fn a_version_is_gone_after_its_sunset_where_the_group_says_so() {
    // The simulated clock begins on 2026-01-01.
    for (sunset, after, wanted) in [
        ("2025-12-31", "gone", "410 version_gone"),
        ("2026-01-01", "gone", "410 version_gone"),
        ("2026-01-02", "gone", "one /x?v=1"),
        ("2025-12-31", "serve", "one /x?v=1"),
    ] {
        let life = format!("sunset = \"{sunset}\"\nafter_sunset = \"{after}\"\n");
        let scene = scene("from = [\"query\"]\nquery = \"v\"\n", "/x", &life);
        let answers = scene.ask(&[get("/x?v=1", &[]), get("/x?v=2", &[])]);
        assert_eq!(answers[0].text(), wanted, "{sunset} {after}");
        assert_eq!(answers[0].fields("Sunset").len(), 1, "{sunset} {after}");
        assert_eq!(answers[1].text(), "two /x?v=2");
    }
}
