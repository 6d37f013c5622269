"""Numbers as a person reads them."""
import unittest

from . import results, words


class WordsTest(unittest.TestCase):

    def test_three_figures_and_a_letter(self):
        self.assertEqual(words.number(152345), "152 k")
        self.assertEqual(words.number(1234567), "1.23 M")
        self.assertEqual(words.number(12.34), "12.3")
        self.assertEqual(words.number(0), "0")
        self.assertEqual(words.number(0.0213), "0.0213")

    def test_what_rounds_up_gets_the_next_unit(self):
        self.assertEqual(words.number(999.7), "1.00 k")
        self.assertEqual(words.number(999999), "1.00 M")
        self.assertEqual(words.time(999.9), "1.00 ms")

    def test_times_are_in_microseconds(self):
        self.assertEqual(words.time(0.8), "800 ns")
        self.assertEqual(words.time(152.34), "152 µs")
        self.assertEqual(words.time(2_500_000), "2.50 s")

    def test_sizes_are_binary(self):
        self.assertEqual(words.size(10240), "10.0 KiB")
        self.assertEqual(words.size(8200), "8.01 KiB")
        self.assertEqual(words.rate(2**21, "bytes/s"), "2.00 MiB/s")

    def test_small_shares_are_not_called_nothing(self):
        self.assertEqual(words.percent(0.0002), "< 0.1 %")
        self.assertEqual(words.percent(0.021), "2.1 %")
        self.assertEqual(words.percent(0.27), "27 %")

    def test_an_estimate_shows_its_spread(self):
        self.assertEqual(words.estimate(results.Estimate(100, 98, 102, 7), words.time), "100 µs ± 2.0 %")
        self.assertEqual(words.estimate(results.Estimate(100, 10, 900, 7), words.time), "100 µs (10.0 µs to 900 µs)")

    def test_ticks_have_no_zeros_behind_the_point(self):
        self.assertEqual(words.tick("30.0 k"), "30 k")
        self.assertEqual(words.tick("1.50 ms"), "1.5 ms")
        self.assertEqual(words.tick("100 k"), "100 k")
        self.assertEqual(words.tick("0.250"), "0.25")

    def test_names_make_a_sentence(self):
        self.assertEqual(words.names(["a"]), "a")
        self.assertEqual(words.names(["a", "b", "c"]), "a, b and c")
        self.assertEqual(words.names([]), "")

    def test_of_many_names_the_first_are_enough(self):
        self.assertEqual(words.some("abcd"), "a, b, c and d")
        self.assertEqual(words.some("abcdefghij"), "a, b, c and 7 others")


if __name__ == "__main__":
    unittest.main()
