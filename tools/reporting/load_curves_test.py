"""Load curves: the line, the knee of a server whose truth is known, and what counts as a point."""
import json
import math
import pathlib
import tempfile
import unittest

from comparison import promise

from . import load_curves, page, results, synthetic

_MOST = 1000.0  # Requests per second that the server of these tests can do.


def mm1(*rates, share=0.99):
    return [(rate, synthetic.mm1_us(rate, _MOST, share)) for rate in rates]


class KneeTest(unittest.TestCase):

    def test_of_one_server_with_a_queue_it_is_at_half_of_what_it_can_do(self):
        self.assertEqual(load_curves.knee(mm1(*range(50, 1000, 50)))[0], 500)

    def test_is_none_if_the_rates_that_were_tried_lie_before_it(self):
        self.assertIsNone(load_curves.knee(mm1(50, 100, 150, 200, 250)))

    def test_is_none_of_too_few_rates(self):
        self.assertIsNone(load_curves.knee(mm1(100, 500, 900)))

    def test_of_a_line_that_is_flat_it_is_at_the_end_of_that(self):
        self.assertEqual(load_curves.knee([(100, 5.0), (200, 5.0), (300, 5.0), (400, 50.0)])[0], 300)


class CurveTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        synthetic.write(self.folder, models=("epoll",), peers=(), rounds=3, workloads=("echo",))

    def curve(self, probes, cost=()):
        """The Curve of these probes [(rate, p99 in us, ...)] and lines of cost.jsonl."""
        rows = [promise.as_json([promise.Probe(rate, us < 10_000, is_limited, {"requests": requests, "p99_us": us})])[0]
                for rate, us, requests, is_limited in ((*probe, 1000, False)[:4] if len(probe) == 2 else probe for probe in probes)]
        self.write("promise.jsonl", [self.line(rows)])
        self.write("cost.jsonl", cost)
        found = results.Results(self.folder)
        return load_curves.of_workload(found, found.workload("echo"))[1].get("epoll")

    @staticmethod
    def line(probes):
        return {"round": 1, "subject": "epoll", "workload": "echo", "promise": "p99<10ms", "probes": probes, "failed": None,
                "marks": []}

    def write(self, name, rows):
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def test_a_line_never_falls_and_a_probe_with_bad_luck_is_outvoted(self):
        curve = self.curve([(100, 50.0), (200, 5000.0), (300, 60.0), (300, 60.0), (300, 60.0), (400, 90.0), (500, 20_000.0)])
        times = [us for _, us in curve.line]
        self.assertEqual(times, sorted(times))
        self.assertEqual([rate for rate, _ in curve.line], [100, 200, 300, 400, 500])
        self.assertLess(times[1], 500)
        self.assertEqual(len(curve.points), 7)

    def test_slices_at_the_same_rate_are_one_place_of_the_line(self):
        curve = self.curve([(100, 50.0), (100, 200.0), (400, 1000.0)])
        self.assertEqual([rate for rate, _ in curve.line], [100, 400])
        self.assertAlmostEqual(curve.line[0][1], 100.0)  # The mean of logarithms.

    def test_probes_with_too_few_requests_for_the_percentile_are_no_points(self):
        self.assertEqual(len(self.curve([(100, 50.0, 99, False), (200, 60.0, 100, False)]).points), 1)

    def test_what_the_load_generator_could_not_send_is_no_point(self):
        curve = self.curve([(100, 50.0), (900, 20_000.0, 1000, True)])
        self.assertEqual(curve.points, ((100, 50.0),))

    def test_the_rates_that_all_get_are_points_of_all_rounds_together(self):
        def low(number, histogram):
            return {"round": number, "subject": "epoll", "workload": "echo", "point": "low", "rate": 20.0, "failed": None,
                    "load": {"response_ns": {"histogram": histogram}}}
        curve = self.curve([(100, 50.0)], [low(1, [10_000, 60]), low(2, [10_000, 38, 30_000, 2])])
        self.assertEqual(curve.points, ((20.0, 30.0), (100, 50.0)))  # Of 100 requests the 99th; of 60 alone there is none.

    def test_the_slowest_of_a_thousand_requests_is_beyond_p99_9(self):
        row = {"subject": "epoll", "workload": "echo", "point": "low", "rate": 20.0,
               "load": {"response_ns": {"histogram": [10_000, 999, 50_000, 1]}}}
        self.assertEqual(load_curves._at_given_rates([row], "echo", "epoll", promise.parse("p99.9<10ms")), [(20.0, 10.0, 1)])

    def test_where_no_rate_keeps_the_promise_all_that_were_tried_are_drawn(self):
        curve = load_curves.Curve((), ((100, 20_000.0), (200, 30_000.0)), None, results.Estimate(0, 0, 0, 3))
        self.assertEqual(load_curves._most_rate({"epoll": curve}), 200)

    def test_a_run_from_before_times_were_kept_has_no_curve(self):
        self.write("promise.jsonl", [self.line([[100.0, 1, 0], [200.0, 0, 0]])])
        found = results.Results(self.folder)
        self.assertEqual(load_curves.of_workload(found, found.workload("echo"))[1], {})
        self.assertIsNone(load_curves.plot(found, found.workload("echo")))
        self.assertIsNone(load_curves.table(found, found.workload("echo")))

    def test_without_a_promise_there_is_none(self):
        found = results.Results(self.folder)
        self.assertEqual(load_curves.of_workload(found, found.workload("echo")), (None, {}))


class PageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        synthetic.write(cls.folder, models=("fork", "epoll"), peers=(), rounds=3, workloads=("echo", "echo-rate"), promised=True)
        cls.results = results.Results(cls.folder)
        cls.text = page.write(cls.results, cls.folder).read_text(encoding="utf-8")

    def test_the_page_has_the_curves_with_knee_and_promise(self):
        svg = (self.folder / "plots" / "echo-load.svg").read_text(encoding="utf-8")
        for text in ("p99&lt;10ms", "promise kept up to here", "knee", "epoll", "fork"):
            self.assertIn(f">{text}<", svg)
        self.assertFalse((self.folder / "plots" / "echo-rate-load.svg").exists())
        self.assertIn('id="echo-load-wide-figure_1"', self.text)

    def test_the_words_for_it_name_the_best(self):
        plot = load_curves.plot(self.results, self.results.workload("echo"))
        self.assertIn("epoll keeps it up to the highest rate", plot.alt)

    def test_the_table_has_what_is_marked(self):
        _, curves = load_curves.of_workload(self.results, self.results.workload("echo"))
        table = load_curves.table(self.results, self.results.workload("echo"))
        self.assertEqual(set(curves), {"fork", "epoll"})
        for curve in curves.values():
            self.assertTrue(math.isfinite(curve.kept_up_to.median))
            self.assertIsNotNone(curve.knee)
        self.assertIn("p99&lt;10ms kept up to", table)
        self.assertIn("Latency against rate as a table", self.text)


if __name__ == "__main__":
    unittest.main()
