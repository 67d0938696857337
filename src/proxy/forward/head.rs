//! The head that goes upstream: written anew from what was understood, never copied unparsed.

use crate::http::field::{FieldId, FieldSet};
use crate::http::forwarded::{self, Hop};
use crate::http::h1::encode::{self, Edits, Framing, Target};
use crate::http::head::RequestHead;

use super::super::exchange::{Client, Exchange};

/// Writes the request's head for the upstream.
pub(super) fn encode(client: &Client, exchange: &mut Exchange, out: &mut Vec<u8>) {
    let Exchange { head, index, lines, generation, facts, .. } = exchange;
    let request = RequestHead::new(head, index);
    lines.clear();
    let host = request.authority();
    let hop = Hop { peer: client.ip(), trusted: client.trusted, proto: "http", host };
    forwarded::request(request, &hop, lines);
    if facts.wants_trailers {
        // RFC 9110 section 10.1.4: TE is listed in Connection, since it is for the next hop only.
        lines.extend_from_slice(b"TE: trailers\r\nConnection: TE\r\n");
    }
    if facts.expects_continue {
        lines.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    let edits = Edits {
        drop: forwarded::drop_set(client.trusted).union(ANSWERED),
        framing: Framing::from(facts.body),
        append: lines,
    };
    // RFC 9112 section 3.2: only a 1.0 client may have sent no Host.
    let own = facts.upstream.map(|id| &*generation.snapshot.upstream(id).authority);
    let host = host.or(own).unwrap_or_default();
    encode::request(request, Target::Received, host, &edits, out);
}

/// Fields that the gateway answers itself.
const ANSWERED: FieldSet = FieldSet::of(&[FieldId::Expect, FieldId::FrysExplain]);
