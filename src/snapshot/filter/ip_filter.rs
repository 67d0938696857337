//! Which client addresses may pass.

use super::Place;
use crate::config::{self, AddressOf, Fault, IpFilterConfig};
use crate::http::networks::Networks;
use crate::limits;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::Path;

/// Which client addresses may pass.
#[derive(Debug, PartialEq, Eq)]
pub struct IpFilter {
    /// None: all that are not denied.
    allow: Option<Networks>,
    deny: Networks,
    /// The connection's address is looked at, whoever it speaks for.
    pub is_of_peer: bool,
}

impl IpFilter {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &IpFilterConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<IpFilter> {
        let mut networks = |key: &str, list: &[IpNet], file: Option<&Path>| {
            let mut networks = list.to_vec();
            match file.map_or(Ok(()), |file| read(file, &mut networks)) {
                Ok(()) => Some(networks),
                Err(message) => {
                    faults.push(Fault::new(format!("{}.{key}", place.path), message));
                    None
                }
            }
        };
        let allow = networks("allow_file", &config.allow, config.allow_file.as_deref());
        let deny = networks("deny_file", &config.deny, config.deny_file.as_deref());
        let (allow, deny) = (allow?, deny?);
        // A file without a line allows nobody: it was meant to name those that may pass.
        let has_allow = !config.allow.is_empty() || config.allow_file.is_some();
        Some(IpFilter {
            allow: has_allow.then(|| Networks::new(&allow)),
            deny: Networks::new(&deny),
            is_of_peer: config.of == AddressOf::Peer,
        })
    }

    /// Whether an address may pass. Over a Unix socket there is none: it is on no list.
    pub fn passes(&self, address: Option<IpAddr>) -> bool {
        match address {
            None => self.allow.is_none(),
            Some(address) => {
                let is_allowed = self.allow.as_ref().is_none_or(|allow| allow.contains(address));
                is_allowed && !self.deny.contains(address)
            }
        }
    }
}

/// Adds the networks of a file, one a line, with `#` before a remark.
fn read(path: &Path, networks: &mut Vec<IpNet>) -> Result<(), String> {
    let cannot = |error| format!("`{}` cannot be read: {error}", path.display());
    let most = limits::IP_FILE_BYTES_MAX;
    let bytes = config::read_file(path, most).map_err(cannot)?;
    if bytes.len() > most {
        return Err(format!("`{}` is longer than {most} bytes", path.display()));
    }
    // A file that is being written anew is empty for a moment: that must not let everybody pass.
    if bytes.is_empty() {
        let path = path.display();
        return Err(format!("`{path}` is empty: where no network is meant, say so behind a `#`"));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| format!("`{}` is not UTF-8", path.display()))?;
    let mut wrong = Vec::new();
    let mut wrong_count = 0;
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        match network(line) {
            Some(network) => networks.push(network),
            None if line.is_empty() => {}
            None => {
                wrong_count += 1;
                if wrong.len() < limits::IP_FILE_FAULTS_MAX {
                    let shown: String = line.chars().take(SHOWN_CHARACTERS_MAX).collect();
                    wrong.push(format!("line {number}: `{}`", shown.escape_debug()));
                }
            }
        }
        if networks.len() > limits::IP_NETWORKS_COUNT_MAX {
            let most = limits::IP_NETWORKS_COUNT_MAX;
            return Err(format!("`{}` makes it more than {most} networks", path.display()));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let more = match wrong_count - wrong.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    let lines = wrong.join(", ");
    Err(format!("`{}` has what is no network: {lines}{more}", path.display()))
}

/// Characters of a wrong line that are told: more than the longest network has.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// A network, or an address as the network of one.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatewayConfig;
    use std::path::PathBuf;

    fn compiled(config: &IpFilterConfig) -> Result<IpFilter, Vec<Fault>> {
        let mut faults = Vec::new();
        let whole = GatewayConfig::default();
        let extensions = crate::extension::Extensions::new();
        let place = Place { path: "ip_filter", config: &whole, extensions: &extensions };
        IpFilter::compile(config, &place, &mut faults).ok_or(faults)
    }

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| network(text).expect("a network")).collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        std::fs::write(&path, text).expect("a file");
        (folder, path)
    }

    fn passing(filter: &IpFilter, addresses: &[&str]) -> Vec<bool> {
        let passes = |text: &&str| filter.passes(Some(text.parse().expect("an address")));
        addresses.iter().map(passes).collect()
    }

    #[test]
    fn deny_goes_before_allow() {
        let config = IpFilterConfig {
            allow: networks(&["10.0.0.0/8", "fd00::/8"]),
            deny: networks(&["10.1.0.0/16", "fd00::1"]),
            ..IpFilterConfig::default()
        };
        let filter = compiled(&config).expect("a right one");
        let asked = ["10.0.0.1", "10.1.0.1", "11.0.0.1", "fd00::1", "fd00::2", "::ffff:10.0.0.1"];
        assert_eq!(passing(&filter, &asked), [true, false, false, false, true, true]);
        assert!(!filter.passes(None));
    }

    #[test]
    fn without_allow_all_pass_that_are_not_denied() {
        let config = IpFilterConfig { deny: networks(&["10.0.0.0/8"]), ..Default::default() };
        let filter = compiled(&config).expect("a right one");
        assert_eq!(passing(&filter, &["10.0.0.1", "::1", "192.0.2.1"]), [false, true, true]);
        assert!(filter.passes(None));
    }

    #[test]
    fn reads_a_list_with_remarks() {
        let (_folder, path) = file("# who we are\r\n10.0.0.0/8 # office\n\n  2001:db8::/32\n::1\n");
        let config = IpFilterConfig {
            allow: networks(&["192.0.2.1"]),
            allow_file: Some(path),
            ..Default::default()
        };
        let filter = compiled(&config).expect("a right one");
        let asked = ["10.0.0.1", "2001:db8::1", "::1", "192.0.2.1", "192.0.2.2"];
        assert_eq!(passing(&filter, &asked), [true, true, true, true, false]);
    }

    #[test]
    fn refuses_a_file_without_a_byte() {
        let (_folder, path) = file("");
        let config = IpFilterConfig { deny_file: Some(path), ..Default::default() };
        assert!(compiled(&config).expect_err("empty")[0].message.contains("is empty"));
    }

    #[test]
    fn a_file_of_remarks_allows_nobody() {
        let (_folder, path) = file("# nobody yet\n");
        let config = IpFilterConfig { allow_file: Some(path), ..Default::default() };
        assert_eq!(passing(&compiled(&config).expect("a right one"), &["10.0.0.1"]), [false]);
    }

    #[test]
    fn says_which_lines_are_wrong() {
        let wrong = "10.0.0.0/33\n".repeat(7);
        let (_folder, path) = file(&format!("10.0.0.0/8\n{wrong}"));
        let config = IpFilterConfig { deny_file: Some(path), ..Default::default() };
        let faults = compiled(&config).expect_err("a wrong one");
        assert_eq!(faults[0].path, "ip_filter.deny_file");
        let message = &faults[0].message;
        assert!(message.contains("line 2: `10.0.0.0/33`, line 3"), "{message}");
        assert!(message.ends_with("line 6: `10.0.0.0/33`, and 2 more"), "{message}");
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        for path in ["/nowhere/list", "/dev/null"] {
            let config = IpFilterConfig { allow_file: Some(path.into()), ..Default::default() };
            assert_eq!(compiled(&config).expect_err(path)[0].path, "ip_filter.allow_file");
        }
    }
}
