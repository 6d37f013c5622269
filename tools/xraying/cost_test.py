"""The probes cost next to nothing while no trace is open: counted in instructions, beside a server linked without them."""

import math
import os
import unittest

from comparison import programs
from xraying import cost

_FOLDER = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""))
_SERVER = os.path.join(_FOLDER, "server")
_SHIM = os.path.join(_FOLDER, "tools", "xraying", "openat2.so")
_WITHOUT = os.path.join(_FOLDER, "tools", "xraying", "server_without_wraps")
# A request of echo takes three calls that have probes: each costs some twenty instructions, or thirty without optimisation.
_MOST = 150
_ATTEMPTS = 3


def _per_request(service):
    """Instructions with the probes off, and without them: the least of several counts, until they are near each other. What a
    server does by the clock it does more often for the same requests where others take the processor.
    """
    off = without = math.inf
    for _ in range(_ATTEMPTS):
        off = min(off, cost.per_request(_SERVER, _SHIM, service))
        without = min(without, cost.per_request(_WITHOUT, _SHIM, service))
        if abs(off - without) < _MOST:
            break
    return off, without


class CostTest(unittest.TestCase):
    def test_probes_that_are_off_cost_some_instructions_and_those_that_are_on_many(self):
        if cost.why_not():
            self.skipTest(cost.why_not())
        if programs.inspect(_SERVER).sanitizers != "none":
            self.skipTest("valgrind runs no program with sanitizers")
        for service in cost.SERVICES:
            off, without = _per_request(service)
            self.assertLess(abs(off - without), _MOST, service)
            traced = cost.per_request(_SERVER, _SHIM, service, is_traced=True)
            self.assertGreater(traced - without, 2 * _MOST, f"{service}: the count sees the probes")


if __name__ == "__main__":
    unittest.main()
