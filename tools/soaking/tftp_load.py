"""Clients of TFTP: downloads and uploads, block by block. Packets that are lost are sent again; a server that stays silent for
too long is at fault, unless a disturbance has taken the transfer along."""

import asyncio
import socket

from conformance.tftp_wire import ACK, DATA, ERROR, OACK, RRQ, WRQ, ack, data, error, kind_of, number_of, request

from .callers import Wrong, at
from .ledger import DATAGRAM
from .web_load import settle, store_and_look

_BLOCK = 1428
_REPEAT_S = 1.0
# A transfer that a killed process has taken along is never answered. The server itself gives up after a minute; a client need
# not wait for it that long, unless the server serves one at a time.
_PATIENCE_S = 15.0
_NO_SPACE, _TRY_AGAIN = 3, 0


class Silent(Exception):
    """Nothing came for too long."""


class Refused(Exception):
    def __init__(self, packet):
        super().__init__(packet)
        self.code = number_of(packet)


class _Transfer:
    def __init__(self, address, patience_s):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._server, self._port, self._patience_s = at(address), None, patience_s

    def close(self):
        if self._port:
            self._send(error(0, "left"), self._port)  # Harmless at its end, and frees a server of one client at a time.
        self._socket.close()

    def _send(self, packet, to):
        try:
            self._socket.sendto(packet, to)
        except OSError:  # Full for the moment, or the port of a transfer that is gone: it is sent again.
            pass

    async def ask(self, packet, is_wanted):
        """Sends it, again and again, until the wanted answer comes, and returns that."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        while loop.time() < deadline:
            self._send(packet, self._port or self._server)
            repeat = loop.time() + _REPEAT_S
            while (left := repeat - loop.time()) > 0:
                try:
                    answer, port = await asyncio.wait_for(loop.sock_recvfrom(self._socket, 65536), left)
                except (asyncio.TimeoutError, OSError):
                    break
                if self._port and port != self._port:
                    continue
                if kind_of(answer) == ERROR:
                    raise Refused(answer)
                if is_wanted(answer):
                    self._port = port
                    return answer
        raise Silent()

    def last(self, packet):
        """An acknowledgement that nothing answers."""
        self._send(packet, self._port)


async def _download(transfer, name):
    content, block = b"", 0
    packet = request(RRQ, name, blksize=_BLOCK)
    answer = await transfer.ask(packet, lambda found: kind_of(found) == OACK)
    while True:
        packet, block = ack(block), block + 1
        answer = await transfer.ask(packet, lambda found: (kind_of(found), number_of(found)) == (DATA, block & 0xffff))
        content += answer[4:]
        if len(answer) < 4 + _BLOCK:
            transfer.last(ack(block))
            return content


async def _upload(transfer, name, content):
    await transfer.ask(request(WRQ, name, blksize=_BLOCK), lambda found: kind_of(found) == OACK)
    for block in range(1, len(content) // _BLOCK + 2):
        part = content[(block - 1) * _BLOCK:block * _BLOCK]
        await transfer.ask(data(block, part), lambda found: (kind_of(found), number_of(found)) == (ACK, block & 0xffff))


async def _tell(scene, kind, transferring):
    """Runs a transfer, and tells the ledger. As Caller.ask()."""
    ledger, since = scene.ledger, scene.ledger.clock()
    ledger.asked(kind)
    transfer = _Transfer(scene.address("tftp+udp"), scene.patience_s if scene.one_at_a_time else _PATIENCE_S)
    try:
        await transferring(transfer)
    except Refused as refusal:
        if refusal.code in (_NO_SPACE, _TRY_AGAIN):
            ledger.refused(kind, 507 if refusal.code == _NO_SPACE else 503, since)
            return False
        ledger.cut(kind, DATAGRAM, since, f"ERROR {refusal.code}")  # Of a transfer that a successor does not know: 5.
        return None
    except Silent:
        ledger.cut(kind, DATAGRAM, since, "silence")
        return None
    except Wrong as fault:
        ledger.wrong(kind, str(fault))
        return None
    finally:
        transfer.close()
    ledger.answered(kind)
    return True


async def get(scene, name, is_right):
    async def transferring(transfer):
        content = await _download(transfer, name)
        if not is_right(content):
            raise Wrong(f"RRQ {name}: {len(content)} bytes that are not the file")
    return await _tell(scene, "tftp get", transferring)


async def put(scene, name, content):
    scene.uploads.begin(name, content)
    return settle(scene.uploads, name,
                  await _tell(scene, "tftp put", lambda transfer: _upload(transfer, name, content)))


async def visit(scene, number):
    """One client, until the scene ends."""
    chance, slots = scene.chance(f"tftp {number}"), scene.slots(f"tftp-{number}")
    while not scene.is_over():
        if chance.random() < 0.5:
            name = chance.choice(scene.small_names)
            await get(scene, name, lambda content, name=name: content == scene.static[name])
        else:
            await store_and_look(scene, slots, chance, lambda name, content: put(scene, name, content),
                                 lambda name: get(scene, name, lambda content: scene.uploads.is_right(name, content)))
        await scene.pause(chance)
