"""Pooling: the verdicts and recommendations of several machines, counted. No file is read.

The unit is the machine: several runs of one machine are one voice, since machines differ from each other by far more than the runs
of one do. Only if all runs are of one machine, the runs are the units. How far apart a pair is: ratios.py.
"""

import itertools
import math
from collections import Counter
from dataclasses import asdict, dataclass

from .. import inference
from . import facts, ratios
from .ratios import EQUAL, FIRST, OPEN, SECOND
from .results import Machine

SCHEMA = 2  # Of merged.json.
MIXED = "mixed"  # Besides what ratios.says() gives: the runs of a unit disagree.
SAYS = (FIRST, EQUAL, SECOND, MIXED, OPEN)
# What all of them together say: all have decided, alike; those that have decided did so alike, others are open; one is better on some
# and worse on others; one is better on some and equal on others; a single unit has decided; none has.
HOLDS, AGREES, FLIPS, PARTLY, SINGLE, NONE = OUTCOMES = "holds", "agrees", "flips", "partly", "single", "open"


@dataclass(frozen=True)
class _Vote:
    """What one result says of a pair."""

    unit: str
    says: str
    effect: inference.Effect  # Of the figure of the first over that of the second; None: not known.
    facts: dict


def pool(machines, left_out=(), remarks=()):
    """merged.json's content.

    machines   results.Machine; two of them, or one with two results, at least
    left_out   {"result", "why"} of what was given and does not count
    remarks    sentences to go with it
    """
    units = _units(machines)
    workloads = _workloads(units)
    pairs = _pairs(_votes(units, workloads), machines[0].results[0].summary["margin"])
    merged = {(pair["workload"], pair["metric"]) for pair in pairs}
    # Of verdicts that are shown: one for each result, workload, and metric that ranks it anywhere.
    tables = sum(len(unit.results) for workload in workloads for metric in workload["ranked_by"]
                 if (workload["name"], metric) in merged for unit in units if unit.name in workload["on"])
    return {"schema": SCHEMA, "unit": "machine" if len(machines) > 1 else "run",
            "margin": machines[0].results[0].summary["margin"], "confidence": inference.CONFIDENCE,
            "machines": [{"name": machine.name, "runs": [_run(result) for result in machine.results]} for machine in machines],
            "left_out": list(left_out), "remarks": [*remarks, *_remarks(units, workloads)], "tables": tables,
            "subjects": _subjects(units),
            "workloads": [{name: value for name, value in workload.items() if name != "key"} for workload in workloads],
            "pairs": pairs, "needs": _needs(units, workloads)}


def _units(machines):
    return machines if len(machines) > 1 else [Machine(result.name, (result,)) for result in machines[0].results]


def has_common(machines):
    """Whether anything was measured twice: a subject under a workload, on two units."""
    units = _units(machines)
    workloads, on = _workloads(units), {}
    for unit, result in _results(units):
        for workload, subject in itertools.product(_names_of(workloads, result).values(), result.run["subjects"]):
            if subject["kind"] != "aa":
                on.setdefault((workload, subject["name"]), set()).add(unit.name)
    return any(len(names) > 1 for names in on.values())


def _subjects(units):
    """Those that are compared, once each."""
    found = {}
    for _, result in _results(units):
        for subject in result.run["subjects"]:
            if subject["kind"] != "aa":
                found.setdefault(subject["name"], {name: subject[name] for name in ("name", "kind", "model")})
    return list(found.values())


def _run(result):
    run = result.run
    return {"name": result.name, "started": run["started"], "facts": result.facts(), "doubts": _doubts(result)}


def _doubts(result):
    """Why a run should be trusted less, in sentences."""
    run, ranked = result.run, result.summary["ranked_by"]
    found = [f"unfair: {violation}" for violation in (run.get("fairness") or {}).get("violations", ())]
    if not run.get("complete"):
        found.append("it was broken off")
    if (run.get("git") or {}).get("dirty"):
        found.append("its sources had changes that the revision does not hold")
    twins = [twin for twin in result.summary["twins"] if twin["differs"] and ranked.get(twin["workload"]) == twin["metric"]]
    return found + [f"under {twin['workload']}, {twin['a']} differs from itself" for twin in twins]


# Workloads.


def _parameters(run, workload):
    """What two workloads have to have in common to be the same one."""
    replay = run.get("replay") or {}
    flags = tuple(flag for flag in workload["load_flags"] if not flag.startswith("--schedule="))  # Of which the path is in there.
    return {"name": workload["name"], "service": workload["service"], "load_flags": flags, "network": run.get("network"),
            "schedule": replay.get("schedule_sha256") if len(flags) < len(workload["load_flags"]) else None,
            "promise": run.get("promise"), "limits": (run.get("limits") or {}).get("title")}


def _workloads(units):
    """One for each set of parameters; those of one name are numbered, and not compared with each other."""
    found, numbers = {}, Counter()
    for unit, result in _results(units):
        for workload in result.run["workloads"]:
            parameters = _parameters(result.run, workload)
            key = tuple(parameters.values())
            if key not in found:
                numbers[workload["name"]] += 1
                number = numbers[workload["name"]]
                found[key] = {**parameters, "key": key, "load_flags": list(parameters["load_flags"]),
                              "title": _title(workload["title"], parameters),
                              "name": workload["name"] if number == 1 else f"{workload['name']} ({number})", "on": [], "ranked_by": {}}
            own = found[key]
            metric = result.summary["ranked_by"].get(workload["name"])
            for names in (own["on"], *([own["ranked_by"].setdefault(metric, [])] if metric else [])):
                if unit.name not in names:
                    names.append(unit.name)
    for workload in found.values():
        workload["ranked_by"] = dict(sorted(workload["ranked_by"].items(), key=lambda item: -len(item[1])))
    return list(found.values())


def _title(title, parameters):
    """With what a reader of the figures has to know."""
    network, within = parameters["network"], parameters["limits"]
    return title + (f"; {network}" if network else "") + (f"; each server within {within}" if within else "")


def _results(units):
    return ((unit, result) for unit in units for result in unit.results)


def _names_of(workloads, result):
    """{name of a workload in a result: its name here}."""
    by_key = {workload["key"]: workload["name"] for workload in workloads}
    return {workload["name"]: by_key[tuple(_parameters(result.run, workload).values())] for workload in result.run["workloads"]}


# Pairs.


def _votes(units, workloads):
    """(workload, metric, first, second) -> [_Vote]. A pair has the order in which it came first."""
    found = {}
    for unit, result in _results(units):
        own_facts, names, limited = result.facts(), _names_of(workloads, result), ratios.limited(result.summary)
        for verdict in result.summary["verdicts"]:
            if verdict["workload"] not in names:
                continue
            key = (names[verdict["workload"]], verdict["metric"], verdict["a"], verdict["b"])
            log, effect = _log(verdict), ratios.of_servers(verdict, limited)
            if (*key[:2], *key[:1:-1]) in found:
                key, log, effect = (*key[:2], *key[:1:-1]), log and -log, effect and effect.reversed()
            found.setdefault(key, []).append(_Vote(unit.name, ratios.says(verdict["kind"], log, verdict["metric"]), effect, own_facts))
    return found


def _log(verdict):
    """Of the ratio; None: not known. A published run has its logarithm alone, an older one the ratio alone."""
    return verdict["log"] if "log" in verdict else math.log(verdict["ratio"]) if verdict.get("ratio") else None


def together(says):
    """What a unit says whose results say these: what is open does not count, if another one has decided."""
    decided = set(says) - {OPEN}
    return OPEN if not decided else MIXED if len(decided) > 1 else decided.pop()


def outcome(by_unit, decided):
    """One of OUTCOMES.

    by_unit  what each unit says
    decided  what any result says, but for OPEN
    """
    voices = [says for says in by_unit if says != OPEN]
    if not voices:
        return NONE
    if {FIRST, SECOND} <= decided:
        return FLIPS
    if len(decided) > 1:
        return PARTLY
    return SINGLE if len(voices) == 1 else HOLDS if len(voices) == len(by_unit) else AGREES


def _pairs(votes, margin):
    """Those of which two units say anything."""
    votes = {key: own for key, own in votes.items() if len({vote.unit for vote in own}) > 1}
    found = ratios.of_tables({key: _effects(own) for key, own in votes.items()}, margin)
    return [_pair(key, own, found[key]) for key, own in votes.items()]


def _effects(votes):
    """{unit: Effect}, of the units that have one; of several results of a unit, their average."""
    found = {}
    for vote in votes:
        if vote.effect:
            found.setdefault(vote.unit, []).append(vote.effect)
    return {unit: ratios.average(own) for unit, own in found.items()}


def _pair(key, votes, ratio):
    workload, metric, first, second = key
    of_units = {}
    for vote in votes:
        of_units.setdefault(vote.unit, []).append(vote.says)
    by_unit = {unit: together(says) for unit, says in of_units.items()}
    decided = {vote.says for vote in votes} - {OPEN}
    said = outcome(list(by_unit.values()), decided)
    return {"workload": workload, "metric": metric, "first": first, "second": second, "outcome": said, "units": len(by_unit),
            "on": {says: [unit for unit, own in by_unit.items() if own == says] for says in SAYS},
            "ratio": ratio, "leads": _leads(votes) if said in (FLIPS, PARTLY) else []}


def _leads(votes):
    """What tells apart those that decided in one way and in the other; of the same machine with the same facts, once."""
    sides = [says for says in (FIRST, SECOND, EQUAL) if any(vote.says == says for vote in votes)]
    if len(sides) != 2:
        return []  # Of three ways, no fact divides in two.
    groups = []
    for side in sides:
        known = {(vote.unit, repr(vote.facts)): vote.facts for vote in votes if vote.says == side}
        groups.append(known)
    if groups[0].keys() & groups[1].keys():
        return []  # The same machine has decided both ways.
    return [{**asdict(lead), "sides": sides} for lead in facts.leads(*(list(group.values()) for group in groups))]


def shown_pairs(pooled, workload, metric):
    """The pairs of a workload of "workloads", by a metric."""
    return [pair for pair in pooled["pairs"] if (pair["workload"], pair["metric"]) == (workload["name"], metric)]


# Needs.


def _needs(units, workloads):
    """For each workload and need: which model is recommended on how many units."""
    found = {}
    for unit, result in _results(units):
        names = _names_of(workloads, result)
        for front in result.summary.get("fronts") or ():
            models = [model["name"] for model in front["models"]]
            for need in front["needs"] if front["workload"] in names else ():
                found.setdefault((names[front["workload"]], need["need"]), {}).setdefault(unit.name, []).append((need, models))
    return [_need(key, by_unit) for key, by_unit in found.items()]


def _need(key, by_unit):
    takes = {unit: {need["take"] for need, _ in entries if need["take"]} for unit, entries in by_unit.items()}
    names = dict.fromkeys(itertools.chain.from_iterable(models for entries in by_unit.values() for _, models in entries))
    named = [{"name": name, "on": [unit for unit, own in takes.items() if own == {name}],
              "as_good_on": [unit for unit, entries in by_unit.items() if takes[unit] and _is_as_good(name, entries)],
              "measured_on": [unit for unit, entries in by_unit.items() if any(name in models for _, models in entries)]}
             for name in names]
    return {"workload": key[0], "need": key[1], "units": len(by_unit),
            "by": dict(Counter(metric for entries in by_unit.values() for metric in {need["by"] for need, _ in entries} if metric)),
            "named": sorted((one for one in named if one["on"] or one["as_good_on"]),
                            key=lambda one: (-len(one["on"]), -len(one["as_good_on"]))),
            "open_on": [unit for unit, own in takes.items() if not own],
            "mixed_on": [unit for unit, own in takes.items() if len(own) > 1]}


def _is_as_good(name, entries):
    """Whether a model is recommended, or equal to the one that is, in each result that recommends one."""
    return all(name == need["take"] or name in need["equal"] for need, _ in entries if need["take"])


# Remarks.


def _remarks(units, workloads):
    found, by_name = [], {}
    for workload in workloads:
        by_name.setdefault(workload["key"][0], []).append(workload)
    for name, those in by_name.items():
        if len(those) > 1:
            found.append(f"{name} had other parameters on some, and is not compared between these: "
                         + "; ".join(f"{one['name']} ({', '.join(one['on'])}): {_differing(one, those)}" for one in those) + ".")
    found += _remarks_on_subjects(units)
    found += _remarks_on_servers([result for _, result in _results(units)])
    sources = {result.facts()["sources"] for _, result in _results(units)}
    if len(sources) > 1:
        found.append(f"The programs are of {len(sources)} states of the sources, so a difference may be one of theirs.")
    return found


def _remarks_on_subjects(units):
    on = {}
    for unit, result in _results(units):
        for subject in result.run["subjects"]:
            if subject["kind"] != "aa":
                on.setdefault(subject["name"], set()).add(unit.name)
    for where in dict.fromkeys(next(iter(names)) for names in on.values() if len(names) == 1):
        alone = [name for name, names in on.items() if names == {where}]
        yield f"{', '.join(alone)} took part on {where} alone, and cannot be compared across machines."


def _remarks_on_servers(results):
    """Of servers that are not ours: whether they are the same everywhere."""
    versions = {}
    for result in results:
        for subject in result.run["subjects"]:
            if subject["kind"] == "peer" and subject.get("config"):  # A floor has none, and is of our sources.
                versions.setdefault(subject["name"], []).append(subject.get("version"))
    found = []
    for name, those in versions.items():
        if len(set(those)) > 1:
            found.append(f"{name} has other versions on some: {', '.join(sorted(version or 'not known' for version in set(those)))}.")
        elif len(those) > 1 and those[0] is None:
            found.append(f"Whether {name} is the same program everywhere is not known.")
    return found


def _differing(workload, those):
    """The parameters in which it differs from others of the same name."""
    parts = []
    for part in ("service", "load_flags", "network", "schedule", "promise", "limits"):
        if len({repr(one[part]) for one in those}) > 1:
            value = workload[part]
            parts.append(" ".join(value) if isinstance(value, list) else value or f"no {part}")
    return ", ".join(parts)
