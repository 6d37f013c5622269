"""What counts as acknowledged in a room, and what is a fault in what its members have heard."""

import unittest

from scaling import hearing
from scaling.hearing import Hearing


def heard(*lines):
    found = Hearing()
    for speaker, number in lines:
        found.hear(speaker, number)
    return found


class HearingTest(unittest.TestCase):
    def test_lines_in_order_are_no_fault(self):
        one = heard(("ada", 1), ("bob", 1), ("ada", 2))
        self.assertEqual((dict(one.count), one.faults), ({"ada": 2, "bob": 1}, []))

    def test_a_line_that_comes_twice_is_a_fault(self):
        self.assertEqual(heard(("ada", 1), ("ada", 2), ("ada", 1)).faults, ["line 1 of ada for a second time"])

    def test_a_gap_is_one_fault(self):
        one = heard(("ada", 1), ("ada", 4), ("ada", 5))
        self.assertEqual(one.faults, ["line 4 of ada behind line 1"])
        self.assertEqual(one.count["ada"], 5)

    def test_a_line_out_of_order_is_a_fault(self):
        self.assertEqual(len(heard(("ada", 2), ("ada", 1)).faults), 2)


class AcknowledgedTest(unittest.TestCase):
    def test_of_a_server_that_lives_on_it_is_what_was_said(self):
        self.assertEqual(hearing.acknowledged({"ada": 7}, set(), [heard(("ada", 1))]), {"ada": 7})

    def test_of_a_server_that_has_died_it_is_what_a_member_of_another_one_has_heard(self):
        heard_by_others = [heard(("ada", 1)), heard(("ada", 1), ("ada", 2), ("ada", 3))]
        self.assertEqual(hearing.acknowledged({"ada": 7, "bob": 2}, {"ada"}, heard_by_others), {"ada": 3, "bob": 2})
        self.assertEqual(hearing.acknowledged({"ada": 7}, {"ada"}, []), {"ada": 0})


class FaultsTest(unittest.TestCase):
    def test_a_speaker_does_not_hear_itself(self):
        hearings = {"ada": heard(("bob", 1)), "bob": heard(("ada", 1)), "eve": heard(("ada", 1), ("bob", 1))}
        self.assertEqual(hearing.missing({"ada": 1, "bob": 1}, hearings), 0)
        self.assertEqual(hearing.faults({"ada": 1, "bob": 1}, hearings), [])

    def test_what_is_missing_is_told(self):
        hearings = {"eve": heard(("ada", 1)), "bob": heard()}
        self.assertEqual(hearing.missing({"ada": 3}, hearings), 5)
        self.assertEqual(hearing.faults({"ada": 3}, hearings), ["eve has heard 1 of 3 lines of ada", "bob has heard 0 of 3 lines of ada"])

    def test_more_than_was_said_is_a_fault(self):
        self.assertEqual(hearing.faults({"ada": 1}, {"eve": heard(("ada", 1), ("ada", 2))}), ["eve has heard 2 of 1 lines of ada"])

    def test_what_came_twice_is_a_fault_though_all_is_there(self):
        self.assertEqual(hearing.faults({"ada": 1}, {"eve": heard(("ada", 1), ("ada", 1))}),
                         ["eve has heard line 1 of ada for a second time"])


if __name__ == "__main__":
    unittest.main()
