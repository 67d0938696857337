//! Values: booleans, numbers, strings, durations, sizes, lists, tables of names.

use super::super::document::json;
use super::super::node::{Node, Value};
use super::super::{Timeouts, keys};
use super::secret::{self, Use};
use super::{Decoder, units};
use crate::http::field;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

pub(super) fn boolean(decoder: &mut Decoder, node: &Node) -> Option<bool> {
    if let Value::Boolean(value) = node.value {
        return Some(value);
    }
    decoder.unexpected(node, "`true` or `false`");
    None
}

pub(super) fn text(decoder: &mut Decoder, node: &Node) -> Option<String> {
    if let Value::Text(text) = &node.value {
        return Some(text.clone());
    }
    decoder.unexpected(node, "a string");
    None
}

/// A whole number of a range.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl FnOnce(&mut Decoder, &Node) -> Option<T>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    move |decoder, node| {
        if let Value::Integer(number) = node.value
            && let Ok(number) = T::try_from(number)
            && range.contains(&number)
        {
            return Some(number);
        }
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        decoder.unexpected(node, &expected);
        None
    }
}

/// A string that is read by its type.
pub(super) fn parsed<T>(decoder: &mut Decoder, node: &Node) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let text = text(decoder, node)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            decoder.fault(node.place, error.to_string());
            None
        }
    }
}

/// A duration.
pub(super) fn duration(decoder: &mut Decoder, node: &Node) -> Option<Duration> {
    let fault = match &node.value {
        Value::Text(text) => match units::duration(text) {
            Ok(duration) => return Some(duration),
            Err(fault) => fault,
        },
        Value::Integer(number) if *number >= 0 => units::duration_fix(*number),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => {
            decoder.unexpected(node, "a duration such as `\"10s\"`");
            return None;
        }
    };
    decoder.fault(node.place, fault);
    None
}

/// A duration, or `"none"` for never.
pub(super) fn timeout(decoder: &mut Decoder, node: &Node) -> Option<Duration> {
    if node.value == Value::Text("none".into()) {
        return Some(Timeouts::OFF);
    }
    duration(decoder, node)
}

/// A table of which the gateway knows nothing. Values whose keys say that they are secret are shown
/// nowhere.
pub(super) fn free(decoder: &mut Decoder, node: &Node) -> Option<serde_json::Value> {
    let Some(entries) = node.entries() else {
        decoder.unexpected(node, "a table");
        return None;
    };
    if entries.is_empty() {
        // As without the key.
        return Some(serde_json::Value::Null);
    }
    below(decoder, node, false).then(|| json(node, &|_| false))
}

/// Whether a free table can be written as JSON.
fn below(decoder: &mut Decoder, node: &Node, is_secret: bool) -> bool {
    match &node.value {
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => true,
        Value::Text(_) if is_secret => secret::inline(decoder, node, Use::Text).is_some(),
        Value::Text(_) => true,
        Value::List(nodes) => nodes.iter().enumerate().fold(true, |is_right, (index, node)| {
            decoder.within_index(index, |d| below(d, node, is_secret)) && is_right
        }),
        Value::Table(entries) => entries.iter().fold(true, |is_right, entry| {
            let is_secret = is_secret || field::is_secret(entry.key.as_bytes());
            decoder.within_key(&entry.key, |d| below(d, &entry.node, is_secret)) && is_right
        }),
        Value::Other(what) => {
            decoder.fault(node.place, format!("{what} cannot stand here: write it as a string"));
            false
        }
    }
}

/// A size in bytes of a range.
pub(super) fn size<T>(range: RangeInclusive<T>) -> impl FnOnce(&mut Decoder, &Node) -> Option<T>
where
    T: TryFrom<u64> + TryInto<u64> + PartialOrd + Copy,
{
    move |decoder, node| {
        let bytes = any_size(decoder, node)?;
        if let Ok(bytes) = T::try_from(bytes)
            && range.contains(&bytes)
        {
            return Some(bytes);
        }
        let show = |bytes: &T| units::show_size((*bytes).try_into().unwrap_or(u64::MAX));
        let (low, high) = (show(range.start()), show(range.end()));
        decoder.fault(node.place, format!("expected a size from {low} to {high}"));
        None
    }
}

/// A size in bytes, or `"unlimited"`.
pub(super) fn size_or_unlimited(decoder: &mut Decoder, node: &Node) -> Option<u64> {
    if node.value == Value::Text(UNLIMITED.into()) {
        return Some(u64::MAX);
    }
    any_size(decoder, node)
}

/// A whole number from 1, or `"unlimited"`.
pub(super) fn count_or_unlimited(decoder: &mut Decoder, node: &Node) -> Option<u64> {
    if node.value == Value::Text(UNLIMITED.into()) {
        return Some(u64::MAX);
    }
    if let Value::Integer(number) = node.value
        && let Ok(number) = u64::try_from(number)
        && number > 0
    {
        return Some(number);
    }
    decoder.unexpected(node, "a whole number from 1, or `\"unlimited\"`");
    None
}

/// A list; elements that are wrong are left out.
pub(super) fn list<T>(
    mut read: impl FnMut(&mut Decoder, &Node) -> Option<T>,
) -> impl FnOnce(&mut Decoder, &Node) -> Option<Vec<T>> {
    move |decoder, node| {
        let Value::List(nodes) = &node.value else {
            decoder.unexpected(node, "a list");
            return None;
        };
        let mut values = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            values.extend(decoder.within_index(index, |decoder| read(decoder, node)));
        }
        Some(values)
    }
}

/// A table whose keys are names; entries that are wrong are left out.
pub(super) fn named<T>(
    what: &'static str,
    mut read: impl FnMut(&mut Decoder, &Node) -> Option<T>,
) -> impl FnOnce(&mut Decoder, &Node) -> Option<BTreeMap<String, T>> {
    move |decoder, node| {
        let Value::Table(entries) = &node.value else {
            decoder.unexpected(node, what);
            return None;
        };
        let mut values = BTreeMap::new();
        for entry in entries {
            let value = decoder.within_key(&entry.key, |decoder| read(decoder, &entry.node));
            values.extend(value.map(|value| (entry.key.clone(), value)));
        }
        Some(values)
    }
}

/// A number, with a fraction or without.
pub(super) fn decimal(decoder: &mut Decoder, node: &Node) -> Option<f64> {
    match node.value {
        Value::Float(number) => Some(number),
        // Beyond 2^53 the nearest number that a comparison can hold.
        Value::Integer(number) => Some(number as f64),
        Value::Null
        | Value::Boolean(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => {
            decoder.unexpected(node, "a number");
            None
        }
    }
}

/// One of a few words, each with what it stands for.
pub(super) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&mut Decoder, &Node) -> Option<T> {
    move |decoder, node| {
        let text = text(decoder, node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("expected {}, found {}", known.join(" or "), node.found());
            let nearest = keys::nearest(&text, words.iter().map(|(word, _)| *word));
            decoder.fault_near(node.place, message, nearest);
        }
        found.map(|(_, value)| *value)
    }
}

/// A network, or a single address as the network of one.
pub(super) fn network(decoder: &mut Decoder, node: &Node) -> Option<IpNet> {
    let text = text(decoder, node)?;
    let address = || text.parse().ok().map(|address: IpAddr| address.into());
    let network = text.parse().ok().or_else(address);
    if network.is_none() {
        decoder.fault(node.place, "expected a network such as `10.0.0.0/8` or `fd00::/8`");
    }
    network
}

fn any_size(decoder: &mut Decoder, node: &Node) -> Option<u64> {
    let fault = match &node.value {
        Value::Text(text) => match units::size(text) {
            Ok(bytes) => return Some(bytes),
            Err(fault) => fault,
        },
        Value::Integer(number) if *number >= 0 => units::size_fix(number.unsigned_abs()),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => {
            decoder.unexpected(node, "a size such as `\"8KiB\"`");
            return None;
        }
    };
    decoder.fault(node.place, fault);
    None
}

const UNLIMITED: &str = "unlimited";
