//! Who asked, for the upstream: `Via`, `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded`.
//!
//! A trusted client's lists are continued; of anybody else they are replaced, since they could
//! say anything.

use crate::http::field::{FieldId, FieldSet};
use crate::http::head::{RequestHead, Version};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

/// The hop between the client and the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// The client's address; `None` where it has none (a Unix socket).
    pub peer: Option<IpAddr>,
    /// Whether the client is a proxy that the operator trusts.
    pub trusted: bool,
    /// The scheme of the connection: `http` or `https`.
    pub proto: &'a str,
    /// The host that was asked for: `RequestHead::authority`.
    pub host: Option<&'a [u8]>,
}

/// The received fields that [`request`] replaces, to be dropped by the encoder. Of an untrusted
/// client also those that are not written anew but that applications believe.
pub const fn drop_set(trusted: bool) -> FieldSet {
    const WRITTEN: FieldSet = FieldSet::of(&[
        FieldId::XForwardedFor,
        FieldId::XForwardedProto,
        FieldId::XForwardedHost,
        FieldId::Forwarded,
    ]);
    const BELIEVED: FieldSet = FieldSet::of(&[
        FieldId::XForwardedPort,
        FieldId::XForwardedServer,
        FieldId::XForwardedScheme,
        FieldId::XRealIp,
    ]);
    if trusted { WRITTEN } else { WRITTEN.union(BELIEVED) }
}

/// Appends the lines for a request's head, each with its CRLF.
///
/// A trusted client's `X-Forwarded-Proto` and `-Host` stay as they are, because they tell about the
/// first hop; `X-Forwarded-For` and `Forwarded` gain a member at their end.
pub fn request(head: RequestHead<'_>, hop: &Hop<'_>, out: &mut Vec<u8>) {
    via(head.version(), out);
    forwarded_for(head, hop, out);
    let proto = Some(hop.proto.as_bytes());
    kept_or_own(head, hop, FieldId::XForwardedProto, b"X-Forwarded-Proto: ", proto, out);
    kept_or_own(head, hop, FieldId::XForwardedHost, b"X-Forwarded-Host: ", hop.host, out);
    forwarded(head, hop, out);
}

/// Appends a `Via` line for a message received with `version` (RFC 9110 section 7.6.3). Received
/// `Via` lines stay before it: lines of one name are one list.
pub fn via(version: Version, out: &mut Vec<u8>) {
    let line: &[u8] = match version {
        Version::Http11 => b"Via: 1.1 frys\r\n",
        Version::Http10 => b"Via: 1.0 frys\r\n",
    };
    out.extend_from_slice(line);
}

fn forwarded_for(head: RequestHead<'_>, hop: &Hop<'_>, out: &mut Vec<u8>) {
    let mut list = List::new(b"X-Forwarded-For: ");
    if hop.trusted {
        list.received(head, FieldId::XForwardedFor, out);
    }
    if let Some(peer) = hop.peer {
        list.member(out);
        address(peer, out);
    }
    list.end(out);
}

fn kept_or_own(
    head: RequestHead<'_>,
    hop: &Hop<'_>,
    id: FieldId,
    name: &'static [u8],
    own: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let mut list = List::new(name);
    if hop.trusted {
        list.received(head, id, out);
    }
    if let (true, Some(own)) = (list.is_empty, own) {
        list.member(out);
        out.extend_from_slice(own);
    }
    list.end(out);
}

/// RFC 7239 section 4: `for`, `host` and `proto` of this hop. Section 6: an IPv6 address stands in
/// brackets and, like everything with a colon, in quotes.
fn forwarded(head: RequestHead<'_>, hop: &Hop<'_>, out: &mut Vec<u8>) {
    let mut list = List::new(b"Forwarded: ");
    if hop.trusted {
        list.received(head, FieldId::Forwarded, out);
    }
    list.member(out);
    match hop.peer.map(|peer| peer.to_canonical()) {
        Some(IpAddr::V4(peer)) => {
            out.extend_from_slice(b"for=");
            dotted(peer, out);
        }
        Some(peer @ IpAddr::V6(_)) => {
            out.extend_from_slice(b"for=\"[");
            address(peer, out);
            out.extend_from_slice(b"]\"");
        }
        None => out.extend_from_slice(b"for=unknown"),
    }
    if let Some(host) = hop.host {
        // What a valid authority is made of needs no escape within quotes, and quotes only for the
        // colon and the brackets.
        let needs_quotes = host.iter().any(|byte| matches!(byte, b':' | b'[' | b']'));
        let (before, after): (&[u8], &[u8]) =
            if needs_quotes { (b";host=\"", b"\"") } else { (b";host=", b"") };
        out.extend_from_slice(before);
        out.extend_from_slice(host);
        out.extend_from_slice(after);
    }
    out.extend_from_slice(b";proto=");
    out.extend_from_slice(hop.proto.as_bytes());
    list.end(out);
}

/// A line whose name is written with its first member, so that an empty one leaves nothing.
struct List {
    name: &'static [u8],
    is_empty: bool,
}

impl List {
    fn new(name: &'static [u8]) -> List {
        List { name, is_empty: true }
    }

    /// Writes what stands before a member.
    fn member(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.is_empty { self.name } else { b", " });
        self.is_empty = false;
    }

    /// Continues the received lines, empty ones left out.
    fn received(&mut self, head: RequestHead<'_>, id: FieldId, out: &mut Vec<u8>) {
        for value in head.all(id).filter(|value| !value.is_empty()) {
            self.member(out);
            out.extend_from_slice(value);
        }
    }

    fn end(self, out: &mut Vec<u8>) {
        if !self.is_empty {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// An IPv4 address that came in an IPv6 socket is written as IPv4, as allow-lists spell it.
fn address(peer: IpAddr, out: &mut Vec<u8>) {
    match peer.to_canonical() {
        IpAddr::V4(peer) => dotted(peer, out),
        // Writing to a Vec does not fail; the formatter of std needs no heap.
        IpAddr::V6(peer) => drop(write!(out, "{peer}")),
    }
}

fn dotted(peer: Ipv4Addr, out: &mut Vec<u8>) {
    let mut separator: &[u8] = b"";
    for octet in peer.octets() {
        out.extend_from_slice(separator);
        super::h1::encode::decimal(u64::from(octet), out);
        separator = b".";
    }
}
