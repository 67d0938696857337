//! The configuration in use, shown and replaced.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Admin, TEXT, reply};
use crate::config::Format;
use crate::control::ask;
use crate::control::reload::{Answer, Input, Reloaded, SENT, Severity, Trigger, listed, written};
use crate::control::state::Phase;
use crate::error::{ConfigError, ReloadError};
use crate::limits::ADMIN_BODY_BYTES_MAX;

const JSON: &str = "application/json";

impl Admin {
    /// What is in use, without its secrets, and how far each worker is.
    pub(super) async fn configuration(&self) -> Response<Full<Bytes>> {
        let in_use = self.state.in_use();
        let since = in_use.since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        let workers = self
            .state
            .blocks
            .iter()
            .map(|block| json!({ "worker": block.worker(), "generation": block.generation() }));
        let generations = self.state.generations();
        let generations = generations.iter().map(
            |(generation, requests)| json!({ "generation": generation, "requests": requests }),
        );
        let mut document = json!({
            "generation": self.state.generation(),
            "configuration_generation": in_use.generation,
            "in_use_since": since.map(|since| since.as_secs_f64()),
            "source": in_use.source.name,
            "file": in_use.source.file,
            "fallback": in_use.fallback.as_deref(),
            "last_reload_successful": self.state.is_last_reload_good(),
            "listeners": in_use.addresses,
            "workers": workers.collect::<Vec<_>>(),
            "generations": generations.collect::<Vec<_>>(),
        });
        // A large one takes a while, in which the others are answered.
        let shown = tokio::task::spawn_blocking(move || {
            document["configuration"] = in_use.source.shown.as_deref().map_or(Value::Null, read);
            serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
        });
        match shown.await {
            Ok(text) => reply(StatusCode::OK, JSON, text),
            Err(error) => reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        }
    }

    /// Reads the file again.
    pub(super) async fn reload(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let file = self.state.in_use().source.file.clone();
        let name = file.map_or_else(String::new, |file| file.display().to_string());
        let answer = self.ask(Input::File).await;
        told(answer, &name, headers, "")
    }

    /// Takes the body for the configuration.
    pub(super) async fn replace<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let Some(format) = format_of(request.uri().query(), request.headers()) else {
            let text = "the format is told by Content-Type (application/toml, application/yaml, \
                        application/json) or by ?format=toml, yaml or json\n";
            return reply(StatusCode::UNSUPPORTED_MEDIA_TYPE, TEXT, text);
        };
        let _turn = self.body.acquire().await.expect("it is never closed");
        let (head, body) = request.into_parts();
        let text = match Limited::new(body, ADMIN_BODY_BYTES_MAX).collect().await {
            Ok(collected) => String::from_utf8(collected.to_bytes().into()),
            Err(error) if error.is::<LengthLimitError>() => {
                let text = format!("longer than {ADMIN_BODY_BYTES_MAX} bytes\n");
                return reply(StatusCode::PAYLOAD_TOO_LARGE, TEXT, text);
            }
            Err(error) => {
                return reply(
                    StatusCode::BAD_REQUEST,
                    TEXT,
                    format!("the body broke off: {error}\n"),
                );
            }
        };
        let Ok(text) = text else {
            return reply(StatusCode::BAD_REQUEST, TEXT, "the body is not UTF-8\n");
        };
        let note = match &self.state.in_use().source.file {
            Some(file) => format!(
                "{} is as it was: when it is read again, it replaces this configuration\n",
                file.display()
            ),
            None => "it is in use until the gateway ends, and is written to no file\n".to_owned(),
        };
        let answer = self.ask(Input::Text { text, format }).await;
        told(answer, SENT, &head.headers, &note)
    }

    async fn ask(&self, input: Input) -> Answer {
        if self.state.phase() == Phase::Draining {
            return Err(ReloadError::Ending);
        }
        ask(&self.reloads, input, Trigger::Admin).await
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// By the query, else by the type of the body.
fn format_of(query: Option<&str>, headers: &HeaderMap) -> Option<Format> {
    let pairs = query.unwrap_or_default().split('&');
    if let Some(name) = pairs.filter_map(|pair| pair.strip_prefix("format=")).next() {
        return match name {
            "toml" => Some(Format::Toml),
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            _ => None,
        };
    }
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*kind {
        "application/toml" | "text/toml" => Some(Format::Toml),
        "application/yaml" | "application/x-yaml" | "text/yaml" => Some(Format::Yaml),
        "application/json" => Some(Format::Json),
        _ => None,
    }
}

/// What came of it, as a text or, where that is asked for, as JSON.
fn told(answer: Answer, name: &str, headers: &HeaderMap, note: &str) -> Response<Full<Bytes>> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_json = accept.contains(JSON);
    let status = match &answer {
        Ok(_) => StatusCode::OK,
        Err(ReloadError::Config(_) | ReloadError::Listen { .. } | ReloadError::NoFile) => {
            StatusCode::BAD_REQUEST
        }
        Err(ReloadError::Ending) => StatusCode::CONFLICT,
        Err(ReloadError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Err(ReloadError::Unacknowledged { .. }) => StatusCode::GATEWAY_TIMEOUT,
    };
    if wants_json {
        let document = match &answer {
            Ok(reloaded) => success(reloaded, note),
            Err(ReloadError::Config(error)) => refusal(error, name),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
        return reply(status, JSON, text);
    }
    let text = match &answer {
        Ok(Reloaded { generation, changes }) => {
            format!("generation {generation} is in use: {changes}\n{note}")
        }
        Err(ReloadError::Config(error)) => listed(error, name) + "\n",
        Err(error) => format!("{error}\n"),
    };
    let mut response = reply(status, TEXT, text);
    if let Ok(Reloaded { generation, .. }) = answer {
        response.headers_mut().insert("frys-generation", HeaderValue::from(generation));
    }
    response
}

fn success(Reloaded { generation, changes }: &Reloaded, note: &str) -> Value {
    let kinds = [
        ("routes", &changes.routes),
        ("clusters", &changes.clusters),
        ("filters", &changes.filters),
        ("listeners", &changes.listeners),
    ];
    let mut document = json!({
        "generation": generation,
        "summary": changes.to_string(),
        "other_settings": changes.has_other,
    });
    for (kind, names) in kinds {
        document[kind] = json!({
            "added": names.added.count,
            "removed": names.removed.count,
            "changed": names.changed.count,
        });
    }
    if !note.is_empty() {
        document["note"] = note.trim_end().into();
    }
    document
}

fn refusal(error: &ConfigError, name: &str) -> Value {
    let faults = error.faults.iter().map(|fault| written(fault, Severity::Fault));
    json!({ "error": listed(error, name), "faults": faults.collect::<Vec<_>>() })
}
