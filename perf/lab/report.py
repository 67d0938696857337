"""Medians, spreads, ratios and the table."""

import statistics


def summary(samples, key):
    """Median, least and most of one figure over the rounds."""
    values = [sample[key] for sample in samples if key in sample]
    if not values:
        return None
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def ratios(ours, theirs, key):
    """The ratio of medians, and the median, least and most of the ratios of single rounds."""
    pairs = [a[key] / b[key] for a, b in zip(ours, theirs) if b.get(key)]
    if not pairs:
        return None
    medians = [statistics.median(s[key] for s in samples) for samples in (ours, theirs)]
    return {
        "of_medians": medians[0] / medians[1], "median": statistics.median(pairs),
        "least": min(pairs), "most": max(pairs),
    }


def table(name, goal, by_peer, subject):
    """The lines of one scenario."""
    lines = [f"{name}    (to reach: {goal})"]
    is_idle = any("idle_bytes" in sample for samples in by_peer.values() for sample in samples)
    lines += [idle_row(*row) if is_idle else row_of(*row) for row in by_peer.items()]
    key = "idle_bytes" if is_idle else "per_cpu_second"
    for peer, samples in by_peer.items():
        if peer == subject or subject not in by_peer:
            continue
        for what in [key] + (["p99_us"] if name == "paced" else []):
            found = ratios(by_peer[subject], samples, what)
            if found:
                lines.append(
                    f"    {what}: {subject} / {peer} = {found['of_medians']:.2f} of medians, "
                    f"{found['median']:.2f} in the median round "
                    f"({found['least']:.2f} to {found['most']:.2f})"
                )
    return lines + [""]


def row_of(peer, samples):
    """One peer's figures under load."""
    cost, rate = summary(samples, "per_cpu_second"), summary(samples, "rate")
    p50, p99 = summary(samples, "p50_us"), summary(samples, "p99_us")
    share, rss = summary(samples, "core_share"), summary(samples, "rss_most")
    growth = max(sample["rss_most"] - sample["rss_before"] for sample in samples)
    errors = sum(sample["errors"] for sample in samples)
    return (
        f"    {peer:<14}{cost['median']:>10.0f} /CPU-s ({cost['least']:.0f} to "
        f"{cost['most']:.0f}){rate['median']:>10.0f} /s  p50 {p50['median'] / 1000:.2f} ms  "
        f"p99 {p99['median'] / 1000:.2f} ms  core {share['median']:.0%}  "
        f"RSS {rss['median'] / 2**20:.1f} MiB (+{growth / 2**20:.1f})  errors {errors}"
    )


def idle_row(peer, samples):
    """One peer's memory."""
    base, each = summary(samples, "base_bytes"), summary(samples, "idle_bytes")
    errors = sum(sample["errors"] for sample in samples)
    return (
        f"    {peer:<14}base {base['median'] / 2**20:.1f} MiB, {each['median'] / 1024:.2f} KiB an "
        f"idle client ({each['least'] / 1024:.2f} to {each['most'] / 1024:.2f})  errors {errors}"
    )
