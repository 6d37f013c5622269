"""Stream: a connection; Caller: a client that keeps one, and tells the ledger what came of each request."""

import asyncio
import contextlib
import socket
import struct

from comparison import tls

from .ledger import CONNECTION, KEPT, MEMBER, STOP_GRACE_S

_LONGEST_LINE = 1 << 20


def at(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


class Stream:
    """heard  whether anything has come since the last send()"""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.heard = False

    @classmethod
    async def open(cls, address, encrypted=False):
        host, port = at(address)
        reader, writer = await asyncio.open_connection(host, port, ssl=tls.client_context() if encrypted else None,
                                                       limit=_LONGEST_LINE)
        return cls(reader, writer)

    def write(self, data):
        """A part of what is to be sent, which may wait here."""
        self._writer.write(data)

    async def send(self, data):
        self.heard = False
        self._writer.write(data)
        await self._writer.drain()

    async def line(self):
        """With its end. Raises EOFError if the connection ends before that, as exactly() does."""
        line = await self._reader.readline()
        self.heard = self.heard or bool(line)
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        return line

    async def exactly(self, count):
        data = await self._reader.readexactly(count)
        self.heard = self.heard or bool(data)
        return data

    async def some(self):
        """What has come; empty at the end."""
        data = await self._reader.read(65536)
        self.heard = self.heard or bool(data)
        return data

    def close(self):
        self._writer.close()

    def reset(self):
        """Ends it at once, whatever was not sent or read."""
        with contextlib.suppress(OSError):
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Caller:
    """A client of one service. One request at a time.

    An exchange is a coroutine function of a Stream. It returns
      (True, keeps)   answered, and right; whether the connection goes on
      (code, keeps)   refused
    and raises Wrong if the answer is.
    """

    def __init__(self, ledger, address, encrypted=False, patience_s=30.0):
        self._ledger, self._address, self._encrypted = ledger, address, encrypted
        self._patience_s = patience_s
        self._stream = None

    async def ask(self, kind, exchange):
        """True if it was answered, False if it was refused, None if nobody knows what came of it.

        A connection that was kept, and ends before any byte of an answer, was closed between two requests: the request is made
        once more on a new one, as RFC 9110, section 9.2.2, has it. It must be one that may be repeated. If the second one is
        refused, the first may still have been done, and so nobody knows.
        """
        since, is_repeated = self._ledger.clock(), False
        self._ledger.asked(kind)
        while True:
            was_kept = self._stream is not None
            try:
                done, keeps = await asyncio.wait_for(self._exchange(exchange), self._patience_s)
            except asyncio.TimeoutError:
                self.leave()
                self._ledger.of(kind).cut += 1
                self._ledger.wrong(kind, f"no answer within {self._patience_s:g} s")
                return None
            except (OSError, EOFError) as error:
                heard = self._stream is not None and self._stream.heard
                self.leave()
                if was_kept and not heard and self._may_end(kind, since):
                    is_repeated = True
                    continue
                was_idle = not heard and (was_kept or self._ledger.clock() >= since + STOP_GRACE_S)
                what = MEMBER if isinstance(error, MemberLost) else KEPT if was_idle else CONNECTION
                self._ledger.cut(kind, what, since, f"{type(error).__name__}: {error}")
                return None
            except Wrong as error:
                self.leave()
                self._ledger.wrong(kind, str(error))
                return None
            if not keeps:
                self.leave()
            if done is True:
                self._ledger.answered(kind)
                return True
            self._ledger.refused(kind, done, since)
            return None if is_repeated else False

    def _may_end(self, kind, since):
        return kind in self._ledger.may_close_kept or self._ledger.explains(KEPT, since)

    async def _exchange(self, exchange):
        if self._stream is None:
            self._stream = await Stream.open(self._address, self._encrypted)
        return await exchange(self._stream)

    def leave(self):
        """Closes the connection, if there is one; the next request makes another."""
        if self._stream:
            self._stream.close()
            self._stream = None


class MemberLost(EOFError):
    """The connection of a member of the room has ended."""


class Wrong(Exception):
    """An answer that the server may not give. The text says what."""
