"""What `tools/arm64 suite` leaves out is there to be left out, and has a reason. Looks at the sources themselves."""

import fnmatch
import os
import re
import unittest

_FOLDER = os.path.dirname(os.path.realpath(__file__))
_CASES = os.path.join(os.path.dirname(os.path.dirname(_FOLDER)), "tests")


def _cases():
    """SUITE.CASE of all cases that run under every model."""
    for name in os.listdir(_CASES):
        if name.endswith("_cases.cc"):
            with open(os.path.join(_CASES, name), encoding="utf-8") as file:
                yield from map(".".join, re.findall(r"^TEST_[FP]\((\w+), (\w+)\)", file.read(), re.MULTILINE))


class LeftOutTest(unittest.TestCase):
    def test_each_pattern_names_a_case_and_has_a_reason(self):
        cases = set(_cases())
        self.assertIn("ServicesTest.EchoSendsBackWhatComes", cases)
        with open(os.path.join(_FOLDER, "left_out.txt"), encoding="utf-8") as file:
            for line in file:
                pattern, _, reason = line.strip().partition(" ")
                self.assertTrue(reason, line)
                self.assertRegex(pattern, r"^[\w.*]+$", "it becomes a part of a filter of GoogleTest")
                self.assertTrue(fnmatch.filter(cases, pattern), f"there is no case {pattern}")


if __name__ == "__main__":
    unittest.main()
