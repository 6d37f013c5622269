"""How many machines like the one that was measured carry a load under a model. docs/capacity.md tells how, and what it
can't know.

Two laws decide: requests take processor time (the utilization law: busy cores = rate x time of a request), connections
take memory. Each machine is filled up to a share only, since queues grow without bound as a machine becomes full.
"""
import dataclasses
import math

from . import usl, words
from .cost import Costs
from .span import Span

_MOST_MACHINES = 1_000_000
_WRONG = 0.1  # A check that is off by more is pointed out.


@dataclasses.dataclass(frozen=True)
class Load:
    """What all machines together are to carry."""
    rate: float          # Requests per second.
    idle: int            # Connections that are open and mostly silent.
    busy: float = 0.7    # How much of its processors a machine may use.
    filled: float = 0.8  # How much of its memory.


@dataclasses.dataclass(frozen=True)
class Answer:
    """Numbers of machines as Spans; `checks` compare what was foretold with what was measured, in sentences."""
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
    request = costs.request_us(workload.name)
    if request is None or request.middle == 0:
        raise CapacityError(
            f"there is no processor time of {subject.name} under {workload.name}: it was not measured, or failed")
    memory, doubts = costs.connection_bytes()
    if memory is None:
        if load.idle:
            raise CapacityError(f"{doubts[0][:-1]}; tools/compare measures it (--parts=memory)")
        memory = Span.exactly(0)
    cores, core_doubts = costs.cores(workload.name, results.run["machine"]["cores"])
    full = cores / request * 1e6
    found, kept_doubts = _machines(costs, load, full, memory, results.run["machine"]["memory_kib"] * 1024)
    doubts = tuple(dict.fromkeys(core_doubts + kept_doubts))
    checks, wrong = _checks(results, costs, workload)
    if wrong:
        doubts += ("A check is off by more than a tenth: the answer may be as far off, or farther.",)
    if results.cell(workload.name, subject.name).client_was_the_limit:
        doubts += ("The client was the limit in the measurement; processor time per request may be less at full load.",)
    return Answer(*found, checks=checks, doubts=doubts)


def _machines(costs, load, full, memory, bytes_of_machine):
    """((machines, by processor, by memory, requests per second of one), doubts)."""
    by_memory = memory * load.idle / (bytes_of_machine * load.filled)
    bounds, doubts, rates = [], [], []
    # Few machines share out the idle connections badly: each must hold more of them, which may slow it down.
    for full_rate, memory_bound in ((full.middle, by_memory.middle), (full.high, by_memory.low), (full.low,
                                                                                                  by_memory.high)):
        machines, rate, doubts = _least(costs, load, full_rate, max(1, math.ceil(memory_bound - 1e-9)))
        bounds.append(machines)
        rates.append(rate)
    processor = Span(*(load.rate / (rate * load.busy) if rate else math.inf for rate in rates))
    return (Span(*bounds), processor, by_memory, Span(rates[0], rates[2], rates[1])), list(doubts)


def _least(costs, load, full_rate, least):
    """(least number of machines that carry it, requests per second that one can do then, doubts)."""
    machines = least
    while True:
        kept, doubts = costs.kept_beside(load.idle / machines)
        rate = full_rate * kept
        needed = math.ceil(load.rate / (rate * load.busy) - 1e-9) if rate else _MOST_MACHINES
        if needed <= machines:
            return machines, rate, doubts
        if machines >= _MOST_MACHINES:
            raise CapacityError("no number of machines carries it")
        # More machines hold fewer idle connections each, so that each does more: the least number may lie between.
        machines = min(needed, max(machines + 1, machines + machines // 50))


def _checks(results, costs, workload):
    """(sentences, whether one of the checks is off by more than _WRONG)."""
    cores = len(results.run.get("server_cpus") or (0,))
    found = []
    throughput = costs.throughput_check(workload.name, cores)
    if throughput is not None:
        found.append((f"Throughput on {cores} core{'' if cores == 1 else 's'}, by processor time alone", *throughput,
                      words.number))
    held = usl.hold_back(results.over_workers(workload.name, costs.subject.name))
    if held is not None:
        found.append((f"Throughput with {held.workers} workers, by the law fitted to fewer", held.foretold,
                      held.measured, words.number))
    memory = costs.memory_check()
    if memory is not None:
        most, foretold, measured = memory
        found.append((f"Memory of the processes with {most:,} connections, by a line through fewer", 1024 * foretold,
                      1024 * measured, words.size))
    texts = [
        f"{what}: foretold {write(foretold)}, measured {write(measured)} ({100 * (foretold / measured - 1):+.1f} %)."
        for what, foretold, measured, write in found
    ]
    return tuple(texts), any(abs(foretold / measured - 1) > _WRONG for _, foretold, measured, _ in found)
