//! Content negotiation: media types against `Accept` (RFC 9110 section 12.5.1).

use crate::http::field::FieldId;
use crate::http::head::{RequestHead, split_unquoted, trim};
use crate::simd::class::is_token;

/// The quality of what is wanted most, in thousandths.
pub(super) const QUALITY_MAX: u16 = 1000;

/// A media type that a route produces.
#[derive(Debug)]
pub struct MediaType {
    /// As it was written.
    pub(super) text: Box<str>,
    pub(super) number: u32,
    /// A parameter of `Accept` that says a version, not a kind of content.
    pub(super) besides: Option<Box<str>>,
}

/// Type, subtype and parameters, of a media type or of a media range.
#[derive(Clone, Copy)]
struct Parts<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    /// With their semicolons.
    parameters: &'a [u8],
}

impl MediaType {
    /// Whether a text is `type/subtype`, perhaps with parameters, without wildcards and weight.
    pub fn is_valid(text: &str) -> bool {
        let Some(parts) = Parts::of(text.as_bytes()) else { return false };
        parts.kind != b"*"
            && parts.subtype != b"*"
            && parts.all().all(|parameter| parameter.is_some_and(|(name, _)| !is_weight(name)))
    }

    /// What the most specific of the fields' ranges that match says; 1 where there is no `Accept`
    /// or none of its members can be read, 0 where no range matches.
    pub(super) fn quality(&self, head: RequestHead<'_>) -> u16 {
        let Some(own) = Parts::of(self.text.as_bytes()) else { return 0 };
        let mut best: Option<(usize, u16)> = None;
        let mut is_asked = false;
        for (range, quality) in ranges(head) {
            is_asked = true;
            if let Some(rank) = range.rank(own, self.besides.as_deref()) {
                best = best.max(Some((rank, quality)));
            }
        }
        match best {
            Some((_, quality)) => quality,
            None if is_asked => 0,
            None => QUALITY_MAX,
        }
    }
}

/// The value of a parameter, as it stands there, of the range with the highest quality that has it.
pub(super) fn preferred_parameter<'a>(head: RequestHead<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let mut best: Option<(u16, &[u8])> = None;
    for (range, quality) in ranges(head).filter(|(_, quality)| *quality > 0) {
        let mut parameters = range.before_weight();
        let found = parameters.find(|(own, _)| own.eq_ignore_ascii_case(name));
        // The first of several with the same quality: a client lists what it likes best first.
        if let Some((_, value)) = found
            && best.is_none_or(|(before, _)| before < quality)
        {
            best = Some((quality, value));
        }
    }
    best.map(|(_, value)| value)
}

/// Appends what a parameter's value means: a quoted string without its quotes and backslashes
/// (RFC 9110 section 5.6.4).
pub(super) fn unquote(value: &[u8], out: &mut Vec<u8>) {
    out.extend(unquoted(value));
}

/// The ranges of all `Accept` fields with their qualities; members that break the grammar are
/// passed over.
fn ranges(head: RequestHead<'_>) -> impl Iterator<Item = (Parts<'_>, u16)> {
    let members = head.all(FieldId::Accept).flat_map(|value| split_unquoted(value, b','));
    members.filter_map(|member| {
        let range = Parts::of(trim(member))?;
        Some((range, range.weight()?))
    })
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Option<Parts<'a>> {
        let semicolon = memchr::memchr(b';', text).unwrap_or(text.len());
        let (essence, parameters) = text.split_at(semicolon);
        let essence = trim(essence);
        let slash = memchr::memchr(b'/', essence)?;
        let (kind, subtype) = (&essence[..slash], &essence[slash + 1..]);
        let is_name = |name: &[u8]| !name.is_empty() && name.iter().all(|byte| is_token(*byte));
        // `*` is a token; `*/x` means nothing.
        let is_range = is_name(kind) && is_name(subtype) && (kind != b"*" || subtype == b"*");
        is_range.then_some(Parts { kind, subtype, parameters })
    }

    /// Name and value of each parameter; `None` for one without `=` or with an empty name.
    fn all(self) -> impl Iterator<Item = Option<(&'a [u8], &'a [u8])>> {
        let members =
            split_unquoted(self.parameters, b';').map(trim).filter(|member| !member.is_empty());
        members.map(|member| {
            let equals = memchr::memchr(b'=', member)?;
            let (name, value) = (&member[..equals], &member[equals + 1..]);
            let is_name = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
            is_name.then_some((name, value))
        })
    }

    /// The parameters that belong to the media type: what follows `q` is an extension that RFC
    /// 9110 took away.
    fn before_weight(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.all().flatten().take_while(|(name, _)| !is_weight(name))
    }

    /// RFC 9110 section 12.4.2; none where `q` is no weight.
    fn weight(self) -> Option<u16> {
        match self.all().flatten().find(|(name, _)| is_weight(name)) {
            Some((_, value)) => thousandths(value),
            None => Some(QUALITY_MAX),
        }
    }

    /// How specific this range is for a media type; none where it does not match.
    fn rank(self, media: Parts<'_>, besides: Option<&str>) -> Option<usize> {
        if self.kind == b"*" {
            return Some(0);
        }
        if !self.kind.eq_ignore_ascii_case(media.kind) {
            return None;
        }
        if self.subtype == b"*" {
            return Some(1);
        }
        if !self.subtype.eq_ignore_ascii_case(media.subtype) {
            return None;
        }
        let mut rank = 2;
        let is_besides = |name: &[u8]| {
            besides.is_some_and(|besides| name.eq_ignore_ascii_case(besides.as_bytes()))
        };
        for (name, value) in self.before_weight().filter(|(name, _)| !is_besides(name)) {
            let mut own = media.all().flatten();
            own.find(|(own, own_value)| {
                own.eq_ignore_ascii_case(name) && values_equal(own_value, value)
            })?;
            rank += 1;
        }
        Some(rank)
    }
}

fn is_weight(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"q")
}

/// Without regard to case: the parameter that matters, `charset`, has none (RFC 9110 section
/// 8.3.2), and two values that differ by case only are nobody's.
fn values_equal(a: &[u8], b: &[u8]) -> bool {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    unquoted(a).map(fold).eq(unquoted(b).map(fold))
}

fn unquoted(value: &[u8]) -> impl Iterator<Item = u8> {
    let inner = value.strip_prefix(b"\"").map(|rest| rest.strip_suffix(b"\"").unwrap_or(rest));
    let is_quoted = inner.is_some();
    let mut bytes = inner.unwrap_or(value).iter().copied();
    std::iter::from_fn(move || match bytes.next()? {
        b'\\' if is_quoted => bytes.next(),
        byte => Some(byte),
    })
}

/// `0`, `1`, and up to three digits behind a dot.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, rest) = value.split_first()?;
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        [_, ..] => return None,
    };
    let mut thousandths = 0;
    for at in 0..3 {
        let digit = digits.get(at).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths * 10 + u16::from(digit - b'0');
    }
    match (whole, thousandths) {
        (b'0', thousandths) => Some(thousandths),
        (b'1', 0) => Some(QUALITY_MAX),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::condition::fixture::Request;

    fn quality(accept: &str, media: &str) -> u16 {
        let request = Request::get("/", &[("Accept", accept)]);
        assert!(MediaType::is_valid(media), "{media}");
        MediaType { text: media.into(), number: 0, besides: None }.quality(request.head())
    }

    #[test]
    fn the_example_of_the_standard_holds() {
        // RFC 9110 section 12.5.1, with its table.
        let accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, \
                      text/plain;format=fixed;q=0.4, */*;q=0.5";
        for (media, thousandths) in [
            ("text/plain;format=flowed", 1000),
            ("text/plain", 700),
            ("text/html", 300),
            ("image/jpeg", 500),
            ("text/plain;format=fixed", 400),
            ("text/html;level=3", 300),
        ] {
            assert_eq!(quality(accept, media), thousandths, "{media}");
        }
    }

    #[test]
    fn a_range_that_is_more_specific_takes_back_what_a_wider_one_gave() {
        let accept = "*/*, application/*;q=0.8, application/xml;q=0";
        assert_eq!(quality(accept, "application/xml"), 0);
        assert_eq!(quality(accept, "application/json"), 800);
        assert_eq!(quality(accept, "text/html"), 1000);
    }

    #[test]
    fn names_have_no_case_and_values_may_be_quoted() {
        let accept = "TEXT/HTML; Charset=\"UTF-8\"; Q=0.5";
        assert_eq!(quality(accept, "text/html;charset=utf-8"), 500);
        assert_eq!(quality(accept, "text/html"), 0);
        assert_eq!(quality("a/b;x=\"1,2;q=0\";q=0.2", "a/b;x=\"1,2;q=0\""), 200);
        assert_eq!(quality("a/b;x=\"\\\"\"", "a/b;x=\"\\\"\""), 1000);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        assert_eq!(quality("text, */html, text/html;q=2, a/b;q=0.1234, a b/c", "text/html"), 1000);
        assert_eq!(quality("text/html;q=x, a/b", "text/html"), 0);
        assert_eq!(quality("", "text/html"), 1000);
        assert_eq!(quality(",,", "text/html"), 1000);
        for weight in ["0.", "1.000", "1.", "0.001", "1", "0"] {
            assert_ne!(thousandths(weight.as_bytes()), None, "{weight}");
        }
        for weight in ["", ".5", "1.001", "1.0000", "-1", "0,5", "2", "0.5 "] {
            assert_eq!(thousandths(weight.as_bytes()), None, "{weight}");
        }
    }

    #[test]
    fn several_fields_are_one_list() {
        let fields = [("Accept", "text/html;q=0.1"), ("Accept", "a/b, c/d;q=0.3")];
        let request = Request::get("/", &fields);
        let quality = |text: &str| {
            MediaType { text: text.into(), number: 0, besides: None }.quality(request.head())
        };
        assert_eq!(["text/html", "a/b", "c/d", "e/f"].map(quality), [100, 1000, 300, 0]);
    }

    #[test]
    fn a_parameter_that_says_a_version_does_not_narrow_the_range() {
        let request = Request::get("/", &[("Accept", "application/json;version=2;q=0.5")]);
        let media = |besides: Option<&str>| MediaType {
            text: "application/json".into(),
            number: 0,
            besides: besides.map(Into::into),
        };
        assert_eq!(media(None).quality(request.head()), 0);
        assert_eq!(media(Some("Version")).quality(request.head()), 500);
    }

    #[test]
    fn the_parameter_of_the_range_that_is_liked_best_is_taken() {
        for (accept, value) in [
            ("a/b;v=1;q=0.5, a/b;v=2, a/b;v=3", Some("2")),
            ("a/b, a/b;V=\"7\"", Some("\"7\"")),
            ("a/b;v=1;q=0", None),
            ("a/b;q=1;v=1", None),
            ("a/b", None),
        ] {
            let request = Request::get("/", &[("Accept", accept)]);
            let found = preferred_parameter(request.head(), b"v");
            assert_eq!(found, value.map(str::as_bytes), "{accept}");
        }
    }

    #[test]
    fn a_produced_type_has_neither_wildcard_nor_weight() {
        for text in ["text/html", "application/vnd.a+json;v=1", "a/b; c=\"d;e\""] {
            assert!(MediaType::is_valid(text), "{text}");
        }
        for text in ["", "text", "text/", "/html", "text/*", "*/*", "a/b;q=0.5", "a/b;c", "a b/c"] {
            assert!(!MediaType::is_valid(text), "{text}");
        }
    }
}
