//! `/requests`: the requests that ended last, out of every worker's ring, as JSON.
//!
//! Keys are those of the access log, so that a line of one can stand for a line of the other.

use serde_json::{Value, json};

use super::logs::format;
use super::names::Names;
use super::state::State;
use crate::bridge::recent::{Kept, Recent, WITHHELD_FIELD, WITHHELD_QUERY};
use crate::bridge::{Reason, WorkerBlock};
use crate::http::field::{self, MASK};
use crate::http::h1::parse::{self, HeadLimits, Parsed};
use crate::http::head::{HeadIndex, RequestHead, Version};
use crate::limits::{RECENT_LISTED_DEFAULT, RECENT_LISTED_MAX};

/// Which requests are asked for: the query of `/requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    route: Option<String>,
    reason: Option<Reason>,
    status: Option<Status>,
    limit: Option<usize>,
    after: Option<Cursor>,
}

/// A status or, as in `4xx`, a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Code(u16),
    Class(u16),
}

/// How far each worker's records were read: the number of the last one of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cursor(Vec<u64>);

impl Query {
    /// Reads a query such as `route=api&status=5xx&limit=10`.
    ///
    /// # Errors
    /// What is wrong with it, for whoever wrote it.
    pub fn parse(text: &str) -> Result<Query, String> {
        let mut query = Query::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            match key {
                "route" => query.route = Some(value),
                "reason" => {
                    let known = Reason::ALL.iter().find(|reason| reason.label() == value);
                    query.reason = Some(*known.ok_or(format!("there is no reason `{value}`"))?);
                }
                "status" => query.status = Some(Status::parse(&value)?),
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=RECENT_LISTED_MAX).contains(limit));
                    let fault = format!("`limit` is a number from 1 to {RECENT_LISTED_MAX}");
                    query.limit = Some(limit.ok_or(fault)?);
                }
                "after" => query.after = Some(Cursor::parse(&value)?),
                _ => {
                    return Err(format!(
                        "`{key}` is no part of the query; there are route, reason, status, limit \
                         and after"
                    ));
                }
            }
        }
        Ok(query)
    }

    fn takes(&self, recent: &Recent, route: Option<&str>) -> bool {
        self.route.as_deref().is_none_or(|wanted| route == Some(wanted))
            && self.reason.is_none_or(|reason| recent.facts.reason == reason)
            && self.status.is_none_or(|status| status.has(recent.facts.status))
    }
}

impl Status {
    fn parse(text: &str) -> Result<Status, String> {
        let class = text.strip_suffix("xx").and_then(|digit| digit.parse().ok());
        let class = class.filter(|class| (1..=5).contains(class)).map(Status::Class);
        let code = text.parse().ok().map(Status::Code);
        class.or(code).ok_or_else(|| format!("`{text}` is no status: write 404 or 4xx"))
    }

    fn has(self, status: u16) -> bool {
        match self {
            Status::Code(code) => status == code,
            Status::Class(class) => status / 100 == class,
        }
    }
}

impl Cursor {
    fn parse(text: &str) -> Result<Cursor, String> {
        let numbers = text.split('.').map(str::parse).collect::<Result<_, _>>();
        numbers.map(Cursor).map_err(|_| "`after` is a `cursor` of an earlier answer".to_owned())
    }

    fn text(&self) -> String {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        numbers.join(".")
    }
}

/// The requests that a query takes: the newest first, or those after a cursor, the oldest first.
pub fn list(state: &State, query: &Query) -> Value {
    let limit = query.limit.unwrap_or(RECENT_LISTED_DEFAULT);
    match &query.after {
        Some(after) => listed_after(state, query, after, limit),
        None => listed_newest(state, query, limit),
    }
}

/// The request with this id, or with this value in its `X-Request-Id`; the newest, where there is
/// more than one.
pub fn find(state: &State, id: &str) -> Option<(usize, Recent)> {
    let number = u128::from_str_radix(id, 16).ok().filter(|_| id.len() == ID_DIGITS);
    for (worker, block) in state.blocks.iter().enumerate() {
        let Some(ring) = block.recent() else { continue };
        let records = (ring.oldest()..=ring.newest()).rev().filter_map(|at| ring.read(at));
        let is_meant = |recent: &Recent| {
            Some(recent.facts.id) == number || told_id(recent).is_some_and(|told| told == id)
        };
        if let Some(recent) = records.into_iter().find(is_meant) {
            return Some((worker, recent));
        }
    }
    None
}

/// One request as JSON.
pub fn document(state: &State, worker: usize, recent: &Recent) -> Value {
    entry(state.names_of(recent.facts.generation).as_ref(), worker, recent)
}

/// Whether requests are kept at all.
pub fn is_kept(state: &State) -> bool {
    state.blocks.iter().any(|block| block.recent().is_some())
}

/// Where every worker stands now.
fn present(blocks: &[std::sync::Arc<WorkerBlock>]) -> Cursor {
    Cursor(blocks.iter().map(|block| block.recent().map_or(0, |ring| ring.newest())).collect())
}

fn listed_newest(state: &State, query: &Query, limit: usize) -> Value {
    let cursor = present(&state.blocks);
    let mut found: Vec<(usize, Recent)> = Vec::new();
    for (worker, block) in state.blocks.iter().enumerate() {
        let Some(ring) = block.recent() else { continue };
        let records = (ring.oldest()..=ring.newest()).rev().filter_map(|at| ring.read(at));
        let taken = records.filter(|recent| taken_by(state, query, recent)).take(limit);
        found.extend(taken.map(|recent| (worker, recent)));
    }
    found.sort_by_key(|(_, recent)| std::cmp::Reverse(time(recent)));
    found.truncate(limit);
    answer(state, &cursor, 0, &found)
}

fn listed_after(state: &State, query: &Query, after: &Cursor, limit: usize) -> Value {
    let mut cursor = after.clone();
    cursor.0.resize(state.blocks.len(), 0);
    let mut found: Vec<(usize, Recent)> = Vec::new();
    let mut missed_count = 0;
    for (worker, (block, read)) in state.blocks.iter().zip(&mut cursor.0).enumerate() {
        let Some(ring) = block.recent() else { continue };
        let mut left = limit;
        // A cursor of an earlier start of the gateway may be beyond what there is.
        *read = (*read).min(ring.newest());
        while *read < ring.newest() && left > 0 {
            let next = (*read + 1).max(ring.oldest());
            missed_count += next - *read - 1;
            *read = next;
            match ring.read(next) {
                Some(recent) if taken_by(state, query, &recent) => {
                    found.push((worker, recent));
                    left -= 1;
                }
                Some(_) => {}
                None => missed_count += 1,
            }
        }
    }
    found.sort_by_key(|(_, recent)| time(recent));
    answer(state, &cursor, missed_count, &found)
}

fn taken_by(state: &State, query: &Query, recent: &Recent) -> bool {
    let names = state.names_of(recent.facts.generation);
    let route = names.as_ref().and_then(|names| names.route(recent.facts.route));
    query.takes(recent, route)
}

fn answer(state: &State, cursor: &Cursor, missed: u64, found: &[(usize, Recent)]) -> Value {
    let requests: Vec<Value> =
        found.iter().map(|(worker, recent)| document(state, *worker, recent)).collect();
    json!({ "cursor": cursor.text(), "missed": missed, "requests": requests })
}

fn time(recent: &Recent) -> (u64, u32) {
    (recent.facts.wall_seconds, recent.facts.wall_nanos)
}

/// The text of a request's id.
pub fn id_text(id: u128) -> String {
    format!("{id:032x}")
}

/// The id that the request itself brought.
fn told_id(recent: &Recent) -> Option<String> {
    let mut index = HeadIndex::new();
    let head = read_head(recent, &mut index)?;
    let told = head.first(field::FieldId::XRequestId)?;
    Some(String::from_utf8_lossy(told).into_owned())
}

/// The head of a record again, where it was kept.
pub fn read_head<'a>(recent: &'a Recent, index: &'a mut HeadIndex) -> Option<RequestHead<'a>> {
    if recent.facts.kept == Kept::Line {
        return None;
    }
    // It was understood once, within limits that the operator set.
    let limits = HeadLimits {
        request_line_bytes_max: usize::MAX,
        fields_count_max: usize::MAX,
        fields_bytes_max: usize::MAX,
    };
    match parse::request(&recent.head, &limits, index) {
        Ok(Parsed::Complete { .. }) => Some(RequestHead::new(&recent.head, index)),
        Ok(Parsed::Partial) | Err(_) => None,
    }
}

fn entry(names: Option<&Names>, worker: usize, recent: &Recent) -> Value {
    let facts = &recent.facts;
    let upstream = names.and_then(|names| names.upstream(facts.upstream));
    let mut index = HeadIndex::new();
    let head = read_head(recent, &mut index);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut withheld: Vec<String> = (field::SECRET.iter().enumerate())
        .filter(|(bit, _)| facts.withheld >> bit & 1 == 1)
        .map(|(_, id)| id.name().to_owned())
        .collect();
    let mut fields: Vec<[String; 2]> = Vec::new();
    for one in head.into_iter().flat_map(RequestHead::fields) {
        // Where the configuration says so, the name was kept.
        let is_masked = facts.withheld & WITHHELD_FIELD != 0 && one.value == MASK.as_bytes();
        match is_masked || field::is_secret(one.name) {
            true => withheld.push(text(one.name).to_ascii_lowercase()),
            false => fields.push([text(one.name), text(one.value)]),
        }
    }
    if facts.withheld & WITHHELD_QUERY != 0 {
        withheld.push("query".to_owned());
    }
    let protocol = head.map(|head| match head.version() {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    });
    let target = head.map_or_else(|| text(&recent.head), |head| text(head.target()));
    json!({
        "id": id_text(facts.id),
        "time_iso8601": format::iso8601(facts.wall_seconds, facts.wall_nanos),
        "worker": worker,
        "generation": facts.generation,
        "route": names.and_then(|names| names.route(facts.route)),
        "cluster": upstream.map(|upstream| upstream.cluster),
        "upstream": upstream.map(|upstream| upstream.address),
        "identity": Some(facts.identity.name()).filter(|name| !name.is_empty()),
        "filter": names.and_then(|names| names.filter(facts.filter)),
        "rule": names.and_then(|names| names.rule(facts.rule)),
        "upstream_addr": facts.endpoint.map(|address| address.to_string()),
        "upstream_status": none_if_zero(facts.upstream_status),
        "upstream_attempts": facts.attempts,
        "status": facts.status,
        "reason": facts.reason.label(),
        "remote_addr": facts.peer.map(|peer| peer.ip().to_string()),
        "remote_port": facts.peer.map(|peer| peer.port()),
        "trusted": facts.is_trusted,
        "scheme": if facts.is_tls { "https" } else { "http" },
        "request_method": head.map(|head| head.method().as_str().to_owned()),
        "request_uri": target,
        "server_protocol": protocol,
        "host": head.and_then(RequestHead::authority).map(text),
        "request_time": seconds(facts.duration_ns),
        "upstream_connect_time": seconds(facts.connect_ns),
        "upstream_header_time": seconds(facts.first_byte_ns),
        "request_length": facts.bytes_in,
        "bytes_sent": facts.bytes_out,
        "fields": fields,
        "withheld": withheld,
        "kept": match facts.kept {
            Kept::Head => "head",
            Kept::Part => "part",
            Kept::Line => "line",
        },
    })
}

fn none_if_zero(number: u16) -> Option<u16> {
    (number > 0).then_some(number)
}

/// Seconds with six decimals, as the access log has them.
fn seconds(nanos: u64) -> f64 {
    (nanos / 1_000) as f64 / 1e6
}

/// A value of a query, percent-decoded; `+` is a space.
pub fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                rest = &after[2..];
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

const ID_DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::recent::{Facts, tests::facts};
    use crate::control::report::tests::sample;
    use std::sync::Arc;

    /// The sample's two workers, each with a ring of four.
    fn state() -> Arc<State> {
        let state = sample();
        state.blocks.iter().for_each(|block| block.keep_recent(4));
        state
    }

    fn push(state: &State, worker: usize, facts: &Facts, head: &str) {
        let ring = state.blocks[worker].recent().expect("it is kept");
        ring.push(facts, head.as_bytes());
    }

    fn at(second: u64) -> Facts {
        Facts {
            wall_seconds: second,
            id: u128::from(second),
            generation: state().generation(),
            kept: Kept::Head,
            withheld: 0,
            ..facts()
        }
    }

    const HEAD: &str =
        "GET /a?b HTTP/1.1\r\nHost: x.test\r\nX-Auth-Token: t\r\nAccept: */*\r\n\r\n";

    fn uris(answer: &Value) -> Vec<u64> {
        let requests = answer["requests"].as_array().expect("a list").iter();
        let ids = requests.map(|one| one["id"].as_str().expect("a text"));
        ids.map(|id| u64::from_str_radix(id, 16).expect("digits")).collect()
    }

    fn query(text: &str) -> Query {
        Query::parse(text).expect("a query")
    }

    #[test]
    fn lists_the_newest_of_all_workers_first() {
        let state = state();
        for second in 1..=6 {
            push(&state, (second % 2) as usize, &at(second), HEAD);
        }
        assert_eq!(uris(&list(&state, &query(""))), [6, 5, 4, 3, 2, 1]);
        assert_eq!(uris(&list(&state, &query("limit=2"))), [6, 5]);
        let failed = Facts { status: 404, reason: Reason::RouteNotFound, route: None, ..at(7) };
        push(&state, 0, &failed, HEAD);
        assert_eq!(uris(&list(&state, &query("status=404"))), [7]);
        assert_eq!(uris(&list(&state, &query("status=4xx&reason=route_not_found"))), [7]);
        assert_eq!(uris(&list(&state, &query("route=nobody"))), Vec::<u64>::new());
    }

    #[test]
    fn goes_on_after_a_cursor_and_counts_what_it_missed() {
        let state = state();
        push(&state, 0, &at(1), HEAD);
        push(&state, 1, &at(2), HEAD);
        let first = list(&state, &query("after=0"));
        assert_eq!((uris(&first), &first["missed"]), (vec![1, 2], &json!(0)));
        let after = format!("after={}", first["cursor"].as_str().expect("a text"));
        assert_eq!(uris(&list(&state, &query(&after))), Vec::<u64>::new());
        for second in 3..=8 {
            push(&state, 0, &at(second), HEAD);
        }
        let next = list(&state, &query(&after));
        assert_eq!((uris(&next), &next["missed"]), (vec![5, 6, 7, 8], &json!(2)));
        let limited = list(&state, &query(&format!("{after}&limit=3")));
        assert_eq!(uris(&limited), [5, 6, 7]);
        let after = format!("after={}", limited["cursor"].as_str().expect("a text"));
        assert_eq!(uris(&list(&state, &query(&after))), [8]);
    }

    #[test]
    fn finds_a_request_by_its_id_or_the_one_it_brought() {
        let state = state();
        push(&state, 0, &at(1), HEAD);
        push(&state, 1, &at(2), "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
        let id = |id: &str| find(&state, id).map(|(worker, _)| worker);
        assert_eq!(id(&id_text(1)), Some(0));
        assert_eq!(id("mine"), Some(1));
        assert_eq!(id("1"), None);
        assert_eq!(id(&id_text(3)), None);
    }

    #[test]
    fn shows_no_secret() {
        let state = state();
        push(&state, 0, &Facts { withheld: 0b101, ..at(1) }, HEAD);
        let (worker, recent) = find(&state, &id_text(1)).expect("it was pushed");
        let shown = document(&state, worker, &recent);
        assert_eq!(shown["fields"], json!([["Host", "x.test"], ["Accept", "*/*"]]));
        assert_eq!(shown["withheld"], json!(["authorization", "cookie", "x-auth-token"]));
        assert_eq!(shown["request_uri"], "/a?b");
        assert_eq!(shown["host"], "x.test");
        assert_eq!(shown["request_method"], "GET");
        let told = [&shown["identity"], &shown["filter"], &shown["rule"]];
        assert_eq!(told, ["ann", "rbac@route-0", "writers"]);
    }

    #[test]
    fn names_what_the_configuration_withholds() {
        let state = state();
        let head = "GET /a?t=*** HTTP/1.1\r\nHost: x.test\r\nX-T: ***\r\n\r\n";
        let withheld = |bits: u8| {
            push(&state, 0, &Facts { withheld: bits, ..at(1) }, head);
            let (worker, recent) = find(&state, &id_text(1)).expect("it was pushed");
            document(&state, worker, &recent)["withheld"].clone()
        };
        assert_eq!(withheld(WITHHELD_FIELD | WITHHELD_QUERY), json!(["x-t", "query"]));
        // Whoever sends stars has no secret.
        assert_eq!(withheld(0), json!([]));
    }

    #[test]
    fn tells_the_line_of_a_head_that_was_refused() {
        let state = state();
        push(&state, 0, &Facts { kept: Kept::Line, ..at(1) }, "GET /x HTTP/9");
        let (worker, recent) = find(&state, &id_text(1)).expect("it was pushed");
        let shown = document(&state, worker, &recent);
        assert_eq!(shown["request_uri"], "GET /x HTTP/9");
        assert_eq!(shown["request_method"], Value::Null);
        assert_eq!(shown["kept"], "line");
    }

    #[test]
    fn refuses_a_query_that_it_does_not_understand() {
        for text in ["x=1", "limit=0", "limit=99999999", "status=ok", "reason=x", "after=a"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert_eq!(query("route=a%20b+c").route.as_deref(), Some("a b c"));
    }
}
