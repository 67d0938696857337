//! Key paths: `routes[3].upstreams[0].url`, `clusters."a.b".timeouts`.

use std::fmt::Write;

/// One step down a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Appends a key to a path.
pub(crate) fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(plain) {
        path.push_str(key);
    } else {
        // Debug's escapes: a key path stays one line, whatever the key.
        write!(path, "{key:?}").expect("a string takes everything");
    }
}

/// Appends an index to a path.
pub(crate) fn push_index(path: &mut String, index: usize) {
    write!(path, "[{index}]").expect("a string takes everything");
}

/// `base.key`.
pub(crate) fn join(base: &str, key: &str) -> String {
    let mut path = base.to_owned();
    push_key(&mut path, key);
    path
}

/// `base[index]`.
pub(crate) fn element(base: &str, index: usize) -> String {
    let mut path = base.to_owned();
    push_index(&mut path, index);
    path
}

/// Whether one path is the other or lies below it.
pub(crate) fn are_related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let rest = long.strip_prefix(short);
    rest.is_some_and(|rest| short.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The table that a path's last key lies in, and that key.
pub(crate) fn parent(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// Reads a path that was written by this module; stops at what is no path.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let read = match rest.as_bytes().first() {
            Some(b'[') => index(rest),
            Some(b'"') => quoted(rest),
            Some(_) => Some(plain(rest)),
            None => None,
        };
        let Some((step, after)) = read else { break };
        steps.push(step);
        rest = after;
    }
    steps
}

fn index(text: &str) -> Option<(Step, &str)> {
    let (number, after) = text.strip_prefix('[')?.split_once(']')?;
    Some((Step::Index(number.parse().ok()?), after))
}

fn plain(text: &str) -> (Step, &str) {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, after) = text.split_at(end);
    (Step::Key(key.to_owned()), after)
}

/// A key in Debug's form; one with escapes other than `\"` and `\\` is not found again, and its
/// table's place is shown.
fn quoted(text: &str) -> Option<(Step, &str)> {
    let mut key = String::new();
    let mut characters = text.char_indices().skip(1);
    loop {
        match characters.next()? {
            (at, '"') => return Some((Step::Key(key), text.get(at + 1..)?)),
            (_, '\\') => key.push(characters.next()?.1),
            (_, character) => key.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote() {
        for key in ["plain", "a.b", "a[0]", "quo\"te", "back\\slash", "", "ä"] {
            let path = join(&element(&join("clusters", key), 3), "url");
            let want = [
                Step::Key("clusters".into()),
                Step::Key(key.into()),
                Step::Index(3),
                Step::Key("url".into()),
            ];
            assert_eq!(steps(&path), want, "{path}");
        }
    }

    #[test]
    fn stops_at_what_is_no_path() {
        for path in ["[", "[x]", "\"", "a..", "[99999999999999999999999]", "\"\\"] {
            steps(path);
        }
    }

    #[test]
    fn related_paths_are_on_one_branch() {
        assert!(are_related("routes[1]", "routes[1].path"));
        assert!(are_related("routes[1].path", "routes[1].path"));
        assert!(!are_related("routes[1]", "routes[10]"));
        assert!(!are_related("route", "routes"));
    }
}
