"""What tiny servers have in common whose requests are lines, or a verb and a number each, and the faults that are about lines."""

import re
import select

from . import base

# Of servers whose requests wait: for one client after the other, in the order in which they came.
BLOCKS_ALL = "blocks_all"

LINE_FAULTS = {
    "closes_on_errors": ("closes after a wrong request", "wrong_request_is_refused_and_the_next_answered"),
    "forgets_pipelined": ("forgets what came in one packet with a request", "pipelined_requests_in_order"),
    "one_read": ("takes what one read returns for a whole request", "request_in_two_pieces"),
    "deaf_at_the_end": ("answers nothing once the client has closed its direction", "half_close_still_brings_the_answers"),
    "any_line": ("waits for the end of a line, however long", "overlong_line_is_refused"),
    "obeys_browsers": ("skips lines that it does not understand", "browser_gives_no_commands"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
}


class LineServer(base.TcpServer):
    most_line = 64

    def _accept(self):
        if self.fault != BLOCKS_ALL:
            super()._accept()
            return
        readers = {}
        while not self.stopped.is_set():
            for ready in select.select([self._listener, *readers], [], [], 0.1)[0]:
                try:
                    if ready is self._listener:
                        client, _ = self._listener.accept()
                        self._clients.add(client)
                        readers[client] = base.Reader(client)
                    elif readers[ready].fill():
                        ready.sendall(self._answer(readers[ready].line(self.most_line).decode("latin-1")).encode("latin-1"))
                    else:
                        del readers[ready]
                except OSError:
                    readers.pop(ready, None)

    def handle(self, client):
        reader = base.Reader(client)
        while True:
            try:
                line = self._line(reader)
            except ValueError as error:
                client.sendall(f"ERR 400 {error}\n".encode())
                return
            if line is None:
                return
            if self.fault == "deaf_at_the_end" and not reader.fill():
                return
            answer = self._answer(line.decode("latin-1"))
            client.sendall(answer.encode("latin-1"))
            if answer.startswith("ERR 400 this") or (self.fault == "closes_on_errors" and answer.startswith("ERR")):
                return

    def _line(self, reader):
        if self.fault == "one_read":
            reader.received = b""
            return reader.received.rstrip(b"\n") if reader.fill() else None
        line = reader.line(1 << 30 if self.fault == "any_line" else self.most_line)
        if self.fault == "forgets_pipelined":
            reader.received = b""
        return line

    def _answer(self, line):
        if re.search(r"HTTP/1\.\d\r?$", line) and self.fault != "obeys_browsers":
            return "ERR 400 this is no server of HTTP\n"
        return self.answer_line(line)

    def answer_line(self, line):
        """The reply to a request, as a line."""
        raise NotImplementedError


class NumberServer(LineServer):
    verb = ""  # Of a request.

    def answer_line(self, line):
        match = re.fullmatch(self.verb + r" (\d+)", line)
        return self.answer(int(match[1])) if match else f"ERR 400 expected: {self.verb} <number>\n"

    def answer(self, number):
        """The reply to a request, as a line."""
        raise NotImplementedError
