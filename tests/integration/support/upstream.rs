//! Upstreams that follow a script and remember what they were sent.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::until;
use super::wire::{Wire, value};

/// One request as the upstream received it.
#[derive(Clone, Debug)]
pub struct Received {
    pub line: String,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    /// The head's bytes.
    pub head: Vec<u8>,
}

/// A server on loopback, one thread a connection; its threads' panics fail the test.
pub struct Upstream {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    received: Mutex<Vec<Received>>,
    streams: Mutex<Vec<TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopping: AtomicBool,
}

/// The script's side of one connection.
pub struct Peer {
    pub wire: Wire,
    /// Which connection this is, from 0.
    pub number: usize,
    shared: Arc<Shared>,
}

impl Upstream {
    /// Runs `script` for each connection.
    pub fn start(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            received: Mutex::new(Vec::new()),
            streams: Mutex::new(Vec::new()),
            threads: Mutex::new(Vec::new()),
            stopping: AtomicBool::new(false),
        });
        let (inside, script) = (Arc::clone(&shared), Arc::new(script));
        let acceptor = thread::spawn(move || accept(&listener, &inside, &script));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Answers each request with these bytes, after its whole body.
    pub fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |peer| {
            while peer.request().is_some() {
                peer.wire.send(&response);
            }
        })
    }

    /// Answers each request with 200 and this body.
    pub fn saying(body: &str) -> Self {
        let length = body.len();
        Self::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"))
    }

    /// What it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no script panicked").clone()
    }

    /// Waits for the request with this number, from 0.
    pub fn wait_for(&self, number: usize) -> Received {
        until("the upstream receives the request", 10, || self.received().get(number).cloned())
    }

    /// How many connections were made to it.
    pub fn connections_count(&self) -> usize {
        self.shared.streams.lock().expect("no script panicked").len()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for stream in self.shared.streams.lock().iter().flat_map(|streams| streams.iter()) {
            // It may be gone already; that is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor; if it does not listen any more, it needs no waking.
        let _ = TcpStream::connect(self.address);
        let acceptor = self.acceptor.take().map(JoinHandle::join);
        let threads = self.shared.threads.lock().map(|mut threads| std::mem::take(&mut *threads));
        let outcomes = threads.unwrap_or_default().into_iter().map(JoinHandle::join);
        let failed = outcomes.chain(acceptor).filter(Result::is_err).count();
        if !thread::panicking() {
            assert_eq!(failed, 0, "an upstream's script panicked");
        }
    }
}

impl Peer {
    /// Reads a whole request and remembers it; none where the gateway closed before its end.
    pub fn request(&mut self) -> Option<Received> {
        let mut request = self.request_head()?;
        (request.body, request.trailers) = self.wire.body(&request.fields, false)?;
        self.remember(&request);
        Some(request)
    }

    /// Reads a request's head alone; it is not remembered.
    pub fn request_head(&mut self) -> Option<Received> {
        let head = self.wire.head()?;
        Some(Received {
            line: head.line,
            fields: head.fields,
            body: Vec::new(),
            trailers: Vec::new(),
            head: head.raw,
        })
    }

    /// Adds a request to those received.
    pub fn remember(&self, request: &Received) {
        self.shared.received.lock().expect("no script panicked").push(request.clone());
    }

    /// Waits until the test ends or the gateway closes, reading nothing into a message.
    pub fn wait_for_end(&mut self) {
        self.wire.rest();
    }
}

impl Received {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        value(&self.fields, name)
    }

    /// The request's target.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

fn accept<S>(listener: &TcpListener, shared: &Arc<Shared>, script: &Arc<S>)
where
    S: Fn(&mut Peer) + Send + Sync + 'static,
{
    for (number, stream) in listener.incoming().enumerate() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let stream = stream.expect("a connection");
        let copy = stream.try_clone().expect("a socket can be cloned");
        shared.streams.lock().expect("no script panicked").push(copy);
        let (inside, script) = (Arc::clone(shared), Arc::clone(script));
        let run = move || {
            let mut peer = Peer { wire: Wire::over(stream), number, shared: inside };
            script(&mut peer);
            drop(peer.wire);
            // The test's copy keeps the socket open; the script's end is the connection's end.
            if let Some(copy) = peer.shared.streams.lock().expect("no panic").get(number) {
                // It may be gone already; that is as good.
                let _ = copy.shutdown(Shutdown::Both);
            }
        };
        shared.threads.lock().expect("no script panicked").push(thread::spawn(run));
    }
}
