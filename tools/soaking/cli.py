"""The command line of tools/soak."""

import argparse
import json
import os
import random
import signal
import sys
import tempfile

from comparison import connections, processes, programs

from . import disk, report, soak

PASSED, FAILED, USAGE = 0, 1, 2
_SHORTEST_S = 5


def _parser(description):
    parser = argparse.ArgumentParser(prog="tools/soak", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=10, metavar="N", help="of load, shared by all models (10)")
    add("--model", default="epoll", metavar="NAMES", help="comma-separated, each with flags behind it if need be "
        "('epoll --workers=2,prefork --accept=lock'); 'all' for every model (epoll)")
    add("--seed", type=int, metavar="N", help="decides what is asked and when is disturbed, up to the machine's own timing; drawn, and "
        "printed, by default")
    add("--json", metavar="FILE", help="write the results there, too")
    add("--bin", metavar="DIR", help="take the programs from a folder like bazel-bin instead of building them")
    return parser


def _program(folder):
    """The server; built now if there is no folder."""
    if folder:
        path = os.path.join(folder, "server")
        if not os.access(path, os.X_OK):
            raise programs.BuildError(f"there is no program {path}; leave out --bin to have it built")
        return programs.inspect(path)
    return programs.obtain().server


def _subjects(server, names):
    known = programs.models(server)
    titles = list(known) if names == "all" else [" ".join(title.split()) for title in names.split(",") if title.strip()]
    for title in titles:
        if title.split()[0] not in known:
            raise programs.BuildError(f"--model: there is no model {title.split()[0]}; there are: all, {', '.join(known)}")
    return [soak.Subject(title, known[title.split()[0]]) for title in titles]


def _isolate():
    """Whether this program now has mounts of its own."""
    try:
        disk.isolate()
        return True
    except OSError as error:
        print(f"soak: no disk of its own can be mounted here ({error}): --library_quota stands in for it", file=sys.stderr)
        return False


def _work(options):
    server = _program(options.bin)
    subjects = _subjects(server, options.model)
    seconds = 60 * options.minutes / max(1, len(subjects))
    if not subjects or seconds < _SHORTEST_S:
        raise programs.BuildError(f"--minutes: each model needs {_SHORTEST_S} s")
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    is_isolated = _isolate()
    connections.raise_descriptor_limit()
    results = []
    for subject in subjects:
        results.append(soak.Result(subject.title, seed))
        try:
            soak.run(subject, server.path, seconds, results[-1], is_isolated, lambda line: print(line, flush=True))
        finally:  # An interrupt loses nothing of what is known so far.
            print(report.text(results[-1]), flush=True)
            _write(options.json, results)
    print(report.summary(results))
    return PASSED if all(result.passed for result in results) else FAILED


def _write(path, results):
    if not path:
        return
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
        json.dump(report.as_json(results), file, indent=1)
    os.chmod(file.name, 0o644)
    os.rename(file.name, path)


def main(description, arguments=None):
    options = _parser(description).parse_args(arguments)
    # So that the server is ended, as at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _work(options)
    except (programs.BuildError, processes.ServerError, OSError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return USAGE
