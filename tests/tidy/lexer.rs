//! Splits Rust source into words, signs, literals and comments, each with its line.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Word,
    /// Punctuation; `::`, `=>` and `->` are one token each.
    Sign,
    /// A string, character or number.
    Literal,
    /// A lifetime or label.
    Lifetime,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: usize,
}

/// One comment, or one line of `//` comments.
#[derive(Clone, Copy, Debug)]
pub struct Comment<'a> {
    pub text: &'a str,
    pub line: usize,
    pub lines_count: usize,
}

/// A file, split.
#[derive(Debug, Default)]
pub struct Lexed<'a> {
    pub tokens: Vec<Token<'a>>,
    pub comments: Vec<Comment<'a>>,
}

/// Splits `text`. Text that is not Rust gives tokens that mean nothing; it never fails.
pub fn lex(text: &str) -> Lexed<'_> {
    let mut lexer = Lexer { text, at: 0, line: 1, out: Lexed::default() };
    while let Some(first) = lexer.rest().chars().next() {
        lexer.next(first);
    }
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    out: Lexed<'a>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self, first: char) {
        let rest = self.rest();
        if rest.starts_with("//") {
            let bytes = rest.find('\n').unwrap_or(rest.len());
            self.comment(bytes);
        } else if rest.starts_with("/*") {
            self.comment(block_comment_bytes(rest));
        } else if let Some(bytes) = string_bytes(rest) {
            self.token(Kind::Literal, bytes);
        } else if first == '\'' {
            let (kind, bytes) = quote(rest);
            self.token(kind, bytes);
        } else if is_word(first) {
            let bytes = rest.find(|next: char| !is_word(next)).unwrap_or(rest.len());
            let kind = if first.is_ascii_digit() { Kind::Literal } else { Kind::Word };
            self.token(kind, bytes);
        } else if first.is_whitespace() {
            self.advance(first.len_utf8());
        } else {
            let pair = ["::", "=>", "->"].iter().any(|pair| rest.starts_with(pair));
            self.token(Kind::Sign, if pair { 2 } else { first.len_utf8() });
        }
    }

    fn token(&mut self, kind: Kind, bytes: usize) {
        let text = &self.rest()[..bytes];
        self.out.tokens.push(Token { kind, text, line: self.line });
        self.advance(bytes);
    }

    fn comment(&mut self, bytes: usize) {
        let text = &self.rest()[..bytes];
        let lines_count = text.matches('\n').count() + 1;
        self.out.comments.push(Comment { text, line: self.line, lines_count });
        self.advance(bytes);
    }

    fn advance(&mut self, bytes: usize) {
        self.line += self.rest()[..bytes].matches('\n').count();
        self.at += bytes;
    }
}

fn is_word(next: char) -> bool {
    next == '_' || next.is_alphanumeric()
}

fn block_comment_bytes(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Bytes of the string literal that `text` begins with, its prefix included.
fn string_bytes(text: &str) -> Option<usize> {
    let prefix = text.find(|next: char| !"brc".contains(next))?;
    let body = &text[prefix..];
    let raw = text[..prefix].contains('r');
    let hashes = body.len() - body.trim_start_matches('#').len();
    if prefix > 2 || (hashes > 0 && !raw) || !body[hashes..].starts_with('"') {
        return None;
    }
    let inside = &body[hashes + 1..];
    if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        let bytes = inside.find(&close).map_or(inside.len(), |at| at + close.len());
        return Some(prefix + hashes + 1 + bytes);
    }
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// A character literal or a lifetime: `text` begins with a quote.
fn quote(text: &str) -> (Kind, usize) {
    let mut inside = text[1..].char_indices();
    let Some((_, first)) = inside.next() else { return (Kind::Lifetime, 1) };
    if first == '\\' {
        let from = 3.min(text.len());
        let bytes = text.get(from..).and_then(|rest| rest.find('\'')).map_or(2, |at| from + at + 1);
        return (Kind::Literal, bytes);
    }
    match inside.next() {
        Some((at, '\'')) => (Kind::Literal, at + 2),
        _ => {
            let bytes = text[1..].find(|next: char| !is_word(next)).unwrap_or(text.len() - 1);
            (Kind::Lifetime, bytes + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let lexed = lex(text);
        lexed.tokens.iter().filter(|token| token.kind == Kind::Word).map(|t| t.text).collect()
    }

    #[test]
    fn sees_no_words_in_strings_and_comments() {
        let text =
            "a \"unsafe \\\" b\" r#\"unsafe \" c\"# b\"d\" // unsafe\n /* unsafe /* x */ y */ e";
        assert_eq!(words(text), ["a", "e"]);
    }

    #[test]
    fn tells_a_lifetime_from_a_character() {
        assert_eq!(words("'a x 'b' y '\\'' z '\\u{41}' w 'static"), ["x", "y", "z", "w"]);
    }

    #[test]
    fn counts_lines() {
        let lexed = lex("a\n/* \n */ \"\n\" b");
        assert_eq!(lexed.tokens.last().map(|token| token.line), Some(4));
    }

    #[test]
    fn keeps_double_signs_whole() {
        let texts: Vec<_> = lex("a::b => c").tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["a", "::", "b", "=>", "c"]);
    }
}
