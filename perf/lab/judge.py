"""Statistics: ratios within rounds, confidence intervals by Student's t, moved or not.

Ratios are judged by their logarithms, so that twice as much and half as much weigh the same. One
run's ratio is paired: each round gives one ratio of two servers that shared its minute. Two runs
are compared by the difference of their mean log-ratios (Welch's t), where each round's figure was
first divided by the control's figure of that round, if the scenario has a control.
"""

import math
import statistics

from lab.scenarios import FIGURES

CONTROL = "nginx"
CONFIDENCE = 0.95
# A change below this is not called one, however narrow its interval: two runs of one program on
# one machine differ by that much in how its memory came to lie.
RATIO_LEAST = 1.03
# Two rounds give an interval that says nothing: t with one degree of freedom is 12.7.
ROUNDS_MIN = 3


class Interval:
    """A ratio with its confidence interval; without bounds where the rounds are too few for one."""

    def __init__(self, ratio, low=None, high=None):
        self.ratio, self.low, self.high = ratio, low, high

    def __str__(self):
        if self.low is None:
            return f"{self.ratio:.2f}"
        return f"{self.ratio:.2f} ({self.low:.2f} to {self.high:.2f})"

    def excludes_one(self):
        """Whether a ratio of one is outside."""
        return self.low is not None and (self.low > 1 or self.high < 1)


def paired(ours, theirs, confidence=CONFIDENCE):
    """The ratio of two servers over the rounds of one run; None where nothing can be divided."""
    logs = [math.log(a / b) for a, b in zip(ours, theirs) if a and b and a > 0 and b > 0]
    if not logs:
        return None
    mean = statistics.fmean(logs)
    if len(logs) < ROUNDS_MIN:
        return Interval(math.exp(mean))
    half = (student_quantile((1 + confidence) / 2, len(logs) - 1)
            * statistics.stdev(logs) / math.sqrt(len(logs)))
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def welch(after, before, confidence=CONFIDENCE):
    """The ratio `after` to `before` of positive samples from two runs, by Welch's t on their
    logarithms."""
    logs = [[math.log(value) for value in values if value > 0] for values in (after, before)]
    if not all(logs):
        return None
    difference = statistics.fmean(logs[0]) - statistics.fmean(logs[1])
    ratio = math.exp(difference)
    if min(map(len, logs)) < ROUNDS_MIN:
        return Interval(ratio)
    parts = [statistics.variance(values) / len(values) for values in logs]
    error = math.sqrt(sum(parts))
    if error == 0:
        return Interval(ratio, ratio, ratio)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(values) - 1)
                                    for part, values in zip(parts, logs))
    half = student_quantile((1 + confidence) / 2, freedom) * error
    return Interval(ratio, math.exp(difference - half), math.exp(difference + half))


def student_quantile(probability, freedom):
    """The value that Student's t with `freedom` degrees stays below with `probability`."""
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while student_cumulative(high, freedom) < probability and high < 1e9:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if student_cumulative(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_cumulative(value, freedom):
    """The probability that Student's t with `freedom` degrees stays below `value`, from 0 up."""
    share = freedom / (freedom + value * value)
    return 1 - incomplete_beta(freedom / 2, 0.5, share) / 2


def incomplete_beta(a, b, x):
    """The regularized incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
                     + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges fast on one side of the mean; the other side is its complement.
    if x > (a + 1) / (a + b + 2):
        return 1 - front * beta_fraction(b, a, 1 - x) / b
    return front * beta_fraction(a, b, x) / a


def beta_fraction(a, b, x):
    """The continued fraction of the incomplete beta function."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    result = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            result *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return result


def values(samples, figure):
    """One figure of all samples that have it."""
    return [sample.get(figure) for sample in samples]


def control_of(scenario, by_peer, subject, figure):
    """The server whose figure of the same round takes the machine's minute out; None without."""
    if not FIGURES[figure][3]:
        return None
    if scenario.variants:
        named = (reach.of for reach in scenario.reach if reach.of in by_peer)
        return next((name for name in named if name != subject), None)
    return CONTROL if CONTROL in by_peer else None


def controlled(by_peer, subject, control, figure):
    """The subject's figure of each round, divided by the control's of the same round."""
    ours = values(by_peer[subject], figure)
    if control is None:
        return [value for value in ours if value]
    pairs = zip(ours, values(by_peer[control], figure))
    return [value / other for value, other in pairs if value and other]


class Change:
    """One figure of one scenario against the baseline."""

    def __init__(self, scenario, figure, control, interval):
        self.scenario, self.figure = scenario, figure
        self.control, self.interval = control, interval

    @property
    def moved(self):
        """Whether it moved beyond noise."""
        ratio = self.interval.ratio
        return self.interval.excludes_one() and max(ratio, 1 / ratio) >= RATIO_LEAST

    @property
    def verdict(self):
        """`better`, `worse`, `not moved`, or `too few rounds`."""
        if self.interval.low is None:
            return "too few rounds"
        if not self.moved:
            return "not moved"
        more_is_better = FIGURES[self.figure][2]
        return "better" if (self.interval.ratio > 1) == more_is_better else "worse"


def subject_of(by_peer):
    """The server that is judged: the first, which is the gateway where it was measured."""
    return next(iter(by_peer))


def changes(scenarios, result, baseline, confidence=CONFIDENCE):
    """All figures that both have. The confidence is shared among them (Bonferroni), so that all of
    an unchanged gateway passes with `confidence`."""
    found = []
    for name, by_peer in result.items():
        scenario, before = scenarios.get(name), baseline.get(name)
        subject = subject_of(by_peer)
        if not scenario or not before or subject not in before:
            continue
        for figure in scenario.judged:
            controls = {control_of(scenario, side, subject, figure) for side in (by_peer, before)}
            control = controls.pop() if len(controls) == 1 else None
            sides = [controlled(side, subject, control, figure) for side in (by_peer, before)]
            if all(sides):
                found.append((name, figure, control, sides))
    each = 1 - (1 - confidence) / max(1, len(found))
    return [Change(name, figure, control, welch(*sides, each))
            for name, figure, control, sides in found]
