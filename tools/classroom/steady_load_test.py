"""What the slices of the steady load say, and what is said while one of them does not end."""

import unittest

from . import steady_load


def slice_at(at, milliseconds, seconds=0.5, errors=0):
    """A slice with one reply for each of these times."""
    times = [round(one * 1e6) for one in milliseconds]
    return steady_load.Slice(at, seconds, len(times), errors, max(times), tuple(part for one in times for part in (one, 1)))


class FiguresTest(unittest.TestCase):
    def setUp(self):
        self.figures = steady_load.Figures()
        self.figures.asked_at = 100.0  # A slice is running, and is not late at any time of these tests.

    def test_replies_per_second_are_those_of_the_last_two_slices(self):
        for at in (1.0, 1.5, 2.0):
            self.figures.add(slice_at(at, [1] * 50))
        self.assertEqual(self.figures.now(2.1)["replies_per_s"], 100.0)

    def test_percentiles_are_those_of_all_recent_slices_together(self):
        self.figures.add(slice_at(9.0, [1] * 98))
        self.figures.add(slice_at(9.5, [7, 9]))
        found = self.figures.now(10.0)
        self.assertEqual((found["p50_ms"], found["p99_ms"]), (1.0, 7.0))

    def test_nothing_is_said_while_there_is_no_load(self):
        self.figures.add(slice_at(9.0, [1]))
        self.figures.asked_at = None
        self.assertEqual(self.figures.now(9.1), {"replies_per_s": None, "p50_ms": None, "p99_ms": None, "waiting_s": 0.0})

    def test_old_slices_are_forgotten(self):
        self.figures.add(slice_at(1.0, [500]))
        self.figures.add(slice_at(9.0, [1]))
        self.assertEqual(self.figures.now(10.0)["p99_ms"], 1.0)

    def test_nothing_is_said_before_the_first_slice(self):
        self.figures.asked_at = 1.0
        self.assertEqual(self.figures.now(1.1), {"replies_per_s": None, "p50_ms": None, "p99_ms": None, "waiting_s": 0.0})

    def test_a_slice_that_does_not_end_shows_how_long_a_request_has_been_waiting(self):
        self.figures.add(slice_at(9.5, [1] * 10))
        self.figures.asked_at = 9.5
        found = self.figures.now(13.0)
        self.assertEqual((found["replies_per_s"], found["waiting_s"], found["p99_ms"]), (None, 3.0, 3000.0))

    def test_a_slice_that_ends_a_little_late_is_not_called_waiting(self):
        self.figures.asked_at = 9.5
        self.assertEqual(self.figures.waiting_s(10.05), 0.0)

    def test_the_slowest_reply_and_the_errors_are_those_of_the_scene(self):
        self.figures.add(slice_at(1.0, [400], errors=2))
        self.figures.begin_scene()
        self.assertEqual((self.figures.worst_ms(1.0), self.figures.errors()), (0.0, 0))
        self.figures.add(slice_at(2.0, [3, 20], errors=1))
        self.assertEqual((self.figures.worst_ms(2.0), self.figures.errors()), (20.0, 1))
        self.figures.asked_at = 2.0
        self.assertEqual(self.figures.worst_ms(4.5), 2000.0)

    def test_a_slice_is_read_from_what_the_load_generator_prints(self):
        report = {"replies_in_all": 7, "errors": {"broken": 1, "wrong": 2},
                  "response_ns": {"max": 900, "histogram": [800, 6, 900, 1]}}
        self.assertEqual(steady_load.slice_of(report, 5.0, 0.5), steady_load.Slice(5.0, 0.5, 7, 3, 900, (800, 6, 900, 1)))

    def test_a_slice_that_is_read_late_has_not_taken_longer(self):
        report = {"replies_in_all": 1, "errors": {}, "response_ns": {"max": 250_000_000, "histogram": [250_000_000, 1]}}
        self.assertEqual(steady_load.slice_of(report, 5.0, 4.0).seconds, 0.75)
        self.assertEqual(steady_load.slice_of(report, 5.0, 0.6).seconds, 0.6)


if __name__ == "__main__":
    unittest.main()
