"""Counts: what a server does for one unit of a work: system calls, or instructions. They are nearly the same on a busy machine as
on a quiet one, unlike times. The work is done a few times, and many times: the difference, divided, is what one unit costs.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile

from comparison import syscalls
from xraying import scene

from . import works

CALLS, INSTRUCTIONS = "calls", "instructions"
# strace stops a process at every call, so that many units would take long.
_UNITS = {CALLS: (10, 60), INSTRUCTIONS: (50, 550)}
_PATIENCE_S = 120.0
# Waits for locks, and what a server does once in a while: as many as the scheduler and the time make of them.
_BY_CHANCE = ("futex", "restart_syscall", "sched_yield", "rt_sigreturn", "kill")


class CountError(Exception):
    """It could not be counted. The text says why."""


def why_not(figure):
    """Why this figure cannot be counted here; empty if it can."""
    program = "strace" if figure == CALLS else "valgrind"
    return "" if shutil.which(program) else f"there is no {program} (apt-get install {program})"


@contextlib.contextmanager
def _served(words, environment, work, root):
    """A server, as a process, with the address of its service and its process id. It is killed if it has not been stopped."""
    process = subprocess.Popen([*words, f"--listen={work.service}://127.0.0.1:0", f"--root={root}", "--chat_rate=0"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, **environment), start_new_session=True)
    try:
        addresses, pid = scene.await_ready(process, _PATIENCE_S)
        host, _, port = addresses[work.service].rpartition(":")
        yield process, (host, int(port)), pid
    except (scene.SceneError, works.WorkError, OSError, subprocess.TimeoutExpired) as error:
        raise CountError(f"{' '.join(words)}, {work.name}: {error}") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _calls(server, model, work, units, root, _):
    """Only while the work is done: a server that stops makes as many calls as its time allows."""
    table, counts = os.path.join(root, "calls.txt"), []
    with _served([server, f"--model={model}"], {}, work, root) as (process, address, _pid):
        work.play(address, units[0])  # What is done once is done.
        for number in units:
            strace = syscalls.attach(process.pid, table)
            if strace is None:
                raise CountError("strace may not attach (see kernel.yama.ptrace_scope)")
            try:
                work.play(address, number)
            finally:
                strace.send_signal(signal.SIGINT)  # Then it lets go of all, and writes its table.
                strace.communicate()
            with open(table, encoding="utf-8") as file:
                counts.append(sum(count for name, count in syscalls.parse(file.read()).items() if name not in _BY_CHANCE))
    return counts


def _instructions(server, model, work, units, root, shim):
    """In a run each: valgrind says its count at the end."""
    counts = []
    for number in units:
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", server, f"--model={model}"]
        with _served(words, {"LD_PRELOAD": shim}, work, root) as (process, address, pid):
            work.play(address, number)
            os.kill(pid, signal.SIGTERM)
            said = process.communicate(timeout=_PATIENCE_S)[1]
        found = re.search(r"Collected : (\d+)", said)
        if not found:
            raise CountError(f"valgrind has counted nothing: {said[-300:].strip()}")
        counts.append(int(found[1]))
    return counts


def per_unit(figure, server, model, work, shim=""):
    """A number. CountError.

    shim  openat2.so (xraying), without which valgrind does not run the server
    """
    count = _calls if figure == CALLS else _instructions
    few, many = units = _UNITS[figure]
    with tempfile.TemporaryDirectory(prefix="polyserve-counts-") as root:
        works.make_files(root)
        of_few, of_many = count(server, model, works.ALL[work], units, root, shim)
    return (of_many - of_few) / (many - few)
