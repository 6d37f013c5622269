"""Inference on data that can be checked by hand. How often it is right is in simulation_test.py."""

import itertools
import math
import unittest

import numpy

from comparison import inference
from comparison.inference import DIFFERENT, EQUAL, OPEN, Effect


def rounds(values):
    return dict(enumerate(values, start=1))


def effects(logs, error=0.001, degrees=50, number=60):
    """Of all pairs of names with these logarithms."""
    return {(a, b): Effect(logs[a] - logs[b], error, degrees, number) for a, b in itertools.combinations(logs, 2)}


class PairedTest(unittest.TestCase):
    def test_a_value_of_0_has_no_logarithm_and_its_pairs_no_effect(self):
        values = {"a": rounds([1, 0, 1]), "b": rounds([1, 2, 3]), "c": rounds([2, 4, 6])}
        with numpy.errstate(all="raise"):
            found = inference.effects_of_pairs(values, [("a", "b"), ("b", "c")], 3)
        self.assertIsNone(found["a", "b"])
        self.assertAlmostEqual(found["b", "c"].log, -math.log(2))

    def test_what_disturbs_a_round_disturbs_both(self):
        weather = [1.0, 0.5, 0.8, 1.2, 0.7]
        effect = inference.paired(rounds([200 * w for w in weather]), rounds([100 * w for w in weather]))
        self.assertAlmostEqual(effect.log, math.log(2))
        self.assertAlmostEqual(effect.error, 0)

    def test_only_rounds_in_common_count(self):
        effect = inference.paired({1: 10, 2: 20, 3: 900}, {1: 10, 2: 20, 4: 1})
        self.assertEqual((effect.rounds, effect.log), (2, 0))
        self.assertIsNone(inference.paired({1: 10}, {2: 10}))
        self.assertIsNone(inference.paired({1: 10}, {1: 0}))

    def test_of_few_rounds_it_is_student_s_interval(self):
        low, high = inference.middle(numpy.exp([1, 2, 3])).bounds()
        self.assertAlmostEqual(high - 2, 4.303 / math.sqrt(3), places=3)
        self.assertAlmostEqual(2 - low, high - 2)

    def test_of_many_some_outliers_are_nothing(self):
        generator = numpy.random.default_rng(1)
        logs = generator.normal(0, 0.02, 60)
        logs[:4] = -0.5
        effect = inference.middle(numpy.exp(logs))
        self.assertLess(abs(effect.log), 0.01)
        self.assertLess(effect.error, 0.006)

    def test_one_round_tells_nothing(self):
        self.assertEqual(inference.middle([5]).error, math.inf)
        self.assertFalse(inference.middle([5]).tells)
        self.assertIsNone(inference.middle([]))

    def test_errors_that_are_alike_are_known_better_together(self):
        generator = numpy.random.default_rng(1)
        found = [inference.middle(numpy.exp(generator.normal(0, 0.1, 3))) for _ in range(78)]
        together = inference.moderated(found, 13)
        self.assertLess(numpy.std([effect.error for effect in together]),
                        numpy.std([effect.error for effect in found]) / 3)
        self.assertGreater(together[0].degrees, found[0].degrees)

    def test_errors_that_differ_stay_different(self):
        generator = numpy.random.default_rng(1)
        spreads = [0.01] * 39 + [1.0] * 39
        found = [inference.middle(numpy.exp(generator.normal(0, spread, 30))) for spread in spreads]
        together = inference.moderated(found, 13)
        self.assertLess(together[0].error, together[-1].error / 20)


class VerdictsTest(unittest.TestCase):
    def kinds(self, found, **options):
        return {pair: verdict.kind for pair, verdict in inference.verdicts(found, **options).items()}

    def test_different_equal_and_open(self):
        found = {("a", "b"): Effect(0.5, 0.01, 30, 60), ("a", "c"): Effect(0.001, 0.004, 30, 60),
                 ("b", "c"): Effect(0.03, 0.02, 30, 60)}
        self.assertEqual(list(self.kinds(found).values()), [DIFFERENT, EQUAL, OPEN])

    def test_a_difference_that_is_sure_but_within_the_margin_is_called_equal(self):
        found = {("a", "b"): Effect(0.01, 0.001, 50, 60)}
        self.assertEqual(self.kinds(found)["a", "b"], EQUAL)
        self.assertEqual(self.kinds(found, margin=0.005)["a", "b"], DIFFERENT)

    def test_the_more_pairs_the_surer_each_has_to_be(self):
        names = "abcdefghijklm"
        alone = {("a", "b"): Effect(0.03, 0.012, 1000, 60)}  # p = 0.012
        family = effects(dict.fromkeys(names, 0.0), error=0.012, degrees=1000) | alone
        self.assertEqual(self.kinds(alone)["a", "b"], DIFFERENT)
        self.assertEqual(self.kinds(family)["a", "b"], OPEN)

    def test_what_is_found_already_makes_the_rest_easier(self):
        # Of two groups that differ the pairs within can't be as many as all.
        logs = {name: 0.0 if name < "d" else 1.0 for name in "abcdef"}
        found = effects(logs, error=0.01, degrees=1000)
        found["a", "b"] = Effect(0.0275, 0.01, 1000, 60)  # p = 0.006: over 0.05 / 15, below 0.05 / 6.
        self.assertEqual(self.kinds(found, margin=0.001)["a", "b"], DIFFERENT)

    def test_of_too_few_rounds_nothing_is_said(self):
        verdict = inference.verdicts({("a", "b"): Effect(1, 0.001, 1, 2), ("a", "c"): None})
        self.assertEqual({one.kind for one in verdict.values()}, {OPEN})
        self.assertIn("only 2 rounds", verdict["a", "b"].why)
        self.assertIn("no good round in common", verdict["a", "c"].why)

    def test_open_says_how_much_longer_it_would_take(self):
        verdict = inference.verdicts({("a", "b"): Effect(0.03, 0.03, 10000, 60)})["a", "b"]
        self.assertEqual(verdict.kind, OPEN)
        self.assertAlmostEqual(verdict.rounds, 60 * 1.96**2, delta=2)

    def test_intervals_of_nothing_but_one_value(self):
        self.assertEqual(self.kinds({("a", "b"): Effect(0.0, 0.0, 6, 7)})["a", "b"], EQUAL)
        self.assertEqual(self.kinds({("a", "b"): Effect(0.1, 0.0, 6, 7)})["a", "b"], DIFFERENT)


class LooksTest(unittest.TestCase):
    def test_all_looks_together_are_as_often_wrong_as_one(self):
        for planned, measured, number in ((60, 60, 4), (60, 30, 3), (60, 40, 3), (7, 7, 1), (7, 5, 1), (13, 13, 4)):
            found = inference.looks(planned, measured)
            self.assertAlmostEqual(sum(look.alpha for look in found), 0.05)
            self.assertEqual((len(found), found[-1].rounds), (number, measured))
        self.assertGreater(inference.looks(60)[-1].alpha, 0.02)  # Little is spent on the way.
        self.assertEqual(inference.looks(60, 0), [])

    def test_what_was_decided_stays_so(self):
        found = {30: {("a", "b"): Effect(0.5, 0.01, 30, 30)}, 60: {("a", "b"): Effect(0.1, 0.2, 30, 60)}}
        said, near = inference.verdicts_of_looks([inference.Look(30, 0.02), inference.Look(60, 0.03)], found.get)
        self.assertEqual((said["a", "b"].kind, said["a", "b"].effect.rounds, near), (DIFFERENT, 60, ["a"]))

    def test_who_has_nothing_open_is_decided(self):
        said = inference.verdicts({("a", "b"): Effect(0.5, 0.01, 30, 60), ("a", "c"): Effect(0.5, 0.01, 30, 60),
                                   ("b", "c"): Effect(0.02, 0.02, 30, 60)})
        self.assertEqual([inference.is_decided(name, said) for name in "abcd"], [True, False, False, False])


class BestTest(unittest.TestCase):
    LOGS = {"a": 0.0, "b": -0.01, "c": -0.2}

    def test_those_than_which_nobody_is_much_better(self):
        self.assertEqual(inference.near_best("abc", effects(self.LOGS)), ["a", "b"])
        self.assertEqual(inference.near_best("cba", effects(self.LOGS)), ["b", "a"])
        self.assertEqual(inference.near_best("a", {}), ["a"])

    def test_noise_makes_nobody_near(self):
        self.assertEqual(inference.near_best("abc", effects(self.LOGS, error=0.05)), [])
        rounds_needed = inference.rounds_to_be_near_best("a", "abc", effects(self.LOGS, error=0.05))
        self.assertGreater(rounds_needed, 60)
        self.assertLess(len(inference.near_best("abc", effects(self.LOGS, 0.05 / math.sqrt(1.1 * rounds_needed / 60)))), 3)
        self.assertIn("a", inference.near_best("abc", effects(self.LOGS, 0.05 / math.sqrt(1.1 * rounds_needed / 60))))
        self.assertIsNone(inference.rounds_to_be_near_best("c", "abc", effects(self.LOGS)))

    def test_what_was_not_measured_with_the_others_is_not_compared(self):
        found = effects({**self.LOGS, "d": 0.1})
        self.assertEqual(inference.comparable("abcd", found), ["a", "b", "c", "d"])
        without = {pair: None if "c" in pair else effect for pair, effect in found.items()}
        self.assertEqual(inference.comparable("abcd", without), ["a", "b", "d"])
        self.assertEqual(inference.comparable("ab", {("a", "b"): None}), ["a"])
        self.assertEqual(inference.comparable("", {}), [])

    def test_shares_of_the_best(self):
        found = inference.shares("abc", effects(self.LOGS), lambda a, b: True)
        self.assertEqual(found["a"].middle, 1)
        self.assertAlmostEqual(found["c"].middle, math.exp(-0.2))
        self.assertLess(found["c"].low, found["c"].middle)
        self.assertLess(found["c"].high, 1)


class QuantilesTest(unittest.TestCase):
    def test_of_all_rounds_together(self):
        histograms = [[100, 99, 200, 1], [100, 90, 5000, 10]]
        weights = numpy.array([[1, 1], [2, 0], [0, 2]])
        self.assertEqual(list(inference.quantiles(histograms, 0.99, weights)), [5000, 100, 5000])
        self.assertEqual(list(inference.quantiles(histograms, 0.9, weights)), [100, 100, 100])

    def test_rounds_without_times_have_none(self):
        self.assertTrue(math.isnan(inference.quantiles([[], [100, 1]], 0.5, numpy.array([[1, 0]]))[0]))



class MergedTest(unittest.TestCase):
    def test_a_value_that_stands_twice_counts_twice(self):
        values, counts = inference.merged([[1, 5, 2, 3, 2, 4], [2, 1]])
        self.assertEqual(list(values), [1, 2])
        self.assertEqual(counts.tolist(), [[5, 7], [0, 1]])


if __name__ == "__main__":
    unittest.main()
