"""How long a round trip takes here and now: the unit of all of the grader's time limits.

A child that may use as much of the processor as the program under test sends back what it gets over loopback TCP. The
slowest of some trips counts, since that is what a program has to be forgiven.
"""

import collections
import os
import socket
import time

ROUND_TRIPS = 10

# grace: how long all threads have to sleep until the grader believes that nothing will happen any more. All it has to cover is
# what is under way outside of them: a packet that waits for ksoftirqd, for example.
# patience: how long it watches a program that never sleeps; by then a right one is done many times.
Limits = collections.namedtuple("Limits", "round_trip grace patience")


def limits(round_trip):
    """All in seconds. The lower bounds are for a busy machine, whose ksoftirqd and whose grader wait for their turns as well."""
    return Limits(round_trip, max(30 * round_trip, 0.05), max(5000 * round_trip, 10.0))


def _echo(server):
    with server.accept()[0] as peer:
        while data := peer.recv(64):
            peer.sendall(data)


def measure(enter):
    """The slowest of some round trips, in seconds, with a child that calls enter() first (see quota.py)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        child = os.fork()
        if child == 0:
            try:
                enter()
                _echo(server)
            finally:
                os._exit(0)
        slowest = 0.0
        with socket.create_connection(server.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(ROUND_TRIPS):
                started = time.monotonic()
                client.sendall(b"x")
                client.recv(1)
                slowest = max(slowest, time.monotonic() - started)
        os.waitpid(child, 0)
        return slowest
