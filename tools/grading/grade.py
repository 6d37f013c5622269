"""Grades one file: compiles it, and runs the checks of its exercise under several seeds."""

import collections
import dataclasses
import os
import tempfile

from . import build, calibration, lab as lab_
from .exercise import Lacking, Wrong

class CheckResult(collections.namedtuple("CheckResult", "check wrong seed steps")):
    """Of one check: the seed under which it failed, and the steps of that run; None and empty if it passed."""
    __slots__ = ()

    @property
    def is_fine(self):
        """Whether nothing is wrong, and nothing is missing but by choice."""
        return self.wrong is None or (isinstance(self.wrong, Lacking) and not self.check.points)


@dataclasses.dataclass
class Result:
    """Of one file."""
    exercise: object
    source: str
    messages: str = ""  # the compiler's
    compiled: bool = False
    checks: list = dataclasses.field(default_factory=list)

    @property
    def passed(self):
        return self.compiled and all(result.is_fine for result in self.checks)

    @property
    def works(self):
        """Whether nothing is wrong, although something may be missing."""
        return self.compiled and all(result.wrong is None or isinstance(result.wrong, Lacking) for result in self.checks)

    @property
    def score(self):
        return sum(result.check.points for result in self.checks if result.wrong is None)

    @property
    def max_score(self):
        return sum(check.points for check in self.exercise.checks)


class Grader:
    """What is needed to run checks: the shim, and the share of the processor."""

    def __init__(self, quota):
        self._quota = quota
        self._shim = build.shim()

    def compile(self, exercise, source, folder):
        return build.program(source, folder, exercise, self._shim)

    def run(self, check, program, seed):
        """One run of one check. The round trip is measured anew each time: the machine may be busier by now."""
        limits = calibration.limits(calibration.measure(self._quota.enter))
        lab = lab_.Lab(program, self._shim, limits, self._quota, seed)
        try:
            check.run(lab)
        except Wrong as wrong:
            return CheckResult(check, wrong, seed, lab.steps.lines())
        return CheckResult(check, None, None, [])

    def _run_all(self, check, program, seeds):
        """The first failure, if there is one."""
        for seed in seeds:
            result = self.run(check, program, seed)
            if result.wrong is not None:
                return result
        return CheckResult(check, None, None, [])

    def grade(self, exercise, source, seeds):
        result = Result(exercise, source)
        if not os.path.isfile(source):
            result.messages = f"{source}: no such file"
            return result
        with tempfile.TemporaryDirectory(prefix="grade-") as folder:
            built = self.compile(exercise, source, folder)
            result.messages = built.messages
            result.compiled = built.program is not None
            if result.compiled:
                result.checks = [self._run_all(check, built.program, seeds) for check in exercise.checks]
        return result
