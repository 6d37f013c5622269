"""What is measured at given rates, and without any: the parts `cost` and `promise` of a run. The servers of all subjects of a
workload are resident, and are measured in turns; each round starts them anew. Each function makes lines of one file."""

import contextlib
import time

from . import metrics, order, promise, slices
from .connections import Crowd
from .processes import ServerError
from .resident import Undisturbed, ResidentError, missed_rate

GIVEN, LOW = "given", "low"
# Slices of each subject in a round of `cost`, and the seconds of one; a slice at the low rate is longer, up to _LONGEST_S, until
# it has _LEAST_REQUESTS.
TURNS = {GIVEN: 2, LOW: 1}
SLICE_S = 0.15
_LEAST_REQUESTS, _LONGEST_S = 25, 1.0
# How long processor time is counted while no request comes: a server that polls does so many times in it.
QUIET_S = 0.5
_SETTLE_S = 0.05
# Response times that a probe keeps: their names there, and in a report of the load generator.
_QUANTILES = {"p50": "p50", "p90": "p90", "p99": "p99", "p999": "p99.9"}
# Probes in the search of a first start, which knows no more than the server's throughput, and of a later one.
FIRST_PROBES, PROBES = 14, 8


@contextlib.contextmanager
def _residents(start, subjects, workload, setting, load, seed, number):
    """({name: Undisturbed}, {name: why it did not start})."""
    with contextlib.ExitStack() as stack:
        there, failed = {}, {}
        for subject in subjects:
            try:
                there[subject.name] = Undisturbed(stack.enter_context(start(subject, workload, setting, load, seed)), number)
            except (ServerError, ResidentError) as error:
                failed[subject.name] = str(error)
        yield there, failed


def _failed(taken):
    """Why some slices of a server are no good; None if they are. One that was short of a few requests is not the rule."""
    others = list(dict.fromkeys(one.failed for one in taken if one.failed and not one.has_missed_rate))
    return "; ".join(others) or missed_rate(taken)


def _line(name, point, rate, taken, replaced=0, failed=None):
    """A line of cost.jsonl."""
    good = [one for one in taken if one.report]
    load = slices.merged([one.report for one in good]) if good else None
    failed = failed or _failed(taken)
    marks = [metrics.CLIENT_WAS_THE_LIMIT] if load and load["generator_was_the_limit"] else []
    if load:
        load["slices"] = [one.shown() | {"turn": turn} for turn, one in enumerate(taken) if one.report]
    server = {"cpu_user_s": round(sum(one.cpu_user_s for one in good), 6),
              "cpu_system_s": round(sum(one.cpu_system_s for one in good), 6), "requests": load["replies_in_all"] if load else 0}
    return {"subject": name, "point": point, "rate": rate, "load": load, "server": server, "replaced": replaced,
            "marks": marks + ([f"errors: {failed}"] if failed else []), "failed": failed}


def cost(start, subjects, workload, setting, load, seed, rates):
    """Lines of cost.jsonl: of each subject one at the given rate (if it can carry it), and one at the low rate.

    start  Resident, or what does the same
    rates  a fixed_rate.Rates; None: no capacity is known
    """
    if rates is None:
        why = "no model has a throughput to take a part of"
        return [_line(subject.name, GIVEN, None, [], failed=why) for subject in subjects]
    lines = []
    with _residents(start, subjects, workload, setting, load, seed, sum(TURNS.values())) as (there, failed):
        for point, rate in ((GIVEN, rates.given), (LOW, rates.low)):
            found = {name: [] for name in there if point == LOW or name not in rates.without}
            seconds = max(SLICE_S, min(_LONGEST_S, _LEAST_REQUESTS / rate))
            for row in order.rounds(found, TURNS[point], f"{seed}/{workload.name}/{point}"):
                for name in row:
                    found[name].append(there[name].slice(seconds, rate))
            lines += [_line(name, point, rate, taken, there[name].replaced) for name, taken in found.items()]
            lines += [_line(name, point, rate, [], failed=why) for name, why in failed.items()]
    return lines + [{"subject": name, "point": GIVEN, "rate": rates.given, "load": None, "server": None, "marks": [],
                     "failed": None, "left_out": why} for name, why in rates.without.items() if name in there]


def cost_s(subjects):
    """Seconds that cost() takes, about, but for starting servers."""
    return subjects * SLICE_S * sum(TURNS.values())


def keeps(wanted, one):
    """(whether a slice kept the promise, whether the load generator was the limit). A slice with errors has not kept it."""
    if one.report is None or (one.failed and not one.has_missed_rate):
        return False, False
    times = one.report["response_ns"]
    waiting = one.report.get("overdue", 0)
    slow = wanted.slow(times.get("histogram") or [], waiting)
    return wanted.is_kept(slow, times["count"] + waiting), bool(one.report.get("generator_was_the_limit"))


def times_of(one):
    """What promise.Probe keeps of a slice's response times; None if there are none. Requests that still waited at its end are in
    them, with the time that they took in all."""
    if one.report is None or not one.report["response_ns"]["count"]:
        return None
    times = one.report["response_ns"]
    found = {f"{name}_us": round(times[label] / 1e3, 3) for name, label in _QUANTILES.items() if label in times}
    return {"requests": times["count"], **found}


def first_rates(earlier, capacities):
    """{subject: (rate to probe first, whether it is near)}: by what earlier starts have found, else by the throughput.

    earlier     lines of promise.jsonl of the workload
    capacities  {subject: replies per second}; of a workload that has a rate they are that rate, and the search goes up from there
    """
    found = {name: (0.8 * most, False) for name, most in capacities.items()}
    by_name = {}
    for line in earlier:
        by_name.setdefault(line["subject"], []).append(promise.of_json(line["probes"]))
    for name, probes in by_name.items():
        rate = promise.highest(probes, [[1] * len(probes)])[0]
        if rate > 0:  # It is not nan either.
            found[name] = (float(rate), True)
    return found


def promises(start, subjects, workload, setting, load, seed, wanted, first):
    """Lines of promise.jsonl: the probes of each subject.

    wanted  a promise.Promise
    first   see first_rates()
    """
    with _residents(start, subjects, workload, setting, load, seed, PROBES) as (there, failed):
        searches = {name: promise.Search(*first.get(name, (1000.0, False))) for name in there}
        number = {name: PROBES if search.is_near else FIRST_PROBES for name, search in searches.items()}
        why, limited = {name: [] for name in there}, set()
        for turn, row in enumerate(order.rounds(there, FIRST_PROBES, f"{seed}/{workload.name}/promise")):
            for name in (name for name in row if turn < number[name]):
                one = there[name].slice(wanted.slice_s, searches[name].next_rate(), lambda found: not keeps(wanted, found)[0])
                is_kept, is_limited = keeps(wanted, one)
                searches[name].tell(is_kept, is_limited, times_of(one))
                why[name] += [one.failed] if one.failed and not one.has_missed_rate else []
                limited |= {name} if is_limited and not is_kept else set()
    lines = []
    for name, search in searches.items():
        broken = why[name][0] if len(why[name]) * 2 > len(search.probes) else None
        marks = ([metrics.CLIENT_WAS_THE_LIMIT] if name in limited else []) + ([f"errors: {broken}"] if broken else [])
        lines.append({"subject": name, "promise": wanted.text, "probes": promise.as_json(search.probes),
                      "replaced": there[name].replaced, "marks": marks, "failed": broken})
    return lines + [{"subject": name, "promise": wanted.text, "probes": [], "marks": [f"errors: {text}"], "failed": text}
                    for name, text in failed.items()]


def promises_s(subjects, wanted, is_first):
    """Seconds that promises() takes, about, but for starting servers."""
    return subjects * wanted.slice_s * (FIRST_PROBES if is_first else PROBES)


def quiet(subject, workload, setting):
    """A line of quiet.jsonl: processor time while the connections of the workload are there and no request comes, how long the
    server took to be ready, and from SIGTERM to its end with these connections."""
    try:
        with subject.start(workload.service, setting) as server:
            with Crowd(server.addresses[workload.service], workload.service) as crowd:
                crowd.grow_to(workload.connections)
                time.sleep(_SETTLE_S)
                user, system = server.cpu_times()
                begun = time.monotonic()
                time.sleep(QUIET_S)
                user_then, system_then = server.cpu_times()
                seconds = time.monotonic() - begun
                server.stop()
    except (OSError, ServerError) as error:
        return {"load": None, "server": None, "marks": [f"errors: {error}"], "failed": str(error)}
    return {"load": None, "server": {"cpu_user_s": round(user_then - user, 6), "cpu_system_s": round(system_then - system, 6),
                                     "seconds": round(seconds, 6), "start_s": round(server.start_s, 6), "drain_s":
                                     None if server.drain_s is None else round(server.drain_s, 6), "idle": workload.connections},
            "marks": [], "failed": None}
