"""tools/compare merge, from its command line to its exit status."""

import argparse
import datetime
import json
import os
import sys

from .. import programs
from . import pooling, results, text

DONE, USAGE = 0, 2
JSON, CSV = "merged.json", "merged.csv"


def parser():
    options = argparse.ArgumentParser(prog="tools/compare merge", description=(
        "Merges the results of several runs: which verdicts hold on all machines, which flip, and which model is recommended on how "
        "many. Nothing is measured. Prints it, and writes a page, JSON and CSV to a folder."),
        epilog="Exit status: 0 if they were merged, 2 if they cannot be.")
    add = options.add_argument
    add("results", nargs="+", metavar="[NAME=]DIR", help="a folder that tools/compare wrote, or only its run.json and summary.json; NAME "
        "says of which machine it is, since all results of one NAME are of one machine")
    add("--out", metavar="DIR", help="the folder for the page and the data; results/DATE-merged by default")
    add("--json", action="store_true", help="print it as JSON, and write nothing")
    add("--csv", action="store_true", help="print the pairs as CSV, a row for each, and write nothing")
    add("--no_page", action="store_true", help="print it only, and write nothing")
    return options


def merge(arguments):
    """merged.json's content, of folders as read() takes them. Raises results.MergeError."""
    chosen, left_out = results.choose([results.read(argument) for argument in arguments])
    machines, remarks = results.group(chosen)
    merged = pooling.pool(machines, left_out, remarks)
    if not pooling.has_common(machines):
        raise results.MergeError(" ".join([f"no server was measured under the same workload by two {text.plural(merged)}, so there is "
                                           "nothing to merge.", *merged["remarks"]]))
    return merged


def _write(merged, folder, make_page):
    """Returns what to tell."""
    os.makedirs(folder, exist_ok=True)
    for name, content in ((JSON, json.dumps(merged, ensure_ascii=False) + "\n"), (CSV, text.csv_text(merged))):
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
            file.write(content)
    return make_page(merged, folder)


def main(arguments, make_page):
    """make_page(merged, folder) returns what to print about the page that it has made."""
    options = parser().parse_args(arguments)
    if options.json and options.csv:
        print("compare: --json or --csv, not both", file=sys.stderr)
        return USAGE
    try:
        merged = merge(options.results)
    except results.MergeError as error:
        print(f"compare: {error}", file=sys.stderr)
        return USAGE
    if options.json:
        print(json.dumps(merged, ensure_ascii=False))
    elif options.csv:
        print(text.csv_text(merged), end="")
    else:
        print(text.text(merged))
    if options.json or options.csv or options.no_page:
        return DONE
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    folder = options.out or os.path.join(programs.REPOSITORY, "results", f"{now}-merged")
    try:
        print(_write(merged, folder, make_page))
    except OSError as error:
        print(f"compare: {folder} cannot be written to: {error}", file=sys.stderr)
        return USAGE
    return DONE
