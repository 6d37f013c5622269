"""Members of the room, over TCP, TLS, WebSocket and UDP. Each says numbered lines, and notes what it hears; see order.py.

A member that loses its connection joins again, under a new name. At the end all that are there say one more line, which each
of the others over TCP has to hear: with it, and without a gap before it, every line has come.
"""

import asyncio
import contextlib
import re
import socket
from collections import deque

from . import websocket
from .callers import MemberLost, Stream, Wrong, at
from .ledger import MEMBER
from .order import Hearing, disagreement

_SPOKEN = re.compile(r"(\S+) : \1-(\d+)$")
_ANNOUNCED = re.compile(r"欢迎 '|'\S+' 退出聊天室")
# With how many memberships that have ended one is compared that ends: those that were in the room with it.
_COMPARED = 12
_TELL_TIME_S = 30.0  # For a line to reach everybody, on a busy machine.


class _ByTcp:
    is_reliable = True

    def __init__(self, service):
        self._service, self.kind = service, f"chat {'tls' if service.endswith('+tls') else 'tcp'}"
        self._stream = None

    async def open(self, scene):
        self._stream = await Stream.open(scene.address(self._service), self._service.endswith("+tls"))

    async def say(self, text):
        await self._stream.send(text.encode() + b"\n")

    async def hear(self):
        return (await self._stream.line()).decode(errors="replace").strip("\n")

    def close(self):
        if self._stream:
            self._stream.close()


class _ByWebSocket(_ByTcp):
    def __init__(self):
        super().__init__("http")
        self.kind = "chat websocket"

    async def open(self, scene):
        await super().open(scene)
        await websocket.shake_hands(self._stream)

    async def say(self, text):
        await websocket.say(self._stream, text)

    async def hear(self):
        return (await websocket.hear(self._stream)).strip("\n")


class _ByUdp:
    """Nothing tells it that it is no member any more, but silence: the others speak all the time."""

    is_reliable = False
    kind = "chat udp"
    _SILENCE_S = 10.0

    def __init__(self):
        self._socket = None

    async def open(self, scene):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(at(scene.address("chat+udp")))

    async def say(self, text):
        await asyncio.get_running_loop().sock_sendall(self._socket, text.encode())

    async def hear(self):
        try:
            datagram = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 65536), self._SILENCE_S)
        except asyncio.TimeoutError as error:
            raise EOFError("silence") from error
        return datagram.decode(errors="replace").strip("\n")

    def close(self):
        if self._socket:
            self._socket.close()


DOORS = {"tcp": lambda: _ByTcp("chat"), "tls": lambda: _ByTcp("chat+tls"), "websocket": _ByWebSocket, "udp": _ByUdp}


class Member:
    """One membership, from its join to the end of its connection."""

    def __init__(self, room, door, name):
        self._room, self.door, self.name = room, door, name
        self.hearing = Hearing(name, door.is_reliable)
        self.said = 0
        self.is_in = False

    async def join(self, scene):
        """True, or False if the server refuses it for now."""
        await self.door.open(scene)
        await self.door.say(f"L {self.name}")
        answer = await asyncio.wait_for(self.door.hear(), scene.patience_s)
        self.is_in = answer == "OK"
        if not self.is_in and not answer.startswith("ERR 503"):
            raise Wrong(f"joining as {self.name}: '{answer}'")
        return self.is_in

    async def say_next(self):
        self.said += 1
        self._room.ledger.asked(self.door.kind)
        self._room.unheard[self.name, self.said] = self.door.kind
        await self.door.say(f"C {self.name} {self.name}-{self.said}")

    async def listen(self):
        """Until it is no member any more, which raises EOFError or OSError."""
        while True:
            text = await self.door.hear()
            match = _SPOKEN.fullmatch(text)
            if match:
                self._hear(match[1], int(match[2]))
            elif not _ANNOUNCED.match(text):
                raise EOFError(text)  # Put out, or the room is lost: the last line says so.

    def _hear(self, speaker, number):
        kind = self._room.unheard.pop((speaker, number), None)
        if kind:
            self._room.ledger.answered(kind)
        fault = self.hearing.hear(speaker, number, self._room.is_reliable(speaker))
        if fault:
            self._room.ledger.wrong(self.door.kind, fault)
        self._room.heard.set()


class Room:
    """All members that the tool has in the server's room.

    unheard  lines that were said and that nobody has heard so far -> kind of their speakers
    """

    def __init__(self, ledger):
        self.ledger, self.unheard, self.members = ledger, {}, {}
        self.heard = asyncio.Event()
        self._ended = deque(maxlen=_COMPARED)
        self.is_calling = self.is_closing = False

    def is_reliable(self, speaker):
        return not speaker.startswith("udp")

    async def belong(self, scene, how, number):
        """One person, who joins again and again, until the room is closing."""
        chance, generation = scene.chance(f"chat {how} {number}"), 0
        while not self.is_closing:
            generation += 1
            member = Member(self, DOORS[how](), f"{how}{number}n{generation}")
            since = self.ledger.clock()
            self.ledger.asked(member.door.kind)
            try:
                await self._stay(scene, member, chance, since)
            except asyncio.TimeoutError:
                if member.door.is_reliable:
                    self.ledger.wrong(member.door.kind, "a join was not answered")
            except (OSError, EOFError) as error:
                if not self.is_closing:
                    self.ledger.cut(member.door.kind, MEMBER, self.ledger.clock() if member.is_in else since, str(error))
            except Wrong as error:
                self.ledger.wrong(member.door.kind, str(error))
            finally:
                self._leave(member)
            await scene.pause(chance)

    async def _stay(self, scene, member, chance, since):
        if not await member.join(scene):
            self.ledger.refused(member.door.kind, 503, since)
            return
        self.ledger.answered(member.door.kind)
        self.members[member.name] = member
        listening = asyncio.ensure_future(member.listen())
        try:
            while not listening.done() and not self.is_closing:
                if not self.is_calling:
                    await member.say_next()
                await asyncio.wait([listening], timeout=chance.uniform(0.1, 0.4))
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, EOFError, Wrong):
                await listening

    def _leave(self, member):
        member.door.close()
        self.members.pop(member.name, None)
        if member.door.is_reliable:
            for other in (*self._ended, *(one.hearing for one in self.members.values() if one.door.is_reliable)):
                text = disagreement(member.hearing, other)
                if text:
                    self.ledger.wrong(member.door.kind, text)
            self._ended.append(member.hearing)

    async def call_the_roll(self, expected):
        """When all else is over: each member says a line. Returns what is missing, a line each; none if all have heard all. Until then
        they speak as ever: the server disconnects members that neither say nor hear anything."""
        if not await self._await(lambda: len(self.members) >= expected):
            return [f"only {len(self.members)} of {expected} members have come back"]
        self.is_calling = True
        members = list(self.members.values())
        for member in members:
            await member.say_next()
        reliable = [member for member in members if member.door.is_reliable]

        def missing():
            return [f"{one.name} has not heard line {other.said} of {other.name}" for one in reliable for other in reliable
                    if one is not other and not one.hearing.has_heard(other.name, other.said)]
        await self._await(lambda: not missing())
        return missing()

    async def _await(self, is_so):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _TELL_TIME_S
        while not is_so() and loop.time() < deadline:
            self.heard.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.heard.wait(), 0.2)
        return is_so()


async def call_once(scene, number):
    """For a server of one client at a time: joins, and leaves again."""
    chance, generation = scene.chance(f"chat visitor {number}"), 0
    while not scene.is_over():
        generation += 1
        name = f"visitor{number}n{generation}"

        async def exchange(stream, name=name):
            await stream.send(f"L {name}\n".encode())
            answer = await stream.line()
            if answer.startswith(b"ERR 503"):
                return 503, False
            if answer != b"OK\n":
                raise Wrong(f"joining: {answer!r}")
            try:
                await stream.send(f"E {name}\n".encode())
                farewell = await stream.line()
            except (OSError, EOFError) as error:
                raise MemberLost(str(error)) from error
            if farewell != b"EXIT\n":
                raise Wrong(f"leaving: {farewell!r}")
            return True, False
        await scene.caller(scene.address("chat")).ask("chat tcp", exchange)
        await scene.pause(chance)
