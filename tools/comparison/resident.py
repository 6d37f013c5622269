"""Resident: a server and a load generator that stay from slice to slice, and rest in between. A round starts one of each subject,
measures them in turns, and ends them all: neighbours in time are compared, and a start is the unit that is repeated.

      start all ──▶ turn 1: A B C ──▶ turn 2: B C A ──▶ ... ──▶ end all           a slice: ├ warm-up ┤ counted ├ last replies ┤

Sources: T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time", 2013 (starts and what is repeated within one are
two levels); E. Williams, 1949 (order.py).
"""

import json
import os
import signal
import time
from dataclasses import dataclass

from . import measure, procfs, slices, statistics
from .load import contradiction, cpu_of
from .processes import ServerError, is_readable

# The connections send at once when a slice begins; that burst is over by then.
_WARM_UP_S = 0.02
# A first slice warms the server up: processes, memory, the connections themselves.
_FIRST_S = 0.1
_CONNECT_S = 15.0
# A slice may wait for its last replies for 10 s; see LoadPlan::patience.
_PATIENCE_S = 30.0
# What a server takes that has nothing to do for this long; more than a tenth of it, and it is stopped between its slices.
_REST_S = 0.02
_RESTLESS = 0.1
# What a subject costs in a round beside its slices, and a slice beside what is counted, about.
OVERHEAD_S = 0.45
SLICE_OVERHEAD_S = _WARM_UP_S + 0.01
# Of one processor, taken by others during a slice: then the slice is measured again, for so many of a round's at most.
DISTURBED = 0.15
_LEAST_DISTURBED_S = 0.03  # The kernel counts it in steps of 10 ms.
MOST_REPLACED = 0.2


class ResidentError(Exception):
    """The server or the load generator is not what it should be. The text says why."""


@dataclass(frozen=True)
class Slice:
    """One measurement. Processor times are those of the server's whole tree of processes, warm-up and last replies included."""

    report: dict  # As load --json prints it; None if it failed so early that there is none.
    cpu_user_s: float
    cpu_system_s: float
    others_s: float  # Taken by other programs,
    host_s: float  # and by the host of a virtual machine,
    seconds: float  # in this time.
    overflows: int  # Connections that found a listener's queue full.
    failed: str  # Why it says nothing; None if it is good.

    @property
    def is_disturbed(self):
        return self.others_s + self.host_s > max(DISTURBED * self.seconds, _LEAST_DISTURBED_S)

    @property
    def has_missed_rate(self):
        """And nothing worse: that is a figure, too; see metrics.counts()."""
        return bool(self.report) and (self.failed or "").startswith("the rate was not reached")

    def shown(self):
        """What rounds.jsonl keeps of it, beside the sum of all."""
        times = self.report["response_ns"]
        requests = self.report["replies_in_all"]
        cost = 1e6 * (self.cpu_user_s + self.cpu_system_s) / requests if requests else None
        return {"replies_per_second": self.report["replies_per_second"], "cpu_us_per_request": cost,
                "p50_ns": times["p50"], "p99_ns": times["p99"]}


class Resident:
    """A server of one subject, with the load generator that has its connections. Use it as a context manager.

    ServerError, ResidentError: it did not come so far.
    """

    def __init__(self, subject, workload, setting, load, seed):
        self._workload = workload
        self._server = subject.start(",".join(workload.services()), setting)
        self._load = None
        self._client_cpus = set(load.cpus or ()) - set(setting.cpus or ())
        self._restless = ()  # The processes of a server that never sleeps.
        self._told = b""
        self._is_closed = False
        try:
            flags = workload.load_flags(self._server.addresses, setting.root)
            self._load = load.start_slices(flags, workload.server(self._server.addresses), _WARM_UP_S, seed)
            first = self.slice(_FIRST_S, patience_s=_CONNECT_S)
            if first.failed and not first.has_missed_rate:
                raise ResidentError(first.failed)
            self.replies_in_all = first.report["replies_in_all"]
            before = sum(self._server.cpu_times())
            time.sleep(_REST_S)
            is_restless = sum(self._server.cpu_times()) - before > _RESTLESS * _REST_S
            self.looks, self._threads = self._look()
            self._restless = procfs.session_members(self._server.session) if is_restless else ()
            self._signal(signal.SIGSTOP)
        except BaseException:
            self.close()
            raise

    def _look(self):
        """Processes, threads, descriptors, memory and balance, with all connections there and nothing to do; and each thread's
        processor time so far."""
        tree = procfs.look_at(self._server.session)
        balance = procfs.connections_per_worker(tree.processes, self._server.port(self._workload.service))
        return {"threads": tree.threads, "processes": len(tree.processes), "descriptors": tree.descriptors,
                "pss_kib": tree.pss_kib, "connections_per_worker": balance}, tree.thread_cpu

    def _signal(self, number):
        """A server that never sleeps is stopped between its slices: it would take the processor from the others."""
        for pid in self._restless:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def slice(self, seconds, rate=None, patience_s=_PATIENCE_S):
        """A Slice of so many seconds, at so many requests a second; as the workload has it if no rate is given. Blocks."""
        self._signal(signal.SIGCONT)
        began = self._moment()
        report, failed = self._ask(f"{seconds:.6f}" + (f" {rate:.6f}" if rate else ""), seconds + patience_s)
        user, system, client, everything, host, overflows, seconds = (after - first for after, first in zip(self._moment(), began))
        self._signal(signal.SIGSTOP)
        return Slice(report, user, system, max(0.0, everything - user - system - client), host, seconds, overflows, failed)

    def _moment(self):
        client = _client_cpu(self._load) + self._server.cpu_behind() + procfs.network_seconds(self._client_cpus)
        return (*self._server.cpu_times(), client, *procfs.busy_seconds(), procfs.listen_overflows(self._server.session),
                time.monotonic())

    def _ask(self, order, patience_s):
        """(report, why it is worth nothing)."""
        try:
            os.write(self._load.stdin.fileno(), f"{order}\n".encode())
        except BrokenPipeError:
            return None, self._why_it_ended()
        deadline = time.monotonic() + patience_s
        output = self._load.stdout.fileno()
        while b"\n" not in self._told:
            if not is_readable(output, deadline - time.monotonic()):
                return None, f"the load generator has not answered within {patience_s:.0f} s"
            piece = os.read(output, 1 << 20)
            if not piece:
                return None, self._why_it_ended()
            self._told += piece
        line, _, self._told = self._told.partition(b"\n")
        report = json.loads(line)
        # A slice may be too short for a reply, as the last ones arrive behind it; the round tells.
        faults = [fault for fault in report["faults"] if not (fault.startswith("there was no reply") and report["replies_in_all"])]
        return report, "; ".join(faults) or None

    def _why_it_ended(self):
        _, said = self._load.communicate()
        return said.decode(errors="replace").strip() or f"the load generator ended with status {self._load.returncode}"

    def work_per_worker(self):
        """Processor seconds since the start of each thread that was there then."""
        after = procfs.look_at(self._server.session, with_memory=False).thread_cpu
        return [round(after[key] - seconds, 6) for key, seconds in self._threads.items() if key in after]

    @property
    def usage(self):
        """After close(): what the kernel charged the server with; see processes.Server."""
        return self._server.usage

    @property
    def counts_all_children(self):
        return self._server.counts_all_children

    def close(self):
        """Ends both. It may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self._signal(signal.SIGCONT)
        if self._load is not None:
            self._load.kill()
            self._load.communicate()
        self._server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _client_cpu(process):
    """Seconds; 0 if it has ended."""
    try:
        return cpu_of(process)
    except OSError:
        return 0.0


class Undisturbed:
    """A Resident in a round, and how many of its slices were measured again as others took the processor."""

    def __init__(self, one, number):
        """number  of its slices, about: a part of them may be measured again"""
        self._one, self._number = one, number
        self.replaced = 0

    def slice(self, seconds, rate=None, is_spoilt=lambda found: True):
        """is_spoilt  whether the disturbance, if there was one, matters"""
        found = self._one.slice(seconds, rate=rate)
        if found.is_disturbed and not found.failed and is_spoilt(found) and self.replaced < MOST_REPLACED * self._number:
            self.replaced += 1
            found = self._one.slice(seconds, rate=rate)
        return found


class _Round:
    """One subject in a round: its Resident, and what its slices have brought."""

    def __init__(self, subject, workload, setting, load, seed, turns):
        self.name = subject.name
        self.slices = {}  # turn -> Slice
        self.failed = None
        self.one = None
        self._cpus_are_shared = setting.cpus == load.cpus
        try:
            self.one = Resident(subject, workload, setting, load, seed)
            self._undisturbed = Undisturbed(self.one, turns)
        except (ServerError, ResidentError) as error:
            self.failed = str(error)

    def take(self, turn, seconds):
        """Its slice of a turn."""
        if self.failed:
            return
        found = self._undisturbed.slice(seconds)
        self.slices[turn] = found
        self.failed = None if found.has_missed_rate else found.failed

    def line(self, seconds):
        """Ends its programs. The parts of a line of rounds.jsonl that are measured: load, server, marks, failed."""
        work = self.one.work_per_worker() if self.one and not self.failed else []
        if self.one:
            self.one.close()
        taken = [found for found in self.slices.values() if found.report]
        if not taken:
            failed = self.failed or "it was not measured"
            return {"load": None, "server": None, "marks": [f"errors: {failed}"], "failed": failed}
        report = slices.merged([found.report for found in taken])
        report["slices"] = [found.shown() | {"turn": turn} for turn, found in self.slices.items() if found.report]
        failed = self.failed or contradiction({**report, "seconds": seconds}) or missed_rate(taken)
        used = measure.Used(_sum(taken, "cpu_user_s") + _sum(taken, "cpu_system_s"), _sum(taken, "others_s"),
                            _sum(taken, "host_s"), _sum(taken, "seconds"))
        return {"load": report, "server": self._server_part(report, taken, work),
                "others_s": used.others, "host_s": used.host, "seconds": used.seconds, "replaced": self._undisturbed.replaced,
                "marks": measure.marks(report, failed, used, self.one.counts_all_children, self._cpus_are_shared),
                "failed": failed}

    def _server_part(self, report, taken, work):
        requests = report["replies_in_all"]
        usage = self.one.usage
        share = requests / (requests + self.one.replies_in_all) if requests else 0
        return {**self.one.looks, "cpu_user_s": _sum(taken, "cpu_user_s"), "cpu_system_s": _sum(taken, "cpu_system_s"),
                "cpu_counts_all_children": self.one.counts_all_children, "requests": requests,
                "voluntary_switches": round(usage.ru_nvcsw * share) if usage else None,
                "involuntary_switches": round(usage.ru_nivcsw * share) if usage else None,
                "listen_overflows": _sum(taken, "overflows"), "work_per_worker_s": work,
                "work_gini": round(statistics.gini(work), 4) if len(work) > 1 else None}


def _sum(taken, part):
    return round(sum(getattr(found, part) for found in taken), 6)


def missed_rate(taken):
    """The rate counts as missed if that is so in most slices: one of them may be short of a few requests by chance."""
    missed = [found.failed for found in taken if found.has_missed_rate]
    return missed[0] if 2 * len(missed) > len(taken) else None


def measure_round(workload, setting, load, orders, seconds, seed):
    """Lines of rounds.jsonl, each with "subject".

    orders   for each turn, all subjects in the order in which they come
    seconds  of each slice
    """
    taking_part = {}
    try:
        for subject in orders[0]:
            taking_part[subject.name] = _Round(subject, workload, setting, load, seed, len(orders))
        for turn, turn_order in enumerate(orders):
            for subject in turn_order:
                taking_part[subject.name].take(turn, seconds)
        return [{"subject": name, **one.line(seconds)} for name, one in taking_part.items()]
    finally:
        for one in taking_part.values():
            if one.one:
                one.one.close()
