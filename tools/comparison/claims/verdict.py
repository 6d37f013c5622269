"""Verdicts on statements: confirmed, refuted, or undecided, out of parts that each say what was found."""

from dataclasses import dataclass

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
    """How much of one thing is in another: an interval, and the noise floor of what was measured (both may be None)."""

    what: str
    interval: object
    floor: float

    def _text(self):
        if self.interval is None:
            return f"{self.what}: not measured without errors"
        noise = "not known" if self.floor is None else f"{100 * (self.floor - 1):.0f} %"
        return (f"{self.what}: {self.interval.median:.2f} ({self.interval.low:.2f} to {self.interval.high:.2f}, "
                f"noise {noise})")

    def _bounds(self):
        """What it may be at least and at most, the noise included; None where that is not known."""
        if self.interval is None or self.floor is None or self.interval.n < 3:
            return None
        return self.interval.low / self.floor, self.interval.high * self.floor

    def _part(self, is_surely, is_surely_not, expected):
        bounds = self._bounds()
        text = f"{self._text()}; claimed: {expected}"
        if bounds is None:
            return unknown(text)
        low, high = bounds
        return Part(CONFIRMED if is_surely(low, high) else REFUTED if is_surely_not(low, high) else UNDECIDED, text)

    def at_least(self, factor):
        return self._part(lambda low, _: low >= factor, lambda _, high: high < factor, f"at least {factor:g}")

    def at_most(self, factor):
        return self._part(lambda _, high: high <= factor, lambda low, _: low > factor, f"at most {factor:g}")

    def more_than_one(self):
        """More at all: outside the noise. Where it is within a twentieth of 1, it is refuted."""
        return self._part(lambda low, _: low > 1, lambda _, high: high < 1.05, "more than 1")

    def about_one(self, within=1.15):
        return self._part(lambda low, high: low >= 1 / within and high <= within,
                          lambda low, high: low > within or high < 1 / within,
                          f"1, give or take {100 * (within - 1):.0f} %")
