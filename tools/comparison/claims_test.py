"""Statements on trial: what single experiments say of what they have measured, what the court makes of a run, and that
experiments whose outcome is a matter of logic, not of speed, come out. The questions are in claims_rounds_test.py."""

import contextlib
import io
import json
import math
import os
import select
import socket
import subprocess
import tempfile
import unittest
import unittest.mock

import numpy

from comparison import store
from comparison.claims import (clients, computing, court, document, loops, others, process_control, queues, stealing, table, talk,
                               tuning)
from comparison.claims.rounds import settle
from comparison.claims.verdict import CONFIRMED, HOLDS_IF, REFUTED, UNDECIDED, aside, fact, more
from comparison.load import interpret
from comparison.recorded_rounds import Recorded, noisy
from comparison.statistics import Line

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class JudgementTest(unittest.TestCase):
    """Judgements of single experiments, apart from their measurements."""

    def test_a_loop_stalls_if_no_echo_comes_before_its_computing_is_done(self):
        def verdict(echoed, is_to_stall=True):
            return computing.judge_stalling("a loop", echoed, is_to_stall).verdict
        self.assertEqual(verdict(0), CONFIRMED)
        self.assertEqual(verdict(10), REFUTED)
        self.assertEqual(verdict(10, False), CONFIRMED)
        self.assertEqual(verdict(5), UNDECIDED)
        self.assertEqual(verdict(None), UNDECIDED)

    def test_a_loop_stalls_its_own_clients_and_stealing_nobody(self):
        def verdict(answered, is_to_stall):
            return stealing.judge("a model", answered, is_to_stall).verdict
        self.assertEqual(verdict(20, True), CONFIRMED)
        self.assertEqual(verdict(20, False), REFUTED)
        self.assertEqual(verdict(40, False), CONFIRMED)
        self.assertEqual(verdict(40, True), REFUTED)
        self.assertEqual(verdict(35, True), UNDECIDED)
        self.assertEqual(verdict(None, False), UNDECIDED)

    def test_polling_burns_what_blocking_leaves(self):
        self.assertEqual(process_control.judge_burning(0.9, 0.0).verdict, CONFIRMED)
        self.assertEqual(process_control.judge_burning(0.01, 0.0).verdict, REFUTED)
        self.assertEqual(process_control.judge_burning(0.1, 0.0).verdict, UNDECIDED)
        self.assertEqual(process_control.judge_burning(0.3, 0.1).verdict, UNDECIDED)

    def test_a_client_is_starved_that_is_answered_a_tenth_as_often(self):
        self.assertEqual(loops.judge_starving(10, 1000).verdict, CONFIRMED)
        self.assertEqual(loops.judge_starving(900, 1000).verdict, REFUTED)
        self.assertEqual(loops.judge_starving(300, 1000).verdict, UNDECIDED)

    def test_memory_decides_if_the_slopes_lie_farther_apart_than_they_are_in_doubt(self):
        def line(slope, doubt=1.0):
            return Line(slope, 0.0, slope - doubt, slope + doubt, 1.0, 5)
        memory = {"a": (line(1024), line(-8000, 40000)), "b": (line(2048), line(1024)), "lost": None}
        self.assertEqual(clients.judge_weights(memory, "a", "b", 0.01).verdict, CONFIRMED)
        self.assertEqual(clients.judge_weights(memory, "b", "a", 0.01).verdict, REFUTED)
        self.assertEqual(clients.judge_weights(memory, "lost", "b", 0.01).verdict, UNDECIDED)
        in_doubt = {"a": (line(1024, 300), line(0)), "b": (line(2048, 300), line(0))}
        self.assertEqual(clients.judge_weights(in_doubt, "a", "b", 0.05).verdict, CONFIRMED)
        self.assertEqual(clients.judge_weights(in_doubt, "a", "b", 0.001).verdict, UNDECIDED)

    def test_times_of_a_rate_that_was_not_reached_are_good_and_those_of_failed_runs_are_not(self):
        def p99_ms(*faults):
            return others.p99_ms(interpret(1 if faults else 0, json.dumps({"faults": faults, "response_ns": {"p99": 5e6}}), ""))
        missed = "the rate was not reached: 298 replies per second came of 345 that were due"
        self.assertEqual(p99_ms(), 5)
        self.assertEqual(p99_ms(missed), 5)
        self.assertIsNone(p99_ms(missed, "3 requests got no reply"))
        self.assertIsNone(others.p99_ms(interpret(1, "", "it crashed")))


class TalkTest(unittest.TestCase):
    def test_a_closed_loop_with_an_error_fails(self):
        asked = []

        def fails():
            raise OSError("a wrong reply")
        self.assertTrue(talk.closed_loop(2, 3, lambda: asked.append(1)))
        self.assertEqual(len(asked), 6)
        self.assertFalse(talk.closed_loop(2, 3, fails))

    def test_a_line_that_never_ends_is_an_error(self):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                theirs.sendall(b"whole\n")
                talk.await_line(ours)
                theirs.sendall(b"half")
            self.assertRaises(ConnectionError, talk.await_line, ours)

    def test_a_visit_that_nobody_answers_counts_as_the_time_that_was_waited(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "%s:%d" % listener.getsockname()
            self.assertEqual(talk.visit(address, [0.0, 0.0], select.EPOLLIN, most_s=0.05), [0.05, 0.05])
            self.assertEqual(len(talk.visit(address, [0.0, 0.01], select.EPOLLOUT)), 2)

    def test_workers_with_a_queue_for_all_serve_what_comes_at_once_at_once(self):
        times = queues.response_times("shared", [0.0] * queues.WORKERS)
        self.assertEqual(len(times), queues.WORKERS)
        self.assertGreaterEqual(min(times), queues.HOLD_S)

    def test_requests_of_the_same_seed_come_at_the_same_times(self):
        self.assertEqual(queues.dues(0.7, 1.0, "1"), queues.dues(0.7, 1.0, "1"))
        self.assertNotEqual(queues.dues(0.7, 1.0, "1"), queues.dues(0.7, 1.0, "2"))
        self.assertAlmostEqual(len(queues.dues(0.7, 10.0, "1")), 0.7 * 10 * queues.WORKERS / queues.HOLD_S, delta=400)


def statement_with(experiment):
    return table.Statement("claim-99", "It works", "a book", experiment)


class CourtTest(unittest.TestCase):
    """Old data, and what may be written of it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = store.Store.create(scratch.name)
        self.folder.write_run({"schema": store.SCHEMA, "programs": {"server": "aa"}})

    def status(self, *arguments):
        """Of a call that ends before it measures; and what it says."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), unittest.mock.patch.object(court.runner, "make_interruptible"):
            return court.main([f"--out={self.folder.folder}", *arguments]), said.getvalue()

    def test_data_of_other_programs_is_refused(self):
        court.check_programs(self.folder, {"server": "aa"})
        with self.assertRaisesRegex(store.StoreError, "another build"):
            court.check_programs(self.folder, {"server": "bb"})

    def test_document_is_written_of_all_statements_alone(self):
        status, said = self.status("--write", "--only=claim-1")
        self.assertEqual(status, 2)
        self.assertIn("--write needs all statements, of which 39 are neither in", said)

    def test_experiment_that_fails_leaves_its_statement_undecided(self):
        def broken(_lab):
            raise KeyError("replies")
        line = court.try_one(statement_with(broken), None)
        self.assertEqual(line["verdict"], UNDECIDED)
        self.assertIn("the experiment could not be carried out: KeyError: 'replies'", line["parts"][0]["text"])

        def interrupted(_lab):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            court.try_one(statement_with(interrupted), None)

    def test_questions_are_settled_together_and_stand_where_the_experiment_has_put_them(self):
        rounds = Recorded(a=noisy(2), b=noisy(1, seed=2))
        place = unittest.mock.Mock(settle=lambda questions: settle(questions, 0.01))
        line = court.try_one(statement_with(lambda _: [rounds.question(more(), condition="few"), aside("by the way"),
                                                  fact(False, "not so", "many")]), place)
        self.assertEqual([part["verdict"] for part in line["parts"]], [CONFIRMED, "aside", REFUTED])
        self.assertEqual((line["verdict"], line["holds_if"], line["fails_if"]), (HOLDS_IF, ("few",), ("many",)))

    def test_no_order_of_long_statements_takes_more_than_the_time_there_is(self):
        left_s = 1500.0
        for statements in range(39, 0, -1):
            allowed_s = court.allowance_s(left_s, statements)
            self.assertLessEqual(allowed_s, left_s)
            self.assertGreaterEqual(allowed_s, min(left_s, 3 * left_s / statements) - 1e-6)
            left_s -= allowed_s
        self.assertEqual(court.allowance_s(-5.0, 10), 0)


class TuningTest(unittest.TestCase):
    """Claim 12, on throughputs that are made of factors: which share is whose, and what can be said of it."""

    def judged(self, noise, **factors):
        generator = numpy.random.default_rng(5)
        names = ("backlog", "buffer", "no_delay", "batch", "model")
        runs = tuning.design()
        middle = [1000 * math.prod(factors.get(name, 1) ** sign for name, sign in zip(names, signs)) for signs, _ in runs]
        weather = generator.normal(0, 0.2, 4)  # What a whole round has more or less is nobody's.
        values = [[value * math.exp(generator.normal(0, noise) + of_round) for of_round in weather] for value in middle]
        return tuning.judge([signs for signs, _ in runs], values, "a load", 0.001)

    def test_design_is_balanced_and_names_what_can_be_started(self):
        runs = tuning.design()
        self.assertEqual(len({name for _, name in runs}), 16)
        for factor in range(5):
            self.assertEqual(sum(signs[factor] for signs, _ in runs), 0)
        for signs, name in runs:
            self.assertEqual(name.startswith("epoll "), signs[4] == 1)
            self.assertEqual("--listen_backlog=4096" in name, signs[0] == 1)
            self.assertEqual("--accept_batch" in name, signs[4] == 1)  # The other model has no such flag.

    def test_what_has_the_larger_share_is_found(self):
        part = self.judged(0.01, backlog=2, model=1.1)
        self.assertEqual(part.verdict, CONFIRMED, part.text)
        self.assertIn("98 % is due to the settings (most of it: backlog 5 or 4096, 98 %)", part.text)
        self.assertEqual(self.judged(0.01, backlog=1.1, model=2).verdict, REFUTED)

    def test_what_noise_hides_is_left_open(self):
        self.assertEqual(self.judged(0.3, backlog=1.1, model=1.2).verdict, UNDECIDED)


class TableTest(unittest.TestCase):
    def test_all_statements_are_there_once(self):
        names = [statement.name for statement in table.ALL]
        self.assertEqual(names, [f"course-{n}" for n in range(1, 13)] + [f"claim-{n}" for n in range(1, 29)])

    def test_each_verdict_names_its_conditions_and_its_machine(self):
        run = {"machine": {"cpu": "a cpu", "cores": 2, "virtual": True, "kernel": "Linux 6"}, "started": "today",
               "git": {"revision": "0123456789abcdef", "dirty": False}, "minutes": 25, "busy": ""}
        told = {"verdict": CONFIRMED, "text": "told once", "condition": ""}
        text = document.write(run, {
            "course-7": {"verdict": CONFIRMED, "holds_if": [], "fails_if": [], "open_if": [], "parts": [told]},
            "claim-20": {"verdict": HOLDS_IF, "holds_if": ["300 are active", "1,000 are active"], "fails_if": ["1 is active"],
                         "open_if": ["50 are active"], "parts": []}})
        self.assertIn("1 confirmed, 0 refuted, 1 hold only if, 0 undecided.", text)
        self.assertIn("**Confirmed (Linux 6, 2 processors): With edge trigger", text)
        self.assertIn("**Holds only if 300 are active or if 1,000 are active; not if 1 is active; open if 50 are active "
                      "(Linux 6, 2 processors, loopback): io_uring is faster than epoll.**", text)
        self.assertIn("| [course-7](#course-7) |", text)
        self.assertIn("\n+ told once\n", text)
        self.assertIn("tools/claims --only=course-7", text)

    def test_what_is_undecided_says_under_which_conditions(self):
        self.assertEqual(document.verdict({"verdict": UNDECIDED, "holds_if": ["few"], "fails_if": [], "open_if": ["many"]}),
                         "undecided; holds if few; open if many")
        self.assertEqual(document.verdict({"verdict": REFUTED, "fails_if": ["few"]}), "refuted if few")


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
                    "course-5": "confirmed", "claim-22": "refuted"}
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
