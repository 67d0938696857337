//! `--name value` arguments, and `--name` switches.

use std::collections::BTreeMap;
use std::process::exit;
use std::str::FromStr;

/// The arguments of one run.
pub struct Arguments {
    values: BTreeMap<String, String>,
    usage: &'static str,
}

impl Arguments {
    /// Reads the process's arguments; an unknown name prints `usage` and ends the process.
    pub fn read(usage: &'static str, valued: &[&str], switches: &[&str]) -> Self {
        let mut values = BTreeMap::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let name = argument.trim_start_matches("--");
            if switches.contains(&name) {
                values.insert(name.to_owned(), String::new());
            } else if let (true, Some(value)) = (valued.contains(&name), arguments.next()) {
                values.insert(name.to_owned(), value);
            } else {
                fail(usage, &format!("{argument}: unknown, or its value is missing"));
            }
        }
        Self { values, usage }
    }

    /// The value of `name`, read as `T`; `None` where it was not given.
    pub fn optional<T: FromStr>(&self, name: &str) -> Option<T> {
        let text = self.values.get(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => fail(self.usage, &format!("--{name} {text}: not understood")),
        }
    }

    /// The value of `name`, or `default`.
    pub fn or<T: FromStr>(&self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// Whether the switch was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }
}

fn fail(usage: &str, fault: &str) -> ! {
    eprintln!("{fault}\n{usage}");
    exit(2)
}
