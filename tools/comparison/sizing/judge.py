"""How many workers: what theory expects, which sizes to try, which of them is enough, and when a pool is the wrong answer. All
functions are pure.

Theory is the prior, and measurements decide. By Little's law as many workers are busy as there are requests a second times the time
that each takes, computing and waiting. As requests come at random, some more are needed: about the square root of that number, or
two. A pool of as many workers as there are processors, times 1 + wait / computing, could keep the processors busy; with more of
them, requests wait for a processor instead of a worker.

Sources: J. Little, "A proof for the queuing formula L = lambda W", Operations Research 9, 1961; S. Halfin and W. Whitt, "Heavy-traffic
limits for queues with many exponential servers", Operations Research 29, 1981 (the square root); B. Goetz et al., "Java Concurrency
in Practice", 2006, section 8.2 (processors, wait and computing); P. Denning and J. Buzen, "The operational analysis of queueing
network models", ACM Computing Surveys 10, 1978 (how busy processors are).
"""

import math
import statistics
from dataclasses import dataclass

WITHIN = 0.1  # A pool is large enough if requests take no longer by more than this share than with any other size.
_CLOSE = 1.1  # Sizes that differ by less need none between them.


@dataclass(frozen=True)
class Load:
    """What is asked of the server."""

    rate: float  # Requests a second.
    cpu_us: float  # Processor time of each, in microseconds.
    wait_ms: float  # How long it waits beside that.
    conns: int = 0  # Connections that stay open; 0: each request has its own.

    @property
    def busy(self):
        """How many workers are busy at a time, on average (Little)."""
        return self.rate * (self.cpu_us / 1e6 + self.wait_ms / 1e3)

    @property
    def processors(self):
        """How many processors are busy at a time."""
        return self.rate * self.cpu_us / 1e6

    @property
    def wait_share(self):
        """Of the time that a request takes."""
        return self.wait_ms * 1e3 / (self.cpu_us + self.wait_ms * 1e3)

    def keeps_busy(self, processors):
        """How many workers keep so many processors busy; None if nothing is computed."""
        return processors * (1 + self.wait_ms * 1e3 / self.cpu_us) if self.cpu_us else None


def sizes(load, most):
    """The sizes that are tried first: some below what Little's law says, some above."""
    busy = load.busy
    wanted = (busy / 2, busy, busy + math.sqrt(busy), busy + 2 * math.sqrt(busy), 2 * busy + 2, 4 * busy + 4)
    return sorted({min(most, max(1, math.ceil(size))) for size in wanted})


@dataclass(frozen=True)
class Point:
    """A pool of one size, or a model without one, over all rounds."""

    mean_ms: float  # How long a request takes: the median of the rounds. None if none was carried.
    p99_ms: float
    cpu_us: float  # Processor time of a request.
    carried: int  # Rounds in which the rate was reached, without errors,
    rounds: int  # of all.
    why: str = None  # Why one was not, if one was not.

    @property
    def carries(self):
        return 2 * self.carried > self.rounds


def point(lines):
    """Of the measurements of some rounds, each {"mean_ms", "p99_ms", "cpu_us", "failed"}."""
    good = [line for line in lines if line["failed"] is None]

    def middle(name):
        return statistics.median(line[name] for line in good) if good else None
    why = next((line["failed"] for line in lines if line["failed"] is not None), None)
    return Point(middle("mean_ms"), middle("p99_ms"), middle("cpu_us"), len(good), len(lines), why)


def shortest_ms(points):
    """The shortest mean time of all that carry the load; None if none does."""
    return min((one.mean_ms for one in points.values() if one.carries), default=None)


def is_enough(one, shortest):
    return one.carries and shortest is not None and one.mean_ms <= (1 + WITHIN) * shortest


def least(points):
    """(the largest size that is too small, or None; the least that is enough, or None) of {size: Point}."""
    shortest = shortest_ms(points)
    enough = min((size for size, one in points.items() if is_enough(one, shortest)), default=None)
    small = max((size for size in points if enough is None or size < enough), default=None)
    return small, enough


def next_size(points):
    """The size to try next, between one that is too small and one that is enough; None: they are close."""
    small, enough = least(points)
    if enough is None or small is None or enough <= max(small + 1, _CLOSE * small):
        return None
    return round(math.sqrt(small * enough)) if round(math.sqrt(small * enough)) not in (small, enough) else None


@dataclass(frozen=True)
class Answer:
    """`workers` is None if no size that was tried is enough. `sentences` say why, and whether a pool is the wrong answer."""

    workers: int
    too_few: int  # The largest size that is not enough; None: none was.
    is_wrong: bool  # A pool is the wrong answer.
    sentences: tuple


def answer(load, processors, points, others, most):
    """What to take.

    load    with the processor time that was measured
    points  {size: Point} of the pool
    others  {name: Point} of models whose number of workers need not be chosen
    most    workers that a pool may have
    """
    too_few, enough = least(points)
    wrong = list(_impossible(load, processors, most))
    if load.conns > max(load.busy, enough or 0):
        wrong.append(f"{load.conns:,} connections stay open, and a worker of a pool serves one until it closes: it would need as many workers, "
                     f"of which {load.busy:.1f} work at a time. Take a model that holds connections without workers, such as epoll.")
    good = [name for name, one in others.items() if enough is not None and is_enough(one, shortest_ms(points))]
    cheap = [name for name in good if others[name].cpu_us <= (1 + WITHIN) * points[enough].cpu_us]
    said = [f"{_join(cheap)} {'does' if len(cheap) == 1 else 'do'} as well, for no more processor time, without a number to choose."] if cheap else []
    bad = [name for name in others if name not in good]
    if bad and enough is not None:
        said.append(f"{_join(bad)} {'is' if len(bad) == 1 else 'are'} no way around it: {_why_bad(others, bad)}.")
    if enough is None and not wrong:
        said.append("No size that was tried carries it: see the table for what failed.")
    return Answer(enough, too_few, bool(wrong), (*wrong, *said))


def _impossible(load, processors, most):
    if load.processors >= processors:
        yield (f"No number of workers carries it: requests take {load.processors:.2f} processors, and the server has {processors}. Take more "
               "processors, or fewer requests.")
    if load.busy > most:
        yield (f"{load.busy:,.0f} workers would be busy at a time, and a pool has {most:,} at most. Take a model in which a request that waits holds "
               "a timer and no worker, such as epoll or coroutine.")


def _why_bad(others, names):
    parts = []
    for name in names:
        one = others[name]
        parts.append(f"{name} does not carry the load" if not one.carries else f"with {name} a request takes {one.mean_ms:.3g} ms on average")
    return "; ".join(parts)


def _join(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
