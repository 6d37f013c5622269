"""Stand: two servers and a balancer before them, with the configuration of deploy/ and other addresses in it.

Everything is on this machine: servers and balancer at 127.0.0.1, the clients at other addresses of loopback, so that a server can tell
the two apart.
"""

import contextlib
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

from comparison import processes

SERVICES = {"http": 8080, "file": 8081, "echo": 8082, "compute": 8084, "chat": 8085}  # At their ports in deploy/.
BALANCER = "127.0.0.1"
PATIENCE_S = 60.0
_given = set()  # What free_ports() has returned.
_SERVERS = {"a": "10.0.0.11", "b": "10.0.0.12"}  # At their addresses in deploy/.


def eventually(is_so, pause_s=0.02):
    """Whether that comes true in time; asks again after each pause."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(pause_s)
    return True


def needed(program):
    """Its path. Raises FileNotFoundError, in words for the user."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise FileNotFoundError(f"{program} is not installed: tools/setup --test does that")
    return path


def free_ports(count):
    """Ports that are free now; held together, so that all differ. None is one that the system gives to clients (ip(7),
    ip_local_port_range): it could be taken by the time that a server binds it. None comes twice, since the first to get it may not
    have bound it yet."""
    with contextlib.ExitStack() as held:
        ports = []
        while len(ports) < count:
            port = random.randrange(10_000, 30_000)
            if port in _given:
                continue
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server((BALANCER, port)))
                ports.append(port)
                _given.add(port)
        return ports


def get(port, target, client=BALANCER):
    """The whole reply of http at this port, to the client at this address."""
    with socket.create_connection((BALANCER, port), PATIENCE_S, source_address=(client, 0)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


class Asker(threading.Thread):
    """A client that asks some hundred times a second until it is told to end. `ask` does it once, and returns what is wrong, or
    nothing."""

    _PAUSE_S = 0.003  # A balancer is not to be measured here.

    def __init__(self, ask):
        super().__init__()
        self._ask, self._is_ending = ask, threading.Event()
        self.answered, self.failures = 0, []

    def run(self):
        while not self._is_ending.wait(self._PAUSE_S):
            try:
                fault = self._ask()
            except OSError as error:
                fault = repr(error)
            if fault:
                self.failures.append(fault)
            else:
                self.answered += 1

    def await_more(self, count):
        """Whether so many more were answered, and none was not."""
        until = self.answered + count
        return eventually(lambda: self.answered >= until or self.failures) and not self.failures

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self._is_ending.set()
        self.join()


class Server:
    """A server of deploy/, which can be stopped, and started again at the same ports."""

    def __init__(self, program, model, folder, flags):
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
        self._folder, self._process, self._output = folder, None, b""
        os.makedirs(os.path.join(folder, "root"))
        with open(os.path.join(folder, "root", "hello"), "w", encoding="ascii") as file:
            file.write("hello, world")
        listen = ",".join(f"{service}://{BALANCER}:{port}" for service, port in self.ports.items())
        self._argv = [program, f"--model={model}", f"--listen={listen}", f"--root={folder}/root", f"--access_log={folder}/access.log",
                      *flags]

    def start(self):
        with open(os.path.join(self._folder, "server.log"), "a", encoding="utf-8") as log:
            self._process = processes.spawn(self._argv, stdout=subprocess.PIPE, stderr=log)
        self._output = b""
        while b"\nready " not in self._output:
            is_there, _, _ = select.select([self._process.stdout], [], [], PATIENCE_S)
            piece = os.read(self._process.stdout.fileno(), 4096) if is_there else b""
            if not piece:
                raise RuntimeError(f"the server does not start: {self.log()}")
            self._output += piece

    def signal(self, number=signal.SIGTERM):
        self._process.send_signal(number)

    def await_end(self):
        """Its status."""
        status = self._process.wait(PATIENCE_S)
        self._process.stdout.close()
        return status

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self.await_end()

    def log(self):
        with open(os.path.join(self._folder, "server.log"), encoding="utf-8") as file:
            return file.read()

    def requests(self):
        """Those of clients, as the access log has them: the address of each. Without the balancer's checks."""
        try:
            with open(os.path.join(self._folder, "access.log"), encoding="utf-8") as file:
                return [line.split(" ", 1)[0] for line in file if "/-/ready" not in line]
        except FileNotFoundError:
            return []


class Stand:
    """Starts the servers `a` and `b`, and the balancer.

    command        of the balancer, from the path of its configuration
    configuration  the path of that of deploy/
    own            text in it -> what has to be there instead, beside the addresses
    """

    def __init__(self, program, folder, configuration, own, command, flags=()):
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
        self.servers = {name: Server(program, model, os.path.join(folder, name), [f"--proxy_protocol_from={BALANCER}", *flags])
                        for name, model in (("a", "epoll"), ("b", "thread"))}
        self._balancer, self._log_path = None, os.path.join(folder, "balancer.log")
        try:
            for server in self.servers.values():
                server.start()
            with open(configuration, encoding="utf-8") as file:
                text = self._rewritten(file.read(), own)
            path = os.path.join(folder, "balancer.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            with open(self._log_path, "w", encoding="utf-8") as log:
                self._balancer = processes.spawn(command(path), stdout=log, stderr=log)
            if not eventually(self._is_up):
                raise RuntimeError(f"the balancer does not serve: {self.balancer_log()}")
        except BaseException:
            self.close()
            raise

    def _rewritten(self, text, own):
        changes = dict(own)
        for name, host in _SERVERS.items():
            changes.update({f"{host}:{port}": f"{BALANCER}:{self.servers[name].ports[service]}" for service, port in SERVICES.items()})
        for old, new in changes.items():
            if old not in text:
                raise ValueError(f"the configuration has no '{old}'")
            text = text.replace(old, new)
        for service, port in SERVICES.items():
            public = 80 if service == "http" else port
            text, count = re.subn(rf"(?m)^(\s+(?:bind|listen)) :?{public}\b", rf"\1 {BALANCER}:{self.ports[service]}", text)
            if count != 1:
                raise ValueError(f"the configuration does not listen at {public} once")
        return text

    def _is_up(self):
        if self._balancer.poll() is not None:
            raise RuntimeError(f"the balancer has ended: {self.balancer_log()}")
        try:
            return self.get("127.0.0.1", "/hello").endswith(b"hello, world")
        except OSError:
            return False

    def balancer_log(self):
        with open(self._log_path, encoding="utf-8") as file:
            return file.read()

    def connect(self, client, service):
        """A connection of the client at this address."""
        return socket.create_connection((BALANCER, self.ports[service]), PATIENCE_S, source_address=(client, 0))

    def talk(self, client, service, request):
        """What comes until the server has closed, after the client has sent all that it has to say."""
        with self.connect(client, service) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def get(self, client, target):
        """The whole reply of http, through the balancer."""
        return get(self.ports["http"], target, client)

    def close(self):
        if self._balancer is not None:
            self._balancer.kill()
            self._balancer.wait()
        for server in self.servers.values():
            server.close()
