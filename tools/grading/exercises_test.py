"""The grader is right about each exercise: its faulty program fails, by its fault, and its solution passes. Three schedules each;
tools/grade --prove tries a hundred, and on a slow machine, too."""

import os
import unittest

from . import checks, prove

_TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
_RUNS = 3


class ExercisesTest(unittest.TestCase):
    """Has a test for each exercise, see below."""

    def try_exercise(self, exercise):
        bad = {trial.program: trial.bad for trial in prove.trials(_TOP, [exercise], _RUNS, 1, slow_too=False)}
        self.assertEqual(bad, {"exercises": [], "solutions": []})


for _exercise in checks.EXERCISES.values():
    setattr(ExercisesTest, f"test_{_exercise.name}", lambda self, exercise=_exercise: self.try_exercise(exercise))

if __name__ == "__main__":
    unittest.main()
