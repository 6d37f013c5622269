"""Measures a model under a load of requests that compute and wait. No service does both, so a request is two: one that computes, and
one that waits, each on a connection of its own. A worker is busy for the same time as with one that does both, which is what its
number depends on; the times of the two are added.
"""

import dataclasses
import math
import resource
import time
from dataclasses import dataclass

from .. import load as loads
from .. import procfs
from ..processes import ServerError

WAIT, COMPUTE = "wait", "compute"
_WARM_UP_S = 0.5
_CALIBRATION_S = 0.3
_REQUESTS = 12  # Of the wanted kind fit into it at least; the last one that is tried takes several times as long.
_MOST_PRIMES = 5_000_000
_FIRST_PRIMES = 50
_NOTHING = {"mean_ms": None, "p99_ms": None, "cpu_us": None, "others": None, "failed": None}
_PLACES = 4  # Connections of the load generator, for each that is busy on average.


@dataclass(frozen=True)
class Work:
    """What makes a load: of a request that takes so much processor time as it was measured."""

    rate: float
    wait_ms: int  # 0: nothing waits.
    primes: int  # 0: nothing is computed but what connections cost.

    def parts(self):
        """service -> the load generator's flags."""
        found = {WAIT: ("--workload=wait-close", f"--wait={self.wait_ms}ms")} if self.wait_ms else {}
        return found | ({COMPUTE: ("--workload=compute-close", f"--primes={self.primes}")} if self.primes else {})


class Bench:
    """Where it is measured."""

    def __init__(self, client, setting, seconds):
        """client  a load.Load; setting  a subjects.Setting"""
        self._client, self._setting, self._seconds = client, setting, seconds

    def cost_us(self, model, primes, seconds=_CALIBRATION_S):
        """Processor time of a request that sums up the primes below this number, its connection included, measured for so long."""
        flags = ("--workload=compute-close", f"--primes={primes}", "--connections=1")
        with model.start(COMPUTE, self._setting) as server:
            before = sum(server.cpu_times())
            run = self._client.run(flags, server.addresses[COMPUTE], seconds, 0.05)
            after = sum(server.cpu_times())
        if run.failed or not run.replies_in_all:
            raise ServerError(f"{model.name}: {run.failed or 'it did not answer'}")
        return 1e6 * (after - before) / run.replies_in_all

    def calibrate(self, model, cpu_us, waits):
        """(primes to ask for, so that a request takes about this much processor time; what its connections alone take). No primes if
        those take as much.

        waits  whether a request has a connection that waits, too
        """
        connection_us = self.cost_us(model, _FIRST_PRIMES)
        wanted = cpu_us - (connection_us if waits else 0.0)
        points = [(_FIRST_PRIMES, connection_us)]
        if wanted <= connection_us:
            return (0 if waits else _FIRST_PRIMES), connection_us
        seconds = max(_CALIBRATION_S, _REQUESTS * wanted / 1e6)
        while points[-1][1] < wanted and points[-1][0] < _MOST_PRIMES:
            primes = min(_MOST_PRIMES, 4 * points[-1][0])
            points.append((primes, self.cost_us(model, primes, seconds)))
        return between(points[-2:], wanted), connection_us

    def at(self, model, work, seed):
        """{"mean_ms", "p99_ms", "cpu_us", "others", "failed"}, of a fresh server. `others` is how much of a processor other programs
        took meanwhile."""
        try:
            return self._at(model, work, seed)
        except ServerError as error:
            return {**_NOTHING, "failed": str(error)}

    def _at(self, model, work, seed):
        parts = work.parts()
        before_s = warm_up_s(work)
        places = max(64, math.ceil(_PLACES * work.rate * (work.wait_ms / 1e3 + 0.05)))
        with model.start(",".join(parts), self._setting) as server:
            before, all_before, clients_before, began = sum(server.cpu_times()), _all_programs(), _ended_children(), time.monotonic()
            started = [self._client.start((*flags, f"--rate={work.rate:g}", f"--connections={min(places, self._most_places())}"),
                                          server.addresses[service], self._seconds, before_s, seed + number)
                       for number, (service, flags) in enumerate(parts.items())]
            runs = [loads.finish(process, self._seconds + before_s) for process in started]
            used, clients = sum(server.cpu_times()) - before, _ended_children() - clients_before
            others = (_all_programs() - all_before - used - clients) / (time.monotonic() - began)
        return {**line(runs, used), "others": max(0.0, round(others, 3))}

    def _most_places(self):
        return self._setting.connections


def _all_programs():
    """Processor seconds since the machine's start, with those that the host of a virtual machine took."""
    return sum(procfs.busy_seconds())


def _ended_children():
    """Processor seconds of the programs that we have started, and that have ended: the load generators, while a server runs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def warm_up_s(work):
    """How long a server is loaded before it counts: until requests that wait have come back."""
    return max(_WARM_UP_S, 3 * work.wait_ms / 1e3)


def between(points, wanted):
    """The primes that cost this much, on a line of the logarithms through two (primes, cost)."""
    (low, cheap), (high, dear) = points
    if dear <= cheap:
        return high
    share = math.log(wanted / cheap) / math.log(dear / cheap)
    return max(low, min(high, round(low * (high / low)**share)))


def line(runs, cpu_s):
    """Of the LoadRuns of the parts, which ran at the same time, and of the processor time of all."""
    failed = next((run.failed for run in runs if run.failed), None)
    if any(run.report is None for run in runs):
        return {**_NOTHING, "failed": failed}
    requests = max(1, max(run.replies_in_all for run in runs))
    return {"mean_ms": sum(run.report["response_ns"]["mean"] for run in runs) / 1e6,
            # One in a hundred is later than that in either part: one in fifty, at most, than the sum.
            "p99_ms": sum(run.report["response_ns"]["p99"] for run in runs) / 1e6, "cpu_us": 1e6 * cpu_s / requests, "failed": failed}


def pool(model, workers):
    """The model with so many workers."""
    return dataclasses.replace(model, name=f"{model.name} --workers={workers}", flags=(*model.flags, f"--workers={workers}"))
