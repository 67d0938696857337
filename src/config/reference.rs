//! The tables of keys as a document.

use super::keys::{Key, Section};
use super::sections;
use std::fmt::Write;

/// The reference of every key in Markdown: what `docs/configuration.md` has.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections::ALL {
        write_section(&mut text, section).expect("a string takes everything");
    }
    text
}

fn write_section(text: &mut String, section: &Section) -> std::fmt::Result {
    let titles: Vec<String> = section.title.split(", ").map(title).collect();
    writeln!(text, "\n## {}\n{}\n", titles.join(", "), section.text)?;
    writeln!(text, "| key | type | default | meaning |\n|---|---|---|---|")?;
    for Key { name, kind, default, text: meaning } in section.keys {
        writeln!(text, "| `{name}` | {} | {} | {meaning} |", kind.words(), shown(default))?;
    }
    if !section.later.is_empty() {
        let names: Vec<String> = section.later.iter().map(|name| format!("`{name}`")).collect();
        writeln!(text, "\nNot built yet, and refused: {}.", names.join(", "))?;
    }
    Ok(())
}

fn title(title: &str) -> String {
    if title.starts_with('[') { format!("`{title}`") } else { title.to_owned() }
}

/// A default as code; words in brackets, and a key that must be there, as words.
fn shown(default: &str) -> String {
    let words = default.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match words {
        Some("") => "`[]`".into(),
        Some(words) => words.into(),
        None if default.is_empty() => "needed".into(),
        None => format!("`{default}`"),
    }
}

const INTRODUCTION: &str = include_str!("introduction.md");

#[cfg(test)]
mod tests {
    use super::super::decode::Decoded;
    use super::super::{Ambiguous, Format, GatewayConfig, PathPolicy, decode, files};
    use super::*;
    use crate::error::Fault;

    /// Defaults that are values.
    fn values(section: &Section) -> impl Iterator<Item = &Key> {
        let is_words = |text: &str| text.is_empty() || (text.starts_with('[') && text != "[]");
        section.keys.iter().filter(move |key| !is_words(key.default))
    }

    /// The least of a file that ends in the table, apart from keys that are no part of it.
    fn least(section: &Section) -> String {
        let upstreams = "upstreams = [{ url = \"http://a\" }]\n";
        let route = "[[routes]]\npath = \"/*\"\n";
        match section.title {
            "top level" => String::new(),
            "[env.NAME]" => "[env.PATH]\n".into(),
            "[[listeners]]" => "[[listeners]]\naddress = \"127.0.0.1:1\"\n".into(),
            "[[routes]]" => route.into(),
            "[[routes.upstreams]], [[clusters.NAME.upstreams]]" => {
                format!("{route}[[routes.upstreams]]\nurl = \"http://a\"\n")
            }
            "[routes.when]" => format!("{route}[routes.when]\nheader = \"a\"\nexists = true\n"),
            "[routes.version]" => format!("{route}[routes.version]\ngroup = \"a\"\nis = \"1\"\n"),
            "[[routes.clusters]]" => format!("{route}[[routes.clusters]]\nname = \"a\"\n"),
            "[routes.redirect]" => format!("{route}[routes.redirect]\nto = \"/\"\n"),
            "[routes.files]" => format!("{route}[routes.files]\nroot = \"/srv\"\n"),
            "[routes.rewrite]" => format!("{route}[routes.rewrite]\nstrip_prefix = \"/a\"\n"),
            "[clusters.NAME]" => format!("[clusters.a]\n{upstreams}"),
            "[clusters.NAME.timeouts]" => {
                format!("[clusters.a]\n{upstreams}[clusters.a.timeouts]\n")
            }
            "[versions.NAME]" => "[versions.a]\nfrom = [\"path\", \"header\", \"media_type\", \
                                  \"query\"]\nheader = \"V\"\nknown = {}\n"
                .into(),
            "[versions.NAME.known.VERSION]" => {
                "[versions.a]\nfrom = [\"path\"]\n[versions.a.known.1]\n".into()
            }
            table if table.starts_with("[routes.") => format!("{route}{table}\n"),
            table => format!("{table}\n"),
        }
    }

    fn decoded(text: &str) -> (GatewayConfig, Vec<Fault>) {
        let mut document = match files::read_text(text.to_owned(), Format::Toml, "frys.toml") {
            Ok(document) => document,
            Err(error) => return (GatewayConfig::default(), error.faults),
        };
        let Decoded { config, faults, .. } = decode::gateway(&mut document);
        let timeouts = config.effective_timeouts();
        let (reject, resolve) = (Some(Ambiguous::Reject), Some(Ambiguous::Resolve));
        let policy = config.path_policy;
        let path_policy = PathPolicy {
            encoded_slash: policy.encoded_slash.or(reject),
            backslash: policy.backslash.or(reject),
            nul: policy.nul.or(reject),
            double_encoding: policy.double_encoding.or(reject),
            dot_parameter: policy.dot_parameter.or(reject),
            dot_segments: policy.dot_segments.or(resolve),
            repeated_slashes: policy.repeated_slashes.or(resolve),
        };
        (GatewayConfig { timeouts, path_policy, ..config }, faults)
    }

    #[test]
    fn each_default_is_what_holds_without_its_key() {
        for section in sections::ALL {
            let least = least(section);
            let (without, faults) = decoded(&least);
            assert_eq!(faults, [], "{least}");
            for Key { name, default, .. } in values(section) {
                let (with, faults) = decoded(&format!("{least}{name} = {default}\n"));
                assert_eq!(faults, [], "{} {name} = {default}", section.title);
                assert_eq!(with, without, "{} {name} = {default}", section.title);
            }
        }
    }

    #[test]
    fn each_key_is_read() {
        for section in sections::ALL {
            for Key { name, .. } in section.keys {
                // Nothing takes a date.
                let text = read_for(section, name);
                let text = text.replace(&format!("\n{name} = "), "\nignored = ");
                let (_, faults) = decoded(&format!("{text}{name:?} = 1979-05-27\n"));
                let dates = faults.iter().filter(|fault| fault.message.ends_with("found a date"));
                assert_eq!(dates.count(), 1, "{} {name}: {faults:?}", section.title);
            }
        }
    }

    /// The least of a file in which the key is looked at: a condition has one subject, and one
    /// operator.
    fn read_for(section: &Section, name: &str) -> String {
        let text = least(section);
        let is_condition = section.title == "[routes.when]";
        match name {
            "header" | "query" | "cookie" if is_condition => text.replace("header = \"a\"\n", ""),
            "client_ip" | "scheme" | "all" | "any" | "not" if is_condition => {
                text.replace("header = \"a\"\nexists = true\n", "")
            }
            _ if is_condition => text.replace("exists = true\n", ""),
            _ => text,
        }
    }

    #[test]
    fn a_default_in_another_table_names_a_key() {
        let keys = sections::ALL.iter().flat_map(|section| section.keys.iter());
        let named = keys.filter_map(|key| key.default.strip_prefix("[`")?.strip_suffix("`]"));
        for path in named {
            let (table, name) = path.split_once('.').expect("a table and a key");
            let title = format!("[{table}]");
            let section = sections::ALL.iter().find(|section| section.title == title);
            assert!(section.is_some_and(|section| section.has(name)), "{path}");
        }
    }

    #[test]
    fn no_cell_ends_early() {
        for key in sections::ALL.iter().flat_map(|section| section.keys) {
            let Key { name, kind, default, text } = key;
            let has_bar =
                [*name, &kind.words(), *default, *text].iter().any(|cell| cell.contains('|'));
            assert!(!has_bar, "{name}");
        }
    }
}
