"""The study's figures, on series whose truth is known."""

import math
import unittest

import numpy

from comparison import study


class AllanTest(unittest.TestCase):
    def test_of_white_noise_falls_with_the_square_root_of_the_time(self):
        counts = list(100 + 10 * numpy.random.default_rng(1).standard_normal(20_000))
        found = study.allan_deviations(counts, 0.005)
        self.assertAlmostEqual(found[0.005], 0.1, delta=0.005)
        self.assertAlmostEqual(found[0.08], 0.1 / 4, delta=0.004)

    def test_of_drift_grows_with_the_time(self):
        found = study.allan_deviations([100 + number * 0.01 for number in range(1000)], 1.0)
        self.assertGreater(found[64.0], 10 * found[1.0])

    def test_is_told_as_far_as_the_series_reaches(self):
        self.assertEqual(list(study.allan_deviations([1.0] * 16, 0.5)), [0.5, 1.0, 2.0])


class SpreadTest(unittest.TestCase):
    def test_is_the_standard_deviation_of_normal_noise_and_is_not_moved_by_stalls(self):
        logs = list(0.02 * numpy.random.default_rng(1).standard_normal(500))
        self.assertAlmostEqual(study.spread(logs), 0.02, delta=0.003)
        self.assertAlmostEqual(study.spread(logs + [0.6] * 20), 0.02, delta=0.003)
        self.assertIsNone(study.spread([0.1]))

    def test_more_time_gives_narrower_answers(self):
        logs = [-0.02, -0.01, 0.0, 0.01, 0.02]
        self.assertAlmostEqual(study.half_width(logs, 10.0, 80) * 2, study.half_width(logs, 10.0, 20))
        self.assertAlmostEqual(study.half_width(logs, 2.5) * 2, study.half_width(logs, 10.0))
        self.assertAlmostEqual(study.half_width(logs, 12.0, 20), 1.96 * study.spread(logs) / math.sqrt(100))


class InterleavedTest(unittest.TestCase):
    def test_the_ways_take_turns_and_each_gets_its_share_of_the_time(self):
        clock, order = [0.0], []

        def way(name, seconds):
            def run(number):
                order.append(name)
                clock[0] += seconds
                return float(number)
            return run
        found = study.interleaved({"quick": way("quick", 1.0), "slow": way("slow", 3.0)}, 0.5, now=lambda: clock[0])
        self.assertEqual((len(found["quick"][0]), len(found["slow"][0])), (30, 10))
        self.assertEqual((found["quick"][1], found["slow"][1]), (1.0, 3.0))
        self.assertEqual(order[:8], ["quick", "slow", "quick", "quick", "quick", "slow", "quick", "quick"])
        self.assertEqual(found["slow"][0], [float(number) for number in range(10)])


if __name__ == "__main__":
    unittest.main()
