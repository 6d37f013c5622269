"""Statistics against known data."""

import itertools
import math
import unittest

import numpy
from scipy import stats

from comparison import inference, statistics


def rounds(values):
    return dict(enumerate(values, start=1))


class IntervalTest(unittest.TestCase):
    def test_median_lies_within_its_interval(self):
        interval = statistics.median_interval([5, 1, 3, 2, 4])
        self.assertEqual(interval.median, 3)
        self.assertLess(interval.low, 3)
        self.assertLess(3, interval.high)
        self.assertEqual(interval.n, 5)

    def test_equal_values_leave_no_doubt(self):
        interval = statistics.median_interval([7, 7, 7])
        self.assertAlmostEqual(interval.low, 7)
        self.assertAlmostEqual(interval.high, 7)

    def test_of_nothing_there_is_none(self):
        self.assertIsNone(statistics.median_interval([]))
        self.assertIsNone(statistics.ratio_interval({}, rounds([1])))
        self.assertIsNone(statistics.ratio_interval(rounds([1]), rounds([0])))

    def test_interval_holds_the_true_middle_as_often_as_it_says_however_few_values_there_are(self):
        generator = numpy.random.default_rng(7)
        for number in (3, 5, 7, 9, 30):
            found = [statistics.median_interval(list(generator.normal(100, 10, number))) for _ in range(1000)]
            held = sum(interval.low <= 100 <= interval.high for interval in found)
            self.assertGreater(held, 935, number)
            self.assertLess(held, 975, number)

    def test_noise_that_is_a_factor_leaves_no_bound_below_nothing_and_holds_the_truth_as_often(self):
        generator = numpy.random.default_rng(9)
        for number in (3, 5, 7, 30):
            found = [statistics.median_interval(list(numpy.exp(generator.normal(3, 1, number)))) for _ in range(1000)]
            self.assertGreater(min(interval.low for interval in found), 0)
            held = sum(interval.low <= math.exp(3) <= interval.high for interval in found)
            self.assertGreater(held, 935, number)
            self.assertLess(held, 975, number)

    def test_what_is_nothing_at_times_is_never_less(self):
        interval = statistics.median_interval([0, 0, 0.1, 0.5])
        self.assertEqual(interval.low, 0)
        self.assertGreater(interval.high, 0.25)

    def test_values_that_say_nearly_nothing_have_an_upper_bound_all_the_same(self):
        self.assertTrue(math.isfinite(statistics.median_interval([1e-300, 1e300]).high))

    def indexes(self, generator):
        """Jain's index of 32 connections in 1,500 rounds of six slices: how unequal the server treats them changes from start to
        start, and one connection of fifty starves."""
        spread = generator.uniform(0.1, 0.3, 1500)
        weights = numpy.exp(spread[:, None] * generator.standard_normal((1500, 32)))
        weights[generator.random(weights.shape) < 0.002] *= 0.02
        replies = generator.poisson((60 * weights / weights.mean(axis=1, keepdims=True))[:, None, :], (1500, 6, 32)).astype(float)
        return (replies.sum(axis=-1)**2 / (32 * (replies**2).sum(axis=-1))).mean(axis=1)

    def test_an_interval_of_fairness_ends_at_1_and_holds_the_truth_as_often_as_it_says(self):
        generator = numpy.random.default_rng(10)
        all_rounds = self.indexes(generator)
        true = numpy.median(all_rounds)
        for number in (3, 7, 15, 30, 100):
            found = [statistics.share_interval(list(generator.choice(all_rounds, number))) for _ in range(700)]
            held = sum(interval.low <= true <= interval.high for interval in found) / 700
            self.assertGreater(held, 0.925, number)
            self.assertLess(held, 0.985, number)
            self.assertLessEqual(max(interval.high for interval in found), 1)
            self.assertGreater(min(interval.low for interval in found), 0)

    def test_servers_that_are_as_fair_as_each_other_are_seldom_called_different(self):
        generator = numpy.random.default_rng(12)
        all_rounds, names, runs = self.indexes(generator), "abcd", 150
        pairs = list(itertools.combinations(names, 2))
        wrong = 0
        for _ in range(runs):
            values = {name: rounds(generator.choice(all_rounds, 12)) for name in names}
            said = inference.verdicts(inference.effects_of_pairs(values, pairs, len(names)))
            wrong += any(verdict.differs for verdict in said.values())
        self.assertLessEqual(wrong, 12)  # 5 % of 150 are 7.5; as many as 13 come in 4 % of such tests.

    def test_ratios_are_of_rounds_so_that_what_disturbs_a_round_disturbs_both(self):
        weather = [1.0, 0.5, 0.8, 1.2, 0.7]
        ratio = statistics.ratio_interval(rounds([200 * w for w in weather]), rounds([100 * w for w in weather]))
        self.assertAlmostEqual(ratio.low, 2)
        self.assertAlmostEqual(ratio.high, 2)


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

    def test_a_jump_that_something_else_has_made_moves_no_line(self):
        generator = numpy.random.default_rng(8)
        held = 0
        for _ in range(400):
            jump = int(generator.integers(1, 9))
            height = 30_000 if jump < 8 and generator.random() < 0.5 else 0
            points = [(500 * step, 1500 * step + generator.normal(0, 20) - (height if step >= jump else 0)) for step in range(9)]
            line = statistics.regression_with_a_jump(points)
            held += line.low <= 3 <= line.high
        self.assertGreater(held, 0.92 * 400)
        self.assertLess(held, 0.98 * 400)

    def test_few_degrees_of_freedom_and_many_have_student_s_own_factor(self):
        for number in (3, 16, 40):
            points = [(x, x + (-1)**x) for x in range(number)]
            line = statistics.regression(points)
            fit = stats.linregress(points)
            self.assertAlmostEqual((line.high - line.slope) / fit.stderr, stats.t.ppf(0.975, number - 2))

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
