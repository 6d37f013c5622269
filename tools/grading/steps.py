"""Steps: what happened in one run, in order, in words: the schedule that the grader forced, and what came of it."""

import string
import threading


def _letters(number):
    """A, B, ... Z, AA ... for threads: numbers would be taken for descriptors."""
    name = ""
    while number >= 0:
        name = string.ascii_uppercase[number % 26] + name
        number = number // 26 - 1
    return name


class Steps:
    """Written by the check and by the thread that answers the program; read when the run is over."""

    def __init__(self):
        self._lock = threading.Lock()
        self._steps = []
        self._ended = False
        self._names = {}

    def name(self, kind, key):
        """The same short name for the same thread, lock or variable: "thread A", "lock 1"."""
        with self._lock:
            known = self._names.setdefault(kind, {})
            number = known.setdefault(key, len(known))
        return f"{kind} {_letters(number) if kind in ('thread', 'process') else number + 1}"

    def add(self, who, what):
        with self._lock:
            if not self._ended:
                self._steps.append((who, what))

    def end(self):
        """What comes now is the cleaning up."""
        with self._lock:
            self._ended = True

    def lines(self):
        """Numbered; equal neighbours once, with their number."""
        with self._lock:
            steps = list(self._steps)
        folded = []
        for step in steps:
            if folded and folded[-1][0] == step:
                folded[-1][1] += 1
            else:
                folded.append([step, 1])
        width = max((len(who) for who, _ in steps), default=0)
        return [f"{number:3}  {who:{width}}  {what}{f'  ({times} times)' if times > 1 else ''}"
                for number, ((who, what), times) in enumerate(folded, 1)]
