"""Cases: what needs.py is asked, out of a summary: for each workload its models, the metrics of each respect, and what is known
of the models besides."""

from . import needs, promise, ranking, store

# For each respect the metrics that may stand for it, the best first.
_METRICS = {needs.CAPACITY: ("capacity", "throughput"), needs.TAIL: ("given_p99_us", "response_p99_us"),
            needs.COST: ("given_cpu_us", "cpu_us_per_request"), needs.MEMORY: ("connection_bytes",)}
_MORE_IS_BETTER = ("capacity", "throughput")


def fronts(run, summary, lines, able, effects_of, tails):
    """The "fronts" of summary.json; none of a run that compares two versions.

    run         run.json's content
    summary     summary.json's content, but for this
    lines       kind -> all lines of it
    able        workload -> names of subjects without errors
    effects_of  (verdicts, workload, metric, whether more is better) -> {(a, b): inference.Effect}
    tails       (workload, metric, names, time in us that is added to each tail before they are compared) -> the same
    """
    if run.get("versions"):
        return []
    found = [_case(run, summary, lines, workload, able[workload["name"]], effects_of, tails) for workload in run["workloads"]]
    return [needs.front(case) for case in found if case.names]


def _in_servers_order(subjects):
    """The models' names, the simplest first: as the server lists them, those with flags of their own behind those without."""
    models = [subject for subject in subjects if subject["kind"] == "model"]
    place = {subject["name"]: (_traits(subject).get("place", number), len(subject.get("flags", ())), number)
             for number, subject in enumerate(models)}
    return sorted(place, key=place.get)


def _traits(subject):
    return subject.get("traits") or {}


def _metrics_of(workload, results, is_limited, ranked_by):
    """axis -> the metric that stands for it, of those that were measured.

    is_limited  the load generator was the limit: then throughput is not the servers', and processor time stands for it
    ranked_by   the metric that ranks the workload
    """
    known = {metric for result in results.values() for metric in result["metrics"]}
    known -= {ranking.THROUGHPUT} if ranking.is_paced(workload) else set()
    found = {axis: metric for axis in needs.AXES if (metric := next((one for one in _METRICS[axis] if one in known), None))}
    if is_limited:
        is_by_throughput = ranked_by == ranking.THROUGHPUT or ranking.PROCESSOR_TIME not in known
        found[needs.THROUGHPUT] = ranking.THROUGHPUT if is_by_throughput else ranking.PROCESSOR_TIME
        if found.get(needs.CAPACITY) == ranking.THROUGHPUT:
            del found[needs.CAPACITY]
            if ranking.PROCESSOR_TIME in known - {found.get(needs.COST)}:
                found[needs.CAPACITY] = ranking.PROCESSOR_TIME
    elif found.get(needs.CAPACITY) == "capacity" and ranking.THROUGHPUT in known:
        found[needs.THROUGHPUT] = ranking.THROUGHPUT
    return found


def _case(run, summary, lines, workload, able, effects_of, tails):
    name = workload["name"]
    results = {result["subject"]: result for result in summary["results"] if result["workload"] == name}
    names = tuple(subject for subject in _in_servers_order(run["subjects"]) if subject in able and subject in results)
    results = {subject: results[subject] for subject in names}
    is_limited = name in summary["generator_was_the_limit"]
    metrics = _metrics_of(workload, results, is_limited, summary["ranked_by"][name])
    given = _given(lines, name)
    promised = _promise(run)
    bound_us = promised.bound_us if promised and promised.share == 0.99 else None
    is_asked = given or metrics.get(needs.CAPACITY) == "capacity"
    subjects = {subject["name"]: subject for subject in run["subjects"]}
    effects = {axis: tails(name, metric, names, bound_us) if axis == needs.TAIL and bound_us else
               effects_of(summary["verdicts"], name, metric, metric in _MORE_IS_BETTER) for axis, metric in metrics.items()}
    return needs.Case(
        name, names, {axis: _axis(metric, results) for axis, metric in metrics.items()},
        {axis: _figures(metric, results) for axis, metric in metrics.items()}, effects,
        _failed(metrics, results, lines, name), {one: _traits(subjects[one]) for one in names}, _figures("idle_share", results),
        is_limited, summary["margin"],
        promised.text if promised and is_asked else None, bound_us if is_asked else None,
        bound_us, given, workload.get("unit", "replies/s"))


def _promise(run):
    return promise.parse(run["promise"]) if run.get("promise") else None


def _axis(metric, results):
    unit = next(result["metrics"][metric]["unit"] for result in results.values() if metric in result["metrics"])
    return needs.Axis(metric, unit, metric in _MORE_IS_BETTER)


def _figures(metric, results):
    there = {name: result["metrics"][metric] for name, result in results.items() if metric in result["metrics"]}
    return {name: needs.Figure(found["median"], found["low"], found["high"], found.get("at_least", False))
            for name, found in there.items()}


def _given(lines, workload):
    """The rate at which all were measured; None if they were not."""
    return next((line["rate"] for line in lines.get(store.COST, ()) if line["workload"] == workload
                 and line["point"] == "given" and line["rate"] and line["failed"] is None), None)


def _failed(metrics, results, lines, workload):
    """axis -> {name: why}, of those that cannot carry the given rate, or keep the promise at no rate."""
    found = {}
    left_out = {line["subject"]: line["left_out"] for line in lines.get(store.COST, ())
                if line["workload"] == workload and line.get("left_out") and line["subject"] in results}
    for axis, metric in metrics.items():
        if metric.startswith("given_"):
            found[axis] = {name: why for name, why in left_out.items() if metric not in results[name]["metrics"]}
        if metric == "capacity":
            found[axis] = {name: "it keeps the promise at no rate that was tried" for name, result in results.items()
                           if metric in result["metrics"] and result["metrics"][metric]["median"] == 0}
    return found
