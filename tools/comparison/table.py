"""What a person reads at the end of a run: the answer first, then a table for each workload, then what the marks mean."""

from . import floors, rated_table, suspicion
from .inference import DIFFERENT
from .metrics import more_is_better
from .ranking import BY_PROCESSOR_TIME, PROCESSOR_TIME, THROUGHPUT, is_instead
from .tuning import text as tuning
from .wording import align, grouped, join, per_processor, shown


def _spread(metric):
    """Half the interval, in percent of the median; of a wide one, which is not the same to both sides, its bounds."""
    if metric is None or not metric["median"]:
        return "-"
    width = metric["high"] - metric["low"]
    if width > abs(metric["median"]):
        return f"{grouped(metric['low'])}-{grouped(metric['high'])}"
    return f"±{50 * width / abs(metric['median']):.1f} %"


def _kib(metric):
    """With half of its interval: what is as small as that, or less than nothing, is noise about nothing."""
    if metric is None:
        return "-"
    return f"{grouped(metric['median'] / 1024)} ±{grouped((metric['high'] - metric['low']) / 2048)}"


# Heading, what is shown of a result's metrics. Behind the first of those that ranks stands its spread; otherwise behind throughput.
_COLUMNS = (
    ("replies/s", lambda metrics: grouped(median_of(metrics, "throughput"))),
    ("p50 us", lambda metrics: grouped(median_of(metrics, "response_p50_us"))),
    ("p99 us", lambda metrics: grouped(median_of(metrics, "response_p99_us"))),
    ("p99.9 us", lambda metrics: grouped(median_of(metrics, "response_p999_us"))),
    ("CPU us", lambda metrics: grouped(median_of(metrics, "cpu_us_per_request"))),
    ("calls", lambda metrics: grouped(median_of(metrics, "syscalls_per_request"))),
    ("switches", lambda metrics: grouped(median_of(metrics, "switches_per_request"))),
    ("fairness", lambda metrics: shown("fairness", median_of(metrics, "fairness"))),
    ("beside/s", lambda metrics: grouped(median_of(metrics, "beside_per_second"))),
    ("KiB own", lambda metrics: _kib(metrics.get("pss_bytes_per_connection"))),
    ("KiB kernel", lambda metrics: _kib(metrics.get("kernel_bytes_per_connection"))),
)
_RANKING_COLUMNS = {THROUGHPUT: "replies/s", PROCESSOR_TIME: "CPU us", "fairness": "fairness"}
LEGEND = (
    "verdict      against the first row: different, equal (within the margin), or open, which is neither yet; a table contains",
    "             a false verdict in at most 5 % of runs",
    "of best      its figure relative to the best, with bounds",
    "of floor     the same relative to the smallest honest program that works in the same way (--peers=floor)",
    "replies/s    median over the rounds; the faster the better, unless the load generator was the limit",
    "spread       half of the 95 % interval of the figure before it",
    "p50 ...      response times: of 100 requests, 50 (99, 99.9) took no longer; p99 and p99.9 of all rounds together",
    "CPU us       processor time for one request: of all the server's processes, and of the kernel's network threads on its processors",
    "calls        system calls for one request, counted by strace in a run of its own",
    "switches     context switches for one request",
    "fairness     1: in a twentieth of a second each connection got as many replies; 1/n: one of n got all (Jain's index)",
    "beside/s     replies per second to the other load, which runs beside this one",
    "KiB          memory for one idle connection: the processes' own, and the kernel's",
    "rounds       those without errors, of all; rounds that were only too slow for a given rate count with their figures",
)


def median_of(metrics, name):
    return metrics[name]["median"] if name in metrics else None


def result_of(summary, subject, workload):
    return next((result for result in summary["results"]
                 if result["subject"] == subject and result["workload"] == workload), None)


# What is said of the best by the figure that ranks, and the figure's unit; {unit} and {promise} are filled in.
_BEST = {
    "throughput": ("the fastest", "{unit}"),
    "response_p50_us": ("the quickest to respond", "us for half of the requests"),
    "response_p99_us": ("the one with the lowest tail", "us for 99 of 100"),
    "given_p99_us": ("the one with the lowest tail at the same rate", "us for 99 of 100"),
    "capacity": ("the one that keeps {promise} at the highest rate", "a second"),
    "given_cpu_us": ("the cheapest at the same rate", "us of processor time for a request"),
    "cpu_us_per_request": ("the cheapest", "us of processor time for a request"),
    "connection_bytes": ("the one with the least memory for a connection", "B"),
    "fairness": ("the fairest", "of 1"),
}


def _columns(metric):
    """Of a table that is ranked by this metric."""
    metric = metric if metric in _RANKING_COLUMNS else THROUGHPUT
    place = 1 + [heading for heading, _ in _COLUMNS].index(_RANKING_COLUMNS[metric])
    return (*_COLUMNS[:place], ("spread", lambda metrics: _spread(metrics.get(metric))), *_COLUMNS[place:])


def _figure(summary, workload, figure):
    """The best one's figure, with its unit."""
    if is_instead(summary, workload):
        return f"{grouped(figure)} us for a request, so {per_processor(figure)}"
    metric = summary["ranked_by"][workload["name"]]
    return f"{shown(metric, figure)} {_BEST[metric][1].format(unit=workload['unit'])}"


def _limit(summary, workload):
    """What to add to an answer by throughput if the load generator was the limit."""
    name = workload["name"]
    if summary["ranked_by"][name] != THROUGHPUT or name not in summary["generator_was_the_limit"]:
        return ""
    return (f" The load generator was the limit for {summary['generator_was_the_limit'][name]}: servers may be faster than shown, and "
            "differ more.")


def answer(summary, workload):
    """The result in a sentence or two: which one is the best, as far as it is known, and how far the others are behind."""
    ranking = summary["ranking"].get(workload["name"]) or {"order": []}
    if not ranking["order"]:
        return f"{workload['name']}: nothing was measured without errors."
    metric = summary["ranked_by"][workload["name"]]
    is_more = more_is_better(metric)
    what = _BEST[metric][0].format(promise=summary.get("promise"))
    first, near, margin = ranking["order"][0], ranking["near"], f"{100 * summary['margin']:g} %"
    figure = _figure(summary, workload, result_of(summary, first, workload["name"])["metrics"][metric]["median"])
    others = [name for name in ranking["order"][1:] if _kind(summary, first, name, workload) == DIFFERENT]
    unknown = [name for name in ranking["order"][1:] if name not in others and name not in near]
    if len(near) > 1:
        sentence = f"{join(near)} are the best: surely none is more than {margin} better than any of them"
    elif near:
        sentence = f"{near[0]} is {what}"
        sentence += f", or surely none is more than {margin} better" if unknown else ""
    else:
        sentence = f"open: {first} has the best figures, and {'it is not sure' if not unknown else 'so may have ' + join(unknown)}"
        if ranking["rounds_needed"]:
            sentence += f"; about {ranking['rounds_needed']:,} rounds would make it sure"
    sentence += f" ({first}: {figure})"
    if near and unknown:
        sentence += f"; not told apart yet: {join(unknown)}"
    shares = {name: ranking["shares"][name]["middle"] for name in others}
    behind = [f"{name} {share if is_more else 1 / share:.2f}" for name, share in shares.items()]
    why = f"{BY_PROCESSOR_TIME}: " if is_instead(summary, workload) else ""
    return (f"{workload['name']}: {why}{sentence}" + (f"; of that, {', '.join(behind)} times" if behind else "") + "."
            + _limit(summary, workload))


def _kind(summary, best, name, workload):
    """The verdict on the pair; None if there is none."""
    return next((verdict["kind"] for verdict in summary["verdicts"]
                 if verdict["workload"] == workload["name"] and verdict["metric"] == summary["ranked_by"][workload["name"]]
                 and {verdict["a"], verdict["b"]} == {best, name}), None)


def _of_best(ranking, name):
    share = ranking.get("shares", {}).get(name)
    return f"{share['low']:.2f}-{share['high']:.2f}" if share else "-"


def _of_floor(entry):
    return f"{entry['ratio']:.2f} ({entry['low']:.2f}-{entry['high']:.2f})" if entry else "-"


def _order(ranking, results, metric):
    """By place; those without one behind them."""
    place = {name: number for number, name in enumerate(ranking.get("order", ()))}
    sign = -1 if more_is_better(metric) else 1
    return sorted(results, key=lambda result: (place.get(result["subject"], len(place)), metric not in result["metrics"],
                                               sign * (median_of(result["metrics"], metric) or 0)))


def _results(summary, workload):
    """The results of a workload, best first."""
    name = workload["name"]
    results = [result for result in summary["results"] if result["workload"] == name]
    return _order(summary["ranking"].get(name) or {}, results, summary["ranked_by"][name])


def workload_table(summary, workload):
    """The lines of one workload's table, best first, marks numbered below."""
    name = workload["name"]
    ranking, metric = summary["ranking"].get(name) or {}, summary["ranked_by"][name]
    results = _results(summary, workload)
    columns = [(heading, show) for heading, show in _columns(metric) if any(show(result["metrics"]) != "-" for result in results)]
    of_floor = floors.of(summary, name)
    rows = [["", "verdict", "of best", *(["of floor"] if of_floor else []), *(heading for heading, _ in columns), "rounds"]]
    notes = []
    best = ranking["order"][0] if ranking.get("order") else None
    for result in results:
        subject = result["subject"]
        for mark in result["marks"]:
            notes.append(f"{subject}: {mark}")
        verdict = "best" if subject == best else (best and _kind(summary, best, subject, workload)) or "-"
        good = result["rounds"] - result["rounds_failed"]
        rows.append([subject, verdict, _of_best(ranking, subject), *([_of_floor(of_floor.get(subject))] if of_floor else []),
                     *(show(result["metrics"]) for _, show in columns),
                     f"{good}/{result['rounds']}"])
    lines = [f"{name}: {workload['title']}" + (f"; {BY_PROCESSOR_TIME}" if is_instead(summary, workload) else ""), *align(rows)]
    twins = [twin for twin in summary["twins"] if twin["workload"] == name and twin["metric"] == metric]
    lines += [f"  {twin['a']} against itself: {twin['ratio']:.3f} ({twin['low']:.3f} to {twin['high']:.3f})" for twin in twins]
    return lines + [f"  mark  {note}" for note in notes]


# Headings of limits_rows(), and what they mean.
LIMITS_HEADINGS = ("throttled", "killed", "survived")
LIMITS_LEGEND = (
    "throttled    share of the time for which its processes had to wait for the next tenth of a second, of all its processors together",
    "killed       processes that the kernel has killed for want of memory, in all rounds",
    "survived     rounds at whose end the server was still there and took connections",
)


def limits_rows(summary, workload):
    """What limits have done to each subject of a workload, best first: [(subject, *texts under LIMITS_HEADINGS)]."""
    if not any("limits" in result for result in summary["results"]):
        return []
    found = [(result["subject"], result["limits"]) for result in _results(summary, workload) if "limits" in result]
    return [(subject, "-" if own["throttled"] is None else f"{100 * own['throttled']:.0f} %", str(own["oom_kills"]),
             f"{own['survived']}/{own['rounds']}") for subject, own in found]


def limits_table(run, summary, workload):
    """The lines of it, an empty one first; none if there were no limits."""
    rows = limits_rows(summary, workload)
    return ["", f"{workload['name']}, within {run['limits']['title']}:", *align([("", *LIMITS_HEADINGS), *rows])] if rows else []


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
    twins = [f"{twin['a']} ({twin['workload']}, {twin['metric'].replace('_', ' ')})" for twin in summary["twins"]
             if twin["differs"]]
    if twins:
        found.append(f"ATTENTION: measured twice, it differed from itself: {join(twins)}. So may others that are called "
                     "different.")
    found += [f"ATTENTION: {suspicion.sentence(leaning)}" for leaning in summary.get("leaning", ())]
    return found


def _left_out(skipped):
    """(subject, why) -> workloads."""
    found = {}
    for entry in skipped:
        found.setdefault((entry["subject"], entry["why"]), []).append(entry["workload"])
    return found


def _why(summary, workload):
    """Why the best is better than the nearest of which that is sure; nothing if the figures do not say it."""
    found = [pair for pair in summary.get("explained", ()) if pair["workload"] == workload["name"]]
    return [f"  why  {sentence}" for sentence in found[0]["sentences"]] if found else []


def text(run, summary, folder):
    """All of it."""
    lines = [line for warning in warnings(run, summary) for line in (warning, "")]
    measured = {result["workload"] for result in summary["results"]}
    shown = [workload for workload in run["workloads"] if workload["name"] in measured]
    for workload in shown:
        lines += [answer(summary, workload), *_why(summary, workload), *rated_table.needs(summary, workload)]
    lines += tuning.answers(summary) if "tuning" in summary else []
    has_rated = False
    for workload in shown:
        lines += ["", *workload_table(summary, workload), *limits_table(run, summary, workload)]
        names = [result["subject"] for result in _results(summary, workload)]
        rated = rated_table.lines(summary, workload, names, summary.get("promise") or "promise")
        lines += ["", *rated] if rated else []
        has_rated = has_rated or bool(rated)
    lines += tuning.races(summary) if "tuning" in summary else []
    lines += ["", *LEGEND] if shown else []
    lines += tuning.LEGEND if "tuning" in summary else []
    lines += ["", *rated_table.LEGEND] if has_rated else []
    lines += ["", *LIMITS_LEGEND] if run.get("limits") else []
    if run.get("network"):
        lines.append(f"network      between clients and servers: {run['network']}")
    lines += [f"replay       {remark}" for remark in (run.get("replay") or {}).get("remarks", ())]
    for violation in run["fairness"]["violations"]:
        lines.append(f"UNFAIR: {violation}")
    for remark in run["fairness"]["remarks"]:
        lines.append(f"differs  {remark}")
    for (name, why), workloads in _left_out(run["skipped"]).items():
        lines.append(f"left out  {name} with {', '.join(workloads)}: {why}")
    lines += ["", f"Everything is in {folder}."]
    return "\n".join(lines)
