"""How many workers: the prior, the judgement of pools that are simulated, and a real pool, in brief."""

import dataclasses
import heapq
import json
import os
import random
import subprocess
import unittest

from comparison import subjects
from comparison.load import LoadRun
from comparison.sizing import cli, judge, measure

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the programs lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it.
_PROGRAMS = os.environ.get("POLYSERVE_BIN", _REPOSITORY)
LOAD = judge.Load(400, 2000, 50)  # 20.8 are busy.


def simulated(load, workers, seed=1, seconds=60):
    """A judge.Point of a pool: requests come at random, and each takes a worker, the first that is free, for as long as it computes
    and waits. With less than enough workers the queue grows, and the rate is not reached."""
    chance = random.Random(seed)
    free, now, waits = [0.0] * workers, 0.0, []
    while now < seconds:
        now += chance.expovariate(load.rate)
        begins = max(now, heapq.heappop(free))
        heapq.heappush(free, begins + load.cpu_us / 1e6 + load.wait_ms / 1e3)
        waits.append(begins - now)
    mean = 1e3 * sum(waits) / len(waits) + load.cpu_us / 1e3 + load.wait_ms
    is_reached = waits[-1] < 1
    return judge.Point(mean, 2 * mean, load.cpu_us, 3 if is_reached else 0, 3, None if is_reached else "the rate was not reached")


def found(load, most=1016):
    """{size: Point} of all sizes that are tried."""
    points = {size: simulated(load, size) for size in judge.sizes(load, most)}
    for _ in range(3):
        size = judge.next_size(points)
        if size is None:
            break
        points[size] = simulated(load, size)
    return points


class PriorTest(unittest.TestCase):
    def test_little_and_the_formula_of_pools(self):
        self.assertAlmostEqual(LOAD.busy, 20.8)
        self.assertAlmostEqual(LOAD.processors, 0.8)
        self.assertAlmostEqual(LOAD.keeps_busy(4), 4 * 26)
        self.assertAlmostEqual(LOAD.wait_share, 50 / 52)
        self.assertIsNone(judge.Load(400, 0, 50).keeps_busy(4))

    def test_sizes_lie_below_and_above_what_little_says(self):
        tried = judge.sizes(LOAD, 1016)
        self.assertLess(tried[0], LOAD.busy)
        self.assertGreater(tried[-1], 3 * LOAD.busy)
        self.assertIn(21, tried)
        self.assertEqual(judge.sizes(LOAD, 25)[-1], 25)
        self.assertEqual(judge.sizes(judge.Load(1, 100, 0), 1016)[0], 1)


class JudgementTest(unittest.TestCase):
    def test_the_least_that_is_enough_is_more_than_are_busy_by_about_a_root(self):
        for load in (LOAD, judge.Load(2000, 0, 100), judge.Load(100, 1000, 20)):
            too_few, enough = judge.least(found(load))
            self.assertGreater(enough, load.busy, load)
            self.assertLess(enough, load.busy + 4 * load.busy**0.5 + 3, load)
            self.assertLess(too_few, enough)

    def test_the_search_ends_close(self):
        too_few, enough = judge.least(found(judge.Load(2000, 0, 100)))
        self.assertLessEqual(enough, 1.15 * too_few + 1)

    def test_a_size_that_fails_in_most_rounds_is_not_enough(self):
        good = {"mean_ms": 50.0, "p99_ms": 60.0, "cpu_us": 100.0, "failed": None}
        bad = {"mean_ms": 40.0, "p99_ms": 60.0, "cpu_us": 100.0, "failed": "the rate was not reached"}
        one = judge.point([bad, good, bad])
        self.assertEqual((one.carries, one.carried, one.why), (False, 1, "the rate was not reached"))
        self.assertTrue(judge.point([good, good, bad]).carries)
        self.assertEqual(judge.least({8: one, 16: judge.point([good] * 3)}), (8, 16))

    def test_if_none_carries_it_there_is_no_number(self):
        points = {size: simulated(LOAD, size) for size in (4, 8)}
        answer = judge.answer(LOAD, 4, points, {}, 1016)
        self.assertEqual((answer.workers, answer.is_wrong), (None, False))
        self.assertIn("No size", answer.sentences[0])

    def test_more_work_than_processors_is_no_question_of_workers(self):
        answer = judge.answer(judge.Load(1000, 2000, 0), 1, {}, {}, 1016)
        self.assertTrue(answer.is_wrong)
        self.assertIn("No number of workers carries it: requests take 2.00 processors", answer.sentences[0])

    def test_more_waiting_requests_than_workers_can_be_is_for_another_model(self):
        answer = judge.answer(judge.Load(2000, 10, 1000), 4, {}, {}, 1016)
        self.assertTrue(answer.is_wrong)
        self.assertIn("holds a timer and no worker", " ".join(answer.sentences))

    def test_connections_that_stay_are_no_matter_of_rates(self):
        load = dataclasses.replace(LOAD, conns=5000)
        answer = judge.answer(load, 4, found(load), {}, 1016)
        self.assertTrue(answer.is_wrong)
        self.assertIn("5,000 connections stay open", answer.sentences[0])
        self.assertFalse(judge.answer(dataclasses.replace(LOAD, conns=10), 4, found(LOAD), {}, 1016).is_wrong)

    def test_a_model_without_a_number_to_choose_that_does_as_well_is_named(self):
        points = found(LOAD)
        as_good = judge.Point(52.0, 60.0, 2000.0, 3, 3)
        slow = judge.Point(150.0, 900.0, 2000.0, 3, 3)
        said = " ".join(judge.answer(LOAD, 4, points, {"epoll": as_good, "thread": slow}, 1016).sentences)
        self.assertIn("epoll does as well", said)
        self.assertIn("thread is no way around it: with thread a request takes 150 ms", said)
        dear = dataclasses.replace(as_good, cpu_us=5000.0)
        self.assertNotIn("epoll does", " ".join(judge.answer(LOAD, 4, points, {"epoll": dear}, 1016).sentences))


class MeasureTest(unittest.TestCase):
    def test_a_load_is_made_of_what_computes_and_what_waits(self):
        self.assertEqual(set(measure.Work(10, 5, 100).parts()), {"wait", "compute"})
        self.assertEqual(set(measure.Work(10, 0, 100).parts()), {"compute"})
        self.assertEqual(set(measure.Work(10, 5, 0).parts()), {"wait"})

    def test_primes_lie_between_two_that_were_measured(self):
        self.assertEqual(measure.between([(100, 50.0), (400, 200.0)], 100.0), 200)
        self.assertEqual(measure.between([(100, 50.0), (400, 40.0)], 45.0), 400)

    def test_times_of_both_parts_are_added_and_a_fault_of_one_is_one_of_both(self):
        def run(mean, failed=None):
            return LoadRun({"response_ns": {"mean": mean, "p99": 2 * mean}, "replies_in_all": 100}, failed)
        one = measure.line([run(5e7), run(2e6)], 0.2)
        self.assertEqual((one["mean_ms"], one["p99_ms"], one["cpu_us"], one["failed"]), (52.0, 104.0, 2000.0, None))
        self.assertEqual(measure.line([run(5e7), run(2e6, "no")], 0.2)["failed"], "no")
        self.assertIsNone(measure.line([run(5e7), LoadRun(None, "no")], 0.2)["mean_ms"])


class CommandLineTest(unittest.TestCase):
    def test_what_makes_no_sense_is_refused(self):
        for wrong in (["--rate=0", "--cpu_us=1", "--wait_ms=1"], ["--rate=1", "--cpu_us=0", "--wait_ms=0"],
                      ["--rate=inf", "--cpu_us=1", "--wait_ms=1"], ["--rate=1", "--cpu_us=nan", "--wait_ms=5"],
                      ["--rate=1", "--cpu_us=1", "--wait_ms=5", "--seconds=nan"], ["--rate=1", "--cpu_us=-1", "--wait_ms=5"], ["--rate=1", "--cpu_us=1", "--wait_ms=5", "--rounds=0"]):
            with self.subTest(wrong), self.assertRaises(cli.UsageError):
                cli.check(cli.parser().parse_args(["--workers", *wrong]))

    def test_only_a_pool_whose_size_is_open_will_do(self):
        known = {"threadpool": {"silent": "one of N", "flags": ["workers"]}, "hybrid": {"silent": "one of N", "flags": ["workers", "threads"]},
                 "epoll": {"silent": "harmless", "flags": ["workers"]}}

        class Server:
            path = "server"
        self.assertIsInstance(cli.choose_pool("threadpool", Server, known), subjects.Model)
        for wrong in ("epoll", "hybrid", "threadpool --workers=4"):
            with self.subTest(wrong), self.assertRaises(cli.UsageError):
                cli.choose_pool(wrong, Server, known)


class RunTest(unittest.TestCase):
    """Against real servers: that it gets through, not what it finds, since this machine may be busy."""

    def advise(self, *flags):
        return subprocess.run(["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/advise"), "--workers", "--allow_any_build",
                               f"--bin={_PROGRAMS}", *flags], capture_output=True, text=True, timeout=250, check=False)

    def test_measures_sizes_and_models_without_one(self):
        done = self.advise("--rate=50", "--cpu_us=500", "--wait_ms=40", "--rounds=1", "--seconds=0.5", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(set(said["others"]), {"epoll", "thread"})
        self.assertGreaterEqual(len(said["sizes"]), 4)
        self.assertEqual(len(said["lines"]), len(said["sizes"]) + 2)
        self.assertTrue(any(line["failed"] is None for line in said["lines"]), said["lines"])

    def test_what_needs_more_processors_is_answered_without_measuring(self):
        done = self.advise("--rate=100000", "--cpu_us=1000000", "--wait_ms=0")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("a pool is the wrong answer", done.stdout)
        self.assertIn("No number of workers carries it", done.stdout)

    def test_wrong_usage_is_told_in_a_line(self):
        done = self.advise("--rate=1", "--cpu_us=1", "--wait_ms=1", "--model=epoll")
        self.assertEqual(done.returncode, 2)
        self.assertIn("epoll is no pool", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
