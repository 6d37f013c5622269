"""The client's side of WebSockets (RFC 6455), as much as the room needs."""

import base64
import os
import struct

from .callers import Wrong

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


def _frame(kind, content):
    """Masked, as all frames of clients are; of at most 64 KiB."""
    mask = os.urandom(4)
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + struct.pack("!H", len(content))
    return bytes([0x80 | kind]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))


async def shake_hands(stream):
    key = base64.b64encode(os.urandom(16)).decode()
    await stream.send(("GET /-/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
    status = await stream.line()
    while await stream.line() != b"\r\n":
        pass
    if not status.startswith(b"HTTP/1.1 101 "):
        raise Wrong(f"no WebSocket: {status.strip().decode(errors='replace')}")


async def say(stream, text):
    await stream.send(_frame(_TEXT, text.encode()))


async def hear(stream):
    """The next message. Pings are answered meanwhile. Raises EOFError at a close."""
    while True:
        kind, length = await stream.exactly(2)
        if length == 126:
            length, = struct.unpack("!H", await stream.exactly(2))
        elif length == 127:
            raise Wrong("a message of more than 64 KiB")
        content = await stream.exactly(length)
        if kind & 15 == _TEXT:
            return content.decode(errors="replace")
        if kind & 15 == _PING:
            await stream.send(_frame(_PONG, content))
        elif kind & 15 == _CLOSE:
            raise EOFError("the server has closed the WebSocket")
