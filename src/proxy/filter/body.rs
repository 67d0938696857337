//! Bodies on their way through the filters of a route that want them.
//!
//! A request's body goes through them in the order of the chain, an answer's the other way round.
//! Where one of them wants it whole, all are shown it whole.

use super::{Local, Step, custom, transform};
use crate::bridge::reason::Reason;
use crate::extension::Direction;
use crate::http::field::{FieldId, FieldSet};
use crate::http::framing::Body;
use crate::http::head::{ResponseHead, split_unquoted, trim};
use crate::http::method::Method;
use crate::proxy::exchange::{Course, Exchange, Growing, HeadChanges};
use crate::proxy::failure::Failure;
use crate::proxy::worker::Worker;
use crate::snapshot::filter::{self, BodyNeed, Chain, FilterId, Want};

use smallvec::SmallVec;

use std::rc::Rc;

/// What a head says of its body.
#[derive(Clone, Copy)]
struct Look<'a> {
    /// `Content-Type`. RFC 9110 section 8.3: some readers take several for a list, and each its own
    /// choice from it.
    media_types: &'a [&'a [u8]],
    /// Whether the body is whole, and as its media type says.
    is_readable: bool,
}

/// Which filters read a body.
#[derive(Default)]
struct Chosen {
    /// Their places in the chain, by bits.
    links: u32,
    need: Option<BodyNeed>,
}

/// Decides how the body of a request is read: it has one, and the route has filters that may want
/// it.
///
/// # Errors
/// A filter can do nothing with it, and does not let it pass.
pub fn of_request(worker: &Worker, exchange: &mut Exchange) -> Result<Course, Failure> {
    let chosen = {
        let request = exchange.request();
        let media_types = members(request.all(FieldId::ContentType));
        let is_readable = is_identity(request.all(FieldId::ContentEncoding));
        choose(
            worker,
            exchange,
            Direction::Request,
            Look { media_types: &media_types, is_readable },
        )
    };
    let chosen = chosen.map_err(|failure| stopped(exchange, failure))?;
    let course = course(chosen.need);
    exchange.passage.request_links = chosen.links;
    exchange.passage.request_course = course;
    strip(&mut exchange.passage.request, course);
    Ok(course)
}

/// Decides how the body of an answer is read. `received` is its head's bytes, where they do not
/// stand in the exchange.
///
/// # Errors
/// A filter can do nothing with it, and does not let it pass.
pub fn of_answer(
    worker: &Worker,
    exchange: &mut Exchange,
    received: Option<&[u8]>,
    body: Body,
) -> Result<Course, Failure> {
    let is_described = matches!(body, Body::Empty);
    if is_described && exchange.facts.method != Method::HEAD {
        return Ok(Course::Pass);
    }
    let chosen = {
        let bytes = received.unwrap_or(&exchange.response_head);
        let head = ResponseHead::new(bytes, &exchange.response_index);
        let is_whole = head.status().code() != PARTIAL;
        let media_types = members(head.all(FieldId::ContentType));
        let is_readable = is_whole && is_identity(head.all(FieldId::ContentEncoding));
        let look = Look { media_types: &media_types, is_readable };
        choose(worker, exchange, Direction::Response, look)
    };
    // RFC 9110 section 9.3.2: to HEAD the fields are those that GET would have; that a body could
    // not be read is no reason to refuse what has none.
    let chosen = match chosen {
        Err(_) if is_described => return Ok(Course::Pass),
        chosen => chosen.map_err(|failure| stopped(exchange, failure))?,
    };
    let course = match course(chosen.need) {
        Course::Stream | Course::Hold { .. } if is_described => Course::Describe,
        course => course,
    };
    exchange.passage.answer_links = chosen.links;
    strip(&mut exchange.passage.response, course);
    Ok(course)
}

/// Memory for what goes from one filter to the next.
#[derive(Default)]
pub struct Scratch {
    from: Vec<u8>,
    to: Vec<u8>,
}

/// Shows a whole body to the filters that want it.
///
/// # Errors
/// One of them refuses it, or would make it too long.
pub fn whole(
    worker: &Worker,
    exchange: &mut Exchange,
    (direction, bytes_max): (Direction, usize),
    body: &mut Growing,
) -> Result<(), Failure> {
    each(worker, exchange, direction, |step, local, exchange| {
        if let filter::Step::Transform(plan) = &step.filter.step {
            return transform::whole(step, plan, local, direction, exchange, body);
        }
        let mut out = Vec::new();
        let whole = (&body.bytes_mut()[..], true);
        custom::on_body((step.worker, exchange), step.at, direction, whole, &mut out)?;
        if out.len() > bytes_max {
            return Err(Failure::new(too_long(direction)));
        }
        *body.bytes_mut() = out;
        Ok(())
    })
}

/// Runs the filters that were chosen for a body, in its order.
fn each(
    worker: &Worker,
    exchange: &mut Exchange,
    direction: Direction,
    mut run: impl FnMut(&Step<'_>, &Local, &mut Exchange) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let generation = Rc::clone(&exchange.generation);
    let chain = exchange.facts.route.and_then(|id| generation.snapshot.route(id).chain());
    let links = chain.map_or(&[][..], |chain| &chain.links);
    let mut order = Order::of(exchange, direction);
    while let Some(at) = order.next() {
        let Some(link) = links.get(at) else { continue };
        let local = worker.filter(&generation, link.filter);
        let step = Step { worker, filter: &local.filter, id: link.filter, link, at };
        exchange.passage.reached = Some(link.filter);
        let ran = run(&step, &local, exchange);
        if ran.is_err() {
            step.block().refused.add(1);
        }
        ran?;
    }
    exchange.passage.reached = None;
    Ok(())
}

/// Shows a piece of an answer's body to the filters that were chosen for it; what the client reads
/// is appended to `out`.
///
/// # Errors
/// One of them failed.
pub fn piece(
    worker: &Worker,
    exchange: &mut Exchange,
    piece: (&[u8], bool),
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut order = Order::of(exchange, Direction::Response);
    through(scratch, piece, out, |chunk, out| {
        let shown = (chunk, piece.1);
        let at = order.next()?;
        Some(custom::on_body((worker, exchange), at, Direction::Response, shown, out))
    })
}

/// Hands a piece from one filter to the next, until `show` has none left to show it to. Those
/// behind one that kept all of it to itself are shown nothing, but for the end.
pub(super) fn through(
    scratch: &mut Scratch,
    (chunk, end): (&[u8], bool),
    out: &mut Vec<u8>,
    mut show: impl FnMut(&[u8], &mut Vec<u8>) -> Option<Result<(), Failure>>,
) -> Result<(), Failure> {
    let Scratch { from, to } = scratch;
    from.clear();
    from.extend_from_slice(chunk);
    loop {
        to.clear();
        match show(from, to) {
            Some(shown) => shown?,
            None => break,
        }
        std::mem::swap(from, to);
        if from.is_empty() && !end {
            break;
        }
    }
    out.extend_from_slice(from);
    Ok(())
}

/// What the word of a filter on whether it failed comes to.
pub(super) fn passed(has_failed: bool) -> Result<(), Failure> {
    match has_failed {
        true => Err(Failure::new(Reason::FilterFailed)),
        false => Ok(()),
    }
}

/// The places of the filters that read a body, in the order in which they do.
struct Order {
    links: u32,
    direction: Direction,
}

impl Order {
    fn of(exchange: &Exchange, direction: Direction) -> Order {
        let links = match direction {
            Direction::Request => exchange.passage.request_links,
            Direction::Response => exchange.passage.answer_links,
        };
        Order { links, direction }
    }

    fn next(&mut self) -> Option<usize> {
        if self.links == 0 {
            return None;
        }
        let at = match self.direction {
            Direction::Request => self.links.trailing_zeros(),
            Direction::Response => u32::BITS - 1 - self.links.leading_zeros(),
        };
        self.links &= !(1 << at);
        Some(at as usize)
    }
}

/// Asks the filters that may want a body whether they do.
fn choose(
    worker: &Worker,
    exchange: &Exchange,
    direction: Direction,
    look: Look<'_>,
) -> Result<Chosen, (FilterId, Reason)> {
    let generation = &exchange.generation;
    let chain = exchange.facts.route.and_then(|id| generation.snapshot.route(id).chain());
    let mut chosen = Chosen::default();
    for (index, link) in chain.map_or(&[][..], |chain: &Chain| &chain.links).iter().enumerate() {
        let mut visits = exchange.passage.visits.iter().filter(|visit| visit.at == index);
        let own = || visits.find_map(|visit| custom::need(visit, direction));
        let Some(need) = link.bodies.of(direction).or_else(own) else { continue };
        let filter = generation.snapshot.filter(link.filter);
        if let filter::Step::Transform(plan) = &filter.step {
            match plan.want(direction, look.media_types, look.is_readable) {
                Want::Whole => {}
                Want::No => continue,
                Want::Unreadable => {
                    let block = filter.series.of(worker.number());
                    if plan.refuses {
                        block.refused.add(1);
                        return Err((link.filter, unreadable(direction)));
                    }
                    block.bodies_left.add(1);
                    continue;
                }
            }
        }
        chosen.links |= 1 << index;
        chosen.need = Some(chosen.need.map_or(need, |other| other.with(need)));
    }
    Ok(chosen)
}

/// The reason for which a body that cannot be read is refused.
pub(super) fn unreadable(direction: Direction) -> Reason {
    match direction {
        Direction::Request => Reason::BodyUnreadable,
        Direction::Response => Reason::AnswerUnreadable,
    }
}

/// The reason for which a body that is too long to be held is refused.
pub fn too_long(direction: Direction) -> Reason {
    match direction {
        Direction::Request => Reason::BodyNotBuffered,
        Direction::Response => Reason::AnswerNotBuffered,
    }
}

fn stopped(exchange: &mut Exchange, (filter, reason): (FilterId, Reason)) -> Failure {
    exchange.passage.reached = Some(filter);
    Failure::new(reason)
}

fn course(need: Option<BodyNeed>) -> Course {
    match need {
        None => Course::Pass,
        Some(BodyNeed::Stream) => Course::Stream,
        Some(BodyNeed::Hold { bytes_max }) => Course::Hold { bytes_max },
    }
}

/// RFC 9110 section 8.4: no content coding, or the one that changes nothing.
fn is_identity<'a>(mut codings: impl Iterator<Item = &'a [u8]>) -> bool {
    codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
}

/// The members of a field's values as of one list, empty ones among them; an empty one where there
/// is no such field.
fn members<'a>(values: impl Iterator<Item = &'a [u8]>) -> SmallVec<[&'a [u8]; 1]> {
    let split = values.flat_map(|value| split_unquoted(value, b','));
    let mut members: SmallVec<[&'a [u8]; 1]> = split.map(trim).collect();
    if members.is_empty() {
        members.push(b"");
    }
    members
}

/// Leaves out what is said of the bytes that the body had.
fn strip(changes: &mut HeadChanges, course: Course) {
    match course {
        Course::Pass => return,
        // A body of known length has no trailers.
        Course::Hold { .. } => changes.remove_known(FieldSet::of(&[FieldId::Trailer])),
        Course::Stream | Course::Describe => {}
    }
    changes.remove_known(OF_BYTES);
    for name in OF_BYTES_TOO {
        changes.remove(name);
    }
}

/// RFC 9110 sections 8.8.3 and 14.3: an entity tag is of the bytes, and ranges are of those that
/// the upstream has.
const OF_BYTES: FieldSet = FieldSet::of(&[FieldId::ETag, FieldId::AcceptRanges]);

/// RFC 9530, and what was there before it.
const OF_BYTES_TOO: [&[u8]; 4] = [b"content-digest", b"repr-digest", b"digest", b"content-md5"];

/// RFC 9110 section 15.3.7.
const PARTIAL: u16 = 206;
