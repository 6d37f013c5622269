"""The front and the recommendations, of simulated models whose truth is known."""

import dataclasses
import itertools
import math
import re
import unittest

import numpy

from comparison import inference, needs

_AXES = {needs.CAPACITY: needs.Axis("throughput", "1/s", True), needs.TAIL: needs.Axis("given_p99_us", "us", False),
         needs.COST: needs.Axis("given_cpu_us", "us", False), needs.MEMORY: needs.Axis("connection_bytes", "B", False)}
_ALL = (needs.CAPACITY, needs.TAIL, needs.COST, needs.MEMORY)
_ONE_LOOP = {"silent": "harmless", "crash": "all", "long_work": "all", "flags": []}
_PROCESS_EACH = {"silent": "harmless", "crash": "one", "long_work": "nobody", "flags": []}
_POOL = {"silent": "one of N", "crash": "one", "long_work": "nobody", "flags": []}


def case(truth, noise=0.01, rounds=20, seed=1, **more):
    """A needs.Case of models whose true figures are known.

    truth  {name: (capacity, tail, cost, memory)}
    """
    chance = numpy.random.default_rng(seed)
    figures, effects = {}, {}
    for place, axis in enumerate(_ALL):
        values = {name: {number: figure[place] * math.exp(noise * chance.standard_normal()) for number in range(rounds)}
                  for name, figure in truth.items()}
        middles = {name: inference.middle(list(own.values())) for name, own in values.items()}
        figures[axis] = {name: needs.Figure(*middle.ratio()) for name, middle in middles.items()}
        found = inference.effects_of_pairs(values, list(itertools.combinations(truth, 2)), len(truth))
        effects[axis] = {pair: effect if _AXES[axis].more_is_better else effect.reversed() for pair, effect in found.items()}
    return needs.Case(**{"workload": "echo", "names": tuple(truth), "axes": _AXES, "figures": figures, "effects": effects,
                         "traits": {name: _ONE_LOOP for name in truth}, **more})


def need(one, name):
    return next(entry for entry in needs.needs(one) if entry["need"] == name)


_MIXTURE = {"fork": (500, 900, 30, 90000), "thread": (700, 700, 20, 20000), "poll": (980, 400, 10.5, 4000),
            "epoll": (1000, 400, 10, 4000), "uring": (1150, 600, 8, 8000)}


class FrontTest(unittest.TestCase):
    def test_who_is_worse_in_something_and_better_in_nothing_is_beaten(self):
        beaten = needs.beaten_by(case(_MIXTURE))
        self.assertEqual(beaten["epoll"], [])
        self.assertEqual(beaten["uring"], [])
        self.assertIn("epoll", beaten["thread"])
        self.assertIn("thread", beaten["fork"])

    def test_what_is_better_in_one_respect_is_on_the_front(self):
        self.assertEqual(needs.beaten_by(case({**_MIXTURE, "fork": (500, 100, 30, 90000)}))["fork"], [])

    def test_equal_models_do_not_beat_each_other(self):
        found = needs.beaten_by(case({name: (1000, 400, 10, 4000) for name in "abc"}))
        self.assertEqual(found, {"a": [], "b": [], "c": []})

    def test_differences_within_the_margin_make_no_circle(self):
        found = needs.beaten_by(case({"a": (1000, 400, 10.1, 4000), "b": (1000, 404, 10, 4000)}, noise=0.001, rounds=60))
        self.assertEqual(found, {"a": [], "b": []})

    def test_what_was_not_compared_in_a_respect_is_not_beaten(self):
        one = case(_MIXTURE)
        lacking = {pair: effect for pair, effect in one.effects[needs.MEMORY].items() if "fork" not in pair}
        one = dataclasses.replace(one, effects={**one.effects, needs.MEMORY: lacking})
        self.assertEqual(needs.beaten_by(one)["fork"], [])

    def test_who_cannot_carry_the_given_rate_is_worse_than_who_can(self):
        one = case(_MIXTURE)
        without = {axis: {pair: effect for pair, effect in effects.items() if "fork" not in pair}
                   if axis in (needs.TAIL, needs.COST) else effects for axis, effects in one.effects.items()}
        one = dataclasses.replace(one, effects=without, failed={needs.TAIL: {"fork": "too slow"}, needs.COST: {"fork": "too slow"}})
        self.assertIn("epoll", needs.beaten_by(one)["fork"])
        self.assertEqual(needs.beaten_by(one)["epoll"], [])

    def test_too_few_rounds_beat_nothing(self):
        self.assertEqual(set(map(tuple, needs.beaten_by(case(_MIXTURE, rounds=2)).values())), {()})

    def test_in_one_of_twenty_runs_at_most_a_model_is_called_beaten_that_is_not(self):
        """Noisy models: some equal, some better in one respect and a little worse in another."""
        truth = {"a": (1000, 400, 10, 4000), "b": (1000, 400, 10, 4000), "c": (1060, 424, 10, 4000), "d": (1000, 380, 10.7, 4000),
                 "e": (1000, 400, 10, 4000)}
        runs = 200
        wrong = sum(any(needs.beaten_by(case(truth, noise=0.05, rounds=12, seed=seed)).values()) for seed in range(runs))
        self.assertLessEqual(wrong / runs, 0.05)

    def test_the_entry_has_what_a_page_needs(self):
        entry = needs.front(case(_MIXTURE))
        self.assertEqual(entry["axes"]["tail"], {"metric": "given_p99_us", "unit": "us", "more_is_better": False})
        fork = next(model for model in entry["models"] if model["name"] == "fork")
        self.assertEqual((fork["is_on_front"], set(fork["memory"])), (False, {"median", "low", "high"}))
        self.assertTrue(all(set(found) == {"need", "by", "take", "equal", "sentence"} for found in entry["needs"]))


class ChoiceTest(unittest.TestCase):
    def test_of_equal_ones_the_first_in_the_servers_list_is_taken(self):
        one = case({"poll": (1000, 400, 10, 4000), "epoll": (1004, 400, 10, 4000), "fork": (500, 400, 10, 4000)})
        found = need(one, needs.MOST)
        self.assertEqual((found["take"], found["equal"], found["by"]), ("poll", ["poll", "epoll"], "throughput"))
        self.assertTrue(found["sentence"].startswith("poll and epoll are equal: "), found["sentence"])

    def test_the_best_is_taken_with_its_figure_and_its_bound(self):
        found = need(case(_MIXTURE), needs.MOST)
        self.assertEqual((found["take"], found["equal"]), ("uring", ["uring"]))
        self.assertRegex(found["sentence"], r"Take uring: 1,1\d\d replies/s \(1,1\d\d to 1,1\d\d\); surely no other is more than 3 %")

    def test_what_is_open_has_a_bound_and_says_so(self):
        found = need(case({"poll": (1000, 400, 10, 4000), "epoll": (1010, 400, 10, 4000)}, noise=0.1, rounds=12, seed=2), needs.MOST)
        self.assertEqual(found["equal"], [])
        bound = float(re.search(r"surely no other is more than ([\d.]+) %", found["sentence"])[1])
        self.assertTrue(3 < bound <= 25, found["sentence"])
        self.assertIn("Not decided yet", found["sentence"])

    def test_long_times_have_a_unit_that_fits_and_no_exponent(self):
        found = need(case({"epoll": (1000, 2.16e8, 10, 4000), "poll": (1000, 4e9, 10, 4000)}), needs.LOWEST_TAIL)
        self.assertRegex(found["sentence"], r"^Take epoll: 2\d\d s for 99 of 100 requests")

    def test_too_few_data_recommend_nothing(self):
        found = need(case(_MIXTURE, noise=0.5, rounds=3), needs.MOST)
        self.assertIsNone(found["take"])
        self.assertTrue(found["sentence"].startswith("Open: "))

    def test_the_bound_holds_whichever_is_chosen(self):
        truth = {name: (1000 * factor, 1, 1, 1) for name, factor in zip("abcdef", (1, 1, 0.99, 0.97, 0.95, 0.9))}
        runs, wrong = 200, 0
        for seed in range(runs):
            choice = needs.choose(truth, case(truth, 0.04, 12, seed).effects[needs.CAPACITY])
            wrong += choice.take is not None and 1000 / truth[choice.take][0] - 1 > max(choice.bound, inference.MARGIN) + 1e-9
        self.assertLessEqual(wrong / runs, 0.05)

    def test_a_model_that_burns_a_processor_is_named_only_for_a_machine_with_nothing_else_to_do(self):
        truth = {"nonblock": (1200, 300, 9, 3000), "poll": (1000, 400, 10, 4000), "fork": (500, 900, 30, 90000)}
        one = case(truth, idle={"nonblock": needs.Figure(0.14, 0.13, 0.15), "poll": needs.Figure(0, 0, 0)})
        for name in (needs.MOST, needs.LOWEST_TAIL, needs.LEAST_MEMORY):
            found = need(one, name)
            self.assertEqual(found["take"], "poll")
            self.assertRegex(found["sentence"], "nonblock would do as well or better, but only on a machine that has nothing else to "
                             r"do: it takes 14\.0 % of a processor while no request comes")

    def test_where_idling_was_not_measured_the_trait_tells(self):
        traits = {"nonblock": {**_ONE_LOOP, "flags": ["poll_interval"]}, "poll": _ONE_LOOP}
        one = case({"nonblock": (1200, 300, 9, 3000), "poll": (1000, 400, 10, 4000)}, traits=traits)
        self.assertEqual(need(one, needs.MOST)["take"], "poll")
        self.assertEqual(need(dataclasses.replace(one, idle={"nonblock": needs.Figure(0.001, 0, 0.002)}), needs.MOST)["take"],
                         "nonblock")

    def limited(self, metric, more_is_better, place):
        """A Case in which the load generator was the limit, and this metric ranks."""
        one = case({"poll": (1000, 400, 12, 4000), "epoll": (1001, 400, 10, 4000)}, is_limited=True)
        axes = {axis: _AXES[axis] for axis in (needs.TAIL, needs.COST, needs.MEMORY)}
        axes[needs.THROUGHPUT] = needs.Axis(metric, "us", more_is_better)
        return dataclasses.replace(one, axes=axes, figures={**one.figures, needs.THROUGHPUT: one.figures[place]},
                                   effects={**one.effects, needs.THROUGHPUT: one.effects[place]})

    def test_a_generator_that_was_the_limit_leaves_it_to_processor_time(self):
        found = need(self.limited("cpu_us_per_request", False, needs.COST), needs.MOST)
        self.assertEqual((found["take"], found["by"]), ("epoll", "cpu_us_per_request"))
        self.assertRegex(found["sentence"], r"so 100,\d+ requests per second of processor time|so 99,\d+ requests per second of processor time")
        self.assertIn("The load generator was the limit, not the server", found["sentence"])

    def test_where_throughput_ranks_all_the_same_the_sentence_says_how_little_that_is(self):
        found = need(self.limited("throughput", True, needs.CAPACITY), needs.MOST)
        self.assertEqual((found["take"], found["by"]), ("poll", "throughput"))
        self.assertIn("these servers may do more", found["sentence"])

    def test_a_capacity_that_was_not_found_out_leaves_it_to_processor_time_too(self):
        axes = {**_AXES, needs.CAPACITY: needs.Axis("capacity", "1/s", True)}
        one = case({"poll": (1000, 400, 12, 4000), "epoll": (1001, 400, 10, 4000)}, axes=axes, promise="p99<10ms")
        bounded = {name: dataclasses.replace(figure, is_at_least=True) for name, figure in one.figures[needs.CAPACITY].items()}
        found = need(dataclasses.replace(one, figures={**one.figures, needs.CAPACITY: bounded}), needs.MOST)
        self.assertEqual((found["take"], found["by"]), ("epoll", "given_cpu_us"))
        self.assertIn("the best still keeps p99<10ms was not found out", found["sentence"])

    def test_as_long_as_capacity_is_open_throughput_stands_in_for_it(self):
        one = case(_MIXTURE, promise="p99<10ms")
        noisy = case(_MIXTURE, noise=0.8, rounds=4)
        axes = {**_AXES, needs.CAPACITY: needs.Axis("capacity", "1/s", True), needs.THROUGHPUT: needs.Axis("throughput", "1/s", True)}
        found = need(dataclasses.replace(one, axes=axes, effects={
            **one.effects, needs.CAPACITY: noisy.effects[needs.CAPACITY], needs.THROUGHPUT: one.effects[needs.CAPACITY]},
            figures={**one.figures, needs.THROUGHPUT: one.figures[needs.CAPACITY]}), needs.MOST)
        self.assertEqual((found["take"], found["by"]), ("uring", "throughput"))
        self.assertIn("How much of it keeps p99<10ms is still open", found["sentence"])

    def test_at_a_given_rate_without_a_cost_it_is_open_how_many_requests_there_could_be(self):
        one = case(_MIXTURE, axes={needs.TAIL: _AXES[needs.TAIL]})
        found = need(one, needs.MOST)
        self.assertIsNone(found["take"])
        self.assertIn("--slo measures the highest one", found["sentence"])

    def test_a_model_that_burns_a_processor_beats_no_other(self):
        one = case({"nonblock": (1200, 300, 9, 3000), "poll": (1000, 400, 10, 4000)}, idle={"nonblock": needs.Figure(0.14, 0.13, 0.15)})
        self.assertEqual(needs.beaten_by(one), {"nonblock": [], "poll": []})

    def test_clients_are_isolated_by_a_process_each(self):
        one = case(_MIXTURE, traits={"fork": _PROCESS_EACH, "thread": _ONE_LOOP, "poll": _ONE_LOOP, "epoll": _ONE_LOOP,
                                     "uring": _ONE_LOOP})
        self.assertEqual(need(one, needs.ISOLATED)["take"], "fork")
        self.assertIn("neither a crash nor long work", need(one, needs.ISOLATED)["sentence"])
        self.assertIsNone(need(case(_MIXTURE), needs.ISOLATED)["take"])
        pool = case(_MIXTURE, traits={**one.traits, "fork": _POOL})
        self.assertIn("A silent client keeps one of its workers", need(pool, needs.ISOLATED)["sentence"])

    def test_the_simplest_that_keeps_the_promise_is_the_first_that_surely_does(self):
        one = case(_MIXTURE, promise="p99<650us", bound_us=650, given_rate=300)
        found = need(one, needs.SIMPLEST)
        self.assertEqual((found["take"], found["equal"]), ("poll", ["poll", "epoll", "uring"]))
        self.assertTrue(found["sentence"].startswith("poll, epoll and uring surely keep p99<650us at 300 requests a second."))

    def test_a_bound_beside_a_promise_is_said_as_a_time_and_a_share(self):
        one = case({name: (1000, 10000 + tail, 10, 4000) for name, tail in (("fork", 150), ("poll", 101), ("thread", 2000))},
                   promise="p99<10ms", bound_us=10000, beside_us=10000)
        found = need(one, needs.LOWEST_TAIL)
        self.assertEqual(found["equal"], ["fork", "poll"])
        self.assertIn("surely no model is more than 300 us and 3 % better than any of them", found["sentence"])

    def test_a_capacity_below_the_rate_or_a_tail_beyond_the_bound_breaks_it(self):
        axes = {**_AXES, needs.CAPACITY: needs.Axis("capacity", "1/s", True)}
        one = case(_MIXTURE, axes=axes, promise="p99<5ms", bound_us=5000, given_rate=800)
        self.assertEqual([needs.keeps(one, name) for name in _MIXTURE], [False, False, True, True, True])
        slow = dataclasses.replace(one, bound_us=500)
        self.assertEqual([needs.keeps(slow, name) for name in ("poll", "uring")], [True, False])

    def test_without_a_promise_there_is_no_such_need_and_if_none_keeps_it_that_is_said(self):
        self.assertNotIn(needs.SIMPLEST, [found["need"] for found in needs.needs(case(_MIXTURE))])
        found = need(case(_MIXTURE, promise="p99<10us", bound_us=10, given_rate=300), needs.SIMPLEST)
        self.assertIsNone(found["take"])
        self.assertIn("no model keeps p99<10us", found["sentence"])


if __name__ == "__main__":
    unittest.main()
