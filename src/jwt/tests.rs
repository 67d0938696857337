//! What passes, and each attack that must not.

use super::fixture::{Signer, part, pem, set};
use super::{
    Algorithm, Algorithms, ClaimRule, Fetched, Key, KeyInvalid, KeySet, Keys, Rules, SetInvalid,
    Symmetric, TokenFault, Verified, verify,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::OnceLock;

const NOW_S: u64 = 1_800_000_000;
const SECRET: &[u8] = b"a secret of thirty-two bytes, or so";

fn rsa() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(Signer::rsa_2048)
}

fn p256() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(Signer::p256)
}

fn claims() -> Value {
    json!({ "sub": "ada", "iss": "https://a.test", "aud": ["api", "web"], "exp": NOW_S + 300,
            "nbf": NOW_S - 10, "iat": NOW_S - 10, "scope": "read write" })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

/// As an operator would ask: everything is checked.
fn strict() -> Rules {
    Rules {
        issuer: Some("https://a.test".into()),
        audience: Box::new(["api".into()]),
        leeway_s: 60,
        require_exp: true,
        ..Rules::default()
    }
}

fn jwks(keys: &[Value]) -> KeySet {
    KeySet::parse(set(keys).as_bytes(), Symmetric::Allowed).expect("a set")
}

fn of_key(own: &KeySet, rules: &Rules, token: &str) -> Result<Verified, TokenFault> {
    verify(token.as_bytes(), Keys { own, fetched: Fetched::Never }, rules, NOW_S)
}

fn fetched(set: &KeySet, token: &str) -> Result<Verified, TokenFault> {
    let own = KeySet::default();
    verify(token.as_bytes(), Keys { own: &own, fetched: Fetched::Known(set) }, &strict(), NOW_S)
}

/// What becomes of claims that are rightly signed.
fn judged(rules: &Rules, claims: &Value) -> Option<TokenFault> {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    let token = Signer::secret(SECRET).token(Algorithm::HS256, None, claims);
    of_key(&own, rules, &token).err()
}

#[test]
fn every_algorithm_passes_with_its_key() {
    let (secret, p384, ed) = (Signer::secret(SECRET), Signer::p384(), Signer::ed25519());
    let all = [
        (&secret, [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512].as_slice()),
        (rsa(), &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512]),
        (rsa(), &[Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]),
        (p256(), &[Algorithm::ES256]),
        (&p384, &[Algorithm::ES384]),
        (&ed, &[Algorithm::EdDSA]),
    ];
    for (signer, algorithms) in all {
        for algorithm in algorithms {
            let token = signer.token(*algorithm, Some("k"), &claims());
            // By the key's own word.
            let mut pinned = signer.jwk("k");
            pinned["alg"] = format!("{algorithm:?}").into();
            let verified = of_key(&jwks(&[pinned]), &strict(), &token).expect("it is right");
            assert_eq!(verified.claims["sub"], "ada");
            assert_eq!((verified.begins_s, verified.ends_s), (NOW_S - 70, NOW_S + 360));
            // By the operator's.
            let rules = Rules { algorithms: Some(Algorithms::of([*algorithm])), ..strict() };
            assert!(of_key(&jwks(&[signer.jwk("k")]), &rules, &token).is_ok(), "{algorithm:?}");
            if let Ok(key) = Key::pem(&signer.pem()) {
                assert!(of_key(&KeySet::of(vec![key]), &rules, &token).is_ok(), "{algorithm:?}");
            }
        }
    }
}

#[test]
fn a_key_takes_one_algorithm_where_nobody_says_more() {
    let own = jwks(&[rsa().jwk("k")]);
    assert!(of_key(&own, &strict(), &rsa().token(Algorithm::RS256, None, &claims())).is_ok());
    for other in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = rsa().token(other, None, &claims());
        assert_eq!(of_key(&own, &strict(), &token).err(), Some(TokenFault::Algorithm));
    }
    // What a key says of itself cannot be widened.
    let mut pinned = rsa().jwk("k");
    pinned["alg"] = "RS256".into();
    let wide = Algorithms::of([Algorithm::RS256, Algorithm::PS256]);
    let rules = Rules { algorithms: Some(wide), ..strict() };
    let token = rsa().token(Algorithm::PS256, None, &claims());
    assert_eq!(of_key(&jwks(&[pinned]), &rules, &token).err(), Some(TokenFault::Algorithm));
}

/// CVE-2015-9235 and its kin: the public key is everybody's, so it must not be a secret.
#[test]
fn a_public_key_is_no_secret() {
    let pem = rsa().pem();
    let der = Key::pem(&pem).expect("a key");
    let everything =
        Algorithms::of([Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256]);
    for rules in [strict(), Rules { algorithms: Some(everything), ..strict() }] {
        let own = KeySet::of(vec![der.clone()]);
        for secret in [pem.as_bytes(), pem.trim().as_bytes(), &raw(&rsa().jwk("k")["n"])] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let token = Signer::secret(secret).token(algorithm, None, &claims());
                assert_eq!(of_key(&own, &rules, &token).err(), Some(TokenFault::Algorithm));
                let token = Signer::secret(secret).token(algorithm, Some("k"), &claims());
                let set = jwks(&[rsa().jwk("k")]);
                assert_eq!(fetched(&set, &token).err(), Some(TokenFault::Algorithm));
            }
        }
    }
}

#[test]
fn a_secret_is_no_public_key() {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    let token = rsa().token(Algorithm::RS256, None, &claims());
    assert_eq!(of_key(&own, &strict(), &token).err(), Some(TokenFault::Algorithm));
    // A secret among public keys is one that everybody knows.
    let shared = set(&[Signer::secret(SECRET).jwk("s"), rsa().jwk("r")]);
    let public = KeySet::parse(shared.as_bytes(), Symmetric::Ignored).expect("one is left");
    assert_eq!(public.keys().len(), 1);
    let token = Signer::secret(SECRET).token(Algorithm::HS256, Some("s"), &claims());
    assert_eq!(fetched(&public, &token).err(), Some(TokenFault::Algorithm));
}

#[test]
fn none_is_no_algorithm_however_it_is_written() {
    let own = KeySet::of(vec![Key::secret(SECRET), Key::pem(&rsa().pem()).expect("a key")]);
    for bits in 0_u8..16 {
        let name: String = "none"
            .char_indices()
            .map(|(at, one)| if bits & 1 << at == 0 { one } else { one.to_ascii_uppercase() })
            .collect();
        let signed = format!("{}.{}", part(&json!({ "alg": name })), part(&claims()));
        for token in [format!("{signed}."), format!("{signed}.AAAA")] {
            assert_eq!(of_key(&own, &strict(), &token).err(), Some(TokenFault::Algorithm));
        }
    }
    for name in ["", "hs256", "HS256 ", "ES512", "dir", "null"] {
        let header = json!({ "alg": name });
        let token = Signer::secret(SECRET).token_of(Algorithm::HS256, &header, &claims());
        assert_eq!(of_key(&own, &strict(), &token).err(), Some(TokenFault::Algorithm), "{name}");
    }
}

#[test]
fn an_empty_signature_is_wrong() {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    let token = Signer::secret(SECRET).token(Algorithm::HS256, None, &claims());
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    let fault = of_key(&own, &strict(), &format!("{signed}.")).err();
    assert_eq!(fault, Some(TokenFault::Signature));
    let foreign = Signer::secret(b"").token(Algorithm::HS256, None, &claims());
    assert_eq!(of_key(&own, &strict(), &foreign).err(), Some(TokenFault::Signature));
}

#[test]
fn the_name_of_a_key_is_compared_and_nothing_else() {
    let set = jwks(&[rsa().jwk("k1")]);
    for id in [
        "../../../../dev/null",
        "/etc/passwd",
        "https://evil.test/jwks",
        "' OR 1=1 --",
        "k1\0",
        "K1",
        "",
        "k1/../k1",
        "$(id)",
    ] {
        let token = rsa().token(Algorithm::RS256, Some(id), &claims());
        assert_eq!(fetched(&set, &token).err(), Some(TokenFault::KeyUnknown), "{id}");
        // An empty file, or none at all, as the secret.
        let token = Signer::secret(b"").token(Algorithm::HS256, Some(id), &claims());
        assert_eq!(fetched(&set, &token).err(), Some(TokenFault::Algorithm), "{id}");
    }
    assert!(fetched(&set, &rsa().token(Algorithm::RS256, Some("k1"), &claims())).is_ok());
    // One who names no key may mean any.
    assert!(fetched(&set, &rsa().token(Algorithm::RS256, None, &claims())).is_ok());
}

#[test]
fn keys_that_a_token_brings_are_not_looked_at() {
    let set = jwks(&[rsa().jwk("k")]);
    let evil = p256();
    for (name, value) in [
        ("jwk", evil.jwk("k")),
        ("jku", json!("https://evil.test/jwks.json")),
        ("x5u", json!("https://evil.test/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
    ] {
        let mut header = json!({ "alg": "ES256", "kid": "k" });
        header[name] = value.clone();
        let token = evil.token_of(Algorithm::ES256, &header, &claims());
        assert_eq!(fetched(&set, &token).err(), Some(TokenFault::Algorithm), "{name}");
        // They do no harm in a token that is right.
        header["alg"] = "RS256".into();
        assert!(fetched(&set, &rsa().token_of(Algorithm::RS256, &header, &claims())).is_ok());
    }
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    for header in [
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
        json!({ "alg": "HS256", "b64": false }),
        json!({ "alg": "HS256", "crit": ["exp"] }),
        json!({ "alg": "HS256", "crit": [] }),
        json!({ "alg": "HS256", "crit": null }),
        json!({ "alg": 5 }),
        json!({ "kid": "k" }),
        json!({ "alg": "HS256", "kid": 7 }),
        json!(["HS256"]),
    ] {
        let token = Signer::secret(SECRET).token_of(Algorithm::HS256, &header, &claims());
        let fault = of_key(&own, &strict(), &token).err();
        assert_eq!(fault, Some(TokenFault::Malformed), "{header}");
    }
}

#[test]
fn a_header_says_everything_once() {
    use base64::Engine;
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    for header in [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256"} {}"#,
        r#"{"alg":"HS256""#,
        "",
    ] {
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        let signed = format!("{header}.{}", part(&claims()));
        let signature = Signer::secret(SECRET).sign(Algorithm::HS256, signed.as_bytes());
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
        let fault = of_key(&own, &strict(), &format!("{signed}.{signature}")).err();
        assert_eq!(fault, Some(TokenFault::Malformed));
    }
}

#[test]
fn a_token_has_three_parts_of_base64url() {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    let token = Signer::secret(SECRET).token(Algorithm::HS256, None, &claims());
    let padded = format!("{token}=");
    let standard = token.replace(['-', '_'], "+");
    let mut wrong = vec![
        String::new(),
        "a".into(),
        "a.b".into(),
        "...".into(),
        "..".into(),
        format!("{token}.x"),
        format!("{token}.x.y"),
        format!(".{token}"),
        padded,
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', ".."),
    ];
    if standard != token {
        wrong.push(standard);
    }
    for wrong in wrong {
        let fault = of_key(&own, &strict(), &wrong).err();
        assert_eq!(fault, Some(TokenFault::Malformed), "{wrong}");
    }
    let bytes = [token.as_bytes(), b"\xff"].concat();
    let keys = Keys { own: &own, fetched: Fetched::Never };
    assert_eq!(verify(&bytes, keys, &strict(), NOW_S).err(), Some(TokenFault::Malformed));
}

#[test]
fn a_token_holds_from_its_beginning_to_its_end() {
    let rules = strict();
    for (claims, want) in [
        (with("exp", NOW_S - 59), None),
        (with("exp", NOW_S - 60), Some(TokenFault::Expired)),
        (with("exp", 0), Some(TokenFault::Expired)),
        (with("exp", -1), Some(TokenFault::Expired)),
        (with("exp", NOW_S as f64 - 60.5), Some(TokenFault::Expired)),
        (with("exp", 1e300), Some(TokenFault::Malformed)),
        (with("exp", 253_402_300_800.9), None),
        (with("exp", 253_402_300_801_u64), Some(TokenFault::Malformed)),
        (with("exp", (NOW_S + 10).to_string()), Some(TokenFault::Malformed)),
        (with("exp", Value::Null), Some(TokenFault::Malformed)),
        (without("exp"), Some(TokenFault::ExpiryMissing)),
        (with("nbf", NOW_S + 60), None),
        (with("nbf", NOW_S + 61), Some(TokenFault::Early)),
        (with("nbf", NOW_S as f64 + 60.1), Some(TokenFault::Early)),
        (with("nbf", "soon"), Some(TokenFault::Malformed)),
        (with("iat", NOW_S + 60), None),
        (with("iat", NOW_S + 61), Some(TokenFault::Early)),
        (with("iat", u64::MAX), Some(TokenFault::Malformed)),
        (without("nbf"), None),
        (without("iat"), None),
    ] {
        assert_eq!(judged(&rules, &claims), want, "{claims}");
    }
    let lenient = Rules { require_exp: false, ..strict() };
    assert_eq!(judged(&lenient, &without("exp")), None);
    assert_eq!(judged(&lenient, &with("exp", 1)), Some(TokenFault::Expired));
    let exact = Rules { leeway_s: 0, ..strict() };
    assert_eq!(judged(&exact, &with("exp", NOW_S)), Some(TokenFault::Expired));
    assert_eq!(judged(&exact, &with("exp", NOW_S + 1)), None);
}

#[test]
fn a_token_is_of_its_issuer_and_for_its_audience() {
    for (claims, want) in [
        (with("iss", "https://a.test/"), Some(TokenFault::Issuer)),
        (with("iss", "https://A.test"), Some(TokenFault::Issuer)),
        (with("iss", json!(["https://a.test"])), Some(TokenFault::Issuer)),
        (without("iss"), Some(TokenFault::Issuer)),
        (with("aud", "api"), None),
        (with("aud", "other"), Some(TokenFault::Audience)),
        (with("aud", json!(["x", "api"])), None),
        (with("aud", json!(["x", "apix"])), Some(TokenFault::Audience)),
        (with("aud", json!([["api"]])), Some(TokenFault::Audience)),
        (with("aud", json!([])), Some(TokenFault::Audience)),
        (with("aud", json!({ "api": "api" })), Some(TokenFault::Audience)),
        (without("aud"), Some(TokenFault::Audience)),
    ] {
        assert_eq!(judged(&strict(), &claims), want, "{claims}");
    }
}

#[test]
fn claims_that_are_asked_for_must_be_there() {
    let asking = |name: &str, values: &[&str]| Rules {
        claims: Box::new([ClaimRule {
            name: name.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        }]),
        ..strict()
    };
    let claims = json!({ "iss": "https://a.test", "aud": "api", "exp": NOW_S + 9, "role": "admin",
        "realm": { "roles": ["a", "b"] }, "https://x.test/tenant": 7, "on": true,
        "nothing": null });
    for (name, values, holds) in [
        ("role", [].as_slice(), true),
        ("role", &["user", "admin"], true),
        ("role", &["user"], false),
        ("role", &["adm"], false),
        ("missing", &[], false),
        ("nothing", &[], false),
        ("realm.roles", &["b"], true),
        ("realm.roles", &["c"], false),
        ("realm.roles.x", &[], false),
        ("realm", &[], true),
        ("realm", &["roles"], false),
        ("https://x.test/tenant", &["7"], true),
        ("on", &["true"], true),
    ] {
        let want = (!holds).then_some(TokenFault::ClaimMissing);
        assert_eq!(judged(&asking(name, values), &claims), want, "{name} {values:?}");
    }
}

#[test]
fn scopes_must_all_be_there() {
    let rules = |scopes: &[&str]| Rules {
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        ..strict()
    };
    let list = {
        let mut claims = with("scp", json!(["read", "mail.send"]));
        claims.as_object_mut().expect("an object").remove("scope");
        claims
    };
    for (claims, scopes, holds) in [
        (claims(), ["read"].as_slice(), true),
        (claims(), &["write", "read"], true),
        (claims(), &["rea"], false),
        (claims(), &["read", "delete"], false),
        (list.clone(), &["mail.send"], true),
        (list, &["write"], false),
        (without("scope"), &["read"], false),
        (with("scope", 5), &["read"], false),
    ] {
        let want = (!holds).then_some(TokenFault::ScopeMissing);
        assert_eq!(judged(&rules(scopes), &claims), want, "{claims} {scopes:?}");
    }
}

#[test]
fn claims_are_an_object() {
    for wrong in [json!([]), json!("text"), json!(5), Value::Null] {
        assert_eq!(judged(&strict(), &wrong), Some(TokenFault::Malformed));
    }
}

#[test]
fn keys_that_did_not_come_are_no_reason_to_refuse() {
    let own = KeySet::of(vec![Key::secret(SECRET)]);
    let awaited = Keys { own: &own, fetched: Fetched::Awaited };
    let judge = |token: &str| verify(token.as_bytes(), awaited, &strict(), NOW_S).err();
    let token = rsa().token(Algorithm::RS256, Some("k"), &claims());
    assert_eq!(judge(&token), Some(TokenFault::KeysUnavailable));
    // Of a secret it is known already.
    let token = Signer::secret(b"other").token(Algorithm::HS256, None, &claims());
    assert_eq!(judge(&token), Some(TokenFault::Signature));
    let token = Signer::secret(SECRET).token(Algorithm::HS256, None, &claims());
    assert_eq!(judge(&token), None);
}

#[test]
fn a_token_costs_few_signatures() {
    let many: Vec<Value> = (0..64)
        .map(|number| Signer::p256().jwk(&format!("k{number}")))
        .chain([p256().jwk("mine")])
        .collect();
    let set = jwks(&many);
    let token = p256().token(Algorithm::ES256, None, &claims());
    assert_eq!(fetched(&set, &token).err(), Some(TokenFault::Signature));
    assert!(fetched(&set, &p256().token(Algorithm::ES256, Some("mine"), &claims())).is_ok());
}

#[test]
fn keys_that_are_not_for_signatures_are_left_out() {
    let change = |name: &str, value: Value| {
        let mut key = p256().jwk("k");
        key[name] = value;
        KeySet::parse(set(&[key]).as_bytes(), Symmetric::Ignored).map(|_| ())
    };
    let unusable = |fault| Err(SetInvalid::Unusable(fault));
    assert_eq!(change("use", json!("sig")), Ok(()));
    assert_eq!(change("use", json!("enc")), unusable(KeyInvalid::NotForSignatures));
    assert_eq!(change("key_ops", json!(["verify"])), Ok(()));
    assert_eq!(change("key_ops", json!(["sign"])), unusable(KeyInvalid::NotForSignatures));
    assert_eq!(change("alg", json!("ES256")), Ok(()));
    assert_eq!(change("alg", json!("RS256")), unusable(KeyInvalid::Algorithm));
    assert_eq!(change("alg", json!("HS256")), unusable(KeyInvalid::Algorithm));
    assert_eq!(change("alg", json!("ECDH-ES")), unusable(KeyInvalid::Algorithm));
    assert_eq!(change("crv", json!("secp256k1")), unusable(KeyInvalid::Curve));
    assert_eq!(change("crv", json!("P-384")), unusable(KeyInvalid::Curve));
    assert_eq!(change("x", json!("AAAA")), unusable(KeyInvalid::Curve));
    let other = Signer::p256().jwk("k");
    assert_eq!(change("y", other["y"].clone()), unusable(KeyInvalid::Curve));
    assert_eq!(change("kty", json!("oct")), unusable(KeyInvalid::Shared));
    assert_eq!(change("kty", json!("RSA")), unusable(KeyInvalid::Malformed));
}

#[test]
fn a_set_is_an_object_with_a_list_of_few_keys() {
    let parse = |text: &str| KeySet::parse(text.as_bytes(), Symmetric::Ignored).map(|_| ());
    for text in ["", "[]", "{}", "{\"keys\":{}}", "<html>", "{\"keys\":[", "null"] {
        assert_eq!(parse(text), Err(SetInvalid::Malformed), "{text}");
    }
    assert_eq!(parse("{\"keys\":[]}"), Err(SetInvalid::Empty));
    let key = p256().jwk("k");
    let most = crate::limits::KEY_SET_KEYS_MAX;
    assert_eq!(parse(&set(&vec![key.clone(); most])), Ok(()));
    assert_eq!(parse(&set(&vec![key.clone(); most + 1])), Err(SetInvalid::TooMany));
    // One that is not understood does not spoil the others.
    let mixed = set(&[json!({ "kty": "PQ" }), json!(7), key]);
    let set = KeySet::parse(mixed.as_bytes(), Symmetric::Ignored).expect("one is left");
    assert_eq!(set.keys().len(), 1);
}

#[test]
fn sets_are_the_same_when_their_keys_are() {
    let one = jwks(&[rsa().jwk("a"), p256().jwk("b")]);
    assert!(one.has_same_keys(&jwks(&[rsa().jwk("a"), p256().jwk("b")])));
    assert!(!one.has_same_keys(&jwks(&[rsa().jwk("a"), p256().jwk("c")])));
    assert!(!one.has_same_keys(&jwks(&[rsa().jwk("a"), Signer::p256().jwk("b")])));
    assert!(!one.has_same_keys(&jwks(&[rsa().jwk("a")])));
}

#[test]
fn a_public_key_is_told_from_what_it_is_not() {
    assert!(Key::pem(&rsa().pem()).is_ok());
    for (text, want) in [
        (String::new(), KeyInvalid::NotPem),
        ("secret".into(), KeyInvalid::NotPem),
        (pem("PRIVATE KEY", b"x"), KeyInvalid::Private),
        (pem("RSA PRIVATE KEY", b"x"), KeyInvalid::Private),
        (pem("EC PRIVATE KEY", b"x"), KeyInvalid::Private),
        (pem("CERTIFICATE", b"x"), KeyInvalid::Certificate),
        (pem("PUBLIC KEY", b"x"), KeyInvalid::Malformed),
        (pem("RSA PUBLIC KEY", b"x"), KeyInvalid::Malformed),
    ] {
        assert_eq!(Key::pem(&text).err(), Some(want), "{text}");
    }
}

#[test]
fn weak_rsa_keys_are_refused() {
    let jwk = |n: &[u8], e: &str| {
        use base64::Engine;
        let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(n);
        let text = set(&[json!({ "kty": "RSA", "n": n, "e": e })]);
        KeySet::parse(text.as_bytes(), Symmetric::Ignored).err()
    };
    let weak = Some(SetInvalid::Unusable(KeyInvalid::Rsa));
    assert_eq!(jwk(&[0xff; 128], "AQAB"), weak);
    assert_eq!(jwk(&[0xff; 255], "AQAB"), weak);
    assert_eq!(jwk(&[&[0][..], &[0x7f; 256]].concat(), "AQAB"), weak);
    assert_eq!(jwk(&[0xff; 1025], "AQAB"), weak);
    assert_eq!(jwk(&[0xff; 256], "AQAB"), None);
    for exponent in ["AQ", "Ag", "AAE", ""] {
        assert_eq!(jwk(&[0xff; 256], exponent), weak, "{exponent}");
    }
}

fn raw(member: &Value) -> Vec<u8> {
    use base64::Engine;
    let text = member.as_str().expect("a text");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("Base64url")
}

/// How a token is spoiled: where, and with which byte.
#[derive(Clone, Debug)]
enum Spoil {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Swap(usize, usize),
}

fn spoils() -> impl Strategy<Value = Vec<Spoil>> {
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=".to_vec()
        ),
    ];
    let one = prop_oneof![
        (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Spoil::Replace(at, byte)),
        (any::<usize>(), byte).prop_map(|(at, byte)| Spoil::Insert(at, byte)),
        any::<usize>().prop_map(Spoil::Remove),
        (any::<usize>(), any::<usize>()).prop_map(|(one, other)| Spoil::Swap(one, other)),
    ];
    proptest::collection::vec(one, 1..4)
}

fn spoil(token: &str, spoils: &[Spoil]) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    for spoil in spoils {
        let length = bytes.len();
        match *spoil {
            Spoil::Replace(at, byte) => bytes[at % length] = byte,
            Spoil::Insert(at, byte) => bytes.insert(at % (length + 1), byte),
            Spoil::Remove(at) => drop(bytes.remove(at % length)),
            Spoil::Swap(one, other) => bytes.swap(one % length, other % length),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_spoiled_token_passes(spoils in spoils(), kind in 0_usize..2) {
        static TOKENS: OnceLock<[String; 2]> = OnceLock::new();
        let tokens = TOKENS.get_or_init(|| [
            Signer::secret(SECRET).token(Algorithm::HS256, Some("s"), &claims()),
            p256().token(Algorithm::ES256, Some("e"), &claims()),
        ]);
        let own = jwks(&[Signer::secret(SECRET).jwk("s"), p256().jwk("e")]);
        let keys = Keys { own: &own, fetched: Fetched::Never };
        let token = &tokens[kind];
        prop_assert!(verify(token.as_bytes(), keys, &strict(), NOW_S).is_ok());
        let spoiled = spoil(token, &spoils);
        let passes = verify(&spoiled, keys, &strict(), NOW_S).is_ok();
        prop_assert_eq!(passes, spoiled == token.as_bytes());
    }
}
