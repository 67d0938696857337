//! Plain documents, read straight into a tree: a configuration of many routes is one.
//!
//! The `toml` crate makes a list of tokens, a list of events, a tree of maps, and from these we
//! would make nodes. Here the events of its own parser make the nodes. What is wrong, and what is
//! rare (dotted keys, a table's header behind those of tables in it), ends the reading, and the
//! crate has the text from the beginning: it says what is wrong, and nothing is taken here that it
//! would not take.

use super::super::super::node::{Entry, Node, Place, Value};
use super::integer;
use std::borrow::Cow;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, ParseError, Raw, Source, Span};

/// The tree of a plain document.
pub(super) fn read(text: &str, source: u32) -> Option<Node> {
    let document = Source::new(text);
    let tokens = document.lex().into_vec();
    let mut reader = Reader::new(document, source);
    let mut error: Option<ParseError> = None;
    {
        let mut whitespace = ValidateWhitespace::new(&mut reader, document);
        let mut guard = RecursionGuard::new(&mut whitespace, DEPTH_MAX);
        parse_document(&tokens, &mut guard, &mut error);
    }
    reader.end_table();
    let is_plain = error.is_none() && reader.is_plain && reader.open.is_empty();
    let place = Place { source, ..Place::START };
    is_plain.then_some(Node { value: Value::Table(reader.root), place })
}

/// Levels of values within values, as the `toml` crate has it.
const DEPTH_MAX: u32 = 80;

/// Keys of one table are compared one by one, so a table of many is not plain.
const KEYS_COUNT_MAX: usize = 1024;

/// A key and where it stands.
type Key = (String, Place);

struct Reader<'t> {
    text: Source<'t>,
    source: u32,
    root: Vec<Entry>,
    /// What the keys of the current table have; those of the root before the first header.
    table: Vec<Entry>,
    /// The header of the current table, when it is whole.
    header: Option<Header>,
    /// In a header.
    is_header: bool,
    /// A key of the current table whose value comes next.
    key: Option<Key>,
    /// Lists and tables of values whose end is still to come.
    open: Vec<Open>,
    is_plain: bool,
}

struct Header {
    is_list: bool,
    start: usize,
    place: Place,
    keys: Vec<Key>,
}

enum Open {
    List { start: usize, nodes: Vec<Node> },
    Table { start: usize, entries: Vec<Entry>, key: Option<Key> },
}

impl<'t> Reader<'t> {
    fn new(text: Source<'t>, source: u32) -> Reader<'t> {
        Reader {
            text,
            source,
            root: Vec::new(),
            table: Vec::new(),
            header: None,
            is_header: false,
            key: None,
            open: Vec::new(),
            is_plain: true,
        }
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place::of(self.source, start..end)
    }

    fn raw(&self, span: Span, encoding: Option<Encoding>) -> Raw<'t> {
        let text = self.text.input().get(span.start()..span.end()).unwrap_or_default();
        Raw::new_unchecked(text, encoding, span)
    }

    /// Puts the current table where its header says.
    fn end_table(&mut self) {
        let entries = std::mem::take(&mut self.table);
        let Some(mut header) = self.header.take() else {
            self.root = entries;
            return;
        };
        let last = header.keys.pop();
        let text = self.text.input();
        let mut keys = header.keys.iter();
        let above = keys.try_fold(&mut self.root, |table, key| below(table, key, text));
        let (Some((key, place)), Some(table)) = (last, above) else {
            self.is_plain = false;
            return;
        };
        let node = Node { value: Value::Table(entries), place: header.place };
        let known = table.iter_mut().find(|entry| entry.key == key);
        match (header.is_list, known.map(|known| elements(&mut known.node))) {
            (true, Some(Some(nodes))) => nodes.push(node),
            (true, None) => {
                let node = Node { value: Value::List(vec![node]), place: header.place };
                table.push(Entry { key, place, node });
            }
            (false, None) => table.push(Entry { key, place, node }),
            (true, Some(None)) | (false, Some(_)) => self.is_plain = false,
        }
        self.is_plain &= table.len() <= KEYS_COUNT_MAX;
    }

    fn begin_header(&mut self, span: Span, is_list: bool) {
        self.end_table();
        let (start, place) = (span.start(), self.place(span.start(), span.end()));
        self.header = Some(Header { is_list, start, place, keys: Vec::new() });
        self.is_header = true;
    }

    fn end_header(&mut self, span: Span) {
        self.is_header = false;
        let (source, end) = (self.source, span.end());
        if let Some(header) = &mut self.header {
            header.place = Place::of(source, header.start..end);
        }
    }

    /// Takes a value that is whole.
    fn value(&mut self, node: Node) {
        let (entries, key) = match self.open.last_mut() {
            Some(Open::List { nodes, .. }) => return nodes.push(node),
            Some(Open::Table { entries, key, .. }) => (entries, key),
            None => (&mut self.table, &mut self.key),
        };
        let Some((key, place)) = key.take() else {
            self.is_plain = false;
            return;
        };
        let is_new = entries.iter().all(|entry| entry.key != key);
        self.is_plain &= is_new && entries.len() < KEYS_COUNT_MAX;
        if self.is_plain {
            entries.push(Entry { key, place, node });
        }
    }

    fn end_value(&mut self, span: Span) {
        let (start, value) = match self.open.pop() {
            Some(Open::List { start, nodes }) => (start, Value::List(nodes)),
            Some(Open::Table { start, entries, .. }) => (start, Value::Table(entries)),
            None => {
                self.is_plain = false;
                return;
            }
        };
        let place = self.place(start, span.end());
        self.value(Node { value, place });
    }
}

/// The table that a key of a header leads to, made where there is none.
fn below<'n>(
    table: &'n mut Vec<Entry>,
    (key, place): &Key,
    text: &str,
) -> Option<&'n mut Vec<Entry>> {
    let index = match table.iter().position(|entry| entry.key == *key) {
        Some(index) => index,
        None => {
            // It has no place of its own, so its key's is shown.
            let node = Node { value: Value::Table(Vec::new()), place: *place };
            table.push(Entry { key: key.clone(), place: *place, node });
            table.len() - 1
        }
    };
    let node = &mut table.get_mut(index)?.node;
    if matches!(node.value, Value::List(_)) {
        // The header is one of the last element: `[[a]]` and then `[a.b]`.
        return elements(node)?.last_mut()?.entries_mut();
    }
    // A table that is written as a value has no more.
    let is_value = text.as_bytes().get(node.place.start as usize) == Some(&b'{');
    if is_value { None } else { node.entries_mut() }
}

/// The elements of a list that headers make; a list that is written as a value has no more.
fn elements(node: &mut Node) -> Option<&mut Vec<Node>> {
    let list = node.place;
    let Value::List(nodes) = &mut node.value else { return None };
    // One that headers make begins where its first element does.
    nodes.first().is_some_and(|first| first.place == list).then_some(nodes)
}

impl EventReceiver for Reader<'_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.begin_header(span, false);
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.end_header(span);
    }

    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.begin_header(span, true);
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.end_header(span);
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::Table { start: span.start(), entries: Vec::new(), key: None });
        true
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.end_value(span);
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::List { start: span.start(), nodes: Vec::new() });
        true
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.end_value(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut key = Cow::Borrowed("");
        self.raw(span, encoding).decode_key(&mut key, error);
        let key = (key.into_owned(), self.place(span.start(), span.end()));
        match (&mut self.header, self.open.last_mut()) {
            (Some(header), _) if self.is_header => header.keys.push(key),
            (_, Some(Open::Table { key: waiting, .. })) => *waiting = Some(key),
            (_, Some(Open::List { .. })) => self.is_plain = false,
            (_, None) => self.key = Some(key),
        }
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        // Dotted keys may add to a table that stands elsewhere.
        self.is_plain &= self.is_header;
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut text = Cow::Borrowed("");
        let value = match self.raw(span, encoding).decode_scalar(&mut text, error) {
            ScalarKind::String => Value::Text(text.into_owned()),
            ScalarKind::Boolean(value) => Value::Boolean(value),
            ScalarKind::Integer(radix) => integer(&text, radix.value()),
            ScalarKind::Float => match text.parse() {
                Ok(number) => Value::Float(number),
                Err(_) => Value::Other("a number that cannot be read"),
            },
            // No key takes one.
            ScalarKind::DateTime => {
                self.is_plain = false;
                return;
            }
        };
        let place = self.place(span.start(), span.end());
        self.value(Node { value, place });
    }

    fn error(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.is_plain = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::by_crate;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_document_is_read_as_the_crate_reads_it() {
        for text in [
            "",
            "a = 1\nb = 'x' # c\n\"c d\" = [1, [2], { e = true, f = \"\\u0041\" }]\n",
            "a = '''\nx\n'''\nb = 0x10\nc = 1_000\nd = 1.5\ne = inf\nf = 99999999999999999999\n",
            "[a]\nx = 1\n[b]\n[a.c]\ny = { z = [] }\n[a.c.d.e]\n",
            "[[r]]\nx = 1\n[[r]]\nx = 2\n[r.t]\ny = 3\n[[r.u]]\n[[r.u]]\nz = 4\n[[r]]\n",
            "[clusters.a]\nu = [{ url = 'x' }]\n[clusters.'b.c']\n",
        ] {
            let read = read(text, 3).unwrap_or_else(|| panic!("{text} is plain"));
            assert_eq!(Ok(read), by_crate(text, 3).map_err(drop), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_or_rare_is_left_to_the_crate() {
        for text in [
            "a = 1\na = 2",
            "a = { b = 1, b = 2 }",
            "a.b = 1",
            "a = { b.c = 1 }",
            "[a.b]\n[a]",
            "[a]\n[a]",
            "a = 1\n[a]",
            "a = 1\n[a.b]",
            "a = { }\n[a.b]",
            "a = [1]\n[[a]]",
            "a = []\n[[a]]",
            "a = [{ b = 1 }]\n[[a]]",
            "a = [{ b = 1 }]\n[a.c]",
            "[[a]]\n[a]",
            "[a]\n[[a]]",
            "a = 1979-05-27",
            "a =",
            "a = [1",
            "a = {",
            "[a",
            "a = 1 b = 2",
            "a = \"\\q\"",
            "= 1",
        ] {
            assert_eq!(read(text, 0), None, "{text}");
        }
    }

    /// Lines that headers and keys of few names make, so that they meet.
    fn lines() -> impl Strategy<Value = String> {
        let value = prop_oneof![Just("1"), Just("[]"), Just("{ a = 1 }"), Just("[{ b = 1 }]")];
        let path = "[ab](\\.[ab]){0,2}";
        let line = prop_oneof![
            path.prop_map(|path| format!("[{path}]\n")),
            path.prop_map(|path| format!("[[{path}]]\n")),
            (path, value).prop_map(|(path, value)| format!("{path} = {value}\n")),
            ("[abc]", "[0-9]").prop_map(|(key, number)| format!("{key} = {number}\n")),
        ];
        prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn nothing_is_read_in_another_way(text in lines()) {
            if let Some(read) = read(&text, 1) {
                prop_assert_eq!(Ok(read), by_crate(&text, 1).map_err(drop));
            }
        }

        #[test]
        fn no_text_is_read_in_another_way(text in "[\\[\\]{}=.,ab1'\"# \n]{0,40}") {
            if let Some(read) = read(&text, 1) {
                prop_assert_eq!(Ok(read), by_crate(&text, 1).map_err(drop));
            }
        }
    }
}
