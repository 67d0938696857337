//! Documents say what the code does: the reference is the table of keys, the examples are right.

use super::{accept, refuse};
use frys_gateway::Gateway;
use frys_gateway::config::{Format, LoadBalancerType, reference};
use frys_gateway::control::logs::format::variable_names;
use std::path::{Path, PathBuf};

#[test]
fn the_reference_is_up_to_date() {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(REFERENCE), reference()).expect("the document can be written");
    }
    let document = std::fs::read_to_string(root().join(REFERENCE)).unwrap_or_default();
    let reference = reference();
    let differs = |(said, meant): &(&str, &str)| said != meant;
    let first = document.lines().zip(reference.lines()).find(differs);
    let fix = "`UPDATE=1 cargo test --locked --test configuration` writes it anew";
    assert!(document == reference, "{REFERENCE} differs: {first:?}; {fix}");
}

#[test]
fn the_reference_names_every_choice() {
    let reference = reference();
    let names = LoadBalancerType::ALL.iter().map(LoadBalancerType::name);
    for name in names.chain(variable_names()) {
        assert!(reference.contains(name), "{name}");
    }
}

#[test]
fn the_reference_shows_faults_as_they_are() {
    let shown = fenced(&reference(), "text").concat();
    let faults = refuse("[limits]\nfeilds = 64\n");
    let fault = faults.iter().find(|fault| fault.path == "limits.feilds").expect("a fault");
    assert_eq!(shown, format!("{fault}\n"));
}

/// Fences whose first word is a format hold whole configurations; a part of one says
/// `toml,fragment`, and one that names files or variables outside of it `toml,outside`: those are
/// held through the command, in `tests/integration/documents.rs`.
#[test]
fn examples_pass_the_check() {
    let mut examples_count = 0;
    for path in documents() {
        // The reference may be being written right now.
        let is_reference = path.ends_with(REFERENCE);
        let read = || std::fs::read_to_string(&path).expect("a document can be read");
        let text = if is_reference { reference() } else { read() };
        for (kind, format) in
            [("toml", Format::Toml), ("yaml", Format::Yaml), ("json", Format::Json)]
        {
            for example in fenced(&text, kind) {
                examples_count += 1;
                let name = path.display().to_string();
                if let Err(error) = Gateway::from_text(&example, format, &name) {
                    panic!("an example of {name} is refused:\n{error}\n\n{example}");
                }
            }
        }
    }
    assert!(examples_count >= 3, "only {examples_count} examples were found");
}

/// Parts of a configuration are right with what they leave out around them.
#[test]
fn parts_of_the_reference_pass_the_check() {
    let parts = fenced(&reference(), "toml,fragment");
    assert!(!parts.is_empty(), "no part was found");
    let upstreams = "upstreams = [{ url = \"http://a\" }]";
    for part in parts {
        let clusters = format!("[clusters.api]\n{upstreams}\n[clusters.api-next]\n{upstreams}\n");
        accept(&format!("listen_addr = \"127.0.0.1:8080\"\n{part}\n{clusters}"));
    }
}

#[test]
fn fences_are_found_wherever_they_are_indented() {
    let text = "```toml\na = 1\n```\n- list\n  ```toml\n  b = 1\n\n    c = 1\n  ```\n\
                ```toml,fragment\nd = 1\n```\n```\ne\n```\n";
    assert_eq!(fenced(text, "toml"), ["a = 1\n", "b = 1\n\n  c = 1\n"]);
}

/// The README and everything below `docs/`.
fn documents() -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![root().join("README.md")], vec![root().join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of documents") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts between ```` ```kind ```` and its end.
fn fenced(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(opened) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let inside = inside.map(|line| format!("{}\n", line.get(indent..).unwrap_or("")));
        let inside: String = inside.collect();
        if opened == kind {
            found.push(inside);
        }
    }
    found
}

const REFERENCE: &str = "docs/configuration.md";
