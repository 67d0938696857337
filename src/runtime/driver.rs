//! What stands under the sockets: the kernel's ring, or a simulated network in its place.

use std::time::Duration;

use crate::memory::{Block, Slot};

use super::Errno;
use super::descriptor::Descriptor;
use super::file::Folder;
use super::operation::{Address, Completion, Owner, Part, Work};
use super::ring::{Counts, Ring};
use super::simulated::Simulated;
use super::socket::Ends;

pub(crate) enum Driver {
    Ring(Box<Ring>),
    /// Tests and `__simulation` only; elsewhere the type has no value.
    #[allow(dead_code)]
    Simulated(Simulated),
}

impl Driver {
    /// Starts `work` on `descriptor`.
    ///
    /// # Errors
    /// `ENOBUFS` when the table of operations is full.
    pub(crate) fn start(
        &mut self,
        owner: Owner,
        descriptor: &Descriptor,
        work: Work,
    ) -> Result<Slot, Errno> {
        match self {
            Driver::Ring(ring) => ring.start(owner, descriptor, work),
            Driver::Simulated(simulated) => simulated.start(owner, descriptor, work),
        }
    }

    /// Opens a socket and starts connecting it to `address`.
    ///
    /// # Errors
    /// No descriptor is left, the address has no such family, or the table is full.
    pub(crate) fn connect(&mut self, owner: Owner, address: &Address) -> Result<Slot, Errno> {
        match self {
            Driver::Ring(ring) => {
                let (descriptor, target) = Descriptor::for_address(address)?;
                ring.connect(owner, descriptor, target)
            }
            Driver::Simulated(simulated) => simulated.connect(owner, address),
        }
    }

    /// Starts opening what `path`, which ends with a NUL, names below `folder`.
    ///
    /// # Errors
    /// `EINVAL` without the NUL, `ENOBUFS` when the table of operations is full.
    pub(crate) fn open(
        &mut self,
        owner: Owner,
        folder: &Folder,
        path: Block,
    ) -> Result<Slot, Errno> {
        match self {
            Driver::Ring(ring) => ring.open(owner, folder.clone(), path),
            Driver::Simulated(simulated) => simulated.open(owner, path),
        }
    }

    /// Starts reading a part of a file behind what `block` holds.
    ///
    /// # Errors
    /// `ENOBUFS` when the table of operations is full.
    pub(crate) fn read(
        &mut self,
        owner: Owner,
        file: &Descriptor,
        block: Block,
        part: Part,
    ) -> Result<Slot, Errno> {
        match self {
            Driver::Ring(ring) => ring.read(owner, file, block, part),
            Driver::Simulated(simulated) => simulated.read(owner, file, block, part),
        }
    }

    /// Starts moving a part of a file into a pipe.
    ///
    /// # Errors
    /// `ENOBUFS` when the table of operations is full; `EINVAL` when simulated, without pipes.
    pub(crate) fn fill(
        &mut self,
        owner: Owner,
        file: &Descriptor,
        ends: Ends,
        part: Part,
    ) -> Result<Slot, Errno> {
        match self {
            Driver::Ring(ring) => ring.fill(owner, file, ends, part),
            Driver::Simulated(_) => Err(Errno(libc::EINVAL)),
        }
    }

    /// Asks for an operation to end soon; its completion still comes.
    pub(crate) fn cancel(&mut self, slot: Slot) {
        match self {
            Driver::Ring(ring) => ring.cancel(slot),
            Driver::Simulated(simulated) => simulated.cancel(slot),
        }
    }

    /// Cancels, and lets nobody hear of the outcome; what it yields is dropped.
    pub(crate) fn abandon(&mut self, slot: Slot) {
        match self {
            Driver::Ring(ring) => ring.abandon(slot),
            Driver::Simulated(simulated) => simulated.abandon(slot),
        }
    }

    pub(crate) fn close(&mut self, descriptor: Descriptor) {
        match self {
            Driver::Ring(ring) => ring.close(descriptor),
            Driver::Simulated(_) => drop(descriptor),
        }
    }

    /// Submits what is queued and waits at most `timeout` (`None`: as long as it takes) for a
    /// completion.
    pub(crate) fn enter(&mut self, timeout: Option<Duration>) {
        match self {
            Driver::Ring(ring) => ring.enter(timeout),
            Driver::Simulated(simulated) => simulated.enter(timeout),
        }
    }

    /// Submits what is queued without waiting; what it completes is heard after the next enter.
    pub(crate) fn submit(&mut self) {
        match self {
            Driver::Ring(ring) => ring.submit_queued(),
            // Started operations are under way at once there.
            Driver::Simulated(_) => {}
        }
    }

    /// The next answer; `None` until the next enter.
    pub(crate) fn next(&mut self) -> Option<Completion> {
        match self {
            Driver::Ring(ring) => ring.next(),
            Driver::Simulated(simulated) => simulated.next(),
        }
    }

    /// Virtual time; zero where time is real.
    pub(crate) fn simulated_now_ns(&self) -> u64 {
        match self {
            Driver::Ring(_) => 0,
            Driver::Simulated(simulated) => simulated.now_ns(),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        match self {
            Driver::Ring(ring) => ring.in_flight(),
            Driver::Simulated(simulated) => simulated.in_flight(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Driver::Ring(ring) => ring.counts,
            Driver::Simulated(simulated) => simulated.counts(),
        }
    }

    /// Every operation in flight: its key, its owner, and whether it was cancelled.
    pub(crate) fn owners(&self) -> Vec<(Slot, Owner, bool)> {
        match self {
            Driver::Ring(ring) => ring.owners().collect(),
            Driver::Simulated(simulated) => simulated.owners(),
        }
    }
}
