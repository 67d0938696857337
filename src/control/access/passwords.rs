//! Passwords against their hashes: slow by design, so few at once, and never one of them twice at
//! the same time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::{Argon2, PasswordVerifier as _};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::bridge::question::{Answer, Password};
use crate::limits::{
    PASSWORD_MS_MAX, PASSWORDS_AT_ONCE_MAX, PASSWORDS_WAITING_MAX, QUESTIONS_OF_KIND_OPEN_MAX,
};

/// Those that are being checked, and those that wait for it.
pub struct Passwords {
    places: Semaphore,
    /// By their digests, with those who asked for the same meanwhile.
    under_way: Mutex<HashMap<[u8; 32], Vec<oneshot::Sender<bool>>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords { places: Semaphore::new(PASSWORDS_AT_ONCE_MAX), under_way: Mutex::default() }
    }
}

/// What becomes of a question.
enum Turn {
    /// It is worked out here.
    First,
    /// Another one is the same.
    Same(oneshot::Receiver<bool>),
    /// Too many wait.
    Full,
}

impl Passwords {
    /// Whether a password is the one of its hash; `Failed` where too many wait, or it took too
    /// long.
    pub async fn check(&self, question: Password) -> Answer {
        let digest = question.digest;
        match self.turn(digest) {
            Turn::Full => return Answer::Failed,
            Turn::Same(told) => return told.await.map_or(Answer::Failed, Answer::Password),
            Turn::First => {}
        }
        let limit = Duration::from_millis(PASSWORD_MS_MAX);
        let is_right = match timeout(limit, self.places.acquire()).await {
            Ok(Ok(place)) => {
                let verified = spawn_blocking(move || verify(&question)).await;
                drop(place);
                verified.ok()
            }
            // Nobody waits for it any more.
            Ok(Err(_)) | Err(_) => None,
        };
        // Where there is nothing to tell, dropping the others' ends tells them so.
        let others = self.locked().remove(&digest).unwrap_or_default();
        let Some(is_right) = is_right else { return Answer::Failed };
        for other in others {
            // Its worker may have ended.
            let _ = other.send(is_right);
        }
        Answer::Password(is_right)
    }

    fn turn(&self, digest: [u8; 32]) -> Turn {
        let mut under_way = self.locked();
        if let Some(others) = under_way.get_mut(&digest) {
            if others.len() >= QUESTIONS_OF_KIND_OPEN_MAX {
                return Turn::Full;
            }
            let (tell, told) = oneshot::channel();
            others.push(tell);
            return Turn::Same(told);
        }
        if under_way.len() >= PASSWORDS_AT_ONCE_MAX + PASSWORDS_WAITING_MAX {
            return Turn::Full;
        }
        under_way.insert(digest, Vec::new());
        Turn::First
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<[u8; 32], Vec<oneshot::Sender<bool>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Blocks for as long as the hash costs. One that is no hash was refused with its configuration.
fn verify(question: &Password) -> bool {
    let Password { hash, password, .. } = question;
    if hash.text.starts_with("$argon2") {
        let Ok(hash) = argon2::PasswordHash::new(&hash.text) else { return false };
        return Argon2::default().verify_password(password, &hash).is_ok();
    }
    bcrypt::verify(password, &hash.text).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::filter::PasswordHash;
    use std::sync::Arc;

    /// Of `secret`, at the lowest costs there are.
    const BCRYPT: &str = "$2y$04$abcdefghijklmnopqrstuu5s0cdsfaQz1yLPd0HK7iLzU1bKoYIhq";

    fn question(hash: &str, password: &str, number: u8) -> Password {
        let hash = Arc::new(PasswordHash { text: hash.into() });
        Password { hash, digest: [number; 32], password: password.as_bytes().into() }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    fn hashed() -> String {
        bcrypt::hash("secret", 4).expect("a cost that there is")
    }

    #[test]
    fn tells_right_from_wrong() {
        let bcrypt = hashed();
        let salt = argon2::password_hash::SaltString::encode_b64(&[7; 16]).expect("a salt");
        let cheap = argon2::Params::new(32, 1, 1, None).expect("parameters");
        let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cheap);
        let argon2 = argon2::PasswordHasher::hash_password(&argon2, b"secret", &salt);
        let argon2 = argon2.expect("a hash").to_string();
        for hash in [&bcrypt, &bcrypt.replace("$2b$", "$2y$"), &argon2] {
            assert!(verify(&question(hash, "secret", 0)), "{hash}");
            assert!(!verify(&question(hash, "Secret", 0)), "{hash}");
        }
        for hash in [BCRYPT, "$argon2id$", "$2y$", ""] {
            assert!(!verify(&question(hash, "secret", 0)), "{hash}");
        }
    }

    #[test]
    fn the_same_question_is_worked_out_once() {
        let passwords = Passwords::default();
        let hash = hashed();
        run(async {
            // Nobody is let through, so that all but the first find it under way.
            let held = passwords.places.acquire_many(PASSWORDS_AT_ONCE_MAX as u32).await;
            let asked = (0..3).map(|_| passwords.check(question(&hash, "secret", 1)));
            let asked: Vec<_> = asked.collect();
            let let_go = async {
                tokio::task::yield_now().await;
                assert_eq!(passwords.locked().len(), 1);
                assert_eq!(passwords.locked()[&[1; 32]].len(), 2);
                drop(held);
            };
            let mut asked = asked.into_iter();
            let mut next = || asked.next().expect("three");
            let (a, b, c, ()) = tokio::join!(next(), next(), next(), let_go);
            for answer in [a, b, c] {
                assert!(matches!(answer, Answer::Password(true)));
            }
        });
        assert!(passwords.locked().is_empty());
    }

    #[test]
    fn more_than_may_wait_are_turned_away() {
        let passwords = Passwords::default();
        run(async {
            let _held = passwords.places.acquire_many(PASSWORDS_AT_ONCE_MAX as u32).await;
            for number in 0..PASSWORDS_AT_ONCE_MAX + PASSWORDS_WAITING_MAX {
                let mut digest = [0; 32];
                digest[0] = number as u8;
                assert!(matches!(passwords.turn(digest), Turn::First));
            }
            assert!(matches!(passwords.turn([255; 32]), Turn::Full));
            assert!(matches!(passwords.check(question("", "", 255)).await, Answer::Failed));
            // One that is there already may be joined.
            assert!(matches!(passwords.turn([0; 32]), Turn::Same(_)));
        });
    }
}
