"""Each model at its best, as the page shows it: what the terminal says (comparison/tuning/text.py), in tables."""
from comparison import wording
from comparison.tuning import text

from . import tables


def of_workload(summary, workload):
    """What the template shows of a workload's name; None if no settings raced under it."""
    tuning = summary.get("tuning") or {"worth": (), "races": ()}
    worth = next((one for one in tuning["worth"] if one["workload"] == workload), None)
    if worth is None:
        return None
    best = tables.table(["model", "best setting", wording.metric(worth["metric"]), "of default", "verdict"],
                        text.best_rows(summary, workload), numeric=False)
    return {"sentence": worth["sentence"], "best": best,
            "races": [_race(one) for one in tuning["races"] if one["workload"] == workload and len(one["settings"]) > 1]}


def _race(one):
    rows = [(text.setting_of(one["model"], setting["name"]), text.bounded(setting["of_default"]), setting["rounds"], text.fate(setting))
            for setting in text.ordered(one)]
    return {"model": one["model"], "table": tables.table(["setting", "of default", "rounds", "what became of it"], rows, numeric=False),
            "notes": text.notes(one)}
