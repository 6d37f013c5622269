"""What a soak prints."""

import json
import unittest

from soaking import report
from soaking.footprint import Check
from soaking.ledger import Tally
from soaking.soak import Result


def result(**changes):
    made = Result("epoll", 7, 12.0, "a disk", {"http get": Tally(12, 10, 1, 1, 0)}, {"upgrade": 2}, [Check("files", True, "9 are right")])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


class ReportTest(unittest.TestCase):
    def test_a_soak_that_passed(self):
        text = report.text(result())
        for line in ("epoll: 12 s, seed 7, a disk", "  http get     12        10        1    1      0", "  upgrade          2",
                     "  ok      files: 9 are right"):
            self.assertIn(line, text.splitlines())
        self.assertEqual(report.summary([result()]), "soak: passed: epoll")

    def test_one_check_that_failed_fails_it(self):
        failed = result(checks=[Check("files", True, ""), Check("memory", False, "much")], faults=["what it was"])
        self.assertFalse(failed.passed)
        self.assertIn("  FAILED  memory: much", report.text(failed))
        self.assertIn("  what it was", report.text(failed))
        self.assertEqual(report.summary([result(), failed]), "soak: FAILED: epoll")

    def test_a_crash_and_a_soak_without_checks_fail(self):
        self.assertIn("CRASHED: signal 11", report.text(result(crash="signal 11")))
        self.assertFalse(result(crash="signal 11").passed)
        self.assertFalse(result(checks=[]).passed)

    def test_json_has_all_of_it(self):
        found = json.loads(json.dumps(report.as_json([result()])))
        self.assertTrue(found["passed"])
        model = found["models"][0]
        self.assertEqual((model["model"], model["seed"], model["passed"]), ("epoll", 7, True))
        self.assertEqual(model["tallies"]["http get"]["answered"], 10)
        self.assertEqual(model["checks"][0]["name"], "files")


if __name__ == "__main__":
    unittest.main()
