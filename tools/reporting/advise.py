"""Which model to take for a load of the user's own, by what was measured, and how sure that is.

The rules are in RULES, which tools/advise prints with --rules; rank() follows them.
"""
import dataclasses

from comparison import ranking

from . import words
from .cost import Costs
from .span import Span

BUSY = 0.7    # How much of its processors a machine may use: beyond it queues grow quickly.
FILLED = 0.8  # How much of its memory.

RULES = (
    "A request takes the processor time that was measured for a reply of its size, plus its own work. Idle connections "
    "make it dearer by as much as they lowered the throughput.",
    "A connection takes the memory that was measured, the process's own and the kernel's.",
    f"A model carries the load if it needs at most {words.percent(BUSY)} of the processors and "
    f"{words.percent(FILLED)} of the memory, at the bad end of its bounds. It may carry the load if only the middle "
    "values fit.",
    "If no figure is near enough, the data do not reach: such a model is neither recommended nor ruled out.",
    "Of the models that carry the load, the one that needs the least processor time wins. Models whose intervals meet its "
    "own are level with it; of these the one with the least memory per connection wins, and then the one that the "
    "server lists first.",
    "A model that takes a processor while no request comes is named only if no other carries the load: it is for a machine "
    "that has nothing else to do.",
)


@dataclasses.dataclass(frozen=True)
class Load:
    conns: int      # Open at a time, most of them idle.
    rate: float     # Requests per second, in all.
    cpu_us: float   # Work of a request besides moving bytes, in microseconds of processor time.
    size: float     # Bytes of a reply.
    service: str


@dataclasses.dataclass(frozen=True)
class Row:
    """One model. `cores` and `memory` are Spans, or None if the data do not reach."""
    model: str
    verdict: str    # yes, perhaps, no, or unknown
    cores: Span
    memory: Span
    usable: Span
    doubts: tuple
    burns: str = None  # What it burns while idle, in words.


@dataclasses.dataclass(frozen=True)
class Advice:
    """`model` is None if none carries the load for sure or perhaps. `rows` by verdict, then by cost."""
    model: str
    level: tuple
    because: str
    rows: tuple


_ORDER = ("yes", "perhaps", "no", "unknown")


def advise(results, load):
    """The Advice for a Load."""
    rows = [_row(results, subject, load) for subject in results.models]
    ranked = sorted(rows, key=lambda row: (_ORDER.index(row.verdict), row.cores.middle if row.cores else 0))
    for verdict in ("yes", "perhaps"):
        able = [row for row in rows if row.verdict == verdict]
        if able:
            advice = _choose(able, verdict, tuple(ranked))
            return dataclasses.replace(advice, because=advice.because + _by_processor_time(results, load, advice.model))
    if any(row.verdict == "no" for row in rows):
        because = ("No model that was measured carries this on this machine: take more machines (tools/capacity says "
                   "how many).")
    else:
        because = "The measurements do not reach so far; the doubts say which are missing."
    return Advice(None, (), because, tuple(ranked))


def _by_processor_time(results, load, model):
    """A sentence that says so if the load generator was the limit under the workload whose replies are nearest in size; else ""."""
    costs = Costs(results, results.subject(model))
    _, name, cost = min(costs.sizes(load.service), key=lambda one: abs(one[0] - load.size))
    if not results.client_was_the_limit(results.workload(name)) or cost.middle <= 0:
        return ""
    return (f" This is {ranking.BY_PROCESSOR_TIME} under {name}: {words.time(cost.middle)} for a request, so "
            f"{words.number(1e6 / cost.middle)} requests per second of processor time.")


def _row(results, subject, load):
    costs = Costs(results, subject)
    moved, doubts = costs.request_of_size_us(load.service, load.size)
    if moved is None:
        return Row(subject.name, "unknown", None, None, None, tuple(doubts))
    most = costs.most_connections()
    if load.conns > 2 * most:
        why = f"{load.conns:,} connections were not measured with {subject.name}: the most were {most:,}."
        return Row(subject.name, "unknown", None, None, None, (why,))
    if load.conns > most:
        doubts = doubts + [f"The most connections measured were {most:,}."]
    kept, kept_doubts = costs.kept_beside(load.conns)
    memory, memory_doubts = costs.connection_bytes()
    if memory is None:
        return Row(subject.name, "unknown", None, None, None, tuple(memory_doubts))
    nearest = costs.sizes(load.service)[0][1]
    usable, core_doubts = costs.cores(nearest, results.run["machine"]["cores"])
    cores = (moved / kept + load.cpu_us) * (load.rate / 1e6)
    memory = memory * load.conns
    doubts = doubts + _work_doubts(results, costs, load) + kept_doubts + memory_doubts + core_doubts
    verdict = _verdict(cores, usable, memory, results.run["machine"]["memory_kib"] * 1024)
    return Row(subject.name, verdict, cores, memory, usable, tuple(doubts), results.burns(subject.name))


def _work_doubts(results, costs, load):
    """What the data do not say about requests that compute."""
    if load.cpu_us == 0:
        return []
    dearest = max(
        (costs.request_us(workload.name) for workload in results.workloads if costs.request_us(workload.name)),
        key=lambda cost: cost.middle)
    if load.cpu_us > 2 * dearest.middle:
        return [
            f"No request that was measured took nearly as much work: the dearest took {words.time(dearest.middle)}."
        ]
    return []


def _verdict(cores, usable, memory, bytes_of_machine):
    def fits(cores_needed, cores_there, bytes_needed):
        return cores_needed <= BUSY * cores_there and bytes_needed <= FILLED * bytes_of_machine
    if fits(cores.high, usable.low, memory.high):
        return "yes"
    return "perhaps" if fits(cores.middle, usable.middle, memory.middle) else "no"


def _choose(able, verdict, ranked):
    able = [row for row in able if not row.burns] or able
    cheapest = min(able, key=lambda row: row.cores.middle)
    level = [row for row in able if row.cores.low <= cheapest.cores.high]
    least = min(level, key=lambda row: row.memory.middle)
    small = [row for row in level if row.memory.low <= least.memory.high]
    chosen = small[0]
    because = (
        f"It needs {chosen.cores.write('{:.2f}'.format)} of {chosen.usable.write('{:.1f}'.format)} usable cores, and "
        f"{chosen.memory.write(words.size)} for connections")
    if len(level) > 1:
        others = [row.model for row in level if row not in (chosen, cheapest)]
        if chosen is cheapest:
            because += f"; that is not surely less processor time than {words.names(others)} would need"
        else:
            because += (f"; {cheapest.model} needs the least processor time, but not surely less than "
                        f"{words.names([chosen.model] + others)}")
    if verdict == "perhaps":
        because += "; whether it is enough is uncertain"
    if chosen.burns:
        because += f"; only for a machine that has nothing else to do: {chosen.burns}"
    return Advice(chosen.model, tuple(row.model for row in level), because + ".", ranked)
