//! A configuration file's tree, to be changed key by key and written again: what tries settings
//! starts from the operator's own file, in whichever format it is.

use super::document::json;
use super::node::{Entry, Node, Place, Value};
use super::path::{self, Step};
use super::{ConfigError, Format, Loaded, read};

use std::path::Path;

/// A tree that may be changed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    root: Node,
}

/// A value as it stands on a command line: what is a value of TOML is that, and all else a string,
/// so that `auto` and `10s` need no quotes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal(Node);

impl Draft {
    /// The tree of a file that is right as it is.
    ///
    /// # Errors
    /// As [`Loaded::from_file`].
    pub(crate) fn from_file(path: &Path) -> Result<Draft, ConfigError> {
        Ok(Draft { root: Loaded::from_file(path)?.document.root().clone() })
    }

    /// Puts a value at a key path; tables on the way are made where they are missing.
    ///
    /// # Errors
    /// What stands in the way: a path that is none, a value where a table would be needed, or an
    /// element that a list does not have.
    pub(crate) fn set(&mut self, key_path: &str, literal: &Literal) -> Result<(), String> {
        let mut node = &mut self.root;
        let mut so_far = String::new();
        for step in steps(key_path)? {
            node = match step {
                Step::Key(key) => {
                    let table =
                        node.entries_mut().ok_or_else(|| format!("`{so_far}` is no table"))?;
                    path::push_key(&mut so_far, &key);
                    child(table, key)
                }
                Step::Index(index) => {
                    let Value::List(nodes) = &mut node.value else {
                        return Err(format!("`{so_far}` is no list"));
                    };
                    let count = nodes.len();
                    path::push_index(&mut so_far, index);
                    let missing = || format!("there is no `{so_far}`: the list has {count}");
                    nodes.get_mut(index).ok_or_else(missing)?
                }
            };
        }
        *node = literal.0.clone();
        Ok(())
    }

    /// Takes a key of the root out, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Value::Table(entries) = &mut self.root.value {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// Whether a key path leads to something.
    pub(crate) fn has(&self, key_path: &str) -> bool {
        let steps = steps(key_path).unwrap_or_default();
        let found = steps.iter().try_fold(&self.root, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.element(*index),
        });
        found.is_some()
    }

    /// Sends everything to one upstream; how many there were.
    pub(crate) fn redirect(&mut self, url: &str) -> usize {
        let mut count = 0;
        for (group, is_list) in [("routes", true), ("clusters", false)] {
            let Value::Table(root) = &mut self.root.value else { return 0 };
            let Some(entry) = root.iter_mut().find(|entry| entry.key == group) else { continue };
            let owners: Vec<&mut Node> = match &mut entry.node.value {
                Value::List(nodes) if is_list => nodes.iter_mut().collect(),
                Value::Table(entries) => entries.iter_mut().map(|entry| &mut entry.node).collect(),
                Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::List(_)
                | Value::Other(_) => continue,
            };
            count += owners.into_iter().map(|owner| redirect(owner, url)).sum::<usize>();
        }
        count
    }

    /// The whole as JSON, which all three formats' trees fit into.
    pub(crate) fn to_json(&self) -> String {
        json(&self.root, &|_| false).to_string()
    }

    /// What is wrong with it now.
    ///
    /// # Errors
    /// As [`Loaded::from_text`].
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        Loaded::from_text(self.to_json(), Format::Json, "the configuration").map(|_| ())
    }
}

impl Literal {
    /// Reads a value.
    pub(crate) fn parse(text: &str) -> Literal {
        let text = text.trim();
        let read = read::document(format!("value = {text}"), Format::Toml, "value").ok();
        let node = read.and_then(|document| {
            match &document.root().value {
                // A text with a line end in it may hold further keys, and is then no value.
                Value::Table(entries) if entries.len() == 1 => entries.first().map(|one| &one.node),
                Value::Table(_)
                | Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::List(_)
                | Value::Other(_) => None,
            }
            .cloned()
        });
        let is_value = |node: &Node| !matches!(node.value, Value::Other(_));
        Literal(node.filter(is_value).unwrap_or_else(|| Literal::text(text).0))
    }

    /// A string.
    pub(crate) fn text(text: &str) -> Literal {
        Literal(at_start(Value::Text(text.to_owned())))
    }

    /// As TOML has it.
    pub(crate) fn to_toml(&self) -> String {
        // Apart from tables, which a command line cannot ask for in a readable way, JSON's values
        // are TOML's.
        json(&self.0, &|_| false).to_string()
    }
}

/// The lines that say these values in TOML: keys of the root first, then table by table. Keys below
/// an element of a list stand under a comment that says which element.
pub(crate) fn lines(values: &[(String, Literal)]) -> String {
    let mut places: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new())];
    for (key_path, literal) in values {
        let steps = steps(key_path).unwrap_or_default();
        let is_index = |step: &Step| matches!(step, Step::Index(_));
        let after_list = steps.iter().rposition(is_index).map(|at| at + 1);
        let split = after_list.unwrap_or_else(|| steps.len().saturating_sub(1));
        let (table, key) = (written(&steps[..split]), written(&steps[split..]));
        let head = match after_list {
            Some(_) => format!("# {table}, counted from 0:"),
            None if table.is_empty() => String::new(),
            None => format!("[{table}]"),
        };
        let line = format!("{key} = {}", literal.to_toml());
        match places.iter_mut().find(|place| place.0 == head) {
            Some(place) => place.1.push(line),
            None => places.push((head, vec![line])),
        }
    }
    let mut text = String::new();
    for (head, lines) in places.iter().filter(|place| !place.1.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        if !head.is_empty() {
            text.push_str(head);
            text.push('\n');
        }
        text.push_str(&lines.join("\n"));
        text.push('\n');
    }
    text
}

/// The steps of a path that is one as a whole.
fn steps(key_path: &str) -> Result<Vec<Step>, String> {
    let steps = path::steps(key_path);
    let begins_with_key = matches!(steps.first(), Some(Step::Key(key)) if !key.is_empty());
    if begins_with_key && written(&steps) == key_path {
        return Ok(steps);
    }
    Err(format!(
        "`{key_path}` is no key path; one is written as `workers`, `runtime.buffers` or \
         `routes[0].timeouts.total`"
    ))
}

fn written(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => path::push_key(&mut text, key),
            Step::Index(index) => path::push_index(&mut text, *index),
        }
    }
    text
}

fn child(entries: &mut Vec<Entry>, key: String) -> &mut Node {
    let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = at_start(Value::Table(Vec::new()));
        entries.push(Entry { key, place: Place::START, node });
        entries.len() - 1
    });
    &mut entries[at].node
}

fn redirect(owner: &mut Node, url: &str) -> usize {
    let Some(entries) = owner.entries_mut() else { return 0 };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == "upstreams") else { return 0 };
    let Value::List(upstreams) = &mut entry.node.value else { return 0 };
    for entries in upstreams.iter_mut().filter_map(Node::entries_mut) {
        *child(entries, "url".to_owned()) = Literal::text(url).0;
    }
    upstreams.len()
}

fn at_start(value: Value) -> Node {
    Node { value, place: Place::START }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, format: Format) -> Draft {
        let document = read::document(text.to_owned(), format, "test").expect("it is read");
        Draft { root: document.root().clone() }
    }

    const TOML: &str = "listen_addr = '127.0.0.1:80'\n[[routes]]\npath = '/*'\n\
                        upstreams = [{ url = 'http://a', weight = 2 }, { url = 'http://b' }]\n\
                        [clusters.c]\nupstreams = [{ url = 'http://c' }]\n";

    fn set(draft: &mut Draft, path: &str, text: &str) -> Result<(), String> {
        draft.set(path, &Literal::parse(text))
    }

    #[test]
    fn a_value_is_toml_or_a_string() {
        for (text, json) in [
            ("2", "2"),
            ("true", "true"),
            ("1.5", "1.5"),
            ("auto", "\"auto\""),
            ("10s", "\"10s\""),
            ("\"2\"", "\"2\""),
            ("'a b'", "\"a b\""),
            ("[0, 1]", "[0,1]"),
            ("2020-01-01", "\"2020-01-01\""),
            ("1\nother = 2", "\"1\\nother = 2\""),
            ("", "\"\""),
        ] {
            assert_eq!(Literal::parse(text).to_toml(), json, "{text}");
        }
    }

    #[test]
    fn sets_keys_that_are_there_and_keys_that_are_not() {
        let mut draft = draft(TOML, Format::Toml);
        for (path, text) in [
            ("workers", "2"),
            ("runtime.buffers", "1024"),
            ("routes[0].timeouts.total", "5s"),
            ("routes[0].upstreams[1].weight", "7"),
        ] {
            assert!(!draft.has(path), "{path}");
            assert_eq!(set(&mut draft, path, text), Ok(()), "{path}");
            assert!(draft.has(path), "{path}");
        }
        assert_eq!(set(&mut draft, "routes[0].path", "/x"), Ok(()));
        let tree: serde_json::Value = serde_json::from_str(&draft.to_json()).expect("JSON");
        assert_eq!(tree["workers"], 2);
        assert_eq!(tree["runtime"]["buffers"], 1024);
        assert_eq!(tree["routes"][0]["timeouts"]["total"], "5s");
        assert_eq!(tree["routes"][0]["upstreams"][1]["weight"], 7);
        assert_eq!(tree["routes"][0]["path"], "/x");
    }

    #[test]
    fn says_what_stands_in_the_way() {
        let mut draft = draft(TOML, Format::Toml);
        for (path, part) in [
            ("routes[1].path", "the list has 1"),
            ("listen_addr.port", "`listen_addr` is no table"),
            ("clusters[0]", "`clusters` is no list"),
            ("routes.path", "`routes` is no table"),
            ("", "no key path"),
            ("a..b", "no key path"),
            ("[0]", "no key path"),
            ("a[x]", "no key path"),
            ("a b", "no key path"),
        ] {
            let fault = set(&mut draft, path, "1").expect_err(path);
            assert!(fault.contains(part), "{path}: {fault}");
        }
    }

    #[test]
    fn every_upstream_is_redirected() {
        let mut draft = draft(TOML, Format::Toml);
        assert_eq!(draft.redirect("http://127.0.0.1:9"), 3);
        let json = draft.to_json();
        assert_eq!(json.matches("http://127.0.0.1:9").count(), 3);
        assert!(!json.contains("http://a") && !json.contains("http://c"));
        assert!(json.contains("\"weight\":2"));
    }

    #[test]
    fn all_formats_become_the_same_tree() {
        let yaml = "workers: 2\nroutes:\n  - path: /*\n";
        let json = "{\"workers\": 2, \"routes\": [{\"path\": \"/*\"}]}";
        let toml = "workers = 2\n[[routes]]\npath = '/*'\n";
        let text = draft(toml, Format::Toml).to_json();
        assert_eq!(draft(yaml, Format::Yaml).to_json(), text);
        assert_eq!(draft(json, Format::Json).to_json(), text);
    }

    #[test]
    fn keys_of_the_root_are_removed() {
        let mut draft = draft(TOML, Format::Toml);
        draft.remove("listen_addr");
        draft.remove("nothing");
        assert!(!draft.has("listen_addr") && draft.has("routes"));
    }

    #[test]
    fn lines_are_toml() {
        let value = |path: &str, text: &str| (path.to_owned(), Literal::parse(text));
        let text = lines(&[
            value("runtime.buffers", "1024"),
            value("workers", "auto"),
            value("runtime.buffer_size", "64KiB"),
            value("routes[2].timeouts.total", "5s"),
            value("clusters.\"a.b\".max_connections", "9"),
        ]);
        let want = "workers = \"auto\"\n\n[runtime]\nbuffers = 1024\nbuffer_size = \"64KiB\"\n\n\
                    # routes[2], counted from 0:\ntimeouts.total = \"5s\"\n\n\
                    [clusters.\"a.b\"]\nmax_connections = 9\n";
        assert_eq!(text, want);
        assert!(read::document(text, Format::Toml, "lines").is_ok());
        assert_eq!(lines(&[]), "");
    }
}
