//! `basic_auth` through the real binary.

use std::fs;
use std::process::Command;
use std::thread;

use crate::api_keys::hash;
use crate::support::gateway::frys_on;
use crate::support::{Gateway, Upstream, program, run, until};

/// Of `open sesame`, cheap.
fn bcrypt(name: &str, password: &str) -> String {
    hash(&["password", "--name", name, "--cost", "4"], password).1
}

/// `Authorization` of a name and a password.
fn basic(both: &str) -> String {
    format!("Authorization: Basic {}\r\n", encoded(both.as_bytes()))
}

/// RFC 4648 section 4.
fn encoded(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let mut word = 0;
        for at in 0..3 {
            word = word << 8 | u32::from(piece.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= piece.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn ask(gateway: &Gateway, lines: &str) -> u16 {
    gateway.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).status
}

fn guarded(users: &str, more: &str, upstream: &Upstream) -> String {
    format!(
        "[[routes]]\npath = \"/*\"\nupstreams = [{{ url = \"http://{}\" }}]\n\
         basic_auth = {{ users_file = \"{users}\"{more} }}\n",
        upstream.address
    )
}

#[test]
fn lets_users_with_their_passwords_pass() {
    let upstream = Upstream::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    let argon2 = hash(&["password", "--name", "böb", "--with", "argon2"], "pässword").1;
    fs::write(&file, format!("{}\n{argon2}\n", bcrypt("ann", "open sesame"))).expect("a file");
    let place = file.display().to_string();
    let more = ", realm = \"staff\", forward_credentials = false";
    let gateway = Gateway::start(&guarded(&place, more, &upstream));
    let refused = gateway.get("/");
    let challenge = "Basic realm=\"staff\", charset=\"UTF-8\"";
    assert_eq!((refused.status, refused.field("www-authenticate")), (401, Some(challenge)));
    for right in ["ann:open sesame", "böb:pässword"] {
        // Asked once, then remembered.
        assert_eq!(ask(&gateway, &basic(right)), 200, "{right}");
        assert_eq!(ask(&gateway, &basic(right)), 200, "{right}");
    }
    for wrong in ["ann:open sesam", "ann:", "Ann:open sesame", "nobody:open sesame", "ann"] {
        assert_eq!(ask(&gateway, &basic(wrong)), 401, "{wrong}");
        assert_eq!(ask(&gateway, &basic(wrong)), 401, "{wrong}");
    }
    let twice = [basic("ann:open sesame"), basic("ann:open sesame")].concat();
    assert_eq!(ask(&gateway, &twice), 401);
    assert_eq!(ask(&gateway, "Authorization: Bearer x\r\n"), 401);
    for request in upstream.received() {
        assert_eq!(request.field("authorization"), None);
    }
    assert_eq!(upstream.received().len(), 4);
    assert!(!gateway.stderr().contains("sesame"));
}

#[test]
fn curl_gets_in() {
    let Some(curl) = program("curl") else { return };
    let upstream = Upstream::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    fs::write(&file, bcrypt("ann", "open:sesame")).expect("a file");
    let gateway = Gateway::start(&guarded(&file.display().to_string(), "", &upstream));
    let url = format!("http://{}/", gateway.address);
    let status = |user: &str| {
        let arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", user, &url];
        run(Command::new(&curl).args(arguments)).1
    };
    assert_eq!(status("ann:open:sesame"), "200");
    assert_eq!(status("ann:sesame"), "401");
}

#[test]
fn a_new_password_counts_at_once() {
    let upstream = Upstream::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    fs::write(&file, bcrypt("ann", "open sesame")).expect("a file");
    let gateway = Gateway::start(&guarded(&file.display().to_string(), "", &upstream));
    assert_eq!(ask(&gateway, &basic("ann:open sesame")), 200);
    fs::write(&file, bcrypt("ann", "close sesame")).expect("a file");
    let is_new = || (ask(&gateway, &basic("ann:close sesame")) == 200).then_some(());
    until("the new password passes", 20, is_new);
    // What was remembered of the old one went with it.
    assert_eq!(ask(&gateway, &basic("ann:open sesame")), 401);
}

#[test]
fn guesses_are_turned_away_and_harm_nobody_else() {
    let upstream = Upstream::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    // Some 40 ms a check on a quick machine.
    let dear = hash(&["password", "--name", "ann", "--cost", "9"], "open sesame").1;
    fs::write(&file, dear).expect("a file");
    let gateway = Gateway::start(&format!(
        "{}[[routes]]\npath = \"/free\"\nrespond = {{ body = \"free\" }}\n",
        guarded(&file.display().to_string(), "", &upstream)
    ));
    assert_eq!(ask(&gateway, &basic("ann:open sesame")), 200);
    let statuses = thread::scope(|scope| {
        let guess = |number: usize| {
            let gateway = &gateway;
            scope.spawn(move || {
                let head = basic(&format!("ann:guess{number}"));
                let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{head}\r\n");
                let answer = gateway.ask(request);
                (answer.status, answer.field("retry-after").map(str::to_owned))
            })
        };
        let guesses: Vec<_> = (0..200).map(guess).collect();
        // Who is remembered, and who asks for something else, does not wait behind them.
        assert_eq!(ask(&gateway, &basic("ann:open sesame")), 200);
        assert_eq!(gateway.get("/free").text(), "free");
        guesses.into_iter().map(|guess| guess.join().expect("no panic")).collect::<Vec<_>>()
    });
    let busy = Some("1".to_owned());
    for (status, retry_after) in &statuses {
        assert!(
            matches!((status, retry_after), (401, None)) || (*status, retry_after) == (503, &busy),
            "{status} {retry_after:?}"
        );
    }
    assert!(statuses.iter().any(|(status, _)| *status == 401), "{statuses:?}");
    assert_eq!(upstream.received().len(), 2);
}

#[test]
fn a_password_that_many_send_at_once_is_checked_once() {
    let upstream = Upstream::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    let dear = hash(&["password", "--name", "ann", "--cost", "8"], "open sesame").1;
    fs::write(&file, dear).expect("a file");
    let gateway = Gateway::start(&guarded(&file.display().to_string(), "", &upstream));
    // One after the other these would wait longer than anybody may.
    thread::scope(|scope| {
        for _ in 0..300 {
            scope.spawn(|| assert_eq!(ask(&gateway, &basic("ann:open sesame")), 200));
        }
    });
    assert_eq!(upstream.received().len(), 300);
}

#[test]
fn refuses_hashes_that_protect_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    fs::write(&file, "ann:$apr1$abc$defghijklmnopqrstuvwx.\nbob:secret\n").expect("a file");
    let text = format!(
        "listen_addr = \"127.0.0.1:0\"\n[[routes]]\npath = \"/*\"\nrespond = {{}}\n\
         basic_auth = {{ users_file = \"{}\" }}\n",
        file.display()
    );
    let (code, _, said) = run(&mut frys_on(folder.path(), "check", "frys.toml", &text));
    assert_eq!(code, Some(1));
    assert!(said.contains("routes[0].basic_auth.users_file: line 1: expected a hash by"), "{said}");
    assert!(said.contains("line 2:") && !said.contains("secret\n"), "{said}");
}

#[test]
fn prints_hashes_of_passwords() {
    let bcrypt = hash(&["password", "--cost", "5"], "open sesame").1;
    assert!(bcrypt.starts_with("$2b$05$") && bcrypt.len() == 60, "{bcrypt}");
    let argon2 = hash(&["password", "--with", "argon2"], "open sesame").1;
    assert!(argon2.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{argon2}");
    assert_ne!(bcrypt, hash(&["password", "--cost", "5"], "open sesame").1, "each has its salt");
    assert!(hash(&["password"], "").1.contains("from 1 to"));
    assert!(hash(&["password", "--cost", "20"], "a").1.contains("from 4 to 14"));
    assert!(hash(&["password"], &"a".repeat(73)).1.contains("72 bytes"));
    assert_eq!(hash(&["password", "--with", "argon2"], &"a".repeat(73)).0, Some(0));
}
