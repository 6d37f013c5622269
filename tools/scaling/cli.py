"""The command line of tools/scale."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from comparison import connections, machine, processes, programs

from . import namespaces, report, stand
from .crowd import CrowdError
from .namespaces import NetworkError
from .programs import ProgramError, check_installed
from .scene import Scene, TooLong, bounded
from .scenes import SCENES

PASSED, FAILED, USAGE = 0, 1, 2
_MEMBERS = {True: 30, False: 10_000}  # Of the room; quick, and whole.
_FEWEST_MEMBERS = 9  # So that each server has some that speak and some that only listen.
_DESCRIPTORS_BESIDE = 500  # The members' connections.


def _parser(description):
    parser = argparse.ArgumentParser(prog="tools/scale", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--quick", action="store_true", help="small: 30 members, few uploads; to see that all works. Its figures say little")
    add("--scenes", metavar="NAMES", default=",".join(SCENES), help=f"some of {', '.join(SCENES)} (all)")
    add("--members", type=int, metavar="N", help=f"of the room in the scene chat ({_MEMBERS[False]:,}; {_MEMBERS[True]} with --quick)")
    add("--models", metavar="NAMES", default="epoll", help="of the servers on a, b and c: one for all, or three, comma-separated, each "
        "with flags behind it if need be ('epoll --workers=2,thread,fork'; epoll)")
    add("--json", metavar="FILE", help="write the results there, too")
    add("--bin", metavar="DIR", help="take the programs from a folder like bazel-bin instead of building them")
    return parser


def _models(text):
    """host -> flags."""
    titles = [title.split() for title in text.split(",") if title.strip()]
    if len(titles) == 1:
        titles *= len(stand.SERVERS)
    if len(titles) != len(stand.SERVERS):
        raise programs.BuildError(f"--models: one for all, or {len(stand.SERVERS)}")
    return {host: [f"--model={title[0]}", *title[1:]] for host, title in zip(stand.SERVERS, titles)}


def _scenes(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in SCENES]
    if unknown or not names:
        raise programs.BuildError(f"--scenes: there is no {', '.join(unknown) or 'scene'}; there are {', '.join(SCENES)}")
    return names


def _members(options):
    members = _MEMBERS[options.quick] if options.members is None else options.members
    most = connections.raise_descriptor_limit() - _DESCRIPTORS_BESIDE
    if members < _FEWEST_MEMBERS:
        raise programs.BuildError(f"--members: {_FEWEST_MEMBERS} at least")
    if members > most:
        raise programs.BuildError(f"--members: {most} is the most with the bound on descriptors here (ulimit -Hn)")
    return members


def _play(name, options, built, models, members):
    function, title, limits, balancer = SCENES[name]
    result = report.Result(name, title)
    with tempfile.TemporaryDirectory(prefix=namespaces.own_name("files")) as folder:
        scene = Scene(result, built.server.path, built.load.path, folder, models, options.quick, members,
                      lambda line: print(f"  {line}", flush=True))
        try:
            with bounded(limits[0 if options.quick else 1]):
                function(scene, balancer)
        except (TooLong, ProgramError, CrowdError, OSError, subprocess.SubprocessError) as error:
            result.faults.append(str(error))
    return result


def _remove_folders():
    """Those of runs that were killed; their hosts go when the first scene begins."""
    for name in os.listdir(tempfile.gettempdir()):
        if namespaces.owner_of(name) is False:
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def _work(options):
    stand.check()
    _remove_folders()
    names, models = _scenes(options.scenes), _models(options.models)
    check_installed({SCENES[name][3] or "redis-server" for name in names})
    if options.json and not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
        raise programs.BuildError(f"--json: there is no folder for {options.json}")
    members = _members(options) if "chat" in names else 0
    built = programs.obtain(options.bin)
    results = []
    try:
        for name in names:
            print(f"{SCENES[name][1]}:", flush=True)
            results.append(_play(name, options, built, models, members))
            print(f"  {'passed' if results[-1].passed else 'FAILED'}", flush=True)
    finally:  # An interrupt loses nothing of what is known so far.
        if results:
            print(report.table(results))
            for fault in report.faults(results):
                print(fault)
            _write(options, built, results)
    return PASSED if all(result.passed for result in results) else FAILED


def _write(options, built, results):
    if not options.json:
        return
    facts = {"quick": options.quick, "models": options.models, "machine": machine.describe(), "optimized": built.server.optimized,
             "source": programs.revision()}
    folder = os.path.dirname(os.path.abspath(options.json))
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
        json.dump(report.as_json(results, facts), file, indent=1)
    os.chmod(file.name, 0o644)
    os.rename(file.name, options.json)


def main(description, arguments=None):
    options = _parser(description).parse_args(arguments)
    # So that the hosts are removed, as at Ctrl-C, also if the terminal is closed, but not under nohup.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        return _work(options)
    except (programs.BuildError, processes.ServerError, NetworkError, OSError) as error:
        print(f"scale: {error}", file=sys.stderr)
        return USAGE
