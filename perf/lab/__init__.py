"""The perf lab: scenarios, servers, load, statistics and reports of perf/run and perf/check."""
