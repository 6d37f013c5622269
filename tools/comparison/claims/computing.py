"""Experiments: work for the processor: what it does to others, and who gains by more processes or threads."""

import functools
import multiprocessing
import os
import threading
import time

from .. import processes, procfs
from . import talk
from .lab import COMPUTE, ONE_LOOP, await_work
from .rounds import RATE, SECONDS, Question
from .verdict import at_least, at_most, fact, more, unknown

_PRIMES_BELOW = 25000  # The course takes 100,000, and its way of dividing takes most of a minute for it.
_COUNTS = (1, 4, 10)
_DISTURBED = 0.2  # Of a processor, taken by others: then a speed-up cannot be seen.
_HEAVY = 1000000  # Primes below it: a tenth of a second, or two.
_BEGUN_S = 0.02  # Of that, before the echo is sent.
_ECHOES = 10


def _is_echoed_meanwhile(server, light, heavy):
    """Whether an echo that is sent while the server computes comes back before it is done."""
    heavy.sendall(b"PRIMES %d\n" % _HEAVY)
    is_begun = await_work(server, _BEGUN_S)
    is_echoed = talk.echoes(light, timeout_s=30)
    is_first = not processes.is_readable(heavy.fileno(), 0)
    talk.await_line(heavy)
    return is_begun and is_echoed and is_first


def _echoed_meanwhile(lab, model):
    """How many of _ECHOES came back before the computing was done; None if the client was not served."""
    with lab.server(model, "echo,compute", connections=30, all_cpus=True) as server:
        with talk.connect(server.addresses["echo"]) as light, talk.connect(server.addresses["compute"], timeout_s=60) as heavy:
            if not talk.echoes(light):
                return None
            return sum(_is_echoed_meanwhile(server, light, heavy) for _ in range(_ECHOES))


def judge_stalling(model, echoed, is_to_stall):
    """A part: whether a model's other clients wait while it computes for one.

    echoed  how many of _ECHOES came back meanwhile, or None
    """
    if echoed is None:
        return unknown(f"{model}: the light client was not served")
    text = f"{model}: of {_ECHOES} echoes, each sent while it computed for another client, {echoed} came back before it was done"
    if 0.1 * _ECHOES < echoed < 0.9 * _ECHOES:
        return unknown(text)
    return fact((echoed <= 0.1 * _ECHOES) == is_to_stall, text)


def _stalling(lab, model, is_to_stall):
    return judge_stalling(model, _echoed_meanwhile(lab, model), is_to_stall)


def stalls(lab):
    """Course 5: with multiplexing in one process, requests that compute stall everybody; with a process or thread each not."""
    return [_stalling(lab, ONE_LOOP, True), _stalling(lab, "thread", False), _stalling(lab, "prefork", False)]


def stalls_and_helpers(lab):
    """Claim 13: the same, and helper threads take it away."""
    return [*stalls(lab), _stalling(lab, f"{ONE_LOOP} --offload=2", False)]


def _is_prime(number):
    """As the course does it: by every number below."""
    for divisor in range(2, number):
        if number % divisor == 0:
            return False
    return number > 1


def _sum_of_primes(first, last):
    return sum(number for number in range(first, last) if _is_prime(number))


@functools.lru_cache(None)
def _expected_sum():
    return _sum_of_primes(0, _PRIMES_BELOW)


def _in_ranges(make, parts, _number):
    """The time for the sum with a number of processes or threads, each with an equal range."""
    bounds = [_PRIMES_BELOW * part // parts for part in range(parts + 1)]
    results = multiprocessing.SimpleQueue()

    def work(part):
        results.put(_sum_of_primes(bounds[part], bounds[part + 1]))
    before, started = _used_by_others(), time.monotonic()
    workers = [make(target=work, args=(part,)) for part in range(parts)]
    for worker in workers:
        worker.start()
    total = sum(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    taken = time.monotonic() - started
    if _used_by_others() - before > _DISTURBED * taken:
        return "others took the processors"
    return {SECONDS.key: taken} if total == _expected_sum() else f"the sum was {total}"


def _used_by_others():
    """Processor seconds so far that this program and its children did not take."""
    own = os.times()
    return sum(procfs.busy_seconds()) - own.user - own.system - own.children_user - own.children_system


def _in_python(lab):
    """The Series of the course's own Python, in several processes, or threads."""
    kinds = {"processes": multiprocessing.get_context("fork").Process, "threads": threading.Thread}
    return lab.in_turns(f"the sum of the primes below {_PRIMES_BELOW:,}", {
        f"{count} {kind}": functools.partial(_in_ranges, make, count) for kind, make in kinds.items() for count in _COUNTS})


def _speed_up(lab, kind, most, least, demand, condition=""):
    return Question(_in_python(lab), f"the sum of the primes below {_PRIMES_BELOW:,} by the course's own Python, speed of {most} "
                    f"{kind} over {least}", f"{least} {kind}", f"{most} {kind}", demand, SECONDS, condition)


def more_processes_than_cores(lab):
    """Course 11 and claim 15: 26.2 s with 1 process, 14.8 s with 4, 13.3 s with 10. With equal ranges the last process has most
    of the work, so that more of them than processors balance it better."""
    if len(lab.cpus) < 2:
        return [unknown("needs two processors")]
    return [_speed_up(lab, "processes", 4, 1, at_least(1.25)), _speed_up(lab, "processes", 10, 4, more())]


def computing_speed_up(lab, model, demand, condition=""):
    """A Question: how many times the throughput of one thread a model has that may use all processors."""
    series = lab.compared((ONE_LOOP, "thread", "fork"), COMPUTE, all_cpus=True)
    return Question(series, f"computing on {len(lab.cpus)} processors, requests a second of {model} over one thread", model,
                    ONE_LOOP, demand, RATE, condition)


def threads_and_processes(lab):
    """Claim 16: threads give no speed-up for the processor, processes do."""
    if len(lab.cpus) < 2:
        return [unknown("needs two processors")]
    native, python = "the program is in C++", "the program is in Python"
    return [computing_speed_up(lab, "thread", at_most(1.1), native), computing_speed_up(lab, "fork", at_least(1.3), native),
            _speed_up(lab, "threads", 4, 1, at_most(1.1), python), _speed_up(lab, "processes", 4, 1, at_least(1.3), python)]
