"""Ratios: how far apart two subjects are, on several machines. No file is read.

A figure of one machine does not compare with that of another, but the ratio of two servers does. What is made of the ratios is about
the machines that are here: the least and the greatest, each with its own bounds, and the average, in which each machine counts alike.
That is the fixed-effects (plural) model of meta-analysis, with equal weights (K. Rice, J. Higgins and T. Lumley, "A re-evaluation of
fixed effect(s) meta-analysis", 2018): the bounds of the average come from the errors of the runs, and machines may differ as they
like. A random-effects model would say more, of a population of which these machines are a random sample; there is no such population
of laptops of a class. docs/comparing.md tells it in full.

A run that ended early, as all was decided, has ratios that are more decided than the truth. Verdicts on averages stand that
(ratios_test.py simulates it); their bounds hold in fewer cases.

The error of an average comes from machines with errors of their own, so its degrees of freedom are those of B. Welch (1947) and
F. Satterthwaite (1946).
"""

import math

from .. import inference, metrics, ranking

# What is said of a pair: the first is surely better, they are equal, the second is, neither is sure.
FIRST, EQUAL, SECOND, OPEN = "first", "equal", "second", "open"


def says(kind, log, metric):
    """What a verdict (a kind of inference's) says whose ratio has this logarithm; None: not known."""
    if kind == inference.EQUAL:
        return EQUAL
    if kind != inference.DIFFERENT or log is None:
        return OPEN
    return FIRST if (log > 0) == metrics.more_is_better(metric) else SECOND


def limited(summary):
    """{(subject, workload)} of a summary's results in which the load generator was the limit."""
    return {(result["subject"], result["workload"]) for result in summary["results"] if ranking.was_limited(result)}


def of_servers(verdict, those):
    """The inference.Effect of a verdict of a summary, a over b; None if it says nothing of how far the servers are apart: too few
    rounds for an error, or a throughput that was the load generator's.

    those  what limited() gives
    """
    if "error" not in verdict:
        return None
    if verdict["metric"] == ranking.THROUGHPUT and {(verdict[side], verdict["workload"]) for side in "ab"} & those:
        return None
    effect = inference.Effect(*(verdict[part] for part in ("log", "error", "degrees", "rounds")))
    return effect if effect.tells else None


def average(effects):
    """The Effect of the mean of these, of which there is one at least; each counts alike."""
    variances = [effect.error**2 for effect in effects]
    total = sum(variances)
    degrees = total**2 / sum(own**2 / effect.degrees for own, effect in zip(variances, effects)) if total else effects[0].degrees
    return inference.Effect(sum(effect.log for effect in effects) / len(effects), math.sqrt(total) / len(effects), degrees,
                            min(effect.rounds for effect in effects))


def of_tables(known, margin):
    """{key: "ratio" of a pair in merged.json; None if no unit has an error}.

    known  {(workload, metric, first, second): {unit: Effect of the first over the second}}
    Of all that is said of the averages of a table, a workload and a metric, something is false in at most the usual share of cases.
    """
    tables = {}
    for key, by_unit in known.items():
        tables.setdefault(key[:2], {})[key[2:]] = average(list(by_unit.values())) if len(by_unit) > 1 else None
    found = {}
    for (workload, metric), averages in tables.items():
        for pair, verdict in inference.verdicts(averages, margin).items():
            key = (workload, metric, *pair)
            found[key] = _ratio(known[key], verdict, metric) if known[key] else None
    return found


def _ratio(by_unit, verdict, metric):
    ends = {name: {"on": unit, **_bounds(by_unit[unit])} for name, pick in (("least", min), ("most", max))
            for unit in [pick(by_unit, key=lambda unit: by_unit[unit].log)]}
    effect = verdict.effect
    return {"units": len(by_unit), **ends,
            "average": effect and {**_bounds(effect), "says": says(verdict.kind, effect.log, metric)}}


def _bounds(effect):
    return dict(zip(("ratio", "low", "high"), effect.ratio()))
