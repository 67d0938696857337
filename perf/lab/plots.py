"""Plots as SVG for a page: strips of rounds, ratios with intervals, latency curves."""

import html
import math
import statistics

from lab.judge import paired
from lab.scenarios import FIGURES, shown

COLOURS = {"frys": "#2563eb", "nginx": "#15924f", "haproxy": "#d9660b", "caddy": "#0891a5",
           "traefik": "#8b3fb8", "envoy": "#c2245e"}
OTHERS = ["#64748b", "#a16207", "#4d7c0f", "#9f1239", "#3730a3", "#78716c"]
LABEL_PX, PAD_PX, ROW_PX, AXIS_PX = 112, 14, 30, 34
WIDTH_PX = 560


class Axis:
    """Values to pixels, with round ticks; from zero, or logarithmic."""

    def __init__(self, values, left, right, logarithmic=False):
        self.left, self.right, self.logarithmic = left, right, logarithmic
        if logarithmic:
            self.low, self.high = min(values) / 1.08, max(values) * 1.08
            self.ticks = log_ticks(self.low, self.high)
        else:
            self.low, self.high = 0, max(values) * 1.04 or 1
            step = round_step(self.high / 5)
            self.ticks = [step * n for n in range(int(self.high / step) + 1)]

    def at(self, value):
        """Where a value lies; what is outside lies at the edge."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)


def round_step(rough):
    """1, 2 or 5 times a power of ten, at least `rough`."""
    power = 10 ** math.floor(math.log10(rough))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= rough * 0.9999)


def log_ticks(low, high):
    """Round values between two, few enough to be read."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [n * 10**power for power in powers for n in steps if low <= n * 10**power <= high]
        if len(found) >= 4:
            return found
    return found


def colour(name, names):
    """A server's colour: fixed for known ones, the others by their order."""
    if name in COLOURS:
        return COLOURS[name]
    others = [other for other in names if other not in COLOURS]
    return COLOURS["frys"] if name == names[0] else OTHERS[others.index(name) % len(OTHERS)]


def svg(width, height, parts, label):
    """A picture that shrinks with the page."""
    return (f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            f'aria-label="{html.escape(label)}">' + "".join(parts) + "</svg>")


def text(x, y, content, kind="", anchor="start"):
    """One line of text."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(str(content))}</text>")


def line(x1, y1, x2, y2, kind="grid", style=""):
    """One stroke."""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" '
            f'style="{style}"/>')


def dot(x, y, radius, fill, title, kind="dot"):
    """One point; it says what it is when it is pointed at."""
    return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}" fill="{fill}">'
            f"<title>{html.escape(title)}</title></circle>")


def strip(by_peer, figure):
    """Each server's rounds in one row: a dot a round, a bar from least to most, the median."""
    names = [name for name in by_peer if any(sample.get(figure) for sample in by_peer[name])]
    if not names:
        return ""
    words, unit, more, _ = FIGURES[figure]
    found = {name: [sample[figure] for sample in by_peer[name] if sample.get(figure) is not None]
             for name in names}
    right = WIDTH_PX - 78
    axis = Axis([value for values in found.values() for value in values], LABEL_PX, right)
    bottom = PAD_PX + ROW_PX * len(names)
    parts = []
    for tick in axis.ticks:
        parts += [line(axis.at(tick), PAD_PX - 4, axis.at(tick), bottom),
                  text(axis.at(tick), bottom + 14, compact(figure, tick), "tick", "middle")]
    for row, name in enumerate(names):
        values, fill = found[name], colour(name, list(by_peer))
        y, middle = PAD_PX + ROW_PX * (row + 0.5), statistics.median(values)
        parts.append(text(LABEL_PX - 10, y + 4, name, "name", "end"))
        parts.append(f'<rect x="{axis.at(0):.1f}" y="{y - 9:.1f}" height="18" rx="2" fill="{fill}" '
                     f'width="{axis.at(middle) - axis.at(0):.1f}" class="bar"/>')
        parts.append(line(axis.at(min(values)), y, axis.at(max(values)), y, "spread",
                          f"stroke:{fill}"))
        for number, value in enumerate(values):
            title = f"{name}, round {number + 1}: {shown(figure, value)} {unit}"
            parts.append(dot(axis.at(value), y, 3.2, fill, title))
        parts.append(line(axis.at(middle), y - 10, axis.at(middle), y + 10, "median",
                          f"stroke:{fill}"))
        parts.append(text(WIDTH_PX, y + 4, shown(figure, middle), "value", "end"))
    caption = f"{words}, {unit}; {'more' if more else 'less'} is better"
    parts.append(text((LABEL_PX + right) / 2, bottom + 29, caption, "caption", "middle"))
    return svg(WIDTH_PX, bottom + AXIS_PX, parts, caption)


def ratio_strip(by_peer, subject, figure):
    """The subject against each other server within the rounds: dots and their interval."""
    names, rows = list(by_peer), []
    words, _, more, _ = FIGURES[figure]
    for other in names:
        pairs = zip(by_peer[subject], by_peer[other])
        ratios = [ours[figure] / theirs[figure] for ours, theirs in pairs
                  if ours.get(figure) and theirs.get(figure)]
        if other != subject and ratios:
            sides = [[sample.get(figure) for sample in by_peer[name]] for name in (subject, other)]
            rows.append((other, ratios, paired(*sides)))
    if not rows:
        return ""
    right, bottom = WIDTH_PX - 78, PAD_PX + ROW_PX * len(rows)
    axis = Axis([ratio for _, ratios, _ in rows for ratio in ratios] + [1], LABEL_PX, right)
    parts = []
    for tick in axis.ticks:
        parts += [line(axis.at(tick), PAD_PX - 4, axis.at(tick), bottom),
                  text(axis.at(tick), bottom + 14, f"{tick:g}×", "tick", "middle")]
    parts.append(line(axis.at(1), PAD_PX - 4, axis.at(1), bottom, "one"))
    for row, (other, ratios, interval) in enumerate(rows):
        y, fill = PAD_PX + ROW_PX * (row + 0.5), colour(other, names)
        parts.append(text(LABEL_PX - 10, y + 4, f"to {other}", "name", "end"))
        if interval.low:
            parts.append(line(axis.at(interval.low), y, axis.at(interval.high), y, "spread",
                              f"stroke:{fill}"))
        parts += [dot(axis.at(ratio), y, 3.2, fill, f"round {number + 1}: {ratio:.2f} × {other}")
                  for number, ratio in enumerate(ratios)]
        x = axis.at(interval.ratio)
        parts.append(line(x, y - 10, x, y + 10, "median", f"stroke:{fill}"))
        parts.append(text(WIDTH_PX, y + 4, f"{interval.ratio:.2f}×", "value", "end"))
    caption = (f"{words} of {subject} to the other's, within each round; "
               f"{'more' if more else 'less'} is better")
    parts.append(text((LABEL_PX + right) / 2, bottom + 29, caption, "caption", "middle"))
    return svg(WIDTH_PX, bottom + AXIS_PX, parts, caption)


def compact(figure, value):
    """A tick's label."""
    divisor = {"ms": 1000, "KiB": 1024, "MiB": 2**20}.get(FIGURES[figure][1], 1)
    scaled = value / divisor
    return f"{scaled / 1000:g}k" if scaled >= 1000 else f"{scaled:.3g}"


def forest(rows, names):
    """Ratios of the gateway to others, one row a scenario; to the right is better. A row is a
    scenario's name, its aim or None, and (server, ratio, low, high) of each other server."""
    ends = [bound for _, aim, found in rows for _, ratio, low, high in found
            for bound in (ratio, low or ratio, high or ratio)]
    ends += [aim for _, aim, _ in rows if aim] + [1 / 1.2, 1.2]
    # Intervals of too few rounds reach to nowhere; the axis does not follow them.
    ratios = [ratio for _, _, found in rows for _, ratio, _, _ in found] + [1 / 1.2, 1.2]
    ends = [min(max(end, min(ratios) / 1.6), max(ratios) * 1.6) for end in ends]
    width, label = 880, 120
    axis = Axis(ends, label, width - PAD_PX, logarithmic=True)
    heights = [max(26, 13 * len(found) + 10) for _, _, found in rows]
    bottom = PAD_PX + sum(heights)
    parts = [line(axis.at(tick), PAD_PX - 4, axis.at(tick), bottom) for tick in axis.ticks]
    parts += [text(axis.at(tick), bottom + 14, f"{tick:g}×", "tick", "middle")
              for tick in axis.ticks]
    parts.append(line(axis.at(1), PAD_PX - 4, axis.at(1), bottom, "one"))
    top = PAD_PX
    for (name, aim, found), height in zip(rows, heights):
        parts.append(text(label - 10, top + height / 2 + 4, name, "name", "end"))
        parts.append(line(0, top + height, width - PAD_PX, top + height, "row"))
        if aim:
            parts.append(line(axis.at(aim), top + 3, axis.at(aim), top + height - 3, "aim"))
        for at, (other, ratio, low, high) in enumerate(found):
            y = top + height / 2 + 13 * (at - (len(found) - 1) / 2)
            fill = colour(other, names)
            bounds = f" ({low:.2f} to {high:.2f})" if low else ""
            if low:
                parts.append(line(axis.at(low), y, axis.at(high), y, "spread", f"stroke:{fill}"))
            words = f"{name}: {ratio:.2f} × {other}{bounds}"
            parts.append(dot(axis.at(ratio), y, 4.2, fill, words))
        top += height
    caption = "times better than the other server, with the 95 % interval; dashed: the aim"
    parts.append(text((label + width) / 2, bottom + 30, caption, "caption", "middle"))
    return svg(width, bottom + 36, parts, caption)


def curves(by_peer):
    """Latency by percentile, the tail stretched: a thin line a round, a thick one their median."""
    found = {name: [sample["curve"] for sample in samples if sample.get("curve")]
             for name, samples in by_peer.items()}
    found = {name: rounds for name, rounds in found.items() if rounds}
    if not found:
        return ""
    left, right, top, height = 50, WIDTH_PX - 74, PAD_PX, 250
    bottom = top + height
    everything = [max(us, 1) for rounds in found.values() for curve in rounds for _, us in curve]
    across = Axis([1, 10_000], left, right, logarithmic=True)
    up = Axis(everything, bottom, top, logarithmic=True)
    parts = []
    for percentile in (0, 50, 90, 99, 99.9, 99.99):
        x = across.at(1 / (1 - percentile / 100))
        tick = text(x, bottom + 14, f"{percentile:g}", "tick", "middle")
        parts += [line(x, top, x, bottom), tick]
    for tick in up.ticks:
        parts += [line(left, up.at(tick), right, up.at(tick)),
                  text(left - 6, up.at(tick) + 4, f"{tick / 1000:g}", "tick", "end")]
    ends = []
    for name, rounds in found.items():
        stroke = colour(name, list(by_peer))
        for number, curve in enumerate(rounds):
            parts.append(path(curve, across, up, stroke, "thin", f"{name}, round {number + 1}"))
        points = [dict(map(tuple, curve)) for curve in rounds]
        shared = sorted(set.intersection(*(set(point) for point in points)))
        middle = [(at, statistics.median(point[at] for point in points)) for at in shared]
        parts.append(path(middle, across, up, stroke, "thick", f"{name}, median of the rounds"))
        ends.append([up.at(max(middle[-1][1], 1)), name, stroke])
    parts += end_labels(ends, right + 7, bottom)
    parts.append(text((left + right) / 2, bottom + 29,
                      "percentile; latency in ms, from when a request was due", "caption",
                      "middle"))
    return svg(WIDTH_PX, bottom + AXIS_PX, parts, "latency by percentile")


def end_labels(ends, x, bottom):
    """The servers' names at the ends of their curves, pushed apart where they would meet."""
    ends.sort()
    for before, after in zip(ends, ends[1:]):
        after[0] = max(after[0], before[0] + 13)
    over = max(0, ends[-1][0] - bottom)
    return [f'<text x="{x}" y="{y - over + 4:.1f}" class="name" style="fill:{fill}">'
            f"{html.escape(name)}</text>" for y, name, fill in ends]


def path(curve, across, up, stroke, kind, title):
    """One curve; percentiles are spread by how few requests are above them."""
    points = [(across.at(1 / max(1 - percentile / 100, 1e-4)), up.at(max(us, 1)))
              for percentile, us in curve]
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (f'<polyline points="{steps}" class="{kind}" style="stroke:{stroke}">'
            f"<title>{html.escape(title)}</title></polyline>")
