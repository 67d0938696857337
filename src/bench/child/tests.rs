//! Real processes: each test names what it started and sees it gone.

use super::*;

use std::net::TcpListener;
use tempfile::TempDir;

/// A shell's child with its folder.
fn shell(script: &str, cores: &[usize]) -> (Child, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let launch = Launch {
        words: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        cores: cores.to_vec(),
        output: folder.path().join("output"),
    };
    (Child::start(&launch).expect("it starts"), folder)
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 10 s");
        park_timeout(POLL);
    }
}

/// Processes of a group that are not zombies.
fn members(group: u32) -> usize {
    let entries = fs::read_dir("/proc").expect("procfs").flatten();
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let stats = stats.filter_map(Stat::parse);
    stats.filter(|stat| stat.group == group && !stat.is_zombie).count()
}

#[test]
fn dropping_it_ends_all_of_its_group() {
    let (child, _folder) = shell("sleep 100 & sleep 100 & wait", &[]);
    let group = child.id();
    until("three processes run", || members(group) == 3);
    drop(child);
    until("none is left", || members(group) == 0);
}

#[test]
fn a_panic_ends_it_too() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let (child, _folder) = shell("sleep 100", &[]);
        sender.send(child.id()).expect("the test listens");
        panic!("on purpose");
    });
    let group = receiver.recv().expect("it started");
    thread.join().expect_err("it panicked");
    until("none is left", || members(group) == 0);
}

#[test]
fn one_that_ignores_the_polite_signal_is_ended_all_the_same() {
    let (child, folder) = shell("trap '' TERM; echo deaf; while :; do sleep 0.1; done", &[]);
    let group = child.id();
    let output = folder.path().join("output");
    until("it is deaf", || last_bytes(&output).is_ok_and(|words| words.contains("deaf")));
    child.stop();
    until("none is left", || members(group) == 0);
    assert!(!groups().live.contains(&group));
}

#[test]
fn one_that_ends_early_is_told_with_its_words() {
    let (mut child, _folder) = shell("echo no such file; exit 3", &[]);
    let port = Reserved::new().expect("a port");
    let fault = child.wait_for(port.address, Duration::from_secs(10)).expect_err("it ended");
    let text = fault.to_string();
    assert!(text.contains("exit status: 3") && text.contains("no such file"), "{text}");
    assert!(!child.is_running());
}

#[test]
fn one_that_does_not_listen_is_told() {
    let (mut child, _folder) = shell("sleep 100", &[]);
    let port = Reserved::new().expect("a port");
    let fault = child.wait_for(port.address, Duration::ZERO).expect_err("nobody listens");
    assert!(matches!(fault, ChildFault::Deaf(..)), "{fault}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    assert!(child.wait_for(address, Duration::from_secs(10)).is_ok());
}

#[test]
fn what_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("output");
    let launch = |words: &[&str]| Launch {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        cores: Vec::new(),
        output: output.clone(),
    };
    let fault = Child::start(&launch(&["/no/such/program"])).expect_err("there is none");
    assert!(fault.to_string().contains("cannot start `/no/such/program`"), "{fault}");
    assert!(matches!(Child::start(&launch(&[])), Err(ChildFault::NoProgram)));
}

#[test]
fn cpu_and_memory_of_all_its_processes_are_seen() {
    let (child, _folder) = shell("(while :; do :; done) & wait", &[]);
    until("it has used time", || child.usage().cpu_s >= 0.05);
    assert!(child.usage().memory_kib > 0);
    let group = child.id();
    assert_eq!(members(group), 2);
}

#[test]
fn it_runs_on_the_cores_it_was_given() {
    let core = crate::runtime::cores()[0];
    let script = "grep Cpus_allowed_list /proc/self/status; exec sleep 100";
    let (child, _folder) = shell(script, &[core]);
    until("it has said so", || child.last_words().contains("Cpus_allowed_list"));
    let words = child.last_words();
    assert!(words.ends_with(&format!("\t{core}")), "{words}");
}

#[test]
fn a_reserved_port_can_be_listened_on_beside_it() {
    let port = Reserved::new().expect("a port");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    socket.bind(&port.address.into()).expect("beside the reservation");
    socket.listen(1).expect("it listens");
    assert!(TcpStream::connect(port.address).is_ok());
    assert!(TcpListener::bind(port.address).is_err(), "nobody else is given it");
}

#[test]
fn names_with_parentheses_are_read_over() {
    let text = "7 (a) b) (c)) S 1 42 42 0 -1 0 0 0 0 0 5 6 7 8 20 0 1 0 0 0 0".to_owned();
    let stat = Stat::parse(text).expect("a line");
    assert_eq!((stat.group, stat.ticks, stat.is_zombie), (42, 26, false));
    assert!(Stat::parse("7 (a".to_owned()).is_none());
    assert!(Stat::parse(String::new()).is_none());
}

#[test]
fn a_folder_is_its_users_and_goes() {
    use std::os::unix::fs::PermissionsExt;

    let (one, other) = (Folder::new().expect("a folder"), Folder::new().expect("another"));
    assert_ne!(one.path(), other.path());
    let mode = fs::metadata(one.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    fs::write(one.path().join("file"), "x").expect("it can be written to");
    let path = one.path().to_owned();
    drop(one);
    assert!(!path.exists() && other.path().exists());
}
