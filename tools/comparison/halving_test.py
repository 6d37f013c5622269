"""The race of settings, on measurements that were made up: who stays, who leaves, and how often the right one is found. And what
tuning is worth beside the choice of the model."""

import math
import unittest

import numpy

from comparison import inference, simulation
from comparison.simulation import GOOD_HOUR, MODELS, ORDINARY_HOUR, Plan
from comparison.tuning import halving, worth

_TRIALS = 40


def measured(truth, rungs, hour, seed):
    """Values of a race in which nobody leaves: servers that stay are measured in turns, as in a real one."""
    return simulation.table(numpy.random.default_rng(seed), Plan(rungs[-1].last, 0.4, 8), hour, truth)


def play(truth, hour, seed, rounds=halving.FIRST_ROUNDS):
    """(Standing, Choice) of a race of settings of which these are the logarithms; the first is the default."""
    names = MODELS[:len(truth)]
    rungs = halving.ladder(len(names), rounds)
    values = measured(truth, rungs, hour, seed)
    standing = halving.stand(rungs, names, names[0], values, {}, rungs[-1].last)
    return standing, halving.choose(standing, rungs, names[0], values, {name: int(name != names[0]) for name in names})


class LadderTest(unittest.TestCase):
    def test_each_rung_has_half_of_the_settings_and_twice_the_rounds(self):
        rungs = halving.ladder(16, 2)
        self.assertEqual([(rung.size, rung.rounds) for rung in rungs], [(16, 2), (8, 4), (4, 8)])
        self.assertEqual([(rung.first, rung.last) for rung in rungs], [(1, 2), (3, 6), (7, 14)])

    def test_the_last_rung_has_enough_rounds_for_a_verdict(self):
        for settings in range(2, 20):
            self.assertGreaterEqual(halving.ladder(settings, halving.FIRST_ROUNDS)[-1].rounds, inference.LEAST_ROUNDS)

    def test_rungs_take_about_the_same_time(self):
        for rung in halving.ladder(32, 2)[1:]:
            self.assertLess(abs((rung.size + 1) * rung.rounds / 64 - 1), 0.3)

    def test_what_there_is_time_for_is_used_and_not_more(self):
        for affordable in (12, 30, 60, 200, 1000):
            number, rungs = halving.fit(12, affordable)
            self.assertLessEqual(halving.measurements(rungs), affordable)
            if number == 12:
                self.assertGreater(halving.measurements(halving.ladder(12, rungs[0].rounds + 1)), affordable)
            else:
                self.assertGreater(halving.measurements(halving.ladder(number + 1, halving.FIRST_ROUNDS)), affordable)

    def test_one_setting_is_no_race(self):
        self.assertEqual(halving.fit(1, 1000), (1, []))
        self.assertEqual(halving.fit(9, 3), (1, []))


class RaceTest(unittest.TestCase):
    def test_the_best_is_found_nearly_always(self):
        truth = (0.0, *[-0.02] * 11, 0.10)
        found = [play(truth, ORDINARY_HOUR, seed)[1].best == MODELS[12] for seed in range(_TRIALS)]
        self.assertGreaterEqual(sum(found), 0.9 * _TRIALS)

    def test_in_a_good_hour_less_of_a_difference_will_do(self):
        truth = (0.0, *[-0.01] * 11, 0.05)
        found = [play(truth, GOOD_HOUR, seed)[1].best == MODELS[12] for seed in range(_TRIALS)]
        self.assertGreaterEqual(sum(found), 0.9 * _TRIALS)

    def test_equal_settings_are_called_equal_and_the_default_is_taken(self):
        for seed in range(10):
            _, chosen = play([0.0] * 8, GOOD_HOUR, seed, rounds=48)
            self.assertEqual(chosen.best, MODELS[0])
            self.assertGreaterEqual(len(chosen.equal), 3, seed)
            self.assertTrue(chosen.is_sure)

    def test_of_equal_ones_that_beat_the_default_the_simplest_is_taken(self):
        names, rungs = MODELS[:4], halving.ladder(4, 100)
        values = measured((0.0, 0.3, 0.3, 0.3), rungs, GOOD_HOUR, 1)
        standing = halving.stand(rungs, names, names[0], values, {}, rungs[-1].last)
        chosen = halving.choose(standing, rungs, names[0], values, dict(zip(names, (0, 3, 1, 2))))
        self.assertEqual((chosen.best, set(chosen.equal)), (names[2], {names[1], names[3]}))

    def test_what_is_called_sure_is_hardly_ever_worse_than_promised(self):
        chance = numpy.random.default_rng(1)
        false = sure = 0
        for seed in range(_TRIALS):
            truth = chance.normal(0, 0.05, 9)
            standing, chosen = play(truth, ORDINARY_HOUR, seed)
            best = max(truth[MODELS.index(name)] for name in standing.alive)
            sure += chosen.is_sure
            false += chosen.is_sure and truth[MODELS.index(chosen.best)] < best - math.log1p(inference.MARGIN)
        self.assertLessEqual(false, 0.05 * _TRIALS)
        self.assertGreater(sure, 0)

    def test_the_default_stays_to_the_end_however_bad_it_is(self):
        standing, chosen = play((-1.0, *[0.0] * 11), GOOD_HOUR, 3)
        self.assertIn(MODELS[0], standing.alive)
        self.assertNotEqual(chosen.best, MODELS[0])
        self.assertEqual(len(standing.alive), halving.ladder(12, halving.FIRST_ROUNDS)[-1].size + 1)

    def test_who_is_surely_worse_leaves_even_from_the_better_half(self):
        standing, _ = play((0.0, 0.0, *[-0.7] * 10), GOOD_HOUR, 1, rounds=4)
        self.assertEqual(set(standing.alive), set(MODELS[:2]))
        self.assertTrue(any(why.startswith("surely worse than") for _, why in standing.left.values()))

    def test_equal_settings_are_hardly_ever_called_surely_worse(self):
        """The leader of many equals is that by luck, so that chance alone puts one of them far behind it."""
        false = 0
        for seed in range(_TRIALS):
            standing, _ = play([0.0] * 13, ORDINARY_HOUR, seed, rounds=6)
            false += any(why.startswith("surely worse than") for _, why in standing.left.values())
        self.assertLessEqual(false, 0.05 * _TRIALS)

    def test_one_without_figures_leaves_and_the_best_of_the_others_stay(self):
        names, rungs = MODELS[:9], halving.ladder(9, 4)
        values = measured([0.1 * number for number in range(9)], rungs, GOOD_HOUR, 1)
        values[names[4]] = {}
        standing = halving.stand(rungs, names, names[0], values, {}, rungs[0].last)
        self.assertEqual(standing.left[names[4]], (0, "could not be compared with the others"))
        self.assertEqual(standing.alive[0], names[8])
        self.assertLessEqual(set(standing.alive), {names[0], *names[5:]})

    def test_who_fails_leaves_at_once_with_the_reason(self):
        names, rungs = MODELS[:6], halving.ladder(6, 2)
        values = measured([0.0] * 6, rungs, GOOD_HOUR, 1)
        failures = {names[3]: (1, "it ended before it was ready")}
        before, after = (halving.stand(rungs, names, names[0], values, failures, done) for done in (0, 1))
        self.assertEqual(before.alive, list(names))
        self.assertNotIn(names[3], after.alive)
        self.assertEqual(after.left, {names[3]: (None, "it ended before it was ready")})

    def test_if_all_fail_there_is_no_best_and_the_race_is_over(self):
        names, rungs = MODELS[:3], halving.ladder(3, 2)
        standing = halving.stand(rungs, names, names[0], {}, {name: (1, "no") for name in names}, 1)
        self.assertTrue(standing.is_over)
        self.assertIsNone(halving.choose(standing, rungs, names[0], {}, {}).best)

    def test_how_it_stands_depends_on_what_came_before_alone(self):
        names = MODELS[:12]
        rungs = halving.ladder(12, 2)
        values = measured([0.01 * number for number in range(12)], rungs, ORDINARY_HOUR, 5)
        for done in range(rungs[-1].last + 1):
            until = {name: {number: value for number, value in own.items() if number <= done} for name, own in values.items()}
            self.assertEqual(halving.stand(rungs, names, names[0], values, {}, done), halving.stand(rungs, names, names[0], until, {}, done))


class WorthTest(unittest.TestCase):
    def spread(self, truth, hour=ORDINARY_HOUR, seed=1, rounds=8):
        names = MODELS[:len(truth)]
        return worth.spread(names, halving.effects(simulation.table(numpy.random.default_rng(seed), Plan(rounds, 0.6, 6), hour, truth), names))

    def test_noise_is_no_spread(self):
        found = [self.spread([0.0] * 6, seed=seed) for seed in range(_TRIALS)]
        mean = sum(one.variance for one in found) / _TRIALS
        self.assertLess(abs(mean), 3 * (sum(one.error**2 for one in found)**0.5) / _TRIALS)

    def test_a_spread_is_that_of_the_truth(self):
        truth = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
        found = [self.spread(truth, seed=seed) for seed in range(_TRIALS)]
        self.assertAlmostEqual(sum(one.variance for one in found) / _TRIALS, float(numpy.var(truth, ddof=1)), delta=0.005)

    def test_one_or_an_unknown_noise_has_none(self):
        self.assertIsNone(self.spread([0.0]))
        self.assertIsNone(self.spread([0.0, 0.1], rounds=1))

    def test_what_has_failed_does_not_hide_how_far_the_others_are_apart(self):
        values = simulation.table(numpy.random.default_rng(1), Plan(8, 0.6, 6), GOOD_HOUR, [0.0, 0.5, 1.0])
        found = halving.effects({**values, "failed": {}}, (*MODELS[:3], "failed"))
        one = worth.spread((*MODELS[:3], "failed"), found)
        self.assertEqual(one.number, 3)
        self.assertAlmostEqual(one.variance, 0.25, delta=0.05)

    def test_which_matters_more_is_said_only_if_it_is_sure(self):
        near, far = self.spread([0.0, 0.01, 0.02, 0.0], GOOD_HOUR), self.spread([0.0, 0.5, 1.0, 0.2], GOOD_HOUR)
        self.assertEqual((worth.which(far, near), worth.which(near, far), worth.which(near, near)), (worth.MODEL, worth.TUNING, worth.OPEN))
        self.assertEqual(worth.which(None, near), worth.OPEN)

    def test_two_spreads_that_are_the_same_are_hardly_ever_told_apart(self):
        few, many = [0.0, 0.03 * 2**0.5], [0.0] * 4 + [0.03] * 4 + [0.06] * 4 + [0.03]
        of_many = float(numpy.std(many, ddof=1))
        many = [0.03 / of_many * own for own in many]  # Either has a standard deviation of 0.03.
        told = sum(worth.which(self.spread(few, GOOD_HOUR, seed), worth.pooled(
            [self.spread(many, GOOD_HOUR, 1000 + 2 * seed + model, rounds=2) for model in range(2)])) != worth.OPEN for seed in range(_TRIALS))
        self.assertLessEqual(told, 0.05 * _TRIALS)

    def test_a_spread_within_models_weighs_each_by_its_settings(self):
        few, many = worth.Spread(0.04, 2), worth.Spread(0.01, 6)
        self.assertAlmostEqual(worth.pooled([few, many]).variance, (0.04 + 5 * 0.01) / 6)
        self.assertIsNone(worth.pooled([]))


if __name__ == "__main__":
    unittest.main()
