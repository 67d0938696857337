//! Templates from their text to the bytes of one request.

use super::*;
use crate::extension::Principal;
use crate::http::h1::parse::{self, HeadLimits};
use crate::http::head::{HeadIndex, RequestHead};
use crate::http::networks::Networks;
use crate::router::{Builder, Found, NoGuards, Parameters, Pattern, Request, RouteId, Scratch};
use crate::router::{Router, path};
use proptest::prelude::*;
use std::cell::RefCell;
use std::net::SocketAddr;

const HEAD: &str = "GET /v2/a%20b/r/s?q=1%202&x=a%26b&empty=&q=2 HTTP/1.1\r\n\
    Host: WWW.Example.com.:8080\r\nX-Text: 50% of a&b\r\nCookie: a=1; theme=dark=er\r\n\
    Cookie: b=2\r\nX_Odd.Name: odd\r\n\r\n";

/// One request and the route that it takes, ready for templates.
struct Fixture {
    bytes: Vec<u8>,
    index: HeadIndex,
    path: Vec<u8>,
    parameters: Parameters,
    names: Vec<String>,
    trusted: Networks,
    rest_segments: Option<usize>,
}

fn router(pattern: &Pattern<'_>) -> Router {
    let mut builder = Builder::new();
    builder.add(RouteId(0), pattern).expect("a good pattern");
    builder.build(&NoGuards).expect("one route ties with none")
}

impl Fixture {
    fn new(head: &str, route: &str) -> Fixture {
        let bytes = head.as_bytes().to_vec();
        let mut index = HeadIndex::new();
        parse::request(&bytes, &HeadLimits::default(), &mut index).expect("a good head");
        let request = RequestHead::new(&bytes, &index);
        let mut scratch = Vec::new();
        let path = path::canonical(request.path(), &mut scratch).expect("a good path");
        let path = path.path.to_vec();
        let pattern = Pattern::segments(route);
        let mut parameters = Parameters::new();
        let asked = Request { host: None, path: &path, method: request.method() };
        let found =
            router(&pattern).find(&asked, &mut parameters, &mut Scratch::new(), &mut NoGuards);
        assert_eq!(found, Found::Route(RouteId(0)), "{route}");
        Fixture {
            names: pattern.parameter_names().expect("a good pattern"),
            trusted: Networks::new(&["10.0.0.0/8".parse().expect("a network")]),
            rest_segments: route.strip_suffix("/*").map(|before| before.matches('/').count()),
            bytes,
            index,
            path,
            parameters,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            parameters: &self.names,
            rest_segments: self.rest_segments,
            has_upstream: true,
            ..Scope::default()
        }
    }

    fn values(&self) -> Values<'_> {
        Values {
            request: RequestHead::new(&self.bytes, &self.index),
            path: &self.path,
            parameters: &self.parameters,
            peer: Some(SocketAddr::from(([192, 0, 2, 7], 4711))),
            trusted: None,
            scheme: "http",
            id: RequestId::Own(ExchangeId(0xabc)),
            route: "the-route",
            cluster: "blue",
            upstream: "backend:8080",
            upstream_host: b"backend:8080",
            principal: None,
            places: &[],
            groups: &[],
        }
    }

    #[track_caller]
    fn text(&self, purpose: Purpose, template: &str) -> String {
        let read = Template::read(template, purpose, &self.scope());
        let template = read.unwrap_or_else(|fault| panic!("{template}: {fault}"));
        let mut out = b"before".to_vec();
        template.write(&self.values(), &mut out);
        let text = String::from_utf8(out).expect("the values are text");
        text.strip_prefix("before").expect("it appends").to_owned()
    }
}

fn fixture() -> Fixture {
    Fixture::new(HEAD, "/v{version}/{name}/*")
}

#[track_caller]
fn refused(purpose: Purpose, template: &str) -> TemplateFault {
    let fixture = fixture();
    Template::read(template, purpose, &fixture.scope()).expect_err(template)
}

#[test]
fn every_variable_has_its_value() {
    let fixture = fixture();
    for (template, value) in [
        ("$client_ip", "192.0.2.7"),
        ("$client_port", "4711"),
        ("$host", "www.example.com"),
        ("$method", "GET"),
        ("$scheme", "http"),
        ("$path", "/v2/a%20b/r/s"),
        ("$raw_path", "/v2/a%20b/r/s"),
        ("$query", "q=1%202&x=a%26b&empty=&q=2"),
        ("$request_uri", "/v2/a%20b/r/s?q=1%202&x=a%26b&empty=&q=2"),
        ("$request_id", "00000000000000000000000000000abc"),
        ("$route", "the-route"),
        ("$cluster", "blue"),
        ("$upstream", "backend:8080"),
        ("$upstream_host", "backend:8080"),
        ("$rest", "r/s"),
        ("$version", "2"),
        ("${name}", "a%20b"),
        ("${header.x-text}", "50% of a&b"),
        ("${header.Host}", "WWW.Example.com.:8080"),
        ("${header.X_Odd.Name}", "odd"),
        ("${header.Missing}", ""),
        ("${query.q}", "1%202"),
        ("${query.x}", "a%26b"),
        ("${query.empty}", ""),
        ("${query.none}", ""),
        ("${cookie.theme}", "dark=er"),
        ("${cookie.b}", "2"),
        ("${cookie.none}", ""),
        ("a $$ b$version.c${version}d", "a $ b2.c2d"),
        ("", ""),
    ] {
        assert_eq!(fixture.text(Purpose::Field, template), value, "{template}");
    }
    let named = variable_names().filter(|name| {
        Template::read(&format!("${name}"), Purpose::Field, &fixture.scope()).is_ok()
    });
    assert_eq!(named.count(), variable_names().count());
}

#[test]
fn a_field_comes_to_nothing_where_a_value_does_not_fit() {
    let fixture = fixture();
    let written = |template: &str, subject: &str| {
        let claims = serde_json::json!({ "c": ["a", subject] });
        let principal = Principal { subject: subject.into(), method: "jwt", claims };
        let read = Template::read(template, Purpose::Field, &fixture.scope()).expect(template);
        let mut out = b"before".to_vec();
        read.write(&Values { principal: Some(&principal), ..fixture.values() }, &mut out);
        String::from_utf8(out).expect("text").strip_prefix("before").map(str::to_owned)
    };
    let text = |text: &str| Some(text.to_owned());
    for template in ["$identity", "user $identity of $host", "${claim.c}"] {
        for unfit in ["ad\0min", "admin\r\n", "\r\nX-Admin: 1", "admin\u{7f}"] {
            assert_eq!(written(template, unfit), text(""), "{template} {unfit:?}");
        }
    }
    assert_eq!(written("$identity", " admin"), text(""));
    assert_eq!(written("user $identity", "Zoë\tB"), text("user Zoë\tB"));
    assert_eq!(written("${claim.c}", "b"), text("a,b"));
}

#[test]
fn names_of_query_parameters_are_compared_decoded() {
    let head = "GET /?a%2Db+c=1&ab=%32 HTTP/1.1\r\nHost: a\r\n\r\n";
    let fixture = Fixture::new(head, "/*");
    assert_eq!(fixture.text(Purpose::Field, "${query.a-b c}${query.ab}${query.a}"), "1%32");
}

#[test]
fn behind_a_trusted_proxy_the_client_is_whom_it_names() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.9\r\n\r\n";
    let fixture = Fixture::new(head, "/*");
    let peer = Some(SocketAddr::from(([10, 0, 0, 1], 4711)));
    let template = Template::read("$client_ip:$client_port", Purpose::Field, &fixture.scope());
    let template = template.expect("known variables");
    let mut out = Vec::new();
    template.write(&Values { peer, trusted: Some(&fixture.trusted), ..fixture.values() }, &mut out);
    assert_eq!(out, b"192.0.2.9:");
    out.clear();
    template.write(&Values { peer, ..fixture.values() }, &mut out);
    assert_eq!(out, b"10.0.0.1:4711");
    out.clear();
    template.write(&Values { peer: None, ..fixture.values() }, &mut out);
    assert_eq!(out, b":");
}

#[test]
fn a_location_keeps_every_value_in_its_part() {
    let fixture = fixture();
    for (template, value) in [
        ("/login", "/login"),
        (
            "https://$host$request_uri",
            "https://www.example.com/v2/a%20b/r/s?q=1%202&x=a%26b&empty=&q=2",
        ),
        (
            "$scheme://new.$host/$rest?$query",
            "http://new.www.example.com/r/s?q=1%202&x=a%26b&empty=&q=2",
        ),
        ("https://v$version.example.com/", "https://v2.example.com/"),
        ("https://${header.x-text}.example.com/", "https://50%25%20of%20a%26b.example.com/"),
        ("/u/$name", "/u/a%20b"),
        ("/u/${header.x-text}", "/u/50%25%20of%20a&b"),
        ("/?next=$raw_path", "/?next=/v2/a%2520b/r/s"),
        (
            "/?a=1&next=$request_uri&b=2",
            "/?a=1&next=/v2/a%2520b/r/s%3Fq%3D1%25202%26x%3Da%252526b%26empty%3D%26q%3D2&b=2",
        ),
        ("/?a=${query.x}", "/?a=a%26b"),
        ("/?a=${header.x-text}", "/?a=50%25%20of%20a%26b"),
        ("/?a=1&$query#$version", "/?a=1&q=1%202&x=a%26b&empty=&q=2#2"),
        ("/caf\u{e9}#x", "/caf%C3%A9#x"),
        ("//$host/x", "//www.example.com/x"),
    ] {
        let wanted = value.replace("%252526b", "%2526b");
        assert_eq!(fixture.text(Purpose::Location, template), wanted, "{template}");
    }
}

#[test]
fn a_redirect_within_the_site_stays_there() {
    let head = "GET //evil.example/x HTTP/1.1\r\nHost: a\r\nX-Next: /evil.example\\\r\n\r\n";
    let fixture = Fixture::new(head, "/*");
    assert_eq!(fixture.text(Purpose::Location, "$request_uri"), "/evil.example/x");
    assert_eq!(fixture.text(Purpose::Location, "/${header.X-Next}"), "/evil.example%5C");
    assert_eq!(fixture.text(Purpose::Path, "/${header.X-Next}"), "/evil.example%5C");
}

#[test]
fn refuses_a_redirect_that_a_value_could_lead_anywhere() {
    for template in [
        "",
        "?a=b",
        "x/y",
        "${header.X-Next}",
        "https:$rest",
        "$scheme/x",
        "https://$rest",
        "https://example.com$rest",
        "https://example.com${header.X}",
        "https://$name./x",
        "https://${name}/x",
        "https://a.$name?x",
    ] {
        refused(Purpose::Location, template);
    }
}

#[test]
fn a_path_holds_no_query() {
    assert_eq!(fixture().text(Purpose::Path, "/x/${name}/$rest"), "/x/a%20b/r/s");
    assert_eq!(fixture().text(Purpose::Path, "$path/x"), "/v2/a%20b/r/s/x");
    let with_mark = Fixture::new("GET /a?b HTTP/1.1\r\nHost: a\r\nX: p?q#r s\r\n\r\n", "/*");
    assert_eq!(with_mark.text(Purpose::Path, "/${header.X}"), "/p%3Fq%23r%20s");
    for template in ["", "x", "$name", "/a?b", "/a#b", "/$query", "$request_uri", "/a b", "/a\\b"] {
        refused(Purpose::Path, template);
    }
}

#[test]
fn a_host_is_made_of_what_hosts_are() {
    assert_eq!(fixture().text(Purpose::Authority, "v$version.internal:80"), "v2.internal:80");
    assert_eq!(fixture().text(Purpose::Authority, "$upstream_host"), "backend:8080");
    for template in ["", "a b", "a/b", "a@b"] {
        refused(Purpose::Authority, template);
    }
}

#[test]
fn refuses_what_names_nothing() {
    for (template, nearest) in [
        ("$clientip", Some("client_ip")),
        ("$requestid", Some("request_id")),
        ("$nam", Some("name")),
        ("${headers.X}", Some("header")),
        ("$zzzzzzzz", None),
    ] {
        assert_eq!(refused(Purpose::Field, template).nearest.as_deref(), nearest, "{template}");
    }
    for template in [
        "$",
        "a $ b",
        "${",
        "${host",
        "${}",
        "$1",
        "${header.}",
        "${header.a b}",
        "${cookie.;}",
        "${query.}",
        "a\r\nb",
        "a\0",
    ] {
        refused(Purpose::Field, template);
    }
    refused(Purpose::Field, &"a".repeat(limits_of().0 + 1));
    refused(Purpose::Field, &"$host".repeat(limits_of().1 + 1));
    Template::read(&"$host".repeat(limits_of().1), Purpose::Field, &Scope::default())
        .expect("fits");
}

#[test]
fn who_asks_has_a_name_and_claims() {
    let claims = serde_json::json!({
        "sub": "ann", "n": 7, "admin": true, "roles": ["a", "b", 3, {}], "o": { "in": "x" }
    });
    let principal = Principal { subject: "ann".into(), method: "jwt", claims };
    let fixture = fixture();
    let write = |template: &str, principal| {
        let read = Template::read(template, Purpose::Field, &fixture.scope());
        let mut out = Vec::new();
        read.expect(template).write(&Values { principal, ..fixture.values() }, &mut out);
        String::from_utf8(out).expect("text")
    };
    for (template, want) in [
        ("$identity", "ann"),
        ("${claim.sub} ${claim.n} ${claim.admin}", "ann 7 true"),
        ("${claim.roles}", "a,b,3,"),
        ("${claim.o.in}", "x"),
        ("${claim.o}${claim.none}", ""),
    ] {
        assert_eq!(write(template, Some(&principal)), want, "{template}");
        assert_eq!(write(template, None).trim(), "", "{template}");
    }
    assert_eq!(refused(Purpose::Field, "${clain.sub}").nearest.as_deref(), Some("claim"));
    refused(Purpose::Field, "${claim.}");
}

#[test]
fn what_routes_share_names_parameters_of_whichever_it_is() {
    let fixture = fixture();
    let named = RefCell::default();
    let scope = Scope { named: Some(&named), ..Scope::default() };
    let read = |text: &str| Template::read(text, Purpose::Field, &scope);
    let template = read("$name of $version, $name at $host").expect("two parameters");
    assert_eq!(*named.borrow(), ["name", "version"]);
    let mut out = Vec::new();
    template.write(&Values { places: &[1, 0], ..fixture.values() }, &mut out);
    assert_eq!(out, b"a%20b of 2, a%20b at www.example.com");
    for text in ["$rest", "$upstream", "$1", "${a-b}"] {
        assert!(read(text).is_err(), "{text}");
    }
    let many: String =
        (2..crate::limits::PARAMETERS_COUNT_MAX).map(|n| format!("$p{n} ")).collect();
    read(&many).expect("as many as a path has");
    assert!(read("$one_more").is_err());
}

fn limits_of() -> (usize, usize) {
    (crate::limits::TEMPLATE_BYTES_MAX, crate::limits::TEMPLATE_PIECES_MAX)
}

#[test]
fn refuses_a_variable_without_a_value_and_one_with_two() {
    let parameters = ["path".to_owned(), "id".to_owned()];
    let scope = Scope { parameters: &parameters, ..Scope::default() };
    for template in ["$rest", "$cluster", "$upstream", "$upstream_host", "$path"] {
        let fault = Template::read(template, Purpose::Field, &scope).expect_err(template);
        assert_eq!(fault.nearest, None);
    }
    Template::read("$id", Purpose::Field, &scope).expect("a parameter");
}

#[test]
fn a_secret_is_taken_as_it_is() {
    let template = Template::verbatim("Bearer $a${b}").expect("printable");
    assert_eq!(template.literal(), Some(&b"Bearer $a${b}"[..]));
    assert!(Template::verbatim("a\nb").is_err());
}

#[test]
fn an_id_is_read_back_from_its_text() {
    for id in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0011_2233_4455_6677] {
        assert_eq!(ExchangeId::parse(&ExchangeId(id).text()), Some(ExchangeId(id)));
    }
    for text in [&b""[..], b"abc", &[b'g'; 32], &[b'0'; 33], b"+0000000000000000000000000000000"] {
        assert_eq!(ExchangeId::parse(text), None);
    }
}

proptest! {
    #[test]
    fn no_text_panics_the_reader(text in "[$\\{\\}a-z./:?#&= \\\\-]{0,24}") {
        let fixture = fixture();
        for purpose in [Purpose::Field, Purpose::Path, Purpose::Location, Purpose::Authority] {
            let Ok(template) = Template::read(&text, purpose, &fixture.scope()) else { continue };
            let mut out = Vec::new();
            template.write(&fixture.values(), &mut out);
            prop_assert!(!out.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
            if purpose == Purpose::Path {
                prop_assert!(out.starts_with(b"/") && !out.starts_with(b"//"));
                prop_assert!(!out.iter().any(|byte| matches!(byte, b' ' | b'?' | b'#')));
            }
        }
    }
}
