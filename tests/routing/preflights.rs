//! Preflights: whose they are, and what becomes of them.

use super::scene::{Answer, Scene};

/// A route for `/api/{name}` with a `cors`, one for everything, and one that has its preflights for
/// itself.
fn scene() -> Scene {
    Scene::new(
        "
[[routes]]
id = \"api\"
path = \"/api/{name}\"
methods = [\"GET\", \"PUT\"]
cors = { origins = [\"https://a.example\"] }
response_headers = { set = { X-Name = \"$name\" } }
@api@
[[routes]]
id = \"own\"
path = \"/own\"
methods = [\"GET\", \"OPTIONS\"]
@own@
[[routes]]
id = \"post\"
path = \"/api/{name}\"
methods = [\"POST\"]
@post@
[[routes]]
id = \"all\"
path = \"/*\"
@all@
",
    )
}

fn preflight(target: &str, method: &str, more: &str) -> String {
    format!(
        "OPTIONS {target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\
         Origin: https://a.example\r\nAccess-Control-Request-Method: {method}\r\n{more}\r\n"
    )
}

fn ask(scene: &Scene, request: String) -> Answer {
    scene.ask(&[request]).remove(0)
}

#[test]
fn a_preflight_is_answered_for_the_request_that_it_asks_about() {
    let answer = ask(&scene(), preflight("/api/x", "PUT", ""));
    assert_eq!((answer.status, answer.upstream.as_str()), (204, ""));
    assert_eq!(answer.fields("Access-Control-Allow-Origin"), ["https://a.example"]);
    assert_eq!(answer.fields("Access-Control-Max-Age"), ["600"]);
    let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    assert_eq!(answer.fields("Vary"), [vary]);
    assert_eq!(answer.fields("X-Name"), ["x"]);
    assert_eq!(answer.fields("Content-Length"), [""; 0]);
}

#[test]
fn what_asks_about_a_route_without_cors_is_any_other_options() {
    let scene = scene();
    assert_eq!(ask(&scene, preflight("/api/x", "POST", "")).text(), "all /api/x");
    assert_eq!(ask(&scene, preflight("/other", "GET", "")).text(), "all /other");
    let plain = preflight("/api/x", "PUT", "").replace("Access-Control-Request-Method", "X-A");
    assert_eq!(ask(&scene, plain).text(), "all /api/x");
}

#[test]
fn a_route_that_names_options_has_its_preflights() {
    assert_eq!(ask(&scene(), preflight("/own", "GET", "")).text(), "own /own");
}

#[test]
fn a_path_that_is_refused_is_refused_for_preflights_too() {
    let answer = ask(&scene(), preflight("/api/x%2fy", "PUT", ""));
    assert_eq!(answer.text(), "400 path_encoded_slash");
}

#[test]
fn lines_of_the_upstream_give_way_and_the_answer_varies() {
    let scene = scene();
    let get = |origin: &str| {
        let own = format!("Origin: {origin}");
        ask(&scene, super::scene::get("/api/x", &[&own]))
    };
    let allowed = get("https://a.example");
    assert_eq!(allowed.text(), "api /api/x");
    assert_eq!(allowed.fields("Access-Control-Allow-Origin"), ["https://a.example"]);
    assert_eq!(allowed.fields("Vary"), ["Origin"]);
    let denied = get("https://b.example");
    assert_eq!(denied.text(), "api /api/x");
    assert_eq!(denied.fields("Access-Control-Allow-Origin"), [""; 0]);
    assert_eq!(denied.fields("Vary"), ["Origin"]);
}
