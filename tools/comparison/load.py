"""One run of the load generator (//client:load), which checks every reply."""

import json
import os
import resource
import signal
import subprocess
from dataclasses import dataclass

from . import processes

# Beyond its own time: connecting, and waiting for the last replies, take 10 s each at most.
_PATIENCE_S = 40


@dataclass
class LoadRun:
    report: dict  # What it printed, as it is. None where it printed nothing.
    failed: str  # Why the figures are worth nothing; None where they are good.
    cpu_s: float  # Processor time that it took.

    @property
    def replies(self):
        return self.report["replies"] if self.report else 0


def _cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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

    def run(self, flags, address, duration_s, warm_up_s=0.0, seed=1):
        before = _cpu_of_children()
        process = self.start(flags, address, duration_s, warm_up_s, seed)
        run = finish(process, duration_s + warm_up_s)
        run.cpu_s = _cpu_of_children() - before
        return run


def finish(process, expected_s):
    """Waits for a started run."""
    try:
        output, said = process.communicate(timeout=expected_s + _PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return LoadRun(None, "the load generator did not end in time", 0.0)
    except BaseException:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return interpret(process.returncode, output, said)


def interpret(status, output, said):
    """A LoadRun out of the generator's exit status and what it printed."""
    try:
        report = json.loads(output) if output.strip() else None
    except ValueError:
        report = None
    if report is None:
        return LoadRun(None, said.strip() or f"the load generator ended with status {status}", 0.0)
    faults = report.get("faults", [])
    if faults or status != 0:
        return LoadRun(report, "; ".join(faults) or f"the load generator ended with status {status}", 0.0)
    return LoadRun(report, None, 0.0)
