"""Statistics of rounds: intervals by the bootstrap, the noise floor of A against A, verdicts, lines, shares.

All functions are pure, and give the same for the same data: what is random is seeded.
Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13 (percentile intervals).
"""

import math
from dataclasses import dataclass

import numpy

RESAMPLES = 2000
CONFIDENCE = 0.95
# With fewer rounds than this no difference is called real: the interval of so few says too little.
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Interval:
    """A middle value, and the bounds that hold the true one with CONFIDENCE."""

    median: float
    low: float
    high: float
    n: int


def _resampled_medians(values, seed, resamples):
    """The medians of many samples drawn, with replacement, from the rounds; a row of `values` is drawn as a whole."""
    data = numpy.asarray(values, dtype=float)
    draws = numpy.random.default_rng(seed).integers(0, data.shape[0], (resamples, data.shape[0]))
    return numpy.median(data[draws], axis=1)


def _bounds(samples):
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = numpy.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def median_interval(values, seed=1, resamples=RESAMPLES):
    """The median of some values with its bootstrap interval. None where there are no values."""
    if not values:
        return None
    low, high = _bounds(_resampled_medians(values, seed, resamples))
    return Interval(float(numpy.median(values)), low, high, len(values))


def ratio_interval(a, b, seed=1, resamples=RESAMPLES):
    """The ratio of two subjects' medians, a over b, with its interval.

    a, b  values by round. Rounds that only one of them has are left out, and the two values of a round are drawn
          together: what disturbed the machine in that round disturbed both.
    None where they have no round in common, or where b's median is 0.
    """
    rounds = sorted(set(a) & set(b))
    if not rounds:
        return None
    pairs = [[a[number], b[number]] for number in rounds]
    middle = numpy.median(numpy.asarray(pairs, dtype=float), axis=0)
    samples = _resampled_medians(pairs, seed, resamples)
    samples = samples[samples[:, 1] != 0]
    if middle[1] == 0 or not len(samples):
        return None
    low, high = _bounds(samples[:, 0] / samples[:, 1])
    return Interval(float(middle[0] / middle[1]), low, high, len(rounds))


def noise_floor(same):
    """The largest factor by which something was found to differ from itself: by its place in the order, by where its memory
    came to lie, by chance.

    same  Intervals of A/A ratios: all of the same thing measured twice. Their middles count: how far chance may reach
          beyond is in the interval of the ratio that is judged already.
    None where nothing was measured twice.
    """
    factors = [math.exp(abs(math.log(max(interval.median, 1e-9)))) for interval in same if interval is not None]
    return max(factors) if factors else None


def floor_of_twins(values, again):
    """The noise_floor() of one thing that was measured twice; both by round. None where they have no round in common."""
    return noise_floor([ratio_interval(values, again)])


@dataclass(frozen=True)
class Verdict:
    differs: bool
    why: str


def judge(ratio, floor):
    """Whether two subjects differ: only where the interval of their ratio excludes 1 and lies outside the noise floor.

    ratio  an Interval, or None where they were not measured together
    floor  from noise_floor(), or None
    """
    if ratio is None:
        return Verdict(False, "they have no good round in common")
    if ratio.n < LEAST_ROUNDS:
        return Verdict(False, f"only {ratio.n} rounds; {LEAST_ROUNDS} at least tell anything")
    if floor is None:
        return Verdict(False, "nothing was measured twice, so that the noise is not known")
    if ratio.low <= 1 <= ratio.high:
        return Verdict(False, "the interval of their ratio holds 1")
    if ratio.low <= floor and ratio.high >= 1 / floor:
        return Verdict(False, f"within the noise: the same thing differed from itself by {100 * (floor - 1):.1f} %")
    return Verdict(True, f"the interval of their ratio is outside the noise of {100 * (floor - 1):.1f} %")


@dataclass(frozen=True)
class Factorial:
    """What the factors of a two-level design do to the logarithm of a value, by terms: (factor,) and (factor, other)."""

    effects: dict  # Half of what it makes to go from the low level to the high one.
    error: float  # The standard error of each.
    shares: dict  # Of all variation; what is missing to 1 is noise. Empty where there is no variation.


def factorial(signs, values):
    """The Factorial of a design.

    signs   for each run a tuple of +1 and -1, one for each factor. The columns, and the products of two, must be
            orthogonal, as in a full design or a half fraction of five factors.
    values  for each run its values, one for each round; what a whole round has more than the others is left out.
    Source: Jain, "The Art of Computer Systems Performance Analysis", 1991, ch. 18.
    """
    data = numpy.log(numpy.asarray(values, dtype=float))
    data = data - data.mean(axis=0)
    columns = numpy.asarray(signs, dtype=float).T
    factors = range(len(columns))
    terms = {(a,): columns[a] for a in factors} | {(a, b): columns[a] * columns[b] for a in factors for b in factors if a < b}
    effects = {term: float(column @ data.mean(axis=1) / len(column)) for term, column in terms.items()}
    total = float((data**2).sum())
    explained = {term: data.size * effect**2 for term, effect in effects.items()}
    degrees = data.size - data.shape[1] - len(terms)
    noise = max(0.0, total - sum(explained.values())) / degrees if degrees > 0 else math.inf
    return Factorial(effects, math.sqrt(noise / data.size), {term: part / total for term, part in explained.items() if total})


@dataclass(frozen=True)
class Line:
    """y = intercept + slope * x, by least squares; r2 is the share of the variance that it explains."""

    slope: float
    intercept: float
    low: float  # Of the slope.
    high: float
    r2: float
    n: int


# The 97.5 % points of Student's t, for 1 to 12 degrees of freedom.
_STUDENT_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179)


def regression(points):
    """The line through (x, y) points, with the 95 % interval of its slope by Student's t.

    None where there are fewer than three, or all have the same x.
    """
    data = numpy.asarray(points, dtype=float)
    if len(data) < 3 or numpy.ptp(data[:, 0]) == 0:
        return None
    slope, intercept = numpy.polyfit(data[:, 0], data[:, 1], 1)
    rest = data[:, 1] - (slope * data[:, 0] + intercept)
    spread = float(numpy.sum((data[:, 1] - data[:, 1].mean()) ** 2))
    left = float((rest**2).sum())
    degrees = len(data) - 2
    error = math.sqrt(left / degrees / float(((data[:, 0] - data[:, 0].mean())**2).sum()))
    reach = error * (_STUDENT_T[degrees - 1] if degrees <= len(_STUDENT_T) else 2.0)
    r2 = 1.0 if spread == 0 else 1 - left / spread
    return Line(float(slope), float(intercept), float(slope) - reach, float(slope) + reach, r2, len(data))


def gini(shares):
    """How uneven shares are: 0 where all have the same, towards 1 where one has all (Gini, 1912). 0 of nothing."""
    ordered = sorted(shares)
    total = sum(ordered)
    if not ordered or total == 0:
        return 0.0
    n = len(ordered)
    return sum((2 * place - n - 1) * share for place, share in enumerate(ordered, start=1)) / (n * total)


def max_over_min(shares):
    """The largest share by the smallest; None where one got nothing, or there is only one."""
    if len(shares) < 2 or min(shares) == 0:
        return None
    return max(shares) / min(shares)


def rank(names, values, differs, higher_is_better=True):
    """Groups of names, best first; within a group no one is told apart from the group's best.

    values   name -> median
    differs  (a, b) -> whether the two really do
    """
    ordered = sorted(names, key=lambda name: (-values[name] if higher_is_better else values[name], name))
    groups = []
    for name in ordered:
        if groups and not differs(groups[-1][0], name):
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups
