"""Progress: one line that says what is being measured, and how long all of it will still take."""

import sys
import time


def duration(seconds):
    """"1 min 5 s", for people."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


class Progress:
    """Counts the steps of a plan whose costs are estimated, and corrects the estimate by what they really took."""

    def __init__(self, expected_s, stream=None, clock=time.monotonic):
        """expected_s  how long all steps together should take."""
        self._stream = stream or sys.stderr
        self._clock = clock
        self._expected_s = max(expected_s, 0.001)
        self._done_s = 0.0  # Of the expected time, the part that is behind us.
        self._started = clock()
        self._width = 0

    def left_s(self):
        elapsed = self._clock() - self._started
        pace = elapsed / self._done_s if self._done_s > 0 else 1.0
        return (self._expected_s - self._done_s) * pace

    def begin(self, what):
        """On a terminal the line is written over the one before; elsewhere each is a line."""
        text = f"{100 * self._done_s / self._expected_s:3.0f} %  {what}, {duration(self.left_s())} left"
        if self._stream.isatty():
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def end(self, expected_s):
        """A step is done that should have taken so long."""
        self._done_s += expected_s

    def clear(self):
        if self._stream.isatty():
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
