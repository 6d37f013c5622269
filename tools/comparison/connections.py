"""Connections that have asked once and are silent since then. With these the memory per connection is measured."""

import resource
import socket
import time

from . import procfs, tls

_PATIENCE_S = 10
_BATCH = 256


def raise_descriptor_limit():
    """To the hard limit. Returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _request(service):
    if tls.plain(service) == "http":
        return b"GET /1k.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    # Not joined to the room: a refusal is a reply, too.
    return b"hello\n" if service == "chat" else b"hello"


def _await_reply(connection, service):
    """The whole reply: then the server is silent, and waits."""
    received = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("the server has closed an idle connection")
        received += piece
        if tls.plain(service) != "http":
            if len(received) >= len(_request(service)):
                return
        else:
            head, end, content = received.partition(b"\r\n\r\n")
            if end and len(content) >= 1024:
                if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                    raise ConnectionError(head.split(b"\r\n")[0].decode(errors="replace"))
                return


class Crowd:
    """Idle connections to one server. OSError if it does not take them, or does not answer."""

    def __init__(self, address, service):
        host, _, port = address.rpartition(":")
        self._to = (host, int(port))
        self._service = service
        self._context = tls.client_context() if tls.is_encrypted(service) else None
        self._connections = []

    def grow_to(self, number):
        """Each new one asks once, so that it is known to be served; some at a time, since waiting for each takes long."""
        while len(self._connections) < number:
            batch = []
            for _ in range(min(_BATCH, number - len(self._connections))):
                connection = socket.create_connection(self._to, timeout=_PATIENCE_S)
                if self._context:
                    connection = self._context.wrap_socket(connection)
                self._connections.append(connection)
                batch.append(connection)
                connection.sendall(_request(self._service))
            for connection in batch:
                _await_reply(connection, self._service)

    def __len__(self):
        return len(self._connections)

    def close(self):
        for connection in self._connections:
            connection.close()
        self._connections = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def kernel_bytes_of_an_end(number=500):
    """What the kernel uses for one end of an idle TCP connection, so that the client's can be taken off: half of what
    both ends take, measured here and now."""
    with socket.create_server(("127.0.0.1", 0), backlog=number) as listener:
        pairs = []
        time.sleep(0.1)
        before = procfs.kernel_kib()
        try:
            for _ in range(number):
                client = socket.create_connection(listener.getsockname())
                pairs.append((client, listener.accept()[0]))
            return max(0, procfs.kernel_kib() - before) * 1024 / number / 2
        finally:
            for client, accepted in pairs:
                client.close()
                accepted.close()
