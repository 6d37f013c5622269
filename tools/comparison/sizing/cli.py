"""tools/advise --workers, from its command line to its answer."""

import argparse
import dataclasses
import json
import math
import os
import random
import secrets
import sys
import tempfile

from .. import connections, machine, programs, runner, subjects, wording
from ..load import Load as Generator
from ..processes import ServerError
from ..progress import Progress, duration
from . import judge, measure

DONE, NO, USAGE, INTERRUPTED = 0, 1, 2, 130
_MOST_WORKERS = 1016  # The server takes 1,024.
_MOST_STEPS = 3  # Sizes that are tried between others.
_OTHERS = ("epoll", "thread")  # Nobody has to choose how many workers these have.
_START_S = 0.6
_DISTURBED = 0.1  # Of a processor, by other programs: worth a word.
_WAITS = 5  # A measurement is so many times as long as a request waits, at least.


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def parser():
    options = argparse.ArgumentParser(
        prog="tools/advise --workers",
        description="Says how many workers a pool needs for a load: what Little's law expects, and what is measured, by requests that compute "
        "and wait; and when a pool is the wrong answer.",
        epilog=f"Exit status: {DONE} there is an answer; {NO} a pool is the wrong one, or no size carries the load; {USAGE} wrong usage.")
    add = options.add_argument
    add("--workers", action="store_true", help="ask for the number of workers")
    add("--rate", type=float, required=True, metavar="R", help="requests a second")
    add("--cpu_us", type=float, required=True, metavar="C", help="processor time of a request, in microseconds")
    add("--wait_ms", type=int, required=True, metavar="W", help="how long a request waits beside that, as for a database, in milliseconds")
    add("--conns", type=int, default=0, metavar="N", help="connections that clients keep open; 0: each request has its own")
    add("--model", default="threadpool", help="the pool, with flags of its own behind its name: threadpool or prefork; threadpool")
    add("--rounds", type=int, default=3, help="how often each size is measured; the median counts; 3")
    add("--seconds", type=float, default=2.0, help="of each measurement; 2")
    add("--seed", type=int, help="of the times of requests, and of the order of sizes; another one in each run")
    add("--json", action="store_true", help="print JSON: what was expected, measured, and found")
    add("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    add("--allow_any_build", action="store_true", help="also measure a build that is not optimized; for tests")
    return options


def check(options):
    """The judge.Load that was described. Raises UsageError."""
    if not all(map(math.isfinite, (options.rate, options.cpu_us, options.seconds))):
        raise UsageError("--rate, --cpu_us and --seconds are finite numbers")
    if options.rate <= 0 or options.cpu_us < 0 or options.wait_ms < 0 or options.cpu_us + options.wait_ms <= 0:
        raise UsageError("--rate is more than 0, and so is one of --cpu_us and --wait_ms at least")
    if options.rounds < 1 or options.seconds <= 0 or options.conns < 0:
        raise UsageError("--rounds and --seconds are more than 0, --conns not less than 0")
    return judge.Load(options.rate, options.cpu_us, options.wait_ms, options.conns)


def choose_pool(name, server, known):
    """The subjects.Model of a pool."""
    (model,) = subjects.choose([name], server, known)
    if model.traits["silent"] != "one of N" or "threads" in model.traits["flags"]:
        pools = [one for one, traits in known.items() if traits["silent"] == "one of N" and "threads" not in traits["flags"]]
        raise UsageError(f"--model: {model.model} is no pool whose workers serve one client each; there are {', '.join(pools)}")
    if any("workers" in flag for flag in model.flags):
        raise UsageError("--model: how many workers it has is what is asked for; leave that out")
    return model


class Trial:
    """Measures sizes and other models, in rounds."""

    def __init__(self, bench, pool, others, work, options, seconds):
        self._bench, self._pool, self._others, self._work, self._options = bench, pool, others, work, options
        self.lines = []  # As measured: {"workers" or None, "model", "round", ...}.
        self._each_s = seconds + measure.warm_up_s(work) + _START_S

    def expected_s(self, number):
        return number * self._options.rounds * self._each_s

    def measure(self, sizes, others, progress):
        """In each round all of them, in an order of its own: what changes on the machine meanwhile is to meet each."""
        subjects_there = [(size, measure.pool(self._pool, size)) for size in sizes] + [(None, other) for other in others]
        for number in range(self._options.rounds):
            chance = random.Random(f"{self._options.seed}/{number}/{sizes}")
            for size, model in chance.sample(subjects_there, len(subjects_there)):
                progress.begin(f"round {number + 1}: {model.name}")
                found = self._bench.at(model, self._work, self._options.seed + 10 * number)
                self.lines.append({"workers": size, "model": model.name, "round": number, **found})
                progress.end(self._each_s)

    def points(self):
        """{size: judge.Point}."""
        sizes = sorted({line["workers"] for line in self.lines if line["workers"] is not None})
        return {size: judge.point([line for line in self.lines if line["workers"] == size]) for size in sizes}

    def others(self):
        """{name: judge.Point}."""
        return {other.name: judge.point([line for line in self.lines if line["model"] == other.name]) for other in self._others}

    def run(self, load):
        sizes = judge.sizes(load, _MOST_WORKERS)
        expected_s = self.expected_s(len(sizes) + len(self._others) + _MOST_STEPS)
        print(f"advise: {duration(expected_s)} at most", file=sys.stderr)
        progress = Progress(expected_s)
        try:
            self.measure(sizes, self._others, progress)
            for _ in range(_MOST_STEPS):
                size = judge.next_size(self.points())
                if size is None:
                    break
                self.measure([size], [], progress)
        finally:
            progress.clear()


def _measured(load, points, others):
    """The load with the processor time that requests took: that of the pools that carried it."""
    there = [one.cpu_us for one in (*points.values(), *others.values()) if one.carries]
    return dataclasses.replace(load, cpu_us=sorted(there)[len(there) // 2]) if there else load


def _run(options, load, scratch):
    """What JSON has."""
    built = programs.obtain(options.bin)
    if built.faults() and not options.allow_any_build:
        raise programs.BuildError(f"{'; '.join(built.faults())}: measuring it would say nothing")
    known = programs.models(built.server)
    pool = choose_pool(options.model, built.server, known)
    others = subjects.choose([name for name in _OTHERS if name in known], built.server, known)
    server_cpus, client_cpus = machine.split_cpus(machine.cpus())
    descriptors = connections.raise_descriptor_limit()
    os.makedirs(f"{scratch}/logs")
    setting = subjects.Setting(scratch, server_cpus, f"{scratch}/logs", scratch, min(20_000, (descriptors - 500) // 2))
    seconds = max(options.seconds, _WAITS * load.wait_ms / 1e3)
    bench = measure.Bench(Generator(built.load.path, client_cpus), setting, seconds)
    impossible = load.processors >= len(server_cpus) or load.busy > _MOST_WORKERS
    primes, connection_us = (None, None) if impossible else bench.calibrate(others[0], load.cpu_us, load.wait_ms > 0)
    found = {"asked": dataclasses.asdict(load), "model": pool.name, "processors": len(server_cpus), "primes": primes,
             "connection_us": connection_us, "seed": options.seed, "machine": machine.describe()}
    trial = Trial(bench, pool, others, measure.Work(load.rate, load.wait_ms, primes), options, seconds)
    if not impossible:
        trial.run(load)
    points, of_others = trial.points(), trial.others() if trial.lines else {}
    load = _measured(load, points, of_others)
    answer = judge.answer(load, len(server_cpus), points, of_others, _MOST_WORKERS)
    return {**found, "load": dataclasses.asdict(load), "busy": load.busy, "processors_busy": load.processors, "wait_share": load.wait_share,
            "keeps_busy": load.keeps_busy(len(server_cpus)), "answer": dataclasses.asdict(answer),
            "sizes": {str(size): dataclasses.asdict(one) for size, one in points.items()},
            "others": {name: dataclasses.asdict(one) for name, one in of_others.items()}, "lines": trial.lines}


def text(found):
    """For a person."""
    load, answer = found["load"], found["answer"]
    processors = f"{found['processors']} processor{'' if found['processors'] == 1 else 's'}"
    yield (f"{load['rate']:,g} requests a second, {load['cpu_us']:,.0f} us of processor time and {load['wait_ms']:g} ms of waiting each "
           f"({100 * found['wait_share']:.0f} % of its time), on {processors}, under {found['model']}:\n")
    if answer["workers"] is not None and not answer["is_wrong"]:
        few = f"; {answer['too_few']} are too few" if answer["too_few"] is not None else ""
        yield (f"take --workers={answer['workers']}: the least number that was tried with which requests take no longer, on average, "
               f"than with any other, within {100 * judge.WITHIN:.0f} %{few}.")
    elif answer["is_wrong"]:
        yield "a pool is the wrong answer."
    yield from answer["sentences"]
    if found["asked"]["cpu_us"] and found["primes"] == 0:
        yield f"A connection alone takes {found['connection_us']:.0f} us of processor time here, so that less cannot be measured."
    disturbed = [line["others"] for line in found["lines"] if (line["others"] or 0) > _DISTURBED]
    if disturbed:
        yield (f"To doubt: in {len(disturbed)} of {len(found['lines'])} measurements other programs took up to {max(disturbed):.1f} processors.")
    yield (f"By Little's law {found['busy']:.1f} workers are busy at a time, and {found['processors_busy']:.2f} processors."
           + (f" {found['keeps_busy']:.0f} workers could keep {processors} busy (processors x (1 + wait / computing))." if found["keeps_busy"] else ""))
    if found["sizes"]:
        yield ""
        yield from wording.align([("", "carried", "mean ms", "p99 ms", "CPU us"), *map(_row, (*found["sizes"].items(), *found["others"].items()))])
        yield ("\ncarried  rounds in which the rate was reached, without errors\n"
               "p99      if requests compute and wait: that of either part, added; no more than 2 % of requests take longer")
        for name, one in (*found["sizes"].items(), *found["others"].items()):
            if one["why"]:
                yield f"mark     {name}: {one['why']}"


def _row(entry):
    name, one = entry
    return (f"{name} workers" if name.isdigit() else name, f"{one['carried']}/{one['rounds']}", *(wording.grouped(one[part]) for part in
                                                                                                ("mean_ms", "p99_ms", "cpu_us")))


def main(arguments):
    runner.make_interruptible()
    options = parser().parse_args(arguments)
    options.seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    try:
        load = check(options)
        with tempfile.TemporaryDirectory(prefix="polyserve-advise-") as scratch:
            os.chmod(scratch, 0o755)
            found = _run(options, load, scratch)
    except KeyboardInterrupt:
        print("advise: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (UsageError, subjects.UnknownSubject, programs.BuildError, ServerError) as error:
        print(f"advise: {error}", file=sys.stderr)
        return USAGE
    print(json.dumps(found) if options.json else "\n".join(text(found)))
    return NO if found["answer"]["is_wrong"] or found["answer"]["workers"] is None else DONE
