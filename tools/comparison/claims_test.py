"""Statements on trial: how a verdict is made, and that experiments whose outcome is a matter of logic, not of speed, come out."""

import contextlib
import io
import json
import math
import os
import subprocess
import tempfile
import unittest
import unittest.mock

import numpy

from comparison import store
from comparison.claims import clients, computing, court, document, lab, process_control, table, talk, tuning
from comparison.claims.verdict import (CONFIRMED, REFUTED, UNDECIDED, Ratio, aside, best_depends, combine, fact,
                                       unknown)
from comparison.load import interpret
from comparison.statistics import Interval, Line

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def ratio(low, high, n=7):
    return Ratio("a over b", Interval((low + high) / 2, low, high, n))


class VerdictTest(unittest.TestCase):
    def test_at_least(self):
        self.assertEqual(ratio(2.4, 2.6).at_least(2).verdict, CONFIRMED)
        self.assertEqual(ratio(1.9, 2.6).at_least(2).verdict, UNDECIDED)
        self.assertEqual(ratio(1.0, 1.2).at_least(2).verdict, REFUTED)

    def test_at_most(self):
        self.assertEqual(ratio(0.7, 0.8).at_most(1).verdict, CONFIRMED)
        self.assertEqual(ratio(0.8, 1.01).at_most(1).verdict, UNDECIDED)
        self.assertEqual(ratio(1.2, 1.3).at_most(1).verdict, REFUTED)

    def test_more_than_one_is_refuted_where_it_is_as_good_as_one(self):
        self.assertEqual(ratio(1.2, 1.3).more_than_one().verdict, CONFIRMED)
        self.assertEqual(ratio(0.99, 1.01).more_than_one().verdict, REFUTED)
        self.assertEqual(ratio(0.9, 1.2).more_than_one().verdict, UNDECIDED)

    def test_about_one(self):
        self.assertEqual(ratio(0.98, 1.02).about_one().verdict, CONFIRMED)
        self.assertEqual(ratio(0.5, 0.6).about_one().verdict, REFUTED)
        self.assertEqual(ratio(0.9, 1.3).about_one().verdict, UNDECIDED)

    def test_without_rounds_enough_nothing_is_decided(self):
        self.assertEqual(ratio(9, 9, n=2).more_than_one().verdict, UNDECIDED)
        self.assertEqual(Ratio("a over b", None).more_than_one().verdict, UNDECIDED)

    def test_what_may_be_more_above_is_at_least_so_much_and_no_more_is_known(self):
        def more_above(low, high):
            return Ratio("a over b", Interval((low + high) / 2, low, high, 7), above_may_be_more=True)
        self.assertEqual(more_above(2.4, 2.6).at_least(2).verdict, CONFIRMED)
        self.assertEqual(more_above(1.2, 1.3).more_than_one().verdict, CONFIRMED)
        self.assertEqual(more_above(0.5, 0.6).at_least(2).verdict, UNDECIDED)
        self.assertEqual(more_above(0.5, 0.6).more_than_one().verdict, UNDECIDED)
        self.assertEqual(more_above(0.99, 1.01).about_one().verdict, UNDECIDED)
        self.assertEqual(more_above(1.3, 1.4).about_one().verdict, REFUTED)
        self.assertEqual(more_above(0.5, 0.6).at_most(1).verdict, UNDECIDED)
        self.assertEqual(more_above(1.2, 1.3).at_most(1).verdict, REFUTED)

    def test_what_may_be_more_below_is_at_most_so_much(self):
        def more_below(low, high):
            return Ratio("a over b", Interval((low + high) / 2, low, high, 7), below_may_be_more=True)
        self.assertEqual(more_below(2.4, 2.6).at_least(2).verdict, UNDECIDED)
        self.assertEqual(more_below(0.5, 0.6).at_least(2).verdict, REFUTED)
        self.assertEqual(more_below(0.99, 1.01).more_than_one().verdict, REFUTED)
        self.assertEqual(more_below(0.99, 1.01).about_one().verdict, UNDECIDED)
        self.assertEqual(more_below(0.5, 0.6).about_one().verdict, REFUTED)
        self.assertEqual(more_below(0.5, 0.6).at_most(1).verdict, CONFIRMED)

    def test_where_both_may_be_more_nothing_is_decided(self):
        both = Ratio("a over b", Interval(1, 0.99, 1.01, 7), True, True)
        for part in (both.at_least(2), both.at_most(2), both.more_than_one(), both.about_one()):
            self.assertEqual(part.verdict, UNDECIDED)

    def test_which_of_two_is_best_depends_on_the_place_where_each_is_surely_better_somewhere(self):
        def verdict(*ratios):
            return best_depends(ratios, "depends").verdict
        better, worse, same = ratio(0.7, 0.8), ratio(1.2, 1.3), ratio(0.99, 1.01)
        self.assertEqual(verdict(worse, same, better), CONFIRMED)
        self.assertEqual(verdict(better, same, better), REFUTED)
        self.assertEqual(verdict(worse, same), REFUTED)
        self.assertEqual(verdict(worse, ratio(0.8, 1.2)), UNDECIDED)
        self.assertEqual(verdict(better, Ratio("a over b", None)), UNDECIDED)
        self.assertEqual(verdict(better, worse, Ratio("a over b", None)), CONFIRMED)
        self.assertEqual(verdict(), UNDECIDED)

    def test_one_part_refutes_and_all_confirm(self):
        yes, no, perhaps = fact(True, "yes"), fact(False, "no"), unknown("perhaps")
        self.assertEqual(combine([yes, yes]).verdict, CONFIRMED)
        self.assertEqual(combine([yes, perhaps]).verdict, UNDECIDED)
        self.assertEqual(combine([yes, no, perhaps]).verdict, REFUTED)
        self.assertEqual(combine([yes, aside("by the way")]).verdict, CONFIRMED)
        self.assertEqual(combine([]).verdict, UNDECIDED)
        self.assertEqual(combine([aside("by the way")]).verdict, UNDECIDED)


class ComparisonTest(unittest.TestCase):
    """What the marks of rounds make of a comparison."""

    def compare(self, rates, marks):
        """rates: name -> throughput of each round; marks: (name, round) -> those of it."""
        lines = [{"round": number, "subject": name, "workload": "echo", "failed": None, "marks": marks.get((name, number), []),
                  "load": {"replies_per_second": rate},
                  "server": {"requests": 1000, "cpu_user_s": 1 / rate, "cpu_system_s": 0}}
                 for name, of_name in rates.items() for number, rate in enumerate(of_name, start=1)]
        return lab.Comparison(lab.ECHO, lines)

    def test_throughput_that_the_client_limits_is_a_bound(self):
        limit = ["the client was the limit"]
        rates = {"a": [100] * 4, "b": [100] * 4}
        half = self.compare(rates, {("a", 1): limit, ("a", 4): limit})
        over_b, over_a = half.ratio("a", "b"), half.ratio("b", "a")
        self.assertEqual((over_b.above_may_be_more, over_b.below_may_be_more), (True, False))
        self.assertEqual((over_a.above_may_be_more, over_a.below_may_be_more), (False, True))
        self.assertEqual(over_b.about_one().verdict, UNDECIDED)
        self.assertIn("(the client was the limit for a)", over_b.text())
        self.assertEqual(half.ratio("a", "b", lab.CPU).about_one().verdict, CONFIRMED)
        self.assertEqual(self.compare(rates, {("a", 1): limit}).ratio("a", "b").about_one().verdict, CONFIRMED)

    def test_disturbed_rounds_are_left_out_where_enough_are_left(self):
        rates = {"a": [100, 100, 100, 50], "b": [100] * 4}
        taken = ["the host took 60 % of a processor"]
        found = self.compare(rates, {("a", 4): taken}).ratio("a", "b")
        self.assertEqual((found.interval.n, found.interval.low), (3, 1))
        self.assertIn("(1 round left out, as others took processor time)", found.text())
        kept = self.compare(rates, {("a", 4): taken, ("b", 1): ["other programs took 26 % of a processor"]})
        self.assertEqual(kept.ratio("a", "b").interval.n, 4)
        self.assertNotIn("left out", kept.ratio("a", "b").text())
        self.assertEqual(kept.values("a", "throughput"), {1: 100, 2: 100, 3: 100})

    def test_times_of_a_rate_that_was_not_reached_are_good_and_those_of_failed_runs_are_not(self):
        def p99_ms(*faults):
            return lab.p99_ms(interpret(1 if faults else 0, json.dumps({"faults": faults, "response_ns": {"p99": 5e6}}), ""))
        missed = "the rate was not reached: 298 replies per second came of 345 that were due"
        self.assertEqual(p99_ms(), 5)
        self.assertEqual(p99_ms(missed), 5)
        self.assertIsNone(p99_ms(missed, "3 requests got no reply"))
        self.assertIsNone(lab.p99_ms(interpret(1, "", "it crashed")))


class JudgementTest(unittest.TestCase):
    """Judgements of single experiments, apart from their measurements."""

    def test_light_requests_wait_where_they_take_about_as_long_as_heavy_ones(self):
        self.assertTrue(computing.judge_waiting(alone=1, beside=60, heavy=64))
        self.assertIs(computing.judge_waiting(alone=1, beside=8, heavy=64), False)
        self.assertIsNone(computing.judge_waiting(alone=1, beside=25, heavy=64))
        self.assertIsNone(computing.judge_waiting(alone=20, beside=55, heavy=64))

    def test_polling_burns_what_blocking_leaves(self):
        self.assertEqual(process_control.judge_burning(0.9, 0.0).verdict, CONFIRMED)
        self.assertEqual(process_control.judge_burning(0.01, 0.0).verdict, REFUTED)
        self.assertEqual(process_control.judge_burning(0.1, 0.0).verdict, UNDECIDED)
        self.assertEqual(process_control.judge_burning(0.3, 0.1).verdict, UNDECIDED)

    def test_memory_that_was_not_measured_decides_nothing(self):
        def line(slope, doubt=1.0):
            return Line(slope, 0.0, slope - doubt, slope + doubt, 1.0, 5)
        less, more = (line(1024), line(4096)), (line(2048), line(1024))
        self.assertEqual(clients.judge_weights("a", less, "b", more, with_kernel=False).verdict, CONFIRMED)
        self.assertEqual(clients.judge_weights("a", less, "b", more, with_kernel=True).verdict, REFUTED)
        self.assertEqual(clients.judge_weights("a", None, "b", more, with_kernel=False).verdict, UNDECIDED)
        noise = (line(512), line(-8000, 40000))
        self.assertEqual(clients.judge_weights("a", noise, "b", more, with_kernel=True).verdict, UNDECIDED)

    def test_a_closed_loop_with_an_error_has_no_rate(self):
        def fails():
            raise OSError("a wrong reply")
        self.assertGreater(talk.closed_loop(2, 0.5, lambda: None), 0)
        self.assertIsNone(talk.closed_loop(2, 10, fails))


class CourtTest(unittest.TestCase):
    """Old data, and what may be written of it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = store.Store.create(scratch.name)
        self.folder.write_run({"schema": store.SCHEMA, "rounds": 5, "seconds": 1.0, "programs": {"server": "aa"}})

    def status(self, *arguments):
        """Of a call that ends before it measures; and what it says."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), unittest.mock.patch.object(court.runner, "make_interruptible"):
            return court.main([f"--out={self.folder.folder}", *arguments]), said.getvalue()

    def test_data_of_other_options_is_refused(self):
        status, said = self.status("--rounds=3")
        self.assertEqual(status, 2)
        self.assertIn("was measured with --rounds=5 --seconds=1.0: give the same, or choose another --out", said)

    def test_data_of_other_programs_is_refused(self):
        court.check_programs(self.folder, {"server": "aa"})
        with self.assertRaisesRegex(store.StoreError, "another build"):
            court.check_programs(self.folder, {"server": "bb"})

    def test_document_is_written_of_all_statements_alone(self):
        status, said = self.status("--write", "--only=claim-1")
        self.assertEqual(status, 2)
        self.assertIn("--write needs all statements, of which 35 are neither in", said)

    def test_experiment_that_fails_leaves_its_statement_undecided(self):
        def broken(_lab):
            raise KeyError("replies")
        line = court.try_one(table.Statement("claim-99", "It works", "nobody", broken), None)
        self.assertEqual(line["verdict"], UNDECIDED)
        self.assertIn("the experiment could not be carried out: KeyError: 'replies'", line["parts"][0]["text"])

        def interrupted(_lab):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            court.try_one(table.Statement("claim-99", "It works", "nobody", interrupted), None)


class TuningTest(unittest.TestCase):
    """Claim 12, on throughputs that are made of factors: which share is whose, and what can be said of it."""

    def judged(self, noise, **factors):
        generator = numpy.random.default_rng(5)
        names = ("backlog", "buffer", "no_delay", "batch", "model")
        runs = tuning.design()
        middle = [1000 * math.prod(factors.get(name, 1) ** sign for name, sign in zip(names, signs)) for signs, _ in runs]
        weather = generator.normal(0, 0.2, 4)  # What a whole round has more or less is nobody's.
        values = [[value * math.exp(generator.normal(0, noise) + of_round) for of_round in weather] for value in middle]
        return tuning.judge([signs for signs, _ in runs], values, "a load")

    def test_design_is_balanced_and_names_what_can_be_started(self):
        runs = tuning.design()
        self.assertEqual(len({name for _, name in runs}), 16)
        for factor in range(5):
            self.assertEqual(sum(signs[factor] for signs, _ in runs), 0)
        for signs, name in runs:
            self.assertEqual(name.startswith("epoll "), signs[4] == 1)
            self.assertEqual("--listen_backlog=4096" in name, signs[0] == 1)
            self.assertEqual("--accept_batch" in name, signs[4] == 1)  # The other model has no such flag.

    def test_whoever_has_the_larger_share_is_found(self):
        part = self.judged(0.01, backlog=2, model=1.1)
        self.assertEqual(part.verdict, CONFIRMED, part.text)
        self.assertIn("98 % is due to the settings (most of it: backlog 5 or 4096, 98 %)", part.text)
        self.assertEqual(self.judged(0.01, backlog=1.1, model=2).verdict, REFUTED)

    def test_what_noise_hides_is_left_open(self):
        self.assertEqual(self.judged(0.3, backlog=1.1, model=1.2).verdict, UNDECIDED)


class TableTest(unittest.TestCase):
    def test_all_statements_are_there_once(self):
        names = [statement.name for statement in table.ALL]
        self.assertEqual(names, [f"course-{n}" for n in range(1, 13)] + [f"claim-{n}" for n in range(1, 25)])

    def test_document(self):
        run = {"machine": {"cpu": "a cpu", "cores": 2, "virtual": True, "kernel": "Linux"}, "started": "today",
               "git": {"revision": "0123456789abcdef", "dirty": False}, "rounds": 5, "seconds": 1.0, "busy": ""}
        text = document.write(run, {"course-7": {"verdict": "confirmed", "parts": [
            {"verdict": "confirmed", "text": "told once"}]}})
        self.assertIn("1 confirmed, 0 refuted, 0 undecided.", text)
        self.assertIn("| [course-7](#course-7) |", text)
        self.assertIn("\n+ told once\n", text)
        self.assertIn("tools/claims --only=course-7", text)


class ClaimsTest(unittest.TestCase):
    """What the outcome does not depend on the machine's speed for."""

    def run_claims(self, *arguments):
        with tempfile.TemporaryDirectory() as scratch:
            return subprocess.run(
                ["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/claims"), "--allow_any_build",
                 f"--bin={os.environ.get('POLYSERVE_BIN', _REPOSITORY)}", f"--out={scratch}/out", *arguments],
                env={**os.environ, "TMPDIR": scratch}, capture_output=True, text=True, timeout=200, check=False)

    def test_facts(self):
        expected = {"course-7": "confirmed", "course-9": "confirmed", "course-12": "confirmed", "claim-14": "confirmed",
                    "claim-22": "refuted"}
        done = self.run_claims(f"--only={','.join(expected)}", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        results = json.loads(done.stdout)["results"]
        self.assertEqual({name: result["verdict"] for name, result in results.items()}, expected, results)

    def test_wrong_usage(self):
        done = self.run_claims("--only=claim-99")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "claims: there is no statement 'claim-99'; see --list\n")


if __name__ == "__main__":
    unittest.main()
