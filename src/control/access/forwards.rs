//! Requests to the servers of `forward_auth`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

use crate::bridge::question::{Answer, Forward, Forwarded};
use crate::control::client::{Bounds, ClientFault, Clients, Told};
use crate::http::head::list;
use crate::limits;
use crate::snapshot::filter::ForwardTarget;

/// A place among the questions that one server may have at once.
struct Place(Arc<ForwardTarget>);

impl Place {
    fn take(target: &Arc<ForwardTarget>) -> Option<Place> {
        let place = Place(Arc::clone(target));
        let before_count = target.under_way.fetch_add(1, Ordering::Relaxed);
        (before_count < target.requests_max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the server says; `Failed` where it says nothing in time, nothing that is HTTP, or has as
/// many questions as it may.
pub async fn ask(clients: &Clients, question: Forward) -> Answer {
    let Forward { target, lines } = question;
    let Some(_place) = Place::take(&target) else { return Answer::Failed };
    match told(clients, &target, &lines).await {
        Ok(told) => {
            tracing::debug!(url = %target.url, status = %told.status, "forward_auth has an answer");
            Answer::Forward(Box::new(forwarded(told)))
        }
        Err(fault) => {
            tracing::debug!(url = %target.url, %fault, "forward_auth has no answer");
            Answer::Failed
        }
    }
}

async fn told(
    clients: &Clients,
    target: &ForwardTarget,
    lines: &[u8],
) -> Result<Told, ClientFault> {
    let client = clients.of(target.authorities.as_ref()).await?;
    let url: Uri = target.url.parse().map_err(|_| ClientFault::Failed("no URL".to_owned()))?;
    let bounds = Bounds {
        timeout: Duration::from_millis(target.timeout_ms),
        body_bytes_max: limits::FORWARD_BODY_BYTES_MAX,
    };
    client.get(&url, &fields(lines), bounds).await
}

/// Fields of lines `Name: value`, each with its CRLF. What is no field is left out.
fn fields(lines: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            // As many as a head may have: the map's own bound is far beyond.
            fields.append(name, value);
        }
    }
    fields
}

fn forwarded(told: Told) -> Forwarded {
    // RFC 9110 section 7.6.1: what `Connection` names is for this connection alone.
    let options =
        || told.fields.get_all(CONNECTION).iter().flat_map(|value| list(value.as_bytes()));
    let is_listed = |name: &HeaderName| {
        options().any(|option| option.eq_ignore_ascii_case(name.as_str().as_bytes()))
    };
    let fields = told.fields.iter().filter(|(name, _)| !is_listed(name));
    let fields = fields.map(|(name, value)| (name.as_str().into(), value.as_bytes().into()));
    Forwarded {
        status: told.status.as_u16(),
        fields: fields.collect(),
        body: told.body.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    #[test]
    fn lines_become_fields() {
        let fields =
            fields(b"Host: a.example\r\nX-A:1\r\nX-A: 2\r\nX B: 3\r\nX-C: \xff\r\nbad\r\n");
        let of = |name| fields.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        assert_eq!(of("host"), [b"a.example"]);
        assert_eq!(of("x-a"), [b"1", b"2"]);
        assert_eq!(of("x-c"), [b"\xff"]);
        assert_eq!(fields.len(), 4);
    }

    #[test]
    fn fields_of_the_connection_are_not_told() {
        let mut told = Told { status: StatusCode::OK, fields: HeaderMap::new(), body: None };
        for (name, value) in [
            ("connection", "close, X-User"),
            ("connection", "x-roles"),
            ("x-user", "a"),
            ("x-roles", "b"),
            ("x-other", "c"),
        ] {
            told.fields.append(name, HeaderValue::from_static(value));
        }
        let names: Vec<_> = forwarded(told).fields.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["connection".into(), "connection".into(), "x-other".into()]);
    }

    #[test]
    fn a_server_has_so_many_questions_at_once() {
        let target = Arc::new(ForwardTarget {
            url: "http://127.0.0.1:1/".into(),
            timeout_ms: 1,
            authorities: None,
            requests_max: 2,
            under_way: 0.into(),
        });
        let first = Place::take(&target).expect("free");
        let _second = Place::take(&target).expect("free");
        assert!(Place::take(&target).is_none());
        drop(first);
        assert!(Place::take(&target).is_some());
    }
}
