"""Packets of TFTP (RFC 1350, RFC 2347), and a client that goes packet by packet, so that a case can lose or repeat any."""

import struct

from .case import Failure
from .peers import shown

RRQ, WRQ, DATA, ACK, ERROR, OACK = 1, 2, 3, 4, 5, 6
_NAMES = {RRQ: "RRQ", WRQ: "WRQ", DATA: "DATA", ACK: "ACK", ERROR: "ERROR", OACK: "OACK"}
BLOCK_BYTES = 512


def request(kind, name, mode="octet", **options):
    parts = [name, mode, *(str(part) for option in options.items() for part in option)]
    return struct.pack("!H", kind) + b"".join(part.encode() + b"\0" for part in parts)


def data(block, content):
    return struct.pack("!HH", DATA, block & 0xffff) + content


def ack(block):
    return struct.pack("!HH", ACK, block & 0xffff)


def error(code, text):
    return struct.pack("!HH", ERROR, code) + text.encode() + b"\0"


def kind_of(packet):
    return struct.unpack("!H", packet[:2])[0] if len(packet) >= 2 else 0


def number_of(packet):
    """A block's, or an error's."""
    return struct.unpack("!H", packet[2:4])[0] if len(packet) >= 4 else -1


def described(packet):
    """A packet, or None, for a person."""
    if packet is None:
        return "nothing"
    kind = kind_of(packet)
    if kind in (DATA, ACK, ERROR):
        return f"{_NAMES[kind]} {number_of(packet)}" + (f" {shown(packet[4:])}" if len(packet) > 4 else "")
    return f"{_NAMES.get(kind, 'a packet')} {shown(packet[2:])}"


class Transfer:
    """One transfer of one client. A transfer that is not at its end is ended by an ERROR, so that a server of one client at a
    time is free for the next."""

    def __init__(self, scene, name=None):
        self._scene = scene
        self.peer = scene.datagram_peer(name)
        self.port = None  # The server's, of this transfer: an address.

    def ask(self, packet):
        """To the server's own port."""
        self.peer.send(packet, note=described(packet))

    def send(self, packet):
        """To the port of the transfer."""
        self.peer.send(packet, self.port, note=described(packet))

    def receive(self, seconds=None):
        """The next packet; None if none comes in time."""
        packet = self.peer.receive(seconds, describe=described)
        if packet is not None:
            self.port = self.peer.came_from
        return packet

    def expect(self, expected, is_strict=False):
        """is_strict  the packet before it may not come once more, as it does from a server whose timer was quicker than we are"""
        before = struct.pack("!HH", kind_of(expected), (number_of(expected) - 1) & 0xffff)
        packet = self.receive()
        while packet is not None and packet[:4] == before and not is_strict:
            packet = self.receive()
        if packet != expected:
            raise Failure(f"{self.peer.name} received {described(packet)} instead of {described(expected)}")

    def expect_error(self, *codes):
        packet = self.receive()
        if packet is None or kind_of(packet) != ERROR or (codes and number_of(packet) not in codes):
            wanted = f"ERROR {' or '.join(map(str, codes))}" if codes else "an ERROR"
            raise Failure(f"{self.peer.name} received {described(packet)} instead of {wanted}")

    def end(self):
        if self.port:
            self.send(error(0, "that is enough"))

    def download(self, first=1, block_bytes=BLOCK_BYTES):
        """Receives and acknowledges blocks up to the last one; repeated ones do not count. Returns the content."""
        content, block = b"", first
        while True:
            packet = self.receive()
            if packet is None or kind_of(packet) != DATA:
                raise Failure(f"{self.peer.name} received {described(packet)} instead of DATA {block & 0xffff}")
            if number_of(packet) == (block - 1) & 0xffff and block > 1:
                self.send(ack(block - 1))  # Ours was lost, or is late.
                continue
            if number_of(packet) != block & 0xffff:
                raise Failure(f"{self.peer.name} received {described(packet)} instead of DATA {block & 0xffff}")
            content += packet[4:]
            self.send(ack(block))
            if len(packet) - 4 < block_bytes:
                return content
            block += 1
