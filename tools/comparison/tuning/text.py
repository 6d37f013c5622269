"""What a person reads of tuning: for each workload the best of each model, what that is worth, and what became of the settings."""

import csv
import io

from .. import wording
from . import halving

_FATES = {halving.BEST: "best", halving.EQUAL: "equal to the best", halving.FINALIST: "in the last rung"}
LEGEND = (
    "of default   how many times as good as the model's default: above 1 is better, whatever the figure is",
    "settings     of a model, in rounds of their own (races); the best of them came into the rounds above, beside the defaults. Those of "
    "the last rung are judged by it alone; others left by the rounds that are shown, and so look worse than they are",
)
CSV_NAME = "tuning.csv"
_WIDE = 100
_CSV_FIELDS = ("workload", "model", "setting", "flags", "metric", "fate", "rung", "rounds", "of_default", "of_default_low", "of_default_high",
               "why")


def bounded(bounds):
    """"1.08 (1.05-1.11)" of {"median", "low", "high"}. Bounds of very few rounds may be so wide that they say nothing."""
    if bounds is None:
        return "-"
    if bounds["low"] is None or bounds["high"] > _WIDE * bounds["median"]:
        return f"{bounds['median']:.2f}"
    return f"{bounds['median']:.2f} ({bounds['low']:.2f}-{bounds['high']:.2f})"


def fate(setting):
    """What has become of a setting, in words."""
    if setting["fate"] == halving.FAILED:
        return f"failed: {' '.join(setting['why'].split())}"
    if setting["fate"] == halving.LEFT:
        return f"left after rung {setting['rung']}: {setting['why']}"
    return _FATES[setting["fate"]]


def best_rows(made, workload):
    """[(model, its best setting, figure of that, of its default, verdict on the two)] of a workload's name, the best model first."""
    tuning = made["tuning"]
    found = next(one for one in tuning["worth"] if one["workload"] == workload)
    gains = {gain["model"]: gain for gain in found["gains"]}
    failed = {one["model"] for one in tuning["races"] if one["workload"] == workload and one["best"] is None}
    place = {name: number for number, name in enumerate(made["ranking"].get(workload, {}).get("order", ()))}
    results = {result["subject"]: result["metrics"] for result in made["results"] if result["workload"] == workload}
    rows = []
    for model, best in sorted(found["best_of"].items(), key=lambda pair: place.get(pair[1], len(place))):
        figure = results.get(best, {}).get(found["metric"])
        gain = gains.get(model)
        setting = "its default: all settings failed in their race" if model in failed else _best(model, best, gain)
        rows.append((model, setting, wording.shown(found["metric"], figure["median"]) if figure else "-",
                     bounded(gain["of_default"]) if gain else "-", (gain["kind"] or "-") if gain else "-"))
    return rows


def _best(model, best, gain):
    if gain and gain["best"] != best:
        return f"{setting_of(model, best)}: {setting_of(model, gain['best'])}, which won its race, is worse"
    return setting_of(model, best)


def setting_of(model, best):
    return "its default" if best == model else best.removeprefix(model).strip()


def ordered(one):
    """The settings of a race, the best first; those of which nothing is known last."""
    def good(setting):
        return 1.0 if setting["name"] == one["model"] else (setting["of_default"] or {"median": 0.0})["median"]
    return sorted(one["settings"], key=lambda setting: (setting["fate"] == halving.FAILED, -good(setting)))


def notes(one):
    """What else is to be said of a race, in sentences."""
    found = []
    if one["best"] is not None and not one["is_sure"]:
        found.append("Open: another setting of the last rung may be better by more than the margin.")
    untried = one["known"] - len(one["settings"]) - len(one["refused"])
    if untried > 0:
        found.append(f"{untried} more settings were not tried: --minutes and --candidates allow for more.")
    return found + [f"The server refuses {entry['name']}: {entry['why']}" for entry in one["refused"]]


def race_lines(one):
    """Of one race: a row for each setting."""
    rungs = ", then ".join(f"{rung['settings']} in {rung['rounds']} rounds" for rung in one["rungs"])
    heading = f"{one['workload']}, settings of {one['model']}, by {wording.metric(one['metric'])}: {rungs or 'its default alone'}"
    rows = [("", "of default", "rounds", "what became of it")]
    rows += [(setting_of(one["model"], setting["name"]), bounded(setting["of_default"]), str(setting["rounds"]), fate(setting))
             for setting in ordered(one)]
    return [heading, *(f"  {line}" for line in (_left(rows) if len(rows) > 2 else [])), *(f"  {note}" for note in notes(one))]


def _left(rows):
    """As wording.align(), with the last column to the left."""
    return [f"{line}  {row[-1]}" for line, row in zip(wording.align([row[:-1] for row in rows]), rows)]


def answers(made):
    """For each workload what tuning is worth, and the best of each model. `made` is summary.json's content."""
    found = []
    for worth in made["tuning"]["worth"]:
        rows = [("", "best setting", wording.metric(worth["metric"]), "of default", "verdict"), *best_rows(made, worth["workload"])]
        found += ["", worth["sentence"], *(f"  {line}" for line in wording.align(rows, left=2))]
    return found


def races(made):
    """What became of the settings, race by race."""
    return [line for one in made["tuning"]["races"] for line in ("", *race_lines(one))]


def csv_text(made):
    """A row for each setting that raced, as RFC 4180 has it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_CSV_FIELDS)
    for one in made["tuning"]["races"]:
        for setting in one["settings"]:
            bounds = setting["of_default"] or dict.fromkeys(("median", "low", "high"))
            writer.writerow([one["workload"], one["model"], setting["name"], " ".join(setting["flags"]), one["metric"], setting["fate"],
                             _cell(setting["rung"]), setting["rounds"], *(_number(bounds[part]) for part in ("median", "low", "high")),
                             " ".join((setting["why"] or "").split())])
    return text.getvalue()


def _cell(value):
    return "" if value is None else value


def _number(value):
    return "" if value is None else f"{value:.6g}"
