"""Clients that harm: each function is one attempt. It returns ANSWERED if the server has said something, REFUSED if it has closed
the connection, and LEFT if the client has left first. A server that neither answers nor closes within its bounds is at fault.
"""

import asyncio
import contextlib
import socket
import ssl
import struct

from .callers import Stream, at
from .ledger import CONNECTION, KEPT

ANSWERED, REFUSED, LEFT = "answered", "refused", "left"

_TCP_REPAIR = 19  # linux/tcp.h: a socket in repair that is closed says nothing to its peer, as if its machine had lost power.
_TCP_ESTABLISHED = 1  # include/net/tcp_states.h
_SERVICES = ("http", "http+tls", "file", "file+tls", "chat", "chat+tls", "wait", "relay")
_STORM = 60


class Bounds:
    """What the server must do about a slow client, and how long the client waits for it.

    hold_s   how long a client stays at most that harms by staying
    must_end whether the server must have closed its connection by then
    """

    def __init__(self, hold_s, must_end):
        self.hold_s, self.must_end = hold_s, must_end


class NotClosed(Exception):
    """The server has kept a connection beyond its bounds."""


async def _until(bounds, coroutine):
    """Its result; LEFT if it takes longer than such a client stays."""
    try:
        return await asyncio.wait_for(coroutine, bounds.hold_s)
    except asyncio.TimeoutError:
        if bounds.must_end:
            raise NotClosed(f"still connected after {bounds.hold_s:g} s") from None
        return LEFT


async def slow_head(scene, chance, bounds):
    """A head, byte by byte."""
    stream = await Stream.open(scene.address("http"))
    try:
        async def drip():
            await stream.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            while True:
                await stream.send(b"x")
                with contextlib.suppress(asyncio.TimeoutError):
                    return ANSWERED if await asyncio.wait_for(stream.some(), 0.5) else REFUSED
        return await _until(bounds, drip())
    except OSError:
        return REFUSED
    finally:
        stream.reset()


def _is_established(peer):
    """Whether the server has neither closed nor reset the connection. A reset does not discard what was received before, so a reader
    that takes it byte by byte would learn of it very late."""
    return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_ESTABLISHED


async def slow_reader(scene, chance, bounds):
    """Asks for more than the buffers of both systems hold, and reads two bytes a second."""
    loop, peer = asyncio.get_running_loop(), socket.socket()
    try:
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        service = chance.choice(("http", "file"))
        await loop.sock_connect(peer, at(scene.address(service)))
        await loop.sock_sendall(peer, f"GET /{scene.huge_name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() if service == "http"
                                else f"G {scene.huge_name}\n".encode())

        async def read():
            while _is_established(peer) and await loop.sock_recv(peer, 1):
                await asyncio.sleep(0.5)
            return REFUSED
        return await _until(bounds, read())
    except OSError:
        return REFUSED
    finally:
        peer.close()


async def garbage(scene, chance, bounds):
    """Bytes that mean nothing, to any service."""
    return await _throw(scene, chance.choice(_SERVICES), chance.randbytes(chance.randrange(1, 4000)) + b"\r\n\r\n")


async def tls_garbage(scene, chance, bounds):
    """A record that is none, a hello that stops in its midst, or one in which a byte is wrong."""
    outgoing = ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    record = bytearray(outgoing.read())
    kind = chance.randrange(3)
    if kind == 0:
        record = bytearray(b"\x16\x03\x01\x02\x00" + chance.randbytes(512))
    elif kind == 1:
        del record[chance.randrange(1, len(record)):]
    else:
        record[chance.randrange(5, len(record))] ^= 1 << chance.randrange(8)
    return await _throw(scene, chance.choice(("http+tls", "file+tls")), bytes(record))


async def oversized_head(scene, chance, bounds):
    """A head, or a line, that is far too long."""
    service = chance.choice(("http", "file", "chat"))
    begin = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " if service == "http" else b"G "
    return await _throw(scene, service, begin + b"x" * 200_000 + b"\r\n\r\n")


async def _act_and_reset(scene, service, act):
    """What becomes of act(stream) on a new connection, which then ends by a reset; LEFT if that comes first."""
    stream = await Stream.open(scene.address(service))
    try:
        return await act(stream)
    except asyncio.TimeoutError:
        return LEFT
    except OSError:
        return REFUSED
    finally:
        stream.reset()


async def _throw(scene, service, data):
    async def throw(stream):
        await asyncio.wait_for(stream.send(data), 1.0)
        return ANSWERED if await asyncio.wait_for(stream.some(), 1.0) else REFUSED
    return await _act_and_reset(scene, service, throw)


async def reset_within(scene, chance, bounds):
    """Leaves within an upload, within a download, or before the answer to what takes a while. The upload must leave nothing:
    uploads.Uploads finds it."""
    kind, name = chance.randrange(6), f"cut-{chance.randrange(1 << 30)}"

    async def begin(stream):
        part = chance.randbytes(chance.randrange(1, 50_000))
        if kind == 0:
            await stream.send(f"PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n".encode() + part)
        elif kind == 2:
            await stream.send(f"P {name} 60000\n".encode() + part)
        elif kind >= 4:
            await stream.send(b"WAIT 300\n" if kind == 4 else b"RELAY 1 after 300 too late\n")
        else:
            await stream.send(f"GET /{scene.huge_name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() if kind == 1
                              else f"G {scene.huge_name}\n".encode())
            await asyncio.wait_for(stream.some(), scene.patience_s)
        return LEFT
    return await _act_and_reset(scene, ("http", "http", "file", "file", "wait", "relay")[kind], begin)


async def half_open(scene, chance, bounds):
    """Is gone without a word, if the system lets a socket do so (CAP_NET_ADMIN); otherwise it says that it sends no more, and
    stays."""
    loop, peer = asyncio.get_running_loop(), socket.socket()
    try:
        peer.setblocking(False)
        service = chance.choice(("http", "file", "chat", "wait", "relay"))
        await loop.sock_connect(peer, at(scene.address(service)))
        await loop.sock_sendall(peer, chance.choice((b"", b"GET / HTTP/1.1\r\nHo", b"P half-open 1000\nxyz", b"S none\n",
                                                     b"WAIT 300\n", b"RELAY 1 after 300 too late\n")))
        if not scene.one_at_a_time:
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
                return LEFT
        peer.shutdown(socket.SHUT_WR)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(loop.sock_recv(peer, 100), 1.0)
        return LEFT
    except OSError:
        return REFUSED
    finally:
        peer.close()


async def storm(scene, chance, bounds):
    """Very many at once, which say nothing, and leave in both ways."""
    address = at(scene.address(chance.choice(_SERVICES)))
    peers = [socket.socket() for _ in range(_STORM)]
    try:
        for peer in peers:
            peer.setblocking(False)
            peer.connect_ex(address)  # It is under way; whether it succeeds makes no difference.
        await asyncio.sleep(chance.uniform(0, 0.2))
        for peer in peers[::2]:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return LEFT
    finally:
        for peer in peers:
            peer.close()


# Those that harm by staying are to be ended by the server; the others leave by themselves.
STAYING = (slow_head, slow_reader)
ALL = (slow_head, slow_reader, garbage, tls_garbage, oversized_head, reset_within, half_open, storm)


async def harm(scene, attempt):
    """Attempts of one kind, until the scene ends."""
    kind, chance = attempt.__name__.replace("_", " "), scene.chance(attempt.__name__)
    bounds = scene.bounds_of(attempt in STAYING)
    while not scene.is_over():
        since = scene.ledger.clock()
        scene.ledger.asked(kind)
        try:
            outcome = await attempt(scene, chance, bounds)
        except NotClosed as fault:
            # A process that ends leaves what it has written to its system, which goes on sending it to whoever reads slowly.
            if not scene.ledger.explains(KEPT, since):
                scene.ledger.wrong(kind, str(fault))
            outcome = LEFT
        except OSError as error:  # Of the connect.
            scene.ledger.cut(kind, CONNECTION, since, str(error))
            outcome = LEFT
        if outcome == ANSWERED:
            scene.ledger.answered(kind)
        elif outcome == REFUSED:
            scene.ledger.of(kind).refused += 1
        await asyncio.sleep(chance.uniform(0.2, 1.0))
