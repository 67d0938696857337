//! Rules on the text of all files: places, hosts, line numbers in documents, wire cases.

use std::collections::BTreeSet;

use crate::source::{Fault, File};

/// No path of one person's machine.
pub fn machine_paths(file: &File) -> Vec<Fault> {
    let found = |line: &str| MACHINE_PATHS.iter().find(|path| names_path(line, path)).copied();
    by_line(file, |line| found(line).map(|path| format!("names `{path}`")))
}

/// No registry or mirror by its host: the lock files name only the default registry.
pub fn registry_hosts(file: &File) -> Vec<Fault> {
    let is_lock = file.path.ends_with(".lock");
    by_line(file, |line| {
        if is_lock && line.starts_with("source = ") && line != DEFAULT_SOURCE {
            return Some("a source other than the default registry".to_owned());
        }
        let hosts = line.split("://").skip(1).map(host);
        let bad = hosts.into_iter().find(|host| REGISTRIES.iter().any(|part| host.contains(part)));
        bad.map(|host| format!("names the registry host `{host}`"))
    })
}

/// No settings that send builds elsewhere.
pub fn cargo_settings(file: &File) -> Vec<Fault> {
    if !file.path.contains(".cargo/") {
        return Vec::new();
    }
    by_line(file, |line| {
        let elsewhere = line.starts_with("[source") || line.starts_with("[registr");
        elsewhere.then(|| "settings that name a registry".to_owned())
    })
}

/// Documents name files, never line numbers.
pub fn line_numbers(file: &File) -> Vec<Fault> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    by_line(file, |line| {
        let cited = LINE_CITATIONS.iter().find(|mark| {
            let mut rests = line.split(*mark).skip(1);
            rests.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        cited.map(|_| "names a line number".to_owned())
    })
}

/// Every case under `tests/wire/` has an id, and no two of a file have the same.
pub fn wire_cases(file: &File) -> Vec<Fault> {
    if !file.path.starts_with("tests/wire/") || !file.path.ends_with(".toml") {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let fault = |line, what| Fault { path: file.path.clone(), line, what };
    let (mut cases_count, mut ids_count) = (0, 0);
    for (at, line) in file.text.lines().enumerate() {
        cases_count += usize::from(line.trim() == "[[case]]");
        let Some(id) = line.strip_prefix("id = ") else { continue };
        ids_count += 1;
        if !seen.insert(id) {
            faults.push(fault(at + 1, format!("the id {id} is there twice")));
        }
    }
    if cases_count == 0 || cases_count != ids_count {
        faults.push(fault(1, format!("{cases_count} cases with {ids_count} ids")));
    }
    faults
}

fn by_line(file: &File, mut rule: impl FnMut(&str) -> Option<String>) -> Vec<Fault> {
    let lines = file.text.lines().enumerate();
    let faults = lines.filter_map(|(at, line)| {
        rule(line).map(|what| Fault { path: file.path.clone(), line: at + 1, what })
    });
    faults.collect()
}

fn names_path(line: &str, path: &str) -> bool {
    let starts = line.match_indices(path).map(|(at, _)| at);
    let is_root = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"./_-}*".contains(c))
    };
    starts.into_iter().any(is_root)
}

fn host(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_alphanumeric() && !".-_@".contains(c));
    &rest[..end.unwrap_or(rest.len())]
}

const MACHINE_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const REGISTRIES: [&str; 9] = [
    "crates.io",
    "pypi",
    "npmjs",
    "golang.org",
    "artifactory",
    "nexus",
    "mirror",
    "registry",
    "pythonhosted",
];
const DEFAULT_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
const LINE_CITATIONS: [&str; 5] = [".rs:", ".rs#L", " line ", " lines ", "#L"];

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn catches_a_machine_path() {
        assert_eq!(machine_paths(&file("a.md", concat!("see /wo", "rk/x"))).len(), 1);
        assert!(machine_paths(&file("a.md", concat!("docs/wo", "rk/x"))).is_empty());
    }

    #[test]
    fn catches_another_registry() {
        let lock = "source = \"registry+https://example.test/index\"";
        assert_eq!(registry_hosts(&file("Cargo.lock", lock)).len(), 1);
        assert!(registry_hosts(&file("Cargo.lock", DEFAULT_SOURCE)).is_empty());
        let url = concat!("https:", "//pypi.example.test/simple");
        assert_eq!(registry_hosts(&file("a.md", url)).len(), 1);
        assert!(registry_hosts(&file("a.md", "http://service-a:8080")).is_empty());
    }

    #[test]
    fn catches_settings_that_send_builds_elsewhere() {
        assert_eq!(cargo_settings(&file(".cargo/config.toml", "[source.x]")).len(), 1);
        assert!(cargo_settings(&file(".cargo/config.toml", "[alias]")).is_empty());
    }

    #[test]
    fn catches_a_line_number_in_a_document() {
        assert_eq!(line_numbers(&file("docs/a.md", "see `src/lib.rs:12`")).len(), 1);
        assert!(line_numbers(&file("docs/a.md", "frys.toml:12:3: routes[0]")).is_empty());
    }

    #[test]
    fn catches_two_wire_cases_of_one_id() {
        let suite = |text| file("tests/wire/a.toml", text);
        let twice = "[[case]]\nid = \"a\"\n[[case]]\nid = \"a\"\n";
        assert_eq!(wire_cases(&suite(twice)).len(), 1);
        assert_eq!(wire_cases(&suite("[[case]]\nid = \"a\"\n")).len(), 0);
        assert_eq!(wire_cases(&suite("[[case]]\nbytes = \"\"\n")).len(), 1);
    }
}
