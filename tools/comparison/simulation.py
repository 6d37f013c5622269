"""Simulation: tables of rounds whose truth is known, made as noisy machines make them, and how often what inference says
of them is right. No program is run. `python3 -m comparison.simulation` (in tools/) prints all of it, in a minute or two.

A measurement is truth + what this start of the server is better or worse than others (a standard deviation of 1 to 3 %,
by model) + drift that all models share (30 s long, half of sigma) + stalls (a twentieth of the half seconds, slower by 20
to 60 %) + white noise, sigma for half a second, of which models have from 0.6 to 1.6 times as much. Fresh servers are measured
once in a round; servers that stay are measured in turns, a slice at a time (see slices.py).
"""

import argparse
import functools
import itertools
import math
from dataclasses import dataclass

import numpy
from scipy import signal

from . import inference, order, slices

MODELS = tuple(f"model-{number}" for number in range(1, 14))
PAIRS = tuple(itertools.combinations(MODELS, 2))
EQUAL_ONES = (0.0,) * len(MODELS)
# Logarithms as recorded runs have them: a group that leads, and a long tail.
MIXTURE = (0.0, 0.0, 0.0, -0.01, -0.02, -0.05, -0.05, -0.10, -0.20, -0.40, -0.50, -0.60, -0.70)
GOOD_HOUR, ORDINARY_HOUR, BAD_HOUR = 0.02, 0.06, 0.13
_STEP_S = 0.5
_DRIFT_S = 30.0
_STALLED, _STALL = 0.05, (0.2, 0.6)
_START = (0.01, 0.03)
_UNEVEN = (0.6, 1.6)
# Between two measurements of fresh servers; between two slices; and for a server's start and end, where servers stay.
_PAUSE_S = 0.75
_BETWEEN_SLICES_S = 0.03
_START_S = 0.45


@dataclass(frozen=True)
class Plan:
    """The number of rounds, and the seconds for which each model is measured in one."""

    rounds: int
    seconds: float
    turns: int = 0  # In so many slices, with the others between them; 0: at once, by a fresh server.


PLANS = (Plan(3, 0.5), Plan(5, 0.5), Plan(7, 0.5), Plan(7, 10), Plan(30, 0.7), Plan(60, 0.7),
         Plan(3, 0.6, 6), Plan(8, 0.6, 6), Plan(16, 0.6, 6), Plan(64, 0.6, 6))


def table(generator, plan, sigma, truth=EQUAL_ONES, order_effect=0.0):
    """{model: {round: value}}.

    order_effect  by how much the last place in a round (or turn) is better than the first, as a logarithm
    """
    if plan.turns:
        return _table_of_turns(generator, plan, sigma, numpy.asarray(truth), order_effect)
    steps = max(1, round(plan.seconds / _STEP_S))
    models = len(truth)
    shape = (models, plan.rounds, steps)
    own = sigma * generator.uniform(*_UNEVEN, (models, 1, 1)) * math.sqrt(_STEP_S * steps / plan.seconds)
    stalls = numpy.where(generator.random(shape) < _STALLED, 1 + generator.uniform(*_STALL, shape), 1)
    logs = numpy.log((numpy.exp(own * generator.standard_normal(shape)) / stalls).mean(axis=-1))
    logs += numpy.asarray(truth)[:, None]
    logs += generator.uniform(*_START, (models, 1)) * generator.standard_normal((models, plan.rounds))
    places = _places(generator, models, plan.rounds)
    drift = _drift(generator, models * plan.rounds, plan.seconds, sigma / 2)
    logs += drift[numpy.arange(plan.rounds) * models + places]
    logs += order_effect * places / max(1, models - 1)
    return {MODELS[model]: dict(enumerate(numpy.exp(logs[model]), start=1)) for model in range(models)}


def _table_of_turns(generator, plan, sigma, truth, order_effect):
    models, seconds = len(truth), plan.seconds / plan.turns
    shape = (models, plan.rounds, plan.turns)
    logs = sigma * generator.uniform(*_UNEVEN, (models, 1, 1)) * math.sqrt(_STEP_S / seconds) * generator.standard_normal(shape)
    logs += truth[:, None, None]
    logs += (generator.uniform(*_START, (models, 1)) * generator.standard_normal((models, plan.rounds)))[..., None]
    places = _places(generator, models, plan.rounds * plan.turns)
    logs += order_effect * places.reshape(shape) / max(1, models - 1)
    each_s = seconds + _BETWEEN_SLICES_S
    turn = numpy.arange(plan.rounds * plan.turns)
    at_s = ((turn * models + places) * each_s + (1 + turn // plan.turns) * models * _START_S).reshape(shape)
    logs += _drift_at(generator, at_s, sigma / 2)
    logs -= _stalls_at(generator, at_s)
    return _figures_of_rounds(logs)


def _figures_of_rounds(logs):
    """{model: {round: value}}, as the summary makes them of slices."""
    found = {MODELS[model]: {} for model in range(len(logs))}
    for number in range(logs.shape[1]):
        values = {MODELS[model]: dict(enumerate(numpy.exp(own))) for model, own in enumerate(logs[:, number])}
        for name, value in slices.steady(values).items():
            found[name][number + 1] = value
    return found


def _drift_at(generator, at_s, size):
    """Noise that lasts, at these times, in steps of half a second."""
    kept = math.exp(-_STEP_S / _DRIFT_S)
    steps = generator.standard_normal(int(at_s.max() / _STEP_S) + 2)
    steps[1:] *= math.sqrt(1 - kept**2)
    drift = size * signal.lfilter([1], [1, -kept], steps)
    return numpy.interp(at_s / _STEP_S, numpy.arange(len(drift)), drift)


def _stalls_at(generator, at_s):
    """How much slower, as a logarithm, whatever is measured then is: all that lies within a half second that is stalled."""
    steps = int(at_s.max() / _STEP_S) + 1
    stalls = numpy.where(generator.random(steps) < _STALLED, numpy.log1p(generator.uniform(*_STALL, steps)), 0)
    return stalls[(at_s / _STEP_S).astype(int)]


def _places(generator, models, rounds):
    """The place of each model in each round."""
    orders = order.rounds(range(models), rounds, int(generator.integers(2**63)))
    places = numpy.empty((models, rounds), dtype=int)
    for number, those in enumerate(orders):
        places[those, number] = range(models)
    return places


def _drift(generator, number, seconds, size):
    """Noise that lasts: autoregressive, of first order."""
    kept = math.exp(-(seconds + _PAUSE_S) / _DRIFT_S)
    steps = generator.standard_normal(number)
    steps[1:] *= math.sqrt(1 - kept**2)
    return size * signal.lfilter([1], [1, -kept], steps)


def effects_of(values):
    """The Effects of all pairs of a table, as the summary makes them."""
    return inference.effects_of_pairs(values, PAIRS, len(values))


@dataclass
class Score:
    """What came of some tables with the same plan."""

    tables: int = 0
    false_tables: int = 0  # In which something false is said of a pair.
    right: int = 0  # Pairs: called different where they are, or equal where they are within the margin.
    open: int = 0
    held: int = 0  # Intervals that hold the truth.
    half_width: float = 0.0  # Of the intervals, in all.
    certified: int = 0  # Tables with a recommendation that is sure.
    false_best: int = 0  # That is worse than promised.
    near: int = 0  # Tables whose recommendation, sure or not, is within the margin of the best.

    measured: int = 0  # Rounds, of all models together: a model that is decided is not measured to the end.

    def add(self, values, truth, rounds):
        """Adds a table of a number of planned rounds; it is looked at as tools/compare does."""
        true = dict(zip(MODELS, truth))
        self.tables += 1
        said, sure, effects = _look(values, rounds)
        self.measured += sum(map(len, values.values()))
        wrong = [_is_wrong(verdict, true[a] - true[b]) for (a, b), verdict in said.items()]
        self.false_tables += any(wrong)
        self.open += sum(verdict.kind == inference.OPEN for verdict in said.values())
        self.right += sum(verdict.kind != inference.OPEN for verdict in said.values()) - sum(wrong)
        for (a, b), effect in effects.items():
            low, high = effect.bounds()
            self.held += low <= true[a] - true[b] <= high
            self.half_width += (high - low) / 2
        self._add_best(effects, sure, true)

    def _add_best(self, effects, sure, true):
        edge = max(true.values()) - math.log1p(inference.MARGIN)
        level = inference.levels(MODELS, effects)
        self.certified += bool(sure)
        self.false_best += any(true[name] < edge - 1e-9 for name in sure)
        self.near += true[sure[0] if sure else max(level, key=level.get)] >= edge

    @property
    def pairs(self):
        return self.tables * len(PAIRS)


def _look(values, rounds):
    """(verdicts, names that are near the best, the effects at the end). Takes the rounds of those away that were decided before."""
    looks = inference.looks(rounds)

    @functools.lru_cache(None)  # What is taken away later is behind the number.
    def effects_until(number):
        return effects_of({name: {of: value for of, value in own.items() if of <= number} for name, own in values.items()})
    for passed in range(1, len(looks)):
        said, _ = inference.verdicts_of_looks(looks[:passed], effects_until)
        for name in values:
            if inference.is_decided(name, said):
                for number in [number for number in values[name] if number > looks[passed - 1].rounds]:
                    del values[name][number]
    return (*inference.verdicts_of_looks(looks, effects_until), effects_until(rounds))


def _is_wrong(verdict, true):
    """Of a difference the direction has to be right, too."""
    if verdict.kind == inference.DIFFERENT:
        return verdict.effect.log * true <= 0
    return verdict.kind == inference.EQUAL and abs(true) > math.log1p(inference.MARGIN) + 1e-9


def score(plan, sigma, tables, truth=EQUAL_ONES, seed=1, order_effect=0.0):
    """The Score of a number of tables."""
    generator = numpy.random.default_rng(seed)
    found = Score()
    for _ in range(tables):
        found.add(table(generator, plan, sigma, truth, order_effect), truth, plan.rounds)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=300, help="of each kind")
    parser.add_argument("--order_effect", type=float, default=0.0, help="of the last place over the first, as a logarithm")
    options = parser.parse_args()
    print("plan            sigma  equal: false  coverage  half-width   mixture: false  right  open  best sure  (false)  near  measured")
    for plan, sigma in itertools.product(PLANS, (GOOD_HOUR, ORDINARY_HOUR, BAD_HOUR)):
        equal, mixed = (score(plan, sigma, options.tables, truth,
                              (place, plan.rounds, round(10 * plan.seconds), round(100 * sigma), plan.turns), options.order_effect) for place, truth in enumerate((EQUAL_ONES, MIXTURE)))
        how = f"{plan.rounds} x {plan.turns} x {plan.seconds / plan.turns:.1f} s" if plan.turns else f"{plan.rounds} x {plan.seconds:.1f} s"
        print(f"{how:15} {sigma:.2f}  {equal.false_tables / equal.tables:11.1%}  "
              f"{equal.held / equal.pairs:9.1%}  {equal.half_width / equal.pairs:9.3f}  "
              f"{mixed.false_tables / mixed.tables:13.1%}  {mixed.right / mixed.pairs:6.0%} {mixed.open / mixed.pairs:5.0%}  "
              f"{mixed.certified / mixed.tables:8.0%}  {mixed.false_best / mixed.tables:7.1%}  "
              f"{mixed.near / mixed.tables:4.0%}  {mixed.measured / mixed.tables / len(MODELS) / plan.rounds:8.0%}", flush=True)


if __name__ == "__main__":
    main()
