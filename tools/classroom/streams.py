"""Stream: the events of the lab, in their order: for the page, for --json, for a recording. docs/lab.md says what each holds.

A recording is a file of JSON: {"polyserve_lab": 1, "events": [...]}.
"""

import asyncio
import collections
import json
import time

VERSION = 1
# A page that is opened gets the last minute, and can draw it at once.
_REMEMBERED = 150


class RecordingError(Exception):
    """The text says what is wrong with a file."""


class Stream:
    """Events go to all that listen. Everything is done in the thread that runs the event loop.

    keeps_all  for a recording; otherwise it remembers the last ones only
    """

    def __init__(self, keeps_all=False, clock=time.monotonic):
        self._clock = clock
        self._began = clock()
        self._first = None  # The event "lab", without which the others say nothing.
        self._events = collections.deque(maxlen=None if keeps_all else _REMEMBERED)
        self._listeners = set()

    def emit(self, kind, **content):
        event = {"t": round(self._clock() - self._began, 3), "event": kind, **content}
        if kind == "lab":
            self._first = event
        else:
            self._events.append(event)
        for listener in list(self._listeners):
            listener(event)

    def events(self):
        """All that it remembers."""
        return ([self._first] if self._first else []) + list(self._events)

    def recent(self):
        """What a page needs that is opened now: the first event, and the last ones."""
        events = self.events()
        return events if len(events) <= _REMEMBERED else events[:1] + events[-_REMEMBERED:]

    def listen(self, listener):
        """Calls listener(event) for each from now on."""
        self._listeners.add(listener)

    def leave(self, listener):
        self._listeners.discard(listener)


class Backlog:
    """What a slow listener has not taken yet. One that is further behind than `most` events loses the oldest, but for those that
    were there when it came."""

    def __init__(self, stream, most=200):
        self._stream = stream
        self._first = stream.recent()
        self._waiting = collections.deque(maxlen=most)
        self._is_there = asyncio.Event()
        self._is_there.set()
        stream.listen(self._add)

    def _add(self, event):
        self._waiting.append(event)
        self._is_there.set()

    async def next(self):
        """All events that wait; waits for one."""
        await self._is_there.wait()
        self._is_there.clear()
        events = [*self._first, *self._waiting]
        self._first = []
        self._waiting.clear()
        return events

    def close(self):
        self._stream.leave(self._add)


def dump(events):
    """The text of a recording: an event on each line, so that it can be read, and compared."""
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in events)
    return f'{{"polyserve_lab":{VERSION},"events":[\n{lines}\n]}}\n'


def load(path):
    """The events of a recording. Raises RecordingError."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or found.get("polyserve_lab") != VERSION:
        raise RecordingError(f"{path} is no recording of tools/lab, or of another version")
    events = found.get("events")
    if not isinstance(events, list) or not events or events[0].get("event") != "lab":
        raise RecordingError(f"{path} has no events, or does not begin with what was recorded")
    return events
