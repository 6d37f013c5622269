"""What is said of each pair, as signs and as data."""
import re
import tempfile
import unittest

from . import results, synthetic, verdicts


class VerdictsTest(unittest.TestCase):

    def measured(self, figures, **more):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        found = results.Results(synthetic.tiny(scratch.name, figures, **more))
        return found, found.workload("work")

    def signs(self, *measured):
        """{row: [sign for each column]}."""
        found = {}
        for row in re.findall(r"<tr>(.*?)</tr>", str(verdicts.matrix(*measured)))[1:]:
            name, cells = re.search(r'scope="row">(.*?)<', row)[1], re.findall(r"<td[^>]*>(.*?)</td>", row)
            found[name] = "".join(cell or "." for cell in cells)
        return found

    def test_each_row_stands_beside_each_column_the_best_first(self):
        figures = {"fork": {"throughput": 50}, "epoll": {"throughput": 100}, "poll": {"throughput": 101}}
        self.assertEqual(self.signs(*self.measured(figures, real=[("fork", "epoll")], equal=[("epoll", "poll")])),
                         {"poll": ".=?", "epoll": "=.+", "fork": "?−."})

    def test_less_is_better_of_times(self):
        figures = {"fork": {"response_p99_us": 900}, "epoll": {"response_p99_us": 300}}
        self.assertEqual(self.signs(*self.measured(figures, rate=2000, real=[("fork", "epoll")])),
                         {"epoll": ".+", "fork": "−."})

    def test_one_alone_has_no_matrix(self):
        self.assertIsNone(verdicts.matrix(*self.measured({"fork": {"throughput": 50}})))

    def test_the_data_has_the_pairs_in_the_order_of_the_names(self):
        figures = {"fork": {"throughput": 50, "cpu_us_per_request": 20}, "epoll": {"throughput": 100, "cpu_us_per_request": 10},
                   "poll": {"throughput": 80}}
        data = verdicts.data(*self.measured(figures, real=[("fork", "epoll")]))
        self.assertEqual(data["names"], ["epoll", "poll", "fork"])
        throughput, cost = data["told"]
        self.assertEqual([pair[0] for pair in throughput["pairs"]], [1.25, 2, 1.6])
        self.assertEqual([pair[3] for pair in throughput["pairs"]], ["open", "different", "open"])
        self.assertEqual((cost["title"], cost["more"]), ("processor time per request", False))
        self.assertEqual([pair and pair[0] for pair in cost["pairs"]], [0, 0.5, 0])

    def test_bounds_hold_the_ratio(self):
        data = verdicts.data(*self.measured({"fork": {"throughput": 50}, "epoll": {"throughput": 100}}))
        middle, low, high, _ = data["told"][0]["pairs"][0]
        self.assertTrue(low < middle < high)


if __name__ == "__main__":
    unittest.main()
