"""What the data say against their run: found if it is there, and not if there is only noise."""

import unittest

import numpy

from comparison import suspicion

_SUBJECTS, _TURNS = ("epoll", "fork", "thread", "uring"), 8


def _rounds(number, drift=0.0, sigma=0.05, common=0.0, seed=1):
    """Slices with noise; uring's change by the factor 1 + drift from a round's first half to its second, those of all by `common`
    in each turn."""
    chance = numpy.random.default_rng(seed)

    def value(subject, turn):
        level = 1000 * (1 + common) ** turn
        return level * (1 + drift * (subject == "uring" and turn >= _TURNS // 2)) * numpy.exp(sigma * chance.standard_normal())
    return [{subject: {turn: value(subject, turn) for turn in range(_TURNS)} for subject in _SUBJECTS} for _ in range(number)]


class DriftsTest(unittest.TestCase):
    def test_subject_that_slows_down_within_each_round_is_named(self):
        found = suspicion.drifts(_rounds(20, drift=-0.2))
        self.assertEqual(list(found), ["uring"])
        self.assertAlmostEqual(found["uring"], 0.8, delta=0.05)

    def test_noise_is_no_drift(self):
        accused = sum(bool(suspicion.drifts(_rounds(20, sigma=0.13, seed=seed))) for seed in range(50))
        self.assertEqual(accused, 0)

    def test_what_all_have_in_common_is_no_drift_of_any(self):
        self.assertEqual(suspicion.drifts(_rounds(20, common=0.03)), {})

    def test_a_small_drift_is_of_no_consequence(self):
        self.assertEqual(suspicion.drifts(_rounds(60, drift=-0.02, sigma=0.01)), {})

    def test_few_rounds_say_nothing(self):
        self.assertEqual(suspicion.drifts(_rounds(11, drift=-0.5)), {})
        self.assertEqual(suspicion.drifts([]), {})


class LeanTest(unittest.TestCase):
    def test_twin_that_is_nearly_always_ahead_betrays_the_instrument(self):
        self.assertTrue(suspicion.leans(28, 30))
        self.assertTrue(suspicion.leans(2, 30))

    def test_chance_does_not(self):
        self.assertFalse(suspicion.leans(19, 30))
        self.assertFalse(suspicion.leans(11, 11))


if __name__ == "__main__":
    unittest.main()
