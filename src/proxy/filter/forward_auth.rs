//! Who may pass: asked of another server for each request.

use super::{Flow, Reply, Text, Verdict};
use crate::bridge::question::{Answer, Forward, Forwarded, Question};
use crate::bridge::reason::Reason;
use crate::extension::Principal;
use crate::http::field::{FRAMING, FieldId, FieldNames, FieldSet, HOP_BY_HOP};
use crate::http::forwarded::{self, Hop};
use crate::http::head::{RequestHead, list, trim};
use crate::http::status::Status;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::snapshot::filter::ForwardAuth;

use serde_json::{Map, Value};

use std::rc::Rc;

pub(super) fn on_request(plan: &ForwardAuth, exchange: &mut Exchange) -> Verdict {
    let mut lines = Vec::with_capacity(exchange.head.len() + ROOM_BYTES);
    write_head(plan, exchange, &mut lines);
    Ok(Flow::Ask(Question::Forward(Forward { target: plan.target.clone(), lines })))
}

pub(super) fn on_answer(plan: &ForwardAuth, answer: Answer, exchange: &mut Exchange) -> Verdict {
    // Whatever the server says: nobody but it speaks to the upstream under these names.
    for name in &plan.to_upstream {
        exchange.passage.request.remove(name.as_bytes());
    }
    let told = match answer {
        Answer::Forward(told) => Some(told),
        Answer::Task(_) | Answer::Password(_) | Answer::Keys(_) | Answer::Failed => None,
    };
    match told {
        // More than one says more than one thing, or is not the server's alone.
        Some(told) if (200..300).contains(&told.status) && lines(&told, &plan.user).count() < 2 => {
            pass(plan, &told, exchange);
            Ok(Flow::Continue)
        }
        Some(told) if is_refusal(told.status) => refuse(plan, *told, exchange),
        Some(_) | None if plan.passes_errors => Ok(Flow::Continue),
        Some(_) => Err(Failure::new(Reason::ForwardUndecided)),
        None => Err(Failure::new(Reason::ForwardFailed)),
    }
}

/// A decision against the request. 304 is none: nothing conditional was asked.
fn is_refusal(status: u16) -> bool {
    matches!(status, 401 | 403 | 300..=303 | 305..=399)
}

/// The head of the question: the request's fields and what was asked for.
fn write_head(plan: &ForwardAuth, exchange: &Exchange, out: &mut Vec<u8>) {
    let request = exchange.request();
    let told = forwarded::drop_set(exchange.is_trusted);
    let dropped = exchange.index.listed.union(NEVER).union(told);
    for field in request.fields() {
        let name = field.name;
        let is_kept = match field.id {
            FieldId::Other => {
                let twin = FieldId::of_twin(name);
                !dropped.contains(twin) && !is_own(name) && !is_listed(request, name)
            }
            known => !dropped.contains(known),
        };
        if is_kept && plan.shown.as_ref().is_none_or(|shown| shown.contains(name)) {
            line(name, field.value, out);
        }
    }
    let peer = exchange.peer.map(|peer| peer.ip().to_canonical());
    let host = request.authority();
    let hop = Hop { peer, trusted: exchange.is_trusted, proto: "http", host };
    forwarded::request(request, &hop, FieldSet::of(&[FieldId::Via, FieldId::Forwarded]), out);
    line(b"X-Forwarded-Method", request.method().as_str().as_bytes(), out);
    out.extend_from_slice(b"X-Forwarded-Uri: ");
    // What the upstream is sent: where it reads another path, the decision would be about nothing.
    out.extend_from_slice(exchange.forwarded_path());
    if let Some(query) = request.query() {
        out.push(b'?');
        out.extend_from_slice(query);
    }
    out.extend_from_slice(b"\r\n");
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Whether a name is one of those that the question has of its own, with `_` for `-` or not.
fn is_own(name: &[u8]) -> bool {
    let folded = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    [&b"x-forwarded-method"[..], b"x-forwarded-uri"]
        .into_iter()
        .any(|own| own.len() == name.len() && own.iter().copied().eq(name.iter().map(folded)))
}

/// Whether `Connection` names a field, which is then for one connection (RFC 9110 section 7.6.1).
fn is_listed(request: RequestHead<'_>, name: &[u8]) -> bool {
    let options = request.all(FieldId::Connection).flat_map(list);
    options.into_iter().any(|option| option.eq_ignore_ascii_case(name))
}

/// Lets the request pass with what the server said.
fn pass(plan: &ForwardAuth, told: &Forwarded, exchange: &mut Exchange) {
    let passage = &mut exchange.passage;
    for (name, value) in &told.fields {
        if plan.to_upstream.contains(name) {
            passage.request.append(name.as_bytes(), value);
        }
    }
    give(&plan.to_client, &FieldSet::EMPTY, told, exchange);
    let text = |value| String::from_utf8_lossy(value).into_owned();
    let user = lines(told, &plan.user).next().map(text);
    // RFC 9110 section 5.3: several lines are one list.
    let roles: Vec<String> = lines(told, &plan.roles).map(text).collect();
    let roles = (!roles.is_empty()).then(|| roles.join(","));
    if exchange.passage.principal.is_some() || (user.is_none() && roles.is_none()) {
        return;
    }
    let mut claims = Map::new();
    if let Some(roles) = roles {
        let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty());
        claims.insert("roles".to_owned(), roles.map(Value::from).collect());
    }
    let principal = Principal {
        subject: user.unwrap_or_default().into(),
        method: "forward",
        claims: Value::Object(claims),
    };
    exchange.passage.principal = Some(Rc::new(principal));
}

/// The values of a field of the server's answer.
fn lines<'a>(told: &'a Forwarded, name: &'a Option<Box<str>>) -> impl Iterator<Item = &'a [u8]> {
    let named = told.fields.iter().filter(move |(own, _)| name.as_ref() == Some(own));
    named.map(|(_, value)| &**value)
}

/// Answers with what the server said.
fn refuse(plan: &ForwardAuth, told: Forwarded, exchange: &mut Exchange) -> Verdict {
    give(&plan.to_client, &REFUSAL, &told, exchange);
    let Some(status) = Status::new(told.status) else {
        return Err(Failure::new(Reason::ForwardUndecided));
    };
    let body = told.body.unwrap_or_default();
    let mut types = told.fields.iter().filter(|(name, _)| &**name == "content-type");
    // One that is coded stays so, and says how.
    let coding = told.fields.iter().find(|(name, _)| &**name == "content-encoding");
    if let Some((name, value)) = coding.filter(|_| !body.is_empty()) {
        exchange.passage.response.set(name.as_bytes(), value);
    }
    let content_type = types.next().map(|(_, value)| value.to_vec()).unwrap_or_default();
    let text = Text::Own { content_type, body };
    Ok(Flow::Respond(Reply { reason: Reason::ForwardDenied, status, text }))
}

/// Gives the client fields of the server's answer. They stand in place of the upstream's, but for
/// cookies, of which either may set its own.
fn give(names: &FieldNames, always: &FieldSet, told: &Forwarded, exchange: &mut Exchange) {
    let passage = &mut exchange.passage;
    let is_given = |name: &str| {
        names.contains(name.as_bytes()) || always.contains(FieldId::of(name.as_bytes()))
    };
    let given = || told.fields.iter().filter(|(name, _)| is_given(name));
    for (name, _) in given().filter(|(name, _)| &**name != "set-cookie") {
        passage.response.remove(name.as_bytes());
    }
    for (name, value) in given() {
        passage.response.append(name.as_bytes(), trim(value));
    }
}

/// Room for the fields that the question gains.
const ROOM_BYTES: usize = 512;

/// Fields that are for one connection, that go with a body, or that would make the server's answer
/// another one than a decision.
const NEVER: FieldSet = HOP_BY_HOP.union(FRAMING).union(FieldSet::of(&[
    FieldId::Host,
    FieldId::Trailer,
    FieldId::Expect,
    FieldId::ContentEncoding,
    FieldId::AcceptEncoding,
    FieldId::IfMatch,
    FieldId::IfModifiedSince,
    FieldId::IfNoneMatch,
    FieldId::IfRange,
    FieldId::IfUnmodifiedSince,
    FieldId::Range,
    FieldId::MaxForwards,
    FieldId::FrysExplain,
]));

/// Fields of a refusal that mean something only to the client.
const REFUSAL: FieldSet = FieldSet::of(&[
    FieldId::Location,
    FieldId::WwwAuthenticate,
    FieldId::SetCookie,
    FieldId::RetryAfter,
    FieldId::CacheControl,
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_decisions_from_others() {
        for (status, want) in [
            (401, true),
            (403, true),
            (302, true),
            (307, true),
            (304, false),
            (404, false),
            (429, false),
            (500, false),
            (100, false),
            (407, false),
            (400, false),
        ] {
            assert_eq!(is_refusal(status), want, "{status}");
        }
    }

    #[test]
    fn its_own_fields_have_one_writer() {
        for name in
            ["x-forwarded-uri", "X-Forwarded-Method", "X_Forwarded_URI", "x_forwarded-method"]
        {
            assert!(is_own(name.as_bytes()), "{name}");
        }
        assert!(!is_own(b"x-forwarded-urix") && !is_own(b"uri"));
    }
}
