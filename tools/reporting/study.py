"""The study behind the instrument (comparison/study.py), as docs/benchmarks.md shows it: what it found, in rows of tables."""
import math

from comparison import schema

from . import words
from .results import ResultsError

# The ways that are compared in a sentence: what tools/compare did at first, and what it does.
FRESH, USED = "fresh servers", "slices of 50 ms"


def read(folder):
    """The study's data of a folder; None if there are none. Raises ResultsError."""
    try:
        return schema.read(folder, schema.STUDY)
    except FileNotFoundError:
        return None
    except schema.FormatError as error:
        raise ResultsError(str(error)) from error


def content(data):
    """What the template says of it; None if there are no data."""
    if data is None:
        return None
    found = data["workloads"]
    return {
        "model": data["model"],
        "kernel": data["machine"]["kernel"],
        "minutes": f"{data['minutes_each']:g}",
        "names": list(found),
        "noise": [{"length": _length(seconds), "deviations": [_percent(own["noise"]["allan"].get(seconds)) for own in found.values()]}
                  for seconds in _lengths(found)],
        "quiet": words.names([f"{_percent(own['noise']['others_share'] + own['noise']['host_share'])} ({name})"
                              for name, own in found.items()]),
        "ways": [{"name": name, "each": f"{each:.1f} s", "figures": [_way(_of(own, name)) for own in found.values()]}
                 for name, each in _ways(found)],
        "gain": [{"workload": name, "factor": f"{gain:.1f}"} for name, own in found.items()
                 for gain in [_gain(own)] if gain is not None],
    }


def _lengths(found):
    lengths = {float(seconds): seconds for own in found.values() for seconds in own["noise"]["allan"]}
    return [lengths[length] for length in sorted(lengths)]


def _length(seconds):
    seconds = float(seconds)
    return f"{1000 * seconds:g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _percent(share):
    return "–" if share is None else f"{100 * share:.2f} %"


def _ways(found):
    """(name, seconds that a round takes) in the order of the study."""
    ways = {}
    for own in found.values():
        for way in own["ways"]:
            ways.setdefault(way["name"], []).append(way["each_s"])
    return [(name, sum(each) / len(each)) for name, each in ways.items()]


def _of(own, name):
    return next((way for way in own["ways"] if way["name"] == name), None)


def _way(way):
    if way is None or way["spread"] is None:
        return {"rounds": 0 if way is None else len(way["logs"]), "spread": "–", "half_width": "–"}
    low, high = _bounds(way["half_width_of_20_minutes"], len(way["logs"]))
    return {"rounds": len(way["logs"]), "spread": _percent(way["spread"]),
            "half_width": f"{_percent(way['half_width_of_20_minutes'])} ({100 * low:.2f} to {100 * high:.2f})"}


def _bounds(deviation, rounds):
    """About 95 %, of a deviation that is taken from the quartiles of so many normal values: its own relative error is
    1.17 / sqrt(n), by the asymptotic variance of a quartile."""
    error = 1.96 * 1.17 / math.sqrt(rounds)
    return deviation * math.exp(-error), deviation * math.exp(error)


def _gain(own):
    """How many times as narrow an answer of what is used is as one of fresh servers, in the same time."""
    before, after = _of(own, FRESH), _of(own, USED)
    if not before or not after or not before["spread"] or not after["spread"]:
        return None
    return before["half_width_of_20_minutes"] / after["half_width_of_20_minutes"]
