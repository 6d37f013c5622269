"""What lies behind the figures: values of slices and rounds, and how times are spread."""
import pathlib
import tempfile
import unittest

from . import benchmarks, results, samples, synthetic


def row(rate, slices=None, histogram=(), failed=None):
    """A line of rounds.jsonl of one workload and subject."""
    load = {"replies_per_second": rate, "response_ns": {"histogram": list(histogram)}, "service_ns": {}}
    return {"round": 1, "workload": "work", "subject": "epoll", "load": load, "failed": failed, "marks": [],
            **({"slices": slices} if slices else {})}


def one_slice(rate, p99_ns=2000):
    return {"replies_per_second": rate, "cpu_us_per_request": None, "p50_ns": 1000, "p99_ns": p99_ns}


class DotsTest(unittest.TestCase):

    def dots(self, rows, metric="throughput"):
        return samples.Samples(rows).dots("work", "epoll", metric)

    def test_slices_are_the_dots_in_their_order(self):
        self.assertEqual(self.dots([row(10, [one_slice(9), one_slice(11)]), row(20, [one_slice(21)])]),
                         samples.Dots((9, 11, 21), "slice"))

    def test_times_of_slices_are_in_microseconds(self):
        self.assertEqual(self.dots([row(10, [one_slice(9, p99_ns=5000)])], "service_p99_us").values, (5,))

    def test_slices_may_stand_in_the_load(self):
        line = row(10)
        line["load"]["slices"] = [one_slice(9)]
        self.assertEqual(self.dots([line]).values, (9,))

    def test_without_slices_rounds_are_the_dots(self):
        self.assertEqual(self.dots([row(10), row(20)]), samples.Dots((10, 20), "round"))
        self.assertEqual(self.dots([row(10), row(20, [one_slice(9)])]), samples.Dots((10, 20), "round"))

    def test_what_was_measured_at_the_same_rate_has_dots_of_its_own(self):
        given = [{**row(10, [one_slice(5, p99_ns=7000)]), "point": point} for point in ("given", "low")]
        found = samples.Samples([row(10, [one_slice(9)])], at_given_rates=given[:1])
        self.assertEqual(found.dots("work", "epoll", "given_p99_us").values, (7,))
        self.assertEqual(found.dots("work", "epoll", "throughput").values, (9,))
        self.assertIsNone(found.dots("work", "epoll", "low_p99_us"))
        self.assertIsNone(found.dots("work", "epoll", "capacity"))

    def test_a_slice_without_a_value_has_no_dot(self):
        self.assertEqual(self.dots([row(10, [one_slice(9), one_slice(None), one_slice(11)])]).values, (9, 11))

    def test_rounds_with_errors_have_no_dots_and_those_that_were_too_slow_have(self):
        self.assertIsNone(self.dots([row(10, failed="3 replies were wrong")]))
        self.assertEqual(self.dots([row(10, failed="the rate was not reached: 9 of 10")]).values, (10,))

    def test_of_very_many_some_of_the_whole_run_are_taken(self):
        found = self.dots([row(rate) for rate in range(3 * samples.MOST_DOTS)]).values
        self.assertEqual(len(found), samples.MOST_DOTS)
        self.assertGreater(found[-1], 2.9 * samples.MOST_DOTS)


class CurveTest(unittest.TestCase):

    def curve(self, *histograms):
        return samples.Samples([row(10, histogram=histogram) for histogram in histograms]).curve("work", "epoll", "response")

    def test_the_times_of_all_rounds_are_put_together(self):
        curve = dict(self.curve([1000, 900_000], [2000, 100_000]))
        at = dict(zip(samples.SHARES, samples.SHARES))
        below, above = (min(at, key=lambda share, wanted=wanted: abs(share - wanted)) for wanted in (0.89, 0.92))
        self.assertEqual((curve[below], curve[above]), (1.0, 2.0))

    def test_it_reaches_from_the_fast_ones_to_four_nines(self):
        curve = self.curve([1000, 20_000, 2000, 980_000])
        self.assertEqual((curve[0], curve[1][1]), ((0.01, 1.0), 2.0))
        self.assertAlmostEqual(curve[-1][0], 0.9999)

    def test_it_ends_where_only_chance_is_left(self):
        share, _ = self.curve([1000, 500, 3000, 500])[-1]
        self.assertGreater(share, 0.98)
        self.assertLessEqual(share, 0.99)

    def test_nothing_was_kept_of_old_runs(self):
        self.assertEqual(self.curve([]), [])


class KeptTest(unittest.TestCase):

    def test_a_folder_that_was_cut_down_has_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            whole = results.Results(synthetic.write(pathlib.Path(folder, "whole"), models=("fork", "epoll"), rounds=3,
                                                    workloads=("echo",), slices=5))
            benchmarks.keep(whole, pathlib.Path(folder, "kept"))
            kept = results.Results(pathlib.Path(folder, "kept"))
            workload = whole.workload("echo")
            for one in ("throughput", "cpu_us_per_request", "service_p99_us"):
                self.assertEqual(whole.dots(workload, "epoll", one).of, kept.dots(workload, "epoll", one).of)
                for value, again in zip(whole.dots(workload, "epoll", one).values, kept.dots(workload, "epoll", one).values):
                    self.assertAlmostEqual(value / again, 1, places=2)
            self.assertEqual(len(whole.dots(workload, "epoll", "throughput").values), 15)
            for (share, us), (same, again) in zip(whole.curve(workload, "epoll"), kept.curve(workload, "epoll")):
                self.assertEqual(share, same)
                self.assertAlmostEqual(us / again, 1, places=3)


if __name__ == "__main__":
    unittest.main()
