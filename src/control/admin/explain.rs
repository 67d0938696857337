//! `/requests`, `/requests/{id}`, `/requests/{id}/explanation` and `/explain`: what became of
//! requests, and why. Nothing here changes anything.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::{Admin, TEXT, not_allowed, reply};
use crate::bridge::recent::{Kept, Recent};
use crate::control::recent::{self, Query};
use crate::control::reload::Written;
use crate::explain::{self, Asked, Description, Explanation, Source};
use crate::limits::EXPLAIN_BODY_BYTES_MAX;
use crate::snapshot::Snapshot;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Explain,
    Requests,
    One(String),
    Explanation(String),
}

impl Place {
    pub(super) fn of(path: &str) -> Option<Place> {
        match path {
            "/explain" => return Some(Place::Explain),
            "/requests" => return Some(Place::Requests),
            _ => {}
        }
        let id = recent::decoded(path.strip_prefix("/requests/")?);
        match id.strip_suffix("/explanation") {
            Some(id) => Some(Place::Explanation(id.to_owned())),
            None => Some(Place::One(id)),
        }
    }
}

type Answer = Response<Full<Bytes>>;

impl Admin {
    /// The answer to a request for one of these places.
    pub(super) async fn explained<B>(&self, place: Place, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match place {
            Place::Explain if *request.method() == Method::POST => self.explain(request).await,
            Place::Explain => not_allowed("POST"),
            Place::Requests | Place::One(_) | Place::Explanation(_) if !reads => {
                not_allowed("GET, HEAD")
            }
            _ if !recent::is_kept(&self.state) => {
                reply(StatusCode::NOT_FOUND, TEXT, "admin.recent_requests is 0: none are kept\n")
            }
            Place::Requests => match Query::parse(request.uri().query().unwrap_or_default()) {
                Ok(query) => json(&recent::list(&self.state, &query)),
                Err(text) => reply(StatusCode::BAD_REQUEST, TEXT, text + "\n"),
            },
            Place::One(id) => match recent::find(&self.state, &id) {
                Some((worker, found)) => json(&recent::document(&self.state, worker, &found)),
                None => unknown(&id),
            },
            Place::Explanation(id) => match recent::find(&self.state, &id) {
                Some((_, found)) => self.explain_past(found).await,
                None => unknown(&id),
            },
        }
    }

    /// Explains a described request by what is served now.
    async fn explain<B>(&self, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let body = Limited::new(request.into_body(), EXPLAIN_BODY_BYTES_MAX).collect().await;
        let Ok(body) = body else {
            return reply(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "the description is too long\n");
        };
        let description: Description = match serde_json::from_slice(&body.to_bytes()) {
            Ok(description) => description,
            Err(error) => return reply(StatusCode::BAD_REQUEST, TEXT, format!("{error}\n")),
        };
        let Some(snapshot) = self.state.newest() else { return nothing_served() };
        match Asked::new(&description, &snapshot.limits) {
            Ok(asked) => self.explanation(snapshot, asked, None).await,
            Err(error) => reply(StatusCode::BAD_REQUEST, TEXT, format!("{error}\n")),
        }
    }

    /// Explains a request of the past by what is served now.
    async fn explain_past(&self, past: Recent) -> Answer {
        let Some(snapshot) = self.state.newest() else { return nothing_served() };
        if past.facts.kept == Kept::Line {
            let reason = past.facts.reason;
            let text = format!(
                "its head was not kept: it ended with {} ({})\n",
                reason.label(),
                String::from_utf8_lossy(&past.head).escape_debug()
            );
            return reply(StatusCode::CONFLICT, TEXT, text);
        }
        let peer: Option<IpAddr> = past.facts.peer.map(|peer| peer.ip());
        match Asked::of_head(&past.head, peer, past.facts.is_tls) {
            Ok(asked) => self.explanation(snapshot, asked, Some(self.note(&past))).await,
            Err(_) => reply(StatusCode::CONFLICT, TEXT, "its head cannot be read again\n"),
        }
    }

    /// What became of a request of the past, beside what would become of it now.
    fn note(&self, past: &Recent) -> String {
        let facts = &past.facts;
        let names = self.state.names_of(facts.generation);
        let route = names.as_ref().and_then(|names| names.route(facts.route));
        let route = match (facts.route, route) {
            (_, Some(route)) => format!("route `{route}`"),
            (None, None) => "no route".to_owned(),
            // Nobody uses the generation any more, and its names went with it.
            (Some(_), None) => "a route, whose name is not kept,".to_owned(),
        };
        let mut note = format!(
            "ended with {}, status {}, by {route} of generation {}",
            facts.reason.label(),
            facts.status,
            facts.generation
        );
        let filter = names.as_ref().and_then(|names| names.filter(facts.filter));
        let rule = names.as_ref().and_then(|names| names.rule(facts.rule));
        let told = [
            ("the client was", Some(facts.identity.name()).filter(|name| !name.is_empty())),
            ("it stopped at the filter", filter),
            ("the rule was", rule),
        ];
        for (words, name) in told {
            if let Some(name) = name {
                note.push_str(&format!("; {words} `{name}`"));
            }
        }
        if facts.withheld != 0 {
            note.push_str("; its secret fields were not kept: conditions on them may differ");
        }
        if facts.kept == Kept::Part {
            note.push_str("; not all of its fields had room");
        }
        note
    }

    /// Explains beside the admin's thread: a large configuration takes a while.
    async fn explanation(
        &self,
        snapshot: Arc<Snapshot>,
        asked: Asked,
        past: Option<String>,
    ) -> Answer {
        let in_use = self.state.in_use();
        let explained = tokio::task::spawn_blocking(move || {
            let Written { config, document } = in_use.source.written()?;
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            let source = Source {
                config: &config,
                snapshot: &snapshot,
                document: document.as_ref(),
                is_running: true,
                now: since.map_or(0, |since| since.as_secs()),
            };
            explain::explain(source, &asked).map(|explanation| Explanation { past, ..explanation })
        });
        match explained.await {
            Ok(Some(explanation)) => {
                json(&serde_json::to_value(explanation).expect("memory takes everything"))
            }
            Ok(None) | Err(_) => {
                let text = "the routes cannot be put in order\n";
                reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
            }
        }
    }
}

fn json(value: &Value) -> Answer {
    reply(StatusCode::OK, "application/json", format!("{value}\n"))
}

fn unknown(id: &str) -> Answer {
    let text = format!(
        "no request of the recent past has the id `{}`: `/requests` lists them, and \
         admin.recent_requests is how many are kept\n",
        id.escape_debug()
    );
    reply(StatusCode::NOT_FOUND, TEXT, text)
}

fn nothing_served() -> Answer {
    reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, "nothing is served yet\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_places() {
        assert_eq!(Place::of("/explain"), Some(Place::Explain));
        assert_eq!(Place::of("/requests"), Some(Place::Requests));
        assert_eq!(Place::of("/requests/a%2Fb"), Some(Place::One("a/b".into())));
        let explanation = Place::Explanation("x".into());
        assert_eq!(Place::of("/requests/x/explanation"), Some(explanation));
        assert_eq!(Place::of("/requestsx"), None);
    }
}
