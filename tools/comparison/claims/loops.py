"""Experiments: how a loop is told what is ready, and what that costs."""

import os
import select
import socket
import sys

from .. import inference, processes, statistics, syscalls
from ..connections import raise_descriptor_limit
from . import talk
from .clients import select_limit
from .lab import CPU, ECHO, ONE_LOOP, beside, echo_with, p99_ms
from .verdict import Ratio, fact, unknown

_HERE = os.path.dirname(os.path.abspath(__file__))
_SOME = 800  # Idle connections, which select can have, too.
_LEAST_MANY = 4000  # With fewer, what poll takes to scan them is hard to tell from noise.


def _with_some(lab):
    return lab.compare([ONE_LOOP, "poll", "select"], ECHO, idle=(0, _SOME))


def _many():
    """So many idle connections as there are descriptors for, within reason."""
    return min(10000, raise_descriptor_limit() - 500)


def _with_many(lab, many):
    return lab.compare([ONE_LOOP, "poll"], ECHO, idle=(0, many), rounds=max(inference.LEAST_ROUNDS, lab.rounds - 2))


def idle_descriptors(lab):
    """Claim 8: poll ~ select in speed, epoll best, with idle descriptors most of all."""
    some = _with_some(lab)
    active = "64 active connections, processor time per request of"
    parts = [some.ratio("poll", "select", CPU, f"{active} poll over select").about_one(),
             some.ratio("poll", ONE_LOOP, CPU, f"{active} poll over epoll").more_than_one(),
             some.ratio(beside("select", _SOME), beside(ONE_LOOP, _SOME), CPU,
                        f"the same beside {_SOME} idle ones, select over epoll").more_than_one()]
    many = _many()
    if many < _LEAST_MANY:
        return parts + [unknown(f"only {many} descriptors for idle connections; see tools/doctor")]
    crowd = _with_many(lab, many)
    return parts + [crowd.ratio(beside("poll", many), beside(ONE_LOOP, many), CPU,
                                f"the same beside {many:,} idle ones, poll over epoll").at_least(3),
                    crowd.ratio(beside(ONE_LOOP, many), ONE_LOOP, CPU,
                                f"processor time per request of epoll beside {many:,} idle ones over that without them")
                    .at_most(1.4)]


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
    parts.append(_growth(_with_some(lab), "select", _SOME).more_than_one())
    many = _many()
    if many < _LEAST_MANY:
        return parts + [unknown(f"only {many} descriptors for idle connections; see tools/doctor")]
    crowd = _with_many(lab, many)
    return parts + [_growth(crowd, "poll", many).at_least(1.5), _growth(crowd, ONE_LOOP, many).at_most(1.5)]


def _growth(comparison, model, idle):
    return comparison.ratio(beside(model, idle), model, "cpu_system_us_per_request",
                            f"{model}: the kernel's time per request beside {idle:,} idle connections over that without")


def edge_against_level(lab):
    """Claim 9: edge trigger beats level trigger."""
    parts = []
    for size in (64, 16384):
        both = lab.compare(["epoll --trigger=edge", "epoll"], echo_with(64, size))
        parts.append(both.ratio("epoll", "epoll --trigger=edge", CPU,
                                f"{size}-byte messages, processor time per request of level over edge").more_than_one())
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
    return p99_ms(run)


def starving(lab):
    """Claim 10: loops that drain starve the others; a budget of reads a turn helps."""
    def p99_with(budget):
        return lambda: _pings_beside_flooder(lab, [sys.executable, os.path.join(_HERE, "draining_echo.py"), budget])
    times = lab.in_rounds("quiet clients beside a flooder", {"without": p99_with("0"), "16 reads": p99_with("16")})
    if not all(times.values()):
        return [unknown("the clients were not served")]
    without, budget = (statistics.median_interval(list(times[name].values())).median for name in ("without", "16 reads"))
    return [Ratio("an edge-triggered loop of our own, one flooder and 20 quiet clients, whose p99 is "
                  f"{without:.1f} ms without a budget over {budget:.1f} ms with 16 reads a turn",
                  statistics.ratio_interval(times["without"], times["16 reads"])).at_least(10)]


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
        both = lab.compare(["uring", ONE_LOOP], echo_with(connections))
        if both.failures:
            return [unknown("; ".join(both.failures))]
        parts.append(both.ratio(ONE_LOOP, "uring", CPU, f"{connections} connections, processor time per request of epoll "
                                                       "over uring").more_than_one())
    return parts
