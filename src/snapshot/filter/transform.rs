//! Changes of bodies.

mod json;
mod media;
mod replace;

use super::{BodyNeed, BodyNeeds, Place};
use crate::config::{Fault, TransformConfig, TransformError, TransformStep};
use crate::extension::Direction;
use crate::limits;
use json::Edits;
use media::MediaRanges;
use regex_automata::meta::Cache;
use replace::{Expression, Literal};

/// Changes of bodies.
#[derive(Debug)]
pub struct Transform {
    request: Steps,
    response: Steps,
    bytes_max: usize,
    /// Whether a body that cannot be read is refused, rather than passed on.
    pub refuses: bool,
}

/// What is done to bodies that go one way.
#[derive(Debug, Default)]
struct Steps {
    changes: Box<[Change]>,
    /// Where steps of JSON apply.
    json: MediaRanges,
    /// Where the others do.
    text: MediaRanges,
}

#[derive(Debug)]
enum Change {
    Literal(Box<Literal>),
    Expression(Expression),
    Json(Edits),
}

/// What a filter makes of a body that has not been read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// It is not for this filter.
    No,
    /// It is, once it is there whole.
    Whole,
    /// It would be, were it not coded or a part only.
    Unreadable,
}

/// Why a body stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// It is not JSON.
    Malformed,
    /// It would become longer than it may be.
    TooLong,
    /// Changing it takes too much time.
    TooSlow,
}

/// Memory of one worker for one filter.
#[derive(Debug, Default)]
pub struct Scratch {
    now: Vec<u8>,
    next: Vec<u8>,
    /// By the number of the expression.
    caches: Vec<Option<Cache>>,
}

impl Transform {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &TransformConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Transform> {
        let faults_before = faults.len();
        let mut numbers = 0..;
        let mut compile = |key: &str, steps: &[TransformStep]| {
            let compiled = steps.iter().enumerate().filter_map(|(index, step)| {
                let path = format!("{}.{key}[{index}]", place.path);
                Change::compile(step, &mut numbers, &path, faults)
            });
            Steps {
                changes: compiled.collect(),
                json: MediaRanges::new(&config.media_types, media::JSON),
                text: MediaRanges::new(&config.media_types, media::TEXT),
            }
        };
        let request = compile("request", &config.request);
        let response = compile("response", &config.response);
        if faults.len() > faults_before {
            return None;
        }
        Some(Transform {
            request,
            response,
            bytes_max: usize::try_from(config.buffer).unwrap_or(usize::MAX),
            refuses: config.on_error == TransformError::Refuse,
        })
    }

    /// Which bodies it may hold.
    pub(super) fn bodies(&self) -> BodyNeeds {
        let need = |steps: &Steps| {
            let hold = BodyNeed::Hold { bytes_max: self.bytes_max };
            (!steps.changes.is_empty()).then_some(hold)
        };
        BodyNeeds { request: need(&self.request), response: need(&self.response) }
    }

    /// Whether it changes answers.
    pub fn changes_answers(&self) -> bool {
        !self.response.changes.is_empty()
    }

    /// Whether a body is for it, of which these are said to be the media type. `is_readable` is that
    /// it is whole and not coded.
    pub fn want(&self, direction: Direction, media_types: &[&[u8]], is_readable: bool) -> Want {
        let steps = self.steps(direction);
        let is_meant = |media_type: &[u8]| {
            steps.changes.iter().any(|change| steps.applies(change, media_type))
        };
        // Which of several its reader goes by is not known.
        let is_one = media_types.len() < 2;
        match media_types.iter().any(|media_type| is_meant(media_type)) {
            true if is_readable && is_one => Want::Whole,
            true => Want::Unreadable,
            false => Want::No,
        }
    }

    /// Changes a whole body; whether it is another one now. `is_late` is asked now and then whether
    /// it takes too long.
    ///
    /// # Errors
    /// The body is as it was.
    pub fn apply(
        &self,
        direction: Direction,
        media_type: &[u8],
        body: &mut Vec<u8>,
        scratch: &mut Scratch,
        is_late: &dyn Fn() -> bool,
    ) -> Result<bool, Unchanged> {
        let Scratch { now, next, caches } = scratch;
        let steps = self.steps(direction);
        let mut is_changed = false;
        let mut outcome = Ok(());
        // A body of nothing has no text in it, and is no JSON that a step could be meant for.
        let applied = steps.changes.iter().filter(|_| !body.is_empty());
        for change in applied.filter(|change| steps.applies(change, media_type)) {
            next.clear();
            let from: &[u8] = if is_changed { now } else { body };
            let changed = match change {
                Change::Literal(literal) => literal.replace(from, self.bytes_max, next),
                Change::Expression(expression) => {
                    let cache = expression.cache(caches);
                    expression.replace(from, self.bytes_max, (cache, is_late), next)
                }
                Change::Json(edits) => edits.edit(from, self.bytes_max, next),
            };
            match changed {
                Ok(true) => {
                    std::mem::swap(now, next);
                    is_changed = true;
                }
                Ok(false) => {}
                Err(why) => {
                    outcome = Err(why);
                    break;
                }
            }
        }
        if is_changed && outcome.is_ok() {
            std::mem::swap(body, now);
        }
        scratch.shrink();
        outcome.map(|()| is_changed)
    }

    fn steps(&self, direction: Direction) -> &Steps {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }
}

impl Steps {
    fn applies(&self, change: &Change, media_type: &[u8]) -> bool {
        match change {
            Change::Literal(_) | Change::Expression(_) => self.text.contain(media_type),
            Change::Json(_) => self.json.contain(media_type),
        }
    }
}

impl Change {
    fn compile(
        step: &TransformStep,
        numbers: &mut impl Iterator<Item = usize>,
        path: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<Change> {
        match step {
            TransformStep::Replace { find, with } => {
                let literal = Literal::new(find.as_bytes(), with.as_bytes());
                Some(Change::Literal(Box::new(literal)))
            }
            TransformStep::ReplaceRegex { regex, with } => {
                let number = numbers.next().unwrap_or_default();
                match Expression::new(regex, with, number) {
                    Ok(expression) => Some(Change::Expression(expression)),
                    Err((key, message)) => {
                        faults.push(Fault::new(format!("{path}.{key}"), message));
                        None
                    }
                }
            }
            TransformStep::JsonSet(_)
            | TransformStep::JsonRemove(_)
            | TransformStep::JsonRename(_) => match Edits::new(step) {
                Ok(edits) => Some(Change::Json(edits)),
                Err((key, message)) => {
                    faults.push(Fault::new(format!("{path}.{key}"), message));
                    None
                }
            },
        }
    }
}

impl Scratch {
    fn shrink(&mut self) {
        for bytes in [&mut self.now, &mut self.next] {
            bytes.clear();
            bytes.shrink_to(limits::TRANSFORM_SCRATCH_BYTES);
        }
    }
}

#[cfg(test)]
mod tests;
