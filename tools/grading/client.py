"""Client: a TCP connection of a check to the program under test. No call waits for a fixed time: each ends when what it waits
for has come, or when the program stands still without it."""

import socket


def shown(data):
    """Bytes for the steps, short."""
    text = repr(bytes(data[:40]))[1:]
    return text + f"... ({len(data)} bytes)" if len(data) > 40 else text


class Client:
    """Non-blocking inside. What has come and was not yet asked for is in `pending`."""

    def __init__(self, server, name):
        self._server = server
        self.name = name
        self.pending = bytearray()
        self.ended = None  # "end" after the peer's end of file, or the name of the error that came
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(server.limits.patience)
        self._socket.connect(("127.0.0.1", server.port))  # The kernel does it, while there is room in the listener's queue.
        self._socket.setblocking(False)
        self._say("connects")

    def _say(self, what):
        self._server.steps.add(self.name, what)

    def _read(self):
        """Takes what has come."""
        while self.ended is None:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                # A delayed acknowledgement would hold back the server's next small write (Nagle's algorithm), while all of its
                # threads sleep.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                return
            except OSError as error:
                self.ended = type(error).__name__
                return
            if not data:
                self.ended = "end"
            self.pending += data

    def send_some(self, data):
        """How many bytes the kernel takes now."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.ended = type(error).__name__
            return 0

    def send(self, data):
        """Sends all of it; False if the program does not take it."""
        self._say(f"sends {shown(data)}")
        left = memoryview(data)

        def sent():
            nonlocal left
            left = left[self.send_some(left):]
            return not left or self.ended is not None

        return self._server.until(sent, writing=[self._socket]) and not left

    def send_until_refused(self, data, most, grace):
        """Sends the data over and over, and reads nothing; how many bytes have left when the program takes no more."""
        total = 0

        def refused():
            nonlocal total
            while total < most and self.ended is None:
                sent = self.send_some(data[total % len(data):])
                total += sent
                if not sent:
                    return False
            return True

        self._server.until(refused, writing=[self._socket], grace=grace)
        self._say(f"sends {total} bytes, reads nothing" + ("" if total >= most else ", and cannot send more"))
        return total

    def receive(self, size, grace=0):
        """The next bytes; fewer if no more come. For `grace` see Server.until()."""
        def there():
            self._read()
            return len(self.pending) >= size or self.ended is not None

        self._server.until(there, reading=[self._socket], grace=grace)
        data = bytes(self.pending[:size])
        del self.pending[:size]
        self._say(f"gets {shown(data)}" if data else f"gets nothing ({self.ended or 'and no end either'})")
        return data

    def line(self):
        """The next line with its end, or what has come of it."""
        def there():
            self._read()
            return b"\n" in self.pending or self.ended is not None

        self._server.until(there, reading=[self._socket])
        size = self.pending.find(b"\n") + 1 or len(self.pending)
        return self.receive(size) if size else self.receive(1)

    def rest(self):
        """All that comes until the end; see `ended` for what that was."""
        def there():
            self._read()
            return self.ended is not None

        self._server.until(there, reading=[self._socket])
        data, self.pending = bytes(self.pending), bytearray()
        self._say(f"gets {shown(data)}, then {self.ended or 'neither more nor the end'}")
        return data

    def sees_end(self):
        """Whether the peer closes the connection, with nothing before it."""
        return self.rest() == b"" and self.ended is not None

    def finish(self):
        """Sends no more, and still receives."""
        self._say("will send no more")
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._say("closes its connection")
        self._socket.close()
