"""Statements on trial: how questions are asked of rounds, and how a verdict is made of the answers. The experiments themselves
are in claims_test.py."""

import collections
import dataclasses
import math
import unittest
import unittest.mock

import numpy

from comparison import simulation
from comparison.claims import court, sliced, table
from comparison.claims.rounds import CPU, LIMITED, LOOKS, P99, RATE, SYSTEM, Question, Series, settle
from comparison.claims.verdict import (CONFIRMED, HOLDS_IF, REFUTED, UNDECIDED, Part, about_one, aside, at_least, at_most,
                                       best_depends, combine, fact, more, unknown)
from comparison.recorded_rounds import Recorded, noisy
from comparison.resident import ResidentError, Slice

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


if __name__ == "__main__":
    unittest.main()
