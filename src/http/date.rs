//! Dates as they stand in fields (RFC 9110 section 5.6.7): IMF-fixdate is written, the obsolete
//! forms are read too.

/// Bytes of a date.
pub const DATE_BYTES: usize = 29;

/// `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since 1970, up to the end of the year 9999; later
/// ones give that end.
pub fn imf_fixdate(unix_seconds: u64) -> [u8; DATE_BYTES] {
    let seconds = unix_seconds.min(LAST_SECOND);
    let days = seconds / DAY_SECONDS;
    let time = seconds % DAY_SECONDS;
    let (year, month, day) = civil(days);
    // 1970-01-01 was a Thursday. Each index below is a remainder of its table's length.
    let weekday = WEEKDAYS[((days + 4) % 7) as usize];
    let mut date = *b"Sun, 06 Nov 1994 08:49:37 GMT";
    date[..3].copy_from_slice(weekday);
    put_two(&mut date, 5, day);
    date[8..11].copy_from_slice(MONTHS[(month - 1) as usize % 12]);
    put_two(&mut date, 12, year / 100);
    put_two(&mut date, 14, year % 100);
    put_two(&mut date, 17, time / 3600);
    put_two(&mut date, 20, time / 60 % 60);
    put_two(&mut date, 23, time % 60);
    date
}

/// Seconds from 1970 to the beginning of a day of UTC that is written `2027-01-31`.
pub fn start_of_day(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| -> Option<u64> {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    if parts.next().is_some() || year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let days = days(year, month, day)?;
    // A day that its month does not have comes out as one of the next.
    (civil(days) == (year, month, day)).then_some(days * DAY_SECONDS)
}

/// The seconds since 1970 of a date in one of the three forms of the standard; `None` of what is no
/// date, or before 1970. The day of the week is not looked at.
pub fn parse(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    if let Some((_, rest)) = text.split_once(", ") {
        let mut words = rest.split(' ');
        let date = words.next()?;
        let (day, month, year) = match date.split_once('-') {
            // Sunday, 06-Nov-94 08:49:37 GMT
            Some((day, rest)) => {
                let (month, year) = rest.split_once('-')?;
                (day, month, century(digits(year, 2)?))
            }
            // Sun, 06 Nov 1994 08:49:37 GMT
            None => (date, words.next()?, digits(words.next()?, 4)?),
        };
        let time = words.next()?;
        let is_whole = words.next() == Some("GMT") && words.next().is_none();
        return is_whole.then(|| seconds(year, month, digits(day, 2)?, time))?;
    }
    // Sun Nov  6 08:49:37 1994
    let mut words = text.split_ascii_whitespace().skip(1);
    let (month, day, time) = (words.next()?, words.next()?, words.next()?);
    let year = digits(words.next()?, 4)?;
    words.next().is_none().then(|| seconds(year, month, digits(day, day.len().min(2))?, time))?
}

/// A year of two digits, taken to be at most 50 years ahead of the time of writing, which is what
/// the standard asks for until 2075.
fn century(year: u64) -> u64 {
    if year < 76 { 2000 + year } else { 1900 + year }
}

fn seconds(year: u64, month: &str, day: u64, time: &str) -> Option<u64> {
    let month = MONTHS.iter().position(|name| *name == month.as_bytes())? as u64 + 1;
    let mut parts = time.split(':');
    let mut part = || digits(parts.next()?, 2);
    let (hour, minute, second) = (part()?, part()?, part()?);
    let is_time = hour < 24 && minute < 60 && second <= 60 && parts.next().is_none();
    let days = days(year, month, day)?;
    // A date that does not exist comes back as another.
    let exists = civil(days) == (year, month, day);
    let of_day = hour * 3600 + minute * 60 + second;
    (is_time && exists).then_some(days * DAY_SECONDS + of_day)
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits { text.parse().ok() } else { None }
}

/// The reverse of [`civil`]; `None` before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let shifted_year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

const DAY_SECONDS: u64 = 86_400;

/// 9999-12-31 23:59:59, the last one that four digits of a year can say.
const LAST_SECOND: u64 = 253_402_300_799;

const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Year, month (1 to 12) and day (1 to 31) of a day since 1970. Counts in eras of 400 years that
/// begin on 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

fn put_two(date: &mut [u8; DATE_BYTES], at: usize, number: u64) {
    // Both are remainders of 10, so the casts keep the value.
    date[at] = b'0' + (number / 10 % 10) as u8;
    date[at + 1] = b'0' + (number % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unix_seconds: u64) -> String {
        String::from_utf8(imf_fixdate(unix_seconds).to_vec()).unwrap()
    }

    #[test]
    fn reads_the_three_forms_of_the_standard() {
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(value.as_bytes()), Some(784_111_777), "{value}");
        }
        assert_eq!(parse(b"Wed, 01-Jan-75 00:00:00 GMT"), Some(3_313_526_400));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for value in [
            "",
            "0",
            "yesterday",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 01 Jan 0000 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994 GMT",
        ] {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for seconds in (0..LAST_SECOND).step_by(86_399 * 37).chain([0, LAST_SECOND]) {
            assert_eq!(parse(&imf_fixdate(seconds)), Some(seconds));
        }
    }

    #[test]
    fn gives_the_example_of_the_standard() {
        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn begins_and_ends_where_four_digits_do() {
        assert_eq!(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(text(LAST_SECOND), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(text(u64::MAX), text(LAST_SECOND));
    }

    #[test]
    fn leap_days_are_where_the_calendar_has_them() {
        assert_eq!(text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(text(951_868_800), "Wed, 01 Mar 2000 00:00:00 GMT");
        assert_eq!(text(4_107_456_000), "Sun, 28 Feb 2100 00:00:00 GMT");
        assert_eq!(text(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(text(1_709_164_799), "Wed, 28 Feb 2024 23:59:59 GMT");
        assert_eq!(text(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
    }

    #[test]
    fn days_begin_where_their_seconds_say() {
        for (day, seconds) in [
            ("1970-01-01", 0),
            ("1994-11-06", 784_080_000),
            ("2000-02-29", 951_782_400),
            ("2027-01-01", 1_798_761_600),
            ("9999-12-31", LAST_SECOND - DAY_SECONDS + 1),
        ] {
            assert_eq!(start_of_day(day), Some(seconds), "{day}");
        }
        for text in [
            "",
            "1969-12-31",
            "2027-02-29",
            "2027-13-01",
            "2027-00-01",
            "2027-01-00",
            "2027-1-1",
            "2027-01-01-01",
            "2027-01-32",
            "+027-01-01",
            "2027/01/01",
        ] {
            assert_eq!(start_of_day(text), None, "{text}");
        }
    }

    #[test]
    fn days_follow_one_another_over_four_centuries() {
        let mut before = civil(0);
        for days in 1..=146_097 {
            let today = civil(days);
            let next_day = today == (before.0, before.1, before.2 + 1);
            let next_month = today == (before.0, before.1 + 1, 1);
            let next_year = today == (before.0 + 1, 1, 1) && (before.1, before.2) == (12, 31);
            assert!(next_day || next_month || next_year, "{before:?} {today:?}");
            before = today;
        }
        assert_eq!(before, (2370, 1, 1));
    }
}
