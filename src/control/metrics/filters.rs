//! What filters did, and what limits hold.

use std::fmt;

use super::Out;
use crate::control::report::{FilterSum, Report};

impl Out<'_> {
    pub(super) fn filters(&mut self, report: &Report) -> fmt::Result {
        type Outcome = (&'static str, fn(&FilterSum) -> u64);
        let rows = |name: &'static str, outcomes: &'static [Outcome]| {
            report.filters.iter().flat_map(move |(filter, sum)| {
                let row = move |(label, count): &Outcome| {
                    ([("filter", &**filter), (name, *label)], count(sum))
                };
                outcomes.iter().map(row)
            })
        };
        const REQUESTS: &[Outcome] = &[
            ("passed", |filter| filter.passed),
            ("refused", |filter| filter.refused),
            ("answered", |filter| filter.answered),
            ("shadowed", |filter| filter.shadowed),
        ];
        let help = "Requests by what the filter did; those that it would have refused, were it \
                    not only watching, count as shadowed and as passed";
        self.counters("frys_filter_decisions", help, rows("decision", REQUESTS))?;
        const DECISIONS: &[Outcome] =
            &[("hit", |filter| filter.cache_hits), ("miss", |filter| filter.cache_misses)];
        let help = "Decisions of filters by whether what was found out before was enough";
        self.counters("frys_filter_cache", help, rows("outcome", DECISIONS))?;
        const BODIES: &[Outcome] =
            &[("changed", |filter| filter.bodies_changed), ("left", |filter| filter.bodies_left)];
        let help = "Bodies that filters changed, and those that were for them and went on as they \
                    were, since they could not be read";
        self.counters("frys_filter_bodies", help, rows("body", BODIES))?;
        self.counters(
            "frys_filter_asks",
            "Questions of filters to the control plane",
            report.filters.iter().map(|(name, sum)| ([("filter", &**name)], sum.asked)),
        )
    }

    pub(super) fn limiters(&mut self, report: &Report) -> fmt::Result {
        let limiters = || report.limiters.iter().map(|(name, sum)| ([("filter", &**name)], sum));
        let rates = || limiters().filter_map(|(labels, sum)| Some((labels, sum.rate?)));
        let concurrency =
            || limiters().filter_map(|(labels, sum)| Some((labels, sum.concurrency?)));
        self.gauges(
            "frys_rate_limit_keys",
            "Places of a rate limit's table that belong to a key",
            rates().map(|(labels, rate)| (labels, rate.keys)),
        )?;
        self.counters(
            "frys_rate_limit_evictions",
            "Times that a new key took over the place, and the debt, of another",
            rates().map(|(labels, rate)| (labels, rate.evictions)),
        )?;
        self.gauges(
            "frys_concurrency_limit_active",
            "Requests under way that a concurrency limit counts",
            concurrency().map(|(labels, sum)| (labels, sum.active)),
        )?;
        self.counters(
            "frys_concurrency_limit_no_room",
            "Requests refused because their key found no place in the table",
            concurrency().map(|(labels, sum)| (labels, sum.no_room)),
        )?;
        self.gauges(
            "frys_limit_memory_bytes",
            "Memory of a limit's table that was taken",
            limiters().map(|(labels, sum)| (labels, sum.memory_bytes)),
        )
    }
}
