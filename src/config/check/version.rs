//! Groups of versions, and the field of request ids.

use super::super::{AfterSunset, GatewayConfig, VersionGroup, VersionLife, VersionSource, path};
use super::{Faults, action, cluster, is_token};
use crate::limits;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    for (name, found) in &config.versions {
        group(name, found, faults);
    }
    if let Some(id) = &config.request_id {
        action::field_name("request_id.header", &id.header, true, faults);
    }
}

fn group(name: &str, found: &VersionGroup, faults: &mut Faults) {
    let base = path::join("versions", name);
    let key = |key: &str| path::join(&base, key);
    if !cluster::is_name(name) {
        faults.push(&base, "a group's name is 1 to 128 letters, digits, `-` and `_`");
    }
    if found.from.is_empty() {
        faults.push(&key("from"), "nowhere to look: write `[\"path\"]` or `[\"header\"]`");
    }
    for (index, source) in found.from.iter().enumerate() {
        let kind = std::mem::discriminant(source);
        if found.from.iter().take(index).any(|other| std::mem::discriminant(other) == kind) {
            faults.push(&path::element(&key("from"), index), "is in the list already");
        }
        let (name_key, name, is_right) = match source {
            VersionSource::Path(name) => ("param", name, is_parameter(name)),
            VersionSource::Header(name) => ("header", name, is_token(name)),
            VersionSource::MediaType(name) => ("media_type_param", name, is_token(name)),
            VersionSource::Query(name) => ("query", name, !name.is_empty()),
        };
        if !is_right {
            faults.push(&key(name_key), format!("`{}` is no name", name.escape_debug()));
        }
    }
    if found.known.is_empty() {
        faults.push(&key("known"), "no version: write `[versions.NAME.known.1]` for each");
    }
    if found.known.len() > limits::VERSIONS_COUNT_MAX {
        let most = limits::VERSIONS_COUNT_MAX;
        faults.push(&key("known"), format!("more than {most} versions"));
    }
    if let Some(default) = &found.default
        && !found.known.contains_key(default)
    {
        let message = format!("`known` has no version `{}`", default.escape_debug());
        faults.push(&key("default"), message);
    }
    for (version, found) in &found.known {
        let path = path::join(&key("known"), version);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_short = version.len() <= limits::NAME_CHARACTERS_MAX;
        if version.is_empty() || !is_short || !version.bytes().all(plain) {
            let message = "a version's name is 1 to 128 letters, digits, `.`, `-` and `_`";
            faults.push(&path, message);
        }
        life(&path, found, faults);
    }
}

fn is_parameter(name: &str) -> bool {
    let first = name.bytes().next();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    first.is_some_and(|byte| !byte.is_ascii_digit()) && name.bytes().all(is_word)
}

fn life(base: &str, found: &VersionLife, faults: &mut Faults) {
    let key = |key: &str| path::join(base, key);
    let VersionLife { deprecated, sunset, link, after_sunset } = found;
    for (name, date) in [("deprecated", deprecated), ("sunset", sunset)] {
        if let Some(date) = date
            && !is_day(date)
        {
            let message = format!("`{}` is no day such as `2027-01-31`", date.escape_debug());
            faults.push(&key(name), message);
        }
    }
    if let (Some(deprecated), Some(sunset)) = (deprecated, sunset)
        && is_day(deprecated)
        && is_day(sunset)
        && sunset < deprecated
    {
        // RFC 9745 section 4.
        faults.push(&key("sunset"), format!("before it is deprecated, {deprecated}"));
    }
    if let Some(link) = link {
        let is_uri = |byte: u8| byte.is_ascii_graphic() && !b"<>\"".contains(&byte);
        if link.is_empty() || !link.bytes().all(is_uri) {
            let message = "a URL: no spaces, no `<`, `>` or `\"`, and no bytes beyond ASCII";
            faults.push(&key("link"), message);
        }
        if deprecated.is_none() && sunset.is_none() {
            faults
                .push(&key("link"), "is sent with `deprecated` or `sunset`, and neither is there");
        }
    }
    if *after_sunset == AfterSunset::Gone && sunset.is_none() {
        faults.push(&key("after_sunset"), "there is no `sunset` after which it could be");
    }
}

/// Whether a text is a day of the calendar: `YYYY-MM-DD`, from 1970 on, as the times that answers
/// carry are.
fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_shaped {
        return false;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1970 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_the_calendar() {
        for day in ["1970-01-01", "2024-02-29", "2000-02-29", "2027-12-31", "9999-04-30"] {
            assert!(is_day(day), "{day}");
        }
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2027-13-01",
            "2027-00-01",
            "2027-04-31",
            "2027-01-00",
            "1969-12-31",
            "2027-1-1",
            "2027/01/01",
            "20270101",
            "",
            "２０２７",
            "2027-01-01T00",
        ] {
            assert!(!is_day(text), "{text}");
        }
    }
}
