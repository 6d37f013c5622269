"""Slices: turns are compared with each other, and what is disturbed does not count for much."""

import os
import re
import unittest

import numpy

from comparison import slices


def report(replies, seconds=0.1, times=((1000, 10), (2000, 90)), **more):
    histogram = [part for pair in times for part in pair]
    kind = {"count": sum(times_of[1] for times_of in times), "mean": 1900.0, "p50": 2000, "p90": 2000, "p99": 2000, "p99.9": 2000,
            "max": times[-1][0]}
    return {"workload": "echo", "replies": replies, "replies_in_all": replies + 5, "bytes_in": 64 * replies, "seconds": seconds,
            "reconnections": 0, "asked_again": 0, "fairness": 1.0, "busiest_thread": 0.5, "waited_for_processor": 0.0,
            "errors": {"wrong": 0, "broken": 0}, "error_causes": {}, "faults": [], "service_ns": kind,
            "response_ns": {**kind, "histogram": histogram}, "replies_per_second": replies / seconds, "per_second": [replies], **more}


class SteadyTest(unittest.TestCase):
    def test_what_all_have_in_common_in_a_turn_is_no_difference(self):
        slow = {turn: 0.5 if turn in (2, 3) else 1.0 for turn in range(8)}
        found = slices.steady({"a": {turn: 100 * share for turn, share in slow.items()},
                               "b": {turn: 110 * share for turn, share in slow.items()}, "c": dict(slow)})
        self.assertAlmostEqual(found["b"] / found["a"], 1.1)
        self.assertAlmostEqual(found["a"], 100)

    def test_a_stall_of_one_slice_does_not_count(self):
        even = {turn: 100.0 for turn in range(8)}
        found = slices.steady({"a": even, "b": {**even, 5: 20.0}, "c": even})
        self.assertAlmostEqual(found["b"], 100)

    def test_who_missed_a_turn_is_neither_better_nor_worse_for_it(self):
        rates = {turn: 100.0 if turn < 4 else 50.0 for turn in range(8)}
        found = slices.steady({"a": rates, "b": rates, "c": {turn: rates[turn] for turn in range(4, 8)}})
        self.assertAlmostEqual(found["a"], found["b"])
        # With turns of its own alone its level cannot be told from theirs; what it had is what it is given.
        self.assertLessEqual(found["c"], found["a"] * 1.0001)

    def test_one_alone_is_its_own_middle(self):
        self.assertAlmostEqual(slices.steady({"a": {0: 90.0, 1: 100.0, 2: 110.0}})["a"], 100, delta=1)
        self.assertEqual(slices.steady({}), {})
        self.assertEqual(slices.steady({"a": {0: 0.0}}), {})

    def test_ratios_are_closer_than_those_of_sums(self):
        """With drift and stalls that all share, as machines have them."""
        chance = numpy.random.default_rng(1)
        own, sums = [], []
        for _ in range(200):
            drift = numpy.exp(0.1 * chance.standard_normal(8))
            values = {name: {turn: float(drift[turn] * numpy.exp(0.02 * chance.standard_normal()) / (1.5 if chance.random() < 0.05 else 1))
                             for turn in range(8)} for name in "abcd"}
            found = slices.steady(values)
            own.append(numpy.log(found["a"] / found["b"]))
            sums.append(numpy.log(sum(values["a"].values()) / sum(values["b"].values())))
        self.assertLess(numpy.std(own), 0.7 * numpy.std(sums))
        self.assertLess(abs(numpy.mean(own)), 0.005)


class MergedTest(unittest.TestCase):
    def test_counts_and_times_add_up(self):
        found = slices.merged([report(100), report(300, times=((1000, 10), (50_000, 2)))])
        self.assertEqual((found["replies"], found["replies_in_all"], found["seconds"]), (400, 410, 0.2))
        self.assertAlmostEqual(found["replies_per_second"], 2000)
        self.assertEqual(found["response_ns"]["histogram"], [1000, 20, 2000, 90, 50_000, 2])
        self.assertEqual(found["response_ns"]["p50"], 2000)
        self.assertEqual(found["response_ns"]["p99"], 50_000)
        self.assertEqual(found["response_ns"]["max"], 50_000)

    def test_a_fault_or_error_of_one_slice_is_one_of_all(self):
        found = slices.merged([report(1), report(1, faults=["x"], errors={"wrong": 2, "broken": 0}, error_causes={"reset": 1})])
        self.assertEqual(found["faults"], ["x"])
        self.assertEqual(found["errors"], {"wrong": 2, "broken": 0})
        self.assertEqual(found["error_causes"], {"reset": 1})

    def test_the_client_was_the_limit_if_it_was_so_on_average(self):
        self.assertFalse(slices.merged([report(1, busiest_thread=0.95), report(1, busiest_thread=0.5)])["generator_was_the_limit"])
        self.assertTrue(slices.merged([report(1, busiest_thread=0.95), report(1, busiest_thread=0.9)])["generator_was_the_limit"])

    def test_from_when_on_it_was_the_limit_the_load_generator_itself_says_the_same(self):
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(os.path.join(top, "client", "load", "report.cc"), encoding="utf-8") as file:
            found = dict(re.findall(r"constexpr double (kBusy|kKeptWaiting) = ([\d.]+);", file.read()))
        self.assertEqual({name: float(value) for name, value in found.items()},
                         {"kBusy": slices.BUSY, "kKeptWaiting": slices.KEPT_WAITING})

    def test_handshakes_are_added_up(self):
        own = {"cipher": "TLSv1.3 X", "handshakes": 3, "resumed": 1}
        found = slices.merged([report(1, tls=own), report(1, tls={**own, "handshakes": 4})])
        self.assertEqual(found["tls"], {"cipher": "TLSv1.3 X", "handshakes": 7, "resumed": 2})

    def test_loads_beside_are_merged_as_well(self):
        found = slices.merged([report(1, beside=[report(5)]), report(1, beside=[report(7)])])
        self.assertEqual(found["beside"][0]["replies"], 12)


if __name__ == "__main__":
    unittest.main()
