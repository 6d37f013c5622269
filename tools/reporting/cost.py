"""What requests and connections cost under one model, from measurements: by size, beside idle connections, on more
cores.

Every answer comes with its doubts, in sentences: above all if it lies beyond the measurements.
"""
import bisect
import math

from comparison import statistics

from . import usl, words
from .span import Span

# What is less of the throughput than this, with all its noise, is a loss and no chance.
_SURELY_LESS = 0.9

# The assumed error of a measurement, as a share, if there is only one.
_UNKNOWN_NOISE = 0.25

# If workers do less than this share of what as many cores could, the answer points out the client's share of the cores.
_SHARED = 0.75

# The load generator's workloads that keep their connections and only move bytes: they show what a size costs.
_MOVING = ("echo", "http", "download")


def of_one_round(estimate):
    """By how much, as a share, one more measurement may be off, out of the Estimate of the middle of some."""
    return estimate.spread * math.sqrt(estimate.n + 1) if estimate.n > 1 else _UNKNOWN_NOISE


class Costs:
    """The costs under one model of a run."""

    def __init__(self, results, subject):
        self.subject = subject
        self._results = results

    def request_us(self, workload_name):
        """Processor time per request under a workload, as a Span in microseconds, or None. None if another load ran
        beside it: it is unknown which part of the time was for these requests."""
        if self._results.workload(workload_name).has_another_beside:
            return None
        found = self._results.estimate(workload_name, self.subject.name, "cpu_us_per_request")
        return None if found is None else Span.of(found)

    def sizes(self, service):
        """[(bytes of a reply, workload name, processor time as a Span)] by size, of the workloads that move bytes."""
        found = []
        for workload in self._results.workloads:
            if not self._moves(workload, service):
                continue
            cost = self.request_us(workload.name)
            size = self._results.median_of(workload.name, self.subject.name, _bytes_of_a_reply)
            if cost is not None and size is not None:
                found.append((size, workload.name, cost))
        return sorted(found, key=lambda row: row[0])

    @staticmethod
    def _moves(workload, service):
        return workload.service == service and workload.flag("workload") in _MOVING and not workload.is_paced

    def request_of_size_us(self, service, size):
        """(processor time per request as a Span, doubts); (None, doubts) if nothing is near enough.

        Between two sizes that were measured it is on the line through them; a little outside it is that of the
        nearest."""
        sizes = self.sizes(service)
        if not sizes:
            moving = [workload for workload in self._results.workloads if self._moves(workload, service)]
            if any(self.request_us(workload.name) for workload in moving):
                return None, [f"The sizes of replies are not in {self._results.folder}: it was cut down. Give the "
                              "folder that tools/compare wrote."]
            return None, [f"No workload of {service} that only moves bytes was measured."]
        least, most = sizes[0][0], sizes[-1][0]
        if size > 2 * most:
            return None, [f"Replies of {words.size(size)} were not measured: the largest had {words.size(most)}."]
        if size <= least or size >= most:
            nearest = sizes[0] if size <= least else sizes[-1]
            far = size < least / 2 or size > 1.25 * most
            return nearest[2], ([f"Taken from {nearest[1]}, whose replies have {words.size(nearest[0])}."]
                                if far else [])
        above = bisect.bisect([row[0] for row in sizes], size)
        (small, _, cheap), (large, _, dear) = sizes[above - 1], sizes[above]
        return cheap.between(dear, (size - small) / (large - small)), []

    def connection_bytes(self):
        """(memory per idle connection as a Span in bytes, own and kernel's; doubts), or (None, doubts)."""
        own, kernel = self._results.memory_per_connection(self.subject.name)
        if own is None:
            return None, [f"The memory of {self.subject.name} per connection was not measured."]
        if kernel is None:
            return Span.of(own), ["The kernel's part of a connection's memory was not measured: it is not counted."]
        return Span.of(own) + Span.of(kernel), []

    def most_connections(self):
        """The most connections at a time that were measured with it."""
        rows = [row["idle"] for row in self._results.memory + self._results.idle
                if row["subject"] == self.subject.name and not row.get("failed")]
        return max(rows, default=0)

    def kept_beside(self, idle):
        """(share of its throughput that it keeps beside this many idle connections, as a Span; doubts)."""
        if idle == 0:
            return Span.exactly(1.0), []
        workload, shares = self._shares_beside_idle()
        if not shares:
            return Span.exactly(1.0), ["Idle connections beside busy ones were not measured: taken for free."]
        most, least = shares[-1]
        if idle <= most:
            return _on_log_line(shares, idle), []
        more = f"{idle:,.0f} idle connections are more than the {most:,} that were measured (under {workload})"
        if least.high < _SURELY_LESS:  # Unknown how far, but if a list is walked, it falls in proportion.
            return least * (most / idle), [f"{more}: taken to slow it down in proportion."]
        return least, [f"{more}: taken to slow it down no more than those."]

    def _shares_beside_idle(self):
        """(workload, [(idle connections, share of the throughput beside none as a Span)]), from none; (None, []) if
        it was not measured.

        A step is a single measurement, at another time than the rounds: its error is that of one round, not that of the
        middle of all. So the steps are compared with the first of them, of few connections, unless it is certainly slower
        than the rounds."""
        workload, points = self._results.idle_steps(self.subject.name)
        rounds = self._results.estimate(workload, self.subject.name, "throughput")
        if not points or (len(points) == 1 and rounds is None):
            return None, []
        noise = of_one_round(rounds) if rounds else _UNKNOWN_NOISE
        steps = [(step, Span.exactly(rate).widened(noise)) for step, rate in points]
        first, alone = steps[0]
        shares = {0: Span.exactly(1.0), first: Span.exactly(1.0)}
        if rounds is not None and (alone / Span.of(rounds)).high < 1:
            alone = Span.of(rounds)
            shares[first] = steps[0][1] / alone
        shares.update((step, (rate / alone).at_most(1.0)) for step, rate in steps[1:])
        return workload, sorted(shares.items())

    def cores(self, workload_name, available):
        """(how many cores' worth of work it does on `available` cores, doubts), by the Universal Scalability Law."""
        points = self._results.over_workers(workload_name, self.subject.name)
        fit = usl.fit(points)
        if fit is not None and fit.error <= usl.MOST_ERROR:
            share = min(1.0, fit.throughput(available) / fit.one / available)
            doubts = []
            if fit.error > 0.1:
                doubts.append(f"The scaling law fits badly ({words.percent(fit.error)} off).")
            if share < _SHARED:
                doubts.append("The client took its share of the processors while workers were tried: they may scale "
                              "better than was seen.")
            return Span.exactly(available * share).widened(max(fit.error, self._error_of_a_step(workload_name))).at_most(available), doubts
        if available == 1:
            return Span.exactly(1.0), []
        why = f"It was not measured with enough numbers of workers under {workload_name} to fit a law"
        if fit is not None:
            why = (f"What it did with more workers under {workload_name} follows no law (the best is "
                   f"{words.percent(fit.error)} off)")
        if self._uses_one_core(workload_name):
            return Span.exactly(1.0), [f"{why}: one core is counted, since it ran with one thread."]
        seen = min(float(available), max(1.0, self._cores_kept_busy(workload_name)))
        return Span(float(available), seen, float(available)), [
            f"{why}: at best it scales in proportion to the cores, and {seen:.1f} were seen busy."
        ]

    def _error_of_a_step(self, workload_name):
        """Each number of workers was measured once."""
        rounds = self._results.estimate(workload_name, self.subject.name, "throughput")
        return of_one_round(rounds) if rounds else _UNKNOWN_NOISE

    def scaling_check(self, workload_name):
        """The usl.HeldBack, where a law holds; None otherwise."""
        points = self._results.over_workers(workload_name, self.subject.name)
        fit = usl.fit(points)
        return usl.hold_back(points) if fit is not None and fit.error <= usl.MOST_ERROR else None

    def memory_check(self):
        """(most connections, predicted KiB, measured KiB): a line through all steps but the last; None with too few."""
        points = sorted((row["idle"], row["pss_kib"]) for row in self._results.memory
                        if row["subject"] == self.subject.name and not row.get("failed"))
        line = statistics.regression(points[:-1]) if len(points) >= 4 else None
        if line is None:
            return None
        most, measured = points[-1]
        return most, line.intercept + line.slope * most, measured

    def share_busy(self, workload_name, cores):
        """What part of the run's cores it kept busy in the rounds; of one core, if it has a single thread."""
        return self._cores_kept_busy(workload_name) / (1 if self._uses_one_core(workload_name) else cores)

    def _cores_kept_busy(self, workload_name):
        """How many it was seen to keep busy in the rounds: throughput times processor time of a request."""
        throughput = self._results.estimate(workload_name, self.subject.name, "throughput")
        cost = self.request_us(workload_name)
        return throughput.median * cost.middle / 1e6 if throughput is not None and cost is not None else 0.0

    def _uses_one_core(self, workload_name):
        counts = [self._results.estimate(workload_name, self.subject.name, what) for what in ("threads", "processes")]
        return all(count is not None and count.median <= 1 for count in counts)


def _bytes_of_a_reply(row):
    load = row["load"]
    return load["bytes_in"] / load["replies"] if load and load["replies"] else None


def _on_log_line(points, x):
    """The Span at x, on straight lines between the points, with x + 1 on a logarithmic scale; x is within them."""
    for (left, first), (right, last) in zip(points, points[1:]):
        if x <= right:
            return first.between(last, math.log((x + 1) / (left + 1)) / math.log((right + 1) / (left + 1)))
    return points[-1][1]
