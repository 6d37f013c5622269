"""Which model to take for a workload, and why: by the rules stated here, from the measurements alone.

RULES is what the report prints; pick() does it, rule by rule in the same order. Only figures of the result folder
decide.
"""
import dataclasses
import math
import statistics

from comparison import inference, needs, ranking

from . import words
from .results import SLOW_ONE_IN

# A spread of figures above which the report warns that the machine was too restless.
_LOUD = 0.2
# A 99th percentile or a time per request of fewer rounds decides nothing between models that are equal.
_LEAST_ROUNDS = 5
# What runs beside a workload is mentioned if the models differ by more in how much of it they do.
_STARVED = 2

RULES = (
    "Only our own models are candidates, and only those that gave no wrong reply, broke no connection, and started, in all "
    "rounds. If requests come at a given rate, a round that does not reach it counts with the times that it had; a model that "
    f"misses it in more than one round, and in more than one of {SLOW_ONE_IN}, is out. A model that takes a processor while no "
    "request comes is for a machine that has nothing else to do, and is out, too. Reference servers are shown for comparison.",
    "Models are compared by throughput; if requests come at a given rate, by the median response time (--by=tail: the 99th "
    "percentile). A model is equal to the best if surely no other is better by more than the margin "
    f"({words.percent(inference.MARGIN)} unless --margin was given): a comparison with the best, which is wrong in at most one of twenty runs.",
    "If the load generator was the limit for the best by throughput in at least half of its rounds, models are compared by processor "
    "time for a request instead, because throughput is the load generator's then. --by=throughput keeps throughput, and so does a "
    "workload of which no processor time is known (beside another load); a warning says so.",
    "If there is no such model yet, the one of which it is surest is named, with the share by which another may still be better: "
    "surely none is by more. Nothing else decides. If that share is above "
    f"{words.percent(needs.WIDEST)}, the one with the best figures is named with a \"perhaps\", and with the number of rounds that would "
    "make it sure.",
    "Among equal models the lowest 99th percentile of the service time decides, unless the load generator was the limit, whose own "
    "waiting is part of that; then the least memory per connection, own and kernel's; then the least processor time per request. "
    "Each decides only if the two are called different or, for memory, if the intervals do not meet; and times only with "
    f"{_LEAST_ROUNDS} rounds or more.",
    "Models that are still left are equal in all of these, too, and the one that the server lists first is named: the list "
    "begins with the simplest.",
    "By need, models are compared with the best in one respect, by the same margin. A tail is compared as what it adds to the time that "
    "--slo promises: 150 µs are half as much again as 100 µs, but of somebody who was promised 10 ms they take half a percent more.",
)


_SUPERLATIVES = {"throughput": "the fastest", "response_p50_us": "the quickest to respond",
                 "response_p99_us": "the one with the lowest tail", "given_cpu_us": "the cheapest",
                 "cpu_us_per_request": "the cheapest", "fairness": "the fairest"}


@dataclasses.dataclass(frozen=True)
class Pick:
    """The answer for one workload. `model` is None if no model qualifies; `because` then says so."""
    workload: str
    model: str
    is_guess: bool  # True if it is open which one is the best, and by how much others may be better.
    level: tuple        # Models that are equal to it or, of a guess, not told apart from it; the model itself included.
    bound: float        # Surely no model is better by more than this share, and those of `level` may be by more than the margin; 0: none.
    because: tuple      # Sentences, the weightiest first.
    warnings: tuple     # What to doubt, in sentences.
    out_of_question: tuple  # (model, why) of those that failed.


@dataclasses.dataclass(frozen=True)
class _Measure:
    """Something by which models that are level are told apart; less is better."""
    phrase: str
    of: object      # (results, workload, subject) -> Estimate or None
    write: object   # float -> str
    metric: str     # The name under which differences were judged; none of its own: None.
    of_server: bool = True  # Also if the load generator was the limit.
    least: int = 0  # Estimates of fewer rounds are not used.


def pick(results, workload):
    """The Pick for the Workload, by RULES."""
    able, out = [], []
    for subject in results.models:
        cell = results.cell(workload.name, subject.name)
        if cell is None:
            continue
        if cell.failed or results.figure(workload, subject.name) is None:
            reasons = results.failures(workload.name, subject.name)
            out.append((subject.name, reasons[0] if reasons else "it gave no figures"))
        elif results.burns(subject.name):
            out.append((subject.name, results.burns(subject.name) + ": for a machine that has nothing else to do"))
        else:
            able.append(subject.name)
    if not able:
        return Pick(workload.name, None, False, (), 0.0, ("No model that may be taken went through this without a fault.",), (), tuple(out))
    leader = _leader(results, workload, able)
    level, bound, is_guess = _equal_to_best(results, workload, able), 0.0, False
    choice = needs.choose(able, results.effects(workload), results.margin)
    if level:
        chosen, reasons = _decide(results, workload, level)
        reasons = _speed(results, workload, leader, level, able) + reasons
    elif choice.take:
        chosen, bound, level = choice.take, max(choice.bound, results.margin), [choice.take, *choice.open]
        reasons = _bounded(results, workload, choice, bound)
    else:
        chosen, is_guess, level = leader, True, _not_told_apart(results, workload, leader, able)
        reasons = _guess(results, workload, leader, able)
    because = reasons + _beside(results, workload, chosen, able)
    return Pick(workload.name, chosen, is_guess, tuple(level), bound, tuple(because),
                tuple(_warnings(results, workload, leader, able)), tuple(out))


def best_model(results, workload):
    """The name of the model with the best figures that did not fail; None if there is none."""
    able = [subject.name for subject in results.models
            if results.figure(workload, subject.name) is not None]
    return _leader(results, workload, able) if able else None


def share_of_best(results, workload, subject_name):
    """What of the best model's figure the subject reaches, as an inference.Share (1: as much), or None if there is no
    figure. If less is better, as for a time, it is the best one's figure over the subject's."""
    able = [subject.name for subject in results.models if results.figure(workload, subject.name) is not None]
    if not able or results.figure(workload, subject_name) is None:
        return None
    names = able if subject_name in able else [*able, subject_name]
    if len(names) == 1:
        return inference.Share(1.0, 1.0, 1.0)
    found = inference.shares(names, results.effects(workload),
                             lambda a, b: results.differs(workload.name, workload.figure, a, b))
    if subject_name in able or subject_name not in found:
        return found.get(subject_name)
    return _against_best_model(results, workload, subject_name, able)


def _against_best_model(results, workload, peer, able):
    """Another server may be better than the best model."""
    effect = inference.effect_of(results.effects(workload), peer, _leader(results, workload, able))
    return None if effect is None or effect.error == math.inf else inference.Share(*effect.ratio())


def _leader(results, workload, names):
    """By the comparisons of all with each other in each round; by the figures if there are none."""
    level = inference.levels(names, results.effects(workload)) if len(names) > 1 else {}
    if len(level) == len(names) > 1:
        return max(names, key=level.get)
    figure = {name: results.figure(workload, name).median for name in names}
    return (max if workload.more_is_better else min)(names, key=figure.get)


def _equal_to_best(results, workload, able):
    """In the server's order; see RULES."""
    near = results.near_best(workload, able)
    return [name for name in able if name in near]


def _not_told_apart(results, workload, leader, able):
    return [name for name in able if not results.differs(workload.name, workload.figure, leader, name)]


def _bounded(results, workload, choice, bound):
    """How far it is sure, and of which it is not."""
    text = (f"surely no model is more than {words.percent(bound)} better than {choice.take}, which has "
            f"{workload.tell(results.figure(workload, choice.take).median)}")
    return [_by(workload, text + (f"; whether {words.some(choice.open)} is better by less is open" if len(choice.open) == 1 else
                                  f"; which of {words.some(choice.open)} are better by less is open" if choice.open else "")) + "."]


def _guess(results, workload, leader, able):
    """Why it is one, and what would make it sure."""
    others = [name for name in _not_told_apart(results, workload, leader, able) if name != leader]
    figure = workload.tell(results.figure(workload, leader).median)
    text = f"it is open which model is the best: {leader} has the best figures ({figure})"
    text += f", and is not told apart from {words.some(others)}" if others else ""
    needed = inference.rounds_to_be_near_best(leader, able, results.effects(workload), results.margin)
    if needed:
        text += f"; about {words.number(needed)} rounds would make it sure"
    return [_by(workload, text) + "."]


def _by(workload, text):
    """A sentence on the figure that ranks; it says so if that is not the usual one."""
    if not workload.is_instead:
        return text[0].upper() + text[1:]
    by = ranking.BY_PROCESSOR_TIME
    return f"{by[0].upper() + by[1:]}: {text}"


def _memory(results, _, name):
    """Own and kernel's. What is below zero is noise, and is kept: cut off, it would make a part of noise the least."""
    own, kernel = results.memory_per_connection(name)
    if own is None or kernel is None:
        return None
    return type(own)(own.median + kernel.median, own.low + kernel.low, own.high + kernel.high, min(own.n, kernel.n))


def _metric(metric):
    return lambda results, workload, name: results.estimate(workload.name, name, metric)


_MEASURES = (
    _Measure("the lowest 99th percentile", _metric("service_p99_us"), words.time, "service_p99_us", False, _LEAST_ROUNDS),
    _Measure("the least memory per connection", _memory, words.size, None),
    _Measure("the least processor time per request", _metric("cpu_us_per_request"), words.time, "cpu_us_per_request", True,
             _LEAST_ROUNDS),
)


def _decide(results, workload, level):
    """(model, sentences): narrows `level` down, measure by measure."""
    reasons = []
    left = list(level)
    is_limited = results.client_was_the_limit(workload)
    for measure in (one for one in _MEASURES if one.of_server or not is_limited):
        values = {name: measure.of(results, workload, name) for name in left}
        if len(left) == 1 or any(value is None or value.n < measure.least for value in values.values()):
            continue
        stay = [name for name in left
                if not any(_is_worse(results, workload, measure, values, other, name) for other in left)]
        if len(stay) < len(left):
            best = min(stay, key=lambda name: values[name].high)
            worst = max(left, key=lambda name: values[name].median)
            whose = "it has" if len(stay) == 1 else f"{words.some(stay)} have"
            reasons.append(f"Of these {whose} {measure.phrase}: {words.within(values[best], measure.write)} "
                           f"({worst}: {words.within(values[worst], measure.write)}).")
            left = stay
    if len(left) > 1:
        reasons.append(f"{words.some(left)} are not told apart in anything else; {left[0]} is the first in the server's list.")
    return left[0], reasons


def _is_worse(results, workload, measure, values, other, name):
    """Whether the name is surely worse than the other one."""
    if values[other].median >= values[name].median:
        return False
    if measure.metric is not None:
        return results.differs(workload.name, measure.metric, other, name)
    return values[name].low > values[other].high


def _speed(results, workload, leader, level, able):
    """A sentence on the figure that ranks, which models share it, and how far the others are behind."""
    figure = workload.tell(results.figure(workload, leader).median)
    behind = [name for name in able if name not in level]
    if len(level) == 1:
        text = _alone(results, workload, leader, able) + figure
    else:
        who = f"all {len(able)} models" if len(level) == len(able) > 2 else words.some(level)
        text = (f"{who} are equal: surely no model is more than {words.percent(results.margin)} better than any of them; the best figure "
                f"is {leader}'s, {figure}")
    text = _by(workload, text)
    if not behind:
        return [text + "."]
    shares = {name: share_of_best(results, workload, name).middle for name in behind}
    first, last = max(behind, key=shares.get), min(behind, key=shares.get)
    how = "of that" if workload.more_is_better else "times as much"
    if workload.is_paced and not workload.more_is_better:
        how = "times as long"
    share = shares.get if workload.more_is_better else (lambda name: 1 / shares[name])
    text += f"; next is {first} with {words.ratio(share(first))} {how}"
    if last != first:
        text += f", last {last} with {words.ratio(share(last))}"
    return [text + "."]


def _alone(results, workload, leader, able):
    """What is sure of one that is equal to the best while no other is."""
    if len(_not_told_apart(results, workload, leader, able)) == 1:
        return f"it is {_SUPERLATIVES.get(workload.figure, 'the best')}: "
    return f"it is the best, or surely no model is more than {words.percent(results.margin)} better: "


def _beside(results, workload, chosen, able):
    """A sentence on what the chosen one did of the load that ran beside the workload, if another one did much more
    of it, or much less."""
    found = {name: results.estimate(workload.name, name, "beside_per_second") for name in able}
    rates = {name: value.median for name, value in found.items() if value is not None}
    if chosen not in rates:
        return []
    own, most, least = rates[chosen], max(rates, key=rates.get), min(rates, key=rates.get)
    if rates[most] > _STARVED * own:
        extreme, name = "most", most
    elif own > _STARVED * rates[least]:
        extreme, name = "least", least
    else:
        return []
    return [f"Beside it, it did {words.number(own)} of the other requests a second; the {extreme} did {name}: "
            f"{words.number(rates[name])}."]


def _usual_doubt(results, workload):
    """Half of the models' intervals, as a share of their figures: the median of all."""
    figures = [results.figure(workload, subject.name) for subject in results.models]
    return statistics.median([(figure.high - figure.low) / 2 / figure.median for figure in figures
                              if figure is not None and figure.median] or [0])


def _warnings(results, workload, leader, able):
    warnings = []
    if results.is_at_least(workload, leader):
        warnings.append("The client was the limit, not the server: the fastest models may be faster than shown, and differ more.")
    twins = [twin["a"] for twin in results.twins(workload.name, workload.figure) if twin["differs"]]
    if twins:
        warnings.append(f"Measured twice, {words.names(twins)} differed from itself: differences may be the instrument's.")
    doubt = _usual_doubt(results, workload)
    if doubt > _LOUD:
        warnings.append(f"The figures are good to {words.percent(doubt)}: measure for longer, or on a quieter machine, "
                        "to tell more apart.")
    if results.figure(workload, leader).n < 5:
        warnings.append(f"Only {results.figure(workload, leader).n} rounds: little can be told apart.")
    slow = [name for name in able if results.cell(workload.name, name).rounds_too_slow]
    if slow:
        warnings.append(f"In some rounds of {words.some(slow)} the rate was not reached; they count with the times they had.")
    return warnings
