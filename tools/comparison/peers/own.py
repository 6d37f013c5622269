"""Servers of the user's, by --server='NAME=COMMAND {port}': any command that starts a server of http or echo takes part in the
rounds, as the reference servers do.

Each is started once before the run, and asked, so that a command that does not work is found out at once, and so that workloads
that it cannot carry are left out with their reason.
"""

import dataclasses
import os
import re
import shlex
import socket
import time
from dataclasses import dataclass, field

from .. import processes, subjects

SERVICES = ("http", "echo")
_SPEC = re.compile(r"([\w.-]+)(?::([\w+-]+))?=(.*\S.*)", re.DOTALL)
_PATIENCE_S = 5.0
# For the second of two clients: a server of one client at a time never answers it.
_SECOND_S = 1.0
_FILE = "1k.bin"  # See workloads.make_files().
_GOOD, _CHUNKED = rb"HTTP/1\.[01] 200 ", rb"(?i)\r\ntransfer-encoding:[^\r\n]*chunked"


class OwnServerError(Exception):
    """--server makes no sense, or the server does not do what it has to. The text says what to do."""


@dataclass(frozen=True)
class OwnServer:
    """One of them; see subjects.Model for what the methods promise."""

    name: str
    service: str
    command: str  # As it was given; {port}, {host} and {root} are filled in.
    folder: str  # Where it runs, so that a relative path in it means the same when a run is resumed.
    traits: dict = field(default_factory=dict, hash=False)  # As of a model that works in the same way.
    closes: bool = False  # After each reply.
    model: str = None
    flags: tuple = ()
    of: str = None
    kind = "peer"

    def services(self):
        return {self.service}

    def refuses(self, workload):
        if self.traits.get("silent") == "blocks" and workload.keeps and workload.held > 1:
            return (f"serves one client after the other: {workload.held - 1} of {workload.held} "
                    "connections that stay would get no reply")
        return None

    def worker_rule(self, _setting):
        return "as its own command says"

    def _words(self, setting, port):
        """Whatever else is in braces stays: it may be a part of a script."""
        known = {"{port}": str(port), "{host}": setting.place.host, "{root}": setting.root}
        return [re.sub(r"\{(?:port|host|root)\}", lambda match: known[match[0]], word) for word in shlex.split(self.command)]

    def start(self, service, setting, before=()):
        port = free_port()
        words = self._words(setting, port)
        # env(1) says itself that a program is not there.
        return processes.Server([*before, "/usr/bin/env", f"--chdir={self.folder}", *words], setting.cpus,
                                subjects.log_path(setting, self.name), {service: f"{setting.place.host}:{port}"},
                                namespace=setting.place.namespace, within=setting.within,
                                title=f"{self.name} ({shlex.join(words)})")

    def tried(self, setting):
        """The same, with what is known of it once it was started and asked. OwnServerError, processes.ServerError: it does not
        start, or does not reply as a server of its service."""
        with self.start(self.service, setting) as server:
            address = server.addresses[self.service]
            try:
                first, closes = self._ask(address, setting, _PATIENCE_S)
            except OSError as error:
                raise OwnServerError(f"{self.name}: the first client got no reply: {error}") from error
            with first:
                return dataclasses.replace(self, closes=closes, traits=self._traits(address, setting, closes))

    def _traits(self, address, setting, closes):
        """Whether it serves a second client while the first one stays. One that closes has no such clients."""
        if closes:
            return {}
        try:
            self._ask(address, setting, _SECOND_S)[0].close()
        except OSError:
            return {"silent": "blocks"}
        return {}

    def _ask(self, address, setting, patience_s):
        """(the connection, whether the server has closed it), after a right reply."""
        host, _, port = address.rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=patience_s)
        try:
            if self.service == "http":
                with open(os.path.join(setting.root, _FILE), "rb") as file:
                    return connection, self._ask_for(connection, file.read(), patience_s)
            connection.sendall(b"hello")
            reply, is_closed = _receive(connection, patience_s, lambda so_far: len(so_far) >= 5)
            if reply != b"hello":
                raise OwnServerError(
                    f"{self.name}: a server of echo sends back what it receives; b'hello' brought {reply[:80]!r}")
            return connection, is_closed
        except BaseException:
            connection.close()
            raise

    def _ask_for(self, connection, content, patience_s):
        """Asks for the file, and returns whether the server closes behind its reply."""
        connection.sendall(f"GET /{_FILE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

        def is_whole(so_far):
            head, end, rest = so_far.partition(b"\r\n\r\n")
            if not end or not re.match(_GOOD, head):
                return bool(end)
            return rest.endswith(b"0\r\n\r\n") if re.search(_CHUNKED, head) else len(rest) >= len(content)
        reply, is_closed = _receive(connection, patience_s, is_whole)
        head, _, rest = reply.partition(b"\r\n\r\n")
        if not re.match(_GOOD, head):
            raise OwnServerError(f"{self.name}: GET /{_FILE} brought {reply[:80]!r} instead of the file: it has to serve the "
                                 "files in {root}, which is filled in as {port} is")
        if not _has_content(head, rest, content):
            raise OwnServerError(f"{self.name}: GET /{_FILE} brought {len(rest)} bytes, not the {len(content)} of the file")
        has_end = re.search(_CHUNKED, head) or re.search(rb"(?i)\r\ncontent-length:", head)
        says_close = head.startswith(b"HTTP/1.0") or re.search(rb"(?i)\r\nconnection:[^\r\n]*close", head)
        return bool(is_closed or says_close or not has_end)

    def describe(self, setting):
        """As of a model."""
        return {"name": self.name, "kind": self.kind, "model": None, "flags": [], "of": None,
                "config": shlex.join(self._words(setting, 0)), "version": None}


def _has_content(head, rest, content):
    """Whether it is that content, in chunks or not."""
    if re.search(_CHUNKED, head):
        return b"".join(re.split(rb"(?:^|\r\n)[0-9A-Fa-f]+\r\n", rest)).startswith(content)
    return rest == content


def _receive(connection, patience_s, is_whole):
    """(what came, whether the server has closed), once it is whole or the end has come. TimeoutError: neither."""
    received, deadline = b"", time.monotonic() + patience_s
    while not is_whole(received):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        piece = connection.recv(65536)
        if not piece:
            return received, True
        received += piece
    return received, False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def parse(spec, folder):
    """An OwnServer of "NAME=COMMAND" or "NAME:SERVICE=COMMAND"."""
    match = _SPEC.fullmatch(spec)
    if not match:
        raise OwnServerError(f"--server: '{spec}' is not NAME=COMMAND or NAME:SERVICE=COMMAND")
    name, service, command = match[1], match[2] or "http", match[3].strip()
    if service not in SERVICES:
        raise OwnServerError(f"--server: {name} is of '{service}'; a server can be of {' or '.join(SERVICES)}")
    if "{port}" not in command:
        raise OwnServerError(f"--server: the command of {name} has no {{port}}, so that it cannot be told where to listen")
    try:
        shlex.split(command)
    except ValueError as error:
        raise OwnServerError(f"--server: the command of {name} is not understood: {error}") from error
    return OwnServer(name, service, command, folder)


def choose(specs, folder, taken):
    """The servers of these specifications.

    folder  where their commands run
    taken   names of the other subjects
    """
    chosen = []
    for spec in specs:
        server = parse(spec, folder)
        if server.name in taken or server.name in [other.name for other in chosen]:
            raise OwnServerError(f"--server: there is another '{server.name}' in this comparison")
        chosen.append(server)
    return chosen
