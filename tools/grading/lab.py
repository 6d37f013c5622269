"""Lab: what a check works with: the program, and the choices of the seed."""

import functools
import random

from . import build
from . import server as server_
from . import steps as steps_
from .exercise import Wrong


class Lab:
    """One run of one check. The same seed makes the same choices."""

    def __init__(self, program, shim, limits, quota, seed):
        self._program = program
        self._shim = shim
        self._limits = limits
        self._quota = quota
        self.random = random.Random(seed)
        self.steps = steps_.Steps()

    def start(self, rules=(), calls=()):
        """A Server, for `with`. The calls are kinds (shim/grader_link.h) that the rules want to hear of."""
        return server_.Server(self._program, self._shim, self._limits, self._quota, self.steps, rules, calls, self._symbol)

    @functools.cached_property
    def _symbol(self):
        """Says which variable an address is, and which line has the instruction."""
        @functools.lru_cache(maxsize=None)
        def symbol(address, code):
            name = build.variable(self._program, address) or self.steps.name("variable", address)
            line = build.line_of(self._program, code)
            return f"{name} ({line})" if line else name

        return symbol

    def wrong(self, server, what, why="", look=""):
        """The exception to raise; says as well if the program has ended."""
        return Wrong(what + server.how_it_ended(), why, look)
