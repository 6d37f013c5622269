"""Lab: starts servers and loads for the experiments, and compares them in rounds. Statements about the same things share their
rounds."""

import dataclasses
import sys
import time

from .. import machine, order, subjects, workloads
from ..load import Load
from . import rounds
from .sliced import Entry, Sliced

ECHO, IDLE, CHURN, COMPUTE = workloads.choose(["echo", "idle", "churn", "compute"])
# If the server has all processors, epoll would have a loop for each.
ONE_LOOP = "epoll --workers=1"


def echo_with(connections, size=64, idle=0):
    """A workload of echoes of this size, beside idle connections."""
    if idle:
        return dataclasses.replace(IDLE, load=("--workload=idle", f"--size={size}", f"--idle={idle}"), connections=connections,
                                   idle=idle)
    return dataclasses.replace(ECHO, load=("--workload=echo", f"--size={size}"), connections=connections)


def beside(name, idle):
    """The name of a model that is measured beside this number of idle connections."""
    return f"{name} beside {idle:,} idle" if idle else name


class Lab:
    """Where the experiments take place."""

    def __init__(self, built, known, scratch, logs, seed, alpha):
        """alpha  the highest probability that anything said of one statement is wrong"""
        self._server = built.server
        self._known = known  # programs.models().
        self.cpus = machine.cpus()
        self.server_cpus, self.client_cpus = machine.split_cpus(self.cpus)
        self.client = Load(built.load.path, self.client_cpus)
        self.scratch = scratch
        self.root = f"{scratch}/files"
        self.alpha = alpha
        self._logs, self._seed = logs, seed
        self._series = {}
        self._deadline = None

    def allow(self, seconds):
        """From now on settle() begins no round later than this."""
        self._deadline = time.monotonic() + seconds

    def is_over(self):
        return self._deadline is not None and time.monotonic() > self._deadline

    def settle(self, questions):
        """A verdict.Part for each rounds.Question."""
        return rounds.settle(questions, self.alpha, self.is_over)

    def model(self, name):
        """A subject by its name, which may have flags behind it."""
        return subjects.choose([name], self._server, self._known)[0]

    def setting(self, connections=64, all_cpus=False):
        return subjects.Setting(self.root, self.cpus if all_cpus else self.server_cpus, self._logs, self.scratch,
                                connections)

    def server(self, name, services="echo", connections=64, all_cpus=False):
        """A running server, to be used as a context manager; services with commas between them."""
        return self.model(name).start(services, self.setting(connections, all_cpus))

    def compared(self, names, workload, all_cpus=False):
        """The Series of some models under one load."""
        return self._sliced(("compared", tuple(names), workload, all_cpus), lambda: {
            name: Entry(self.model(name), workload, self.setting(workload.held, all_cpus), all_cpus) for name in names})

    def compared_subjects(self, those, workload):
        """The same of subjects of any kind."""
        return self._sliced(("subjects", tuple(subject.name for subject in those), workload), lambda: {
            subject.name: Entry(subject, workload, self.setting(workload.held)) for subject in those})

    def beside_idle(self, names, idle):
        """The Series of echoes on 64 connections beside each of these numbers of idle ones. Its names: beside()."""
        loads = {number: echo_with(64, idle=number) for number in idle}
        return self._sliced(("beside", tuple(names), tuple(idle)), lambda: {
            beside(name, number): Entry(self.model(name), load, self.setting(load.held))
            for number, load in loads.items() for name in names})

    def _sliced(self, key, entries):
        if key not in self._series:
            self._series[key] = rounds.Series(Sliced(entries(), self.client, self._seed, say))
        return self._series[key]

    def in_turns(self, what, ways):
        """The Series of functions that measure something, in another order each round.

        ways  name -> function: it takes the round's number, and returns {Figure.key: value}, or a text that says why it failed
        """
        def measure(names, number):
            say(f"round {number + 1}: {what}, {', '.join(names)}")
            return {name: ways[name](number) for name in order.rounds(names, 1, self._seed + number)[0]}
        return self._series.setdefault(what, rounds.Series(measure))


def await_work(server, seconds, patience_s=10.0):
    """Blocks until a server has used this much processor time from now on. Whether it did so in time."""
    before, deadline = sum(server.cpu_times()), time.monotonic() + patience_s
    while sum(server.cpu_times()) < before + seconds:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


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
