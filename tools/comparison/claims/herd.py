"""Workers of our own that share one listener, to see whom the kernel wakes: how many wake-ups an accept costs, and who gets
the connections.

A wake-up is a context switch of a waiting worker: one that is woken by epoll too late finds nothing, and is put to sleep
again by the kernel itself, without its program being told."""

import array
import contextlib
import dataclasses
import functools
import mmap
import os
import select
import signal
import socket
import time

from .. import procfs
from . import talk

EPOLLEXCLUSIVE = 1 << 28  # linux/eventpoll.h
WAYS = ("accept", "epoll", "exclusive")


@dataclasses.dataclass(frozen=True)
class Herd:
    """What became of some workers while clients came."""

    wake_ups: list  # Of each worker.
    accepted: list


class _Counts:
    """How many connections each worker has accepted, in memory that all share; each writes its own place."""

    def __init__(self, workers):
        self._memory = mmap.mmap(-1, 8 * workers)

    def add(self, worker, accepted):
        place = 8 * worker
        count = int.from_bytes(self._memory[place:place + 8], "little") + accepted
        self._memory[place:place + 8] = count.to_bytes(8, "little")

    def read(self):
        return list(array.array("q", self._memory[:]))


def _accept_one(listener):
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        return 0
    with client:
        client.send(b"!")
    return 1


def _worker(listener, way, index, counts):
    """Serves for ever: one byte for each client."""
    if way == "accept":
        listener.setblocking(True)
        while True:
            counts.add(index, _accept_one(listener))
    listener.setblocking(False)
    waiting = select.epoll()
    waiting.register(listener, select.EPOLLIN | (EPOLLEXCLUSIVE if way == "exclusive" else 0))
    while True:
        waiting.poll()
        counts.add(index, _accept_one(listener))


def _sleeps(pids):
    """How often each went to sleep, as soon as none of them does so any more."""
    last = None
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        now = list(map(procfs.voluntary_switches, pids))
        if now == last:
            break
        last = now
        time.sleep(0.2)
    return last


def _more(after, before):
    return [number - of_before for number, of_before in zip(after, before)]


def _come(address, clients, workers):
    """So many clients, one after the other, with time for so many workers to go to sleep again."""
    for _ in range(clients):
        with talk.connect(address) as client:
            client.recv(1)
        time.sleep(0.002 + workers * 0.0001)


@contextlib.contextmanager
def forked(works):
    """Yields the process numbers of children that run these functions, one each, and kills them at the end."""
    pids = []
    try:
        for work in works:
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                try:
                    work()
                finally:
                    os._exit(1)
            pids.append(pid)
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def run(way, workers, clients):
    """A Herd, for so many clients that come one after the other, each in a quiet moment."""
    counts = _Counts(workers)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = "%s:%d" % listener.getsockname()
        with forked([functools.partial(_worker, listener, way, index, counts) for index in range(workers)]) as pids:
            _come(address, 2 * workers, workers)  # What a process does for the first time costs more.
            sleeps, accepted = _sleeps(pids), counts.read()
            _come(address, clients, workers)
            return Herd(_more(_sleeps(pids), sleeps), _more(counts.read(), accepted))
