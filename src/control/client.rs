//! Control's own client of other servers: what filters have it ask, and key sets of issuers.
//!
//! HTTP/1.1, plain or over TLS. A redirect is an answer like any other: nobody is sent elsewhere by
//! a server that he asks. Everything has a bound: the whole in time, head and body in bytes, idle
//! connections in number.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use crate::limits;

/// All clients of one gateway: one for each set of authorities that is trusted.
#[derive(Default)]
pub struct Clients(Mutex<Vec<(Option<Arc<str>>, Client)>>);

/// Asks servers, and keeps connections to them for a while. Clones share those.
#[derive(Clone)]
pub struct Client(legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

/// How far an answer may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the question to the answer's last byte.
    pub timeout: Duration,
    /// Bytes of its body.
    pub body_bytes_max: usize,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub fields: HeaderMap,
    /// Its body; none where that is longer than it may be.
    pub body: Option<Bytes>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// The authorities that are to be trusted cannot be read.
    #[error("the certificates of authorities cannot be used: {0}")]
    Authorities(String),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No connection, or no answer that is HTTP.
    #[error("{0}")]
    Failed(String),
}

impl Clients {
    /// The client that trusts these authorities, certificates in PEM, or those of the system. The
    /// first of its kind reads them, beside control's thread.
    ///
    /// # Errors
    /// [`ClientFault::Authorities`]
    pub async fn of(&self, authorities: Option<&Arc<str>>) -> Result<Client, ClientFault> {
        if let Some(known) = self.known(authorities) {
            return Ok(known);
        }
        let wanted = authorities.cloned();
        let made = tokio::task::spawn_blocking(move || Client::new(wanted.as_deref()));
        let client = made.await.map_err(|error| ClientFault::Failed(error.to_string()))??;
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= limits::CLIENTS_MAX {
            // The one that has been known for longest: its next use makes it again.
            clients.remove(0);
        }
        clients.push((authorities.cloned(), client.clone()));
        Ok(client)
    }

    fn known(&self, authorities: Option<&Arc<str>>) -> Option<Client> {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = clients.iter().find(|(known, _)| known.as_ref() == authorities);
        found.map(|(_, client)| client.clone())
    }
}

impl Client {
    /// One that trusts these authorities, or those of the system; it blocks.
    ///
    /// # Errors
    /// [`ClientFault::Authorities`]
    fn new(authorities: Option<&str>) -> Result<Client, ClientFault> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(limits::CLIENT_CONNECT_MS)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(authorities)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(limits::CLIENT_IDLE_MS))
            .pool_max_idle_per_host(limits::CLIENT_IDLE_MAX)
            .http1_max_buf_size(limits::CLIENT_HEAD_BYTES_MAX)
            .http1_max_headers(limits::CLIENT_FIELDS_MAX)
            .build(connector);
        Ok(Client(client))
    }

    /// Asks for a resource. A connection that its server closed just before is no fault: what was
    /// lost with it is asked once more.
    ///
    /// # Errors
    /// [`ClientFault`]: no connection, no HTTP, too large a head, or too late.
    pub async fn get(
        &self,
        url: &Uri,
        fields: &HeaderMap,
        bounds: Bounds,
    ) -> Result<Told, ClientFault> {
        let asked = async {
            match self.once(url, fields, bounds).await {
                Err(fault) if is_lost(&fault) => self.once(url, fields, bounds).await,
                other => other,
            }
        };
        let told = tokio::time::timeout(bounds.timeout, asked).await;
        let told = told.map_err(|_| ClientFault::Timeout(bounds.timeout))?;
        told.map_err(|error| ClientFault::Failed(chain(&error)))
    }

    async fn once(
        &self,
        url: &Uri,
        fields: &HeaderMap,
        bounds: Bounds,
    ) -> Result<Told, legacy::Error> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = fields.clone();
        let (head, body) = Response::into_parts(self.0.request(request).await?);
        let body = Limited::new(body, bounds.body_bytes_max).collect().await;
        let body = body.ok().map(http_body_util::Collected::to_bytes);
        Ok(Told { status: head.status, fields: head.headers, body })
    }
}

fn tls(authorities: Option<&str>) -> Result<ClientConfig, ClientFault> {
    // The provider is named here: the process may have chosen another one for itself, or none.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientFault::Authorities(error.to_string()))?;
    if let Some(pem) = authorities {
        let roots = roots(pem).map_err(ClientFault::Authorities)?;
        return Ok(config.with_root_certificates(roots).with_no_client_auth());
    }
    match config.clone().with_native_roots() {
        Ok(config) => Ok(config.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "no authorities of the system: no server is trusted over TLS");
            Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

/// Certificates of authorities in PEM.
///
/// # Errors
/// What is wrong with them.
fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is no certificate".to_owned());
    }
    Ok(roots)
}

/// Whether the connection ended before any of the answer was there.
fn is_lost(error: &legacy::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<hyper::Error>()
            && (cause.is_incomplete_message() || cause.is_canceled())
        {
            return true;
        }
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            let kind = cause.kind();
            return matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
        }
        source = cause.source();
    }
    false
}

/// An error with what it comes from, in one line.
fn chain(error: &legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
#[path = "client/tests.rs"]
mod tests;
