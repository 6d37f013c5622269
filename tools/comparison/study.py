"""The study behind the instrument: how noise behaves on this machine, and how tight an answer each way to measure gives in the same
time. A server is compared with itself, so that every difference is the instrument's. `python3 -m comparison.study` (in tools/)
takes half an hour; docs/benchmarks.md shows what came of it.

Sources: D. Allan, "Statistics of atomic frequency standards", 1966 (a deviation for each length of time); L. Bulej et al., "Duet
benchmarking", 2020 (both at the same moment); T. Kalibera and R. Jones, 2013.
"""

import argparse
import contextlib
import functools
import json
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from . import connections, machine, measure, order, programs, resident, slices, subjects, workloads
from .load import Load

SCHEMA = 1  # Of the file that --out writes: study.json, if it lies in a result folder.
_WORKLOADS = ("echo", "http")
_INTERVAL_S = 0.005  # The shortest time of which the deviation is told.
_SLICES_S = (0.05, 0.1, 0.2, 0.5)
_FRESH_S = 0.6
_TURNS = 6
# The rate of the measurement at a fixed rate, as a share of what the server can do.
_SHARE_OF_CAPACITY = 0.6


@dataclass(frozen=True)
class Scene:
    """What all measurements of the study have in common."""

    server: object  # programs.Program
    load: Load
    setting: object  # connections -> subjects.Setting
    model: str
    minutes: float  # For each way to measure,
    noise_minutes: float  # and for the one long run.

    def subject(self, name="a"):
        return subjects.Model(name, self.model, (), self.server.path, programs.models(self.server)[self.model])


def allan_deviations(counts, interval_s):
    """{seconds: deviation, as a share of the mean}: of means over neighbouring stretches of so many seconds. Lengths double."""
    mean = statistics.fmean(counts)
    found, length = {}, 1
    while len(counts) >= 4 * length:
        stretches = [statistics.fmean(counts[at:at + length]) for at in range(0, len(counts) - length + 1, length)]
        squares = [(after - before)**2 for before, after in zip(stretches, stretches[1:])]
        found[round(length * interval_s, 6)] = math.sqrt(statistics.fmean(squares) / 2) / mean
        length *= 2
    return found


def spread(logs):
    """A robust standard deviation: a few stalls must not be all of it."""
    if len(logs) < 4:
        return None
    quartiles = statistics.quantiles(logs, n=4)
    return (quartiles[2] - quartiles[0]) / 1.349


def half_width(logs, each_s, minutes=20.0):
    """Half of the 95 % interval of the ratio that so many minutes would give, if each of these logarithms took so many seconds."""
    deviation = spread(logs)
    return None if deviation is None else 1.96 * deviation / math.sqrt(60 * minutes / each_s)


def noise(scene, workload):
    """Allan deviations of one long run; and the share of a processor that others, and the host, took meanwhile."""
    with scene.subject().start(workload.service, scene.setting(workload)) as server:
        flags = [*workload.load_flags(server.addresses, scene.setting(workload).root), f"--interval={_INTERVAL_S:g}s"]
        run, first, last = scene.load.run_looking(flags, workload.server(server.addresses), 60 * scene.noise_minutes, 1.0, 1,
                                                  lambda client: measure.Moment.now(server, client, scene.load.cpus))
    if run.failed:
        raise RuntimeError(run.failed)
    used = last.since(first)
    return {"allan": allan_deviations(run.report["per_interval"], _INTERVAL_S), "seconds": run.report["seconds"],
            "others_share": round(used.others / used.time, 4), "host_share": round(used.host / used.time, 4)}


def fresh(scene, workload, number):
    """The logarithm of A over B, of one round: a server for each measurement, A, B, then B, A."""
    rates = {}
    for name in ("ab", "ba")[number % 2]:
        line = measure.measure(scene.subject(name), workload, scene.setting(workload), scene.load, _FRESH_S, number)
        rates[name] = line["load"]["replies_per_second"]
    return math.log(rates["a"] / rates["b"])


def staying(scene, workload, number, slice_s, rate=None, figure="replies_per_second"):
    """The same of servers that stay for a round, measured in turns, a slice at a time."""
    setting = scene.setting(workload)
    with contextlib.ExitStack() as stack:
        pair = {name: stack.enter_context(resident.Resident(scene.subject(name), workload, setting, scene.load, number)) for name in "ab"}
        values = {name: {} for name in pair}
        for turn, names in enumerate(order.rounds("ab", _TURNS, number)):
            for name in names:
                values[name][turn] = pair[name].slice(slice_s, rate).shown()[figure]
    found = slices.steady(values)
    return math.log(found["a"] / found["b"])


def duet(scene, workload, number, cpus):
    """Both at the same moment, each server with its client on a processor of its own; then the processors are swapped."""
    found = {"a": [], "b": []}
    for places in (cpus, cpus[::-1]):
        rates = {}

        def play(name, cpu):
            setting = scene.setting(workload, (cpu,))
            with resident.Resident(scene.subject(name), workload, setting, Load(scene.load.program, (cpu,)), number) as one:
                both_are_there.wait()
                rates[name] = one.slice(_FRESH_S).report["replies_per_second"]
                both_are_there.wait()
        both_are_there = threading.Barrier(2)
        players = [threading.Thread(target=play, args=player) for player in zip("ab", places)]
        for player in players:
            player.start()
        for player in players:
            player.join()
        for name, value in rates.items():
            found[name].append(math.log(value))
    return statistics.fmean(found["a"]) - statistics.fmean(found["b"])


def _capacity(scene, workload):
    with resident.Resident(scene.subject(), workload, scene.setting(workload), scene.load, 1) as one:
        return statistics.median(one.slice(0.2).report["replies_per_second"] for _ in range(5))


def ways(scene, workload, cpus):
    """name -> function that measures a round of this number in this way."""
    measure_in = functools.partial
    rate = _SHARE_OF_CAPACITY * _capacity(scene, workload)
    found = {
        "fresh servers": measure_in(fresh, scene, workload),
        **{f"slices of {1000 * slice_s:.0f} ms": measure_in(staying, scene, workload, slice_s=slice_s) for slice_s in _SLICES_S},
        "slices of 50 ms, processor time": measure_in(staying, scene, workload, slice_s=0.05, figure="cpu_us_per_request"),
        "slices of 50 ms, processor time at a rate":
            measure_in(staying, scene, workload, slice_s=0.05, rate=rate, figure="cpu_us_per_request"),
    }
    return found | ({"duet": measure_in(duet, scene, workload, cpus=cpus[:2])} if len(cpus) > 1 else {})


def interleaved(these, minutes, now=time.monotonic):
    """{name: (logarithms, seconds each)}. The ways take turns, so that a bad minute of the machine is one for all of them; each
    gets so many minutes."""
    logs, spent = {name: [] for name in these}, dict.fromkeys(these, 0.0)
    while sum(spent.values()) < 60 * minutes * len(these):
        name = min(spent, key=spent.get)
        began = now()
        logs[name].append(these[name](len(logs[name])))
        spent[name] += now() - began
    return {name: (logs[name], spent[name] / len(logs[name])) for name in these}


def study(scene, cpus, say):
    """All of it, as JSON has it."""
    found = {}
    for workload in workloads.choose(_WORKLOADS):
        say(f"{workload.name}: noise")
        own = {"noise": noise(scene, workload), "ways": []}
        say(f"{workload.name}: the ways to measure, in turns")
        for name, (logs, each_s) in interleaved(ways(scene, workload, cpus), scene.minutes).items():
            own["ways"].append({"name": name, "logs": [round(log, 5) for log in logs], "each_s": round(each_s, 3),
                                "spread": spread(logs), "half_width_of_20_minutes": half_width(logs, each_s)})
        found[workload.name] = own
    return found


def text(found):
    """A table for a person."""
    lines = []
    for name, own in found.items():
        lines.append(f"{name}: Allan deviation of the throughput; others took {own['noise']['others_share']:.1%} of a processor, "
                     f"the host {own['noise']['host_share']:.1%}")
        lines += [f"  {float(seconds):8.3f} s  {100 * deviation:6.2f} %" for seconds, deviation in own["noise"]["allan"].items()]
        lines.append(f"{name}: a server against itself{'':26}rounds  s each  spread of a round  half-width of 20 minutes")
        lines += [f"  {way['name']:50} {len(way['logs']):6}  {way['each_s']:6.2f}  "
                  + (f"{100 * way['spread']:15.2f} %  {100 * way['half_width_of_20_minutes']:22.2f} %" if way["spread"] is not None else "too few")
                  for way in own["ways"]]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.5, help="for each way to measure; there are eight, for two workloads")
    parser.add_argument("--noise_minutes", type=float, default=4.0, help="for the long run of each workload")
    parser.add_argument("--model", default="epoll", help="whose server is compared with itself")
    parser.add_argument("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    parser.add_argument("--out", help="the file for the data, as JSON")
    options = parser.parse_args()
    built = programs.obtain(options.bin)
    connections.raise_descriptor_limit()
    cpus = machine.cpus()
    server_cpus, client_cpus = machine.split_cpus(cpus)
    with tempfile.TemporaryDirectory(prefix="polyserve-study-") as scratch:
        root, logs = os.path.join(scratch, "files"), os.path.join(scratch, "logs")
        os.makedirs(root)
        os.makedirs(logs)
        workloads.make_files(root)

        def setting(workload, on=server_cpus):
            return subjects.Setting(root, on, logs, scratch, workload.connections)
        scene = Scene(built.server, Load(built.load.path, client_cpus), setting, options.model, options.minutes, options.noise_minutes)
        found = study(scene, cpus, lambda what: print(what, file=sys.stderr, flush=True))
    print(text(found))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA, "machine": machine.describe(), "model": options.model, "minutes_each": options.minutes,
                       "workloads": found}, file)
            file.write("\n")


if __name__ == "__main__":
    main()
