"""Who woke whom, by the kernel's own trace (tracefs, sched_waking): takes root, and a kernel that lets us. Without it the arrows
of wake-ups are those that the server's own records show.

Source: Documentation/trace/ftrace.rst of the kernel.
"""

import os
import re
from dataclasses import dataclass

_ROOTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
# The trace has the ids that threads have in the first PID namespace. This is that one's inode, PROC_PID_INIT_INO.
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_LINE = re.compile(r"^\s*(?P<comm>.{1,16})-(?P<tid>\d+)\s+.*?\s(?P<s>\d+)\.(?P<us>\d{6}): sched_waking: .*?\bpid=(?P<woken>\d+)\b")


@dataclass(frozen=True)
class Waking:
    at_ns: int  # CLOCK_MONOTONIC, to the microsecond.
    by: int  # A thread.
    woken: int  # A thread.


def parse(text):
    """Wakings of the lines of a trace; other lines are passed over."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            found.append(Waking(int(match["s"]) * 10**9 + int(match["us"]) * 1000, int(match["tid"]), int(match["woken"])))
    return found


class Wakings:
    """Use it as a context manager; afterwards `found` has the Wakings, or is None if the system does not allow it (`why`)."""

    def __init__(self):
        self.found, self.why = None, ""
        self._instance = None

    def __enter__(self):
        root = next((root for root in _ROOTS if os.path.isdir(os.path.join(root, "instances"))), None)
        if root is None:
            self.why = "there is no tracefs here"
            return self
        if os.stat("/proc/self/ns/pid").st_ino != _FIRST_PID_NAMESPACE:
            self.why = "the kernel's trace has other process ids than this container"
            return self
        instance = os.path.join(root, "instances", f"polyserve-xray-{os.getpid()}")
        try:
            os.mkdir(instance)
            self._instance = instance
            self._write("trace_clock", "mono")
            self._write("events/sched/sched_waking/enable", "1")
        except OSError as error:
            self.why = f"the kernel's trace cannot be used: {error.strerror}"
            self._remove()
        return self

    def __exit__(self, *_):
        if self._instance is None:
            return
        try:
            self._write("events/sched/sched_waking/enable", "0")
            with open(os.path.join(self._instance, "trace"), encoding="utf-8", errors="replace") as file:
                self.found = parse(file.read())
        except OSError as error:
            self.why = f"the kernel's trace cannot be read: {error.strerror}"
        self._remove()

    def _write(self, name, text):
        with open(os.path.join(self._instance, name), "w", encoding="ascii") as file:
            file.write(text)

    def _remove(self):
        if self._instance is not None:
            try:
                os.rmdir(self._instance)
            except OSError:
                pass  # It stays, empty and switched off, until the system starts anew.
        self._instance = None
