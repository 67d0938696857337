//! Code that has no place, or only one (style 14, 16, 19, 21, 24).

use crate::lexer::Kind;
use crate::source::{Fault, Source, close};

/// No `todo!`, `unimplemented!`, `dbg!`, no ignored test, no note to come back later.
pub fn unfinished(source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, token) in source.tokens().iter().enumerate() {
        let is_macro = ["todo", "unimplemented", "dbg"].contains(&token.text);
        if is_macro && source.is(at + 1, &["!"]) {
            faults.push(source.fault(token.line, format!("`{}!`", token.text)));
        }
    }
    for range in source.attributes() {
        let tokens = &source.tokens()[range];
        if tokens.iter().any(|token| token.text == "ignore") {
            faults.push(source.fault(tokens[0].line, "an ignored test"));
        }
    }
    for comment in &source.lexed.comments {
        if NOTES.iter().any(|note| comment.text.contains(note)) {
            faults.push(source.fault(comment.line, "a note to come back later"));
        }
    }
    faults
}

/// No sleep: a virtual clock, or a condition with a deadline.
pub fn sleeps(source: &Source<'_>) -> Vec<Fault> {
    let paths = source.paths();
    let sleeps = paths.iter().filter(|path| path.parts.ends_with(&["thread", "sleep"]));
    sleeps.map(|path| source.fault(path.line, "`thread::sleep`")).collect()
}

/// No `.unwrap()` in what is shipped: `expect("why it holds")`, or no panic at all.
pub fn unwraps(source: &Source<'_>) -> Vec<Fault> {
    if !is_shipped(source) {
        return Vec::new();
    }
    let shipped = 0..source.tests_at;
    let unwraps = shipped.filter(|at| source.is(*at, &[".", "unwrap", "("]));
    unwraps.map(|at| source.fault(source.tokens()[at].line, "`.unwrap()`")).collect()
}

/// A dropped `Result` (`let _ =`) has a comment that says why.
pub fn dropped_results(source: &Source<'_>) -> Vec<Fault> {
    if !is_shipped(source) {
        return Vec::new();
    }
    let shipped = 0..source.tests_at;
    let drops = shipped.filter(|at| source.is(*at, &["let", "_", "="]));
    let lines = drops.map(|at| source.tokens()[at].line);
    let silent = lines.filter(|line| !has_comment(source, line.saturating_sub(1)..line + 1));
    silent.map(|line| source.fault(line, "`let _ =` without a comment that says why")).collect()
}

/// `unsafe` stands only in its homes, each time with the fact that makes it sound.
pub fn unsafe_code(source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for token in source.tokens().iter().filter(|token| token.text == "unsafe") {
        if token.kind != Kind::Word {
            continue;
        }
        if !UNSAFE_HOMES.iter().any(|home| source.path.starts_with(home)) {
            faults.push(source.fault(token.line, "`unsafe` outside its homes"));
        }
        if !says_safety(source, token.line) {
            faults.push(source.fault(token.line, "`unsafe` without `// SAFETY:` above it"));
        }
    }
    faults
}

/// `cfg(feature)` stands on `mod`, `use` and build arms only, so that bodies always compile.
///
/// The simulation's own feature may also stand on a whole item, never inside a function.
pub fn feature_gates(source: &Source<'_>) -> Vec<Fault> {
    let functions = source.functions();
    let mut faults = Vec::new();
    for range in source.attributes() {
        let tokens = &source.tokens()[range.clone()];
        let is_gate = source.is(range.start + 2, &["cfg"])
            && tokens.iter().any(|token| token.text == "feature");
        if !is_gate || gates_line_or_arm(source, range.end) {
            continue;
        }
        let simulation = tokens.iter().any(|token| token.text == "\"__simulation\"");
        let in_body = functions.iter().any(|(_, body)| body.contains(&range.start));
        if !simulation || in_body {
            faults.push(source.fault(tokens[0].line, "`cfg(feature)` not on a `mod` or an arm"));
        }
    }
    faults
}

/// No file silences whole families of warnings.
pub fn silenced_warnings(source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for range in source.attributes() {
        let tokens = &source.tokens()[range.clone()];
        let inner = source.is(range.start, &["#", "!", "[", "allow"]);
        let wide = tokens.iter().find(|token| WIDE_LINTS.contains(&token.text));
        if let (true, Some(lint)) = (inner, wide) {
            faults.push(source.fault(lint.line, format!("the file silences `{}`", lint.text)));
        }
    }
    faults
}

/// Whether the file is part of the product; `tests.rs` beside a module is not.
fn is_shipped(source: &Source<'_>) -> bool {
    source.path.starts_with("src/") && !source.path.ends_with("/tests.rs")
}

fn gates_line_or_arm(source: &Source<'_>, mut at: usize) -> bool {
    let tokens = source.tokens();
    while source.is(at, &["#", "["]) {
        at = close(tokens, at + 1) + 1;
    }
    if source.is(at, &["pub"]) {
        at += 1;
        if source.is(at, &["("]) {
            at = close(tokens, at) + 1;
        }
    }
    if tokens.get(at).is_some_and(|token| ["mod", "use", "$"].contains(&token.text)) {
        return true;
    }
    while let Some(token) = tokens.get(at) {
        match token.text {
            "=>" => return true,
            ";" | "," | "=" | "fn" | "struct" | "enum" | "impl" | "let" | "const" | "}" => break,
            "(" | "[" | "{" => at = close(tokens, at),
            _ => {}
        }
        at += 1;
    }
    false
}

fn has_comment(source: &Source<'_>, lines: std::ops::Range<usize>) -> bool {
    let comments = &source.lexed.comments;
    comments.iter().any(|comment| lines.contains(&(comment.line + comment.lines_count - 1)))
}

/// Looks upward from `line` over comments and attributes, and over the beginning of its statement.
fn says_safety(source: &Source<'_>, line: usize) -> bool {
    let lines: Vec<_> = source.text.lines().collect();
    let first = line.saturating_sub(SAFETY_LINES_MAX);
    for text in lines[first..line].iter().rev() {
        if text.contains("SAFETY:") || text.contains("# Safety") {
            return true;
        }
        if text.trim().is_empty() {
            return false;
        }
    }
    false
}

/// Vector instructions; what the kernel reads and writes on its own; two system calls without a
/// safe wrapper (`docs/adr/0005-system-calls.md`); and the allocator that counts, since
/// `GlobalAlloc` is an unsafe trait.
const UNSAFE_HOMES: [&str; 5] = [
    "src/simd/",
    "src/runtime/ring.rs",
    "src/runtime/buffers.rs",
    "src/runtime/kernel.rs",
    "tests/budget.rs",
];
const SAFETY_LINES_MAX: usize = 14;
const WIDE_LINTS: [&str; 6] =
    ["dead_code", "unused", "warnings", "all", "pedantic", "missing_docs"];
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK")];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rule: fn(&Source<'_>) -> Vec<Fault>, path: &str, text: &str) -> usize {
        rule(&Source::new(path, text)).len()
    }

    #[test]
    fn catches_unfinished_code() {
        let text = "fn a() { todo!() }\n#[ignore]\nfn b() { dbg!(1); unimplemented!() }";
        assert_eq!(faults(unfinished, "src/x.rs", text), 4);
        assert_eq!(faults(unfinished, "src/x.rs", "fn a() { let todo = \"dbg!\"; }"), 0);
        assert_eq!(faults(unfinished, "src/x.rs", concat!("// FIX", "ME later")), 1);
    }

    #[test]
    fn catches_sleeps() {
        assert_eq!(faults(sleeps, "tests/x.rs", "std::thread::sleep(x);"), 1);
        assert_eq!(faults(sleeps, "tests/x.rs", "use std::thread::{spawn, sleep};"), 1);
        assert_eq!(faults(sleeps, "tests/x.rs", "clock.sleep(x);"), 0);
    }

    #[test]
    fn catches_unwraps_outside_tests() {
        assert_eq!(faults(unwraps, "src/x.rs", "fn a() { b.unwrap() }"), 1);
        let tested = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c.unwrap() } }";
        assert_eq!(faults(unwraps, "src/x.rs", tested), 0);
    }

    #[test]
    fn catches_silent_drops() {
        assert_eq!(faults(dropped_results, "src/x.rs", "fn a() {\n let _ = b();\n}"), 1);
        assert_eq!(faults(dropped_results, "src/x.rs", "fn a() {\n // why\n let _ = b();\n}"), 0);
    }

    #[test]
    fn catches_unsafe_away_from_home() {
        assert_eq!(faults(unsafe_code, "src/http/x.rs", "// SAFETY: a\nunsafe { b() }"), 1);
        assert_eq!(faults(unsafe_code, "src/simd/x.rs", "// SAFETY: a\nunsafe { b() }"), 0);
        assert_eq!(faults(unsafe_code, "src/simd/x.rs", "unsafe { b() }"), 1);
        assert_eq!(faults(unsafe_code, "tests/x.rs", "// SAFETY: a\nunsafe { b() }"), 1);
    }

    #[test]
    fn catches_gates_in_bodies() {
        let gate = "#[cfg(feature = \"tls\")]";
        let count = |text: String| faults(feature_gates, "src/x.rs", &text);
        assert_eq!(count(format!("fn a() {{ {gate} b(); }}")), 1);
        assert_eq!(count(format!("{gate}\nfn a() {{}}")), 1);
        assert_eq!(count(format!("{gate}\npub(crate) mod tls;")), 0);
        assert_eq!(count(format!("match a {{ {gate} Step::Tls {{ .. }} => b(), }}")), 0);
        assert_eq!(count("#[cfg(feature = \"__simulation\")]\nfn a() {}".to_owned()), 0);
        assert_eq!(count("fn a() { #[cfg(feature = \"__simulation\")] b(); }".to_owned()), 1);
    }

    #[test]
    fn catches_silenced_warnings() {
        assert_eq!(faults(silenced_warnings, "src/x.rs", "#![allow(dead_code)]"), 1);
        assert_eq!(faults(silenced_warnings, "src/x.rs", "#![allow(unsafe_code)]"), 0);
    }
}
