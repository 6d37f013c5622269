"""Grades a model of one's own: builds it into the server, has the suite of all models test it, says which contract is broken, and
measures it beside built-in models. course/my_model/README.md describes it for students."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from . import contracts, suite as suite_
from .build import TOP
from .exercise import Exercise, Lacking, Untried, Wrong
from .grade import CheckResult, Result

NAME = "my_model"
FOLDER = os.path.join("course", NAME)
EXERCISE = Exercise(NAME, tuple(contract.check() for contract in contracts.ALL))
_COPIED = re.compile(r"BUILD|.*\.(cc|h)")
_LINES = 20  # Of what a case has printed, which may include the server's log.


class FolderError(Exception):
    """There is no model in the folder. The text says what it needs."""


@contextlib.contextmanager
def package(folder, top=TOP):
    """The path of the Bazel package that has the model of this folder. A model from outside of course/ is copied into it for as
    long: Bazel builds what is in its workspace, and the parts of models are visible in the course."""
    missing = [name for name in ("BUILD", NAME + ".cc") if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise FolderError(f"{folder} has no {' and no '.join(missing)}: begin with a copy of {FOLDER}")
    real = os.path.realpath(folder)
    inside = os.path.relpath(real, os.path.realpath(top))
    if inside.startswith("course" + os.sep):
        yield inside
        return
    # The same folder gets the same name each time, so that Bazel knows what it has built.
    path = os.path.join("course", "copies", hashlib.sha256(real.encode()).hexdigest()[:12])
    copy = os.path.join(top, path)
    os.makedirs(copy, exist_ok=True)
    try:
        for name in filter(_COPIED.fullmatch, os.listdir(real)):
            shutil.copy(os.path.join(real, name), os.path.join(copy, name))
        yield path
    finally:
        shutil.rmtree(copy)


def _bazel(*arguments):
    """(whether it went well, what it printed): the compiler's messages without Bazel's own."""
    try:
        done = subprocess.run(["bazel", *arguments], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", check=False)
    except FileNotFoundError:
        return False, "bazel is not installed: tools/setup --test installs what this needs"
    if done.returncode == 0:
        return True, done.stdout.strip()
    noise = re.compile(r"(INFO|Loading|Analyzing|DEBUG)\b|\s*$|Target .* failed to build|FAILED: Build did NOT"
                       r"|ERROR: .*\(Exit \d+\): gcc failed|Use --sandbox_debug")
    return False, "\n".join(line for line in done.stderr.splitlines() if not noise.match(line))


def build(path, *targets, flags=()):
    """(the folder bazel-bin, ""), or (None, what the compiler said)."""
    well, said = _bazel("build", "--noshow_progress", "--color=no", *flags, *(f"//{path}:{target}" for target in targets))
    if not well:
        return None, said
    well, said = _bazel("info", *flags, "bazel-bin")
    return (said, "") if well else (None, said)


def suite_of(bazel_bin, path):
    """The suite for the model of this package, once it is built."""
    program = os.path.join(bazel_bin, path, "suite")
    return suite_.Suite(program, NAME, dict(os.environ, POLYSERVE_TESTED_SERVER=f"{path}/server"))


def _verdict(contract, cases, again):
    """What is wrong by these Cases of the contract, or None; and what was seen of it."""
    last = cases[-1] if cases else suite_.Case("The suite", "ENDED", [])
    if last.outcome in ("FAILED", "ENDED"):
        what = f"{last.name} {'fails' if last.outcome == 'FAILED' else 'does not come to its end'}"
        return Wrong(what, contract.why, contract.look, again(last.name)), last.said[:_LINES]
    if any(case.outcome == "OK" for case in cases):
        return None, []
    if contract.lacks:
        what, why = contract.lacks
        left_out = f"{len(cases)} cases of the suite are" if len(cases) > 1 else "one case of the suite is"
        return Lacking(f"{what}, so {left_out} left out", why), []
    return Wrong("All of its cases are left out", contract.why, contract.look, again(last.name)), last.said[:_LINES]


def _try(suite, lists):
    """The Cases of these lists of names, until one fails."""
    cases = []
    for names in lists:
        cases += suite.run(names)
        if not cases or cases[-1].outcome not in ("OK", "SKIPPED"):
            break
    return cases


def judge(suite, names, again, tell=lambda title: None):
    """A CheckResult for each contract that the cases of these names are about. Behind a basic one that is broken none is tried.

    again  the command that runs a case once more
    tell   called with each contract's title before it is tried
    """
    results, goes_on = [], True
    for contract, lists in contracts.deal(names).items():
        wrong, seen = Untried(), []
        if goes_on:
            tell(contract.title)
            wrong, seen = _verdict(contract, _try(suite, lists), again)
            goes_on = not contract.is_basic or wrong is None or isinstance(wrong, Lacking)
        results.append(CheckResult(contract.check(), wrong, None, seen))
    return results


def _of_broken_suite(said, again):
    """The CheckResult if the program does not even say what cases it has."""
    why = ("The suite has the model linked to it, as the server has. Its row is made before main(): its name has to be "
           f"{NAME}, and to be there once.")
    wrong = Wrong("The suite does not start", why, "backends/registry.h", again("'*'"))
    return CheckResult(contracts.ALL[0].check(), wrong, None, said.splitlines()[:_LINES])


def grade(folder, tell):
    """The Result of the model in this folder."""
    result = Result(EXERCISE, folder)
    is_usual = os.path.realpath(folder) == os.path.realpath(os.path.join(TOP, FOLDER))

    def again(case):
        return f"tools/grade {NAME}{'' if is_usual else f' --dir={folder}'} --case={case}"

    try:
        with package(folder) as path:
            tell("builds the server with the model (some minutes, the first time)")
            bazel_bin, messages = build(path, "server", "suite")
            result.messages = messages.replace(path + "/", os.path.join(folder, ""))
            result.compiled = bazel_bin is not None
            if result.compiled:
                suite = suite_of(bazel_bin, path)
                result.checks = judge(suite, suite.names(), again, lambda title: tell("tests: " + title))
    except FolderError as error:
        result.messages = str(error)
    except suite_.SuiteError as error:
        result.checks = [_of_broken_suite(str(error), again)]
    return result


def show(folder, case):
    """Runs cases of the suite, and shows all that they print. The status to end with."""
    try:
        with package(folder) as path:
            bazel_bin, messages = build(path, "server", "suite")
            if bazel_bin is not None:
                return suite_of(bazel_bin, path).show(case)
    except FolderError as error:
        messages = str(error)
    print(messages, file=sys.stderr)
    return 1


def measure(folder, tell, beside="loop,thread,epoll"):
    """Has tools/compare measure the model beside these, which takes two minutes; it says where its report is."""
    tell(f"measures {NAME} beside {beside.replace(',', ', ')} (two minutes, after a build; longer if the machine is busy)")
    with package(folder) as path, tempfile.TemporaryDirectory(prefix="grade-") as programs:
        bazel_bin, messages = build(path, "server", flags=("--config=opt",))
        if bazel_bin is not None:
            _, messages = build("client", "load", flags=("--config=opt",))
        if messages:
            print(messages, file=sys.stderr)
            return
        print(f"\n{NAME} beside built-in models (docs/comparing.md says how to read this):", flush=True)
        # As tools/compare --bin expects them.
        os.makedirs(os.path.join(programs, "client", "load"))
        os.symlink(os.path.join(bazel_bin, path, "server"), os.path.join(programs, "server"))
        os.symlink(os.path.join(bazel_bin, "client", "load", "load"), os.path.join(programs, "client", "load", "load"))
        subprocess.run([sys.executable, os.path.join(TOP, "tools", "compare"), f"--models={NAME},{beside}",
                        "--workloads=echo,churn", "--quick", f"--bin={programs}"], cwd=TOP, check=False)
