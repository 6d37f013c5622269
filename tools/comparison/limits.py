"""Limits: each server in control groups of its own that give it so much processor time and memory, as a container has it:
--limits=cpus:0.5,memory:128M. How long it was throttled, and what the kernel killed for want of memory, is counted there too.

Version 2 of control groups is used where it has the controllers, otherwise version 1. Nothing of the system's own groups is
changed: if the group we are in, and the one at the top, hand on no controllers, it is refused.
"""

import dataclasses
import itertools
import os
import re
from dataclasses import dataclass

from . import cgroup, procfs

# In each period a server gets its share, and waits for the next one if it has used it up. As containers have it.
PERIOD_US = 100_000
# The share of a period that the kernel accepts, and what a program needs to be started at all.
_LEAST_CPUS, _LEAST_MEMORY = 0.01, 2**20
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_EXAMPLE = "for example cpus:0.5,memory:128M"
_numbers = itertools.count(1)


class LimitError(Exception):
    """There can be no such limits. The text says why."""


@dataclass(frozen=True)
class Limits:
    """What a server gets at most; 0: all there is."""

    cpus: float = 0.0
    memory_bytes: int = 0

    @classmethod
    def parse(cls, text):
        """Raises LimitError."""
        found = {}
        for part in text.split(","):
            name, _, value = part.strip().partition(":")
            if name in found or name not in ("cpus", "memory"):
                raise LimitError(f"--limits: '{part}' is not understood; {_EXAMPLE}")
            found[name] = _parse_cpus(part, value) if name == "cpus" else _parse_memory(part, value)
        return cls(found.get("cpus", 0.0), found.get("memory", 0))

    def title(self):
        """"0.5 processors and 128 MiB of memory"."""
        parts = [f"{self.cpus:g} processor{'' if self.cpus == 1 else 's'}"] if self.cpus else []
        parts += [f"{self.memory_bytes / 2**20:g} MiB of memory"] if self.memory_bytes else []
        return " and ".join(parts)

    def as_json(self):
        return {"cpus": self.cpus or None, "memory_bytes": self.memory_bytes or None, "title": self.title()}

    def controllers(self):
        return [name for name, value in (("cpu", self.cpus), ("memory", self.memory_bytes)) if value]


def _parse_cpus(part, value):
    if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) < _LEAST_CPUS:
        raise LimitError(f"--limits: '{part}' is not understood; it is a number of processors, {_LEAST_CPUS:g} or more; {_EXAMPLE}")
    return float(value)


def _parse_memory(part, value):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG])", value)
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < _LEAST_MEMORY:
        raise LimitError(f"--limits: '{part}' is not understood; it is a number with K, M or G, 1M or more; {_EXAMPLE}")
    return size


@dataclass(frozen=True)
class Events:
    """What has happened to the processes of a server since its start."""

    throttled_s: float = 0.0  # Of all its processors together, so that it may be more than the time that has passed.
    oom_kills: int = 0


class Box:
    """Control groups that last as long as one server; as cgroup.CpuGroup, with limits."""

    def __init__(self, folders, read_times, read_events, counting=None):
        """
        folders   controller -> its group's folder; of version 2 the same for all
        counting  a CpuGroup that counts processor time, if the groups with the limits do not
        """
        self._folders, self._read_times, self._read_events, self._counting = folders, read_times, read_events, counting

    def _distinct(self):
        return list(dict.fromkeys(self._folders.values()))

    def join(self):
        for folder in self._distinct():
            cgroup.join(folder)
        if self._counting:
            self._counting.join()

    def cpu_times(self):
        """Seconds (user, system) of all processes that were ever in it."""
        return self._counting.cpu_times() if self._counting else self._read_times(self._distinct()[0])

    def events(self):
        return self._read_events(self._folders)

    def remove(self):
        for folder in self._distinct():
            cgroup.remove(folder)
        if self._counting:
            self._counting.remove()


def create(limits):
    """A new, empty Box. Raises LimitError."""
    mounts = cgroup.mounts()
    name = f"polyserve-limits-{os.getpid()}-{next(_numbers)}"
    reasons = []
    for make in (make_version2, make_version1):
        try:
            return make(limits, name, mounts, cgroup.own_path)
        except LimitError as error:
            reasons.append(str(error))
    raise LimitError("--limits: no control group with them can be made here (it takes root): " + "; ".join(reasons))


def check(limits, processors):
    """Raises LimitError if a server on so many processors cannot have these limits here, or if they limit nothing."""
    if limits.cpus >= processors:
        raise LimitError(f"--limits: cpus:{limits.cpus:g} limits nothing, since the server has {processors} "
                         f"processor{'' if processors == 1 else 's'} (--server_cpus)")
    create(limits).remove()


# A measurement has so many periods at least.
_LEAST_PERIODS = 10


def whole_periods(workload):
    """A workloads.Workload that is measured for many periods without a rest. In slices of half a period, with rests between, a server
    would never be throttled: its share of each period would last for its slice."""
    return dataclasses.replace(workload, rests=False, least_s=max(workload.least_s, _LEAST_PERIODS * PERIOD_US / 1e6))


# Version 2: one group for all.


def make_version2(limits, name, mounts, own_path):
    """A Box. Raises LimitError.

    mounts    as cgroup.mounts() gives them
    own_path  as cgroup.own_path()
    """
    point = next((point for point, kind, _ in mounts if kind == "cgroup2"), None)
    if point is None:
        raise LimitError("version 2 is not mounted")
    reasons = []
    for parent in dict.fromkeys((point + (own_path("") or "").rstrip("/"), point)):
        handed_on = procfs.read(parent + "/cgroup.subtree_control").split()
        missing = [controller for controller in limits.controllers() if controller not in handed_on]
        if missing:
            reasons.append(f"{parent} does not hand on {' and '.join(missing)}")
            continue
        folder = f"{parent}/{name}"
        try:
            _fill(folder, _settings_v2(limits))
        except OSError as error:
            reasons.append(f"{parent}: {error.strerror}")
            continue
        return Box(dict.fromkeys(limits.controllers(), folder), cgroup.times_v2, _events_v2)
    raise LimitError(", ".join(reasons))


def _settings_v2(limits):
    """(file, what is written to it, whether it has to be there)."""
    cpus = [("cpu.max", f"{round(limits.cpus * PERIOD_US)} {PERIOD_US}", True)] if limits.cpus else []
    memory = [("memory.max", str(limits.memory_bytes), True), ("memory.swap.max", "0", False)] if limits.memory_bytes else []
    return cpus + memory


def _events_v2(folders):
    stat = cgroup.fields(folders["cpu"] + "/cpu.stat") if "cpu" in folders else {}
    events = cgroup.fields(folders["memory"] + "/memory.events") if "memory" in folders else {}
    return Events(stat.get("throttled_usec", 0) / 1e6, events.get("oom_kill", 0))


# Version 1: a group in the hierarchy of each controller, and one more to count processor time.


def make_version1(limits, name, mounts, own_path, count=cgroup.CpuGroup.create):
    """A Box. Raises LimitError."""
    folders = {}
    try:
        for controller in limits.controllers():
            point = next((point for point, kind, options in mounts if kind == "cgroup" and controller in options.split(",")), None)
            if point is None:
                raise LimitError(f"version 1 has no hierarchy of {controller}")
            folder = f"{point}{(own_path(controller) or '').rstrip('/')}/{name}"
            try:
                _fill(folder, _settings_v1(limits, controller))
            except OSError as error:
                raise LimitError(f"{os.path.dirname(folder)}: {error.strerror}") from error
            folders[controller] = folder
        counting = count()
        if counting is None:
            raise LimitError("version 1 has no group to count processor time in")
        return Box(folders, None, _events_v1, counting)
    except LimitError:
        for folder in folders.values():
            cgroup.remove(folder)
        raise


def _settings_v1(limits, controller):
    if controller == "cpu":
        return [("cpu.cfs_period_us", str(PERIOD_US), True), ("cpu.cfs_quota_us", str(round(limits.cpus * PERIOD_US)), True)]
    # Memory and swap together: the same. Only if swap is counted is there such a file.
    return [("memory.limit_in_bytes", str(limits.memory_bytes), True), ("memory.memsw.limit_in_bytes", str(limits.memory_bytes), False)]


def _events_v1(folders):
    stat = cgroup.fields(folders["cpu"] + "/cpu.stat") if "cpu" in folders else {}
    control = cgroup.fields(folders["memory"] + "/memory.oom_control") if "memory" in folders else {}
    return Events(stat.get("throttled_time", 0) / 1e9, control.get("oom_kill", 0))


def _fill(folder, settings):
    """Makes a group; OSError: it cannot be, and is not there."""
    os.mkdir(folder)
    try:
        for name, value, is_needed in settings:
            path = f"{folder}/{name}"
            if is_needed or os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    file.write(value)
    except OSError:
        cgroup.remove(folder)
        raise
