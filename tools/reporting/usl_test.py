"""The Universal Scalability Law: a curve that is known is found again, with and without noise."""
import math
import random
import unittest

from . import synthetic, usl


def curve(steps, noise=0.0, seed=1, **law):
    chance = random.Random(seed)
    return [(workers, synthetic.usl(workers, **law) * chance.gauss(1, noise)) for workers in steps]


class UslTest(unittest.TestCase):

    def test_finds_the_law_of_a_known_curve(self):
        fit = usl.fit(curve((1, 2, 4, 8, 16), one=50000, sigma=0.06, kappa=0.004))
        self.assertAlmostEqual(fit.one, 50000, delta=1)
        self.assertAlmostEqual(fit.sigma, 0.06, places=4)
        self.assertAlmostEqual(fit.kappa, 0.004, places=5)
        self.assertLess(fit.error, 1e-6)
        self.assertAlmostEqual(fit.peak, math.sqrt(0.94 / 0.004), delta=0.1)

    def test_linear_growth_has_neither_contention_nor_peak(self):
        fit = usl.fit([(workers, 1000.0 * workers) for workers in (1, 2, 4, 8)])
        self.assertAlmostEqual(fit.sigma, 0, places=6)
        self.assertEqual(fit.peak, math.inf)
        self.assertAlmostEqual(fit.throughput(32), 32000, delta=1)

    def test_growth_faster_than_linear_is_not_explained_by_negative_contention(self):
        fit = usl.fit([(1, 1000), (2, 2200), (4, 4600), (8, 9500)])
        self.assertGreaterEqual(fit.sigma, 0)
        self.assertGreater(fit.error, 0.02)

    def test_noise_moves_the_curve_little(self):
        for seed in range(5):
            fit = usl.fit(curve((1, 2, 3, 4, 6, 8, 12, 16), noise=0.02, seed=seed))
            for workers in (1, 4, 16):
                self.assertAlmostEqual(fit.throughput(workers) / synthetic.usl(workers), 1, delta=0.05)
            self.assertLess(fit.error, 0.05)

    def test_too_few_steps_are_not_fitted(self):
        self.assertIsNone(usl.fit(curve((1, 2, 4))))
        self.assertIsNone(usl.fit([]))
        self.assertIsNone(usl.fit(curve((1, 2, 2, 2, 4))))

    def test_foretells_what_was_held_back(self):
        held = usl.hold_back(curve((1, 2, 4, 8)))
        self.assertEqual(held.workers, 8)
        self.assertAlmostEqual(held.error, 0, places=4)

    def test_a_curve_that_breaks_off_is_found_out_by_what_was_held_back(self):
        points = curve((1, 2, 4)) + [(8, synthetic.usl(4))]
        self.assertGreater(usl.hold_back(points).error, 0.2)

    def test_nothing_is_held_back_of_too_few(self):
        self.assertIsNone(usl.hold_back(curve((1, 2, 4))))
        self.assertIsNone(usl.hold_back([]))


if __name__ == "__main__":
    unittest.main()
