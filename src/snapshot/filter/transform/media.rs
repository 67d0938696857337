//! The media types that steps apply to.

/// Types of JSON (RFC 8259, RFC 6839 section 3.1).
pub(super) const JSON: &[&str] = &["application/json", "text/json", "application/*+json"];

/// Types of text. `text/event-stream` has no end, so it is one only where it is named.
pub(super) const TEXT: &[&str] = &[
    "text/*",
    "application/json",
    "application/*+json",
    "application/xml",
    "application/*+xml",
    "image/svg+xml",
    "application/javascript",
];

/// Ranges of media types, in lower case.
#[derive(Debug, Default)]
pub(super) struct MediaRanges(Box<[Range]>);

#[derive(Debug)]
struct Range {
    kind: Box<[u8]>,
    subtype: Subtype,
}

#[derive(Debug)]
enum Subtype {
    /// All.
    Every,
    /// With this behind them, the `+` first.
    Suffix(Box<[u8]>),
    Exactly(Box<[u8]>),
}

impl MediaRanges {
    /// Those that were written, or else the usual ones.
    pub(super) fn new(written: &[String], usual: &[&str]) -> MediaRanges {
        let of = |text: &str| {
            let text = text.to_ascii_lowercase();
            let (kind, subtype) = text.split_once('/').unwrap_or((&text, "*"));
            let subtype = match subtype.strip_prefix('*') {
                Some("") => Subtype::Every,
                Some(suffix) => Subtype::Suffix(suffix.as_bytes().into()),
                None => Subtype::Exactly(subtype.as_bytes().into()),
            };
            Range { kind: kind.as_bytes().into(), subtype }
        };
        MediaRanges(match written {
            [] => usual.iter().copied().map(of).collect(),
            written => written.iter().map(String::as_str).map(of).collect(),
        })
    }

    /// Whether a `Content-Type` is of one of them; one that is missing only of `*/*`.
    pub(super) fn contain(&self, content_type: &[u8]) -> bool {
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
        let essence = essence.trim_ascii();
        let slash = memchr::memchr(b'/', essence);
        let (kind, subtype) = match slash {
            Some(at) => (&essence[..at], &essence[at + 1..]),
            None => (&b""[..], &b""[..]),
        };
        self.0.iter().any(|range| range.contains(kind, subtype))
    }
}

impl Range {
    fn contains(&self, kind: &[u8], subtype: &[u8]) -> bool {
        if *self.kind == *b"*" {
            return true;
        }
        if !self.kind.eq_ignore_ascii_case(kind) {
            return false;
        }
        match &self.subtype {
            Subtype::Every => !subtype.eq_ignore_ascii_case(b"event-stream"),
            Subtype::Suffix(suffix) => {
                let from = subtype.len().saturating_sub(suffix.len());
                from > 0 && subtype[from..].eq_ignore_ascii_case(suffix)
            }
            Subtype::Exactly(exactly) => exactly.eq_ignore_ascii_case(subtype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_what_they_say() {
        let of = |written: &[&str]| {
            let written: Vec<String> = written.iter().map(|text| (*text).to_owned()).collect();
            MediaRanges::new(&written, TEXT)
        };
        for (written, content_type, want) in [
            (&["text/html"][..], "text/html", true),
            (&["text/html"], "TEXT/HTML ; charset=utf-8", true),
            (&["text/html"], "text/htm", false),
            (&["text/*"], "text/plain", true),
            (&["text/*"], "text/event-stream", false),
            (&["text/event-stream"], "text/event-stream", true),
            (&["application/*+json"], "application/problem+json", true),
            (&["application/*+json"], "application/+json", false),
            (&["application/*+json"], "application/json", false),
            (&["*/*"], "", true),
            (&["text/html"], "", false),
            (&[], "image/png", false),
            (&[], "application/json", true),
            (&[], "image/svg+xml", true),
            (&[], "", false),
        ] {
            let found = of(written).contain(content_type.as_bytes());
            assert_eq!(found, want, "{written:?} {content_type}");
        }
    }
}
