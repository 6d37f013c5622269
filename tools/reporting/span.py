"""Span: a value with the bounds that hold it, and the arithmetic of such values.

Bounds are combined as if all that is uncertain were off in the bad direction at once: wider than a confidence interval
of the result would be, and never too narrow. For values that are not negative.
"""
import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Span:
    middle: float
    low: float
    high: float

    @classmethod
    def exactly(cls, value):
        return cls(value, value, value)

    @classmethod
    def of(cls, estimate):
        """The Span of an Estimate; what is below zero is noise about zero."""
        return cls(max(0.0, estimate.median), max(0.0, estimate.low), max(0.0, estimate.high))

    def __add__(self, other):
        other = _span(other)
        return Span(self.middle + other.middle, self.low + other.low, self.high + other.high)

    def __mul__(self, other):
        other = _span(other)
        return Span(self.middle * other.middle, self.low * other.low, self.high * other.high)

    def __truediv__(self, other):
        other = _span(other)
        return Span(_over(self.middle, other.middle), _over(self.low, other.high), _over(self.high, other.low))

    def widened(self, share):
        """With bounds that are farther off by `share`: of 0.1 by 10 %."""
        return Span(self.middle, self.low * max(0.0, 1 - share), self.high * (1 + share))

    def at_most(self, most):
        """With nothing above `most`."""
        return Span(min(most, self.middle), min(most, self.low), min(most, self.high))

    def between(self, other, place):
        """What lies between the two: at 0 this one, at 1 the other."""
        return self * (1 - place) + other * place

    def write(self, write):
        """'1.2 (1.1 to 1.3)'; bounds that would be written alike are left out. An infinite one is called none."""
        if math.isinf(self.high):
            return f"{write(self.middle)} ({write(self.low)} or more, no upper bound)"
        middle, low, high = write(self.middle), write(self.low), write(self.high)
        return middle if low == middle == high else f"{middle} ({low} to {high})"


def for_json(tree):
    """The tree of dicts, lists and numbers with None for what is infinite: JSON has no word for it."""
    if isinstance(tree, dict):
        return {name: for_json(value) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [for_json(value) for value in tree]
    return None if isinstance(tree, float) and math.isinf(tree) else tree


def _span(value):
    return value if isinstance(value, Span) else Span.exactly(value)


def _over(one, other):
    return one / other if other else float("inf")
