//! `docs/configuration.md` says what the reader reads.

use frys_gateway::config::{GatewayConfig, reference, written_defaults};
use std::path::Path;

use super::{LEAST, accept};

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, reference()).expect("the reference can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference(), "run `UPDATE=1 cargo test --test configuration`");
}

/// Writes every default of the reference into a file: it must change nothing.
#[test]
fn the_defaults_of_the_reference_are_those_of_the_reader() {
    let mut file = LEAST.to_owned();
    let mut tables = String::new();
    for (title, keys) in written_defaults() {
        let lines = keys.iter().map(|(name, default)| format!("{name} = {default}\n"));
        let lines: String = lines.collect();
        let table = title.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match table {
            None => file.push_str(&lines),
            Some(name) if !name.contains(['.', '[']) => {
                tables.push_str(&format!("[{name}]\n{lines}"));
            }
            // Tables in lists and under names need keys without defaults; `accepted` reads those.
            Some(_) => {}
        }
    }
    let mut config = accept(&format!("{file}{tables}"));
    let want = accept(LEAST);
    assert_eq!(config.effective_timeouts(), want.effective_timeouts());
    config.timeouts = want.timeouts;
    let log = config.access_log.take();
    assert_eq!(log, Some(Default::default()));
    assert_eq!(config, want);
    assert_eq!(
        GatewayConfig { routes: Vec::new(), ..want },
        GatewayConfig {
            listen_addr: "0.0.0.0:8080".parse().expect("an address"),
            ..Default::default()
        }
    );
}
