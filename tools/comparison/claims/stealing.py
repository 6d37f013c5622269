"""Experiment: work stealing, against a loop for each processor: who waits for a client that computes, and what an echo costs."""

import contextlib
import time

from .. import processes
from . import talk
from .lab import await_work, echo_with
from .rounds import CPU, Question
from .verdict import fact, more, unknown

_STEALING, _LOOPS = "stealing --workers=2", "epoll --workers=2"
_LIGHT = 8  # Clients that send an echo while one computes, of which two loops have about half each.
_TIMES = 5
_HEAVY = 2000000  # Primes below it: some tenths of a second.
_BEGUN_S = 0.02  # Of that, before the echoes are sent.
_PATIENCE_S = 60


def _answered_first(server, lights, heavy):
    """How many echoes came back before the server was done with what it computed."""
    heavy.sendall(b"PRIMES %d\n" % _HEAVY)
    if not await_work(server, _BEGUN_S):
        raise TimeoutError("the server has not begun to compute")
    for light in lights:
        light.sendall(b"ping")
    answered, deadline = 0, time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        so_far = sum(processes.is_readable(light.fileno(), 0) for light in lights)
        if processes.is_readable(heavy.fileno(), 0.001):
            break
        answered = so_far  # And it was not done yet, after they were counted.
    talk.await_line(heavy)
    for light in lights:
        light.recv(4)
    return answered


def judge(model, answered, is_to_stall):
    """A part: whether clients wait for one that computes although a worker is idle.

    answered  how many of _TIMES times _LIGHT echoes came back meanwhile, or None
    """
    if answered is None:
        return unknown(f"{model}: the light clients were not served")
    every = _TIMES * _LIGHT
    text = (f"{model}: of {every} echoes of {_LIGHT} clients, each sent while one worker computed and the other one was idle, "
            f"{answered} came back before it was done")
    if 0.75 * every < answered < 0.95 * every:
        return unknown(text)
    return fact((answered <= 0.75 * every) == is_to_stall, text)


def _stalling(lab, model, is_to_stall):
    with lab.server(model, "echo,compute", connections=2 * _LIGHT, all_cpus=True) as server, contextlib.ExitStack() as stack:
        lights = [stack.enter_context(talk.connect(server.addresses["echo"], timeout_s=30)) for _ in range(_LIGHT)]
        heavy = stack.enter_context(talk.connect(server.addresses["compute"], timeout_s=_PATIENCE_S))
        if not all(talk.echoes(light) for light in lights):
            return judge(model, None, is_to_stall)
        return judge(model, sum(_answered_first(server, lights, heavy) for _ in range(_TIMES)), is_to_stall)


def against_loops(lab):
    """Claim 28: nobody waits while a worker is idle, which loops cannot say; and short, even requests pay for it."""
    if len(lab.cpus) < 2:
        return [unknown("needs two processors")]
    series = lab.compared((_STEALING, _LOOPS), echo_with(64))
    return [_stalling(lab, _STEALING, False), _stalling(lab, _LOOPS, True),
            Question(series, "processor time of an echo, work stealing over a loop for each processor", _STEALING, _LOOPS, more(),
                     CPU)]
