"""A unit of each work takes no more system calls, nor instructions, than counts.json says: what costs more was either a mistake, or
is written there (tools/counts --write) by the change that makes it so."""

import math
import os
import unittest

from comparison import programs
from counting import count, expected

_FOLDER = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""))
_SERVER = os.path.join(_FOLDER, "server")
_SHIM = os.path.join(_FOLDER, "tools", "xraying", "openat2.so")
_ATTEMPTS = 3


class CountsTest(unittest.TestCase):
    def _least(self, figure, model, work, before):
        """The least of several counts, until one is not more than before: a few calls are made by the clock, and so more often
        where others take the processor.
        """
        least = math.inf
        for _ in range(_ATTEMPTS):
            least = min(least, count.per_unit(figure, _SERVER, model, work, _SHIM))
            if expected.verdict(figure, least, before) != "more":
                break
        return least

    def _check(self, figure):
        if count.why_not(figure):
            self.skipTest(count.why_not(figure))
        program = programs.inspect(_SERVER)
        if program.sanitizers != "none":
            self.skipTest("sanitizers make calls of their own, and valgrind runs no program with them")
        counts = expected.read().get(expected.key(figure, program))
        if counts is None:
            self.skipTest("there are no counts of this build")
        for model, of_works in counts.items():
            for work, before in of_works.items():
                with self.subTest(model=model, work=work):
                    counted = self._least(figure, model, work, before)
                    self.assertNotEqual(expected.verdict(figure, counted, before), "more", f"{counted} instead of {before} {figure}")

    def test_system_calls(self):
        self._check(count.CALLS)

    def test_instructions(self):
        self._check(count.INSTRUCTIONS)


class VerdictTest(unittest.TestCase):
    def test_one_call_more_in_three_is_more(self):
        self.assertEqual(expected.verdict(count.CALLS, 4.0, 3.0), "more")
        self.assertEqual(expected.verdict(count.CALLS, 2.0, 3.0), "less")
        self.assertEqual(expected.verdict(count.CALLS, 3.2, 3.0), "")

    def test_a_tenth_more_instructions_is_more(self):
        self.assertEqual(expected.verdict(count.INSTRUCTIONS, 1101, 1000), "more")
        self.assertEqual(expected.verdict(count.INSTRUCTIONS, 1099, 1000), "")


if __name__ == "__main__":
    unittest.main()
