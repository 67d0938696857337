//! Whatever a file says, the reader answers: it never panics, and never accepts what its own checks
//! refuse.

use super::FULL;
use frys_gateway::config::{Format, GatewayConfig, check};
use proptest::prelude::*;

fn answers(text: &str) {
    for format in [Format::Toml, Format::Yaml, Format::Json] {
        match GatewayConfig::from_str(text, format, "file") {
            Ok(config) => assert_eq!(check(&config), []),
            Err(error) => {
                assert!(!error.faults.is_empty());
                assert!(error.faults.iter().all(|fault| fault.location.is_some()));
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

/// Pieces that mean something to one of the formats.
const PIECES: [&str; 24] = [
    "\"", "'", "[", "]", "{", "}", "=", ":", ",", "\n", "#", "&a ", "*a", "<<: ", "- ", "\\u", "0",
    "-", "1e999", "null", "\u{0}", "ä", "\u{feff}", "\t",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_file_is_answered(
        edits in prop::collection::vec((0usize..4096, 0usize..8, 0usize..PIECES.len()), 1..6),
        as_json in any::<bool>(),
    ) {
        let mut text: Vec<char> = if as_json {
            let value: toml::Value = toml::from_str(FULL).expect("TOML");
            serde_json::to_string_pretty(&value).expect("JSON").chars().collect()
        } else {
            FULL.chars().collect()
        };
        for (at, cut, piece) in edits {
            let at = at % text.len();
            let end = (at + cut).min(text.len());
            text.splice(at..end, PIECES[piece].chars());
        }
        answers(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_is_answered(pieces in prop::collection::vec(0usize..PIECES.len(), 0..40)) {
        answers(&pieces.into_iter().map(|piece| PIECES[piece]).collect::<String>());
    }

    #[test]
    fn a_value_of_another_type_is_answered(line in 0usize..80, kind in 0usize..7) {
        let value = ["true", "-1", "1.5", "\"\"", "[]", "{}", "1979-05-27"][kind];
        let mut lines: Vec<String> = FULL.lines().map(str::to_owned).collect();
        let line = line % lines.len();
        if let Some((key, _)) = lines[line].clone().split_once(" = ") {
            lines[line] = format!("{key} = {value}");
        }
        answers(&lines.join("\n"));
    }
}
