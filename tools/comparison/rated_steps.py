"""The steps of a plan that are measured at given rates, or while no request comes: the parts `cost` and `promise`."""

import math

from . import fixed_rate, order, rated, resident, store

# Of the time that a run may take, about: the part by which models are ranked, and another one.
_RANKING, _OTHER = 0.55, {"cost": 0.2, "promise": 0.35}
# The part that has the figures for each way to rank; see plan.Options.by.
PART_OF = {"capacity": "promise", "cost": "cost", "tail": "cost", "memory": "memory"}
# Starts of each server, unless plan.Options.most_rounds is less: fewer have no interval, or one that is of no use to tell tails
# apart; more are not worth the time of all the others.
_LEAST, _MOST = {"cost": 5, "promise": 3}, 40
QUIET_ROUNDS = 7  # At most: that no request comes leaves little to differ.
_QUIET_START_S = 0.2  # To start and to stop a server that gets no requests.


def _workloads(scene, pairs):
    """[(workload, its subjects)] of those that can be asked at a rate."""
    found = {}
    for subject, workload in pairs:
        if workload.takes_rate:
            found.setdefault(workload.name, (workload, []))[1].append(subject)
    return list(found.values())


def _number(options, part, round_s):
    """How many rounds of a part there are."""
    share = _RANKING if PART_OF.get(options.by) == part else _OTHER[part]
    if round_s == 0:
        return 0
    most = min(_MOST, options.most_rounds or _MOST)
    return min(most, max(_LEAST[part], math.floor(share * 60 * options.minutes / round_s)))


def _block_s(subjects, slices, of_slices_s):
    """About how long a round takes, of some subjects with this many slices each."""
    return len(subjects) * (resident.OVERHEAD_S + slices * resident.SLICE_OVERHEAD_S) + of_slices_s


def _cost_s(subjects):
    return _block_s(subjects, sum(rated.TURNS.values()), rated.cost_s(len(subjects)))


def _promise_s(subjects, wanted, is_first):
    return _block_s(subjects, rated.FIRST_PROBES if is_first else rated.PROBES, rated.promises_s(len(subjects), wanted, is_first))


def cost_rounds(scene, options, pairs, idle_pairs):
    """How many rounds of `cost` there are."""
    round_s = sum(_cost_s(subjects) for _, subjects in _workloads(scene, pairs))
    return _number(options, "cost", round_s + len(idle_pairs) * (rated.QUIET_S + _QUIET_START_S))


def promise_rounds(scene, options, pairs):
    """How many rounds of `promise` there are."""
    found = _workloads(scene, _once(pairs))
    return _number(options, "promise", sum(_promise_s(subjects, options.slo, False) for _, subjects in found))


def _once(pairs):
    """Without what is measured twice: a search is long, and the twins of other parts tell of the instrument."""
    return [(subject, workload) for subject, workload in pairs if subject.kind != "aa"]


def _wanted(subjects, names):
    return [subject for subject in subjects if subject.name in names]


def cost_steps(scene, options, step, pairs, idle_pairs):
    """step  makes a plan.Step"""
    number = cost_rounds(scene, options, pairs, idle_pairs)
    for count in range(1, number + 1):
        for workload, subjects in _workloads(scene, pairs):
            def run(names, workload=workload, subjects=subjects, count=count):
                return rated.cost(resident.Resident, _wanted(subjects, names), workload, scene.setting_for(workload), scene.load,
                                  options.seed + count, rates_of(scene, workload, subjects))
            yield step(store.COST, (("round", count), ("workload", workload.name)), _cost_s(subjects),
                       f"cost {count} of {number}: {workload.name}", run, tuple(subject.name for subject in subjects))
        orders = order.rounds(idle_pairs, QUIET_ROUNDS, f"{options.seed}/quiet")
        for subject, workload in orders[count - 1] if count <= len(orders) else ():
            def look(_, subject=subject, workload=workload):
                return [rated.quiet(subject, workload, scene.setting_for(workload))]
            yield step(store.QUIET, (("round", count), ("subject", subject.name), ("workload", workload.name)),
                       rated.QUIET_S + _QUIET_START_S, f"idle {count} of {number}: {subject.name}", look)


def rates_of(scene, workload, subjects):
    """The fixed_rate.Rates of a workload, by the rounds that were measured."""
    candidates = [subject.name for subject in subjects if subject.kind == "model"]
    return fixed_rate.rates(fixed_rate.capacities(scene.lines(store.ROUNDS), workload.name), candidates, workload.rate)


def promise_steps(scene, options, step, pairs):
    """step  makes a plan.Step"""
    number = promise_rounds(scene, options, pairs)
    for count in range(1, number + 1):
        for workload, subjects in _workloads(scene, _once(pairs)):
            def run(names, workload=workload, subjects=subjects, count=count):
                earlier = [line for line in scene.lines(store.PROMISE)
                           if line["workload"] == workload.name and line["round"] < count]
                capacities = fixed_rate.capacities(scene.lines(store.ROUNDS), workload.name)
                return rated.promises(resident.Resident, _wanted(subjects, names), workload, scene.setting_for(workload), scene.load,
                                      options.seed + count, options.slo, rated.first_rates(earlier, capacities))
            yield step(store.PROMISE, (("round", count), ("workload", workload.name)),
                       _promise_s(subjects, options.slo, count == 1), f"{options.slo.text}, {count} of {number}: {workload.name}",
                       run, tuple(subject.name for subject in subjects))
