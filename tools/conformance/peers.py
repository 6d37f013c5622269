"""Peer and DatagramPeer: the clients of a case. They note each step in plain words, and no wait of theirs is endless."""

import hashlib
import select
import socket
import struct

from .case import Failure

_MOST_SHOWN = 90


def shown(data):
    """Bytes for a person: as text if they are text, and cut if they are long."""
    if len(data) > _MOST_SHOWN:
        return f"{len(data)} bytes that begin with {shown(data[:24])} (SHA-256 {hashlib.sha256(data).hexdigest()[:12]}...)"
    try:
        return repr(bytes(data).decode())
    except UnicodeDecodeError:
        return repr(bytes(data))[1:]


def parse_address(text):
    """(host, port) of "HOST:PORT" or "[HOST]:PORT"; ValueError if it is none."""
    host, colon, port = text.rpartition(":")
    if not (colon and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"'{text}' is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


class Peer:
    """A connection. What was received and not read yet stays in it."""

    def __init__(self, scene, name):
        self._scene = scene
        self.name = name
        self._received = bytearray()
        self.end = None  # In words, once the server's side has ended.
        self._why = ""  # The last wait ended.
        try:
            self._socket = socket.create_connection(parse_address(scene.address), timeout=scene.left_s())
        except OSError as error:
            raise Failure(f"{name} cannot connect: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scene.is_reached = True
        scene.note(f"{name} connects")

    def close(self):
        self._socket.close()

    def _lost(self, error):
        self.end = f"a reset ({error})"
        self._why = self.end

    def send(self, data, may_fail=False):
        """may_fail  the server may have closed by now, and that is no fault"""
        self._scene.note(f"{self.name} sends {shown(data)}")
        self._send(data, may_fail)

    def _send(self, data, may_fail=False):
        self._socket.settimeout(self._scene.left_s())
        try:
            self._socket.sendall(data)
        except (ConnectionError, socket.timeout) as error:
            if not may_fail:
                why = "takes no more bytes" if isinstance(error, socket.timeout) else "has closed the connection"
                raise Failure(f"the server {why} while {self.name} sends") from error

    def send_pieces(self, pieces, may_fail=False):
        """Each in a packet of its own, as far as a client can bring that about."""
        self._scene.note(f"{self.name} sends in {len(pieces)} pieces: {', '.join(map(shown, pieces[:4]))}"
                         + (", ..." if len(pieces) > 4 else ""))
        for number, piece in enumerate(pieces):
            if number:
                self._scene.pause()
            self._send(piece, may_fail)

    def half_close(self):
        self._scene.note(f"{self.name} closes its own direction, and goes on reading")
        self._quietly(lambda: self._socket.shutdown(socket.SHUT_WR))

    def reset(self):
        self._scene.note(f"{self.name} breaks off (a reset)")
        self._quietly(lambda: self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
        self._socket.close()

    @staticmethod
    def _quietly(act):
        try:
            act()
        except OSError:
            pass  # The server was quicker.

    def piece(self, most):
        """What one recv(most) returns, as a simple client sees it; empty at the end or if nothing comes."""
        if not self._received:
            self._more(most)
        piece = bytes(self._received[:most])
        del self._received[:most]
        self._scene.note(f"{self.name} receives {shown(piece)}" if piece else f"{self.name} receives {self._why}")
        return piece

    def _more(self, most=1 << 18):
        """Adds what comes next; false at the end, or if nothing comes in time."""
        if self.end:
            return False
        seconds = self._scene.left_s()
        self._socket.settimeout(seconds)
        try:
            piece = self._socket.recv(most)
        except socket.timeout:
            self._why = f"nothing for {seconds:.1f} s"
            return False
        except ConnectionError as error:
            self._lost(error)
            return False
        self.end = None if piece else "the end of the connection"
        self._why = self.end or ""
        self._received += piece
        return bool(piece)

    def has_bytes(self, wait_s=0.0):
        """Whether something is there to be read, or the end, within this time."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(self._received or waiting.poll(1000 * wait_s))

    def is_at_end(self):
        """Whether the server has closed, or will have before it sends anything."""
        return not self._received and not self._more() and self.end is not None

    def _take(self, count):
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def read(self, count):
        """`count` bytes; fewer if the stream ends or stalls."""
        while len(self._received) < count and self._more():
            pass
        is_short = len(self._received) < count
        taken = self._take(count)
        self._scene.note(f"{self.name} receives {shown(taken)}" + (f", then {self._why}" if is_short else ""))
        return taken

    def read_line(self, most=65536):
        """A line with its end; without one if the stream ends, or stalls, within it."""
        at = 0
        while True:
            found = self._received.find(b"\n", at)
            if found >= 0 or len(self._received) > most:
                break
            at = len(self._received)
            if not self._more():
                break
        line = self._take(found + 1 if found >= 0 else len(self._received))
        self._scene.note(f"{self.name} receives {shown(line)}" + (f", then {self._why}" if found < 0 else ""))
        return line

    def read_to_end(self):
        """All that comes until the server closes; fails if it does not."""
        while self._more():
            pass
        taken = self._take(len(self._received))
        self._scene.note(f"{self.name} receives {shown(taken)}, then {self._why}")
        if not self.end:
            raise Failure(f"the server does not close the connection; {self.name} has received {shown(taken)}")
        return taken

    def expect(self, expected):
        got = self.read(len(expected))
        if got != expected:
            then = f", then {self._why}" if self._why else ""
            raise Failure(f"{self.name} received {shown(got)} instead of {shown(expected)}{then}")

    def expect_end(self, is_clean=False):
        """is_clean  a reset will not do"""
        rest = self.read_to_end()
        if rest:
            raise Failure(f"{self.name} received {shown(rest)}, although nothing more was to come")
        if is_clean and self.end.startswith("a reset"):
            raise Failure(f"the connection ends with {self.end} instead of an orderly close")

    def exchange(self, data):
        """Sends all, closes its direction, and returns all that comes until the end: both at once, since neither end can hold
        that much."""
        self._scene.note(f"{self.name} sends {shown(data)} while it receives, then closes its own direction")
        self._socket.setblocking(False)
        view, received, mask = memoryview(data), bytearray(), select.POLLIN | select.POLLOUT
        waiting = select.poll()
        while True:
            waiting.register(self._socket, mask)
            ready = waiting.poll(1000 * self._scene.left_s())
            if not ready:
                self._why = "nothing in time"
                break
            events = ready[0][1]
            if events & select.POLLOUT and view:
                view = view[self._send_some(view):]
                if not view:
                    self._quietly(lambda: self._socket.shutdown(socket.SHUT_WR))
                    mask = select.POLLIN
            if events & ~select.POLLOUT:
                piece = self._receive_some()
                if piece == b"":
                    break
                received += piece or b""
        self._scene.note(f"{self.name} receives {shown(received)}, then {self._why}")
        return bytes(received)

    def _send_some(self, view):
        try:
            return self._socket.send(view[:1 << 18])
        except BlockingIOError:
            return 0
        except ConnectionError:
            return len(view)  # What is read next says so.

    def _receive_some(self):
        """Empty at the end; None if nothing is there."""
        try:
            piece = self._socket.recv(1 << 18)
        except BlockingIOError:
            return None
        except ConnectionError as error:
            self._lost(error)
            return b""
        if not piece:
            self.end = self._why = "the end of the connection"
        return piece


class DatagramPeer:
    """A socket for datagrams. The server's answers may come from any port of it."""

    def __init__(self, scene, name):
        self._scene = scene
        self.name = name
        host, port = parse_address(scene.address)
        family, _, _, _, self.server = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind(("", 0))
        self.came_from = None  # Of the last datagram.

    def close(self):
        self._socket.close()

    def send(self, data, to=None, note=None):
        self._scene.note(f"{self.name} sends {note or shown(data)}")
        self._socket.sendto(data, to or self.server)

    def receive(self, seconds=None, describe=shown):
        """The next datagram; None if none comes in time."""
        self._socket.settimeout(min(seconds or self._scene.patience.wait_s, self._scene.left_s()))
        try:
            data, self.came_from = self._socket.recvfrom(65536)
        except (socket.timeout, ConnectionError):
            self._scene.note(f"{self.name} receives nothing")
            return None
        self._scene.is_reached = True
        self._scene.note(f"{self.name} receives {describe(data)}")
        return data

    def expect(self, expected):
        got = self.receive()
        if got != expected:
            raise Failure(f"{self.name} received {'nothing' if got is None else shown(got)} instead of {shown(expected)}")
