//! The tables of keys as a document.

use super::keys::{Key, Section};
use super::sections;
use std::fmt::Write;

/// The reference of every key in Markdown: what `docs/configuration.md` has.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections::ALL.iter().copied() {
        write_section(&mut text, section).expect("a string takes everything");
    }
    text
}

fn write_section(text: &mut String, section: &Section) -> std::fmt::Result {
    let titles: Vec<String> = section.title.split(", ").map(title).collect();
    writeln!(text, "\n## {}\n{}\n", titles.join(", "), section.text)?;
    writeln!(text, "| key | type | default | meaning |\n|---|---|---|---|")?;
    for key in section.keys {
        let Key { name, kind, text: meaning, .. } = key;
        writeln!(text, "| `{name}` | {} | {} | {meaning} |", kind.words(), shown(key))?;
    }
    if !section.later.is_empty() {
        let names: Vec<String> = section.later.iter().map(|name| format!("`{name}`")).collect();
        writeln!(text, "\nNot built yet, and refused: {}.", names.join(", "))?;
    }
    Ok(())
}

/// A default that is a value, and not words for one.
pub(super) fn value(key: &Key) -> Option<&'static str> {
    let is_words = key.default.is_empty()
        || (key.default.starts_with('[') && key.default != "[]" && !key.default.starts_with("[\""));
    if is_words { None } else { Some(key.default) }
}

fn title(title: &str) -> String {
    if title.starts_with('[') { format!("`{title}`") } else { title.to_owned() }
}

/// A default as code; words in brackets, and a key that must be there, as words.
fn shown(key: &Key) -> String {
    match value(key) {
        Some(value) => format!("`{value}`"),
        None if key.default.is_empty() => "needed".into(),
        None => key.default.trim_matches(['[', ']']).into(),
    }
}

const INTRODUCTION: &str = include_str!("introduction.md");

#[cfg(test)]
mod tests {
    use super::super::decode::Decoded;
    use super::super::decode::units::show_size;
    use super::super::kind::Kind;
    use super::super::{Ambiguous, Format, GatewayConfig, PathPolicy, decode, files};
    use super::*;
    use crate::error::Fault;

    /// Defaults that are values.
    fn values(section: &Section) -> impl Iterator<Item = &Key> {
        section.keys.iter().filter(|key| value(key).is_some())
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
            "[routes.rate_limit], [middlewares.rate_limit.NAME]" => {
                format!("{route}[routes.rate_limit]\nrequests_per_second = 1\n")
            }
            "[routes.concurrency_limit], [middlewares.concurrency_limit.NAME]" => {
                format!("{route}[routes.concurrency_limit]\nmax_requests = 1\n")
            }
            "[[routes.api_key.keys]], [[middlewares.api_key.NAME.keys]]" => {
                let hash = "0".repeat(64);
                format!("{route}[[routes.api_key.keys]]\nname = \"a\"\nsha256 = \"{hash}\"\n")
            }
            "[[routes.basic_auth.users]], [[middlewares.basic_auth.NAME.users]]" => {
                let user = "name = \"a\"\npassword_hash = \"b\"\n";
                format!("{route}[[routes.basic_auth.users]]\n{user}")
            }
            "[routes.forward_auth], [middlewares.forward_auth.NAME]" => {
                format!("{route}[routes.forward_auth]\nurl = \"http://a\"\n")
            }
            "[clusters.NAME]" => format!("[clusters.a]\n{upstreams}"),
            "[clusters.NAME.timeouts]" => {
                format!("[clusters.a]\n{upstreams}[clusters.a.timeouts]\n")
            }
            "[routes.load_balancer], [clusters.NAME.load_balancer]" => {
                format!("{route}{upstreams}[routes.load_balancer]\ncustom = \"a\"\n")
            }
            "[routes.custom], [middlewares.custom.NAME]" => {
                format!("{route}[routes.custom]\nfilter = \"a\"\n")
            }
            "[versions.NAME]" => "[versions.a]\nfrom = [\"path\", \"header\", \"media_type\", \
                                  \"query\"]\nheader = \"V\"\nknown = {}\n"
                .into(),
            "[versions.NAME.known.VERSION]" => {
                "[versions.a]\nfrom = [\"path\"]\n[versions.a.known.1]\n".into()
            }
            "[routes.rbac], [middlewares.rbac.NAME]" => {
                format!("{route}[routes.rbac]\nrules = []\n")
            }
            "[[routes.rbac.rules]], [[middlewares.rbac.NAME.rules]]" => {
                format!("{route}[[routes.rbac.rules]]\nname = \"a\"\n")
            }
            table if table.contains("[routes.auth.") || table.contains("[routes.transform.") => {
                least_of_filter(table, route)
            }
            // A table that may stand in several places is read in the first.
            table => match table.split_once(", ").map_or(table, |(first, _)| first) {
                table if table.starts_with("[routes.") => format!("{route}{table}\n"),
                table => format!("{table}\n"),
            },
        }
    }

    /// [`least`] of the tables below a filter.
    fn least_of_filter(title: &str, route: &str) -> String {
        match title {
            "[routes.auth.oidc_config], [middlewares.auth.NAME.oidc_config]" => {
                let provider = "issuer = \"http://a\"\nclient_id = \"b\"\n";
                format!("{route}[routes.auth.oidc_config]\n{provider}")
            }
            "[[routes.auth.required_claims]], [[middlewares.auth.NAME.required_claims]]" => {
                format!("{route}[[routes.auth.required_claims]]\nname = \"a\"\n")
            }
            steps if steps.starts_with("[[routes.transform.request]]") => {
                format!("{route}[[routes.transform.request]]\nfind = \"a\"\nwith = \"b\"\n")
            }
            other => format!("{route}{}\n", other.split(", ").next().unwrap_or_default()),
        }
    }

    fn decoded(text: &str) -> (GatewayConfig, Vec<Fault>) {
        let mut document = match files::read_text(text.to_owned(), Format::Toml, "frys.toml") {
            Ok(read) => read.document,
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
        for section in sections::ALL.iter().copied() {
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
        for section in sections::ALL.iter().copied() {
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

    /// Values that a kind takes, and values that it does not, as TOML writes them.
    fn samples(kind: &Kind) -> (Vec<String>, Vec<String>) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let numbers = |numbers: &[Option<i64>]| {
            numbers.iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
        };
        let sizes = |sizes: &[Option<u64>]| {
            let sizes = sizes.iter().flatten();
            sizes.map(|size| format!("\"{}\"", show_size(*size))).collect::<Vec<_>>()
        };
        match kind {
            Kind::Boolean => (texts(&["true", "false"]), texts(&["0", "\"true\""])),
            Kind::Text(_) => (Vec::new(), texts(&["1", "true", "[]"])),
            Kind::OneOf(words) => {
                let right = words.iter().map(|word| format!("\"{word}\"")).collect();
                (right, texts(&["\"no such word\"", "1"]))
            }
            Kind::Number { low, high } => {
                let mut wrong = numbers(&[low.checked_sub(1), high.checked_add(1)]);
                wrong.extend(texts(&["1.5", "\"1\""]));
                (numbers(&[Some(*low), Some(*high)]), wrong)
            }
            Kind::Decimal => (texts(&["1", "-1.5"]), texts(&["\"1\"", "true"])),
            Kind::Duration => (texts(&["\"1m30s\""]), texts(&["1", "\"1\"", "\"1s1m\""])),
            Kind::Size { low, high } => {
                let mut wrong = sizes(&[low.checked_sub(1), high.checked_add(1)]);
                wrong.extend(texts(&["1", "\"1KB\""]));
                (sizes(&[Some(*low), Some(*high)]), wrong)
            }
            Kind::List { of, .. } => {
                let (right, wrong) = samples(of);
                let list = |one: String| format!("[{one}]");
                let wrong = wrong.into_iter().map(list).chain(texts(&["{}", "1"])).collect();
                (right.into_iter().map(list).collect(), wrong)
            }
            Kind::Table(_) => (Vec::new(), texts(&["1", "\"a\""])),
            Kind::Free => (texts(&["{}", "{ a = [1, { b = \"c\" }] }"]), texts(&["1", "[]"])),
            Kind::Named { of, .. } => {
                let (right, wrong) = samples(of);
                let table = |one: String| format!("{{ a = {one} }}");
                let wrong = wrong.into_iter().map(table).chain(texts(&["[]", "1"])).collect();
                (right.into_iter().map(table).collect(), wrong)
            }
            // What is wrong for one kind may be right for another.
            Kind::Either(kinds) => {
                (kinds.iter().flat_map(|kind| samples(kind).0).collect(), texts(&["1979-05-27"]))
            }
        }
    }

    #[test]
    fn kinds_are_what_the_reader_takes() {
        for section in sections::ALL.iter().copied() {
            for Key { name, kind, .. } in section.keys {
                let text = read_for(section, name);
                let (right, wrong) = samples(kind);
                let fault_of = |value: &str| {
                    let text = text.replace(&format!("\n{name} = "), "\n# ");
                    let text = format!("{text}{name:?} = {value}\n");
                    // What the value means for other keys is not asked.
                    let faults = decoded(&text).1.into_iter();
                    let mut faults = faults.filter(|fault| fault.path.contains(name));
                    faults.find(|fault| !fault.message.contains("missing"))
                };
                for value in right {
                    assert_eq!(fault_of(&value), None, "{} {name} = {value}", section.title);
                }
                for value in wrong {
                    assert!(fault_of(&value).is_some(), "{} {name} = {value}", section.title);
                }
            }
        }
    }

    #[test]
    fn a_default_in_another_table_names_a_key() {
        let keys = sections::ALL.iter().flat_map(|section| section.keys.iter());
        let named = keys.filter_map(|key| key.default.strip_prefix("[`")?.strip_suffix("`]"));
        for path in named {
            let (table, name) = path.split_once('.').expect("a table and a key");
            let title = format!("[{table}]");
            let section = sections::ALL.iter().copied().find(|section| section.title == title);
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
