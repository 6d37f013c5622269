"""tools/compare overload, from its command line to its exit status."""

import argparse
import datetime
import os
import random
import secrets
import sys
import tempfile
from dataclasses import asdict, dataclass

from .. import machine, programs, runner, store, subjects, workloads
from ..connections import raise_descriptor_limit
from ..load import Load
from ..processes import ServerError
from ..progress import Progress, duration
from . import judge, measure, text

DONE, USAGE, INTERRUPTED = 0, 2, 130
RETRIES = ("none", "at_once", "backoff")
POINTS, BURSTS = "overload", "bursts"  # Kinds of lines.
_MODELS = "thread,threadpool,halfsync,epoll"
_POOL = 8  # Clients at a time that a pool is made for; it gets some workers more (subjects.SPARE_WORKERS).
_START_S = 0.7  # Beside what is measured: the server's start and end, and the last clients.


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


@dataclass(frozen=True)
class Part:
    """What was found of one model with one kind of clients."""

    retry: str
    points: dict  # rule -> [judge.Point].
    recovery: dict  # rule -> seconds, or None.
    verdict: judge.Verdict  # None if no rule was measured whole.
    failures: dict  # (rule, factor) -> why it was not measured.


@dataclass(frozen=True)
class Result:
    name: str
    capacity: float
    give_up: str
    parts: list


def parser():
    options = argparse.ArgumentParser(
        prog="tools/compare overload", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="What a model does when more arrives than it can serve. Measures its capacity, then what it answers in time at "
        "multiples of that, under each rule of --overload that it has, with clients that give up; and how long it takes to recover "
        "from a burst. Says which rule is right for which model.",
        epilog="Exit status: 0 if it was measured, 2 if it cannot be, 130 after Ctrl-C, which keeps what was measured.")
    add = options.add_argument
    add("--models", default=_MODELS, help="comma-separated; each may have flags of its own behind its name")
    add("--factors", default="0.5,0.8,1,1.2,1.5,2", help="the rates, as multiples of the capacity")
    add("--retry", default="none,at_once", help=f"what clients do that were refused, or have given up; of {', '.join(RETRIES)}")
    add("--give_up", default="500ms", help="how long a client waits in a try")
    add("--primes", type=int, default=20000, help="each request: the sum of the primes below this number")
    add("--seconds", type=float, default=2.0, help="of each measurement")
    add("--rounds", type=int, default=1, help="how often all of it is measured; the median counts")
    add("--seed", type=int, help="of the requests' times; another one in each run, and recorded")
    add("--out", help="the folder for the data; results/overload-DATE")
    add("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    add("--allow_any_build", action="store_true", help="also measure a build that is not optimized; for tests")
    return options


def _numbers(name, words, least):
    try:
        found = sorted({float(word) for word in words.split(",")})
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from error
    if not found or found[0] < least:
        raise UsageError(f"--{name}: each is {least} at least")
    return found


def _retries(words):
    found = subjects.split(words)
    for word in found:
        if word not in RETRIES:
            raise UsageError(f"--retry: there is no '{word}'; there are {', '.join(RETRIES)}")
    return found


def check(options):
    """The factors and the kinds of clients."""
    if options.rounds < 1 or options.seconds <= 0 or options.primes < 1:
        raise UsageError("--rounds, --seconds and --primes are above 0")
    try:
        measure.seconds(options.give_up)
    except ValueError as error:
        raise UsageError(f"--give_up: {error}") from error
    return _numbers("factors", options.factors, 0.01), _retries(options.retry)


class Run:
    """Measures all of it, and keeps each line at once."""

    def __init__(self, bench, work, folder, factors, retries, options):
        self._work = work
        self._bench, self._folder, self._options = bench, folder, options
        self._factors, self._retries = factors, retries
        self.capacities = {}

    def expected_s(self, rules):
        of_a_rule = len(self._retries) * (sum(map(self._point_s, self._factors)) + 7.5 + _START_S)
        return self._options.rounds * sum(len(those) * of_a_rule + self._options.seconds for those in rules.values())

    def _point_s(self, factor):
        return self._options.seconds + self._work.warm_up_s(factor) + _START_S

    def measure(self, models, rules):
        progress = Progress(self.expected_s(rules))
        try:
            for number in range(self._options.rounds):
                for model in models:
                    self._measure_model(model, rules[model.name], number, progress)
        finally:
            progress.clear()

    def _measure_model(self, model, rules, number, progress):
        seed = self._options.seed + 1000 * number
        try:
            self._measure_rules(model, rules, number, seed, progress)
        except ServerError as error:
            print(f"compare: the rest of {model.name} is left out: {error}", file=sys.stderr)

    def _measure_rules(self, model, rules, number, seed, progress):
        progress.begin(f"capacity: {model.name}")
        capacity, failed = self._bench.capacity(model, seed)
        progress.end(self._options.seconds)
        if not capacity:
            print(f"compare: {model.name} is left out, since it answers nothing: {failed}", file=sys.stderr)
            return
        self.capacities.setdefault(model.name, []).append(capacity)
        order = random.Random(seed)  # What changes on the machine meanwhile is to meet each rule.
        for retry in self._retries:
            for rule in order.sample(rules, len(rules)):
                key = {"model": model.name, "rule": rule, "retry": retry, "round": number}
                for factor in self._factors:
                    progress.begin(f"{model.name}, {rule}, {retry}, {factor:g}x")
                    line = self._bench.at(model, rule, capacity, factor, retry, seed)
                    self._folder.append(POINTS, {**key, "factor": factor, **line})
                    progress.end(self._point_s(factor))
                progress.begin(f"{model.name}, {rule}, {retry}, a burst")
                self._folder.append(BURSTS, {**key, **self._bench.burst(model, rule, capacity, retry, seed)})
                progress.end(7.5 + _START_S)


def results(names, capacities, points, bursts, give_up):
    """A Result for each model of which there is something, of the lines that were measured."""
    return [Result(name, sorted(capacities[name])[len(capacities[name]) // 2], give_up, list(_parts(name, points, bursts)))
            for name in names if name in capacities]


def _parts(name, points, bursts):
    for retry in dict.fromkeys(line["retry"] for line in points if line["model"] == name):
        found, recovery, failures = {}, {}, {}
        of_part = [line for line in points if (line["model"], line["retry"]) == (name, retry)]
        for rule in sorted({line["rule"] for line in of_part}, key=list(measure.RULES).index):
            by_factor = {}
            for line in of_part:
                if line["rule"] == rule:
                    by_factor.setdefault(line["factor"], []).append(line)
            found[rule] = []
            for factor, lines in sorted(by_factor.items()):
                measured = [line for line in lines if line["goodput"] is not None]
                if measured:
                    found[rule].append(judge.point(factor, measured))
                else:
                    failures[rule, factor] = lines[-1]["failed"]
            recovery[rule] = _recovery([line for line in bursts if (line["model"], line["retry"], line["rule"]) == (name, retry, rule)])
        # A run that was broken off has a rule with fewer points than others, and one that has failed lacks a point: such a rule is
        # left out, since a figure that is missing says nothing.
        most = len({line["factor"] for line in of_part})
        found = {rule: those for rule, those in found.items() if len(those) == most}
        yield Part(retry, found, recovery, judge.judge(found) if found else None, failures)


def _recovery(lines):
    """Of the rounds the longest; None if one has not recovered, or if there is none."""
    each = [judge.recovery_s(line["per_interval"], line["interval_s"], line["rate"], line["burst_end_s"]) for line in lines]
    return None if not each or None in each else max(each)


def as_json(found):
    """For JSON, which has no pairs as keys."""
    models = [asdict(result) for result in found]
    for part in (part for model in models for part in model["parts"]):
        part["failures"] = [{"rule": rule, "factor": factor, "why": why} for (rule, factor), why in part["failures"].items()]
    return models


def _describe(options, built):
    return {"schema": store.SCHEMA, "kind": "overload", "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "git": programs.revision(), "machine": machine.describe(), "sysctls": machine.sysctls(), "seed": options.seed,
            "programs": {"server": built.server.as_json(), "load": built.load.as_json()},
            "options": {name: getattr(options, name) for name in ("models", "factors", "retry", "give_up", "primes", "seconds", "rounds")}}


def _run(options, folder, scratch):
    """(what was found, whether Ctrl-C did not end it)."""
    factors, retries = check(options)
    built = programs.obtain(options.bin)
    if built.faults() and not options.allow_any_build:
        raise programs.BuildError(f"{'; '.join(built.faults())}: measuring it would say nothing")
    folder.write_run(_describe(options, built))
    os.makedirs(f"{scratch}/files")
    workloads.make_files(f"{scratch}/files")
    server_cpus, client_cpus = machine.split_cpus(machine.cpus())
    setting = subjects.Setting(f"{scratch}/files", server_cpus, folder.path("logs"), scratch, _POOL)
    work = measure.Work(options.primes, options.give_up, options.seconds)
    bench = measure.Bench(Load(built.load.path, client_cpus), setting, work)
    known = programs.models(built.server)
    models = subjects.choose(subjects.split(options.models), built.server, known)
    rules = {model.name: bench.rules_of(model) for model in models}
    run = Run(bench, work, folder, factors, retries, options)
    print(f"compare: {len(models)} models, {duration(run.expected_s(rules))}", file=sys.stderr)
    is_complete = True
    try:
        run.measure(models, rules)
    except KeyboardInterrupt:
        is_complete = False
    return results([model.name for model in models], run.capacities, folder.lines(POINTS), folder.lines(BURSTS),
                   options.give_up), is_complete


def main(arguments):
    runner.make_interruptible()
    options = parser().parse_args(arguments)
    options.seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    raise_descriptor_limit()
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    try:
        check(options)
        folder = store.Store.create(options.out or os.path.join(programs.REPOSITORY, "results", f"overload-{now}"))
        with tempfile.TemporaryDirectory(prefix="polyserve-overload-") as scratch:
            found, is_complete = _run(options, folder, scratch)
    except KeyboardInterrupt:  # Before there was anything to judge.
        print("compare: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (UsageError, subjects.UnknownSubject, programs.BuildError, store.StoreError, ServerError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return USAGE
    folder.write_summary({"schema": store.SCHEMA, "models": as_json(found)})
    if not found:
        print("compare: nothing was measured", file=sys.stderr)
        return USAGE if is_complete else INTERRUPTED
    print(text.text(found))
    print(f"\nEverything is in {folder.folder}.")
    if not is_complete:
        print("compare: interrupted: this is what was measured until then", file=sys.stderr)
        return INTERRUPTED
    return DONE
