"""Runs cases against a server, one after the other, and says of each how it ended."""

import statistics
import time
from dataclasses import dataclass

from .case import MUST, Failure, NotOffered
from .scene import Patience, Scene

PASSED, FAILED, NOT_OFFERED, LEFT_OUT = "passed", "failed", "not offered", "left out"
_PROBES = 3
_PROBE_BOUND_S = 3.0


@dataclass(frozen=True)
class Result:
    case: object  # case.Case
    outcome: str
    why: str = ""  # What came instead; how the server shows that it does not offer it; why it was left out.
    steps: tuple = ()
    seconds: float = 0.0

    @property
    def is_fatal(self):
        """Whether a server that conforms could not do this."""
        return self.outcome == FAILED and self.case.level == MUST


class NotThere(Exception):
    """No server accepts connections, or answers datagrams, at the address."""


def measure(suite, address, library, least_s=1.0):
    """The Patience for this server: from the median of some short exchanges. A server that does not answer them gets the
    patience of a slow one; the cases will say what it does."""
    times = []
    for _ in range(_PROBES):
        started = time.monotonic()
        with Scene(address, library, Patience(0, _PROBE_BOUND_S), waits=1) as scene:
            try:
                suite.probe(scene)
            except (Failure, NotOffered) as error:
                if not scene.is_reached:
                    raise NotThere(f"no {suite.service} server at {address}: {error}") from error
                return Patience(_PROBE_BOUND_S / 20, least_s)
        times.append(time.monotonic() - started)
    return Patience(statistics.median(times), least_s)


def run_case(case, address, library, patience):
    started = time.monotonic()
    with Scene(address, library, patience, case.waits) as scene:
        outcome, why = PASSED, ""
        try:
            case.run(scene)
        except Failure as failure:
            outcome, why = FAILED, str(failure)
        except NotOffered as reason:
            outcome, why = NOT_OFFERED, str(reason)
    return Result(case, outcome, why, tuple(scene.steps), time.monotonic() - started)


def run(cases, address, library, patience, one_client_at_a_time=False):
    """Yields a Result for each case, as it ends."""
    for case in cases:
        if one_client_at_a_time and case.clients > 1:
            yield Result(case, LEFT_OUT, "it takes a server that serves several clients at once")
        else:
            yield run_case(case, address, library, patience)
