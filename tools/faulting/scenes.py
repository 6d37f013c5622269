"""The scenes: what clients do while one call of the server fails, and what became of it.

A server may refuse a client, or lose it, when a call fails. It must not answer it wrongly, nor leave it waiting.
"""

import contextlib
import itertools
import os
import socket
import time
from dataclasses import dataclass, field

PATIENCE_S = 15.0
SMALL, LARGE = b"hello\n", bytes(range(251)) * 1200  # 300 KB: more than a socket takes at once.
FILES = {"hello.txt": SMALL, "large.bin": LARGE}
_BLOCK = bytes(range(256)) * 256
_ROOM_BYTES = 65536

_numbers = itertools.count(1)


class Lost(Exception):
    """The server has closed the connection, or reset it."""


class Refused(Exception):
    """The server says that it cannot."""


class Wrong(Exception):
    """The server has said what is not true. The text says what."""


class Stuck(Exception):
    """Nothing has come, and the connection is still open. The text says what was awaited."""


@dataclass
class Outcome:
    """What became of a scene's clients."""

    lost: list = field(default_factory=list)  # Why clients did not get all: of Lost and Refused.
    wrong: list = field(default_factory=list)  # Of Wrong and Stuck.
    # Name below the root -> what may be there, of uploads that were acknowledged: one content, or also that of an upload
    # behind it whose reply was lost.
    stored: dict = field(default_factory=dict)


class Client:
    """A connection. Each wait ends after PATIENCE_S."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        except TimeoutError as error:
            raise Stuck("to be connected") from error
        except OSError as error:
            raise Lost(f"connect: {error}") from error
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, content):
        try:
            self._socket.settimeout(PATIENCE_S)
            self._socket.sendall(content)
        except TimeoutError as error:
            raise Stuck(f"to send {len(content)} bytes") from error
        except OSError as error:
            raise Lost(f"send: {error}") from error

    def receive_until(self, is_all, what):
        """What has come once is_all(what has come) returns how much of it is meant. Lost, Stuck."""
        deadline = time.monotonic() + PATIENCE_S
        while (size := is_all(self._received)) is None:
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self._socket.recv(_ROOM_BYTES)
            except TimeoutError as error:
                raise Stuck(f"{what}; {len(self._received)} bytes have come: {self._received[:60]!r}") from error
            except OSError as error:
                raise Lost(f"receive: {error}") from error
            if not piece:
                raise Lost(f"closed after {len(self._received)} bytes: {self._received[:60]!r}")
            self._received += piece
        found, self._received = self._received[:size], self._received[size:]
        return found

    def receive(self, size, what):
        return self.receive_until(lambda so_far: size if len(so_far) >= size else None, what)

    def receive_line(self, what):
        return self.receive_until(lambda so_far: so_far.find(b"\n") + 1 or None, what)

    def expect(self, content, what):
        """The bytes come, or the server closes within them. Wrong: others do."""
        try:
            found = self.receive(len(content), what)
        except Lost:
            if not content.startswith(self._received):
                raise Wrong(f"{what}: {self._received[:60]!r}") from None
            raise
        if found != content:
            at = next(at for at, (ours, theirs) in enumerate(zip(content, found)) if ours != theirs)
            raise Wrong(f"{what}: differs from byte {at} on: {found[at:at + 40]!r}")


def _echo(stage, _outcome):
    with Client(stage.addresses["echo"]) as client:
        for content in (SMALL, _BLOCK, SMALL):
            client.send(content)
            client.expect(content, "the echo")


def _ask_http(client, request, content=b""):
    """(status, headers in lower case, content's length)."""
    client.send(request + content)
    head = client.receive_until(lambda so_far: so_far.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in so_far else None, "a reply's head")
    if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
        raise Wrong(f"no reply of http: {head[:60]!r}")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(head[9:12]), int(lengths[0].split(b":")[1]) if lengths else 0


def _get_http(client, name):
    status, length = _ask_http(client, f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    if status != 200:
        raise Refused(f"GET: {status}: {client.receive(length, 'an error')[:80]!r}")
    if length != len(FILES[name]):
        raise Wrong(f"GET {name}: {length} bytes are announced, not {len(FILES[name])}")
    client.expect(FILES[name], f"GET {name}")


def _http_get(stage, _outcome):
    with Client(stage.addresses["http"]) as client:
        for name in ("hello.txt", "large.bin", "hello.txt"):
            _get_http(client, name)


def _list_http(stage, _outcome):
    with Client(stage.addresses["http"]) as client:
        status, length = _ask_http(client, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if status != 200:
            raise Refused(f"GET /: {status}")
        page = client.receive(length, "the listing") if length else b""
        if length and not (b"hello.txt" in page and b"large.bin" in page):
            raise Wrong("GET /: a listing without the files")


def _http_put(stage, outcome):
    name, again = f"put-{next(_numbers)}", f"put-{next(_numbers)}"
    with Client(stage.addresses["http"]) as client:
        for path, content in ((name, LARGE), (again, SMALL), (again, _BLOCK)):
            request = f"PUT /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
            if path in outcome.stored:
                outcome.stored[path] += (content,)
            status, length = _ask_http(client, request.encode(), content)
            client.receive(length, "the rest of a reply")
            if status not in (200, 201, 204):
                raise Refused(f"PUT: {status}")
            outcome.stored[path] = (content,)
            stage.expect_stored(path, outcome.stored[path])


def _file(stage, outcome):
    name = f"put-{next(_numbers)}"
    with Client(stage.addresses["file"]) as client:
        client.send(b"G large.bin\n")
        line = client.receive_line("the reply to G")
        if line.startswith(b"ERR"):
            raise Refused(f"G: {line!r}")
        if line != b"OK %d\n" % len(LARGE):
            raise Wrong(f"G: {line!r}")
        client.expect(LARGE, "G")
        client.send(f"P {name} {len(_BLOCK)}\n".encode() + _BLOCK)
        line = client.receive_line("the reply to P")
        if line.startswith(b"ERR"):
            raise Refused(f"P: {line!r}")
        if line != b"OK 0\n":
            raise Wrong(f"P: {line!r}")
        outcome.stored[name] = (_BLOCK,)
        stage.expect_stored(name, outcome.stored[name])


def _join(client, name):
    client.send(f"L {name}\n".encode())
    line = client.receive_line("the reply to L")
    if line != b"OK\n":
        raise Refused(f"L: {line!r}")


def _chat(stage, _outcome):
    ada, bob = f"ada{next(_numbers)}", f"bob{next(_numbers)}"
    with Client(stage.addresses["chat"]) as first, Client(stage.addresses["chat"]) as second:
        _join(first, ada)
        _join(second, bob)
        _hear(first, f"欢迎 '{bob}' 进入聊天室\n")
        second.send(f"C {bob} hello\n".encode())
        _hear(first, f"{bob} : hello\n")
        first.send(f"E {ada}\n".encode())
        _hear(first, "EXIT\n")


def _hear(client, text):
    line = client.receive_line(f"the words {text!r}")
    if line.startswith(b"ERR"):
        raise Refused(f"chat: {line!r}")
    if line.endswith(" 退出聊天室\n".encode()):
        raise Lost("the other member has left")
    if line != text.encode():
        raise Wrong(f"chat: {line!r} instead of {text!r}")


def _relay(stage, _outcome):
    with Client(stage.addresses["relay"]) as client:
        for answer in (b"one", b"another"):
            client.send(b"RELAY 1 say " + answer + b"\n")
            line = client.receive_line("the other server's answer")
            if line.startswith(b"ERR 50"):
                raise Refused(f"RELAY: {line!r}")
            if line != answer + b"\n":
                raise Wrong(f"RELAY: {line!r}")


# A datagram may be lost: if no echo comes for long enough it counts as such.
def _datagram(stage, _outcome):
    host, _, port = stage.addresses["echo+udp"].rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((host, int(port)))
        client.settimeout(PATIENCE_S)
        for content in (b"one", b"another"):
            try:
                client.send(content)
                reply = client.recv(_ROOM_BYTES)
            except OSError as error:
                raise Lost(f"no echo of a datagram: {error}") from error
            if reply != content:
                raise Wrong(f"echo of a datagram: {reply[:60]!r}")


# Name -> function of a stage and an Outcome. "start" and "stop" have none of their own: see trial.py.
SCENES = {"echo": _echo, "http-get": _http_get, "http-list": _list_http, "http-put": _http_put, "file": _file, "chat": _chat,
          "relay": _relay, "datagram": _datagram}
START, STOP = "start", "stop"
# Members of a room have to be there at the same time.
_TOGETHER = {"chat"}


def of_model(traits):
    """The names of those that a model can play, START and STOP included, by what programs.models() says of it."""
    return [START, *(name for name in SCENES if traits["silent"] != "blocks" or name not in _TOGETHER), STOP]


@dataclass(frozen=True)
class Stage:
    """Where a scene is played."""

    addresses: dict  # Service -> "HOST:PORT".
    root: str

    def expect_stored(self, name, contents):
        """Wrong: none of what the server has acknowledged under this name is on the disk."""
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                found = file.read()
        except OSError as error:
            raise Wrong(f"an acknowledged upload is not there: {error}") from error
        if found not in contents:
            raise Wrong(f"an acknowledged upload has {len(found)} bytes, or others, instead of {len(contents[-1])}")

    def play(self, name, outcome=None):
        """Plays it, and returns what became of it."""
        outcome = outcome or Outcome()
        try:
            SCENES[name](self, outcome)
        except (Lost, Refused) as error:
            outcome.lost.append(str(error))
        except Wrong as error:
            outcome.wrong.append(str(error))
        except Stuck as error:
            outcome.wrong.append(f"a client is left waiting: {error}")
        return outcome

    def check_stored(self, outcome):
        """Adds to it what was acknowledged, and is not there (any more)."""
        for name, contents in outcome.stored.items():
            try:
                self.expect_stored(name, contents)
            except Wrong as error:
                outcome.wrong.append(str(error))

    @contextlib.contextmanager
    def silent_clients(self):
        """One that has been answered and stays, and one that has said nothing so far."""
        with Client(self.addresses["echo"]) as first:
            first.send(SMALL)
            first.expect(SMALL, "the echo")
            with Client(self.addresses["http"]):
                yield
