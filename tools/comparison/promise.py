"""Capacity under a promise: the highest rate at which a percentile of the response time, counted from the moment at which a
request was due, stays below a bound. Here: what a promise is, which rate to probe next, and what the probes say. No program
is run.

A probe is a slice at a rate. It keeps the promise, or it breaks it. The promise is *kept at a rate* if at most one in five
of the slices at that rate breaks it, so that a machine that stalls for a twentieth of the time does not decide. The price: a
server that stalls in fewer than one in five slices keeps its promise. It shows in p99 and p99.9 at the given rate (see
fixed_rate), of which nothing is left out, and needs.py looks at them before it says that a promise is kept.

Why the answer is right although probes are noisy:

- No probe is final. How often slices break the promise can only rise with the rate; so the share of broken slices is fitted
  by an isotonic regression over all the rates that were probed (Barlow, Bartholomew, Bremner and Brunk, 1972), and the
  answer is the rate at which the fit passes one in five. A probe that had bad luck is outvoted by those beside it.
- The search goes where the fit is decided: it brackets the rate, and a broken probe is repeated there before it is believed;
  then it walks up by a step after each slice that kept the promise, and down by four after each that broke it (Kaernbach's
  weighted up-down method, 1991), which hovers about the rate at which one slice in five is broken. From a place that it was
  led to by bad luck it gets away by steps that double.
- The unit of repetition is the start of a server: each has a search of its own, and the interval comes from drawing starts,
  not slices, again and again.
"""

import dataclasses
import math
import re
from dataclasses import dataclass, field

import numpy

from . import inference

# A promise is kept at a rate if at most this share of the slices there breaks it.
BROKEN = 0.2
# Rates are those of a grid, so that starts of a server have rates in common.
_CELL = math.log(1.01)
# The search begins with steps of a third, and ends bracketing when the ends are this close.
_FIRST_STEP, _CLOSE = 29, 8
# Bracketing ends after this many probes, whatever they say.
_MOST_TO_BRACKET = 12
_LONGEST_STEP = 32
# Steps up double after as many in a row, steps down with each after the second: there is less to lose.
_UP_TO_DOUBLE = 4
_DOWN = round(1 / BROKEN) - 1  # So many steps down for one up: they balance if one slice in five is broken.
_LEAST_RATE = 1.0
# Starts that are drawn again vary too little for the crossing of an isotonic fit, by so much: with it intervals hold the truth in
# 92 to 100 % of simulated runs of 3 to 10 starts (promise_test.py has a part of them), without it in 85 to 97 %.
_TOO_NARROW = 1.3
# A server that gets 2 % more than it can do has served all of a slice late by its end only if the slice is as long as this
# many bounds: so capacity is too high by that at most.
_BOUNDS_IN_A_SLICE = 50
_SHORTEST_S, _LONGEST_S = 0.5, 5.0
_UNITS_US = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclass(frozen=True)
class Promise:
    """`p99<10ms`: of 100 requests 99 have their reply within less than `bound_us`."""

    share: float
    bound_us: float
    text: str

    @property
    def slice_s(self):
        """Seconds that a probe takes."""
        return min(_LONGEST_S, max(_SHORTEST_S, _BOUNDS_IN_A_SLICE * self.bound_us / 1e6))

    def slow(self, histogram, waiting=0):
        """How many requests broke the bound: of a histogram [ns, count, ns, count ...], and those that still wait."""
        return waiting + sum(count for value, count in zip(histogram[::2], histogram[1::2]) if value >= 1e3 * self.bound_us)

    def is_kept(self, slow, requests):
        """Whether a slice with this many requests, of which `slow` were slow, kept it."""
        return requests > 0 and slow <= (1 - self.share) * requests + 1e-6  # 1 of 10 is no more than 1 - 0.9 of 10.


def parse(text):
    """The Promise of `p50<2ms`, `p99<10ms`, `p99.9<0.5s`. ValueError: it is none."""
    match = re.fullmatch(r"\s*p(50|90|99|99\.9)\s*<\s*(\d+(?:\.\d+)?)\s*(us|ms|s)\s*", text)
    if not match or float(match[2]) <= 0:
        raise ValueError(f"'{text}' is not a promise; write p99<10ms, with p50, p90, p99 or p99.9, and us, ms or s")
    bound_us = float(match[2]) * _UNITS_US[match[3]]
    return Promise(round(float(match[1]) / 100, 3), bound_us, f"p{match[1]}<{float(match[2]):g}{match[3]}")


@dataclass(frozen=True)
class Probe:
    """A slice at a rate."""

    rate: float
    is_kept: bool
    is_limited: bool = False  # The load generator was the limit: if it is broken, that is not the server's fault.
    # {"requests": how many, "p50_us": 120.0, ...}: its response times, for the load curve; None: not kept. No search reads them.
    times: dict = field(default=None, compare=False)

    @property
    def tells(self):
        """Whether it says something about the server."""
        return self.is_kept or not self.is_limited


def _cell_of(rate):
    return round(math.log(rate) / _CELL)


def _rate_of(cell):
    return math.exp(cell * _CELL)


@dataclass
class Search:
    """Which rate to probe next, for one start of a server. Ask next_rate(), probe, tell()."""

    first_rate: float
    is_near: bool = False  # Whether the first rate is near the answer, as an earlier start has shown.
    probes: list = field(default_factory=list)
    _at: int = None
    _kept: int = None  # Bracket: the highest cell that was kept, and the lowest that was broken.
    _broken: int = None
    _doubts: bool = False  # The last probe was broken, and is being repeated.
    _step: int = _FIRST_STEP
    _ceiling: int = None  # The generator cannot do more.
    _walks: bool = False
    _in_a_row: int = 0  # Steps of the walk up, or, if negative, down.

    def __post_init__(self):
        self._at = _cell_of(max(self.first_rate, _LEAST_RATE))
        self._walks = self.is_near

    def next_rate(self):
        return _rate_of(self._at)

    def tell(self, is_kept, is_limited=False, times=None):
        """What came of the probe at next_rate(); see Probe."""
        probe = Probe(self.next_rate(), is_kept, is_limited, times)
        self.probes.append(probe)
        if not probe.tells:
            self._ceiling = self._at - 1
            self._go_to(self._at - max(1, self._step // 4) if not self._walks else self._at - 1)
        elif self._walks:
            self._walk(is_kept)
        else:
            self._bracket(is_kept)

    def _go_to(self, cell):
        self._at = max(0, cell if self._ceiling is None else min(cell, self._ceiling))

    def _bracket(self, is_kept):
        if not is_kept and not self._doubts:
            self._doubts = True  # A stall of the machine? Once more.
            return
        self._doubts = False
        if is_kept:
            self._kept = self._at
        else:
            self._broken = self._at
        if len(self.probes) >= _MOST_TO_BRACKET:
            self._begin_to_walk()
        elif self._broken is None:
            if self._at == self._ceiling:
                self._begin_to_walk()
            else:
                self._go_to(self._at + self._step)
                self._step = min(2 * self._step, 8 * _FIRST_STEP)
        elif self._kept is None:
            if self._at == 0:
                self._begin_to_walk()
            else:
                self._go_to(self._at - self._step)
                self._step = min(2 * self._step, 8 * _FIRST_STEP)
        elif self._broken - self._kept <= _CLOSE:
            self._begin_to_walk()
        else:
            self._go_to((self._kept + self._broken) // 2)

    def _begin_to_walk(self):
        self._walks = True
        self._go_to(self._at if self._kept is None else self._kept)

    def _walk(self, is_kept):
        self._in_a_row = (max(0, self._in_a_row) + 1) if is_kept else (min(0, self._in_a_row) - 1)
        if is_kept:
            self._go_to(self._at + min(_LONGEST_STEP, 2**((self._in_a_row - 1) // _UP_TO_DOUBLE)))
        else:
            self._go_to(self._at - min(_LONGEST_STEP, _DOWN * 2**max(0, -self._in_a_row - 2)))


def highest(probes_of_rounds, weights):
    """The highest rate at which the promise is kept, for each row of weights: of how often each of the rounds (a list of
    Probes each) is drawn. nan: it is kept at no rate that was probed, or a row has drawn nothing. A rate that was not exceeded
    is the highest that was probed.
    """
    told = [(number, probe) for number, probes in enumerate(probes_of_rounds) for probe in probes if probe.tells]
    weights = numpy.asarray(weights, dtype=float)
    if not told:
        return numpy.full(len(weights), math.nan)
    cells = numpy.array([_cell_of(probe.rate) for _, probe in told])
    grid, place = numpy.unique(cells, return_inverse=True)
    broken = numpy.array([not probe.is_kept for _, probe in told], dtype=float)
    own = weights[:, [number for number, _ in told]]
    count, bad = (numpy.zeros((len(weights), len(grid))) for _ in range(2))
    for column in range(len(told)):
        count[:, place[column]] += own[:, column]
        bad[:, place[column]] += own[:, column] * broken[column]
    return _crossing(grid, isotonic(bad, count))


def effect(samples, rounds):
    """The inference.Effect of rates, or of ratios of rates, by highest(): of all rounds and of each resample. None if the first
    is none. No search is more exact than its steps."""
    found = inference.of_resamples(samples, rounds)
    return found and dataclasses.replace(found, error=math.hypot(_TOO_NARROW * found.error, _CELL / 2))


def is_at_least(probes_of_rounds):
    """Whether the rate of highest() is only what was tried: at none of the rates the promise was broken, either as the load
    generator could do no more, or as there were too few probes."""
    cells = numpy.array([_cell_of(probe.rate) for probes in probes_of_rounds for probe in probes if probe.tells])
    broken = numpy.array([not probe.is_kept for probes in probes_of_rounds for probe in probes if probe.tells], dtype=float)
    if not len(cells):
        return False
    grid, place = numpy.unique(cells, return_inverse=True)
    fit = isotonic(numpy.bincount(place, broken)[None], numpy.bincount(place)[None].astype(float))[0]
    return bool(fit[-1] <= BROKEN)


def is_limited(probes):
    """Whether the load generator was the limit in some of them."""
    return any(probe.is_limited and not probe.is_kept for probe in probes)


def isotonic(total, count):
    """The isotonic regression of total / count, rising along the last axis, with the counts as weights; each row on its own. By
    the formula of maximum and minimum: the fit at k is the largest, over all i <= k, of the least mean of i to j >= k."""
    number = total.shape[-1]
    sums = numpy.concatenate([numpy.zeros((*total.shape[:-1], 1)), numpy.cumsum(total, axis=-1)], axis=-1)
    counts = numpy.concatenate([numpy.zeros((*total.shape[:-1], 1)), numpy.cumsum(count, axis=-1)], axis=-1)
    fit = numpy.full(total.shape, -math.inf)
    for first in range(number):
        own = counts[..., first + 1:] - counts[..., first:first + 1]
        with numpy.errstate(invalid="ignore", divide="ignore"):
            means = numpy.where(own > 0, (sums[..., first + 1:] - sums[..., first:first + 1]) / own, math.inf)
        least = numpy.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        fit[..., first:] = numpy.maximum(fit[..., first:], numpy.where(least < math.inf, least, -math.inf))
    return fit


def _crossing(grid, fit):
    """The rate at which a rising fit passes BROKEN: between two rates on the line through both."""
    found = numpy.full(len(fit), math.nan)
    for row, values in enumerate(fit):
        there = numpy.isfinite(values)
        own, cells = values[there], grid[there]
        kept = int((own <= BROKEN).sum())
        if kept == 0:
            continue
        cell = float(cells[kept - 1])
        if kept < len(own):
            part = (BROKEN - own[kept - 1]) / (own[kept] - own[kept - 1])
            # Of two rates far from each other the line says nothing; what was kept is what is known.
            cell += part * min(float(cells[kept]) - cell, _CLOSE)
        found[row] = math.exp(cell * _CELL)
    return found


def as_json(probes):
    """[[rate, kept, limited, times], ...]; without the times if there are none."""
    return [[round(probe.rate, 3), int(probe.is_kept), int(probe.is_limited), *([probe.times] if probe.times else [])]
            for probe in probes]


def of_json(rows):
    """Probes of as_json(), and of runs from before times were kept."""
    return [Probe(rate, bool(is_kept), bool(is_limited), *times) for rate, is_kept, is_limited, *times in rows]
