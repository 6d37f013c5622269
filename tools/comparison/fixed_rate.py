"""The same given rate for all: how many requests a second that is, and which figures come of it. No program is run.

At saturation a server that is faster gets more requests, and its queue is as long as the client makes it: processor time and
response times of two servers are then of two different loads. So all subjects of a workload get the same rate, which the
slowest of them can carry, and then a low one; and they are looked at while no request comes at all.

RULE says which rate that is.
"""

import statistics
from dataclasses import dataclass

# The rate is so much of the capacity of the slowest model: beyond it queues grow quickly.
GIVEN = 0.6
# A model with less of the median model's capacity than this does not set the rate: it would be a low one for all others.
HOPELESS = 0.25
# A subject that would have to give more of its capacity than this is left out at the rate.
_MOST = 0.85
# The low rate, of the given one.
LOW = 0.1
_LEAST_RATE = 1.0

RULE = (f"The given rate is {GIVEN:g} of the capacity of the slowest model, not counting models with less than {HOPELESS:g} of the "
        f"median model's capacity; a subject for which it is more than {_MOST:g} of its own capacity gets no "
        f"requests at that rate. The low rate is {LOW:g} of it.")


@dataclass(frozen=True)
class Rates:
    """Requests per second of a workload."""

    given: float
    low: float
    set_by: str  # The model whose capacity the given rate is a part of; None if the workload has a rate of its own.
    without: dict  # {subject: why it gets no requests at the given rate}


def rates(capacities, candidates, own_rate=None):
    """The Rates of a workload; None if no capacity of a candidate is known.

    capacities  {subject: requests per second in a closed loop}
    candidates  the subjects that may set the rate: models, no twins, no other servers
    own_rate    of a workload that has one: then it is the given one
    """
    if own_rate:
        return Rates(own_rate, max(_LEAST_RATE, LOW * own_rate), None, {})
    known = {name: capacities[name] for name in candidates if capacities.get(name)}
    if not known:
        return None
    least = HOPELESS * statistics.median(known.values())
    slowest = min((name for name in known if known[name] >= least), key=known.get)
    given = max(_LEAST_RATE, GIVEN * known[slowest])
    without = {name: f"it answers {most:,.0f} requests a second at most, and {given:,.0f} are given"
               for name, most in capacities.items() if given > _MOST * most}
    low = min([LOW * given, *(GIVEN * most for most in capacities.values() if most > 0)])
    return Rates(given, max(_LEAST_RATE, low), slowest, without)


def capacities(lines, workload):
    """{subject: the median of its rounds' replies per second}, of lines of rounds.jsonl; without those that failed in all."""
    found = {}
    for line in lines:
        if line["workload"] == workload and line["failed"] is None and line["load"]:
            found.setdefault(line["subject"], []).append(line["load"]["replies_per_second"])
    return {name: statistics.median(values) for name, values in found.items()}
