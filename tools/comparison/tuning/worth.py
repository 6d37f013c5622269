"""How much tuning matters beside the choice of the model: how far models lie apart at their defaults, how far at their best, and
how far the settings of one model do. All functions are pure.

Spreads are standard deviations of logarithms, shown as factors: 1.20 means that two models that are typical differ by about a fifth.
A spread that is measured is larger than the true one, as noise spreads equals, too; so the variance of the noise is taken off
(analysis of variance: the mean square between groups is that within them and the effect). These models and settings are the ones of
interest, and no sample of others: only the noise of the measurement makes a spread uncertain. Source: Jain, "The Art of Computer
Systems Performance Analysis", 1991, ch. 20.
"""

import math
from dataclasses import dataclass

from scipy import stats

from .. import inference

MODEL, TUNING, OPEN = "model", "tuning", "open"


@dataclass(frozen=True)
class Spread:
    """A variance of logarithms without that of the noise, which may bring it below 0; and its standard error."""

    variance: float
    error: float
    number: int  # Of what was compared.

    @property
    def factor(self):
        return math.exp(math.sqrt(max(0.0, self.variance)))


def spread(names, effects):
    """The Spread of some figures, but for those that have failed; None if there are less than two, or their noise is not known.

    effects  {(a, b): inference.Effect}
    """
    level = inference.levels(inference.comparable(names, effects), effects)
    found = [effect for pair, effect in effects.items() if effect is not None and set(pair) <= level.keys()]
    if len(level) < 2 or not found or any(effect.error == math.inf for effect in found):
        return None
    degrees = len(level) - 1
    noise = sum(effect.error**2 for effect in found) / len(found) / 2  # Of one: the error of a pair is that of two.
    mean = sum(level.values()) / len(level)
    squares = sum((value - mean)**2 for value in level.values())
    true = max(0.0, squares - degrees * noise)
    return Spread(squares / degrees - noise, math.sqrt(4 * noise * true + 2 * degrees * noise**2) / degrees, len(level))


def pooled(spreads):
    """The Spread within models, of those of each: the mean variance, each weighted by its degrees of freedom. None of none."""
    weights = [one.number - 1 for one in spreads]
    total = sum(weights)
    if not total:
        return None
    return Spread(sum(weight * one.variance for weight, one in zip(weights, spreads)) / total,
                  math.sqrt(sum((weight * one.error)**2 for weight, one in zip(weights, spreads))) / total, sum(one.number for one in spreads))


def which(between, within, alpha=inference.ALPHA):
    """Which of two Spreads is surely larger: that between models (MODEL), that within them (TUNING), or OPEN."""
    if between is None or within is None:
        return OPEN
    far = stats.norm.isf(alpha / 2) * math.hypot(between.error, within.error)
    difference = between.variance - within.variance
    return MODEL if difference > far else TUNING if difference < -far else OPEN
