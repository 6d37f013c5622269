"""SteadyLoad: the same gentle load on one server as long as the lab is open. The load generator makes it, slice after slice
(client/load/slices.h), so that its figures are there while it runs.

A slice ends when its last reply is there. As long as one is missing, nothing is reported, and the age of the slice says how long
a request has been waiting: that is how a server that stands still is seen at once, and not when it goes on.
"""

import asyncio
import collections
import json
import math
import os
import time
from dataclasses import dataclass

SLICE_S = 0.5
WINDOW_S = 5.0  # The percentiles are those of the last slices, as far back as this.
_OVERDUE_S = 0.1  # A reply may come as much later than its slice ends without being called late.
# A connection for each request: that suits loop, too, which serves one connection after the other.
# The generator connects before it has something to ask, and loop would serve the first one of these silent connections until its
# request comes. So a slice that is not counted uses them up quickly: from then on it connects when a request is due.
_FIRST = "0.05 1000"
FLAGS = ("--workload=http-close", "--name=1k.bin", "--connections=16", "--threads=1")


@dataclass(frozen=True)
class Slice:
    at: float  # When it was over, as time.monotonic() has it,
    seconds: float  # and how long it took.
    replies: int
    errors: int
    slowest_ns: int
    histogram: tuple  # value, count, value, count, ...: response times in nanoseconds.


def slice_of(report, at, seconds):
    """A Slice, of a report as load --json prints it. We may have read it late; but a slice takes no longer than its own time and
    its slowest reply."""
    times = report["response_ns"]
    seconds = min(seconds, SLICE_S + times["max"] / 1e9)
    return Slice(at, seconds, report["replies_in_all"], sum(report["errors"].values()), times["max"], tuple(times["histogram"]))


def quantile_ms(slices, share):
    """The smallest time that at least this share of all requests does not exceed; None if there was none."""
    buckets = collections.Counter()
    for one in slices:
        for value, number in zip(one.histogram[::2], one.histogram[1::2]):
            buckets[value] += number
    wanted = math.ceil(share * sum(buckets.values()))
    for value, number in sorted(buckets.items()):
        wanted -= number
        if wanted <= 0:
            return value / 1e6
    return None


class Figures:
    """What the slices of one server say, as they come."""

    def __init__(self):
        self._recent = collections.deque()
        self._slowest_ns = 0
        self._errors = 0
        self.asked_at = None  # When the slice that is running was begun; None if none is.

    def add(self, one):
        self._recent.append(one)
        self._slowest_ns = max(self._slowest_ns, one.slowest_ns)
        self._errors += one.errors

    def begin_scene(self):
        """From now on worst_ms() and errors() begin anew."""
        self._slowest_ns = self._errors = 0

    def waiting_s(self, now):
        """How long the oldest request without a reply has been waiting, at least; 0 if none is late."""
        late = 0.0 if self.asked_at is None else now - self.asked_at - SLICE_S
        return late if late > _OVERDUE_S else 0.0

    def worst_ms(self, now):
        """The slowest reply of the scene; a request that still waits counts with its age."""
        return max(self._slowest_ns / 1e6, 1000 * self.waiting_s(now))

    def errors(self):
        """Of the scene: replies that were wrong or missing, connections that broke or could not be made."""
        return self._errors

    def now(self, now):
        """What a moment's event says of the load."""
        while self._recent and self._recent[0].at < now - WINDOW_S:
            self._recent.popleft()
        if self.asked_at is None:  # There is no load: a scene has stopped the server, or killed it.
            return {"replies_per_s": None, "p50_ms": None, "p99_ms": None, "waiting_s": 0.0}
        waiting = self.waiting_s(now)
        last = list(self._recent)[-2:]
        elapsed = sum(one.seconds for one in last)
        p99 = quantile_ms(self._recent, 0.99)
        return {"replies_per_s": None if waiting or not elapsed else round(sum(one.replies for one in last) / elapsed, 1),
                "p50_ms": _rounded(quantile_ms(self._recent, 0.5)),
                "p99_ms": _rounded(max(p99 or 0.0, 1000 * waiting) if p99 is not None or waiting else None),
                "waiting_s": round(waiting, 2)}


def _rounded(value):
    return None if value is None else float(f"{value:.4g}")


class SteadyLoad:
    """The load generator on one server. Make it in the thread that runs the event loop; close() ends it.

    figures    Figures of the slices so far
    has_ended  the generator has ended by itself
    said       after close(): what it wrote to standard error
    """

    def __init__(self, load, address, rate, seed, figures):
        self._rate = rate
        self.figures = figures
        self.has_ended = False
        self.said = ""
        self._is_first = True
        self._received = b""
        self._process = load.start_slices(FLAGS, address, 0.0, seed)
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._read)
        self._ask()

    def _ask(self):
        self.figures.asked_at = time.monotonic()
        try:
            order = _FIRST if self._is_first else f"{SLICE_S} {self._rate}"
            os.write(self._process.stdin.fileno(), f"{order}\n".encode())
        except BrokenPipeError:
            self.has_ended = True

    def _read(self):
        try:
            piece = os.read(self._output, 1 << 20)
        except BlockingIOError:
            return
        if not piece:
            self.has_ended = True
            asyncio.get_running_loop().remove_reader(self._output)
            return
        self._received += piece
        while b"\n" in self._received:
            line, _, self._received = self._received.partition(b"\n")
            now = time.monotonic()
            if not self._is_first:
                self.figures.add(slice_of(json.loads(line), now, now - self.figures.asked_at))
            self._is_first = False
            self._ask()

    def close(self):
        self.figures.asked_at = None
        asyncio.get_running_loop().remove_reader(self._output)
        self._process.kill()
        _, said = self._process.communicate()
        self.said = said.decode(errors="replace").strip()
