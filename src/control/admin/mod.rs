//! The admin server: health, readiness, statistics, metrics and the configuration, on loopback by
//! default.

mod bind;
mod config;

pub use bind::{Address, Bound, SocketFile, bind, remove_stale};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};

use super::metrics::{Form, Metrics};
use super::reload::Request as Reload;
use super::state::State;
use super::stats;
use crate::limits::{
    ADMIN_ACCEPT_PAUSE_MS, ADMIN_CONNECTION_MS_MAX, ADMIN_CONNECTIONS_MAX, ADMIN_HEAD_BYTES_MAX,
    ADMIN_HEADER_TIMEOUT_MS,
};

/// What the admin server answers from.
pub struct Admin {
    state: Arc<State>,
    metrics: Option<Metrics>,
    metrics_path: String,
    host: HostRule,
    reloads: mpsc::Sender<Reload>,
    /// One configuration at a time is taken in, since each is as large as it may be.
    body: Semaphore,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Health,
    Ready,
    Stats,
    Metrics,
    Config,
    Reload,
}

impl Place {
    /// The methods that it takes.
    const fn allowed(self) -> &'static str {
        match self {
            Place::Health | Place::Ready | Place::Stats | Place::Metrics => "GET, HEAD",
            Place::Config => "GET, HEAD, PUT",
            Place::Reload => "POST",
        }
    }
}

/// Which `Host` a request must name.
///
/// A page in a browser can make its own name resolve to 127.0.0.1 and then read what a server on
/// loopback answers ("DNS rebinding"). Its requests carry its name, so a server on loopback
/// answers only to names that are no page's. One on another address is reached by whatever name
/// the operator gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    Any,
    Local,
}

impl Admin {
    /// Over this state, for the server at this address; no metrics without a path for them.
    pub fn new(
        state: Arc<State>,
        metrics_path: Option<String>,
        address: &Address,
        reloads: mpsc::Sender<Reload>,
    ) -> Admin {
        let metrics = metrics_path.is_some().then(|| Metrics::new(Arc::clone(&state)));
        let host = match address {
            Address::Tcp(address) if address.ip().is_loopback() => HostRule::Local,
            Address::Tcp(_) | Address::Unix(_) => HostRule::Any,
        };
        let metrics_path = metrics_path.unwrap_or_default();
        Admin { state, metrics, metrics_path, host, reloads, body: Semaphore::new(1) }
    }

    /// Accepts and answers until it is dropped.
    pub async fn serve(self, bound: Bound) {
        let admin = Arc::new(self);
        let places = Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX));
        let listener = match bound.into_tokio() {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "the admin server cannot listen"),
        };
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            match listener.accept().await {
                Ok(stream) => {
                    let admin = Arc::clone(&admin);
                    tokio::spawn(async move {
                        admin.connection(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: try again when some are closed.
                    tracing::warn!(%error, "the admin server cannot accept");
                    tokio::time::sleep(Duration::from_millis(ADMIN_ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(move |request| {
            let admin = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(admin.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(ADMIN_HEADER_TIMEOUT_MS))
            .max_buf_size(ADMIN_HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let limit = Duration::from_millis(ADMIN_CONNECTION_MS_MAX);
        // A client that breaks the protocol, goes away or outstays its time is its own business.
        let _ = tokio::time::timeout(limit, connection).await;
    }

    /// The answer to one request. Its body is read where it may change something.
    async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if self.host == HostRule::Local && !names_local(request.headers(), request.uri().host()) {
            let text = "this server answers only to an IP address or `localhost` as its host\n";
            return reply(StatusCode::FORBIDDEN, TEXT, text);
        }
        let Some(place) = self.place(request.uri().path()) else {
            return reply(StatusCode::NOT_FOUND, TEXT, self.paths());
        };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if !reads && request.headers().contains_key(ORIGIN) {
            // Browsers send it with whatever a page asks them to change, and let no page leave it
            // out; programs do not send it.
            let text = "a page in a browser may change nothing here\n";
            return reply(StatusCode::FORBIDDEN, TEXT, text);
        }
        match (place, request.method()) {
            (Place::Health, &Method::GET | &Method::HEAD) => reply(StatusCode::OK, TEXT, "ok\n"),
            (Place::Ready, &Method::GET | &Method::HEAD) => self.ready(),
            (Place::Stats, &Method::GET | &Method::HEAD) => self.stats(),
            (Place::Metrics, &Method::GET | &Method::HEAD) => self.scrape(request.headers()),
            (Place::Config, &Method::GET | &Method::HEAD) => self.configuration().await,
            (Place::Config, &Method::PUT) => self.replace(request).await,
            (Place::Reload, &Method::POST) => self.reload(request.headers()).await,
            (place, _) => {
                let text = format!("only {}\n", place.allowed());
                let mut refusal = reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, text);
                let allowed = HeaderValue::from_static(place.allowed());
                refusal.headers_mut().insert(ALLOW, allowed);
                refusal
            }
        }
    }

    fn place(&self, path: &str) -> Option<Place> {
        match path {
            path if self.metrics.is_some() && path == self.metrics_path => Some(Place::Metrics),
            "/health" => Some(Place::Health),
            "/ready" => Some(Place::Ready),
            "/stats" => Some(Place::Stats),
            "/config" => Some(Place::Config),
            "/config/reload" => Some(Place::Reload),
            _ => None,
        }
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        match (self.state.unready(), self.state.in_use().fallback) {
            (None, None) => reply(StatusCode::OK, TEXT, "ready\n"),
            (None, Some(why)) => {
                let text = format!("ready\nwith the last-known-good configuration: {why}\n");
                reply(StatusCode::OK, TEXT, text)
            }
            (Some(why), _) => reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
        }
    }

    fn stats(&self) -> Response<Full<Bytes>> {
        reply(StatusCode::OK, "application/json", stats::text(&self.state))
    }

    fn scrape(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let form = Form::of_accept(accept);
        let body = self.metrics.as_ref().map_or_else(String::new, |metrics| metrics.encode(form));
        reply(StatusCode::OK, form.content_type(), body)
    }

    fn paths(&self) -> String {
        let metrics = if self.metrics.is_some() { &*self.metrics_path } else { "" };
        let paths =
            ["/health", "/ready", "/stats", "/config", "/config/reload", metrics].join("\n");
        format!("there is nothing here; there is\n{}\n", paths.trim_end())
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the host is an IP address or `localhost`, with or without a port. HTTP/1.0 needs none,
/// and no browser sends it.
fn names_local(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let field = match headers.get(HOST).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(host)) => Some(host),
        Some(Err(_)) => return false,
    };
    [field, authority].into_iter().flatten().all(is_local_name)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;
