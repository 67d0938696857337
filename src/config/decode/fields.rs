//! The keys of one table, against the section that lists them.

use super::super::keys::Section;
use super::super::node::{Entry, Node, Place, Value};
use super::Decoder;

/// A table that is being read.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    section: &'static Section,
    place: Place,
}

/// Reads one value; `None` when it was wrong and a fault was noted.
pub(super) trait Read<T>: FnOnce(&mut Decoder, &Node) -> Option<T> {}
impl<T, F: FnOnce(&mut Decoder, &Node) -> Option<T>> Read<T> for F {}

impl<'n> Fields<'n> {
    /// Takes a table, and notes a fault for each key that this version does not read.
    pub(super) fn of(
        decoder: &mut Decoder,
        node: &'n Node,
        section: &'static Section,
    ) -> Option<Fields<'n>> {
        let Value::Table(entries) = &node.value else {
            decoder.unexpected(node, "a table");
            return None;
        };
        for entry in entries.iter().filter(|entry| !section.has(&entry.key)) {
            decoder.within_key(&entry.key, |decoder| {
                if section.is_later(&entry.key) {
                    let message = format!("`{}` is not built in this version", entry.key);
                    return decoder.fault(entry.place, message);
                }
                let nearest = section.nearest(&entry.key);
                decoder.fault_near(entry.place, "unknown key".into(), nearest);
            });
        }
        Some(Fields { entries, section, place: node.place })
    }

    /// Reads a key into its place, when it is there and right.
    pub(super) fn set<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        target: &mut T,
        read: impl Read<T>,
    ) {
        if let Some(value) = self.read(decoder, key, read) {
            *target = value;
        }
    }

    /// As [`Fields::set`], for what may be left open.
    pub(super) fn set_some<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        target: &mut Option<T>,
        read: impl Read<T>,
    ) {
        if let Some(value) = self.read(decoder, key, read) {
            *target = Some(value);
        }
    }

    /// Reads a key that must be there.
    pub(super) fn require<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        read: impl Read<T>,
    ) -> Option<T> {
        if self.entry(key).is_none() && !self.is_misspelt(key) {
            let message = format!("`{key}` is missing");
            decoder.within_key(key, |decoder| decoder.fault(self.place, message));
        }
        self.read(decoder, key, read)
    }

    /// Whether an unknown key was probably meant to be this one, which was said already.
    fn is_misspelt(&self, key: &str) -> bool {
        let mut unknown = self.entries.iter().filter(|entry| !self.section.has(&entry.key));
        unknown.any(|entry| self.section.nearest(&entry.key) == Some(key))
    }

    /// Reads a key that must be right and means nothing here.
    pub(super) fn ignore<T>(&self, decoder: &mut Decoder, key: &str, read: impl Read<T>) {
        self.read(decoder, key, read);
    }

    /// Which of these keys are there.
    pub(super) fn present(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.entry(key).is_some()).collect()
    }

    /// Whether every key that is there is one of the section: otherwise a fault was noted already.
    pub(super) fn is_known(&self) -> bool {
        self.entries.iter().all(|entry| self.section.has(&entry.key))
    }

    /// Where the table stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Where a key stands, or else the table.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entry(key).map_or(self.place, |entry| entry.place)
    }

    /// Reads a key.
    pub(super) fn read<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        read: impl Read<T>,
    ) -> Option<T> {
        debug_assert!(self.section.has(key), "{key} is in no section");
        let entry = self.entry(key)?;
        decoder.within_key(key, |decoder| {
            if entry.node.value == Value::Null {
                decoder.fault(entry.place, "no value: write one, or leave the key out");
                return None;
            }
            read(decoder, &entry.node)
        })
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}
