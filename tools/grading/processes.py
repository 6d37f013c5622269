"""ProcessTree: the processes and threads of a program under test, and whether they stand still.

A time-out alone makes a bad judge: on a slow machine it fails right programs. What the grader waits for instead is that
nothing will happen any more: every thread sleeps in the kernel, and none has run meanwhile. A thread that waits for its turn
on the processor is not asleep, however long that takes.
"""

import collections
import os
import re

# state: "S" asleep, "Z" ended but not collected, "R" runs or would, "T" stopped.
Thread = collections.namedtuple("Thread", "pid tid state switches")
Process = collections.namedtuple("Process", "pid parent state name")

_ASLEEP = frozenset("SIZX")


def read(path):
    """The file's text; None if the process has gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def parse_stat(text):
    """(name, state, parent, session) of a line of /proc/PID/stat; the name may hold blanks and parentheses."""
    name = text[text.index("(") + 1:text.rindex(")")]
    fields = text[text.rindex(")") + 2:].split()
    return name, fields[0], int(fields[1]), int(fields[3])


def parse_switches(status):
    """How often the thread of this /proc/PID/task/TID/status has gone to sleep or was sent to."""
    return sum(int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", status))


class ProcessTree:
    """All processes of the session that the program leads, orphans included."""

    def __init__(self, session):
        self._session = session
        self._known = {session: True}

    def processes(self):
        """Those that exist now, zombies too, in the order of their pids."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or not self._known.get(int(entry), True):
                continue
            pid = int(entry)
            stat = read(f"/proc/{pid}/stat")
            if stat is None:
                self._known.pop(pid, None)
                continue
            name, state, parent, session = parse_stat(stat)
            ours = session == self._session or bool(self._known.get(pid) or self._known.get(parent))
            self._known[pid] = ours
            if ours:
                found.append(Process(pid, parent, state, name))
        return sorted(found)

    def threads(self):
        """Those of all processes. A process that ends meanwhile has none."""
        found = []
        for process in self.processes():
            try:
                tids = os.listdir(f"/proc/{process.pid}/task")
            except OSError:
                continue
            for tid in tids:
                status = read(f"/proc/{process.pid}/task/{tid}/status")
                if status is None:
                    continue
                state = re.search(r"^State:\s+(\S)", status, re.MULTILINE)
                found.append(Thread(process.pid, int(tid), state.group(1) if state else "X", parse_switches(status)))
        return sorted(found)

    def descriptors(self, pid):
        """{number: what it is} of a process; empty if it has gone."""
        found = {}
        try:
            for number in os.listdir(f"/proc/{pid}/fd"):
                found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            pass
        return found

    def resident_bytes(self, pid):
        """How much memory the process holds; 0 if it has gone."""
        status = read(f"/proc/{pid}/status") or ""
        match = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(match.group(1)) * 1024 if match else 0


class Stillness:
    """Since when nothing has moved, from looks at the threads."""

    def __init__(self):
        self._last = None
        self._since = None

    def look(self, threads, now):
        """For how long all of them have been asleep, without running in between; 0 if one is not."""
        if any(thread.state not in _ASLEEP for thread in threads):
            self._last = None
            return 0.0
        if threads != self._last:
            self._last, self._since = threads, now
        return now - self._since
