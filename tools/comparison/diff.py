"""What a person reads at the end of `tools/compare diff`: for each model whether the new server is faster than the old one."""

from .inference import DIFFERENT, EQUAL
from .metrics import more_is_better, unit_of
from .ranking import BY_PROCESSOR_TIME, PROCESSOR_TIME, THROUGHPUT, is_instead
from .summary import versions_of
from .table import LIMITS_LEGEND, limits_table, median_of, result_of, warnings
from .wording import align, join, shown

# What a figure is, in words and as a heading; {unit} is filled in. The others are response times.
_FIGURES = {THROUGHPUT: ("throughput", "{unit}"), PROCESSOR_TIME: ("processor time for a request", "CPU us"),
            "given_cpu_us": ("processor time for a request at the same rate", "CPU us, same rate"),
            "capacity": ("the highest rate that keeps the promise", "a second"), "connection_bytes": ("memory for a connection", "B"),
            "fairness": ("fairness between connections", "fairness")}
LEGEND = (
    "new/old   the ratio, with bounds that hold for all rows of a table together in at least 95 % of runs",
    "CPU us    processor time of all the server's processes for one request",
    "open      neither different nor equal within the margin yet; more --minutes would decide",
)


def _verdict(summary, workload, metric, new):
    return next((verdict for verdict in summary["verdicts"]
                 if (verdict["workload"], verdict["metric"], verdict["a"]) == (workload, metric, new)), None)


def _median(summary, workload, subject, metric):
    result = result_of(summary, subject, workload)
    return median_of(result["metrics"], metric) if result else None


def word(verdict, metric):
    """"better", "worse", "equal" or "open"; "-" if there is nothing to judge."""
    if verdict is None or verdict["ratio"] is None:
        return "-"
    if verdict["kind"] == DIFFERENT:
        return "better" if (verdict["ratio"] > 1) == more_is_better(metric) else "worse"
    return "equal" if verdict["kind"] == EQUAL else "open"


def _ratio(verdict):
    if verdict is None or verdict["ratio"] is None:
        return "-"
    return f"{verdict['ratio']:.3f} ({verdict['low']:.3f}-{verdict['high']:.3f})"


def _name(new):
    return new.removesuffix(" (new)")


def answer(run, summary, workload):
    """One sentence: what has become better and worse, what has not, what is open."""
    metric = summary["ranked_by"][workload["name"]]
    by_word = {}
    for new, _ in versions_of(run["subjects"]):
        verdict = _verdict(summary, workload["name"], metric, new)
        change = f" ({100 * (verdict['ratio'] - 1):+.1f} %)" if word(verdict, metric) in ("better", "worse") else ""
        by_word.setdefault(word(verdict, metric), []).append(_name(new) + change)
    figure = BY_PROCESSOR_TIME if is_instead(summary, workload) else _FIGURES.get(metric, ("response time",))[0]
    parts = [f"{title} {join(by_word[kind])}" for kind, title in (
        ("better", "better:"), ("worse", "worse:"), ("equal", f"equal within {100 * summary['margin']:g} %:"), ("open", "open:"),
        ("-", "not measured without errors:")) if kind in by_word]
    is_limited = metric == THROUGHPUT and workload["name"] in summary["generator_was_the_limit"]
    return (f"{workload['name']}, {figure}: " + "; ".join(parts) + "."
            + (" The load generator was the limit: either version may be faster than shown." if is_limited else ""))


def _table(run, summary, workload):
    metric = summary["ranked_by"][workload["name"]]
    metrics = (metric, THROUGHPUT if metric == PROCESSOR_TIME else PROCESSOR_TIME)
    headings = [_FIGURES.get(one, ("", f"p99 {unit_of(one)}"))[1].format(unit=workload["unit"]) for one in metrics]
    rows = [["", *(cell for heading in headings for cell in (f"{heading} old", "new", "new/old", ""))]]
    for new, old in versions_of(run["subjects"]):
        row = [_name(new)]
        for one in metrics:
            verdict = _verdict(summary, workload["name"], one, new)
            row += [shown(one, _median(summary, workload["name"], name, one)) for name in (old, new)]
            row += [_ratio(verdict), word(verdict, one)]
        if row[1:3] != ["-", "-"]:
            rows.append(row)
    return [f"{workload['name']}: {workload['title']}", *align(rows)]


def has_worsened(run, summary):
    """Whether a model is surely slower than it was, under any workload."""
    return any(word(_verdict(summary, name, metric, new), metric) == "worse"
               for name, metric in summary["ranked_by"].items() for new, _ in versions_of(run["subjects"]))


def text(run, summary, folder):
    """All of it."""
    lines = [line for warning in warnings(run, summary) for line in (warning, "")]
    lines += [f"old: {run['versions'][0]}", f"new: {run['versions'][1]}", ""]
    lines += [answer(run, summary, workload) for workload in run["workloads"]]
    for workload in run["workloads"]:
        lines += ["", *_table(run, summary, workload), *limits_table(run, summary, workload)]
    lines += ["", *LEGEND, *(LIMITS_LEGEND if run.get("limits") else ())]
    lines += [f"UNFAIR: {violation}" for violation in run["fairness"]["violations"]]
    lines += ["", f"Everything is in {folder}."]
    return "\n".join(lines)
