//! Against a server on loopback that does what issuers do, and what they should not.

use super::*;
use crate::jwt::Origin;
use crate::jwt::fixture::{Signer, set};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicUsize;
use tokio::time::timeout;

/// What the server says.
#[derive(Clone)]
enum Says {
    /// This, with these fields.
    Page(u16, String, String),
    /// Nothing, for as long as the client waits.
    Nothing,
}

struct Issuer {
    address: SocketAddr,
    says: Mutex<BTreeMap<String, Says>>,
    requests_count: AtomicUsize,
}

impl Issuer {
    fn start() -> Arc<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let issuer = Arc::new(Issuer {
            address: listener.local_addr().expect("it is bound"),
            says: Mutex::default(),
            requests_count: AtomicUsize::new(0),
        });
        let weak = Arc::downgrade(&issuer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(issuer) = weak.upgrade() else { return };
                std::thread::spawn(move || issuer.serve(&mut stream.expect("a connection")));
            }
        });
        issuer
    }

    fn serve(&self, stream: &mut TcpStream) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.extend_from_slice(&byte),
                Ok(_) | Err(_) => return,
            }
        }
        self.requests_count.fetch_add(1, Ordering::SeqCst);
        let head = String::from_utf8_lossy(&head);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let says = self.says.lock().expect("no panic").get(path).cloned();
        match says {
            Some(Says::Nothing) => drop(stream.read_to_end(&mut Vec::new())),
            Some(Says::Page(status, fields, body)) => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{fields}");
                // The client may have had enough.
                let _ =
                    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
            }
            None => {
                let head = "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
            }
        }
    }

    fn says(&self, path: &str, says: Says) {
        self.says.lock().expect("no panic").insert(path.to_owned(), says);
    }

    fn keys(&self, names: &[&str]) {
        let keys: Vec<_> = names.iter().map(|name| key().jwk(name)).collect();
        self.says("/keys", page(set(&keys)));
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn source(&self) -> Arc<KeySource> {
        let origin = Origin::Url(self.url("/keys").into());
        Arc::new(KeySource { origin, refresh_ms: None, ca: None })
    }

    fn requests_count(&self) -> usize {
        self.requests_count.load(Ordering::SeqCst)
    }
}

fn page(body: String) -> Says {
    Says::Page(200, String::new(), body)
}

fn key() -> &'static Signer {
    static SIGNER: std::sync::OnceLock<Signer> = std::sync::OnceLock::new();
    SIGNER.get_or_init(Signer::p256)
}

/// Never again by itself, at once when asked.
fn eager() -> Pace {
    let hour = Duration::from_secs(3_600);
    Pace {
        ttl: hour,
        ttl_min: hour,
        ttl_max: hour,
        retry_first: hour,
        retry_max: hour,
        unknown: Duration::ZERO,
        limit: Duration::from_secs(5),
    }
}

struct Scene {
    identities: Identities,
    asked: mpsc::Sender<KeysAsked>,
    ledger: Arc<Ledger>,
}

impl Scene {
    fn new(pace: Pace) -> Scene {
        let (asked, inbox) = mpsc::channel(8);
        let ledger = Arc::new(Ledger::default());
        Scene { identities: Identities::new(Arc::clone(&ledger), inbox, pace), asked, ledger }
    }

    async fn with(pace: Pace, source: &Arc<KeySource>) -> Scene {
        let mut scene = Scene::new(pace);
        scene.identities.add([Arc::clone(source)]);
        scene.identities.first().await;
        scene
    }

    /// Its set's version and number of keys, as workers get it.
    fn known(&mut self, source: &Arc<KeySource>) -> Option<(u64, usize)> {
        facts(self.identities.key_sets().get(source))
    }

    /// The same as it is after a question.
    async fn ask(&self, source: &Arc<KeySource>) -> Option<(u64, usize)> {
        let (done, told) = oneshot::channel();
        let source = Arc::clone(source);
        assert!(self.asked.send(KeysAsked { source, done }).await.is_ok());
        facts(told.await.expect("everybody is answered").as_ref())
    }
}

fn facts(set: Option<&Arc<KeySet>>) -> Option<(u64, usize)> {
    set.map(|set| (set.version, set.keys().len()))
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let limit = Duration::from_secs(30);
    let test = async { timeout(limit, test).await.expect("it ends in time") };
    runtime.expect("a runtime").block_on(test);
}

#[test]
fn keys_are_there_before_they_are_needed() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a", "b"]);
        let mut scene = Scene::with(eager(), &issuer.source()).await;
        assert_eq!(scene.known(&issuer.source()), Some((1, 2)));
        let status = scene.ledger.all().into_values().next().expect("it is told of");
        assert_eq!((status.keys, status.fetched, status.failing), (2, 1, false));
    });
}

#[test]
fn an_issuer_says_where_its_keys_are() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let name = issuer.url("/realm");
        let discovery = |issuer_name: &str, keys: &str| {
            page(json!({ "issuer": issuer_name, "jwks_uri": keys }).to_string())
        };
        let path = "/realm/.well-known/openid-configuration";
        issuer.says(path, discovery(&name, &issuer.url("/keys")));
        let source = Arc::new(KeySource {
            origin: Origin::Issuer(name.as_str().into()),
            refresh_ms: None,
            ca: None,
        });
        let mut scene = Scene::with(eager(), &source).await;
        assert_eq!(scene.known(&source), Some((1, 1)));
        // What is not the issuer's own is not believed.
        issuer.keys(&["a", "b"]);
        for wrong in [
            discovery(&issuer.url("/other"), &issuer.url("/keys")),
            discovery(&format!("{name}/"), &issuer.url("/keys")),
            discovery(&name, "file:///etc/keys.json"),
            discovery(&name, &issuer.url("/nothing")),
            page("<html>".to_owned()),
            page("[]".to_owned()),
            Says::Page(302, format!("Location: {}\r\n", issuer.url("/keys")), String::new()),
        ] {
            issuer.says(path, wrong);
            assert_eq!(scene.ask(&source).await, Some((1, 1)));
        }
        issuer.says(path, discovery(&name, &issuer.url("/keys")));
        assert_eq!(scene.ask(&source).await, Some((2, 2)));
    });
}

#[test]
fn the_last_good_keys_stay_when_the_issuer_fails() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let pace = Pace { limit: Duration::from_millis(500), ..eager() };
        let mut scene = Scene::with(pace, &issuer.source()).await;
        let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(600 * 1024));
        for wrong in [
            Says::Page(500, String::new(), set(&[key().jwk("b")])),
            page("garbage".to_owned()),
            page(set(&[])),
            page(set(&[json!({ "kty": "oct", "k": "AAAA" })])),
            page(large),
            Says::Nothing,
        ] {
            issuer.says("/keys", wrong);
            assert_eq!(scene.ask(&issuer.source()).await, Some((1, 1)));
            let status = scene.ledger.all().into_values().next().expect("it is told of");
            assert!(status.failing && status.keys == 1, "{status:?}");
        }
        issuer.keys(&["a", "b"]);
        assert_eq!(scene.ask(&issuer.source()).await, Some((2, 2)));
        assert_eq!(scene.known(&issuer.source()), Some((2, 2)));
    });
}

#[test]
fn keys_come_later_where_they_did_not_come_at_first() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.says("/keys", Says::Page(503, String::new(), String::new()));
        let first = Duration::from_millis(5);
        let pace = Pace { retry_first: first, retry_max: first, ..eager() };
        let mut scene = Scene::with(pace, &issuer.source()).await;
        assert_eq!(scene.known(&issuer.source()), None);
        issuer.keys(&["a"]);
        scene.identities.changed().await;
        assert_eq!(scene.known(&issuer.source()), Some((1, 1)));
    });
}

#[test]
fn old_keys_are_fetched_again() {
    block_on(async {
        let issuer = Issuer::start();
        let fields = "Cache-Control: max-age=0\r\n".to_owned();
        issuer.says("/keys", Says::Page(200, fields, set(&[key().jwk("a")])));
        let pace = Pace { ttl_min: Duration::from_millis(5), ..eager() };
        let mut scene = Scene::with(pace, &issuer.source()).await;
        assert_eq!(scene.known(&issuer.source()), Some((1, 1)));
        issuer.keys(&["b"]);
        scene.identities.changed().await;
        assert_eq!(scene.known(&issuer.source()), Some((2, 1)));
    });
}

#[test]
fn the_operator_says_when() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let mut source = (*issuer.source()).clone();
        source.refresh_ms = Some(5);
        let source = Arc::new(source);
        let mut scene = Scene::with(eager(), &source).await;
        issuer.keys(&["b"]);
        while scene.known(&source) != Some((2, 1)) {
            scene.identities.changed().await;
        }
    });
}

#[test]
fn tokens_with_unknown_keys_cause_few_fetches() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let pace = Pace { unknown: Duration::from_secs(3_600), ..eager() };
        let scene = Scene::with(pace, &issuer.source()).await;
        issuer.keys(&["a", "b"]);
        for _ in 0..100 {
            assert_eq!(scene.ask(&issuer.source()).await, Some((1, 1)));
        }
        assert_eq!(issuer.requests_count(), 1);
    });
}

#[test]
fn the_same_keys_are_no_news() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let mut scene = Scene::with(eager(), &issuer.source()).await;
        assert_eq!(scene.known(&issuer.source()), Some((1, 1)));
        issuer.says("/keys", page(format!(" {}\n", set(&[key().jwk("a")]))));
        assert_eq!(scene.ask(&issuer.source()).await, Some((1, 1)));
        assert_eq!(issuer.requests_count(), 2);
        assert!(!scene.identities.sets.has_changed().expect("it is open"));
    });
}

#[test]
fn a_place_that_is_gone_is_not_asked() {
    block_on(async {
        let issuer = Issuer::start();
        issuer.keys(&["a"]);
        let mut scene = Scene::with(eager(), &issuer.source()).await;
        scene.identities.retain(&BTreeSet::new());
        assert_eq!(scene.ask(&issuer.source()).await, None);
        assert!(scene.identities.key_sets().is_empty() && scene.ledger.all().is_empty());
        assert_eq!(issuer.requests_count(), 1);
    });
}
