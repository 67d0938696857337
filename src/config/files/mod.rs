//! A configuration's files: the one that is asked for, and those that it includes.

mod environment;
mod merge;
mod pattern;

use super::document::{Document, Placed, Source, placed};
use super::node::{Entry, Node, Place, Value};
use super::{Format, path, read, steady};
use crate::error::{ConfigError, Fault};
use crate::limits;
use pattern::Pattern;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a configuration depends on outside of its process, for who waits for changes of it.
///
/// It is known as far as the reading came, also where the configuration was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The files that were read, or should have been: the one that was asked for first, then those
    /// that it includes, then files of secrets and of bodies.
    pub files: Vec<PathBuf>,
    /// The folders that hold them, and those that patterns of `include` look into.
    pub folders: Vec<PathBuf>,
    /// The patterns of `include`: a file that comes to fit one belongs to the configuration.
    pub listings: Vec<Listing>,
}

/// A pattern of files: those that fit it change with its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing(Pattern);

impl Listing {
    /// The files that fit now; none where the folder cannot be read.
    pub fn files(&self) -> Vec<PathBuf> {
        self.0.clone().files().unwrap_or_default()
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        match &self.0 {
            Pattern::File(path) => path,
            Pattern::Names { folder, .. } => folder,
        }
    }
}

impl Inputs {
    pub(super) fn add(&mut self, file: &Path) {
        if !self.files.iter().any(|known| known == file) {
            self.files.push(file.to_owned());
        }
        self.add_folder(&folder_of(file));
    }

    fn add_folder(&mut self, folder: &Path) {
        if !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }
}

/// What was read, and what of it is not known.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) document: Document,
    /// Of variables: without their values the rest can be read all the same.
    pub(super) faults: Vec<Placed>,
    /// The strings that lack such a value. What is wrong with one says nothing.
    pub(super) unknown: Vec<Place>,
}

/// Reads a file and all that it includes.
pub(super) fn read(path: &Path, inputs: &mut Inputs) -> Result<Read, ConfigError> {
    let name = path.display().to_string();
    inputs.add(path);
    let (text, format) = match contents(path) {
        Ok(found) => found,
        Err(what) => return Err(Fault::new("", format!("{name}: {what}")).into()),
    };
    let mut reading = Reading::new(inputs);
    reading.opened.insert(identity(path), Place::START);
    let root = reading.text(Some(path), name, text, format, 0);
    reading.end(root)
}

/// Reads a text that is no file: it includes nothing.
pub(super) fn read_text(text: String, format: Format, name: &str) -> Result<Read, ConfigError> {
    if text.len() > limits::CONFIG_BYTES_MAX {
        let what = format!("{name}: longer than {} bytes", limits::CONFIG_BYTES_MAX);
        return Err(Fault::new("", what).into());
    }
    let mut inputs = Inputs::default();
    let mut reading = Reading::new(&mut inputs);
    let root = reading.text(None, name.to_owned(), text, format, 0);
    reading.end(root)
}

struct Reading<'i> {
    inputs: &'i mut Inputs,
    sources: Vec<Source>,
    faults: Vec<Placed>,
    /// Whether a part of the configuration is missing: then nothing can be said of the rest.
    is_broken: bool,
    unknown: Vec<Place>,
    /// Files by what they are, whatever they are called, and where each is included.
    opened: HashMap<PathBuf, Place>,
    bytes: usize,
    expanded_bytes: usize,
}

impl Reading<'_> {
    fn new(inputs: &mut Inputs) -> Reading<'_> {
        Reading {
            inputs,
            sources: Vec::new(),
            faults: Vec::new(),
            is_broken: false,
            unknown: Vec::new(),
            opened: HashMap::new(),
            bytes: 0,
            expanded_bytes: 0,
        }
    }

    fn end(self, root: Option<Node>) -> Result<Read, ConfigError> {
        let Reading { sources, mut faults, is_broken, unknown, .. } = self;
        let is_enough = faults.len() >= limits::CONFIG_FAULTS_MAX;
        match root {
            Some(root) if !is_broken && !is_enough => {
                Ok(Read { document: Document::new(sources, root), faults, unknown })
            }
            Some(_) | None => {
                faults.truncate(limits::CONFIG_FAULTS_MAX);
                Err(ConfigError { faults: placed(&sources, &[], faults) })
            }
        }
    }

    fn fault(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.refuse(vec![Placed::new(Fault::new(path, message), place)]);
    }

    /// Notes faults that leave a part of the configuration out.
    fn refuse(&mut self, mut faults: Vec<Placed>) {
        self.is_broken |= !faults.is_empty();
        self.faults.append(&mut faults);
    }

    /// A text with all that it includes in it; `None` when it is not in its format.
    fn text(
        &mut self,
        path: Option<&Path>,
        name: String,
        text: String,
        format: Format,
        depth: usize,
    ) -> Option<Node> {
        // A byte order mark belongs to the encoding, and would move every column of its line.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let index = u32::try_from(self.sources.len()).expect("there are few files");
        self.bytes += text.len();
        let tree = read::tree(&text, format, index);
        self.sources.push(Source { name, text });
        let mut root = match tree {
            Ok(root) => root,
            Err(faults) => {
                self.refuse(faults);
                return None;
            }
        };
        self.expand(&mut root, index);
        if let Some(entry) = take(&mut root, "include") {
            self.include(path, &entry, &mut root, depth);
        }
        Some(root)
    }

    /// Puts declared variables into the strings of a file.
    fn expand(&mut self, root: &mut Node, index: u32) {
        let declaration = take(root, "env");
        let text = &self.sources[index as usize].text;
        let mut expansion = environment::Expansion::new(text, self.expanded_bytes);
        if let Some(entry) = &declaration {
            expansion.declare(entry);
        }
        expansion.expand(root);
        self.expanded_bytes = expansion.bytes;
        self.faults.append(&mut expansion.faults);
        self.unknown.append(&mut expansion.unknown);
    }

    fn include(&mut self, path: Option<&Path>, entry: &Entry, root: &mut Node, depth: usize) {
        let Value::List(patterns) = &entry.node.value else {
            let found = entry.node.found();
            let message =
                format!("expected a list of files such as `[\"conf.d/*.toml\"]`, found {found}");
            return self.fault(entry.node.place, "include", message);
        };
        let Some(path) = path else {
            if patterns.is_empty() {
                return;
            }
            let message = "only a file includes others: a text has no folder to look in";
            return self.fault(entry.place, "include", message);
        };
        if depth == limits::INCLUDE_DEPTH_MAX {
            let message = format!("files include files over more than {depth} levels");
            return self.fault(entry.place, "include", message);
        }
        let folder = folder_of(path);
        for (index, node) in patterns.iter().enumerate() {
            let key = path::element("include", index);
            if self.unknown.contains(&node.place) {
                self.is_broken = true;
                continue;
            }
            let Value::Text(text) = &node.value else {
                let message = format!("expected the name of a file, found {}", node.found());
                self.fault(node.place, &key, message);
                continue;
            };
            let found = Pattern::parse(&folder, text).and_then(|pattern| {
                if let Pattern::Names { folder, .. } = &pattern {
                    self.inputs.add_folder(folder);
                    self.inputs.listings.push(Listing(pattern.clone()));
                }
                pattern.files()
            });
            match found {
                Ok(files) => {
                    for file in files {
                        self.file(&file, node.place, &key, root, depth);
                    }
                }
                Err(message) => self.fault(node.place, &key, message),
            }
        }
    }

    /// Adds an included file to what includes it.
    fn file(&mut self, path: &Path, place: Place, key: &str, root: &mut Node, depth: usize) {
        let name = path.display().to_string();
        if let Some(first) = self.opened.get(&identity(path)) {
            let (message, note) = if first.start == first.end {
                (format!("`{name}` would include itself"), "the file that includes everything")
            } else {
                (format!("`{name}` is included already"), "here it is included first")
            };
            let fault = Fault::new(key, message).against("include", note);
            let related = Some(*first);
            return self.refuse(vec![Placed { related, ..Placed::new(fault, place) }]);
        }
        if self.opened.len() == limits::INCLUDE_FILES_MAX {
            let most = limits::INCLUDE_FILES_MAX;
            return self.fault(place, key, format!("more than {most} files"));
        }
        self.opened.insert(identity(path), place);
        self.inputs.add(path);
        let (text, format) = match contents(path) {
            Ok(found) => found,
            Err(what) => return self.fault(place, key, format!("{name}: {what}")),
        };
        if self.bytes + text.len() > limits::CONFIG_BYTES_MAX {
            let most = limits::CONFIG_BYTES_MAX;
            return self.fault(place, key, format!("all files are longer than {most} bytes"));
        }
        if let Some(node) = self.text(Some(path), name, text, format, depth + 1) {
            self.refuse(merge::merge(root, node));
        }
    }
}

/// Reads a file as text, and tells its format.
fn contents(path: &Path) -> Result<(String, Format), String> {
    let format = Format::of(path).ok_or(UNKNOWN_ENDING)?;
    let read = steady::read(path, limits::CONFIG_BYTES_MAX);
    let bytes = read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() > limits::CONFIG_BYTES_MAX {
        return Err(format!("longer than {} bytes", limits::CONFIG_BYTES_MAX));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("not UTF-8: byte {offset} begins no character")
    })?;
    Ok((text, format))
}

/// Takes a key out of a table.
fn take(root: &mut Node, key: &str) -> Option<Entry> {
    let entries = root.entries_mut()?;
    let at = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(at))
}

/// What a file is, whatever links lead to it.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The folder of a file; the current one where its name has none.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

const UNKNOWN_ENDING: &str =
    "the format is told by the ending of the name: .toml, .yaml, .yml or .json";
