"""The page of a run: it stands alone and asks no network for anything."""

import html

from lab import plots
from lab.judge import paired, subject_of, values
from lab.scenarios import FIGURES, shown
from lab.table import median, reached, summary

STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #5b6876; --line: #e1e6ec;
  --paper: #fff; --ground: #f4f6f8;
  --good: #12723c; --bad: #b3261e; --one: #8a96a3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #98a5b3; --line: #2b3541;
  --paper: #171e26; --ground: #0f141a; --good: #5bd08c; --bad: #ff8a80; --one: #6d7a88; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 0; } h2 + p { margin: 2px 0 12px; color: var(--soft); }
p.about { margin: 0; color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 20px 22px; margin-top: 20px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr));
  gap: 8px 32px;  align-items: start; }
.plots svg { max-width: 620px; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--ink); } svg .tick, svg .caption { fill: var(--soft);
  font-size: 11px; } svg .value { font-weight: 600; font-variant-numeric: tabular-nums; }
.grid, .row { stroke: var(--line); } .one { stroke: var(--one); stroke-width: 1.5; }
.aim { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 2; }
.spread { stroke-width: 2.5; opacity: .45; stroke-linecap: round; } .median { stroke-width: 2.5; }
.bar { opacity: .13; } .dot { stroke: var(--paper); stroke-width: 1; }
.thin { fill: none; stroke-width: 1; opacity: .28; } .thick { fill: none; stroke-width: 2.4; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin-top: 14px;
  font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { text-align: right; padding: 5px 10px; border-top: 1px solid var(--line);
  white-space: nowrap; } th { color: var(--soft); font-weight: 500; border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
ul.aims { list-style: none; margin: 0 0 12px; padding: 0; display: flex; flex-wrap: wrap;
  gap: 8px; }
ul.aims li { border: 1px solid; border-radius: 999px; padding: 2px 12px; font-size: 13px; }
.met { color: var(--good); } .missed { color: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; font-size: 13px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 5px;
  margin-right: 6px; }
footer { color: var(--soft); font-size: 13px; margin-top: 24px; }
"""


def render(document, scenarios):
    """The whole page."""
    about, results = document["about"], document["results"]
    known = [scenario for scenario in scenarios if scenario.name in results]
    parts = [head(document), overview(known, results)]
    parts += [card(scenario, results[scenario.name]) for scenario in known]
    parts.append(foot(about, document.get("highest_rates", {})))
    return ('<!doctype html>\n<html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>Frys Gateway: perf lab, {escaped(about['when'][:10])}</title>"
            f"<style>{STYLE}</style>\n<main>" + "\n".join(parts) + "</main></html>\n")


def escaped(value):
    """Text of a run, safe in the page."""
    return html.escape(str(value))


def head(document):
    """What was measured on, and how."""
    about = document["about"]
    changed = " with changes" if about.get("has_changes") else ""
    return (f"<h1>Frys Gateway: perf lab</h1><p class=about>{escaped(about['when'])} · "
            f"{escaped(about['processor'])}, {about['cores']} cores, Linux "
            f"{escaped(about['kernel'])} · commit {escaped(about['commit'])}{changed} · "
            f"{document['rounds']} rounds of {document['seconds']:g} s, interleaved and pinned · "
            f"load by {escaped(about['load'])}</p>")


def overview(scenarios, results):
    """Every scenario's ratio to the other servers."""
    rows, names, others = [], [], []
    for scenario in scenarios:
        by_peer = results[scenario.name]
        subject, more = subject_of(by_peer), FIGURES[scenario.figure][2]
        names += [name for name in by_peer if name not in names]
        found = []
        for other in list(by_peer)[1:]:
            sides = [values(by_peer[name], scenario.figure) for name in (subject, other)]
            interval = paired(*(sides if more else sides[::-1]))
            if interval:
                found.append((other, interval.ratio, interval.low, interval.high))
                others += [other] if other not in others else []
        if found:
            rows.append((scenario.name, aim_of(scenario, more), found))
    if not rows:
        return ""
    legend = "".join(f'<span><i style="background:{plots.colour(name, names)}"></i>'
                     f"{escaped(name)}</span>" for name in others)
    return (f"<section><h2>The gateway against the others</h2><p>{escaped(names[0])}, by the "
            f"figure that counts in each scenario; right of 1 it is ahead</p>"
            f"<div class=legend>{legend}</div>{plots.forest(rows, names)}</section>")


def aim_of(scenario, more):
    """The first aim that is a ratio of the figure, turned so that more is better."""
    for reach in scenario.reach:
        if reach.of and reach.figure == scenario.figure:
            bound = reach.at_least if reach.at_least is not None else reach.at_most
            return bound if more else 1 / bound
    return None


def card(scenario, by_peer):
    """One scenario: aims, plots, figures."""
    aims = "".join(aim(*found) for found in reached(scenario, by_peer))
    drawn = [plots.strip(by_peer, figure) for figure in scenario.judged]
    ratios = plots.ratio_strip(by_peer, subject_of(by_peer), scenario.figure)
    if scenario.traffic.is_open:
        # Beside the curve there is room for two.
        beside = plots.strip(by_peer, scenario.figure) + plots.strip(by_peer, "per_cpu_second")
        drawn = [plots.curves(by_peer), f"<div>{beside}</div>"]
    elif len(drawn) == 1:
        drawn.append(ratios)
    table = idle_table(by_peer) if scenario.traffic.idle else load_table(by_peer)
    return (f'<section id="{escaped(scenario.name)}"><h2>{escaped(scenario.name)}</h2>'
            f"<p>{escaped(scenario.about)}</p>" + (f"<ul class=aims>{aims}</ul>" if aims else "")
            + f"<div class=plots>{''.join(drawn)}</div><div class=wide>{table}</div></section>")


def aim(reach, other, interval, met):
    """One aim and whether it was met."""
    value = f"{interval}" if reach.of else shown(reach.figure, interval.ratio)
    against = f" ({other})" if reach.of == "best" else ""
    kind, mark = ("met", "✓") if met else ("missed", "✗")
    return f"<li class={kind}>{mark} {escaped(reach)}{escaped(against)}: {escaped(value)}</li>"


def rows_of(heads, rows):
    """A table."""
    top = "".join(f"<th>{escaped(cell)}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>"
                   for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def load_table(by_peer):
    """Each server's figures under load."""
    rows = []
    for name, samples in by_peer.items():
        cost = summary(samples, "per_cpu_second")
        latencies = [median(samples, key) for key in ("p50_us", "p99_us", "p999_us")]
        user = median(samples, "user_share")
        rows.append([
            name, f"{cost['median']:,.0f}", f"{cost['least']:,.0f} – {cost['most']:,.0f}",
            f"{median(samples, 'rate'):,.0f}",
            *("–" if value is None else f"{value / 1000:.2f}" for value in latencies),
            "–" if user is None else f"{user:.0%}", f"{median(samples, 'core_share'):.0%}",
            f"{median(samples, 'rss_most') / 2**20:.1f}",
            f"{sum(sample['errors'] for sample in samples):,}",
        ])
    return rows_of(["", "per CPU-s", "least – most", "per s", "p50 ms", "p99 ms", "p99.9 ms",
                    "in user space", "of its core", "RSS MiB", "errors"], rows)


def idle_table(by_peer):
    """Each server's memory."""
    rows = []
    for name, samples in by_peer.items():
        cells = [(median(samples, key), unit) for key, unit in (
            ("base_bytes", 2**20), ("base_pss_bytes", 2**20), ("idle_bytes", 1024),
            ("idle_pss_bytes", 1024))]
        rows.append([name, *("–" if value is None else f"{value / unit:.2f}"
                             for value, unit in cells),
                     f"{sum(sample['errors'] for sample in samples):,}"])
    return rows_of(["", "base RSS MiB", "base PSS MiB", "RSS KiB a client", "PSS KiB a client",
                    "errors"], rows)


def foot(about, highest):
    """Versions, and the rates from which open loops were derived."""
    versions = " · ".join(escaped(version or name) for name, version in about["versions"].items())
    rates = ", ".join(f"{escaped(name)} {rate:,.0f}/s" for name, rate in highest.items())
    return (f"<footer>{versions}" + (f"<br>highest rates of closed loops: {rates}" if rates else "")
            + "<br>Dots are rounds, the strong line is their median. perf/README.md says how it is "
            "measured and what the noise is.</footer>")
