"""Which model to take for a workload, and why: by the rules stated here, from the measurements alone.

RULES is what the report prints; pick() is what does it, rule by rule in the same order. Nobody's taste has a part in
it, and no figure that is not in the result folder.
"""
import dataclasses
import statistics

from . import words
from .results import SLOW_ONE_IN

# A difference that is real but smaller decides nothing: what it wins is lost again by the next change of the kernel.
MATERIAL = 0.03
# Medians that lie within so much of the best look equal; farther apart, and still no real difference, they are noisy.
_NEAR = 0.1
# A doubt of figures above which the reader is told that the machine was too restless.
_LOUD = 0.2
# A 99th percentile or a time per request of fewer rounds decides nothing between models that are level.
_LEAST_ROUNDS = 5
# What runs beside a workload is mentioned where the models differ by more in how much of it they do.
_STARVED = 2

RULES = (
    "Only our own models stand for election, and only those that gave no wrong reply, broke no connection, and "
    "started, in any round. Where requests come at a given rate, a round in which it was not reached is left out; who "
    f"misses it in more than one, and in more than one of {SLOW_ONE_IN}, is out, too. Other people's servers are shown "
    "for comparison.",
    "The model with the highest median throughput leads; where requests come at a given rate, the one with the "
    "lowest 99th percentile of the response time.",
    "Level with it are all whose difference from it is not real (see the noise floor), or is less than "
    f"{words.percent(MATERIAL)}; and, where the client was the limit for the leader in at least half of the rounds, "
    "all others for which it was.",
    "Of those that are level the lowest 99th percentile of the service time decides; then the least memory per "
    "connection, own and kernel's; then the least processor time per request. Each decides only where the difference "
    f"is real and material, and times only with {_LEAST_ROUNDS} good rounds or more.",
    "Whoever is still level then is equal, and the one that the server lists first is named: the list begins with the "
    f"simplest. But where their medians are more than {words.percent(_NEAR)} apart, they are level only since the "
    "measurements are too noisy: the one with the best median is named then, as a guess.",
)


@dataclasses.dataclass(frozen=True)
class Pick:
    """The answer for one workload. `model` is None where no model qualifies; `because` then says so."""
    workload: str
    model: str
    is_guess: bool  # True where nothing but noise is between it and others.
    level: tuple        # Models that are as fast as the fastest, the model itself included.
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
        else:
            able.append(subject.name)
    if not able:
        return Pick(workload.name, None, False, (), ("No model went through this without a fault.",), (), tuple(out))
    leader = _leader(results, workload, able)
    level = [name for name in able if name == leader or _is_level(results, workload, leader, name)]
    chosen, is_guess, reasons = _decide(results, workload, level)
    because = _speed(results, workload, leader, level, able) + reasons + _beside(results, workload, chosen, able)
    return Pick(workload.name, chosen, is_guess, tuple(level), tuple(because),
                tuple(_warnings(results, workload, leader, able)), tuple(out))


def best_model(results, workload):
    """The name of the model with the best median throughput that did not fail; None where there is none."""
    able = [subject.name for subject in results.models
            if results.figure(workload, subject.name) is not None]
    return _leader(results, workload, able) if able else None


def share_of_best(results, workload, subject_name):
    """What of the best model's throughput the subject reaches (1: as much), or None where there is no figure.

    Where less is better, as for a time, it is the best one's figure over the subject's."""
    best = best_model(results, workload)
    own = results.figure(workload, subject_name)
    if best is None or own is None or own.median == 0:
        return None
    top = results.figure(workload, best)
    return own.median / top.median if workload.more_is_better else top.median / own.median


def _leader(results, workload, names):
    figure = {name: results.figure(workload, name).median for name in names}
    return (max if workload.more_is_better else min)(names, key=figure.get)


def _is_level(results, workload, leader, name):
    if not results.differs(workload.name, workload.figure, leader, name):
        return True
    if all(results.cell(workload.name, which).client_was_the_limit for which in (leader, name)):
        return True
    return share_of_best(results, workload, name) > 1 - MATERIAL


def _memory(results, _, name):
    """Own and kernel's; what is below zero is noise about zero."""
    own, kernel = results.memory_per_connection(name)
    if own is None or kernel is None:
        return None
    parts = [max(0, first) + max(0, second) for first, second in ((own.median, kernel.median), (own.low, kernel.low),
                                                                  (own.high, kernel.high))]
    return type(own)(*parts, min(own.n, kernel.n))


def _metric(metric):
    return lambda results, workload, name: results.estimate(workload.name, name, metric)


def _size_or_nothing(size):
    return words.size(size) if size else "none that stands out"


_MEASURES = (
    _Measure("the lowest 99th percentile", _metric("service_p99_us"), words.time, "service_p99_us", _LEAST_ROUNDS),
    _Measure("the least memory per connection", _memory, _size_or_nothing, None),
    _Measure("the least processor time per request", _metric("cpu_us_per_request"), words.time, "cpu_us_per_request",
             _LEAST_ROUNDS),
)


def _decide(results, workload, level):
    """(model, whether it is a guess, sentences): narrows `level` down, measure by measure."""
    reasons = []
    left = list(level)
    for measure in _MEASURES:
        values = {name: measure.of(results, workload, name) for name in left}
        if len(left) == 1 or any(value is None or value.n < measure.least for value in values.values()):
            continue
        best = min(left, key=lambda name: values[name].median)
        stay = [name for name in left if name == best or not _is_worse(results, workload, measure, values, best, name)]
        if len(stay) < len(left):
            worst = max(left, key=lambda name: values[name].median)
            whose = "it has" if len(stay) == 1 else f"{words.some(stay)} have"
            reasons.append(f"Of these {whose} {measure.phrase}: {measure.write(values[best].median)} "
                           f"({worst}: {measure.write(values[worst].median)}).")
            left = stay
    if len(left) == 1:
        return left[0], False, reasons
    shares = {name: share_of_best(results, workload, name) for name in left}
    best = max(left, key=shares.get)
    if min(shares.values()) < (1 - _NEAR) * shares[best]:
        reasons.append(f"The measurements are too noisy to tell {words.some(left)} apart: {best}, which has the best "
                       "median of them, is a guess.")
        return best, True, reasons
    reasons.append(f"{words.some(left)} are level in this, too; {left[0]} is the first in the server's list.")
    return left[0], False, reasons


def _is_worse(results, workload, measure, values, best, name):
    if values[name].median * (1 - MATERIAL) <= values[best].median:
        return False
    if measure.metric is not None:
        return results.differs(workload.name, measure.metric, best, name)
    return values[name].low > values[best].high


def _speed(results, workload, leader, level, able):
    """Sentences on throughput: the figure, who shares it, and how far the others are behind."""
    figure = workload.write(results.figure(workload, leader).median)
    behind = [name for name in able if name not in level]
    if len(level) == 1:
        text = f"It is {'the quickest to respond' if workload.is_paced else 'the fastest'}: {figure}"
    else:
        who = f"all {len(able)} models" if len(level) == len(able) > 2 else words.some(level)
        text = f"Between {who} no difference was found that counts; the best median is {leader}'s, {figure}"
    if not behind:
        return [text + "."]
    shares = {name: share_of_best(results, workload, name) for name in behind}
    first, last = max(behind, key=shares.get), min(behind, key=shares.get)
    how = "times as long" if workload.is_paced else "of that"
    share = (lambda name: 1 / shares[name]) if workload.is_paced else shares.get
    text += f"; next is {first} with {words.ratio(share(first))} {how}"
    if last != first:
        text += f", last {last} with {words.ratio(share(last))}"
    return [text + "."]


def _beside(results, workload, chosen, able):
    """A sentence on what the chosen one did of the load that ran beside the workload, where another one did much more
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
    if results.cell(workload.name, leader).client_was_the_limit:
        warnings.append("The client was the limit, not the server: the fastest models may be faster than shown.")
    floor = results.noise_floor(workload.name, workload.figure)
    doubt = max(floor or 0, _usual_doubt(results, workload))
    if floor is None:
        warnings.append("No model was measured against itself here: small differences may be noise.")
    elif doubt > _LOUD:
        warnings.append(f"The figures are good to {words.percent(doubt)}: measure for longer, or on a quieter machine, "
                        "to tell more apart.")
    if results.figure(workload, leader).n < 5:
        warnings.append(f"Only {results.figure(workload, leader).n} rounds: the intervals are rough.")
    slow = [name for name in able if results.cell(workload.name, name).rounds_too_slow]
    if slow:
        warnings.append(f"Rounds of {words.some(slow)} in which the rate was not reached are not counted.")
    return warnings
