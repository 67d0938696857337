//! Guards asked about single requests.

use super::fixture::Request;
use super::*;
use crate::http::networks::Networks;

fn guard(build: impl FnOnce(&mut Compiler) -> Vec<Node>) -> Guard {
    let mut compiler = Compiler::new();
    let nodes = build(&mut compiler);
    compiler.guard(nodes, None, &[]).expect("it asks something")
}

fn value(place: Place, name: &str, test: Test) -> Guard {
    guard(|compiler| vec![compiler.value(place, name, test, false)])
}

fn judge(guard: &Guard, request: &Request) -> Verdict {
    let mut scratch = Scratch::default();
    scratch.begin();
    guard.judge(&request.subject(), &Parameters::new(), &mut scratch)
}

fn equals(text: &str) -> Test {
    Test::Equals(text.as_bytes().into())
}

#[test]
fn names_of_fields_have_no_case_and_values_have() {
    let request = Request::get("/", &[("x-a", "b"), ("ACCEPT", "c")]);
    assert_eq!(judge(&value(Place::Header, "X-A", equals("b")), &request), Verdict::Holds);
    assert_eq!(judge(&value(Place::Header, "X-A", equals("B")), &request), Verdict::Fails);
    assert_eq!(judge(&value(Place::Header, "Accept", equals("c")), &request), Verdict::Holds);
    assert_eq!(judge(&value(Place::Header, "X-C", Test::Exists), &request), Verdict::Fails);
}

#[test]
fn a_query_is_decoded_before_it_is_compared() {
    let request = Request::get("/?a%20b=c+d&e=%zz&f&=g&h=1&h=2&e%3D=%26", &[]);
    for (name, text) in
        [("a b", "c d"), ("e", "%zz"), ("f", ""), ("", "g"), ("h", "2"), ("e=", "&")]
    {
        let found = judge(&value(Place::Query, name, equals(text)), &request);
        assert_eq!(found, Verdict::Holds, "{name}");
    }
    assert_eq!(judge(&value(Place::Query, "F", Test::Exists), &request), Verdict::Fails);
    let without = Request::get("/", &[]);
    assert_eq!(judge(&value(Place::Query, "", Test::Exists), &without), Verdict::Fails);
    let empty = Request::get("/?&&", &[]);
    assert_eq!(judge(&value(Place::Query, "", Test::Exists), &empty), Verdict::Fails);
}

#[test]
fn cookies_are_pairs_between_semicolons() {
    let fields = [("Cookie", "a=1; b = x=y ;c;  d=\"q\";=e"), ("Cookie", "a=2")];
    let request = Request::get("/", &fields);
    for (name, text) in [("a", "1"), ("a", "2"), ("b", "x=y"), ("d", "\"q\"")] {
        let found = judge(&value(Place::Cookie, name, equals(text)), &request);
        assert_eq!(found, Verdict::Holds, "{name}");
    }
    for name in ["A", "c", "x"] {
        let found = judge(&value(Place::Cookie, name, Test::Exists), &request);
        assert_eq!(found, Verdict::Fails, "{name}");
    }
}

#[test]
fn numbers_are_decimal_and_the_whole_value() {
    let more = value(Place::Header, "X-N", Test::Number(Comparison::Greater, -1.5));
    for text in ["0", "-1.4", "+3", "007", "1.", ".5"] {
        assert_eq!(judge(&more, &Request::get("/", &[("X-N", text)])), Verdict::Holds, "{text}");
    }
    for text in ["-1.5", "", "1e3", "inf", "NaN", "0x1", "1 2", "1,5", "1.2.3", "-", "."] {
        assert_eq!(judge(&more, &Request::get("/", &[("X-N", text)])), Verdict::Fails, "{text}");
    }
    let huge = "9".repeat(400);
    assert_eq!(judge(&more, &Request::get("/", &[("X-N", &huge)])), Verdict::Fails);
    let sides = [
        (Comparison::Less, [true, false, false]),
        (Comparison::AtMost, [true, true, false]),
        (Comparison::Greater, [false, false, true]),
        (Comparison::AtLeast, [false, true, true]),
    ];
    for (comparison, expected) in sides {
        let guard = value(Place::Query, "n", Test::Number(comparison, 2.0));
        let found = ["1.5", "2.0", "3"].map(|text| {
            judge(&guard, &Request::get(&format!("/?n={text}"), &[])) == Verdict::Holds
        });
        assert_eq!(found, expected, "{comparison:?}");
    }
}

#[test]
fn the_client_is_whom_trusted_proxies_name() {
    let inside = guard(|_| vec![Node::Client(Networks::new(&["10.0.0.0/8".parse().unwrap()]))]);
    let request = Request::get("/", &[("X-Forwarded-For", "10.1.2.3")]);
    let mut scratch = Scratch::default();
    let mut judge = |peer: Option<IpAddr>, trusted: &Networks| {
        scratch.begin();
        let subject = Subject { peer, trusted, ..request.subject() };
        inside.judge(&subject, &Parameters::new(), &mut scratch)
    };
    let proxy: IpAddr = [192, 0, 2, 7].into();
    let proxies = Networks::new(&[proxy.into()]);
    assert_eq!(judge(Some(proxy), &proxies), Verdict::Holds);
    assert_eq!(judge(Some(proxy), &Networks::default()), Verdict::Fails);
    assert_eq!(judge(None, &proxies), Verdict::Fails);
}

#[test]
fn what_is_produced_decides_after_everything_else() {
    let mut compiler = Compiler::new();
    let node = compiler.value(Place::Header, "X-A", Test::Exists, false);
    let produces = ["text/html".to_owned(), "application/json".to_owned()];
    let guard = compiler.guard(vec![node], None, &produces).expect("it asks something");
    assert_eq!(guard.count(), 2);
    assert!(guard.negotiates());
    let verdict = |fields: &[(&str, &str)]| judge(&guard, &Request::get("/", fields));
    assert_eq!(verdict(&[("Accept", "text/html;q=0.3, */*;q=0.2")]), Verdict::Fails);
    let with = |accept| verdict(&[("X-A", ""), ("Accept", accept)]);
    assert_eq!(with("text/html;q=0.3, */*;q=0.2"), Verdict::HoldsWithQuality(300));
    assert_eq!(with("application/*"), Verdict::HoldsWithQuality(1000));
    assert_eq!(with("image/png"), Verdict::FailsProduces);
    assert_eq!(with("*/*;q=0"), Verdict::FailsProduces);
    assert_eq!(verdict(&[("X-A", "")]), Verdict::HoldsWithQuality(1000));
}

/// Guards of two versions of one group, the second being the default; the path of the first
/// route parameter is `path`.
fn versions(sources: &[Option<(Place, &str)>]) -> [Guard; 2] {
    let mut compiler = Compiler::new();
    let group = compiler.group("api", sources);
    ["1", "2"].map(|is| {
        let group = group.clone();
        let offer = Offer { group, is: is.into(), parameter: Some(0), is_default: is == "2" };
        compiler.guard(Vec::new(), Some(offer), &[]).expect("it asks something")
    })
}

fn served(guards: &[Guard; 2], request: &Request, path: &str) -> Vec<&'static str> {
    let mut parameters = Parameters::new();
    if let Some(start) = path.find("/v") {
        let end = path[start + 2..].find('/').map_or(path.len(), |slash| start + 2 + slash);
        parameters.push(u32::try_from(start + 2).unwrap(), u32::try_from(end).unwrap());
    }
    let mut scratch = Scratch::default();
    scratch.begin();
    let subject = Subject { path: path.as_bytes(), ..request.subject() };
    let mut served = Vec::new();
    for (guard, name) in guards.iter().zip(["1", "2"]) {
        if guard.judge(&subject, &parameters, &mut scratch) == Verdict::Holds {
            served.push(name);
        }
    }
    served
}

#[test]
fn the_first_source_that_says_a_version_decides() {
    let guards = versions(&[
        None,
        Some((Place::Header, "X-Version")),
        Some((Place::AcceptParameter, "version")),
        Some((Place::Query, "v")),
    ]);
    let accept = ("Accept", "a/b;q=0.5;version=2, a/b;version=\"1\"");
    for (target, path, fields, expected) in [
        ("/", "/v1/x", vec![("X-Version", "2")], vec!["1"]),
        ("/?v=2", "/x", vec![("X-Version", "1")], vec!["1"]),
        ("/?v=2", "/x", vec![accept], vec!["1"]),
        ("/?v=1", "/x", vec![("X-Version", "")], vec!["1"]),
        ("/?v=3", "/x", vec![], vec![]),
        ("/", "/x", vec![], vec!["2"]),
        ("/", "/v9/x", vec![("X-Version", "1")], vec![]),
    ] {
        let found = served(&guards, &Request::get(target, &fields), path);
        assert_eq!(found, expected, "{target} {path} {fields:?}");
    }
    assert!(guards[0].is_disjoint(&guards[1]));
    assert_eq!(guards[0].count(), 1);
}

#[test]
fn a_version_in_accept_does_not_stand_in_the_way_of_negotiation() {
    let mut compiler = Compiler::new();
    let group = compiler.group("api", &[Some((Place::AcceptParameter, "version"))]);
    let offer = Offer { group, is: "2".into(), parameter: None, is_default: false };
    let produces = ["application/json".to_owned()];
    let guard = compiler.guard(Vec::new(), Some(offer), &produces).expect("it asks something");
    let verdict = |accept| judge(&guard, &Request::get("/", &[("Accept", accept)]));
    assert_eq!(verdict("application/json;version=2;q=0.5"), Verdict::HoldsWithQuality(500));
    assert_eq!(verdict("application/json;version=1"), Verdict::Fails);
    assert_eq!(verdict("text/html;version=2"), Verdict::FailsProduces);
}

#[test]
fn a_guard_counts_what_it_asks() {
    let guard = guard(|compiler| {
        let mut leaf = || compiler.value(Place::Query, "k", Test::Exists, false);
        vec![
            Node::All([leaf(), leaf()].into()),
            Node::Any([Node::All([leaf(), leaf()].into()), leaf()].into()),
            Node::Not(Box::new(Node::All([leaf(), leaf()].into()))),
            Node::Tls(false),
        ]
    });
    assert_eq!(guard.count(), 2 + 1 + 1 + 1);
}

#[test]
fn guards_that_cannot_both_hold_are_seen() {
    let mut compiler = Compiler::new();
    let text = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
    let mut leaf = |test: Test, is_negated| compiler.value(Place::Header, "X-A", test, is_negated);
    let list = |list: &[&str]| Test::is_in(list.iter().map(|one| text(one)));
    let number = Test::Number;
    let pairs = [
        (leaf(equals("a"), false), leaf(equals("b"), false), true),
        (leaf(equals("a"), false), leaf(equals("a"), true), true),
        (leaf(equals("a"), false), leaf(list(&["b", "c"]), false), true),
        (leaf(equals("a"), false), leaf(list(&["b", "a"]), false), false),
        (leaf(equals("a"), true), leaf(equals("b"), true), false),
        (leaf(Test::Exists, false), leaf(Test::Exists, true), true),
        (leaf(equals("a"), false), leaf(Test::Exists, true), true),
        (leaf(equals("ab"), false), leaf(Test::Prefix(text("b")), false), true),
        (leaf(equals("ab"), false), leaf(Test::Suffix(text("b")), false), false),
        (leaf(Test::Prefix(text("ab")), false), leaf(Test::Prefix(text("ac")), false), true),
        (leaf(Test::Prefix(text("ab")), false), leaf(Test::Prefix(text("a")), false), false),
        (
            leaf(number(Comparison::Less, 5.0), false),
            leaf(number(Comparison::AtLeast, 5.0), false),
            true,
        ),
        (
            leaf(number(Comparison::AtMost, 5.0), false),
            leaf(number(Comparison::AtLeast, 5.0), false),
            false,
        ),
        (Node::Tls(true), Node::Tls(false), true),
        (Node::Not(Box::new(Node::Tls(true))), Node::Tls(true), true),
        (
            Node::Not(Box::new(Node::Not(Box::new(Node::Tls(true))))),
            Node::Not(Box::new(Node::Tls(true))),
            true,
        ),
        (
            Node::Client(Networks::new(&["10.0.0.0/8".parse().unwrap()])),
            Node::Client(Networks::new(&["10.1.0.0/16".parse().unwrap()])),
            false,
        ),
        (
            Node::Any([leaf(equals("a"), false), leaf(equals("b"), false)].into()),
            leaf(equals("c"), false),
            true,
        ),
        (Node::All([leaf(equals("a"), false), Node::Tls(false)].into()), Node::Tls(true), true),
    ];
    for (a, b, expected) in pairs {
        let said = format!("{a} and {b}");
        let [a, b] =
            [a, b].map(|node| compiler.guard(vec![node], None, &[]).expect("it asks something"));
        assert_eq!((a.is_disjoint(&b), b.is_disjoint(&a)), (expected, expected), "{said}");
    }
}

#[test]
fn says_what_it_wanted_and_what_it_found() {
    let mut compiler = Compiler::new();
    let equal = compiler.value(Place::Header, "X-A", equals("b"), false);
    let absent = compiler.value(Place::Cookie, "c", Test::Exists, false);
    let group = compiler.group("api", &[Some((Place::Query, "v"))]);
    let offer = Offer { group, is: "2".into(), parameter: None, is_default: false };
    let nodes = vec![equal, Node::Any([absent, Node::Tls(true)].into())];
    let produces = ["text/html".to_owned()];
    let guard = compiler.guard(nodes, Some(offer), &produces).expect("it asks something");
    let fields = [("X-A", "c"), ("x-a", "\u{e9}"), ("Accept", "text/*;q=0.25")];
    let request = Request::get("/?v=2", &fields);
    let mut scratch = Scratch::default();
    scratch.begin();
    let findings = guard.explain(&request.subject(), &Parameters::new(), &mut scratch);
    let lines: Vec<_> = findings.iter().map(|one| (one.depth, one.holds, &*one.text)).collect();
    let expected = [
        (0, false, "header X-A equals `b`: they are `c`, `\\xc3\\xa9`"),
        (0, false, "any of"),
        (1, false, "cookie c exists: there is none"),
        (1, false, "scheme https: it is http"),
        (0, true, "version `2` of api by query v: the request asks for `2`"),
        (0, true, "produces text/html: `Accept` takes it with quality 0.25"),
    ];
    assert_eq!(lines, expected);
    let whole = "header X-A equals `b`, any of (cookie c exists, scheme https), \
                 version `2` of api by query v, produces text/html";
    assert_eq!(guard.to_string(), whole);
}

#[test]
fn one_look_serves_all_guards_of_a_request() {
    let mut compiler = Compiler::new();
    let mut guard = |text: &str| {
        let node = compiler.value(Place::Query, "k", equals(text), false);
        compiler.guard(vec![node], None, &[]).expect("it asks something")
    };
    let guards = ["a b", "c"].map(&mut guard);
    let mut scratch = Scratch::default();
    for (target, expected) in [("/?k=a+b", [true, false]), ("/?k=c", [false, true])] {
        let request = Request::get(target, &[]);
        scratch.begin();
        let mut holds = |guard: &Guard| {
            guard.judge(&request.subject(), &Parameters::new(), &mut scratch) == Verdict::Holds
        };
        assert_eq!([holds(&guards[0]), holds(&guards[1])], expected);
        let range = scratch.values(lookup(&guards[0]), &request.subject());
        assert_eq!(range, 0..1, "both asked for the same value");
    }
}

fn lookup(guard: &Guard) -> &Lookup {
    match &guard.conditions[0] {
        Node::Value { lookup, .. } => lookup,
        Node::All(_) | Node::Any(_) | Node::Not(_) | Node::Client(_) | Node::Tls(_) => {
            panic!("the first condition is a value's")
        }
    }
}
