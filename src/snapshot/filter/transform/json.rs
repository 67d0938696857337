//! Changes of JSON by paths. What no path leads to is copied as it stands, byte by byte: numbers
//! keep their digits, members their order.

use super::Unchanged;
use super::replace::KeyFault;
use crate::config::TransformStep;
use crate::limits;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The changes of one step.
#[derive(Debug)]
pub(super) struct Edits {
    paths: Box<[Path]>,
}

#[derive(Debug)]
struct Path {
    parts: Box<[Part]>,
    action: Action,
}

/// One level of a path.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// `*`
    Every,
    /// A member's name, and the element's number where it is one.
    Named(Box<str>, Option<usize>),
}

#[derive(Debug)]
enum Action {
    /// This stands there.
    Set(Box<[u8]>),
    Remove,
    Rename(Box<str>),
}

/// Paths of a step, by their bits.
type Paths = u64;

impl Edits {
    /// Compiles a step of JSON.
    pub(super) fn new(step: &TransformStep) -> Result<Edits, KeyFault> {
        let (key, paths) = match step {
            TransformStep::JsonSet(values) => {
                let of = |(path, value): (&String, &serde_json::Value)| {
                    Path::new(path, Action::Set(value.to_string().into_bytes().into()))
                };
                ("json_set", values.iter().map(of).collect())
            }
            TransformStep::JsonRemove(paths) => {
                let of = |path: &String| Path::new(path, Action::Remove);
                ("json_remove", paths.iter().map(of).collect())
            }
            TransformStep::JsonRename(names) => {
                let of = |(path, name): (&String, &String)| {
                    Path::new(path, Action::Rename(name.as_str().into()))
                };
                ("json_rename", names.iter().map(of).collect())
            }
            TransformStep::Replace { .. } | TransformStep::ReplaceRegex { .. } => {
                ("json_set", Ok(Vec::new()))
            }
        };
        let paths: Result<Vec<Path>, String> = paths;
        let paths = paths.and_then(separate).map_err(|message| (key, message))?;
        Ok(Edits { paths: paths.into() })
    }

    /// Appends `from` with its changes; whether there was one.
    pub(super) fn edit(
        &self,
        from: &[u8],
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Unchanged> {
        let value: &RawValue = serde_json::from_slice(from).map_err(|_| Unchanged::Malformed)?;
        let mut editor = Editor { paths: &self.paths, bytes_max, out, is_changed: false };
        let all = u64::MAX >> (u64::BITS as usize - self.paths.len().clamp(1, 64));
        editor.value(value.get(), 0, all)?;
        Ok(editor.is_changed)
    }
}

/// Refuses paths that lead through one another: which of them holds would depend on their order.
fn separate(paths: Vec<Path>) -> Result<Vec<Path>, String> {
    for (index, path) in paths.iter().enumerate() {
        for other in paths.iter().skip(index + 1) {
            let both = path.parts.iter().zip(&other.parts);
            if both.into_iter().all(|(a, b)| a == b) {
                let (short, long) = match path.parts.len() <= other.parts.len() {
                    true => (path, other),
                    false => (other, path),
                };
                return Err(format!("`{long}` leads through `{short}`; write two steps"));
            }
        }
    }
    Ok(paths)
}

impl Path {
    fn new(text: &str, action: Action) -> Result<Path, String> {
        let mut parts = Vec::new();
        let mut name = String::new();
        let mut is_escaped = false;
        let mut characters = text.chars();
        loop {
            match characters.next() {
                Some('\\') => match characters.next() {
                    Some(escaped @ ('.' | '*' | '\\')) => {
                        name.push(escaped);
                        is_escaped = true;
                    }
                    Some(_) | None => {
                        return Err(format!("`{text}`: `\\` stands before `.`, `*` or `\\`"));
                    }
                },
                end @ (Some('.') | None) => {
                    if name.is_empty() {
                        return Err(format!("`{text}`: a name is empty"));
                    }
                    parts.push(match name.as_str() {
                        "*" if !is_escaped => Part::Every,
                        name => Part::Named(name.into(), name.parse().ok()),
                    });
                    if end.is_none() {
                        break;
                    }
                    name.clear();
                    is_escaped = false;
                }
                Some(other) => name.push(other),
            }
        }
        if parts.len() > limits::JSON_PATH_PARTS_MAX {
            let most = limits::JSON_PATH_PARTS_MAX;
            return Err(format!("`{text}`: more than {most} names"));
        }
        if matches!((parts.last(), &action), (Some(Part::Every), Action::Rename(_))) {
            return Err(format!("`{text}`: members cannot all have one name"));
        }
        Ok(Path { parts: parts.into(), action })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            let point = if index > 0 { "." } else { "" };
            match part {
                Part::Every => write!(f, "{point}*")?,
                Part::Named(name, _) => {
                    write!(f, "{point}{}", name.replace('\\', "\\\\").replace('.', "\\."))?;
                }
            }
        }
        Ok(())
    }
}

/// One body that is being written.
struct Editor<'a> {
    paths: &'a [Path],
    bytes_max: usize,
    out: &'a mut Vec<u8>,
    is_changed: bool,
}

/// What becomes of one member or element.
struct Fate<'a> {
    /// What ends here.
    action: Option<&'a Action>,
    /// The bit of the path that says so by the name.
    named: Paths,
    /// Paths that lead further.
    deeper: Paths,
}

impl<'a> Editor<'a> {
    /// Writes a value, to which `active` have led so far.
    fn value(&mut self, value: &str, depth: usize, active: Paths) -> Result<(), Unchanged> {
        match value.as_bytes().first() {
            _ if active == 0 => self.push(value.as_bytes()),
            Some(b'{') => self.object(value, depth, active),
            Some(b'[') => self.array(value, depth, active),
            // Where nothing is, members can be made.
            Some(b'n') if self.makes(depth, active) => self.object("{}", depth, active),
            Some(_) | None => self.push(value.as_bytes()),
        }
    }

    fn object(&mut self, value: &str, depth: usize, active: Paths) -> Result<(), Unchanged> {
        let Members(members) = serde_json::from_str(value).map_err(|_| Unchanged::Malformed)?;
        let mut unmet = active;
        let mut renamed = Vec::new();
        for (name, _) in &members {
            for index in bits(active) {
                let path = &self.paths[index];
                if path.leads_to(depth, Some(name), None) {
                    unmet &= !(1 << index);
                    if let (Action::Rename(to), true) = (&path.action, path.ends(depth))
                        && !renamed.contains(&&**to)
                    {
                        renamed.push(&**to);
                    }
                }
            }
        }
        self.out.push(b'{');
        let mut is_first = true;
        let mut done: Paths = 0;
        for (name, value) in &members {
            let fate = self.fate(depth, active, Some(name), None);
            match fate.action {
                Some(Action::Remove) => self.is_changed = true,
                // Of two members of one name, readers take one or the other.
                Some(Action::Set(_)) if done & fate.named != 0 => self.is_changed = true,
                Some(Action::Set(new)) => {
                    self.name(name, &mut is_first)?;
                    self.push(new)?;
                    self.is_changed |= **new != *value.get().as_bytes();
                    done |= fate.named;
                }
                Some(Action::Rename(to)) => {
                    self.is_changed = true;
                    self.name(to, &mut is_first)?;
                    self.value(value.get(), depth + 1, fate.deeper)?;
                }
                None if renamed.contains(&&**name) => self.is_changed = true,
                None => {
                    self.name(name, &mut is_first)?;
                    self.value(value.get(), depth + 1, fate.deeper)?;
                }
            }
        }
        self.missing(depth, unmet, &mut is_first)?;
        self.push(b"}")
    }

    /// Writes the members that were to be set and are not there.
    fn missing(
        &mut self,
        depth: usize,
        mut unmet: Paths,
        is_first: &mut bool,
    ) -> Result<(), Unchanged> {
        while let Some(index) = bits(unmet).next() {
            unmet &= !(1 << index);
            let path = &self.paths[index];
            let Some(Part::Named(name, _)) = path.parts.get(depth) else { continue };
            let Action::Set(new) = &path.action else { continue };
            self.is_changed = true;
            self.name(name, is_first)?;
            if path.ends(depth) {
                self.push(new)?;
                continue;
            }
            let mut deeper = 1 << index;
            for other in bits(unmet) {
                if self.paths[other].leads_to(depth, Some(name), None) {
                    deeper |= 1 << other;
                }
            }
            unmet &= !deeper;
            self.object("{}", depth + 1, deeper)?;
        }
        Ok(())
    }

    fn array(&mut self, value: &str, depth: usize, active: Paths) -> Result<(), Unchanged> {
        let elements: Vec<&RawValue> =
            serde_json::from_str(value).map_err(|_| Unchanged::Malformed)?;
        self.out.push(b'[');
        let mut is_first = true;
        for (number, element) in elements.iter().enumerate() {
            let fate = self.fate(depth, active, None, Some(number));
            if matches!(fate.action, Some(Action::Remove)) {
                self.is_changed = true;
                continue;
            }
            if !std::mem::take(&mut is_first) {
                self.push(b",")?;
            }
            match fate.action {
                Some(Action::Set(new)) => {
                    self.push(new)?;
                    self.is_changed |= **new != *element.get().as_bytes();
                }
                // Elements have no names.
                Some(Action::Rename(_) | Action::Remove) | None => {
                    self.value(element.get(), depth + 1, fate.deeper)?;
                }
            }
        }
        self.push(b"]")
    }

    fn fate(
        &self,
        depth: usize,
        active: Paths,
        name: Option<&str>,
        number: Option<usize>,
    ) -> Fate<'a> {
        let paths: &'a [Path] = self.paths;
        let mut fate = Fate { action: None, named: 0, deeper: 0 };
        for index in bits(active) {
            let path = &paths[index];
            if !path.leads_to(depth, name, number) {
                continue;
            }
            if !path.ends(depth) {
                fate.deeper |= 1 << index;
            } else if matches!(path.parts[depth], Part::Named(..)) {
                // What is said of this one holds before what is said of all.
                (fate.action, fate.named) = (Some(&path.action), 1 << index);
            } else if fate.action.is_none() {
                fate.action = Some(&path.action);
            }
        }
        fate
    }

    /// Whether one of these paths makes what is missing.
    fn makes(&self, depth: usize, active: Paths) -> bool {
        bits(active).any(|index| {
            let Path { parts, action } = &self.paths[index];
            let is_named = matches!(parts.get(depth), Some(Part::Named(..)));
            is_named && matches!(action, Action::Set(_))
        })
    }

    fn name(&mut self, name: &str, is_first: &mut bool) -> Result<(), Unchanged> {
        if !std::mem::take(is_first) {
            self.push(b",")?;
        }
        serde_json::to_writer(&mut *self.out, name).map_err(|_| Unchanged::Malformed)?;
        self.push(b":")
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Unchanged> {
        if self.out.len() + bytes.len() > self.bytes_max {
            return Err(Unchanged::TooLong);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

impl Path {
    fn ends(&self, depth: usize) -> bool {
        self.parts.len() == depth + 1
    }

    fn leads_to(&self, depth: usize, name: Option<&str>, number: Option<usize>) -> bool {
        match self.parts.get(depth) {
            Some(Part::Every) => true,
            Some(Part::Named(own, own_number)) => match name {
                Some(name) => **own == *name,
                None => number.is_some() && *own_number == number,
            },
            None => false,
        }
    }
}

/// The indexes of the bits that are set.
fn bits(mut paths: Paths) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = paths.trailing_zeros() as usize;
        paths &= paths.wrapping_sub(1);
        (index < Paths::BITS as usize).then_some(index)
    })
}

/// The members of an object in their order, names with their escapes resolved.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(All).map(Members)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Name)
    }
}
