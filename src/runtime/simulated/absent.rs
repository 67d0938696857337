//! Stands for the simulation where it is not built: the same names, and no value of any of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use crate::memory::{Block, Slot};

use super::Errno;
use super::descriptor::Descriptor;
use super::file::Metadata;
use super::operation::{Address, Completion, Owner, Part, Work};
use super::ring::Counts;

pub(super) struct Simulated(Infallible);

#[derive(Debug)]
pub(super) struct End(Infallible);

impl Simulated {
    pub(super) fn start(&mut self, _: Owner, _: &Descriptor, _: Work) -> Result<Slot, Errno> {
        match self.0 {}
    }
    pub(super) fn connect(&mut self, _: Owner, _: &Address) -> Result<Slot, Errno> {
        match self.0 {}
    }
    pub(super) fn open(&mut self, _: Owner, _: Block) -> Result<Slot, Errno> {
        match self.0 {}
    }
    pub(super) fn read(
        &mut self,
        _: Owner,
        _: &Descriptor,
        _: Block,
        _: Part,
    ) -> Result<Slot, Errno> {
        match self.0 {}
    }
    pub(super) fn cancel(&mut self, _: Slot) {
        match self.0 {}
    }
    pub(super) fn abandon(&mut self, _: Slot) {
        match self.0 {}
    }
    pub(super) fn enter(&mut self, _: Option<Duration>) {
        match self.0 {}
    }
    pub(super) fn next(&mut self) -> Option<Completion> {
        match self.0 {}
    }
    pub(super) fn now_ns(&self) -> u64 {
        match self.0 {}
    }
    pub(super) fn in_flight(&self) -> usize {
        match self.0 {}
    }
    pub(super) fn counts(&self) -> Counts {
        match self.0 {}
    }
    pub(super) fn owners(&self) -> Vec<(Slot, Owner, bool)> {
        match self.0 {}
    }
}

impl End {
    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        match self.0 {}
    }
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match self.0 {}
    }
    pub(super) fn metadata(&self) -> Result<Metadata, Errno> {
        match self.0 {}
    }
    pub(super) fn shutdown_write(&self) {
        match self.0 {}
    }
    pub(super) fn reset_on_close(&self) {
        match self.0 {}
    }
}
