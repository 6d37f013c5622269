"""Verdicts on statements, out of parts that each say what was found: confirmed, refuted, holds only if, or undecided."""

import math
from dataclasses import dataclass

CONFIRMED, REFUTED, HOLDS_IF, UNDECIDED = "confirmed", "refuted", "holds only if", "undecided"
ASIDE = "aside"  # Of a part: worth knowing, and no part of the statement.
_SLIGHT = 1.05  # By less than this nothing is more in any way that matters.


@dataclass(frozen=True)
class Part:
    """One thing that a statement needs to be true."""

    verdict: str
    text: str  # What was found, with its figures.
    condition: str = ""  # Under which it was found, as a clause behind "if"; empty if the statement has no conditions.
    bounds: tuple = None  # Of a ratio: (low, high).


@dataclass(frozen=True)
class Outcome:
    """A verdict, and the conditions under which the statement holds, fails, and is open."""

    verdict: str
    holds_if: tuple = ()
    fails_if: tuple = ()
    open_if: tuple = ()


def fact(holds, text, condition=""):
    """A part that is seen, not measured."""
    return Part(CONFIRMED if holds else REFUTED, text, condition)


def unknown(text, condition=""):
    return Part(UNDECIDED, text, condition)


def aside(text):
    return Part(ASIDE, text)


def _all_of(verdicts):
    """Refuted by one, confirmed by all."""
    return REFUTED if REFUTED in verdicts else UNDECIDED if UNDECIDED in verdicts or not verdicts else CONFIRMED


def combine(parts):
    """The Outcome. Parts without a condition have to hold in any case. A statement that holds under some conditions, and fails
    under others, holds only if."""
    by_condition = {}
    for part in parts:
        if part.verdict != ASIDE:
            by_condition.setdefault(part.condition, []).append(part.verdict)
    found = {condition: _all_of(verdicts) for condition, verdicts in by_condition.items()}
    in_any_case = found.pop("", CONFIRMED if found else UNDECIDED)
    holds, fails, is_open = (tuple(condition for condition, verdict in found.items() if verdict == wanted)
                             for wanted in (CONFIRMED, REFUTED, UNDECIDED))
    if in_any_case == REFUTED or fails and not holds:
        return Outcome(REFUTED, fails_if=fails, open_if=is_open)
    if in_any_case == UNDECIDED or is_open and not fails:
        return Outcome(UNDECIDED, holds, fails, is_open)
    return Outcome(HOLDS_IF if fails else CONFIRMED, holds, fails, is_open)


@dataclass(frozen=True)
class Demand:
    """A claim that a ratio lies between two bounds."""

    text: str
    low: float
    high: float
    slight: float = 1.0  # The claim is refuted if the ratio is surely below low times this, or surely above high.

    def verdict(self, low, high):
        """Of a ratio that surely lies between these."""
        if high < self.low * self.slight or low > self.high:
            return REFUTED
        return CONFIRMED if low >= self.low and high <= self.high else UNDECIDED


def at_least(factor):
    return Demand(f"at least {factor:g}", factor, math.inf)


def at_most(factor):
    return Demand(f"at most {factor:g}", 0.0, factor)


def more(slight=_SLIGHT):
    """Surely more than 1, and not surely below `slight`: then nothing is gained that matters."""
    text = "more than 1" + (f", and not by less than {100 * (slight - 1):.0f} %" if slight > 1 else "")
    return Demand(text, math.nextafter(1.0, 2.0), math.inf, slight)


def about_one(within=1.15):
    """Equal for practical purposes: within this factor (two one-sided tests)."""
    return Demand(f"1, give or take {100 * (within - 1):.0f} %", 1 / within, within)


def best_depends(parts, text):
    """A part: whether it depends on the place which of two ways is cheaper.

    parts  the cost of one over that of the other, for each place
    Confirmed if each is surely cheaper somewhere; refuted if one is nowhere more than slightly dearer.
    """
    known = [part.bounds for part in parts if part.bounds]
    if any(high < 1 for _, high in known) and any(low > 1 for low, _ in known):
        return Part(CONFIRMED, text)
    if known and len(known) == len(parts) and (all(high <= _SLIGHT for _, high in known)
                                               or all(low >= 1 / _SLIGHT for low, _ in known)):
        return Part(REFUTED, text)
    return Part(UNDECIDED, text)
