"""Experiments: how a loop is told what is ready, and what that costs."""

import os
import select
import socket
import sys

from .. import processes, syscalls
from ..connections import raise_descriptor_limit
from . import talk
from .clients import select_limit
from .lab import ECHO, echo_with
from .verdict import fact, unknown

_HERE = os.path.dirname(os.path.abspath(__file__))


def _at_no_idle(lab):
    return lab.compare(["epoll", "poll", "select"], ECHO)


def idle_descriptors(lab):
    """Claim 8: poll ~ select in speed, epoll best, with idle descriptors most of all."""
    none = _at_no_idle(lab)
    parts = [none.ratio("poll", "select", what="64 active connections, throughput of poll over select").about_one(),
             none.ratio("epoll", "poll", what="64 active connections, throughput of epoll over poll").more_than_one()]
    some = lab.compare(["epoll", "poll", "select"], ECHO, idle=800)
    parts.append(some.ratio("epoll", "select", what="the same beside 800 idle ones, epoll over select").more_than_one())
    many = min(10000, raise_descriptor_limit() - 500)
    if many < 4000:
        return parts + [unknown(f"only {many} descriptors for idle connections; see tools/doctor")]
    crowd = lab.compare(["epoll", "poll"], ECHO, idle=many, rounds=max(3, lab.rounds - 2))
    alone = none.median("epoll", "throughput")
    beside = crowd.median("epoll", "throughput")
    parts.append(crowd.ratio("epoll", "poll", what=f"beside {many:,} idle ones, epoll over poll").at_least(3))
    if alone and beside:
        parts.append(fact(beside > 0.7 * alone, f"epoll beside {many:,} idle ones has {beside / alone:.2f} of what it has "
                                                "without them"))
    return parts


def multiplexers(lab):
    """Course 6: the limit of select, and the speeds."""
    return [*select_limit(lab), *idle_descriptors(lab)]


def edge_is_told_once(_lab):
    """Course 7, asked of the kernel itself."""
    told = {}
    for name, flags in (("level", select.EPOLLIN), ("edge", select.EPOLLIN | select.EPOLLET)):
        ours, theirs = socket.socketpair()
        with ours, theirs, select.epoll() as waiting:
            waiting.register(ours, flags)
            theirs.send(b"unread")
            told[name] = sum(len(waiting.poll(0)) for _ in range(5))
    return [fact(told["level"] == 5, f"level: an unread byte is told {told['level']} times in 5 waits"),
            fact(told["edge"] == 1, f"edge: {told['edge']} time")]


def set_is_in_the_kernel(lab):
    """Course 8: epoll keeps the interest set in the kernel; poll and select are handed all of it at each wait."""
    parts = []
    if syscalls.is_possible():
        counts = syscalls.count(lab.model("epoll"), ECHO, lab.setting(), lab.client, lab.scratch)
        if counts["failed"] is None and counts["requests"]:
            changes = counts["calls"].get("epoll_ctl", 0) / counts["requests"]
            parts.append(fact(changes < 0.1, f"epoll: {changes:.3f} calls of epoll_ctl for a request"))
    none = _at_no_idle(lab)
    some = lab.compare(["epoll", "poll", "select"], ECHO, idle=800)
    for model, grows in (("poll", True), ("select", True), ("epoll", False)):
        alone, beside = (one.median(model, "cpu_system_us_per_request") for one in (none, some))
        if alone and beside:
            factor = beside / alone
            parts.append(fact(factor > 1.5 if grows else factor < 1.5,
                              f"{model}: the kernel's time for a request beside 800 idle ones is {factor:.2f} times that "
                              f"without ({alone:.1f} and {beside:.1f} us)"))
    return parts or [unknown("not measured without errors")]


def edge_against_level(lab):
    """Claim 9: edge trigger beats level trigger."""
    parts = []
    for size in (64, 16384):
        both = lab.compare(["epoll --trigger=edge", "epoll"], echo_with(64, size))
        parts.append(both.ratio("epoll --trigger=edge", "epoll",
                                what=f"{size}-byte messages, throughput of edge over level").more_than_one())
    return parts


def _pings_beside_flooder(lab, argv, service_address=None):
    """The 99th percentile of some quiet clients' times, in ms, while one sends without end and reads all that comes."""
    if service_address is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            service_address = f"127.0.0.1:{probe.getsockname()[1]}"
        argv = [*argv, service_address.rpartition(":")[2]]
    with processes.Server(argv, lab.server_cpus, f"{lab.scratch}/drain.log", {"echo": service_address}):
        flooder = processes.spawn([sys.executable, os.path.join(_HERE, "flooder.py"), *map(str, talk.at(service_address))],
                                  lab.client_cpus)
        try:
            run = lab.load(service_address, "--workload=echo", "--connections=20", "--rate=500", "--threads=1",
                           seconds=2 * lab.seconds)
        finally:
            flooder.kill()
            flooder.wait()
    return run.report["response_ns"]["p99"] / 1e6 if run.report else None


def starving(lab):
    """Claim 10: loops that drain starve the others; a budget of reads a turn helps."""
    times = {name: _pings_beside_flooder(lab, [sys.executable, os.path.join(_HERE, "draining_echo.py"), budget])
             for name, budget in (("none", "0"), ("16 reads", "16"))}
    if None in times.values():
        return [unknown("the clients were not served")]
    return [fact(times["none"] > 10 * times["16 reads"],
                 f"an edge-triggered loop of our own, one flooder and 20 quiet clients: p99 {times['none']:.1f} ms without a "
                 f"budget, {times['16 reads']:.1f} ms with 16 reads a turn")]


def threads_against_events(lab):
    """Claim 11: within 15 % for some hundreds of connections."""
    parts = []
    for connections in (1, 64, 512):
        both = lab.compare(["thread", "epoll"], echo_with(connections))
        parts.append(both.ratio("thread", "epoll", what=f"{connections} active connections, throughput of thread over epoll")
                     .about_one())
    return parts


def ring_against_epoll(lab):
    """Claim 20: io_uring is faster than epoll."""
    parts = []
    for connections in (1, 50, 300, 1000):
        both = lab.compare(["uring", "epoll"], echo_with(connections))
        if both.failures:
            return [unknown("; ".join(both.failures))]
        parts.append(both.ratio("uring", "epoll", what=f"{connections} connections, throughput of uring over epoll")
                     .more_than_one())
    return parts
