//! What recorded traffic said about two configurations, as text and as JSON.

use super::super::text::visible;
use super::{Destination, Unusable};
use crate::limits::TRAFFIC_GROUPS_SHOWN;

use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that are not empty.
    pub lines: u64,
    /// Lines that were sent through both configurations.
    pub used: u64,
    /// Of the used, those that would go elsewhere.
    pub different: u64,
    /// Of the used, those that come from an access log and so lack most fields.
    pub without_fields: u64,
    /// Of the used, those whose secret fields were kept back.
    pub withheld: u64,
    /// Of the different, those that found no group any more.
    pub ungrouped: u64,
    /// How many lines could not be used, and the first of them, counted from one.
    pub unusable: BTreeMap<Unusable, (u64, u64)>,
    /// Where requests went and would go, the largest group first.
    pub groups: Vec<Group>,
}

/// Requests that went to one place and would go to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Where they went.
    pub old: Destination,
    /// Where they would go.
    pub new: Destination,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Report {
    /// Everything, for programs.
    pub fn json(&self) -> Value {
        let unusable: serde_json::Map<String, Value> = (self.unusable.iter())
            .map(|(why, (count, line))| {
                (why.label().to_owned(), json!({ "count": count, "first_line": line }))
            })
            .collect();
        json!({
            "lines": self.lines,
            "used": self.used,
            "different": self.different,
            "without_fields": self.without_fields,
            "withheld": self.withheld,
            "ungrouped": self.ungrouped,
            "unusable": unusable,
            "groups": self.groups,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let share = 100.0 * self.different as f64 / self.used.max(1) as f64;
        match self.different {
            0 => writeln!(out, "{} requests: none would go elsewhere", self.used)?,
            count => {
                writeln!(out, "{} requests: {count} ({share:.2} %) would go elsewhere", self.used)?;
            }
        }
        for group in self.groups.iter().take(TRAFFIC_GROUPS_SHOWN) {
            writeln!(out, "\n{:>9}  {}", group.count, group.old)?;
            writeln!(out, "{:>9}  {}", "->", group.new)?;
            for example in &group.examples {
                writeln!(out, "{:>9}  {}", "", visible(example))?;
            }
        }
        let hidden = self.groups.len().saturating_sub(TRAFFIC_GROUPS_SHOWN);
        if hidden > 0 {
            writeln!(out, "\nand {hidden} smaller groups: --format json has them all")?;
        }
        if self.ungrouped > 0 {
            writeln!(out, "\n{} more differ in too many ways to tell them apart", self.ungrouped)?;
        }
        self.write_notes(out)
    }

    fn write_notes(&self, out: &mut String) -> fmt::Result {
        let unusable: u64 = self.unusable.values().map(|(count, _)| count).sum();
        if unusable > 0 {
            writeln!(out, "\n{unusable} of {} lines were not used:", self.lines)?;
            for (why, (count, line)) in &self.unusable {
                writeln!(out, "{count:>9}  {why} (the first is line {line})")?;
            }
        }
        if self.without_fields > 0 {
            writeln!(
                out,
                "\n{} come from an access log, which has no fields but Host, Referer, User-Agent \
                 and\nX-Forwarded-For; `frys capture` keeps the others",
                self.without_fields
            )?;
        }
        if self.withheld > 0 {
            writeln!(
                out,
                "\n{} had secret fields (Authorization, Cookie, …), which no record has:\n\
                 conditions on them were asked as if they were not there",
                self.withheld
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Some(route) => write!(formatter, "route `{}`, {}", visible(route), self.action)?,
            None => write!(formatter, "{}", self.action)?,
        }
        match self.status {
            Some(class) => write!(formatter, " ({class})"),
            None => Ok(()),
        }
    }
}
