"""How many machines like the one that was measured carry a load under a model. docs/capacity.md explains how, and what it
cannot know.

Two laws decide: requests take processor time (the utilization law: busy cores = rate x time of a request), connections
take memory. Each machine is filled up to a share only, since queues grow without bound as a machine becomes full.
"""
import dataclasses
import math

from . import words
from .cost import Costs
from .span import Span

_MOST_MACHINES = 1_000_000
_WRONG = 0.1  # A check that is off by more is pointed out.
_FULL = 0.9   # A server that was less busy than this may do its requests at another price when it is full.


@dataclasses.dataclass(frozen=True)
class Load:
    """What all machines together are to carry."""
    rate: float          # Requests per second.
    idle: int            # Connections that are open and mostly silent.
    busy: float = 0.7    # How much of its processors a machine may use.
    filled: float = 0.8  # How much of its memory.


@dataclasses.dataclass(frozen=True)
class Answer:
    """Numbers of machines as Spans, whose upper bounds may be infinite; `checks` compare predictions with
    measurements, in sentences."""
    machines: Span
    by_processor: Span
    by_memory: Span
    one_machine: Span    # Requests per second of a full machine, with its share of the idle connections.
    checks: tuple
    doubts: tuple


class CapacityError(Exception):
    """The measurements cannot answer; the text says which are missing."""


def answer(results, subject, workload, load):
    """The Answer for a load of the kind of `workload` under `subject`. Raises CapacityError."""
    costs = Costs(results, subject)
    request = _request(results, costs, workload)
    memory, doubts = costs.connection_bytes()
    if memory is None:
        if load.idle:
            raise CapacityError(f"{doubts[0][:-1]}; tools/compare measures it (--parts=memory)")
        memory = Span.exactly(0)
    cores, core_doubts = costs.cores(workload.name, results.run["machine"]["cores"])
    full = cores / request * 1e6
    found, kept_doubts = _machines(costs, load, full, memory, results.run["machine"]["memory_kib"] * 1024)
    doubts = tuple(dict.fromkeys(core_doubts + kept_doubts))
    checks, wrong = _checks(costs, workload)
    if wrong:
        doubts += ("A check is off by more than a tenth: the answer may be as far off, or farther.",)
    if results.client_was_the_limit(workload):
        doubts += (f"Under {workload.name} the load generator, not the server, was the limit: what a full server does is worked out "
                   "from the processor time of a request.",)
    busy = costs.share_busy(workload.name, len(results.run.get("server_cpus") or (0,)))
    if busy < _FULL:
        doubts += (f"In the measurement the server's processors were busy for {words.percent(busy)} of the time: a "
                   "request may take less of it when they are full.",)
    return Answer(*found, checks=checks, doubts=doubts)


def _request(results, costs, workload):
    """Processor time of a request, as a Span. Raises CapacityError, which names workloads that have one."""
    def tells(one):
        cost = costs.request_us(one.name)
        return not one.is_paced and cost is not None and cost.middle > 0
    if tells(workload):
        return costs.request_us(workload.name)
    if workload.is_paced:
        why = f"{workload.name} has a rate of its own, so it does not show what a full server does"
    elif workload.has_another_beside:
        why = f"beside {workload.name} another load runs, so it is unknown what its requests take"
    else:
        why = (f"there is no processor time of {costs.subject.name} under {workload.name}: it was not measured, or "
               "failed")
    others = words.names(one.name for one in results.workloads if tells(one))
    raise CapacityError(f"{why}; {f'take one of these workloads: {others}' if others else 'no other one would do'}")


def _machines(costs, load, full, memory, bytes_of_machine):
    """((machines, by processor, by memory, requests per second of one), doubts)."""
    by_memory = memory * load.idle / (bytes_of_machine * load.filled)
    # Few machines share out the idle connections badly: each must hold more of them, which may slow it down.
    found = {
        good: _least(costs, load, getattr(full, good), good, max(1, math.ceil(getattr(by_memory, bad) - 1e-9)))
        for good, bad in (("middle", "middle"), ("low", "high"), ("high", "low"))
    }
    machines = Span(*(found[good][0] for good in ("middle", "high", "low")))
    if math.isinf(machines.middle):
        raise CapacityError(f"{_MOST_MACHINES:,} machines do not carry it")
    rates = [rate for _, rate, _ in found.values()]
    one = Span(rates[0], min(rates), max(rates))
    return (machines, Span.exactly(load.rate) / (one * load.busy), by_memory, one), found["middle"][2]


def _least(costs, load, full_rate, bound, least):
    """(least number of machines that carry it, requests per second that one can do then, doubts). Infinitely many if
    _MOST_MACHINES are too few. `bound` says which one of a Span's values counts."""
    machines = least
    while True:
        kept, doubts = costs.kept_beside(load.idle / machines)
        rate = full_rate * getattr(kept, bound)
        needed = math.ceil(load.rate / (rate * load.busy) - 1e-9) if rate else math.inf
        if needed <= machines:
            return machines, rate, doubts
        if machines >= _MOST_MACHINES:
            return math.inf, rate, doubts
        # More machines hold fewer idle connections each, so that each does more: the least number may lie between.
        machines = min(needed, max(machines + 1, machines + machines // 50))


def _checks(costs, workload):
    """(sentences, whether one of the checks is off by more than _WRONG)."""
    found = []
    held = costs.scaling_check(workload.name)
    if held is not None:
        found.append((f"Throughput with {held.workers} workers, by the law fitted to fewer", held.foretold,
                      held.measured, words.number))
    memory = costs.memory_check()
    if memory is not None:
        most, foretold, measured = memory
        found.append((f"Memory of the processes with {most:,} connections, by a line through fewer", 1024 * foretold,
                      1024 * measured, words.size))
    texts = [
        f"{what}: predicted {write(foretold)}, measured {write(measured)} ({100 * (foretold / measured - 1):+.1f} %)."
        for what, foretold, measured, write in found
    ]
    return tuple(texts), any(abs(foretold / measured - 1) > _WRONG for _, foretold, measured, _ in found)
