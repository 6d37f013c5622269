"""The report's script: what it says of a pair, how it sorts, and the CSV that it saves. Run by node; a browser has to do the
rest."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from . import figures, results, synthetic, verdicts

_SCRIPT = pathlib.Path(__file__).resolve().parent / "templates" / "report.js"


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class ScriptTest(unittest.TestCase):

    def call(self, function, *arguments):
        """What the script's function returns."""
        text = f"process.stdout.write(JSON.stringify(require({json.dumps(str(_SCRIPT))}).{function}(...{json.dumps(arguments)})))"
        done = subprocess.run(["node", "-e", text], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def measured(self, tested, **more):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        return results.Results(synthetic.tiny(scratch.name, tested, **more))

    def test_a_pair_is_told_from_either_side(self):
        measured = self.measured({"fork": {"throughput": 50, "cpu_us_per_request": 20}, "poll": {"throughput": 80},
                                  "epoll": {"throughput": 100, "cpu_us_per_request": 10}}, real=[("fork", "epoll")])
        data = verdicts.data(measured, measured.workload("work"))
        self.assertEqual(data["names"], ["epoll", "poll", "fork"])
        self.assertEqual(self.call("lines", data, 0, 2),
                         ["throughput: 2.00 times that of fork, 2.00 to 2.00: different (better)",
                          "processor time per request: 0.50 times that of fork, 0.50 to 0.50: different (better)"])
        self.assertEqual(self.call("lines", data, 2, 0),
                         ["throughput: 0.50 times that of epoll, 0.50 to 0.50: different (worse)",
                          "processor time per request: 2.00 times that of epoll, 2.00 to 2.00: different (worse)"])
        (line,) = self.call("lines", data, 2, 1)
        self.assertRegex(line, r"^throughput: 0.63 times that of poll, 0.23 to 1.7\d: open$")

    def test_every_pair_of_many_is_found(self):
        names = "abcdef"
        pairs = [[one * 10 + other, 1, 1, "open"] for one in range(6) for other in range(one + 1, 6)]
        data = {"names": list(names), "told": [{"title": "t", "more": True, "pairs": pairs}]}
        for row, column in ((0, 1), (2, 4), (4, 5), (0, 5)):
            self.assertIn(f" {row * 10 + column}", self.call("lines", data, row, column)[0].replace(".00", ""))

    def test_it_saves_what_the_command_writes(self):
        measured = self.measured({'epoll, "edge"': {"throughput": 100}}, marks={'epoll, "edge"': ["a, b (1 of 7 rounds)"]})
        self.assertEqual(self.call("csv", figures.csv_rows(measured)), figures.csv_text(measured))

    def test_numbers_are_sorted_as_numbers_and_what_was_not_measured_is_last(self):
        self.assertLess(self.call("order", 9, 10, False), 0)
        self.assertGreater(self.call("order", 9, 10, True), 0)
        self.assertLess(self.call("order", "a", "b", False), 0)
        for falls in (False, True):
            self.assertGreater(self.call("order", "", 10, falls), 0)


if __name__ == "__main__":
    unittest.main()
