//! What the machine must have for a configuration: it is looked at, and nothing is made or bound.

use super::check::addresses;
use super::{AccessLogOutput, GatewayConfig, ListenAddress};
use crate::error::Fault;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Folders without which it does not start here.
pub(crate) fn faults(config: &GatewayConfig) -> Vec<Fault> {
    let socket = |(key, address)| match address {
        &ListenAddress::Tcp(_) => None,
        ListenAddress::Unix(path) => Some((key, path.as_path())),
    };
    let log = config.access_log.as_ref().and_then(|log| match &log.output {
        AccessLogOutput::Stdout => None,
        AccessLogOutput::File(path) => Some(("access_log.output".to_owned(), path.as_path())),
    });
    let files = addresses(config).filter_map(socket).chain(log);
    files.filter_map(|(key, path)| Some(Fault::new(key, missing(path)?))).collect()
}

/// Folders without which something of it does not work here.
pub(crate) fn warnings(config: &GatewayConfig) -> Vec<Fault> {
    let missing = config.reload.last_known_good.as_deref().and_then(missing);
    let kept = missing.map(|what| {
        let message = format!("{what}, so no configuration will be kept");
        Fault::new("reload.last_known_good", message)
    });
    kept.into_iter().collect()
}

/// What is wrong with the folder of a file. One that may not be looked into may be the service's.
fn missing(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => None,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Ok(_) => Some(format!("`{}` is no folder", folder.display())),
        Err(_) => Some(format!("there is no folder `{}`", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AccessLogConfig, ListenerConfig};

    #[test]
    fn a_file_needs_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "").expect("a file");
        for (name, want) in
            [("x", None), ("no/x", Some("there is no folder")), ("file/x", Some("no folder"))]
        {
            let found = missing(&folder.path().join(name));
            assert_eq!(found.is_some(), want.is_some(), "{name}: {found:?}");
            assert!(found.unwrap_or_default().contains(want.unwrap_or("")), "{name}");
        }
    }

    #[test]
    fn names_the_keys_of_the_files() {
        let mut config = GatewayConfig::default();
        let address = ListenAddress::Unix("/nowhere/x.sock".into());
        config.listeners = vec![ListenerConfig { address: address.clone() }];
        config.admin.address = address;
        let output = AccessLogOutput::File("/nowhere/x.log".into());
        config.access_log = Some(AccessLogConfig { output, ..AccessLogConfig::default() });
        config.reload.last_known_good = Some("/nowhere/x.json".into());
        let paths = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.path);
        let found: Vec<String> = paths(faults(&config)).collect();
        assert_eq!(found, ["listeners[0].address", "admin.address", "access_log.output"]);
        assert_eq!(paths(warnings(&config)).collect::<Vec<_>>(), ["reload.last_known_good"]);
        config.admin.enabled = false;
        assert_eq!(faults(&config).len(), 2);
    }
}
