"""Case: one thing that a server of some service has to do; Suite: those of a service."""

import fnmatch
import inspect
from dataclasses import dataclass, field
from typing import Callable

# How far a case binds a server, in the words of RFC 2119. What a server need not do at all has cases, too: they say what it
# must do if it does it.
MUST, SHOULD, MAY = "must", "should", "may"


class Failure(Exception):
    """The server did something else than it had to. The text says what came instead."""


class NotOffered(Exception):
    """The server may leave it out, and does. The text says how it shows that."""


@dataclass(frozen=True)
class Case:
    service: str
    name: str
    duty: str  # What the server has to do, in plain words.
    written: str  # Where that is written.
    level: str
    clients: int  # Whom the server has to serve at the same time: 2 means several.
    waits: int  # Its bound, in multiples of the longest wait for one reply.
    run: Callable

    @property
    def full_name(self):
        return f"{self.service}/{self.name}"

    def matches(self, pattern):
        """Whether it is meant by "echo/half_close", "half_close" or "http/head*"."""
        return fnmatch.fnmatchcase(self.full_name, pattern) or fnmatch.fnmatchcase(self.name, pattern)


@dataclass
class Suite:
    """The cases of a service, those first that a server of one client at a time can pass."""

    service: str
    probe: Callable  # (scene): one short exchange, whose time is the round trip that all waits are measured by.
    needs_root: bool = False
    needs_asked: bool = False  # The server asks another one: asked.py.
    cases: list = field(default_factory=list)

    def case(self, written, level=MUST, clients=1, waits=10):
        """Makes a case of a function of a scene. Its docstring says what the server has to do."""
        def add(function):
            duty = " ".join(inspect.getdoc(function).split())
            self.cases.append(Case(self.service, function.__name__, duty, written, level, clients, waits, function))
            self.cases.sort(key=lambda case: case.clients)
            return function
        return add
