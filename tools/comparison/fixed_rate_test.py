"""The given rate: who sets it, who gets no requests at it, and what merged slices say."""

import unittest

from comparison import fixed_rate

_MODELS = ("fork", "thread", "poll", "epoll")


class RatesTest(unittest.TestCase):
    def test_it_is_a_part_of_what_the_slowest_model_can_do(self):
        rates = fixed_rate.rates({"fork": 5000, "thread": 8000, "poll": 9900, "epoll": 10000}, _MODELS)
        self.assertEqual((rates.given, rates.low, rates.set_by, rates.without), (3000, 300, "fork", {}))

    def test_a_hopeless_model_does_not_set_it_and_gets_none_at_it(self):
        rates = fixed_rate.rates({"fork": 1000, "thread": 8000, "poll": 9900, "epoll": 10000}, _MODELS)
        self.assertEqual((rates.given, rates.set_by), (4800, "thread"))
        self.assertEqual(list(rates.without), ["fork"])
        self.assertIn("1,000 requests a second at most, and 4,800 are given", rates.without["fork"])
        self.assertLessEqual(rates.low, 600)

    def test_other_servers_do_not_set_it_and_twins_do_not_either(self):
        rates = fixed_rate.rates({"thread": 8000, "epoll": 10000, "python": 300, "thread (again)": 7000}, ("thread", "epoll"))
        self.assertEqual((rates.set_by, list(rates.without)), ("thread", ["python"]))

    def test_a_workload_with_a_rate_of_its_own_keeps_it(self):
        self.assertEqual(fixed_rate.rates({}, _MODELS, 2000), fixed_rate.Rates(2000, 200, None, {}))

    def test_without_a_capacity_there_is_none(self):
        self.assertIsNone(fixed_rate.rates({"python": 5}, _MODELS))

    def test_capacity_is_the_median_of_the_good_rounds(self):
        lines = [{"subject": "a", "workload": "echo", "failed": failed, "load": {"replies_per_second": rate}}
                 for rate, failed in ((10, None), (20, None), (30, None), (9999, "3 replies were wrong"))]
        self.assertEqual(fixed_rate.capacities(lines, "echo"), {"a": 20})
        self.assertEqual(fixed_rate.capacities(lines, "http"), {})


if __name__ == "__main__":
    unittest.main()
