"""Tests of prove.py and calibration.py: when a verdict of the grader is wrong, and what its time limits are."""

import os
import unittest

from . import calibration, checks, grade, prove, quota
from .exercise import Wrong

_EXERCISE = next(iter(checks.EXERCISES.values()))


def results(*failed):
    return [grade.CheckResult(check, Wrong("lost") if number in failed else None, 1, [])
            for number, check in enumerate(_EXERCISE.checks)]


class VerdictTest(unittest.TestCase):

    def test_faulty_program_has_to_fail_by_its_fault(self):
        self.assertIsNone(prove.verdict_on_faulty(_EXERCISE, results(1)))
        self.assertIn("not found", prove.verdict_on_faulty(_EXERCISE, results()))
        self.assertIn("lost", prove.verdict_on_faulty(_EXERCISE, results(0, 1)))

    def test_solution_has_to_pass(self):
        self.assertIsNone(prove.verdict_on_solution(_EXERCISE, results()))
        self.assertIn("lost", prove.verdict_on_solution(_EXERCISE, results(1)))


class LimitsTest(unittest.TestCase):

    def test_they_grow_with_the_round_trip_and_have_a_floor(self):
        quick, slow = calibration.limits(0.00001), calibration.limits(0.01)
        self.assertGreater(quick.grace, 0.01)
        self.assertAlmostEqual(slow.grace, 0.3)
        self.assertGreater(slow.patience, quick.patience)

    def test_round_trip_is_measured(self):
        self.assertGreater(calibration.measure(quota.Whole().enter), 0)


class FilesTest(unittest.TestCase):

    def test_each_exercise_has_its_program_its_solution_and_its_page(self):
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        for name, exercise in checks.EXERCISES.items():
            for kind in prove.VERDICTS:
                self.assertTrue(os.path.isfile(prove.source(top, kind, exercise)), f"{kind}: {name}")
            self.assertTrue(os.path.isfile(os.path.join(top, "course", "exercises", name, "README.md")), name)
        self.assertEqual(sorted(os.listdir(os.path.join(top, "course", "exercises"))), sorted(checks.EXERCISES))


if __name__ == "__main__":
    unittest.main()
