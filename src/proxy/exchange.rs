//! What one request carries along the stages: its two ends, its head, and the facts for the record.

mod edits;
mod held;
mod moving;
mod passage;

pub use edits::{Changes, OwnLines};
pub use held::{Full, Growing, HeldBody, Ledger};
pub use moving::{Deadline, Halt, Idle, Moving};
pub use passage::{Course, HeadChanges, Held, Kept, Passage, Quota, Visit};

use crate::bridge::reason::Reason;
use crate::bridge::stages::{Stage, Stages};
use crate::http::field::FieldId;
use crate::http::forwarded;
use crate::http::framing::Body;
use crate::http::head::{HeadIndex, RequestHead, Version, list};
use crate::http::method::Method;
use crate::limits;
use crate::router::path::Forward;
use crate::router::{MethodSet, Parameters, RouteId};
use crate::runtime::{Errno, Instant, Lease, Listener, Socket, Timer};
use crate::snapshot::{Action, ClusterId, Endpoint, EndpointId, Route, Timeouts, UpstreamId};

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::pools::Permit;
use super::worker::{Generation, Seat, Worker};

/// Received bytes that nobody took yet: at most one lease.
#[derive(Default)]
pub struct Input {
    lease: Option<Lease>,
}

impl Input {
    /// The bytes that were put back, else the next that arrive; `None` at the end of the stream.
    pub fn poll_next(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Lease>, Errno>> {
        match self.lease.take() {
            Some(lease) => Poll::Ready(Ok(Some(lease))),
            None => Poll::Ready(ready!(socket.poll_receive(context))),
        }
    }

    /// As [`Input::poll_next`], to be awaited. Dropping the future loses no byte.
    pub async fn next(&mut self, socket: &Socket) -> Result<Option<Lease>, Errno> {
        std::future::poll_fn(|context| self.poll_next(socket, context)).await
    }

    /// Keeps what is left of a lease for the next reader.
    pub fn put_back(&mut self, lease: Lease) {
        debug_assert!(self.lease.is_none());
        if !lease.is_empty() {
            self.lease = Some(lease);
        }
    }

    /// Whether no received byte waits here.
    pub fn is_empty(&self) -> bool {
        self.lease.is_none()
    }
}

/// Where clients come in: a listener of this worker.
pub struct Door {
    /// Its number among the gateway's addresses.
    pub number: u32,
    /// What accepts.
    pub listener: Listener,
    /// Whether the gateway no longer listens there, which its clients are told.
    pub closed: Rc<Cell<bool>>,
}

impl Door {
    /// An open one.
    pub fn new(number: u32, listener: Listener) -> Self {
        Self { number, listener, closed: Rc::default() }
    }

    /// Takes nobody in any more.
    pub fn close(&self) {
        self.closed.set(true);
        self.listener.close();
    }
}

/// The client's end: one accepted connection.
pub struct Client {
    /// Its socket.
    pub socket: Socket,
    /// Bytes received beyond what was understood.
    pub input: Input,
    /// Bounds what is awaited from the client, and from the upstream while a body goes up.
    pub timer: Timer,
    /// Bounds what is awaited from the upstream, and from the client while a body comes down.
    pub upstream_timer: Timer,
    /// Its address; `None` over a Unix socket.
    pub address: Option<SocketAddr>,
    /// Whether `trusted_proxies` names its address, so that what it says of its own client counts.
    pub trusted: bool,
    /// Its place among the worker's connections.
    pub seat: Seat,
    /// Whether the listener that took it in has been closed since.
    pub door_closed: Rc<Cell<bool>>,
    /// Requests that this connection has carried.
    pub requests_count: u64,
    /// Requests answered without a wait for bytes in between: the depth of the pipeline so far.
    pub pipelined_count: usize,
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(worker: &Rc<Worker>, socket: Socket, seat: Seat, door: &Door) -> Self {
        let address = socket.peer_address();
        Self {
            input: Input::default(),
            timer: worker.runtime.timer(),
            upstream_timer: worker.runtime.timer(),
            trusted: worker.trusts(address),
            address,
            seat,
            door_closed: door.closed.clone(),
            requests_count: 0,
            pipelined_count: 0,
            socket,
        }
    }

    /// Bytes that were queued for it since it connected, less what a broken connection did not
    /// take.
    pub fn given_bytes(&self) -> u64 {
        self.socket.sent_bytes() + self.socket.queued_bytes() as u64
    }

    /// The address that forwarding fields name; a Unix socket's peer is unspecified.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip().to_canonical())
    }
}

/// The upstream's end: one connection out of a pool or new.
pub struct Upstream {
    /// Its socket.
    pub socket: Socket,
    /// Bytes received beyond what was understood.
    pub input: Input,
    /// Its place among the open connections of its pool.
    pub permit: Permit,
    /// Whether it carried an exchange before this one.
    pub reused: bool,
}

/// What the record says of one exchange. All of it is known without a look at the head's bytes.
#[derive(Clone, Copy)]
pub struct Facts {
    /// The answer says why it is what it is: a trusted peer asked for that.
    pub tells_reason: bool,
    /// Counts the exchanges of the worker.
    pub number: u64,
    /// The canonical path is the received one.
    pub path_is_raw: bool,
    /// Which of both an upstream is sent, where the route does not rewrite it.
    pub forward: Forward,
    /// The place of the chosen cluster, where a route has several.
    pub share: usize,
    /// The request's method.
    pub method: Method,
    /// The client's version.
    pub version: Version,
    /// How the request's body ends.
    pub body: Body,
    /// Whether the client wants, and may have, another request on its connection.
    pub keep_alive: bool,
    /// `Expect: 100-continue` was asked for and no body byte has come yet.
    pub expects_continue: bool,
    /// How long the upstream said it keeps the connection (`Keep-Alive: timeout`).
    pub upstream_keeps_ns: u64,
    /// `TE: trailers` was asked for.
    pub wants_trailers: bool,
    /// The route, once found.
    pub route: Option<RouteId>,
    /// Whether the route has filters.
    pub is_filtered: bool,
    /// Whether a route was passed over by what a field says, so that `Vary` names it.
    pub varies: bool,
    /// Whether one of them may read the request's body.
    pub reads_request: bool,
    /// Whether one of them may read the answer's body.
    pub reads_answer: bool,
    /// The request's body was read whole before an upstream was picked.
    pub holds_request: bool,
    /// Methods that the path would allow, for the answer 405.
    pub allowed: MethodSet,
    /// The upstream of the last attempt.
    pub upstream: Option<UpstreamId>,
    /// The endpoint of the last attempt.
    pub endpoint: Option<(ClusterId, EndpointId)>,
    /// Attempts at an upstream.
    pub attempts_count: u8,
    /// Status that the client was sent; 0 before.
    pub status: u16,
    /// Status of the upstream's final answer; 0 where none came.
    pub upstream_status: u16,
    /// Why the exchange ended as it did.
    pub reason: Reason,
    /// The kernel's error number behind it; 0 where there is none.
    pub errno: i32,
    /// The length of the file of which a part was asked for that it does not have.
    pub file_bytes: u64,
    /// When the first byte of the request was seen.
    pub started: Instant,
    /// When the whole exchange must have ended, if it must.
    pub total_deadline: Option<Instant>,
    /// The stage to which the time goes now.
    pub stage: Stage,
    /// Since when it does.
    pub stage_at: Instant,
    /// Of a request whose short steps are timed: when the last one ended.
    pub sampled_at: Option<Instant>,
    /// When the head was complete, and what the route's filters wanted was done: from then on an
    /// upstream is looked for.
    pub ready_at: Instant,
    /// When the upstream's connection was ready.
    pub connected_at: Option<Instant>,
    /// When the answer's first byte arrived.
    pub first_byte_at: Option<Instant>,
    /// Body bytes from the client.
    pub bytes_in: u64,
    /// Body bytes to the client.
    pub bytes_out: u64,
    /// What the client's connection had been given before this exchange.
    pub given_before_bytes: u64,
    /// The end of the answer is the end of the connection: an answer that broke off would look
    /// whole unless the connection is reset.
    pub close_delimited: bool,
    /// A byte of a final answer was queued for the client, so no other answer can be.
    pub response_began: bool,
    /// The request's body was read to its end.
    pub request_complete: bool,
}

impl Facts {
    /// The facts of a request of which nothing is known yet.
    pub fn new(started: Instant) -> Self {
        Self {
            tells_reason: false,
            method: Method::GET,
            version: Version::Http11,
            body: Body::Empty,
            keep_alive: false,
            expects_continue: false,
            upstream_keeps_ns: u64::MAX,
            wants_trailers: false,
            number: 0,
            path_is_raw: true,
            forward: Forward::Raw,
            share: 0,
            route: None,
            is_filtered: false,
            varies: false,
            reads_request: false,
            reads_answer: false,
            holds_request: false,
            allowed: MethodSet::EMPTY,
            upstream: None,
            endpoint: None,
            attempts_count: 0,
            status: 0,
            upstream_status: 0,
            reason: Reason::Ok,
            errno: 0,
            file_bytes: 0,
            started,
            total_deadline: None,
            stage: Stage::Receive,
            stage_at: started,
            sampled_at: None,
            ready_at: started,
            connected_at: None,
            first_byte_at: None,
            bytes_in: 0,
            bytes_out: 0,
            given_before_bytes: 0,
            close_delimited: false,
            response_began: false,
            request_complete: true,
        }
    }
}

impl Facts {
    /// From `at` on the time goes to this stage; what went to the one before is counted.
    pub fn enter(&mut self, stages: &Stages, stage: Stage, at: Instant) {
        self.leave(stages, at);
        self.stage = stage;
        self.stage_at = at;
    }

    /// Counts what went to the present stage.
    pub fn leave(&self, stages: &Stages, at: Instant) {
        let spent_ns = at.nanos_since(self.stage_at);
        // Most heads come whole: that nobody waited for them is not worth counting.
        if self.stage != Stage::Receive || spent_ns > 0 {
            stages.record(self.stage, spent_ns);
        }
    }
}

/// The working memory of one request: taken from the worker's free list when its first byte
/// arrives and given back at its end, so that an idle client holds none.
pub struct Exchange {
    /// The request's head, copied out of the receive buffer so that no buffer is held meanwhile.
    pub head: Vec<u8>,
    /// Where the parts of `head` are.
    pub index: HeadIndex,
    /// The upstream's head, only where it came in pieces.
    pub response_head: Vec<u8>,
    /// Where the parts of the upstream's head are.
    pub response_index: HeadIndex,
    /// The canonical path, only where it differs from the raw one.
    pub path: Vec<u8>,
    /// Lines for the next head to be sent.
    pub lines: Vec<u8>,
    /// The target for the upstream, only where it is another than the received one.
    pub target: Vec<u8>,
    /// The `Host` for the upstream, only where the route has one of its own.
    pub host: Vec<u8>,
    /// The other end of the client's connection; none on a Unix socket.
    pub peer: Option<SocketAddr>,
    /// Whether what it says of its own client counts.
    pub is_trusted: bool,
    /// Path parameters, as ranges of the canonical path.
    pub parameters: Parameters,
    /// What the route's filters made of it.
    pub passage: Passage,
    /// The configuration that the request began with.
    pub generation: Rc<Generation>,
    /// What the record will say.
    pub facts: Facts,
}

impl Exchange {
    /// Empty working memory for a request that begins now.
    pub fn new(generation: Rc<Generation>, started: Instant) -> Self {
        Self {
            head: Vec::new(),
            index: HeadIndex::default(),
            response_head: Vec::new(),
            response_index: HeadIndex::default(),
            path: Vec::new(),
            lines: Vec::new(),
            target: Vec::new(),
            host: Vec::new(),
            peer: None,
            is_trusted: false,
            parameters: Parameters::default(),
            passage: Passage::default(),
            generation,
            facts: Facts::new(started),
        }
    }

    /// Makes the memory of an earlier request ready for a new one.
    pub fn renew(&mut self, generation: Rc<Generation>, started: Instant) {
        self.head.clear();
        self.index.clear();
        self.response_head.clear();
        self.response_index.clear();
        self.path.clear();
        self.lines.clear();
        self.target.clear();
        self.host.clear();
        self.generation = generation;
        self.facts = Facts::new(started);
    }

    /// Whether it is worth keeping: one large head must not keep its memory for ever.
    pub fn is_small(&self) -> bool {
        let heads_bytes = self.head.capacity() + self.response_head.capacity();
        let edited_bytes = self.lines.capacity() + self.target.capacity() + self.host.capacity();
        let passage = &self.passage;
        let filtered_bytes = passage.request.capacity() + passage.response.capacity();
        let bytes = heads_bytes + self.path.capacity() + edited_bytes + filtered_bytes;
        bytes <= limits::EXCHANGE_BYTES_KEPT_MAX
    }

    /// The bounds on this exchange's steps: the route's, once it is known.
    pub fn timeouts(&self) -> &Timeouts {
        match self.route() {
            Some(Route { action: Action::Split(split), .. }) => {
                &split.shares[self.facts.share].timeouts
            }
            Some(route) => &route.timeouts,
            None => &self.generation.snapshot.timeouts,
        }
    }

    /// The route, once found.
    pub fn route(&self) -> Option<&Route> {
        self.facts.route.map(|id| self.generation.snapshot.route(id))
    }

    /// Whose request it is: behind a trusted proxy the address that it tells. None over a Unix
    /// socket.
    pub fn client_address(&self) -> Option<IpAddr> {
        let peer = self.peer?.ip().to_canonical();
        Some(match self.is_trusted {
            true => forwarded::client(self.request(), peer, &self.generation.snapshot.trusted),
            false => peer,
        })
    }

    /// Whether the client's connection is encrypted: it ends at a trusted proxy that says so.
    pub fn is_encrypted(&self) -> bool {
        // Of several proxies the first one has the client.
        let said = || self.request().first(FieldId::XForwardedProto).unwrap_or_default();
        self.is_trusted && list(said()).next().is_some_and(|one| one.eq_ignore_ascii_case(b"https"))
    }

    /// Bytes of the longest request body that is taken.
    pub fn body_bytes_max(&self) -> u64 {
        let of_route = self.route().map_or(u64::MAX, |route| route.body_bytes_max);
        // Memory of a request without filters has none of another's.
        let of_filters = self.passage.body_bytes_max.filter(|_| self.facts.is_filtered);
        of_filters.map_or(of_route, |bytes| bytes.min(of_route))
    }

    /// The address of the last attempt's endpoint.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        let (cluster, endpoint) = self.facts.endpoint?;
        Some(self.generation.cluster(cluster).endpoint(endpoint))
    }

    /// The request's head.
    pub fn request(&self) -> RequestHead<'_> {
        RequestHead::new(&self.head, &self.index)
    }
}

/// What the log tells of a head that was not understood: its first line as it came, in part where
/// it is long.
pub fn first_line(head: &[u8]) -> &[u8] {
    let line = head.split(|byte| byte.is_ascii_control()).next().unwrap_or_default();
    line.get(..LINE_BYTES_MAX).unwrap_or(line)
}

/// Bytes of a refused request's first line that the log tells.
const LINE_BYTES_MAX: usize = 256;
