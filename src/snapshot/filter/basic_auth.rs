//! Who may pass: users with a password (RFC 7617).

use super::owner::{Owner, challenge};
use super::source::credentials;
use super::{PasswordHash, Place};
use crate::config::{BasicAuthConfig, Fault, Identity, TextFile};
use crate::http::field::FieldId;
use crate::http::head::RequestHead;
use crate::limits;
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashMap;
use std::str::FromStr as _;
use std::sync::Arc;

/// Who may pass: users with a password (RFC 7617).
#[derive(Debug)]
pub struct BasicAuth {
    /// Whether a request without a password passes.
    pub optional: bool,
    /// Whether the upstream is given the password.
    pub forward_credentials: bool,
    /// How long a worker remembers that a password is right.
    pub remember_ms: u64,
    /// The value of `WWW-Authenticate`.
    pub challenge: Box<[u8]>,
    users: HashMap<Box<str>, User, foldhash::quality::RandomState>,
    /// What the passwords of unknown users are held against, so that they take as long: the
    /// costliest hash there is.
    decoy: Arc<PasswordHash>,
    /// Of this process: what is derived with it says nothing elsewhere.
    key: hmac::Key,
}

/// A user.
#[derive(Debug)]
pub struct User {
    /// What the password must fit.
    pub hash: Arc<PasswordHash>,
    /// Who it is.
    pub owner: Owner,
    /// Counts the users.
    pub number: u32,
}

/// What a request says of its sender.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing of this scheme.
    Nothing,
    /// Something that is no name and password, or several of it.
    Nonsense,
    /// A name and a password: so many bytes of the buffer, and so many of them the name's.
    Password {
        /// Of both and the colon.
        bytes: usize,
        /// Of the name.
        name_bytes: usize,
    },
}

/// Room for a name and a password.
pub type Buffer = [u8; limits::BASIC_BYTES_MAX];

impl BasicAuth {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &BasicAuthConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<BasicAuth> {
        let faults_count = faults.len();
        let mut users = Users::default();
        for (index, user) in config.users.iter().enumerate() {
            let hash = user.password_hash.expose();
            if let Err(what) = users.add(&user.name, hash, user.identity.clone()) {
                let place = format!("{}.users[{index}].password_hash", place.path);
                faults.push(Fault::new(place, what));
            }
        }
        if let Some(file) = &config.users_file {
            users.read(file, &format!("{}.users_file", place.path), faults);
        }
        let mut key = [0; 32];
        if rand::fill(&mut key).is_err() {
            faults.push(Fault::new(place.path, "the system has no random numbers"));
        }
        if faults.len() > faults_count {
            return None;
        }
        // The check tells where there is none.
        let (_, decoy) = users.costliest?;
        Some(BasicAuth {
            optional: config.optional,
            forward_credentials: config.forward_credentials,
            remember_ms: u64::try_from(config.remember.as_millis()).unwrap_or(u64::MAX),
            challenge: challenge("Basic", &config.realm, ", charset=\"UTF-8\""),
            users: users.by_name,
            decoy,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    /// What stands in `Authorization`; name and password are put into the buffer.
    pub fn read(head: RequestHead<'_>, buffer: &mut Buffer) -> Said {
        if !head.known().contains(FieldId::Authorization) {
            return Said::Nothing;
        }
        let mut lines = head.all(FieldId::Authorization);
        let (first, second) = (lines.next().unwrap_or_default(), lines.next());
        let Some(found) = credentials(first, b"basic") else {
            let mut others = second.into_iter().chain(lines);
            let is_hidden = others.any(|line| credentials(line, b"basic").is_some());
            return if is_hidden { Said::Nonsense } else { Said::Nothing };
        };
        if second.is_some() {
            return Said::Nonsense;
        }
        let Ok(bytes) = STANDARD.decode_slice(found, buffer) else { return Said::Nonsense };
        // RFC 7617 section 2.1: the challenge asks for UTF-8; section 2: no control characters.
        let Ok(text) = std::str::from_utf8(&buffer[..bytes]) else { return Said::Nonsense };
        match text.find(':') {
            Some(name_bytes) if !text.chars().any(char::is_control) => {
                Said::Password { bytes, name_bytes }
            }
            Some(_) | None => Said::Nonsense,
        }
    }

    /// A user by name.
    pub fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.get(std::str::from_utf8(name).ok()?)
    }

    /// What a password is held against: the user's hash, or for a user that there is none of,
    /// another one's, which decides nothing.
    pub fn hash(&self, user: Option<&User>) -> Arc<PasswordHash> {
        Arc::clone(user.map_or(&self.decoy, |user| &user.hash))
    }

    /// Stands for a name and a password, in this process and for this filter alone.
    pub fn digest(&self, name_and_password: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&self.key, name_and_password).as_ref());
        digest
    }
}

/// Those that were read so far.
#[derive(Default)]
struct Users {
    by_name: HashMap<Box<str>, User, foldhash::quality::RandomState>,
    costliest: Option<(u64, Arc<PasswordHash>)>,
}

impl Users {
    fn add(&mut self, name: &str, hash: &str, identity: Identity) -> Result<(), String> {
        let cost = cost(hash)?;
        if self.by_name.contains_key(name) {
            return Err(format!("there is a `{name}` already"));
        }
        if self.by_name.len() >= limits::CREDENTIALS_COUNT_MAX {
            return Err(format!("more than {} users", limits::CREDENTIALS_COUNT_MAX));
        }
        let number = u32::try_from(self.by_name.len()).expect("fewer than 100,000");
        let hash = Arc::new(PasswordHash { text: hash.into() });
        if self.costliest.as_ref().is_none_or(|(known, _)| *known < cost) {
            self.costliest = Some((cost, Arc::clone(&hash)));
        }
        let owner = Owner::new(name, identity);
        self.by_name.insert(name.into(), User { hash, owner, number });
        Ok(())
    }

    /// Adds the users of a file: `name:hash`, and behind another colon what nobody reads.
    fn read(&mut self, file: &TextFile, place: &str, faults: &mut Vec<Fault>) {
        let mut faults_left = limits::CREDENTIAL_FAULTS_MAX;
        for (number, line) in file.lines() {
            let mut parts = line.split(':');
            let (name, hash) = (parts.next().unwrap_or_default(), parts.next());
            let added = match hash {
                Some(hash) if is_name(name) => self.add(name, hash, Identity::default()),
                Some(_) | None => Err("expected `name:hash`".to_owned()),
            };
            let Err(what) = added else { continue };
            faults.push(Fault::new(place, format!("line {number}: {what}")));
            faults_left -= 1;
            if faults_left == 0 {
                return;
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_long = name.len() > limits::CREDENTIAL_NAME_BYTES_MAX;
    !name.is_empty() && !is_long && !name.chars().any(char::is_control)
}

/// What it costs to hold a password against a hash, in a unit of its own: pieces of memory that are
/// written. The hash itself is in no fault.
fn cost(hash: &str) -> Result<u64, String> {
    if hash.starts_with("$argon2id$") {
        return argon2_cost(hash);
    }
    if !["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind)) {
        return Err("expected a hash by bcrypt (`$2y$…`, as `htpasswd -B` writes it) or by \
                    Argon2id (`$argon2id$…`): others are too easily reversed"
            .to_owned());
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    let is_whole = hash.len() == BCRYPT_BYTES
        && hash.get(6..7) == Some("$")
        && hash.bytes().skip(BCRYPT_HEAD_BYTES).all(is_letter);
    let parts = bcrypt::HashParts::from_str(hash).ok().filter(|_| is_whole);
    let cost = parts.ok_or_else(|| "the bcrypt hash is malformed".to_owned())?.get_cost();
    if !limits::BCRYPT_COST.contains(&cost) {
        let (low, high) = (limits::BCRYPT_COST.start(), limits::BCRYPT_COST.end());
        return Err(format!("a bcrypt hash of cost {cost}, which is not from {low} to {high}"));
    }
    // A round of it is some 4 KiB of tables, which are written twice.
    Ok(2 << cost)
}

fn argon2_cost(hash: &str) -> Result<u64, String> {
    let malformed = || "the Argon2id hash is malformed".to_owned();
    let parsed = argon2::PasswordHash::new(hash).map_err(|_| malformed())?;
    let params = argon2::Params::try_from(&parsed).map_err(|_| malformed())?;
    if parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(malformed());
    }
    let (memory_kib, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    if memory_kib > limits::ARGON2_MEMORY_KIB_MAX {
        let most = limits::ARGON2_MEMORY_KIB_MAX;
        return Err(format!("an Argon2id hash of {memory_kib} KiB, above {most}"));
    }
    if passes > limits::ARGON2_PASSES_MAX || lanes > limits::ARGON2_PASSES_MAX {
        let most = limits::ARGON2_PASSES_MAX;
        return Err(format!("an Argon2id hash of {passes} passes and {lanes} lanes, above {most}"));
    }
    Ok(u64::from(memory_kib) * u64::from(passes))
}

/// `$2y$10$`, 22 letters of salt and 31 of the hash.
const BCRYPT_BYTES: usize = 60;
const BCRYPT_HEAD_BYTES: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BasicUser, GatewayConfig, Secret};
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;

    fn compiled(config: &BasicAuthConfig) -> Result<BasicAuth, Vec<String>> {
        let whole = GatewayConfig::default();
        let mut faults = Vec::new();
        let extensions = crate::extension::Extensions::new();
        let place = Place { path: "routes[0].basic_auth", config: &whole, extensions: &extensions };
        let found = BasicAuth::compile(config, &place, &mut faults);
        found.ok_or_else(|| faults.iter().map(ToString::to_string).collect())
    }

    fn user(name: &str, hash: &str) -> BasicUser {
        let password_hash = Secret::inline(hash);
        BasicUser { name: name.to_owned(), password_hash, identity: Identity::default() }
    }

    fn of(users: Vec<BasicUser>) -> Result<BasicAuth, Vec<String>> {
        compiled(&BasicAuthConfig { users, ..BasicAuthConfig::default() })
    }

    fn bcrypt(kind: &str, cost: &str) -> String {
        format!("${kind}${cost}${}", "a".repeat(53))
    }

    fn argon2(parameters: &str) -> String {
        format!("$argon2id$v=19${parameters}$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
    }

    #[test]
    fn takes_hashes_within_their_bounds() {
        for hash in [
            bcrypt("2y", "04"),
            bcrypt("2b", "10"),
            bcrypt("2a", "14"),
            argon2("m=19456,t=2,p=1"),
            argon2("m=131072,t=16,p=16"),
        ] {
            assert!(of(vec![user("a", &hash)]).is_ok(), "{hash}");
        }
        for (hash, want) in [
            (bcrypt("2y", "15"), "of cost 15"),
            (bcrypt("2y", "03"), "of cost 3"),
            (bcrypt("2y", "xx"), "malformed"),
            (bcrypt("2y", "10") + "a", "malformed"),
            ("$2y$".to_owned(), "malformed"),
            (argon2("m=131073,t=2,p=1"), "131073 KiB"),
            (argon2("m=19456,t=17,p=1"), "17 passes"),
            (argon2("m=19456,t=2,p=17"), "17 lanes"),
            (argon2("m=x,t=2,p=1"), "malformed"),
            (bcrypt("2y", "10").replace("aaa", "a:a"), "malformed"),
            ("$argon2id$".to_owned(), "malformed"),
            ("$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ$aGFzaA".to_owned(), "expected a hash"),
            ("$apr1$x$y".to_owned(), "expected a hash"),
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned(), "expected a hash"),
            ("secret".to_owned(), "expected a hash"),
        ] {
            let faults = of(vec![user("a", &hash)]).expect_err(want);
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains(want), "{faults:?}");
            assert!(faults[0].starts_with("routes[0].basic_auth.users[0].password_hash: "));
            assert!(!faults[0].contains(&hash), "{faults:?}");
        }
    }

    #[test]
    fn reads_what_htpasswd_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users");
        let good = bcrypt("2y", "05");
        std::fs::write(&path, format!("# who\nann:{good}\nböb:{good}:a comment\n")).expect("it");
        let file = Some(TextFile::read(&path).expect("a text"));
        let config = BasicAuthConfig { users_file: file, ..BasicAuthConfig::default() };
        let plan = compiled(&config).expect("it is right");
        assert!(plan.user(b"ann").is_some() && plan.user("böb".as_bytes()).is_some());
        assert!(plan.user(b"Ann").is_none() && plan.user(b"").is_none());
        std::fs::write(&path, format!("ann\n:{good}\nx:y\nann:{good}\nann:{good}\n")).expect("it");
        let file = Some(TextFile::read(&path).expect("a text"));
        let users_file = file.clone();
        let faults = compiled(&BasicAuthConfig { users_file, ..config.clone() });
        let faults = faults.expect_err("four lines are wrong");
        for (fault, line) in faults.iter().zip([1, 2, 3, 5]) {
            let want = format!("routes[0].basic_auth.users_file: line {line}: ");
            assert!(fault.starts_with(&want), "{faults:?}");
        }
        assert_eq!(faults.len(), 4);
    }

    #[test]
    fn who_is_unknown_is_held_against_the_costliest_hash() {
        let (cheap, dear) = (bcrypt("2y", "05"), bcrypt("2y", "12"));
        let users = vec![user("a", &cheap), user("b", &dear), user("c", &argon2("m=32,t=1,p=1"))];
        let plan = of(users).expect("it is right");
        assert_eq!(*plan.hash(None).text, *dear);
        assert_eq!(*plan.hash(plan.user(b"a")).text, *cheap);
    }

    #[test]
    fn a_digest_stands_for_one_name_and_password() {
        let users = || vec![user("a", &bcrypt("2y", "05"))];
        let (one, other) = (of(users()).expect("right"), of(users()).expect("right"));
        assert_eq!(one.digest(b"a:b"), one.digest(b"a:b"));
        assert_ne!(one.digest(b"a:b"), one.digest(b"a:c"));
        assert_ne!(one.digest(b"a:b"), other.digest(b"a:b"));
    }

    fn read(lines: &str) -> Result<String, Said> {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let mut index = HeadIndex::default();
        let limits = HeadLimits {
            request_line_bytes_max: 999,
            fields_count_max: 9,
            fields_bytes_max: 9_999,
        };
        parse::request(head.as_bytes(), &limits, &mut index).expect("a whole head");
        let mut buffer = [0; limits::BASIC_BYTES_MAX];
        match BasicAuth::read(RequestHead::new(head.as_bytes(), &index), &mut buffer) {
            Said::Password { bytes, name_bytes } => {
                let text = std::str::from_utf8(&buffer[..bytes]).expect("UTF-8");
                let (name, password) = text.split_at(name_bytes);
                Ok(format!("{name} {}", &password[1..]))
            }
            other => Err(other),
        }
    }

    #[test]
    fn reads_names_and_passwords() {
        let basic = |text: &str| format!("Authorization: Basic {}", STANDARD.encode(text));
        assert_eq!(read(&basic("ann:secret")), Ok("ann secret".to_owned()));
        assert_eq!(read(&basic("ann:a:b ")), Ok("ann a:b ".to_owned()));
        assert_eq!(read(&basic("ännï:pässwörd£")), Ok("ännï pässwörd£".to_owned()));
        assert_eq!(read(&basic(":")), Ok(" ".to_owned()));
        assert_eq!(read("AUTHORIZATION: bAsIc YTpi"), Ok("a b".to_owned()));
        for nothing in
            ["X: y", "Authorization: Bearer a", "Authorization:", "Authorization: Basicc a"]
        {
            assert_eq!(read(nothing), Err(Said::Nothing), "{nothing}");
        }
        for nonsense in [
            "Authorization: Basic",
            "Authorization: Basic !",
            "Authorization: Basic YTpi YTpi",
            "Authorization: Basic YTpi\r\nAuthorization: Basic YTpi",
            "Authorization: Bearer x\r\nAuthorization: Basic YTpi",
            &basic("nocolon"),
            &basic("a:\0"),
            &basic("a\n:b"),
            &format!("Authorization: Basic {}", STANDARD.encode([0xe4, b':', b'a'])),
            &basic(&format!("a:{}", "b".repeat(limits::BASIC_BYTES_MAX))),
        ] {
            assert_eq!(read(nonsense), Err(Said::Nonsense), "{nonsense}");
        }
    }
}
