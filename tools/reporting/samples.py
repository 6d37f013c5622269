"""What lies behind the figures of a run: one value for each slice or round, and how the times of all requests are spread.

A folder that was cut down (docs/benchmarks) has both ready in files of its own, dots.jsonl and curves.jsonl; elsewhere
they are made from the rounds.
"""
import dataclasses
import math

import numpy

from comparison import inference, metrics, store

# Shares of all requests at which a curve is read off: up to 99.99 %, as many steps for each nine. The first is not none: the
# fastest request of all is an outlier.
STEPS_OF_A_NINE = 15
SHARES = (0.01, *(1 - 10**(-step / STEPS_OF_A_NINE) for step in range(1, 4 * STEPS_OF_A_NINE + 1)))
# A curve ends where fewer requests than these were slower: they would be chance alone.
_LEAST_SLOWER = 10
# Metrics that slices have a value of -> (its name in a slice, its size there).
_OF_SLICES = {"throughput": ("replies_per_second", 1), "cpu_us_per_request": ("cpu_us_per_request", 1),
              **{f"{kind}_{name}_us": (f"{name}_ns", 1e-3) for kind in ("service", "response") for name in ("p50", "p99")}}
# More dots than these would be a band: of so many, these are taken, spread over the run.
MOST_DOTS = 500
# Metrics whose dots are drawn; of the times either service or response times, as the workload has it.
DRAWN = ("throughput", "cpu_us_per_request",
         *(f"{kind}_{name}_us" for kind in ("service", "response") for name in ("p50", "p90", "p99", "p999")))


def is_drawn(metric, kind):
    """Whether a metric's dots are drawn of a workload whose times are of this kind."""
    return metric in DRAWN and (not metric.startswith(("service", "response")) or metric.startswith(kind))


@dataclasses.dataclass(frozen=True)
class Dots:
    """The values of one metric, in the order in which they were measured: of slices, or of rounds if there are none."""
    values: tuple
    of: str  # "slice" or "round"


class Samples:
    """Those of a run. Rows of rounds.jsonl, of the two files of a folder that was cut down, and of cost.jsonl."""

    def __init__(self, rounds, kept_dots=(), kept_curves=(), at_given_rates=()):
        self._rows = {}  # (workload, subject, point of cost.jsonl; None: of the rounds) -> rows
        for row in (*rounds, *at_given_rates):
            if row.get("load") and metrics.counts({"failed": None, **row}):
                self._rows.setdefault((row["workload"], row["subject"], row.get("point")), []).append(row)
        self._kept_dots = {(row["workload"], row["subject"], row["metric"]): row for row in kept_dots}
        self._kept_curves = {(row["workload"], row["subject"], row["kind"]): row["us"] for row in kept_curves}

    def dots(self, workload, subject, metric):
        """The Dots; None if there are none."""
        kept = self._kept_dots.get((workload, subject, metric))
        if kept:
            return Dots(tuple(kept["values"]), kept["of"])
        point = None
        if metric in metrics.ELSEWHERE:
            *_, kind, point, metric = metrics.ELSEWHERE[metric]
            if kind != store.COST:
                return None
        rows = self._rows.get((workload, subject, point), [])
        values = _of_slices(rows, metric)
        if values:
            return Dots(_some(values), "slice")
        values = tuple(value for value in map(metrics.METRICS[metric][2], rows) if value is not None)
        return Dots(_some(values), "round") if values else None

    def curve(self, workload, subject, kind):
        """[(share of the requests, microseconds that no slower one of them took)] of service or response times; [] if they were
        not kept."""
        kept = self._kept_curves.get((workload, subject, kind))
        if kept is None:
            rows = self._rows.get((workload, subject, None), [])
            times = [histogram for histogram in (metrics.histogram(row["load"], kind) for row in rows) if histogram]
            kept = _quantiles_us(times) if times else []
        return list(zip(SHARES, kept))


def _some(values):
    return values[::math.ceil(len(values) / MOST_DOTS)]


def _of_slices(rows, metric):
    """The values of all slices of the rows; none if a row has no slices."""
    if metric not in _OF_SLICES:
        return ()
    name, factor = _OF_SLICES[metric]
    slices = [row.get("slices") or row["load"].get("slices") for row in rows]
    if not all(slices):
        return ()
    values = [one.get(name) for those in slices for one in those]
    return tuple(factor * value for value in values if value is not None)


def _quantiles_us(histograms):
    """The times at SHARES, as far as there are requests that tell."""
    values, counts = inference.merged(histograms)
    totals = numpy.cumsum(counts.sum(axis=0))
    number = totals[-1]
    shares = numpy.array([share for share in SHARES if number * (1 - share) >= _LEAST_SLOWER])
    places = numpy.searchsorted(totals, numpy.ceil(shares * number))
    return [float(value) / 1e3 for value in values[places]]
