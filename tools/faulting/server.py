"""Server: a server with the library that has its calls fail, and what is seen of it from outside."""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from comparison import processes, procfs
from conformance.asked import AskedServer

from . import scenes

START_S = 20.0  # For a server to be ready, or to give up.
STOP_S = 20.0
_SETTLE_S = 5.0  # For what ends by itself: processes of clients, descriptors.
_POLL_S = 0.005
_WORKERS = 3  # Of a pool: enough for the two of a chat.
_SERVICES = ("echo", "http", "file", "chat", "echo+udp", "relay")
# An upload that was not acknowledged may be there as a whole all the same.
_UPLOAD = re.compile(r"put-\d+")


@dataclass(frozen=True)
class Programs:
    server: str
    library: str


class Server:
    """A server with the library, in a session of its own. Leaves no process behind."""

    def __init__(self, programs, variant, traits, plan_path, folder):
        """`variant`: a model, with flags behind it."""
        self.root = os.path.join(folder, "root")
        self._log_path = os.path.join(folder, "log")
        os.makedirs(self.root)
        for name, content in scenes.FILES.items():
            with open(os.path.join(self.root, name), "wb") as file:
                file.write(content)
        model, *own = variant.split()
        is_pool = traits["silent"] == "one of N" and not any(flag.startswith("--workers") for flag in own)
        self._asked = AskedServer()
        self._argv = [programs.server, f"--model={model}", *own, *([f"--workers={_WORKERS}"] if is_pool else []),
                      "--listen=" + ",".join(f"{service}://127.0.0.1:0" for service in _SERVICES), f"--root={self.root}",
                      f"--relay_to={self._asked.address}", "--stop_grace=100ms", "--drain_timeout=5s"]
        self._environment = {**os.environ, "LD_PRELOAD": programs.library, "POLYSERVE_FAULTS": plan_path}
        self._process = None
        self.addresses = {}

    def start(self):
        """True if it serves; False if it has ended; None if neither, after START_S."""
        with open(self._log_path, "a", encoding="utf-8") as log:
            self._process = processes.spawn(self._argv, env=self._environment, stderr=log, stdout=subprocess.PIPE,
                                            stdin=subprocess.PIPE)  # The operator of the room, who says nothing.
        return self._await_ready()

    def end(self):
        """By force, with all that is left of it."""
        self._asked.close()
        if self._process is None:
            return
        processes.end_session(self._process.pid, grace_s=0)
        self._process.wait()
        self._process.stdout.close()
        self._process.stdin.close()

    @property
    def log(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def last_line(self):
        return (self.log.strip().splitlines() or [""])[-1]

    @property
    def exit_status(self):
        return self._process.poll()

    def _await_ready(self):
        told, output = b"", self._process.stdout.fileno()
        deadline = time.monotonic() + START_S
        while b"\nready " not in told:
            if not processes.is_readable(output, deadline - time.monotonic()):
                return None
            piece = os.read(output, 4096)
            if not piece:
                self._process.wait(timeout=STOP_S)
                return False
            told += piece
        for line in told.decode().splitlines():
            words = line.split()
            if words[0] == "listening":
                self.addresses[words[1] + ("+udp" if words[2] == "udp" else "")] = words[3]
        return True

    def ask_to_stop(self):
        self._process.send_signal(signal.SIGTERM)

    def awaits_end(self, seconds=STOP_S):
        """Whether it ends in time."""
        return eventually(lambda: self._process.poll() is not None, seconds)

    def pids(self):
        return procfs.session_members(self._process.pid)

    def footprint(self):
        """pid -> its descriptors, of all that live."""
        return {pid: len(procfs.descriptors(pid)) for pid in self.pids() if not procfs.is_zombie(pid)}

    def settled_footprint(self):
        """The same, when it no longer changes."""
        before, deadline = self.footprint(), time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            time.sleep(4 * _POLL_S)
            now = self.footprint()
            if now == before:
                break
            before = now
        return before

    def zombies(self):
        return [pid for pid in self.pids() if procfs.is_zombie(pid)]

    def strange_files(self, stored):
        """What is below the root and nobody has put there."""
        known = {*scenes.FILES, *stored}
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, names in os.walk(self.root) for name in names
                      if os.path.relpath(os.path.join(folder, name), self.root) not in known and not _UPLOAD.fullmatch(name))


def eventually(is_so, seconds=_SETTLE_S):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
