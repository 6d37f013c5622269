"""Tests of report.py and steps.py."""

import csv
import io
import json
import unittest
from xml.etree import ElementTree

from . import grade, report, steps
from .exercise import Check, Exercise, Lacking, Untried, Wrong

_WORKS = Check("it works", None)
_FAULT = Check("nothing is lost", None, 3)
_EXERCISE = Exercise("loss", (_WORKS, _FAULT))


def result(wrong=None, messages="", compiled=True):
    checks = [grade.CheckResult(_WORKS, None, None, []),
              grade.CheckResult(_FAULT, wrong, 7 if wrong else None, ["  1  server  listens"] if wrong else [])]
    return grade.Result(_EXERCISE, "mine.cc", messages, compiled, checks if compiled else [])


_FAILED = result(Wrong("3 < 4, and a byte is lost", "write() may take less", "write(2)"))


class TextTest(unittest.TestCase):

    def test_failure_says_what_and_why_and_how_to_see_it_again(self):
        text = report.text([_FAILED])
        for part in ("ok     it works", "WRONG  nothing is lost", "a byte is lost.", "write() may take less", "Read: write(2)",
                     "tools/grade loss mine.cc --seed=7", "1  server  listens", "1 of 4 points"):
            self.assertIn(part, text)

    def test_right_program_has_all_points(self):
        self.assertIn("4 of 4 points", report.text([result()]))

    def test_program_that_does_not_compile_has_none(self):
        self.assertIn("mine.cc:3: error", report.text([result(messages="mine.cc:3: error", compiled=False)]))
        self.assertIn("0 of 4 points", report.text([result(messages="mine.cc:3: error", compiled=False)]))

    def test_what_was_not_tried_is_explained_once(self):
        checks = [grade.CheckResult(_WORKS, Wrong("it does not"), None, []), grade.CheckResult(_FAULT, Untried(), None, [])]
        text = report.text([grade.Result(_EXERCISE, "mine.cc", "", True, checks)])
        self.assertIn("later  nothing is lost\n", text)
        self.assertEqual(text.count("when what is WRONG above them is right"), 1)


class FormatsTest(unittest.TestCase):

    def test_json_is_what_gradescope_reads(self):
        data = json.loads(report.as_json([_FAILED]))
        self.assertEqual(data["score"], 1)
        self.assertEqual([(test["score"], test["max_score"], test["status"]) for test in data["tests"]],
                         [(1, 1, "passed"), (0, 3, "failed")])
        self.assertIn("write() may take less", data["tests"][1]["output"])

    def test_json_of_what_does_not_compile_keeps_the_most_points(self):
        data = json.loads(report.as_json([result(messages="error", compiled=False)]))
        self.assertEqual([(test["score"], test["max_score"]) for test in data["tests"]], [(0, 4)])

    def test_junit_counts_failures(self):
        suite = ElementTree.fromstring(report.as_junit([_FAILED])).find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("2", "1", "0"))
        self.assertEqual(suite.find("testcase/failure").get("message"), "3 < 4, and a byte is lost")

    def test_what_is_lacking_costs_points_but_is_no_failure(self):
        lacking = result(Lacking("it says that it loses some"))
        self.assertIn("lacks  nothing is lost", report.text([lacking]))
        self.assertIn("it works, but lacks something: 1 of 4 points", report.text([lacking]))
        self.assertEqual(json.loads(report.as_json([lacking]))["score"], 1)
        suite = ElementTree.fromstring(report.as_junit([lacking])).find("testsuite")
        self.assertEqual((suite.get("failures"), suite.get("skipped")), ("0", "1"))
        self.assertIsNotNone(suite.find("testcase/skipped"))

    def test_table_has_a_row_for_each_file(self):
        rows = list(csv.DictReader(io.StringIO(report.as_csv([_FAILED, result(), result(messages="error", compiled=False)]))))
        self.assertEqual([(row["Total Score"], row["Max Points"], row["Status"]) for row in rows],
                         [("1", "4", "Graded"), ("4", "4", "Graded"), ("0", "4", "Does Not Compile")])


class StepsTest(unittest.TestCase):

    def test_steps_are_numbered_and_repeated_ones_are_counted(self):
        told = steps.Steps()
        told.add("client 1", "connects")
        for _ in range(3):
            told.add("grader", "looks")
        self.assertEqual(told.lines(), ["  1  client 1  connects", "  2  grader    looks  (3 times)"])

    def test_same_thing_has_the_same_name(self):
        told = steps.Steps()
        self.assertEqual([told.name("thread", 70), told.name("thread", 71), told.name("thread", 70), told.name("lock", 70)],
                         ["thread A", "thread B", "thread A", "lock 1"])


if __name__ == "__main__":
    unittest.main()
