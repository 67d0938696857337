//! Files of the project, and what several rules ask of one: functions, attributes, paths.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::lexer::{Kind, Lexed, Token, lex};

/// One file, by its path from the project's root.
pub struct File {
    pub path: String,
    pub text: String,
}

/// One broken rule.
#[derive(Debug)]
pub struct Fault {
    pub path: String,
    pub line: usize,
    pub what: String,
}

/// One Rust file, split.
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub lexed: Lexed<'a>,
    /// Where the trailing `#[cfg(test)] mod tests` begins, in tokens.
    pub tests_at: usize,
}

/// A path in the code, such as `std::thread::sleep`, out of a `use` or an expression.
pub struct CodePath<'a> {
    pub parts: Vec<&'a str>,
    pub line: usize,
    /// Names of the inline modules around it.
    pub inside: Vec<&'a str>,
}

/// All text files of the project: what is built or hidden is not the project's text.
pub fn files(root: &Path) -> Vec<File> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the project's folders can be read").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') && name != ".ci" && name != ".cargo";
            if hidden || name == "target" {
                continue;
            }
            let kind = entry.file_type().expect("an entry has a type");
            if kind.is_dir() {
                folders.push(entry.path());
            } else if let (true, Ok(text)) = (kind.is_file(), fs::read_to_string(entry.path())) {
                let path = entry.path();
                let path = path.strip_prefix(root).expect("below the root");
                files.push(File { path: path.to_string_lossy().into_owned(), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl<'a> Source<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let lexed = lex(text);
        let tests_at = trailing_tests(&lexed.tokens);
        Self { path, text, lexed, tests_at }
    }

    pub fn tokens(&self) -> &[Token<'a>] {
        &self.lexed.tokens
    }

    pub fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.to_owned(), line, what: what.into() }
    }

    /// Whether the tokens from `at` on are these.
    pub fn is(&self, at: usize, texts: &[&str]) -> bool {
        let found = self.tokens().iter().skip(at).take(texts.len()).map(|token| token.text);
        found.eq(texts.iter().copied())
    }

    /// Each function with a body: its name, and its tokens from `fn` to the closing brace.
    pub fn functions(&self) -> Vec<(&'a str, Range<usize>)> {
        let tokens = self.tokens();
        let is_named = |at: &usize| {
            tokens[*at].text == "fn" && tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Word)
        };
        (0..tokens.len())
            .filter(is_named)
            .filter_map(|at| {
                let open = body_open(tokens, at)?;
                Some((tokens[at + 1].text, at..close(tokens, open) + 1))
            })
            .collect()
    }

    /// Each outer or inner attribute: its tokens from `#` to `]`.
    pub fn attributes(&self) -> Vec<Range<usize>> {
        let tokens = self.tokens();
        let opens = |at: usize| {
            let bang = usize::from(tokens.get(at + 1).is_some_and(|token| token.text == "!"));
            let open = at + 1 + bang;
            (tokens[at].text == "#" && tokens.get(open)?.text == "[").then_some(open)
        };
        (0..tokens.len())
            .filter_map(|at| opens(at).map(|open| at..close(tokens, open) + 1))
            .collect()
    }

    /// Every path of two parts or more, those of `use` trees taken apart.
    pub fn paths(&self) -> Vec<CodePath<'a>> {
        let tokens = self.tokens();
        let (mut paths, mut modules, mut at) = (Vec::new(), Vec::<(&str, usize)>::new(), 0);
        while at < tokens.len() {
            modules.retain(|(_, end)| at <= *end);
            if tokens[at].text == "mod" && tokens.get(at + 2).is_some_and(|t| t.text == "{") {
                modules.push((tokens[at + 1].text, close(tokens, at + 2)));
            }
            let begins = tokens[at].kind == Kind::Word
                && tokens.get(at + 1).is_some_and(|token| token.text == "::")
                && (at == 0 || !["::", "."].contains(&tokens[at - 1].text));
            if begins {
                let inside = modules.iter().map(|(name, _)| *name).collect();
                at = tree(tokens, at, &[], &inside, &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }
}

/// Takes one path or `use` tree apart; returns the token after it.
fn tree<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    prefix: &[&'a str],
    inside: &Vec<&'a str>,
    paths: &mut Vec<CodePath<'a>>,
) -> usize {
    let line = tokens[at].line;
    let mut parts = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match (token.kind, token.text) {
            (Kind::Word, text) => parts.push(text),
            (Kind::Sign, "*") => parts.push("*"),
            (Kind::Sign, "{") => {
                let end = close(tokens, at);
                at += 1;
                while at < end {
                    let before = at;
                    at = tree(tokens, at, &parts, inside, paths);
                    while at < end && tokens[at].text != "," {
                        at += 1;
                    }
                    at = at.max(before) + 1;
                }
                return end + 1;
            }
            _ => break,
        }
        at += 1;
        let follows = tokens.get(at).is_some_and(|token| token.text == "::");
        let next = tokens.get(at + 1);
        let goes_on = next.is_some_and(|t| t.kind == Kind::Word || ["*", "{"].contains(&t.text));
        if !(follows && goes_on) {
            break;
        }
        at += 1;
    }
    paths.push(CodePath { parts, line, inside: inside.clone() });
    at.max(1)
}

/// The token that closes the group that `open` opens; the last one where none does.
pub fn close(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Sign => depth += 1,
            ")" | "]" | "}" if token.kind == Kind::Sign => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

fn body_open(tokens: &[Token<'_>], function: usize) -> Option<usize> {
    let mut at = function;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "(" | "[" => at = close(tokens, at),
            "{" => return Some(at),
            ";" => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn trailing_tests(tokens: &[Token<'_>]) -> usize {
    let texts: Vec<_> = tokens.iter().map(|token| token.text).collect();
    let all = tokens.len();
    let starts =
        (0..all).filter(|at| texts[*at..].starts_with(&["#", "[", "cfg", "(", "test", ")"]));
    let ends_file = |at: &usize| {
        let open = texts[*at..].iter().position(|text| *text == "{").map(|open| at + open);
        let is_module = texts[*at..].iter().take(24).any(|text| *text == "mod");
        is_module && open.is_some_and(|open| close(tokens, open) + 1 == all)
    };
    starts.into_iter().find(ends_file).unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_use_trees_apart() {
        let source =
            Source::new("src/x.rs", "use std::{thread::{self, sleep as s}, io::*}; a::b();");
        let paths: Vec<_> = source.paths().iter().map(|path| path.parts.join("::")).collect();
        assert_eq!(paths, ["std::thread::self", "std::thread::sleep", "std::io::*", "a::b"]);
    }

    #[test]
    fn finds_functions_with_their_bodies() {
        let source = Source::new("src/x.rs", "fn a(b: [u8; 2]) -> X where Y: Z { { } }\nfn c();");
        let names: Vec<_> = source.functions().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn finds_the_trailing_tests() {
        let source = Source::new("src/x.rs", "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n");
        assert_eq!(source.tokens()[source.tests_at].line, 2);
        let middle = Source::new("src/x.rs", "#[cfg(test)] mod tests {} fn a() {}");
        assert_eq!(middle.tests_at, middle.tokens().len());
    }
}
