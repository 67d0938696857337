//! Requests that hold only for a certain state of what they ask for (RFC 9110 section 13).

use crate::http::date;
use crate::http::field::FieldId;
use crate::http::head::RequestHead;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// The strong entity tag with its quotes.
    pub etag: &'a [u8],
    /// `Last-Modified` in seconds since 1970, where there is one.
    pub modified_seconds: Option<u64>,
}

/// What becomes of a GET or HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is answered.
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// It was to hold for another state: 412.
    Failed,
}

/// Judges the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2, but for
/// `If-Range`.
pub fn evaluate(request: RequestHead<'_>, validators: &Validators<'_>) -> Verdict {
    let known = request.known();
    if !CONDITIONS.iter().any(|id| known.contains(*id)) {
        return Verdict::Proceed;
    }
    let date_of = |id| {
        // RFC 9110 sections 13.1.3 and 13.1.4: a value that is no date is ignored, and so is a
        // field that stands there twice.
        let mut values = request.all(id);
        let value = values.next().filter(|_| values.next().is_none())?;
        date::parse(value)
    };
    if known.contains(FieldId::IfMatch) {
        if !lists(request, FieldId::IfMatch, validators.etag, Comparison::Strong) {
            return Verdict::Failed;
        }
    } else if let (Some(since), Some(modified)) =
        (date_of(FieldId::IfUnmodifiedSince), validators.modified_seconds)
        && modified > since
    {
        return Verdict::Failed;
    }
    if known.contains(FieldId::IfNoneMatch) {
        if lists(request, FieldId::IfNoneMatch, validators.etag, Comparison::Weak) {
            return Verdict::NotModified;
        }
    } else if let (Some(since), Some(modified)) =
        (date_of(FieldId::IfModifiedSince), validators.modified_seconds)
        && modified <= since
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether a range may be answered as such: there is no `If-Range`, or it names this very state.
///
/// A date does so only where it is the file's own, and more than a second ago: what changes twice
/// within one has the same date (RFC 9110 sections 13.1.5 and 8.8.2.2).
pub fn range_holds(
    request: RequestHead<'_>,
    validators: &Validators<'_>,
    now_seconds: u64,
) -> bool {
    if !request.known().contains(FieldId::IfRange) {
        return true;
    }
    let mut values = request.all(FieldId::IfRange);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    match tag(value) {
        Some((written, b"")) => written.is(validators.etag, Comparison::Strong),
        Some(_) => false,
        None => date::parse(value).is_some_and(|date| {
            validators.modified_seconds == Some(date) && date.saturating_add(1) < now_seconds
        }),
    }
}

const CONDITIONS: [FieldId; 4] =
    [FieldId::IfMatch, FieldId::IfNoneMatch, FieldId::IfModifiedSince, FieldId::IfUnmodifiedSince];

/// How two entity tags are compared (RFC 9110 section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Neither may be weak.
    Strong,
    /// Weakness does not matter.
    Weak,
}

/// An entity tag as it stands in a request.
#[derive(Clone, Copy)]
struct Written<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

impl Written<'_> {
    fn is(self, etag: &[u8], comparison: Comparison) -> bool {
        (comparison == Comparison::Weak || !self.is_weak) && self.opaque == etag
    }
}

/// Whether the fields of a name list this tag, or any by `*`. What is malformed ends its list.
fn lists(request: RequestHead<'_>, id: FieldId, etag: &[u8], comparison: Comparison) -> bool {
    request.all(id).any(|value| {
        let mut rest = value;
        loop {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b',');
            let start = rest.iter().position(|byte| !blank(byte)).unwrap_or(rest.len());
            rest = rest.get(start..).unwrap_or_default();
            if rest.first() == Some(&b'*') {
                return true;
            }
            let Some((written, after)) = tag(rest) else { return false };
            if written.is(etag, comparison) {
                return true;
            }
            rest = after;
        }
    })
}

/// The entity tag at the start of `text`, and what follows it. Commas may stand in it.
fn tag(text: &[u8]) -> Option<(Written<'_>, &[u8])> {
    let (is_weak, quoted) = match text.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let inside = quoted.strip_prefix(b"\"")?;
    let length = memchr::memchr(b'"', inside)?;
    let (opaque, after) = quoted.split_at_checked(length + 2)?;
    Some((Written { is_weak, opaque }, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

    const ETAG: &[u8] = b"\"a,b\"";
    /// Sun, 06 Nov 1994 08:49:37 GMT
    const MODIFIED: u64 = 784_111_777;
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn with<T>(fields: &[(&str, &str)], judge: impl Fn(RequestHead<'_>) -> T) -> T {
        let lines: String =
            fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let mut index = HeadIndex::new();
        parse::request(bytes.as_bytes(), &HeadLimits::default(), &mut index).unwrap();
        judge(RequestHead::new(bytes.as_bytes(), &index))
    }

    fn verdict(fields: &[(&str, &str)]) -> Verdict {
        let validators = Validators { etag: ETAG, modified_seconds: Some(MODIFIED) };
        with(fields, |request| evaluate(request, &validators))
    }

    #[test]
    fn judges_each_condition() {
        for (name, value, expected) in [
            ("If-Match", "\"a,b\"", Verdict::Proceed),
            ("If-Match", "\"x\", \"a,b\"", Verdict::Proceed),
            ("If-Match", "*", Verdict::Proceed),
            ("If-Match", "\"x\"", Verdict::Failed),
            ("If-Match", "W/\"a,b\"", Verdict::Failed),
            ("If-Match", "a,b", Verdict::Failed),
            ("If-None-Match", "\"a,b\"", Verdict::NotModified),
            ("If-None-Match", "W/\"a,b\"", Verdict::NotModified),
            ("If-None-Match", "\"x\" ,, \"a,b\"", Verdict::NotModified),
            ("If-None-Match", "*", Verdict::NotModified),
            ("If-None-Match", "\"x\", \"a\"", Verdict::Proceed),
            ("If-None-Match", "\"a,b", Verdict::Proceed),
            ("If-None-Match", "", Verdict::Proceed),
            ("If-Modified-Since", AT, Verdict::NotModified),
            ("If-Modified-Since", AFTER, Verdict::NotModified),
            ("If-Modified-Since", BEFORE, Verdict::Proceed),
            ("If-Modified-Since", "yesterday", Verdict::Proceed),
            ("If-Unmodified-Since", AT, Verdict::Proceed),
            ("If-Unmodified-Since", BEFORE, Verdict::Failed),
            ("If-Unmodified-Since", "yesterday", Verdict::Proceed),
            ("Accept", "*/*", Verdict::Proceed),
        ] {
            assert_eq!(verdict(&[(name, value)]), expected, "{name}: {value}");
        }
    }

    #[test]
    fn tags_come_before_dates_and_repeated_dates_are_ignored() {
        let none_match = ("If-None-Match", "\"x\"");
        assert_eq!(verdict(&[none_match, ("If-Modified-Since", AT)]), Verdict::Proceed);
        let matches = ("If-Match", "\"a,b\"");
        assert_eq!(verdict(&[matches, ("If-Unmodified-Since", BEFORE)]), Verdict::Proceed);
        let both = [matches, ("If-None-Match", "\"a,b\"")];
        assert_eq!(verdict(&both), Verdict::NotModified);
        let twice = [("If-Modified-Since", AT), ("If-Modified-Since", AT)];
        assert_eq!(verdict(&twice), Verdict::Proceed);
        let second = [("If-None-Match", "\"x\""), ("If-None-Match", "\"a,b\"")];
        assert_eq!(verdict(&second), Verdict::NotModified);
    }

    #[test]
    fn without_a_date_of_its_own_a_file_holds_against_any() {
        let validators = Validators { etag: ETAG, modified_seconds: None };
        for name in ["If-Modified-Since", "If-Unmodified-Since"] {
            let verdict = with(&[(name, AT)], |request| evaluate(request, &validators));
            assert_eq!(verdict, Verdict::Proceed, "{name}");
        }
    }

    #[test]
    fn a_range_holds_for_this_very_state_only() {
        let validators = Validators { etag: ETAG, modified_seconds: Some(MODIFIED) };
        for (value, now_seconds, expected) in [
            ("\"a,b\"", MODIFIED, true),
            ("W/\"a,b\"", MODIFIED, false),
            ("\"x\"", MODIFIED, false),
            ("\"a,b\", \"x\"", MODIFIED, false),
            (AT, MODIFIED + 2, true),
            (AT, MODIFIED + 1, false),
            (AFTER, MODIFIED + 9, false),
            ("yesterday", MODIFIED + 9, false),
        ] {
            let holds = with(&[("If-Range", value)], |request| {
                range_holds(request, &validators, now_seconds)
            });
            assert_eq!(holds, expected, "{value} at {now_seconds}");
        }
        assert!(with(&[], |request| range_holds(request, &validators, 0)));
    }
}
