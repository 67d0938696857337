//! What the page shows: runs by name, and where there was a search or a comparison, its result.
//!
//! The page's script reads these names; numbers that are not finite become `null` and are left out.

use serde::{Deserialize, Serialize};

use crate::bench::report::Report;

/// Everything on one page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// Heading of the page.
    pub title: String,
    /// The runs, in the order in which they are to be told apart.
    pub runs: Vec<NamedRun>,
    /// Latency against rate, where rates were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// A table of whatever made the page, such as the ranking of settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// Sentences for the reader, each a paragraph.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One run and what to call it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedRun {
    /// Short: it stands in legends and tabs.
    pub name: String,
    /// What was found.
    pub report: Report,
}

/// Rates that were tried.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sweep {
    /// The objective as it was written; empty where there was none.
    pub objective: String,
    /// Each trial; several may have the same rate.
    pub points: Vec<SweepPoint>,
    /// Rate from which latency grows out of proportion.
    pub knee: Option<f64>,
    /// Highest rate that met the objective.
    pub highest: Option<f64>,
    /// Confidence interval of `highest`.
    pub interval: Option<(f64, f64)>,
}

/// One trial of a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Requests a second that were asked for.
    pub rate: f64,
    /// Answers a second.
    pub achieved: f64,
    /// 50th percentile.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// Share of the requests that went wrong, 0 to 1.
    pub errors_share: f64,
    /// Whether the objective was met.
    pub met: bool,
}

/// A table of text; cells that look like numbers are set to the right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Heads of the columns.
    pub columns: Vec<String>,
    /// Rows, each with a cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Document {
    /// The page of a single run.
    pub fn of_run(title: &str, report: Report) -> Self {
        let run = NamedRun { name: "run".to_owned(), report };
        Self { title: title.to_owned(), runs: vec![run], ..Self::default() }
    }
}
