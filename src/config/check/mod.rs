//! What a configuration must be beyond its types, for files and for Rust alike.

mod gateway;
mod observe;
mod cluster;
mod extension;
mod version;
mod route;
mod condition;
mod action;
mod middleware;

pub(super) use gateway::addresses;

use super::{GatewayConfig, path};
use crate::error::Fault;
use crate::limits;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Everything that is wrong with a configuration, apart from the patterns of its routes, which are
/// checked as they are compiled. Faults have key paths and no places.
pub fn check(config: &GatewayConfig) -> Vec<Fault> {
    let mut faults = Faults { faults: Vec::new() };
    gateway::check(config, &mut faults);
    observe::check(config, &mut faults);
    version::check(config, &mut faults);
    cluster::check(config, &mut faults);
    middleware::named(config, &mut faults);
    route::check(config, &mut faults);
    faults.faults
}

/// What is taken, and would better be otherwise.
pub(super) fn warnings(config: &GatewayConfig) -> Vec<Fault> {
    gateway::open_admin(config).into_iter().collect()
}

/// Whose keys are checked. Paths are made where there is a fault: a table of 100,000 routes has
/// none.
#[derive(Clone, Copy)]
enum Owner<'a> {
    Route(usize),
    Cluster(&'a str),
}

impl Owner<'_> {
    fn path(self) -> String {
        match self {
            Owner::Route(index) => path::element("routes", index),
            Owner::Cluster(name) => path::join("clusters", name),
        }
    }

    fn key(self, key: &str) -> String {
        path::join(&self.path(), key)
    }
}

/// Whether a text is a token (RFC 9110 section 5.6.2), as names of fields and methods are.
pub(super) fn is_token(text: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_byte)
}

struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    fn push(&mut self, path: &str, message: impl Into<String>) {
        self.add(Fault::new(path, message));
    }

    fn add(&mut self, fault: Fault) {
        if self.faults.len() < limits::CONFIG_FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    fn not_built(&mut self, base: &str, key: &str, is_used: bool) {
        if is_used {
            let message = format!("`{key}` is not built in this version");
            self.push(&path::join(base, key), message);
        }
    }

    /// Notes a number that is out of its range.
    fn range<T: PartialOrd + Display>(&mut self, path: &str, number: T, range: RangeInclusive<T>) {
        if !range.contains(&number) {
            let (low, high) = (range.start(), range.end());
            self.push(path, format!("{number} is not from {low} to {high}"));
        }
    }

    /// Notes a duration of zero or of more than any here; [`super::Timeouts::OFF`] is fine where
    /// `may_be_off`.
    fn duration(&mut self, path: &str, duration: Duration, may_be_off: bool) {
        let highest = Duration::from_secs(limits::DURATION_SECONDS_MAX);
        let is_off = duration == super::Timeouts::OFF;
        if is_off && may_be_off {
            return;
        }
        let off = if may_be_off { "; `\"none\"` is never" } else { "" };
        if duration.is_zero() {
            self.push(path, format!("a duration of zero would end everything at once{off}"));
        } else if duration > highest {
            self.push(path, format!("longer than 30 days{off}"));
        }
    }
}
