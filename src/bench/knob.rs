//! Settings of the gateway that are tried one against another: `--knob workers=1,2`.

use crate::config::{ConfigError, Draft, Literal, draft_lines};
use crate::limits;

use super::find::{Answer, End, Highest};

use serde::Serialize;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

/// A key and the values to be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    /// The key's path, as in `routes[0].timeouts.total`.
    pub path: String,
    values: Vec<Literal>,
}

/// One value of each knob; none for the file as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    values: Vec<(String, Literal)>,
}

/// The operator's file.
#[derive(Clone, Debug)]
pub struct Base {
    draft: Draft,
}

/// Where a gateway of the lab is.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'p> {
    /// The address that it listens on.
    pub listen: SocketAddr,
    /// Its own folder, for the admin's socket and a log.
    pub folder: &'p Path,
    /// The upstream in place of the file's; none leaves them.
    pub upstream: Option<&'p str>,
}

/// Why settings cannot be tried.
#[derive(Clone, Debug, PartialEq)]
pub enum KnobFault {
    /// A text that is no `key.path=value,value`.
    Shape(String),
    /// A knob that was named twice.
    Twice(String),
    /// More settings than [`limits::BENCH_SETTINGS_MAX`].
    TooMany(usize),
    /// The file is wrong by itself.
    File(ConfigError),
    /// A knob that does not fit the file, or a value that does not fit the knob.
    Refused {
        /// The knob's path.
        path: String,
        /// The value, as TOML.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// A key that is the lab's own.
    Reserved(String),
}

impl FromStr for Knob {
    type Err = KnobFault;

    fn from_str(text: &str) -> Result<Knob, KnobFault> {
        let shape = || KnobFault::Shape(text.to_owned());
        let (path, values) = text.split_once('=').ok_or_else(shape)?;
        let path = path.trim();
        let values = split(values).ok_or_else(shape)?;
        if path.is_empty() || values.iter().any(|value| value.trim().is_empty()) {
            return Err(shape());
        }
        if RESERVED.iter().any(|key| path == *key || path.starts_with(&format!("{key}."))) {
            return Err(KnobFault::Reserved(path.to_owned()));
        }
        let mut literals: Vec<Literal> = Vec::new();
        for value in values {
            let literal = Literal::parse(value);
            if literals.contains(&literal) {
                return Err(KnobFault::Twice(format!("{path}={}", literal.to_toml())));
            }
            literals.push(literal);
        }
        Ok(Knob { path: path.to_owned(), values: literals })
    }
}

/// The file as it is, and then every combination of the knobs' values, the last knob fastest.
///
/// # Errors
/// [`KnobFault::Twice`] and [`KnobFault::TooMany`].
pub fn settings(knobs: &[Knob]) -> Result<Vec<Setting>, KnobFault> {
    for (at, knob) in knobs.iter().enumerate() {
        if knobs[..at].iter().any(|other| other.path == knob.path) {
            return Err(KnobFault::Twice(knob.path.clone()));
        }
    }
    let counts = knobs.iter().map(|knob| knob.values.len());
    let count = counts.fold(1_usize, usize::saturating_mul).saturating_add(1);
    if count > limits::BENCH_SETTINGS_MAX {
        return Err(KnobFault::TooMany(count));
    }
    let mut settings = vec![Setting::default()];
    for knob in knobs {
        let with = |setting: &Setting, literal: &Literal| {
            let mut setting = setting.clone();
            setting.values.push((knob.path.clone(), literal.clone()));
            setting
        };
        let each = settings
            .iter()
            .flat_map(|setting| knob.values.iter().map(move |literal| with(setting, literal)));
        settings = each.collect();
    }
    if !knobs.is_empty() {
        settings.insert(0, Setting::default());
    }
    Ok(settings)
}

impl Setting {
    /// The lines of the configuration that make it, as TOML.
    pub fn lines(&self) -> String {
        draft_lines(&self.values)
    }

    /// Whether it is the file as it is.
    pub fn is_file(&self) -> bool {
        self.values.is_empty()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_file() {
            return formatter.write_str("as it is");
        }
        for (number, (path, literal)) in self.values.iter().enumerate() {
            let blank = if number == 0 { "" } else { " " };
            write!(formatter, "{blank}{path}={}", literal.to_toml())?;
        }
        Ok(())
    }
}

impl Base {
    /// Reads the file and checks that it is right.
    ///
    /// # Errors
    /// [`KnobFault::File`].
    pub fn from_file(path: &Path) -> Result<Base, KnobFault> {
        Ok(Base { draft: Draft::from_file(path).map_err(KnobFault::File)? })
    }

    /// Checks a setting with the gateway's own reader, without which a mistyped key would be tried
    /// for nothing.
    ///
    /// # Errors
    /// [`KnobFault::Refused`].
    pub fn check(&self, setting: &Setting) -> Result<(), KnobFault> {
        let mut draft = self.draft.clone();
        for (path, literal) in &setting.values {
            let refused = |message: String| {
                let (path, value) = (path.clone(), literal.to_toml());
                KnobFault::Refused { path, value, message }
            };
            draft.set(path, literal).map_err(refused)?;
            if let Err(error) = draft.check() {
                // The places are those of a text that nobody wrote.
                let messages = error
                    .faults
                    .into_iter()
                    .map(|fault| crate::config::Fault { location: None, ..fault }.to_string());
                return Err(refused(messages.collect::<Vec<_>>().join("; ")));
            }
        }
        Ok(())
    }

    /// The whole configuration of a setting at its stand, as JSON: it listens on the stand's
    /// address alone, its admin on a socket in the stand's folder, and a log that would go to a
    /// file goes there too.
    ///
    /// # Errors
    /// [`KnobFault::Refused`].
    pub fn text(&self, setting: &Setting, stand: Stand<'_>) -> Result<String, KnobFault> {
        self.check(setting)?;
        let mut draft = self.draft.clone();
        let set = |draft: &mut Draft, path: &str, literal: &Literal| {
            let refused = |message| KnobFault::Refused {
                path: path.to_owned(),
                value: literal.to_toml(),
                message,
            };
            draft.set(path, literal).map_err(refused)
        };
        for (path, literal) in &setting.values {
            set(&mut draft, path, literal)?;
        }
        draft.remove("listeners");
        let in_folder = |name: &str| stand.folder.join(name).display().to_string();
        set(&mut draft, "listen_addr", &Literal::text(&stand.listen.to_string()))?;
        let admin = format!("unix:{}", in_folder(ADMIN_SOCKET));
        set(&mut draft, "admin.address", &Literal::text(&admin))?;
        set(&mut draft, "admin.enabled", &Literal::parse("true"))?;
        if draft.has("access_log.output") {
            set(&mut draft, "access_log.output", &Literal::text(&in_folder("access.log")))?;
        }
        if let Some(url) = stand.upstream {
            draft.redirect(url);
        }
        Ok(draft.to_json())
    }
}

/// A setting and what its search found.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The setting.
    pub setting: Setting,
    /// Of its search.
    pub answer: Answer,
}

/// How a setting stands against the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It met the objective at the highest rate.
    Best,
    /// It met the objective at the highest rate that was allowed, as others did.
    AtRateMax,
    /// Its interval and the best's have a rate in common.
    NotToldApart,
    /// Below the best, beyond the noise.
    Below,
    /// No rate met the objective.
    None,
}

/// Sorts by the rate that was found, the highest first, and says how each stands. Of equal rates
/// the earlier stays first, so that the file as it is wins a draw. Where several carried all that
/// was allowed, none of them is the best.
pub fn rank(mut tried: Vec<Tried>) -> Vec<(Tried, Standing)> {
    let rate = |one: &Tried| one.answer.highest.map_or(0.0, |highest| highest.rate);
    tried.sort_by(|left, right| rate(right).total_cmp(&rate(left)));
    let best = tried.first().and_then(|one| one.answer.highest.map(|found| ends(one, found)));
    let unbroken = tried.iter().filter(|one| one.answer.end == End::NeverFailed);
    let top = unbroken.map(rate).fold(f64::INFINITY, f64::min);
    let is_at_max = |one: &Tried| rate(one) >= top;
    let is_draw = tried.iter().filter(|one| is_at_max(one)).count() > 1;
    let standing = |(number, one): (usize, Tried)| {
        let standing = match (one.answer.highest, best) {
            (Some(_), _) if is_draw && is_at_max(&one) => Standing::AtRateMax,
            (Some(_), Some(_)) if number == 0 => Standing::Best,
            (Some(found), Some(best)) if ends(&one, found).1 >= best.0 => Standing::NotToldApart,
            (Some(_), Some(_)) => Standing::Below,
            (None, _) | (_, None) => Standing::None,
        };
        (one, standing)
    };
    tried.into_iter().enumerate().map(standing).collect()
}

/// The interval of a rate that was found. Where the server's limit was not reached it has no upper
/// end.
fn ends(tried: &Tried, highest: Highest) -> (f64, f64) {
    let (low, high) = highest.interval.unwrap_or((highest.rate, highest.rate));
    match tried.answer.end {
        End::Found => (low.min(highest.rate), high.max(highest.rate)),
        End::NeverFailed
        | End::GeneratorLimit
        | End::OutOfTime
        | End::SaturatedAtLowest
        | End::FailedAtLowest => (low.min(highest.rate), f64::INFINITY),
    }
}

/// Splits at the commas that are in no brackets, braces or quotes; `None` where these do not end.
fn split(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(&text[begin..]);
    (quote.is_none() && depth == 0).then_some(parts)
}

impl fmt::Display for KnobFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KnobFault::Shape(text) => write!(
                formatter,
                "`{text}`: a knob is written as `workers=1,2` or `runtime.buffers=256,1024`"
            ),
            KnobFault::Twice(what) => write!(formatter, "`{what}` stands twice"),
            KnobFault::TooMany(count) => write!(
                formatter,
                "{count} settings, at most {}: each takes minutes",
                limits::BENCH_SETTINGS_MAX
            ),
            KnobFault::File(error) => error.fmt(formatter),
            KnobFault::Refused { path, value, message } => {
                write!(formatter, "the knob {path}={value} is refused: {message}")
            }
            KnobFault::Reserved(path) => {
                write!(formatter, "`{path}` is set by the lab itself, which moves it to loopback")
            }
        }
    }
}

impl std::error::Error for KnobFault {}

/// The name of the admin's socket in a stand's folder.
pub const ADMIN_SOCKET: &str = "admin";

/// Keys that a stand sets.
const RESERVED: [&str; 3] = ["listen_addr", "listeners", "admin"];

#[cfg(test)]
#[path = "knob/tests.rs"]
mod tests;
