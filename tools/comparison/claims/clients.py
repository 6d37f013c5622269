"""Experiments: who is served, and who has to wait; how many can be; who dies with whom."""

import errno
import os
import resource
import signal
import socket
import time

from scipy import stats

from .. import extras, inference, procfs, single_figures
from ..connections import Crowd, raise_descriptor_limit
from ..processes import Server
from . import talk
from .computing import computing_speed_up
from .lab import ECHO
from .process_control import cheap_loop
from .verdict import aside, at_least, fact, unknown


_STEPS = 12
_FEW_DESCRIPTORS = "needs more descriptors; see tools/doctor"


def _second_client_is_served(lab, model):
    """While a first client is connected and silent."""
    with lab.server(model) as server:
        address = server.addresses["echo"]
        with talk.connect(address) as silent:
            return talk.echoes(silent), talk.is_served(address, timeout_s=1.5)


def staying_client(lab):
    first, second = _second_client_is_served(lab, "loop")
    _, of_thread = _second_client_is_served(lab, "thread")
    with lab.server("loop", "echo,echo+udp") as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stays:
            stays.sendto(b"stays", talk.at(server.addresses["echo+udp"]))  # And never reads the reply.
            by_datagram = talk.echoes_by_datagram(server.addresses["echo+udp"])
    return [fact(first and not second, f"loop, TCP: beside a client that stays, a second one is "
                                       f"{'served' if second else 'not served within 1.5 s'}"),
            aside(f"thread, for comparison: the second one is {'' if of_thread else 'not '}served"),
            fact(by_datagram, f"loop, UDP: beside a peer that has asked and says no more, another one is "
                              f"{'' if by_datagram else 'not '}served")]


def cheap_and_short(lab):
    """Course 1: the iterative server is cheap, good for short tasks and UDP, and one client that stays keeps the others out."""
    return [*cheap_loop(lab), *staying_client(lab)]


def one_each(lab):
    """Course 2: one process or thread per client lets every client stay, and uses all processors, but costs more."""
    parts = []
    for model, most in (("fork", 300), ("thread", 300)):
        with lab.server(model, connections=most) as server, Crowd(server.addresses["echo"], "echo") as crowd:
            crowd.grow_to(most)
            served = talk.is_served(server.addresses["echo"])
        parts.append(fact(served, f"{model}: beside {most} clients that stay, another one is "
                                  f"{'' if served else 'not '}served"))
    parts += ([computing_speed_up(lab, model, at_least(1.3)) for model in ("thread", "fork")] if len(lab.cpus) > 1 else
              [unknown("needs two processors")])
    memory = _memory_per_connection(lab, ("epoll", "thread", "fork"), 400)
    return parts + [judge_weights(memory, "epoll", model, lab.alpha) for model in ("thread", "fork")]


def _memory_per_connection(lab, models, most):
    """model -> (own, kernel's) bytes for an idle connection, Lines by regression over _STEPS; None if that failed."""
    found = {}
    for model in models:
        subject = lab.model(model)
        limit = min(most, extras.idle_limit(subject, raise_descriptor_limit()))
        lines = extras.memory(subject, ECHO, lab.setting(most), extras.memory_steps(limit, _STEPS))
        slopes = [single_figures.slope(lines, column) for column in ("pss_kib", "kernel_kib")]
        found[model] = tuple(slopes) if all(slopes) else None
    return found


def judge_weights(memory, lighter, heavier, alpha):
    """A part: whether an idle connection takes less memory of the lighter model's own. What the kernel takes for it is shown, and
    decides nothing: it is known for the whole machine alone.

    memory  of _memory_per_connection()
    alpha   how likely it may be that the verdict is wrong
    """
    lost = [model for model in (lighter, heavier) if memory[model] is None]
    if lost:
        return unknown(f"memory per connection of {' and '.join(lost)}: not measured without errors")
    text = "for an idle connection: " + "; ".join(
        f"{model} {_kib(own)} of its own (the kernel's, both ends: {_kib(kernel)})"
        for model, (own, kernel) in ((model, memory[model]) for model in (lighter, heavier)))
    (less, _), (more, _) = memory[lighter], memory[heavier]
    difference = more.slope - less.slope
    # Each is wrong in half of the cases that may be.
    doubt = sum(_reach(line, alpha / 2) for line in (less, more))
    return fact(difference > 0, text) if abs(difference) > doubt else unknown(text)


def _reach(line, alpha):
    """How far the slope may be from the true one, which is outside with this probability."""
    degrees = line.n - 2
    return (line.high - line.slope) * float(stats.t.isf(alpha / 2, degrees) / stats.t.isf(inference.ALPHA / 2, degrees))


def _kib(line):
    return f"{line.slope / 1024:.1f} KiB ({line.low / 1024:.1f} to {line.high / 1024:.1f})"


def weights(lab):
    """Claim 19: processes heavy, threads light, loops lightest."""
    order = ("epoll", "coroutine", "thread", "fork")
    memory = _memory_per_connection(lab, order, 800)
    return [judge_weights(memory, lighter, heavier, lab.alpha / 3) for lighter, heavier in zip(order, order[1:])]


def isolation(lab):
    """Course 9: one process that dies takes nobody along; threads share everything."""
    parts = []
    for model, expected in (("fork", True), ("thread", False)):
        with lab.server(model) as server:
            address = server.addresses["echo"]
            with talk.connect(address) as victim, talk.connect(address) as other:
                ready = talk.echoes(victim) and talk.echoes(other)
                children = [pid for pid in procfs.session_members(server.session) if pid != server.session]
                os.kill(children[0] if children else server.session, signal.SIGSEGV)
                talk.await_end(victim)
                lives = talk.echoes(other)
        parts.append(fact(ready and lives == expected, f"{model}: SIGSEGV where one client is served; the other one "
                                                       f"{'is served on' if lives else 'has lost its connection'}"))
    return parts


class _ManyDescriptors:
    """Makes all that is started meanwhile inherit so many descriptors."""

    def __init__(self, number):
        self._number = number

    def __enter__(self):
        self._held = []
        for _ in range(self._number):
            fd = os.open("/dev/null", os.O_RDONLY)
            os.set_inheritable(fd, True)
            self._held.append(fd)

    def __exit__(self, *_):
        for fd in self._held:
            os.close(fd)


def _has_descriptors():
    """Whether we ourselves can have so many clients that the server's limit, and not ours, is what is met."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 2000


def _count_served(address, most):
    """How many clients are served at a time, up to so many. None where we ourselves ran out of descriptors."""
    connections = []
    try:
        for _ in range(most):
            connection = talk.connect(address)
            connections.append(connection)
            if not talk.echoes(connection, timeout_s=2):
                return len(connections) - 1
        return most
    except OSError as error:
        return None if error.errno in (errno.EMFILE, errno.ENFILE) else len(connections)
    finally:
        for connection in connections:
            connection.close()


def select_limit(lab):
    """Claim 7, and the first part of course 6."""
    if not _has_descriptors():
        return [unknown(_FEW_DESCRIPTORS)]
    with lab.server("select", connections=1100) as server:
        served = _count_served(server.addresses["echo"], 1100)
        time.sleep(0.2)
        alive = talk.is_served(server.addresses["echo"])
    with lab.server("poll", connections=1100) as server:
        by_poll = _count_served(server.addresses["echo"], 1100)
    if served is None or by_poll is None:
        return [unknown(_FEW_DESCRIPTORS)]
    return [fact(900 < served < 1024, f"select: of 1,100 clients it serves {served} at a time"),
            fact(alive, f"after refusing the others it {'serves on' if alive else 'is dead'}"),
            fact(by_poll == 1100, f"poll serves {by_poll} of 1,100")]


def select_limit_is_of_numbers(lab):
    """Claim 7 has one more part: it is the descriptor's number that counts."""
    if not _has_descriptors():
        return [unknown(_FEW_DESCRIPTORS)]
    subject, setting = lab.model("select"), lab.setting(100)
    with _ManyDescriptors(900):
        server = Server(subject.command("echo", setting), setting.cpus, f"{lab.scratch}/select.log", close_fds=False)
    with server:
        served = _count_served(server.addresses["echo"], 300)
    if served is None:
        return [*select_limit(lab), unknown(_FEW_DESCRIPTORS)]
    return [*select_limit(lab), fact(served < 130, f"select with 900 other descriptors open serves {served} of 300: it is "
                                                   "the number that counts")]
