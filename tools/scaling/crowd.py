"""Crowd: the members of a room, up to many thousands, on one thread: some speak, all listen. It keeps no text, only who has heard what.

    crowd = Crowd()
    crowd.join("b", address, ["m0", "m1"])     # at the server of host b
    crowd.say("m0")
    crowd.listen(0.1)                          # for that long, whatever comes
"""

import errno
import re
import select
import socket
import time

from .hearing import Hearing

_AT_ONCE = 200  # That many ask to be let in at a time: more would wait longer for it than a server lets them.
_PATIENCE_S = 60.0
_READ_BYTES = 262144
_LINE = re.compile(rb"(?m)^(m\d+) : (\d+)(?: \S*)?$")
_TEXT_BYTES = 64


class CrowdError(Exception):
    """A member cannot join, or does not in time."""


class _Member:
    def __init__(self, name, server, connection):
        self.name, self.server, self.connection = name, server, connection
        self.hearing = Hearing()
        self.rest = b""  # A line that has not come to its end.
        self.unsent = b""
        self.said = 0
        self.is_in = False
        self.end = None  # Why it is no member any more.


class Crowd:
    def __init__(self):
        self.members = {}  # By name; those that have lost their connection, too.
        self._by_descriptor = {}
        self._poller = select.epoll()
        self.deliveries = 0

    def join(self, server, address, names):
        """All of these, some at a time; returns when they are in the room. What is said meanwhile is heard."""
        for start in range(0, len(names), _AT_ONCE):
            batch = [self._connect(name, server, address) for name in names[start:start + _AT_ONCE]]
            end = time.monotonic() + _PATIENCE_S
            while not all(member.is_in for member in batch):
                ended = next((member for member in batch if member.end is not None), None)
                if ended is not None:
                    raise CrowdError(f"{ended.name} cannot join at {server}: {ended.end}")
                if time.monotonic() > end:
                    raise CrowdError(f"members cannot join at {server} in {_PATIENCE_S:g} s")
                self._turn(0.1)

    def _connect(self, name, server, address):
        connection = socket.create_connection(address, _PATIENCE_S)
        connection.setblocking(False)
        member = _Member(name, server, connection)
        member.unsent = f"L {name}\n".encode()
        self.members[name] = self._by_descriptor[connection.fileno()] = member
        self._poller.register(connection.fileno(), select.EPOLLIN)
        self._send(member)
        return member

    def say(self, name):
        """Its next line. That of a member that is gone is not said."""
        member = self.members[name]
        if member.end is not None:
            return
        member.said += 1
        text = f"C {name} {member.said} "
        member.unsent += f"{text}{'x' * (_TEXT_BYTES - len(text))}\n".encode()
        self._send(member)

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._turn(left)

    def listen_until(self, is_so, patience_s):
        """Whether that comes true in time. Asks now and then, since it may take a while to find out."""
        end = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > end:
                return False
            self.listen(0.2)
        return True

    def of_servers(self, servers):
        """The members at these, by name, with their connection or without."""
        return {name: member for name, member in self.members.items() if member.server in servers}

    def close(self):
        for member in self.members.values():
            member.connection.close()
        self._poller.close()

    def _turn(self, seconds):
        for descriptor, events in self._poller.poll(seconds):
            member = self._by_descriptor[descriptor]
            if events & select.EPOLLOUT:
                self._send(member)
            if events & ~select.EPOLLOUT and member.end is None:
                self._receive(member)

    def _send(self, member):
        try:
            member.unsent = member.unsent[member.connection.send(member.unsent):]
        except BlockingIOError:
            pass
        except OSError as error:
            self._lose(member, error)
            return
        self._poller.modify(member.connection.fileno(), select.EPOLLIN | (select.EPOLLOUT if member.unsent else 0))

    def _receive(self, member):
        try:
            piece = member.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(member, error)
            return
        if not piece:
            self._lose(member, "the server has closed the connection")
            return
        whole, _, member.rest = (member.rest + piece).rpartition(b"\n")
        if not member.is_in:
            self._await_answer(member, whole)
        if b" : " not in whole:  # Arrivals alone.
            return
        for speaker, number in _LINE.findall(whole):
            member.hearing.hear(speaker.decode(), int(number))
            self.deliveries += 1

    def _await_answer(self, member, lines):
        first = lines.partition(b"\n")[0]
        if first == b"OK":
            member.is_in = True
        elif first:
            self._lose(member, first.decode(errors="replace"))

    def _lose(self, member, why):
        if isinstance(why, OSError):
            why = errno.errorcode.get(why.errno, str(why))
        member.end = str(why)
        self._by_descriptor.pop(member.connection.fileno(), None)
        self._poller.unregister(member.connection.fileno())
        member.connection.close()
