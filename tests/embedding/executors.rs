//! No executor is forced on the program, and nothing of the process is taken.

use super::{PATIENCE, address_of, config, get, reserve, saying, started, until};
use frys_gateway::{Gateway, Running, StartError, Workers};

use std::fs;
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// From the check to the end, by the futures alone.
async fn whole_life(text: &'static str) -> Result<(), StartError> {
    let gateway = Gateway::new(config(vec![saying(text)])).await?;
    let mut running = gateway.launch()?;
    running.ready().await?;
    assert_eq!(get(address_of(&running), "/", "").body, text);
    running.handle().replace(config(vec![saying("another")])).await.expect("no fault");
    assert_eq!(get(address_of(&running), "/", "").body, "another");
    running.handle().drain();
    running.ended().await
}

#[test]
fn runs_without_an_executor() {
    let running = started(config(vec![saying("hello")]));
    assert_eq!(get(address_of(&running), "/", "").body, "hello");
    let handle = running.handle();
    let waiting = thread::spawn(move || running.wait());
    handle.drain();
    waiting.join().expect("no panic").expect("an orderly end");
}

#[tokio::test(flavor = "current_thread")]
async fn runs_on_a_tokio_of_one_thread() {
    whole_life("one").await.expect("an orderly end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_on_a_tokio_of_several_threads() {
    let task = tokio::spawn(whole_life("several"));
    task.await.expect("no panic").expect("an orderly end");
}

#[test]
fn runs_on_an_executor_of_the_program_s_own() {
    block_on(whole_life("own")).expect("an orderly end");
}

#[test]
fn dropping_the_future_of_start_stops_the_gateway() {
    let (_port, address) = reserve();
    let mut config = config(vec![saying("hello")]);
    config.listen_addr = address.to_string().parse().expect("an address");
    let gateway = Gateway::checked(config).expect("no fault");
    let mut serving = Box::pin(gateway.start());
    let mut context = Context::from_waker(Waker::noop());
    assert!(serving.as_mut().poll(&mut context).is_pending());
    until("it listens", || TcpStream::connect(address).is_ok());
    drop(serving);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_dropped_gateway_serves_nobody_whoever_has_a_handle() {
    let (_port, address) = reserve();
    let mut config = config(vec![saying("hello")]);
    config.listen_addr = address.to_string().parse().expect("an address");
    config.workers = Workers::Count(2);
    let running = started(config);
    let handle = running.handle();
    let mut kept: Vec<_> = (0..8).map(|_| TcpStream::connect(address).expect("it is")).collect();
    for client in &mut kept {
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        client.write_all(REQUEST).expect("it reads");
        assert!(client.read(&mut [0; 4096]).expect("it answers") > 0);
    }
    drop(running);
    assert!(TcpStream::connect(address).is_err());
    for client in &mut kept {
        // It may be told by the first byte that it sends, or by the answer to it.
        let _ = client.write_all(REQUEST);
        assert!(matches!(client.read(&mut [0; 4096]), Ok(0) | Err(_)));
    }
    assert_eq!(handle.stats().total.requests, 8);
}

#[test]
fn an_address_that_is_taken_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut config = config(vec![saying("hello")]);
    let address = taken.local_addr().expect("it is bound").to_string();
    config.listen_addr = address.parse().expect("an address");
    let gateway = Gateway::checked(config).expect("no fault");
    match block_on(gateway.start()) {
        Err(StartError::Listen { address: told, .. }) => assert_eq!(told, address),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_process_is_left_alone() {
    let before = of_the_process();
    let running = started(config(vec![saying("hello")]));
    assert_eq!(get(address_of(&running), "/", "").status, 200);
    assert_eq!(of_the_process(), before);
    // The program may still set the subscriber of its choice.
    assert!(!tracing::dispatcher::has_been_set());
    ended(running);
    assert_eq!(of_the_process(), before);
}

/// What all of a process shares and a library could change: which signals are caught, ignored and
/// blocked, the umask, the folder, and the priority of the thread that asked.
fn of_the_process() -> Vec<String> {
    let status = fs::read_to_string("/proc/thread-self/status").expect("procfs");
    let names = ["SigBlk:", "SigIgn:", "SigCgt:", "Umask:"];
    let lines = status.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    let mut found: Vec<String> = lines.map(str::to_owned).collect();
    assert_eq!(found.len(), names.len(), "{status}");
    found.push(format!("{:?}", std::env::current_dir()));
    let stat = fs::read_to_string("/proc/thread-self/stat").expect("procfs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    found.push(format!("nice {}", fields.split(' ').nth(16).expect("a number")));
    found
}

fn ended(running: Running) {
    running.handle().stop();
    running.wait().expect("an orderly end");
}

/// The simplest executor there is.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Woken(Thread, AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.1.store(true, Ordering::Release);
            self.0.unpark();
        }
    }
    let woken = Arc::new(Woken(thread::current(), AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Polled only when it was woken: a future that forgets to wake is found out.
        if woken.1.swap(false, Ordering::Acquire)
            && let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return value;
        }
        assert!(Instant::now() < deadline, "nobody wakes the future");
        thread::park_timeout(PATIENCE / 100);
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
