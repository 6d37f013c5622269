"""Measures one model past the limit: its capacity, what it answers in time at multiples of that, and how long a burst has effects. Each
measurement has a server of its own, so that none inherits what another one has left in the queues."""

import subprocess
import time
from dataclasses import dataclass, replace

from .. import load, subjects
from ..processes import ServerError

SERVICE = "compute"
# rule -> flags of the server. The last one bounds the clients, and is for models without a queue of their own.
LIMIT = "limit"
RULES = {"wait": (), "refuse": ("--overload=refuse",), "newest": ("--overload=newest",), "deadline": ("--overload=deadline",),
         LIMIT: ("--max_connections=64", "--overload=refuse")}
_CAPACITY_CONNECTIONS = 16  # Enough to keep any model busy, and few enough to wait in no queue for long.
_STEADY, _BURST = 0.8, 3.0  # Of the capacity: before and behind a burst, and in it.
_BURST_S, _BEFORE_S, _BEHIND_S = 1.0, 1.0, 5.0
_INTERVAL_S = 0.1
# A server that goes on in the order of arrival collapses only when its queue is as long as its clients wait: at F times its capacity
# after give_up / (F - 1). Until then there is no overload to measure.
_TIMES_TILL_COLLAPSE = 1.5
_WARM_UP_S, _MOST_WARM_UP_S = 1.0, 10.0
# A server that answers nothing in time is a finding, not a fault.
_NOTHING_ANSWERED = "there was no reply at all"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PATIENCE_S = 60


@dataclass(frozen=True)
class Work:
    """What is asked, and by whom."""

    primes: int
    give_up: str  # A time, as the load generator takes it.
    seconds: float  # Of a measurement.

    def flags(self, *more):
        return ("--workload=compute-close", f"--primes={self.primes}", *more)

    def warm_up_s(self, factor):
        """How long to load a server at this multiple of its capacity before it counts."""
        if factor <= 1:
            return _WARM_UP_S
        return min(max(_WARM_UP_S, _TIMES_TILL_COLLAPSE * seconds(self.give_up) / (factor - 1)), _MOST_WARM_UP_S)

    def impatient(self, rate, retry, *more):
        return self.flags(f"--rate={rate:.1f}", f"--give_up={self.give_up}", f"--retry={retry}", *more)


class Bench:
    """Where it is measured."""

    def __init__(self, client, setting, work):
        """client  a load.Load; setting  a subjects.Setting"""
        self._client, self._setting, self._work = client, setting, work

    def rules_of(self, model):
        """The rules that the server takes with this model: --overload's, or else the limit."""
        takes = [rule for rule in RULES if self._takes(model, RULES[rule])]
        own = [rule for rule in takes if rule != LIMIT]
        return own if len(own) > 1 else takes

    def _takes(self, model, flags):
        command = [*with_rule(model, flags).command(SERVICE, self._setting), "--check"]
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
        return done.returncode == 0

    def _server(self, model, rule):
        return with_rule(model, RULES[rule]).start(SERVICE, self._setting)

    def _impatient(self, rate, retry, *more):
        """Without a number of connections, the load generator would have one thread (load.Load)."""
        return self._work.impatient(rate, retry, f"--threads={len(self._client.cpus) or 1}", *more)

    def capacity(self, model, seed):
        """(requests per second in a closed loop, why that says nothing or None)."""
        with self._server(model, "wait") as server:
            run = self._client.run(self._work.flags(f"--connections={_CAPACITY_CONNECTIONS}"), server.addresses[SERVICE],
                                   self._work.seconds, 0.5, seed)
        return (run.report["replies_per_second"] if run.report else 0.0), run.failed

    def at(self, model, rule, capacity, factor, retry, seed):
        """A line: what was answered in time at this multiple of the capacity; its goodput is None if that was not measured."""
        try:
            run = self._run_at(model, rule, factor, capacity, retry, seed)
        except ServerError as error:  # --check does not find all that a server may say at its start.
            run = load.LoadRun(None, str(error))
        return {"capacity": capacity, **figures(run)}

    def _run_at(self, model, rule, factor, capacity, retry, seed):
        with self._server(model, rule) as server:
            return self._client.run(self._impatient(factor * capacity, retry), server.addresses[SERVICE], self._work.seconds,
                                    self._work.warm_up_s(factor), seed)

    def burst(self, model, rule, capacity, retry, seed):
        """A line: the answers in time of a steady load in each interval, with a burst in its midst; none if there is no server."""
        try:
            run, end_s = self._run_with_burst(model, rule, capacity, retry, seed)
        except ServerError as error:
            run, end_s = load.LoadRun(None, str(error)), 0.0
        return {"rate": _STEADY * capacity, "interval_s": _INTERVAL_S, "burst_end_s": end_s,
                "per_interval": run.report["per_interval"] if run.report else [], "failed": run.failed}

    def _run_with_burst(self, model, rule, capacity, retry, seed):
        rate = _STEADY * capacity
        steady = self._impatient(rate, retry, f"--interval={_INTERVAL_S * 1000:.0f}ms", "--tell_counting")
        duration_s = _BEFORE_S + _BURST_S + _BEHIND_S
        with self._server(model, rule) as server:
            address = server.addresses[SERVICE]
            process = self._client.start(steady, address, duration_s, 0.5, seed)
            process.stderr.readline()  # It counts from now on.
            begun = time.monotonic()
            time.sleep(_BEFORE_S)
            added = self._impatient((_BURST - _STEADY) * capacity, retry, "--tell_counting")
            burst = self._client.start(added, address, _BURST_S, 0.0, seed + 1)
            burst.stderr.readline()  # Not before its program has started.
            time.sleep(_BURST_S)
            end_s = time.monotonic() - begun
            run = load.finish(process, duration_s)
            load.finish(burst, _BURST_S)
        return run, end_s


def with_rule(model, flags):
    return replace(model, flags=(*model.flags, *flags))


def seconds(time_text):
    """Of a time as the programs take it: "500ms"."""
    number = time_text.rstrip("mushn")
    try:
        return float(number) * _UNITS[time_text[len(number):]]
    except (KeyError, ValueError) as error:
        raise ValueError(f"'{time_text}' is no time such as 500ms or 2s") from error


def figures(run):
    """What a line has of a load.LoadRun. One without a report says nothing of the server: its goodput is None."""
    if run.report is None:
        return {"goodput": None, "p99_ms": None, "tries": 0, "refused": 0, "gave_up": 0, "failed_requests": 0, "due": 0,
                "failed": run.failed, "generator_was_the_limit": False, "is_in_doubt": True}
    tries, times = run.report["impatience"], run.report["service_ns"]
    has_fault = any(fault != _NOTHING_ANSWERED for fault in run.report.get("faults", []))
    # It has too few ports or descriptors for the connections that would be needed.
    lacks_connections = run.report["errors"]["not_connected"] > 0
    return {"goodput": run.report["replies_per_second"], "p99_ms": times["p99"] / 1e6 if times["count"] else None,
            "tries": tries["tries"], "refused": tries["refused"], "gave_up": tries["gave_up"], "failed_requests": tries["failed"],
            "due": run.report["due"], "failed": run.failed,
            "generator_was_the_limit": run.report["generator_was_the_limit"] or lacks_connections,
            "is_in_doubt": run.report["generator_was_the_limit"] or has_fault}


def model_of(name, server, known):
    """A subjects.Model by its name, which may have flags behind it."""
    return subjects.choose([name], server, known)[0]
