//! Who may pass: bearers of a JSON Web Token (RFC 7519).

mod credential;
mod told;

use super::{Flow, Step, Verdict};
use crate::bridge::question::{Answer, Question};
use crate::bridge::reason::Reason;
use crate::extension::Principal;
use crate::http::head::RequestHead;
use crate::jwt::{self, Cache, Fetched, KeySet, Keys, TokenFault, Verified};
use crate::limits::KEYS_UNKNOWN_MS;
use crate::proxy::exchange::{Exchange, HeadChanges};
use crate::proxy::failure::Failure;
use crate::runtime::Instant;
use crate::snapshot::filter::{Auth, TokenPlace};

use credential::Found;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// What a challenge says of a token that is wrong.
macro_rules! invalid {
    ($text:literal) => {
        concat!(", error=\"invalid_token\", error_description=\"", $text, "\"")
    };
}

/// What a challenge says of a token that is right, and not enough.
macro_rules! insufficient {
    ($text:literal) => {
        concat!(", error=\"insufficient_scope\", error_description=\"", $text, "\"")
    };
}

/// What one worker keeps for it.
pub struct State {
    /// Tokens that passed.
    cache: RefCell<Cache<Bearer>>,
    /// Until then nobody asks for newer keys: those that came last did not have the one.
    settled_until: Cell<Instant>,
}

/// What was made of a token.
struct Bearer {
    principal: Rc<Principal>,
    /// Lines for the upstream, from its claims.
    lines: Box<[u8]>,
}

impl State {
    pub(super) fn new(plan: &Auth) -> State {
        let cache = Cache::new(plan.cached_count_max, plan.cached_bytes_max);
        State { cache: RefCell::new(cache), settled_until: Cell::new(Instant::default()) }
    }
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &Auth,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    // Before anything else: also a request without a token must not say who it is of.
    for field in &plan.fields {
        exchange.passage.request.remove(&field.name);
    }
    let generation = Rc::clone(&exchange.generation);
    let set = generation.snapshot.key_set(step.id).map(|set| &**set);
    judge(step, plan, state, exchange, set).unwrap_or_else(|fault| {
        let now = step.worker.runtime.now();
        match &plan.source {
            Some(source) if fault == TokenFault::KeyUnknown && now >= state.settled_until.get() => {
                Ok(Flow::Ask(Question::Keys(Arc::clone(source))))
            }
            Some(_) | None => refuse(plan, fault, exchange),
        }
    })
}

/// Goes on with what control says.
pub(super) fn on_answer(
    step: &Step<'_>,
    plan: &Auth,
    state: &State,
    answer: Answer,
    exchange: &mut Exchange,
) -> Verdict {
    let set = match answer {
        Answer::Keys(set) => set,
        Answer::Task(_) | Answer::Password(_) | Answer::Forward(_) | Answer::Failed => {
            return unavailable(exchange);
        }
    };
    judge(step, plan, state, exchange, set.as_deref()).unwrap_or_else(|fault| {
        if fault == TokenFault::KeyUnknown {
            let now = step.worker.runtime.now();
            state.settled_until.set(now.plus_ms(KEYS_UNKNOWN_MS));
        }
        refuse(plan, fault, exchange)
    })
}

/// Judges the request by these keys, or says what is wrong with its token.
fn judge(
    step: &Step<'_>,
    plan: &Auth,
    state: &State,
    exchange: &mut Exchange,
    set: Option<&KeySet>,
) -> Result<Verdict, TokenFault> {
    let Exchange { head, index, passage, .. } = exchange;
    let head = RequestHead::new(head, index);
    let token = match credential::find(head, &plan.places) {
        Found::Token(token) if token.len() <= plan.token_bytes_max => token,
        Found::Token(_) => return Err(TokenFault::Malformed),
        Found::Twice => return Ok(refuse_several(plan, exchange)),
        Found::Nothing if plan.is_optional => return Ok(Ok(Flow::Continue)),
        Found::Nothing => return Ok(ask_for_token(plan, exchange)),
    };
    let now_s = step.worker.runtime.wall().seconds;
    let version = set.map_or(0, |set| set.version);
    let mut cache = state.cache.borrow_mut();
    if let Some(bearer) = cache.get(token, now_s, version) {
        step.block().cache_hits.add(1);
        passage.request.append_lines(|lines| lines.extend_from_slice(&bearer.lines));
        // A filter before may know already whose the request is.
        passage.principal.get_or_insert_with(|| Rc::clone(&bearer.principal));
    } else {
        step.block().cache_misses.add(1);
        let fetched = match (&plan.source, set) {
            (None, _) => Fetched::Never,
            (Some(_), None) => Fetched::Awaited,
            (Some(_), Some(set)) => Fetched::Known(set),
        };
        let keys = Keys { own: &plan.own, fetched };
        let mut verified = jwt::verify(token, keys, &plan.rules, now_s)?;
        let bytes = told::weight(&verified.claims);
        let bearer = bearer(plan, &mut verified);
        passage.request.append_lines(|lines| lines.extend_from_slice(&bearer.lines));
        // A filter before may know already whose the request is.
        passage.principal.get_or_insert_with(|| Rc::clone(&bearer.principal));
        let bytes = bytes + bearer.lines.len();
        cache.insert(token, &verified, bearer, bytes, now_s);
    }
    if plan.is_consumed {
        consume(head, &plan.places, &mut passage.request);
    }
    Ok(Ok(Flow::Continue))
}

/// Takes the claims of a token that passed.
fn bearer(plan: &Auth, verified: &mut Verified) -> Bearer {
    let claims = verified.claims.take();
    let subject = claims.get("sub").and_then(serde_json::Value::as_str).unwrap_or_default().into();
    let principal = Principal { subject, method: "jwt", claims };
    let mut lines = Vec::new();
    for field in &plan.fields {
        if let Some(value) = principal.claim(&field.claim) {
            told::line(&field.name, value, &mut lines);
        }
    }
    Bearer { principal: Rc::new(principal), lines: lines.into() }
}

/// Keeps the token from the upstream. That of a query stays: the check of the configuration refuses
/// to promise otherwise.
fn consume(head: RequestHead<'_>, places: &[TokenPlace], request: &mut HeadChanges) {
    for place in places {
        match place {
            TokenPlace::Authorization => request.remove(b"authorization"),
            TokenPlace::Field(_, name) => request.remove(name),
            TokenPlace::Cookie(name) => request.remove_cookie(head, name),
            TokenPlace::Query(_) => {}
        }
    }
}

/// Refuses for the token's sake, and says why (RFC 6750 section 3).
fn refuse(plan: &Auth, fault: TokenFault, exchange: &mut Exchange) -> Verdict {
    let (reason, said) = match fault {
        TokenFault::Malformed => (Reason::TokenMalformed, invalid!("no token that is understood")),
        TokenFault::Algorithm => {
            (Reason::TokenAlgorithm, invalid!("the algorithm is not accepted"))
        }
        TokenFault::KeyUnknown => (Reason::TokenKeyUnknown, invalid!("the key is not known")),
        TokenFault::KeysUnavailable => return unavailable(exchange),
        TokenFault::Signature => (Reason::TokenSignature, invalid!("the signature is wrong")),
        TokenFault::Expired => (Reason::TokenExpired, invalid!("the token has expired")),
        TokenFault::ExpiryMissing => {
            (Reason::TokenExpiryMissing, invalid!("the token has no expiry"))
        }
        TokenFault::Early => (Reason::TokenEarly, invalid!("the token does not hold yet")),
        TokenFault::Issuer => (Reason::TokenIssuer, invalid!("the issuer is another one")),
        TokenFault::Audience => (Reason::TokenAudience, invalid!("it is for another audience")),
        TokenFault::ClaimMissing => {
            (Reason::TokenClaimMissing, insufficient!("a claim is missing or has another value"))
        }
        TokenFault::ScopeMissing => (Reason::ScopeMissing, insufficient!("a scope is missing")),
    };
    // RFC 6750 section 3.1: what is missing is said with the scopes that are needed.
    let is_insufficient = matches!(fault, TokenFault::ClaimMissing | TokenFault::ScopeMissing);
    let scope: &[u8] = if is_insufficient { &plan.scope } else { b"" };
    challenge(plan, &[said.as_bytes(), scope], exchange);
    Err(Failure::new(reason))
}

/// Refuses for there being more tokens than one.
fn refuse_several(plan: &Auth, exchange: &mut Exchange) -> Verdict {
    challenge(plan, &[invalid!("there is more than one token").as_bytes()], exchange);
    Err(Failure::new(Reason::TokenRepeated))
}

/// Asks for a token. Who sent none is told of no error (RFC 6750 section 3.1).
fn ask_for_token(plan: &Auth, exchange: &mut Exchange) -> Verdict {
    challenge(plan, &[], exchange);
    Err(Failure::new(Reason::CredentialsMissing))
}

/// The token may be right: nobody knows yet.
fn unavailable(exchange: &mut Exchange) -> Verdict {
    exchange.passage.response.append(b"Retry-After", b"1");
    Err(Failure::new(Reason::KeysUnavailable))
}

fn challenge(plan: &Auth, parts: &[&[u8]], exchange: &mut Exchange) {
    exchange.passage.response.append_lines(|lines| {
        lines.extend_from_slice(b"WWW-Authenticate: ");
        lines.extend_from_slice(&plan.challenge);
        for part in parts {
            lines.extend_from_slice(part);
        }
        lines.extend_from_slice(b"\r\n");
    });
}
