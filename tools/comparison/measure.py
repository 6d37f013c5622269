"""One measurement: a fresh server, a warm-up, the load, and what it cost. The line that it makes is all of it."""

import dataclasses
import signal
import time
from dataclasses import dataclass

from . import metrics, procfs, statistics
from .connections import Crowd
from .load import contradiction, cpu_of, finish
from .processes import ServerError, is_listening

# A first load is the time to look at the server: while it is measured it is left alone.
_LOOK_S = 0.1
# The load that is measured has a warm-up of its own, in which the connections are made, and the workers that serve them.
WARM_UP_S = 0.3
# A process is made after its connection was accepted.
_SETTLE_S = 0.05
# For the warm-up's connections to be made.
_CONNECT_S = 10.0
# For them to be accepted; those that a pool has no worker for never are.
_PATIENCE_S = 2.0
# What a measurement takes beside its load, about: start, warm-up, looking, stop.
OVERHEAD_S = _LOOK_S + WARM_UP_S + 0.35
# So much of one processor taken by others than server and load generator is worth a mark.
_OTHERS_SHARE = 0.10
# A measurement of the processor time that is that of /proc/PID/stat, in steps of 10 ms, is a guess for less than this.
_LEAST_CPU_S = 0.2


def used_switches(server, requests):
    """Voluntary and involuntary context switches over the server's whole life, scaled to the requests measured."""
    if server.usage is None or requests["all"] == 0:
        return None, None
    share = requests["measured"] / requests["all"]
    return round(server.usage.ru_nvcsw * share), round(server.usage.ru_nivcsw * share)


def _await(is_there, process, seconds):
    """Until something is there, the process has ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while not is_there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def _look(server, workload, warm_up):
    """Processes, threads, descriptors, memory and balance in the middle of the warm-up, which stands still meanwhile, so
    that its connections are there however long the server takes to accept them."""
    port = server.port(workload.service)
    wanted = workload.held if workload.keeps and workload.connects_first else 1

    def connections():
        if workload.is_of_datagrams:
            return [True] * procfs.datagram_sockets_to(port)
        return procfs.connection_inodes(port, server.session)
    _await(lambda: len(connections()) >= wanted, warm_up, _CONNECT_S)
    warm_up.send_signal(signal.SIGSTOP)
    try:
        _await(lambda: sum(map(bool, connections())) >= wanted, warm_up, _PATIENCE_S)
        time.sleep(_SETTLE_S)
        tree = procfs.look_at(server.session)
        balance = procfs.connections_per_worker(tree.processes, port)
    finally:
        warm_up.send_signal(signal.SIGCONT)
        time.sleep(_LOOK_S)
        warm_up.send_signal(signal.SIGINT)  # It prints what it has.
    return {"threads": tree.threads, "processes": len(tree.processes), "descriptors": tree.descriptors,
            "pss_kib": tree.pss_kib, "connections_per_worker": balance}


def _work_per_worker(before, after):
    """Processor seconds of each thread that was there before and after."""
    return [round(after.thread_cpu[key] - seconds, 6) for key, seconds in before.thread_cpu.items()
            if key in after.thread_cpu]


@dataclass(frozen=True)
class Moment:
    """What had been used up at one time, in seconds."""

    time: float
    server_user: float
    server_system: float
    client: float
    all_programs: float
    host: float  # Taken by the host of a virtual machine.
    throttled: float = 0.0  # The server's, by its limits; of all its processors together.

    @classmethod
    def now(cls, server, client, client_cpus=()):
        """client_cpus  the processors that are the client's alone"""
        user, system = server.cpu_times()
        of_client = cpu_of(client) + server.cpu_behind() + procfs.network_seconds(client_cpus)
        return cls(time.monotonic(), user, system, of_client, *procfs.busy_seconds(), server.events().throttled_s)

    def since(self, before):
        return Moment(*(after - first for after, first in zip(dataclasses.astuple(self), dataclasses.astuple(before))))

    @property
    def others(self):
        return self.all_programs - self.server_user - self.server_system - self.client


_NOTHING = Moment(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Used:
    """Processor seconds that were taken while one server was measured for so many seconds."""

    server: float
    others: float
    host: float
    seconds: float


def marks(report, failed, used, counts_all_children, shared_cpus, oom_kills=0):
    """What a reader of the figures should know.

    report  the load generator's, or None
    failed  why the figures are worth nothing, or None
    """
    found = []
    if report and report.get("generator_was_the_limit") and not shared_cpus:
        found.append(metrics.CLIENT_WAS_THE_LIMIT)
    if shared_cpus:
        found.append("client and server share the processors")
    if failed:
        found.append("errors: " + failed)
    if oom_kills:
        found.append(f"processes killed for want of memory: {oom_kills}")
    if used.others > _OTHERS_SHARE * used.seconds:
        found.append(f"other programs took {100 * used.others / used.seconds:.0f} % of a processor")
    if used.host > _OTHERS_SHARE * used.seconds:
        found.append(f"the host took {100 * used.host / used.seconds:.0f} % of a processor")
    if not counts_all_children and used.server < _LEAST_CPU_S:
        found.append("processor time is too short for its steps of 10 ms")
    return found


def _within_limits(setting, throttled_s, events, survived):
    """What a line says of the limits; nothing if there are none."""
    if setting.within is None:
        return {}
    return {"limits": {"throttled_s": round(throttled_s, 6), "oom_kills": events.oom_kills, "survived": survived}}


def _is_there(server, workload):
    """Whether the server has not ended, and still takes connections."""
    return server.exit_status is None and (workload.is_of_datagrams or is_listening(server.addresses[workload.service]))


def measure(subject, workload, setting, load, duration_s, seed, idle=0):
    """The parts of a line of rounds.jsonl that are measured: load, server, marks, failed and, within limits, limits.

    idle  the number of silent connections beside the active ones; each of them has asked once.
    """
    try:
        server = subject.start(",".join(workload.services()), setting)
    except ServerError as error:
        return {"load": None, "server": None, "marks": [f"errors: {error}"], "failed": str(error),
                **_within_limits(setting, 0.0, error.events, False)}
    flags = workload.load_flags(server.addresses, setting.root)
    address = workload.server(server.addresses)
    with server, Crowd(server.addresses[workload.service], workload.service) as crowd:
        try:
            crowd.grow_to(idle)
        except OSError as error:
            failed = f"of {idle} idle connections it served {len(crowd)}: {error}"
            return {"load": None, "server": None, "marks": ["errors: " + failed], "failed": failed,
                    **_within_limits(setting, 0.0, server.events(), _is_there(server, workload))}
        # On a busy machine the look comes late: the load lasts until it is over.
        glimpse = load.start(flags, address, _CONNECT_S)
        looked = _look(server, workload, glimpse)
        before = finish(glimpse, _CONNECT_S)

        overflows = procfs.listen_overflows(server.session)
        threads = procfs.look_at(server.session, with_memory=False)
        run, first, last = load.run_looking(flags, address, duration_s, WARM_UP_S, seed,
                                            lambda client: Moment.now(server, client, set(load.cpus or ()) - set(setting.cpus or ())))
        if run.failed is None:
            run.failed = contradiction(run.report)
        used = last.since(first) if last else _NOTHING
        work = _work_per_worker(threads, procfs.look_at(server.session, with_memory=False))
        overflows = max(0, procfs.listen_overflows(server.session) - overflows)  # Of a server that was killed nothing is known.
        limited = _within_limits(setting, used.throttled, server.events(), _is_there(server, workload))
    voluntary, involuntary = used_switches(server, {"measured": run.replies,
                                                "all": run.replies_in_all + before.replies_in_all})
    return {
        "load": run.report,
        "server": {**looked, "cpu_user_s": round(used.server_user, 6), "cpu_system_s": round(used.server_system, 6),
                   "cpu_counts_all_children": server.counts_all_children, "requests": run.replies,
                   "voluntary_switches": voluntary, "involuntary_switches": involuntary,
                   "listen_overflows": overflows, "work_per_worker_s": work,
                   "work_gini": round(statistics.gini(work), 4) if len(work) > 1 else None},
        "others_s": round(used.others, 6), "host_s": round(used.host, 6), "seconds": round(used.time, 6),
        "marks": marks(run.report, run.failed, Used(used.server_user + used.server_system, used.others, used.host, used.time),
                       server.counts_all_children, setting.cpus == load.cpus, limited["limits"]["oom_kills"] if limited else 0),
        "failed": run.failed,
        **limited,
    }
