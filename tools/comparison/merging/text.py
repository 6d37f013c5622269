"""What a person reads of merged.json in a terminal, and its pairs as CSV. Every sentence says on how many machines."""

import csv
import io
import math

from ..wording import align, grouped, join, metric
from . import pooling

_MOST_LINES = 10  # Of each table, of pairs that flip, and of those that are decided together; --csv and the page have all.
# What the outcomes are called, as a heading and of a number of pairs; {units} is filled in.
OUTCOMES = {
    pooling.HOLDS: "decided alike on all {units}",
    pooling.AGREES: "decided alike wherever they are decided, open on others",
    pooling.FLIPS: "that flip (one is better on some, the other on others)",
    pooling.PARTLY: "better on some, equal on others",
    pooling.SINGLE: "decided on a single one",
    pooling.NONE: "open on all",
}
# What a subject is to others, as columns.
STANDINGS = ("ahead", "behind", "equal", pooling.FLIPS, pooling.PARTLY, pooling.SINGLE, pooling.NONE)
LEGEND = (
    "ahead, behind, equal   to how many others: decided on two {units} at least, and on none of them otherwise",
    "flips, partly          to how many others: ahead on some {units} and behind on others; ahead or behind on some and equal on others",
    "single, open           to how many others: decided on one of the {units} only, or on none. Open here and decided there is no flip",
    "told apart by          a recorded fact that all {units} on one side have, and none on the other: a lead, not a cause. In brackets, of",
    "                       all ways to divide these {units} into sides of these sizes, the share that the fact would fit as well",
    "a/b 0.95 to 1.40       the ratio of their figures: the least and the greatest of all {units}; behind it the average, in which each",
    "                       of these {units} counts alike, with bounds; together: the average decides what is open on each, or decided",
    "                       on a single one. It says nothing of other {units}",
)


def plural(merged):
    return merged["unit"] + "s"


def on(names, of, unit):
    """"on 2 of 30 machines (ada, ben)"; many names are left out."""
    text = f"on {len(names)} of {of} {unit}{'' if of == 1 else 's'}"
    return text + (f" ({', '.join(names)})" if 0 < len(names) <= 3 and len(names) < of else "")


def chance(share):
    return f"1 in {1 / share:,.0f}" if share <= 0.4 else f"{100 * share:.0f} %"


def lead(one, pair):
    """What one lead of a pair says: "cores (poll ahead: up to 4; epoll ahead: 8 or more; 1 in 10)"."""
    titles = {pooling.FIRST: f"{pair['first']} ahead", pooling.SECOND: f"{pair['second']} ahead", pooling.EQUAL: "equal"}
    sides = "; ".join(f"{titles[side]}: {value}" for side, value in zip(one["sides"], (one["first"], one["second"])))
    return f"{one['fact']} ({sides}; {chance(one['chance'])})"


def leads(pair, most=3):
    """Which facts tell the sides of a pair apart, in a sentence; "" if there is nothing to say."""
    known = pair["leads"]
    if not known:
        return "" if pair["outcome"] != pooling.FLIPS else "No recorded fact tells the sides apart."
    telling = [one for one in known if one["chance"] < 1]
    if telling:
        return f"Told apart by {join([lead(one, pair) for one in telling[:most]])}."
    return f"Each of these differs, so that none of them is a lead: {', '.join(one['fact'] for one in known)}."


def _names_the_second_first(pair):
    """Whether a sentence does, as that one is ahead more often."""
    return len(pair["on"][pooling.SECOND]) > len(pair["on"][pooling.FIRST])


def sentence(pair, unit):
    """How often which of a pair is better."""
    first, second, where = pair["first"], pair["second"], pair["on"]
    if _names_the_second_first(pair):
        parts = [(f"{second} beats {first}", pooling.SECOND), (f"{first} beats {second}", pooling.FIRST)]
    else:
        parts = [(f"{first} beats {second}", pooling.FIRST), (f"{second} beats {first}", pooling.SECOND)]
    parts += [("they are equal", pooling.EQUAL), ("its runs disagree", pooling.MIXED), ("open", pooling.OPEN)]
    said = [f"{what} {on(where[says], pair['units'], unit)}" for what, says in parts if where[says]]
    return "; ".join(said) + "."


def _times(value):
    return f"{value:.3f}" if value < 10 else grouped(value)


def _ratio(pair, is_reversed):
    """(title, least, most, average or None), of the second over the first if reversed; each of the last three is
    (where, middle, low, high)."""
    parts = [(one.get("on"), one["ratio"], one["low"], one["high"]) if one else None
             for one in (pair["ratio"][name] for name in ("least", "most", "average"))]
    if not is_reversed:
        return f"{pair['first']}/{pair['second']}", *parts
    least, most, average = ((one[0], 1 / one[1], 1 / one[3], 1 / one[2]) if one else None for one in parts)
    return f"{pair['second']}/{pair['first']}", most, least, average


def _with_bounds(part):
    return "{} ({}-{})".format(*map(_times, part[1:]))


def ratio(pair, unit):
    """How far apart they are, in a sentence; "" if that is not known. Of a pair that flips, an average would say nothing."""
    if not pair["ratio"]:
        return ""
    title, least, most, average = _ratio(pair, _names_the_second_first(pair))
    if average is None:
        return f"{title} is {_with_bounds(least)} on {least[0]}, and not known of others."
    known = "" if pair["ratio"]["units"] == pair["units"] else f", of the {pair['ratio']['units']} {unit}s of which it is known"
    middle = "" if pair["outcome"] == pooling.FLIPS else f", {_with_bounds(average)} on average"
    return f"{title} is {_times(least[1])} ({least[0]}) to {_times(most[1])} ({most[0]}){middle}{known}."


def decided_together(pairs):
    """Those that the average decides, and no two units: the farthest apart first."""
    found = [pair for pair in pairs if pair["outcome"] in (pooling.NONE, pooling.SINGLE) and pair["ratio"] and pair["ratio"]["average"]
             and pair["ratio"]["average"]["says"] != pooling.OPEN]
    return sorted(found, key=lambda pair: -abs(math.log(pair["ratio"]["average"]["ratio"])))


def together(pair, unit):
    """What the average says of one of decided_together()."""
    says = pair["ratio"]["average"]["says"]
    title, _, _, average = _ratio(pair, says == pooling.SECOND)
    first, second = pair["first"], pair["second"]
    said = {pooling.FIRST: f"{first} beats {second}", pooling.SECOND: f"{second} beats {first}", pooling.EQUAL: f"{first} and {second} are equal"}
    where = f"open on all {unit}s" if pair["outcome"] == pooling.NONE else f"decided on a single {unit}"
    return f"{said[says]} on average of {pair['ratio']['units']} {unit}s: {title} is {_with_bounds(average)}; {where}."


def supported(pairs):
    """Those in which most machines stand on both sides first: a single one may be a false verdict."""
    return sorted(pairs, key=lambda pair: -min(len(pair["on"][pooling.FIRST]), len(pair["on"][pooling.SECOND])))


def need_sentence(need, unit):
    """Which model is recommended on how many machines."""
    said = []
    for one in need["named"]:
        more = len(one["as_good_on"]) - len(one["on"])
        if one["on"]:
            said.append(f"{one['name']} {on(one['on'], need['units'], unit)}"
                        + (f" (as good as the one named on {more} more)" if more else "")
                        + (f"; it was measured on {len(one['measured_on'])}" if len(one["measured_on"]) < need["units"] else ""))
    for title, names in (("the runs of one machine disagree", need["mixed_on"]), ("open", need["open_on"])):
        if names:
            said.append(f"{title} {on(names, need['units'], unit)}")
    return "; ".join(said)


def never_named(need, most=4):
    """Models that are named on no machine, and are surely as good as the one named on some."""
    found = [f"{one['name']} on {len(one['as_good_on'])}" for one in need["named"] if not one["on"]]
    return (f"As good as the one named: {', '.join(found[:most])}" + (f", and {len(found) - most} others" if len(found) > most else "")
            if found else "")


def standings(pairs):
    """{name: {one of STANDINGS: how many others}}, the one that is ahead of most first."""
    found = {}
    for pair in pairs:
        for name, mine, others in ((pair["first"], pooling.FIRST, pooling.SECOND), (pair["second"], pooling.SECOND, pooling.FIRST)):
            own = found.setdefault(name, dict.fromkeys(STANDINGS, 0))
            if pair["outcome"] in (pooling.HOLDS, pooling.AGREES):
                own["ahead" if pair["on"][mine] else "behind" if pair["on"][others] else "equal"] += 1
            else:
                own[pair["outcome"]] += 1
    return dict(sorted(found.items(), key=lambda item: (-item[1]["ahead"], item[1]["behind"])))


def false_verdicts(merged):
    """How many tables are false by chance, in a sentence."""
    most = (1 - merged["confidence"]) * merged["tables"]
    return (f"Of the {merged['tables']} tables of verdicts that were merged here, {most:.1f} have a false verdict on average, at most: "
            f"what a single {merged['unit']} says against all others may be one. Of the averages of a table, one is false in at most "
            f"{100 * (1 - merged['confidence']):.0f} % of cases.")


def machine_line(machine):
    """What the runs of a machine record of it, in half a line."""
    facts = machine["runs"][0]["facts"]
    parts = [facts["processor"], f"{facts['cores']} core{'' if facts['cores'] == 1 else 's'}", facts["machine"],
             f"{facts['memory in GiB']} GiB", facts["kernel"] and f"Linux {facts['kernel']}"]
    return ", ".join(part for part in parts if part)


def _machines(merged):
    rows = [[f"  {machine['name']}", machine_line(machine) + ("" if len(machine["runs"]) == 1 else f"; {len(machine['runs'])} runs")]
            for machine in merged["machines"]]
    lines = [f"{len(rows)} machine{'' if len(rows) == 1 else 's'}:", *align(rows, left=2)]
    lines += [f"DOUBT        {run['name']}: {doubt}" for machine in merged["machines"] for run in machine["runs"] for doubt in run["doubts"]]
    lines += [f"LEFT OUT     {one['result']}: {one['why']}" for one in merged["left_out"]]
    lines += [f"NOTE         {remark}" for remark in merged["remarks"]]
    if merged["unit"] == "run":
        lines.append("NOTE         All runs are of one machine: how they agree with each other says nothing about another one.")
    return lines


def _table(merged, workload, name):
    pairs = pooling.shown_pairs(merged, workload, name)
    if not pairs:
        return []
    title = f"  by {metric(name)}, which ranks {on(workload['ranked_by'][name], len(workload['on']), merged['unit'])}"
    if all(pair["units"] == 1 for pair in pairs):
        return [f"{title}: no pair was compared by it on two {plural(merged)}"]
    lines = [f"{title}: {counted(merged, pairs)}"]
    rows = [["", *STANDINGS]]
    rows += [[name, *map(str, own.values())] for name, own in standings(pairs).items()]
    lines += [f"    {line}" for line in align(rows)]
    flips = supported([pair for pair in pairs if pair["outcome"] == pooling.FLIPS])
    together_decided = decided_together(pairs)
    return [*lines,
            *_some(flips, lambda pair: "FLIP  " + " ".join(filter(None, (sentence(pair, merged["unit"]), ratio(pair, merged["unit"]),
                                                                         leads(pair)))), "flips"),
            *_some(together_decided, lambda pair: f"TOGETHER  {together(pair, merged['unit'])}", "that are decided together")]


def _some(pairs, show, what):
    lines = [f"    {show(pair)}" for pair in pairs[:_MOST_LINES]]
    return lines + ([f"    and {len(pairs) - _MOST_LINES} more {what}: --csv and the page have all"] if len(pairs) > _MOST_LINES else [])


def counted(merged, pairs):
    """"of 105 pairs, 80 are decided alike on all machines, ..."."""
    numbers = {outcome: sum(pair["outcome"] == outcome for pair in pairs) for outcome in pooling.OUTCOMES}
    parts = [f"{number} {OUTCOMES[outcome].format(units=plural(merged))}" for outcome, number in numbers.items() if number]
    return f"of {len(pairs)} pair{'' if len(pairs) == 1 else 's'}, " + "; ".join(parts)


def text(merged):
    """All of it."""
    lines = _machines(merged)
    for workload in merged["workloads"]:
        lines += ["", f"{workload['name']}: {workload['title']}"]
        for need in merged["needs"]:
            if need["workload"] == workload["name"]:
                lines.append(f"  {need['need']}: {need_sentence(need, merged['unit'])}")
                lines += [f"    {more}" for more in (never_named(need),) if more]
        for name in workload["ranked_by"]:
            lines += _table(merged, workload, name)
    lines += ["", *(line.format(units=plural(merged)) for line in LEGEND), "", false_verdicts(merged)]
    return "\n".join(lines)


# Of the ratio, each a path in a pair's "ratio".
_RATIOS = {"ratio_units": ("units",), "least_ratio": ("least", "ratio"), "most_ratio": ("most", "ratio"),
           "average_ratio": ("average", "ratio"), "average_low": ("average", "low"), "average_high": ("average", "high"),
           "average_says": ("average", "says")}
_COLUMNS = ("workload", "metric", "first", "second", "outcome", "units", *(f"{says}_on" for says in pooling.SAYS), *_RATIOS)


def csv_text(merged):
    """A row for each pair, workload and metric, as RFC 4180 has it; behind the counts, a column for what each machine says."""
    units = [machine["name"] for machine in merged["machines"]]
    if merged["unit"] == "run":
        units = [run["name"] for machine in merged["machines"] for run in machine["runs"]]
    rows = [[*_COLUMNS, *units]]
    for pair in merged["pairs"]:
        says = {unit: say for say, names in pair["on"].items() for unit in names}
        rows.append([pair["workload"], pair["metric"], pair["first"], pair["second"], pair["outcome"], pair["units"],
                     *(len(pair["on"][say]) for say in pooling.SAYS), *(_cell(pair["ratio"], path) for path in _RATIOS.values()),
                     *(says.get(unit, "") for unit in units)])
    found = io.StringIO(newline="")
    csv.writer(found).writerows(rows)
    return found.getvalue()


def _cell(tree, path):
    for part in path:
        tree = tree and tree[part]
    return "" if tree is None else f"{tree:.6g}" if isinstance(tree, float) else tree
