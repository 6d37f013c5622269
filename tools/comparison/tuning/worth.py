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
    """A variance of logarithms without that of the noise, which may bring it below 0; and how uncertain the noise makes it."""

    variance: float
    number: int  # Of what was compared.
    slope: float = 0.0  # The square of its standard error grows with the true variance so fast,
    base: float = 0.0  # from this.

    def error_at(self, variance):
        """The standard error if this is the true variance."""
        return math.sqrt(self.slope * max(0.0, variance) + self.base)

    @property
    def error(self):
        return self.error_at(self.variance)

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
    return Spread(squares / degrees - noise, len(level), 4 * noise / degrees, 2 * noise**2 / degrees)


def pooled(spreads):
    """The Spread within models, of those of each: the mean variance, each weighted by its degrees of freedom. None of none."""
    weights = [one.number - 1 for one in spreads]
    total = sum(weights)
    if not total:
        return None
    shares = [weight / total for weight in weights]
    return Spread(sum(share * one.variance for share, one in zip(shares, spreads)), sum(one.number for one in spreads),
                  sum(share**2 * one.slope for share, one in zip(shares, spreads)), sum(share**2 * one.base for share, one in zip(shares, spreads)))


def which(between, within, alpha=inference.ALPHA):
    """Which of two Spreads is surely larger: that between models (MODEL), that within them (TUNING), or OPEN."""
    if between is None or within is None:
        return OPEN
    # As uncertain as if both were the larger of the two: one that came out small by chance would look too certain.
    larger = max(between.variance, within.variance)
    far = stats.norm.isf(alpha / 2) * math.hypot(between.error_at(larger), within.error_at(larger))
    difference = between.variance - within.variance
    return MODEL if difference > far else TUNING if difference < -far else OPEN
