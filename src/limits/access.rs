//! Bounds on who may ask, and on what is asked of control for it.

/// Questions of one kind and one worker that control has not answered: 1,024 requests a second to a
/// server that takes a second. Those whose exchange has gone count until they are answered. Each
/// kind has places of its own, so that who makes passwords or keys wait decides nothing elsewhere.
pub const QUESTIONS_OF_KIND_OPEN_MAX: usize = 1024;

/// Kinds of questions: tasks, passwords, other servers' verdicts, keys.
pub const QUESTION_KINDS_COUNT: usize = 4;

/// Questions of one worker that control has not answered.
pub const QUESTIONS_OPEN_MAX: usize = QUESTION_KINDS_COUNT * QUESTIONS_OF_KIND_OPEN_MAX;

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
const _: () = assert!(PASSWORDS_WAITING_MAX <= QUESTIONS_OF_KIND_OPEN_MAX);

/// Bytes of a file of keys, users or certificates: 100,000 lines of 160 bytes.
pub const TEXT_FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Keys, or users, of one filter.
pub const CREDENTIALS_COUNT_MAX: usize = 100_000;

/// Faults of one file of keys or users that are told: more say nothing new.
pub const CREDENTIAL_FAULTS_MAX: usize = 10;

/// Bytes of a key in a configuration: its hash is quick to try, so what people make up would be
/// found. 16 bytes of chance have 128 bits.
pub const API_KEY_BYTES_MIN: usize = 16;

/// Bytes of a key that is looked at: far more than any has.
pub const API_KEY_BYTES_MAX: usize = 1024;

/// Bytes of `user:password` that are looked at: more than a person types.
pub const BASIC_BYTES_MAX: usize = 1024;

/// Places where one `api_key` looks for keys.
pub const CREDENTIAL_SOURCES_MAX: usize = 8;

/// Bytes of a name of a key, a user or a realm: as of other names of the log.
pub const CREDENTIAL_NAME_BYTES_MAX: usize = 256;

/// Roles, and claims, of one key or user.
pub const IDENTITY_ENTRIES_MAX: usize = 64;

/// Costs of a bcrypt hash: its least, and a second of a core.
pub const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;

/// KiB of memory of an Argon2 hash: twice what its users are told to take (OWASP: 19 to 46 MiB), so
/// that [`PASSWORDS_AT_ONCE_MAX`] take 256 MiB.
pub const ARGON2_MEMORY_KIB_MAX: u32 = 128 * 1024;

/// Passes of an Argon2 hash, and its lanes.
pub const ARGON2_PASSES_MAX: u32 = 16;

/// Right passwords that a worker remembers for one filter: 1,024 entries of 48 bytes.
pub const PASSWORDS_RIGHT_MAX: usize = 1024;

/// Wrong passwords that it remembers, apart, so that guesses push out no right one.
pub const PASSWORDS_WRONG_MAX: usize = 256;

/// Milliseconds that it remembers a wrong one: a client that repeats it costs a check a second.
pub const PASSWORDS_WRONG_MS: u64 = 1_000;

/// The longest time that it may remember a right one: who is taken out of the file is out at once,
/// so this only bounds what a stolen memory image tells.
pub const PASSWORDS_REMEMBERED_MS_MAX: u64 = 3_600_000;

/// Questions of one `forward_auth` that may be under way at once.
pub const FORWARD_REQUESTS: std::ops::RangeInclusive<u32> = 1..=4096;

/// Milliseconds that the answer of a `forward_auth` may take.
pub const FORWARD_TIMEOUT_MS_MAX: u64 = 60_000;

/// Names of one list of a `forward_auth`.
pub const FORWARD_NAMES_MAX: usize = 64;
