//! The house style, as far as a machine can hold it: no list of exceptions.
//!
//! Each rule is a function from a file to its faults, with a test beside it that a bad snippet is
//! caught; here each runs over the whole project. `docs/style.md` has the reasons.

#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/banned.rs"]
mod banned;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/text.rs"]
mod text;

use std::path::Path;
use std::sync::OnceLock;

use source::{Fault, File, Source, files};

/// The project's files, read once.
fn project() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let files = files(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the project is found");
        files
    })
}

/// Its Rust files, split once.
fn sources() -> &'static [Source<'static>] {
    static SOURCES: OnceLock<Vec<Source<'static>>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let rust = project().iter().filter(|file| file.path.ends_with(".rs"));
        rust.map(|file| Source::new(&file.path, &file.text)).collect()
    })
}

fn every_file(rule: fn(&File) -> Vec<Fault>) {
    report(project().iter().flat_map(rule).collect());
}

fn every_source(rule: impl Fn(&Source<'_>) -> Vec<Fault>) {
    report(sources().iter().flat_map(rule).collect());
}

fn report(faults: Vec<Fault>) {
    let line = |fault: &Fault| format!("{}:{}: {}\n", fault.path, fault.line, fault.what);
    let lines: String = faults.iter().map(line).collect();
    assert!(faults.is_empty(), "{} faults:\n{lines}", faults.len());
}

#[test]
fn files_are_short() {
    every_source(shape::file_lines);
}

#[test]
fn functions_are_short() {
    every_source(shape::function_lines);
}

#[test]
fn lines_are_short() {
    every_file(shape::columns);
}

#[test]
fn files_begin_with_their_doc() {
    every_source(shape::module_doc);
}

#[test]
fn names_are_written_out() {
    every_source(shape::abbreviations);
}

#[test]
fn names_say_something() {
    every_source(shape::declared_names);
    every_file(shape::file_names);
}

#[test]
fn nothing_is_unfinished() {
    every_source(banned::unfinished);
}

#[test]
fn nothing_sleeps() {
    every_source(banned::sleeps);
}

#[test]
fn shipped_code_says_why_it_cannot_panic() {
    every_source(banned::unwraps);
}

#[test]
fn dropped_results_say_why() {
    every_source(banned::dropped_results);
}

#[test]
fn unsafe_stays_at_home() {
    every_source(banned::unsafe_code);
}

#[test]
fn features_gate_whole_modules() {
    every_source(banned::feature_gates);
}

#[test]
fn no_file_silences_warnings() {
    every_source(banned::silenced_warnings);
}

#[test]
fn imports_hold_to_the_table() {
    let document = project().iter().find(|file| file.path == "docs/architecture.md");
    let table = imports::Table::read(&document.expect("docs/architecture.md").text);
    assert!(!table.is_empty(), "docs/architecture.md has the table of imports");
    every_source(|source| imports::faults(source, &table));
}

#[test]
fn no_machine_is_named() {
    every_file(text::machine_paths);
}

#[test]
fn no_registry_is_named() {
    every_file(text::registry_hosts);
    every_file(text::cargo_settings);
}

#[test]
fn documents_name_no_lines() {
    every_file(text::line_numbers);
}

#[test]
fn wire_cases_have_ids() {
    every_file(text::wire_cases);
}
