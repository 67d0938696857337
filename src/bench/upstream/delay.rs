//! How long an answer waits: a fixed time, or one drawn from a distribution.

use crate::limits;

use crate::bench::random::Random;

use std::fmt;
use std::str::FromStr;

/// How long an answer waits. As text: `10ms`, `uniform:5ms:15ms`, `exponential:10ms` (by its mean),
/// `lognormal:10ms:0.5` (by its median and the deviation of the logarithm).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay(Distribution);

/// Times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Distribution {
    Constant(u64),
    Uniform { least: u64, most: u64 },
    Exponential { mean: u64 },
    Lognormal { median: u64, deviation: f64 },
}

impl Delay {
    /// The same time for every answer; no more than [`limits::UPSTREAM_DELAY_MS_MAX`].
    pub fn constant_ms(milliseconds: u64) -> Delay {
        let milliseconds = milliseconds.min(limits::UPSTREAM_DELAY_MS_MAX);
        Delay(Distribution::Constant(milliseconds * NANOS_PER_MS))
    }

    /// The next answer's time, in nanoseconds. A draw is cut at [`limits::UPSTREAM_DELAY_MS_MAX`].
    pub fn draw_ns(&self, random: &mut Random) -> u64 {
        let drawn = match self.0 {
            Distribution::Constant(time) => return time,
            Distribution::Uniform { least, most } => {
                least as f64 + (most - least) as f64 * random.share()
            }
            Distribution::Exponential { mean } => random.exponential() * mean as f64,
            Distribution::Lognormal { median, deviation } => {
                median as f64 * (deviation * random.normal()).exp()
            }
        };
        // A cast of a double saturates, and none of these is negative.
        (drawn as u64).min(limits::UPSTREAM_DELAY_MS_MAX * NANOS_PER_MS)
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Delay, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let arguments: Vec<&str> = parts.collect();
        let distribution = match (name, arguments.as_slice()) {
            ("constant", [time]) => Distribution::Constant(time_ns(time)?),
            ("uniform", [least, most]) => {
                let (least, most) = (time_ns(least)?, time_ns(most)?);
                if least > most {
                    return Err(format!("`{text}` begins above its end"));
                }
                Distribution::Uniform { least, most }
            }
            ("exponential", [mean]) => Distribution::Exponential { mean: time_ns(mean)? },
            ("lognormal", [median, deviation]) => Distribution::Lognormal {
                median: time_ns(median)?,
                deviation: deviation_of(deviation)?,
            },
            (time, []) if time.starts_with(|first: char| first.is_ascii_digit()) => {
                Distribution::Constant(time_ns(time)?)
            }
            (_, _) => {
                return Err(format!(
                    "`{text}` is no delay: write 10ms, uniform:5ms:15ms, exponential:10ms or \
                     lognormal:10ms:0.5"
                ));
            }
        };
        Ok(Delay(distribution))
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Distribution::Constant(time) => write!(formatter, "{time}ns"),
            Distribution::Uniform { least, most } => {
                write!(formatter, "uniform:{least}ns:{most}ns")
            }
            Distribution::Exponential { mean } => write!(formatter, "exponential:{mean}ns"),
            Distribution::Lognormal { median, deviation } => {
                write!(formatter, "lognormal:{median}ns:{deviation}")
            }
        }
    }
}

/// Reads a time: `10ms`, `2s`, `500us`, `100ns`, also with a fraction; a bare number is
/// milliseconds. In nanoseconds, at most [`limits::UPSTREAM_DELAY_MS_MAX`].
pub(super) fn time_ns(text: &str) -> Result<u64, String> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits_end);
    let scale = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "" | "ms" => 1e6,
        "s" => 1e9,
        _ => return Err(format!("`{text}` is no time: write 10ms, 2s, 500us or 100ns")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is no time: write 10ms"))?;
    let most = limits::UPSTREAM_DELAY_MS_MAX;
    let time = (number * scale).round();
    if time > (most * NANOS_PER_MS) as f64 {
        return Err(format!("`{text}` is more than {most} ms"));
    }
    Ok(time as u64)
}

fn deviation_of(text: &str) -> Result<f64, String> {
    let deviation: Option<f64> = text.parse().ok();
    deviation.filter(|deviation| (0.0..=DEVIATION_MAX).contains(deviation)).ok_or_else(|| {
        format!("`{text}` is no deviation of a logarithm: write a number from 0 to {DEVIATION_MAX}")
    })
}

const NANOS_PER_MS: u64 = 1_000_000;

/// With 10 one draw in six is above the median by four orders of magnitude: nothing is like that.
const DEVIATION_MAX: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn draws_ms(text: &str) -> Vec<f64> {
        let delay: Delay = text.parse().expect("a delay");
        let mut random = Random::new(11, 0);
        let mut draws: Vec<f64> =
            (0..20_001).map(|_| delay.draw_ns(&mut random) as f64 / 1e6).collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    fn mean(draws: &[f64]) -> f64 {
        draws.iter().sum::<f64>() / draws.len() as f64
    }

    #[test]
    fn times_have_units() {
        let times = [("10ms", 10_000_000), ("2s", 2_000_000_000), ("500us", 500_000), ("7ns", 7)];
        for (text, nanoseconds) in times {
            assert_eq!(time_ns(text), Ok(nanoseconds), "{text}");
        }
        assert_eq!(time_ns("20"), Ok(20_000_000));
        assert_eq!(time_ns("1.5s"), Ok(1_500_000_000));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "ms", "-1ms", "1h", "1.2.3s", "601s", "1 s", "."] {
            assert!(time_ns(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_constant_is_always_the_same() {
        assert_eq!("10ms".parse(), Ok(Delay::constant_ms(10)));
        assert_eq!("constant:10ms".parse(), Ok(Delay::constant_ms(10)));
        assert!(draws_ms("10ms").iter().all(|draw| *draw == 10.0));
    }

    #[test]
    fn uniform_draws_lie_evenly_between_their_ends() {
        let draws = draws_ms("uniform:5ms:15ms");
        assert!(draws.iter().all(|draw| (5.0..=15.0).contains(draw)));
        assert!((mean(&draws) - 10.0).abs() < 0.1, "{}", mean(&draws));
        assert!((draws[5_000] - 7.5).abs() < 0.2, "{}", draws[5_000]);
    }

    #[test]
    fn exponential_draws_have_their_mean() {
        let draws = draws_ms("exponential:10ms");
        assert!((mean(&draws) - 10.0).abs() < 0.3, "{}", mean(&draws));
        // ln 2 times the mean.
        assert!((draws[10_000] - 6.93).abs() < 0.3, "{}", draws[10_000]);
    }

    #[test]
    fn lognormal_draws_have_their_median() {
        let draws = draws_ms("lognormal:10ms:0.5");
        assert!((draws[10_000] - 10.0).abs() < 0.3, "{}", draws[10_000]);
        // One deviation above: exp(0.5) times the median, at 84.1 %.
        assert!((draws[16_827] - 16.49).abs() < 0.6, "{}", draws[16_827]);
    }

    #[test]
    fn draws_are_cut_at_the_longest_delay() {
        let longest = limits::UPSTREAM_DELAY_MS_MAX as f64;
        assert!(draws_ms("lognormal:600s:3").iter().all(|draw| *draw <= longest));
    }

    #[test]
    fn refuses_what_is_no_delay() {
        let wrong = [
            "",
            "soon",
            "uniform:5ms",
            "uniform:9ms:5ms",
            "exponential",
            "exponential:x",
            "lognormal:10ms:-1",
            "lognormal:10ms:11",
            "lognormal:10ms:NaN",
            "10ms:5ms",
        ];
        for text in wrong {
            assert!(text.parse::<Delay>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_delay_reads_back_as_it_is_written() {
        for text in ["10ms", "uniform:5ms:15ms", "exponential:10ms", "lognormal:10ms:0.5"] {
            let delay: Delay = text.parse().expect("a delay");
            assert_eq!(delay.to_string().parse(), Ok(delay));
        }
    }
}
