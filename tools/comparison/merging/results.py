"""Results to merge: read from their folders, checked, and grouped by the machine that each is of."""

import collections
import json
import os
from dataclasses import dataclass

from .. import schema, store
from . import facts

_FILES = (store.RUN, store.SUMMARY)


class MergeError(Exception):
    """These results cannot be merged. The text says which, and why."""


@dataclass(frozen=True)
class Result:
    """What one folder has."""

    name: str  # As the text and the page call it.
    folder: str
    run: dict  # run.json's content.
    summary: dict  # summary.json's content.
    owner: str = None  # The machine's name, if the user gave it one.

    def facts(self):
        return facts.of(self.run)


@dataclass(frozen=True)
class Machine:
    """Results of one machine, in the order in which they were given."""

    name: str
    results: tuple


def read(argument):
    """The Result of a folder that tools/compare wrote, or of its run.json or summary.json; NAME=FOLDER names its machine.

    Raises MergeError.
    """
    owner, path = None, argument
    if not os.path.exists(argument) and "=" in argument:
        owner, path = argument.split("=", 1)
        if not owner:
            raise MergeError(f"'{argument}' gives the machine an empty name")
    folder = _folder(path)
    run, summary = (_content(folder, name) for name in _FILES)
    return Result(owner or os.path.basename(os.path.abspath(folder)), folder, run, summary, owner)


def _folder(path):
    if not os.path.exists(path):
        raise MergeError(f"there is no {path}")
    if os.path.isdir(path):
        return path
    if os.path.basename(path) in _FILES:
        return os.path.dirname(path) or "."
    raise MergeError(f"{path} is no result: give the folder that tools/compare wrote (its --out), or the summary.json in it")


def _content(folder, name):
    try:
        return schema.read(folder, os.path.splitext(name)[0])
    except FileNotFoundError:
        raise MergeError(f"{folder} is no result: there is no {name} in it" + _hint(folder, name)) from None
    except schema.FormatError as error:
        raise MergeError(str(error)) from error


def _hint(folder, name):
    if name == store.SUMMARY:
        return f"; if the run was broken off, tools/compare --resume={folder} goes on"
    if os.path.exists(os.path.join(folder, "merged.json")):
        return "; it holds what a merge has made: merge the results themselves"
    return ""


def choose(results):
    """(the Results that count, [{"result", "why"}] of those that do not). Their names differ.

    Raises MergeError: the results are of different kinds, or fewer than two are left.
    """
    kept, left_out, seen = [], [], {}
    for result in results:
        first = seen.setdefault(_of_run(result.run), result)
        if first is not result:
            left_out.append({"result": result.folder, "why": f"the same run as {first.folder}, which counts once"})
        elif result.run.get("unfit"):
            left_out.append({"result": result.folder, "why": f"its figures say nothing: {'; '.join(result.run['unfit'])}"})
        else:
            kept.append(result)
    if len(kept) < 2:
        raise MergeError("; ".join([f"there are {len(kept)} results to merge, and it takes two" if len(kept) != 1 else
                                    "there is one result to merge, and it takes two",
                                    *(f"{one['result']} is left out: {one['why']}" for one in left_out)]))
    _check_kinds(kept)
    return _with_names(kept), left_out


def _of_run(run):
    """What no two runs have in common."""
    return json.dumps([run["started"], run["seed"], run["machine"]], sort_keys=True)


def _check_kinds(results):
    """Verdicts of other margins, and of other pairs of versions, say other things by the same words."""
    for what, get in (("--margin", lambda result: f"{100 * result.summary['margin']:g} %"),
                      ("versions", lambda result: " and ".join(result.run.get("versions") or ()) or "none")):
        values = {get(result): result.folder for result in reversed(results)}
        if len(values) > 1:
            raise MergeError(f"the {what} of these results differ, so they cannot be merged: "
                             + ", ".join(f"{value} ({folder})" for value, folder in reversed(values.items())))


def _with_names(results):
    """Two folders may have the same last name: of those the whole path is shown. Two of one NAME are numbered."""
    shared = {name for name, count in collections.Counter(result.name for result in results).items() if count > 1}
    named, numbers = [], collections.Counter()
    for result in results:
        name = result.name
        if name in shared:
            numbers[name] += 1
            name = f"{name} ({numbers[name]})" if result.owner else result.folder
        named.append(Result(name, result.folder, result.run, result.summary, result.owner))
    return named


def _looks(result):
    """What two runs of one machine have in common, and machines of the same kind as well."""
    machine = result.run["machine"]
    return machine["cpu"], machine["cores"], machine["memory_kib"], machine.get("virtual")


def _recorded(result):
    """What a run says of which machine it is; None: nothing."""
    machine = result.run["machine"]
    # Disks that were copied have the same id; on another processor it is another machine all the same.
    return ("id", machine["id"], machine["cpu"], machine["cores"]) if machine.get("id") else None


def _identities(results):
    """{name of a result: what it has in common with others of its machine}, of those that say anything."""
    named = {result.name: ("named", result.owner) for result in results if result.owner}
    # A machine that the user has named in one place is the same one in others.
    owners = {_recorded(result): named[result.name] for result in reversed(results) if result.owner and _recorded(result)}
    return {**{result.name: owners.get(_recorded(result), _recorded(result)) for result in results if _recorded(result)}, **named}


def group(results):
    """(the Machines, remarks in sentences). A run that does not say of which machine it is counts as one of a machine that looks the
    same, so that no machine counts twice."""
    identities, by_identity, by_looks, unsure = _identities(results), {}, {}, []
    for result in results:
        if result.name in identities:
            by_identity.setdefault(identities[result.name], []).append(result)
            by_looks.setdefault(_looks(result), identities[result.name])
    for result in (result for result in results if result.name not in identities):
        identity = by_looks.setdefault(_looks(result), ("looks", *_looks(result)))
        if by_identity.setdefault(identity, []):
            unsure.append(result.name)
        by_identity[identity].append(result)
    place = {result.name: number for number, result in enumerate(results)}
    groups = sorted((sorted(own, key=lambda result: place[result.name]) for own in by_identity.values()),
                    key=lambda own: place[own[0].name])
    machines = [Machine(_owner(own) or " + ".join(result.name for result in own), tuple(own)) for own in groups]
    return machines, _remarks(machines, unsure)


def _owner(results):
    return next((result.owner for result in results if result.owner), None)


def _remarks(machines, unsure):
    return [f"{', '.join(result.name for result in machine.results)} count as one machine"
            + (": nothing in them tells their machines apart" if {result.name for result in machine.results} & set(unsure) else "")
            + ". NAME=DIR says of which machine each is." for machine in machines
            if len(machine.results) > 1 and not all(result.owner for result in machine.results)]
