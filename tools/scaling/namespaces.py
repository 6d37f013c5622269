"""Network namespaces with names, and the processes in them: so that they can be ended, and found again if we were killed before.

The name says whose it is: polyserve-scale-PROCESS-START-ROLE, with the process that has made it, and when that was started.
"""

import contextlib
import os
import re
import signal
import subprocess
import time

from comparison import processes, procfs

_FOLDER = "/run/netns"
_NAME = re.compile(r"^polyserve-scale-(\d+)-(\d+)-[a-z]+")
_PATIENCE_S = 10.0
# What may raise an exception anywhere: Ctrl-C, what means the same, and the bound in time (scene.py).
_DISTURBING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class NetworkError(Exception):
    """There can be no such network. The text says why, and what to do."""


def do(*argv):
    """Runs it to its end. NetworkError: it has failed."""
    status, _, said = processes.run(argv)
    if status != 0:
        raise NetworkError(f"{' '.join(argv)}: {said.strip() or f'status {status}'}")


@contextlib.contextmanager
def undisturbed():
    """What a signal raises waits for the end of the `with`: for what must be done to its end. In the main thread alone."""
    came = []
    before = {number: signal.getsignal(number) for number in _DISTURBING}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in before:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:  # One exception ends it all.
            signal.raise_signal(number)


def path_of(name):
    return f"{_FOLDER}/{name}"


def members(name):
    """The processes in it, those of other tools included. Their threads may be elsewhere; none of ours is."""
    try:
        wanted = os.stat(path_of(name)).st_ino
    except OSError:
        return []
    found = []
    for pid in procfs.pids():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino == wanted:
                found.append(pid)
    return found


def kill_members(name):
    """Ends all processes in it, as a host that loses its power does, and waits until none is left but zombies."""
    end = time.monotonic() + _PATIENCE_S
    while alive := [pid for pid in members(name) if pid != os.getpid() and not procfs.is_zombie(pid)]:
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise NetworkError(f"processes {alive} in {name} cannot be killed")
        time.sleep(0.01)


def remove(name):
    """With all processes in it. The namespace itself goes with its last process."""
    kill_members(name)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        processes.run(["ip", "netns", "delete", name])


def remove_leftovers():
    """Those of runs that were killed. Returns their names."""
    try:
        names = sorted(os.listdir(_FOLDER))
    except OSError:
        return []
    left = [name for name in names if owner_of(name) is False]
    for name in left:
        remove(name)
    return left


def owner_of(name):
    """Whether the process that has made something of this name lives: True, False, or None if the name is not one of ours."""
    match = _NAME.match(name)
    return None if match is None else procfs.start_time(match[1]) == int(match[2])


def own_name(role):
    """That of a namespace of this process; `role` is of small letters."""
    return f"polyserve-scale-{os.getpid()}-{procfs.start_time(os.getpid())}-{role}"


@contextlib.contextmanager
def inside(name):
    """The calling thread is in this namespace meanwhile."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        processes.enter_network(path_of(name))
        try:
            yield
        finally:
            processes.enter_network(f"/proc/self/fd/{before}")
    finally:
        os.close(before)
