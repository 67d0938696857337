//! TOML, printed from the tree of `toml_edit`, which keeps comments where they stand.

use super::WIDTH;
use super::comments::{Line, lines, own_lines};
use super::order::rank;
use std::fmt::Write;
use toml_edit::{Array, Document, InlineTable, Item, Key, RawString, Table, Value};

/// Prints a text that is right as it is.
pub(super) fn written(text: &str) -> Result<String, String> {
    let document = Document::parse(text.to_owned()).map_err(|error| error.message().to_owned())?;
    let document = document.into_mut();
    let mut tables = Vec::new();
    collect(document.as_table(), &mut Vec::new(), false, &mut tables);
    // As in the file: what belongs together stands together, and only a person knows what does.
    tables.sort_by_key(|table| table.table.position());
    let mut printer = Printer { whole: String::new() };
    for table in &tables {
        printer.table(table);
    }
    printer.end(&document.trailing().clone());
    Ok(printer.whole)
}

/// A table with a header, or the root.
struct Headed<'d> {
    path: Vec<&'d Key>,
    is_element: bool,
    table: &'d Table,
}

fn collect<'d>(
    table: &'d Table,
    path: &mut Vec<&'d Key>,
    is_element: bool,
    tables: &mut Vec<Headed<'d>>,
) {
    // The header of a table that only its sub-tables imply is not written.
    let is_implied = table.is_implicit() && table.get_values().is_empty();
    if !table.is_dotted() && (path.is_empty() || !is_implied) {
        tables.push(Headed { path: path.clone(), is_element, table });
    }
    for (name, item) in table {
        let Some(key) = table.key(name) else { continue };
        path.push(key);
        match item {
            Item::Table(table) => collect(table, path, false, tables),
            Item::ArrayOfTables(elements) => {
                for table in elements {
                    collect(table, path, true, tables);
                }
            }
            Item::Value(_) | Item::None => {}
        }
        path.pop();
    }
}

struct Printer {
    whole: String,
}

impl Printer {
    fn table(&mut self, headed: &Headed<'_>) {
        let names: Vec<String> = headed.path.iter().map(|key| key.get().to_owned()).collect();
        let mut values = headed.table.get_values();
        if headed.path.is_empty() {
            // What the file begins with is written before its first key, and may be about the file.
            let first = values.first().map(|(path, _)| own_lines(&before(path)));
            let head = first.map_or(0, |lines| head_count(&lines));
            self.values(&names, &mut values, head);
            return;
        }
        let mut above = own_lines(raw(headed.table.decor().prefix()));
        trim(&mut above);
        if !self.whole.is_empty() {
            self.whole.push('\n');
        }
        self.own(&above, "");
        let (open, close) = if headed.is_element { ("[[", "]]") } else { ("[", "]") };
        let path = dotted(headed.path.iter().copied());
        let behind = behind(raw(headed.table.decor().suffix()));
        self.line(&format!("{open}{path}{close}{behind}"));
        self.values(&names, &mut values, 0);
    }

    /// The keys of one table; `head` lines before the first of them are the file's.
    fn values(&mut self, table: &[String], values: &mut [(Vec<&Key>, &Value)], head: usize) {
        let mut above: Vec<Vec<Line>> =
            values.iter().map(|(path, _)| own_lines(&before(path))).collect();
        if let Some(first) = above.first_mut() {
            let mut lines: Vec<Line> = first.drain(..head).collect();
            trim(&mut lines);
            if !lines.is_empty() {
                self.own(&lines, "");
                self.whole.push('\n');
            }
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        let key_rank =
            |at: &usize| values[*at].0.first().map_or(usize::MAX, |key| rank(table, key.get()));
        order.sort_by_key(key_rank);
        for (position, at) in order.into_iter().enumerate() {
            let (path, value) = &values[at];
            let lines = &mut above[at];
            while position == 0 && lines.first() == Some(&Line::Blank) {
                lines.remove(0);
            }
            self.own(lines, "");
            let names = path.iter().map(|key| key.get().to_owned());
            let place: Vec<String> = table.iter().cloned().chain(names).collect();
            let start = format!("{} = ", dotted(path.iter().copied()));
            let text = value_text(value, &place, start.chars().count(), 0);
            let behind = behind(raw(value.decor().suffix()));
            self.line(&format!("{start}{text}{behind}"));
        }
    }

    /// What stands behind the last key.
    fn end(&mut self, trailing: &RawString) {
        let mut lines = own_lines(trailing.as_str().unwrap_or(""));
        let is_apart = lines.first() == Some(&Line::Blank);
        trim(&mut lines);
        if is_apart && !lines.is_empty() && !self.whole.is_empty() {
            self.whole.push('\n');
        }
        self.own(&lines, "");
    }

    fn own(&mut self, lines: &[Line], indent: &str) {
        for line in lines {
            match line {
                Line::Comment(text) => self.line(&format!("{indent}{text}")),
                Line::Blank => self.whole.push('\n'),
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.whole.push_str(text);
        self.whole.push('\n');
    }
}

/// How many of the lines before the first key are about the file: those before the last blank one,
/// and those of editors (`#:schema …`), which they read there alone.
fn head_count(lines: &[Line]) -> usize {
    let is_about_file = |line: &Line| match line {
        Line::Blank => true,
        Line::Comment(text) => text.starts_with("#:"),
    };
    lines.iter().rposition(is_about_file).map_or(0, |at| at + 1)
}

fn trim(lines: &mut Vec<Line>) {
    while lines.last() == Some(&Line::Blank) {
        lines.pop();
    }
    while lines.first() == Some(&Line::Blank) {
        lines.remove(0);
    }
}

/// What stands before a key that may be dotted.
fn before(path: &[&Key]) -> String {
    path.last().map_or("", |key| raw(key.leaf_decor().prefix())).to_owned()
}

/// A comment behind a value, with a space.
fn behind(space: &str) -> String {
    let (comment, _) = lines(space);
    comment.map_or(String::new(), |comment| format!(" {comment}"))
}

fn raw(space: Option<&RawString>) -> &str {
    space.and_then(RawString::as_str).unwrap_or("")
}

fn dotted<'k>(path: impl Iterator<Item = &'k Key>) -> String {
    path.map(|key| name(key.get())).collect::<Vec<_>>().join(".")
}

fn name(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(plain) { key.to_owned() } else { quoted(key) }
}

/// A value that begins at a column.
fn value_text(value: &Value, place: &[String], column: usize, depth: usize) -> String {
    match value {
        Value::String(text) => {
            let spelled = text.as_repr().and_then(|repr| repr.as_raw().as_str()).unwrap_or("");
            let is_block = spelled.starts_with("\"\"\"") || spelled.starts_with("'''");
            if is_block { spelled.to_owned() } else { quoted(text.value()) }
        }
        Value::Integer(number) => number.display_repr().into_owned(),
        Value::Float(number) => number.display_repr().into_owned(),
        Value::Boolean(value) => value.value().to_string(),
        Value::Datetime(date) => date.display_repr().into_owned(),
        Value::InlineTable(table) if has_comments(value) => {
            let mut table = table.clone();
            table.decor_mut().clear();
            table.to_string()
        }
        Value::InlineTable(table) => inline_table(table, place, column, depth),
        Value::Array(array) => {
            if !has_comments(value) {
                let one = one_line(array, place);
                let is_short = column + one.chars().count() <= WIDTH && !one.contains('\n');
                if is_short || array.is_empty() {
                    return one;
                }
            }
            many_lines(array, place, depth)
        }
    }
}

/// A string in double quotes, or in single ones where it would need escapes and can do without.
fn quoted(text: &str) -> String {
    let needs_escapes = text.contains(['\\', '"']);
    let has_control = text.contains(|character: char| character.is_control());
    if needs_escapes && !has_control && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut whole = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => whole.push_str("\\\""),
            '\\' => whole.push_str("\\\\"),
            '\n' => whole.push_str("\\n"),
            '\r' => whole.push_str("\\r"),
            '\t' => whole.push_str("\\t"),
            control if control.is_control() => {
                write!(whole, "\\u{:04X}", u32::from(control)).expect("a string takes everything");
            }
            other => whole.push(other),
        }
    }
    whole.push('"');
    whole
}

/// `{ url = "http://a", weight = 2 }`: TOML 1.0 has no line ends in it, but in the lists within,
/// which are broken where the line would be too long.
fn inline_table(table: &InlineTable, place: &[String], column: usize, depth: usize) -> String {
    let one = pairs(table, place, |value, place, _| on_one_line(value, place));
    if column + one.chars().count() <= WIDTH {
        return one;
    }
    pairs(table, place, |value, place, before| {
        let start = match before.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => column + before.chars().count(),
        };
        match value {
            Value::Array(array) if !array.is_empty() => {
                let one = one_line(array, place);
                let has_tables = array.iter().any(Value::is_inline_table);
                let end = start + one.chars().count() + " }".len();
                // Where the line is too long before the list, breaking it would mend nothing.
                let is_broken = has_tables || (end > WIDTH && start < WIDTH);
                if is_broken { many_lines(array, place, depth) } else { one }
            }
            other => value_text(other, place, start, depth),
        }
    })
}

/// The pairs of a table, each value by what stands before it.
fn pairs(
    table: &InlineTable,
    place: &[String],
    text: impl Fn(&Value, &[String], &str) -> String,
) -> String {
    let mut values = table.get_values();
    if values.is_empty() {
        return "{}".to_owned();
    }
    values.sort_by_key(|(path, _)| path.first().map_or(usize::MAX, |key| rank(place, key.get())));
    let mut whole = String::from("{ ");
    for (index, (path, value)) in values.iter().enumerate() {
        let names = path.iter().map(|key| key.get().to_owned());
        let place: Vec<String> = place.iter().cloned().chain(names).collect();
        whole.push_str(if index == 0 { "" } else { ", " });
        write!(whole, "{} = ", dotted(path.iter().copied())).expect("a string takes everything");
        let text = text(value, &place, &whole);
        whole.push_str(&text);
    }
    whole.push_str(" }");
    whole
}

fn one_line(array: &Array, place: &[String]) -> String {
    let text = |value: &Value| on_one_line(value, place);
    format!("[{}]", array.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn on_one_line(value: &Value, place: &[String]) -> String {
    match value {
        Value::Array(array) => one_line(array, place),
        Value::InlineTable(table) => {
            pairs(table, place, |value, place, _| on_one_line(value, place))
        }
        other => value_text(other, place, 0, 0),
    }
}

/// A list with each element on its line, and its comments beside and above them.
fn many_lines(array: &Array, place: &[String], depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let mut whole = String::from("[");
    let mut space = String::new();
    for value in array {
        space.push_str(raw(value.decor().prefix()));
        element_space(&space, &indent, &mut whole);
        let text = value_text(value, place, indent.len() + 1, depth + 1);
        write!(whole, "\n{indent}{text},").expect("a string takes everything");
        space = raw(value.decor().suffix()).to_owned();
    }
    space.push_str(array.trailing().as_str().unwrap_or(""));
    element_space(&space, &indent, &mut whole);
    write!(whole, "\n{}]", "  ".repeat(depth)).expect("a string takes everything");
    whole
}

/// Comments between two elements: the first may stand behind the one before.
fn element_space(space: &str, indent: &str, whole: &mut String) {
    let (behind, above) = lines(space);
    if let Some(comment) = behind {
        write!(whole, " {comment}").expect("a string takes everything");
    }
    for line in above {
        if let Line::Comment(text) = line {
            write!(whole, "\n{indent}{text}").expect("a string takes everything");
        }
    }
}

/// Whether there are comments inside of a list or of an inline table.
fn has_comments(value: &Value) -> bool {
    let marked = |space: &str| space.contains('#');
    let around = |value: &Value| {
        let decor = value.decor();
        marked(raw(decor.prefix())) || marked(raw(decor.suffix()))
    };
    match value {
        Value::Array(array) => {
            marked(array.trailing().as_str().unwrap_or(""))
                || array.iter().any(|value| around(value) || has_comments(value))
        }
        Value::InlineTable(table) => {
            let of_key = |key: &Key| {
                [key.leaf_decor(), key.dotted_decor()]
                    .iter()
                    .any(|decor| marked(raw(decor.prefix())) || marked(raw(decor.suffix())))
            };
            marked(table.trailing().as_str().unwrap_or(""))
                || table.get_values().iter().any(|(path, value)| {
                    path.iter().any(|key| of_key(key)) || around(value) || has_comments(value)
                })
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => false,
    }
}
