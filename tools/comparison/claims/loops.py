"""Experiments: how a loop is told what is ready, and what that costs."""

import os
import select
import socket
import statistics
import sys

from .. import processes, syscalls
from ..connections import raise_descriptor_limit
from . import talk
from .clients import select_limit
from .lab import ECHO, ONE_LOOP, await_work, beside, echo_with
from .rounds import CPU, RATE, SYSTEM, Question
from .verdict import about_one, at_least, at_most, fact, more, unknown

_HERE = os.path.dirname(os.path.abspath(__file__))
_SOME = 800  # Idle connections, which select can have, too.
_LEAST_MANY = 4000  # With fewer, what poll takes to scan them is hard to tell from noise.
_FLOOD_S = 1.5
_FLOODS = 3


def _many():
    """So many idle connections as there are descriptors for, within reason."""
    return min(10000, raise_descriptor_limit() - 500)


def _beside_idle(lab):
    return lab.beside_idle((ONE_LOOP, "poll", "select"), (0, _SOME, _many()))


def _costs(lab, idle, one, other, demand):
    condition = f"{idle:,} idle connections are beside 64 active ones" if idle else "all connections are active"
    return Question(_beside_idle(lab), f"processor time of a request, {one} over {other}, 64 connections active, {idle:,} idle",
                    beside(one, idle), beside(other, idle), demand, CPU, condition)


def _growth(lab, model, idle, figure, demand, condition=""):
    what = "kernel's time" if figure is SYSTEM else "processor time"
    return Question(_beside_idle(lab), f"{model}: the {what} of a request beside {idle:,} idle connections over that without",
                    beside(model, idle), model, demand, figure, condition)


def _too_few():
    return unknown(f"only {_many()} descriptors for idle connections; see tools/doctor")


def idle_descriptors(lab):
    """Claim 8: poll ~ select in speed, epoll best, with idle descriptors most of all."""
    found = []
    for idle in (0, _SOME):
        found += [_costs(lab, idle, "poll", "select", about_one()), _costs(lab, idle, "poll", ONE_LOOP, more()),
                  _costs(lab, idle, "select", ONE_LOOP, more())]
    many = _many()
    return found + ([_costs(lab, many, "poll", ONE_LOOP, more())] if many >= _LEAST_MANY else [_too_few()])


def multiplexers(lab):
    """Course 6: the limit of select, the speeds, and that epoll scales best."""
    many = _many()
    scales = [_growth(lab, ONE_LOOP, many, CPU, at_most(1.4)), _growth(lab, "poll", many, CPU, at_least(1.4))]
    return [*select_limit(lab), *idle_descriptors(lab), *(scales if many >= _LEAST_MANY else ())]


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


def _changes_of_the_set(lab):
    """A part: how often epoll's interest set is changed."""
    if not syscalls.is_possible():
        return unknown("needs strace")
    counts = syscalls.count(lab.model("epoll"), ECHO, lab.setting(), lab.client, lab.scratch)
    if counts["failed"] or not counts["requests"]:
        return unknown(f"system calls could not be counted: {counts['failed'] or 'there was no request'}")
    changes = counts["calls"].get("epoll_ctl", 0) / counts["requests"]
    return fact(changes < 0.1, f"epoll: {changes:.3f} calls of epoll_ctl for a request")


def set_is_in_the_kernel(lab):
    """Course 8: epoll keeps the interest set in the kernel; poll and select are handed all of it at each wait."""
    parts = [_changes_of_the_set(lab), _growth(lab, "select", _SOME, SYSTEM, more())]
    many = _many()
    if many < _LEAST_MANY:
        return parts + [_too_few()]
    return parts + [_growth(lab, "poll", many, SYSTEM, at_least(1.5)), _growth(lab, ONE_LOOP, many, SYSTEM, at_most(1.5))]


def edge_against_level(lab):
    """Claim 9: edge trigger beats level trigger."""
    edge, level = "epoll --trigger=edge", "epoll"
    return [Question(lab.compared((edge, level), echo_with(64, size)), f"processor time of an echo of {size:,} bytes, level over "
                     "edge", level, edge, more(), CPU, f"messages have {size:,} bytes") for size in (64, 16384)]


def _answered_beside_flooder(lab, budget):
    """How many echoes a quiet client gets, one after the other, beside a client that sends without end and reads all replies."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    address = f"{host}:{port}"
    argv = [sys.executable, os.path.join(_HERE, "draining_echo.py"), str(budget), str(port)]
    with processes.Server(argv, lab.server_cpus, f"{lab.scratch}/drain.log", {"echo": address}) as server:
        flooder = processes.spawn([sys.executable, os.path.join(_HERE, "flooder.py"), host, str(port)], lab.client_cpus)
        try:
            await_work(server, 0.1)
            with talk.connect(address) as quiet:
                return talk.count_echoes(quiet, _FLOOD_S)
        finally:
            flooder.kill()
            flooder.wait()


def judge_starving(without, with_budget):
    """A part: whether a quiet client is starved by a loop that reads until nothing is left.

    without, with_budget  the echoes that it got in the same time
    """
    text = (f"an edge-triggered loop of our own, beside a client that sends faster than it reads: in {_FLOOD_S:g} s it answers a "
            f"quiet client {without:,.0f} times if it reads until nothing is left, {with_budget:,.0f} times with 16 reads a "
            "turn; claimed: a tenth or less")
    if 10 * without <= with_budget:
        return fact(True, text)
    return fact(False, text) if 2 * without > with_budget else unknown(text)


def starving(lab):
    """Claim 10: loops that drain starve the others; a budget of reads a turn helps."""
    counts = [(_answered_beside_flooder(lab, 0), _answered_beside_flooder(lab, 16)) for _ in range(_FLOODS)]
    without, with_budget = map(statistics.median, zip(*counts))
    if with_budget == 0:
        return [unknown("the quiet client was not served with a budget either")]
    return [judge_starving(without, with_budget)]


def threads_against_events(lab):
    """Claim 11: within 15 %."""
    return [Question(lab.compared(("thread", "epoll"), echo_with(connections)),
                     f"requests a second, thread over epoll, if {_active(connections)} active", "thread", "epoll", about_one(),
                     RATE, f"{_active(connections)} active") for connections in (1, 64, 512)]


def ring_against_epoll(lab):
    """Claim 20: io_uring is faster than epoll."""
    return [Question(lab.compared(("uring", ONE_LOOP), echo_with(connections)),
                     f"processor time of a request, epoll over io_uring, if {_active(connections)} active", ONE_LOOP, "uring",
                     more(), CPU, f"{_active(connections)} active") for connections in (1, 50, 300, 1000)]


def _active(connections):
    return "1 connection is" if connections == 1 else f"{connections:,} connections are"
