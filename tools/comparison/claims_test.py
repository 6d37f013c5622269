"""Statements on trial: how questions are asked of rounds, how a verdict is made of the answers, and that experiments whose
outcome is a matter of logic, not of speed, come out."""

import collections
import contextlib
import dataclasses
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

from comparison import simulation, store
from comparison.claims import (clients, computing, court, document, loops, others, process_control, queues, sliced, table, talk,
                               tuning)
from comparison.claims.rounds import CPU, LIMITED, LOOKS, P99, RATE, SYSTEM, Question, Series, settle
from comparison.claims.verdict import (CONFIRMED, HOLDS_IF, REFUTED, UNDECIDED, Part, about_one, aside, at_least, at_most,
                                       best_depends, combine, fact, more, unknown)
from comparison.load import interpret
from comparison.resident import ResidentError, Slice
from comparison.statistics import Line

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_INFINITE = math.inf


class DemandTest(unittest.TestCase):
    """What a ratio's bounds say of what is claimed."""

    def test_at_least(self):
        self.assertEqual(at_least(2).verdict(2.4, 2.6), CONFIRMED)
        self.assertEqual(at_least(2).verdict(1.9, 2.6), UNDECIDED)
        self.assertEqual(at_least(2).verdict(1.0, 1.2), REFUTED)

    def test_at_most(self):
        self.assertEqual(at_most(1).verdict(0.7, 0.8), CONFIRMED)
        self.assertEqual(at_most(1).verdict(0.8, 1.01), UNDECIDED)
        self.assertEqual(at_most(1).verdict(1.2, 1.3), REFUTED)

    def test_more_is_refuted_if_it_is_slight_at_the_most(self):
        self.assertEqual(more().verdict(1.2, 1.3), CONFIRMED)
        self.assertEqual(more().verdict(0.99, 1.01), REFUTED)
        self.assertEqual(more().verdict(1.01, 1.04), REFUTED)
        self.assertEqual(more().verdict(1.01, 1.06), CONFIRMED)
        self.assertEqual(more().verdict(0.9, 1.2), UNDECIDED)
        self.assertEqual(more().verdict(1.0, 1.2), UNDECIDED)
        self.assertEqual(more(slight=1.0).verdict(0.99, 1.01), UNDECIDED)

    def test_about_one_needs_both_bounds_within_the_margin(self):
        self.assertEqual(about_one().verdict(0.98, 1.02), CONFIRMED)
        self.assertEqual(about_one().verdict(0.5, 0.6), REFUTED)
        self.assertEqual(about_one().verdict(0.9, 1.3), UNDECIDED)
        self.assertEqual(about_one(1.01).verdict(0.98, 1.02), UNDECIDED)

    def test_a_ratio_without_a_bound_can_decide_one_side_alone(self):
        self.assertEqual(at_least(2).verdict(2.4, _INFINITE), CONFIRMED)
        self.assertEqual(at_least(2).verdict(0.5, _INFINITE), UNDECIDED)
        self.assertEqual(about_one().verdict(1.3, _INFINITE), REFUTED)
        self.assertEqual(about_one().verdict(0.0, 0.6), REFUTED)
        self.assertEqual(at_most(1).verdict(0.0, 0.6), CONFIRMED)
        for demand in (at_least(2), at_most(2), more(), about_one()):
            self.assertEqual(demand.verdict(0.0, _INFINITE), UNDECIDED)

    def test_which_of_two_is_best_depends_on_the_place_if_each_is_surely_better_somewhere(self):
        def verdict(*bounds):
            return best_depends([Part(UNDECIDED, "", bounds=pair) for pair in bounds], "depends").verdict
        better, worse, same = (0.7, 0.8), (1.2, 1.3), (0.99, 1.01)
        self.assertEqual(verdict(worse, same, better), CONFIRMED)
        self.assertEqual(verdict(better, same, better), REFUTED)
        self.assertEqual(verdict(worse, same), REFUTED)
        self.assertEqual(verdict(worse, (0.8, 1.2)), UNDECIDED)
        self.assertEqual(verdict(better, None), UNDECIDED)
        self.assertEqual(verdict(better, worse, None), CONFIRMED)
        self.assertEqual(verdict(), UNDECIDED)


class CombineTest(unittest.TestCase):
    def test_one_part_refutes_and_all_confirm(self):
        yes, no, perhaps = fact(True, "yes"), fact(False, "no"), unknown("perhaps")
        self.assertEqual(combine([yes, yes]).verdict, CONFIRMED)
        self.assertEqual(combine([yes, perhaps]).verdict, UNDECIDED)
        self.assertEqual(combine([yes, no, perhaps]).verdict, REFUTED)
        self.assertEqual(combine([yes, aside("by the way")]).verdict, CONFIRMED)
        self.assertEqual(combine([]).verdict, UNDECIDED)
        self.assertEqual(combine([aside("by the way")]).verdict, UNDECIDED)

    def test_what_holds_under_some_conditions_and_not_under_others_holds_only_if(self):
        few, many = fact(True, "", "few"), fact(False, "", "many")
        found = combine([few, many, unknown("", "some")])
        self.assertEqual((found.verdict, found.holds_if, found.fails_if), (HOLDS_IF, ("few",), ("many",)))
        self.assertEqual(found.open_if, ("some",))
        self.assertEqual(combine([fact(True, ""), few, many]).verdict, HOLDS_IF)
        self.assertEqual(combine([unknown(""), few, many]).verdict, UNDECIDED)

    def test_under_each_condition_all_parts_have_to_hold(self):
        self.assertEqual(combine([fact(True, "", "few"), fact(False, "", "few"), fact(True, "", "many")]).fails_if, ("few",))
        self.assertEqual(combine([fact(True, "", "few"), unknown("", "few"), fact(False, "", "many")]).verdict, REFUTED)

    def test_what_holds_under_no_condition_is_refuted_and_what_is_open_under_one_is_not_confirmed(self):
        self.assertEqual(combine([fact(False, "", "few"), unknown("", "many")]).verdict, REFUTED)
        self.assertEqual(combine([fact(True, "", "few"), unknown("", "many")]).verdict, UNDECIDED)
        self.assertEqual(combine([fact(True, "", "few"), fact(True, "", "many")]).verdict, CONFIRMED)
        self.assertEqual(combine([fact(False, ""), fact(True, "", "few")]).verdict, REFUTED)


class Recorded:
    """Makes a Series of rounds whose figures are known; notes which names were measured."""

    def __init__(self, figure=CPU, **values):
        """values  name -> those of its rounds; a text is a failure"""
        self._figure, self._values = figure, values
        self.measured = []
        self.series = Series(self._measure)

    def _measure(self, names, number):
        self.measured.append(tuple(names))
        found = {name: self._values[name][number] for name in names}
        return {name: value if isinstance(value, (str, dict)) else {self._figure.key: value} for name, value in found.items()}

    def question(self, demand, above="a", below="b", **more_of_it):
        return Question(self.series, "a over b", above, below, demand, self._figure, **more_of_it)


def noisy(middle, error=0.01, number=LOOKS[-1] + 8, seed=1):
    return list(middle * numpy.exp(numpy.random.default_rng(seed).normal(0, error, number)))


class SettleTest(unittest.TestCase):
    """How many rounds are measured, and of what."""

    def test_what_is_clear_takes_the_fewest_rounds_and_what_is_not_the_most(self):
        clear = Recorded(a=noisy(2), b=noisy(1, seed=2))
        self.assertEqual(settle([clear.question(more())], 0.01)[0].verdict, CONFIRMED)
        self.assertEqual(len(clear.measured), LOOKS[0])
        unclear = Recorded(a=noisy(1, 0.5), b=noisy(1, 0.5, seed=2))
        part = settle([unclear.question(about_one(1.01))], 0.01)[0]
        self.assertEqual((part.verdict, len(unclear.measured)), (UNDECIDED, LOOKS[-1]))
        self.assertRegex(part.text, r"open, as rounds differ by [5-9]\d %")

    def test_what_is_decided_is_not_measured_any_more(self):
        rounds = Recorded(a=noisy(2), b=noisy(1, 0.4, seed=2), c=noisy(1, 0.4, seed=3))
        parts = settle([rounds.question(at_most(50)), rounds.question(about_one(1.01), "b", "c")], 0.01)
        self.assertEqual([part.verdict for part in parts], [CONFIRMED, UNDECIDED])
        self.assertEqual(rounds.measured, [("a", "b", "c")] * LOOKS[0] + [("b", "c")] * (LOOKS[-1] - LOOKS[0]))

    def test_statements_share_rounds_in_which_all_of_their_names_were_measured(self):
        rounds = Recorded(a=noisy(4), b=noisy(2, seed=2), c=noisy(1, seed=3))
        settle([rounds.question(more())], 0.01)
        settle([rounds.question(more(), "b", "a")], 0.01)
        self.assertEqual(len(rounds.measured), LOOKS[0])
        settle([rounds.question(more(), "b", "c")], 0.01)
        self.assertEqual(rounds.measured[LOOKS[0]:], [("b", "c")] * LOOKS[0])

    def test_a_look_does_not_see_the_rounds_that_another_statement_needed(self):
        rounds = Recorded(a=noisy(2), b=noisy(1, seed=2))
        rounds.series.measure([("a", "b")], LOOKS[1])
        self.assertIn(f"; {LOOKS[0]} rounds)", settle([rounds.question(more())], 0.01)[0].text)

    def test_when_the_time_is_over_what_was_measured_has_to_do(self):
        rounds = Recorded(a=noisy(2), b=noisy(1, seed=2))
        part = settle([rounds.question(more())], 0.01, lambda: len(rounds.measured) == 4)[0]
        self.assertEqual((part.verdict, len(rounds.measured)), (CONFIRMED, 4))
        part = settle([Recorded().question(more())], 0.01, lambda: True)[0]
        self.assertEqual(part.verdict, UNDECIDED)
        self.assertIn("the time allowed no more than 0 rounds", part.text)

    def test_too_few_rounds_decide_nothing(self):
        rounds = Recorded(a=[9.0] * 2, b=[1.0] * 2)
        part = settle([rounds.question(more())], 0.01, lambda: len(rounds.measured) == 2)[0]
        self.assertEqual(part.verdict, UNDECIDED)

    def test_what_always_fails_is_given_up_with_the_reason(self):
        rounds = Recorded(a=["it crashed"] * 20, b=noisy(1))
        part = settle([rounds.question(more())], 0.01)[0]
        self.assertEqual(part.verdict, UNDECIDED)
        self.assertIn("not measured without errors: a: it crashed", part.text)
        self.assertLess(len(rounds.measured), LOOKS[0])

    def test_one_round_that_failed_is_made_up_for(self):
        rounds = Recorded(a=[2.0, "it crashed", *noisy(2)], b=noisy(1))
        self.assertIn(f"; {LOOKS[0]} rounds)", settle([rounds.question(more())], 0.01)[0].text)
        self.assertEqual(len(rounds.measured), LOOKS[0] + 1)

    def test_figures_may_be_made_of_several(self):
        rounds = Recorded(a=noisy(4), b=noisy(1, seed=2), c=noisy(2, seed=3))
        part = settle([rounds.question(at_least(1.3), lambda value: value("a"), lambda value: value("b") + value("c"),
                                       of=("a", "b", "c"))], 0.01)[0]
        self.assertEqual(part.verdict, REFUTED if part.bounds[1] < 1.3 else CONFIRMED)
        self.assertAlmostEqual(sum(part.bounds) / 2, 4 / 3, delta=0.05)
        self.assertRegex(part.text, r"a 4\.0, b 1\.0, c 2\.0 us")


class ClientAsTheLimitTest(unittest.TestCase):
    def part(self, demand, limited, figure=RATE, above="a", below="b"):
        """limited: whether the client was the limit for a, of each round."""
        rounds = Recorded(figure, a=[{figure.key: 100.0, LIMITED: is_limited} for is_limited in limited],
                          b=[{figure.key: 100.0, LIMITED: 0}] * len(limited))
        return settle([rounds.question(demand, above, below)], 0.05, lambda: len(rounds.measured) == len(limited))[0]

    def test_throughput_that_the_client_limits_in_half_of_the_rounds_is_a_bound(self):
        half = (1, 0, 0, 1)
        self.assertEqual(self.part(about_one(), half).bounds, (1, _INFINITE))
        self.assertEqual(self.part(about_one(), half, above="b", below="a").bounds, (0, 1))
        self.assertIn("and the client was the limit", self.part(about_one(), half).text)
        self.assertEqual(self.part(at_least(1), half).verdict, CONFIRMED)
        self.assertEqual(self.part(about_one(), (1, 0, 0, 0)).verdict, CONFIRMED)

    def test_processor_time_is_right_all_the_same(self):
        self.assertEqual(self.part(about_one(), (1, 1, 1, 1), CPU).verdict, CONFIRMED)


class PromisesTest(unittest.TestCase):
    """The experiments' design on simulated rounds of a machine in an ordinary hour: stalls, drift, starts that differ."""

    def verdicts(self, truth, demand, alpha, tables):
        generator, found = numpy.random.default_rng(8), collections.Counter()
        one, other = simulation.MODELS[:2]
        plan = simulation.Plan(LOOKS[-1], 0.6, 6)
        for _ in range(tables):
            values = simulation.table(generator, plan, simulation.ORDINARY_HOUR, (math.log(truth), 0.0))
            series = Series(lambda names, number, of=values: {name: {CPU.key: of[name][number + 1]} for name in names})
            found[settle([Question(series, "a over b", one, other, demand)], alpha)[0].verdict] += 1
        return found

    def test_a_tenth_more_is_confirmed_in_nine_of_ten_cases(self):
        of_a_question = court.ALPHA / 2
        self.assertGreaterEqual(self.verdicts(1.1, more(), of_a_question, 60)[CONFIRMED], 54)
        self.assertGreaterEqual(self.verdicts(1 / 1.1, at_least(1), of_a_question, 60)[REFUTED], 54)

    def test_equal_ones_are_found_to_be_about_equal_in_nine_of_ten_cases(self):
        self.assertGreaterEqual(self.verdicts(1.0, about_one(), court.ALPHA / 6, 60)[CONFIRMED], 54)

    def test_looking_again_makes_no_more_false_verdicts_than_promised(self):
        # Each can be wrong on one side alone: 2.5 % of 200 are 5, and hardly ever 13.
        self.assertLess(self.verdicts(1.0, at_least(1), 0.05, 200)[CONFIRMED], 13)
        self.assertLess(self.verdicts(1.15, about_one(), 0.05, 200)[CONFIRMED], 13)

    def test_all_statements_together_are_wrong_in_one_run_of_twenty_at_the_most(self):
        wrong = self.verdicts(1.0, at_least(1), court.ALPHA, 4 * len(table.ALL))  # Four runs.
        self.assertLessEqual(wrong[CONFIRMED] + wrong[REFUTED], 1)


class FakeResident:
    """Serves as fast as its subject says; in every third turn of two the machine is slower."""

    moment = 0
    counts_all_children = True

    def __init__(self, subject, *_):
        if subject == "broken":
            raise ResidentError("it did not start")
        self._rate = subject

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def slice(self, seconds, rate=None):
        speed = 0.5 if FakeResident.moment // 2 % 3 == 0 else 1.0
        FakeResident.moment += 1
        return made_slice(speed * self._rate, seconds, 0.002 / speed)


def made_slice(replies_per_second, seconds=0.1, mean_s=0.001, failed=None, limit=False):
    times = {"count": 10} | dict.fromkeys(("mean", "max", "p50", "p90", "p99", "p99.9"), 1e9 * mean_s)
    report = {"replies": replies_per_second * seconds, "replies_in_all": replies_per_second * seconds, "seconds": seconds,
              "replies_per_second": replies_per_second, "fairness": 1, "busiest_thread": 0.95 if limit else 0.5,
              "waited_for_processor": 0, "errors": {}, "error_causes": {}, "faults": [],
              "service_ns": times, "response_ns": times}
    return Slice(report, 0.3 * seconds, 0.5 * seconds, 0, 0, seconds, 0, failed)


class SlicedTest(unittest.TestCase):
    """A round of slices, with servers that are made up."""

    def measure(self, subjects):
        FakeResident.moment = 0
        entries = {name: sliced.Entry(subject, unittest.mock.Mock(slice_s=0.1), "setting") for name, subject in subjects.items()}
        return sliced.Sliced(entries, "load", 1, lambda _: None, FakeResident)(list(subjects), 0)

    def test_disturbances_that_all_have_in_common_change_no_ratio(self):
        found = self.measure({"a": 2000.0, "b": 1000.0})
        self.assertAlmostEqual(found["a"][RATE.key] / found["b"][RATE.key], 2)
        self.assertAlmostEqual(found["b"][CPU.key] / found["a"][CPU.key], 2)
        self.assertAlmostEqual(found["a"][SYSTEM.key] / found["a"][CPU.key], 5 / 8)

    def test_a_server_that_does_not_start_spoils_its_own_figures_alone(self):
        found = self.measure({"a": 2000.0, "b": "broken"})
        self.assertEqual(found["b"], "it did not start")
        self.assertGreater(found["a"][RATE.key], 0)

    def test_a_failed_slice_spoils_the_round_and_a_missed_rate_does_not(self):
        good, missed, bad = (made_slice(1000, failed=why) for why in (None, "the rate was not reached: 9 of 10", "a wrong reply"))
        self.assertEqual(sliced.why_failed([good, missed, bad], False), "a wrong reply")
        self.assertIsNone(sliced.why_failed([good, missed], False))
        self.assertEqual(sliced.figures({"a": [good, missed]})["a"][P99.key], 1)

    def test_a_server_that_needs_all_processors_has_no_figures_if_others_took_them(self):
        quiet, disturbed = made_slice(1000), dataclasses.replace(made_slice(1000), others_s=0.05)
        self.assertIsNone(sliced.why_failed([quiet, disturbed], True))
        self.assertIsNone(sliced.why_failed([quiet, disturbed, disturbed], False))
        self.assertIn("others took", sliced.why_failed([quiet, disturbed, disturbed], True))

    def test_processor_time_in_coarse_steps_is_that_of_the_round(self):
        none, step = (dataclasses.replace(made_slice(1000), cpu_user_s=seconds, cpu_system_s=0.0) for seconds in (0.0, 0.01))
        self.assertAlmostEqual(sliced.figures({"a": [none, step, none, none]}, {"a"})["a"][CPU.key], 1e6 * 0.01 / 400)

    def test_the_client_is_the_limit_if_it_was_busy_in_all_slices_together(self):
        self.assertEqual(sliced.figures({"a": [made_slice(1000, limit=True)] * 3})["a"][LIMITED], 1)
        self.assertEqual(sliced.figures({"a": [made_slice(1000, limit=True), *[made_slice(1000)] * 2]})["a"][LIMITED], 0)


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
        self.assertIn("--write needs all statements, of which 35 are neither in", said)

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
        for statements in range(36, 0, -1):
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
        self.assertEqual(names, [f"course-{n}" for n in range(1, 13)] + [f"claim-{n}" for n in range(1, 25)])

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
