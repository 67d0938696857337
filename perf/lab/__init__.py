"""The perf lab: peers, scenarios and the report of perf/compare."""
