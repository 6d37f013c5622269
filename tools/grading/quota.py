"""A bound on the processor time of a program under test: the whole machine, or a tenth of one processor.

A control group does it exactly. If none can be made, the processes are stopped and continued in turn. That is coarser: a
stopped process is a little different from a slow one (epoll_wait fails with EINTR when it goes on), and it is never seen to
stand still, so that each failure takes all of the grader's patience.
"""

import itertools
import os
import signal
import threading
import time

PERIOD_US = 10000
_numbers = itertools.count(1)


def _mount_points():
    """Folders in which a group with a processor quota may be made: (folder, version)."""
    points = []
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, point, kind, options = line.split()[:4]
            if kind == "cgroup2":
                points.append((point, 2))
            elif kind == "cgroup" and "cpu" in options.split(","):
                points.append((point, 1))
    return points


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Whole:
    """No bound."""
    name = "whole machine"

    def enter(self):
        """Called by a child between fork and exec."""

    def watch(self, tree, frozen):
        """Called with the tree of a program that has been started; `frozen` are pids that the check itself has stopped."""

    def leave(self):
        """Called when the program has ended."""

    def close(self):
        """Called once, at the end."""


class Group(Whole):
    """A control group with a quota."""

    def __init__(self, folder, version, share):
        self._folder = folder
        self.name = f"{share:.0%} of a processor, by control group"
        quota = int(PERIOD_US * share)
        if version == 2:
            _write(f"{folder}/cpu.max", f"{quota} {PERIOD_US}")
        else:
            _write(f"{folder}/cpu.cfs_period_us", str(PERIOD_US))
            _write(f"{folder}/cpu.cfs_quota_us", str(quota))

    @classmethod
    def create(cls, share):
        """None if the system does not let us make one."""
        for point, version in _mount_points():
            folder = f"{point}/polyserve-grade-{os.getpid()}-{next(_numbers)}"
            try:
                os.mkdir(folder)
            except OSError:
                continue
            try:
                return cls(folder, version, share)
            except OSError:
                os.rmdir(folder)
        return None

    def enter(self):
        _write(f"{self._folder}/cgroup.procs", "0")

    def close(self):
        for _ in range(100):  # The kernel takes a moment to forget the last process.
            try:
                os.rmdir(self._folder)
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)


class StopCycle(Whole):
    """Stops and continues all processes of the tree."""

    def __init__(self, share):
        self._on = PERIOD_US * share / 1e6
        self._off = PERIOD_US * (1 - share) / 1e6
        self._thread = None
        self._end = threading.Event()
        self.name = f"{share:.0%} of a processor, by stopping and continuing"

    def _send(self, tree, frozen, number):
        for process in tree.processes():
            if process.pid not in frozen and process.state != "Z":
                try:
                    os.kill(process.pid, number)
                except ProcessLookupError:
                    pass

    def _run(self, tree, frozen):
        while not self._end.wait(self._on):
            self._send(tree, frozen, signal.SIGSTOP)
            self._end.wait(self._off)
            self._send(tree, frozen, signal.SIGCONT)

    def watch(self, tree, frozen):
        self._end.clear()
        self._thread = threading.Thread(target=self._run, args=(tree, frozen), daemon=True)
        self._thread.start()

    def leave(self):
        if self._thread is not None:
            self._end.set()
            self._thread.join()
            self._thread = None


def tenth(share=0.1):
    """The best that the system allows."""
    return Group.create(share) or StopCycle(share)
