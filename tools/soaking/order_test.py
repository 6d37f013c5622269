"""What members hear: a line that is lost, comes twice, or in another order to another member, is found."""

import unittest

from soaking.order import Hearing, disagreements


def hearing(name, *lines, is_reliable=True):
    made = Hearing(name, is_reliable)
    made.faults = [fault for fault in (made.hear(speaker, number) for speaker, number in lines) if fault]
    return made


class OrderTest(unittest.TestCase):
    def test_a_whole_sequence_is_right_wherever_it_begins(self):
        self.assertEqual(hearing("ada", ("bob", 7), ("bob", 8), ("eve", 1), ("bob", 9)).faults, [])

    def test_a_gap_is_found(self):
        self.assertEqual(hearing("ada", ("bob", 1), ("bob", 4)).faults, ["ada has not heard lines 2 to 3 of bob"])

    def test_a_line_that_comes_twice_is_found(self):
        self.assertEqual(len(hearing("ada", ("bob", 1), ("bob", 1)).faults), 1)

    def test_datagrams_may_be_lost_and_not_reordered(self):
        self.assertEqual(hearing("ada", ("bob", 1), ("bob", 4), is_reliable=False).faults, [])
        self.assertEqual(len(hearing("ada", ("bob", 4), ("bob", 1), is_reliable=False).faults), 1)

    def test_members_that_hear_one_order_agree(self):
        ada = hearing("ada", ("bob", 1), ("eve", 1), ("bob", 2))
        bob = hearing("bob", ("eve", 1), ("ada", 1))
        eve = hearing("eve", ("bob", 1), ("bob", 2), ("ada", 1))
        self.assertEqual(disagreements([ada, bob, eve]), [])

    def test_one_that_joins_later_or_leaves_earlier_agrees(self):
        ada = hearing("ada", ("eve", 1), ("eve", 2), ("dan", 1), ("eve", 3), ("dan", 2))
        self.assertEqual(disagreements([ada, hearing("bob", ("dan", 1), ("eve", 3))]), [])

    def test_another_order_is_found(self):
        ada = hearing("ada", ("eve", 1), ("dan", 1), ("eve", 2))
        bob = hearing("bob", ("eve", 1), ("eve", 2), ("dan", 1))
        self.assertEqual(disagreements([ada, bob]), ["ada has heard dan's line 1 when bob heard eve's line 2"])

    def test_a_line_that_reaches_one_alone_is_found(self):
        ada = hearing("ada", ("eve", 1), ("dan", 5), ("eve", 2))
        bob = hearing("bob", ("eve", 1), ("eve", 2), ("eve", 3))
        self.assertEqual(len(disagreements([ada, bob])), 1)

    def test_members_of_two_rooms_have_nothing_in_common(self):
        self.assertEqual(disagreements([hearing("ada", ("eve", 1)), hearing("bob", ("dan", 1))]), [])


if __name__ == "__main__":
    unittest.main()
