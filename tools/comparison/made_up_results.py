"""Result folders for the tests of merging, and no others: as small as can be, with verdicts and recommendations as a test wants
them. Nothing was measured."""

import json
import os
import zlib

MACHINE = {"cpu": "AMD Ryzen 7", "cores": 8, "memory_kib": 16 * 2**20, "kernel": "Linux 6.1.0 x86_64", "virtual": False}
_ECHO = {"name": "echo", "service": "echo", "title": "64-byte messages", "load_flags": ["--workload=echo", "--size=64"],
         "unit": "replies/s"}
# What a test says of a pair: the kind of the verdict, and the ratio of the first one's throughput to the second one's.
BETTER, WORSE, EQUAL, OPEN = ("different", 1.5), ("different", 0.5), ("equal", 1.01), ("open", 1.1)


def verdict(first, second, says, metric="throughput", workload="echo"):
    """An entry of "verdicts"; `says` is one of the above."""
    kind, ratio = says
    return {"a": first, "b": second, "workload": workload, "metric": metric, "kind": kind, "why": None, "rounds_needed": None,
            "ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}


def front(needs, models, workload="echo"):
    """An entry of "fronts".

    needs  {need: (the model that is recommended or None, those that are equal to it)}
    """
    return {"workload": workload, "axes": dict.fromkeys(("capacity", "tail", "cost", "memory")), "given_rate": None,
            "models": [{"name": name, "is_on_front": True, "beaten_by": []} for name in models],
            "needs": [{"need": need, "by": "throughput", "take": take, "equal": list(equal), "sentence": "."}
                      for need, (take, equal) in needs.items()]}


def write(folder, verdicts, *, machine=None, run=None, fronts=(), summary=None, workload=None):
    """Writes run.json and summary.json of a run under echo. Returns the folder.

    verdicts      as verdict() makes them
    machine, run, summary, workload  what is to be otherwise in these
    """
    os.makedirs(folder, exist_ok=True)
    names = dict.fromkeys(name for one in verdicts for name in (one["a"], one["b"]))
    written = {"schema": 2, "command": ["tools/compare"], "started": "2026-01-01T12:00:00+00:00",
               "seed": zlib.crc32(folder.encode()), "rounds": 5, "complete": True, "machine": {**MACHINE, **(machine or {})},
               "subjects": [{"name": name, "kind": "model", "model": name, "flags": []} for name in names],
               "workloads": [{**_ECHO, **(workload or {})}], **(run or {})}
    found = {"schema": 2, "margin": 0.03, "results": [], "twins": [], "verdicts": list(verdicts),
             "ranked_by": {"echo": "throughput"}, "fronts": list(fronts), **(summary or {})}
    for name, content in (("run.json", written), ("summary.json", found)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    return folder
