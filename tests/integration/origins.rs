//! Pages of one origin that ask a gateway of another, in a real Chromium: what a page may read is
//! what the browser says it may, not what our own reading of the standard says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Gateway, Upstream, program, run};

/// The page. It asks the address in its query, one case after the other.
const PAGE: &str = include_str!("origins.html");

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    // Time stands still while an answer is awaited, so the page has all its answers at the end.
    "--virtual-time-budget=30000",
    "--dump-dom",
];

/// What the page saw, by case.
fn seen(chromium: &PathBuf, page: &str) -> Value {
    let profile = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(chromium);
    command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg(page);
    let (status, dom, error) = run(&mut command);
    assert_eq!(status, Some(0), "{error}");
    let (_, rest) = dom.split_once("<pre id=\"seen\">").expect("the page ended");
    let (text, _) = rest.split_once("</pre>").expect("its end");
    serde_json::from_str(&text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        .expect("JSON")
}

#[test]
fn a_browser_lets_pages_do_what_they_may_and_no_more() {
    let Some(chromium) = program("chromium") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("page.html"), PAGE).expect("a file");
    let site = Gateway::start(&format!(
        "[[routes]]\npath = \"/*\"\nfiles = {{ root = \"{}\" }}\n",
        folder.path().display()
    ));
    // It allows everything to everybody, which is not what the gateway says.
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\
         Access-Control-Allow-Headers: *\r\nX-Shown: shown\r\nX-Hidden: hidden\r\n\
         Set-Cookie: sid=7; Path=/\r\nContent-Length: 2\r\n\r\nok",
    );
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
    let gateway = Gateway::start(
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
    );
    let page = format!("{origin}/page.html?http://{}", gateway.address);
    let seen = seen(&chromium, &page);
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
