"""Races as steps of a plan: each is of the settings of one model under one workload, measured in turns as all rounds are, and kept as
lines of tune.jsonl. Who takes part in a round depends only on the lines before it, so that a run that is resumed decides the same.
"""

import dataclasses
import statistics
from dataclasses import dataclass

from .. import metrics, plan, ranking, store, subjects, summary
from ..order import rounds as orders_of
from . import flags, halving, settings

# Of the time of a run; the rest is for the best beside the best.
SHARE = 0.5
MOST = 16  # Settings of a model, unless --candidates says otherwise.
# So many settings a race has at least, if the model has as many: with fewer there would be nothing to choose from.
_LEAST = 4


class TuningError(Exception):
    """There can be no races. The text says what to do."""


@dataclass(frozen=True)
class Race:
    model: subjects.Model
    workload: object  # workloads.Workload
    settings: settings.Settings
    rungs: list  # halving.Rung; none if there is nothing to choose from.

    def steps(self, scene, seed, duration_s):
        """The plan.Steps, each a round."""
        turns, seconds = plan.turns_of(self.workload, duration_s)
        raced = self.settings.tried
        orders = orders_of(raced, self.rungs[-1].last * turns if self.rungs else 0, f"{seed}/{self.model.name}/{self.workload.name}")
        for rung in self.rungs:
            for number in range(rung.first, rung.last + 1):
                own = orders[(number - 1) * turns:number * turns]

                def run(names, number=number, own=own):
                    lines = plan.measure_round(scene, self.workload, seconds, seed + number,
                                               [[one for one in turn if one.name in names] for turn in own])
                    return [_without_histograms(line) for line in lines]
                yield plan.Step(store.TUNE, (("race", self.model.name), ("workload", self.workload.name), ("round", number)),
                                plan.round_s_of(rung.most, self.workload, duration_s),
                                f"round {number} of {self.rungs[-1].last}: settings of {self.model.name}, {self.workload.name}", run,
                                tuple(one.name for one in raced))

    def describe(self):
        """What run.json says of it."""
        return {"race": self.model.name, "workload": self.workload.name, "settings": [one.name for one in self.settings.tried],
                "known": self.settings.known, "refused": [{"name": name, "why": why} for name, why in self.settings.refused],
                "rungs": [dataclasses.asdict(rung) for rung in self.rungs]}


def _without_histograms(line):
    """They are most of a line, and no race looks at them."""
    if not line["load"]:
        return line
    load = {name: {key: own for key, own in part.items() if key != "histogram"} if name in ("service_ns", "response_ns") else part
            for name, part in line["load"].items()}
    return {**line, "load": load}


def make(scene, minutes, duration_s, most, seed):
    """The Races of all models of ours, of a plan.Scene. Raises TuningError if they do not fit into the time."""
    pairs = [(model, workload) for model, workload in plan.pairs(scene)[0] if isinstance(model, subjects.Model) and model.kind == "model"]
    if not pairs:
        raise TuningError("--tune: there is no model to tune")
    affordable_s = 60 * minutes * SHARE / len(pairs)
    described = {server: flags.ask(server) for server in {model.server for model, _ in pairs}}
    found = []
    for model, workload in pairs:
        setting = scene.setting_for(workload)
        each_s = plan.round_s_of(1, workload, duration_s)
        measurements = affordable_s / each_s
        facts = settings.facts_of(model, setting, workload)
        known = 1 + len(settings.singles(model, described[model.server], facts))
        least = halving.measurements(halving.ladder(min(known, most, _LEAST), halving.FIRST_ROUNDS))
        if known > 1 and measurements < least:
            raise TuningError(f"--tune: {minutes:g} minutes are too short for the races of {len(pairs)} models and workloads: name fewer of "
                              f"them, or give --minutes={_whole(least * each_s * len(pairs) / SHARE / 60)}")
        number, _ = halving.fit(most, measurements)
        tried = settings.choose(model, described[model.server], facts, number, seed, settings.checker(setting))
        found.append(Race(model, workload, tried, halving.fit(len(tried.tried), measurements)[1]))
    return found


def _whole(minutes):
    return int(minutes) + 1


def steps(races, scene, seed, duration_s):
    """Those of all races, round by round: a bad minute of the machine is one for all of them."""
    found = [step for race in races for step in race.steps(scene, seed, duration_s)]
    return sorted(found, key=lambda step: dict(step.key)["round"])


def best_subjects(races, run, lines):
    """The settings that won and are no default, as subjects: each is measured only under the workloads under which it is the best."""
    found, defaults = {}, {race.model.name for race in races}
    for race in races:
        best = choice(run, _described(run, race), lines)[0].best
        if best is None or best in defaults:
            continue
        won = next(one for one in race.settings.tried if one.name == best)
        only = found[best].only if best in found else ()
        found[best] = dataclasses.replace(won, only=(*only, race.workload.name))
    return list(found.values())


def _described(run, race):
    return next(one for one in run["races"] if (one["race"], one["workload"]) == (race.model.name, race.workload.name))


def lines_of(race, lines):
    """Those of one race of run.json."""
    return [line for line in lines if (line["race"], line["workload"]) == (race["race"], race["workload"])]


@dataclass(frozen=True)
class Found:
    """What the lines of a race say, for halving.py."""

    values: dict  # {name: {round: value}}, more being better
    failures: dict  # {name: (round, why)}
    done: int  # Rounds.


def metric_of(run, workload, lines):
    """The metric of all races under a workload's name, by ranking.py's rule: that of the race that has the highest throughput. It is
    decided by the rounds in which all settings took part, and stays, so that all rungs are about the same.

    lines  of tune.jsonl, of all races
    """
    described = next(one for one in run["workloads"] if one["name"] == workload)
    races = [one for one in run["races"] if one["workload"] == workload and one["rungs"]]
    last = min((one["rungs"][0]["last"] for one in races), default=0)
    found = []
    for one in races:
        rounds = summary.Rounds(line for line in lines_of(one, lines) if line["round"] <= last)
        rates = [rounds.values(name, workload, ranking.THROUGHPUT) for name in one["settings"]
                 if not metrics.is_faulty(rounds.of(name, workload))]
        most = max((statistics.median(own.values()) for own in rates if own), default=0.0)
        found.append((most, ranking.of(described, [{"name": name, "kind": "model"} for name in one["settings"]], rounds).metric))
    return max(found, key=lambda pair: pair[0])[1] if found else described.get("ranked_by", ranking.THROUGHPUT)


def read(race, lines, metric):
    """Found, of the lines of this race."""
    rounds = summary.Rounds(lines)
    is_more = metrics.more_is_better(metric)
    values, failures = {}, {}
    for name in race["settings"]:
        own = rounds.values(name, race["workload"], metric)
        values[name] = {number: value if is_more else 1 / value for number, value in own.items() if value > 0}
    for line in lines:
        if not metrics.counts(line) and line["subject"] not in failures:
            failures[line["subject"]] = (line["round"], line["failed"])
    return Found(values, failures, max((line["round"] for line in lines), default=0))


def rungs_of(race):
    return [halving.Rung(**rung) for rung in race["rungs"]]


def standing(run, race, lines, done=None):
    """(halving.Standing, Found, metric) of a race of run.json, after so many rounds; after all that there are, if none is given.

    lines  of tune.jsonl, of all races
    """
    own = [line for line in lines_of(race, lines) if done is None or line["round"] <= done]
    metric = metric_of(run, race["workload"], lines)
    found = read(race, own, metric)
    at = found.done if done is None else done
    return halving.stand(rungs_of(race), race["settings"], race["settings"][0], found.values, found.failures, at), found, metric


def choice(run, race, lines):
    """(halving.Choice, halving.Standing, Found, metric) of a race that is over."""
    stands, found, metric = standing(run, race, lines)
    described = {one["name"]: len(one["flags"]) for one in run["candidates"]}
    return (halving.choose(stands, rungs_of(race), race["settings"][0], found.values, described, run.get("margin", 0.03)), stands, found, metric)


class Watch:
    """Who is still in the races; see runner.run(). To be asked in the order of the steps."""

    def __init__(self, run, folder):
        self._run, self._folder = run, folder
        self._races = {(race["race"], race["workload"]): race for race in run["races"]}

    def wanted(self, step):
        key = dict(step.key)
        stands, *_ = standing(self._run, self._races[key["race"], key["workload"]], self._folder.lines(store.TUNE), key["round"] - 1)
        return () if stands.is_over else tuple(name for name in step.subjects if name in stands.alive)
