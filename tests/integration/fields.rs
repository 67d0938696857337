//! Fields that end at the gateway, and those that it adds.

use crate::support::gateway::route_to;
use crate::support::{Gateway, Received, Upstream};

fn received_of(top: &str, request: &str) -> Received {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::with_top(top, &route_to(&[upstream.address]));
    assert_eq!(gateway.ask(request).status, 200);
    upstream.wait_for(0)
}

const TRUSTED: &str = "workers = 1\ntrusted_proxies = [\"127.0.0.0/8\"]";
const UNTRUSTED: &str = "workers = 1\ntrusted_proxies = [\"10.0.0.0/8\"]";
const FORWARDED: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 192.0.2.7\r\n\
    X-Forwarded-Proto: https\r\nX-Forwarded-Host: outside.example\r\n\
    Forwarded: for=192.0.2.7;proto=https\r\n\r\n";

#[test]
fn drops_what_is_meant_for_one_hop() {
    let received = received_of(
        "workers = 1",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n\
         Upgrade: h2c\r\nX-Public: 2\r\n\r\n",
    );
    for name in ["x-private", "keep-alive", "proxy-connection", "upgrade"] {
        assert_eq!(received.field(name), None, "{name}");
    }
    assert_eq!(received.field("x-public"), Some("2"));
}

#[test]
fn drops_what_the_upstream_meant_for_one_hop() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=60\r\n\
         X-Public: 2\r\nContent-Length: 0\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.get("/");
    assert_eq!(response.field("x-private"), None);
    assert_eq!(response.field("keep-alive"), None);
    assert_eq!(response.field("x-public"), Some("2"));
}

#[test]
fn a_connection_field_cannot_remove_the_host() {
    let received = received_of(
        "workers = 1",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: host, content-length\r\n\r\n",
    );
    assert!(received.field("host").is_some());
}

#[test]
fn adds_via_to_requests_and_leaves_that_of_responses() {
    let upstream =
        Upstream::answering("HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n");
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.ask("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 outer\r\n\r\n");
    let all = |fields: &[(String, String)]| {
        let named = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("via"));
        named.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (request, response) = (all(&upstream.wait_for(0).fields), all(&response.fields));
    assert!(request.starts_with("1.1 outer, 1.1 "), "{request}");
    // RFC 9110 section 7.6.3: a gateway must add it to requests and may to responses.
    assert_eq!(response, "1.1 inner");
}

#[test]
fn replaces_what_an_untrusted_client_says_of_itself() {
    let received = received_of(UNTRUSTED, FORWARDED);
    assert_eq!(received.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.field("x-forwarded-proto"), Some("http"));
    assert_eq!(received.field("x-forwarded-host"), Some("example.com"));
    let forwarded = received.field("forwarded").unwrap_or_default();
    assert!(forwarded.contains("127.0.0.1"), "{forwarded}");
    assert!(!forwarded.contains("192.0.2.7"), "{forwarded}");
}

#[test]
fn drops_the_twins_with_underscores_of_what_it_replaces() {
    let request = FORWARDED.replace("X-Forwarded-", "X_Forwarded_");
    for top in [UNTRUSTED, TRUSTED] {
        let received = received_of(top, &request);
        for name in ["x_forwarded_for", "x_forwarded_proto", "x_forwarded_host"] {
            assert_eq!(received.field(name), None, "{name}");
        }
        assert_eq!(received.field("x-forwarded-for"), Some("127.0.0.1"));
    }
}

#[test]
fn trusts_nobody_unless_told() {
    let received = received_of("workers = 1", FORWARDED);
    assert_eq!(received.field("x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn continues_what_a_trusted_proxy_says() {
    let received = received_of(TRUSTED, FORWARDED);
    let all = |name: &str| {
        let named = received.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(all("x-forwarded-for"), "192.0.2.7, 127.0.0.1");
    assert_eq!(all("x-forwarded-proto"), "https");
    assert_eq!(all("x-forwarded-host"), "outside.example");
    assert!(all("forwarded").starts_with("for=192.0.2.7;proto=https, "), "{}", all("forwarded"));
}

#[test]
fn keeps_repeated_fields_in_order() {
    let received = received_of(
        "workers = 1",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\nCookie: a=b\r\n\r\n",
    );
    let named = received.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-a"));
    assert_eq!(named.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(received.field("cookie"), Some("a=b"));
}

#[test]
fn sets_no_cookie_together() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
    );
    let gateway = Gateway::to(&[upstream.address]);
    let response = gateway.get("/");
    let cookies =
        response.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    assert_eq!(cookies.count(), 2);
}
