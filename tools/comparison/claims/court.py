"""tools/claims from its command line to its exit status."""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time

from .. import doctor, machine, processes, programs, runner, store, subjects, workloads
from . import document, lab, table
from .verdict import combine, unknown

_DOCUMENT = os.path.join(programs.REPOSITORY, "docs", "claims.md")
_LINES = "claims"  # The kind of line in the result folder.


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def parser():
    options = argparse.ArgumentParser(
        prog="tools/claims", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Puts statements about models of concurrency to the test: confirmed, refuted, or undecided, and why.")
    add = options.add_argument
    add("--only", help="comma-separated names, such as course-5,claim-8; all of them where it is not given")
    add("--list", action="store_true", help="print the statements, and end")
    add("--rounds", type=int, default=5, help="of each comparison")
    add("--seconds", type=float, default=1.0, help="of each measurement")
    add("--seed", type=int, default=1, help="of the order within a round")
    add("--out", help="the folder for the data, of which statements that are there already are left out; results/claims-DATE")
    add("--write", action="store_true", help="write docs/claims.md from the data")
    add("--json", action="store_true", help="print JSON")
    add("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    add("--allow_any_build", action="store_true", help="also measure a build that is not optimized; for tests")
    return options


def choose(only):
    by_name = {statement.name: statement for statement in table.ALL}
    names = subjects.split(only) if only else list(by_name)
    for name in names:
        if name not in by_name:
            raise UsageError(f"there is no statement '{name}'; see --list")
    return [by_name[name] for name in names]


def try_one(statement, place):
    """A statement's line of data. An experiment that cannot be carried out leaves it undecided."""
    started = time.monotonic()
    try:
        outcome_parts = statement.experiment(place)
    except (OSError, processes.ServerError, programs.BuildError) as error:
        outcome_parts = [unknown(f"the experiment could not be carried out: {error}")]
    return {"statement": statement.name, "verdict": combine(outcome_parts).verdict,
            "parts": [{"verdict": part.verdict, "text": part.text} for part in outcome_parts],
            "seconds": round(time.monotonic() - started, 1)}


def show(statement, line):
    """What a person reads of one statement."""
    print(f"{statement.name}: {line['verdict']}: {statement.text} ({statement.source})")
    for text in document.shown_parts(line):
        print(f"    {text}")
    print(f"    again: tools/claims --only={statement.name}", flush=True)


def _folder(options):
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    path = options.out or os.path.join(programs.REPOSITORY, "results", f"claims-{now}")
    if os.path.exists(os.path.join(path, store.RUN)):
        return store.Store.open(path)
    return store.Store.create(path)


def _describe(options):
    busy = [f"{finding.name}: {finding.found}" for finding in doctor.other_load() if finding.level == doctor.BAD]
    return {"schema": store.SCHEMA, "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "git": programs.revision(), "machine": machine.describe(), "sysctls": machine.sysctls(),
            "rounds": options.rounds, "seconds": options.seconds, "busy": "; ".join(busy)}


def try_all(options, folder, scratch):
    """Measures what is not there yet. The lines by name; false at Ctrl-C, which keeps what there is."""
    done = {line["statement"]: line for line in folder.lines(_LINES)}
    chosen = choose(options.only)
    left = [statement for statement in chosen if statement.name not in done]
    complete = True
    if left:
        built = programs.obtain(options.bin)
        if built.faults() and not options.allow_any_build:
            raise programs.BuildError(f"{'; '.join(built.faults())}: measuring it would say nothing")
        os.makedirs(f"{scratch}/files")
        os.chmod(scratch, 0o755)  # nginx' workers have to get to the files.
        workloads.make_files(f"{scratch}/files")
        place = lab.Lab(built, programs.models(built.server), scratch, folder.path("logs"), options.seconds, options.rounds,
                        options.seed)
        try:
            for statement in left:
                line = try_one(statement, place)
                folder.append(_LINES, line)
                done[statement.name] = line
                lab.clear()
                if not options.json:
                    show(statement, line)
        except KeyboardInterrupt:
            complete = False
    return {statement.name: done[statement.name] for statement in chosen if statement.name in done}, complete


def main(arguments):
    runner.make_interruptible()
    options = parser().parse_args(arguments)
    try:
        if options.list:
            for statement in choose(options.only):
                print(f"{statement.name:10}  {statement.text} ({statement.source})")
            return 0
        folder = _folder(options)
        if folder.run() is None:
            folder.write_run(_describe(options))
        with tempfile.TemporaryDirectory(prefix="polyserve-claims-") as scratch:
            results, complete = try_all(options, folder, scratch)
        if options.json:
            print(json.dumps({"run": folder.run(), "results": results}))
        if options.write:
            with open(_DOCUMENT, "w", encoding="utf-8") as file:
                file.write(document.write(folder.run(), results))
    except (UsageError, programs.BuildError, store.StoreError) as error:
        print(f"claims: {error}", file=sys.stderr)
        return 2
    if not complete:
        print(f"claims: interrupted; tools/claims --out={folder.folder} goes on", file=sys.stderr)
        return 130
    if not options.json:
        print(f"\nEverything is in {folder.folder}" + ("; docs/claims.md is written." if options.write else "."))
    return 0
