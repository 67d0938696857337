//! Answers that fail, and how many of them.

use crate::http::status::Status;

use crate::bench::random::Random;

use std::fmt;
use std::str::FromStr;

/// A share of the answers that fail, and how. As text: `0.1` or `10%` (with 503), `0.1:502`,
/// `0.1:reset`, `0.1:cut`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    share: f64,
    kind: Kind,
}

/// How an answer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With this status and a short text.
    Status(Status),
    /// The connection is cut with a reset before the first byte.
    Reset,
    /// The connection closes in the middle of the body.
    Cut,
}

impl Failure {
    /// Whether and how the next answer fails.
    pub fn draw(&self, random: &mut Random) -> Option<Kind> {
        (random.share() < self.share).then_some(self.kind)
    }
}

impl FromStr for Failure {
    type Err = String;

    fn from_str(text: &str) -> Result<Failure, String> {
        let (share, kind) = text.split_once(':').unwrap_or((text, "503"));
        Ok(Failure { share: share_of(share)?, kind: kind.parse()? })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text {
            "reset" => Ok(Kind::Reset),
            "cut" => Ok(Kind::Cut),
            code => status_of(code)
                .map(Kind::Status)
                .map_err(|_| format!("`{code}` is no failure: write reset, cut or a status")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Status(status) => write!(formatter, "{}:{status}", self.share),
            Kind::Reset => write!(formatter, "{}:reset", self.share),
            Kind::Cut => write!(formatter, "{}:cut", self.share),
        }
    }
}

/// Reads the status of a final answer.
pub(super) fn status_of(text: &str) -> Result<Status, String> {
    let code = text.parse().ok().filter(|code| (200..=599).contains(code));
    code.and_then(Status::new).ok_or_else(|| format!("`{text}` is no status from 200 to 599"))
}

fn share_of(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number, 0.01),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().ok().map(|number| number * scale);
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share: write a number from 0 to 1, or 10%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_count(text: &str) -> usize {
        let failure: Failure = text.parse().expect("a failure");
        let mut random = Random::new(3, 0);
        (0..10_000).filter(|_| failure.draw(&mut random).is_some()).count()
    }

    #[test]
    fn the_share_is_held() {
        assert_eq!(failed_count("0"), 0);
        assert_eq!(failed_count("1"), 10_000);
        assert!((900..=1_100).contains(&failed_count("10%:reset")));
        assert!((100..=160).contains(&failed_count("0.013:cut")));
    }

    #[test]
    fn kinds_are_named() {
        let kind = |text: &str| text.parse::<Failure>().expect("a failure").kind;
        assert_eq!(kind("1"), Kind::Status(Status::SERVICE_UNAVAILABLE));
        assert_eq!(kind("1:502"), Kind::Status(Status::BAD_GATEWAY));
        assert_eq!(kind("1:reset"), Kind::Reset);
        assert_eq!(kind("1:cut"), Kind::Cut);
    }

    #[test]
    fn refuses_what_is_no_failure() {
        for text in ["", "2", "-0.1", "101%", "NaN", "0.1:", "0.1:sulk", "0.1:199", "0.1:600"] {
            assert!(text.parse::<Failure>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_reads_back_as_it_is_written() {
        for text in ["0.5:502", "0.25:reset", "1:cut"] {
            let failure: Failure = text.parse().expect("a failure");
            assert_eq!(failure.to_string(), text);
        }
    }
}
