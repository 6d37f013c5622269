"""Order: balanced, and another one for each seed."""

import collections
import unittest

from comparison import order


class OrderTest(unittest.TestCase):
    def test_each_is_as_often_in_each_place_and_behind_each_of_the_others(self):
        for number in (2, 3, 6, 13):
            names = range(number)
            rows = number if number % 2 == 0 else 2 * number
            found = order.rounds(names, rows, seed=1)
            places = collections.Counter((name, place) for row in found for place, name in enumerate(row))
            behind = collections.Counter(pair for row in found for pair in zip(row, row[1:]))
            self.assertEqual(set(places.values()), {rows // number}, number)
            self.assertEqual(set(behind.values()), {rows // number}, number)
            self.assertEqual(len(behind), number * (number - 1))

    def test_over_many_runs_nobody_comes_first_more_often(self):
        first = collections.Counter(order.rounds("abcde", 3, seed)[0][0] for seed in range(500))
        self.assertLess(max(first.values()), 1.5 * min(first.values()))

    def test_the_same_seed_gives_the_same_and_another_one_another(self):
        self.assertEqual(order.rounds("abcd", 9, 1), order.rounds("abcd", 9, 1))
        self.assertNotEqual(order.rounds("abcd", 9, 1), order.rounds("abcd", 9, 2))
        self.assertEqual(len(order.rounds("abcd", 9, 1)), 9)

    def test_one_or_none(self):
        self.assertEqual(order.rounds(["a"], 3, 1), [["a"]] * 3)
        self.assertEqual(order.rounds([], 3, 1), [])


if __name__ == "__main__":
    unittest.main()
