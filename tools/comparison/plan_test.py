"""The plan: the same options give the same order, time is kept, and nothing is measured twice."""

import dataclasses
import os
import tempfile
import unittest
import unittest.mock

from comparison import plan, promise, runner, store, subjects, workloads


class Named:
    """A subject that does nothing."""

    def __init__(self, name, refuses=None):
        self.name, self.kind, self.traits, self.flags, self._refuses = name, "model", {"flags": ()}, (), refuses

    def services(self):
        return {"echo"}

    def refuses(self, _workload):
        return self._refuses


def scene(names=("a", "b", "c"), wanted=("echo", "churn", "http")):
    setting = subjects.Setting("root", (0,), "logs", "scratch", 1)
    return plan.Scene([Named(name) for name in names], workloads.choose(wanted), None, lambda _: setting, (0, 1), 1000)


def options(**changes):
    return plan.Options(**{"rounds": 4, "minutes": 5, "duration_s": 0, "seed": 1, "parts": ("rounds",), "most_idle": 10,
                           **changes})


def turns(steps, wanted=("a", "b", "c")):
    """The names of each turn of each round, as they would be measured."""
    with unittest.mock.patch.object(plan.resident, "measure_round") as measured:
        for step in steps:
            step.measure(wanted)
    return [["".join(subject.name for subject in turn) for turn in call.args[3]] for call in measured.call_args_list]


class PlanTest(unittest.TestCase):
    def test_turns_are_interleaved_and_shuffled_by_the_seed(self):
        found, again, other = (turns(plan.make(scene(wanted=["echo"]), options(duration_s=0.2, seed=seed))[0]) for seed in (1, 1, 2))
        self.assertEqual([len(of_round) for of_round in found], [4] * 4)
        self.assertEqual({"".join(sorted(turn)) for of_round in found for turn in of_round}, {"abc"})
        self.assertEqual(found, again)
        self.assertNotEqual(found, other)
        self.assertGreater(len({turn for of_round in found for turn in of_round}), 3)

    def test_each_place_is_as_often_that_of_each(self):
        found = [turn for of_round in turns(plan.make(scene(wanted=["echo"]), options(duration_s=0.3, rounds=1))[0]) for turn in of_round]
        for place in range(3):
            self.assertEqual(sorted(turn[place] for turn in found), sorted("aabbcc"))

    def test_who_drops_out_leaves_the_others_order_as_it_is(self):
        steps, _ = plan.make(scene(wanted=["echo"]), options(duration_s=0.4))
        self.assertEqual(turns(steps, ("a", "c")), [[turn.replace("b", "") for turn in of_round] for of_round in turns(steps)])

    def test_what_cannot_rest_is_measured_one_after_the_other(self):
        place = scene()
        resting = dataclasses.replace(workloads.choose(["echo"])[0], rests=False)
        place = dataclasses.replace(place, workloads=[resting])
        step = plan.make(place, options(duration_s=2))[0][0]
        with unittest.mock.patch.object(plan.measure, "measure", return_value={"failed": None}) as measured:
            lines = step.measure(("a", "b", "c"))
        self.assertEqual({line["subject"] for line in lines}, {"a", "b", "c"})
        self.assertEqual([call.args[4] for call in measured.call_args_list], [2] * 3)

    def test_a_load_that_needs_time_gets_it(self):
        slow = dataclasses.replace(workloads.choose(["echo"])[0], rests=False, least_s=5.0)
        steps, _ = plan.make(dataclasses.replace(scene(), workloads=[slow]), options(duration_s=2))
        with unittest.mock.patch.object(plan.measure, "measure", return_value={"failed": None}) as measured:
            steps[0].measure(("a",))
        self.assertEqual(measured.call_args.args[4], 5.0)
        self.assertGreater(steps[0].expected_s, 15.0)

    def test_who_does_not_serve_it_is_left_out_with_a_reason(self):
        good, skipped = plan.pairs(scene())
        self.assertEqual(len(good), 6)
        self.assertEqual({entry["why"] for entry in skipped}, {"does not serve http"})
        self.assertEqual(plan.pairs(plan.Scene([Named("a", "no")],
                         workloads.choose(["echo"]), None, None, (), 1))[0], [])

    def test_takes_the_time_that_it_was_given(self):
        steps, duration_s = plan.make(scene(), options(minutes=6, parts=plan.PARTS))
        self.assertGreater(duration_s, 1)
        self.assertLess(abs(sum(step.expected_s for step in steps) - 360), 6)

    def test_a_measurement_is_never_too_short_and_can_be_chosen(self):
        self.assertEqual(plan.make(scene(), options(minutes=0.01))[1], 0.4)
        self.assertEqual(plan.make(scene(), options(duration_s=3))[1], 3)


    def test_what_is_asked_for_at_a_rate_is_not_scaled(self):
        place = scene(names=["a"], wanted=["echo", "echo-rate"])
        place.subjects[0].traits = {"flags": ("workers",), "silent": "harmless"}
        steps, _ = plan.make(place, options(parts=("scaling",)))
        self.assertEqual({dict(step.key)["workload"] for step in steps}, {"echo"})


class FitTest(unittest.TestCase):
    def fitted(self, minutes, **more):
        return plan.fit(scene(), options(rounds=7, minutes=minutes, parts=plan.PARTS, most_idle=1000), **more)

    def test_more_time_is_more_rounds_and_not_longer_ones(self):
        for minutes in (5, 20, 60):
            fitted = self.fitted(minutes)
            steps, duration_s = plan.make(scene(), fitted)
            self.assertEqual(fitted.parts, plan.PARTS)
            self.assertLess(duration_s, 1)
            self.assertLess(abs(plan.expected_s(steps) / 60 / minutes - 1), 0.1, minutes)
        self.assertGreater(self.fitted(60).rounds, 2.5 * self.fitted(20).rounds)

    def test_parts_go_where_they_leave_time_for_too_few_rounds(self):
        found = [self.fitted(minutes / 20) for minutes in range(40, 0, -1)]
        kept = [len(fitted.parts) for fitted in found]
        self.assertEqual((max(kept), min(kept)), (kept[0], kept[-1]))
        self.assertTrue(all(fitted.rounds >= 5 for fitted in found if len(fitted.parts) > 1))
        self.assertEqual((found[-1].rounds, found[-1].parts), (3, ("rounds",)))

    def test_a_part_that_is_too_long_alone_does_not_take_others_with_it(self):
        long = promise.parse("p99<100ms")
        found = plan.fit(scene(), options(rounds=7, minutes=4, parts=plan.PARTS, slo=long))
        self.assertEqual(found.parts, tuple(part for part in plan.PARTS if part != "promise"))

    def test_what_was_asked_for_by_name_is_kept(self):
        self.assertEqual(self.fitted(0.01, may_change=("parts",)).rounds, 7)
        self.assertEqual(self.fitted(0.01, may_change=("rounds",)).parts, plan.PARTS)
        self.assertEqual(self.fitted(0.01, may_change=()).rounds, 7)


class PartsTest(unittest.TestCase):
    """The parts that have rounds of their own."""

    def kinds(self, **changes):
        steps, _ = plan.make(scene(wanted=["echo", "chat"]), options(parts=plan.PARTS, **changes))
        return [step.kind for step in steps]

    def test_they_come_after_the_rounds_by_which_their_rates_are_chosen(self):
        kinds = self.kinds()
        last = len(kinds) - 1 - kinds[::-1].index(store.ROUNDS)
        self.assertGreater(min(kinds.index(store.COST), kinds.index(store.PROMISE)), last)

    def test_each_has_some_rounds_at_least_and_more_time_is_more_of_them(self):
        for kind, least in ((store.COST, 5), (store.PROMISE, 3)):
            self.assertEqual(self.kinds(minutes=0.5).count(kind), least, kind)
            self.assertGreater(self.kinds(minutes=5).count(kind), least, kind)

    def test_who_asks_for_a_number_of_rounds_gets_no_more_of_them(self):
        for kind, least in ((store.COST, 5), (store.PROMISE, 3)):
            self.assertEqual(self.kinds(minutes=20, rounds=2, most_rounds=2).count(kind), 2, kind)
            self.assertEqual(self.kinds(minutes=0.5, rounds=60, most_rounds=60).count(kind), least, kind)
        fitted = plan.fit(scene(), options(minutes=20, rounds=5, most_rounds=5, parts=plan.PARTS), may_change=("parts",))
        self.assertEqual((fitted.rounds, plan.rounds_of(scene(), fitted)[store.COST]), (5, 5))

    def test_the_plan_says_how_many_rounds_there_are(self):
        found = plan.rounds_of(scene(wanted=["echo", "chat"]), options(parts=plan.PARTS))
        self.assertEqual([found[kind] for kind in (store.COST, store.PROMISE)],
                         [self.kinds().count(kind) for kind in (store.COST, store.PROMISE)])
        self.assertEqual(plan.rounds_of(scene(), options()), {})

    def test_what_models_are_ranked_by_has_most_of_the_time_and_is_never_given_up(self):
        usual, ranked = (plan.rounds_of(scene(), options(parts=plan.PARTS, by=by))[store.COST]
                         for by in ("throughput", "cost"))
        self.assertGreater(ranked, 2 * usual)
        fitted = plan.fit(scene(), options(minutes=0.05, parts=plan.PARTS, by="cost"))
        self.assertEqual(fitted.parts, ("rounds", "cost"))

    def test_a_workload_has_a_metric_for_each_way_to_rank(self):
        found = {name: [workloads.choose([name])[0].metric_by(by) for by in plan.BY]
                 for name in ("echo", "echo-rate", "mixed", "chat")}
        self.assertEqual(found["echo"], ["throughput", "capacity", "given_cpu_us", "given_p99_us", "connection_bytes", "fairness"])
        self.assertEqual(found["echo-rate"], ["response_p50_us", "capacity", "given_cpu_us", "given_p99_us", "connection_bytes",
                                              "response_p50_us"])
        self.assertEqual(found["mixed"], ["response_p50_us", "capacity", "response_p50_us", "given_p99_us", "connection_bytes",
                                          "response_p50_us"])
        self.assertEqual(found["chat"], ["throughput", "throughput", "cpu_us_per_request", "response_p99_us", "connection_bytes",
                                         "fairness"])


class RunnerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = store.Store.create(os.path.join(scratch.name, "run"))
        self.measured = []

    def step(self, number, measure=None):
        def run(names):
            self.measured.append(number)
            return [{"value": number, "subject": name} for name in names]
        return plan.Step(store.ROUNDS, (("round", number),), 1, "", measure or run, ("a",))

    def interrupt(self, _):
        raise KeyboardInterrupt

    def test_keeps_what_it_has_when_interrupted_and_goes_on_from_there(self):
        steps = [self.step(1), self.step(2, self.interrupt), self.step(3)]
        self.assertFalse(runner.run(steps, self.folder, Silent()))
        self.assertEqual(self.measured, [1])
        self.assertTrue(runner.run([self.step(1), self.step(2), self.step(3)], self.folder, Silent()))
        self.assertEqual(self.measured, [1, 2, 3])
        self.assertEqual([line["value"] for line in self.folder.lines(store.ROUNDS)], [1, 2, 3])


class Silent:
    def begin(self, what):
        pass

    def end(self, expected_s):
        pass

    def clear(self):
        pass


if __name__ == "__main__":
    unittest.main()
