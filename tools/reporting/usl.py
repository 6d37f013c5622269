"""The Universal Scalability Law, fitted: how throughput grows, stalls and falls with the number of workers.

  X(n) = lambda n / (1 + sigma (n - 1) + kappa n (n - 1))

lambda is the throughput of one worker, sigma the share of the work for which workers queue (contention), kappa the cost
of agreeing with each other (coherency). With kappa = 0 it is Amdahl's law. Source: N. J. Gunther, Guerrilla Capacity
Planning, Springer 2007; A General Theory of Computational Scalability Based on Rational Functions, arXiv:0808.1431.
"""
import dataclasses
import math

import numpy
import scipy.optimize

# Three parameters need four different numbers of workers, or nothing is left to see that the law does not hold.
LEAST_STEPS = 4
# A curve that is farther off says nothing about the server: something else decided what was measured.
MOST_ERROR = 0.3


@dataclasses.dataclass(frozen=True)
class Fit:
    """The law with its parameters."""
    one: float          # lambda: per second, of one worker
    sigma: float
    kappa: float
    error: float        # Root of the mean square of the relative residuals, with three degrees of freedom taken off.
    steps: int          # Different numbers of workers that it was fitted to.

    def throughput(self, workers):
        """Per second, with this many workers."""
        return self.one * _shape(workers, self.sigma, self.kappa)

    @property
    def peak(self):
        """The number of workers beyond which more do less; infinity if that never comes."""
        return math.sqrt(max(0.0, 1 - self.sigma) / self.kappa) if self.kappa > 0 else math.inf


@dataclasses.dataclass(frozen=True)
class HeldBack:
    """A fit without the most workers that were measured, and what it predicts for them."""
    workers: int
    foretold: float
    measured: float

    @property
    def error(self):
        """0.05: predicted 5 % too much."""
        return self.foretold / self.measured - 1


def fit(points, least_steps=LEAST_STEPS):
    """The Fit to [(workers, throughput per second)], or None if there are fewer than `least_steps` numbers of
    workers.

    Least squares of relative errors; no parameter below zero. Since for given sigma and kappa the best lambda is known,
    only two are searched for."""
    workers = numpy.array([float(count) for count, _ in points])
    rates = numpy.array([float(rate) for _, rate in points])
    steps = len(set(workers))
    if steps < least_steps or min(rates) <= 0:
        return None

    def residuals(parameters):
        shape = _shape(workers, *parameters)
        return _best_one(shape, rates) * shape / rates - 1

    starts = ((0.01, 0.0001), (0.2, 0.001), (0.02, 0.02))
    found = min(
        (scipy.optimize.least_squares(residuals, start, bounds=((0, 0), (1, 1)), xtol=1e-14, ftol=1e-14, gtol=1e-14)
         for start in starts),
        key=lambda result: result.cost)
    sigma, kappa = (float(value) if value > 1e-9 else 0.0 for value in found.x)
    left = residuals((sigma, kappa))
    error = math.sqrt(float(numpy.sum(left**2)) / max(1, len(points) - 3))
    return Fit(_best_one(_shape(workers, sigma, kappa), rates), sigma, kappa, error, steps)


def hold_back(points):
    """Fits all but the most workers and predicts those: the HeldBack, or None if too few are left to fit."""
    points = sorted(points)
    most = points[-1][0] if points else 0
    # One step fewer than otherwise: three give a curve that goes through all of them, and the one held back is the
    # test.
    earlier = fit([point for point in points if point[0] < most], LEAST_STEPS - 1)
    if earlier is None:
        return None
    measured = [rate for count, rate in points if count == most]
    return HeldBack(most, earlier.throughput(most), sum(measured) / len(measured))


def _shape(workers, sigma, kappa):
    return workers / (1 + sigma * (workers - 1) + kappa * workers * (workers - 1))


def _best_one(shape, rates):
    """The lambda with the least sum of squares of (lambda shape / rate - 1)."""
    scaled = shape / rates
    return float(numpy.sum(scaled) / numpy.sum(scaled**2))
