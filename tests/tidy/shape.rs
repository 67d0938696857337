//! Sizes, module docs and names (style 2 to 6).

use crate::lexer::Kind;
use crate::source::{Fault, File, Source};

/// A file has at most 600 lines, its trailing tests apart.
pub fn file_lines(source: &Source<'_>) -> Vec<Fault> {
    let all = source.text.lines().count();
    let lines = source.tokens().get(source.tests_at).map_or(all, |token| token.line - 1);
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![source.fault(lines, format!("{lines} lines, above {FILE_LINES_MAX}: split the file"))]
}

/// A function has at most 70 lines.
pub fn function_lines(source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, range) in source.functions() {
        let first = source.tokens()[range.start].line;
        let lines = source.tokens()[range.end - 1].line - first + 1;
        if lines > FUNCTION_LINES_MAX {
            let what = format!("`{name}` has {lines} lines, above {FUNCTION_LINES_MAX}");
            faults.push(source.fault(first, what));
        }
    }
    faults
}

/// A line of code has at most 100 columns.
pub fn columns(file: &File) -> Vec<Fault> {
    let is_code = [".rs", ".sh", ".py"].iter().any(|end| file.path.ends_with(end));
    if !is_code && !file.text.starts_with("#!") {
        return Vec::new();
    }
    let long = |(_, line): &(usize, &str)| line.chars().count() > COLUMNS_MAX;
    let lines = file.text.lines().enumerate().filter(long);
    let what = || format!("above {COLUMNS_MAX} columns");
    lines.map(|(at, _)| Fault { path: file.path.clone(), line: at + 1, what: what() }).collect()
}

/// A file begins with its module doc.
pub fn module_doc(source: &Source<'_>) -> Vec<Fault> {
    let first = source.text.lines().find(|line| !line.trim().is_empty());
    if first.is_some_and(|line| line.starts_with("//! ")) {
        return Vec::new();
    }
    vec![source.fault(1, "the first line is not a module doc (`//! …`)")]
}

/// No abbreviation that a newcomer must ask about.
pub fn abbreviations(source: &Source<'_>) -> Vec<Fault> {
    let tokens = source.tokens();
    let (mut faults, mut in_use) = (Vec::new(), false);
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "use" => in_use = true,
            ";" => in_use = false,
            _ => {}
        }
        // What follows a dot or a path, or is imported, may be somebody else's name.
        let foreign = in_use || (at > 0 && [".", "::"].contains(&tokens[at - 1].text));
        if token.kind != Kind::Word || foreign {
            continue;
        }
        if let Some(word) = segments(token.text).iter().find(|word| is_abbreviation(word)) {
            faults.push(source.fault(token.line, format!("`{}`: write `{word}` out", token.text)));
        }
    }
    faults
}

/// No declared name that says nothing, stutters with the product's name or begins with `get_`.
pub fn declared_names(source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pair in source.tokens().windows(2) {
        let declares = DECLARING.contains(&pair[0].text) && pair[1].kind == Kind::Word;
        if !declares {
            continue;
        }
        let name = pair[1].text;
        let words = segments(name);
        let mut add = |what: String| faults.push(source.fault(pair[1].line, what));
        if let Some(word) = words.iter().find(|word| VAGUE.contains(&word.as_str())) {
            add(format!("`{name}`: `{word}` says nothing; name what it is or does"));
        }
        if words == ["data"] {
            add("`data` says nothing; name what it is".to_owned());
        }
        // `get_mut` is the standard library's own partner of `get`.
        if name.starts_with("get_") && name != "get_mut" {
            add(format!("`{name}`: no `get_`"));
        }
        if pair[0].text != "fn" && name.starts_with("Frys") {
            add(format!("`{name}`: no `Frys` prefix"));
        }
    }
    faults
}

/// A file's name holds to the same words.
pub fn file_names(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !file.path.ends_with(".rs") {
        return faults;
    }
    for part in file.path.trim_end_matches(".rs").split('/') {
        let bad = |word: &&String| VAGUE.contains(&word.as_str()) || is_abbreviation(word);
        if let Some(word) = segments(part).iter().find(bad) {
            let what = format!("a file or folder is named `{word}`");
            faults.push(Fault { path: file.path.clone(), line: 1, what });
        }
    }
    faults
}

fn is_abbreviation(word: &str) -> bool {
    ABBREVIATIONS.contains(&word)
}

/// `RequestHead`, `request_head` and `REQUEST_HEAD` are all `request`, `head`.
fn segments(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for next in name.chars() {
        let begins = words.is_empty() || (next.is_uppercase() && was_lower);
        if next == '_' || begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (next != '_', words.last_mut()) {
            word.extend(next.to_lowercase());
        }
        was_lower = next.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const DECLARING: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "mod", "union", "const", "static"];
const VAGUE: [&str; 9] = [
    "manager",
    "managers",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "util",
    "utils",
    "processor",
];
const ABBREVIATIONS: [&str; 14] = [
    "conn", "conns", "req", "reqs", "resp", "resps", "hdr", "hdrs", "mgr", "ctx", "srv", "cnt",
    "msg", "msgs",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rule: fn(&Source<'_>) -> Vec<Fault>, text: &str) -> usize {
        rule(&Source::new("src/x.rs", text)).len()
    }

    #[test]
    fn catches_a_long_file_and_spares_its_tests() {
        assert_eq!(faults(file_lines, &"// x\n".repeat(601)), 1);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(601));
        assert_eq!(faults(file_lines, &tested), 0);
    }

    #[test]
    fn catches_a_long_function() {
        let body = |lines: usize| format!("fn a() {{\n{}}}\n", "x();\n".repeat(lines));
        assert_eq!(faults(function_lines, &body(69)), 1);
        assert_eq!(faults(function_lines, &body(68)), 0);
    }

    #[test]
    fn catches_a_long_line() {
        let file = |columns| File { path: "a.rs".to_owned(), text: "x".repeat(columns) };
        assert_eq!(columns(&file(101)).len(), 1);
        assert!(columns(&file(100)).is_empty());
    }

    #[test]
    fn catches_a_missing_module_doc() {
        assert_eq!(faults(module_doc, "use a::b;"), 1);
        assert_eq!(faults(module_doc, "//! What it is.\nuse a::b;"), 0);
    }

    #[test]
    fn catches_abbreviations() {
        assert_eq!(faults(abbreviations, "let upstream_conn = 1;"), 1);
        assert_eq!(faults(abbreviations, "struct ReqHead;"), 1);
        assert_eq!(faults(abbreviations, "use libc::msg; a.conn(); request();"), 0);
    }

    #[test]
    fn catches_names_that_say_nothing() {
        assert_eq!(faults(declared_names, "struct PoolManager; fn get_x() {} fn data() {}"), 3);
        assert_eq!(faults(declared_names, "struct FrysPool; mod utils;"), 2);
        assert_eq!(faults(declared_names, "struct Pool; fn data_bytes() {}"), 0);
    }

    #[test]
    fn catches_a_file_with_such_a_name() {
        let file = |path: &str| File { path: path.to_owned(), text: String::new() };
        assert_eq!(file_names(&file("src/http/util.rs")).len(), 1);
        assert!(file_names(&file("src/http/head.rs")).is_empty());
    }
}
