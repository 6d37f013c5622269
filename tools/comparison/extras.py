"""What is measured beside the rounds: memory over steps of idle connections, throughput beside idle connections, and
scaling over workers. Each function makes lines of one file of the result folder."""

import dataclasses
import time

from . import procfs
from .connections import Crowd
from .measure import measure
from .processes import ServerError

_SETTLE_S = 0.15  # Pages that were used for the moment go back to the kernel meanwhile.


def idle_limit(subject, hard_limit):
    """How many idle connections a subject is asked to hold at most: some are made for few, and say so."""
    limit = hard_limit - 200
    traits = getattr(subject, "traits", {})
    if traits.get("max_clients"):
        limit = min(limit, traits["max_clients"] - 124)
    if traits.get("silent") == "one of N" or traits.get("crash") == "one":
        limit = min(limit, 1000)  # A worker or process for each.
    return limit


def memory_steps(most, equal=8):
    """One, and as many equal ones. The first is a single connection: it also pays for what a server makes on demand."""
    return sorted({max(1, most * step // equal) for step in range(equal + 1)})


def _memory_at(server, crowd, idle):
    """One line of memory.jsonl."""
    crowd.grow_to(idle)
    time.sleep(_SETTLE_S)
    tree = procfs.look_at(server.session)
    return {"idle": idle, "pss_kib": tree.pss_kib, "kernel_kib": procfs.kernel_kib(), "processes": len(tree.processes),
            "threads": tree.threads, "failed": None}


def memory(subject, workload, setting, steps):
    """Lines of memory.jsonl: {idle, pss_kib, kernel_kib, processes, threads, failed}. The kernel's is for the whole
    machine, with both ends of each connection.

    A pool is started anew for each step, as large as the step needs it: its workers are what a connection costs.
    """
    grows = getattr(subject, "traits", {}).get("silent") != "one of N"
    lines = []
    try:
        for group in [steps] if grows else [[step] for step in steps]:
            own = dataclasses.replace(setting, connections=max(group))
            with subject.start(workload.service, own) as server:
                with Crowd(server.addresses[workload.service], workload.service) as crowd:
                    lines += [_memory_at(server, crowd, idle) for idle in group]
    except (OSError, ServerError) as error:
        lines.append({"idle": None, "pss_kib": None, "kernel_kib": None, "failed": str(error)})
    return lines


def beside_idle(subject, workload, setting, load, duration_s, seed, idle):
    """A line of idle.jsonl: the same measurement as in the rounds, with silent connections beside it."""
    setting = dataclasses.replace(setting, connections=workload.held + idle)
    return measure(subject, workload, setting, load, duration_s, seed, idle)


def over_workers(subject, workload, setting, load, duration_s, seed, workers, cpus):
    """A line of scaling.jsonl: with a number of workers, on all processors; the client shares them, which the line says."""
    own = dataclasses.replace(subject, flags=(*subject.flags, f"--workers={workers}"))
    line = measure(own, workload, dataclasses.replace(setting, cpus=cpus), load, duration_s, seed)
    line["marks"].append(f"the client shares the {len(cpus)} processors")
    return line
