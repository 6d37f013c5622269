"""Rounds: questions about ratios, and how many rounds of measurements it takes to answer them.

A Series measures several things in turns, one round after the other. After 6, 12, 24 and 48 rounds settle() looks at the
questions that are open. The probability that any answer to a statement's questions is wrong is alpha at most: the questions
share alpha equally, and the looks share the part of their question (Bonferroni), so that looking again makes no answer less sure.
"""

import statistics
from dataclasses import dataclass

from .. import inference
from .verdict import UNDECIDED, Demand, Part

LOOKS = (6, 12, 24, 48)
# Failed rounds that are measured again between two looks.
_SPARE = 4


@dataclass(frozen=True)
class Figure:
    """What is measured of each name in a round."""

    key: str
    unit: str
    digits: int = 0  # That are shown behind the point.
    is_bound_by_client: bool = False  # If the client was the limit, the true value may be higher.


CPU = Figure("cpu", "us", 1)  # Processor time of a request: right even if the client is the limit.
SYSTEM = Figure("system", "us", 1)  # The kernel's part of it.
RATE = Figure("rate", "/s", is_bound_by_client=True)
P99 = Figure("p99", "ms", 2)
MEAN = Figure("mean", "ms", 2)
SECONDS = Figure("seconds", "s", 2)
LIMITED = "client was the limit"  # A key beside the figures': 0 or 1.


class Series:
    """Things that are measured in the same rounds."""

    def __init__(self, measure_round):
        """measure_round  (names, number of the round) -> {name: {Figure.key: value}, or a text that says why it failed}"""
        self._measure_round = measure_round
        self._rounds = []
        self.failures = {}  # name -> why it failed the last time.

    def common(self, names):
        """The rounds in which all of these were measured: [{name: {key: value}}], in order."""
        return [found for found in self._rounds if all(name in found for name in names)]

    def measure(self, groups, number, is_over=lambda: False):
        """Blocks until each group of names has this number of rounds in common, too many rounds have failed, or is_over()."""
        spare = _SPARE
        while spare >= 0 and not is_over():
            short = [names for names in groups if len(self.common(names)) < number]
            if not short:
                return
            names = list(dict.fromkeys(name for group in short for name in group))
            found = self._measure_round(names, len(self._rounds))
            failed = {name: why for name, why in found.items() if isinstance(why, str)}
            self._rounds.append({name: values for name, values in found.items() if name not in failed})
            self.failures.update(failed)
            spare -= bool(failed)


@dataclass(frozen=True)
class Question:
    """What a statement claims of the ratio of two things, `above` over `below`, by a figure of a Series."""

    series: Series
    what: str
    above: object  # A name, or a function of a round: it takes a function that returns the value of a name.
    below: object
    demand: Demand
    figure: Figure = CPU
    condition: str = ""
    of: tuple = ()  # The names, if `above` and `below` are functions.

    @property
    def names(self):
        return self.of or (self.above, self.below)

    def is_short_of(self, rounds):
        return len(self.series.common(self.names)) < rounds

    def part(self, rounds, alpha):
        """What the first rounds say, wrong with a probability of alpha at most."""
        common = self.series.common(self.names)[:rounds]
        sides = [{number: self._value(side, found) for number, found in enumerate(common)} for side in (self.above, self.below)]
        effect = inference.paired(*sides)
        if effect is None or not effect.tells:
            return Part(UNDECIDED, f"{self.what}: {self._why_not(len(common))}", self.condition)
        middle, low, high = effect.ratio(alpha)
        above, below = (self._is_limited(side, common) for side in (self.above, self.below))
        bounds = (0.0 if below else low, float("inf") if above else high)
        verdict = self.demand.verdict(*bounds)
        text = (f"{self.what}: {middle:.2f} ({low:.2f} to {high:.2f}; {self._medians(common)}; {len(common)} rounds); claimed: "
                f"{self.demand.text}")
        if verdict == UNDECIDED:
            spread = 100 * effect.error * effect.rounds**0.5
            text += f"; open, as rounds differ by {spread:.0f} %" + (
                ", and the client was the limit" if above or below else "")
        elif above or below:
            text += "; the client was the limit, so that it is a bound"
        return Part(verdict, text, self.condition, bounds)

    def _value(self, side, found):
        def value(name):
            return found[name][self.figure.key]
        return side(value) if callable(side) else value(side)

    def _is_limited(self, side, common):
        """Whether the true value may be higher: the client was the limit in half of the rounds."""
        if not self.figure.is_bound_by_client or callable(side):
            return False
        return 2 * sum(found[side].get(LIMITED, 0) for found in common) >= len(common)

    def _medians(self, common):
        shown = (f"{name} {statistics.median(found[name][self.figure.key] for found in common):,.{self.figure.digits}f}"
                 for name in self.names)
        return f"{', '.join(shown)} {self.figure.unit}"

    def _why_not(self, rounds):
        failed = [f"{name}: {self.series.failures[name]}" for name in self.names if name in self.series.failures]
        if failed:
            return f"not measured without errors: {'; '.join(failed)}"
        if rounds < inference.LEAST_ROUNDS:
            return f"the time allowed no more than {rounds} rounds"
        return "a figure was not above 0"


def settle(questions, alpha, is_over=lambda: False):
    """A Part for each question, in their order.

    alpha    the highest probability that any of them is wrong
    is_over  when it returns true, no further round begins, and the rounds so far decide
    """
    share = alpha / max(1, len(questions)) / len(LOOKS)
    parts = {}
    for look, rounds in enumerate(LOOKS):
        left = {number: question for number, question in enumerate(questions) if number not in parts}
        for series in dict.fromkeys(question.series for question in left.values()):
            series.measure([question.names for question in left.values() if question.series is series], rounds, is_over)
        for number, question in left.items():
            is_last = rounds == LOOKS[-1] or question.is_short_of(rounds)
            part = question.part(rounds, share * (len(LOOKS) - look if is_last else 1))
            if part.verdict != UNDECIDED or is_last:
                parts[number] = part
    return [parts[number] for number in range(len(questions))]
