"""Verdicts on statements: confirmed, refuted, or undecided, out of parts that each say what was found."""

import math
from dataclasses import dataclass

from .. import inference

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
ASIDE = "aside"  # Of a part: worth knowing, and no part of the statement.


@dataclass(frozen=True)
class Part:
    """One thing that a statement needs to be true."""

    verdict: str
    text: str  # What was found, with its figures.


@dataclass(frozen=True)
class Outcome:
    verdict: str
    why: list  # The parts' texts.


def fact(holds, text):
    """A part that is seen, not measured."""
    return Part(CONFIRMED if holds else REFUTED, text)


def unknown(text):
    return Part(UNDECIDED, text)


def aside(text):
    return Part(ASIDE, text)


def combine(parts):
    """A statement is refuted by one part, and confirmed by all."""
    verdicts = [part.verdict for part in parts if part.verdict != ASIDE]
    verdict = REFUTED if REFUTED in verdicts else UNDECIDED if UNDECIDED in verdicts or not verdicts else CONFIRMED
    return Outcome(verdict, [part.text for part in parts])


@dataclass(frozen=True)
class Ratio:
    """How much of one thing is in another: an interval (or None), of the comparison round by round."""

    what: str
    interval: object
    # Which of the two may in truth be more than was measured, as a throughput may be where the client was the limit.
    above_may_be_more: bool = False
    below_may_be_more: bool = False
    notes: tuple = ()  # What else has to be known to read it.

    def text(self):
        if self.interval is None:
            return f"{self.what}: not measured without errors"
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return (f"{self.what}: {self.interval.median:.2f} ({self.interval.low:.2f} to {self.interval.high:.2f})"
                f"{notes}")

    def bounds(self):
        """What it may be at least and at most; None where that is not known."""
        if self.interval is None or self.interval.n < inference.LEAST_ROUNDS:
            return None
        return (0.0 if self.below_may_be_more else self.interval.low,
                math.inf if self.above_may_be_more else self.interval.high)

    def _part(self, is_surely, is_surely_not, expected):
        bounds = self.bounds()
        text = f"{self.text()}; claimed: {expected}"
        if bounds is None:
            return unknown(text)
        low, high = bounds
        return Part(CONFIRMED if is_surely(low, high) else REFUTED if is_surely_not(low, high) else UNDECIDED, text)

    def at_least(self, factor):
        return self._part(lambda low, _: low >= factor, lambda _, high: high < factor, f"at least {factor:g}")

    def at_most(self, factor):
        return self._part(lambda _, high: high <= factor, lambda low, _: low > factor, f"at most {factor:g}")

    def more_than_one(self):
        """More at all. Where it is within a twentieth of 1, it is refuted."""
        return self._part(lambda low, _: low > 1, lambda _, high: high < 1.05, "more than 1")

    def about_one(self, within=1.15):
        return self._part(lambda low, high: low >= 1 / within and high <= within,
                          lambda low, high: low > within or high < 1 / within,
                          f"1, give or take {100 * (within - 1):.0f} %")


def best_depends(ratios, text):
    """A part: whether which of two ways is the cheaper one depends on where they are compared.

    ratios  what one of them costs over the other, in each place
    It is so where one is surely cheaper in one place and the other one in another, and it is not where one of them is
    nowhere dearer by more than a twentieth.
    """
    bounds = [ratio.bounds() for ratio in ratios]
    known = [pair for pair in bounds if pair is not None]
    if any(high < 1 for _, high in known) and any(low > 1 for low, _ in known):
        return Part(CONFIRMED, text)
    if known and len(known) == len(bounds) and (all(high <= 1.05 for _, high in known) or
                                                all(low >= 1 / 1.05 for low, _ in known)):
        return Part(REFUTED, text)
    return Part(UNDECIDED, text)
