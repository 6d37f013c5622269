"""How far apart two subjects are on several machines: what averages say, and how often they are wrong. All results are made up."""

import math
import os
import tempfile
import unittest

import numpy

from comparison import inference, made_up_results
from comparison.inference import Effect
from comparison.made_up_results import BETTER, OPEN, WORSE, verdict
from comparison.merging import cli, pooling, ratios, text

# Open on a machine alone, whose margin is 3 %; of ten like it, the error of the average is a third.
_SLIGHTLY = (inference.OPEN, 1.06, 0.03)


class AverageTest(unittest.TestCase):
    def test_each_counts_alike_however_exact_it_is(self):
        found = ratios.average([Effect(0.1, 0.001, 100, 101), Effect(0.3, 0.1, 4, 5)])
        self.assertAlmostEqual(found.log, 0.2)
        self.assertAlmostEqual(found.error, math.hypot(0.001, 0.1) / 2)

    def test_of_one_it_is_the_same(self):
        self.assertEqual(ratios.average([Effect(0.1, 0.25, 4, 5)]), Effect(0.1, 0.25, 4, 5))

    def test_degrees_of_freedom_are_those_of_the_noisiest_or_all_together(self):
        self.assertAlmostEqual(ratios.average([Effect(0.0, 1e-6, 100, 101), Effect(0.0, 0.1, 4, 5)]).degrees, 4, places=3)
        self.assertAlmostEqual(ratios.average([Effect(0.0, 0.1, 4, 5)] * 10).degrees, 40)

    def test_without_any_error_there_is_none(self):
        self.assertEqual(ratios.average([Effect(0.1, 0.0, 4, 5)] * 2).error, 0.0)

    def test_bounds_hold_the_average_of_these_machines_however_they_differ(self):
        """Twenty machines with true ratios of their own, of few rounds each: the interval is to hold their average in 95 % of cases."""
        chance = numpy.random.default_rng(1)
        true = chance.normal(0.05, 0.3, 20)
        held = 0
        for _ in range(1000):
            rounds = chance.normal(true[:, None], chance.uniform(0.02, 0.2, 20)[:, None], (20, 5))
            low, high = ratios.average([Effect(own.mean(), own.std(ddof=1) / math.sqrt(5), 4, 5) for own in rounds]).bounds()
            held += low <= true.mean() <= high
        self.assertGreater(held, 925)  # 950 are expected, and 25 more or fewer are 3.6 standard deviations.
        self.assertLess(held, 975)


class EarlyEndTest(unittest.TestCase):
    """Runs that end as soon as the pair is decided, whose ratios are more decided than the truth."""

    def averages(self, true, spread):
        """The verdicts of 40 averages of eight machines each."""
        chance = numpy.random.default_rng(3)
        found = [ratios.average([self.run_of(chance.normal(true, spread, 12)) for _ in range(8)]) for _ in range(40)]
        return [inference.verdicts({("a", "b"): effect})["a", "b"].kind for effect in found]

    @staticmethod
    def run_of(logs):
        for look in inference.looks(len(logs)):
            mean, error, degrees = inference.trimmed(logs[:look.rounds])
            effect = Effect(float(mean), float(error), degrees, look.rounds)
            if inference.verdicts({("a", "b"): effect}, alpha=look.alpha)["a", "b"].kind != inference.OPEN:
                break
        return effect

    def test_averages_of_equals_do_not_differ(self):
        self.assertLessEqual(self.averages(0.0, 0.05).count(inference.DIFFERENT), 5)  # 2 are expected; 6 come once in 70 times.

    def test_averages_of_those_that_differ_by_the_margin_are_not_equal(self):
        found = self.averages(math.log1p(inference.MARGIN), 0.05)
        self.assertLessEqual(found.count(inference.EQUAL), 5)
        self.assertGreater(found.count(inference.DIFFERENT), 10)  # The machines are enough to say something.


class RatioTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def merge(self, *of_machines, summary=None):
        """Each the verdicts of a machine of its own."""
        return cli.merge([made_up_results.write(os.path.join(self.scratch, f"m{number}"), verdicts, summary=summary,
                                                machine={"id": f"{number:016x}"}) for number, verdicts in enumerate(of_machines)])

    def of_pair(self, *says, **more):
        return self.merge(*([verdict("poll", "epoll", one)] for one in says), **more)["pairs"][0]

    def test_the_ends_name_their_machines_and_have_bounds_of_their_own(self):
        pair = self.of_pair((inference.DIFFERENT, 1.2, 0.02), (inference.DIFFERENT, 1.8, 0.01), (inference.DIFFERENT, 1.5, 0.03))
        least, most = pair["ratio"]["least"], pair["ratio"]["most"]
        self.assertEqual((least["on"], most["on"], pair["ratio"]["units"]), ("m0", "m1", 3))
        self.assertAlmostEqual(least["low"], Effect(math.log(1.2), 0.02, 16, 9).ratio()[1])
        self.assertEqual(text.ratio(pair, "machine"),
                         "poll/epoll is 1.200 (m0) to 1.800 (m1), 1.480 (1.443-1.518) on average.")

    def test_a_sentence_names_the_better_one_first(self):
        pair = self.of_pair(WORSE, (inference.DIFFERENT, 0.4, 0.03))
        self.assertTrue(text.ratio(pair, "machine").startswith("epoll/poll is 2.000 (m0) to 2.500 (m1), 2.236 ("))

    def test_machines_decide_together_what_is_open_on_each(self):
        merged = self.merge(*[[verdict("poll", "epoll", _SLIGHTLY)]] * 10)
        pair = merged["pairs"][0]
        self.assertEqual((pair["outcome"], pair["ratio"]["average"]["says"]), (pooling.NONE, ratios.FIRST))
        self.assertIn("    TOGETHER  poll beats epoll on average of 10 machines: poll/epoll is 1.060 (1.040-1.080); open on all machines.",
                      text.text(merged).splitlines())

    def test_what_less_is_better_of_is_better_with_less(self):
        pair = self.merge(*[[verdict("poll", "epoll", _SLIGHTLY, "cpu_us_per_request")]] * 10)["pairs"][0]
        self.assertEqual(pair["ratio"]["average"]["says"], ratios.SECOND)
        self.assertEqual(text.together(pair, "machine"),
                         "epoll beats poll on average of 10 machines: epoll/poll is 0.943 (0.926-0.961); open on all machines.")

    def test_they_may_also_be_equal_on_average(self):
        merged = self.merge(*[[verdict("poll", "epoll", (inference.OPEN, 1.001, 0.02))]] * 10)
        self.assertEqual(merged["pairs"][0]["ratio"]["average"]["says"], ratios.EQUAL)
        self.assertIn("TOGETHER  poll and epoll are equal on average of 10 machines: poll/epoll is 1.001 (", text.text(merged))

    def test_many_pairs_take_more_to_be_decided(self):
        """The chance of a false one is shared by all averages of a table."""
        names = [f"m{number}" for number in range(15)]
        pairs = [(first, second) for place, first in enumerate(names) for second in names[place + 1:]]
        says = (inference.OPEN, 1.06, 0.033)
        alone = self.merge(*[[verdict("m0", "m1", says)]] * 2)["pairs"][0]
        among = self.merge(*[[verdict(*pair, says if pair == ("m0", "m1") else OPEN) for pair in pairs]] * 2)["pairs"][0]
        self.assertEqual(alone["ratio"]["average"]["low"], among["ratio"]["average"]["low"])
        self.assertEqual((alone["ratio"]["average"]["says"], among["ratio"]["average"]["says"]), (ratios.FIRST, ratios.OPEN))

    def test_a_machine_of_few_rounds_counts_as_one_and_widens_the_bounds(self):
        few = verdict("poll", "epoll", (inference.OPEN, 1.5, 0.3), rounds=3)
        good = verdict("poll", "epoll", BETTER)
        with_it, without = self.merge([good], [good], [few])["pairs"][0], self.merge([good], [good])["pairs"][0]
        self.assertEqual((with_it["outcome"], with_it["ratio"]["units"]), (pooling.AGREES, 3))
        self.assertAlmostEqual(with_it["ratio"]["average"]["ratio"], without["ratio"]["average"]["ratio"])
        self.assertLess(with_it["ratio"]["average"]["low"], without["ratio"]["average"]["low"])

    def test_with_too_few_rounds_for_an_error_there_is_no_ratio(self):
        two_rounds = verdict("poll", "epoll", (inference.OPEN, 9.0, 0.3), rounds=inference.LEAST_ROUNDS - 1)
        pair = self.merge([verdict("poll", "epoll", BETTER)], [verdict("poll", "epoll", BETTER)], [two_rounds])["pairs"][0]
        self.assertEqual((pair["units"], pair["ratio"]["units"], pair["ratio"]["most"]["ratio"]), (3, 2, 1.5))
        self.assertTrue(text.ratio(pair, "machine").endswith(" on average, of the 2 machines of which it is known."))
        pair = self.merge([verdict("poll", "epoll", BETTER)], [two_rounds])["pairs"][0]
        self.assertIsNone(pair["ratio"]["average"])
        self.assertEqual(text.ratio(pair, "machine"), "poll/epoll is 1.500 (1.408-1.598) on m0, and not known of others.")

    def test_a_throughput_of_the_load_generator_is_no_ratio_of_servers(self):
        def results(marks):
            return {"results": [{"subject": "poll", "workload": "echo", "rounds": 9, "rounds_failed": 0, "marks": marks, "metrics": {}}]}
        self.assertIsNone(self.of_pair(OPEN, OPEN, summary=results(["the client was the limit (5 of 9 rounds)"]))["ratio"])
        self.assertIsNotNone(self.of_pair(OPEN, OPEN, summary=results(["the client was the limit (4 of 9 rounds)"]))["ratio"])
        of_cost = [[verdict("poll", "epoll", OPEN, "cpu_us_per_request")]] * 2
        self.assertIsNotNone(self.merge(*of_cost, summary=results(["the client was the limit (9 of 9 rounds)"]))["pairs"][0]["ratio"])

    def test_several_runs_of_a_machine_are_one_ratio(self):
        def write(name, number, ratio):
            return made_up_results.write(os.path.join(self.scratch, name), [verdict("poll", "epoll", (inference.DIFFERENT, ratio, 0.03))],
                                         machine={"id": f"{number:016x}"})
        pair = cli.merge([write("a", 1, 4.0), write("b", 1, 1.0), write("c", 2, 8.0)])["pairs"][0]
        self.assertEqual(pair["ratio"]["units"], 2)
        self.assertAlmostEqual(pair["ratio"]["least"]["ratio"], 2.0)
        self.assertAlmostEqual(pair["ratio"]["average"]["ratio"], 4.0)

    def test_the_order_of_the_names_in_a_run_does_not_matter(self):
        pair = self.merge([verdict("poll", "epoll", (inference.DIFFERENT, 2.0, 0.03))],
                          [verdict("epoll", "poll", (inference.DIFFERENT, 0.5, 0.03))])["pairs"][0]
        self.assertAlmostEqual(pair["ratio"]["average"]["ratio"], 2.0)
        self.assertAlmostEqual(pair["ratio"]["least"]["high"], pair["ratio"]["most"]["high"])


if __name__ == "__main__":
    unittest.main()
