"""CpuGroup: the processor time of a server and of all its descendants, also of those that ended long ago. given(): what the groups
that the tools themselves run in, such as a container's, allow.

A control group of its own counts it to the microsecond. Making one takes root, or a delegated group; if neither is
possible, the caller adds up /proc/PID/stat, which misses children that no parent waited for.
"""

import itertools
import os
import re

from . import procfs

_numbers = itertools.count(1)
_NO_LIMIT_BYTES = 2**60  # Version 1 writes "none" as the largest number of whole pages.


def own_path(controller):
    """This process's own group in a hierarchy; "" is the name of version 2."""
    for line in procfs.read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return None


def mounts():
    """(mount point, "cgroup" or "cgroup2", options) of all hierarchies; options of version 1 name its controllers."""
    return re.findall(r"^\S+ (\S+) (cgroup2?) (\S+)", procfs.read("/proc/self/mounts"), re.MULTILINE)


def _counting():
    """(mount point, controller, what reads its times) of the hierarchies that count processor time, the better first."""
    version2 = [(point, "", times_v2) for point, kind, _ in mounts() if kind == "cgroup2"]
    version1 = [(point, "cpuacct", _times_v1) for point, kind, options in mounts()
                if kind == "cgroup" and "cpuacct" in options.split(",")]
    return version2 + version1


def fields(path):
    """{name: number} of a file of lines "name number"."""
    return {name: int(number) for name, number in (line.split() for line in procfs.read(path).splitlines())}


def times_v2(folder):
    values = fields(folder + "/cpu.stat")
    return values.get("user_usec", 0) / 1e6, values.get("system_usec", 0) / 1e6


def join(folder):
    """Moves the calling process into a group; for a child between fork and exec."""
    with open(folder + "/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


def given(those=None, own=own_path):
    """{"cpus", "memory_kib"}: the least that this process's groups and those above them allow; None: they set no limit.

    those  as mounts() gives them
    own    as own_path()
    """
    found = {"cpus": [], "memory_kib": []}
    for point, kind, options in mounts() if those is None else those:
        for controller in ("cpu", "memory"):
            if kind == "cgroup2" or controller in options.split(","):
                for folder in _up(point, own("" if kind == "cgroup2" else controller)):
                    name, limit = _limit(folder, controller, kind)
                    found[name] += [limit] if limit else []
    return {name: min(limits, default=None) for name, limits in found.items()}


def _up(point, path):
    """The folders from a group to the top of its hierarchy. A container's path may be the host's, of which it sees the top alone."""
    parts = (path or "").strip("/").split("/")
    return [os.path.join(point, *parts[:length]) for length in range(len(parts), -1, -1)]


def _limit(folder, controller, kind):
    """(what it limits, the limit or None)."""
    def number(name):
        text = procfs.read(f"{folder}/{name}").strip()
        return int(text) if text.isdigit() else None
    if controller == "memory":
        limit = number("memory.max" if kind == "cgroup2" else "memory.limit_in_bytes")
        return "memory_kib", limit // 1024 if limit and limit < _NO_LIMIT_BYTES else None
    if kind == "cgroup2":
        quota, _, period = procfs.read(f"{folder}/cpu.max").partition(" ")
        return "cpus", int(quota) / int(period) if quota.isdigit() else None
    quota, period = number("cpu.cfs_quota_us"), number("cpu.cfs_period_us")
    return "cpus", quota / period if quota and period else None


def remove(folder):
    """To be called when all processes of a group have ended. If one is left, the group stays: the kernel refuses to remove it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def _times_v1(folder):
    return tuple(int(procfs.read(f"{folder}/cpuacct.usage_{kind}", "0")) / 1e9 for kind in ("user", "sys"))


class CpuGroup:
    """A control group that lasts as long as one server."""

    def __init__(self, folder, read_times):
        self._folder = folder
        self._read_times = read_times

    @classmethod
    def create(cls):
        """A new, empty group, or None if the system does not let us make one."""
        for point, controller, read_times in _counting():
            own = own_path(controller)
            if own is None:
                continue
            folder = f"{point}{own.rstrip('/')}/polyserve-compare-{os.getpid()}-{next(_numbers)}"
            try:
                os.mkdir(folder)
            except OSError:
                continue
            return cls(folder, read_times)
        return None

    def join(self):
        join(self._folder)

    def cpu_times(self):
        """Seconds (user, system) of all processes that were ever in it."""
        return self._read_times(self._folder)

    def remove(self):
        remove(self._folder)
