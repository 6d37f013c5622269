"""Tests of my_model.py, contracts.py and suite.py, with suites that are told what to find."""

import os
import tempfile
import unittest

from . import contracts, my_model, report, suite
from .exercise import Lacking
from .grade import Result

_ECHO = "ServicesTest.EchoSendsBackWhatComes"
_SILENT = "HostileTest.SilentClientsKeepNobodyOut"
_STOP = "StopTest.IdleServerEndsAtOnce"
_OUTPUT = """Note: Google Test filter = StopTest.*
[==========] Running 3 tests from 1 test suite.
[ RUN      ] StopTest.First
[       OK ] StopTest.First (12 ms)
[ RUN      ] StopTest.Second
tests/stop_cases.cc:136: Skipped
by design: it sees the others when the transfer has ended

[  SKIPPED ] StopTest.Second (0 ms)
[ RUN      ] StopTest.Third
tests/stop_cases.cc:56: Failure
Expected equality of these values:
[  FAILED  ] StopTest.Third (30012 ms)
"""


class FakeSuite:
    """Each case has the outcome that was given for it, or passes."""

    def __init__(self, outcomes):
        self._outcomes = outcomes
        self.tried = []

    def run(self, names):
        self.tried += names
        return suite.until_failure(suite.Case(name, self._outcomes.get(name, "OK"), ["what it printed"]) for name in names)


def judged(outcomes, names=(_ECHO, _SILENT, _STOP)):
    return my_model.judge(FakeSuite(outcomes), names, "tools/grade my_model --case={}".format)


class SuiteTest(unittest.TestCase):

    def test_outcomes_are_read_with_what_was_said(self):
        self.assertEqual(list(suite.parse(_OUTPUT.splitlines())), [
            suite.Case("StopTest.First", "OK", []),
            suite.Case("StopTest.Second", "SKIPPED", ["by design: it sees the others when the transfer has ended"]),
            suite.Case("StopTest.Third", "FAILED", ["tests/stop_cases.cc:56: Failure", "Expected equality of these values:"])])

    def test_case_in_which_the_program_ended_has_not_come_to_its_end(self):
        case = list(suite.parse(_OUTPUT.splitlines()[:-1]))[-1]
        self.assertEqual((case.name, case.outcome), ("StopTest.Third", "ENDED"))

    def test_what_is_left_out_behind_a_failure_does_not_count(self):
        left_out = ["[ RUN      ] StopTest.Fourth", "tests/stop_cases.cc:60: Skipped", "", "[  SKIPPED ] StopTest.Fourth (0 ms)"]
        cases = suite.until_failure(suite.parse(_OUTPUT.splitlines() + left_out))
        self.assertEqual([case.outcome for case in cases], ["OK", "SKIPPED", "FAILED"])


class ContractsTest(unittest.TestCase):

    def test_case_belongs_to_the_first_contract_that_knows_it(self):
        dealt = contracts.deal([_ECHO, "ServicesTest.RequestsMayComeByteByByte", "HubTest.OneKilledProcessIsHeardOfByTheOthers"])
        self.assertEqual(list(dealt.values()), [[[_ECHO]], [["HubTest.OneKilledProcessIsHeardOfByTheOthers"]],
                                                [["ServicesTest.RequestsMayComeByteByByte"]]])
        self.assertIs(list(dealt)[-1], contracts.ALL[-1])


class JudgeTest(unittest.TestCase):

    def test_model_that_passes_has_nothing_wrong(self):
        self.assertEqual([result.wrong for result in judged({})], [None, None, None])

    def test_failure_says_which_contract_is_broken_and_how_to_see_it(self):
        result = judged({_STOP: "FAILED"})[-1]
        self.assertIn("StopTest.IdleServerEndsAtOnce fails", result.wrong.what)
        self.assertIn("Serve() waits for its clients", result.wrong.why)
        text = report.text([Result(my_model.EXERCISE, "mine", compiled=True, checks=[result])])
        self.assertIn("tools/grade my_model --case=StopTest.IdleServerEndsAtOnce", text)
        self.assertIn("what it printed", text)

    def test_suite_that_crashes_is_a_failure(self):
        self.assertIn("does not come to its end", judged({_STOP: "ENDED"})[-1].wrong.what)

    def test_what_the_row_gives_up_is_lacking_and_costs_points(self):
        checks = judged({_SILENT: "SKIPPED"})
        self.assertIsInstance(checks[1].wrong, Lacking)
        result = Result(my_model.EXERCISE, "mine", compiled=True, checks=checks)
        self.assertTrue(result.works)
        self.assertFalse(result.passed)
        self.assertIn("it works, but lacks something", report.text([result]))

    def test_matter_of_choice_costs_nothing(self):
        name = "ServicesTest.LongWorkOfOneDoesNotStallOthers"
        result = Result(my_model.EXERCISE, "mine", compiled=True, checks=judged({name: "SKIPPED"}, [_ECHO, name]))
        self.assertEqual(result.checks[-1].wrong.label, "lacks")
        self.assertTrue(result.passed)

    def test_simplest_case_is_tried_first_and_nothing_behind_what_is_basic_and_broken(self):
        crowd = "CrowdTest.MoreThanAThousandClientsAreServedUnlessTheModelHasABound"
        fake = FakeSuite({_SILENT: "FAILED", crowd: "FAILED"})
        results = my_model.judge(fake, [crowd, _STOP, _SILENT, _ECHO], str)
        self.assertEqual(fake.tried, [_ECHO, _SILENT])
        self.assertIsNone(results[0].wrong)
        self.assertIn(_SILENT, results[1].wrong.what)
        self.assertEqual(results[2].wrong.label, "later")


class PackageTest(unittest.TestCase):

    def test_folder_without_a_model_is_refused(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(my_model.FolderError, "no BUILD and no my_model.cc"):
            with my_model.package(folder):
                pass

    def test_model_from_elsewhere_is_in_the_course_for_as_long_as_it_is_built(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as top:
            for name in ("BUILD", "my_model.cc", "notes.txt"):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(name)
            with my_model.package(folder, top) as path:
                copy = os.path.join(top, path)
                self.assertTrue(path.startswith("course/"))
                self.assertEqual(sorted(os.listdir(copy)), ["BUILD", "my_model.cc"])
            self.assertFalse(os.path.exists(copy))


if __name__ == "__main__":
    unittest.main()
