//! A network inside one runtime, in virtual time: clients, the worker under test and upstreams
//! are tasks of the same loop, and a seed decides how bytes travel.
//!
//! The socket code above is the one that runs on the ring; only the kernel is played. Time stands
//! still while anything is ready and then jumps to whatever comes next.

mod faults;
mod files;
mod network;
mod random;
mod state;

pub use faults::Faults;
pub use files::Planted;
pub use random::Random;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::memory::{Block, Slot};

use super::buffers::Buffers;
use super::clock::Clock;
use super::core::Core;
use super::descriptor::Descriptor;
use super::driver::Driver;
use super::file::Metadata;
use super::operation::{Address, Completion, Outcome, Owner, Part, Work};
use super::ring::Counts;
use super::{Errno, Listener, Options, Runtime};

use self::network::{Heard, Network};

/// What a simulation is: a seed, and what may go wrong.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decides every delay and every fault. The same seed gives the same run.
    pub seed: u64,
    /// How often what goes wrong.
    pub faults: Faults,
}

/// The driver's face of the network.
pub(crate) struct Simulated {
    network: Rc<RefCell<Network>>,
}

/// One end of a simulated connection, a simulated listener or file. Dropping it closes it.
pub(crate) struct End {
    network: Rc<RefCell<Network>>,
    id: Slot,
}

impl Runtime {
    /// A runtime over a simulated network.
    ///
    /// # Panics
    /// When the buffers cannot be mapped.
    pub fn simulated(options: &Options, simulation: Settings) -> Runtime {
        let buffers = Buffers::new(options.buffers_count, options.buffer_bytes)
            .expect("memory for the simulation's buffers");
        let network = Rc::new(RefCell::new(Network::new(simulation, buffers.clone())));
        let driver = Driver::Simulated(Simulated { network });
        Runtime::assemble(options, driver, buffers, Clock::simulated(), None)
    }

    /// Listens at an address of the simulated network.
    ///
    /// # Errors
    /// `EADDRINUSE` when somebody listens there.
    ///
    /// # Panics
    /// On a runtime that is not simulated.
    pub fn listen_simulated(&self, address: SocketAddr) -> Result<Listener, Errno> {
        let network = self.network();
        let id = network.borrow_mut().listen(Address::Tcp(address))?;
        Listener::new(&self.core, Descriptor::Simulated(End { network, id }))
    }

    /// Puts a file into the tree that every folder of this runtime shows, in place of what was
    /// there; one that is open keeps what it had.
    ///
    /// # Panics
    /// On a runtime that is not simulated.
    pub fn plant(&self, path: &str, planted: Planted) {
        self.network().borrow_mut().plant(path, planted);
    }

    /// Cuts a planted file, also where it is open; true where there is one.
    ///
    /// # Panics
    /// On a runtime that is not simulated.
    pub fn cut_planted(&self, path: &str, bytes: usize) -> bool {
        self.network().borrow_mut().cut_planted(path, bytes)
    }

    /// A number that stands for all that happened on the simulated network so far.
    ///
    /// # Panics
    /// On a runtime that is not simulated.
    pub fn trace_hash(&self) -> u64 {
        self.network().borrow().trace_hash()
    }

    /// Runs `look` after each turn: for invariants that hold between any two.
    pub fn after_turn(&self, look: impl Fn(&Runtime) + 'static) {
        self.core.after_turn.replace(Some(Rc::new(look)));
    }

    /// Listeners, ends of connections and files that are open on the simulated network.
    ///
    /// # Panics
    /// On a runtime that is not simulated.
    pub fn simulated_ends_count(&self) -> usize {
        self.network().borrow().ends_count()
    }

    fn network(&self) -> Rc<RefCell<Network>> {
        let core: &Core = &self.core;
        match &*core.driver.borrow() {
            Driver::Simulated(simulated) => Rc::clone(&simulated.network),
            Driver::Ring(_) => panic!("this runtime is not simulated"),
        }
    }
}

impl Simulated {
    pub(super) fn start(
        &mut self,
        owner: Owner,
        descriptor: &Descriptor,
        work: Work,
    ) -> Result<Slot, Errno> {
        match descriptor {
            Descriptor::Simulated(end) => self.network.borrow_mut().start(owner, end.id, work),
            Descriptor::Kernel(_) => Err(Errno::CLOSED),
        }
    }

    pub(super) fn connect(&mut self, owner: Owner, address: &Address) -> Result<Slot, Errno> {
        self.network.borrow_mut().connect(owner, address)
    }

    pub(super) fn open(&mut self, owner: Owner, path: Block) -> Result<Slot, Errno> {
        self.network.borrow_mut().open(owner, path)
    }

    pub(super) fn read(
        &mut self,
        owner: Owner,
        file: &Descriptor,
        block: Block,
        part: Part,
    ) -> Result<Slot, Errno> {
        match file {
            Descriptor::Simulated(end) => {
                self.network.borrow_mut().read(owner, end.id, block, part)
            }
            Descriptor::Kernel(_) => Err(Errno::CLOSED),
        }
    }

    pub(super) fn cancel(&mut self, slot: Slot) {
        self.network.borrow_mut().cancel(slot);
    }

    pub(super) fn abandon(&mut self, slot: Slot) {
        let mut network = self.network.borrow_mut();
        network.cancel(slot);
        network.disown(slot);
    }

    pub(super) fn enter(&mut self, timeout: Option<Duration>) {
        self.network.borrow_mut().enter(timeout);
    }

    pub(super) fn next(&mut self) -> Option<Completion> {
        let (owner, more, heard) = self.network.borrow_mut().next()?;
        let end = |id| Descriptor::Simulated(End { network: Rc::clone(&self.network), id });
        let outcome = match heard {
            Heard::Accepted(result) => Outcome::Accepted(result.map(end)),
            Heard::Connected(result) => Outcome::Connected(result.map(end)),
            Heard::Received(result) => Outcome::Received(result),
            Heard::Sent(result, work) => Outcome::Sent(result, work),
            Heard::Opened(result) => Outcome::Opened(result.map(end)),
            Heard::Read(result, block) => Outcome::Read(result, block),
        };
        Some(Completion { owner, more, outcome })
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.network.borrow().now_ns()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.network.borrow().in_flight()
    }

    pub(super) fn counts(&self) -> Counts {
        self.network.borrow().counts()
    }

    pub(super) fn owners(&self) -> Vec<(Slot, Owner, bool)> {
        self.network.borrow().owners()
    }
}

impl End {
    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        self.network.borrow().addresses(self.id).1
    }

    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.network.borrow().addresses(self.id).0
    }

    pub(super) fn metadata(&self) -> Result<Metadata, Errno> {
        self.network.borrow().metadata(self.id)
    }

    pub(super) fn shutdown_write(&self) {
        self.network.borrow_mut().shutdown_write(self.id);
    }

    pub(super) fn reset_on_close(&self) {
        self.network.borrow_mut().reset_on_close(self.id);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.network.borrow_mut().close(self.id);
    }
}

impl std::fmt::Debug for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "End({})", self.id.index())
    }
}

#[cfg(test)]
mod tests;
