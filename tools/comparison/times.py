"""Where the time of requests goes: the part `times` of a run. Each model gets the same moderate rate, and times a part of its
requests itself (--time_requests); beside that stands what the kernel counts of it: processor time, switches, waits for a processor.

Each measurement is one line of request_times.jsonl. explaining.py makes sentences of two of them.
"""

import dataclasses
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from . import procfs, tls
from .measure import WARM_UP_S, Moment, used_switches
from .processes import ServerError

DURATION_S = 1.5
# What it costs a server to time requests is to be small beside what they cost; but at a low rate there are few of them.
_MOST_ONE_IN, _ENOUGH = 20, 500
# In the order of a request's way; see net/request_times.h.
PARTS = ("socket", "wakeup", "queue", "run", "send", "off_cpu", "wait", "peer")
_PATIENCE_S = 10.0
_LEAST_TIMED = 20  # Fewer are no mean.
_UNIT_LOOPS, _UNIT_TRIES = 2000, 5


class TimesError(Exception):
    """The server does not tell. The text says why."""


@dataclass(frozen=True)
class Spent:
    """What a server has told of its timed requests of one service until some moment, in seconds."""

    requests: int = 0
    whole: float = 0.0
    parts: tuple = (0.0,) * len(PARTS)

    def since(self, before):
        return Spent(self.requests - before.requests, self.whole - before.whole,
                     tuple(after - first for after, first in zip(self.parts, before.parts)))


def spent_of(status, service):
    """The Spent of a service, with or without TLS, out of /-/status as an object."""
    found = status.get("request_times", {}).get("services", {}).get(tls.plain(service))
    if found is None:
        return Spent()
    return Spent(found["requests"], found["seconds"], tuple(found["parts"].get(part, 0.0) for part in PARTS))


def _status(address):
    try:
        with urllib.request.urlopen(f"http://{address}/-/status", timeout=_PATIENCE_S) as reply:
            return json.load(reply)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise TimesError(f"/-/status: {error}") from error


@dataclass(frozen=True)
class Threads:
    """What the kernel has counted of the threads of a server, by (pid, thread): seconds on a processor, and ready but without one."""

    ran: dict
    waited: dict

    @classmethod
    def now(cls, session):
        ran, waited = {}, {}
        for pid in procfs.session_members(session):
            for thread in procfs.threads(pid):
                fields = procfs.read(f"/proc/{pid}/task/{thread}/schedstat").split()
                if len(fields) == 3:
                    ran[pid, thread], waited[pid, thread] = int(fields[0]) / 1e9, int(fields[1]) / 1e9
        return cls(ran, waited)

    def waited_since(self, before):
        """Seconds that those of both moments were ready and had no processor; None if those did not do all the work, as where each
        request has a process of its own."""
        both = self.ran.keys() & before.ran.keys()
        if not both or self.ran.keys() - both:
            return None
        return sum(self.waited[key] - before.waited[key] for key in both)


def one_in(rate):
    """Of how many requests one is timed, at so many a second."""
    return max(1, min(_MOST_ONE_IN, int(rate * DURATION_S / _ENOUGH)))


def timed(subject, number):
    """The subject, as it times one request in so many."""
    return dataclasses.replace(subject, flags=(*subject.flags, f"--time_requests={number}"))


def _per_request(seconds, requests):
    return round(1e6 * seconds / requests, 4) if seconds is not None and requests else None


def line_of(rate, spent, run, used, switches, waited, units):
    """A line of request_times.jsonl. Times are in microseconds, and means for a request.

    spent     of the time that was measured
    run       the load.LoadRun
    used      a measure.Moment: what was used up meanwhile
    switches  (voluntary, involuntary) while so many replies came
    waited    see Threads.waited_since()
    units     what a switch and a system call cost here
    """
    replies = run.replies
    failed = run.failed or (None if spent.requests >= _LEAST_TIMED else f"the server has timed {spent.requests} requests alone")
    return {
        "rate": rate, "one_in": one_in(rate), "timed": spent.requests, "replies": replies,
        "parts_us": {part: _per_request(seconds, spent.requests) for part, seconds in zip(PARTS, spent.parts)},
        "whole_us": _per_request(spent.whole, spent.requests),
        "client_us": round(run.report["response_ns"]["mean"] / 1e3, 4) if run.report and run.report["response_ns"]["count"] else None,
        "cpu_user_us": _per_request(used.server_user, replies), "cpu_system_us": _per_request(used.server_system, replies),
        "ready_us": _per_request(waited, replies),
        "voluntary_switches": _share(switches[0], replies), "involuntary_switches": _share(switches[1], replies),
        "units": units, "marks": [f"errors: {failed}"] if failed else [], "failed": failed}


def _share(count, replies):
    return round(count / replies, 5) if count is not None and replies else None


def failed_line(why, rate=None):
    return {"rate": rate, "one_in": one_in(rate) if rate else _MOST_ONE_IN, "timed": 0, "replies": 0, "parts_us": {}, "whole_us": None, "client_us": None,
            "cpu_user_us": None, "cpu_system_us": None, "ready_us": None, "voluntary_switches": None, "involuntary_switches": None,
            "units": None, "marks": [f"errors: {why}"], "failed": why}


def measure(subject, workload, setting, load, seed, rate, units):
    """A line of request_times.jsonl, of a model. The load comes at this rate (requests per second); at its own if the workload has one."""
    services = dict.fromkeys((*workload.services(), "http"))
    flags = [] if workload.rate else [f"--rate={rate:.3f}", "--arrivals=poisson"]
    try:
        server = timed(subject, one_in(rate)).start(",".join(services), setting)
    except ServerError as error:
        return failed_line(str(error), rate)
    with server:
        def look(client):
            moment = Moment.now(server, client, set(load.cpus or ()) - set(setting.cpus or ()))
            return moment, Threads.now(server.session), spent_of(_status(server.addresses["http"]), workload.service)
        try:
            run, first, last = load.run_looking([*workload.load_flags(server.addresses, setting.root), *flags],
                                                workload.server(server.addresses), DURATION_S, WARM_UP_S, seed, look)
        except TimesError as error:
            return failed_line(str(error), rate)
    if first is None:
        return failed_line(run.failed or "the load did not begin", rate)
    spent, used, waited = last[2].since(first[2]), last[0].since(first[0]), last[1].waited_since(first[1])
    switches = used_switches(server, {"measured": run.replies, "all": run.replies_in_all})
    return line_of(rate, spent, run, used, switches, waited, units)


# --- What a switch and a system call cost on this machine. ---

def _self_turn_s(loops):
    """Seconds of a byte written to a pipe and read again by the same thread."""
    ours = os.pipe()
    begun = time.perf_counter()
    for _ in range(loops):
        os.write(ours[1], b"x")
        os.read(ours[0], 1)
    seconds = time.perf_counter() - begun
    for fd in ours:
        os.close(fd)
    return seconds / loops


def _turn_of_two_s(loops):
    """Seconds of a byte that goes to another process and back."""
    there, back = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there[1])  # So that it ends with this process, and does not wait for itself.
        os.close(back[0])
        for _ in range(loops):
            os.write(back[1], os.read(there[0], 1))
        os._exit(0)
    begun = time.perf_counter()
    for _ in range(loops):
        os.write(there[1], b"x")
        os.read(back[0], 1)
    seconds = time.perf_counter() - begun
    os.waitpid(child, 0)
    for fd in (*there, *back):
        os.close(fd)
    return seconds / loops


def _call_s(loops):
    """Seconds of a system call that does nothing, without what Python takes for a call of a function."""
    def of(function):
        begun = time.perf_counter()
        for _ in range(loops):
            function()
        return time.perf_counter() - begun
    return max(0.0, of(os.getppid) - of(sys.getrecursionlimit)) / loops


def unit_costs(cpu):
    """{switch_us, call_us}: what a switch to another process and a system call cost on this processor, at least: the best of some
    tries. A switch of a server costs more, since its memory has to come back to the caches.

    A byte goes to another process on the same processor and back: two switches, and as many reads and writes as if a process
    wrote to itself twice.
    """
    found = {}

    def run():
        os.sched_setaffinity(0, {cpu})  # Of this thread, and of what it forks.
        switch = min(_turn_of_two_s(_UNIT_LOOPS) - 2 * _self_turn_s(_UNIT_LOOPS) for _ in range(_UNIT_TRIES)) / 2
        call = min(_call_s(20 * _UNIT_LOOPS) for _ in range(_UNIT_TRIES))
        found.update(switch_us=round(1e6 * max(0.0, switch), 4), call_us=round(1e6 * call, 4))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found
