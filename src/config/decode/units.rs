//! Values with units: `1m30s`, `8KiB`.

use std::time::Duration;

/// Reads a duration: numbers with `h`, `m`, `s`, `ms` or `us`, the larger unit first, each once.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut larger = usize::MAX;
    if text.is_empty() {
        return Err(DURATION_SHAPE.into());
    }
    while !rest.is_empty() {
        let (number, after) = digits(rest).ok_or_else(|| shape(text, rest))?;
        let end = after.find(|character: char| !character.is_ascii_alphabetic());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let Some((rank, micros)) = duration_unit(unit) else { return Err(shape(text, rest)) };
        if rank >= larger {
            return Err("the larger unit stands first, and each once: `1m30s`".into());
        }
        larger = rank;
        let part = number.checked_mul(micros).map(Duration::from_micros);
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.ok_or("longer than any duration here")?;
        rest = after;
    }
    Ok(total)
}

/// Reads a size: a number and `B`, `KiB`, `MiB` or `GiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = digits(text).ok_or(SIZE_SHAPE)?;
    let factor = match unit.trim_start_matches(' ') {
        "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        "" => return Err(size_fix(number)),
        other => return Err(near_size(number, other)),
    };
    number.checked_mul(factor).ok_or_else(|| "larger than any size here".into())
}

/// What to write for a bare number where a duration is needed.
pub(super) fn duration_fix(number: i64) -> String {
    format!("a duration needs its unit: write `\"{number}s\"`, or `\"{number}ms\"`")
}

/// What to write for a bare number where a size is needed.
pub(super) fn size_fix(number: u64) -> String {
    let unit = if number > 0 && number.is_multiple_of(1024) {
        format!("{}KiB", number / 1024)
    } else {
        format!("{number}B")
    };
    format!("a size needs its unit: write `\"{unit}\"`")
}

/// A duration as a file would have it.
pub(crate) fn show_duration(duration: Duration) -> String {
    let mut micros = duration.as_micros();
    if micros == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, length) in [("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000)]
    {
        let count = micros / length;
        micros %= length;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if micros > 0 {
        text.push_str(&format!("{micros}us"));
    }
    text
}

/// A size as a file would have it.
pub(crate) fn show_size(bytes: u64) -> String {
    for (unit, length) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(length) {
            return format!("{}{unit}", bytes / length);
        }
    }
    format!("{bytes}B")
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, after) = text.split_at(end);
    Some((number.parse().ok()?, after))
}

/// The rank of a unit, and its microseconds.
fn duration_unit(unit: &str) -> Option<(usize, u64)> {
    Some(match unit {
        "us" => (0, 1),
        "ms" => (1, 1000),
        "s" => (2, 1_000_000),
        "m" => (3, 60_000_000),
        "h" => (4, 3_600_000_000),
        _ => return None,
    })
}

fn shape(text: &str, rest: &str) -> String {
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => duration_fix(number),
        Ok(_) => "a duration is not negative".into(),
        Err(_) if rest == text || rest.starts_with(|first: char| first.is_ascii_digit()) => {
            DURATION_SHAPE.into()
        }
        Err(_) => format!("`{}` is not understood; {DURATION_SHAPE}", rest.escape_debug()),
    }
}

fn near_size(number: u64, unit: &str) -> String {
    let binary = match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" => "KiB",
        "m" | "mb" | "mib" => "MiB",
        "g" | "gb" | "gib" => "GiB",
        "b" | "bytes" | "byte" => "B",
        _ => return SIZE_SHAPE.into(),
    };
    format!("write `\"{number}{binary}\"`: sizes are in B, KiB, MiB or GiB")
}

const DURATION_SHAPE: &str =
    "a duration is written as `\"250ms\"`, `\"10s\"`, `\"1m30s\"` or `\"1h\"`";
const SIZE_SHAPE: &str = "a size is written as `\"512B\"`, `\"8KiB\"`, `\"10MiB\"` or `\"1GiB\"`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        for (text, micros) in [
            ("250ms", 250_000),
            ("10s", 10_000_000),
            ("1m30s", 90_000_000),
            ("1h", 3_600_000_000),
            ("2h3m4s5ms6us", 7_384_005_006),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_micros(micros)), "{text}");
            assert_eq!(show_duration(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn refuses_durations_that_could_mean_two_things() {
        for text in ["", "10", "-1s", "1.5s", "s", "1d", "1s1m", "1s1s", "10 s", "1m30", "1S"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration("18446744073709551615h").is_err());
        assert!(duration("99999999999999999999s").is_err());
    }

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [("512B", 512), ("8KiB", 8192), ("10MiB", 10 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
            assert_eq!(show_size(bytes), text);
        }
    }

    #[test]
    fn refuses_sizes_and_shows_the_fix() {
        for (text, fix) in [("8192", "8KiB"), ("100", "100B"), ("8KB", "8KiB"), ("1g", "1GiB")] {
            assert!(size(text).expect_err(text).contains(fix), "{text}");
        }
        for text in ["", "KiB", "-1B", "1.5KiB", "99999999999GiB", "1TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
