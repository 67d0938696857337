//! From a tree of nodes to a configuration, gathering every fault on the way.

mod fields;
mod values;
pub(crate) mod units;
mod gateway;
mod traffic;
mod reload;

use super::GatewayConfig;
use super::document::Document;
use super::node::{Node, Place};
use super::path;
use crate::error::Fault;
use crate::limits;
use fields::Fields;

/// Reads a tree. What is wrong is left at its default, so that the rest can be checked too.
pub(super) fn gateway(document: &Document) -> (GatewayConfig, Vec<Fault>) {
    let mut decoder = Decoder { path: String::new(), faults: Vec::new(), places: Vec::new() };
    let mut config = GatewayConfig::default();
    gateway::root(&mut decoder, document.root(), &mut config);
    let faults = document.place_faults(decoder.faults, &decoder.places);
    (config, faults)
}

/// Where the reading stands, and what was wrong so far.
pub(super) struct Decoder {
    path: String,
    faults: Vec<Fault>,
    /// By the index of the fault.
    places: Vec<Place>,
}

impl Decoder {
    /// Notes a fault of the key that is being read.
    fn fault(&mut self, place: Place, message: impl Into<String>) {
        self.push(place, Fault::new(self.path.clone(), message));
    }

    /// Notes a fault, with the known name that is nearest.
    fn fault_near(&mut self, place: Place, message: String, nearest: Option<&str>) {
        let nearest = nearest.map(str::to_owned);
        self.push(place, Fault { nearest, ..Fault::new(self.path.clone(), message) });
    }

    fn push(&mut self, place: Place, fault: Fault) {
        if self.faults.len() < limits::CONFIG_FAULTS_MAX {
            self.faults.push(fault);
            self.places.push(place);
        }
    }

    /// Reads something below a key.
    fn within_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Decoder) -> T) -> T {
        let length = self.path.len();
        path::push_key(&mut self.path, key);
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// Reads something below an index.
    fn within_index<T>(&mut self, index: usize, read: impl FnOnce(&mut Decoder) -> T) -> T {
        let length = self.path.len();
        path::push_index(&mut self.path, index);
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// “expected …, found …”.
    fn unexpected(&mut self, node: &Node, expected: &str) {
        self.fault(node.place, format!("expected {expected}, found {}", node.found()));
    }
}
