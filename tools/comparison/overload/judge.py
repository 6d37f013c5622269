"""What the figures past the limit say: how long a server takes to recover from a burst, and which rule is right for a model. Knows no
server."""

from dataclasses import dataclass
from math import sqrt
from statistics import median

# A rule collapses if at the highest rate less than this part of its best goodput is left.
HOLDS = 0.8
# Rules whose goodput is this near to the best one's are equal; of them, the one with the shortest p99 is right.
_EQUAL = 0.03
# A server has recovered when it answers this part of what comes in time again, and goes on to do so for _STAYS_S.
_RECOVERED = 0.9
_STAYS_S = 0.5
# So many answers may be missing beside that by chance: requests come at random, and of N expected ones sqrt(N) is one deviation.
_DEVIATIONS = 2


@dataclass(frozen=True)
class Point:
    """A rule at a multiple of the capacity, over all rounds."""

    factor: float  # Of the capacity.
    goodput: float  # What was answered in time, as a part of the capacity: the median of the rounds,
    low: float  # and the least,
    high: float  # and the most.
    p99_ms: float  # Of what was answered in time, counted from its try; None: nothing was.
    refused: float  # Of the tries: parts.
    gave_up: float
    is_in_doubt: bool = False  # In a round the load generator was the limit, or the run had a fault.


def point(factor, lines):
    """A Point of the lines of some rounds, at least one."""
    parts = [line["goodput"] / line["capacity"] for line in lines]
    times = [line["p99_ms"] for line in lines if line["p99_ms"] is not None]
    tries = sum(line["tries"] for line in lines) or 1
    return Point(factor, median(parts), min(parts), max(parts), median(times) if times else None,
                 sum(line["refused"] for line in lines) / tries, sum(line["gave_up"] for line in lines) / tries,
                 any(line["is_in_doubt"] for line in lines))


def recovery_s(per_interval, interval_s, rate, burst_end_s):
    """Seconds from the end of a burst until answers come in time again, at this rate, and go on to. None: not before the end.

    per_interval  answers in time, of the load that goes on, in each interval
    """
    needed = max(1, round(_STAYS_S / interval_s))
    expected = rate * interval_s * needed
    enough = min(_RECOVERED * expected, expected - _DEVIATIONS * sqrt(expected))
    first = round(burst_end_s / interval_s)
    for begin in range(first, len(per_interval) - needed + 1):
        those = per_interval[begin:begin + needed]
        # The mean of several: requests come at random, and few of them in one interval.
        if sum(those) >= enough and those[0] >= enough / needed / 2:
            return (begin - first) * interval_s
    return None


@dataclass(frozen=True)
class Verdict:
    """What is said of one model."""

    right: str  # The rule.
    holds: bool  # Its goodput at the highest rate is HOLDS of its best.
    kept: float  # What part of its best that is.
    collapses: tuple  # Other rules that do not hold.
    is_in_doubt: bool = False  # So is a figure that has decided it.
    equals: tuple = ()  # Other rules that do as well at the highest rate, as far as these rounds can tell.


def kept(points):
    """The goodput at the highest rate, as a part of the best at any."""
    best = max(each.goodput for each in points)
    last = max(points, key=lambda each: each.factor)
    return last.goodput / best if best else 0.0


def judge(points_of):
    """The Verdict over {rule: [Point]}, in the order of preference if nothing else decides."""
    last = {rule: max(points, key=lambda each: each.factor) for rule, points in points_of.items()}
    best = max(each.goodput for each in last.values())
    lowest = max(last.values(), key=lambda each: each.goodput).low
    equal = [rule for rule, each in last.items() if each.goodput >= best * (1 - _EQUAL) or each.high >= lowest]
    right = min(equal, key=lambda rule: (last[rule].p99_ms is None, last[rule].p99_ms or 0.0))
    others = tuple(rule for rule, points in points_of.items() if rule != right and kept(points) < HOLDS)
    is_in_doubt = any(point.is_in_doubt for point in [*last.values(), *points_of[right]])
    equals = tuple(rule for rule in equal if rule != right)
    return Verdict(right, kept(points_of[right]) >= HOLDS, kept(points_of[right]), others, is_in_doubt, equals)
