//! Paths that gateways and their upstreams were found to read differently.
//!
//! Each row is a way around a guard that an advisory tells, or its harmless neighbour. The name of
//! the advisory stands in front where there is one; rows without it hold what the documentation
//! says. `guard` is the route that must not be dodged.

use super::scene::{Scene, get};

/// Routes, requests and what becomes of each: `upstream target` or `status reason`.
struct Table {
    routes: &'static str,
    rows: &'static [Row],
}

struct Row {
    advisory: &'static str,
    target: &'static str,
    wanted: &'static str,
}

const fn row(advisory: &'static str, target: &'static str, wanted: &'static str) -> Row {
    Row { advisory, target, wanted }
}

fn assert_holds(table: &Table) {
    let scene = Scene::new(table.routes);
    let requests: Vec<String> = table.rows.iter().map(|row| get(row.target, &[])).collect();
    let answers = scene.ask(&requests);
    let mut faults = Vec::new();
    for (Row { advisory, target, wanted }, answer) in table.rows.iter().zip(answers) {
        if answer.text() != *wanted {
            faults.push(format!("{advisory} {target}: wanted {wanted}, got {}", answer.text()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A guarded prefix beside a route for all the rest.
const GUARDED: &str = "
[[routes]]
path = \"/admin/*\"
@guard@
[[routes]]
path = \"/*\"
@open@
";

#[test]
fn no_spelling_reaches_past_a_guarded_prefix() {
    assert_holds(&Table {
        routes: GUARDED,
        rows: &[
            row("", "/admin", "guard /admin"),
            row("", "/admin/x", "guard /admin/x"),
            row("", "/other", "open /other"),
            // Dot segments, raw and encoded.
            row("CVE-2019-9901 (Envoy)", "/info/../admin", "guard /admin"),
            row("CVE-2019-9901 (Envoy)", "/info/%2e%2e/admin/x", "guard /admin/x"),
            row("CVE-2019-9901 (Envoy)", "/info/.%2E/admin", "guard /admin"),
            row("CVE-2026-48020 (Traefik)", "/api../admin", "open /api../admin"),
            row("CVE-2026-48020 (Traefik)", "/api%2e%2e/admin", "open /api%2e%2e/admin"),
            row("CVE-2026-40912 (Traefik)", "/api/%2e/../admin/secret", "guard /admin/secret"),
            row("", "/./admin", "guard /admin"),
            row("", "/x/..", "open /"),
            row("", "/../admin", "400 path_malformed"),
            row("", "/%2e%2e/admin", "400 path_malformed"),
            // Encoded slashes and backslashes.
            row("CVE-2021-29492 (Envoy)", "/something%2F..%2Fadmin", "400 path_encoded_slash"),
            row("CVE-2021-29492 (Envoy)", "/something%5C..%5Cadmin", "400 path_backslash"),
            row("CVE-2025-66490 (Traefik)", "/admin%2Fx", "400 path_encoded_slash"),
            row("CVE-2025-66490 (Traefik)", "/%2fadmin", "400 path_encoded_slash"),
            row("CVE-2007-0450 (Tomcat)", "/x/..\\admin", "400 path_backslash"),
            row("CVE-2007-0450 (Tomcat)", "/x\\..\\admin", "400 path_backslash"),
            row("GHSA-jpvv-r467-5p4w (Hono)", "/admin\\secret", "400 path_backslash"),
            row("", "/admin/..%2f", "400 path_encoded_slash"),
            row("", "/admin%2f", "400 path_encoded_slash"),
            // Repeated slashes.
            row("CVE-2021-31920 (Istio)", "//admin", "guard /admin"),
            row("CVE-2021-31920 (Istio)", "/x//..//admin//y", "guard /admin/y"),
            row("Caddy pull request 4407", "//admin//", "guard /admin/"),
            // Encoded letters, once and twice.
            row("Caddy pull request 4407", "/%61dmin/x", "guard /%61dmin/x"),
            row("CVE-2026-27587 (Caddy)", "/%41dmin", "open /%41dmin"),
            row("", "/ADMIN", "open /ADMIN"),
            row("", "/%2561dmin", "400 path_double_encoded"),
            row("", "/%252e%252e/admin", "400 path_double_encoded"),
            row("", "/x%252fadmin", "400 path_double_encoded"),
            row("", "/100%25", "open /100%25"),
            row("", "/100%25-sure", "open /100%25-sure"),
            // NUL, and what ends a target early.
            row("", "/admin%00.js", "400 path_nul"),
            row("", "/x%00/../admin", "400 path_nul"),
            row("CVE-2021-32779 (Envoy)", "/app/admin#x", "400 request_malformed"),
            row("", "/x%23/../admin", "guard /admin"),
            // Dots with parameters.
            row("", "/x/..;/admin", "400 path_dot_parameter"),
            row("", "/x/..;a=b/admin", "400 path_dot_parameter"),
            row("", "/x/%2e%2e;/admin", "400 path_dot_parameter"),
            row("", "/.;/admin", "400 path_dot_parameter"),
            row("", "/x;a=b/y", "open /x;a=b/y"),
            // Neighbours of the prefix.
            row("", "/administrator", "open /administrator"),
            row("", "/admin.", "open /admin."),
            row("", "/admin../x", "open /admin../x"),
            row("", "/admin%20", "open /admin%20"),
            row("", "/admin?x=/../y", "guard /admin?x=/../y"),
            row("", "/x?y=%2F..%5c%00", "open /x?y=%2F..%5c%00"),
            row("", "/x/../admin?y=%2F", "guard /admin?y=%2F"),
            row("", "/%", "400 path_malformed"),
            row("", "/%4", "400 path_malformed"),
            row("", "/%zz", "400 path_malformed"),
            row("", "/a%2", "400 path_malformed"),
        ],
    });
}

#[test]
fn what_a_route_keeps_it_keeps_for_itself_only() {
    assert_holds(&Table {
        routes: "
[[routes]]
path = \"/admin/*\"
@guard@
[[routes]]
path = \"/files/{name}\"
path_policy = { encoded_slash = \"keep\", backslash = \"keep\", double_encoding = \"keep\" }
@files@
[[routes]]
path = \"/raw/*\"
path_policy = { repeated_slashes = \"keep\", nul = \"keep\", dot_parameter = \"keep\" }
@raw@
[[routes]]
path = \"/*\"
@open@
",
        rows: &[
            row("", "/files/a%2Fb", "files /files/a%2Fb"),
            row("", "/files/a%2fb%5cc", "files /files/a%2fb%5cc"),
            row("", "/files/%2e/a%2fb", "files /files/a%2Fb"),
            row("", "/files/a%2541", "files /files/a%2541"),
            // Kept slashes hide no dots.
            row("CVE-2021-29492 (Envoy)", "/files/..%2Fadmin", "400 path_dot_segments"),
            row("CVE-2021-29492 (Envoy)", "/files/a%2F..%2F..%2Fadmin", "400 path_dot_segments"),
            row("", "/files/a%5c%2e%2e%5cadmin", "400 path_dot_segments"),
            row("", "/files/a%2f..;%2fadmin", "400 path_dot_segments"),
            row("", "/files/a%2F...", "files /files/a%2F..."),
            row("", "/files/a%00", "400 path_nul"),
            // Another route's leave is no leave.
            row("", "/files/../admin%2Fx", "400 path_encoded_slash"),
            row("", "/files/a/b%2Fc", "400 path_encoded_slash"),
            row("", "/admin/../files/a%2Fb", "files /files/a%2Fb"),
            row("", "/raw//a", "raw /raw//a"),
            row("", "//raw//a", "raw //raw//a"),
            row("", "/raw//a/../b", "raw /raw/b"),
            row("", "/raw/a%00", "raw /raw/a%00"),
            row("", "/raw/..;/x", "raw /raw/..;/x"),
            row("", "/raw/a%2Fb", "400 path_encoded_slash"),
        ],
    });
}

#[test]
fn what_is_decoded_is_matched_again() {
    assert_holds(&Table {
        routes: "
[path_policy]
encoded_slash = \"decode\"
backslash = \"decode\"
[[routes]]
path = \"/admin/*\"
@guard@
[[routes]]
path = \"/strict/*\"
path_policy = { encoded_slash = \"reject\" }
@strict@
[[routes]]
path = \"/dots/*\"
path_policy = { dot_segments = \"reject\", repeated_slashes = \"reject\" }
@dots@
[[routes]]
path = \"/*\"
@open@
",
        rows: &[
            row("CVE-2025-66490 (Traefik)", "/admin%2Fx", "guard /admin/x"),
            row("CVE-2021-29492 (Envoy)", "/something%2F..%2Fadmin", "guard /admin"),
            row("CVE-2021-29492 (Envoy)", "/something%5c..%5Cadmin?q", "guard /admin?q"),
            row("", "/x\\y", "open /x/y"),
            row("", "/x%2F%2Fy", "open /x/y"),
            // Both routes must say so.
            row("", "/strict%2Fx", "400 path_encoded_slash"),
            row("", "/strict/x%2Fy", "400 path_encoded_slash"),
            row("", "/x/..%2Fstrict", "400 path_encoded_slash"),
            row("", "/strict\\x", "strict /strict/x"),
            // What decoding brings to light is judged too.
            row("", "/dots/a%2F..%2Fb", "400 path_dot_segments"),
            row("", "/dots/a%2F%2Fb", "400 path_repeated_slashes"),
            row("", "/dots/a%2Fb", "dots /dots/a/b"),
            row("", "/x%2F..%2F..%2Fy", "400 path_malformed"),
            row("", "/x%2F..;%2Fadmin", "400 path_dot_parameter"),
            // Once, not twice.
            row("", "/x%252Fadmin", "400 path_double_encoded"),
        ],
    });
}

#[test]
fn a_route_may_take_plain_paths_only() {
    assert_holds(&Table {
        routes: "
[[routes]]
path = \"/plain/*\"
path_policy = { dot_segments = \"reject\", repeated_slashes = \"reject\" }
@plain@
",
        rows: &[
            row("", "/plain/a", "plain /plain/a"),
            row("", "/plain/./a", "400 path_dot_segments"),
            row("", "/plain//a", "400 path_repeated_slashes"),
            row("", "/x/../plain/a", "400 path_dot_segments"),
            // Where no route is, the gateway's own policy counts.
            row("", "/none", "404 route_not_found"),
            row("", "/none/./x", "404 route_not_found"),
            row("", "/none%2Fx", "400 path_encoded_slash"),
        ],
    });
}

#[test]
fn expressions_see_the_canonical_path() {
    assert_holds(&Table {
        routes: "
[[routes]]
path_regex = '^/v(?<version>[0-9]+)/users/(?<id>[^/]+)$'
path_policy = { encoded_slash = \"keep\" }
@regex@
[[routes]]
path = \"/item/{id}\"
path_params = { id = '[0-9]+' }
@item@
[[routes]]
path = \"/*\"
@open@
",
        rows: &[
            row("", "/v1/users/7", "regex /v1/users/7"),
            row("", "/v1/users/a%2fb", "regex /v1/users/a%2fb"),
            row("", "/v%31/./users/7", "regex /v1/users/7"),
            row("", "/v1/users/7/8", "open /v1/users/7/8"),
            row("", "/v1/users/..%2fadmin", "400 path_dot_segments"),
            row("", "/item/42", "item /item/42"),
            row("", "/item/%34%32", "item /item/%34%32"),
            row("", "/item/42%2f1", "400 path_encoded_slash"),
            row("", "/item/42;1", "open /item/42;1"),
        ],
    });
}

#[test]
fn hosts_are_one_in_every_spelling() {
    let scene = Scene::new(
        "
[[routes]]
host = \"admin.test\"
path = \"/*\"
@guard@
[[routes]]
path = \"/*\"
@open@
",
    );
    let with_host =
        |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let rows = [
        ("admin.test", "guard /"),
        // CVE-2026-27588 (Caddy): a host in another case.
        ("ADMIN.test", "guard /"),
        ("admin.test.", "guard /"),
        ("admin.test:8080", "guard /"),
        ("Admin.Test.:80", "guard /"),
        ("other.test", "open /"),
        ("admin.test..", "open /"),
        ("admin.test@other.test", "400 host_invalid"),
        ("%61dmin.test", "400 host_invalid"),
        ("admin.test#", "400 host_invalid"),
        ("admin.test/", "400 host_invalid"),
    ];
    let requests: Vec<String> = rows.iter().map(|(host, _)| with_host(host)).collect();
    for ((host, wanted), answer) in rows.iter().zip(scene.ask(&requests)) {
        assert_eq!(answer.text(), *wanted, "{host}");
    }
    // CVE-2021-39241 (HAProxy): a second target within the method or behind the version.
    let smuggled = "GET /admin? HTTP/1.1 /static HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let absolute = "GET http://admin.test/x HTTP/1.1\r\nHost: other.test\r\n\
                    Connection: close\r\n\r\n"
        .to_owned();
    let answers = scene.ask(&[smuggled, absolute]);
    assert_eq!(answers[0].status, 400);
    assert_eq!(answers[1].text(), "guard /x");
}
