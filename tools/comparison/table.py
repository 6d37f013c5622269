"""What a person reads at the end of a run: the answer first, then a table for each workload, then what the marks mean."""

from .summary import ranked_by


def grouped(value):
    """A number with as many digits as mean something: 112,300; 4.21; 0.0312."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{round(value, -max(0, len(str(int(abs(value)))) - 4)):,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def align(rows, left=1):
    """Lines of columns as wide as they need be; the first `left` columns are aligned to the left, others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column < left else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _spread(metric):
    """Half the interval, in percent of the median."""
    if metric is None or not metric["median"]:
        return "-"
    return f"±{50 * (metric['high'] - metric['low']) / abs(metric['median']):.1f} %"


def _kib(metric):
    """Nothing is less than nothing: a slope that noise has made negative is shown as 0."""
    return None if metric is None else max(0.0, metric["median"]) / 1024


# Heading, what is shown of a result's metrics.
_COLUMNS = (
    ("replies/s", lambda metrics: grouped(_median(metrics, "throughput"))),
    ("spread", lambda metrics: _spread(metrics.get("throughput"))),
    ("p50 us", lambda metrics: grouped(_median(metrics, "response_p50_us"))),
    ("p99 us", lambda metrics: grouped(_median(metrics, "response_p99_us"))),
    ("p99.9 us", lambda metrics: grouped(_median(metrics, "response_p999_us"))),
    ("CPU us", lambda metrics: grouped(_median(metrics, "cpu_us_per_request"))),
    ("calls", lambda metrics: grouped(_median(metrics, "syscalls_per_request"))),
    ("switches", lambda metrics: grouped(_median(metrics, "switches_per_request"))),
    ("beside/s", lambda metrics: grouped(_median(metrics, "beside_per_second"))),
    ("KiB own", lambda metrics: grouped(_kib(metrics.get("pss_bytes_per_connection")))),
    ("KiB kernel", lambda metrics: grouped(_kib(metrics.get("kernel_bytes_per_connection")))),
)
LEGEND = (
    "replies/s    median over the rounds; the faster the better. spread: half of its 95 % bootstrap interval",
    "p50 ...      response times: of 100 requests, 50 (99, 99.9) took no longer; medians over the rounds",
    "CPU us       processor time of all the server's processes for one request, user and system",
    "calls        system calls for one request, counted by strace in a run of its own",
    "switches     context switches for one request",
    "beside/s     of the requests that run beside, so many a second were answered",
    "KiB          memory for one idle connection: the processes' own, and the kernel's",
    "rounds       those without errors, of all; only they count",
    "*            told apart from the best: the interval of the ratio lies outside the noise floor",
)


def _median(metrics, name):
    return metrics[name]["median"] if name in metrics else None


def _result(summary, subject, workload):
    return next((result for result in summary["results"]
                 if result["subject"] == subject and result["workload"] == workload), None)


def _join(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def answer(summary, workload):
    """One sentence: who is the best, by how much, and who cannot be told apart."""
    groups = summary["ranking"].get(workload["name"], [])
    if not groups:
        return f"{workload['name']}: nothing was measured without errors."
    is_paced = ranked_by(workload) != "throughput"

    def figure(name):
        return _result(summary, name, workload["name"])["metrics"][ranked_by(workload)]["median"]
    first = groups[0]
    sentence = f"{workload['name']}: {_join(first)}"
    best = "is the quickest to respond" if is_paced else "is the fastest"
    sentence += f" {best}" if len(first) == 1 else " lead, and cannot be told apart"
    sentence += f" ({grouped(figure(first[0]))} {'us for 99 of 100' if is_paced else workload['unit']})"
    others = [f"{name} {figure(name) / figure(first[0]):.2f}" for group in groups[1:] for name in group]
    return sentence + (f"; of that, {', '.join(others)} times" if others else "") + "."


def _differs_from(summary, best, name, workload):
    return any(verdict["differs"] for verdict in summary["verdicts"]
               if verdict["workload"] == workload["name"] and verdict["metric"] == ranked_by(workload)
               and {verdict["a"], verdict["b"]} == {best, name})


def workload_table(summary, workload):
    """The lines of one workload's table, best first, marks numbered below."""
    name = workload["name"]
    results = [result for result in summary["results"] if result["workload"] == name]
    metric = ranked_by(workload)
    sign = -1 if metric == "throughput" else 1
    results.sort(key=lambda result: (metric not in result["metrics"], sign * (_median(result["metrics"], metric) or 0)))
    groups = summary["ranking"].get(name) or [[]]
    best = groups[0][0] if groups[0] else None
    columns = [(heading, show) for heading, show in _COLUMNS if any(show(result["metrics"]) != "-" for result in results)]
    rows = [["", *(heading for heading, _ in columns), "rounds"]]
    notes = []
    for result in results:
        star = " *" if best and _differs_from(summary, best, result["subject"], workload) else ""
        label = result["subject"] + star
        for mark in result["marks"]:
            notes.append(f"{result['subject']}: {mark}")
        good = result["rounds"] - result["rounds_failed"]
        rows.append([label, *(show(result["metrics"]) for _, show in columns), f"{good}/{result['rounds']}"])
    noise = next((entry for entry in summary["noise"]
                  if entry["workload"] == name and entry["metric"] == metric), None)
    floor = "not known" if noise is None or noise["floor"] is None else f"{100 * (noise['floor'] - 1):.1f} %"
    lines = [f"{name}: {workload['title']}   (noise floor {floor})", *align(rows)]
    return lines + [f"  mark  {note}" for note in notes]


def warnings(run, summary):
    """What a reader has to know before any figure."""
    found = []
    if run.get("unfit"):
        found.append("ATTENTION: these figures say nothing: " + "; ".join(run["unfit"]) + ".")
    disturbed = sum("other programs took" in " ".join(result["marks"]) or "the host took" in " ".join(result["marks"])
                    for result in summary["results"])
    if disturbed > len(summary["results"]) / 3:
        found.append("ATTENTION: the machine was busy with other things, so that little can be told apart; tools/doctor "
                     "says with what.")
    return found


def _left_out(skipped):
    """(subject, why) -> workloads."""
    found = {}
    for entry in skipped:
        found.setdefault((entry["subject"], entry["why"]), []).append(entry["workload"])
    return found


def text(run, summary, folder):
    """All of it."""
    lines = [line for warning in warnings(run, summary) for line in (warning, "")]
    measured = {result["workload"] for result in summary["results"]}
    shown = [workload for workload in run["workloads"] if workload["name"] in measured]
    lines += [answer(summary, workload) for workload in shown]
    for workload in shown:
        lines += ["", *workload_table(summary, workload)]
    lines += ["", *LEGEND] if shown else []
    for violation in run["fairness"]["violations"]:
        lines.append(f"UNFAIR: {violation}")
    for remark in run["fairness"]["remarks"]:
        lines.append(f"differs  {remark}")
    for (name, why), workloads in _left_out(run["skipped"]).items():
        lines.append(f"left out  {name} with {', '.join(workloads)}: {why}")
    lines += ["", f"Everything is in {folder}."]
    return "\n".join(lines)
