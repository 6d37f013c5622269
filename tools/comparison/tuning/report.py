"""What summary.json says of tuning, out of run.json, the lines of the races, and the verdicts of the rounds that came after them."""

import itertools
import math

from .. import inference, metrics, summary, wording
from ..inference import DIFFERENT
from . import halving, race, worth


def of(run, lines, made):
    """The "tuning" of summary.json.

    lines  of tune.jsonl
    made   summary.json's content, but for this
    """
    races = [_race(run, one, lines) for one in run["races"]]
    return {"races": races, "worth": [_worth(run, made, workload["name"], [one for one in races if one["workload"] == workload["name"]],
                                             lines) for workload in run["workloads"] if any(one["workload"] == workload["name"] for one in races)]}


def _race(run, one, lines):
    chosen, stands, found, metric = race.choice(run, one, lines)
    default = one["settings"][0]
    flags = {candidate["name"]: candidate["flags"] for candidate in run["candidates"]}
    effects, fresh = halving.effects(found.values, one["settings"]), _of_last_rung(race.rungs_of(one), stands, found)

    def of_default(name):
        return None if name == default else inference.effect_of(fresh if name in stands.alive else effects, name, default)
    settings = [{"name": name, "flags": flags[name], "rounds": len(found.values[name]), **_fate(name, chosen, stands),
                 "of_default": _bounds(of_default(name))} for name in one["settings"]]
    return {"workload": one["workload"], "model": one["race"], "metric": metric, "best": chosen.best, "is_sure": chosen.is_sure,
            "known": one["known"], "refused": one["refused"], "rungs": [{"settings": rung["size"], "rounds": rung["last"] - rung["first"] + 1}
                                                                      for rung in one["rungs"]],
            "settings": settings}


def _of_last_rung(rungs, stands, found):
    """What the last rung alone says of those that came into it: in the rounds before they were chosen, and so looked better."""
    if not rungs:
        return {}
    rung = rungs[stands.rung]
    return halving.effects(halving.within(found.values, stands.alive, rung.last, rung.first), stands.alive)


def _fate(name, chosen, stands):
    """What has become of a setting, in which rung (from 1; null: it failed), and why."""
    if name in stands.left:
        rung, why = stands.left[name]
        return {"fate": halving.FAILED if rung is None else halving.LEFT, "rung": None if rung is None else rung + 1, "why": why}
    fate = halving.BEST if name == chosen.best else halving.EQUAL if name in chosen.equal else halving.FINALIST
    return {"fate": fate, "rung": stands.rung + 1, "why": None}


def _bounds(effect, alpha=inference.ALPHA):
    """How many times as good; null if it is not known."""
    if effect is None:
        return None
    if effect.error == math.inf:
        return {"median": math.exp(effect.log), "low": None, "high": None}
    return dict(zip(("median", "low", "high"), effect.ratio(alpha)))


def _spread(found):
    return found and {"factor": found.factor, "variance": found.variance, "error": found.error, "number": found.number}


def _worth(run, made, workload, races, lines):
    """What tuning is worth under a workload."""
    metric = made["ranked_by"][workload]
    effects = summary.effects_of(made["verdicts"], workload, metric, metrics.more_is_better(metric))
    winners = {one["model"]: one["best"] or one["model"] for one in races}
    kinds = {frozenset((verdict["a"], verdict["b"])): verdict["kind"] for verdict in made["verdicts"]
             if (verdict["workload"], verdict["metric"]) == (workload, metric)}
    changed = {model: name for model, name in winners.items() if name != model}
    # The largest gain is named, and it is the largest by luck, too: so the bounds hold for all of them at once.
    gains = [{"model": model, "best": name, "of_default": _bounds(inference.effect_of(effects, name, model), inference.ALPHA / len(changed)),
              "kind": kinds.get(frozenset((model, name)))} for model, name in changed.items()]
    # What has won a race by luck, or by another metric, may turn out to be worse than the default: then that is the best.
    worse = {gain["model"] for gain in gains if gain["kind"] == DIFFERENT and gain["of_default"] and gain["of_default"]["median"] < 1}
    best_of = {model: model if model in worse else name for model, name in winners.items()}
    defaults, best = (worth.spread(names, {pair: effect for pair, effect in effects.items() if set(pair) <= set(names)})
                      for names in (list(best_of), list(dict.fromkeys(best_of.values()))))
    within = worth.pooled([own for own in (_within(one, lines, metric) for one in run["races"] if one["workload"] == workload) if own])
    matters = worth.which(best, within)
    turned = [list(pair) for pair in itertools.permutations(best_of, 2) if _passes(effects, kinds, best_of, *pair)]
    found = {"workload": workload, "metric": metric, "best_of": best_of, "between_defaults": _spread(defaults), "between_best": _spread(best),
             "within": _spread(within), "matters": matters, "gains": gains, "turned": turned}
    return {**found, "sentence": sentence(found, {one["metric"] for one in races})}


def _within(one, lines, metric):
    """The worth.Spread of the settings of a model in a metric, of the rounds in which all took part."""
    if not one["rungs"]:
        return None
    found = race.read(one, [line for line in race.lines_of(one, lines) if line["round"] <= one["rungs"][0]["last"]], metric)
    names = [name for name in one["settings"] if name not in found.failures and found.values[name]]
    return worth.spread(names, halving.effects(found.values, names))


def _passes(effects, kinds, best_of, first, second):
    """Whether the first of two models is surely behind the second at their defaults, and surely ahead of it at their best."""
    def is_ahead(one, other):
        effect = inference.effect_of(effects, one, other)
        return effect is not None and effect.log > 0 and kinds.get(frozenset((one, other))) == DIFFERENT
    return is_ahead(second, first) and is_ahead(best_of[first], best_of[second])


def _factor(spread):
    return f"{spread['factor']:.2f}" if spread else "?"


_MATTERS = {worth.MODEL: "the choice of the model matters more than tuning it", worth.TUNING: "tuning matters more than the choice of the model",
            worth.OPEN: "it is open whether tuning matters more than the choice of the model"}


def sentence(found, raced_by=()):
    """How much tuning matters, in a sentence or two.

    raced_by  the metrics by which settings raced
    """
    if not found["between_best"] and not found["within"]:
        return f"{found['workload']}: nothing can be said of what tuning is worth."
    if not found["between_best"]:
        said = f"settings of a model lie a factor of {_factor(found['within'])} apart (one standard deviation)"
    else:
        within = f", and settings of one model {_factor(found['within'])}" if found["within"] else ""
        said = (f"{_MATTERS[found['matters']]}: models lie a factor of {_factor(found['between_defaults'])} apart at their defaults (one standard "
                f"deviation), {_factor(found['between_best'])} at their best{within}")
    sure = [gain for gain in found["gains"] if gain["kind"] == DIFFERENT and gain["of_default"] and gain["of_default"]["median"] > 1]
    if sure:
        most = max(sure, key=lambda gain: gain["of_default"]["median"])
        said += f". The most is gained by {most['best']}: {_percent(most['of_default'])} over its default"
    else:
        said += ". No model is surely better with other flags than its defaults"
    if set(raced_by) - {found["metric"]}:
        said += (f". The settings had raced by {wording.metric(min(set(raced_by) - {found['metric']}))}, so that others may be better by "
                 f"{wording.metric(found['metric'])}")
    for first, second in found["turned"]:
        said += f". At its best {first} is ahead of {second}, which is ahead at the defaults"
    return f"{found['workload']}: {said}."


def _percent(bounds):
    return f"{100 * (bounds['median'] - 1):.0f} % ({100 * (bounds['low'] - 1):.0f} to {100 * (bounds['high'] - 1):.0f})"
