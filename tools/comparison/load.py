"""One run of the load generator (//client:load), which checks every reply."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass

from . import processes

# How far the connections in use may be from rate times mean response time, beside what requests at the window's edges do;
# those must be a small part of it.
_LITTLE = 0.02
_MOST_AT_EDGES = 0.1
# Beyond its own time: connecting, and waiting for the last replies, take 10 s each at most.
_PATIENCE_S = 40
_CPU_CLOCK_OF_PROCESS = 2  # CPUCLOCK_SCHED of Linux.


@dataclass
class LoadRun:
    report: dict  # What it printed, as it is. None if it printed nothing.
    failed: str  # Why the figures are worth nothing; None if they are good.

    @property
    def replies(self):
        return self.report["replies"] if self.report else 0

    @property
    def replies_in_all(self):
        """Those of the warm-up, and after the end, too."""
        return self.report["replies_in_all"] if self.report else 0


def cpu_of(process):
    """Seconds of processor time that a running process has taken; clock_getcpuclockid(3) makes the clock's number so."""
    return time.clock_gettime((~process.pid << 3) | _CPU_CLOCK_OF_PROCESS)


def _read_line(process, line, patience_s):
    """What the process writes next to standard error: this line and nothing after it, or whatever else it says."""
    said = b""
    errors = process.stderr.fileno()
    deadline = time.monotonic() + patience_s
    while len(said) < len(line):
        is_there = processes.is_readable(errors, deadline - time.monotonic())
        piece = os.read(errors, len(line) - len(said)) if is_there else b""
        if not piece:
            break
        said += piece
    return said.decode(errors="replace")


class Load:
    """The load generator, on these processors."""

    def __init__(self, program, cpus):
        self.program = program
        self.cpus = cpus

    def command(self, flags, address, duration_s, warm_up_s=0.0, seed=1):
        argv = [self.program, "--json", f"--server={address}", f"--duration={duration_s:.3f}s",
                f"--warm_up={warm_up_s:.3f}s", f"--seed={seed}", *flags]
        connections = [int(flag.split("=")[1]) for flag in flags if flag.startswith("--connections=")]
        threads = min(len(self.cpus) or 1, *connections) if connections else 1
        return argv if any(flag.startswith("--threads=") for flag in flags) else [*argv, f"--threads={threads}"]

    def start(self, flags, address, duration_s, warm_up_s=0.0, seed=1):
        """The running process; end it with finish()."""
        return processes.spawn(self.command(flags, address, duration_s, warm_up_s, seed), self.cpus,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def start_slices(self, flags, address, warm_up_s, seed):
        """The running process, which connects, and then reads what to do; see client/load/slices.h."""
        argv = [*self.command(flags, address, 1.0, warm_up_s, seed), "--slices"]
        return processes.spawn(argv, self.cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, flags, address, duration_s, warm_up_s=0.0, seed=1):
        return finish(self.start(flags, address, duration_s, warm_up_s, seed), duration_s + warm_up_s)

    def run_looking(self, flags, address, duration_s, warm_up_s, seed, look):
        """(LoadRun, first, last): what look(process) has returned when counting began, and when it ended. Both are None if
        it did not come so far."""
        process = self.start([*flags, "--tell_counting"], address, duration_s, warm_up_s, seed)
        looks, said = [], ""
        for line, patience_s in ((b"counting\n", warm_up_s + _PATIENCE_S), (b"counted\n", duration_s + _PATIENCE_S)):
            said = _read_line(process, line, patience_s)
            if said != line.decode():
                break
            try:
                looks.append(look(process))
            except BaseException:
                _kill(process)
                raise
            said = ""
        run = finish(process, duration_s + warm_up_s, said)
        return (run, *looks) if len(looks) == 2 else (run, None, None)


def finish(process, expected_s, said_before=""):
    """Waits for a started run. `said_before` was read from its standard error already."""
    try:
        output, said = process.communicate(timeout=expected_s + _PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return LoadRun(None, "the load generator did not end in time")
    except BaseException:
        _kill(process)
        raise
    return interpret(process.returncode, output, said_before + said)


def _kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def interpret(status, output, said):
    """A LoadRun out of the generator's exit status and what it printed."""
    try:
        report = json.loads(output) if output.strip() else None
    except ValueError:
        report = None
    if report is None:
        return LoadRun(None, said.strip() or f"the load generator ended with status {status}")
    faults = report.get("faults", [])
    if faults or status != 0:
        return LoadRun(report, "; ".join(faults) or f"the load generator ended with status {status}")
    return LoadRun(report, None)


def contradiction(report):
    """Why the figures of a closed loop cannot all be true, by Little's law (1961): of N connections that always wait for a
    reply, rate times mean response time is N. If it is less, some got no reply at all, and are in no response time; None if
    all is well.

    Requests that began before the window, or end after it, shift that by the longest response time at most.
    """
    times = report.get("response_ns", {})
    if report.get("rate") or report.get("workload") == "chat" or not times.get("mean"):
        return None  # At a rate connections also wait for requests; in a room a reply is a delivery.
    waiting = report["connections"] * report["depth"]
    in_use = report["replies_per_second"] * times["mean"] / 1e9
    at_edges = times["max"] / 1e9 / report["seconds"]
    if at_edges > _MOST_AT_EDGES or abs(in_use - waiting) <= (_LITTLE + at_edges) * waiting:
        return None
    return (f"the figures contradict each other: {waiting} requests wait at any time, but rate times mean response time is "
            f"{in_use:.3g}")
