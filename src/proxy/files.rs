//! The answer of a route that serves files: the path becomes a name below the route's folder, the
//! file is opened and answered, whole or in part.

mod head;

use crate::bridge::reason::Reason;
use crate::bridge::stages::Stage;
use crate::http::media_type;
use crate::http::method::Method;
use crate::limits;
use crate::memory::Block;
use crate::router::MethodSet;
use crate::runtime::{Errno, File, Folder, Kind, Metadata, Part, Segment, Side};
use crate::snapshot::{Action, FileName, Files, NameFault};

use super::exchange::{Client, Deadline, Exchange, Halt, Idle, Moving};
use super::failure::Failure;
use super::worker::Worker;

/// Answers a request with a file.
///
/// # Errors
/// [`Reason::MethodNotAllowed`] for other methods than GET and HEAD; why there is no file to serve;
/// conditions that do not hold; the client or the disk failed.
pub async fn run(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
) -> Result<(), Failure> {
    let facts = &mut exchange.facts;
    if worker.is_draining() || !facts.request_complete {
        facts.keep_alive = false;
    }
    if !matches!(facts.method, Method::GET | Method::HEAD) {
        facts.allowed = MethodSet::READING;
        return Err(Failure::new(Reason::MethodNotAllowed));
    }
    exchange.readdress(worker)?;
    let now = worker.runtime.now();
    exchange.facts.enter(&worker.block.stages, Stage::File, now);
    let at = now.plus_ns(exchange.timeouts().first_byte_ns);
    let deadline = Deadline::new(exchange, at);
    client.upstream_timer.set(deadline.at);
    let found = client.upstream_timer.limit(find(worker, exchange)).await;
    match found {
        Ok(Ok(Found::File(found))) => answer(worker, client, exchange, &found, deadline).await,
        Ok(Ok(Found::Folder)) => head::to_folder(worker, client, exchange),
        Ok(Err(missed)) => Err(missed.failure(exchange)),
        Err(_) => Err(overdue(exchange, deadline)),
    }
}

/// What a path leads to.
enum Found {
    File(Opened),
    /// The path lacks its trailing slash.
    Folder,
}

/// A regular file that is open.
struct Opened {
    file: File,
    metadata: Metadata,
    content_type: &'static str,
}

/// Why there is nothing to serve.
enum Missed {
    /// No file has that name: others may be tried.
    Absent,
    Forbidden,
    Failed(Errno),
}

impl Missed {
    fn failure(self, exchange: &mut Exchange) -> Failure {
        Failure::new(match self {
            Missed::Absent => Reason::FileNotFound,
            Missed::Forbidden => Reason::FileForbidden,
            Missed::Failed(errno) => {
                exchange.facts.errno = errno.0;
                Reason::FileFailed
            }
        })
    }

    fn of(errno: Errno) -> Missed {
        match errno.0 {
            // ENXIO is what a socket answers to being opened.
            libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG | libc::ENXIO => Missed::Absent,
            // The way leaves the folder, or goes in circles or through links of the kernel's own.
            libc::EACCES | libc::EPERM | libc::EXDEV | libc::ELOOP => Missed::Forbidden,
            _ => Missed::Failed(errno),
        }
    }
}

/// The file that the request's path names, its index, or what stands for what is not there.
async fn find(worker: &Worker, exchange: &Exchange) -> Result<Found, Missed> {
    let route = exchange.route().map(|route| &route.action);
    // `route::find` sends requests of other routes elsewhere.
    let Some(Action::Files(files)) = route else { return Err(Missed::Absent) };
    let Some(folder) = exchange.generation.folders.get(files.folder.0 as usize) else {
        return Err(Missed::Absent);
    };
    let path = exchange.canonical_path();
    let named = files.named(&exchange.target, path);
    let mut block = worker.runtime.blocks().take();
    let found = match files.write_name(named, &mut block) {
        Ok(FileName::Folder) if named.ends_with(b"/") || path.ends_with(b"/") => {
            index(worker, files, folder, &block).await.map(Found::File)
        }
        Ok(FileName::Folder) => return Ok(Found::Folder),
        Ok(FileName::File) => match open(worker, folder, block).await {
            Ok(opened) if opened.metadata.kind == Kind::Folder && !path.ends_with(b"/") => {
                return Ok(Found::Folder);
            }
            Ok(opened) => opened.regular().map(Found::File),
            Err(missed) => Err(missed),
        },
        Err(NameFault::Absent) => Err(Missed::Absent),
        Err(NameFault::Forbidden) => Err(Missed::Forbidden),
    };
    match (found, &files.fallback) {
        (Err(Missed::Absent), Some(fallback)) => {
            let block = named_as(worker, b"", fallback);
            open(worker, folder, block).await?.regular().map(Found::File)
        }
        (found, _) => found,
    }
}

/// The first of the files that stand for a folder. `folder_path` is empty or ends with a slash.
async fn index(
    worker: &Worker,
    files: &Files,
    folder: &Folder,
    folder_path: &[u8],
) -> Result<Opened, Missed> {
    for name in &files.index {
        match open(worker, folder, named_as(worker, folder_path, name)).await {
            Ok(opened) if opened.metadata.kind == Kind::Folder => {}
            Ok(opened) => return opened.regular(),
            Err(Missed::Absent) => {}
            Err(missed) => return Err(missed),
        }
    }
    Err(Missed::Absent)
}

fn named_as(worker: &Worker, folder_path: &[u8], name: &[u8]) -> Block {
    let mut block = worker.runtime.blocks().take();
    block.extend_from_slice(folder_path);
    block.extend_from_slice(name);
    block
}

async fn open(worker: &Worker, folder: &Folder, mut path: Block) -> Result<Opened, Missed> {
    let content_type = media_type::of_path(&path);
    path.push(0);
    let file = worker.runtime.open(folder, path).await.map_err(Missed::of)?;
    let metadata = file.metadata().map_err(Missed::Failed)?;
    Ok(Opened { file, metadata, content_type })
}

impl Opened {
    fn regular(self) -> Result<Opened, Missed> {
        match self.metadata.kind {
            Kind::Regular => Ok(self),
            Kind::Folder => Err(Missed::Absent),
            Kind::Other => Err(Missed::Forbidden),
        }
    }
}

fn overdue(exchange: &mut Exchange, deadline: Deadline) -> Failure {
    if !deadline.total {
        exchange.facts.errno = libc::ETIMEDOUT;
    }
    Failure::new(deadline.reason(Reason::FileFailed))
}

/// Queues head and body. What one read brings goes with the head, so that a disk that fails can
/// still be told.
async fn answer(
    worker: &Worker,
    client: &mut Client,
    exchange: &mut Exchange,
    opened: &Opened,
    deadline: Deadline,
) -> Result<(), Failure> {
    let body = head::judge(worker, exchange, opened)?;
    let (mut block, is_chunk) = match body.bytes {
        // A block that grew far would not be kept.
        bytes if bytes > limits::COPY_BYTES_MAX as u64 => (worker.runtime.chunks().take(), true),
        _ => (worker.runtime.blocks().take(), false),
    };
    head::write(worker, exchange, opened, &body, &mut block)?;
    let room_bytes = if is_chunk { block.capacity() - block.len() } else { limits::COPY_BYTES_MAX };
    let is_long = body.bytes >= limits::FILE_TRANSFER_BYTES_MIN;
    let first_bytes = if is_long { 0 } else { body.bytes.min(room_bytes as u64) };
    if first_bytes > 0 {
        let head_bytes = block.len();
        let part = Part { offset: body.offset, bytes: u32::try_from(first_bytes).unwrap_or(0) };
        let read = client.upstream_timer.limit(opened.file.read(block, part)).await;
        block = match read {
            Ok(Ok(block)) => block,
            Ok(Err(errno)) => return Err(Missed::Failed(errno).failure(exchange)),
            Err(_) => return Err(overdue(exchange, deadline)),
        };
        if block.len() as u64 - head_bytes as u64 != first_bytes {
            // It became shorter since it was opened.
            return Err(Missed::Failed(Errno(libc::ENODATA)).failure(exchange));
        }
    }
    let facts = &mut exchange.facts;
    facts.response_began = true;
    facts.reason = Reason::FileServed;
    facts.status = body.status.code();
    facts.bytes_out = first_bytes;
    client.socket.push(Segment::Block(block));
    if body.bytes == first_bytes {
        return Ok(());
    }
    facts.enter(&worker.block.stages, Stage::Relay, worker.runtime.now());
    let rest = Rest { offset: body.offset + first_bytes, bytes: body.bytes - first_bytes };
    // In a box of its own: most clients are idle or ask for less, and need not have the room.
    Box::pin(send(worker, client, exchange, &opened.file, rest)).await
}

/// What is still to be sent of a file.
#[derive(Clone, Copy)]
struct Rest {
    offset: u64,
    bytes: u64,
}

/// Sends what did not fit beside the head.
async fn send(
    worker: &Worker,
    client: &Client,
    exchange: &mut Exchange,
    file: &File,
    rest: Rest,
) -> Result<(), Failure> {
    let pipe = worker.runtime.pipe();
    let timeouts = exchange.timeouts();
    let moving = Moving {
        worker,
        timer: &client.upstream_timer,
        idle: Idle { source_ns: timeouts.upstream_idle_ns, sink_ns: timeouts.client_body_idle_ns },
        total_deadline: exchange.facts.total_deadline,
        sink: &client.socket,
    };
    let transfer = file.send(&client.socket, rest.offset, rest.bytes, &pipe);
    let outcome = moving.run(transfer, &pipe).await;
    exchange.facts.bytes_out += pipe.moved_bytes();
    let (reason, errno) = match outcome {
        Ok(moved_bytes) if moved_bytes == rest.bytes => return Ok(()),
        // It became shorter since its length was told.
        Ok(_) => (Reason::FileFailed, libc::ENODATA),
        Err(Halt::Source(errno)) => (Reason::FileFailed, errno.0),
        Err(Halt::Sink) => (Reason::ClientClosed, 0),
        Err(Halt::Idle(Side::Source)) => (Reason::FileFailed, libc::ETIMEDOUT),
        Err(Halt::Idle(Side::Sink)) => (Reason::ClientWriteTimeout, 0),
        Err(Halt::Total) => (Reason::TotalTimeout, 0),
    };
    exchange.facts.errno = errno;
    Err(Failure::new(reason))
}
