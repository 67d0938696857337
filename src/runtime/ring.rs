//! The kernel's ring: operations go in, completions come out, and what an operation needs stays
//! here until its last completion.
//!
//! The pointers that the kernel reads lead into the operation table's values: blocks and leases
//! (heap and mapped memory that does not move with its owner) and boxed vectors and addresses. A
//! value leaves the table only with the last completion of its operation, so that no pointer in
//! flight dangles. A ring that cannot get its operations back in time leaks them.
#![allow(unsafe_code)] // Entries of the ring carry addresses, and completions carry descriptors.

use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use io_uring::types::{Fd, OpenHow, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, Probe, cqueue, opcode, squeue};
use socket2::SockAddr;

use crate::limits;
use crate::memory::{Block, Slab, Slot};

use super::Errno;
use super::buffers::{Buffers, GROUP};
use super::descriptor::Descriptor;
use super::file::Folder;
use super::operation::{Completion, Outcome, Owner, Part, Readiness, Segment, Work};
use super::socket::Ends;

/// How completions of arrivals are brought to this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskRun {
    /// Only when this thread asks: `SINGLE_ISSUER` and `DEFER_TASKRUN`, Linux 6.1.
    Deferred,
    /// At this thread's next system call, without an interrupt: `COOP_TASKRUN`.
    Cooperative,
}

/// One thread's ring with the operations in flight on it.
pub(crate) struct Ring {
    /// Closed before anything that the kernel may touch is freed: see `drop`.
    uring: ManuallyDrop<IoUring>,
    operations: ManuallyDrop<Slab<Operation>>,
    buffers: ManuallyDrop<Buffers>,
    #[expect(clippy::vec_box, reason = "in flight, the kernel has their addresses")]
    vectors_free: Vec<Box<Vectors>>,
    reaped: VecDeque<cqueue::Entry>,
    task_run: TaskRun,
    pub(crate) counts: Counts,
}

/// Exact counts of what was asked of the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub enters: u64,
    pub entries: u64,
    pub completions: u64,
    /// Completions whose operation was no longer in the table. Stays zero.
    pub stale: u64,
}

struct Operation {
    owner: Owner,
    cancelled: bool,
    work: Work,
    /// What the entry points at besides the work's own bytes.
    pointed: Pointed,
}

enum Pointed {
    Nothing,
    Vectors(Box<Vectors>),
    Address {
        _address: Box<SockAddr>,
    },
    /// Of the file that is read.
    Part(Part),
}

/// The kernel's form of a list of segments.
struct Vectors {
    header: libc::msghdr,
    list: [libc::iovec; limits::SEGMENTS_PER_SEND_MAX],
}

/// The word on entries whose completion, if any comes, interests nobody: no slot makes it.
const IGNORED: u64 = 0;

/// All bytes or an error, and an error instead of a signal.
const SEND_FLAGS: i32 = libc::MSG_WAITALL | libc::MSG_NOSIGNAL;

/// How files are opened: to be read, without waiting for the other end of a FIFO, and only where
/// the way stays below the folder and does not lead through `/proc`'s links to what is open
/// elsewhere.
static HOW: OpenHow = OpenHow::new()
    .flags((libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY) as u64)
    .resolve(libc::RESOLVE_BENEATH | libc::RESOLVE_NO_MAGICLINKS);

/// Unused vectors kept for the next send of many segments.
const VECTORS_FREE_MAX: usize = 256;

impl Ring {
    /// Sets a ring up with the flags that were measured to pay, leaving off what the kernel
    /// refuses: first the layout without an index array (Linux 6.6), then deferred task running.
    pub(crate) fn new(
        entries_count: u32,
        operations_count_max: usize,
        buffers: &Buffers,
    ) -> Result<Ring, Errno> {
        let attempt = |task_run, plain| build(entries_count, task_run, plain);
        let refused = |error: &io::Error| error.raw_os_error() == Some(libc::EINVAL);
        let mut task_run = TaskRun::Deferred;
        let mut built = attempt(task_run, false);
        if built.as_ref().is_err_and(refused) {
            built = attempt(task_run, true);
        }
        if built.as_ref().is_err_and(refused) {
            task_run = TaskRun::Cooperative;
            built = attempt(task_run, true);
        }
        let uring = built.map_err(|error| Errno::of(&error))?;
        require_operations(&uring)?;
        // SAFETY: the ring keeps a clone of `buffers` until it is closed, see `drop`.
        unsafe { buffers.register(&uring.submitter()) }.map_err(|error| Errno::of(&error))?;
        Ok(Ring {
            uring: ManuallyDrop::new(uring),
            operations: ManuallyDrop::new(Slab::new(operations_count_max)),
            buffers: ManuallyDrop::new(buffers.clone()),
            vectors_free: Vec::with_capacity(VECTORS_FREE_MAX),
            reaped: VecDeque::new(),
            task_run,
            counts: Counts::default(),
        })
    }

    pub(crate) fn task_run(&self) -> TaskRun {
        self.task_run
    }

    /// Starts `work` on `descriptor`, which the caller keeps open or closes through
    /// [`Ring::close`].
    pub(crate) fn start(
        &mut self,
        owner: Owner,
        descriptor: &Descriptor,
        work: Work,
    ) -> Result<Slot, Errno> {
        self.insert(owner, descriptor.raw(), work, Pointed::Nothing)
    }

    /// Starts connecting `descriptor`, which the operation owns until it yields it.
    pub(crate) fn connect(
        &mut self,
        owner: Owner,
        descriptor: Descriptor,
        address: SockAddr,
    ) -> Result<Slot, Errno> {
        let pointed = Pointed::Address { _address: Box::new(address) };
        self.insert(owner, descriptor.raw(), Work::Connect(descriptor), pointed)
    }

    /// Starts opening what `path`, which ends with a NUL, names below `folder`.
    pub(crate) fn open(
        &mut self,
        owner: Owner,
        folder: Folder,
        path: Block,
    ) -> Result<Slot, Errno> {
        if path.last() != Some(&0) {
            return Err(Errno(libc::EINVAL));
        }
        let fd = folder.raw();
        self.insert(owner, fd, Work::Open { path, _folder: folder }, Pointed::Nothing)
    }

    /// Starts reading a part of a file behind what `block` holds. The caller keeps `file` open
    /// until the completion: where the bytes have to be waited for, the kernel looks at it again
    /// later.
    pub(crate) fn read(
        &mut self,
        owner: Owner,
        file: &Descriptor,
        mut block: Block,
        part: Part,
    ) -> Result<Slot, Errno> {
        block.reserve(part.bytes as usize);
        self.insert(owner, file.raw(), Work::Read(block), Pointed::Part(part))
    }

    /// Starts moving a part of a file, which the caller keeps open until the completion, into a
    /// pipe.
    pub(crate) fn fill(
        &mut self,
        owner: Owner,
        file: &Descriptor,
        ends: Ends,
        part: Part,
    ) -> Result<Slot, Errno> {
        self.insert(owner, file.raw(), Work::Fill(ends), Pointed::Part(part))
    }

    fn insert(
        &mut self,
        owner: Owner,
        fd: RawFd,
        work: Work,
        pointed: Pointed,
    ) -> Result<Slot, Errno> {
        let pointed = match &work {
            Work::SendMany(segments) => Pointed::Vectors(self.vectors(segments)),
            Work::Accept
            | Work::Receive
            | Work::ReceiveOnce
            | Work::Send(_)
            | Work::Connect(_)
            | Work::Poll(_)
            | Work::Open { .. }
            | Work::Read(_)
            | Work::Fill(_) => pointed,
        };
        let operation = Operation { owner, cancelled: false, work, pointed };
        let slot = self.operations.insert(operation).map_err(|_| Errno::NO_BUFFERS)?;
        // The entry is made from the value in its place, where it stays until it completes.
        let entry = match self.operations.get_mut(slot) {
            Some(operation) => operation.entry(Fd(fd)),
            None => return Err(Errno::NO_BUFFERS),
        };
        self.push(entry.user_data(slot.to_bits()));
        Ok(slot)
    }

    /// Asks for the operation to end soon; it ends with its completion, as ever.
    pub(crate) fn cancel(&mut self, slot: Slot) {
        let Some(operation) = self.operations.get_mut(slot) else { return };
        if operation.cancelled {
            return;
        }
        operation.cancelled = true;
        let entry = opcode::AsyncCancel::new(slot.to_bits()).build();
        self.push(entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(IGNORED));
    }

    /// Cancels, and lets nobody hear of the outcome.
    pub(crate) fn abandon(&mut self, slot: Slot) {
        self.cancel(slot);
        if let Some(operation) = self.operations.get_mut(slot) {
            operation.owner = Owner::Nobody;
        }
    }

    /// Closes behind the entries queued before, in the same enter.
    pub(crate) fn close(&mut self, descriptor: Descriptor) {
        match descriptor {
            Descriptor::Kernel(fd) => {
                let entry = opcode::Close::new(Fd(fd.into_raw_fd())).build();
                self.push(entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(IGNORED));
            }
            Descriptor::Simulated(_) => {}
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.operations.len()
    }

    /// Every operation in flight: its key, its owner, and whether it was cancelled.
    pub(crate) fn owners(&self) -> impl Iterator<Item = (Slot, Owner, bool)> {
        self.operations.iter().map(|(slot, one)| (slot, one.owner, one.cancelled))
    }

    /// Submits all that is queued and, unless `timeout` is zero, waits in the same call until a
    /// completion is there or the time is over.
    pub(crate) fn enter(&mut self, timeout: Option<Duration>) {
        let want = if timeout == Some(Duration::ZERO) || !self.reaped.is_empty() { 0 } else { 1 };
        let timespec = timeout.map(Timespec::from);
        match self.submit(want, timespec.as_ref()) {
            Ok(()) => {}
            // The wait ended early, or the kernel first wants completions taken off its hands.
            Err(libc::EINTR | libc::ETIME | libc::EBUSY | libc::EAGAIN) => {}
            Err(number) => panic!("io_uring_enter failed: {}", Errno(number)),
        }
        self.reap();
    }

    fn submit(&mut self, want: u32, timespec: Option<&Timespec>) -> Result<(), i32> {
        let queued = self.uring.submission().len() as u32;
        self.counts.enters += 1;
        let submitter = self.uring.submitter();
        let result = match timespec {
            Some(timespec) if want > 0 => {
                let arguments = SubmitArgs::new().timespec(timespec);
                let flags = EnterFlags::GETEVENTS | EnterFlags::EXT_ARG;
                // SAFETY: the argument is the one that EXT_ARG announces, and lives over the call.
                unsafe { submitter.enter(queued, want, flags.bits(), Some(&arguments)) }
            }
            Some(_) | None => {
                let flags = EnterFlags::GETEVENTS.bits();
                // SAFETY: without EXT_ARG the argument is a signal mask, and there is none.
                unsafe { submitter.enter::<libc::sigset_t>(queued, want, flags, None) }
            }
        };
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(Errno::of(&error).0),
        }
    }

    fn reap(&mut self) {
        self.reaped.extend(self.uring.completion());
    }

    /// The next answer that has an owner or frees something; `None` until the next enter.
    pub(crate) fn next(&mut self) -> Option<Completion> {
        while let Some(entry) = self.reaped.pop_front() {
            self.counts.completions += 1;
            if entry.user_data() == IGNORED {
                continue;
            }
            let slot = Slot::from_bits(entry.user_data());
            match slot.and_then(|slot| self.complete(slot, &entry)) {
                Some(completion) => return Some(completion),
                None => self.counts.stale += 1,
            }
        }
        None
    }

    fn complete(&mut self, slot: Slot, entry: &cqueue::Entry) -> Option<Completion> {
        let result = match entry.result() {
            number if number < 0 => Err(Errno(-number)),
            number => Ok(number as u32),
        };
        if cqueue::more(entry.flags()) {
            let operation = self.operations.get(slot)?;
            let outcome = match operation.work {
                Work::Accept => accepted(result),
                Work::Receive => self.received(entry.flags(), result),
                // None of these answers twice.
                Work::ReceiveOnce
                | Work::Send(_)
                | Work::SendMany(_)
                | Work::Connect(_)
                | Work::Poll(_)
                | Work::Open { .. }
                | Work::Read(_)
                | Work::Fill(_) => return None,
            };
            return Some(Completion { owner: operation.owner, more: true, outcome });
        }
        let operation = self.operations.remove(slot)?;
        match operation.pointed {
            Pointed::Vectors(vectors) => self.keep(vectors),
            Pointed::Nothing | Pointed::Address { .. } | Pointed::Part(_) => {}
        }
        let outcome = match operation.work {
            Work::Accept => accepted(result),
            Work::Receive | Work::ReceiveOnce => self.received(entry.flags(), result),
            work @ (Work::Send(_) | Work::SendMany(_)) => {
                Outcome::Sent(result.map(|bytes| bytes as usize), work)
            }
            Work::Connect(descriptor) => Outcome::Connected(result.map(|_| descriptor)),
            Work::Poll(readiness) => Outcome::Ready(readiness),
            Work::Open { .. } => Outcome::Opened(result.map(descriptor)),
            Work::Read(block) => read(result, block),
            Work::Fill(ends) => Outcome::Filled(result.map(|bytes| bytes as usize), ends),
        };
        Some(Completion { owner: operation.owner, more: false, outcome })
    }

    fn received(&self, flags: u32, result: Result<u32, Errno>) -> Outcome {
        let id = cqueue::buffer_select(flags);
        // SAFETY: this completion says which buffer the kernel gave away, and how far it wrote.
        let lease = id.map(|id| unsafe { self.buffers.lease(id, result.unwrap_or(0)) });
        Outcome::Received(result.map(|bytes| lease.filter(|_| bytes > 0)))
    }

    fn push(&mut self, entry: squeue::Entry) {
        self.counts.entries += 1;
        loop {
            // SAFETY: what the entry points at is in the operation table until it completes, and
            // entries that point at nothing need nothing.
            if unsafe { self.uring.submission().push(&entry) }.is_ok() {
                return;
            }
            self.submit_queued();
        }
    }

    /// Hands the queue over in mid-turn: it is full, or somebody must know when it left.
    #[cold]
    pub(crate) fn submit_queued(&mut self) {
        match self.submit(0, None) {
            Ok(()) | Err(libc::EINTR) => {}
            Err(libc::EBUSY | libc::EAGAIN) => self.reap(),
            Err(number) => panic!("io_uring_enter failed: {}", Errno(number)),
        }
    }

    fn vectors(&mut self, segments: &[Segment]) -> Box<Vectors> {
        let mut vectors = self.vectors_free.pop().unwrap_or_else(Vectors::empty);
        let mut count = 0;
        for (place, segment) in vectors.list.iter_mut().zip(segments) {
            let bytes = segment.as_slice();
            *place =
                libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            count += 1;
        }
        vectors.header.msg_iov = vectors.list.as_mut_ptr();
        vectors.header.msg_iovlen = count as _;
        vectors
    }

    fn keep(&mut self, vectors: Box<Vectors>) {
        if self.vectors_free.len() < VECTORS_FREE_MAX {
            self.vectors_free.push(vectors);
        }
    }

    /// Takes every operation back, waiting for the kernel a bounded time. True when none is left.
    fn drain(&mut self) -> bool {
        let slots: Vec<Slot> = self.operations.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.abandon(slot);
        }
        let deadline = Instant::now() + Duration::from_millis(limits::RING_DRAIN_MS_MAX);
        loop {
            self.enter(Some(if self.operations.is_empty() {
                Duration::ZERO
            } else {
                Duration::from_millis(1)
            }));
            while let Some(completion) = self.next() {
                drop(completion);
            }
            if self.operations.is_empty() || Instant::now() >= deadline {
                return self.operations.is_empty();
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // A panic on the way may have left the ring in any state; then nothing is freed.
        let empty = !std::thread::panicking() && self.drain();
        // SAFETY: dropped once, here, and not used again.
        unsafe { ManuallyDrop::drop(&mut self.uring) };
        if empty {
            // SAFETY: dropped once, here; the ring is closed and had nothing in flight.
            unsafe { ManuallyDrop::drop(&mut self.operations) };
            // SAFETY: as above.
            unsafe { ManuallyDrop::drop(&mut self.buffers) };
        }
    }
}

impl Operation {
    /// The entry for the work, pointing into `self`, which must be in its place already.
    fn entry(&mut self, fd: Fd) -> squeue::Entry {
        let part = match self.pointed {
            Pointed::Part(part) => part,
            Pointed::Nothing | Pointed::Vectors(_) | Pointed::Address { .. } => Part::NONE,
        };
        match &mut self.work {
            // Non-blocking for splice(2); the ring's own operations wait all the same.
            Work::Accept => {
                opcode::AcceptMulti::new(fd).flags(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK).build()
            }
            Work::Receive => opcode::RecvMulti::new(fd, GROUP).build(),
            Work::ReceiveOnce => opcode::Recv::new(fd, std::ptr::null_mut(), 0)
                .buf_group(GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT),
            Work::Send(segment) => {
                let bytes = segment.as_slice();
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                opcode::Send::new(fd, bytes.as_ptr(), length).flags(SEND_FLAGS).build()
            }
            Work::SendMany(_) => {
                let header = match &self.pointed {
                    Pointed::Vectors(vectors) => &raw const vectors.header,
                    Pointed::Nothing | Pointed::Address { .. } | Pointed::Part(_) => {
                        std::ptr::null()
                    }
                };
                opcode::SendMsg::new(fd, header).flags(SEND_FLAGS as u32).build()
            }
            Work::Connect(_) => match &self.pointed {
                Pointed::Address { _address: address } => {
                    opcode::Connect::new(fd, address.as_ptr().cast(), address.len()).build()
                }
                Pointed::Nothing | Pointed::Vectors(_) | Pointed::Part(_) => {
                    opcode::Connect::new(fd, std::ptr::null(), 0).build()
                }
            },
            Work::Poll(readiness) => {
                let events = match readiness {
                    Readiness::Readable => libc::POLLIN | libc::POLLRDHUP,
                    Readiness::Writable => libc::POLLOUT,
                };
                opcode::PollAdd::new(fd, events as u32).build()
            }
            Work::Open { path, .. } => opcode::OpenAt2::new(fd, path.as_ptr().cast(), &HOW).build(),
            Work::Read(block) => {
                let room = block.spare_capacity_mut();
                let bytes = u32::try_from(room.len()).unwrap_or(u32::MAX).min(part.bytes);
                opcode::Read::new(fd, room.as_mut_ptr().cast(), bytes).offset(part.offset).build()
            }
            Work::Fill(ends) => {
                let offset = i64::try_from(part.offset).unwrap_or(i64::MAX);
                opcode::Splice::new(fd, offset, Fd(ends.write_raw()), -1, part.bytes).build()
            }
        }
    }
}

impl Vectors {
    fn empty() -> Box<Vectors> {
        // SAFETY: both are C structures of integers and pointers, for which zero is a value.
        Box::new(unsafe { std::mem::zeroed() })
    }
}

fn accepted(result: Result<u32, Errno>) -> Outcome {
    Outcome::Accepted(result.map(descriptor))
}

/// What an accept or an open yielded.
fn descriptor(number: u32) -> Descriptor {
    // SAFETY: only called with the completion of an operation that made this descriptor for us.
    Descriptor::Kernel(unsafe { OwnedFd::from_raw_fd(number as RawFd) })
}

fn read(result: Result<u32, Errno>, mut block: Block) -> Outcome {
    let bytes = result.map(|bytes| bytes as usize);
    let filled_bytes = block.len() + bytes.unwrap_or(0);
    assert!(filled_bytes <= block.capacity(), "the kernel wrote past a block");
    // SAFETY: the entry pointed at the room behind the block's bytes, and the kernel wrote so many
    // there.
    unsafe { block.set_len(filled_bytes) };
    Outcome::Read(bytes, block)
}

fn build(entries_count: u32, task_run: TaskRun, plain: bool) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    // Multishot operations answer more often than they are asked: completions need more room.
    builder.setup_cqsize(entries_count.saturating_mul(limits::COMPLETIONS_PER_ENTRY));
    builder.setup_submit_all().setup_coop_taskrun().dontfork();
    if !plain {
        builder.setup_no_sqarray();
    }
    match task_run {
        TaskRun::Deferred => {
            builder.setup_single_issuer().setup_defer_taskrun();
        }
        TaskRun::Cooperative => {}
    }
    builder.build(entries_count)
}

/// Multishot receives cannot be probed for; zero-copy send came with the same kernel, 6.0.
fn require_operations(uring: &IoUring) -> Result<(), Errno> {
    let mut probe = Probe::new();
    uring.submitter().register_probe(&mut probe).map_err(|error| Errno::of(&error))?;
    let supported = probe.is_supported(opcode::SendZc::CODE);
    if supported { Ok(()) } else { Err(Errno(libc::ENOSYS)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Blocks;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn ring() -> (Ring, Buffers) {
        let buffers = Buffers::new(8, 4096).unwrap();
        (Ring::new(8, 64, &buffers).unwrap(), buffers)
    }

    fn pair() -> (Descriptor, UnixStream) {
        let (here, there) = UnixStream::pair().unwrap();
        (Descriptor::Kernel(here.into()), there)
    }

    /// Enters until a completion comes.
    fn wait(ring: &mut Ring) -> Completion {
        for _ in 0..1000 {
            ring.enter(Some(Duration::from_millis(10)));
            if let Some(completion) = ring.next() {
                return completion;
            }
        }
        panic!("no completion came");
    }

    #[test]
    fn bytes_of_a_cancelled_send_stay_until_its_completion() {
        let (mut ring, _buffers) = ring();
        let (descriptor, _there) = pair();
        let blocks = Blocks::new(1, 64);
        let mut block = blocks.take();
        block.resize(8 << 20, 7);
        let work = Work::SendMany(vec![Segment::Block(block), Segment::Static(b"tail")]);
        let slot = ring.start(Owner::Nobody, &descriptor, work).unwrap();
        // The peer does not read: the kernel has taken some bytes and waits for room.
        ring.enter(Some(Duration::from_millis(5)));
        ring.abandon(slot);
        assert_eq!(blocks.out_count(), 1);
        let completion = wait(&mut ring);
        assert!(matches!(&completion.outcome, Outcome::Sent(_, work) if work.bytes() > 8 << 20));
        assert_eq!(blocks.out_count(), 1);
        drop(completion);
        assert_eq!(blocks.out_count(), 0);
        assert_eq!(ring.in_flight(), 0);
    }

    #[test]
    fn a_buffer_that_a_cancelled_receive_took_comes_back() {
        let (mut ring, buffers) = ring();
        let (descriptor, mut there) = pair();
        let slot = ring.start(Owner::Nobody, &descriptor, Work::Receive).unwrap();
        ring.enter(Some(Duration::ZERO));
        there.write_all(b"late").unwrap();
        ring.abandon(slot);
        while ring.in_flight() > 0 {
            drop(wait(&mut ring));
        }
        assert_eq!(buffers.available(), 8);
        buffers.check().unwrap();
    }

    fn folder() -> Folder {
        let folder = std::fs::File::open("/proc").unwrap();
        Folder::new(std::sync::Arc::new(folder.into()))
    }

    fn named(blocks: &Blocks, path: &[u8]) -> Block {
        let mut block = blocks.take();
        block.extend_from_slice(path);
        block
    }

    #[test]
    fn a_descriptor_that_a_cancelled_open_yields_belongs_to_it() {
        let (mut ring, _buffers) = ring();
        let blocks = Blocks::new(1, 64);
        for is_submitted in [false, true] {
            let path = named(&blocks, b"version\0");
            let slot = ring.open(Owner::Nobody, folder(), path).unwrap();
            if is_submitted {
                ring.enter(Some(Duration::ZERO));
            }
            ring.abandon(slot);
            let completion = wait(&mut ring);
            assert_eq!(completion.owner, Owner::Nobody);
            let Outcome::Opened(opened) = completion.outcome else { panic!("another outcome") };
            let Ok(Descriptor::Kernel(fd)) = opened else { continue };
            let raw = std::os::fd::AsRawFd::as_raw_fd(&fd);
            drop(fd);
            assert!(std::fs::read_link(format!("/proc/self/fd/{raw}")).is_err());
        }
        assert_eq!((ring.in_flight(), blocks.out_count()), (0, 0));
    }

    #[test]
    fn a_path_without_its_nul_never_reaches_the_kernel() {
        let (mut ring, _buffers) = ring();
        let blocks = Blocks::new(1, 64);
        for path in [&b"version"[..], b""] {
            let refused = ring.open(Owner::Nobody, folder(), named(&blocks, path));
            assert_eq!(refused, Err(Errno(libc::EINVAL)));
        }
        assert_eq!((ring.in_flight(), blocks.out_count()), (0, 0));
    }

    #[test]
    fn a_block_that_a_cancelled_read_fills_stays_until_its_completion() {
        let (mut ring, _buffers) = ring();
        let blocks = Blocks::new(1, 64);
        // Nothing ever comes from this pipe: only the cancellation ends the read.
        let (reader, _writer) = io::pipe().unwrap();
        let descriptor = Descriptor::Kernel(reader.into());
        let part = Part { offset: 0, bytes: 1 << 20 };
        let slot = ring.read(Owner::Nobody, &descriptor, blocks.take(), part).unwrap();
        ring.enter(Some(Duration::from_millis(5)));
        ring.abandon(slot);
        assert_eq!(blocks.out_count(), 1);
        let completion = wait(&mut ring);
        assert!(matches!(&completion.outcome, Outcome::Read(Err(_), block) if block.is_empty()));
        drop(completion);
        assert_eq!((ring.in_flight(), blocks.out_count()), (0, 0));
    }

    #[test]
    fn a_stale_completion_reaches_nobody() {
        let (mut ring, _buffers) = ring();
        let (descriptor, mut there) = pair();
        let old = ring.start(Owner::Nobody, &descriptor, Work::Poll(Readiness::Readable)).unwrap();
        there.write_all(b"x").unwrap();
        drop(wait(&mut ring));
        let new = ring.start(Owner::Nobody, &descriptor, Work::Accept).unwrap();
        assert_eq!((old.index(), ring.counts.stale), (new.index(), 0));
        ring.push(opcode::Nop::new().build().user_data(old.to_bits()));
        let completion = wait(&mut ring);
        // Only the accept answered: a Unix stream socket that does not listen refuses it.
        assert!(matches!(completion.outcome, Outcome::Accepted(Err(Errno(libc::EINVAL)))));
        ring.enter(Some(Duration::ZERO));
        assert!(ring.next().is_none());
        assert_eq!(ring.counts.stale, 1);
    }

    #[test]
    fn the_ring_closes_before_what_it_uses_is_freed() {
        let (mut ring, buffers) = ring();
        let (descriptor, mut there) = pair();
        let blocks = Blocks::new(1, 64);
        let mut block = blocks.take();
        block.resize(8 << 20, 7);
        let send = Work::Send(Segment::Block(block));
        ring.start(Owner::Nobody, &descriptor, send).unwrap();
        ring.start(Owner::Nobody, &descriptor, Work::Receive).unwrap();
        ring.enter(Some(Duration::ZERO));
        there.write_all(b"in flight").unwrap();
        drop(ring);
        assert_eq!(blocks.out_count(), 0);
        assert_eq!(buffers.available(), 8);
    }

    #[test]
    fn a_full_table_refuses_and_keeps_nothing() {
        let buffers = Buffers::new(8, 4096).unwrap();
        let mut ring = Ring::new(8, 1, &buffers).unwrap();
        let (descriptor, _there) = pair();
        ring.start(Owner::Nobody, &descriptor, Work::Receive).unwrap();
        let refused = ring.start(Owner::Nobody, &descriptor, Work::Send(Segment::Static(b"x")));
        assert_eq!(refused, Err(Errno::NO_BUFFERS));
        assert_eq!(ring.in_flight(), 1);
    }

    #[test]
    fn a_ring_without_deferred_task_running_works_too() {
        assert!(build(8, TaskRun::Cooperative, true).is_ok());
        assert!(build(8, TaskRun::Deferred, true).is_ok());
    }
}
