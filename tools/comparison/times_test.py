"""Where the time goes: what a server tells becomes a line, and what a switch costs here can be found out."""

import json
import os
import unittest

from comparison import schema, times
from comparison.load import LoadRun
from comparison.measure import Moment

_STATUS = json.loads("""{"request_times": {"one_in": 20, "services": {"echo": {"requests": 10, "seconds": 0.001, "parts":
  {"socket": 0.0001, "wakeup": 0.0002, "queue": 0, "run": 0.0003, "send": 0.0004, "off_cpu": 0, "wait": 0, "peer": 0}}}}}""")
_UNITS = {"switch_us": 2.0, "call_us": 0.1}


def run(replies=1000, mean_ns=90_000.0, failed=None):
    return LoadRun({"replies": replies, "replies_in_all": replies, "response_ns": {"count": replies, "mean": mean_ns}}, failed)


def spent(requests=100, **parts):
    """In microseconds for each request."""
    values = tuple(requests * parts.get(part, 0.0) / 1e6 for part in times.PARTS)
    return times.Spent(requests, sum(values), values)


def line(own=None, load=None, switches=(2000, 100), waited=0.01):
    used = Moment(1.5, 0.004, 0.016, 0.0, 0.02, 0.0)
    return times.line_of(500.0, own or spent(run=10, send=20), load or run(), used, switches, waited, _UNITS)


class SpentTest(unittest.TestCase):
    def test_status_tells_of_each_service(self):
        found = times.spent_of(_STATUS, "echo")
        self.assertEqual((found.requests, found.whole), (10, 0.001))
        self.assertAlmostEqual(sum(found.parts), found.whole)

    def test_service_without_requests_has_spent_nothing(self):
        self.assertEqual(times.spent_of(_STATUS, "http"), times.Spent())
        self.assertEqual(times.spent_of({}, "http"), times.Spent())

    def test_service_is_the_same_over_tls(self):
        self.assertEqual(times.spent_of(_STATUS, "echo+tls"), times.spent_of(_STATUS, "echo"))

    def test_what_was_before_does_not_count(self):
        before, after = spent(10, run=100), spent(110, run=20)
        found = after.since(before)
        self.assertEqual(found.requests, 100)
        self.assertAlmostEqual(found.whole, (110 * 20 - 10 * 100) / 1e6)


class RateTest(unittest.TestCase):
    def test_at_a_low_rate_more_of_the_requests_are_timed(self):
        self.assertEqual([times.one_in(rate) for rate in (1, 100, 2000, 1e6)], [1, 1, 6, 20])


class LineTest(unittest.TestCase):
    def test_line_follows_the_format(self):
        for made in (line(), line(own=spent(3, run=1)), times.failed_line("it ended at once", 10.0)):
            faults = schema.checker(schema.of_line("request_times"))({"subject": "epoll", "workload": "echo", **made})
            self.assertEqual(faults, [])

    def test_figures_are_of_a_request(self):
        made = line()
        self.assertEqual(made["parts_us"]["send"], 20.0)
        self.assertEqual(made["whole_us"], 30.0)
        self.assertEqual(made["client_us"], 90.0)
        self.assertEqual((made["cpu_user_us"], made["cpu_system_us"]), (4.0, 16.0))
        self.assertEqual((made["voluntary_switches"], made["involuntary_switches"]), (2.0, 0.1))
        self.assertEqual(made["ready_us"], 10.0)
        self.assertIsNone(made["failed"])

    def test_too_few_timed_requests_are_no_measurement(self):
        self.assertIn("3 requests", line(own=spent(3, run=1))["failed"])

    def test_load_that_failed_is_no_measurement(self):
        self.assertEqual(line(load=run(failed="no reply"))["failed"], "no reply")


class ThreadsTest(unittest.TestCase):
    def test_threads_that_were_there_all_the_time_have_waited(self):
        before = times.Threads({(1, 1): 1.0}, {(1, 1): 0.25})
        after = times.Threads({(1, 1): 2.0}, {(1, 1): 0.75})
        self.assertEqual(after.waited_since(before), 0.5)

    def test_where_threads_come_and_go_nothing_is_known(self):
        before = times.Threads({(1, 1): 1.0}, {(1, 1): 0.25})
        after = times.Threads({(1, 1): 2.0, (1, 2): 0.1}, {(1, 1): 0.75, (1, 2): 0.1})
        self.assertIsNone(after.waited_since(before))
        self.assertIsNone(times.Threads({}, {}).waited_since(before))

    def test_the_kernel_tells_of_this_process(self):
        found = times.Threads.now(os.getsid(0))
        self.assertIn((os.getpid(), os.getpid()), found.ran)


class UnitTest(unittest.TestCase):
    def test_costs_are_some_microseconds_and_the_affinity_stays(self):
        before = os.sched_getaffinity(0)
        found = times.unit_costs(min(before))
        self.assertGreater(found["switch_us"], 0)
        self.assertGreater(found["call_us"], 0)
        self.assertEqual(os.sched_getaffinity(0), before)


if __name__ == "__main__":
    unittest.main()
