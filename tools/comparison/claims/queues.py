"""Workers of our own that take a fixed time for each request: how long do requests wait if all workers share a listener, and if
each worker has its own (SO_REUSEPORT in socket(7))?

A worker sleeps instead of computing. Like one that computes it cannot accept another request meanwhile, but workers do not
compete for this machine's processors: requests wait for a worker only.
"""

import contextlib
import functools
import random
import select
import socket
import time

from . import herd, talk

POLICIES = ("shared", "reuseport")
WORKERS = 8
HOLD_S = 0.010


def _worker(listener):
    while True:
        client, _ = listener.accept()
        with client:
            time.sleep(HOLD_S)
            client.send(b"!")


def _listen(port, backlog=4096):
    return socket.create_server(("127.0.0.1", port), backlog=backlog, reuse_port=True)


def dues(load, seconds, seed):
    """The times at which requests come, a Poisson process that keeps the workers busy for this share of the time."""
    chance, at, found = random.Random(seed), 0.0, []
    while (at := at + chance.expovariate(load * WORKERS / HOLD_S)) < seconds:
        found.append(at)
    return found


def response_times(policy, dues_s):
    """Seconds from when each request was due until its reply."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listen(0))]
        address = "%s:%d" % listeners[0].getsockname()
        for _ in range(WORKERS - 1):
            listeners.append(listeners[0] if policy == "shared" else stack.enter_context(_listen(listeners[0].getsockname()[1])))
        stack.enter_context(herd.forked([functools.partial(_worker, listener) for listener in listeners]))
        talk.visit(address, [0.0] * WORKERS, select.EPOLLIN)  # All workers run.
        return talk.visit(address, dues_s, select.EPOLLIN)
