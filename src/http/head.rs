//! Views of a parsed head: offsets into the received bytes, resolved on demand.
//!
//! A `HeadIndex` holds offsets only, so it survives the buffer's move and every await; the views
//! are `Copy` and are made anew from the bytes and the index wherever one is needed.

use crate::http::field::{Field, FieldId, FieldSet};
use crate::http::method::Method;
use crate::http::status::Status;
use crate::limits;
use crate::simd::Class;

/// The version of a message. Others are refused while parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// Where the parts of one head lie, and how far its parsing came.
///
/// Reused from message to message; it keeps the memory of `limits::FIELDS_KEPT_COUNT` fields. While
/// a head is incomplete, the index remembers where to go on: the next call of the parser must bring
/// the same bytes and more behind them, or [`HeadIndex::clear`] must come between.
#[derive(Clone, Debug)]
pub struct HeadIndex {
    pub(crate) fields: Vec<Slot>,
    pub(crate) known: FieldSet,
    pub(crate) repeated: FieldSet,
    pub(crate) listed: FieldSet,
    pub(crate) start: Start,
    pub(crate) connection: ConnectionOptions,
    pub(crate) progress: Progress,
}

/// What the first line said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) status: Status,
    /// The target of a request, the reason phrase of a response.
    pub(crate) text: Span,
    pub(crate) path: Span,
    pub(crate) query: Option<Span>,
    pub(crate) authority: Option<Span>,
    pub(crate) form: Form,
}

/// The form of a request target (RFC 9112 section 3.2); authority-form is refused while parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`
    Origin,
    /// `http://host/path?query`
    Absolute,
    /// `*`
    Asterisk,
}

/// What the `Connection` fields of a head ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `close`
    pub close: bool,
    /// `keep-alive`
    pub keep_alive: bool,
    /// `upgrade`
    pub upgrade: bool,
    /// A name that is in no table; such fields are found by comparing.
    pub others: bool,
}

/// How far the parser came in bytes that are not a whole head yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) expects: Expects,
    /// Start of the first line that is not understood yet.
    pub(crate) line_at: u32,
    /// Bytes up to here were looked at.
    pub(crate) scanned: u32,
    /// Bytes of this class may follow without telling anything new about that line.
    pub(crate) tail: Option<Class>,
    /// Start of the field lines, once the first line is understood.
    pub(crate) fields_at: u32,
}

/// What the parser awaits next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    StartLine,
    FieldLine,
    /// Nothing: the head is complete, and the next call begins another.
    Nothing,
}

/// A range of the head's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// One field line in 12 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) line_start: u32,
    pub(crate) name_bytes: u16,
    /// From the line's start.
    pub(crate) value_offset: u16,
    pub(crate) value_bytes: u16,
    pub(crate) id: FieldId,
    /// The line stands as the encoder would write it: one space after the colon, none at the end.
    pub(crate) canonical: bool,
}

const _: () = assert!(size_of::<Slot>() == 12);
const _: () = assert!(size_of::<HeadIndex>() <= 192);

impl HeadIndex {
    /// An empty index; memory for fields is taken with the first head.
    pub const fn new() -> HeadIndex {
        HeadIndex {
            fields: Vec::new(),
            known: FieldSet::EMPTY,
            repeated: FieldSet::EMPTY,
            listed: FieldSet::EMPTY,
            start: Start::EMPTY,
            connection: ConnectionOptions::NONE,
            progress: Progress::BEGIN,
        }
    }

    /// Forgets the head. Memory for more than `limits::FIELDS_KEPT_COUNT` fields is given back.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.fields.shrink_to(limits::FIELDS_KEPT_COUNT);
        self.known = FieldSet::EMPTY;
        self.repeated = FieldSet::EMPTY;
        self.listed = FieldSet::EMPTY;
        self.start = Start::EMPTY;
        self.connection = ConnectionOptions::NONE;
        self.progress = Progress::BEGIN;
    }

    /// Whether a whole head was understood.
    pub fn is_complete(&self) -> bool {
        self.progress.expects == Expects::Nothing
    }

    /// Whether the parser was given part of a head: a head is on its way.
    pub fn is_partial(&self) -> bool {
        !self.is_complete() && self.progress != Progress::BEGIN
    }

    /// Number of fields.
    pub fn fields_count(&self) -> usize {
        self.fields.len()
    }
}

impl Default for HeadIndex {
    fn default() -> HeadIndex {
        HeadIndex::new()
    }
}

/// A request's head. Made of the bytes that the parser was given and the index it filled.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    bytes: &'a [u8],
    index: &'a HeadIndex,
}

impl<'a> RequestHead<'a> {
    /// A view of `bytes` by `index`. Bytes that are not those of the index give nonsense, but never
    /// a panic: what lies outside of them reads as empty.
    #[inline]
    pub fn new(bytes: &'a [u8], index: &'a HeadIndex) -> RequestHead<'a> {
        debug_assert!(index.is_complete());
        RequestHead { bytes, index }
    }

    /// The method.
    #[inline]
    pub fn method(self) -> Method {
        self.index.start.method
    }

    /// The version the client speaks.
    #[inline]
    pub fn version(self) -> Version {
        self.index.start.version
    }

    /// The target as received, in whichever form.
    #[inline]
    pub fn target(self) -> &'a [u8] {
        self.index.start.text.of(self.bytes)
    }

    /// The form of the target.
    #[inline]
    pub fn form(self) -> Form {
        self.index.start.form
    }

    /// The path without the query, as received; `/` where an absolute target has none; `*` for
    /// asterisk-form.
    #[inline]
    pub fn path(self) -> &'a [u8] {
        let path = self.index.start.path.of(self.bytes);
        if path.is_empty() { b"/" } else { path }
    }

    /// The query without its question mark; `None` when there is no question mark.
    #[inline]
    pub fn query(self) -> Option<&'a [u8]> {
        self.index.start.query.map(|span| span.of(self.bytes))
    }

    /// Host and port: of an absolute target, else of `Host` (RFC 9112 section 3.2.2). `None` only
    /// for an HTTP/1.0 request with neither. Checked by `target::authority_is_valid`.
    #[inline]
    pub fn authority(self) -> Option<&'a [u8]> {
        self.index.start.authority.map(|span| span.of(self.bytes))
    }

    /// What the `Connection` fields ask for.
    #[inline]
    pub fn connection(self) -> ConnectionOptions {
        self.index.connection
    }

    /// Known fields that are present.
    #[inline]
    pub fn known(self) -> FieldSet {
        self.index.known
    }

    /// Fields in the order received.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> {
        self.index.resolve(self.bytes)
    }

    /// The value of the first field of that name.
    #[inline]
    pub fn first(self, id: FieldId) -> Option<&'a [u8]> {
        self.index.first(self.bytes, id)
    }

    /// The values of all fields of that name, in order.
    pub fn all(self, id: FieldId) -> impl Iterator<Item = &'a [u8]> {
        self.index.all(self.bytes, id)
    }

    /// Bytes of all field lines with the empty one at their end, as `limits.fields_size` counts
    /// them.
    #[inline]
    pub fn fields_bytes(self) -> usize {
        self.bytes.len().saturating_sub(self.index.progress.fields_at as usize)
    }

    /// Whether the client wants trailers: a `TE` field has the member `trailers` (RFC 9110 section
    /// 10.1.4).
    pub fn accepts_trailers(self) -> bool {
        self.all(FieldId::Te).flat_map(list).any(|member| member.eq_ignore_ascii_case(b"trailers"))
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn index(self) -> &'a HeadIndex {
        self.index
    }
}

/// A response's head. Made of the bytes that the parser was given and the index it filled.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    bytes: &'a [u8],
    index: &'a HeadIndex,
}

impl<'a> ResponseHead<'a> {
    /// A view of `bytes` by `index`; see [`RequestHead::new`].
    #[inline]
    pub fn new(bytes: &'a [u8], index: &'a HeadIndex) -> ResponseHead<'a> {
        debug_assert!(index.is_complete());
        ResponseHead { bytes, index }
    }

    /// The version the upstream speaks.
    #[inline]
    pub fn version(self) -> Version {
        self.index.start.version
    }

    /// The status.
    #[inline]
    pub fn status(self) -> Status {
        self.index.start.status
    }

    /// The reason phrase as received; may be empty; may hold bytes above 0x7f.
    #[inline]
    pub fn reason(self) -> &'a [u8] {
        self.index.start.text.of(self.bytes)
    }

    /// What the `Connection` fields ask for.
    #[inline]
    pub fn connection(self) -> ConnectionOptions {
        self.index.connection
    }

    /// Known fields that are present.
    #[inline]
    pub fn known(self) -> FieldSet {
        self.index.known
    }

    /// Fields in the order received.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> {
        self.index.resolve(self.bytes)
    }

    /// The value of the first field of that name.
    #[inline]
    pub fn first(self, id: FieldId) -> Option<&'a [u8]> {
        self.index.first(self.bytes, id)
    }

    /// The values of all fields of that name, in order.
    pub fn all(self, id: FieldId) -> impl Iterator<Item = &'a [u8]> {
        self.index.all(self.bytes, id)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn index(self) -> &'a HeadIndex {
        self.index
    }
}

impl HeadIndex {
    fn resolve<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Field<'a>> {
        self.fields.iter().map(move |slot| slot.field(bytes))
    }

    fn first<'a>(&self, bytes: &'a [u8], id: FieldId) -> Option<&'a [u8]> {
        if !self.known.contains(id) {
            return None;
        }
        self.fields.iter().find(|slot| slot.id == id).map(|slot| slot.value(bytes))
    }

    /// An absent name, and `Other`, costs a bit test.
    pub(crate) fn all<'a>(
        &'a self,
        bytes: &'a [u8],
        id: FieldId,
    ) -> impl Iterator<Item = &'a [u8]> {
        let slots = if self.known.contains(id) { &self.fields[..] } else { &[] };
        slots.iter().filter(move |slot| slot.id == id).map(move |slot| slot.value(bytes))
    }
}

impl Slot {
    #[inline]
    pub(crate) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.line_start as usize;
        bytes.get(start..start + usize::from(self.name_bytes)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.value_span().of(bytes)
    }

    pub(crate) fn value_span(&self) -> Span {
        let start = self.line_start + u32::from(self.value_offset);
        Span { start, end: start + u32::from(self.value_bytes) }
    }

    pub(crate) fn field<'a>(&self, bytes: &'a [u8]) -> Field<'a> {
        Field { id: self.id, name: self.name(bytes), value: self.value(bytes) }
    }
}

impl Span {
    /// The offsets come from the parser, which keeps heads below `limits::HEAD_PART_BYTES_CAP`, so
    /// the fallback of the conversion is never taken.
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Span {
        Span { start: offset(start), end: offset(end) }
    }

    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// See [`Span::new`].
#[inline]
pub(crate) fn offset(at: usize) -> u32 {
    debug_assert!(u32::try_from(at).is_ok());
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The members of a comma-separated list, empty ones left out (RFC 9110 section 5.6.1.2). Quoted
/// strings are not looked into: the lists read with this have none.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

/// The parts between separators that stand outside of quoted strings (RFC 9110 section 5.6.4),
/// empty ones among them.
pub fn split_unquoted(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        for (at, &byte) in text.iter().enumerate() {
            if is_escaped {
                is_escaped = false;
            } else if byte == b'"' {
                is_quoted = !is_quoted;
            } else if is_quoted {
                is_escaped = byte == b'\\';
            } else if byte == separator {
                rest = text.get(at + 1..);
                return text.get(..at);
            }
        }
        rest = None;
        Some(text)
    })
}

/// Without leading and trailing spaces and tabs, and nothing else (RFC 9110 section 5.6.3).
pub fn trim(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

impl ConnectionOptions {
    const NONE: ConnectionOptions =
        ConnectionOptions { close: false, keep_alive: false, upgrade: false, others: false };
}

impl Progress {
    const BEGIN: Progress =
        Progress { expects: Expects::StartLine, line_at: 0, scanned: 0, tail: None, fields_at: 0 };
}

impl Start {
    const EMPTY: Start = Start {
        method: Method::GET,
        version: Version::Http11,
        status: Status::OK,
        text: Span { start: 0, end: 0 },
        path: Span { start: 0, end: 0 },
        query: None,
        authority: None,
        form: Form::Origin,
    };
}
