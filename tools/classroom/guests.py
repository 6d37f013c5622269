"""Guests: the clients of a scene, beside the steady load. Each has a role, by which the picture shows it."""

import asyncio
import os
import socket

from comparison.claims import talk

_PATIENCE_S = 10
_AT_ONCE = 50  # A listener's queue is longer than this.


class Guests:
    """All connections of one scene. For the thread that runs the event loop.

    roles  port of the client -> role: "guest", or "victim" for the one that a scene is about
    """

    def __init__(self):
        self.roles = {}
        self._sockets = []

    async def connect(self, address, role="guest", receive_buffer=None):
        """A connected socket, which does not block. OSError if the server does not take it."""
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._sockets.append(client)
        client.setblocking(False)
        if receive_buffer:
            # Before it connects: the window is agreed on then.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(client, talk.at(address)), _PATIENCE_S)
        self.roles[port_of(client)] = role
        return client

    async def crowd(self, address, number):
        """So many connections that have had an echo each, and are silent from then on."""
        clients = []
        while len(clients) < number:
            batch = [await self.connect(address) for _ in range(min(_AT_ONCE, number - len(clients)))]
            await asyncio.gather(*(echo(client) for client in batch))
            clients += batch
        return clients

    def close(self):
        for client in self._sockets:
            client.close()
        self._sockets, self.roles = [], {}


def port_of(client):
    return client.getsockname()[1]


async def echo(client, text=b"hello"):
    """OSError if the echo does not come back."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, text)
    received = b""
    while len(received) < len(text):
        piece = await asyncio.wait_for(loop.sock_recv(client, len(text)), _PATIENCE_S)
        if not piece:
            raise ConnectionError("the server has closed the connection")
        received += piece


async def ask_line(client, request):
    """The line of the reply; b"" if the connection ends before."""
    loop = asyncio.get_running_loop()
    received = b""
    try:
        await loop.sock_sendall(client, request)
        while not received.endswith(b"\n"):
            piece = await loop.sock_recv(client, 4096)
            if not piece:
                return b""
            received += piece
    except OSError:
        return b""
    return received


async def await_end(client):
    """How the server ends the connection: "closed" or "reset"."""
    loop = asyncio.get_running_loop()
    try:
        while await loop.sock_recv(client, 4096):
            pass
    except OSError:
        return "reset"
    return "closed"


def make_large_file(root, name, mebibytes):
    """Of zeroes: it takes no room on the disk."""
    with open(os.path.join(root, name), "wb") as file:
        file.truncate(mebibytes << 20)
