//! Who may pass: users with a password (RFC 7617).
//!
//! A password is checked by control, which takes its time; what it found is remembered here for a
//! while, by a keyed hash of user and password.

use super::known::{Principals, refuse};
use super::{Flow, Step, Verdict};
use crate::bridge::question::{Answer, Password, Question};
use crate::bridge::reason::Reason;
use crate::limits;
use crate::proxy::exchange::Exchange;
use crate::proxy::failure::Failure;
use crate::runtime::Instant;
use crate::snapshot::filter::BasicAuth;
use crate::snapshot::filter::basic_auth::{Buffer, Said};

use std::cell::RefCell;

/// What one worker keeps for it.
#[derive(Debug, Default)]
pub struct State {
    remembered: RefCell<Remembered>,
    principals: Principals,
}

/// A name and a password, as they stand in a buffer.
struct Claimed<'b> {
    both: &'b [u8],
    name: &'b [u8],
    password: &'b [u8],
}

pub(super) fn on_request(
    step: &Step<'_>,
    plan: &BasicAuth,
    state: &State,
    exchange: &mut Exchange,
) -> Verdict {
    let mut buffer: Buffer = [0; limits::BASIC_BYTES_MAX];
    let claimed = match claimed(plan, exchange, &mut buffer)? {
        Some(claimed) => claimed,
        None => return Ok(Flow::Continue),
    };
    let digest = plan.digest(claimed.both);
    let known = state.remembered.borrow().get(&digest, step.worker.runtime.now());
    if let Some(is_right) = known {
        step.block().cache_hits.add(1);
        return decide(plan, state, claimed.name, is_right, exchange);
    }
    step.block().cache_misses.add(1);
    Ok(Flow::Ask(Question::Password(Password {
        hash: plan.hash(plan.user(claimed.name)),
        digest,
        password: claimed.password.into(),
    })))
}

pub(super) fn on_answer(
    step: &Step<'_>,
    plan: &BasicAuth,
    state: &State,
    answer: Answer,
    exchange: &mut Exchange,
) -> Verdict {
    let mut buffer: Buffer = [0; limits::BASIC_BYTES_MAX];
    let claimed = match claimed(plan, exchange, &mut buffer)? {
        Some(claimed) => claimed,
        None => return Ok(Flow::Continue),
    };
    let is_right = match answer {
        // An unknown user's password was held against another one's hash.
        Answer::Password(is_right) => is_right && plan.user(claimed.name).is_some(),
        Answer::Task(_) | Answer::Forward(_) | Answer::Keys(_) | Answer::Failed => {
            exchange.passage.response.append(b"Retry-After", b"1");
            return Err(Failure::new(Reason::CredentialsUnchecked));
        }
    };
    let digest = plan.digest(claimed.both);
    let now = step.worker.runtime.now();
    state.remembered.borrow_mut().add(digest, is_right, now, plan.remember_ms);
    decide(plan, state, claimed.name, is_right, exchange)
}

/// Name and password of a request; none where it may go without.
fn claimed<'b>(
    plan: &BasicAuth,
    exchange: &mut Exchange,
    buffer: &'b mut Buffer,
) -> Result<Option<Claimed<'b>>, Failure> {
    match BasicAuth::read(exchange.request(), buffer) {
        Said::Nothing if plan.optional => Ok(None),
        Said::Nothing => Err(refuse(exchange, &plan.challenge, Reason::CredentialsMissing)),
        Said::Nonsense => Err(refuse(exchange, &plan.challenge, Reason::CredentialsInvalid)),
        Said::Password { bytes, name_bytes } => {
            let both = &buffer[..bytes];
            let (name, rest) = both.split_at(name_bytes);
            Ok(Some(Claimed { both, name, password: rest.get(1..).unwrap_or_default() }))
        }
    }
}

fn decide(
    plan: &BasicAuth,
    state: &State,
    name: &[u8],
    is_right: bool,
    exchange: &mut Exchange,
) -> Verdict {
    let Some(user) = plan.user(name).filter(|_| is_right) else {
        return Err(refuse(exchange, &plan.challenge, Reason::CredentialsInvalid));
    };
    state.principals.enter(user.number, &user.owner, "basic", exchange);
    if !plan.forward_credentials {
        exchange.passage.request.remove(b"authorization");
    }
    Ok(Flow::Continue)
}

/// What was found of passwords lately. Right and wrong ones have places of their own, so that
/// guesses push out nothing that is right.
#[derive(Debug, Default)]
struct Remembered {
    right: Places,
    wrong: Places,
}

/// Places in sets of [`WAYS`]; none until the first is used.
#[derive(Debug, Default)]
struct Places(Box<[Option<Entry>]>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    digest: [u8; 32],
    until: Instant,
}

impl Remembered {
    fn get(&self, digest: &[u8; 32], now: Instant) -> Option<bool> {
        let is_right = self.right.has(digest, now);
        (is_right || self.wrong.has(digest, now)).then_some(is_right)
    }

    fn add(&mut self, digest: [u8; 32], is_right: bool, now: Instant, remember_ms: u64) {
        if is_right {
            let entry = Entry { digest, until: now.plus_ms(remember_ms) };
            self.right.add(entry, limits::PASSWORDS_RIGHT_MAX);
        } else {
            let entry = Entry { digest, until: now.plus_ms(limits::PASSWORDS_WRONG_MS) };
            self.wrong.add(entry, limits::PASSWORDS_WRONG_MAX);
        }
    }
}

impl Places {
    /// Where a digest may be. It is as good as chance, and nobody outside can choose it.
    fn first(&self, digest: &[u8; 32]) -> usize {
        let [a, b, ..] = *digest;
        let sets_count = (self.0.len() / WAYS).max(1);
        usize::from(u16::from_le_bytes([a, b])) % sets_count * WAYS
    }

    fn has(&self, digest: &[u8; 32], now: Instant) -> bool {
        let first = self.first(digest);
        let set = self.0.get(first..first + WAYS).unwrap_or_default();
        set.iter().flatten().any(|entry| entry.digest == *digest && now < entry.until)
    }

    /// In place of the same one, or of the one that is forgotten first.
    fn add(&mut self, entry: Entry, count_max: usize) {
        if self.0.is_empty() {
            self.0 = vec![None; count_max].into();
        }
        let first = self.first(&entry.digest);
        let Some(set) = self.0.get_mut(first..first + WAYS) else { return };
        let same = set.iter().position(|own| own.is_some_and(|own| own.digest == entry.digest));
        let oldest = || (0..WAYS).min_by_key(|at| set[*at].map(|own| own.until));
        if let Some(at) = same.or_else(oldest) {
            set[at] = Some(entry);
        }
    }
}

const WAYS: usize = 4;
const _: () = assert!(limits::PASSWORDS_RIGHT_MAX.is_multiple_of(WAYS));
const _: () = assert!(limits::PASSWORDS_WRONG_MAX.is_multiple_of(WAYS));

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u32) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.wrapping_mul(0x9E37_79B9).to_le_bytes());
        digest
    }

    #[test]
    fn remembers_for_a_while() {
        let start = Instant::default().plus_ms(10);
        let mut remembered = Remembered::default();
        assert_eq!(remembered.get(&digest(1), start), None);
        remembered.add(digest(1), true, start, 500);
        remembered.add(digest(2), false, start, 500);
        assert_eq!(remembered.get(&digest(1), start.plus_ms(499)), Some(true));
        assert_eq!(remembered.get(&digest(1), start.plus_ms(500)), None);
        let last = start.plus_ms(limits::PASSWORDS_WRONG_MS - 1);
        assert_eq!(remembered.get(&digest(2), last), Some(false));
        assert_eq!(remembered.get(&digest(2), last.plus_ms(1)), None);
        // Nothing is remembered for no time.
        remembered.add(digest(3), true, start, 0);
        assert_eq!(remembered.get(&digest(3), start), None);
    }

    #[test]
    fn guesses_push_out_no_right_password() {
        let start = Instant::default();
        let mut remembered = Remembered::default();
        remembered.add(digest(0), true, start, 60_000);
        for number in 1..100_000 {
            remembered.add(digest(number), false, start, 60_000);
        }
        assert_eq!(remembered.get(&digest(0), start), Some(true));
        assert_eq!(remembered.wrong.0.len(), limits::PASSWORDS_WRONG_MAX);
    }

    #[test]
    fn the_one_that_ends_first_makes_room() {
        let start = Instant::default();
        let mut places = Places::default();
        // All of one set.
        let same_set = |number: u8| {
            let mut digest = [0; 32];
            digest[31] = number;
            digest
        };
        for (number, until) in [(0, 50), (1, 20), (2, 40), (3, 30), (4, 60)] {
            let entry = Entry { digest: same_set(number), until: start.plus_ms(until) };
            places.add(entry, 16);
        }
        let has = |number| places.has(&same_set(number), start);
        assert_eq!([0, 1, 2, 3, 4].map(has), [true, false, true, true, true]);
    }
}
