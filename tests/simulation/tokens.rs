//! Tokens in virtual time: what was verified is remembered as long as it holds, and no longer.

use crate::world::{Shared, World, config};

use frys_gateway::bridge::question::{Answer, Desk, Question, pair};
use frys_gateway::config::{AuthConfig, Middleware, Route, StaticResponse};
use frys_gateway::jwt::fixture::{Signer, set};
use frys_gateway::jwt::{Algorithm, KeySet, KeySource, Origin, Symmetric};
use frys_gateway::limits::KEYS_UNKNOWN_MS;
use frys_gateway::runtime::{Segment, Socket};
use serde_json::json;

use std::rc::Rc;
use std::sync::Arc;

const SECRET: &str = "a secret of thirty-two bytes, or so";
const SECOND_NS: u64 = 1_000_000_000;

fn run(scene: impl AsyncFnOnce(Rc<Shared>) -> Result<(), String>) {
    let outcome = World::new(1, true).run_scene(async |shared| {
        // The world's own configuration comes by mail; those of the scene come after it.
        pause(&shared, SECOND_NS).await;
        scene(shared).await
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

/// A route that answers bearers.
fn install(shared: &Shared, auth: AuthConfig) -> Result<(), String> {
    let mut config = config(true);
    let route = Route {
        id: "tokens".into(),
        path: "/tokens".into(),
        respond: Some(StaticResponse { body: Some("in".into()), ..StaticResponse::default() }),
        middlewares: vec![Middleware::Auth(auth)],
        ..Route::default()
    };
    config.routes.insert(0, route);
    shared.worker.install(shared.compile(config)?);
    Ok(())
}

fn token(shared: &Shared, seconds: u64) -> String {
    let now_s = shared.runtime.wall().seconds;
    let claims = json!({ "sub": "ada", "exp": now_s + seconds });
    Signer::secret(SECRET.as_bytes()).token(Algorithm::HS256, None, &claims)
}

/// The status of a request with this token, on the connection.
async fn ask(shared: &Shared, socket: &Socket, token: &str) -> Result<String, String> {
    let mut block = shared.runtime.blocks().take();
    let head = "GET /tokens HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer";
    block.extend_from_slice(format!("{head} {token}\r\n\r\n").as_bytes());
    socket.push(Segment::Block(block));
    let mut received = Vec::new();
    loop {
        match socket.receive().await {
            Ok(Some(lease)) => received.extend_from_slice(&lease),
            end @ (Ok(None) | Err(_)) => return Err(format!("{end:?} instead of an answer")),
        }
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() == length {
            return Ok(text.get(9..12).unwrap_or_default().to_owned());
        }
    }
}

async fn connect(shared: &Shared) -> Result<Socket, String> {
    shared.runtime.connect(&shared.gateway).await.map_err(|errno| errno.to_string())
}

/// Cache hits and misses of the only filter.
fn counted(shared: &Shared) -> (u64, u64) {
    let snapshot = shared.snapshot.borrow();
    let block = snapshot.as_ref().map(|snapshot| &snapshot.filters[0]);
    block.map_or((0, 0), |filter| {
        let block = filter.series.of(0);
        (block.cache_hits.read(), block.cache_misses.read())
    })
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, want: T) -> Result<(), String> {
    if found == want { Ok(()) } else { Err(format!("{found:?} instead of {want:?}")) }
}

async fn pause(shared: &Shared, nanoseconds: u64) {
    shared.runtime.sleep_until(shared.runtime.now().plus_ns(nanoseconds)).await;
}

#[test]
fn a_remembered_token_ends_when_it_ends() {
    run(async |shared| {
        install(&shared, AuthConfig { jwt_secret: SECRET.into(), ..AuthConfig::default() })?;
        let token = token(&shared, 10);
        let socket = connect(&shared).await?;
        same(ask(&shared, &socket, &token).await?, "200".into())?;
        same(ask(&shared, &socket, &token).await?, "200".into())?;
        same(counted(&shared), (1, 1))?;
        // The leeway is a minute.
        pause(&shared, 50 * SECOND_NS).await;
        let socket = connect(&shared).await?;
        same(ask(&shared, &socket, &token).await?, "200".into())?;
        same(counted(&shared), (2, 1))?;
        pause(&shared, 21 * SECOND_NS).await;
        let socket = connect(&shared).await?;
        same(ask(&shared, &socket, &token).await?, "401".into())?;
        same(ask(&shared, &socket, &token).await?, "401".into())?;
        same(counted(&shared), (2, 3))
    });
}

#[test]
fn other_rules_forget_what_was_verified() {
    run(async |shared| {
        let auth = AuthConfig { jwt_secret: SECRET.into(), ..AuthConfig::default() };
        install(&shared, auth.clone())?;
        let token = token(&shared, 1_000);
        let socket = connect(&shared).await?;
        same(ask(&shared, &socket, &token).await?, "200".into())?;
        // The same filter goes on with what it knows.
        install(&shared, auth.clone())?;
        same(ask(&shared, &socket, &token).await?, "200".into())?;
        same(counted(&shared), (1, 1))?;
        install(&shared, AuthConfig { required_claims: vec!["role".into()], ..auth })?;
        same(ask(&shared, &socket, &token).await?, "403".into())
    });
}

/// Answers the oldest question with these keys; whether there was one.
fn answer(desk: &mut Desk, keys: Option<&Arc<KeySet>>) -> bool {
    let Some((ticket, question)) = desk.pop() else { return false };
    let is_about_keys = matches!(question, Question::Keys(_));
    desk.push(ticket, Answer::Keys(keys.cloned()));
    is_about_keys
}

#[test]
fn an_unknown_key_is_asked_for_once_in_a_while() {
    run(async |shared| {
        let (mut asker, mut desk) = pair().map_err(|error| error.to_string())?;
        drop(asker.take_wake());
        shared.worker.ask_through(asker);
        let (old, new) = (Signer::p256(), Signer::p256());
        let keys = |version, keys: &[serde_json::Value]| {
            let mut found = KeySet::parse(set(keys).as_bytes(), Symmetric::Ignored)
                .map_err(|error| error.to_string())?;
            found.version = version;
            Ok::<_, String>(Arc::new(found))
        };
        let before = keys(1, &[old.jwk("old")])?;
        let after = keys(2, &[new.jwk("new")])?;
        let auth = AuthConfig {
            jwks_url: Some("http://issuer.test/keys".into()),
            ..AuthConfig::default()
        };
        shared.learn(&auth, &before);
        install(&shared, auth.clone())?;
        let now_s = shared.runtime.wall().seconds;
        let claims = json!({ "exp": now_s + 1_000 });
        let known = old.token(Algorithm::ES256, Some("old"), &claims);
        let coming = new.token(Algorithm::ES256, Some("new"), &claims);
        let foreign = new.token(Algorithm::ES256, Some("other"), &claims);

        let socket = connect(&shared).await?;
        same(ask(&shared, &socket, &known).await?, "200".into())?;
        same(desk.pop().is_none(), true)?;
        // Control has newer ones, of which this one is.
        let asked = shared.ask_aside(&coming);
        shared.wait("the question", || answer(&mut desk, Some(&after))).await?;
        shared.wait("the answer", || asked.borrow().is_some()).await?;
        same(asked.take(), Some("200".to_owned()))?;
        // One that nobody has is asked for once.
        let asked = shared.ask_aside(&foreign);
        shared.wait("the question", || answer(&mut desk, Some(&after))).await?;
        shared.wait("the answer", || asked.borrow().is_some()).await?;
        same(asked.take(), Some("401".to_owned()))?;
        for _ in 0..5 {
            same(ask(&shared, &connect(&shared).await?, &foreign).await?, "401".into())?;
        }
        same(desk.pop().is_none(), true)?;
        pause(&shared, (KEYS_UNKNOWN_MS + 100) * 1_000_000).await;
        let asked = shared.ask_aside(&foreign);
        shared.wait("the question", || answer(&mut desk, None)).await?;
        shared.wait("the answer", || asked.borrow().is_some()).await?;
        // No keys at all: nobody can say.
        same(asked.take(), Some("503".to_owned()))?;
        // The new generation has other keys: what the old ones signed is not believed any more.
        shared.learn(&auth, &after);
        install(&shared, auth)?;
        same(ask(&shared, &connect(&shared).await?, &coming).await?, "200".into())?;
        let asked = shared.ask_aside(&known);
        shared.wait("the question", || answer(&mut desk, Some(&after))).await?;
        shared.wait("the answer", || asked.borrow().is_some()).await?;
        same(asked.take(), Some("401".to_owned()))
    });
}

impl Shared {
    /// The keys of a filter, as control would tell the next generation.
    fn learn(&self, auth: &AuthConfig, keys: &Arc<KeySet>) {
        let url = auth.jwks_url.as_deref().unwrap_or_default();
        let source = KeySource { origin: Origin::Url(url.into()), refresh_ms: None, ca: None };
        self.lineage.borrow_mut().learn([(Arc::new(source), Arc::clone(keys))].into());
    }

    /// Asks in a task of its own; what came of it.
    fn ask_aside(self: &Rc<Self>, token: &str) -> Rc<std::cell::RefCell<Option<String>>> {
        let told = Rc::new(std::cell::RefCell::new(None));
        let (shared, token, place) = (self.clone(), token.to_owned(), told.clone());
        self.runtime.spawn(async move {
            let outcome = match connect(&shared).await {
                Ok(socket) => ask(&shared, &socket, &token).await,
                Err(error) => Err(error),
            };
            *place.borrow_mut() = Some(outcome.unwrap_or_else(|error| error));
        });
        told
    }
}
