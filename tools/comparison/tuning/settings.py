"""The settings of a model that are tried: its default, then each value of each flag alone (with what it needs), then combinations,
which are drawn. So what a single flag does is always tried, and what flags do together as far as there is time. The same seed
gives the same."""

import dataclasses
import random
import subprocess
from dataclasses import dataclass

from .. import processes
from . import flags

_MOST_DRAWS = 200  # Of combinations: a model with few flags has few of them.
_CHANGED = 0.4  # The share of its flags that a combination changes, about.


@dataclass(frozen=True)
class Settings:
    """Of one model under one workload."""

    tried: tuple  # subjects.Model each; the first is the default.
    refused: tuple  # (name, why) of those that the server does not take.
    known: int  # How many single changes there are, and the default.


def facts_of(model, setting, workload):
    return flags.Facts(len(setting.cpus) or 1, setting.connections, workload.keeps, model.traits.get("silent") == "one of N")


def singles(model, described, facts):
    """[{flag: value}]: each change alone, the likeliest to matter first: first values of all flags, then second ones."""
    own = {flag.lstrip("-").partition("=")[0].removeprefix("no") for flag in model.flags} | {
        flag.lstrip("-").partition("=")[0] for flag in model.flags}
    rows = [row for row in flags.ROWS if row.flag in model.traits.get("flags", ()) and row.flag not in own and row.flag in described]
    of_rows = [[bundle for bundle in row.bundles(facts, described[row.flag]) if not own & bundle.keys()] for row in rows]
    found = []
    for place in range(max(map(len, of_rows), default=0)):
        found += [of_row[place] for of_row in of_rows if place < len(of_row) and of_row[place] not in found]
    return found


def combination(changes, chance):
    """Several of the changes together, those about different flags."""
    found = {}
    for change in chance.sample(changes, len(changes)):
        if chance.random() < _CHANGED and not change.keys() & found.keys():
            found |= change
    return found


def name_of(model, more):
    return " ".join([model.name, *more])


def choose(model, described, facts, most, seed, refuses):
    """Settings, at most so many.

    refuses  subjects.Model -> why the server does not take its flags; None if it does
    """
    order = {flag: place for place, flag in enumerate(model.traits.get("flags", ()))}
    tried, refused, seen, bad = [model], [], [{}], []

    def offer(setting):
        if setting in seen or len(tried) >= most:
            return
        seen.append(setting)
        more = flags.as_flags(dict(sorted(setting.items(), key=lambda item: order.get(item[0], len(order)))), described)
        one = dataclasses.replace(model, name=name_of(model, more), flags=(*model.flags, *more))
        why = refuses(one)
        if why is None:
            tried.append(one)
        else:
            refused.append((one.name, why))
            bad.append(setting)
    alone = singles(model, described, facts)
    for setting in alone:
        offer(setting)
    good = [setting for setting in alone if setting not in bad]
    chance = random.Random(f"{seed}/{model.name}")
    for _ in range(_MOST_DRAWS if len(good) > 1 else 0):
        offer(combination(good, chance))
    return Settings(tuple(tried), tuple(refused), 1 + len(alone))


def checker(setting):
    """`refuses` of choose(): asks the server itself (--check), which binds nothing."""
    def refuses(model):
        argv = model.command("echo", setting)
        try:
            status, _, said = processes.run([*argv, "--check"])
        except subprocess.TimeoutExpired:
            return "--check did not end in time"
        return None if status == 0 else said.strip().splitlines()[-1] if said.strip() else f"--check ended with status {status}"
    return refuses
