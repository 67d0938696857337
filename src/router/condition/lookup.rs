//! Where a value of a request stands, and the values that were found there.
//!
//! A place is looked up once a request, whatever the number of conditions that ask for it: the
//! values stay in [`Scratch`] as pieces of the head, or of what had to be decoded.

use super::regex::Caches;
use super::{Subject, media};
use crate::http::field::FieldId;
use crate::http::forwarded;
use crate::http::head::{RequestHead, Span, trim};
use crate::limits;
use std::net::IpAddr;
use std::ops::Range;

/// A named value of a request; one for all conditions of a router that name it.
#[derive(Debug)]
pub struct Lookup {
    pub(super) place: Place,
    /// As it was written first.
    pub(super) name: Box<str>,
    pub(super) number: u32,
    id: FieldId,
}

/// Where a named value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A field of the head; its name has no case.
    Header,
    /// A parameter of the query, decoded.
    Query,
    /// A cookie (RFC 6265 section 4.2).
    Cookie,
    /// A parameter of the preferred media type in `Accept` that has it; its name has no case.
    AcceptParameter,
}

/// What the evaluation of guards needs: one a worker, kept from request to request.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) caches: Caches,
    /// Which request the memories below are of.
    request: u32,
    found: Vec<Memory<(u32, u32)>>,
    qualities: Vec<Memory<u16>>,
    client: Option<Option<IpAddr>>,
    values: Values,
    /// Why guards failed since it was last asked, each once: see [`Scratch::missed`].
    missed: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Memory<T> {
    request: u32,
    value: T,
}

/// Pieces of the head or of decoded bytes.
#[derive(Debug, Default)]
struct Values {
    pieces: Vec<Piece>,
    decoded: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    span: Span,
    is_decoded: bool,
}

impl Lookup {
    pub(super) fn new(place: Place, name: &str, number: u32) -> Lookup {
        let id = match place {
            Place::Header => FieldId::of(name.as_bytes()),
            Place::Query | Place::Cookie | Place::AcceptParameter => FieldId::Other,
        };
        Lookup { place, name: name.into(), number, id }
    }
}

impl Scratch {
    /// Forgets the request before: to be called before the first guard of each one is asked.
    #[inline]
    pub fn begin(&mut self) {
        self.values.pieces.clear();
        self.values.decoded.clear();
        self.client = None;
        self.request = self.request.wrapping_add(1);
        if self.request == 0 {
            // After 2^32 requests an old memory could be taken for a new one.
            self.found.clear();
            self.qualities.clear();
            self.request = 1;
        }
        if self.values.pieces.capacity() > limits::CONDITION_VALUES_KEPT {
            self.values.pieces.shrink_to(limits::CONDITION_VALUES_KEPT);
        }
        if self.values.decoded.capacity() > limits::CONDITION_VALUES_KEPT {
            self.values.decoded.shrink_to(limits::CONDITION_VALUES_KEPT);
        }
    }

    /// What guards failed by that were asked since [`Scratch::forget_missed`], for
    /// [`Table::fields`](super::Table::fields): media types and versions, no conditions. A search
    /// that met no such guard left it empty.
    #[inline]
    pub fn missed(&self) -> &[u32] {
        &self.missed
    }

    /// To be called between one search and the next, where [`Scratch::missed`] is not empty.
    pub fn forget_missed(&mut self) {
        self.missed.clear();
    }

    pub(super) fn miss(&mut self, number: u32) {
        // As many as there are groups of versions whose routes are at one path.
        if !self.missed.contains(&number) {
            self.missed.push(number);
        }
    }

    /// The values of a place: looked up now, or by an earlier condition of this request.
    pub(super) fn values(&mut self, lookup: &Lookup, subject: &Subject<'_>) -> Range<usize> {
        let request = self.request;
        let memory = memory(&mut self.found, lookup.number);
        if memory.request != request {
            let first = self.values.pieces.len();
            if let Some(head) = subject.head {
                self.values.look_up(lookup, head);
            }
            let count = self.values.pieces.len() - first;
            // Fewer pieces than bytes of a head, which an offset of 32 bits reaches.
            let value = (count_of(first), count_of(count));
            *memory = Memory { request, value };
        }
        let (first, count) = memory.value;
        first as usize..(first + count) as usize
    }

    /// One of the values that [`Scratch::values`] found.
    pub(super) fn value<'s>(&'s self, index: usize, subject: &Subject<'s>) -> &'s [u8] {
        self.values.get(index, subject)
    }

    /// Whether a test holds for any of some values.
    pub(super) fn any(
        &mut self,
        range: Range<usize>,
        subject: &Subject<'_>,
        mut test: impl FnMut(&[u8], &mut Caches) -> bool,
    ) -> bool {
        let Scratch { values, caches, .. } = self;
        range.into_iter().any(|index| test(values.get(index, subject), caches))
    }

    /// The quality that `Accept` gives a media type, in thousandths.
    pub(super) fn quality(&mut self, media: &media::MediaType, subject: &Subject<'_>) -> u16 {
        let request = self.request;
        let memory = memory(&mut self.qualities, media.number);
        if memory.request != request {
            let value = subject.head.map_or(media::QUALITY_MAX, |head| media.quality(head));
            *memory = Memory { request, value };
        }
        memory.value
    }

    /// The client's address, behind proxies that are trusted.
    pub(super) fn client(&mut self, subject: &Subject<'_>) -> Option<IpAddr> {
        *self.client.get_or_insert_with(|| match (subject.head, subject.peer) {
            (Some(head), Some(peer)) => Some(forwarded::client(head, peer, subject.trusted)),
            (None, peer) => peer,
            (Some(_), None) => None,
        })
    }
}

/// The memory of a number, which a router gives its places and media types from 0 up.
fn memory<T: Copy + Default>(memories: &mut Vec<Memory<T>>, number: u32) -> &mut Memory<T> {
    let index = number as usize;
    if memories.len() <= index {
        memories.resize(index + 1, Memory::default());
    }
    &mut memories[index]
}

impl Values {
    fn get<'s>(&'s self, index: usize, subject: &Subject<'s>) -> &'s [u8] {
        let Some(piece) = self.pieces.get(index) else { return b"" };
        match subject.head {
            Some(head) if !piece.is_decoded => piece.span.of(head.bytes()),
            Some(_) | None => piece.span.of(&self.decoded),
        }
    }

    fn look_up(&mut self, lookup: &Lookup, head: RequestHead<'_>) {
        match lookup.place {
            Place::Header => self.header(lookup, head),
            Place::Query => self.query(lookup, head),
            Place::Cookie => self.cookie(lookup, head),
            Place::AcceptParameter => {
                if let Some(value) = media::preferred_parameter(head, lookup.name.as_bytes()) {
                    let start = self.decoded.len();
                    media::unquote(value, &mut self.decoded);
                    self.push_decoded(start);
                }
            }
        }
    }

    fn header(&mut self, lookup: &Lookup, head: RequestHead<'_>) {
        if lookup.id != FieldId::Other && !head.known().contains(lookup.id) {
            return;
        }
        for slot in &head.index().fields {
            let is_it = slot.id == lookup.id
                && (lookup.id != FieldId::Other
                    || slot.name(head.bytes()).eq_ignore_ascii_case(lookup.name.as_bytes()));
            if is_it {
                self.pieces.push(Piece { span: slot.value_span(), is_decoded: false });
            }
        }
    }

    /// `name=value` between `&`; what has no `=` has an empty value.
    fn query(&mut self, lookup: &Lookup, head: RequestHead<'_>) {
        let (Some(span), Some(query)) = (head.index().start.query, head.query()) else { return };
        let mut at = span.start as usize;
        for pair in query.split(|byte| *byte == b'&') {
            let name_bytes = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let (name, value) = pair.split_at(name_bytes);
            let value = value.get(1..).unwrap_or_default();
            if !pair.is_empty() && decoded(name).eq(lookup.name.bytes()) {
                if value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
                    let start = self.decoded.len();
                    self.decoded.extend(decoded(value));
                    self.push_decoded(start);
                } else {
                    let start = at + pair.len() - value.len();
                    self.push_raw(start, value);
                }
            }
            at += pair.len() + 1;
        }
    }

    /// RFC 6265 section 4.2.1: `name=value` between semicolons; the name has case, and quotes
    /// around the value belong to it.
    fn cookie(&mut self, lookup: &Lookup, head: RequestHead<'_>) {
        if !head.known().contains(FieldId::Cookie) {
            return;
        }
        for slot in head.index().fields.iter().filter(|slot| slot.id == FieldId::Cookie) {
            let mut at = slot.value_span().start as usize;
            for pair in slot.value(head.bytes()).split(|byte| *byte == b';') {
                if let Some(equals) = memchr::memchr(b'=', pair) {
                    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
                    if trim(name) == lookup.name.as_bytes() {
                        let blanks = value.len() - value.trim_ascii_start().len();
                        self.push_raw(at + equals + 1 + blanks, trim(value));
                    }
                }
                at += pair.len() + 1;
            }
        }
    }

    fn push_raw(&mut self, start: usize, value: &[u8]) {
        let span = Span::new(start, start + value.len());
        self.pieces.push(Piece { span, is_decoded: false });
    }

    fn push_decoded(&mut self, start: usize) {
        let span = Span::new(start, self.decoded.len());
        self.pieces.push(Piece { span, is_decoded: true });
    }
}

/// The bytes of a part of a query: `+` is a space, `%` and two digits are a byte, and a `%` without
/// them is itself, as browsers read it (URL Standard, application/x-www-form-urlencoded).
pub fn decoded(part: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'+' => Some(b' '),
            b'%' => match super::super::path::percent(after) {
                Some(byte) => {
                    rest = after.get(2..).unwrap_or_default();
                    Some(byte)
                }
                None => Some(b'%'),
            },
            byte => Some(*byte),
        }
    })
}

fn count_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
