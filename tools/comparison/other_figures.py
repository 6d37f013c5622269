"""Figures that are not medians of rounds: capacity under a promise, out of probes; memory for a connection, out of steps of idle
ones. Each has intervals of its own, and effects of pairs as inference wants them."""

import math

import numpy
from scipy import stats

from . import inference, promise, single_figures, statistics

# Less memory for a connection than this is as good as none: a socket takes more. Ratios are of no less.
_LEAST_BYTES = 1024.0


class Capacity:
    """The highest rates at which a promise is kept, of lines of promise.jsonl of one workload. The unit that is drawn again and
    again is the start of a server, the same for all subjects."""

    def __init__(self, lines):
        self._probes = {}
        for line in lines:
            if line["failed"] is None:
                self._probes.setdefault(line["subject"], {})[line["round"]] = promise.of_json(line["probes"])
        self._numbers = sorted({line["round"] for line in lines})
        self._weights = inference.resampled(self._numbers) if self._numbers else None
        self._samples = {}

    def _of(self, subject):
        """(rates, of all rounds and of each resample; how many rounds)."""
        if subject not in self._samples:
            own = self._probes.get(subject, {})
            columns = [self._numbers.index(number) for number in own]
            self._samples[subject] = (promise.highest(list(own.values()), self._weights[:, columns]) if own else None, len(own))
        return self._samples[subject]

    def is_at_least(self, subject):
        return promise.is_at_least(list(self._probes.get(subject, {}).values()))

    def is_limited(self, subject):
        """Whether what it is at least is so as the load generator could do no more."""
        return self.is_at_least(subject) and any(map(promise.is_limited, self._probes[subject].values()))

    def is_kept_nowhere(self, subject):
        samples, rounds = self._of(subject)
        return bool(rounds) and math.isnan(samples[0])

    def interval(self, subject):
        """A statistics.Interval, within the rates that were tried, or from 0; None if there are no probes. Of a promise that is kept at no rate that was tried it is from 0 to
        what some starts alone would say."""
        samples, rounds = self._of(subject)
        if not rounds:
            return None
        if math.isnan(samples[0]):
            return statistics.Interval(0.0, 0.0, float(numpy.nanmax(numpy.append(samples, 0.0))), rounds)
        effect = promise.effect(samples, rounds)
        if effect is None or effect.error == math.inf:
            return statistics.Interval(float(samples[0]), 0.0, float(samples[0]), rounds)
        middle, low, high = effect.ratio()
        rates = [probe.rate for probes in self._probes[subject].values() for probe in probes]
        is_unsure = numpy.isnan(samples).mean() > inference.ALPHA / 2 or low < min(rates)
        return statistics.Interval(middle, 0.0 if is_unsure else low, max(middle, min(high, max(rates))), rounds)

    def effects(self, pairs):
        """{(a, b): inference.Effect or None}. Of one that is only known to be at least so good, nothing is said but that it is
        better, surely and by more than a search is exact."""
        return {pair: self._effect(*pair) for pair in pairs}

    def _effect(self, a, b):
        (above, rounds), (below, others) = self._of(a), self._of(b)
        if not rounds or not others or math.isnan(above[0]) or math.isnan(below[0]):
            return None
        samples = above / below
        if numpy.isnan(samples).mean() > inference.ALPHA / 2:
            return None  # Some starts alone say that one of them keeps it nowhere: nothing is sure.
        effect = promise.effect(samples, min(rounds, others))
        bounded = [self.is_at_least(a), self.is_at_least(b)]
        if effect is None or not any(bounded):
            return effect
        low, high = effect.bounds()
        is_surely_better = {(True, False): low > inference.MARGIN, (False, True): -high > inference.MARGIN}
        return effect if is_surely_better.get(tuple(bounded)) else None


class Memory:
    """Memory for a connection, the processes' own and the kernel's, of lines of memory.jsonl: of whichever workload it was
    measured with, as silent connections are the same in all."""

    def __init__(self, lines, kernel_bytes_of_client):
        self._lines = {}
        for line in lines:
            if line["failed"] is None:
                self._lines.setdefault(line["subject"], []).append(line)
        self._of_client = kernel_bytes_of_client or 0

    def _sum(self, subject):
        """(bytes, standard error, degrees of freedom); None if it was not measured."""
        lines = [single_figures.slope(self._lines.get(subject, ()), column) for column in ("pss_kib", "kernel_kib")]
        if None in lines:
            return None
        degrees = lines[0].n - 2
        steps = float(stats.t.isf(inference.ALPHA / 2, degrees))
        error = math.hypot(*((line.high - line.low) / 2 / steps for line in lines))
        return sum(line.slope for line in lines) - self._of_client, error, degrees

    def interval(self, subject):
        """A statistics.Interval in bytes; None if it was not measured."""
        found = self._sum(subject)
        if found is None:
            return None
        middle, error, degrees = found
        reach = float(stats.t.isf(inference.ALPHA / 2, degrees)) * error
        return statistics.Interval(middle, middle - reach, middle + reach, degrees + 2)

    def effects(self, pairs):
        """{(a, b): inference.Effect of a over b, or None}."""
        return {pair: self._effect(*map(self._sum, pair)) for pair in pairs}

    @staticmethod
    def _effect(a, b):
        if a is None or b is None:
            return None
        (above, *_), (below, *_) = ((max(_LEAST_BYTES, one[0]),) for one in (a, b))
        error = math.hypot(a[1] / above, b[1] / below)
        return inference.Effect(math.log(above / below), max(error, 1e-9), min(a[2], b[2]), min(a[2], b[2]) + 2)
