"""The scene: a server, and a few clients that come one after the other, ask, think, ask again, and leave. What each client saw is
noted by the same clock as the server's records (CLOCK_MONOTONIC).
"""

import os
import selectors
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

_PATIENCE_S = 15.0
# Between two clients' coming, and between two requests of one: long beside what a request takes, so that the picture shows who
# waits for what; the drawing shortens it.
_STEP_S = 0.02


# The file hello.txt, which clients of http ask for.
HELLO = "hello\n" * 100


class SceneError(Exception):
    """The server did not start, or did not answer. The text says what it said."""


@dataclass(frozen=True)
class Moment:
    """What a client saw."""

    at_ns: int
    what: str  # connect, ask, reply, leave


@dataclass
class Client:
    number: int  # From 1.
    port: int = 0
    moments: list = field(default_factory=list)

    def note(self, what):
        self.moments.append(Moment(time.monotonic_ns(), what))


def _ask_echo(_):
    return b"hello, server\n", lambda reply: reply.endswith(b"\n")


def _ask_http(path):
    request = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def is_whole(reply):
        head, end, body = reply.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return bool(end) and len(body) >= int(lengths[0].split(b":")[1] if lengths else 0)
    return request, is_whole


def _ask_compute(_):
    return b"PRIMES 20000\n", lambda reply: reply.endswith(b"\n")


# Service -> function of a file's name that returns a request, and what tells that a reply is whole.
SERVICES = {"echo": _ask_echo, "http": _ask_http, "compute": _ask_compute}


class _Play:
    """Clients that are driven by one loop, so that none of them waits for another one. Each does the steps of its script at the
    times of the script, or when the reply is there, whichever is later."""

    def __init__(self, address, service, clients, requests):
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._request, self._is_whole = SERVICES[service]("hello.txt")
        self._requests = requests
        self._selector = selectors.DefaultSelector()
        self.clients = [Client(number + 1) for number in range(clients)]
        begin = time.monotonic()
        self._due = {client.number: begin + _STEP_S * client.number for client in self.clients}
        self._left = {client.number: requests for client in self.clients}
        self._sockets, self._replies = {}, {}

    def run(self):
        deadline = time.monotonic() + _PATIENCE_S
        while self._due or self._sockets:
            now = time.monotonic()
            if now > deadline:
                raise SceneError("the server has not answered all clients")
            for client in [client for client in self.clients if self._due.get(client.number, now + 1) <= now]:
                del self._due[client.number]
                self._go_on(client)
            wait = min([*self._due.values(), now + 0.1]) - time.monotonic()
            for key, _ in self._selector.select(max(0.0, wait)):
                self._read(key.data)

    def _go_on(self, client):
        if client.number not in self._sockets:
            client.note("connect")
            self._sockets[client.number] = one = socket.create_connection(self._address, timeout=_PATIENCE_S)
            client.port = one.getsockname()[1]
            self._selector.register(one, selectors.EVENT_READ, client)
        elif self._left[client.number] == 0:
            one = self._sockets.pop(client.number)
            self._selector.unregister(one)
            client.note("leave")
            one.close()
            return
        if self._left[client.number]:
            self._left[client.number] -= 1
            self._replies[client.number] = b""
            client.note("ask")
            self._sockets[client.number].sendall(self._request)

    def _read(self, client):
        piece = self._sockets[client.number].recv(65536)
        if not piece:
            raise SceneError(f"the server has closed the connection of client {client.number}")
        self._replies[client.number] += piece
        if self._is_whole(self._replies[client.number]):
            client.note("reply")
            self._due[client.number] = time.monotonic() + _STEP_S * len(self.clients)


@dataclass(frozen=True)
class Played:
    clients: list
    pid: int  # The server's.
    begin_ns: int
    end_ns: int


def await_ready(process, patience_s=_PATIENCE_S):
    """(service -> "HOST:PORT", the server's pid), as it prints them. SceneError."""
    addresses, said = {}, []
    deadline = time.monotonic() + patience_s
    for line in process.stdout:
        said.append(line)
        words = line.split()
        if words[:1] == ["listening"] and words[2] == "tcp":
            addresses[words[1]] = words[3]
        if words[:1] == ["ready"]:
            return addresses, next(int(word[4:]) for word in words if word.startswith("pid="))
        if time.monotonic() > deadline:
            break
    raise SceneError(f"the server is not ready; it said: {''.join(said).strip() or 'nothing'}")


def play(server, flags, service, clients, requests, trace, root):
    """Starts the server with a trace, plays, and stops it. Returns a Played. SceneError.

    server  the program; or several words, if another program starts it
    """
    if service == "http":
        with open(os.path.join(root, "hello.txt"), "w", encoding="ascii") as file:
            file.write(HELLO)
    argv = [*([server] if isinstance(server, str) else server), *flags, f"--listen={service}://127.0.0.1:0", f"--root={root}",
            f"--trace={trace}", "--stop_grace=0s"]
    pid = 0
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    try:
        try:
            addresses, pid = await_ready(process)
        except SceneError as error:
            process.kill()
            raise SceneError(f"{error}; {process.communicate()[1].strip()}") from error
        begin = time.monotonic_ns()
        act = _Play(addresses[service], service, clients, requests)
        act.run()
        time.sleep(_STEP_S)  # The server sees the last one leave.
        return Played(act.clients, pid, begin, time.monotonic_ns())
    finally:
        try:
            os.kill(pid or process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
