//! The router by example.

mod guards;

use super::*;

fn router(routes: &[(Option<&str>, &str, &[Method])]) -> Router {
    let mut builder = Builder::new();
    for ((host, path, methods), id) in routes.iter().zip(0..) {
        let pattern = Pattern { host: *host, methods, ..Pattern::segments(path) };
        builder.add(RouteId(id), &pattern).expect(path);
    }
    builder.build(&NoGuards).expect("no tie")
}

fn paths(paths: &[&str]) -> Router {
    let routes: Vec<_> = paths.iter().map(|path| (None, *path, &[][..])).collect();
    router(&routes)
}

fn find(router: &Router, host: Option<&str>, path: &str, method: Method) -> Found {
    let request = Request { host: host.map(str::as_bytes), path: path.as_bytes(), method };
    router.find(&request, &mut Parameters::new(), &mut Scratch::new(), &mut NoGuards)
}

#[track_caller]
fn assert_finds(router: &Router, path: &str, route: u32, values: &[&str]) {
    let mut parameters = Parameters::new();
    let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
    let found = router.find(&request, &mut parameters, &mut Scratch::new(), &mut NoGuards);
    assert_eq!(found, Found::Route(RouteId(route)), "{path}");
    let ranges = (0..parameters.count()).filter_map(|index| parameters.range(index));
    assert_eq!(ranges.map(|range| &path[range]).collect::<Vec<_>>(), values, "{path}");
}

#[test]
fn matches_a_prefix_itself_and_below() {
    let router = paths(&["/api/*", "/"]);
    for path in ["/api", "/api/", "/api/x", "/api/x/y/"] {
        assert_finds(&router, path, 0, &[]);
    }
    assert_finds(&router, "/", 1, &[]);
    for path in ["/apix", "/ap", "", "/x"] {
        assert_eq!(find(&router, None, path, Method::GET), Found::NotFound, "{path}");
    }
}

#[test]
fn a_bare_wildcard_matches_every_path() {
    let router = paths(&["/*"]);
    for path in ["/", "/a", "/a/b"] {
        assert_finds(&router, path, 0, &[]);
    }
}

#[test]
fn takes_parameters_of_whole_and_part_segments() {
    let router = paths(&[
        "/users/{id}",
        "/users/{id}/posts/{post}",
        "/v{version}/x",
        "/files/{name}.json",
        "/files/{name}",
        "/{from}-{to}/{rest}/*",
    ]);
    assert_finds(&router, "/users/42", 0, &["42"]);
    assert_finds(&router, "/users/42/posts/7", 1, &["42", "7"]);
    assert_finds(&router, "/v12/x", 2, &["12"]);
    assert_finds(&router, "/files/a.b.json", 3, &["a.b"]);
    assert_finds(&router, "/files/.json", 4, &[".json"]);
    assert_finds(&router, "/1-2-3/r/z/z", 5, &["1", "2-3", "r"]);
    for path in ["/users/", "/users/1/", "/v/x", "/-b/c", "/a-/c"] {
        assert_eq!(find(&router, None, path, Method::GET), Found::NotFound, "{path}");
    }
}

#[test]
fn comes_back_from_a_literal_that_leads_nowhere() {
    let router = paths(&["/a/b/c", "/{x}/b/d", "/a/{y}/e", "/a/*"]);
    assert_finds(&router, "/a/b/c", 0, &[]);
    assert_finds(&router, "/a/b/e", 2, &["b"]);
    assert_finds(&router, "/a/b/d", 3, &[]);
    assert_finds(&router, "/z/b/d", 1, &["z"]);
}

#[test]
fn tries_shapes_of_a_segment_in_the_documented_order() {
    let router = paths(&["/{a}", "/{a}-{b}", "/{a}.json", "/x{a}", "/xy", "/{a}-", "/{a}.{b}"]);
    assert_finds(&router, "/1-2.json", 2, &["1-2"]);
    assert_finds(&router, "/1-2.x", 1, &["1", "2.x"]);
    assert_finds(&router, "/1.2-", 5, &["1.2"]);
    assert_finds(&router, "/1.2", 6, &["1", "2"]);
    assert_finds(&router, "/x-2.json", 3, &["-2.json"]);
    assert_finds(&router, "/xy", 4, &[]);
    assert_finds(&router, "/y", 0, &["y"]);
}

#[test]
fn matches_hosts_without_case_port_and_trailing_dot() {
    let any: &[Method] = &[];
    let router = router(&[
        (Some("API.example.com"), "/*", any),
        (Some("*.example.com"), "/*", any),
        (Some("*.b.example.com."), "/*", any),
        (Some("[::1]"), "/*", any),
        (None, "/*", any),
    ]);
    for (host, route) in [
        ("api.example.com", 0),
        ("Api.Example.Com:8080", 0),
        ("api.example.com.:80", 0),
        ("www.example.com", 1),
        ("a.c.example.com", 1),
        ("b.example.com", 1),
        ("a.b.example.com", 2),
        ("x.a.B.example.com", 2),
        ("[::1]:8080", 3),
        ("example.com", 4),
        (".example.com", 4),
        ("", 4),
        (":80", 4),
        ("127.0.0.1", 4),
    ] {
        let found = find(&router, Some(host), "/", Method::GET);
        assert_eq!(found, Found::Route(RouteId(route)), "{host}");
    }
    let long = format!("{}.example.com", "a".repeat(300));
    assert_eq!(find(&router, Some(&long), "/", Method::GET), Found::Route(RouteId(4)));
    assert_eq!(find(&router, None, "/", Method::GET), Found::Route(RouteId(4)));
}

#[test]
fn falls_back_to_less_specific_hosts() {
    let router = router(&[
        (Some("a.example.com"), "/a", &[]),
        (Some("*.example.com"), "/b", &[]),
        (None, "/c", &[]),
    ]);
    for (path, route) in [("/a", 0), ("/b", 1), ("/c", 2)] {
        let found = find(&router, Some("a.example.com"), path, Method::GET);
        assert_eq!(found, Found::Route(RouteId(route)));
    }
    assert_eq!(find(&router, Some("b.example.com"), "/a", Method::GET), Found::NotFound);
    assert_eq!(find(&router, None, "/b", Method::GET), Found::NotFound);
}

#[test]
fn a_method_that_no_route_has_is_told_which_they_have() {
    let router = router(&[
        (None, "/a", &[Method::GET]),
        (None, "/a", &[Method::PUT, Method::DELETE]),
        (None, "/{x}", &[Method::POST]),
        (None, "/b", &[Method::POST]),
        (None, "/b", &[]),
    ]);
    let Found::MethodNotAllowed(set) = find(&router, None, "/a", Method::PATCH) else {
        panic!("PATCH has no route");
    };
    let allowed: Vec<_> = router.methods(set).collect();
    let want = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
    assert_eq!(allowed, want);
    let found = |path, method| find(&router, None, path, method);
    assert_eq!(found("/a", Method::HEAD), Found::Route(RouteId(0)));
    assert_eq!(found("/a", Method::POST), Found::Route(RouteId(2)));
    assert_eq!(found("/b", Method::POST), Found::Route(RouteId(3)));
    assert_eq!(found("/b", Method::GET), Found::Route(RouteId(4)));
    assert_eq!(found("/b", "PURGE".parse().expect("a token")), Found::Route(RouteId(4)));
}

#[test]
fn a_route_that_lists_head_has_it() {
    let router = router(&[(None, "/a", &[Method::GET]), (None, "/a", &[Method::HEAD])]);
    assert_eq!(find(&router, None, "/a", Method::HEAD), Found::Route(RouteId(1)));
    assert_eq!(find(&router, None, "/a", Method::GET), Found::Route(RouteId(0)));
}

#[test]
fn reports_every_tie_with_both_routes() {
    let mut builder = Builder::new();
    let get: &[Method] = &[Method::GET];
    let routes: [(Option<&str>, &str, &[Method]); 6] = [
        (None, "/users/{id}", get),
        (Some("A.example.com"), "/x/*", &[]),
        (None, "/users/{name}", &[Method::GET, Method::POST]),
        (Some("a.example.com."), "/x/*", &[]),
        (None, "/users/{id}/", get),
        (None, "/users/{id}", &[]),
    ];
    for ((host, path, methods), id) in routes.into_iter().zip(0..) {
        builder
            .add(RouteId(id), &Pattern { host, methods, ..Pattern::segments(path) })
            .expect(path);
    }
    let tie = |a, b| BuildFault::Tie { a: RouteId(a), b: RouteId(b) };
    assert_eq!(builder.build(&NoGuards).expect_err("ties"), [tie(0, 2), tie(1, 3)]);
}

#[test]
fn refuses_a_path_with_more_places_to_come_back_to_than_the_stack_has() {
    let path = |depth: usize| format!("{}/*", "/a".repeat(depth));
    let build = |count: usize| {
        let mut builder = Builder::new();
        for (depth, id) in (0..count).zip(0..) {
            builder.add(RouteId(id), &Pattern::segments(&path(depth))).expect("a pattern");
        }
        builder.build(&NoGuards)
    };
    let router = build(limits::CHOICES_COUNT_MAX).expect("as many as fit");
    let deepest = u32::try_from(limits::CHOICES_COUNT_MAX - 1).expect("few");
    assert_finds(&router, &path(limits::CHOICES_COUNT_MAX + 5), deepest, &[]);
    let faults = build(limits::CHOICES_COUNT_MAX + 1).expect_err("one too many");
    assert_eq!(faults, [BuildFault::TooDeep { route: RouteId(deepest + 1) }]);
}

#[test]
fn costs_at_most_100_bytes_a_route_above_its_text() {
    const COUNT: u32 = 20_000;
    let mut builder = Builder::new();
    let mut text_bytes = 0;
    for id in 0..COUNT {
        let host = format!("tenant-{id}.example.com");
        let host = (id % 2 == 0).then_some(host.as_str());
        let path = match id % 4 {
            0 => format!("/api/v{{version}}/{id:x}/*"),
            1 => format!("/{id}/users/{{user}}/orders/{{order}}"),
            2 => format!("/static/{id}"),
            _ => format!("/files-{id}/{{name}}.json"),
        };
        let regex = (id % 10 == 0).then(|| format!(r"^/items-{id}/[a-z]+-(?<number>\d+)$"));
        let path = regex.as_ref().unwrap_or(&path);
        text_bytes += path.len() + host.map_or(0, str::len);
        let methods = &[Method::GET];
        let path =
            if regex.is_some() { PathPattern::Regex(path) } else { PathPattern::Segments(path) };
        let pattern = Pattern { host, path, methods, ..Pattern::segments("") };
        builder.add(RouteId(id), &pattern).expect("a pattern");
    }
    let router = builder.build(&NoGuards).expect("no tie");
    let bytes = (router.memory_bytes() - text_bytes) / COUNT as usize;
    assert!(bytes <= 100, "{bytes} bytes a route");
}

#[test]
fn refuses_patterns_that_could_never_match_or_match_oddly() {
    let add = |path: &str| Builder::new().add(RouteId(0), &Pattern::segments(path));
    for (path, error) in [
        ("", PatternError::NoLeadingSlash),
        ("a", PatternError::NoLeadingSlash),
        ("*", PatternError::NoLeadingSlash),
        ("/a//b", PatternError::EmptySegment),
        ("//*", PatternError::EmptySegment),
        ("/a/../b", PatternError::DotSegment),
        ("/a/%2e", PatternError::DotSegment),
        ("/a b", PatternError::ByteRefused(' ')),
        ("/a?b", PatternError::ByteRefused('?')),
        ("/a%2", PatternError::PercentMalformed),
        ("/a*", PatternError::WildcardMisplaced),
        ("/a*/b", PatternError::WildcardMisplaced),
        ("/**/b", PatternError::WildcardMisplaced),
        ("/{a", PatternError::BraceUnclosed),
        ("/a}", PatternError::BraceUnclosed),
        ("/{a}}", PatternError::BraceUnclosed),
        ("/{}", PatternError::ParameterNameInvalid),
        ("/{1}", PatternError::ParameterNameInvalid),
        ("/{a{b}}", PatternError::ParameterNameInvalid),
        ("/{a}/{a}", PatternError::ParameterRepeated),
        ("/{a}{b}", PatternError::ParametersAdjacent),
        ("/*{a}/b", PatternError::WildcardMisplaced),
    ] {
        assert_eq!(add(path), Err(error.clone()), "{path}");
        assert_eq!(error.part(), Part::Path);
    }
    let long = "x".repeat(limits::PATTERN_BYTES_MAX);
    assert_eq!(add(&format!("/{long}")), Err(PatternError::PathTooLong));
    assert_eq!(add(&format!("/{}", &long[1..])), Ok(()));
    let many = |count| (0..count).map(|name| format!("/{{p{name}}}")).collect::<String>();
    assert_eq!(add(&many(limits::PARAMETERS_COUNT_MAX)), Ok(()));
    let more = add(&many(limits::PARAMETERS_COUNT_MAX + 1));
    assert_eq!(more, Err(PatternError::ParametersTooMany));
}

#[test]
fn refuses_hosts_that_are_no_names() {
    for (host, error) in [
        ("", PatternError::HostInvalid),
        ("*", PatternError::HostWildcardMisplaced),
        ("*.a.*", PatternError::HostWildcardMisplaced),
        ("*.*", PatternError::HostWildcardMisplaced),
        ("a*.com", PatternError::HostWildcardMisplaced),
        (".*", PatternError::HostInvalid),
        ("[::1].*", PatternError::HostInvalid),
        ("a.*.com", PatternError::HostWildcardMisplaced),
        ("a..com", PatternError::HostInvalid),
        ("a.com:80", PatternError::HostWithPort),
        ("[::1]:80", PatternError::HostWithPort),
        ("::1", PatternError::HostInvalid),
        ("[x]", PatternError::HostInvalid),
        ("bücher.de", PatternError::HostInvalid),
    ] {
        let pattern = Pattern { host: Some(host), ..Pattern::segments("/") };
        assert_eq!(Builder::new().add(RouteId(0), &pattern), Err(error.clone()), "{host}");
        assert_eq!(error.part(), Part::Host);
    }
}

#[test]
fn a_pattern_is_read_in_the_form_that_requests_are_matched_in() {
    let router = paths(&["/café/%7eme/%2a", "/a%7cb"]);
    let mut scratch = Vec::new();
    for (path, route) in [("/caf%c3%a9/~me/%2A", 0), ("/./caf%C3%A9//%7Eme/%2a", 0), ("/a|b", 1)] {
        let path = path::canonical(path.as_bytes(), &mut scratch).expect("canonical").path;
        let path = std::str::from_utf8(path).expect("ASCII");
        assert_eq!(find(&router, None, path, Method::GET), Found::Route(RouteId(route)));
    }
}

#[test]
fn matches_one_or_more_labels_behind_a_trailing_wildcard() {
    let router = router(&[
        (Some("api.example.*"), "/*", &[]),
        (Some("API.*"), "/*", &[]),
        (Some("*.example.com"), "/*", &[]),
        (Some("api.example.com"), "/exact", &[]),
        (None, "/*", &[]),
    ]);
    for (host, path, route) in [
        ("api.example.com", "/exact", 3),
        ("api.example.com", "/", 2),
        ("api.example.org:8080", "/", 0),
        ("api.example.co.uk.", "/", 0),
        ("api.other.org", "/", 1),
        ("api.local", "/", 1),
        ("api", "/", 4),
        ("api.", "/", 4),
        ("my.api.org", "/", 4),
        ("apis.org", "/", 4),
    ] {
        let found = find(&router, Some(host), path, Method::GET);
        assert_eq!(found, Found::Route(RouteId(route)), "{host}{path}");
    }
}

#[test]
fn any_segment_is_one_that_is_not_empty() {
    let router = paths(&["/a/*/b", "/a/{x}/b/c", "/a/*/*", "/a/*/d/", "/*"]);
    assert_finds(&router, "/a/x/b", 0, &[]);
    assert_finds(&router, "/a/x/b/c", 1, &["x"]);
    assert_finds(&router, "/a/x/c", 2, &[]);
    assert_finds(&router, "/a/x", 2, &[]);
    assert_finds(&router, "/a/x/d/", 3, &[]);
    assert_finds(&router, "/a", 4, &[]);
    assert_finds(&router, "/a/", 4, &[]);
}

#[test]
fn tells_what_a_trailing_wildcard_matched() {
    let router = paths(&["/api/{version}/*", "/exact", "/*"]);
    for (path, rest) in [
        ("/api/1", Some("")),
        ("/api/1/", Some("")),
        ("/api/1/x/y", Some("x/y")),
        ("/exact", None),
        ("/other/x", Some("other/x")),
        ("/", Some("")),
    ] {
        let mut parameters = Parameters::new();
        let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
        let found = router.find(&request, &mut parameters, &mut Scratch::new(), &mut NoGuards);
        assert!(matches!(found, Found::Route(_)), "{path}");
        assert_eq!(parameters.rest_start().map(|start| &path[start..]), rest, "{path}");
    }
}

fn regexes(patterns: &[&str]) -> Router {
    let mut builder = Builder::new();
    for (text, id) in patterns.iter().zip(0..) {
        let path = match text.strip_prefix('=') {
            Some(path) => PathPattern::Segments(path),
            None => PathPattern::Regex(text),
        };
        builder.add(RouteId(id), &Pattern { path, ..Pattern::segments("") }).expect(text);
    }
    builder.build(&NoGuards).expect("no tie")
}

#[test]
fn a_regex_matches_the_whole_path_and_its_groups_are_parameters() {
    let router = regexes(&[
        r"^/x/(?<id>\d+)$",
        "/y/(?<kind>[a-z]+)/(?<name>.+)\\.(png|jpg)",
        "/z/((?<a>a)|(?<b>b))+",
        "(?i)/Upper/x",
    ]);
    assert_finds(&router, "/x/42", 0, &["42"]);
    assert_finds(&router, "/y/img/a/b.png", 1, &["img", "a/b"]);
    assert_finds(&router, "/z/aab", 2, &["a", "b"]);
    assert_finds(&router, "/z/b", 2, &["", "b"]);
    assert_finds(&router, "/uPPER/X", 3, &[]);
    for path in ["/x/", "/x/4a", "/x/42/", "/z/", "/y/img/.png", "/Upper/xx", "/a/x/42"] {
        assert_eq!(find(&router, None, path, Method::GET), Found::NotFound, "{path}");
    }
}

#[test]
fn a_regex_comes_after_parameters_and_before_a_trailing_wildcard() {
    let router = regexes(&[
        "/a/.*",
        "=/a/{x}",
        "=/a/*/c",
        "=/a/*",
        "/a/b.*",
        "/a/bb.+",
        "/a/[b-z]{2}/.*x",
        "/.*",
        ".*",
        "=/{y}/e",
    ]);
    for (path, route) in [
        ("/a/b", 1),
        ("/a/q/c", 2),
        ("/a/b/d", 4),
        ("/a/bb/d", 5),
        ("/a/cc/x", 6),
        ("/a/c/x", 0),
        ("/a", 3),
        ("/a/e", 1),
        ("/b/e", 9),
        ("/b/f", 7),
    ] {
        let found = find(&router, None, path, Method::GET);
        assert_eq!(found, Found::Route(RouteId(route)), "{path}");
    }
}

#[test]
fn a_parameter_that_does_not_match_its_regex_leaves_the_path_to_others() {
    let mut builder = Builder::new();
    let with = |path, parameters| Pattern { parameters, ..Pattern::segments(path) };
    let routes = [
        with("/u/{id}", &[("id", r"^\d+$")]),
        with("/u/{name}", &[("name", "[a-z]+")]),
        with("/u/{any}", &[]),
        with("/v{major}/{id}", &[("major", "[12]"), ("id", "[a-f0-9-]{4,8}")]),
    ];
    for (pattern, id) in routes.iter().zip(0..) {
        builder.add(RouteId(id), pattern).expect("a pattern");
    }
    let router = builder.build(&NoGuards).expect("digits and letters are no tie");
    assert_finds(&router, "/u/42", 0, &["42"]);
    assert_finds(&router, "/u/ada", 1, &["ada"]);
    assert_finds(&router, "/u/4a", 2, &["4a"]);
    assert_finds(&router, "/v2/beef", 3, &["2", "beef"]);
    for path in ["/v3/beef", "/v2/bee", "/v2/beefbeef0"] {
        assert_eq!(find(&router, None, path, Method::GET), Found::NotFound, "{path}");
    }
}

#[test]
fn refuses_regexes_that_cannot_be_read_or_run() {
    let add = |text: &str| {
        let path = PathPattern::Regex(text);
        Builder::new().add(RouteId(0), &Pattern { path, ..Pattern::segments("") })
    };
    for text in ["(", "/a(?=b)", r"/(a)\1", "/[z-a]", "/a{3,1}", r"/\p{Greek}"] {
        let error = add(text).expect_err(text);
        assert!(matches!(error, PatternError::RegexInvalid { .. }), "{text}: {error:?}");
        assert_eq!(error.part(), Part::Path);
    }
    for (text, error) in [
        ("/é", PatternError::RegexNotAscii),
        (r"users/\d+", PatternError::RegexNoSlash),
        (r"\d*", PatternError::RegexNoSlash),
        ("[a-z]+|x/y", PatternError::RegexNoSlash),
        ("/((a{100}){100}){100}", PatternError::RegexTooLarge),
        ("/(?<a.b>x)", PatternError::ParameterNameInvalid),
    ] {
        assert_eq!(add(text), Err(error), "{text}");
    }
    let nested = |depth| format!("/{}x{}", "(".repeat(depth), ")".repeat(depth));
    let depth_max = limits::REGEX_DEPTH_MAX as usize;
    assert_eq!(add(&nested(depth_max - 1)), Ok(()));
    assert!(matches!(add(&nested(depth_max + 1)), Err(PatternError::RegexInvalid { .. })));
    let groups = |count| (0..count).map(|name| format!("/(?<p{name}>a*)")).collect::<String>();
    assert_eq!(add(&groups(limits::PARAMETERS_COUNT_MAX)), Ok(()));
    let more = add(&groups(limits::PARAMETERS_COUNT_MAX + 1));
    assert_eq!(more, Err(PatternError::ParametersTooMany));
}

#[test]
fn refuses_regexes_of_parameters_that_there_are_not() {
    let add = |pattern: &Pattern<'_>| Builder::new().add(RouteId(0), pattern);
    let parameters: &[(&str, &str)] = &[("b", r"\d+")];
    let unknown = add(&Pattern { parameters, ..Pattern::segments("/{a}") });
    assert_eq!(unknown, Err(PatternError::ParameterUnknown("b".into())));
    let path = PathPattern::Regex("/(?<b>.*)");
    let of_regex = add(&Pattern { path, parameters, ..Pattern::segments("") });
    assert_eq!(of_regex, Err(PatternError::ParametersOfRegex));
    let broken = add(&Pattern { parameters: &[("a", "(")], ..Pattern::segments("/{a}") });
    let error = broken.expect_err("an open group");
    assert_eq!(error.part(), Part::Parameters);
    assert!(error.to_string().starts_with("of `a`: "), "{error}");
}

#[test]
fn refuses_more_regexes_of_one_place_than_are_run_together() {
    let build = |count: usize| {
        let mut builder = Builder::new();
        for (index, id) in (0..count).zip(0..) {
            let text = format!("/a/[a-z]+/{index}");
            let pattern =
                Pattern { path: PathPattern::Regex(&text), priority: id, ..Pattern::segments("") };
            let id = RouteId(u32::try_from(id).expect("not negative"));
            builder.add(id, &pattern).expect("a pattern");
        }
        builder.build(&NoGuards)
    };
    let router = build(limits::REGEXES_PER_PLACE_MAX).expect("as many as may be");
    let last = limits::REGEXES_PER_PLACE_MAX - 1;
    assert_finds(&router, &format!("/a/q/{last}"), u32::try_from(last).expect("few"), &[]);
    let faults = build(limits::REGEXES_PER_PLACE_MAX + 1).expect_err("one too many");
    assert!(matches!(*faults, [BuildFault::RegexesTooMany { .. }]), "{faults:?}");
}

#[test]
fn many_routes_share_the_automaton_of_one_tail() {
    let bytes = |count: u32| {
        let texts: Vec<String> =
            (0..count).map(|id| format!("^/service-{id}/[a-z]+/[0-9]+$")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let text_bytes: usize = texts.iter().map(|text| text.len()).sum();
        (regexes(&texts).memory_bytes() - text_bytes) / count as usize
    };
    assert!(bytes(1) > 1000, "an automaton alone");
    assert!(bytes(10_000) < 150, "{} bytes a route", bytes(10_000));
}

#[test]
fn a_hostile_path_takes_no_longer_than_it_is_long() {
    // Each would take a backtracking engine more than 2^1000 steps.
    let router = regexes(&["/(a*)*b", "/x/(a|a)*(a|aa)+$", "/y/(.*a){20}b"]);
    let long = "a".repeat(4000);
    for path in [format!("/{long}"), format!("/x/{long}!"), format!("/y/{long}")] {
        assert_eq!(find(&router, None, &path, Method::GET), Found::NotFound);
    }
}

#[test]
fn a_scratch_serves_one_router_after_another() {
    let (one, two) = (regexes(&["/a/[a-z]+/x", "/b/.+y"]), regexes(&["/b/.+z"]));
    let mut scratch = Scratch::new();
    let mut ask = |router: &Router, path: &str| {
        let request = Request { host: None, path: path.as_bytes(), method: Method::GET };
        router.find(&request, &mut Parameters::new(), &mut scratch, &mut NoGuards)
    };
    for _ in 0..2 {
        assert_eq!(ask(&one, "/a/q/x"), Found::Route(RouteId(0)));
        assert_eq!(ask(&two, "/b/qz"), Found::Route(RouteId(0)));
        assert_eq!(ask(&one, "/b/qy"), Found::Route(RouteId(1)));
        assert_eq!(ask(&two, "/b/qy"), Found::NotFound);
    }
}

#[test]
fn a_higher_priority_decides_between_routes_that_nothing_else_tells_apart() {
    let mut builder = Builder::new();
    for (priority, id) in [-1, 7, 3].into_iter().zip(0..) {
        let pattern = Pattern { priority, ..Pattern::segments("/a") };
        builder.add(RouteId(id), &pattern).expect("a pattern");
    }
    let router = builder.build(&NoGuards).expect("no tie");
    assert_finds(&router, "/a", 1, &[]);
}
