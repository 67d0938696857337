//! Whatever a configuration file says, it is answered: by a configuration that its own checks
//! accept, or by faults that name their place.

use super::choices::Choices;
use frys_gateway::config::{Format, GatewayConfig, check};

/// A small file in each format, to be changed here and there.
const FILES: [(Format, &str); 3] = [
    (
        Format::Toml,
        "listen = \"127.0.0.1:8080\"\n[[routes]]\nid = \"a\"\nhost = \"*.example.com\"\npath = \
         \"/api/v{version}/*\"\nmethods = [\"GET\"]\nupstreams = [{ url = \
         \"http://10.0.0.1:80\", weight = 2 }]\n[routes.timeouts]\nconnect = \"5s\"\n",
    ),
    (
        Format::Yaml,
        "listen: \"127.0.0.1:8080\"\nroutes:\n- id: a\n  host: \"*.example.com\"\n  path: \
         \"/api/v{version}/*\"\n  methods: [GET]\n  upstreams:\n  - url: http://10.0.0.1:80\n    \
         weight: 2\n  timeouts: {connect: 5s}\n",
    ),
    (
        Format::Json,
        "{\"listen\": \"127.0.0.1:8080\", \"routes\": [{\"id\": \"a\", \"path\": \"/api/{id}\", \
         \"methods\": [\"GET\"], \"upstreams\": [{\"url\": \"http://10.0.0.1\"}]}]}",
    ),
];

/// Pieces that mean something to a format or to a key.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ":",
    ",",
    "\n",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "- ",
    "\\u",
    "0",
    "-",
    "1e999",
    "null",
    "\0",
    "ä",
    "\u{feff}",
    "\t",
    "[[routes]]",
    "path",
    "path_regex",
    "(?<a>",
    ")",
    "\\d+",
    "methods",
    "/*",
    "{x}",
    "true",
    "5s",
    "${A}",
    "cluster",
    "when",
    "priority",
    "..",
];

/// A file that `bytes` choose: one of the small ones with changes, or pieces alone.
pub fn answered(bytes: &[u8]) -> u64 {
    let mut choices = Choices(bytes);
    let (format, file) = FILES[choices.below(FILES.len())];
    let mut text: Vec<u8> = file.as_bytes().to_vec();
    if choices.below(8) == 0 {
        text.clear();
    }
    while choices.is_left() {
        let at = (256 * choices.below(256) + choices.below(256)) % (text.len() + 1);
        let end = (at + choices.below(4)).min(text.len());
        let piece = choices.one(PIECES);
        text.splice(at..end, piece.bytes());
    }
    let text = String::from_utf8_lossy(&text);
    match GatewayConfig::from_str(&text, format, "file") {
        Ok(config) => assert_eq!(check(&config), [], "{text}"),
        Err(error) => {
            assert!(!error.faults.is_empty(), "{text}");
            assert!(error.faults.iter().all(|fault| fault.location.is_some()), "{text}");
            assert!(!error.to_string().is_empty(), "{text}");
        }
    }
    1
}
