//! Actions and edits, and what is refused of them.

use crate::config::{
    Ambiguous, ClusterConfig, Fault, GatewayConfig, HeaderEdits, PathPolicy, Redirect,
    RequestIdConfig, Rewrite, Route, Secret, StaticResponse, Timeouts, Upstream, WeightedCluster,
};
use crate::http::field::{FieldId, FieldSet};
use crate::limits;
use crate::snapshot::{self, Action, Resolved, Snapshot};
use std::time::Duration;

fn upstream() -> Upstream {
    Upstream { url: "http://10.0.0.1:8080".parse().expect("a URL"), weight: 1 }
}

fn cluster(connect_s: u64) -> ClusterConfig {
    let connect = Some(Duration::from_secs(connect_s));
    ClusterConfig {
        upstreams: vec![upstream()],
        timeouts: Timeouts { connect, ..Timeouts::default() },
        ..ClusterConfig::default()
    }
}

fn config(route: Route) -> GatewayConfig {
    let clusters = [("blue".to_owned(), cluster(1)), ("green".to_owned(), cluster(2))];
    GatewayConfig { clusters: clusters.into(), routes: vec![route], ..GatewayConfig::default() }
}

fn to_upstream(path: &str) -> Route {
    Route { path: path.into(), upstreams: vec![upstream()], ..Route::default() }
}

fn compiled(config: &GatewayConfig) -> Snapshot {
    snapshot::compile(config, &Resolved::new(), 1).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(route: Route) -> Vec<Fault> {
    snapshot::check(&config(route))
}

#[track_caller]
fn refused(route: Route, place: &str) {
    let faults = faults(route);
    let places: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(places, [place], "{faults:?}");
}

fn weighted(shares: &[(&str, u32)]) -> Route {
    let share = |(name, weight): &(&str, u32)| WeightedCluster {
        name: (*name).to_owned(),
        weight: *weight,
    };
    Route { path: "/*".into(), clusters: shares.iter().map(share).collect(), ..Route::default() }
}

#[test]
fn shares_are_drawn_in_proportion_and_have_their_own_timeouts() {
    let snapshot = compiled(&config(weighted(&[("blue", 95), ("green", 5)])));
    let Action::Split(split) = &snapshot.routes[0].action else { panic!("{snapshot:?}") };
    assert_eq!(split.weights_sum, 100);
    let places: Vec<usize> = (0..100).map(|number| split.pick(number)).collect();
    assert_eq!(places.iter().filter(|place| **place == 0).count(), 95);
    assert_eq!(places.iter().filter(|place| **place == 1).count(), 5);
    let names = split.shares.iter().map(|share| &*snapshot.cluster(share.cluster).name);
    assert_eq!(names.collect::<Vec<_>>(), ["blue", "green"]);
    let connect: Vec<u64> =
        split.shares.iter().map(|share| share.timeouts.connect_ns / 1_000_000_000).collect();
    assert_eq!(connect, [1, 2]);
}

#[test]
fn a_share_without_weight_gets_nothing() {
    let snapshot = compiled(&config(weighted(&[("blue", 0), ("green", 3)])));
    let Action::Split(split) = &snapshot.routes[0].action else { panic!("{snapshot:?}") };
    assert_eq!((split.shares.len(), split.weights_sum), (1, 3));
    assert_eq!(&*snapshot.cluster(split.shares[0].cluster).name, "green");
}

#[test]
fn refuses_shares_that_lead_nowhere() {
    refused(weighted(&[("blue", 1), ("red", 1)]), "routes[0].clusters[1].name");
    refused(weighted(&[("blue", 1), ("blue", 1)]), "routes[0].clusters[1].name");
    refused(weighted(&[("blue", 0), ("green", 0)]), "routes[0].clusters");
    let many = vec![("blue", 1); limits::WEIGHTED_CLUSTERS_COUNT_MAX + 1];
    refused(weighted(&many), "routes[0].clusters");
    let near = faults(weighted(&[("blu", 1)]));
    assert_eq!(near[0].nearest.as_deref(), Some("blue"));
}

#[test]
fn a_route_does_one_thing() {
    let redirect = Some(Redirect { to: "/x".into(), ..Redirect::default() });
    let respond = Some(StaticResponse::default());
    refused(Route { redirect: redirect.clone(), ..to_upstream("/") }, "routes[0].redirect");
    let both = Route { redirect, respond, path: "/".into(), ..Route::default() };
    refused(both, "routes[0].respond");
    refused(Route { path: "/".into(), ..Route::default() }, "routes[0]");
}

#[test]
fn a_fixed_body_is_read_with_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    let respond = |path: &std::path::Path| Route {
        path: "/".into(),
        respond: Some(StaticResponse {
            status: 503,
            body_file: Some(path.to_owned()),
            content_type: "text/html".into(),
            ..StaticResponse::default()
        }),
        ..Route::default()
    };
    std::fs::write(&path, vec![b'x'; limits::RESPOND_BODY_BYTES_MAX]).expect("a file");
    let snapshot = compiled(&config(respond(&path)));
    let Action::Respond(found) = &snapshot.routes[0].action else { panic!("{snapshot:?}") };
    assert_eq!(found.status.code(), 503);
    assert_eq!(found.body.len(), limits::RESPOND_BODY_BYTES_MAX);
    assert_eq!(&*found.content_type, b"text/html");
    std::fs::write(&path, vec![b'x'; limits::RESPOND_BODY_BYTES_MAX + 1]).expect("a file");
    refused(respond(&path), "routes[0].respond.body_file");
    refused(respond(folder.path()), "routes[0].respond.body_file");
    refused(respond(&folder.path().join("none")), "routes[0].respond.body_file");
}

#[test]
fn refuses_what_has_no_use_without_an_upstream() {
    let redirect = || Route {
        path: "/a/{id}".into(),
        redirect: Some(Redirect { to: "/b/$id".into(), status: 308 }),
        ..Route::default()
    };
    compiled(&config(redirect()));
    let rewrite = Some(Rewrite::Path("/x".into()));
    refused(Route { rewrite, ..redirect() }, "routes[0].rewrite");
    refused(Route { host_rewrite: Some("a".into()), ..redirect() }, "routes[0].host_rewrite");
    let edits = HeaderEdits { remove: vec!["X-A".into()], ..HeaderEdits::default() };
    refused(Route { request_headers: edits.clone(), ..redirect() }, "routes[0].request_headers");
    compiled(&config(Route { response_headers: edits, ..redirect() }));
    let upstream = HeaderEdits {
        set: [("X-A".to_owned(), "$upstream".into())].into(),
        ..HeaderEdits::default()
    };
    let place = "routes[0].response_headers.set.X-A";
    refused(Route { response_headers: upstream, ..redirect() }, place);
}

#[test]
fn refuses_templates_and_prefixes_at_their_place() {
    let rewrite = |rewrite| Route { rewrite: Some(rewrite), ..to_upstream("/a/{id}/*") };
    let prefix =
        |strip: &str, add: &str| rewrite(Rewrite::Prefix { strip: strip.into(), add: add.into() });
    let regex = |regex: &str, with: &str| {
        rewrite(Rewrite::Regex { regex: regex.into(), with: with.into() })
    };
    compiled(&config(rewrite(Rewrite::Path("/b/$id/$rest".into()))));
    compiled(&config(prefix("/a/", "/%62")));
    compiled(&config(regex("^/a/(.*)$", "/b/$1/$id")));
    refused(rewrite(Rewrite::Path("/b/$idd".into())), "routes[0].rewrite.path");
    refused(prefix("a", ""), "routes[0].rewrite.strip_prefix");
    refused(prefix("/a", "/b?c"), "routes[0].rewrite.add_prefix");
    refused(prefix("/a", "/../.."), "routes[0].rewrite.add_prefix");
    // What the route's policy refuses of a path would refuse every request.
    refused(prefix("/a", "/b/..;"), "routes[0].rewrite.add_prefix");
    refused(rewrite(Rewrite::Path("/b%2F$id".into())), "routes[0].rewrite.path");
    refused(rewrite(Rewrite::Path("/b/../c".into())), "routes[0].rewrite.path");
    refused(regex("^/a", "/b%00"), "routes[0].rewrite.with");
    let encoded_slash = Some(Ambiguous::Keep);
    let path_policy = PathPolicy { encoded_slash, ..PathPolicy::default() };
    compiled(&config(Route { path_policy, ..rewrite(Rewrite::Path("/b%2F$id".into())) }));
    refused(regex("(", "/b"), "routes[0].rewrite.regex");
    refused(regex("^/(?<id>.)", "/$id"), "routes[0].rewrite.with");
    let host_rewrite = Some("a/b".to_owned());
    refused(Route { host_rewrite, ..to_upstream("/") }, "routes[0].host_rewrite");
    let redirect = Some(Redirect { to: "x".into(), ..Redirect::default() });
    refused(Route { redirect, path: "/".into(), ..Route::default() }, "routes[0].redirect.to");
}

#[test]
fn groups_of_a_path_expression_are_parameters() {
    let route = Route {
        path_regex: Some("/(?<first>[a-z]+)/(?:x)/(?<second>[0-9]+)".into()),
        rewrite: Some(Rewrite::Path("/$second/$first".into())),
        path: String::new(),
        ..to_upstream("")
    };
    compiled(&config(route));
}

fn with_edits(edits: HeaderEdits) -> Route {
    Route { request_headers: edits, ..to_upstream("/") }
}

#[test]
fn edits_leave_out_what_they_remove_and_set() {
    let edits = HeaderEdits {
        set: [("X-Set".to_owned(), "a".into()), ("Accept".to_owned(), "$path".into())].into(),
        append: [("X-More".to_owned(), Secret::inline("$b").into())].into(),
        remove: vec!["X_Gone".into(), "cookie".into()],
    };
    let snapshot = compiled(&config(with_edits(edits)));
    let edits = &snapshot.routes[0].extra.as_ref().expect("edits").request;
    assert_eq!(edits.drop.known(), FieldSet::of(&[FieldId::Accept, FieldId::Cookie]));
    for name in [&b"x-gone"[..], b"X_GONE", b"x-set", b"X_Set", b"Cookie"] {
        assert!(edits.drop.contains(name), "{}", name.escape_ascii());
    }
    assert!(!edits.drop.contains(b"X-More"));
    let lines: Vec<_> =
        edits.lines.iter().map(|line| line.name.escape_ascii().to_string()).collect();
    assert_eq!(lines, ["Accept: ", "X-Set: ", "X-More: "]);
    assert!(!format!("{snapshot:?}").contains("$b"));
    assert!(compiled(&config(to_upstream("/"))).routes[0].extra.is_none());
}

#[test]
fn fields_without_variables_are_written_without_a_look_at_the_request() {
    let written = |append: &[(&str, &str)]| {
        let append = append.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let edits = HeaderEdits { append: append.collect(), ..HeaderEdits::default() };
        let snapshot = compiled(&config(with_edits(edits)));
        let edits = &snapshot.routes[0].extra.as_ref().expect("edits").request;
        std::panic::catch_unwind(|| {
            let mut out = Vec::new();
            edits.lines.write(|| panic!("it is asked for"), &mut out);
            String::from_utf8_lossy(&out).into_owned()
        })
        .ok()
    };
    let fixed = written(&[("X-A", "1 $$"), ("X-Empty", ""), ("X-B", "2")]);
    assert_eq!(fixed.as_deref(), Some("X-A: 1 $\r\nX-B: 2\r\n"));
    assert_eq!(written(&[("X-A", "1"), ("X-B", "$path")]), None);
}

#[test]
fn refuses_edits_of_fields_that_are_not_the_operators() {
    for name in [
        "Host",
        "Connection",
        "transfer_encoding",
        "Content-Length",
        "TE",
        "Upgrade",
        "Keep-Alive",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
        "",
        "a b",
        "a:",
        "\u{e9}",
    ] {
        let remove = HeaderEdits { remove: vec![name.into()], ..HeaderEdits::default() };
        refused(with_edits(remove), "routes[0].request_headers.remove[0]");
        let set =
            HeaderEdits { set: [(name.to_owned(), "x".into())].into(), ..HeaderEdits::default() };
        refused(with_edits(set), &format!("routes[0].request_headers.set.{name}"));
        let append = HeaderEdits {
            append: [(name.to_owned(), "x".into())].into(),
            ..HeaderEdits::default()
        };
        refused(with_edits(append), &format!("routes[0].request_headers.append.{name}"));
    }
    let twice = HeaderEdits {
        set: [("X-A".to_owned(), "1".into()), ("x-a".to_owned(), "2".into())].into(),
        ..HeaderEdits::default()
    };
    refused(with_edits(twice), "routes[0].request_headers.set.x-a");
    let broken = HeaderEdits {
        set: [("X-A".to_owned(), Secret::inline("a\nb").into())].into(),
        ..HeaderEdits::default()
    };
    refused(with_edits(broken), "routes[0].request_headers.set.X-A");
    let many = (0..=limits::FIELD_EDITS_MAX).map(|number| format!("X-{number}")).collect();
    let many = HeaderEdits { remove: many, ..HeaderEdits::default() };
    refused(with_edits(many), "routes[0].request_headers");
}

#[test]
fn the_field_of_ids_is_the_routes_where_it_says_so() {
    let id = RequestIdConfig { respond: true, ..RequestIdConfig::default() };
    let own = HeaderEdits {
        set: [("x-request-id".to_owned(), "fixed".into())].into(),
        ..HeaderEdits::default()
    };
    let other = HeaderEdits { remove: vec!["X-A".into()], ..HeaderEdits::default() };
    let route = Route { response_headers: other, ..with_edits(own) };
    let config = GatewayConfig { request_id: Some(id), ..config(route) };
    let snapshot = compiled(&config);
    let extra = snapshot.routes[0].extra.as_ref().expect("edits");
    assert!(!extra.request.writes_id);
    assert!(extra.response.writes_id);
    assert!(extra.response.drop.contains(b"X-Request-Id"));
    let id = RequestIdConfig { header: "Connection".into(), ..RequestIdConfig::default() };
    let config = GatewayConfig { request_id: Some(id), ..config };
    assert_eq!(snapshot::check(&config)[0].path, "request_id.header");
}
