"""tools/advise and tools/capacity, on a run that was made up, so that the right answers are known."""
import json
import math
import pathlib
import random
import subprocess
import tempfile
import unittest

from comparison import statistics

from . import advise, capacity, cost, results, span, synthetic

_TOOLS = pathlib.Path(__file__).resolve().parent.parent


class AnswersTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        synthetic.write(cls.folder, models=("loop", "fork", "thread", "poll", "epoll"), rounds=3)
        cls.measured = results.Results(cls.folder)

    def advise(self, **load):
        return advise.advise(self.measured, advise.Load(**{"conns": 100, "rate": 1000, "cpu_us": 0, "size": 1000,
                                                           "service": "http", **load}))

    def row(self, advice, model):
        return next(row for row in advice.rows if row.model == model)

    def capacity(self, model, workload, **load):
        return capacity.answer(self.measured, self.measured.subject(model), self.measured.workload(workload),
                               capacity.Load(**load))

    def run_tool(self, tool, *flags):
        return subprocess.run([str(_TOOLS / tool), f"--from={self.folder}", *flags],
                              capture_output=True,
                              text=True,
                              timeout=60,
                              check=False)


class AdviseTest(AnswersTest):

    def test_few_connections_and_a_low_rate_are_carried_by_all_that_serve_them(self):
        advice = self.advise()
        self.assertEqual({row.verdict for row in advice.rows if row.model != "loop"}, {"yes"})
        self.assertEqual(self.row(advice, "loop").verdict, "unknown")

    def test_many_idle_connections_bring_epoll_before_poll_and_threads(self):
        advice = self.advise(conns=8000, rate=20000)
        self.assertEqual(advice.model, "epoll")
        self.assertGreater(self.row(advice, "poll").cores.middle, 3 * self.row(advice, "epoll").cores.middle)

    def test_a_model_that_burns_a_processor_is_named_only_if_no_other_carries_the_load(self):
        polling = results.Results(self.folder)
        load = advise.Load(conns=100, rate=20000, cpu_us=0, size=1000, service="http")
        taken = advise.advise(polling, load).model
        for row in polling.run["subjects"]:
            row["traits"] = {"flags": ["poll_interval"] if row["name"] == taken else []}
        self.assertNotEqual(advise.advise(polling, load).model, taken)
        for row in polling.run["subjects"]:
            row["traits"] = {"flags": ["poll_interval"]}
        self.assertIn("only for a machine that has nothing else to do", advise.advise(polling, load).because)

    def test_where_the_load_generator_was_the_limit_it_says_that_it_goes_by_processor_time(self):
        limited = results.Results(self.folder)
        self.assertNotIn("load generator", self.advise().because)
        limited.summary["generator_was_the_limit"]["http-1k"] = "epoll"
        load = advise.Load(conns=100, rate=1000, cpu_us=0, size=1000, service="http")
        self.assertRegex(advise.advise(limited, load).because, "by processor time, since the load generator, not the server, was the limit "
                         r"under http-1k: [\d.]+ µs for a request, so [\d.]+ k requests per second of processor time\.$")
        answer = capacity.answer(limited, limited.subject("epoll"), limited.workload("http-1k"), capacity.Load(rate=1000, idle=0))
        self.assertTrue(any("load generator, not the server, was the limit" in doubt for doubt in answer.doubts))

    def test_more_connections_than_were_measured_are_not_answered(self):
        row = self.row(self.advise(conns=8000), "fork")
        self.assertEqual(row.verdict, "unknown")
        self.assertIn("8,000 connections were not measured with fork: the most were 1,000", row.doubts[0])

    def test_larger_replies_than_were_measured_are_not_answered(self):
        advice = self.advise(size=10_000_000)
        self.assertIsNone(advice.model)
        self.assertIn("do not reach", advice.because)

    def test_a_rate_beyond_the_machine_is_refused(self):
        advice = self.advise(rate=10_000_000)
        self.assertIsNone(advice.model)
        self.assertIn("No model", advice.because)

    def test_sizes_that_are_not_in_the_folder_are_not_called_unmeasured(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"epoll": {"throughput": 100, "cpu_us_per_request": 9}})
            measured = results.Results(folder)
            costs = cost.Costs(measured, measured.subject("epoll"))
            self.assertIn("it was cut down", costs.request_of_size_us("echo", 64)[1][0])
            self.assertIn("was measured", costs.request_of_size_us("http", 64)[1][0])

    def test_work_of_a_request_counts(self):
        self.assertAlmostEqual(self.row(self.advise(cpu_us=50), "epoll").cores.middle
                               - self.row(self.advise(cpu_us=0), "epoll").cores.middle, 0.05, places=6)

    def test_work_far_beyond_what_was_measured_is_doubted(self):
        doubts = self.row(self.advise(cpu_us=5000, rate=10), "epoll").doubts
        self.assertTrue(any("nearly as much work" in doubt for doubt in doubts))

    def test_costs_between_two_sizes_lie_between(self):
        costs = cost.Costs(self.measured, self.measured.subject("epoll"))
        small, middle, large = (costs.request_of_size_us("http", size)[0].middle for size in (1240, 30000, 65760))
        self.assertLess(small, middle)
        self.assertLess(middle, large)

    def test_the_command_prints_json(self):
        done = self.run_tool("advise", "--conns=100", "--rate=1000", "--size=1000", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["load"]["conns"], 100)

    def test_the_command_says_no_with_status_1(self):
        done = self.run_tool("advise", "--conns=100", "--rate=100000000", "--size=1000")
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_a_folder_that_is_none_is_wrong_usage(self):
        done = self.run_tool("advise", "--conns=1", "--rate=1", "--size=1", "--from=/nonexistent")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tools/compare", done.stderr)


class CapacityTest(AnswersTest):

    def test_machines_follow_from_processor_time(self):
        # Two cores by the law of synthetic.usl(), at the 12.8 microseconds that a request of epoll takes under
        # http-64k.
        answer = self.capacity("epoll", "http-64k", rate=1_000_000, idle=0)
        request = self.measured.estimate("http-64k", "epoll", "cpu_us_per_request").median
        self.assertAlmostEqual(answer.by_processor.middle, 1_000_000 * request / 1e6 / 0.7, delta=1)

    def test_scaling_that_was_measured_is_used(self):
        answer = self.capacity("epoll", "compute", rate=1_000_000, idle=0)
        request = self.measured.estimate("compute", "epoll", "cpu_us_per_request").median
        cores = synthetic.usl(2) / synthetic.usl(1)
        self.assertAlmostEqual(answer.one_machine.middle, cores * 1e6 / request, delta=0.03 * answer.one_machine.middle)
        self.assertTrue(any("8 workers" in check for check in answer.checks))

    def test_memory_decides_for_very_many_connections(self):
        answer = self.capacity("epoll", "http-1k", rate=100, idle=10_000_000)
        self.assertAlmostEqual(answer.by_memory.middle,
                               10e6 * 8390 / (4 * 2**30 * 0.8),
                               delta=0.05 * answer.by_memory.middle)
        self.assertEqual(answer.machines.middle, -(-answer.by_memory.middle // 1))

    def test_idle_connections_slow_poll_down_and_that_counts(self):
        alone = self.capacity("poll", "echo", rate=1_000_000, idle=0)
        beside = self.capacity("poll", "echo", rate=1_000_000, idle=50_000)
        self.assertGreater(beside.machines.middle, 1.2 * alone.machines.middle)

    def test_the_answer_is_the_least_number_that_carries_it(self):
        answer = self.capacity("poll", "echo", rate=1_000_000, idle=50_000)
        costs = cost.Costs(self.measured, self.measured.subject("poll"))
        request = costs.request_us("echo").middle
        for machines, carries in ((answer.machines.middle, True), (0.9 * answer.machines.middle, False)):
            kept, _ = costs.kept_beside(50_000 / machines)
            self.assertEqual(machines * kept.middle * 0.7 * 1e6 / request >= 1_000_000 - 1, carries)

    def test_memory_is_checked_by_the_step_that_was_held_back(self):
        answer = self.capacity("epoll", "echo", rate=1000, idle=1000)
        self.assertTrue(any("10,000 connections" in check for check in answer.checks))

    def test_a_workload_with_a_rate_of_its_own_is_refused_and_others_are_named(self):
        with self.assertRaisesRegex(capacity.CapacityError, "echo-rate has a rate .*: echo, churn, http-1k"):
            self.capacity("epoll", "echo-rate", rate=1000, idle=0)

    def test_more_machines_than_anybody_has_are_not_answered(self):
        with self.assertRaisesRegex(capacity.CapacityError, "1,000,000 machines do not"):
            self.capacity("epoll", "echo", rate=1e15, idle=0)

    def test_what_was_not_measured_is_not_answered(self):
        with self.assertRaises(capacity.CapacityError):
            self.capacity("loop", "echo", rate=1, idle=0)

    def test_the_command_answers_and_names_wrong_workloads(self):
        done = self.run_tool("capacity", "--model=epoll", "--workload=http-1k", "--rate=500000", "--idle=20000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\d+ (\(\d+ to \d+\) )?machines like the one")
        done = self.run_tool("capacity", "--model=epoll", "--workload=none", "--rate=1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("http-1k", done.stderr)


class BesideAnotherTest(unittest.TestCase):

    def test_what_runs_beside_another_load_tells_nothing_of_a_requests_cost(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": 200_000, "cpu_us_per_request": 7.5}},
                           load_flags=("--beside_server={compute}",))
            measured = results.Results(folder)
            with self.assertRaisesRegex(capacity.CapacityError, "another load runs.*; no other one would do"):
                capacity.answer(measured, measured.subject("fork"), measured.workload("work"), capacity.Load(1, 0))


class KeptTest(unittest.TestCase):
    """What of the throughput is kept beside idle connections: 100 a second in the rounds, and steps as given."""

    def kept(self, steps, idle, rounds=(100, 95, 105)):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": rounds}})
            rows = [{"subject": "fork", "workload": "work", "idle": step, "failed": None,
                     "load": {"replies_per_second": rate}} for step, rate in steps]
            pathlib.Path(folder, "idle.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            measured = results.Results(folder)
            return cost.Costs(measured, measured.subject("fork")).kept_beside(idle)

    def test_another_time_of_the_run_is_no_loss(self):
        kept, doubts = self.kept([(100, 92), (1000, 92)], 1000)
        self.assertEqual((kept.middle, kept.high, doubts), (1, 1, []))
        one = 0.05 * 8**0.5  # A single measurement is less sure than the middle of seven.
        self.assertAlmostEqual(kept.low, (1 - one) / (1 + one))

    def test_bounds_hold_a_loss_that_was_measured_once(self):
        chance = random.Random(1)
        held = 0
        for _ in range(200):
            rounds = [100 * math.exp(chance.gauss(0, 0.06)) for _ in range(7)]
            interval = statistics.median_interval(rounds)
            steps = [(step, 100 * share * math.exp(chance.gauss(0, 0.06))) for step, share in ((100, 1), (1000, 0.7))]
            kept, _ = self.kept(steps, 1000, (interval.median, interval.low, interval.high))
            held += kept.low <= 0.7 <= kept.high
        self.assertGreater(held, 0.94 * 200)

    def test_a_loss_beside_the_fewest_is_one_where_no_noise_explains_it(self):
        kept, _ = self.kept([(100, 50), (1000, 50)], 100)
        self.assertAlmostEqual(kept.middle, 0.5)
        self.assertEqual(self.kept([(100, 50), (1000, 50)], 100, rounds=(100, 10, 190))[0].middle, 1)

    def test_beyond_the_most_a_sure_loss_goes_on_in_proportion(self):
        kept, doubts = self.kept([(100, 100), (1000, 40)], 2000)
        self.assertAlmostEqual(kept.middle, 0.2)
        self.assertLess(kept.low, 0.2)
        self.assertIn("in proportion", doubts[0])

    def test_beyond_the_most_what_may_be_noise_stays_as_it_is(self):
        kept, doubts = self.kept([(100, 100), (1000, 85)], 100_000)
        self.assertAlmostEqual(kept.middle, 0.85)
        self.assertIn("no more than those", doubts[0])

    def test_what_was_not_measured_is_free_and_doubted(self):
        kept, doubts = self.kept([], 10)
        self.assertEqual(kept.low, 1)
        self.assertIn("taken for free", doubts[0])

    def test_noise_that_may_take_all_leaves_no_upper_bound_of_machines(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": (100, 1, 250), "cpu_us_per_request": (10, 9, 11),
                                             "pss_bytes_per_connection": 0}})
            rows = [{"subject": "fork", "workload": "work", "idle": step, "failed": None,
                     "load": {"replies_per_second": 100}} for step in (1, 2)]
            pathlib.Path(folder, "idle.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            flags = [str(_TOOLS / "capacity"), f"--from={folder}", "--model=fork", "--workload=work", "--rate=1000",
                     "--idle=100000000"]
            done = subprocess.run(flags, capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("1 (1 or more, no upper bound) machines", done.stdout, done.stderr)
            done = subprocess.run(flags + ["--json"], capture_output=True, text=True, timeout=60, check=False)
            self.assertIsNone(json.loads(done.stdout, parse_constant=self.fail)["machines"]["high"], done.stderr)


class CoresTest(unittest.TestCase):

    def test_what_the_client_took_of_the_cores_is_doubted_where_little_is_left(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"epoll": {"throughput": 100}})
            lines = [{"subject": "epoll", "workload": "work", "workers": workers, "failed": None,
                      "load": {"replies_per_second": 100}} for workers in (1, 2, 4, 8)]
            pathlib.Path(folder, "scaling.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            measured = results.Results(folder)
            cores, doubts = cost.Costs(measured, measured.subject("epoll")).cores("work", 2)
        self.assertAlmostEqual(cores.middle, 1, places=2)
        self.assertIn("The client took its share", doubts[0])

    def test_a_law_that_does_not_hold_is_not_used(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"select": {"throughput": 100_000, "cpu_us_per_request": 10, "threads": 1,
                                               "processes": 1}})
            lines = [{"subject": "select", "workload": "work", "workers": workers, "failed": None,
                      "load": {"replies_per_second": rate}}
                     for workers, rate in ((1, 4553), (2, 34780), (4, 3921), (8, 37439))]
            pathlib.Path(folder, "scaling.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            measured = results.Results(folder)
            costs = cost.Costs(measured, measured.subject("select"))
            cores, doubts = costs.cores("work", 2)
            answer = capacity.answer(measured, measured.subject("select"), measured.workload("work"),
                                     capacity.Load(rate=1000, idle=0))
        self.assertEqual((cores.middle, cores.low, cores.high), (1, 1, 1))
        self.assertRegex(doubts[0], "follows no law.*one core is counted")
        self.assertEqual(answer.machines, span.Span(1, 1, 1))
        self.assertEqual(answer.checks, ())

    def test_what_was_not_fitted_uses_at_least_what_it_was_seen_to_keep_busy(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": 200_000, "cpu_us_per_request": 7.5}})
            line = {"round": 1, "subject": "fork", "workload": "work", "marks": [], "failed": None, "load": None,
                    "server": {"threads": 8, "processes": 8}}
            pathlib.Path(folder, "rounds.jsonl").write_text(json.dumps(line) + "\n")
            measured = results.Results(folder)
            cores, doubts = cost.Costs(measured, measured.subject("fork")).cores("work", 4)
        self.assertEqual((cores.middle, cores.low, cores.high), (4, 1.5, 4))
        self.assertIn("1.5 were seen busy", doubts[0])


class SpanTest(unittest.TestCase):

    def test_without_an_upper_bound_it_says_so(self):
        self.assertEqual(span.Span(1, 0.5, float("inf")).write("{:.1f}".format), "1.0 (0.5 or more, no upper bound)")
        self.assertEqual(span.for_json({"a": [float("inf"), 1]}), {"a": [None, 1]})

    def test_bounds_are_those_of_the_worst(self):
        quotient = span.Span(10, 8, 12) / span.Span(2, 1, 4)
        self.assertEqual((quotient.middle, quotient.low, quotient.high), (5, 2, 12))

    def test_bounds_that_read_alike_are_left_out(self):
        self.assertEqual(span.Span(1.001, 1.0, 1.002).write("{:.1f}".format), "1.0")
        self.assertEqual(span.Span(1, 0.5, 1.5).write("{:.1f}".format), "1.0 (0.5 to 1.5)")


if __name__ == "__main__":
    unittest.main()
