//! What a key takes, in a form from which its words in the reference and its JSON Schema are made.

use super::decode::units::show_size;
use super::keys::Section;
use std::fmt::Write;

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Boolean,
    Text(Form),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A whole number of a range.
    Number {
        low: i64,
        high: i64,
    },
    /// A number, with a fraction or without.
    Decimal,
    /// As in `"1m30s"`.
    Duration,
    /// As in `"8KiB"`, of a range in bytes.
    Size {
        low: u64,
        high: u64,
    },
    /// A list of at most so many.
    List {
        of: &'static Kind,
        most: usize,
    },
    Table(&'static Section),
    /// A table whose keys are names that the file chooses.
    Named {
        of: &'static Kind,
        name: Form,
    },
    /// A table of which the gateway knows nothing.
    Free,
    Either(&'static [Kind]),
}

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// What the reference calls it; an `s` makes more of them.
    pub(crate) words: &'static str,
    /// A regular expression of ECMA-262 that every right one matches; empty when there is none.
    /// The check may be stricter.
    pub(crate) pattern: &'static str,
}

impl Form {
    pub(crate) const ANY: Form = Form { words: "string", pattern: "" };
    pub(crate) const FILLED: Form = Form { words: "string", pattern: "." };
    pub(crate) const ADDRESS: Form =
        Form { words: "address", pattern: "^(unix:/.+|.+:[0-9]{1,5})$" };
    pub(crate) const URL: Form = Form { words: "URL", pattern: "^[Hh][Tt][Tt][Pp]://." };
    pub(crate) const NETWORK: Form =
        Form { words: "network", pattern: "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$" };
    pub(crate) const METHOD: Form =
        Form { words: "method", pattern: "^[-!#$%&'*+.^_`|~0-9A-Z]{1,24}$" };
    pub(crate) const FIELD: Form =
        Form { words: "field name", pattern: "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$" };
    pub(crate) const NAME: Form = Form { words: "name", pattern: "^[-_0-9A-Za-z]{1,128}$" };
    pub(crate) const VERSION: Form = Form { words: "name", pattern: "^[-._0-9A-Za-z]{1,128}$" };
    pub(crate) const PARAMETER: Form =
        Form { words: "parameter name", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" };
    pub(crate) const VARIABLE: Form =
        Form { words: "variable name", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" };
    pub(crate) const PATH: Form = Form { words: "path", pattern: "^/" };
    pub(crate) const REGEX: Form = Form { words: "regular expression", pattern: "." };
    pub(crate) const TEMPLATE: Form = Form { words: "template", pattern: "" };
    pub(crate) const ORIGIN: Form =
        Form { words: "origin", pattern: "^(\\*|null|[A-Za-z][-+.0-9A-Za-z]*://.+)$" };
    pub(crate) const MEDIA_TYPE: Form = Form {
        words: "media type",
        pattern: "^[-!#$%&'+.^_`|~0-9A-Za-z]+/[-!#$%&'+.^_`|~0-9A-Za-z]+$",
    };
    pub(crate) const MEDIA_RANGE: Form = Form {
        words: "media type",
        pattern: "^[-*!#$%&'+.^_`|~0-9A-Za-z]+/[-*!#$%&'+.^_`|~0-9A-Za-z]+$",
    };
    pub(crate) const DATE: Form = Form { words: "date", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" };
    pub(crate) const LIMIT_KEY: Form =
        Form { words: "key", pattern: "^(ip|route|global|(header|cookie|path|claim):.+)$" };
    pub(crate) const RATE: Form = Form { words: "rate", pattern: "^[0-9]+/(s|min|h|day)$" };
    pub(crate) const FILE: Form = Form { words: "absolute path", pattern: "^/." };
}

impl Kind {
    pub(crate) const TEXT: Kind = Kind::Text(Form::ANY);

    /// A list whose length nobody bounds but the file's size.
    pub(crate) const fn list(of: &'static Kind) -> Kind {
        Kind::List { of, most: usize::MAX }
    }

    /// What the reference calls it.
    pub(crate) fn words(&self) -> String {
        match self {
            Kind::Boolean => "boolean".into(),
            Kind::Text(form) => form.words.into(),
            Kind::OneOf(choices) => either(choices.iter().map(|choice| format!("`\"{choice}\"`"))),
            Kind::Number { low, high } => format!("number{}", range(*low, *high)),
            Kind::Decimal => "number".into(),
            Kind::Duration => "duration".into(),
            Kind::Size { low: 0, high: u64::MAX } => "size".into(),
            Kind::Size { low, high } => {
                format!("size from {} to {}", show_size(*low), show_size(*high))
            }
            Kind::List { of, .. } => format!("list of {}", of.plural()),
            Kind::Table(_) | Kind::Free => "table".into(),
            Kind::Named { of, .. } => format!("table of {}", of.plural()),
            Kind::Either(kinds) => either(kinds.iter().map(Kind::words)),
        }
    }

    fn plural(&self) -> String {
        match self {
            Kind::Number { low, high } => format!("numbers{}", range(*low, *high)),
            Kind::OneOf(_) => self.words(),
            Kind::Boolean
            | Kind::Text(_)
            | Kind::Decimal
            | Kind::Duration
            | Kind::Size { .. }
            | Kind::Table(_)
            | Kind::Free => format!("{}s", self.words()),
            Kind::List { of, .. } => format!("lists of {}", of.plural()),
            Kind::Named { of, .. } => format!("tables of {}", of.plural()),
            Kind::Either(kinds) => either(kinds.iter().map(Kind::plural)),
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        Some(_) | None => words.concat(),
    }
}

fn range(low: i64, high: i64) -> String {
    match (low, high) {
        // All that its type has.
        (low, _) if low == i64::from(i32::MIN) => String::new(),
        (i64::MIN, i64::MAX) => String::new(),
        (low, i64::MAX) => format!(" from {}", grouped(low)),
        (low, high) => format!(" from {} to {}", grouped(low), grouped(high)),
    }
}

/// A number with commas where it has five digits or more.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len() > 4 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.write_char(digit).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_words() {
        const UNLIMITED: Kind = Kind::OneOf(&["unlimited"]);
        const SIZE: Kind = Kind::Size { low: 0, high: u64::MAX };
        for (kind, words) in [
            (Kind::Either(&[SIZE, UNLIMITED]), "size or `\"unlimited\"`"),
            (Kind::OneOf(&["a", "b", "c"]), "`\"a\"`, `\"b\"` or `\"c\"`"),
            (Kind::Number { low: 0, high: 1_000_000 }, "number from 0 to 1,000,000"),
            (Kind::Number { low: -99_999, high: 1_000 }, "number from -99,999 to 1000"),
            (Kind::Number { low: 1, high: i64::MAX }, "number from 1"),
            (Kind::list(&Kind::TEXT), "list of strings"),
            (Kind::list(&Kind::Boolean), "list of booleans"),
            (Kind::Named { of: &Kind::TEXT, name: Form::NAME }, "table of strings"),
        ] {
            assert_eq!(kind.words(), words);
        }
    }
}
