//! Which upstream a request reaches: hosts, paths, methods, weights, listeners.

use std::net::SocketAddr;

use crate::support::gateway::{reserve, route_to};
use crate::support::{Gateway, Upstream, Wire};

fn route(rest: &str, upstream: SocketAddr) -> String {
    format!("[[routes]]\n{rest}\nupstreams = [{{ url = \"http://{upstream}\" }}]\n")
}

#[test]
fn picks_the_most_specific_path() {
    let [all, api, user, version] = ["all", "api", "user", "version"].map(Upstream::saying);
    let gateway = Gateway::start(
        &[
            route("path = \"/*\"", all.address),
            route("path = \"/api/*\"", api.address),
            route("path = \"/api/users/{id}\"", user.address),
            route("path = \"/v{version}/users\"", version.address),
        ]
        .concat(),
    );
    for (path, body) in [
        ("/", "all"),
        ("/apis", "all"),
        ("/api/", "api"),
        ("/api/users", "api"),
        ("/api/users/7", "user"),
        ("/api/users/7/x", "api"),
        ("/v2/users", "version"),
        ("/v2/users?x=/api/", "version"),
    ] {
        assert_eq!(gateway.get(path).text(), body, "{path}");
    }
}

#[test]
fn picks_by_host_without_case_and_port() {
    let [exact, wild, any] = ["exact", "wild", "any"].map(Upstream::saying);
    let gateway = Gateway::start(
        &[
            route("host = \"api.example.com\"\npath = \"/*\"", exact.address),
            route("host = \"*.example.com\"\npath = \"/*\"", wild.address),
            route("path = \"/*\"", any.address),
        ]
        .concat(),
    );
    for (host, body) in [
        ("api.example.com", "exact"),
        ("API.Example.COM", "exact"),
        ("api.example.com:8080", "exact"),
        ("other.example.com", "wild"),
        ("a.b.example.com", "wild"),
        ("example.com", "any"),
        ("127.0.0.1", "any"),
    ] {
        let response = gateway.ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(response.text(), body, "{host}");
    }
}

#[test]
fn the_target_names_the_host_before_the_field() {
    let [exact, any] = ["exact", "any"].map(Upstream::saying);
    let gateway = Gateway::start(
        &[
            route("host = \"api.example.com\"\npath = \"/*\"", exact.address),
            route("path = \"/*\"", any.address),
        ]
        .concat(),
    );
    let response =
        gateway.ask("GET http://api.example.com/a?b HTTP/1.1\r\nHost: other.example\r\n\r\n");
    assert_eq!(response.text(), "exact");
    let received = exact.wait_for(0);
    assert_eq!(received.target(), "/a?b");
    assert_eq!(received.field("x-forwarded-host"), Some("api.example.com"));
}

#[test]
fn answers_404_where_no_route_is() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::start(&route("path = \"/api/*\"", upstream.address));
    let mut client = gateway.connect();
    let response = client.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
    response.assert_own(404, "route_not_found");
    assert_eq!(client.ask("GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n").text(), "ok");
}

#[test]
fn answers_405_with_the_methods_that_are() {
    let upstream = Upstream::saying("ok");
    let routes = route("path = \"/a\"\nmethods = [\"GET\", \"POST\"]", upstream.address);
    let gateway = Gateway::start(&routes);
    assert_eq!(gateway.get("/a").text(), "ok");
    let response = gateway.ask("DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n");
    response.assert_own(405, "method_not_allowed");
    let allow = response.field("allow").unwrap_or_default();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[test]
fn methods_of_one_path_may_differ_in_upstream() {
    let [read, write] = ["read", "write"].map(Upstream::saying);
    let gateway = Gateway::start(
        &[
            route("path = \"/a\"\nmethods = [\"GET\"]", read.address),
            route("path = \"/a\"\nmethods = [\"PUT\"]", write.address),
        ]
        .concat(),
    );
    assert_eq!(gateway.get("/a").text(), "read");
    let put = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(gateway.ask(put).text(), "write");
}

#[test]
fn takes_upstreams_in_turn() {
    let [first, second] = ["1", "2"].map(Upstream::saying);
    let gateway = Gateway::to(&[first.address, second.address]);
    let answers: String = (0..10).map(|_| gateway.get("/").text()).collect();
    assert!(answers == "1212121212" || answers == "2121212121", "{answers}");
}

#[test]
fn takes_upstreams_by_weight_and_smoothly() {
    let [often, seldom] = ["a", "b"].map(Upstream::saying);
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nload_balancer = \"weighted_round_robin\"\nupstreams = [\
         {{ url = \"http://{}\", weight = 70 }}, {{ url = \"http://{}\", weight = 30 }}]\n",
        often.address, seldom.address
    ));
    let answers: String = (0..100).map(|_| gateway.get("/").text()).collect();
    assert_eq!(answers.matches('a').count(), 70, "{answers}");
    assert!(!answers.contains("aaaa"), "not smooth: {answers}");
}

#[test]
fn goes_on_with_the_upstream_that_is_there() {
    let upstream = Upstream::saying("ok");
    // Bound, so that nobody else takes the port, and not listening: connections are refused.
    let (_port, refusing) = reserve();
    let gateway = Gateway::to(&[refusing, upstream.address]);
    for _ in 0..6 {
        assert_eq!(gateway.get("/").text(), "ok");
    }
}

#[test]
fn routes_share_a_cluster() {
    let upstream = Upstream::saying("shared");
    let gateway = Gateway::start(&format!(
        "[clusters.shared]\nupstreams = [{{ url = \"http://{}\" }}]\n\n\
         [[routes]]\npath = \"/a\"\ncluster = \"shared\"\n\n\
         [[routes]]\npath = \"/b\"\ncluster = \"shared\"\n",
        upstream.address
    ));
    assert_eq!(gateway.get("/a").text(), "shared");
    assert_eq!(gateway.get("/b").text(), "shared");
    assert_eq!(upstream.connections_count(), 1);
}

#[test]
fn resolves_the_upstreams_name() {
    let upstream = Upstream::saying("ok");
    let port = upstream.address.port();
    let gateway = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://localhost:{port}\" }}]\n"
    ));
    assert_eq!(gateway.get("/").text(), "ok");
}

#[test]
fn listens_on_several_addresses() {
    let upstream = Upstream::saying("ok");
    let (_port, second) = reserve();
    let gateway = Gateway::start(&format!(
        "[[listeners]]\naddress = \"{second}\"\n\n[[listeners]]\n\
         address = \"unix:@FOLDER@/front\"\n\n{}",
        route_to(&[upstream.address])
    ));
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(gateway.ask(request).text(), "ok");
    assert_eq!(Wire::connect(second).ask(request).text(), "ok");
    let mut local = Wire::connect_unix(&gateway.file("front")).expect("the socket is there");
    assert_eq!(local.ask(request).text(), "ok");
}
