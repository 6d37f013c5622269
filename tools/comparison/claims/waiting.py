"""Experiments: requests that wait, as for a database, and take no processor meanwhile. By Little's law (1961) those that wait at
a time are the rate times the wait, so a model is worth what it takes to have that many."""

import dataclasses
import functools
import os
import sys

from .. import processes, workloads
from ..connections import raise_descriptor_limit
from .lab import ONE_LOOP
from .rounds import LIMITED, RATE, Question
from .verdict import about_one, at_least, unknown

_HERE = os.path.dirname(os.path.abspath(__file__))
# More requests than a processor can serve are due, however many wait.
_OFFERED = 100_000
_FEW, _SOME, _MANY = 100, 1_000, 4_000
_SLICE_WAITS = 5  # A slice is so many times as long as a request waits.
# The workers of a pool, and the clients, which are more.
_SMALL, _LARGE, _POOL_CLIENTS, _POOL_WAIT_MS = 8, 64, 96, 10
# One that blocks serves one of these clients at a time; the factor that is claimed lies well below their number.
_LOOP_CLIENTS, _LOOP_WAIT_MS, _LOOP_S = 180, 40, 1.5


def _waits(connections, milliseconds, slice_s, is_short=False):
    """A workload of requests that wait, each on a connection of its own if they are short."""
    name = "wait-close" if is_short else "wait"
    return dataclasses.replace(workloads.choose(["wait"])[0], load=(f"--workload={name}", f"--wait={milliseconds}ms"),
                               connections=connections, keeps=not is_short, slice_s=slice_s)


def _many():
    """So many connections as there are descriptors for, within reason."""
    return min(_MANY, raise_descriptor_limit() - 500)


def threads_against_events(lab):
    """Claim 25: a thread for each request that waits, against a timer for it."""
    questions = []
    for number in (_FEW, _SOME, _many()):
        wait_s = number / _OFFERED
        load = _waits(number, round(1000 * wait_s), max(0.05, _SLICE_WAITS * wait_s))
        questions.append(Question(lab.compared(("thread", ONE_LOOP), load),
                                  f"requests a second, thread over epoll, if {number:,} wait, {1000 * wait_s:.0f} ms each",
                                  "thread", ONE_LOOP, about_one(), RATE, _condition(number)))
    if _many() < _MANY:
        questions.append(unknown(f"only {_many()} descriptors for connections; see tools/doctor", _condition(_MANY)))
    return questions


def _condition(number):
    return f"{number:,} requests wait at a time"


def pool_size_against_model(lab):
    """Claim 26: eight times the workers, against another kind of worker."""
    pools = {(kind, workers): f"{kind} --workers={workers}" for kind in ("threadpool", "prefork") for workers in (_SMALL, _LARGE)}
    series = lab.compared(tuple(pools.values()), _waits(_POOL_CLIENTS, _POOL_WAIT_MS, 0.1, is_short=True))

    def ratio(above, below, demand):
        return Question(series, f"requests a second that wait {_POOL_WAIT_MS} ms, {_POOL_CLIENTS} clients, {pools[above]} over "
                        f"{pools[below]}", pools[above], pools[below], demand, RATE)
    sizes = [ratio((kind, _LARGE), (kind, _SMALL), at_least(_LARGE / _SMALL / 2)) for kind in ("threadpool", "prefork")]
    kinds = [ratio(("prefork", workers), ("threadpool", workers), about_one()) for workers in (_SMALL, _LARGE)]
    return sizes + kinds


def _rate(lab, way, number):
    """The figures of a loop that is started for them: what one that blocks has taken on lasts for longer than a slice."""
    argv = [sys.executable, os.path.join(_HERE, "waiting_loop.py"), way]
    with processes.Server(argv, lab.server_cpus, f"{lab.scratch}/waiting.log") as server:
        run = lab.client.run(_waits(_LOOP_CLIENTS, _LOOP_WAIT_MS, 0.0).load_flags(), server.addresses["wait"], _LOOP_S,
                             seed=number + 1)
    if run.failed:
        return run.failed
    return {RATE.key: run.report["replies_per_second"], LIMITED: int(run.report["generator_was_the_limit"])}


def blocking_calls(lab):
    """Claim 27: the same loop with a timer, and with a call that blocks, for each request."""
    ways = {"a loop that awaits": "awaits", "a loop that blocks": "blocks"}
    series = lab.in_turns("loops that wait", {name: functools.partial(_rate, lab, way) for name, way in ways.items()})
    awaits, blocks = ways
    return [Question(series, f"asyncio, requests a second that wait {_LOOP_WAIT_MS} ms, {_LOOP_CLIENTS} clients, {awaits} over "
                     f"{blocks}", awaits, blocks, at_least(100), RATE)]
