"""tools/claims from its command line to its exit status."""

import argparse
import dataclasses
import datetime
import json
import os
import secrets
import sys
import tempfile
import time

from .. import doctor, inference, machine, programs, progress, runner, store, subjects, workloads
from ..connections import raise_descriptor_limit
from . import document, lab, table
from .rounds import Question
from .verdict import combine, unknown

_DOCUMENT = os.path.join(programs.REPOSITORY, "docs", "claims.md")
_LINES = "claims"  # The kind of line in the result folder.
# The highest probability that anything said of a statement is wrong. Course-2 spends it twice: on its ratios, and on its bytes.
ALPHA = inference.ALPHA / (len(table.ALL) + 1)
_SHARES = 3  # A statement may take so many times the mean of the time that is left.


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def parser():
    options = argparse.ArgumentParser(
        prog="tools/claims", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Puts statements about models of concurrency to the test: confirmed, refuted, holds only if, or undecided.")
    add = options.add_argument
    add("--only", help="comma-separated names, such as course-5,claim-8; all of them where it is not given")
    add("--list", action="store_true", help="print the statements, and end")
    add("--minutes", type=float, default=25.0, help="for all of it, about; what is not decided by then stays undecided")
    add("--seed", type=int, help="of the order within rounds, and of requests; another one in each run, and recorded")
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
        items = statement.experiment(place)
        answers = iter(place.settle([item for item in items if isinstance(item, Question)]))
        parts = [next(answers) if isinstance(item, Question) else item for item in items]
    except Exception as error:  # Whatever it is, the other statements can still be tried.
        parts = [unknown(f"the experiment could not be carried out: {type(error).__name__}: {error}")]
    return {"statement": statement.name, **dataclasses.asdict(combine(parts)),
            "parts": [{"verdict": part.verdict, "text": part.text, "condition": part.condition} for part in parts],
            "seconds": round(time.monotonic() - started, 1)}


def show(statement, line, its_machine):
    """What a person reads of one statement."""
    print(f"{statement.name}: {document.sentence(statement, line, its_machine)} ({statement.source})")
    for text in document.shown_parts(line):
        print(f"    {text}")
    print(f"    again: tools/claims --only={statement.name}", flush=True)


def _folder(options):
    """The Store for the data: a new one, or that of a run that was broken off. StoreError: it was another tool's."""
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    path = options.out or os.path.join(programs.REPOSITORY, "results", f"claims-{now}")
    if not os.path.exists(os.path.join(path, store.RUN)):
        return store.Store.create(path)
    return store.Store.open(path)


def check_programs(folder, sums):
    """StoreError if the folder's run was made with other programs, whose figures do not mix with these."""
    if folder.run().get("programs") != sums:
        raise store.StoreError(f"{folder.folder} was measured with another build of the server or of the load generator: "
                               "choose another --out")


def _describe(options, built):
    busy = [f"{finding.name}: {finding.found}" for finding in doctor.other_load() if finding.level == doctor.BAD]
    return {"schema": store.SCHEMA, "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "git": programs.revision(), "machine": machine.describe(), "sysctls": machine.sysctls(),
            "programs": _sums(built), "seed": options.seed, "minutes": options.minutes, "busy": "; ".join(busy)}


def _sums(built):
    """The programs' check sums."""
    return {"server": built.server.sha256, "load": built.load.sha256}


def _lines_of(folder):
    """The lines of data by their statements."""
    return {line["statement"]: line for line in folder.lines(_LINES)}


def _missing(done):
    """The names of the statements that there is nothing of."""
    return [statement.name for statement in table.ALL if statement.name not in done]


def _programs(options, folder):
    """The programs to measure with. The folder is told of them, or has to know them."""
    built = programs.obtain(options.bin)
    if built.faults() and not options.allow_any_build:
        raise programs.BuildError(f"{'; '.join(built.faults())}: measuring it would say nothing")
    if folder.run() is None:
        folder.write_run(_describe(options, built))
    check_programs(folder, _sums(built))
    return built


def allowance_s(left_s, statements):
    """How long a statement may take: more than its share of the time, since most need less, but never all that is left.

    statements  how many are left, this one included
    """
    return max(0.0, left_s) * min(1.0, _SHARES / statements)


def try_all(options, statements, folder, scratch):
    """Measures them. False at Ctrl-C, which keeps what there is."""
    options.seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    built = _programs(options, folder)
    folder.trim(_LINES)
    os.makedirs(f"{scratch}/files")
    os.chmod(scratch, 0o755)  # nginx' workers have to get to the files.
    workloads.make_files(f"{scratch}/files")
    place = lab.Lab(built, programs.models(built.server), scratch, folder.path("logs"), options.seed, ALPHA)
    end = time.monotonic() + 60 * options.minutes
    try:
        for number, statement in enumerate(statements):
            left_s = end - time.monotonic()
            place.allow(allowance_s(left_s, len(statements) - number))
            print(f"{number + 1} of {len(statements)}: {statement.name}; {progress.duration(left_s)} left at most",
                  file=sys.stderr, flush=True)
            line = try_one(statement, place)
            folder.append(_LINES, line)
            lab.clear()
            if not options.json:
                show(statement, line, folder.run()["machine"])
    except KeyboardInterrupt:
        return False
    return True


def _try_and_report(options):
    """The exit status."""
    chosen, folder = choose(options.only), _folder(options)
    done = _lines_of(folder)
    missing = set(_missing(done)) - {statement.name for statement in chosen}
    if options.write and missing:
        raise UsageError(f"--write needs all statements, of which {len(missing)} are neither in {folder.folder} nor "
                         "chosen: leave out --only")
    left = [statement for statement in chosen if statement.name not in done]
    complete = True
    if left:
        with tempfile.TemporaryDirectory(prefix="polyserve-claims-") as scratch:
            complete = try_all(options, left, folder, scratch)
    done = _lines_of(folder)
    if options.json:
        print(json.dumps({"run": folder.run(), "results": {statement.name: done[statement.name] for statement in chosen
                                                           if statement.name in done}}))
    if not complete:
        print(f"claims: interrupted; tools/claims --out={folder.folder} goes on", file=sys.stderr)
        return 130
    if options.write:
        with open(_DOCUMENT, "w", encoding="utf-8") as file:
            file.write(document.write(folder.run(), done))
    if not options.json:
        print(f"\nEverything is in {folder.folder}" + ("; docs/claims.md is written." if options.write else "."))
    return 0


def main(arguments):
    runner.make_interruptible()
    options = parser().parse_args(arguments)
    raise_descriptor_limit()  # The clients of select's experiment are ours, and must not meet our limit before its.
    try:
        if options.list:
            for statement in choose(options.only):
                print(f"{statement.name:10}  {statement.text} ({statement.source})")
            return 0
        return _try_and_report(options)
    except KeyboardInterrupt:  # Before there was anything to keep.
        print("claims: interrupted", file=sys.stderr)
        return 130
    except (UsageError, programs.BuildError, store.StoreError) as error:
        print(f"claims: {error}", file=sys.stderr)
        return 2
