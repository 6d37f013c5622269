"""Experiments: how connections get to workers, and how they wait for it."""

import random
import select
import socket
import threading
import time

from .. import procfs, statistics
from . import herd, talk
from .computing import cost_s
from .process_control import calling_accept
from .verdict import Ratio, aside, fact, unknown

_CLIENTS = 60


def thundering_herd(_lab):
    """Claim 4: wake-ups for one accept, by how many workers wait, and how."""
    parts = []
    for way in herd.WAYS:
        each = {}
        for workers in (1, 16, 64):
            wake_ups, accepted = herd.run(way, workers, _CLIENTS)
            each[workers] = sum(wake_ups) / max(1, sum(accepted))
        shown = ", ".join(f"{count:.1f} with {workers}" for workers, count in each.items())
        name = {"accept": "blocking accept", "epoll": "a shared listener in epoll",
                "exclusive": "the same with EPOLLEXCLUSIVE"}[way]
        parts.append(fact(each[64] > 3 * each[1], f"{name}: wake-ups for an accept: {shown} idle workers"))
    return parts


def who_is_woken(_lab):
    """Claim 5: at low load a shared epoll gives all to one worker, blocking accept takes turns."""
    _, by_epoll = herd.run("exclusive", 8, 2 * _CLIENTS)
    _, by_accept = herd.run("accept", 8, 2 * _CLIENTS)
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
                                              "reuseport": lambda: mean_and_tail("reuseport"),
                                              "again": lambda: mean_and_tail("shared")})
    if not all(found.values()):
        return [unknown("requests failed")]

    def column(name, number):
        return {of_round: value[number] for of_round, value in found[name].items()}

    def ratio(what, number):
        floor = statistics.noise_floor([statistics.ratio_interval(column("shared", number), column("again", number))])
        return Ratio(what, statistics.ratio_interval(column("reuseport", number), column("shared", number)), floor)
    shown = "; ".join("{}: mean {:.0f} ms, p99 {:.0f} ms".format(
        accept, *(statistics.median_interval(list(column(accept, number).values())).median for number in (0, 1)))
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
