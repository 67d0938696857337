//! Guards in words: what they want, and what a request had instead.

use super::super::Parameters;
use super::{Comparison, Guard, Lookup, Node, Place, Scratch, Source, Subject, Test, Version};
use crate::http::field;
use std::fmt;

/// One line of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How deep it stands below `all`, `any` and `not`.
    pub depth: usize,
    /// Whether it holds.
    pub holds: bool,
    /// What was wanted, and what was found.
    pub text: String,
}

impl Guard {
    /// What each part wanted of a request and found, also parts that [`Guard::judge`] would not
    /// come to. Off the hot path.
    pub fn explain(
        &self,
        subject: &Subject<'_>,
        parameters: &Parameters,
        scratch: &mut Scratch,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for node in &self.conditions {
            node.explain(0, subject, scratch, &mut findings);
        }
        if let Some(version) = &self.version {
            findings.push(version.explain(subject, parameters, scratch));
        }
        if !self.produces.is_empty() {
            let quality = self.produces.iter().map(|media| scratch.quality(media, subject)).max();
            let quality = quality.unwrap_or(0);
            let list: Vec<&str> = self.produces().collect();
            let taken = match quality {
                0 => "`Accept` takes none of them".to_owned(),
                quality => format!("`Accept` takes it with quality {}", thousandths(quality)),
            };
            let text = format!("produces {}: {taken}", list.join(", "));
            findings.push(Finding { depth: 0, holds: quality > 0, text });
        }
        findings
    }
}

/// All that it wants, in one line: the same for guards that want the same.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for node in &self.conditions {
            write!(f, "{separator}{node}")?;
            separator = ", ";
        }
        if let Some(version) = &self.version {
            write!(f, "{separator}{version}")?;
            separator = ", ";
        }
        if !self.produces.is_empty() {
            write!(f, "{separator}produces")?;
            separator = " ";
            for media in self.produces() {
                write!(f, "{separator}{media}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl Node {
    fn explain(
        &self,
        depth: usize,
        subject: &Subject<'_>,
        scratch: &mut Scratch,
        findings: &mut Vec<Finding>,
    ) {
        let holds = self.holds(subject, scratch);
        let (text, members): (String, &[Node]) = match self {
            Node::All(members) => ("all of".to_owned(), members),
            Node::Any(members) => ("any of".to_owned(), members),
            Node::Not(inner) => ("not".to_owned(), std::slice::from_ref(&**inner)),
            Node::Value { lookup, .. } => {
                let values = scratch.values(lookup, subject);
                let values: Vec<String> =
                    values.map(|index| quoted(scratch.value(index, subject))).collect();
                let found = match values.as_slice() {
                    [] => "there is none".to_owned(),
                    _ if lookup.is_secret() => "it is not shown".to_owned(),
                    [value] => format!("it is {value}"),
                    values => format!("they are {}", values.join(", ")),
                };
                (format!("{self}: {found}"), &[])
            }
            Node::Client(_) => {
                let found = match scratch.client(subject) {
                    Some(client) => format!("it is {client}"),
                    None => "it has none".to_owned(),
                };
                (format!("{self}: {found}"), &[])
            }
            Node::Tls(_) => (format!("{self}: it is {}", scheme(subject.is_tls)), &[]),
        };
        findings.push(Finding { depth, holds, text });
        for member in members {
            member.explain(depth + 1, subject, scratch, findings);
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::All(members) => list(f, "all of", members),
            Node::Any(members) => list(f, "any of", members),
            Node::Not(inner) => write!(f, "not ({inner})"),
            Node::Value { lookup, test, is_negated } => {
                let not = if *is_negated { "not " } else { "" };
                write!(f, "{lookup} {not}{test}")
            }
            Node::Client(networks) => write!(f, "client address in {networks}"),
            Node::Tls(is_tls) => write!(f, "scheme {}", scheme(*is_tls)),
        }
    }
}

impl Lookup {
    /// Whether its values are kept out of what is shown, as the lines that they stand in are.
    fn is_secret(&self) -> bool {
        match self.place {
            Place::Cookie => true,
            Place::Header => field::is_secret(self.name.as_bytes()),
            Place::Query | Place::AcceptParameter => false,
        }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Header => "header",
            Place::Query => "query",
            Place::Cookie => "cookie",
            Place::AcceptParameter => "Accept parameter",
        };
        write!(f, "{place} {}", self.name)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Exists => f.write_str("exists"),
            Test::Equals(text) => write!(f, "equals {}", quoted(text)),
            Test::In(list) => {
                let list: Vec<String> = list.iter().map(|value| quoted(value)).collect();
                write!(f, "in {}", list.join(", "))
            }
            Test::Contains(text) => write!(f, "contains {}", quoted(text)),
            Test::Prefix(text) => write!(f, "begins with {}", quoted(text)),
            Test::Suffix(text) => write!(f, "ends with {}", quoted(text)),
            Test::Matches(regex) => write!(f, "matches `{}`", regex.text()),
            Test::Number(comparison, bound) => write!(f, "{} {bound}", comparison.sign()),
        }
    }
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        }
    }
}

impl Version {
    fn explain(
        &self,
        subject: &Subject<'_>,
        parameters: &Parameters,
        scratch: &mut Scratch,
    ) -> Finding {
        let holds = self.holds(subject, parameters, scratch);
        let found = match self.asked(subject, parameters, scratch) {
            Some(asked) => format!("the request asks for {}", quoted(asked)),
            None if self.is_default => "the request asks for none, and this is the default".into(),
            None => "the request asks for none".into(),
        };
        Finding { depth: 0, holds, text: format!("{self}: {found}") }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version `{}` of {}", self.is, self.group.name)?;
        let mut separator = " by ";
        for source in &self.group.sources {
            match source {
                Source::Path => write!(f, "{separator}path")?,
                Source::Value(lookup) => write!(f, "{separator}{lookup}")?,
            }
            separator = ", ";
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, word: &str, members: &[Node]) -> fmt::Result {
    write!(f, "{word} (")?;
    let mut separator = "";
    for member in members {
        write!(f, "{separator}{member}")?;
        separator = ", ";
    }
    f.write_str(")")
}

fn scheme(is_tls: bool) -> &'static str {
    if is_tls { "https" } else { "http" }
}

/// A value between backticks, on one line and not too long to read.
fn quoted(value: &[u8]) -> String {
    match value.get(..SHOWN_BYTES_MAX) {
        Some(start) if value.len() > SHOWN_BYTES_MAX => format!("`{}…`", start.escape_ascii()),
        Some(_) | None => format!("`{}`", value.escape_ascii()),
    }
}

fn thousandths(quality: u16) -> String {
    let digits = format!("{}.{:03}", quality / 1000, quality % 1000);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes of a value that are shown.
const SHOWN_BYTES_MAX: usize = 200;
