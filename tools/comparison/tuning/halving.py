"""The race of a model's settings: who is measured in which round, and who is the best. All functions are pure.

All settings are measured for some rounds, the better half goes on to the next rung, which has twice as many rounds, and so on until
few are left (successive halving). So each rung takes about the same time, and the most rounds go to those between which it is
close. Three things are our own:

- The rounds are blocks: settings are compared round by round, as everywhere here (inference.py), and not by their means. A
  setting that is surely worse than the leader leaves at the end of a rung even if it is in the better half (racing). The leader
  is the best of many, by luck too; so this is a verdict of a table of all pairs, and the rungs share the error of one table.
- The default stays until the end: what a setting gains is to be known, and between equals it is the one to take.
- What is said of the finalists comes from the last rung alone. Who is chosen as the best of many has had luck in the rounds by
  which it was chosen; in the rounds after that it has no more of it than others.

Hyperband's several brackets, which hedge against starting with too few rounds, are for learning curves that cross. A server has no
such curve: a round says as much in the first rung as in the last.

Sources: Z. Karnin, T. Koren and O. Somekh, "Almost optimal exploration in multi-armed bandits", ICML 2013 (sequential halving);
K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016 (the same, for
tuning); L. Li et al., "Hyperband", Journal of Machine Learning Research 18, 2018; O. Maron and A. Moore, "Hoeffding races", NIPS
1993; M. Birattari, T. Stuetzle, L. Paquete and K. Varrentrapp, "A racing algorithm for configuring metaheuristics", GECCO 2002
(F-Race: blocks, and leaving on evidence); M. Lopez-Ibanez et al., "The irace package", Operations Research Perspectives 3, 2016
(the same with Student's t for pairs, and elites that stay).
"""

import itertools
import math
from dataclasses import dataclass, field

from .. import inference

# What may become of a setting.
BEST, EQUAL, FINALIST, LEFT, FAILED = "best", "equal", "finalist", "left", "failed"
FINALISTS = 4  # As many, at most, are in the last rung; the default may be one more.
# Of the first rung: with a single round the noise of a setting would not be known, and the spread of all would be with it in it.
FIRST_ROUNDS = 2


@dataclass(frozen=True)
class Rung:
    size: int  # How many settings take part, but for the default.
    first: int  # Its rounds, from 1.
    last: int

    @property
    def rounds(self):
        return self.last - self.first + 1

    @property
    def most(self):
        """How many settings take part at most. In the first rung the default is one of those that were counted."""
        return self.size + (self.first > 1)


def ladder(settings, rounds):
    """The Rungs of a race of so many settings, of which the first has so many rounds."""
    sizes = [settings]
    while sizes[-1] > FINALISTS:
        sizes.append(math.ceil(sizes[-1] / 2))
    found, before = [], 0
    for place, size in enumerate(sizes):
        number = rounds * 2**place
        if place == len(sizes) - 1:
            number = max(number, inference.LEAST_ROUNDS)
        found.append(Rung(size, before + 1, before + number))
        before += number
    return found


def measurements(rungs):
    """How many there are, at most: each is a setting in a round."""
    return sum(rung.most * rung.rounds for rung in rungs)


def fit(settings, affordable):
    """(how many of the settings can race, their Rungs) if there is time for so many measurements: all of them if possible, and as
    many rounds as fit then. With less than two settings there is no race, and there are no rungs."""
    number = settings
    while number > 1 and measurements(ladder(number, FIRST_ROUNDS)) > affordable:
        number -= 1
    if number < 2:
        return 1, []
    rounds = FIRST_ROUNDS
    while measurements(ladder(number, rounds + 1)) <= affordable:
        rounds += 1
    return number, ladder(number, rounds)


@dataclass
class Standing:
    """How a race stands after some rounds."""

    alive: list  # Names, the best first if a rung has ended.
    left: dict = field(default_factory=dict)  # name -> (its last rung, from 0, or None if it has failed; why, in words).
    rung: int = 0  # That is being measured, or was the last one.
    is_over: bool = False


def within(values, names, last, first=1):
    """The values of these rounds alone."""
    return {name: {number: value for number, value in values.get(name, {}).items() if first <= number <= last} for name in names}


def effects(values, names):
    """{(a, b): inference.Effect or None}, more being better."""
    pairs = list(itertools.combinations(names, 2))
    return inference.effects_of_pairs(values, pairs, max(2, len(names))) if pairs else {}


def _levels(values, names, found):
    """{name: how good}; those that cannot be compared with the others are the worst."""
    known = inference.levels(inference.comparable([name for name in names if values[name]], found), found)
    return {name: known.get(name, -math.inf) for name in names}


def _worse_than(leader, found, alpha):
    """Those that are surely worse than the leader."""
    different = {pair for pair, verdict in inference.verdicts(found, alpha=alpha).items() if verdict.differs and leader in pair}
    others = {name for pair in different for name in pair if name != leader}
    return {name for name in others if inference.effect_of(found, name, leader).log < 0}


def _end_of_rung(standing, place, values, default, size, last, alpha):
    """Who goes on to the next rung, which has this size. In at most a share alpha of all rungs one is falsely called surely worse."""
    so_far = within(values, standing.alive, last)
    found = effects(so_far, standing.alive)
    level = _levels(so_far, standing.alive, found)
    order = sorted(standing.alive, key=lambda name: -level[name])
    leader = order[0]
    worse = _worse_than(leader, found, alpha)
    for number, name in enumerate(order):
        if name == default or name == leader:
            continue
        if level[name] == -math.inf:
            standing.left[name] = (place, "could not be compared with the others")
        elif name in worse:
            standing.left[name] = (place, f"surely worse than {leader}")
        elif number >= size:
            standing.left[name] = (place, "not in the better half")
    standing.alive = [name for name in order if name not in standing.left]


def stand(rungs, names, default, values, failures, done):
    """The Standing of a race after a number of rounds.

    values    {name: {round: value}}, more being better
    failures  {name: (round, why)} of those that failed: they leave at once
    """
    standing, alpha = Standing(list(names)), inference.ALPHA / max(1, len(rungs) - 1)
    for place, rung in enumerate(rungs):
        standing.rung = place
        for name, (number, why) in failures.items():
            if name in standing.alive and number <= min(rung.last, done):
                standing.alive.remove(name)
                standing.left[name] = (None, why)
        if done < rung.last or not standing.alive:
            break
        is_last = place == len(rungs) - 1
        if not is_last:
            _end_of_rung(standing, place, values, default, rungs[place + 1].size, rung.last, alpha)
        standing.is_over = is_last or len(standing.alive) < 2
        if standing.is_over:
            break
    standing.is_over = standing.is_over or len(standing.alive) < 2
    return standing


@dataclass(frozen=True)
class Choice:
    """What a race has found."""

    best: str  # None if all have failed.
    equal: tuple  # Finalists that are as good: equal to the leader within the margin, or surely not worse than any by more than that.
    is_sure: bool  # Surely none of the finalists is better than the best by more than the margin.


def choose(standing, rungs, default, values, flags, margin=inference.MARGIN):
    """The Choice of a race that is over.

    flags  {name: how many flags of its own it has}: of equals the simplest is taken, and the default before all others
    """
    names = standing.alive
    if len(names) < 2:
        return Choice(names[0] if names else None, (), bool(names))
    rung = rungs[standing.rung]
    so_far = within(values, names, rung.last)
    level = _levels(so_far, names, effects(so_far, names))
    leader = max(names, key=level.get)
    fresh = effects(within(values, names, rung.last, rung.first), names)
    said = inference.verdicts(fresh, margin)
    near = inference.near_best(names, fresh, margin)
    equal = [name for name in names if name != leader and (name in near or any(
        verdict.kind == inference.EQUAL for pair, verdict in said.items() if set(pair) == {name, leader}))]
    best = min([leader, *equal], key=lambda name: (name != default, flags[name], -level[name]))
    return Choice(best, tuple(name for name in (leader, *equal) if name != best), best in near)
