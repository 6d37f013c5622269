"""tools/faults from its command line to its exit status."""

import argparse
import json
import os
import shlex
import sys

from comparison import programs

from . import campaign, scenes, trial as trials
from .server import Programs

GOOD, FAULTY, USAGE = 0, 1, 2
LIBRARY = "//tools/faulting:faulty_calls.so"
_SCENES = (scenes.START, *scenes.SCENES, scenes.STOP)
_EPILOG = "status: 0 no trial failed, 1 some did, 2 nothing could be tried."


def _parser(description):
    parser = argparse.ArgumentParser(prog="tools/faults", description=description, epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", metavar="NAMES",
        help="comma-separated, with flags behind a name: 'prefork --accept=pass,epoll'; all that the server has, by default")
    add("--scenes", metavar="NAMES", help=f"comma-separated, of {', '.join(_SCENES)}; all by default")
    add("--sample", type=int, default=0, metavar="N", help="at most so many trials of each scene of a model, spread evenly")
    add("--only", metavar="TRIAL", action="append", help="just this one, as a failure names it; may be given several times")
    add("--calls", action="store_true", help="print the calls that the scenes make, and let none fail")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="trials at a time; as many as there are processors by default")
    add("--bin", metavar="DIR", help="take the programs from this folder, which is like bazel-bin, instead of building them")
    add("--json", action="store_true", help="print the results as JSON")
    return parser


def _obtain(folder):
    if folder is None:
        programs.bazel("build", "--config=opt", "//:server", LIBRARY)
        folder = programs.bazel("info", "--config=opt", "bazel-bin").strip()
    found = Programs(os.path.join(folder, "server"), os.path.join(folder, "tools/faulting/faulty_calls.so"))
    for path in (found.server, found.library):
        if not os.path.exists(path):
            raise programs.BuildError(f"there is no {path}; leave out --bin to have it built")
    return found


def _split(names):
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def _known(name, known, what):
    """The name. ValueError: there is none such."""
    if name not in known:
        raise ValueError(f"there is no {what} '{name}'; there are {', '.join(known)}")
    return name


def _print_calls(found, models, chosen):
    status = GOOD
    for model, scene, verdict in campaign.look(found, models, chosen, map):
        for one in verdict.seen:
            print(f"{model} {scene} {one.role} {one.call} {one.count}")
        for problem in verdict.problems:
            print(f"{model} {scene}: {problem}", file=sys.stderr)
            status = FAULTY
    return status


def _command(trial):
    """That repeats it, for a shell."""
    if isinstance(trial, trials.Trial):
        return f"tools/faults --only={shlex.quote(str(trial))}"
    model, scene = trial
    return f"tools/faults --calls --models={shlex.quote(model)} --scenes={scene}"


def print_results(results):
    for result in results:
        if result.unavailable:
            print(f"{result.model}: not tried: {result.unavailable}")
            continue
        print(f"{result.model}: {len(result.tried)} pairs of a call and a fault, {result.runs} runs"
              + (f", {result.not_reached} of them did not reach the call" if result.not_reached else ""))
        for trial, problems in result.failures:
            print(f"  {'; '.join(problems)}\n    {_command(trial)}")
    print(f"{sum(len(result.tried) for result in results)} triples of a model, a call and a fault; "
          f"{sum(len(result.failures) for result in results)} trials failed")


def _progress(text):
    print(f"faults: {text}", file=sys.stderr, flush=True)


def main(description, arguments=None):
    options = _parser(description).parse_args(arguments)
    try:
        only = [trials.parse(text) for text in options.only or ()]
        chosen = [_known(name, _SCENES, "scene") for name in _split(options.scenes) or _SCENES]
        found = _obtain(options.bin)
        known = programs.models(programs.inspect(found.server))
        variants = list(dict.fromkeys(one.model for one in only)) or _split(options.models) or list(known)
        models = {variant: known[_known(variant.split()[0], known, "model")] for variant in variants}
    except (ValueError, programs.BuildError) as error:
        print(f"faults: {error}", file=sys.stderr)
        return USAGE
    if options.calls:
        return _print_calls(found, models, chosen)
    if only:
        results = campaign.run_these(found, models, only, options.jobs)
    else:
        results = campaign.run(found, models, chosen, options.sample, options.jobs, _progress)
    if options.json:
        print(json.dumps({"triples": sum(len(result.tried) for result in results),
                          "models": [result.as_json() for result in results]}))
    else:
        print_results(results)
    return FAULTY if any(result.failures for result in results) else GOOD
