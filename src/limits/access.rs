//! Bounds on who may ask, and on what is asked of control for it.

/// Questions of one worker that control has not answered: 1,024 requests a second to a server that
/// takes a second. Those whose exchange has gone count until they are answered.
pub const QUESTIONS_OPEN_MAX: usize = 1024;

/// Milliseconds that a filter waits for a task of an embedding program: what a person waits for a
/// page.
pub const TASK_MS_MAX: u64 = 30_000;

/// Milliseconds that a filter waits for a password to be checked: [`PASSWORDS_WAITING_MAX`] in
/// front of it at 150 ms each.
pub const PASSWORD_MS_MAX: u64 = 10_000;

/// Milliseconds that a filter waits for a key set to be fetched anew.
pub const KEYS_ASKED_MS_MAX: u64 = 10_000;

/// Milliseconds that a worker waits longer than control for the same, so that control's word comes.
pub const ASK_GRACE_MS: u64 = 500;

/// Tasks of an embedding program that run at once: each has a thread while it does.
pub const TASKS_AT_ONCE_MAX: usize = 16;

/// Passwords that are checked at once: each takes a core for as long as its hash costs, and the
/// memory that an Argon2 hash asks for, and the workers need their cores too.
pub const PASSWORDS_AT_ONCE_MAX: usize = 2;

/// Passwords that wait to be checked; whoever comes when it is full is told to come again.
pub const PASSWORDS_WAITING_MAX: usize = 128;

/// Bytes of the body of a `forward_auth` server's answer that is passed on: a page that says why
/// not.
pub const FORWARD_BODY_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the head of an answer that control reads, as of an upstream's.
pub const CLIENT_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Fields of an answer that control reads.
pub const CLIENT_FIELDS_MAX: usize = 100;

/// Idle connections to one server that control keeps.
pub const CLIENT_IDLE_MAX: usize = 32;

/// Milliseconds that control keeps an idle connection: less than the minute after which most
/// servers close theirs.
pub const CLIENT_IDLE_MS: u64 = 30_000;

/// Milliseconds to connect to a server that control asks, where the whole may take longer.
pub const CLIENT_CONNECT_MS: u64 = 3_000;

/// Sets of authorities for which control keeps a client.
pub const CLIENTS_MAX: usize = 64;

const _: () = assert!(PASSWORDS_AT_ONCE_MAX < PASSWORDS_WAITING_MAX);
const _: () = assert!(PASSWORDS_WAITING_MAX <= QUESTIONS_OPEN_MAX);
