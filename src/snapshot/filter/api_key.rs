//! Who may pass: clients with a known key.
//!
//! Of a key its SHA-256 alone is kept. It is looked for by a keyed hash of that, so that the time
//! of a search tells nothing of other keys, and compared in constant time.

use super::Place;
use super::owner::{Owner, challenge};
use super::source::{Found, Source};
use crate::config::{ApiKeyConfig, ApiKeyValue, CredentialSource, Fault, Identity, TextFile};
use crate::http::head::RequestHead;
use crate::limits;
use aws_lc_rs::{constant_time, digest};
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Who may pass: clients with a known key.
#[derive(Debug)]
pub struct ApiKey {
    /// Where keys are looked for.
    pub sources: Box<[Source]>,
    /// Whether a request without a key passes.
    pub optional: bool,
    /// Whether the upstream is given the key.
    pub forward_credentials: bool,
    /// The value of `WWW-Authenticate`.
    pub challenge: Box<[u8]>,
    keys: Keys,
}

/// Hashes of keys and their owners, by the same index.
#[derive(Debug, Default)]
struct Keys {
    seed: RandomState,
    places: HashTable<u32>,
    digests: Vec<[u8; 32]>,
    owners: Vec<Owner>,
}

impl ApiKey {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &ApiKeyConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<ApiKey> {
        let faults_count = faults.len();
        let mut keys = Keys::default();
        for (index, key) in config.keys.iter().enumerate() {
            let digest = match &key.key {
                ApiKeyValue::Secret(secret) => sha256(secret.expose().as_bytes()),
                ApiKeyValue::Sha256(digest) => *digest,
            };
            if let Err(what) = keys.add(digest, Owner::new(&key.name, key.identity.clone())) {
                let place = format!("{}.keys[{index}]", place.path);
                faults.push(Fault::new(place, what));
            }
        }
        if let Some(file) = &config.keys_file {
            keys.read(file, &format!("{}.keys_file", place.path), faults);
        }
        let is_bearer = config.from.contains(&CredentialSource::Bearer);
        (faults.len() == faults_count).then(|| ApiKey {
            sources: config.from.iter().map(Source::compile).collect(),
            optional: config.optional,
            forward_credentials: config.forward_credentials,
            challenge: challenge(if is_bearer { "Bearer" } else { "ApiKey" }, &config.realm, ""),
            keys,
        })
    }

    /// All keys of a request.
    pub fn look(&self, head: RequestHead<'_>, found: &mut Found) {
        self.sources.iter().for_each(|source| source.look(head, found));
    }

    /// The number of a key's owner.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        if key.len() > limits::API_KEY_BYTES_MAX {
            return None;
        }
        self.keys.find(&sha256(key))
    }

    /// An owner by his number.
    pub fn owner(&self, number: u32) -> Option<&Owner> {
        self.keys.owners.get(number as usize)
    }
}

impl Keys {
    fn find(&self, digest: &[u8; 32]) -> Option<u32> {
        let is_it = |index: &u32| {
            let known = &self.digests[*index as usize];
            constant_time::verify_slices_are_equal(known, digest).is_ok()
        };
        self.places.find(self.seed.hash_one(digest), is_it).copied()
    }

    fn add(&mut self, digest: [u8; 32], owner: Owner) -> Result<(), String> {
        if let Some(known) = self.find(&digest) {
            let known = &self.owners[known as usize];
            return Err(format!("the key is the one of `{}`", known.name()));
        }
        if self.owners.len() >= limits::CREDENTIALS_COUNT_MAX {
            return Err(format!("more than {} keys", limits::CREDENTIALS_COUNT_MAX));
        }
        let index = u32::try_from(self.owners.len()).expect("fewer than 100,000");
        let Keys { seed, places, digests, owners } = self;
        digests.push(digest);
        owners.push(owner);
        let hash = |index: &u32| seed.hash_one(digests[*index as usize]);
        places.insert_unique(hash(&index), index, hash);
        Ok(())
    }

    /// Adds the keys of a file.
    fn read(&mut self, file: &TextFile, place: &str, faults: &mut Vec<Fault>) {
        let mut faults_left = limits::CREDENTIAL_FAULTS_MAX;
        for (number, line) in file.lines() {
            let added = of_line(line).and_then(|(digest, owner)| self.add(digest, owner));
            let Err(what) = added else { continue };
            faults.push(Fault::new(place, format!("line {number}: {what}")));
            faults_left -= 1;
            if faults_left == 0 {
                return;
            }
        }
    }
}

/// `name:sha256hex` or `name:sha256hex:role,role`.
fn of_line(line: &str) -> Result<([u8; 32], Owner), String> {
    let mut parts = line.split(':').map(str::trim);
    let (name, digits) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let roles = parts.next().unwrap_or_default();
    let digest = ApiKeyValue::sha256(digits);
    let (Some(digest), false, None) = (digest, name.is_empty(), parts.next()) else {
        return Err("expected `name:sha256hex` or `name:sha256hex:role,role`".to_owned());
    };
    if name.len() > limits::CREDENTIAL_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("the name is too long or has control characters".to_owned());
    }
    let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty());
    let roles: Vec<String> = roles.map(str::to_owned).collect();
    if roles.len() > limits::IDENTITY_ENTRIES_MAX {
        return Err(format!("more than {} roles", limits::IDENTITY_ENTRIES_MAX));
    }
    Ok((digest, Owner::new(name, Identity { roles, ..Identity::default() })))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut found = [0; 32];
    found.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ApiKey as Configured, GatewayConfig, Secret};

    fn compiled(config: &ApiKeyConfig) -> Result<ApiKey, Vec<String>> {
        let whole = GatewayConfig::default();
        let mut faults = Vec::new();
        let extensions = crate::extension::Extensions::new();
        let place = Place { path: "routes[0].api_key", config: &whole, extensions: &extensions };
        let found = ApiKey::compile(config, &place, &mut faults);
        found.ok_or_else(|| faults.iter().map(ToString::to_string).collect())
    }

    fn key(name: &str, text: &str) -> Configured {
        let key = ApiKeyValue::Secret(Secret::inline(text));
        Configured { name: name.to_owned(), key, identity: Identity::default() }
    }

    fn file(text: &str) -> Option<TextFile> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        std::fs::write(&path, text).expect("a file");
        Some(TextFile::read(path).expect("a text"))
    }

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn finds_owners_by_their_keys_and_by_their_hashes() {
        let config = ApiKeyConfig {
            keys: vec![key("a", "first"), key("b", "second")],
            keys_file: file(&format!("# names\nc : {HELLO} : admin, ops\n")),
            ..ApiKeyConfig::default()
        };
        let plan = compiled(&config).expect("it is right");
        let name =
            |key: &str| plan.find(key.as_bytes()).and_then(|at| plan.owner(at)).map(Owner::name);
        assert_eq!(
            [name("first"), name("second"), name("hello")],
            [Some("a"), Some("b"), Some("c")]
        );
        assert_eq!([name(""), name("First"), name(HELLO)], [None; 3]);
        let owner = plan.find(b"hello").and_then(|at| plan.owner(at)).expect("c");
        let principal = owner.principal("api_key");
        assert!(principal.has("roles", "ops") && !principal.has("roles", "op"));
        assert_eq!((&*principal.subject, principal.method), ("c", "api_key"));
    }

    #[test]
    fn refuses_keys_of_two_owners_and_lines_that_are_none() {
        let keys = vec![key("a", "hello"), key("b", "hello")];
        let config = ApiKeyConfig { keys, ..ApiKeyConfig::default() };
        let faults = compiled(&config).expect_err("one key, two owners");
        assert_eq!(faults, ["routes[0].api_key.keys[1]: the key is the one of `a`"]);
        for (line, want) in [
            ("a", "expected `name"),
            (":", "expected `name"),
            ("a:00", "expected `name"),
            (&format!(":{HELLO}"), "expected `name"),
            (&format!("a:{HELLO}:x:y"), "expected `name"),
            (&format!("{}:{HELLO}", "a".repeat(300)), "too long"),
            (&format!("a:{HELLO}:{}", "x,".repeat(70)), "roles"),
            (&format!("b:{HELLO}\nc:{HELLO}"), "line 2: the key is the one of `b`"),
        ] {
            let config = ApiKeyConfig { keys_file: file(line), ..ApiKeyConfig::default() };
            let faults = compiled(&config).expect_err(want);
            assert!(faults[0].contains(want), "{faults:?}");
            assert!(faults[0].starts_with("routes[0].api_key.keys_file: line "), "{faults:?}");
        }
        let config = ApiKeyConfig { keys_file: file(&"x\n".repeat(50)), ..ApiKeyConfig::default() };
        assert_eq!(compiled(&config).expect_err("no keys").len(), limits::CREDENTIAL_FAULTS_MAX);
    }

    #[test]
    fn a_key_that_is_longer_than_any_is_none() {
        let long = "a".repeat(limits::API_KEY_BYTES_MAX + 1);
        let config = ApiKeyConfig { keys: vec![key("a", &long)], ..ApiKeyConfig::default() };
        assert_eq!(compiled(&config).expect("it is right").find(long.as_bytes()), None);
    }

    #[test]
    fn a_hundred_thousand_keys_are_found() {
        let mut lines = String::new();
        for number in 0..limits::CREDENTIALS_COUNT_MAX {
            let digest = sha256(number.to_string().as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push_str(&format!("n{number}:{hex}\n"));
        }
        let config = ApiKeyConfig { keys_file: file(&lines), ..ApiKeyConfig::default() };
        let plan = compiled(&config).expect("it is right");
        for number in (0..limits::CREDENTIALS_COUNT_MAX).step_by(997) {
            let found = plan.find(number.to_string().as_bytes()).and_then(|at| plan.owner(at));
            assert_eq!(found.map(Owner::name), Some(format!("n{number}").as_str()));
        }
        assert_eq!(plan.find(b"x"), None);
        let config = ApiKeyConfig { keys: vec![key("z", "hello")], ..config };
        assert!(compiled(&config).expect_err("one more")[0].contains("more than 100000"));
    }
}
