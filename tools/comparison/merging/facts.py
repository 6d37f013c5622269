"""Facts: what a run records of its machine and programs that may explain why verdicts differ; and which of them tell two groups
of machines apart. No file is read.

A fact that tells them apart is a lead, not a cause: machines differ in many facts at once. How little it may mean is said with it,
as the share of all ways to divide the same machines into groups of these sizes that this fact would explain as well.
"""

import math
import re
from dataclasses import dataclass
from typing import Callable

_GIB_IN_KIB = 2**20


@dataclass(frozen=True)
class Fact:
    """`get` makes the value, a number or a text, from run.json's content; None: not known. A fact with an order can also tell groups
    apart by a bound between them."""

    name: str
    get: Callable
    order: Callable = None  # value -> what it is sorted by.


def _machine(name):
    return lambda run: run["machine"].get(name)


def _maker(run):
    cpu = run["machine"]["cpu"]
    found = re.search(r"\b(Intel|AMD|ARM|Apple|IBM|Ampere|Qualcomm|Neoverse|Cortex)\b", cpu)
    return found[1] if found else None


def _kernel(run):
    found = re.match(r"\S+ (\d+\.\d+)", run["machine"]["kernel"])
    return found[1] if found else None


def _virtual(run):
    virtual = run["machine"].get("virtual")
    return None if virtual is None else "virtual" if virtual else "not virtual"


def _given(run):
    """The limits of a container, say, in words."""
    given = run["machine"].get("given")
    if given is None:
        return None
    parts = [f"{given['cpus']:g} processors"] if given.get("cpus") else []
    parts += [f"{given['memory_kib'] / _GIB_IN_KIB:.3g} GiB"] if given.get("memory_kib") else []
    return ", ".join(parts) or "none"


def _revision(run):
    git = run.get("git") or {}
    return git["revision"][:12] + (", changed" if git.get("dirty") else "") if git.get("revision") else None


def _number(value):
    return value


def _release(value):
    """"6.10" comes after "6.9"."""
    return tuple(map(int, value.split(".")))


ALL = (
    Fact("processor", _machine("cpu")),
    Fact("its maker", _maker),
    Fact("cores", lambda run: run["machine"].get("cores_for_us") or run["machine"]["cores"], _number),
    Fact("processors of the server", lambda run: len(run["server_cpus"]) if run.get("server_cpus") else None, _number),
    Fact("machine", _virtual),
    Fact("limits of its container", _given),
    Fact("memory in GiB", lambda run: round(run["machine"]["memory_kib"] / _GIB_IN_KIB, 1), _number),
    Fact("kernel", _kernel, _release),
    Fact("architecture", lambda run: run["machine"]["kernel"].split()[-1]),
    Fact("distribution", _machine("distribution")),
    Fact("governor", _machine("governor")),
    Fact("Meltdown", lambda run: (run["machine"].get("mitigations") or {}).get("meltdown")),
    Fact("sources", _revision),
    Fact("compiler", lambda run: ((run.get("programs") or {}).get("server") or {}).get("compiler")),
)


def of(run):
    """{name of a fact: its value, or None}."""
    return {fact.name: fact.get(run) for fact in ALL}


@dataclass(frozen=True)
class Lead:
    """A fact that tells two groups apart."""

    fact: str
    first: str  # What it is in the first group, in words.
    second: str
    chance: float  # The share of all divisions into groups of these sizes that the fact would explain as well; 1: it says nothing.


def leads(first, second):
    """The Leads of two groups, the least by chance first.

    first, second  lists of what of() gives, one for each machine
    """
    found = (_lead(fact, [own.get(fact.name) for own in first], [own.get(fact.name) for own in second]) for fact in ALL)
    return sorted((lead for lead in found if lead), key=lambda lead: lead.chance)


def _lead(fact, first, second):
    if not first or not second or None in first + second:
        return None
    if fact.order:
        lows, highs = sorted((first, second), key=lambda group: fact.order(min(group, key=fact.order)))
        if fact.order(max(lows, key=fact.order)) < fact.order(min(highs, key=fact.order)):
            words = [_ordered_words(group, fact.order, group is lows) for group in (first, second)]
            return Lead(fact.name, *words, _chance_of_bound([fact.order(value) for value in first + second], len(first)))
    if set(first) & set(second):
        return None
    return Lead(fact.name, _words(first), _words(second), _chance_of_kinds(first + second, len(first)))


def _ordered_words(values, order, is_low):
    if len(set(values)) == 1:
        return str(values[0])
    return f"up to {max(values, key=order)}" if is_low else f"{min(values, key=order)} or more"


def _words(values):
    return " or ".join(map(str, sorted(set(values))))


def _chance_of_bound(values, size):
    """Of all groups of this size, the share that a bound divides from the others."""
    ordered = sorted(values)
    below = ordered[size - 1] < ordered[size]
    above = ordered[-size - 1] < ordered[-size]
    return (below + above) / math.comb(len(values), size)


def _chance_of_kinds(values, size):
    """Of all groups of this size, the share that has all of each of its values."""
    ways = [1] + [0] * size  # Groups of whole kinds, by their size.
    for kind in set(values):
        count = values.count(kind)
        for total in range(size, count - 1, -1):
            ways[total] += ways[total - count]
    return ways[size] / math.comb(len(values), size)
