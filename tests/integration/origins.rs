//! Pages of one origin that ask a gateway of another, in a real Chromium: what a page may read is
//! what the browser says it may, not what our own reading of the standard says.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Gateway, Peer, Upstream, program, run, until};

/// The page. It asks the address in its query, one case after the other, and then reports.
const PAGE: &str = include_str!("origins.html");

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    // Ends once the page is loaded.
    "--dump-dom",
];

/// The page's own server.
fn site() -> Upstream {
    let has_reported = Arc::new(AtomicBool::new(false));
    Upstream::start(move |peer: &mut Peer| {
        while let Some(request) = peer.request() {
            let body = match request.target() {
                "/report" => {
                    has_reported.store(true, Ordering::SeqCst);
                    ""
                }
                // A picture that the page waits for until it has all its answers.
                "/hold" => {
                    let reported = || has_reported.load(Ordering::SeqCst).then_some(());
                    until("the page reports", 60, reported);
                    ""
                }
                target if target.starts_with("/page") => PAGE,
                _ => "",
            };
            peer.wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        }
    })
}

/// What the page saw, by case.
fn seen(chromium: &PathBuf, site: &Upstream, api: &Gateway) -> Value {
    let profile = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(chromium);
    command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("http://{}/page?http://{}", site.address, api.address));
    let (status, _, error) = run(&mut command);
    assert_eq!(status, Some(0), "{error}");
    let received = site.received();
    let report = received.iter().find(|request| request.target() == "/report");
    let report = report.unwrap_or_else(|| panic!("the page did not report: {error}"));
    serde_json::from_slice(&report.body).expect("JSON")
}

/// A gateway with a route for each thing that a `cors` can say of the page.
fn gateway(site: &Upstream, upstream: &Upstream) -> Gateway {
    let origin = format!("http://{}", site.address);
    let route = |path: &str, filters: &str| {
        format!(
            "[[routes]]\npath = \"{path}\"\n{filters}\nupstreams = [{{ url = \"http://{}\" }}]\n",
            upstream.address
        )
    };
    let listed = format!(
        "cors = {{ origins = [\"{origin}\"], credentials = true, methods = [\"GET\", \"PUT\"], \
         headers = [\"Content-Type\", \"X-Custom\"], expose_headers = [\"X-Shown\"] }}"
    );
    Gateway::start(
        &[
            route("/listed", &listed),
            route("/limited", &format!("{listed}\nrequest_limits = {{ query_size = \"0B\" }}")),
            route("/closed", &format!("{listed}\nmaintenance = {{ body = \"soon\" }}")),
            route("/any", "cors = { origins = [\"*\"] }"),
            route("/expression", "cors = { origin_regexes = ['http://127\\.0\\.0\\.1:\\d+'] }"),
            route("/other", "cors = { origins = [\"https://a.example\"] }"),
            route("/null", "cors = { origins = [\"null\"] }"),
            route("/without", ""),
        ]
        .concat(),
    )
}

#[test]
fn a_browser_lets_pages_do_what_they_may_and_no_more() {
    let Some(chromium) = program("chromium") else { return };
    let site = site();
    // It allows everything to everybody, which is not what the gateway says.
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\
         Access-Control-Allow-Headers: *\r\nX-Shown: shown\r\nX-Hidden: hidden\r\n\
         Set-Cookie: sid=7; Path=/\r\nContent-Length: 2\r\n\r\nok",
    );
    let gateway = gateway(&site, &upstream);
    let seen = seen(&chromium, &site, &gateway);
    let failed = json!("TypeError");
    let ok = json!([200, "ok", "shown", null]);
    let plain = json!([200, "ok", null, null]);
    for (case, want) in [
        ("simple", &ok),
        ("preflight", &ok),
        ("method not listed", &failed),
        ("field not listed", &failed),
        ("with cookie", &ok),
        (
            "refused by an earlier filter",
            &json!([414, "414 the request line is too long\n", null, null]),
        ),
        ("maintenance", &json!([503, "soon", null, null])),
        ("any", &plain),
        ("any with credentials", &failed),
        ("expression", &plain),
        ("other origin", &failed),
        ("null from a page with an origin", &failed),
        // The upstream's own word, where no filter speaks.
        ("without a filter", &plain),
        ("sandboxed at listed", &failed),
        ("sandboxed at null", &json!("200")),
        ("sandboxed at any", &json!("200")),
    ] {
        assert_eq!(&seen[case], want, "{case}: {seen:#}");
    }
    let received = upstream.received();
    let options = received.iter().filter(|request| request.line.starts_with("OPTIONS"));
    assert_eq!(options.count(), 0, "preflights are the gateway's");
    let puts: Vec<_> = received.iter().filter(|one| one.line.starts_with("PUT")).collect();
    assert_eq!(puts.len(), 1);
    assert_eq!((puts[0].field("x-custom"), puts[0].body.as_slice()), (Some("1"), &b"{}"[..]));
    let second = received.iter().find(|one| one.target() == "/listed?cookie").expect("it came");
    assert_eq!(second.field("cookie"), Some("sid=7"), "the first one's cookie");
    let cookies = received.iter().filter(|one| one.line.starts_with("PUT"));
    assert!(cookies.clone().all(|one| one.field("cookie").is_none()), "unless asked for");
}
