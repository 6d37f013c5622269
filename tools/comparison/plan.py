"""The plan of a run: which measurements, in which order, how long each. It depends on the options alone, so that a run that
was broken off can be resumed."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Callable

from . import extras, inference, measure, order, promise, rated_steps, resident, store, syscalls, times
from .peers.floor import Floor

PARTS = ("rounds", "cost", "promise", "times", "syscalls", "memory", "idle", "scaling")
QUICK_PARTS = ("rounds", "cost", "syscalls", "memory")
BY = ("throughput", "capacity", "cost", "tail", "memory", "fairness")
IDLE_STEPS = (100, 1000, 10000)
SCALING_WORKERS = (1, 2, 4, 8)
SHORTEST_S, _LONGEST_S = 0.4, 10.0
# Seconds that are counted of each subject in a round, in slices. Many short rounds say more than few long ones: a fresh start
# of a server is better or worse than others for all of its time. Shorter ones would be mostly starts and stops.
_SHORT_S = 0.6
# Parts are given up for this many rounds, if all parts together leave time for fewer.
_ENOUGH_ROUNDS = 5
_EXTRA_S = 1.0  # A measurement of idle connections or of scaling.


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    rounds: int
    minutes: float
    duration_s: float  # Of each subject in a round, of all its slices together. 0: as the time allows.
    seed: int
    parts: tuple
    most_idle: int  # For memory per connection.
    slo: promise.Promise = promise.parse("p99<10ms")  # What the part of that name asks for.
    by: str = "throughput"  # What models are ranked by, of BY.
    most_rounds: int = None  # Of each part that has rounds; None: as many as the time allows.


@dataclass(frozen=True)
class Step:
    """One measurement, or several that belong together."""

    kind: str  # A kind of line, see store.
    key: tuple  # (name, value) pairs that stand in each of its lines, and tell it from all others.
    expected_s: float
    title: str
    measure: Callable  # (those of the subjects that are wanted) -> lines without the key.
    subjects: tuple = ()  # Names: several that are measured in turns.


@dataclass(frozen=True)
class Scene:
    """The subjects and workloads of a run, and its processors."""

    subjects: list
    workloads: list
    load: object  # load.Load
    setting_for: Callable  # workload -> subjects.Setting
    all_cpus: tuple
    descriptors: int
    lines: Callable = lambda kind: ()  # kind -> lines measured so far: rates are parts of what servers can do.


def pairs(scene):
    """(subject, workload) that can be measured, and [{subject, workload, why}] that cannot. Of the latter, floors are not worth a word:
    each is made for one thing. Nor are settings that are the best under another workload."""
    good, skipped = [], []
    for workload in scene.workloads:
        for subject in scene.subjects:
            if workload.name not in (getattr(subject, "only", ()) or (workload.name,)):
                continue
            why = None
            missing = set(workload.services()) - subject.services()
            if missing:
                why = f"does not serve {', '.join(sorted(missing))}"
            why = why or subject.refuses(workload)
            if why and isinstance(subject, Floor):
                continue
            if why:
                skipped.append({"subject": subject.name, "workload": workload.name, "why": why})
            else:
                good.append((subject, workload))
    return good, skipped


def turns_of(workload, duration_s):
    """(how many slices each subject has in a round, seconds of each)."""
    if not workload.rests:
        return 1, max(duration_s, workload.least_s)
    turns = max(1, round(duration_s / workload.slice_s))
    return turns, duration_s / turns


def round_s_of(subjects, workload, duration_s):
    """What a round of so many subjects takes, about."""
    turns, seconds = turns_of(workload, duration_s)
    if not workload.rests:
        return subjects * (seconds + measure.OVERHEAD_S)
    return subjects * (resident.OVERHEAD_S + turns * (seconds + resident.SLICE_OVERHEAD_S))


def _by_workload(scene):
    """(workload, its subjects) for those that have any."""
    good, _ = pairs(scene)
    found = [(workload, [subject for subject, of in good if of is workload]) for workload in scene.workloads]
    return [(workload, those) for workload, those in found if those]


def _round_steps(scene, options, duration_s):
    chosen = _by_workload(scene)
    orders = {workload.name: order.rounds(those, options.rounds * turns_of(workload, duration_s)[0], f"{options.seed}/{workload.name}")
              for workload, those in chosen}
    for number in range(1, options.rounds + 1):
        for workload, those in chosen:
            turns, seconds = turns_of(workload, duration_s)
            own = orders[workload.name][(number - 1) * turns:number * turns]

            def run(names, workload=workload, seconds=seconds, own=own, number=number):
                return measure_round(scene, workload, seconds, options.seed + number,
                                      [[subject for subject in turn if subject.name in names] for turn in own])
            yield Step(store.ROUNDS, (("round", number), ("workload", workload.name)), round_s_of(len(those), workload, duration_s),
                       f"round {number} of {options.rounds}: {workload.name}", run, tuple(subject.name for subject in those))


def measure_round(scene, workload, seconds, seed, orders):
    """Lines of a round, of subjects that stay from slice to slice or, if the workload cannot rest, one after the other."""
    setting = scene.setting_for(workload)
    if workload.rests:
        return resident.measure_round(workload, setting, scene.load, orders, seconds, seed)
    return [{"subject": subject.name, **measure.measure(subject, workload, setting, scene.load, seconds, seed)}
            for subject in orders[0]]


def _syscall_steps(scene):
    if not syscalls.is_possible():
        return
    for subject, workload in pairs(scene)[0]:
        if subject.kind == "aa":
            continue
        def run(_, subject=subject, workload=workload):
            # How many calls there are for a request does not depend on limits; strace would take a part of them.
            setting = dataclasses.replace(scene.setting_for(workload), within=None)
            return [syscalls.count(subject, workload, setting, scene.load, setting.scratch)]
        yield Step(store.SYSCALLS, (("subject", subject.name), ("workload", workload.name)),
                   syscalls.DURATION_S + measure.OVERHEAD_S, f"system calls: {workload.name}, {subject.name}", run)


def _times_steps(scene, options):
    chosen, units = _by_workload(scene), {}

    def measured(subject, workload, those):
        if not units:
            units.update(times.unit_costs(scene.all_cpus[0]))
        setting = dataclasses.replace(scene.setting_for(workload), within=None)  # As for system calls.
        rates = rated_steps.rates_of(scene, workload, those)
        why = "no model has a throughput to take a part of" if rates is None else rates.without.get(subject.name)
        if why:
            return times.failed_line(why)
        return times.measure(subject, workload, setting, scene.load, options.seed, rates.given, dict(units))
    for workload, those in chosen:
        for subject in those:
            if subject.kind != "model" or not workload.takes_rate or workload.is_of_datagrams:
                continue
            def run(_, subject=subject, workload=workload, those=those):
                return [measured(subject, workload, those)]
            yield Step(store.REQUEST_TIMES, (("subject", subject.name), ("workload", workload.name)),
                       times.DURATION_S + measure.OVERHEAD_S, f"where the time goes: {workload.name}, {subject.name}", run)


def _idle_pairs(scene):
    """Each subject with the first workload that only has connections that stay, and can be silent."""
    seen = set()
    for subject, workload in pairs(scene)[0]:
        if getattr(subject, "closes", False):
            continue  # It has no idle connections.
        if workload.load[0] in ("--workload=echo", "--workload=http") and not workload.is_paced:
            if subject.name not in seen and subject.kind != "aa":
                seen.add(subject.name)
                yield subject, workload


def _memory_steps(scene, options):
    for subject, workload in _idle_pairs(scene):
        most = min(options.most_idle, extras.idle_limit(subject, scene.descriptors))
        def run(_, subject=subject, workload=workload, most=most):
            return extras.memory(subject, workload, scene.setting_for(workload), extras.memory_steps(most))
        yield Step(store.MEMORY, (("subject", subject.name), ("workload", workload.name)), 1.2 + most / 1000,
                   f"memory per connection: {subject.name}", run)


def _idle_steps(scene, options):
    for subject, workload in _idle_pairs(scene):
        limit = extras.idle_limit(subject, scene.descriptors) - workload.connections
        for idle in (step for step in IDLE_STEPS if step <= limit):
            def run(_, subject=subject, workload=workload, idle=idle):
                return [extras.beside_idle(subject, workload, scene.setting_for(workload), scene.load, _EXTRA_S,
                                           options.seed, idle)]
            yield Step(store.IDLE, (("subject", subject.name), ("workload", workload.name), ("idle", idle)),
                       _EXTRA_S + measure.OVERHEAD_S + idle / 4000, f"beside {idle} idle connections: {subject.name}", run)


def _scaling_steps(scene, options):
    for subject, workload in pairs(scene)[0]:
        traits = getattr(subject, "traits", {})
        own_choice = any("workers" in flag for flag in getattr(subject, "flags", ()))
        if subject.kind != "model" or "workers" not in traits["flags"] or own_choice:
            continue
        if workload.keeps and traits["silent"] == "one of N":
            continue  # A pool of one worker serves one connection that stays.
        if workload.is_paced:
            continue  # However many there are, they get as many requests.
        for workers in (number for number in SCALING_WORKERS if number <= 4 * len(scene.all_cpus)):
            def run(_, subject=subject, workload=workload, workers=workers):
                return [extras.over_workers(subject, workload, scene.setting_for(workload), scene.load, _EXTRA_S,
                                            options.seed, workers, scene.all_cpus)]
            yield Step(store.SCALING, (("subject", subject.name), ("workload", workload.name), ("workers", workers)),
                       _EXTRA_S + measure.OVERHEAD_S, f"{workers} workers: {workload.name}, {subject.name}", run)


def duration(scene, options, extra_s):
    """Seconds that are counted of each subject in a round, so that all of it takes the time that was asked for."""
    if options.duration_s:
        return options.duration_s
    spare = options.minutes * 60 - extra_s

    def round_s(duration_s):
        return sum(round_s_of(len(those), workload, duration_s) for workload, those in _by_workload(scene))
    # A round's time grows in proportion to what is counted in it, but for its overhead and for whole slices.
    one_s = round_s(1.0)
    slope = (round_s(_LONGEST_S) - one_s) / (_LONGEST_S - 1.0) or 1.0
    return round(min(_LONGEST_S, max(SHORTEST_S, 1.0 + (spare / options.rounds - one_s) / slope)), 1)


# What is given up first if the time is too short for all; the rounds come last, because they are the purpose.
_GIVEN_UP = ("scaling", "idle", "times", "syscalls", "promise", "memory", "cost")
# The time is approximate: nothing is given up for less than this.
_TOO_LONG = 1.05


def expected_s(steps, fixed_s=0.0):
    return fixed_s + sum(step.expected_s for step in steps)


def _rounds_in(scene, options, fixed_s, each_s):
    """How many rounds of measurements of this length there is time for, beside the other parts."""
    extra_s = expected_s(make(scene, dataclasses.replace(options, rounds=0), fixed_s)[0], fixed_s)
    of_a_round_s = sum(round_s_of(len(those), workload, each_s) for workload, those in _by_workload(scene))
    return math.floor((_TOO_LONG * 60 * options.minutes - extra_s) / of_a_round_s) if of_a_round_s else _ENOUGH_ROUNDS


def _as_many_rounds(scene, options, fixed_s):
    """The options with as many rounds as the time allows: as short as they should be or, where those would be few, as short as
    they can be."""
    if "rounds" not in options.parts:
        return options
    short, shortest = (_rounds_in(scene, options, fixed_s, each_s) for each_s in (_SHORT_S, SHORTEST_S))
    rounds = short if short > _ENOUGH_ROUNDS else min(shortest, _ENOUGH_ROUNDS)
    return dataclasses.replace(options, rounds=max(inference.LEAST_ROUNDS, rounds))


def fit(scene, options, fixed_s=0.0, may_change=("rounds", "parts")):
    """The options with as many rounds as the time allows, and with as many parts as leave enough of it for those.

    may_change  those of "rounds" and "parts" that the user did not set
    """
    def fitted(parts):
        candidate = dataclasses.replace(options, parts=parts)
        return _as_many_rounds(scene, candidate, fixed_s) if "rounds" in may_change else candidate

    def is_short(candidate):
        is_enough = candidate.rounds >= _ENOUGH_ROUNDS or "rounds" not in may_change or "rounds" not in candidate.parts
        return is_enough and expected_s(make(scene, candidate, fixed_s)[0], fixed_s) <= _TOO_LONG * 60 * options.minutes

    candidate, given_up = fitted(options.parts), []
    ranking = rated_steps.PART_OF.get(options.by)
    for part in (part for part in _GIVEN_UP if "parts" in may_change and part in options.parts and part != ranking):
        if is_short(candidate):
            break
        candidate = fitted(tuple(kept for kept in candidate.parts if kept != part))
        given_up.append(part)
    for part in reversed(given_up):  # Of those there may be time for some, now that a long one is not there.
        more = fitted(tuple(known for known in options.parts if known in candidate.parts or known == part))
        candidate = more if is_short(more) else candidate
    return candidate


def rounds_of(scene, options):
    """kind of lines -> how many rounds of it there are, of the parts that have rounds of their own."""
    good, found = pairs(scene)[0], {}
    if "cost" in options.parts:
        found[store.COST] = rated_steps.cost_rounds(scene, options, good, list(_idle_pairs(scene)))
        found[store.QUIET] = min(found[store.COST], rated_steps.QUIET_ROUNDS)
    if "promise" in options.parts:
        found[store.PROMISE] = rated_steps.promise_rounds(scene, options, good)
    return found


def make(scene, options, fixed_s=0.0):
    """(steps, seconds that are counted of each subject in a round). `fixed_s`: what else the run takes."""
    extra = []
    if "cost" in options.parts:
        extra += rated_steps.cost_steps(scene, options, Step, pairs(scene)[0], list(_idle_pairs(scene)))
    if "promise" in options.parts:
        extra += rated_steps.promise_steps(scene, options, Step, pairs(scene)[0])
    if "times" in options.parts:
        extra += _times_steps(scene, options)
    if "syscalls" in options.parts:
        extra += _syscall_steps(scene)
    if "memory" in options.parts:
        extra += _memory_steps(scene, options)
    if "idle" in options.parts:
        extra += _idle_steps(scene, options)
    if "scaling" in options.parts:
        extra += _scaling_steps(scene, options)
    has_rounds = "rounds" in options.parts and options.rounds > 0
    duration_s = duration(scene, options, expected_s(extra, fixed_s)) if has_rounds else options.duration_s
    rounds = list(_round_steps(scene, options, duration_s)) if has_rounds else []
    return rounds + extra, duration_s
