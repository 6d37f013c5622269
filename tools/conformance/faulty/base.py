"""TcpServer and UdpServer: what all tiny servers share. Each listens on a free port of 127.0.0.1 until it is closed."""

import socket
import struct
import threading
import time

_LINGER_S = 0.2
_SHORT_BYTES = 32 * 1024  # What a send() that takes a part takes here.
# Faults that a server of any service over TCP can have.
ONE_AT_A_TIME, DIES_WITH_CLIENT, ONLY_ONE, SHORT_WRITE = "one_at_a_time", "dies_with_a_client", "serves_one_client", "short_write"
COMMON = {
    ONE_AT_A_TIME: "serves one client after the other",
    DIES_WITH_CLIENT: "ends when a client breaks off",
    ONLY_ONE: "accepts one client, and never another one",
    SHORT_WRITE: "ignores that send() took a part of the bytes alone",
}


class TcpServer:
    """A thread for each client, or one client after the other. Use it as a context manager.

    fault  one of those that the class knows; "" for none
    root   the directory that it serves, if it serves files
    at     (host, port) to listen at
    """

    def __init__(self, fault="", root=None, one_at_a_time=False, at=("127.0.0.1", 0)):
        self.fault = fault
        self.root = root
        # One that dies with a client does so before it accepts the next: a race would let that one be served.
        self._one_at_a_time = one_at_a_time or fault in (ONE_AT_A_TIME, DIES_WITH_CLIENT)
        self.stopped = threading.Event()
        self._clients = set()
        self._listener = socket.create_server(at, backlog=64)
        self.address = "%s:%d" % self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stopped.set()
        for each in [self._listener, *self._clients]:
            _shut(each)

    def handle(self, client):
        """Serves a client to its end. May raise OSError if the client is gone."""
        raise NotImplementedError

    def send(self, client, data):
        client.sendall(data[:_SHORT_BYTES] if self.fault == SHORT_WRITE else data)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # Closed.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients.add(client)
            if self._one_at_a_time:
                self._serve(client)
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()
            if self.fault == ONLY_ONE:
                return

    def _serve(self, client):
        try:
            self.handle(client)
            self._close_in_order(client)
        except OSError:
            if self.fault == DIES_WITH_CLIENT:
                _shut(self._listener)
        finally:
            self._clients.discard(client)
            client.close()

    @staticmethod
    def _close_in_order(client):
        """A close with unread bytes would be a reset, which can take the reply with it (RFC 9112, section 9.6)."""
        client.shutdown(socket.SHUT_WR)
        client.settimeout(_LINGER_S)
        end = time.monotonic() + _LINGER_S
        while time.monotonic() < end and client.recv(65536):
            pass


def _shut(sock):
    """Wakes the thread that waits for it, and closes it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Reader:
    """The bytes of a client, by line or by number."""

    def __init__(self, client):
        self._client = client
        self.received = b""

    def fill(self):
        """Adds what comes next; false at the end."""
        piece = self._client.recv(65536)
        self.received += piece
        return bool(piece)

    def take(self, count):
        """`count` bytes; fewer at the end."""
        while len(self.received) < count and self.fill():
            pass
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def line(self, most):
        """A line without its end; None at the end of input, ValueError if it is longer than that."""
        while b"\n" not in self.received:
            if len(self.received) > most:
                raise ValueError("the line is too long")
            if not self.fill():
                return None
        line, self.received = self.received.split(b"\n", 1)
        if len(line) > most:
            raise ValueError("the line is too long")
        return line


class UdpServer:
    """One thread, which handles a datagram after the other. Use it as a context manager."""

    def __init__(self, fault="", root=None, one_at_a_time=False):
        self.fault = fault
        self.root = root
        self.one_at_a_time = one_at_a_time or fault == ONE_AT_A_TIME
        self.closed = False
        self.socket = new_udp_socket()
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._receive, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.socket.close()

    def handle(self, datagram, sender):
        raise NotImplementedError

    def _receive(self):
        while not self.closed:
            try:
                datagram, sender = self.socket.recvfrom(65536)
                self.handle(datagram, sender)
            except socket.timeout:
                continue
            except OSError:
                if self.closed:
                    return
                raise


def new_udp_socket():
    """Another thread's close does not wake recvfrom(), so that looks around now and then."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(0.2)
    return sock
