"""tools/compare overload: what its figures say, how they are shown, and a run of it against real servers, in brief."""

import json
import os
import subprocess
import tempfile
import unittest
import unittest.mock

from comparison import programs, subjects
from comparison.load import Load, LoadRun
from comparison.overload import cli, judge, measure, text
from comparison.processes import ServerError

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the programs lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it.
_PROGRAMS = os.environ.get("POLYSERVE_BIN", _REPOSITORY)


def _line(goodput, p99_ms=10.0, capacity=1000.0, tries=100, refused=0, gave_up=0, is_in_doubt=False):
    return {"goodput": goodput, "p99_ms": p99_ms, "capacity": capacity, "tries": tries, "refused": refused, "gave_up": gave_up,
            "is_in_doubt": is_in_doubt, "failed": None}


def _point(factor, goodput, p99_ms=10.0):
    return judge.Point(factor, goodput, goodput, goodput, p99_ms, 0.0, 0.0)


class PointTest(unittest.TestCase):
    def test_rounds_have_a_median_and_bounds_in_parts_of_each_rounds_capacity(self):
        point = judge.point(2.0, [_line(500), _line(900), _line(800, capacity=2000)])
        self.assertEqual((point.low, point.goodput, point.high), (0.4, 0.5, 0.9))

    def test_refusals_are_parts_of_the_tries(self):
        point = judge.point(2.0, [_line(500, tries=100, refused=50, gave_up=10), _line(500, tries=300, refused=50)])
        self.assertEqual((point.refused, point.gave_up), (0.25, 0.025))

    def test_round_that_was_disturbed_casts_doubt(self):
        self.assertFalse(judge.point(2.0, [_line(500)]).is_in_doubt)
        self.assertTrue(judge.point(2.0, [_line(500), _line(500, is_in_doubt=True)]).is_in_doubt)

    def test_without_an_answer_there_is_no_time(self):
        self.assertIsNone(judge.point(2.0, [_line(0, p99_ms=None)]).p99_ms)


class RecoveryTest(unittest.TestCase):
    def test_recovers_when_answers_come_in_time_again_and_go_on_to(self):
        per_interval = [80] * 20 + [10, 10, 10] + [80] * 10
        self.assertAlmostEqual(judge.recovery_s(per_interval, 0.1, 800, 2.0), 0.3)

    def test_one_good_interval_is_no_recovery(self):
        per_interval = [80] * 20 + [0, 80, 0, 0, 0, 0, 0, 0, 0, 0] + [80] * 10
        self.assertAlmostEqual(judge.recovery_s(per_interval, 0.1, 800, 2.0), 1.0)

    def test_what_is_missing_by_chance_is_no_burst(self):
        few = [9, 6, 8, 5, 9]  # Of ten expected in each interval, 37 of 50.
        self.assertEqual(judge.recovery_s([10] * 20 + few * 4, 0.1, 100, 2.0), 0.0)
        self.assertIsNone(judge.recovery_s([100] * 20 + [10 * each for each in few * 4], 0.1, 1000, 2.0))

    def test_server_that_was_not_disturbed_recovers_at_once(self):
        self.assertEqual(judge.recovery_s([80] * 40, 0.1, 800, 2.0), 0.0)

    def test_server_that_does_not_recover_before_the_end_has_no_time(self):
        self.assertIsNone(judge.recovery_s([80] * 20 + [5] * 20, 0.1, 800, 2.0))
        self.assertIsNone(judge.recovery_s([], 0.1, 800, 2.0))


class VerdictTest(unittest.TestCase):
    def test_right_is_what_answers_most_in_time_at_the_highest_rate(self):
        verdict = judge.judge({"wait": [_point(1, 1.0), _point(2, 0.1)], "newest": [_point(1, 0.9), _point(2, 0.85)]})
        self.assertEqual((verdict.right, verdict.holds, verdict.collapses), ("newest", True, ("wait",)))
        self.assertAlmostEqual(verdict.kept, 0.85 / 0.9)

    def test_of_equal_ones_the_one_with_the_shorter_tail(self):
        verdict = judge.judge({"refuse": [_point(2, 0.95, 60.0)], "deadline": [_point(2, 0.94, 12.0)], "wait": [_point(2, 0.5, 1.0)]})
        self.assertEqual(verdict.right, "deadline")

    def test_rules_whose_rounds_overlap_are_equal(self):
        best, near = judge.Point(2, 0.9, 0.7, 1.0, 50.0, 0.0, 0.0), judge.Point(2, 0.8, 0.75, 0.85, 10.0, 0.0, 0.0)
        verdict = judge.judge({"refuse": [best], "deadline": [near], "wait": [_point(2, 0.1)]})
        self.assertEqual((verdict.right, verdict.equals), ("deadline", ("refuse",)))
        self.assertIn("highest rate; refuse does as well.", text.sentence("epoll", "none", verdict))

    def test_best_of_all_may_collapse_as_well(self):
        verdict = judge.judge({"wait": [_point(1, 1.0), _point(2, 0.3)], "refuse": [_point(1, 1.0), _point(2, 0.2)]})
        self.assertEqual((verdict.right, verdict.holds), ("wait", False))

    def test_figure_in_doubt_makes_the_verdict_one(self):
        sure, doubtful = _point(2, 0.9), judge.Point(2, 0.5, 0.5, 0.5, 10.0, 0.0, 0.0, True)
        self.assertFalse(judge.judge({"wait": [sure]}).is_in_doubt)
        self.assertTrue(judge.judge({"newest": [sure], "wait": [doubtful]}).is_in_doubt)

    def test_nothing_answered_is_no_division_by_zero(self):
        self.assertFalse(judge.judge({"wait": [_point(1, 0.0, None)]}).holds)


class FiguresTest(unittest.TestCase):
    REPORT = {"replies_per_second": 500.0, "replies": 1000, "service_ns": {"p99": 12_000_000, "count": 990}, "due": 2000,
              "impatience": {"tries": 2500, "refused": 400, "gave_up": 600, "failed": 1000}, "generator_was_the_limit": False,
              "errors": {"not_connected": 0}}

    def test_goodput_is_what_was_answered_in_time(self):
        line = measure.figures(LoadRun(self.REPORT, None))
        self.assertEqual((line["goodput"], line["p99_ms"], line["tries"], line["failed_requests"]), (500.0, 12.0, 2500, 1000))

    def test_generator_without_a_port_was_the_limit(self):
        self.assertFalse(measure.figures(LoadRun(self.REPORT, None))["generator_was_the_limit"])
        report = {**self.REPORT, "errors": {"not_connected": 1}}
        self.assertTrue(measure.figures(LoadRun(report, "1 connections could not be made"))["generator_was_the_limit"])

    def test_run_without_a_report_says_nothing(self):
        line = measure.figures(LoadRun(None, "no server"))
        self.assertEqual((line["goodput"], line["p99_ms"], line["failed"]), (None, None, "no server"))

    def test_that_nothing_was_answered_is_a_finding_and_any_other_fault_casts_doubt(self):
        for faults, is_in_doubt in (([], False), (["there was no reply at all"], False), (["2 replies were wrong"], True)):
            report = {**self.REPORT, "faults": faults}
            self.assertEqual(measure.figures(LoadRun(report, "; ".join(faults) or None))["is_in_doubt"], is_in_doubt)


class WarmUpTest(unittest.TestCase):
    def test_lasts_until_there_is_an_overload(self):
        work = measure.Work(1, "500ms", 1.0)
        self.assertEqual([work.warm_up_s(factor) for factor in (0.5, 1.0, 2.0)], [1.0, 1.0, 1.0])
        self.assertAlmostEqual(work.warm_up_s(1.2), 3.75)
        self.assertEqual(work.warm_up_s(1.01), 10.0)

    def test_times_are_those_of_the_programs(self):
        self.assertEqual([measure.seconds(word) for word in ("500ms", "2s", "1.5m", "250us")], [0.5, 2.0, 90.0, 0.00025])
        for wrong in ("", "5", "ms", "5 parsecs"):
            with self.subTest(wrong), self.assertRaises(ValueError):
                measure.seconds(wrong)


class ServerThatDoesNotStartTest(unittest.TestCase):
    def test_is_no_end_of_the_run(self):
        class Model:
            flags = ()

            def start(self, *_):
                raise ServerError("it does not like that")

        bench = measure.Bench(Load("load", ()), None, measure.Work(1, "1s", 1.0))
        with unittest.mock.patch.object(measure, "with_rule", lambda model, flags: model):
            line, burst = bench.at(Model(), "limit", 100.0, 2.0, "none", 1), bench.burst(Model(), "limit", 100.0, "none", 1)
        self.assertEqual((line["goodput"], line["failed"]), (None, "it does not like that"))
        self.assertEqual(burst["per_interval"], [])


class ResultsTest(unittest.TestCase):
    def setUp(self):
        def point(rule, factor, goodput, retry="none"):
            return {"model": "epoll", "rule": rule, "retry": retry, "round": 0, "factor": factor, **_line(goodput)}
        self.points = [point("wait", 1.0, 1000), point("wait", 2.0, 100), point("newest", 1.0, 950), point("newest", 2.0, 900)]
        burst = {"rate": 800, "interval_s": 0.1, "burst_end_s": 2.0, "model": "epoll", "retry": "none", "round": 0}
        self.bursts = [{**burst, "rule": "wait", "per_interval": [80] * 20 + [0] * 10 + [80] * 10},
                       {**burst, "rule": "newest", "per_interval": [80] * 40}]

    def found(self):
        return cli.results(["epoll", "thread"], {"epoll": [1000.0]}, self.points, self.bursts, "500ms")

    def test_model_that_was_not_measured_is_left_out(self):
        self.assertEqual([result.name for result in self.found()], ["epoll"])

    def test_rule_that_was_cut_off_is_left_out(self):
        self.points.pop()
        self.assertEqual(list(self.found()[0].parts[0].points), ["wait"])

    def test_text_says_which_rule_is_right_and_shows_each_figure(self):
        said = text.text(self.found())
        self.assertIn("epoll, none: newest keeps 95% of its best goodput at the highest rate; wait would collapse.", said)
        self.assertRegex(said, r"wait +1\.00 +0\.10 +1\.0")
        self.assertRegex(said, r"newest +0\.95 +0\.90 +0\.0")
        self.assertNotIn("In doubt", said)

    def test_text_shows_how_far_the_rounds_differ(self):
        self.points.append({**self.points[3], "round": 1, "goodput": 700})
        self.assertIn("0.80 (0.70-0.90)", text.text(self.found()))

    def test_text_names_what_is_in_doubt(self):
        self.points[3]["is_in_doubt"] = True
        said = text.text(self.found())
        self.assertIn("In doubt, since the load generator was the limit, or had a fault: newest at 2x.\n", said)
        self.assertIn("wait would collapse. That is in doubt, as figures behind it are.", said)

    def test_run_that_has_failed_is_no_collapse(self):
        self.points[1].update(goodput=None, failed="no server")
        self.assertEqual(list(self.found()[0].parts[0].points), ["newest"])
        said = text.text(self.found())
        self.assertIn("Not measured: wait at 2x, and so wait is left out: no server", said)
        self.assertNotIn("would collapse", said)
        self.assertEqual(cli.as_json(self.found())[0]["parts"][0]["failures"], [{"rule": "wait", "factor": 2.0, "why": "no server"}])

    def test_without_any_rule_there_is_no_verdict(self):
        for line in self.points:
            line.update(goodput=None, failed="no server")
        self.assertNotIn("keeps", text.text(self.found()))
        json.dumps(cli.as_json(self.found()))

    def test_summary_is_json(self):
        summary = json.loads(json.dumps(cli.as_json(self.found())))
        self.assertEqual(summary[0]["parts"][0]["verdict"]["right"], "newest")


class CommandLineTest(unittest.TestCase):
    def test_what_makes_no_sense_is_refused(self):
        for wrong in (["--factors=0"], ["--factors=many"], ["--retry=often"], ["--rounds=0"], ["--seconds=0"], ["--give_up=long"]):
            with self.subTest(wrong), self.assertRaises(cli.UsageError):
                cli.check(cli.parser().parse_args(wrong))


class RunTest(unittest.TestCase):
    """Against real servers: that it gets through, not what it finds, since this machine may be busy. What is asked takes the server
    milliseconds: cheap requests would take all of the machine's ports, each for a minute, and disturb whatever runs beside it."""

    def test_rules_are_those_that_the_server_takes(self):
        server = programs.inspect(os.path.join(_PROGRAMS, "server"))
        known = programs.models(server)
        with tempfile.TemporaryDirectory() as scratch:
            setting = subjects.Setting(scratch, (), scratch, scratch, 8)
            bench = measure.Bench(None, setting, measure.Work(1, "1s", 1.0))
            rules = {name: bench.rules_of(measure.model_of(name, server, known)) for name in ("epoll", "threadpool", "thread", "staged", "fork")}
        own, limited = ["wait", "refuse", "newest", "deadline"], ["wait", "limit"]
        self.assertEqual(rules, {"epoll": own, "threadpool": own, "thread": limited, "staged": limited, "fork": limited})

    def test_measures_each_rule_that_a_model_has(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run(
                ["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/compare"), "overload", "--allow_any_build", f"--bin={_PROGRAMS}",
                 "--models=thread", "--factors=0.5,2", "--retry=at_once", "--seconds=2", "--primes=50000", f"--out={scratch}/run"],
                capture_output=True, text=True, timeout=250, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(f"{scratch}/run/summary.json", encoding="utf-8") as file:
                (model,) = json.load(file)["models"]
        self.assertGreater(model["capacity"], 0)
        self.assertIn("thread, at_once: ", done.stdout)
        self.assertEqual(list(model["parts"][0]["points"]), ["wait", "limit"])
        self.assertEqual([point["factor"] for point in model["parts"][0]["points"]["wait"]], [0.5, 2.0])
        self.assertEqual(list(model["parts"][0]["recovery"]), ["wait", "limit"])


if __name__ == "__main__":
    unittest.main()
