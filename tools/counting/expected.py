"""Expected: the counts that the server had last (counts.json), and which of them a change may not exceed.

counts.json  figure -> model -> work -> number. Instructions depend on the compiler, so there are those of the builds that
             tools/test and tools/bench make: "instructions" (gcc, without optimisation) and "instructions, optimized".
"""

import json
import os

from . import works
from .count import CALLS, INSTRUCTIONS

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
# Pools are left out: their calls depend on how the scheduler lets workers take turns.
MODELS = {CALLS: ("loop", "fork", "multiprocess", "thread", "epoll", "coroutine", "fiber", "uring"),
          INSTRUCTIONS: ("epoll", "coroutine")}
WORKS = {CALLS: tuple(works.ALL), INSTRUCTIONS: ("echo", "http")}
# loop serves one client at a time, and so no room. In a room of processes the scheduler decides how many lines a wake-up brings.
_LEFT_OUT = (("loop", "chat"), ("fork", "chat"), ("multiprocess", "chat"))
# By so much a count may differ: a wait that a signal ends is a call more, and the C library chooses its string functions by the
# processor.
_FRACTION, _CALLS = 0.1, 0.6


def pairs(figure, models=None, of_works=None):
    """(model, work) of those that were asked for; None: all."""
    return [(model, work) for model in MODELS[figure] if models is None or model in models
            for work in WORKS[figure] if (of_works is None or work in of_works) and (model, work) not in _LEFT_OUT]


def key(figure, program):
    """Where the counts of this build are; a programs.Program. None: there are none."""
    if figure == CALLS:
        return CALLS
    if not program.compiler.startswith("gcc"):
        return None
    return f"{INSTRUCTIONS}, optimized" if program.optimized else INSTRUCTIONS


def read(path=PATH):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(counts, path=PATH):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(counts, file, indent=2, sort_keys=True)
        file.write("\n")


def verdict(figure, counted, expected):
    """ "", "more" or "less": whether it is as expected."""
    margin = _FRACTION * expected + (_CALLS if figure == CALLS else 0)
    if counted > expected + margin:
        return "more"
    return "less" if counted < expected - margin else ""
