//! Who asked, for the upstream: `Via`, `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded`.
//!
//! A trusted client's lists are continued; of anybody else they are replaced, since they could
//! say anything. By the same rule [`client`] says whose request it is.

use crate::http::field::{FieldId, FieldSet};
use crate::http::head::{RequestHead, Version, list, split_unquoted, trim};
use crate::http::networks::Networks;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

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
///
/// Those of `but` are left out: the operator removes them, or writes them himself.
#[inline(always)]
pub fn request(head: RequestHead<'_>, hop: &Hop<'_>, but: FieldSet, out: &mut Vec<u8>) {
    out.reserve(ROOM_BYTES);
    if !but.contains(FieldId::Via) {
        via(head.version(), out);
    }
    let mut told = None;
    if !but.contains(FieldId::XForwardedFor) {
        told = forwarded_for(head, hop, out);
    }
    if !but.contains(FieldId::XForwardedProto) {
        let proto = Some(hop.proto.as_bytes());
        kept_or_own(head, hop, FieldId::XForwardedProto, b"X-Forwarded-Proto: ", proto, out);
    }
    if !but.contains(FieldId::XForwardedHost) {
        kept_or_own(head, hop, FieldId::XForwardedHost, b"X-Forwarded-Host: ", hop.host, out);
    }
    if !but.contains(FieldId::Forwarded) {
        forwarded(head, hop, told, out);
    }
}

/// The address of who asked: the peer's, or where the peer is trusted, the right-most address of
/// `X-Forwarded-For` that is not; the left-most where all are trusted.
///
/// `Forwarded` is read only where there is no `X-Forwarded-For`: most proxies write the latter, and
/// pass on what a client put into the former. A member that names no address (`unknown`, or
/// anything else) ends the list: what stands before it was not said by anybody trusted.
pub fn client(head: RequestHead<'_>, peer: IpAddr, trusted: &Networks) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let found = if head.known().contains(FieldId::XForwardedFor) {
        let values = head.all(FieldId::XForwardedFor);
        right_most(values.flat_map(list).map(node), trusted)
    } else {
        let values = head.all(FieldId::Forwarded);
        let members = values.flat_map(|value| split_unquoted(value, b',')).map(trim);
        let members = members.filter(|member| !member.is_empty());
        right_most(members.map(|member| node(for_parameter(member)?)), trusted)
    };
    found.unwrap_or(peer)
}

/// The last address that is not trusted, unless one that cannot be read stands behind it; then, or
/// where all are trusted, the first of the trusted ones at the end.
fn right_most(members: impl Iterator<Item = Option<IpAddr>>, trusted: &Networks) -> Option<IpAddr> {
    let mut found = None;
    for member in members {
        found = match member {
            Some(address) if trusted.contains(address) => found.or(member),
            Some(_) | None => member,
        };
    }
    found
}

/// RFC 7239 section 4: parameters between semicolons, `for` in any case.
fn for_parameter(member: &[u8]) -> Option<&[u8]> {
    split_unquoted(member, b';').find_map(|pair| {
        let (name, value) = trim(pair).split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })
}

/// An address with or without a port, in quotes or not (RFC 7239 section 6).
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = trim(text);
    let text = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(text);
    let text = std::str::from_utf8(text).ok()?;
    let address = if let Some(rest) = text.strip_prefix('[') {
        rest.split_once(']')?.0
    } else {
        match text.split_once(':') {
            // One colon is a port's; an IPv6 address without brackets has more.
            Some((address, port)) if !port.contains(':') => address,
            Some(_) | None => text,
        }
    };
    address.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Room for the lines of an IPv4 client with a short host; longer ones grow the buffer.
const ROOM_BYTES: usize = 256;

/// Appends a `Via` line for a message received with `version` (RFC 9110 section 7.6.3). Received
/// `Via` lines stay before it: lines of one name are one list.
pub fn via(version: Version, out: &mut Vec<u8>) {
    let line: &[u8] = match version {
        Version::Http11 => b"Via: 1.1 frys\r\n",
        Version::Http10 => b"Via: 1.0 frys\r\n",
    };
    out.extend_from_slice(line);
}

/// Says where the peer's address was written, so that it need not be made again.
fn forwarded_for(head: RequestHead<'_>, hop: &Hop<'_>, out: &mut Vec<u8>) -> Option<Range<usize>> {
    let mut list = List::new(b"X-Forwarded-For: ");
    if hop.trusted {
        list.received(head, FieldId::XForwardedFor, out);
    }
    let mut told = None;
    if let Some(peer) = hop.peer {
        list.member(out);
        let from = out.len();
        address(peer, out);
        told = Some(from..out.len());
    }
    list.end(out);
    told
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
fn forwarded(head: RequestHead<'_>, hop: &Hop<'_>, told: Option<Range<usize>>, out: &mut Vec<u8>) {
    let mut list = List::new(b"Forwarded: ");
    if hop.trusted {
        list.received(head, FieldId::Forwarded, out);
    }
    list.member(out);
    let write = |peer, out: &mut Vec<u8>| match told {
        Some(told) => out.extend_from_within(told),
        None => address(peer, out),
    };
    match hop.peer.map(|peer| peer.to_canonical()) {
        Some(peer @ IpAddr::V4(_)) => {
            out.extend_from_slice(b"for=");
            write(peer, out);
        }
        Some(peer @ IpAddr::V6(_)) => {
            out.extend_from_slice(b"for=\"[");
            write(peer, out);
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

/// Appends an address. An IPv4 address that came in an IPv6 socket is written as IPv4, as
/// allow-lists spell it.
pub fn address(peer: IpAddr, out: &mut Vec<u8>) {
    match peer.to_canonical() {
        IpAddr::V4(peer) => dotted(peer, out),
        // Writing to a Vec does not fail; the formatter of std needs no heap.
        IpAddr::V6(peer) => drop(write!(out, "{peer}")),
    }
}

fn dotted(peer: Ipv4Addr, out: &mut Vec<u8>) {
    let mut text = [0u8; 16];
    let mut at = 0;
    for octet in peer.octets() {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        if octet >= 100 {
            text[at] = b'0' + hundreds;
            at += 1;
        }
        if octet >= 10 {
            text[at] = b'0' + tens;
            at += 1;
        }
        text[at] = b'0' + ones;
        text[at + 1] = b'.';
        at += 2;
    }
    // Without the last dot; four octets with their dots are at most 16 bytes.
    out.extend_from_slice(&text[..at - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;
    use std::net::Ipv6Addr;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 44));

    fn lines(fields: &str, hop: &Hop<'_>) -> String {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a.example:81\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        let head = RequestHead::new(bytes.as_bytes(), &index);
        let mut out = Vec::new();
        let hop = Hop { host: hop.host.and(head.authority()), ..*hop };
        request(head, &hop, FieldSet::EMPTY, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn hop(trusted: bool) -> Hop<'static> {
        Hop { peer: Some(PEER), trusted, proto: "http", host: Some(b"taken from the head") }
    }

    const RECEIVED: &str = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Host: first.example\r\n\
        Forwarded: for=10.0.0.1\r\n";

    const OWN: &str = "Via: 1.1 frys\r\nX-Forwarded-For: 192.0.2.44\r\n\
        X-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example:81\r\n\
        Forwarded: for=192.0.2.44;host=\"a.example:81\";proto=http\r\n";

    #[test]
    fn tells_who_asked() {
        assert_eq!(lines("", &hop(false)), OWN);
        assert_eq!(lines("", &hop(true)), OWN);
    }

    #[test]
    fn replaces_what_an_untrusted_client_says() {
        assert_eq!(lines(RECEIVED, &hop(false)), OWN);
    }

    #[test]
    fn continues_what_a_trusted_client_says() {
        let expected = "Via: 1.1 frys\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.44\r\n\
            X-Forwarded-Proto: https\r\nX-Forwarded-Host: first.example\r\n\
            Forwarded: for=10.0.0.1, for=192.0.2.44;host=\"a.example:81\";proto=http\r\n";
        assert_eq!(lines(RECEIVED, &hop(true)), expected);
    }

    #[test]
    fn empty_lines_of_a_trusted_client_make_no_empty_members() {
        let received = "X-Forwarded-For:\r\nX-Forwarded-Proto: \r\nForwarded:\r\n";
        assert_eq!(lines(received, &hop(true)), OWN);
    }

    #[test]
    fn an_ipv6_address_is_bracketed_and_quoted_in_forwarded_only() {
        let peer = Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
        let text = lines("", &Hop { peer, ..hop(false) });
        assert!(text.contains("X-Forwarded-For: 2001:db8::1\r\n"), "{text}");
        assert!(text.contains("Forwarded: for=\"[2001:db8::1]\";host="), "{text}");
    }

    #[test]
    fn an_ipv4_address_in_an_ipv6_socket_is_written_as_ipv4() {
        let peer = Some(IpAddr::V6(Ipv4Addr::new(192, 0, 2, 44).to_ipv6_mapped()));
        assert_eq!(lines("", &Hop { peer, ..hop(false) }), OWN);
    }

    #[test]
    fn a_client_without_address_and_host_is_unknown() {
        let text = lines("", &Hop { peer: None, host: None, ..hop(false) });
        let expected =
            "Via: 1.1 frys\r\nX-Forwarded-Proto: http\r\nForwarded: for=unknown;proto=http\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn only_an_untrusted_client_loses_fields_that_are_not_written_anew() {
        assert!(drop_set(false).contains(FieldId::XRealIp));
        assert!(!drop_set(true).contains(FieldId::XRealIp));
        assert!(drop_set(true).contains(FieldId::XForwardedFor));
    }

    #[test]
    fn what_the_operator_writes_himself_is_left_out() {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut index = HeadIndex::new();
        parse::request(bytes, &HeadLimits::default(), &mut index).unwrap();
        let but = FieldSet::of(&[FieldId::Via, FieldId::XForwardedFor, FieldId::Forwarded]);
        let mut out = Vec::new();
        let hop = Hop { host: Some(b"a"), ..hop(false) };
        request(RequestHead::new(bytes, &index), &hop, but, &mut out);
        assert_eq!(out, b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n");
    }

    #[test]
    fn via_says_the_version_that_was_received() {
        let mut out = Vec::new();
        via(Version::Http10, &mut out);
        assert_eq!(out, b"Via: 1.0 frys\r\n");
    }

    /// Who asked, behind a proxy of 10.0.0.0/8.
    fn asked(fields: &str, peer: &str) -> String {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        let head = RequestHead::new(bytes.as_bytes(), &index);
        let trusted = Networks::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        client(head, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        let fields = "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=198.51.100.2\r\n";
        assert_eq!(asked(fields, "192.0.2.1"), "192.0.2.1");
        assert_eq!(asked("", "::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(asked("", "10.1.1.1"), "10.1.1.1");
    }

    #[test]
    fn the_right_most_address_that_is_not_trusted_is_the_client() {
        for (list, client) in [
            ("198.51.100.1", "198.51.100.1"),
            ("1.1.1.1, 198.51.100.1, 10.2.2.2, 10.3.3.3", "198.51.100.1"),
            ("1.1.1.1\r\nX-Forwarded-For: 198.51.100.1,10.2.2.2", "198.51.100.1"),
            ("10.2.2.2, 10.3.3.3", "10.2.2.2"),
            ("198.51.100.1:4711, [fd00::1]:80", "198.51.100.1"),
            ("2001:db8::1, fd00::1", "2001:db8::1"),
            ("1.1.1.1, unknown, 10.3.3.3", "10.3.3.3"),
            ("1.1.1.1, unknown", "10.1.1.1"),
            ("1.1.1.1, , 10.3.3.3", "1.1.1.1"),
            ("", "10.1.1.1"),
        ] {
            assert_eq!(
                asked(&format!("X-Forwarded-For: {list}\r\n"), "10.1.1.1"),
                client,
                "{list}"
            );
        }
    }

    #[test]
    fn forwarded_is_read_where_it_stands_alone() {
        for (list, client) in [
            ("for=198.51.100.1;proto=https, for=10.2.2.2", "198.51.100.1"),
            ("proto=https;For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=198.51.100.1;host=\"a, for=10.9.9.9\"", "198.51.100.1"),
            ("for=1.1.1.1, for=_hidden, for=10.2.2.2", "10.2.2.2"),
            ("for=1.1.1.1, by=10.2.2.2", "10.1.1.1"),
        ] {
            assert_eq!(asked(&format!("Forwarded: {list}\r\n"), "10.1.1.1"), client, "{list}");
        }
        let both = "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 198.51.100.1\r\n";
        assert_eq!(asked(both, "10.1.1.1"), "198.51.100.1");
    }

    #[test]
    fn every_octet_is_written_as_std_writes_it() {
        for octet in 0..=255 {
            let peer = Ipv4Addr::new(octet, 255 - octet, 0, octet);
            let mut out = Vec::new();
            dotted(peer, &mut out);
            assert_eq!(out, peer.to_string().as_bytes());
        }
    }
}
