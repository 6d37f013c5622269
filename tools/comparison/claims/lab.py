"""Lab: what experiments are made with: servers, loads, and comparisons in interleaved rounds. Remembers what it has
measured, so that statements about the same thing share it."""

import dataclasses
import re
import sys

from .. import inference, machine, measure, metrics, order, statistics, subjects, summary, workloads
from ..load import Load
from .verdict import Ratio

ECHO = workloads.choose(["echo"])[0]
CHURN = workloads.choose(["churn"])[0]
COMPUTE = workloads.choose(["compute"])[0]
# Where all processors are there for the server, epoll would have a loop for each.
ONE_LOOP = "epoll --workers=1"
# What a request costs the server's processors: right also where the client is too slow to find out how many it serves.
CPU = "cpu_us_per_request"
# A round in which others took more of one processor than this, in percent, is left out where enough are left.
_MOST_TAKEN = 25
_TAKEN = re.compile(r"(?:other programs|the host) took (\d+) %")


def echo_with(connections, size=64):
    return dataclasses.replace(ECHO, load=("--workload=echo", f"--size={size}"), connections=connections)


def beside(name, idle):
    """What a model is called that is measured beside so many idle connections."""
    return f"{name} beside {idle:,} idle" if idle else name


def p99_ms(run):
    """The 99th percentile of a load.LoadRun; None where its figures are worth nothing. A rate that was not reached spoils
    a throughput, but not these times: each counts from when its request was due, and none is missing."""
    faults = run.report.get("faults", []) if run.report else []
    if run.failed and not (faults and all(fault.startswith("the rate was not reached") for fault in faults)):
        return None
    return run.report["response_ns"]["p99"] / 1e6


def _is_disturbed(line):
    return any(int(taken) > _MOST_TAKEN for mark in line["marks"] for taken in _TAKEN.findall(mark))


class Comparison:
    """Some subjects under one load, in rounds."""

    def __init__(self, workload, lines):
        self._workload = workload.name
        self._rounds = summary.Rounds(lines)
        self.failures = sorted({f"{line['subject']}: {line['failed']}" for line in lines if line["failed"]})

    def together(self, names, metric):
        """({name: {round: value}}, how many rounds were left out): of the rounds that were good for all of them, without
        those in which others took much processor time from one of them, as long as enough are left."""
        found = {name: self._rounds.values(name, self._workload, metric) for name in names}
        common = set.intersection(*map(set, found.values()))
        disturbed = {line["round"] for name in names for line in self._rounds.of(name, self._workload)
                     if _is_disturbed(line)}
        kept = common - disturbed
        if len(kept) < inference.LEAST_ROUNDS:
            kept = common
        return ({name: {number: values[number] for number in sorted(kept)} for name, values in found.items()},
                len(common) - len(kept))

    def values(self, name, metric):
        return self.together([name], metric)[0][name]

    def median(self, name, metric):
        """None where there was no good round."""
        interval = statistics.median_interval(list(self.values(name, metric).values()))
        return interval.median if interval else None

    def client_was_the_limit(self, name):
        """Whether its throughput is but what it can do at least: so in half of the good rounds, or more."""
        marks = [line["marks"] for line in self._rounds.of(name, self._workload) if line["failed"] is None]
        return 2 * sum(metrics.CLIENT_WAS_THE_LIMIT in of_round for of_round in marks) >= max(1, len(marks))

    def ratio(self, a, b, metric="throughput", what=None):
        found, left_out = self.together([a, b], metric)
        interval = statistics.ratio_interval(found[a], found[b])
        if interval is None and self.failures:
            return Ratio(f"{what or metric} ({'; '.join(self.failures)})", None)
        limited = [name for name in (a, b) if metric == "throughput" and self.client_was_the_limit(name)]
        notes = [f"the client was the limit for {' and '.join(limited)}"] if limited else []
        return Ratio(what or f"{metric.replace('_', ' ')} of {a} over {b}", interval, a in limited,
                     b in limited, (*notes, *_left_out(left_out)))

    def derived_ratio(self, what, metric, names, above, below):
        """The ratio of two values that are made of several subjects' ones, round by round.

        above, below  functions of a function that gives a named subject's value of the round
        """
        found, left_out = self.together(names, metric)

        def of(make):
            return {number: make(lambda name: found[name][number]) for number in found[names[0]]}
        return Ratio(what, statistics.ratio_interval(of(above), of(below)), notes=_left_out(left_out))


def _left_out(rounds):
    """Of a Ratio's notes."""
    number = "1 round" if rounds == 1 else f"{rounds} rounds"
    return (f"{number} left out, as others took processor time",) if rounds else ()


class Lab:
    """Where the experiments take place."""

    def __init__(self, built, known, scratch, logs, seconds, rounds, seed):
        self._server = built.server
        self.known = known  # programs.models().
        self.cpus = machine.cpus()
        self.server_cpus, self.client_cpus = machine.split_cpus(self.cpus)
        self.client = Load(built.load.path, self.client_cpus)
        self.scratch = scratch
        self.root = f"{scratch}/files"
        self._logs = logs
        self.seconds, self.rounds, self._seed = seconds, rounds, seed
        self._cache = {}

    def model(self, name):
        return subjects.choose([name], self._server, self.known)[0]

    def setting(self, connections=64, all_cpus=False):
        return subjects.Setting(self.root, self.cpus if all_cpus else self.server_cpus, self._logs, self.scratch,
                                connections)

    def server(self, name, services="echo", connections=64, all_cpus=False):
        """A running server, to be used as a context manager; services with commas between them."""
        return self.model(name).start(services, self.setting(connections, all_cpus))

    def compare(self, names, workload, idle=(0,), all_cpus=False, rounds=None):
        """A Comparison of models; names may have flags behind them. Measured once for the same arguments.

        idle  each model is measured beside each of these numbers of idle connections, and called beside(name, number)
        """
        rounds = rounds or self.rounds
        key = (tuple(names), workload, idle, all_cpus, rounds)
        if key not in self._cache:
            everybody = [(dataclasses.replace(self.model(name), name=beside(name, number)), number)
                         for number in idle for name in names]
            self._cache[key] = self._measure(everybody, workload, all_cpus, rounds)
        return self._cache[key]

    def measure(self, names, workload, rounds):
        """A Comparison of models, which is not remembered."""
        return self._measure([(self.model(name), 0) for name in names], workload, False, rounds)

    def compare_subjects(self, chosen, workload):
        """The same of subjects of any kind."""
        return self._measure([(subject, 0) for subject in chosen], workload, False, self.rounds)

    def _measure(self, everybody, workload, all_cpus, rounds):
        """everybody  [(subject, how many idle connections it has beside the active ones)]"""
        setting = self.setting(workload.connections + max(idle for _, idle in everybody), all_cpus)
        lines = []
        for number, those in enumerate(order.rounds(everybody, rounds, self._seed), start=1):
            for subject, idle in those:
                say(f"round {number} of {rounds}: {workload.name}, {subject.name}")
                line = measure.measure(subject, workload, setting, self.client, self.seconds, self._seed + number, idle)
                lines.append({"round": number, "subject": subject.name, "workload": workload.name, **line})
        return Comparison(workload, lines)

    def in_rounds(self, what, ways, rounds=None):
        """name -> {round: value}, of functions that each give a value, measured in turn and in another order each round. A
        round in which one gives None is left out for it. Measured once for the same `what`."""
        if what not in self._cache:
            found = {name: {} for name in ways}
            for number, those in enumerate(order.rounds(ways, rounds or self.rounds, self._seed), start=1):
                for name in those:
                    say(f"round {number} of {rounds or self.rounds}: {what}, {name}")
                    value = ways[name]()
                    if value is not None:
                        found[name][number] = value
            self._cache[what] = found
        return self._cache[what]

    def load(self, address, *flags, seconds=None, cpus=None):
        """One run of the load generator: a load.LoadRun."""
        client = Load(self.client.program, cpus) if cpus else self.client
        return client.run(list(flags), address, seconds or self.seconds)


def say(text):
    """What is going on, on a terminal alone."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K  " + text[:100])
        sys.stderr.flush()


def clear():
    """Takes the line away that say() has written."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
