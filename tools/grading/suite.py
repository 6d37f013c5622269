"""The suite of tests/ (GoogleTest) against one model: which cases it has, and what becomes of each."""

import collections
import re
import subprocess

# Many times as long as the cases of any contract take; a case that fails waits for half a minute (tests/eventually.h).
SECONDS = 900

# outcome: OK, FAILED, SKIPPED, or ENDED if the program has come to its end within the case. said: lines that the case printed.
Case = collections.namedtuple("Case", "name outcome said")

_BEGIN = re.compile(r"\[ RUN      \] (\S+)$")
_END = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] ([^\s,]+).* \(\d+ ms\)$")
_SKIPPED = re.compile(r"\S+:\d+: Skipped$")


class SuiteError(Exception):
    """The program of the suite does not run. The text says what it has printed."""


def parse(lines):
    """A Case for each that the program has begun."""
    name, said = None, []
    for line in lines:
        begin, end = _BEGIN.match(line), _END.match(line)
        if begin:
            name, said = begin[1], []
        elif end and end[2] == name:
            yield Case(name, end[1], said)
            name = None
        elif name and not _SKIPPED.match(line) and line.strip():
            said.append(line)
    if name:
        yield Case(name, "ENDED", said)


def until_failure(cases):
    """The Cases with the first one that failed at the end. What GoogleTest leaves out behind it counts as skipped there."""
    found = []
    for case in cases:
        found.append(case)
        if case.outcome not in ("OK", "SKIPPED"):
            break
    return found


class Suite:
    """Its program, and the environment that tells it which server to test."""

    def __init__(self, program, model, environment):
        self._command = [program, f"--model={model}"]
        self._environment = environment

    def _run(self, *flags):
        """(lines, status); a status of None: it had not ended in time. Its servers end with it."""
        try:
            done = subprocess.run([*self._command, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", env=self._environment, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            return (error.stdout or b"").decode(errors="replace").splitlines(), None
        return done.stdout.splitlines(), done.returncode

    def names(self):
        """Of all cases."""
        lines, status = self._run("--gtest_list_tests")
        if status != 0:
            raise SuiteError("\n".join(lines) or f"the suite ended with status {status}")
        names, group = [], ""
        for line in lines:
            if line.startswith("  "):
                names.append(group + line.split()[0])
            else:
                group = line.split()[0] if line.split() else ""
        return names

    def run(self, names):
        """The Cases of these names, until one fails: to wait for what will fail for the same reason teaches nothing more."""
        lines, _ = self._run("--gtest_filter=" + ":".join(names), "--gtest_fail_fast", "--gtest_color=no")
        return until_failure(parse(lines))

    def show(self, pattern):
        """Runs cases by GoogleTest's pattern, with all that they print. Their status."""
        return subprocess.run([*self._command, "--gtest_filter=" + pattern], env=self._environment, check=False).returncode
