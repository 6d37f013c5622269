"""Needs: the models of a workload that no other beats in every respect (the Pareto front over capacity, tail, cost and memory),
and one recommendation for each need, in a sentence with its reason and its bound. No program is run.

A model is *beaten* only if another is surely not worse in anything, by more than the margin, and surely better in something.
Both are said with an error rate for all pairs and respects of a workload together: in at most 5 % of runs some model is called
beaten that is not. (Not worse: one-sided tests, each with a share for each pair; no share for each respect, as all of them
have to hold. Better: inference.verdicts(), with a share for each respect.)

A model that burns a processor while idle beats only such models, and is recommended for a machine alone that has nothing else to
do.

A recommendation is a comparison with the best (see inference.near_best()): of those that are surely within the margin of the
best the simplest is named, which is the first in the server's list. If none is yet, the one with the best bound is named, with
that bound; if it is too wide, none.

Tails are compared as what they add to the time that was promised: 100 us against 150 us are half as much again, and nobody who
waits up to 10 ms notices. So the promised time is added to both, and the sums are compared.
"""

import math
from dataclasses import dataclass, field

from . import inference, wording
from .ranking import PROCESSOR_TIME

CAPACITY, TAIL, COST, MEMORY = AXES = "capacity", "tail", "cost", "memory"
# Stands in for capacity in a recommendation: as long as it is open how much of it keeps the promise, and if the load generator was
# the limit. Then its metric is processor time, unless models are ranked by throughput all the same.
THROUGHPUT = "throughput"
# A server that takes more of a processor than this while no request comes burns it.
BURNS = 0.02
# A recommendation with a wider bound than this says too little to be one.
WIDEST = 0.25

MOST, LOWEST_TAIL, LEAST_MEMORY = "most requests per machine", "lowest tail", "least memory"
ISOLATED, SIMPLEST = "clients isolated from each other", "simplest that meets your promise"


@dataclass(frozen=True)
class Axis:
    """A respect in which models are compared."""

    metric: str  # As in metrics.METRICS.
    unit: str
    more_is_better: bool

    def as_json(self):
        return {"metric": self.metric, "unit": self.unit, "more_is_better": self.more_is_better}


@dataclass(frozen=True)
class Figure:
    """A value with its interval."""

    median: float
    low: float
    high: float
    is_at_least: bool = False  # What was tried; the load generator could do no more, or the search has ended too early.

    def as_json(self):
        found = {"median": self.median, "low": self.low, "high": self.high}
        return {**found, "at_least": True} if self.is_at_least else found


@dataclass(frozen=True)
class Case:
    """What was measured of the models under a workload."""

    workload: str
    names: tuple  # In the server's order, the simplest first; those without errors alone.
    axes: dict  # axis -> Axis; without those that were not measured. THROUGHPUT is one if it may stand in for capacity.
    figures: dict  # axis -> {name: Figure}
    effects: dict  # axis -> {(a, b): inference.Effect of a over b, more being better}
    failed: dict = field(default_factory=dict)  # axis -> {name: why it has no figure that could be good}
    traits: dict = field(default_factory=dict)  # name -> what programs.models() says of the model.
    idle: dict = field(default_factory=dict)  # name -> Figure: share of a processor while no request comes.
    is_limited: bool = False  # The load generator was the limit; see ranking.py.
    margin: float = inference.MARGIN
    promise: str = None  # As promise.Promise.text.
    bound_us: float = None  # Of the promise, if it is about the percentile of the tail.
    beside_us: float = None  # The promised time to which tails were added before they were compared; None: to none.
    given_rate: float = None  # At which tail and cost were measured; None: at saturation.
    unit: str = "replies/s"  # Of throughput.

    def figure(self, axis, name):
        return self.figures.get(axis, {}).get(name)


def front(case):
    """An entry of summary.json's "fronts"."""
    by = beaten_by(case)
    models = [{"name": name, **{axis: _json(case.figure(axis, name)) for axis in AXES}, "is_on_front": not by[name],
               "beaten_by": by[name]} for name in case.names]
    return {"workload": case.workload, "axes": {axis: case.axes[axis].as_json() if axis in case.axes else None for axis in AXES},
            "given_rate": case.given_rate, "models": models, "needs": needs(case)}


def _json(figure):
    return figure.as_json() if figure else None


# Who is beaten.


def beaten_by(case):
    """{name: names of those that beat it}."""
    axes = [axis for axis in AXES if axis in case.axes and (any(effect.tells for effect in case.effects.get(axis, {}).values())
                                                            or case.failed.get(axis))]
    better = {axis: _surely_better(case, axis, inference.ALPHA / 2 / max(1, len(axes))) for axis in axes}

    def beats(a, b):
        return (any((a, b) in better[axis] for axis in axes) and not (burns(case, a) and not burns(case, b))
                and all(_is_not_worse(case, axis, a, b, inference.ALPHA / 2) for axis in axes))
    return {name: [other for other in case.names if other != name and beats(other, name)] for name in case.names}


def _surely_better(case, axis, alpha):
    """{(a, b)}: a is surely better than b."""
    effects = {pair: effect for pair, effect in case.effects.get(axis, {}).items() if set(pair) <= set(case.names)}
    said = inference.verdicts(effects, case.margin, alpha)
    found = {pair if said[pair].effect.log > 0 else pair[::-1] for pair in said if said[pair].differs}
    failed = case.failed.get(axis, {})
    return found | {(a, b) for b in failed for a in case.names if a not in failed and case.figure(axis, a)}


def _is_not_worse(case, axis, a, b, alpha):
    """Whether a is surely not worse than b by more than the margin. Of two that both failed there is nothing to say."""
    failed = case.failed.get(axis, {})
    if a in failed or b in failed:
        return b in failed
    effect = inference.effect_of(case.effects.get(axis, {}), b, a)
    if effect is None or not effect.tells:
        return False
    pairs = math.comb(len(case.names), 2)
    return bool(inference.p_not_below([effect], math.log1p(case.margin))[0] <= alpha / max(1, pairs))


# Recommendations.


@dataclass(frozen=True)
class Choice:
    """What is recommended. `bound`: surely no other is better by more than this share; infinite if nothing is known."""

    take: str
    equal: tuple  # Names, `take` among them, that are surely within the margin of the best.
    bound: float
    open: tuple = ()  # Names that may be better by more than the margin.


def choose(names, effects, margin=inference.MARGIN):
    """The Choice of some names, in the server's order, by effects of which more is better."""
    names = list(names)
    if len(names) < 2:
        return Choice(names[0] if names else None, tuple(names), 0.0 if names else math.inf)
    bounds = {name: _bounds(name, names, effects) for name in names}
    worst = {name: max(own.values()) for name, own in bounds.items()}
    equal = [name for name in names if worst[name] <= margin]
    take = equal[0] if equal else min(names, key=worst.get)
    if worst[take] > WIDEST:
        return Choice(None, (), worst[take])
    return Choice(take, tuple(equal), max(0.0, worst[take]), tuple(name for name, most in bounds[take].items() if most > margin))


def _bounds(name, names, effects):
    """{other: by how much it may be better, as a share}. One of all is the best, so that one-sided tests of the others share
    the error rate, however the name was chosen (Hsu's comparison with the best)."""
    found = {}
    for other in names:
        if other != name:
            effect = inference.effect_of(effects, other, name)
            known = effect is not None and effect.tells
            found[other] = math.expm1(min(700.0, effect.bounds(2 * inference.ALPHA / (len(names) - 1))[1])) if known else math.inf
    return found


def needs(case):
    """The entries of "needs"."""
    found = [_by_axis(case, MOST, CAPACITY), _by_axis(case, LOWEST_TAIL, TAIL), _by_axis(case, LEAST_MEMORY, MEMORY),
             _isolated(case), _simplest(case)]
    return [need for need in found if need]


def _entry(case, need, axis, choice, sentence):
    return {"need": need, "by": case.axes[axis].metric if axis in case.axes else None, "take": choice.take if choice else None,
            "equal": list(choice.equal) if choice else [], "sentence": sentence}


def burns(case, name):
    """What it burns while idle, in words; None if it does not."""
    idle = case.idle.get(name)
    return burning(idle.median if idle else None, case.traits.get(name, {}))


def burning(share, traits):
    """What a model burns while idle, in words; None if it does not. By the share of a processor that was measured or, if it was
    not (None), by the trait: a model that asks again and again has a flag for how long it sleeps between."""
    if share is not None:
        return f"it takes {100 * share:.1f} % of a processor while no request comes" if share > BURNS else None
    if "poll_interval" in traits.get("flags", ()):
        return "it asks each connection again and again, also while no request comes"
    return None


def _candidates(case, axis, names=None):
    """Those that may be recommended, and have a figure."""
    return [name for name in (case.names if names is None else names)
            if not burns(case, name) and case.figure(axis, name) and name not in case.failed.get(axis, {})]


def _axis_of_most(case):
    """Capacity or, if the load generator was the limit, what stands in for it: what the workload is ranked by or, if the search for
    the highest rate of the best has not found its end, processor time."""
    names = _candidates(case, CAPACITY)
    is_of_promise = CAPACITY in case.axes and case.axes[CAPACITY].metric == "capacity"
    best = max(names, key=lambda name: case.figure(CAPACITY, name).median, default=None)
    is_bounded = is_of_promise and best is not None and case.figure(CAPACITY, best).is_at_least
    if case.is_limited and THROUGHPUT in case.axes and (is_bounded or not is_of_promise):
        return THROUGHPUT
    return COST if CAPACITY not in case.axes or (is_bounded and COST in case.axes) else CAPACITY


def _by_axis(case, need, axis, names=None, reason=""):
    if axis == CAPACITY:
        axis = _axis_of_most(case)
    if axis == COST and axis not in case.axes:
        return _entry(case, need, axis, None, "Open: requests come at a given rate; --slo measures the highest one that keeps a promise.")
    if axis not in case.axes:
        return _entry(case, need, axis, None, f"Open: this was not measured ({_PART[axis]}).")
    able = _candidates(case, axis, names)
    if not able:
        return _entry(case, need, axis, None, "Open: no model has a figure without errors.")
    choice = choose(able, case.effects.get(axis, {}), case.margin)
    if axis == CAPACITY and choice.take is None and THROUGHPUT in case.axes:
        entry = _by_axis(case, need, THROUGHPUT, names, reason)
        return {**entry, "sentence": entry["sentence"] + f" How much of it keeps {case.promise} is still open."}
    text = _sentence(case, axis, able, choice, reason) + _why_so(case, axis) + _burner(case, axis, able, choice, names)
    return _entry(case, need, axis, choice, text)


_PART = {THROUGHPUT: "--parts=rounds", CAPACITY: "--parts=rounds or promise", TAIL: "--parts=cost", COST: "--parts=cost", MEMORY: "--parts=memory"}


def _sentence(case, axis, able, choice, reason):
    if choice.take is None:
        return (f"Open: {_join(able)} cannot be told apart closely enough yet; more rounds are needed."
                if len(able) > 1 else "Open: too few rounds.")
    figure = f"{_write(case, axis, choice.take)}{reason}"
    if len(able) == 1:
        return f"{choice.take} is the only one to choose from: {figure}."
    if len(choice.equal) > 1:
        return (f"{_join(choice.equal)} are equal: surely no model is more than {_better(case, axis, case.margin)} than any of them. "
                f"Take {choice.take}, the simplest of them: {figure}.")
    if choice.equal:
        return f"Take {choice.take}: {figure}; surely no other is more than {_better(case, axis, case.margin)}."
    return (f"Take {choice.take}: {figure}; surely no other is more than {_better(case, axis, choice.bound)}. "
            f"Not decided yet: {_join(choice.open)}.")


def _better(case, axis, share):
    """A bound in words."""
    beside = f"{_time(share * case.beside_us)} and " if axis == TAIL and case.beside_us else ""
    return f"{beside}{_percent(share)} better"


def _why_so(case, axis):
    """Why it is by this axis, and how far that goes."""
    if axis == COST and CAPACITY not in case.axes:
        return " Requests came at a rate, so this is by the processor time of a request."
    if axis == COST:
        return f" At which rate the best still keeps {case.promise} was not found out, so this is by the processor time of a request."
    if axis == THROUGHPUT and case.axes[axis].metric == PROCESSOR_TIME:
        return " The load generator was the limit, not the server, so this is by the processor time of a request."
    if axis == THROUGHPUT and case.is_limited:
        return " The load generator was the limit: these servers may do more, and differ more, than it could find out."
    if axis == TAIL and case.is_limited and not case.axes[axis].metric.startswith("given_"):
        return " The load generator was the limit, so that its own waiting is part of these times."
    return ""


def _burner(case, axis, able, choice, names):
    """A sentence on a model that is as good as the choice, or better, and burns a processor."""
    others = [name for name in (case.names if names is None else names) if burns(case, name) and case.figure(axis, name)
              and name not in case.failed.get(axis, {})]
    if choice.take is None:
        return ""
    as_good = [name for name in others if name in choose([*able, name], case.effects.get(axis, {}), case.margin).equal
               or _is_surely_better(case, axis, name, choice.take)]
    if not as_good:
        return ""
    return (f" {_join(as_good)} would do as well or better, but only on a machine that has nothing else to do: "
            f"{burns(case, as_good[0])}.")


def _is_surely_better(case, axis, a, b):
    effect = inference.effect_of(case.effects.get(axis, {}), a, b)
    return effect is not None and effect.tells and effect.bounds()[0] > 0


def is_isolated(traits):
    """Whether a crash or long work in one client's conversation harms no other's."""
    return traits.get("crash") == "one" and traits.get("long_work") == "nobody"


def _isolated(case):
    if not any(case.traits.values()):
        return None  # An old run, whose models' traits are not known.
    names = [name for name in case.names if is_isolated(case.traits.get(name, {}))]
    if not names:
        return _entry(case, ISOLATED, CAPACITY, None, "None of the models compared isolates clients: a crash while one is served "
                      "ends others' connections, or long work for one stalls others. server --model=help shows which models do.")
    entry = _by_axis(case, ISOLATED, CAPACITY, names, ", and neither a crash nor long work for one client harms another")
    if entry["take"] and case.traits[entry["take"]].get("silent") == "one of N":
        entry["sentence"] += " A silent client keeps one of its workers."
    return entry


def _simplest(case):
    if not case.promise:
        return None
    verdicts = {name: keeps(case, name) for name in case.names if not burns(case, name)}
    kept = [name for name, is_kept in verdicts.items() if is_kept]
    where = f" at {_number(case.given_rate)} requests a second" if case.given_rate else ""
    if not kept:
        unsure = [name for name, is_kept in verdicts.items() if is_kept is None]
        text = (f"Open: that {case.promise} is kept{where} is not sure of any model; {_join(unsure)} may keep it." if unsure
                else f"None: no model keeps {case.promise}{where}.")
        return _entry(case, SIMPLEST, CAPACITY, None, text)
    take = kept[0]
    others = [name for name in kept if name != take]
    text = f"{_join(kept)} surely keep{'' if others else 's'} {case.promise}{where}. "
    text += f"Take {take}, the simplest of them: " if others else f"Take {take}: "
    text += _promised(case, take)
    return _entry(case, SIMPLEST, CAPACITY, Choice(take, tuple(kept), 0.0), text + ".")


def keeps(case, name):
    """Whether it surely keeps the promise at the given rate (True), surely breaks it (False), or neither (None)."""
    tail, most = case.figure(TAIL, name), None
    if case.axes.get(CAPACITY) and case.axes[CAPACITY].metric == "capacity":
        most = case.figure(CAPACITY, name)
    if name in case.failed.get(TAIL, {}) or name in case.failed.get(CAPACITY, {}):
        return False
    said = []
    if most is not None and case.given_rate:
        said.append(True if most.low >= case.given_rate else False if most.high < case.given_rate else None)
    elif most is not None:
        said.append(True if most.low > 0 else None)
    if tail is not None and case.bound_us and case.given_rate:
        said.append(True if tail.high < case.bound_us else False if tail.low >= case.bound_us else None)
    if not said or None in said:
        return False if False in said else None
    return all(said)


def _promised(case, name):
    if case.axes.get(CAPACITY) and case.axes[CAPACITY].metric == "capacity" and case.figure(CAPACITY, name):
        figure = case.figure(CAPACITY, name)
        return f"it does so up to {_number(figure.median)} requests a second ({_number(figure.low)} to {_number(figure.high)})"
    return _write(case, TAIL, name)


# Words.


def _join(names):
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _percent(share):
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _time(value):
    """Of microseconds."""
    factor, unit = next(((factor, unit) for factor, unit in ((1e6, "s"), (1e3, "ms")) if value >= factor), (1, "us"))
    return f"{_number(value / factor)} {unit}"


def _write(case, axis, name):
    """The figure with its interval, in words."""
    figure, metric = case.figure(axis, name), case.axes[axis].metric
    at_rate = f" at {_number(case.given_rate)} a second" if case.given_rate else ""
    write, what = {
        "throughput": (_number, case.unit),
        "capacity": (_number, f"requests a second with {case.promise}"),
        "given_p99_us": (_time, f"for 99 of 100 requests{at_rate}"),
        "response_p50_us": (_time, "for half of the requests"),
        "response_p99_us": (_time, "for 99 of 100 requests"),
        "given_cpu_us": (_time, f"of processor time for a request{at_rate}"),
        PROCESSOR_TIME: (_time, "of processor time for a request"),
        "connection_bytes": (lambda value: f"{value / 1024:.1f}", "KiB for a connection"),
    }[metric]
    at_least = "at least " if figure.is_at_least else ""
    text = f"{at_least}{write(figure.median)} {what} ({write(figure.low)} to {write(figure.high)})"
    return text + (f", so {wording.per_processor(figure.median)}" if case.is_limited and metric == PROCESSOR_TIME else "")
