"""Sliced: A against B by slices: how experiments compare servers. Each round starts all of them anew, each with its load
generator, and measures them in turns, a slice at a time. A disturbance that lasts longer than a turn affects all of them alike
(see ../resident.py and ../slices.py)."""

import contextlib
from dataclasses import dataclass

from .. import order, resident, slices
from ..processes import ServerError
from .rounds import CPU, LIMITED, P99, RATE, SYSTEM

_TURNS = 12


def _per_request(of):
    def cost(those):
        requests = sum(one.report["replies_in_all"] for one in those)
        return 1e6 * sum(map(of, those)) / requests if requests else 0.0
    return cost


_COSTS = {CPU.key: _per_request(lambda one: one.cpu_user_s + one.cpu_system_s),
          SYSTEM.key: _per_request(lambda one: one.cpu_system_s)}
_OF_SLICES = {RATE.key: lambda those: those[0].report["replies_per_second"], **_COSTS}


def why_failed(those, needs_all_cpus):
    """Why the slices of a server say nothing; None if they are good. A missed rate is no failure: the other figures hold."""
    failed = next((one.failed for one in those if one.failed and not one.has_missed_rate), None)
    if failed is None and needs_all_cpus and 2 * sum(one.is_disturbed for one in those) > len(those):
        return "others took the processors that it was to have"
    return failed


def figures(taken, coarse=()):
    """{name: {Figure.key: value}} of {name: [Slice]}.

    coarse  the names whose processor time is counted in steps of 10 ms: a slice is too short for that
    """
    found = {name: {} for name in taken}
    for key, of in _OF_SLICES.items():
        each = {name: {turn: of([one]) for turn, one in enumerate(those)} for name, those in taken.items()}
        for name, value in slices.steady(each).items():
            found[name][key] = value
    for name in coarse:
        found[name] |= {key: of(taken[name]) for key, of in _COSTS.items()}
    for name, those in taken.items():
        report = slices.merged([one.report for one in those])
        found[name] |= {P99.key: report["response_ns"]["p99"] / 1e6, LIMITED: int(report["generator_was_the_limit"])}
    return found


@dataclass(frozen=True)
class Entry:
    """What is compared: a subject under a load."""

    subject: object
    workload: object
    setting: object
    needs_all_cpus: bool = False  # A round in which others took them says nothing.


class Sliced:
    """Measures the rounds of a rounds.Series.

    entries  name -> Entry
    say      takes a text that says what is being measured
    """

    def __init__(self, entries, load, seed, say, start=resident.Resident):
        self._entries, self._load, self._seed, self._say, self._start = entries, load, seed, say, start

    def __call__(self, names, number):
        self._say(f"round {number + 1}: {', '.join(names)}")
        seed = self._seed + number
        with contextlib.ExitStack() as stack:
            there, failed, coarse = {}, {}, set()
            for name in order.rounds(names, 1, seed)[0]:
                entry = self._entries[name]
                try:
                    one = stack.enter_context(self._start(entry.subject, entry.workload, entry.setting, self._load, seed))
                    there[name] = resident.Undisturbed(one, _TURNS)
                    coarse |= set() if one.counts_all_children else {name}
                except (ServerError, resident.ResidentError) as error:
                    failed[name] = str(error)
            taken = {name: [] for name in there}
            for turn in order.rounds(there, _TURNS, seed):
                for name in turn:
                    if all(one.report for one in taken[name]):
                        taken[name].append(there[name].slice(self._entries[name].workload.slice_s))
        failed |= {name: why for name, those in taken.items() if (why := why_failed(those, self._entries[name].needs_all_cpus))}
        good = {name: those for name, those in taken.items() if name not in failed}
        return figures(good, coarse & good.keys()) | failed
