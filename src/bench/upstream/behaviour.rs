//! What a request is answered with: by its path, then by the parameters of its query.

use crate::http::status::Status;
use crate::limits;

use super::delay::Delay;
use super::failure::{Failure, status_of};

use std::ops::RangeInclusive;

/// What one request is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Its status.
    pub status: Status,
    /// Its body.
    pub content: Content,
    /// How the body ends.
    pub coding: Coding,
    /// How long it waits.
    pub delay: Option<Delay>,
    /// Whether it fails.
    pub failure: Option<Failure>,
    /// Bytes a second of its body; `None` for as fast as they are taken.
    pub bytes_per_second: Option<u64>,
    /// Whether the connection closes behind it.
    pub close: bool,
}

/// What is in a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// So many `x`.
    Filler(u64),
    /// The request's body.
    Echo,
    /// This name and what was asked.
    Description(String),
    /// A text, such as what is wrong with the request.
    Text(String),
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// After its length.
    Length,
    /// With the last chunk; each has at most this many bytes.
    Chunked(usize),
    /// With the connection.
    UntilClose,
}

/// What holds for every request that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Where it is set, bodies tell this name and what was asked.
    pub name: Option<String>,
    /// How long an answer waits.
    pub delay: Option<Delay>,
    /// How many answers fail, and how.
    pub failure: Option<Failure>,
}

impl Behaviour {
    /// What a target asks for. One that is not understood is answered with 400 and why.
    pub fn of(path: &[u8], query: Option<&[u8]>, defaults: &Defaults) -> Behaviour {
        let read = || -> Result<Behaviour, String> {
            let mut behaviour = Behaviour::small(defaults);
            behaviour.take_path(text_of(path)?)?;
            for parameter in text_of(query.unwrap_or_default())?.split('&') {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                behaviour.take_parameter(name, value).map_err(|why| format!("{name}: {why}"))?;
            }
            Ok(behaviour)
        };
        read().unwrap_or_else(Behaviour::refusal)
    }

    /// The answer to a request that is not understood.
    pub fn refusal(why: String) -> Behaviour {
        Behaviour {
            status: Status::BAD_REQUEST,
            content: Content::Text(why),
            ..Behaviour::small(&Defaults::default())
        }
    }

    fn small(defaults: &Defaults) -> Behaviour {
        let content = match &defaults.name {
            Some(name) => Content::Description(name.clone()),
            None => Content::Filler(SMALL_BYTES),
        };
        Behaviour {
            status: Status::OK,
            content,
            coding: Coding::Length,
            delay: defaults.delay,
            failure: defaults.failure,
            bytes_per_second: None,
            close: false,
        }
    }

    fn take_path(&mut self, path: &str) -> Result<(), String> {
        let path = path.trim_start_matches('/');
        let (name, argument) = match path.split_once('/') {
            Some((name, argument)) => (name, Some(argument)),
            None => (path, None),
        };
        let explained = |why: String| format!("/{name}/: {why}");
        match (name, argument) {
            ("16k", None) => self.fill(16 * 1024),
            ("1m", None) => self.fill(1024 * 1024),
            ("bytes", Some(bytes)) => self.fill(body_bytes(bytes).map_err(explained)?),
            ("chunked", Some(bytes)) => {
                self.fill(body_bytes(bytes).map_err(explained)?);
                self.coding = Coding::Chunked(CHUNK_BYTES);
            }
            ("close", bytes) => {
                if let Some(bytes) = bytes {
                    self.fill(body_bytes(bytes).map_err(explained)?);
                }
                self.coding = Coding::UntilClose;
            }
            ("delay", Some(delay)) => self.delay = Some(delay.parse().map_err(explained)?),
            ("status", Some(code)) => {
                self.status = status_of(code).map_err(explained)?;
                self.fill(0);
            }
            ("echo", None) => self.replace(Content::Echo),
            (_, _) => {}
        }
        Ok(())
    }

    /// Parameters of other names are left alone: a gateway's test has its own.
    fn take_parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "bytes" => self.fill(body_bytes(value)?),
            "chunk" => {
                let bytes = number_in(value, 1..=limits::UPSTREAM_FILLER_BYTES as u64)?;
                self.coding = Coding::Chunked(bytes as usize);
            }
            "close" => self.close = true,
            "delay" => self.delay = Some(value.parse()?),
            "fail" => self.failure = Some(value.parse()?),
            "rate" => self.bytes_per_second = Some(number_in(value, limits::UPSTREAM_BODY_RATE)?),
            "status" => self.status = status_of(value)?,
            "name" => self.content = Content::Description(name_of(value)?),
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, bytes: u64) {
        self.replace(Content::Filler(bytes));
    }

    /// A description stays: who asked for a name wants to read it.
    fn replace(&mut self, content: Content) {
        if !matches!(self.content, Content::Description(_)) {
            self.content = content;
        }
    }
}

/// Reads a name that an upstream tells: letters, digits and `-._`, so that it can stand in a field.
///
/// # Errors
/// What a name is.
pub fn name_of(text: &str) -> Result<String, String> {
    let most = limits::UPSTREAM_NAME_CHARACTERS_MAX;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if text.is_empty() || text.len() > most || !text.chars().all(fits) {
        return Err(format!("`{text}` is no name: write 1 to {most} letters, digits, `-._`"));
    }
    Ok(text.to_owned())
}

/// Bytes of the body that is answered with where nothing else is asked for: as much as a short JSON
/// document.
pub const SMALL_BYTES: u64 = 150;

/// Bytes of a chunk where its size is not asked for: half of a default receive buffer.
const CHUNK_BYTES: usize = 16 * 1024;

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "the target is not UTF-8".to_owned())
}

fn body_bytes(text: &str) -> Result<u64, String> {
    number_in(text, 0..=limits::UPSTREAM_BODY_BYTES_MAX)
}

/// Reads a number, also with `k`, `m` or `g` for powers of 1,024.
fn number_in(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let (digits, scale) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'g') => (&text[..text.len() - 1], 1 << 30),
        Some(_) | None => (text, 1),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number);
    let number = number.and_then(|number| number.checked_mul(scale));
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("`{text}` is no number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: &str) -> Behaviour {
        named(target, &Defaults::default())
    }

    fn named(target: &str, defaults: &Defaults) -> Behaviour {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.as_bytes())),
            None => (target, None),
        };
        Behaviour::of(path.as_bytes(), query, defaults)
    }

    fn why_refused(target: &str) -> String {
        let behaviour = of(target);
        assert_eq!(behaviour.status, Status::BAD_REQUEST, "{target}");
        match behaviour.content {
            Content::Text(why) => why,
            other => panic!("{target}: {other:?}"),
        }
    }

    #[test]
    fn any_path_is_small() {
        for target in ["/", "/small", "/api/v1/users?page=2", "/delay", "/bytes", "/status", "*"] {
            assert_eq!(of(target), Behaviour::small(&Defaults::default()), "{target}");
        }
    }

    #[test]
    fn paths_say_how_many_bytes() {
        assert_eq!(of("/16k").content, Content::Filler(16 * 1024));
        assert_eq!(of("/1m").content, Content::Filler(1024 * 1024));
        assert_eq!(of("/bytes/7").content, Content::Filler(7));
        assert_eq!(of("/bytes/2k").content, Content::Filler(2048));
        assert_eq!(of("/chunked/9").coding, Coding::Chunked(CHUNK_BYTES));
        assert_eq!(of("/chunked/9").content, Content::Filler(9));
        assert_eq!(of("/close").content, Content::Filler(SMALL_BYTES));
        assert_eq!(of("/close/9").content, Content::Filler(9));
        assert_eq!(of("/close/9").coding, Coding::UntilClose);
    }

    #[test]
    fn a_status_has_no_body_unless_asked_for() {
        assert_eq!(of("/status/404").status, Status::NOT_FOUND);
        assert_eq!(of("/status/404").content, Content::Filler(0));
        assert_eq!(of("/status/404?bytes=5").content, Content::Filler(5));
        assert_eq!(of("/?status=503").content, Content::Filler(SMALL_BYTES));
    }

    #[test]
    fn parameters_go_together() {
        let behaviour = of("/bytes/100?delay=uniform:1ms:2ms&fail=0.1:cut&rate=1k&chunk=8&close");
        assert_eq!(behaviour.content, Content::Filler(100));
        assert_eq!(behaviour.delay, "uniform:1ms:2ms".parse().ok());
        assert_eq!(behaviour.failure, "0.1:cut".parse().ok());
        assert_eq!(behaviour.bytes_per_second, Some(1024));
        assert_eq!(behaviour.coding, Coding::Chunked(8));
        assert!(behaviour.close);
    }

    #[test]
    fn a_request_says_otherwise_than_the_server() {
        let defaults = Defaults {
            delay: Some(Delay::constant_ms(5)),
            failure: "0.5".parse().ok(),
            ..Defaults::default()
        };
        assert_eq!(named("/", &defaults).delay, Some(Delay::constant_ms(5)));
        assert_eq!(named("/delay/1", &defaults).delay, Some(Delay::constant_ms(1)));
        assert_eq!(named("/?delay=0", &defaults).delay, Some(Delay::constant_ms(0)));
        assert_eq!(named("/", &defaults).failure, "0.5".parse().ok());
        assert_eq!(named("/?fail=0", &defaults).failure, "0".parse().ok());
    }

    #[test]
    fn a_named_server_describes_whatever_is_asked() {
        let blue = Defaults { name: Some("blue".to_owned()), ..Defaults::default() };
        let described = Content::Description("blue".to_owned());
        for target in ["/", "/echo", "/bytes/9", "/status/404", "/1m"] {
            assert_eq!(named(target, &blue).content, described, "{target}");
        }
        assert_eq!(named("/status/404", &blue).status, Status::NOT_FOUND);
        assert_eq!(of("/x?name=green").content, Content::Description("green".to_owned()));
    }

    #[test]
    fn refuses_a_path_whose_number_is_none() {
        for target in ["/bytes/x", "/bytes/-1", "/bytes/+1", "/bytes/2t", "/chunked/", "/close/x"] {
            assert!(why_refused(target).contains("is no number"), "{target}");
        }
        assert!(why_refused("/delay/soon").starts_with("/delay/: "));
        assert!(why_refused("/status/99").starts_with("/status/: "));
    }

    #[test]
    fn refuses_a_parameter_by_its_name() {
        let wrong = [
            "bytes=x",
            "chunk=0",
            "chunk=262145",
            "delay=soon",
            "fail=2",
            "rate=0",
            "status=700",
            "name=",
            "name=a/b",
            "bytes=99999999999999999999",
            "rate=17179869184g",
        ];
        for parameter in wrong {
            let name = parameter.split('=').next().expect("a name");
            let why = why_refused(&format!("/?x=1&{parameter}"));
            assert!(why.starts_with(&format!("{name}: ")), "{parameter}: {why}");
        }
    }
}
