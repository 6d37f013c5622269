"""Statistics against known data: what they must give, and what they must not call a difference."""

import math
import unittest

import numpy

from comparison import statistics


def rounds(values):
    return dict(enumerate(values, start=1))


def noisy(generator, middle, spread, number=7):
    """So many rounds of one thing, on a machine whose noise is of this relative size."""
    return rounds(middle * numpy.exp(generator.normal(0, spread, number)))


class IntervalTest(unittest.TestCase):
    def test_median_lies_within_its_interval(self):
        interval = statistics.median_interval([5, 1, 3, 2, 4])
        self.assertEqual(interval.median, 3)
        self.assertLessEqual(1, interval.low)
        self.assertLessEqual(interval.low, 3)
        self.assertLessEqual(3, interval.high)
        self.assertEqual(interval.n, 5)

    def test_equal_values_leave_no_doubt(self):
        interval = statistics.median_interval([7, 7, 7])
        self.assertEqual((interval.low, interval.high), (7, 7))

    def test_of_nothing_there_is_none(self):
        self.assertIsNone(statistics.median_interval([]))
        self.assertIsNone(statistics.ratio_interval({}, rounds([1])))
        self.assertIsNone(statistics.ratio_interval(rounds([1]), rounds([0])))

    def test_interval_holds_the_true_median_about_as_often_as_it_says(self):
        generator = numpy.random.default_rng(7)
        held = 0
        for seed in range(200):
            interval = statistics.median_interval(list(generator.normal(100, 10, 15)), seed, resamples=500)
            held += interval.low <= 100 <= interval.high
        self.assertGreater(held, 170)  # Of few values it is a little too narrow; the noise floor makes up for it.

    def test_what_disturbs_a_round_disturbs_both(self):
        weather = [1.0, 0.5, 0.8, 1.2, 0.7]
        ratio = statistics.ratio_interval(rounds([200 * w for w in weather]), rounds([100 * w for w in weather]))
        self.assertAlmostEqual(ratio.low, 2)
        self.assertAlmostEqual(ratio.high, 2)

    def test_only_rounds_in_common_count(self):
        ratio = statistics.ratio_interval({1: 10, 2: 20, 3: 900}, {1: 10, 2: 20, 4: 1})
        self.assertEqual(ratio.n, 2)
        self.assertAlmostEqual(ratio.median, 1)

    def test_the_same_data_gives_the_same_interval(self):
        values = [3.1, 4.1, 5.9, 2.6, 5.3]
        self.assertEqual(statistics.median_interval(values), statistics.median_interval(list(values)))


class JudgeTest(unittest.TestCase):
    def ratio(self, low, high, n=7):
        return statistics.Interval((low + high) / 2, low, high, n)

    def test_needs_an_interval_without_1_that_lies_outside_the_noise(self):
        self.assertTrue(statistics.judge(self.ratio(1.2, 1.3), 1.1).differs)
        self.assertTrue(statistics.judge(self.ratio(0.7, 0.8), 1.1).differs)
        self.assertFalse(statistics.judge(self.ratio(0.9, 1.3), 1.1).differs)
        self.assertFalse(statistics.judge(self.ratio(1.05, 1.3), 1.1).differs)
        self.assertFalse(statistics.judge(self.ratio(0.8, 0.95), 1.1).differs)

    def test_without_knowing_the_noise_nothing_differs(self):
        self.assertFalse(statistics.judge(self.ratio(2, 3), None).differs)
        self.assertFalse(statistics.judge(None, 1.1).differs)
        self.assertFalse(statistics.judge(self.ratio(2, 3, n=2), 1.1).differs)

    def test_twins_never_differ_as_they_are_the_noise(self):
        generator = numpy.random.default_rng(3)
        for _ in range(50):
            ratio = statistics.ratio_interval(noisy(generator, 100, 0.1), noisy(generator, 100, 0.1), resamples=300)
            self.assertFalse(statistics.judge(ratio, statistics.noise_floor([ratio])).differs)

    def test_the_same_thing_is_hardly_ever_called_different_and_a_real_difference_is_found(self):
        generator = numpy.random.default_rng(11)
        for noise, faster_by, share in ((0.03, 1.25, 0.95), (0.13, 1.5, 0.75)):
            false_alarms, found, trials = 0, 0, 400
            for seed in range(trials):
                a, again, same, other = (noisy(generator, 100, noise) for _ in range(4))
                faster = {number: faster_by * value for number, value in noisy(generator, 100, noise).items()}
                floor = statistics.noise_floor([statistics.ratio_interval(a, again, seed, 300)])
                false_alarms += statistics.judge(statistics.ratio_interval(same, other, seed, 300), floor).differs
                found += statistics.judge(statistics.ratio_interval(same, faster, seed, 300), floor).differs
            self.assertLess(false_alarms, 0.04 * trials, noise)
            self.assertGreater(found, share * trials, noise)

    def test_the_noise_is_the_worst_of_all_twins(self):
        floor = statistics.noise_floor([self.ratio(0.99, 1.03), self.ratio(0.7, 0.9), None])
        self.assertAlmostEqual(floor, 1.25)
        self.assertIsNone(statistics.noise_floor([None]))


class LineTest(unittest.TestCase):
    def test_finds_the_line(self):
        line = statistics.regression([(0, 100), (10, 120), (20, 140), (30, 160)])
        self.assertAlmostEqual(line.slope, 2)
        self.assertAlmostEqual(line.intercept, 100)
        self.assertAlmostEqual(line.r2, 1)

    def test_doubt_grows_with_the_noise(self):
        generator = numpy.random.default_rng(5)
        points = [(x, 50 + 3 * x + generator.normal(0, 20)) for x in range(0, 100, 5)]
        line = statistics.regression(points)
        self.assertLess(line.low, 3)
        self.assertGreater(line.high, 3)
        self.assertGreater(line.high - line.low, 0.05)

    def test_interval_holds_the_true_slope_about_as_often_as_it_says(self):
        generator = numpy.random.default_rng(8)
        held = 0
        for _ in range(400):
            line = statistics.regression([(x, 50 + 3 * x + generator.normal(0, 20)) for x in (1, 250, 500, 750, 1000)])
            held += line.low <= 3 <= line.high
        self.assertGreater(held, 0.92 * 400)

    def test_needs_three_points_at_different_places(self):
        self.assertIsNone(statistics.regression([(1, 1), (2, 2)]))
        self.assertIsNone(statistics.regression([(1, 1), (1, 2), (1, 3)]))


class SharesTest(unittest.TestCase):
    def test_gini(self):
        self.assertEqual(statistics.gini([5, 5, 5, 5]), 0)
        self.assertAlmostEqual(statistics.gini([0, 0, 0, 8]), 0.75)
        self.assertEqual(statistics.gini([]), 0)
        self.assertEqual(statistics.gini([0, 0]), 0)

    def test_max_over_min(self):
        self.assertEqual(statistics.max_over_min([2, 4]), 2)
        self.assertIsNone(statistics.max_over_min([0, 4]))
        self.assertIsNone(statistics.max_over_min([4]))


class RankTest(unittest.TestCase):
    def test_those_that_cannot_be_told_apart_share_a_place(self):
        values = {"a": 100, "b": 99, "c": 50, "d": 49}
        real = {frozenset(pair) for pair in (("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"))}
        groups = statistics.rank(values, values, lambda a, b: frozenset((a, b)) in real)
        self.assertEqual(groups, [["a", "b"], ["c", "d"]])

    def test_less_may_be_better(self):
        values = {"a": 3, "b": 1}
        self.assertEqual(statistics.rank(values, values, lambda a, b: True, higher_is_better=False), [["b"], ["a"]])


class FactorialTest(unittest.TestCase):
    """Two factors; of the logarithms the first one moves by 3, the second one by 1."""

    SIGNS = [(-1, -1), (1, -1), (-1, 1), (1, 1)]

    def test_shares_go_by_the_squares_of_the_effects(self):
        values = [[math.exp(3 * a + b)] * 3 for a, b in self.SIGNS]
        shares = statistics.factorial(self.SIGNS, values).shares
        self.assertAlmostEqual(shares[(0,)], 0.9)
        self.assertAlmostEqual(shares[(1,)], 0.1)
        self.assertAlmostEqual(shares[(0, 1)], 0)

    def test_what_two_factors_do_together_is_told_apart(self):
        values = [[math.exp(a * b)] * 2 for a, b in self.SIGNS]
        self.assertAlmostEqual(statistics.factorial(self.SIGNS, values).shares[(0, 1)], 1)

    def test_rounds_that_were_slow_for_all_do_not_count(self):
        values = [[math.exp(a) * weather for weather in (1, 0.5, 0.7)] for a, _ in self.SIGNS]
        self.assertAlmostEqual(statistics.factorial(self.SIGNS, values).shares[(0,)], 1)

    def test_noise_is_what_is_left(self):
        values = [[math.exp(a + noise), math.exp(a - noise)] for (a, _), noise in zip(self.SIGNS, (1, -1, -1, 1))]
        shares = statistics.factorial(self.SIGNS, values).shares
        self.assertAlmostEqual(sum(shares.values()), 0.5)

    def test_error_is_that_of_an_effect(self):
        generator = numpy.random.default_rng(3)
        found = [statistics.factorial(self.SIGNS, numpy.exp(generator.normal(0, 0.1, (4, 5)))) for _ in range(300)]
        spread = numpy.std([one.effects[(0,)] for one in found])
        self.assertAlmostEqual(spread, numpy.mean([one.error for one in found]), delta=0.15 * spread)

    def test_of_equal_values_there_is_nothing_to_share(self):
        self.assertEqual(statistics.factorial(self.SIGNS, [[5, 5]] * 4).shares, {})


if __name__ == "__main__":
    unittest.main()
