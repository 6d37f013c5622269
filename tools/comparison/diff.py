"""What a person reads at the end of `tools/compare diff`: for each model whether the new server is faster than the old one."""

from .inference import DIFFERENT, EQUAL
from .metrics import METRICS
from .summary import ranked_by, versions_of
from .table import align, grouped, join, median_of, result_of, warnings

_CPU = "cpu_us_per_request"
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
        return "better" if (verdict["ratio"] > 1) == METRICS[metric][1] else "worse"
    return "equal" if verdict["kind"] == EQUAL else "open"


def _ratio(verdict):
    if verdict is None or verdict["ratio"] is None:
        return "-"
    return f"{verdict['ratio']:.3f} ({verdict['low']:.3f}-{verdict['high']:.3f})"


def _name(new):
    return new.removesuffix(" (new)")


def answer(run, summary, workload):
    """One sentence: what has become better and worse, what has not, what is open."""
    metric = ranked_by(workload)
    by_word = {}
    for new, _ in versions_of(run["subjects"]):
        verdict = _verdict(summary, workload["name"], metric, new)
        change = f" ({100 * (verdict['ratio'] - 1):+.1f} %)" if word(verdict, metric) in ("better", "worse") else ""
        by_word.setdefault(word(verdict, metric), []).append(_name(new) + change)
    figure = "throughput" if metric == "throughput" else "response time"
    parts = [f"{title} {join(by_word[kind])}" for kind, title in (
        ("better", "better:"), ("worse", "worse:"), ("equal", f"equal within {100 * summary['margin']:g} %:"), ("open", "open:"),
        ("-", "not measured without errors:")) if kind in by_word]
    return f"{workload['name']}, {figure}: " + "; ".join(parts) + "."


def _table(run, summary, workload):
    metric = ranked_by(workload)
    heading = workload["unit"] if metric == "throughput" else "p99 us"
    rows = [["", f"{heading} old", "new", "new/old", "", "CPU us old", "new", "new/old", ""]]
    for new, old in versions_of(run["subjects"]):
        row = [_name(new)]
        for one in (metric, _CPU):
            verdict = _verdict(summary, workload["name"], one, new)
            row += [grouped(_median(summary, workload["name"], name, one)) for name in (old, new)]
            row += [_ratio(verdict), word(verdict, one)]
        if row[1:3] != ["-", "-"]:
            rows.append(row)
    return [f"{workload['name']}: {workload['title']}", *align(rows)]


def has_worsened(run, summary):
    """Whether a model is surely slower than it was, under any workload."""
    return any(word(_verdict(summary, workload["name"], ranked_by(workload), new), ranked_by(workload)) == "worse"
               for workload in run["workloads"] for new, _ in versions_of(run["subjects"]))


def text(run, summary, folder):
    """All of it."""
    lines = [line for warning in warnings(run, summary) for line in (warning, "")]
    lines += [f"old: {run['versions'][0]}", f"new: {run['versions'][1]}", ""]
    lines += [answer(run, summary, workload) for workload in run["workloads"]]
    for workload in run["workloads"]:
        lines += ["", *_table(run, summary, workload)]
    lines += ["", *LEGEND]
    lines += [f"UNFAIR: {violation}" for violation in run["fairness"]["violations"]]
    lines += ["", f"Everything is in {folder}."]
    return "\n".join(lines)
