//! `docs/configuration.md`, from the same tables that files are read by.

use super::sections;
use std::fmt::Write;

/// The reference of all keys, in Markdown.
#[doc(hidden)]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections::ALL {
        let title = section.title;
        let title = if title.starts_with('[') { format!("`{title}`") } else { title.to_owned() };
        write!(text, "\n## {title}\n\n{}\n", section.text).expect("a string takes everything");
        text.push_str("\n| key | value | default | what it does, and why the default |\n");
        text.push_str("|---|---|---|---|\n");
        for key in section.keys {
            let default = shown_default(key.default);
            writeln!(text, "| `{}` | {} | {default} | {} |", key.name, key.kind, key.text)
                .expect("a string takes everything");
        }
        let later: Vec<String> = section.later.iter().map(|name| format!("`{name}`")).collect();
        if !later.is_empty() {
            let names = later.join(", ");
            write!(text, "\nNot built in this version, and refused: {names}.\n")
                .expect("a string takes everything");
        }
    }
    text
}

fn shown_default(default: &str) -> String {
    match default.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some("") => "`[]`".to_owned(),
        Some("none") => "–".to_owned(),
        Some(words) => words.to_owned(),
        None if default.is_empty() => "must be written".to_owned(),
        None => format!("`{default}`"),
    }
}

/// The keys of a table whose defaults a file could write, as it would write them.
#[doc(hidden)]
pub fn written_defaults() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let written = |section: &super::keys::Section| {
        let keys = section.keys.iter().map(|key| (key.name, key.default));
        let keys = keys.filter(|(_, default)| !default.is_empty() && !default.starts_with('['));
        (section.title, keys.collect())
    };
    sections::ALL.into_iter().map(written).collect()
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from src/config/sections.rs by `UPDATE=1 cargo test --test configuration`. -->

`frys run --config FILE` serves a configuration, `frys check --config FILE` says everything that is
wrong with it. The file is TOML, YAML or JSON by its ending (`.toml`, `.yaml`, `.yml`, `.json`); all
three say the same, and this page uses TOML's words. In Rust the same tree is `GatewayConfig`, with
the same names and the same checks.

```toml
listen_addr = \"0.0.0.0:8080\"

[[routes]]
path      = \"/api/*\"
upstreams = [
    { url = \"http://service-a:8080\", weight = 70 },
    { url = \"http://service-b:8080\", weight = 30 },
]
```

- **All faults at once**, each with file, line, column and key (`routes[3].upstreams[0].url`), the
  nearest known name, and the line with a caret below the place. Nothing of a file with a fault is
  used.
- **Nothing is ignored.** A key that is unknown, that stands twice, or whose feature is not built in
  this version is a fault, never a warning.
- **Durations and sizes have units**: `\"250ms\"`, `\"10s\"`, `\"1m30s\"`, `\"1h\"`; `\"512B\"`,
  `\"8KiB\"`, `\"10MiB\"`, `\"1GiB\"`. A bare number is a fault that shows what to write.
- **Timeouts** come from the route, then its cluster, then the top level. `\"none\"` never fires.
- **YAML** is 1.2: `no` and `on` are texts. Aliases are followed, up to a bound.
";
