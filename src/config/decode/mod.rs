//! From a tree of nodes to a configuration, gathering every fault on the way.

mod fields;
mod values;
pub(crate) mod units;
mod secret;
mod gateway;
mod reload;
mod route;
mod condition;
mod version;
mod policy;
mod action;
mod middleware;
mod cluster;

use super::GatewayConfig;
use super::document::{Document, Placed};
use super::node::{Node, Place};
use super::path;
use crate::error::Fault;
use crate::limits;
use fields::Fields;
use std::path::PathBuf;

/// What becomes of a secret that cannot be had, or of which only its mask is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// It is a fault.
    Needed,
    /// Something stands for it, where nothing is served with it: what is shown, compared or
    /// explained.
    Guessed,
}

/// What a tree says.
pub(super) struct Decoded {
    pub(super) config: GatewayConfig,
    pub(super) faults: Vec<Fault>,
    /// What is taken, and would better be otherwise.
    pub(super) warnings: Vec<Fault>,
    /// Secrets that something stands for.
    pub(super) unknown: Vec<Fault>,
    /// The files that secrets were read from.
    pub(super) secret_files: Vec<PathBuf>,
}

/// Reads a tree. What is wrong is left at its default, so that the rest can be checked too. From
/// then on the document keeps its secrets to itself.
pub(super) fn gateway(document: &mut Document, secrets: Secrets) -> Decoded {
    let mut decoder = Decoder::new(secrets);
    let mut config = GatewayConfig::default();
    gateway::root(&mut decoder, document.root(), &mut config);
    document.hide(decoder.hidden);
    let faults = document.place_faults(decoder.faults);
    let warnings = document.place_faults(decoder.warnings);
    let unknown = document.place_faults(decoder.unknown);
    Decoded { config, faults, warnings, unknown, secret_files: decoder.secret_files }
}

/// Where the reading stands, and what was wrong so far.
pub(super) struct Decoder {
    path: String,
    secrets: Secrets,
    faults: Vec<Placed>,
    warnings: Vec<Placed>,
    unknown: Vec<Placed>,
    hidden: Vec<Place>,
    secret_files: Vec<PathBuf>,
}

impl Decoder {
    fn new(secrets: Secrets) -> Decoder {
        Decoder {
            path: String::new(),
            secrets,
            faults: Vec::new(),
            warnings: Vec::new(),
            unknown: Vec::new(),
            hidden: Vec::new(),
            secret_files: Vec::new(),
        }
    }

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
            self.faults.push(Placed::new(fault, place));
        }
    }

    /// Notes what is taken, and would better be otherwise.
    fn warn(&mut self, place: Place, message: &str) {
        if self.warnings.len() < limits::CONFIG_FAULTS_MAX {
            self.warnings.push(Placed::new(Fault::new(self.path.clone(), message), place));
        }
    }

    /// Notes a secret that something stands for.
    fn note_unknown(&mut self, place: Place, message: String) {
        if self.unknown.len() < limits::CONFIG_FAULTS_MAX {
            self.unknown.push(Placed::new(Fault::new(self.path.clone(), message), place));
        }
    }

    /// Keeps a value out of everything that is shown.
    fn hide(&mut self, node: &Node) {
        self.hidden.push(node.place);
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
