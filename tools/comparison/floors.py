"""Floors: what each model reaches of its floor, the smallest honest program that serves clients in the same way
(peers/floor.py). It is read off the verdicts on their pairs."""

from . import metrics


def shares(subjects, verdicts, ranked_by):
    """The "floors" of summary.json: [{workload, metric, model, floor, ratio, low, high}], of the metric that ranks a workload. A
    ratio of 1 is as good as the floor; more is better, whatever the metric.

    subjects   run.json's
    verdicts   summary.json's
    ranked_by  workload -> metric
    """
    floors = [subject for subject in subjects if subject.get("is_floor")]
    pairs = {frozenset((model["name"], floor["name"])): (model["name"], floor["name"]) for floor in floors
             for model in subjects if model["kind"] == "model" and _is_of(floor, model)}
    found = []
    for verdict in verdicts:
        pair = pairs.get(frozenset((verdict["a"], verdict["b"])))
        if pair and verdict["metric"] == ranked_by.get(verdict["workload"]) and verdict["ratio"]:
            found.append({"workload": verdict["workload"], "metric": verdict["metric"], "model": pair[0], "floor": pair[1],
                          **_of_floor(verdict, pair[0])})
    return found


def _is_of(floor, model):
    return not floor["floor_of"] or model["model"] in floor["floor_of"]


def _of_floor(verdict, model):
    """The ratio as the share of the floor, with its bounds."""
    is_upright = (verdict["a"] == model) == metrics.more_is_better(verdict["metric"])
    if is_upright:
        return {part: verdict[part] for part in ("ratio", "low", "high")}
    return {part: 1 / verdict[other] for part, other in (("ratio", "ratio"), ("low", "high"), ("high", "low"))}


def of(summary, workload):
    """{model: its entry}, of the workload of this name."""
    return {entry["model"]: entry for entry in summary.get("floors", ()) if entry["workload"] == workload}
