"""The command line of tools/counts."""

import argparse
import os
import sys

from comparison import programs

from . import count, expected, works


def _list(text):
    return text.split(",") if text else None


def _options(arguments):
    parser = argparse.ArgumentParser(prog="counts", description=__doc__)
    parser.add_argument("--models", type=_list, metavar="A,B", help="these alone")
    parser.add_argument("--works", type=_list, metavar="A,B", help=f"these alone, of {', '.join(works.ALL)}")
    parser.add_argument("--figures", type=_list, metavar="A,B", default=[count.CALLS, count.INSTRUCTIONS],
                        help="calls, instructions; both by default")
    parser.add_argument("--server", metavar="PROGRAM", help="instead of the one that is built here, with --config=opt")
    parser.add_argument("--write", action="store_true", help="expect from now on what is counted now (tools/counting/counts.json)")
    return parser.parse_args(arguments)


def _build(*targets):
    """The programs of these targets."""
    print("counts: building the server with --config=opt (some minutes, the first time)", file=sys.stderr)
    programs.bazel("build", "--config=opt", *targets)
    folder = programs.bazel("info", "--config=opt", "bazel-bin").strip()
    return [os.path.join(folder, target.strip("/").replace(":", "/").strip("/")) for target in targets]


def main(arguments):
    """0: as expected; 1: not so, or it could not be counted."""
    options = _options(arguments)
    try:
        built, shim = _build("//:server", "//tools/xraying:openat2.so")
        return _count(options, options.server or built, shim)
    except (programs.BuildError, count.CountError) as error:
        print(f"counts: {error}", file=sys.stderr)
        return 1


def _count(options, server, shim):
    program, counts, status = programs.inspect(server), expected.read(), 0
    for figure in options.figures:
        key = expected.key(figure, program)
        if why := count.why_not(figure):
            raise count.CountError(why)
        print(f"{figure} for a unit of each work, by {os.path.basename(server)}; in brackets what is expected")
        for model, work in expected.pairs(figure, options.models, options.works):
            counted = round(count.per_unit(figure, server, model, work, shim), 1)
            before = counts.get(key, {}).get(model, {}).get(work)
            word = "" if before is None else expected.verdict(figure, counted, before)
            status = 1 if word == "more" and not options.write else status
            print(f"  {model:<14}{work:<8}{counted:>10,.1f}  ({'none' if before is None else format(before, ',.1f')}) {word}",
                  flush=True)
            if key is not None:
                counts.setdefault(key, {}).setdefault(model, {})[work] = counted
    if options.write:
        expected.write(counts)
    return status
