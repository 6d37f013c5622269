"""Lab: what experiments are made with: servers, loads, and comparisons in interleaved rounds. Remembers what it has
measured, so that statements about the same thing share it."""

import dataclasses
import random
import sys

from .. import machine, measure, statistics, subjects, summary, workloads
from ..load import Load
from .verdict import Ratio

ECHO = workloads.choose(["echo"])[0]
CHURN = workloads.choose(["churn"])[0]
COMPUTE = workloads.choose(["compute"])[0]
# Where all processors are there for the server, epoll would have a loop for each.
ONE_LOOP = "epoll --workers=1"


def echo_with(connections, size=64):
    return dataclasses.replace(ECHO, load=("--workload=echo", f"--size={size}"), connections=connections)


class Comparison:
    """Some subjects under one load, in rounds, the first of them measured twice."""

    def __init__(self, workload, lines, twin_of):
        self._workload = workload.name
        self._rounds = summary.Rounds(lines)
        self._twin_of = twin_of
        self.failures = sorted({f"{line['subject']}: {line['failed']}" for line in lines if line["failed"]})

    def values(self, name, metric):
        return self._rounds.values(name, self._workload, metric)

    def median(self, name, metric):
        """None where there was no good round."""
        interval = statistics.median_interval(list(self.values(name, metric).values()))
        return interval.median if interval else None

    def floor(self, metric):
        twin = statistics.ratio_interval(self.values(self._twin_of, metric),
                                         self.values(f"{self._twin_of} (again)", metric))
        return statistics.noise_floor([twin])

    def ratio(self, a, b, metric="throughput", what=None):
        interval = statistics.ratio_interval(self.values(a, metric), self.values(b, metric))
        if interval is None and self.failures:
            return Ratio(f"{what or metric} ({'; '.join(self.failures)})", None, None)
        return Ratio(what or f"{metric.replace('_', ' ')} of {a} over {b}", interval, self.floor(metric))

    def derived_ratio(self, what, metric, names, above, below):
        """The ratio of two values that are made of several subjects' ones, round by round.

        above, below  functions of a function that gives a named subject's value of the round
        """
        common = set.intersection(*(set(self.values(name, metric)) for name in names))

        def of(make):
            return {number: make(lambda name: self.values(name, metric)[number]) for number in common}
        return Ratio(what, statistics.ratio_interval(of(above), of(below)), self.floor(metric))


class Lab:
    """Where the experiments take place."""

    def __init__(self, built, known, scratch, logs, seconds, rounds, seed=1):
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

    def compare(self, names, workload, idle=0, all_cpus=False, rounds=None):
        """A Comparison of models; names may have flags behind them. Measured once for the same arguments."""
        key = (tuple(names), workload, idle, all_cpus)
        if key not in self._cache:
            chosen = [self.model(name) for name in names]
            self._cache[key] = self._measure([*chosen, chosen[0].again()], workload, idle, all_cpus,
                                             rounds or self.rounds)
        return self._cache[key]

    def measure(self, names, workload, rounds):
        """A Comparison of models as they are, none of them twice: for what has no need of a noise floor."""
        return self._measure([self.model(name) for name in names], workload, 0, False, rounds)

    def compare_subjects(self, chosen, workload, twin):
        """The same of subjects of any kind; the twin is the first one once more, named "... (again)"."""
        return self._measure([*chosen, twin], workload, 0, False, self.rounds)

    def _measure(self, everybody, workload, idle, all_cpus, rounds):
        setting = self.setting(workload.connections + idle, all_cpus)
        lines = []
        for number in range(1, rounds + 1):
            order = list(everybody)
            random.Random(f"{self._seed}/{number}").shuffle(order)
            for subject in order:
                say(f"round {number} of {rounds}: {workload.name}, {subject.name}")
                line = measure.measure(subject, workload, setting, self.client, self.seconds, self._seed + number, idle)
                lines.append({"round": number, "subject": subject.name, "workload": workload.name, **line})
        return Comparison(workload, lines, everybody[0].name)

    def in_rounds(self, what, ways, rounds=None):
        """name -> {round: value}, of functions that each give a value, measured in turn and in another order each round. A
        round in which one gives None is left out for it. Measured once for the same `what`."""
        if what not in self._cache:
            found = {name: {} for name in ways}
            for number in range(1, (rounds or self.rounds) + 1):
                order = list(ways)
                random.Random(f"{self._seed}/{number}").shuffle(order)
                for name in order:
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
