"""Scene: what a scene gets, and where it puts what it finds."""

import contextlib
import signal
from dataclasses import dataclass, field

from .report import Result


class TooLong(Exception):
    """A scene has taken longer than it may."""


@contextlib.contextmanager
def bounded(seconds):
    """Raises TooLong in the main thread when the time is over, wherever it waits."""
    def on_alarm(*_):
        raise TooLong(f"it was not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Scene:
    """
    server, load  the paths of the programs
    folder        for files, of this scene alone
    models        host -> the flags that choose its model
    is_quick      small, to see that all works; figures then say little
    members       of the room
    """

    result: Result
    server: str
    load: str
    folder: str
    models: dict
    is_quick: bool
    members: int
    tell: callable = field(default=lambda line: None)  # A line for the user: what happens now.
