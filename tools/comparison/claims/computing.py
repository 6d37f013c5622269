"""Experiments: work for the processor: what it does to others, and who gains by more processes or threads."""

import multiprocessing
import threading
import time

from .. import procfs
from .lab import COMPUTE
from .verdict import fact, unknown

_PRIMES_BELOW = 12000  # The course takes 100,000, and its way of dividing takes most of a minute for it.


def _light_p99_ms(lab, name, heavy):
    """The 99th percentile of light echoes at a fixed rate, with or without heavy computing beside them."""
    with lab.server(name, "echo,compute", connections=30, all_cpus=True) as server:
        computing = None
        if heavy:
            computing = lab.client.start(["--workload=compute", "--primes=200000", "--connections=1", "--threads=1"],
                                         server.addresses["compute"], 4 * lab.seconds)
            time.sleep(0.3)
        run = lab.load(server.addresses["echo"], "--workload=echo", "--connections=10", "--rate=300", "--threads=1",
                       seconds=2 * lab.seconds)
        if computing:
            computing.kill()
            computing.communicate()
    return run.report["response_ns"]["p99"] / 1e6 if run.report else None


def stalls(lab):
    """Course 5: with multiplexing in one process, requests that compute stall everybody."""
    parts = []
    for name, expected in (("epoll", True), ("thread", False), ("prefork", False)):
        alone, beside = _light_p99_ms(lab, name, False), _light_p99_ms(lab, name, True)
        if alone is None or beside is None:
            parts.append(unknown(f"{name}: the light clients were not served"))
            continue
        stalled = beside > 10 * alone and beside > 20
        parts.append(fact(stalled == expected, f"{name}: p99 of light echoes {alone:.2f} ms, beside one that computes "
                                               f"{beside:.2f} ms"))
    return parts


def stalls_and_helpers(lab):
    """Claim 13: the same, and helper threads take it away."""
    parts = stalls(lab)
    if not lab.has_flag("epoll", "offload"):
        return parts + [unknown("helpers: needs --offload, which this server does not have")]
    beside = _light_p99_ms(lab, "epoll --offload=2", True)
    if beside is None:
        return parts + [unknown("epoll --offload=2: the light clients were not served")]
    return parts + [fact(beside < 20, f"epoll --offload=2: p99 of light echoes beside one that computes {beside:.2f} ms")]


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


def _timed_ranges(make, counts):
    """count -> the best of three: what disturbs can only add."""
    expected = _sum_of_primes(0, _PRIMES_BELOW)
    times = {}
    for count in counts:
        runs = [_in_ranges(make, count) for _ in range(3)]
        if any(total != expected for _, total in runs):
            return None
        times[count] = min(seconds for seconds, _ in runs)
    return times


def _others_are_busy():
    """Whether others take processor time: then a speed-up cannot be seen."""
    before = procfs.busy_seconds()[0]
    time.sleep(0.5)
    return (procfs.busy_seconds()[0] - before) / 0.5 > 0.3


def more_processes_than_cores(lab):
    """Course 11 and claim 15: 26.2 s with 1 process, 14.8 s with 4, 13.3 s with 10."""
    if _others_are_busy():
        return [unknown("other programs take processor time, so that a speed-up cannot be seen; see tools/doctor")]
    cores = len(lab.cpus)
    counts = (1, cores, 4, 10) if cores not in (1, 4) else (1, 4, 10)
    times = _timed_ranges(multiprocessing.get_context("fork").Process, counts)
    if times is None:
        return [fact(False, "the sums were not right")]
    shown = ", ".join(f"{count}: {seconds:.2f} s" for count, seconds in times.items())
    text = f"the course's own Python for the primes below {_PRIMES_BELOW:,}, by processes ({cores} processors): {shown}"
    # With equal ranges the last one has most of the work, so that more pieces than processors balance it better.
    return [fact(times[4] < 0.8 * times[1], text + "; 4 are faster than 1"),
            fact(times[10] < times[4] * 1.02, "10 are no slower than 4: equal ranges are unequal work, and more pieces "
                                              "even it out")]


def more_workers_than_cores(lab):
    """Claim 15, the same for our own server: workers of a pool, all processors, requests of equal work."""
    cores = len(lab.cpus)
    names = [f"prefork --workers={count}" for count in (8, 10, 32)]
    pools = lab.compare(names, COMPUTE, all_cpus=True)
    return more_processes_than_cores(lab) + [
        pools.ratio(name, names[0], what=f"equal work on {cores} processors, throughput of {name.split('=')[1]} workers "
                                         "over 8").about_one() for name in names[1:]]


def threads_and_processes(lab):
    """Claim 16: threads give no speed-up for the processor, processes do."""
    if len(lab.cpus) < 2:
        return [unknown("needs two processors")]
    compute = lab.compare(["thread", "epoll", "fork"], COMPUTE, all_cpus=True)
    gain = compute.ratio(
        "thread", "epoll", what=f"C++ on {len(lab.cpus)} processors, throughput of threads over one thread")
    even = compute.ratio("thread", "fork", what="threads over processes")
    parts = [gain.at_most(1.1), even.about_one()]
    if _others_are_busy():
        return parts + [unknown("Python's own threads: other programs take processor time; see tools/doctor")]
    times = _timed_ranges(threading.Thread, (1, len(lab.cpus)))
    if times:
        shown = ", ".join(f"{count}: {seconds:.2f} s" for count, seconds in times.items())
        parts.append(fact(times[len(lab.cpus)] > 0.9 * times[1], f"Python's threads, the sum of primes: {shown}"))
    return parts
