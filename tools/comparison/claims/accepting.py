"""Experiments: how connections get to workers, and how they wait for it."""

import functools
import random
import select
import socket
import threading
import time

from .. import inference, procfs, statistics
from . import herd, talk
from .computing import cost_s
from .process_control import calling_accept
from .verdict import CONFIRMED, Ratio, aside, fact, unknown

_CLIENTS = 60
_HERD = 64


def _herd_of(way, workers):
    """(wake-ups, processor time in us of all workers) for an accept; None where nothing was accepted."""
    seen = herd.run(way, workers, _CLIENTS)
    accepted = sum(seen.accepted)
    return (sum(seen.wake_ups) / accepted, 1e6 * seen.cpu_s / accepted) if accepted else None


def thundering_herd(lab):
    """Claim 4: what an accept costs with 64 idle workers over what it costs with one. The statement is of blocking accept
    as well as of epoll: one of them that wakes a single worker refutes it, and the parts say where it holds."""
    ways = {f"{way}, {workers}": functools.partial(_herd_of, way, workers)
            for way in herd.WAYS for workers in (1, _HERD)}
    found = lab.in_rounds("workers that wait for clients", ways, rounds=inference.LEAST_ROUNDS)

    def ratio(way, name):
        wake_ups = ", ".join(f"{statistics.median_interval(list(values.values())).median:.1f} with {workers}"
                             for workers in (1, _HERD) if (values := _column(found, f"{way}, {workers}", 0)))
        costs = [_column(found, f"{way}, {workers}", 1) for workers in (_HERD, 1)]
        return Ratio(f"{name}: wake-ups for an accept: {wake_ups}; the workers' processor time for it, with {_HERD} idle "
                     "workers over 1", statistics.ratio_interval(*costs))
    parts = {name: ratio(way, name).at_least(3) for way, name in (("accept", "blocking accept"),
                                                                  ("epoll", "a shared listener in epoll"))}
    holds = [name for name, part in parts.items() if part.verdict == CONFIRMED]
    return [aside(f"the statement holds for: {', '.join(holds) or 'none of these ways'}"), *parts.values(),
            aside(f"the remedy, {ratio('exclusive', 'epoll with EPOLLEXCLUSIVE').text()}")]


def _column(found, name, number):
    """One of the values that in_rounds() found together, by round."""
    return {of_round: values[number] for of_round, values in found[name].items()}


def who_is_woken(_lab):
    """Claim 5: at low load a shared epoll gives all to one worker, blocking accept takes turns."""
    by_epoll = herd.run("exclusive", 8, 2 * _CLIENTS).accepted
    by_accept = herd.run("accept", 8, 2 * _CLIENTS).accepted
    return [fact(max(by_epoll) > 0.8 * sum(by_epoll), f"epoll shared by 8 workers at low load, connections of each: {by_epoll}"),
            fact(statistics.gini(by_accept) < 0.2, f"blocking accept: {by_accept}")]


def _response_times(lab, accept, rate, seconds, primes):
    """Times of requests that compute, each on a connection of its own, due as people come."""
    workers = len(lab.cpus)
    with lab.server(f"prefork --accept={accept} --workers={workers}", "compute", all_cpus=True) as server:
        address, request = server.addresses["compute"], b"PRIMES %d\n" % primes
        rng = random.Random(5)
        dues, at = [], 0.0
        while at < seconds:
            at += rng.expovariate(rate)
            dues.append(at)
        return talk.open_loop(dues, lambda: talk.ask_once(address, request))


def reuseport_tail(lab):
    """Claim 6: the same mean, a worse tail."""
    if len(lab.cpus) < 2:
        return [unknown("needs two processors")]
    primes = 150000  # About ten milliseconds, beside which our own client does not count.
    rate = 0.7 * len(lab.cpus) / cost_s(lab, primes)
    seconds = 6 * lab.seconds

    def mean_and_tail(accept):
        times, failed = _response_times(lab, accept, rate, seconds, primes)
        return None if failed or not times else (1e3 * sum(times) / len(times), 1e3 * talk.quantile(times, 0.99))
    found = lab.in_rounds("accept policies", {"shared": lambda: mean_and_tail("shared"),
                                              "reuseport": lambda: mean_and_tail("reuseport")})
    if not all(found.values()):
        return [unknown("requests failed")]

    def ratio(what, number):
        reuseport, shared = (_column(found, name, number) for name in ("reuseport", "shared"))
        return Ratio(what, statistics.ratio_interval(reuseport, shared))
    shown = "; ".join("{}: mean {:.0f} ms, p99 {:.0f} ms".format(
        accept, *(statistics.median_interval(list(_column(found, accept, number).values())).median for number in (0, 1)))
                      for accept in ("shared", "reuseport"))
    return [aside(f"{len(lab.cpus)} workers at 70 % load, {rate:.0f} requests a second: {shown}"),
            ratio("mean of reuseport over shared", 0).about_one(1.25),
            ratio("p99 of reuseport over shared", 1).at_least(1.5)]


def handing_over(lab):
    """Claim 3, with the balance."""
    return calling_accept(lab)


def _burst(backlog, clients):
    """How long each of so many connects at once took, while the server is busy for a while; and the overflows."""
    overflows = procfs.listen_overflows()
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        stop = threading.Event()

        def accept():
            time.sleep(0.1)  # Busy with something else, as a server is.
            listener.settimeout(0.1)
            while not stop.is_set():
                try:
                    listener.accept()[0].close()
                except TimeoutError:
                    pass
        server = threading.Thread(target=accept)
        server.start()
        try:
            times = _connect_all(listener.getsockname(), clients)
        finally:
            stop.set()
            server.join()
    return times, procfs.listen_overflows() - overflows


def _connect_all(to, clients):
    """Seconds until each is connected, all begun at once; those that never are count as the time that was waited."""
    most_s = 10.0
    waiting = select.epoll()
    started = time.monotonic()
    pending = {}
    for _ in range(clients):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(to)
        waiting.register(client, select.EPOLLOUT)
        pending[client.fileno()] = client
    times = []
    while pending and time.monotonic() < started + most_s:
        for number, _ in waiting.poll(0.1):
            waiting.unregister(number)
            times.append(time.monotonic() - started)
            pending.pop(number).close()
    for client in pending.values():
        times.append(most_s)
        client.close()
    return times


def short_backlog(_lab):
    """Claim 21: listen(5) is fine."""
    parts = []
    for backlog in (5, 128, 4096):
        times, overflows = _burst(backlog, 200)
        late = sum(seconds > 0.9 for seconds in times)
        text = (f"backlog {backlog}: of 200 at once {late} took a second or more (the slowest {max(times):.1f} s), "
                f"{overflows} overflows")
        parts.append(fact(late == 0, text))
    return parts
