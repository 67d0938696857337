//! What a filter keeps over new configurations, and filters that cannot be made.

use super::support::*;
use frys_gateway::*;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts requests, and how often it was made; `fails` makes it fail.
#[derive(Clone, Default)]
struct Counting {
    made_count: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
}

struct Count {
    number: u64,
    count: Rc<Cell<u64>>,
}

impl Filter for Count {
    fn needs(&self) -> Needs {
        Needs { response: true, ..Needs::default() }
    }

    fn on_request(&self, _: &mut Request<'_>, _: &mut FilterContext<'_>) -> Flow {
        self.count.set(self.count.get() + 1);
        Flow::Continue
    }

    fn on_response(&self, response: &mut Response<'_>, _: &mut FilterContext<'_>) -> Flow {
        let text = format!("{} of {}", self.count.get(), self.number);
        response.set("X-Count", text).expect("a field");
        Flow::Continue
    }
}

impl FilterFactory for Counting {
    fn build(&self, context: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        assert_eq!((context.worker(), context.workers_count()), (0, 1));
        assert!(["custom@-route", "custom.shared"].contains(&context.name()), "{}", context.name());
        if self.fails.load(Ordering::SeqCst) {
            return Err("as the test wants it".into());
        }
        let number = self.made_count.fetch_add(1, Ordering::SeqCst) + 1;
        let count = context.previous_as::<Count>().map(|before| before.count.clone());
        Ok(Rc::new(Count { number, count: count.unwrap_or_default() }))
    }
}

fn with(upstream: std::net::SocketAddr, settings: Value) -> GatewayConfig {
    config(vec![route("/*", upstream, vec![custom("count", settings)])])
}

#[test]
fn a_filter_stays_while_its_settings_do_and_is_handed_on_when_they_change() {
    let up = upstream("up");
    let counting = Counting::default();
    let extensions = Extensions::new().filter("count", counting);
    let serving = Serving::start(with(up, json!({ "a": 1 })), extensions);
    let counted = || serving.get("/").field("X-Count").to_owned();
    assert_eq!(counted(), "1 of 1");
    // Something else changes.
    let other = Route { max_body: Some(1), ..with(up, json!({ "a": 1 })).routes.remove(0) };
    serving.replace(config(vec![other]));
    assert_eq!(counted(), "2 of 1");
    serving.replace(with(up, json!({ "a": 2 })));
    assert_eq!(counted(), "3 of 2");
    // Away, and back: it is made anew.
    serving.replace(config(vec![route("/*", up, Vec::new())]));
    assert_eq!(serving.get("/").all("X-Count").len(), 0);
    serving.replace(with(up, json!({ "a": 2 })));
    let again = counted();
    assert!(again.ends_with(" of 3"), "{again}");
}

#[test]
fn routes_share_a_filter_that_has_a_name() {
    let up = upstream("up");
    let shared = || vec![Middleware::Named("custom.shared".into())];
    let mut config = config(vec![route("/a", up, shared()), route("/b", up, shared())]);
    config.middlewares.insert("custom.shared".into(), custom("count", json!({})));
    let serving = Serving::start(config, Extensions::new().filter("count", Counting::default()));
    assert_eq!(serving.get("/a").field("X-Count"), "1 of 1");
    assert_eq!(serving.get("/b").field("X-Count"), "2 of 1");
}

#[test]
fn an_exchange_keeps_the_filter_that_saw_its_request() {
    let (up, go) = waiting_upstream("up");
    let serving = Serving::start(
        with(up, json!({ "a": 1 })),
        Extensions::new().filter("count", Counting::default()),
    );
    let mut client = serving.client();
    client.send("GET /wait HTTP/1.1\r\nHost: test\r\n\r\n");
    // Seen by the filter, since the next request on the same worker was.
    assert_eq!(serving.get("/").field("X-Count"), "2 of 1");
    serving.replace(with(up, json!({ "a": 2 })));
    assert_eq!(serving.get("/").field("X-Count"), "3 of 2");
    go.send(()).expect("the upstream waits");
    assert_eq!(client.answer().field("X-Count"), "3 of 1");
}

#[test]
fn a_filter_that_cannot_be_made_fails_its_requests_alone_and_is_tried_again() {
    let up = upstream("up");
    let counting = Counting::default();
    counting.fails.store(true, Ordering::SeqCst);
    let extensions = Extensions::new().filter("count", counting.clone());
    let routes =
        vec![route("/*", up, vec![custom("count", json!({}))]), route("/plain", up, Vec::new())];
    let serving = Serving::start(config(routes), extensions);
    let answer = serving.get("/");
    assert_eq!(answer.status, 500);
    assert!(answer.field("Proxy-Status").contains("filter_failed"), "{}", answer.head);
    assert_eq!(serving.get("/plain").status, 200);
    counting.fails.store(false, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + LONG;
    while serving.get("/").status != 200 {
        assert!(std::time::Instant::now() < deadline, "it is not tried again");
    }
    assert_eq!(counting.made_count.load(Ordering::SeqCst), 1);
}

#[test]
fn filters_are_made_before_a_request_needs_them() {
    let counting = Counting::default();
    let extensions = Extensions::new().filter("count", counting.clone());
    let _serving = Serving::start(with(upstream("up"), json!({})), extensions);
    let deadline = std::time::Instant::now() + LONG;
    while counting.made_count.load(Ordering::SeqCst) == 0 {
        assert!(std::time::Instant::now() < deadline, "nobody makes it");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_changes_finds_the_extensions_again() {
    let up = upstream("up");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frys.toml");
    let write = |field: &str| {
        let text = format!(
            "listen_addr = \"127.0.0.1:0\"\nworkers = 1\n[admin]\nenabled = false\n\
             [reload]\nwatch = false\n[[routes]]\nid = \"-route\"\npath = \"/*\"\n\
             upstreams = [{{ url = \"http://{up}\" }}]\n\
             custom = {{ filter = \"count\", settings = {{ field = \"{field}\" }} }}\n"
        );
        std::fs::write(&path, text).expect("a file");
    };
    write("a");
    let extensions = Extensions::new().filter("count", Counting::default());
    let gateway = Gateway::from_file_with(&path, extensions).expect("it is right");
    let serving = Serving::launch(&gateway);
    assert_eq!(serving.get("/").field("X-Count"), "1 of 1");
    write("b");
    block_on(serving.handle.reload()).expect("it is taken");
    assert_eq!(serving.get("/").field("X-Count"), "2 of 2");
}
