"""Sentences on two models, from made-up figures."""

import unittest

from comparison import explaining, times

_UNITS = {"switch_us": 3.0, "call_us": 0.5}


def line(client_us, parts, user_us=5.0, system_us=15.0, switches=0.1, failed=None, units=None):
    """As of request_times.jsonl; the parts that are not given are 0."""
    parts = {part: parts.get(part, 0.0) for part in times.PARTS}
    return {"client_us": client_us, "whole_us": sum(parts.values()), "parts_us": parts, "cpu_user_us": user_us,
            "cpu_system_us": system_us, "voluntary_switches": switches, "involuntary_switches": 0.0,
            "units": units or _UNITS, "failed": failed}


_EPOLL = ("epoll", line(60, {"run": 10, "send": 20, "queue": 10}))
_THREAD = ("thread", line(80, {"run": 10, "send": 20, "wakeup": 27}, user_us=6.0, system_us=21.0, switches=2.1))


class SplitTest(unittest.TestCase):
    def test_parts_of_a_difference_add_up_to_it(self):
        for split in (explaining.of_response_time(_EPOLL, _THREAD), explaining.of_processor_time(_EPOLL, _THREAD, {})):
            self.assertEqual((split.slower, split.faster), ("thread", "epoll"))
            self.assertAlmostEqual(sum(cause.us for cause in split.causes), split.difference_us)

    def test_the_order_of_the_two_does_not_matter(self):
        self.assertEqual(explaining.of_response_time(_EPOLL, _THREAD), explaining.of_response_time(_THREAD, _EPOLL))

    def test_what_a_client_waits_for_beyond_the_server_is_a_cause_of_its_own(self):
        outside = [cause for cause in explaining.of_response_time(_EPOLL, _THREAD).causes if cause.what == explaining.OUTSIDE]
        self.assertAlmostEqual(outside[0].us, (80 - 57) - (60 - 40))

    def test_what_is_in_no_count_is_unexplained(self):
        split = explaining.of_processor_time(_EPOLL, _THREAD, {"epoll": 3.0, "thread": 2.0})
        self.assertEqual({cause.what: round(cause.us, 6) for cause in split.causes},
                         {"switches": 6.0, "system calls": -0.5, explaining.UNEXPLAINED: 1.5})

    def test_nothing_is_said_of_a_measurement_that_failed_or_is_not_there(self):
        for other in (("thread", None), ("thread", line(80, {}, failed="errors")), ("thread", line(None, {}))):
            self.assertIsNone(explaining.of_response_time(_EPOLL, other))
        self.assertIsNone(explaining.of_processor_time(_EPOLL, ("thread", None), {}))

    def test_without_unit_costs_all_is_unexplained(self):
        slow = ("thread", {**_THREAD[1], "units": None})
        self.assertEqual([cause.what for cause in explaining.of_processor_time(_EPOLL, slow, {}).causes],
                         [explaining.UNEXPLAINED])


class SentenceTest(unittest.TestCase):
    def test_the_greatest_parts_of_the_way_come_first(self):
        self.assertEqual(
            explaining.response_sentence(explaining.of_response_time(_EPOLL, _THREAD)),
            "At the same rate epoll answers in 60.0 µs and thread in 80.0 µs; of the 20.0 µs between them, 27.0 µs (135 %) are waiting "
            "for a thread to wake up; in all else, thread is 7.00 µs faster.")

    def test_what_is_outside_the_server_is_said_to_be(self):
        slow = ("thread", line(80, {"run": 10, "send": 20, "queue": 10, "wakeup": 14}))
        self.assertIn("14.0 µs (70 %) are waiting for a thread to wake up; 6.00 µs (30 %) are outside the server, or unexplained.",
                      explaining.response_sentence(explaining.of_response_time(_EPOLL, slow)))

    def test_counts_are_told_with_what_each_costs(self):
        split = explaining.of_processor_time(_EPOLL, _THREAD, {"epoll": 2.0, "thread": 3.6})
        self.assertEqual(
            explaining.processor_sentence(split),
            "A request takes 27.0 µs of processor time under thread and 20.0 µs under epoll: 2.10 switches a request against 0.10, at "
            "3.00 µs each, make up 86 % of the difference and 3.60 system calls a request against 2.00, at 0.50 µs each, make up "
            "11 %; 0.20 µs (3 %) are unexplained.")

    def test_a_difference_that_no_count_explains_is_said_to_be_unexplained(self):
        slow = ("thread", {**_THREAD[1], "voluntary_switches": 0.1})
        self.assertIn("neither switches nor system calls explain the difference",
                      explaining.processor_sentence(explaining.of_processor_time(_EPOLL, slow, {})))

    def test_two_that_are_as_fast_have_no_difference_to_explain(self):
        self.assertEqual(explaining.why(_EPOLL, ("poll", _EPOLL[1]), {}), [])

    def test_both_differences_are_explained_if_both_are_there(self):
        self.assertEqual(len(explaining.why(_EPOLL, _THREAD, {})), 2)


class BestTest(unittest.TestCase):
    def test_the_best_is_explained_beside_those_that_are_surely_worse_the_nearest_first(self):
        lines = {"epoll": _EPOLL[1], "thread": _THREAD[1], "poll": line(75, {"run": 55}), "fork": None}
        found = explaining.of_best(["epoll", "poll", "thread", "fork"], {"epoll", "thread", "fork"}, lines, {})
        self.assertEqual([(pair["a"], pair["b"]) for pair in found], [("epoll", "thread")])
        found = explaining.of_best(["epoll", "poll", "thread"], {"poll", "thread"}, lines, {})
        self.assertEqual([pair["b"] for pair in found], ["poll", "thread"])


if __name__ == "__main__":
    unittest.main()
