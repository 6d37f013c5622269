"""Experiments: how connections get to workers, and how they wait for it."""

import functools
import select
import socket
import threading
import time

from .. import procfs, statistics
from . import herd, queues, talk
from .process_control import HAND_OVER
from .rounds import CPU, MEAN, P99, Question
from .verdict import about_one, aside, fact, more

_CLIENTS = 60
_HERD = 64
_COSTLY = 3  # Wake-ups for an accept.
# How much of the time all workers are busy, in words, and as a share; and for how many seconds requests come.
_LOADS = (("a tenth", 0.1, 2.0), ("seven tenths", 0.7, 1.0))


def thundering_herd(_lab):
    """Claim 4: what an accept costs if many workers wait for it."""
    parts = []
    for way, condition in (("accept", "the workers wait in accept"),
                           ("epoll", "the workers wait in epoll for a shared listener"),
                           ("exclusive", "the workers wait in epoll with EPOLLEXCLUSIVE")):
        seen = herd.run(way, _HERD, _CLIENTS)
        each = sum(seen.wake_ups) / max(1, sum(seen.accepted))
        parts.append(fact(each >= _COSTLY, f"{condition}: {each:.1f} wake-ups for an accept, of {_HERD} idle workers; claimed: "
                                           f"at least {_COSTLY}", condition))
    return parts


def who_is_woken(_lab):
    """Claim 5: at low load a shared epoll gives all to one worker, blocking accept takes turns."""
    by_epoll = herd.run("exclusive", 8, 2 * _CLIENTS).accepted
    by_accept = herd.run("accept", 8, 2 * _CLIENTS).accepted
    return [fact(max(by_epoll) > 0.8 * sum(by_epoll), f"epoll shared by 8 workers at low load, connections of each: {by_epoll}"),
            fact(statistics.gini(by_accept) < 0.2, f"blocking accept: {by_accept}")]


def _waits(policy, load, seconds, number):
    """The mean and the 99th percentile of the times of requests that come in the same way for each policy."""
    times = queues.response_times(policy, queues.dues(load, seconds, f"{number}/{load}"))
    return {MEAN.key: 1e3 * sum(times) / len(times), P99.key: 1e3 * talk.quantile(times, 0.99)}


def reuseport_tail(lab):
    """Claim 6: the same mean, a worse tail."""
    series = lab.in_turns("accept policies", {
        f"{policy}, busy for {share}": functools.partial(_waits, policy, load, seconds)
        for policy in queues.POLICIES for share, load, seconds in _LOADS})
    parts = [aside(f"{queues.WORKERS} workers of our own, each of which takes {1e3 * queues.HOLD_S:.0f} ms for a request; they "
                   "sleep meanwhile, so that the processors are not what requests wait for")]
    for share, _, _ in _LOADS:
        one, other = (f"{policy}, busy for {share}" for policy in ("reuseport", "shared"))
        condition = f"workers are busy for {share} of the time"
        parts += [Question(series, "mean time of a request, SO_REUSEPORT over a shared listener", one, other, about_one(), MEAN,
                           condition),
                  Question(series, "99th percentile, SO_REUSEPORT over a shared listener", one, other, more(), P99,
                           condition)]
    return parts


def handing_over(lab):
    """Claim 3: workers that call accept themselves beat a main one that accepts and hands over."""
    series = lab.compared(*HAND_OVER)
    return [Question(series, f"processor time of a short connection, {pool} with hand-over over {pool} that accepts",
                     f"{pool} --accept=pass", pool, more(), CPU, f"the workers are {workers}")
            for pool, workers in (("prefork", "processes"), ("threadpool", "threads"))]


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
            times = talk.visit("%s:%d" % listener.getsockname(), [0.0] * clients, select.EPOLLOUT)
        finally:
            stop.set()
            server.join()
    return times, procfs.listen_overflows() - overflows


def short_backlog(_lab):
    """Claim 21: listen(5) is fine."""
    parts = []
    for backlog, clients in ((5, 5), (5, 200), (128, 200), (4096, 200)):
        times, overflows = _burst(backlog, clients)
        late = sum(seconds > 0.9 for seconds in times)
        text = (f"backlog {backlog}: of {clients} that come at once {late} took a second or more (the slowest "
                f"{max(times):.1f} s); {overflows} overflows")
        parts.append(fact(late == 0, text, f"{clients} come at once") if backlog == 5 else aside(text))
    return parts
