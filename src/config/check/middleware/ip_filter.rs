//! Which client addresses may pass.

use super::super::{Faults, action};
use crate::config::{IpFilterConfig, path};
use crate::error::Fault;
use crate::limits;

/// `path` is where the filter stands.
pub(super) fn check(base: &str, found: &IpFilterConfig, faults: &mut Faults) {
    let IpFilterConfig { allow, deny, allow_file, deny_file, of: _ } = found;
    let key = |key: &str| path::join(base, key);
    let has_files = allow_file.is_some() || deny_file.is_some();
    if allow.is_empty() && deny.is_empty() && !has_files {
        faults.push(base, "everybody passes: write `allow` or `deny`");
    }
    for (name, networks) in [("allow", allow), ("deny", deny)] {
        if networks.len() > limits::IP_NETWORKS_COUNT_MAX {
            let most = limits::IP_NETWORKS_COUNT_MAX;
            faults.push(&key(name), format!("more than {most} networks"));
        }
        let inside =
            networks.iter().enumerate().filter(|(_, network)| network.trunc() != **network);
        for (index, network) in inside {
            let message = format!("`{network}` is an address inside a network, not the network");
            let nearest = Some(network.trunc().to_string());
            let place = path::element(&key(name), index);
            faults.add(Fault { nearest, ..Fault::new(place, message) });
        }
    }
    for (name, file) in [("allow_file", allow_file), ("deny_file", deny_file)] {
        if let Some(file) = file {
            action::absolute(&key(name), file, "a file", faults);
        }
    }
}
