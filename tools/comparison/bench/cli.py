"""tools/bench from its command line to its exit status."""

import argparse
import datetime
import json
import math
import os
import secrets
import sys
import tempfile
import time

from .. import doctor, inference, machine, peers, programs, runner, store
from ..claims import lab
from ..connections import raise_descriptor_limit
from ..progress import duration
from ..wording import align
from . import judge, scenes, targets

_LINES = "bench"  # The kind of line in the result folder.
MET, NOT_ALL_MET, USAGE, INTERRUPTED = 0, 1, 2, 130
_LEGEND = (
    "target    of the ratio of throughputs, or of memory in bytes; p99: of the ratio of the 99th percentiles of response times",
    "measured  with bounds that hold the true value in 95 of 100 runs, for each row",
    "verdict   met, not met: all of what lies within the bounds is; open: not all of it, and more --minutes would tell",
)


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def parser():
    options = argparse.ArgumentParser(
        prog="tools/bench", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Measures what the models are to reach: for each target the figure, with bounds, and whether it is met.",
        epilog="Lines: " + ", ".join(targets.LINES) + ".")
    add = options.add_argument
    add("--lines", help="comma-separated; all of them where it is not given")
    add("--minutes", type=float, default=30.0, help="for all of it, about, but for three rounds at least; more of them make the "
        "bounds narrower")
    add("--list", action="store_true", help="print the targets, and end")
    add("--seed", type=int, help="of the order within rounds, and of requests; another one in each run, and recorded")
    add("--out", help="the folder for the data; results/bench-DATE")
    add("--json", action="store_true", help="print JSON")
    add("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    add("--allow_any_build", action="store_true", help="also measure a build that is not optimized; for tests")
    return options


def choose(lines):
    """The targets of these lines, in the order of the table."""
    names = [name.strip() for name in lines.split(",")] if lines else targets.LINES
    for name in names:
        if name not in targets.LINES:
            raise UsageError(f"there is no line '{name}'; there are {', '.join(targets.LINES)}")
    return [target for target in targets.TARGETS if target.line in names]


def names_by_scene(chosen):
    """scene -> the names that take part, in the order of the targets that need them."""
    found = {}
    for target in chosen:
        if not target.needs:
            found.setdefault(target.scene, {}).update(dict.fromkeys(target.names))
    return {scene: list(names) for scene, names in found.items()}


def measure(places, end, keep, now=time.monotonic):
    """Rounds of all scenes in turns, until the time is over; each has as many at least as it takes to say anything. After these,
    no round is begun that would end too late.

    keep  takes (scene, round), as it was measured
    """
    longest_s = dict.fromkeys([place.name for place in places], 0.0)
    number = 0
    while True:
        begun_any = False
        for place in places:
            began = now()
            if number >= inference.LEAST_ROUNDS and began + longest_s[place.name] > end:
                continue
            keep(place.name, place.measure())
            longest_s[place.name] = max(longest_s[place.name], now() - began)
            begun_any = True
        number += 1
        if not begun_any:
            return


def rows_of(chosen, places):
    """A judge.Row for each target."""
    by_name = {place.name: place for place in places}
    found = []
    for target in chosen:
        place = by_name.get(target.scene)
        found.append(judge.judge(target, place.rounds if place else [], place.failures if place else {}))
    return found


def as_json(target, row):
    demand = {"low": target.demand.low, "high": None if math.isinf(target.demand.high) else target.demand.high}
    return {"line": target.line, "scene": target.scene, "work": scenes.SCENES[target.scene].title,
            "subjects": list(target.subjects), "of": list(target.of), "figure": target.figure,
            "target": {"text": target.demand.text, **demand},
            "measured": {"middle": row.middle, "low": row.low, "high": row.high, "rounds": row.rounds, "subject": row.subject,
                         "of": row.of}, "verdict": row.verdict, "note": row.note}


def _shown(figure, value):
    return f"{value:,.0f}" if figure == targets.MEMORY else f"{value:.2f}"


def _measured(target, row):
    if row.middle is None:
        return "-"
    middle, low, high = (_shown(target.figure, value) for value in (row.middle, row.low, row.high))
    return f"{middle} ({low} to {high})"


def listed(chosen):
    """The targets, as --list prints them."""
    return "\n".join(align([["line", "work", "subject", "of", "target"], *(_cells(target) for target in chosen)], left=5))


def _cells(target, row=None):
    """Line, work, subject, of, target; the subject that was the best, if that is known."""
    of = row and row.of or " or ".join(target.of) or "-"
    figure = "p99 " if target.figure == targets.P99 else ""
    return [target.line, target.scene, row and row.subject or " or ".join(target.subjects), of, figure + target.demand.text]


def text(chosen, rows, folder):
    """What a person reads."""
    lines = [["line", "work", "subject", "of", "target", "measured", "verdict"]]
    notes = {}
    for target, row in zip(chosen, rows):
        lines.append([*_cells(target, row), _measured(target, row), row.verdict])
        if row.note:
            notes.setdefault(row.note, []).append(f"{target.scene} {row.subject or target.subjects[0]}")
    count = [row.verdict for row in rows].count
    found = align(lines, left=5)
    found += ["", *(f"note      {', '.join(dict.fromkeys(those))}: {note}" for note, those in notes.items())]
    found += [*_LEGEND, "", f"{count(judge.MET)} met, {count(judge.NOT_MET)} not met, {count(judge.OPEN)} open. "
                            f"Everything is in {folder}."]
    return "\n".join(found)


def _describe(options, built):
    busy = [f"{finding.name}: {finding.found}" for finding in doctor.other_load() if finding.level == doctor.BAD]
    return {"schema": store.SCHEMA, "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "git": programs.revision(), "machine": machine.describe(), "sysctls": machine.sysctls(), "seed": options.seed,
            "programs": {"server": built.server.as_json(), "load": built.load.as_json()}, "minutes": options.minutes,
            "lines": options.lines, "busy": "; ".join(busy)}


def _measure_all(options, chosen, folder, scratch):
    """(the scenes, measured; whether Ctrl-C did not end it)."""
    options.seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    built = programs.obtain(options.bin, [peers.floor.TARGET])
    if built.faults() and not options.allow_any_build:
        raise programs.BuildError(f"{'; '.join(built.faults())}: measuring it would say nothing")
    folder.write_run(_describe(options, built))
    if folder.run()["busy"]:
        print(f"bench: ATTENTION: the machine is busy with other things: {folder.run()['busy']}", file=sys.stderr)
    os.makedirs(f"{scratch}/files")
    os.chmod(scratch, 0o755)  # Apache's workers have to get to the files.
    scenes.make_files(f"{scratch}/files")
    place = lab.Lab(built, programs.models(built.server), scratch, folder.path("logs"), options.seed, inference.ALPHA)
    found = [scenes.Scene(name, names, place, built.folder, options.seed) for name, names in names_by_scene(chosen).items()]
    print(f"bench: {len(chosen)} targets, {duration(60 * options.minutes)}", file=sys.stderr)
    try:
        measure(found, time.monotonic() + 60 * options.minutes,
                lambda scene, one: folder.append(_LINES, {"scene": scene, "round": one}))
    except KeyboardInterrupt:
        return found, False
    finally:
        lab.clear()
    return found, True


def _run(options, chosen):
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    folder = store.Store.create(options.out or os.path.join(programs.REPOSITORY, "results", f"bench-{now}"))
    with tempfile.TemporaryDirectory(prefix="polyserve-bench-") as scratch:
        places, is_complete = _measure_all(options, chosen, folder, scratch)
    rows = rows_of(chosen, places)
    results = [as_json(target, row) for target, row in zip(chosen, rows)]
    folder.write_summary({"schema": store.SCHEMA, "targets": results})
    print(json.dumps({"run": folder.run(), "targets": results}) if options.json else text(chosen, rows, folder.folder))
    if not is_complete:
        print("bench: interrupted: these are the rounds until then", file=sys.stderr)
        return INTERRUPTED
    return MET if all(row.verdict == judge.MET for row in rows) else NOT_ALL_MET


def main(arguments):
    runner.make_interruptible()
    options = parser().parse_args(arguments)
    raise_descriptor_limit()  # For thousands of idle connections.
    try:
        chosen = choose(options.lines)
        if options.minutes <= 0:
            raise UsageError("--minutes is more than 0")
        if options.list:
            print(listed(chosen))
            return MET
        return _run(options, chosen)
    except KeyboardInterrupt:  # Before there was anything to judge.
        print("bench: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (UsageError, programs.BuildError, store.StoreError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return USAGE
