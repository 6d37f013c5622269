"""The programs on the hosts: a Polyserve, Redis, and a balancer with its configuration of deploy/."""

import os
import re
import signal
import socket
import subprocess
import time

from balancing.stand import needed
from comparison import processes, procfs

from . import stand

PORTS = {"http": 8080, "file": 8081, "echo": 8082, "compute": 8084, "chat": 8085}  # As in deploy/.
BALANCERS = ("haproxy", "nginx")
_PATIENCE_S = 30.0
_NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
_READY = re.compile(rb"\nready model=\S+ pid=(\d+)\n")


class ProgramError(Exception):
    """A program does not start, or does not end. The text has what it has said."""


def await_true(is_so, what, patience_s=_PATIENCE_S):
    """Returns when that comes true. ProgramError, with `what` was waited for, if it does not in time."""
    end = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > end:
            raise ProgramError(f"{what}: not after {patience_s:g} s")
        time.sleep(0.02)


def check_installed(names):
    """FileNotFoundError, with what to do, if one of these programs is missing."""
    for name in sorted(names):
        needed(name)
    if "nginx" in names and not os.path.exists(_NGINX_STREAM):
        raise FileNotFoundError(f"nginx has no {_NGINX_STREAM} (libnginx-mod-stream): tools/setup --test installs it")


class _Program:
    """One that keeps its log in a file."""

    def __init__(self, host, folder, name):
        self.host, self._path, self.process = host, os.path.join(folder, f"{name}.log"), None

    def _spawn(self, argv, **more):
        with open(self._path, "a", encoding="utf-8") as log:
            self.process = self.host.spawn(argv, stderr=log, **{"stdout": log, **more})

    def log(self):
        return procfs.read(self._path)[-2000:]


class Polyserve(_Program):
    """A server at all of its services. It can be restarted, upgraded, and killed with its host."""

    def __init__(self, host, folder, program, flags):
        super().__init__(host, folder, f"server-{host.name}")
        self.access_log = os.path.join(folder, f"access-{host.name}.log")
        listen = ",".join(f"{service}://{host.address}:{port}" for service, port in PORTS.items())
        # The upgrade starts the program at this path.
        self._argv = [program, f"--listen={listen}", f"--access_log={self.access_log}", *flags]
        self._said, self.pid = b"", None

    def start(self):
        self._said = b"\n"
        self._spawn(self._argv, stdout=subprocess.PIPE)
        self._await_ready()

    def _await_ready(self):
        """A further line that says so; its process id is then that of the server."""
        end = time.monotonic() + _PATIENCE_S
        while not _READY.search(self._said):
            piece = b""
            if processes.is_readable(self.process.stdout.fileno(), end - time.monotonic()):
                piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                raise ProgramError(f"the server on {self.host.name} does not get ready: {self.log()}")
            self._said += piece
        self.pid = int(_READY.search(self._said)[1])
        self._said = b"\n"

    def terminate(self):
        """As a service manager does; returns when it has ended. ProgramError: not in time, or not well."""
        os.kill(self.pid, signal.SIGTERM)
        if self.pid == self.process.pid:
            if self.process.wait(_PATIENCE_S) != 0:
                raise ProgramError(f"the server on {self.host.name} has ended with status {self.process.returncode}: {self.log()}")
        else:  # An upgrade has put it there, as a child of one that is gone.
            await_true(lambda: procfs.start_time(self.pid) is None or procfs.is_zombie(self.pid), "the end of a server")
        self.process.stdout.close()

    def upgrade(self):
        """SIGUSR2; returns when the new one serves and the old one has ended."""
        before = self.pid
        os.kill(before, signal.SIGUSR2)
        self._await_ready()
        if before == self.process.pid:
            self.process.wait(_PATIENCE_S)
        else:
            await_true(lambda: procfs.start_time(before) is None or procfs.is_zombie(before), "the end of an upgraded server")

    def kill(self):
        self.host.kill()
        self.process.wait()
        self.process.stdout.close()

    def requests(self):
        """How many it has answered, without the balancer's checks."""
        return sum("/-/ready" not in line for line in procfs.read(self.access_log).splitlines())


class Redis(_Program):
    def __init__(self, host, folder):
        super().__init__(host, folder, "redis")
        self.url = f"redis://{host.address}:6379/0"
        self._folder = folder

    def start(self):
        self._spawn([needed("redis-server"), "--bind", self.host.address, "--port", "6379", "--dir", self._folder, "--save", "",
                     "--appendonly", "no", "--protected-mode", "no", "--daemonize", "no"])
        await_true(lambda: processes.is_listening(f"{self.host.address}:6379"), "the start of Redis")

    def ask(self, command):
        """The first line of the answer, as its protocol has it."""
        with socket.create_connection((self.host.address, 6379), _PATIENCE_S) as connection, connection.makefile("rb") as answers:
            connection.sendall(f"{command}\r\n".encode())
            return answers.readline().decode().strip()


def haproxy_configuration(text):
    """That of deploy/ with a third server: every line about b once more, for c. The room is shared, so chat needs no place of its own."""
    return _with_third(text, r"(?m)^    server b .*$", lambda line: line.replace("server b ", "server c ").replace("http/b", "http/c"))


def nginx_configuration(text, folder):
    """The same. One process, which stays ours and runs as us, and a file of its number in `folder`."""
    text = _with_third(text, r"(?m)^        server 10\.0\.0\.12:.*$", lambda line: line)
    for old, new in (("user www-data;\n", "user root;\ndaemon off;\nmaster_process off;\n"), ("/run/nginx.pid", f"{folder}/nginx.pid")):
        if text.count(old) != 1:
            raise ProgramError(f"the configuration of nginx does not have '{old.strip()}' once")
        text = text.replace(old, new)
    return text


def _with_third(text, of_b, for_c):
    """`of_b` finds the lines about the second server; `for_c` changes names in one."""
    text = text.replace(" backup", "")  # Of the room, which is not shared there.
    second, third = stand.SERVERS["b"], stand.SERVERS["c"]
    changed, count = re.subn(of_b, lambda found: f"{found[0]}\n{for_c(found[0]).replace(second, third)}", text)
    if count == 0 or count != text.count(f"{second}:"):
        raise ProgramError(f"the configuration names {second} {text.count(second + ':')} times, in {count} lines of servers")
    return changed


class Balancer(_Program):
    """HAProxy or nginx, with the configuration of deploy/."""

    def __init__(self, kind, host, folder, deploy):
        super().__init__(host, folder, kind)
        self.kind, self._configuration = kind, os.path.join(folder, f"{kind}.conf")
        with open(os.path.join(deploy, {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}[kind]), encoding="utf-8") as file:
            text = file.read()
        with open(self._configuration, "w", encoding="utf-8") as file:
            file.write(haproxy_configuration(text) if kind == "haproxy" else nginx_configuration(text, folder))
        self._folder = folder

    def start(self):
        program = needed(self.kind)
        if self.kind == "haproxy":
            self._spawn([program, "-db", "-f", self._configuration])
        else:
            self._spawn([program, "-e", "stderr", "-p", self._folder, "-c", self._configuration])
        await_true(self._is_up, f"the start of {self.kind}")

    def _is_up(self):
        if self.process.poll() is not None:
            raise ProgramError(f"{self.kind} has ended: {self.log()}")
        return processes.is_listening(f"{self.host.address}:80")
