"""System calls per request, by `strace -c -f` in a run of its own: strace slows everything down, so nothing else is
measured then."""

import re
import shutil
import signal
import subprocess
import time

from . import procfs
from .measure import WARM_UP_S

DURATION_S = 1.0
# A line of strace's table: % time, seconds, usecs/call, calls, [errors,] name.
_ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w*)$", re.MULTILINE)


def parse(table):
    """strace -c's table: name -> calls. The line "total" is left out."""
    return {name: int(count) for count, name in _ROW.findall(table) if name != "total"}


def is_possible():
    return shutil.which("strace") is not None


def attach(session, path):
    """strace on all processes of a session and on all that they make; None if it is not allowed to."""
    pids = [pid for pid in procfs.session_members(session) if not procfs.is_zombie(pid)]
    argv = ["strace", "-c", "-f", "-o", path, *[part for pid in pids for part in ("-p", str(pid))]]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               start_new_session=True)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and process.poll() is None:
        if all(_is_traced(pid) for pid in pids):
            return process
        time.sleep(0.01)
    process.kill()
    process.communicate()
    return None


def _is_traced(pid):
    return all(re.search(r"^TracerPid:\s*[1-9]", procfs.read(f"/proc/{pid}/task/{thread}/status"), re.MULTILINE)
               for thread in procfs.threads(pid))


def count(subject, workload, setting, load, scratch):
    """A line of syscalls.jsonl: requests, calls, failed."""
    path = f"{scratch}/strace.txt"
    with subject.start(",".join(workload.services()), setting) as server:
        flags, address = workload.load_flags(server.addresses, setting.root), workload.server(server.addresses)
        load.run(flags, address, WARM_UP_S)
        strace = attach(server.session, path)
        if strace is None:
            return {"requests": 0, "calls": {}, "failed": "strace may not attach (see kernel.yama.ptrace_scope)"}
        try:
            run = load.run(flags, address, DURATION_S)
        finally:
            strace.send_signal(signal.SIGINT)  # Then it lets go of all, and writes its table.
            strace.communicate()
    with open(path, encoding="utf-8") as file:
        calls = parse(file.read())
    failed = run.failed
    if failed and run.replies > 0 and set(run.report["errors"].values()) == {0}:
        failed = None  # Under strace no server reaches a rate; the calls are counted all the same.
    return {"requests": run.replies, "calls": calls, "failed": failed}
