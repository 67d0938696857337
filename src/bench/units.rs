//! Numbers as people read them: three significant digits and a unit of fitting size.

/// Microseconds as `us`, `ms` or `s`.
pub fn time(micros: f64) -> String {
    if !micros.is_finite() {
        return NOTHING.to_owned();
    }
    // What would round up to 1000 is written in the next unit.
    let (value, unit) = match micros.abs() {
        size if size < 999.5 => (micros, "us"),
        size if size < 999_500.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    format!("{}{unit}", digits(value))
}

/// Seconds as `us`, `ms` or `s`.
pub fn seconds(seconds: f64) -> String {
    time(seconds * 1e6)
}

/// A count with its thousands apart.
pub fn count(count: u64) -> String {
    let plain = count.to_string();
    let mut apart = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// Something a second: whole from a hundred on.
pub fn rate(rate: f64) -> String {
    match rate {
        rate if !rate.is_finite() || rate < 0.0 => format!("{NOTHING}/s"),
        rate if rate < 100.0 => format!("{}/s", digits(rate)),
        // Rates are far below where a u64 ends.
        rate => format!("{}/s", count(rate.round() as u64)),
    }
}

/// A share of 0 to 1 in percent.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        size if !size.is_finite() => NOTHING.to_owned(),
        size if size > 0.0 && size < 0.001 => "<0.001%".to_owned(),
        size if size < 0.1 => format!("{}%", trimmed(format!("{percent:.3}"))),
        size if size < 99.0 => format!("{}%", digits(percent)),
        _ => format!("{percent:.1}%"),
    }
}

/// Bytes in steps of a thousand.
pub fn bytes(bytes: f64) -> String {
    let (value, unit) = match bytes {
        bytes if !bytes.is_finite() => return NOTHING.to_owned(),
        bytes if bytes < 999.5 => (bytes, "B"),
        bytes if bytes < 999.5e3 => (bytes / 1e3, "kB"),
        bytes if bytes < 999.5e6 => (bytes / 1e6, "MB"),
        bytes => (bytes / 1e9, "GB"),
    };
    format!("{}{unit}", digits(value))
}

/// Three significant digits, zeros after the point cut.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => trimmed(format!("{value:.1}")),
        _ => trimmed(format!("{value:.2}")),
    }
}

fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Stands where there is no number.
pub const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let cases = [(0.0, "0us"), (0.25, "0.25us"), (12.34, "12.3us"), (999.4, "999us")];
        let larger = [(999.6, "1ms"), (1234.0, "1.23ms"), (999_600.0, "1s"), (65e6, "65s")];
        for (micros, text) in cases.into_iter().chain(larger) {
            assert_eq!(time(micros), text);
        }
        assert_eq!(time(f64::NAN), "-");
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
    }

    #[test]
    fn rates_are_whole_from_a_hundred_on() {
        assert_eq!(rate(12.5), "12.5/s");
        assert_eq!(rate(19_999.6), "20,000/s");
        assert_eq!(rate(f64::INFINITY), "-/s");
    }

    #[test]
    fn small_shares_are_not_zero() {
        assert_eq!(share(0.0), "0%");
        assert_eq!(share(0.000_001), "<0.001%");
        assert_eq!(share(0.000_05), "0.005%");
        assert_eq!(share(0.123), "12.3%");
        assert_eq!(share(1.0), "100.0%");
    }

    #[test]
    fn bytes_grow_by_thousands() {
        assert_eq!(bytes(999.0), "999B");
        assert_eq!(bytes(4_700_000.0), "4.7MB");
    }
}
