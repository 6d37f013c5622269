"""Experiments: work for the processor: what it does to others, and who gains by more processes or threads."""

import functools
import multiprocessing
import threading
import time

from .. import inference, procfs, statistics
from . import talk
from .lab import COMPUTE, ONE_LOOP, p99_ms
from .verdict import Ratio, aside, fact, unknown

_PRIMES_BELOW = 25000  # The course takes 100,000, and its way of dividing takes most of a minute for it.
_PROCESSES = (1, 2, 4, 10)
_HEAVY = 400000  # Some tens of milliseconds.


def cost_s(lab, primes):
    """The seconds of one request on a processor of its own: the middle one of some."""
    with lab.server("loop", "compute", all_cpus=True) as server:
        times = []
        for _ in range(9):
            started = time.monotonic()
            talk.ask_once(server.addresses["compute"], b"PRIMES %d\n" % primes)
            times.append(time.monotonic() - started)
        return sorted(times)[4]


def _light_p99_ms(lab, name, heavy):
    """The 99th percentile of light echoes at a fixed rate, with or without heavy computing beside them."""
    with lab.server(name, "echo,compute", connections=30, all_cpus=True) as server:
        computing = None
        if heavy:
            computing = lab.client.start(["--workload=compute", f"--primes={_HEAVY}", "--connections=1", "--threads=1"],
                                         server.addresses["compute"], 4 * lab.seconds)
            time.sleep(0.3)
        run = lab.load(server.addresses["echo"], "--workload=echo", "--connections=10", "--rate=300", "--threads=1",
                       seconds=2 * lab.seconds)
        if computing:
            computing.kill()
            computing.communicate()
    return p99_ms(run)


def judge_waiting(alone, beside, heavy):
    """Whether light requests wait for heavy ones, for about as long as one of those takes: true, false, or None where it
    is neither clearly so nor clearly not.

    alone, beside  the 99th percentile of the light ones' times, without and with heavy ones
    heavy          the time of a heavy one, in the same unit
    """
    if beside > 3 * alone and beside > heavy / 2:
        return True
    return False if beside < 2 * alone or beside < heavy / 4 else None


def _wait(lab, name):
    """(judge_waiting(), what was found) for a model."""
    times = lab.in_rounds(f"light requests, {name}", {"alone": functools.partial(_light_p99_ms, lab, name, False),
                                                      "beside": functools.partial(_light_p99_ms, lab, name, True)},
                          rounds=inference.LEAST_ROUNDS)
    if not all(times.values()):
        return None, f"{name}: the light clients were not served"
    alone, beside = (statistics.median_interval(list(times[key].values())).median for key in ("alone", "beside"))
    heavy = 1e3 * cost_s(lab, _HEAVY)
    return judge_waiting(alone, beside, heavy), (
        f"{name}: p99 of light echoes {alone:.2f} ms, beside one that computes for {heavy:.0f} ms at a time {beside:.2f} ms")


def _stalls(lab, name, expected):
    """A part of what the statement says of this model."""
    waits, text = _wait(lab, name)
    return unknown(text) if waits is None else fact(waits == expected, text)


def _control(lab, name):
    """A part: another model does not stall. If it does, the machine was at fault, and the loop may be as innocent."""
    waits, text = _wait(lab, name)
    return fact(True, text) if waits is False else unknown(text)


def stalls(lab):
    """Course 5: with multiplexing in one process, requests that compute stall everybody."""
    return [_stalls(lab, ONE_LOOP, True), _control(lab, "thread"), _control(lab, "prefork")]


def stalls_and_helpers(lab):
    """Claim 13: the same, and helper threads take it away."""
    return stalls(lab) + [_stalls(lab, f"{ONE_LOOP} --offload=2", False)]


def _is_prime(number):
    """As the course does it: by every number below."""
    for divisor in range(2, number):
        if number % divisor == 0:
            return False
    return number > 1


def _sum_of_primes(first, last):
    return sum(number for number in range(first, last) if _is_prime(number))


def _in_ranges(make, parts):
    """Seconds for the sum with so many processes or threads, each with an equal range, and the sum."""
    bounds = [_PRIMES_BELOW * part // parts for part in range(parts + 1)]
    results = multiprocessing.SimpleQueue()

    def work(part):
        results.put(_sum_of_primes(bounds[part], bounds[part + 1]))
    started = time.monotonic()
    workers = [make(target=work, args=(part,)) for part in range(parts)]
    for worker in workers:
        worker.start()
    total = sum(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    return time.monotonic() - started, total


def _times(lab, what, make, counts):
    """name -> {round: seconds}, by the number of processes or threads as a text."""
    expected = _sum_of_primes(0, _PRIMES_BELOW)

    def seconds(count):
        taken, total = _in_ranges(make, count)
        return taken if total == expected else None
    return lab.in_rounds(what, {str(count): functools.partial(seconds, count) for count in counts})


def _speed_up(times, more, less, what):
    """A Ratio: how many times as fast it is with more of them than with less."""
    return Ratio(what, statistics.ratio_interval(times[str(less)], times[str(more)]))


def _shown(times):
    return ", ".join(f"{name}: {statistics.median_interval(list(values.values())).median:.2f} s"
                     for name, values in times.items() if values)


def hides_speed_up(lab):
    """Why a speed-up by more processors could not be seen here and now; None where it could."""
    if len(lab.cpus) < 2:
        return "needs two processors"
    before, started = sum(procfs.busy_seconds()), time.monotonic()
    time.sleep(0.5)
    if (sum(procfs.busy_seconds()) - before) / (time.monotonic() - started) > 0.3:
        return "others take processor time, so that a speed-up cannot be seen; see tools/doctor"
    return None


def more_processes_than_cores(lab):
    """Course 11 and claim 15: 26.2 s with 1 process, 14.8 s with 4, 13.3 s with 10."""
    hidden = hides_speed_up(lab)
    if hidden:
        return [unknown(hidden)]
    times = _times(lab, "Python's processes", multiprocessing.get_context("fork").Process, _PROCESSES)
    # With equal ranges the last one has most of the work, so that more pieces than processors balance it better.
    return [aside(f"the course's own Python for the primes below {_PRIMES_BELOW:,}, by processes ({len(lab.cpus)} "
                  f"processors): {_shown(times)}"),
            _speed_up(times, 4, 1, "speed of 4 processes over 1").at_least(1.25),
            _speed_up(times, 10, 4, "speed of 10 processes over 4").more_than_one()]


def threads_and_processes(lab):
    """Claim 16: threads give no speed-up for the processor, processes do."""
    hidden = hides_speed_up(lab)
    if hidden:
        return [unknown(hidden)]
    compute = lab.compare(["thread", ONE_LOOP, "fork"], COMPUTE, all_cpus=True)
    gain = compute.ratio(
        "thread", ONE_LOOP, what=f"C++ on {len(lab.cpus)} processors, throughput of threads over one thread")
    processes = compute.ratio("fork", ONE_LOOP, what="throughput of processes over one thread")
    parts = [gain.at_most(1.1), processes.at_least(1.3),
             aside(compute.ratio("thread", "fork", what="throughput of threads over processes").text())]
    times = _times(lab, "Python's threads", threading.Thread, (1, len(lab.cpus)))
    return parts + [aside(f"Python's threads, the sum of the primes below {_PRIMES_BELOW:,}: {_shown(times)}"),
                    _speed_up(times, len(lab.cpus), 1, f"Python, speed of {len(lab.cpus)} threads over 1").at_most(1.1)]
