//! Load balancers of a program's own.

use super::support::*;
use frys_gateway::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver, Sender};

/// Picks by the settings' `pick`, or by the key; tells what it is told.
struct Telling {
    told: Sender<String>,
}

struct Teller {
    told: Sender<String>,
    settings: Value,
    /// Attempts under way, by identity.
    open: BTreeMap<u64, i64>,
    picks_count: u64,
}

impl Teller {
    fn tell(&self, text: String) {
        // A test that has seen enough does not listen any more.
        let _ = self.told.send(text);
    }
}

impl LoadBalancer for Teller {
    fn pick(
        &mut self,
        endpoints: &Endpoints<'_>,
        key: u64,
        tried: &EndpointSet,
    ) -> Option<EndpointId> {
        self.picks_count += 1;
        let picked = match self.settings["pick"].as_u64() {
            Some(place) => Some(EndpointId(u32::try_from(place).expect("small"))),
            None => {
                let eligible: Vec<EndpointId> =
                    endpoints.eligible(tried).map(|(id, _)| id).collect();
                let count = eligible.len() as u64;
                eligible.get((key % count.max(1)) as usize).copied()
            }
        };
        if let Some(endpoint) = picked.and_then(|id| endpoints.get(id)) {
            *self.open.entry(endpoint.identity).or_default() += 1;
        }
        picked
    }

    fn on_attempt(&mut self, attempt: &Attempt) {
        *self.open.entry(attempt.endpoint.identity).or_default() -= 1;
        let open: i64 = self.open.values().sum();
        let end = attempt.end;
        let port = attempt.endpoint.address.port();
        assert!(attempt.first_byte.is_none_or(|first| first <= attempt.duration));
        self.tell(format!("{end:?} {port} {} {open}", attempt.first_byte.is_some()));
    }

    fn install(&mut self, previous: &Endpoints<'_>, next: &Endpoints<'_>) {
        self.tell(format!("{} to {}", previous.count(), next.count()));
    }
}

impl LoadBalancerFactory for Telling {
    fn build(&self, context: &BalancerContext<'_>) -> Result<Box<dyn LoadBalancer>, String> {
        if context.settings().get("fails").is_some() {
            return Err("as the test wants it".into());
        }
        let before = context.previous_as::<Teller>().map(|before| before.picks_count);
        let teller = Teller {
            told: self.told.clone(),
            settings: context.settings().value().clone(),
            open: BTreeMap::new(),
            picks_count: before.unwrap_or_default(),
        };
        let count = context.endpoints().count();
        teller.tell(format!("{} {count} {}", context.cluster(), teller.picks_count));
        Ok(Box::new(teller))
    }
}

fn telling() -> (Extensions, Receiver<String>) {
    let (told, heard) = mpsc::channel();
    (Extensions::new().balancer("tell", Telling { told }), heard)
}

fn balanced(upstreams: &[SocketAddr], settings: Value) -> GatewayConfig {
    let name = "tell".to_owned();
    let upstream =
        |address: &SocketAddr| Upstream::new(format!("http://{address}").parse().expect("a URL"));
    let route = Route {
        upstreams: upstreams.iter().map(upstream).collect(),
        load_balancer: LoadBalancerType::Custom(CustomBalancer { name, settings }),
        ..route("/*", upstreams[0], Vec::new())
    };
    config(vec![route])
}

fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address")
}

#[test]
fn picks_and_hears_of_each_attempt() {
    let (extensions, heard_of) = telling();
    let (one, two) = (upstream("one"), upstream("two"));
    let serving = Serving::start(balanced(&[one, two], json!({ "pick": 1 })), extensions);
    for _ in 0..3 {
        assert_eq!(serving.get("/").field("X-From"), "two");
    }
    assert_eq!(heard(&heard_of), "-route 2 0");
    for _ in 0..3 {
        let want = format!("Answered {{ status: 200 }} {} true 0", two.port());
        assert_eq!(heard(&heard_of), want);
    }
}

#[test]
fn a_failed_attempt_goes_to_another_endpoint() {
    let (dead, up) = (closed(), upstream("up"));
    let told = |upstreams: &[SocketAddr]| {
        let (extensions, heard_of) = telling();
        let serving = Serving::start(balanced(upstreams, json!({})), extensions);
        assert_eq!(serving.get("/").field("X-From"), "up");
        assert_eq!(heard(&heard_of), "-route 2 0");
        drop(serving);
        heard_of.into_iter().collect::<Vec<String>>()
    };
    let failed = format!("Failed {} false 0", dead.port());
    let answered = format!("Answered {{ status: 200 }} {} true 0", up.port());
    // The same client picks the same place: once it is the dead one.
    let mut both = [told(&[dead, up]), told(&[up, dead])];
    both.sort();
    assert_eq!(both, [vec![answered.clone()], vec![failed, answered]]);
}

#[test]
fn a_client_that_goes_away_ends_its_attempt() {
    let (extensions, heard_of) = telling();
    let (up, go) = waiting_upstream("up");
    let serving = Serving::start(balanced(&[up], json!({})), extensions);
    let mut client = serving.client();
    client.send("POST /wait HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab");
    assert_eq!(heard(&heard_of), "-route 1 0");
    drop(client);
    assert_eq!(heard(&heard_of), format!("Abandoned {} false 0", up.port()));
    go.send(()).expect("the upstream waits");
}

#[test]
fn what_cannot_be_picked_is_none_and_never_a_panic() {
    let up = upstream("up");
    for place in [1, 9, u64::from(u32::MAX)] {
        let (extensions, _) = telling();
        let mut config = balanced(&[up, closed()], json!({ "pick": place }));
        config.routes[0].upstreams[1].weight = 0;
        let serving = Serving::start(config, extensions);
        let answer = serving.get("/");
        assert_eq!(answer.status, 503, "{place}");
        assert!(answer.field("Proxy-Status").contains("no_endpoint"), "{}", answer.head);
    }
}

#[test]
fn one_that_cannot_be_made_is_mended_by_a_configuration() {
    let (extensions, _) = telling();
    let up = upstream("up");
    let serving = Serving::start(balanced(&[up], json!({ "fails": true })), extensions);
    assert_eq!(serving.get("/").status, 503);
    serving.replace(balanced(&[up], json!({})));
    assert_eq!(serving.get("/").status, 200);
}

#[test]
fn is_kept_over_new_endpoints_and_handed_on_with_new_settings() {
    let (extensions, heard_of) = telling();
    let (one, two) = (upstream("one"), upstream("two"));
    let serving = Serving::start(balanced(&[one], json!({ "pick": 0 })), extensions);
    assert_eq!(serving.get("/").field("X-From"), "one");
    assert_eq!(heard(&heard_of), "-route 1 0");
    assert!(heard(&heard_of).starts_with("Answered"));
    serving.replace(balanced(&[one, two], json!({ "pick": 0 })));
    assert_eq!(serving.get("/").field("X-From"), "one");
    assert_eq!(heard(&heard_of), "1 to 2");
    assert!(heard(&heard_of).starts_with("Answered"));
    serving.replace(balanced(&[one, two], json!({ "pick": 1 })));
    assert_eq!(serving.get("/").field("X-From"), "two");
    // Two picks were made before.
    assert_eq!(heard(&heard_of), "-route 2 2");
}

#[test]
fn a_filter_says_by_what_to_pick() {
    let (extensions, _) = telling();
    let (script, _) = Script::new(|_, request, context| {
        let key = request.field("X-Key").and_then(|key| std::str::from_utf8(key).ok());
        if let Some(key) = key.and_then(|key| key.parse().ok()) {
            context.balance_by(key);
        }
        Flow::Continue
    });
    let (one, two) = (upstream("one"), upstream("two"));
    let mut config = balanced(&[one, two], json!({}));
    config.routes[0].middlewares.push(custom("key", json!({})));
    let serving = Serving::start(config, extensions.filter("key", script));
    let by = |key: u64| {
        let request = format!("GET / HTTP/1.1\r\nHost: test\r\nX-Key: {key}\r\n\r\n");
        serving.client().ask(&request).field("X-From").to_owned()
    };
    assert_eq!([by(0), by(1), by(2), by(1)], ["one", "two", "one", "two"]);
    // Without a word of it, by the client's address: always the same.
    let first = serving.get("/").field("X-From").to_owned();
    for _ in 0..4 {
        assert_eq!(serving.get("/").field("X-From"), first);
    }
}
