//! Who may import whom: the table of `docs/architecture.md`, held.

use std::collections::BTreeMap;

use crate::source::{CodePath, Fault, Source};

/// The table: for each module, what it may import and which foreign paths it never names.
pub struct Table {
    rows: BTreeMap<String, Row>,
}

#[derive(Clone)]
struct Row {
    may: Vec<String>,
    never: Vec<String>,
}

impl Table {
    /// Reads the table whose head is `| module | may import | never |`.
    pub fn read(document: &str) -> Self {
        let lines = document.lines().skip_while(|line| !line.starts_with(HEAD)).skip(2);
        let mut rows = BTreeMap::new();
        for line in lines.take_while(|line| line.starts_with('|')) {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(words).collect();
            let [modules, may, never] = cells.as_slice() else { continue };
            for module in modules {
                let row = Row { may: may.clone(), never: never.clone() };
                rows.insert(module.clone(), row);
            }
        }
        Self { rows }
    }

    /// Whether a table was found at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn row(&self, module: &str) -> Option<&Row> {
        let stage = module.strip_prefix("proxy/").map(|_| STAGE);
        self.rows.get(module).or_else(|| self.rows.get(stage?))
    }

    fn is_stage(&self, module: &str) -> bool {
        module.starts_with("proxy/") && !self.rows.contains_key(module)
    }
}

/// Each import of `source` that its row does not allow.
pub fn faults(source: &Source<'_>, table: &Table) -> Vec<Fault> {
    let Some(home) = module_path(source.path) else { return Vec::new() };
    let Some(module) = owner(&home) else { return Vec::new() };
    let Some(row) = table.row(&module) else {
        return vec![source.fault(1, format!("`{module}` has no row in the table of imports"))];
    };
    let mut faults = Vec::new();
    for path in source.paths() {
        let what = match target(&path, &home) {
            Some(target) => crate_fault(&module, &target, row, table),
            None => foreign_fault(&module, &path, row),
        };
        faults.extend(what.map(|what| source.fault(path.line, what)));
    }
    faults
}

fn crate_fault(module: &str, target: &[String], row: &Row, table: &Table) -> Option<String> {
    let target = owner(target)?;
    let short = target.strip_prefix("proxy/").unwrap_or(&target);
    let allowed = target == module
        || row.may.iter().any(|may| may == EVERYTHING || *may == target || may == short)
        || (table.is_stage(&target) && row.may.iter().any(|may| may == EVERY_STAGE));
    (!allowed).then(|| format!("`{module}` imports `{target}`"))
}

fn foreign_fault(module: &str, path: &CodePath<'_>, row: &Row) -> Option<String> {
    let joined = path.parts.join("::");
    let names = |never: &&String| joined == **never || joined.starts_with(&format!("{never}::"));
    let never = row.never.iter().find(names)?;
    Some(format!("`{module}` names `{never}`"))
}

/// The absolute path that `crate::`, `self::` or `super::` leads to.
fn target(path: &CodePath<'_>, home: &[String]) -> Option<Vec<String>> {
    let mut at: Vec<String> = home.to_vec();
    at.extend(path.inside.iter().map(|part| (*part).to_owned()));
    let mut parts = path.parts.iter().peekable();
    match *parts.next()? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
            while parts.next_if_eq(&&"super").is_some() {
                at.pop();
            }
        }
        _ => return None,
    }
    at.extend(parts.map(|part| (*part).to_owned()));
    Some(at)
}

/// The module of a file: `src/http/h1/parse.rs` is `http`, `h1`, `parse`.
fn module_path(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let is_root = path == "lib" || path == "main";
    Some(if is_root { Vec::new() } else { path.split('/').map(str::to_owned).collect() })
}

/// Which row a module belongs to: its first part, and inside the proxy its stage.
fn owner(module: &[String]) -> Option<String> {
    let first = module.first()?;
    let second = module.get(1).filter(|part| part.starts_with(|c: char| c.is_ascii_lowercase()));
    match (first.as_str(), second) {
        ("proxy", Some(stage)) => Some(format!("proxy/{stage}")),
        (first, _) => Some(first.to_owned()),
    }
}

fn words(cell: &str) -> Vec<String> {
    let words = cell.split(',').map(|word| word.trim().trim_matches('`').to_owned());
    words.filter(|word| !word.is_empty() && word != "–").collect()
}

const HEAD: &str = "| module | may import | never |";
const STAGE: &str = "a proxy stage";
const EVERY_STAGE: &str = "every stage";
const EVERYTHING: &str = "everything";

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        let table = Table::read(
            "| module | may import | never |\n|---|---|---|\n\
             | `limits` | – | – |\n\
             | `http` | `limits` | `std::time::Instant`, `tokio` |\n\
             | a proxy stage | `exchange`, `http` | `tokio` |\n\
             | `proxy/exchange` | `http` | `tokio` |\n\
             | `proxy/serve` | every stage, `exchange` | `tokio` |\n",
        );
        faults(&Source::new(path, text), &table).len()
    }

    #[test]
    fn catches_an_import_upward() {
        assert_eq!(count("src/http/head.rs", "use crate::proxy::route::find;"), 1);
        assert_eq!(count("src/http/head.rs", "use crate::limits::FIELDS_COUNT_MAX;"), 0);
    }

    #[test]
    fn catches_an_import_in_a_group_and_in_an_expression() {
        assert_eq!(count("src/limits.rs", "use crate::{limits::A, http::{head, field}};"), 2);
        assert_eq!(count("src/limits.rs", "fn a() { crate::http::head::b() }"), 1);
    }

    #[test]
    fn catches_a_stage_that_imports_a_stage() {
        assert_eq!(count("src/proxy/route.rs", "use super::pool::Idle;"), 1);
        assert_eq!(count("src/proxy/balance/robin.rs", "use crate::proxy::pool::Idle;"), 1);
        assert_eq!(count("src/proxy/balance/robin.rs", "use super::Balancer;"), 0);
        assert_eq!(count("src/proxy/route.rs", "use super::exchange::Exchange;"), 0);
        assert_eq!(count("src/proxy/serve.rs", "use super::{route, pool};"), 0);
    }

    #[test]
    fn catches_a_foreign_path() {
        assert_eq!(count("src/http/date.rs", "use std::time::{Duration, Instant};"), 1);
        assert_eq!(count("src/proxy/route.rs", "tokio::spawn(x);"), 1);
    }

    #[test]
    fn resolves_super_inside_inline_modules() {
        assert_eq!(
            count("src/http/date.rs", "mod tests { use super::*; use super::super::x; }"),
            0
        );
        assert_eq!(count("src/http.rs", "mod tests { use super::super::proxy::x; }"), 1);
    }

    #[test]
    fn catches_a_module_without_a_row() {
        assert_eq!(count("src/cache/mod.rs", ""), 1);
    }
}
