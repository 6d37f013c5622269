"""Result folders for the tests of merging, and no others: as small as can be, with verdicts and recommendations as a test wants
them, written by what writes those of a run. Nothing was measured."""

import math
import os
import zlib

from comparison import inference, store, summary as summaries

MACHINE = {"cpu": "AMD Ryzen 7", "cores": 8, "memory_kib": 16 * 2**20, "kernel": "Linux 6.1.0 x86_64", "virtual": False}
_ECHO = {"name": "echo", "service": "echo", "title": "64-byte messages", "load_flags": ["--workload=echo", "--size=64"],
         "unit": "replies/s"}
# What a test says of a pair: the kind of the verdict, the ratio of the first one's throughput to the second one's, and the error of
# the ratio's logarithm.
BETTER, WORSE = (inference.DIFFERENT, 1.5, 0.03), (inference.DIFFERENT, 0.5, 0.03)
EQUAL, OPEN = (inference.EQUAL, 1.01, 0.004), (inference.OPEN, 1.1, 0.06)


def verdict(first, second, says, metric="throughput", workload="echo", rounds=9):
    """An entry of "verdicts"; `says` is one of the above, or made like them."""
    kind, ratio, error = says
    effect = inference.Effect(math.log(ratio), error, 2 * (rounds - 1), rounds)
    return summaries.verdict_json((first, second), workload, metric, inference.Verdict(kind, effect, "made up"))


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
    written = {"schema": store.SCHEMA, "command": ["tools/compare"], "started": "2026-01-01T12:00:00+00:00",
               "seed": zlib.crc32(folder.encode()), "rounds": 5, "complete": True, "machine": {**MACHINE, **(machine or {})},
               "subjects": [{"name": name, "kind": "model", "model": name, "flags": []} for name in names],
               "workloads": [{**_ECHO, **(workload or {})}], **(run or {})}
    found = {"schema": store.SCHEMA, "margin": inference.MARGIN, "results": [], "twins": [], "verdicts": list(verdicts),
             "ranked_by": {"echo": "throughput"}, "fronts": list(fronts), **(summary or {})}
    made = store.Store(folder)
    made.write_run(written)
    made.write_summary(found)
    return folder
