"""Tests of rules.py."""

import random
import unittest

from . import link, rules
from .link import Call


def write(descriptor, size, pid=1):
    return Call("write", pid, pid, descriptor, size)


class ShortenTest(unittest.TestCase):

    def orders(self, seed, calls):
        rule = rules.Shorten(random.Random(seed))
        return [rule.order(call, None) for call in calls]

    def test_first_write_of_each_descriptor_is_short(self):
        for seed in range(50):
            orders = self.orders(seed, [write(4, 100), write(5, 100), write(4, 100, pid=2)])
            for order in orders:
                verb, size = order.split()
                self.assertEqual(verb, "short")
                self.assertIn(int(size), range(1, 100))

    def test_single_byte_cannot_be_shortened(self):
        self.assertEqual(self.orders(1, [write(4, 1)]), [None])

    def test_same_seed_makes_the_same_schedule(self):
        calls = [write(4, 1000)] * 20
        self.assertEqual(self.orders(7, calls), self.orders(7, calls))
        self.assertNotEqual(self.orders(7, calls), self.orders(8, calls))

    def test_program_gets_on(self):
        self.assertIn(None, self.orders(3, [write(4, 1000)] * 20))


class SignalTest(unittest.TestCase):

    def orders(self, at, *names):
        rule = rules.SignalBeforeWait(15, at)
        return [rule.order(Call(name, 1, 1, 0, 0), None) for name in names]

    def test_it_comes_once_before_the_wait_that_was_chosen(self):
        self.assertEqual(self.orders(2, "poll", "accept", "poll", "poll"), [None, None, "signal 15", None])

    def test_program_that_waits_in_accept_gets_it_there(self):
        self.assertEqual(self.orders(1, "accept"), ["signal 15"])


class AcceptedTest(unittest.TestCase):

    def test_the_first_are_spared(self):
        rule = rules.Accepted("up 1030", spared=1)
        accept = Call("accept", 1, 1, 3, 0)
        self.assertEqual([rule.order(call, None) for call in (accept, write(4, 9), accept)], [None, None, "up 1030"])


class MeetTest(unittest.TestCase):

    def test_thread_with_its_first_lock_is_held_and_with_its_second_not(self):
        rule = rules.Meet(rules.holds_one_lock)
        state = link.State()
        orders = []
        for lock in (0x10, 0x20):
            call = Call("locked", 1, 2, lock, 0)
            state.note(call)
            orders.append(rule.order(call, state))
        self.assertEqual(orders, [rules.HOLD, None])

    def test_it_is_spent_after_its_meetings(self):
        rule = rules.Meet(rules.is_named("update"), meetings=1)
        call = Call("update", 1, 2, 0x10, 0x20)
        self.assertEqual(rule.order(call, None), rules.HOLD)
        rule.met()
        self.assertIsNone(rule.order(call, None))


if __name__ == "__main__":
    unittest.main()
