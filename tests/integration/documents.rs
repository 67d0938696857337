//! What the command does with configuration files: several of them, secrets, forms, differences.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::gateway::FRYS;
use crate::support::run;

const TOP: &str = "include = [\"conf.d/*.toml\"]\nlisten_addr = \"127.0.0.1:0\"\n";
const ROUTE: &str =
    "[[routes]]\nid = \"a\"\npath = \"/*\"\nupstreams = [{ url = \"http://127.0.0.1:9\" }]\n";

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

fn frys(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(Command::new(FRYS).current_dir(folder).args(arguments))
}

#[test]
fn check_reads_all_files() {
    let folder = folder(&[("frys.toml", TOP), ("conf.d/a.toml", ROUTE), ("conf.d/b.toml", "")]);
    let (status, said, error) = frys(folder.path(), &["check", "--config", "frys.toml"]);
    assert_eq!(status, Some(0), "{error}");
    assert!(said.contains("1 route"), "{said}");
}

#[test]
fn the_example_of_a_whole_setup_passes() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
    let mut command = Command::new(FRYS);
    command.current_dir(folder).args(["check", "--config", "api-gateway.toml"]);
    let (status, said, error) = run(command.env("JWT_SECRET", "x".repeat(32)));
    assert_eq!((status, error.as_str()), (Some(0), ""));
    assert!(said.contains("5 routes"), "{said}");
    let nine = include_str!("../configuration/promised/short.toml");
    let (_, route) = nine.split_once("[[routes]]\n").expect("a route");
    let whole = include_str!("../../examples/api-gateway.toml");
    assert!(whole.ends_with(route), "it has the nine lines of the README");
    let (status, _, error) = run(command.env_remove("JWT_SECRET"));
    assert_eq!(status, Some(1));
    assert!(error.contains("JWT_SECRET: it is not set"), "{error}");
}

#[test]
fn check_names_both_files_of_a_tie() {
    let other = ROUTE.replace("id = \"a\"", "id = \"b\"");
    let folder = folder(&[("frys.toml", TOP), ("conf.d/a.toml", ROUTE), ("conf.d/b.toml", &other)]);
    let (status, _, said) = frys(folder.path(), &["check", "--config", "frys.toml"]);
    assert_eq!(status, Some(1), "{said}");
    for part in ["conf.d/b.toml:3:8: routes[1].path", "conf.d/a.toml:3:8: ", "3 | path = \"/*\""] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert_eq!(said.matches("^^^^").count(), 2, "{said}");
}

#[test]
fn check_tells_programs_of_faults() {
    let wrong = ROUTE.replace("upstreams", "upstraems");
    let folder = folder(&[("frys.toml", TOP), ("conf.d/a.toml", &wrong)]);
    let arguments = ["check", "--config", "frys.toml", "--format", "json"];
    let (status, said, error) = frys(folder.path(), &arguments);
    assert_eq!((status, error.as_str()), (Some(1), ""));
    let faults: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let fault = &faults[0];
    assert_eq!(fault["file"], "conf.d/a.toml");
    assert_eq!(fault["line"], 4);
    assert_eq!(fault["column"], 1);
    assert_eq!(fault["end"], serde_json::json!({ "line": 4, "column": 10 }));
    assert_eq!(fault["path"], "routes[0].upstraems");
    assert_eq!(fault["nearest"], "upstreams");
    assert_eq!(fault["severity"], "fault");
    assert_eq!(fault["related"], serde_json::Value::Null);
}

#[test]
fn secrets_come_from_where_they_are() {
    let headers = "[routes.request_headers.set]\nX-A = { env = \"FRYS_TEST_TOKEN\" }\n\
                   X-B = { file = \"token\" }\nX-C = { credential = \"name\" }\n";
    let text = format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}{headers}");
    let folder = folder(&[("frys.toml", &text), ("token", "b\n"), ("credentials/name", "c")]);
    let check = || {
        let mut command = Command::new(FRYS);
        command.current_dir(folder.path()).args(["check", "--config", "frys.toml"]);
        command.env("FRYS_TEST_TOKEN", "a").env("CREDENTIALS_DIRECTORY", "credentials");
        command
    };
    let (status, _, said) = run(&mut check());
    assert_eq!(status, Some(0), "{said}");
    let (status, _, said) = run(check().env_remove("FRYS_TEST_TOKEN"));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("routes[0].request_headers.set.X-A.env"), "{said}");
    assert!(said.contains("FRYS_TEST_TOKEN: it is not set"), "{said}");
    let (status, _, said) = run(check().env_remove("CREDENTIALS_DIRECTORY"));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("LoadCredential="), "{said}");
}

#[test]
fn check_warns_of_a_secret_in_the_file() {
    let headers = "[routes.request_headers.set]\nAuthorization = \"Bearer hush\"\n";
    let text = format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}{headers}");
    let folder = folder(&[("frys.toml", &text)]);
    let (status, _, said) = frys(folder.path(), &["check", "--config", "frys.toml"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("warning: frys.toml:7:17: "), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn fmt_writes_files_in_their_place() {
    let untidy = "# why\nlisten_addr='127.0.0.1:80'\n";
    let folder = folder(&[("frys.toml", untidy), ("b.json", "{\"a\":1}")]);
    let path = folder.path().join("frys.toml");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("a mode");
    std::os::unix::fs::symlink("frys.toml", folder.path().join("link.toml")).expect("a link");
    let files = ["link.toml", "b.json"];
    let (status, said, _) = frys(folder.path(), &["fmt", "--check", files[0], files[1]]);
    assert_eq!((status, said.as_str()), (Some(1), "link.toml\nb.json\n"));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), untidy);
    let (status, said, error) = frys(folder.path(), &["fmt", files[0], files[1]]);
    assert_eq!(status, Some(0), "{said}{error}");
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, "# why\nlisten_addr = \"127.0.0.1:80\"\n");
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let link = std::fs::symlink_metadata(folder.path().join("link.toml")).expect("a link");
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 3);
    let (status, said, _) = frys(folder.path(), &["fmt", "--check", files[0], files[1]]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
}

#[test]
fn fmt_leaves_a_wrong_file_alone() {
    let folder = folder(&[("a.toml", "a = \n"), ("b.toml", "b=1")]);
    let (status, _, said) = frys(folder.path(), &["fmt", "a.toml", "b.toml"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("a.toml:1:"), "{said}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    assert_eq!((read("a.toml").as_str(), read("b.toml").as_str()), ("a = \n", "b = 1\n"));
}

#[test]
fn fmt_reads_standard_input() {
    let folder = folder(&[("in", "a:   1\n")]);
    let input = std::fs::File::open(folder.path().join("in")).expect("a file");
    let mut command = Command::new(FRYS);
    command.args(["fmt", "-", "--format", "yaml"]).stdin(Stdio::from(input));
    let (status, said, error) = run(&mut command);
    assert_eq!((status, said.as_str()), (Some(0), "a: 1\n"), "{error}");
    let (status, _, error) = run(Command::new(FRYS).args(["fmt", "-"]).stdin(Stdio::null()));
    assert_eq!(status, Some(2));
    assert!(error.contains("--format"), "{error}");
}

#[test]
fn diff_says_what_would_change() {
    let text = format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}");
    let other = format!("workers = 1\n{}", text.replace("127.0.0.1:9", "127.0.0.1:10"));
    let folder = folder(&[("a.toml", &text), ("b.toml", &other), ("c.toml", "routes = 3")]);
    let (status, said, _) = frys(folder.path(), &["diff", "a.toml", "a.toml"]);
    assert_eq!((status, said.as_str()), (Some(0), "nothing changes\n"));
    let (status, said, _) = frys(folder.path(), &["diff", "a.toml", "b.toml"]);
    let want = "setting `workers` changes (needs a restart)\n  \
                workers: \"auto\" (the default) becomes 1\nroute `a` changes\n  \
                upstreams[http://127.0.0.1:9] is removed\n  \
                upstreams[http://127.0.0.1:10] is added\n";
    assert!(status == Some(1) && said.starts_with(want), "{said}");
    let (status, said, _) = frys(folder.path(), &["diff", "--format", "json", "a.toml", "b.toml"]);
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((status, found["can_reload"].as_bool()), (Some(1), Some(false)));
    assert_eq!(found["parts"][1]["keys"][0]["key"], "upstreams[http://127.0.0.1:9]");
    let (status, _, said) = frys(folder.path(), &["diff", "a.toml", "c.toml"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("c.toml:1:10"), "{said}");
}

/// What reads the output may end first, as `head` does: that is no panic and no fault.
#[test]
fn a_reader_that_left_is_no_fault() {
    let folder = folder(&[("frys.toml", &format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}"))]);
    for arguments in [
        &["schema"][..],
        &["check", "--config", "frys.toml", "--format", "json"],
        &["explain", "--config", "frys.toml", "http://a/"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(FRYS);
        command.current_dir(folder.path()).args(arguments).stdout(writer).stderr(Stdio::piped());
        let done = command.spawn().and_then(|child| child.wait_with_output()).expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn fmt_leaves_a_file_to_its_owner() {
    let folder = folder(&[("frys.toml", "a=1\n")]);
    let path = folder.path().join("frys.toml");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("a mode");
    if std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).is_err() {
        eprintln!("left out: only root gives files away");
        return;
    }
    let (status, _, error) = frys(folder.path(), &["fmt", "frys.toml"]);
    assert_eq!(status, Some(0), "{error}");
    let found = std::fs::metadata(&path).expect("a file");
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (65_534, 65_534, 0o640));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "a = 1\n");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn what_cannot_be_written_is_no_success() {
    let text = format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}");
    let folder = folder(&[("a.toml", &text)]);
    for arguments in [
        &["schema"][..],
        &["check", "--config", "a.toml"],
        &["diff", "a.toml", "a.toml"],
        &["explain", "--config", "a.toml", "http://a/"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let mut command = Command::new(FRYS);
        command.current_dir(folder.path()).args(arguments).stdout(Stdio::from(full));
        let ended = command.stderr(Stdio::piped()).output().expect("it runs");
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("cannot write"), "{arguments:?}");
    }
}

#[test]
fn check_looks_for_folders() {
    let top = "listeners = [{ address = \"unix:/nowhere/x.sock\" }]\n\
               access_log = { output = \"/nowhere/x.log\" }\n\
               reload = { last_known_good = \"/nowhere/x.json\" }\n\
               admin = { address = \"0.0.0.0:9901\" }\n";
    let here = top.replace("unix:/nowhere/x.sock", "127.0.0.1:0").replace("/nowhere/x.log", "/x");
    let [top, here] = [format!("{top}{ROUTE}"), format!("{here}{ROUTE}")];
    let folder = folder(&[("a.toml", &top), ("b.toml", &here)]);
    let (status, _, said) = frys(folder.path(), &["check", "--config", "a.toml"]);
    assert_eq!(status, Some(1), "{said}");
    for part in ["a.toml:1:26: listeners[0].address: there is no folder", "a.toml:2:25: access_log"]
    {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(said.contains("2 faults found"), "{said}");
    let (status, _, said) = frys(folder.path(), &["check", "--config", "b.toml"]);
    assert_eq!(status, Some(0), "{said}");
    for part in ["warning: b.toml:4:21: admin.address: ", "warning: b.toml:3:30: reload.last_known"]
    {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    // Another machine's configuration can be looked at.
    let (status, _, said) = frys(folder.path(), &["diff", "a.toml", "a.toml"]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn a_wrong_name_of_a_field_is_told_once() {
    for (name, line) in [("X Y", "7:9"), ("X.Y", "7:9")] {
        let headers = format!("[routes.request_headers.set]\n{name:?} = \"$nothing\"\n");
        let text = format!("listen_addr = \"127.0.0.1:0\"\n{ROUTE}{headers}");
        let folder = folder(&[("a.toml", &text)]);
        let (status, _, said) = frys(folder.path(), &["check", "--config", "a.toml"]);
        assert_eq!(status, Some(1), "{said}");
        let start = format!("a.toml:{line}: routes[0].request_headers.set.{name:?}: ");
        assert!(said.starts_with(&start) && said.contains("1 fault found"), "{said}");
    }
}
