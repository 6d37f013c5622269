"""Rounds whose figures are known, in place of measured ones: for tests of what is asked of rounds."""

import numpy

from comparison.claims.rounds import CPU, LOOKS, Question, Series


class Recorded:
    """Makes a Series of rounds whose figures are known; notes which names were measured."""

    def __init__(self, figure=CPU, **values):
        """values  name -> those of its rounds; a text is a failure"""
        self._figure, self._values = figure, values
        self.measured = []
        self.series = Series(self._measure)

    def _measure(self, names, number):
        self.measured.append(tuple(names))
        found = {name: self._values[name][number] for name in names}
        return {name: value if isinstance(value, (str, dict)) else {self._figure.key: value} for name, value in found.items()}

    def question(self, demand, above="a", below="b", **more_of_it):
        return Question(self.series, "a over b", above, below, demand, self._figure, **more_of_it)


def noisy(middle, error=0.01, number=LOOKS[-1] + 8, seed=1):
    return list(middle * numpy.exp(numpy.random.default_rng(seed).normal(0, error, number)))
