"""Statistics of rounds: intervals, lines, shares, factors. Verdicts on whole tables are inference's.

All functions are pure, and give the same for the same data.
"""

import math
from dataclasses import dataclass

import numpy
from scipy import stats

from . import inference


@dataclass(frozen=True)
class Interval:
    """A middle value, and the bounds that hold the true one with inference.CONFIDENCE."""

    median: float
    low: float
    high: float
    n: int


def median_interval(values):
    """The median of some values that are never below 0, such as times, rates and costs, with Student's interval of the trimmed mean
    of their logarithms: noise is a factor, and no bound is below 0. If a value is 0, which has no logarithm, it is that of the
    values themselves, as far as it is not below 0. None if there are no values; of one there are no bounds but itself.
    """
    if not values:
        return None
    middle = float(numpy.median(values))
    if len(values) == 1:
        return Interval(middle, middle, middle, 1)
    is_positive = min(values) > 0
    mean, error, degrees = inference.trimmed(numpy.log(values) if is_positive else values)
    reach = stats.t.isf(inference.ALPHA / 2, degrees) * error
    low, high = float(mean - reach), float(mean + reach)
    low, high = (math.exp(low), math.exp(min(high, inference.LARGEST_LOG))) if is_positive else (max(0.0, low), high)
    return Interval(middle, min(middle, low), max(middle, high), len(values))


# As many values show their distribution: with fewer, bounds from their order are wide.
_ENOUGH_TO_ORDER = 20
_LEAST_FOR_A_JUMP = 6  # Points: of fewer, nobody can say which difference is the odd one.
_DOUBT_OF_A_JUMP = 0.001


def share_interval(values):
    """As median_interval(), of values that cannot exceed 1. Near that they are skewed, so that their mean is not their median, and
    with many values the difference would show: then the bounds are two of the values, as far from the ends as the binomial
    distribution says of any median, whatever the distribution."""
    if len(values) < _ENOUGH_TO_ORDER:
        found = median_interval(values)
        return found and Interval(found.median, found.low, max(found.median, min(found.high, 1.0)), found.n)
    ordered = sorted(values)
    place = int(stats.binom.ppf(inference.ALPHA / 2, len(values), 0.5))
    return Interval(float(numpy.median(values)), ordered[place - 1], ordered[-place], len(values))


def ratio_interval(a, b):
    """How much of b is in a, of {round: value} each, compared round by round. None if they have no round in common, or
    a value is not above 0."""
    effect = inference.paired(a, b)
    return effect and Interval(*effect.ratio(), effect.rounds)


@dataclass(frozen=True)
class Factorial:
    """What the factors of a two-level design do to the logarithm of a value, by terms: (factor,) and (factor, other)."""

    effects: dict  # Half of what it makes to go from the low level to the high one.
    error: float  # The standard error of each,
    degrees: int  # and its degrees of freedom.
    shares: dict  # Of all variation; what is missing to 1 is noise. Empty if there is no variation.


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
    shares = {term: part / total for term, part in explained.items() if total}
    return Factorial(effects, math.sqrt(noise / data.size), degrees, shares)


@dataclass(frozen=True)
class Line:
    """y = intercept + slope * x; r2 is the share of the variance that it explains."""

    slope: float
    intercept: float
    low: float  # Of the slope.
    high: float
    r2: float
    n: int


def regression(points):
    """The line through (x, y) points by least squares, with the 95 % interval of its slope by Student's t.

    None if there are fewer than three, or all have the same x.
    """
    data = numpy.asarray(points, dtype=float)
    if len(data) < 3 or numpy.ptp(data[:, 0]) == 0:
        return None
    fit = stats.linregress(data)
    # Of points that all have the same y it knows no correlation; the line explains all of them.
    r2 = float(fit.rvalue)**2 if numpy.ptp(data[:, 1]) else 1.0
    reach = float(stats.t.isf(inference.ALPHA / 2, len(data) - 2) * fit.stderr)
    return Line(float(fit.slope), float(fit.intercept), float(fit.slope) - reach, float(fit.slope) + reach, r2, len(data))


def regression_with_a_jump(points):
    """As regression(), of a quantity that something else may have moved once: what the whole machine uses, when it frees much at
    once. A jump is believed if noise would show one like it in fewer than one of a thousand lines; the line is then the best that
    has one, with one degree of freedom less."""
    data = numpy.asarray(sorted(points), dtype=float)
    if len(data) < _LEAST_FOR_A_JUMP or numpy.ptp(data[:, 0]) == 0:
        return regression(points)
    x, y = data.T
    plain = numpy.column_stack((numpy.ones_like(x), x))
    fits = [_least_squares(numpy.column_stack((plain, numpy.arange(len(x)) >= place)), y) for place in range(1, len(x))]
    (intercept, slope, _), left, variance = min(fits, key=lambda fit: fit[1])
    degrees = len(x) - 3
    is_believed = _least_squares(plain, y)[1] - left > left / degrees * stats.f.isf(_DOUBT_OF_A_JUMP / len(fits), 1, degrees)
    if not is_believed:
        return regression(points)
    reach = float(stats.t.isf(inference.ALPHA / 2, degrees)) * math.sqrt(left / degrees * variance)
    r2 = 1 - left / float(numpy.sum((y - y.mean())**2))
    return Line(float(slope), float(intercept), float(slope) - reach, float(slope) + reach, r2, len(x))


def _least_squares(columns, y):
    """(coefficients, sum of the squares that are left, variance of the second coefficient for errors of variance 1)."""
    found = numpy.linalg.lstsq(columns, y, rcond=None)[0]
    return found, float(numpy.sum((y - columns @ found)**2)), float(numpy.linalg.pinv(columns.T @ columns)[1, 1])


def gini(shares):
    """How uneven shares are: 0 where all have the same, towards 1 where one has all (Gini, 1912). 0 of nothing."""
    ordered = sorted(shares)
    total = sum(ordered)
    if not ordered or total == 0:
        return 0.0
    n = len(ordered)
    return sum((2 * place - n - 1) * share for place, share in enumerate(ordered, start=1)) / (n * total)


def max_over_min(shares):
    """The largest share by the smallest; None if one got nothing, or there is only one."""
    if len(shares) < 2 or min(shares) == 0:
        return None
    return max(shares) / min(shares)
