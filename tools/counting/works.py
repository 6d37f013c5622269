"""Works: fixed scripts that clients play, the same to the byte each time. Each has a unit, by which the counts are divided."""

import os
import socket
import time
from dataclasses import dataclass

_PATIENCE_S = 60.0
_FILE, _CONTENT = "1k.bin", b"x" * 1024
_LISTENERS, _UNDER_WAY = 20, 16
_YOUNG_S = 0.2


class WorkError(Exception):
    """The server has not done what it has to. The text says what is missing."""


def make_files(root):
    """Waits until the file is old enough for the server to keep what it has read of it: protocol/http/reply_cache.cc."""
    path = os.path.join(root, _FILE)
    with open(path, "wb") as file:
        file.write(_CONTENT)
    while time.time() < os.stat(path).st_ctime + _YOUNG_S:
        time.sleep(_YOUNG_S / 10)


def _connect(address):
    connection = socket.create_connection(address, timeout=_PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _receive(connection, is_whole):
    received = b""
    while not is_whole(received):
        piece = connection.recv(65536)
        if not piece:
            raise WorkError(f"the server has closed the connection behind {received[-80:]!r}")
        received += piece
    return received


def _echo(connection):
    message = b"x" * 64
    connection.sendall(message)
    _receive(connection, lambda received: len(received) >= len(message))


def _get(connection):
    connection.sendall(f"GET /{_FILE} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".encode())
    _receive(connection, lambda received: received.endswith(b"\r\n\r\n" + _CONTENT))


def _on_one_connection(ask):
    def play(address, units):
        with _connect(address) as connection:
            for _ in range(units):
                ask(connection)
    return play


def _on_a_connection_each(ask):
    def play(address, units):
        for _ in range(units):
            with _connect(address) as connection:
                ask(connection)
                connection.shutdown(socket.SHUT_WR)
                _receive_end(connection)
    return play


def _receive_end(connection):
    while connection.recv(65536):
        pass


def _enter(address, name):
    connection = _connect(address)
    connection.sendall(f"L {name}\n".encode())
    _receive(connection, lambda received: b"OK\n" in received)
    return connection


def _talk(address, units):
    """One speaks, a number of lines in each write; the others listen. A unit is such a write, heard by all."""
    listeners = [_enter(address, f"listener{number}") for number in range(_LISTENERS)]
    speaker = _enter(address, "speaker")
    try:
        for listener in listeners:
            _receive(listener, lambda received: b"'speaker'" in received and received.endswith(b"\n"))
        lines = _UNDER_WAY * (b"speaker : " + b"x" * 64 + b"\n")
        for _ in range(units):
            speaker.sendall(_UNDER_WAY * (b"C speaker " + b"x" * 64 + b"\n"))
            for listener in listeners:
                _receive(listener, lambda received: len(received) >= len(lines))
    finally:
        for connection in (speaker, *listeners):
            connection.close()


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    service: str
    play: object  # play(address, units); WorkError, OSError.


ALL = {work.name: work for work in (
    Work("echo", "a message of 64 bytes, on a connection that stays", "echo", _on_one_connection(_echo)),
    Work("http", "a GET of 1 KiB, on a connection that stays", "http", _on_one_connection(_get)),
    Work("churn", "a connection with one message of 64 bytes", "echo", _on_a_connection_each(_echo)),
    Work("chat", f"{_UNDER_WAY} lines that come in one piece, for {_LISTENERS} listeners", "chat", _talk),
)}
