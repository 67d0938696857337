"""What a run found, in lines for the terminal."""

import statistics

from lab.judge import Interval, paired, subject_of, values
from lab.peers import KINDS
from lab.scenarios import FIGURES, shown


def summary(samples, key):
    """Median, least and most of one figure over the rounds; None where no round has it."""
    found = [sample[key] for sample in samples if sample.get(key) is not None]
    if not found:
        return None
    return {"median": statistics.median(found), "least": min(found), "most": max(found)}


def median(samples, key):
    """The median of one figure; None where no round has it."""
    found = summary(samples, key)
    return found["median"] if found else None


def best_of(by_peer, figure):
    """The best known server other than the gateways: the one that aims at `best` mean."""
    more = FIGURES[figure][2]
    others = {name: median(samples, figure) for name, samples in by_peer.items()
              if name in KINDS and name != "frys"}
    others = {name: value for name, value in others.items() if value}
    if not others:
        return None
    return (max if more else min)(others, key=others.get)


def reached(scenario, by_peer):
    """Each aim: the aim, against whom, the measured interval or value, and whether it was met;
    aims whose other server was not measured are left out."""
    subject, found = subject_of(by_peer), []
    for reach in scenario.reach:
        if not reach.of:
            value = median(by_peer[subject], reach.figure)
            if value is not None:
                found.append((reach, None, Interval(value), reach.met(value)))
            continue
        other = best_of(by_peer, reach.figure) if reach.of == "best" else reach.of
        if other is None or other not in by_peer or other == subject:
            continue
        interval = paired(values(by_peer[subject], reach.figure),
                          values(by_peer[other], reach.figure))
        if interval:
            found.append((reach, other, interval, reach.met(interval.ratio)))
    return found


def lines(scenario, by_peer):
    """The lines of one scenario."""
    found = [f"{scenario.name}: {scenario.about}"]
    row = idle_row if scenario.traffic.idle else load_row
    found += [row(name, samples) for name, samples in by_peer.items()]
    subject = subject_of(by_peer)
    for other in by_peer:
        interval = other != subject and paired(values(by_peer[subject], scenario.figure),
                                               values(by_peer[other], scenario.figure))
        if interval:
            words = FIGURES[scenario.figure][0]
            found.append(f"    {words}: {subject} / {other} = {interval}")
    for reach, other, interval, met in reached(scenario, by_peer):
        value = f"{interval}" if reach.of else shown(reach.figure, interval.ratio)
        against = f" ({other})" if reach.of == "best" else ""
        found.append(f"    aim: {reach}{against}: {value}, {'met' if met else 'NOT met'}")
    return found + [""]


def load_row(name, samples):
    """One server's figures under load."""
    cost = summary(samples, "per_cpu_second")
    growth = max(sample["rss_most"] - sample["rss_before"] for sample in samples)
    latencies = "  ".join(
        f"{FIGURES[key][0]} {median(samples, key) / 1000:.2f}"
        for key in ("p50_us", "p99_us", "p999_us") if median(samples, key) is not None)
    errors = sum(sample["errors"] for sample in samples)
    limits = sum(bool(sample.get("client_is_limit")) for sample in samples)
    return (
        f"    {name:<15}{cost['median']:>8.0f} /CPU-s ({cost['least']:.0f} to {cost['most']:.0f})"
        f"{median(samples, 'rate'):>8.0f} /s  {latencies} ms  "
        f"core {median(samples, 'core_share'):.0%}  "
        f"RSS {median(samples, 'rss_most') / 2**20:.1f} MiB (+{growth / 2**20:.1f})"
        + (f"  ERRORS {errors}" if errors else "")
        + (f"  load was the limit in {limits} of {len(samples)}" if limits else "")
    )


def idle_row(name, samples):
    """One server's memory."""
    base, each = summary(samples, "base_bytes"), summary(samples, "idle_bytes")
    errors = sum(sample["errors"] for sample in samples)
    return (
        f"    {name:<15}base {base['median'] / 2**20:.1f} MiB, {each['median'] / 1024:.2f} KiB an "
        f"idle client ({each['least'] / 1024:.2f} to {each['most'] / 1024:.2f})"
        + (f"  ERRORS {errors}" if errors else "")
    )
