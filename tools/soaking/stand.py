"""Stand: the server under test, from its start, through its upgrades, to its end. A server that ends by itself is noticed."""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess

from comparison import processes, procfs, tls

from .callers import Stream, at
from .ledger import STOP_GRACE_S
from .web_load import read_reply

SERVICES = ("http", "http+tls", "file", "file+tls", "chat", "chat+tls", "chat+udp", "tftp+udp", "wait", "relay")
_PATIENCE_S = 30.0
_LAST_LINES = 40
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_READY = re.compile(rb"^ready model=\S+ pid=(\d+)$", re.MULTILINE)
# What a server that is in order never writes: a failed CHECK, a signal of the kernel's, a sanitizer's report.
_BAD = re.compile(r"^F\d{4} |Check failed|AddressSanitizer|ThreadSanitizer|runtime error:|killed by signal (?!9 )", re.MULTILINE)

# How long the server waits for slow clients. Longer than a client of this program, on a busy machine, is ever silent within a
# request; short enough that a soak of a quarter of a minute sees them pass.
SLOW_S = 8
FLAGS = (f"--idle_timeout={SLOW_S}s", f"--request_timeout={SLOW_S}s", f"--min_rate_window={SLOW_S}s", "--drain_timeout=4s",
         f"--stop_grace={STOP_GRACE_S}s", "--tftp_writes", "--tftp_overwrite")


class Crashed(Exception):
    """The server has ended by itself. The text says how, with the last lines of its log."""


class Stand:
    """pid      of the server's first process, which an upgrade changes
    session     of all its processes
    addresses   service -> "HOST:PORT"
    folder      of what belongs to it, beside the library: program, certificate, logs, temporaries
    """

    def __init__(self, program, model_flags, disk, folder, asked):
        """Starts it. Raises processes.ServerError. `model_flags` begin with --model; `asked` is where relay asks."""
        self.folder, self._program, self.root = folder, program, disk.root
        self.log_path = os.path.join(folder, "server.log")
        self.access_log = os.path.join(os.path.dirname(disk.root), "access.log")
        self.temporaries = os.path.join(folder, "tmp")
        os.mkdir(self.temporaries)
        # Orphans come to us and not to the first process of the machine, which in a container may never wait for one. So does the
        # new server of an upgrade, whose status we then learn.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.put_program()
        self.certificate = self.make_certificate()
        listen = ",".join(f"{service}://127.0.0.1:0" for service in SERVICES)
        argv = [self._own("server"), *model_flags, f"--listen={listen}", f"--root={disk.root}", f"--access_log={self.access_log}",
                f"--tls_cert={self._own('tls.pem')}", f"--relay_to={asked}", *FLAGS, *disk.flags]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self._process = processes.spawn(argv, stderr=log, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": self.temporaries})
        self.session = self.pid = self._process.pid
        self.addresses, self._output, self._statuses = {}, b"", {}
        self._await_first_ready()

    def _own(self, name):
        return os.path.join(self.folder, name)

    def put_program(self):
        """The program anew, at the path that the server is started from."""
        shutil.copy(self._program, self._own("server.new"))
        os.rename(self._own("server.new"), self._own("server"))

    def make_certificate(self):
        """Makes another one, in place of that before, and returns it as DER."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._own("certificate.pem"))
        made = tls.certificate(self.folder)
        shutil.copy(made, self._own("tls.new"))
        os.rename(self._own("tls.new"), self._own("tls.pem"))
        return subprocess.run(["openssl", "x509", "-in", made, "-outform", "DER"], capture_output=True, check=True).stdout

    def _await_first_ready(self):
        output = self._process.stdout.fileno()
        while b"\nready " not in self._output:
            piece = os.read(output, 4096) if processes.is_readable(output, _PATIENCE_S) else b""
            if not piece:
                self.close()
                raise processes.ServerError("the server does not start; it said: " + self.last_lines())
            self._output += piece
        os.set_blocking(output, False)
        for line in self._output.decode().splitlines():
            words = line.split()
            if words[0] == "listening":
                self.addresses[words[1] + ("+udp" if words[2] == "udp" else "")] = words[3]

    # What it says.

    def log(self):
        return procfs.read(self.log_path)

    def last_lines(self):
        return "\n".join(self.log().splitlines()[-_LAST_LINES:])

    def bad_lines(self):
        """What in its log a server that is in order never writes."""
        return [line for line in self.log().splitlines() if _BAD.search(line)]

    async def status(self):
        """/-/status. Raises OSError or EOFError."""
        stream = await Stream.open(self.addresses["http"])
        try:
            await stream.send(b"GET /-/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            _, _, content = await read_reply(stream)
            return json.loads(content)
        finally:
            stream.close()

    async def shown_certificate(self):
        """As DER, by a new connection."""
        host, port = at(self.addresses["http+tls"])
        _, writer = await asyncio.open_connection(host, port, ssl=tls.client_context())
        try:
            return writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.transport.abort()

    # Its processes.

    def members(self):
        """All its processes that live."""
        return [pid for pid in procfs.session_members(self.session) if not procfs.is_zombie(pid)]

    def _parent(self, pid):
        match = re.search(r"^PPid:\s+(\d+)", procfs.read(f"/proc/{pid}/status"), re.MULTILINE)
        return int(match[1]) if match else 0

    def hub(self):
        """The process of the room; None if it has none, or not yet again."""
        keepers = [pid for pid in self.members() if procfs.name(pid) == "chat keeper" and self._parent(pid) == self.pid]
        hubs = [pid for pid in self.members() if procfs.name(pid) == "chat hub" and self._parent(pid) in keepers]
        return hubs[0] if hubs else None

    def workers(self):
        """The processes that serve clients, if not all of them are served by the first one."""
        own = ("chat keeper", "chat hub")
        return [pid for pid in self.members() if self._parent(pid) == self.pid and procfs.name(pid) not in own]

    def reap(self):
        """Waits for those of its processes whose parents have ended. Their statuses are kept, for has_ended()."""
        self._process.poll()
        for pid in procfs.session_members(self.session):
            if pid != self._process.pid and procfs.is_zombie(pid) and self._parent(pid) == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    found, status = os.waitpid(pid, os.WNOHANG)
                    if found:
                        self._statuses[found] = os.waitstatus_to_exitcode(status)

    def has_ended(self, pid):
        """Whether a server, this one or one before, has ended: its status; None while it runs."""
        self.reap()
        if pid == self._process.pid:
            return self._process.returncode
        if pid in self._statuses:
            return self._statuses[pid]
        if procfs.start_time(pid) is None:
            return -signal.SIGKILL  # Its parent has waited for it: nobody else learns more.
        is_ours = self._parent(pid) == os.getpid()  # Then the next call knows the status.
        return -signal.SIGKILL if procfs.is_zombie(pid) and not is_ours else None

    def check(self):
        """Raises Crashed if the server has ended by itself."""
        status = self.has_ended(self.pid)
        if status is not None:
            how = f"was killed by signal {-status}" if status < 0 else f"has ended with status {status}"
            raise Crashed(f"the server (pid {self.pid}) {how}; the end of its log:\n{self.last_lines()}")

    def signal(self, number):
        os.kill(self.pid, number)

    async def await_successor(self):
        """Waits until a new server is ready, from now on `pid`; returns the pid of the one before. TimeoutError: none is."""
        known, output = len(_READY.findall(self._output)), self._process.stdout.fileno()
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while len(found := _READY.findall(self._output)) <= known:
            with contextlib.suppress(BlockingIOError):
                self._output += os.read(output, 4096)
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("no new server is ready")
            await asyncio.sleep(0.02)
        before, self.pid = self.pid, int(found[-1])
        return before

    def close(self):
        """Ends all its processes. The status of the first one is not looked at: stop() does that."""
        processes.end_session(self.session, grace_s=0)
        self.reap()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.stdout.close()

    async def stop(self):
        """SIGTERM. Returns the exit status; None if it does not end in time."""
        self.signal(signal.SIGTERM)
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while (status := self.has_ended(self.pid)) is None and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        return status
