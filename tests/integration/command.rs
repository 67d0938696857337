//! The `frys` command itself: check, version, what a wrong file gives.

use std::process::Command;

use crate::support::gateway::{FRYS, frys_on, route_to};
use crate::support::{Gateway, run};

const GOOD: &str = "listen_addr = \"127.0.0.1:0\"\n\n[[routes]]\npath = \"/*\"\n\
    upstreams = [{ url = \"http://127.0.0.1:9\" }]\n";

fn check(name: &str, text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, out, error) = run(&mut frys_on(folder.path(), "check", name, text));
    (status, out + &error)
}

#[test]
fn check_takes_a_good_file() {
    let (status, said) = check("frys.toml", GOOD);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn check_takes_yaml_and_json() {
    let yaml = "listen_addr: \"127.0.0.1:8080\"\nroutes:\n  - path: \"/*\"\n    upstreams:\n      \
                - url: \"http://127.0.0.1:9\"\n";
    let (status, said) = check("frys.yaml", yaml);
    assert_eq!(status, Some(0), "{said}");
    let json = "{\"listen_addr\": \"127.0.0.1:8080\", \"routes\": [{\"path\": \"/*\", \
                \"upstreams\": [{\"url\": \"http://127.0.0.1:9\"}]}]}";
    let (status, said) = check("frys.json", json);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn check_names_every_fault_with_its_place() {
    let text = "listen_addr = \"127.0.0.1:8080\"\ndrain_timeout = 30\nlisten_adr = \"x\"\n\n\
                [[routes]]\npath = \"api\"\nupstreams = [{ url = \"ftp://a\" }]\n";
    let (status, said) = check("frys.toml", text);
    assert_eq!(status, Some(1), "{said}");
    for part in [
        "frys.toml:2:",
        "frys.toml:3:",
        "frys.toml:6:",
        "frys.toml:7:",
        "drain_timeout",
        "listen_addr",
        "routes[0].path",
        "routes[0].upstreams[0].url",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[test]
fn check_refuses_what_is_not_built() {
    let text = format!("{GOOD}retry = {{ tries = 2 }}\n");
    let (status, said) = check("frys.toml", &text);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("not built"), "{said}");
    assert!(said.contains("routes[0].retry"), "{said}");
}

#[test]
fn check_refuses_two_routes_that_tie() {
    let upstream = "upstreams = [{ url = \"http://127.0.0.1:9\" }]";
    let text = format!(
        "listen_addr = \"127.0.0.1:8080\"\n[[routes]]\npath = \"/a/{{x}}\"\n{upstream}\n\
         [[routes]]\npath = \"/a/{{y}}\"\n{upstream}\n"
    );
    let (status, said) = check("frys.toml", &text);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("routes[0]") || said.contains("routes[1]"), "{said}");
}

#[test]
fn check_says_that_a_file_is_missing() {
    let (status, out, error) =
        run(Command::new(FRYS).args(["check", "--config", "no-such-file.toml"]));
    assert_eq!(status, Some(1), "{out}{error}");
    assert!(error.contains("no-such-file.toml"), "{error}");
}

#[test]
fn run_refuses_a_wrong_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, _, error) = run(&mut frys_on(folder.path(), "run", "frys.toml", "routes = 3\n"));
    assert_eq!(status, Some(1), "{error}");
    assert!(error.contains("frys.toml:1:"), "{error}");
}

#[test]
fn run_has_colours_for_terminals_alone() {
    let gateway = Gateway::to(&[([127, 0, 0, 1], 9).into()]);
    let said = gateway.stderr();
    assert!(said.contains("listening"), "{said}");
    assert!(!said.contains('\x1b'), "{said}");
}

#[test]
fn run_names_the_log_that_cannot_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = "admin = { enabled = false }\naccess_log = { output = \"/nowhere/x.log\" }\n";
    let text = format!("{top}{GOOD}");
    let (status, _, said) = run(&mut frys_on(folder.path(), "run", "frys.toml", &text));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("/nowhere/x.log"), "{said}");
}

#[test]
fn run_tells_of_workers_without_a_core() {
    let upstream = route_to(&[([127, 0, 0, 1], 9).into()]);
    let gateway = Gateway::with_top("workers = [1023]", &upstream);
    assert!(gateway.stderr().contains("no such core"), "{}", gateway.stderr());
    let gateway = Gateway::with_top("workers = 1", &upstream);
    assert!(!gateway.stderr().contains("no such core"), "{}", gateway.stderr());
}

#[test]
fn run_says_that_an_address_is_taken() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = holder.local_addr().expect("bound");
    let folder = tempfile::tempdir().expect("a folder");
    let text = GOOD.replace("127.0.0.1:0", &address.to_string());
    let (status, _, error) = run(&mut frys_on(folder.path(), "run", "frys.toml", &text));
    assert_ne!(status, Some(0), "{error}");
    assert!(error.contains(&address.to_string()), "{error}");
}

#[test]
fn version_says_what_was_built() {
    let (status, out, error) = run(Command::new(FRYS).arg("--version"));
    assert_eq!(status, Some(0), "{error}");
    assert!(out.contains(env!("CARGO_PKG_VERSION")), "{out}");
    assert!(out.contains("linux"), "{out}");
    assert!(out.contains("http"), "{out}");
}

#[test]
fn an_unknown_subcommand_is_an_error() {
    let (status, _, error) = run(Command::new(FRYS).arg("fly"));
    assert_ne!(status, Some(0));
    assert!(error.contains("fly"), "{error}");
}
