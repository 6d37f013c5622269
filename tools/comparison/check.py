"""tools/compare check: whether result folders follow the format, and where they do not."""

import argparse
import os
import sys

from . import schema

GOOD, FAULTY, USAGE = 0, 1, 2
_MOST_SHOWN = 20  # Of a folder: what is wrong with one line is often wrong with all.


def parser():
    options = argparse.ArgumentParser(prog="tools/compare check", description=(
        "Says of result folders whether their files follow the format (docs/results.md), and what is wrong where. Nothing is measured, "
        "and nothing is written."), epilog=f"Exit status: {GOOD} if all follow it, {FAULTY} if one does not, {USAGE} for wrong usage.")
    options.add_argument("folders", nargs="+", metavar="DIR", help="what tools/compare wrote (its --out)")
    options.add_argument("--all", action="store_true", help=f"show all faults of a folder, not the first {_MOST_SHOWN}")
    return options


def faults_of_folder(folder):
    """Of all files of a folder that the format is about: texts "file: $.where: what". Raises OSError."""
    names = set(os.listdir(folder))
    documents, found = {}, []
    for name in schema.DOCUMENTS:
        if f"{name}.json" in names:
            documents[name], own = _document(folder, name)
            found += own
    kinds = [kind for kind in schema.kinds() if f"{kind}.jsonl" in names]
    if not documents and not kinds:
        return ["it holds no result: none of its files is one that tools/compare writes"]
    known = _names(documents.get(schema.RUN))
    if schema.RUN not in documents and (kinds or schema.SUMMARY in documents):
        found.append(f"{schema.RUN}.json: it is missing, so nothing is known of what the other files are about")
    if documents.get(schema.SUMMARY) and known:
        found += [f"{schema.SUMMARY}.json: {fault}" for fault in _of_strangers(documents[schema.SUMMARY], known)]
    return found + [fault for kind in kinds for fault in _of_lines(folder, kind, known)]


def _document(folder, name):
    """(its content, None if it has faults; its faults)."""
    try:
        with open(os.path.join(folder, f"{name}.json"), encoding="utf-8") as file:
            content = schema.parse(file.read())
    except ValueError as error:
        return None, [f"{name}.json: it is no JSON: {error}"]
    found = [f"{name}.json: {fault}" for fault in schema.faults(name, content)]
    return (None if found else content), found


def _names(run):
    """{what a name is of: those that run.json knows}; None without one that follows the format."""
    if not run:
        return run
    found = {part: {one["name"] for one in run[f"{part}s"]} for part in ("subject", "workload")}
    return {**found, "subject": found["subject"] | {one["name"] for one in run.get("candidates", ())}}


def _of_strangers(summary, known):
    """Faults: what is said of a subject or a workload that the run does not have."""
    for part, fields in (("results", ("subject",)), ("twins", ("a", "b")), ("verdicts", ("a", "b"))):
        for number, entry in enumerate(summary[part]):
            for field in (*fields, "workload"):
                yield from _of_name(f"$.{part}[{number}].{field}", entry[field], "workload" if field == "workload" else "subject", known)
    for name in summary["ranked_by"]:
        yield from _of_name("$.ranked_by", name, "workload", known)


def _of_name(where, name, what, known):
    if name not in known[what]:
        yield f"{where}: '{name}' is no {what} of {schema.RUN}.json"


def _of_lines(folder, kind, known):
    check = schema.checker(schema.of_line(kind))
    with open(os.path.join(folder, f"{kind}.jsonl"), encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            for fault in _of_line(text, check, known):
                yield f"{kind}.jsonl, line {number}: {fault}"


def _of_line(text, check, known):
    try:
        line = schema.parse(text)
    except ValueError as error:
        # Without an end, it is the last one of a run that was broken off, and all tools leave it out.
        return [f"it is no JSON: {error}"] if text.endswith("\n") else []
    found = check(line)
    if found or not known:
        return found
    return [fault for part in ("subject", "workload") for fault in _of_name(f"$.{part}", line[part], part, known)]


def main(arguments):
    options = parser().parse_args(arguments)
    status = GOOD
    for folder in options.folders:
        try:
            found = faults_of_folder(folder)
        except (OSError, UnicodeDecodeError) as error:
            print(f"compare: {folder} cannot be read: {error}", file=sys.stderr)
            return USAGE
        print(f"{folder}: " + (f"{len(found)} fault{'' if len(found) == 1 else 's'}" if found else "follows the format"))
        shown = found if options.all else found[:_MOST_SHOWN]
        print("".join(f"  {fault}\n" for fault in shown), end="")
        if len(shown) < len(found):
            print(f"  and {len(found) - len(shown)} more: --all shows them")
        status = FAULTY if found else status
    return status
