"""A tiny server that sums up primes, and its faults."""

import itertools
import re

from . import base

SERVICE = "compute"
FAULTS = {
    "counts_the_bound": ("adds n itself if it is a prime", "sums_up_the_primes"),
    "overflows": ("keeps 16 bits of the sum", "large_sum"),
    "closes_on_errors": ("closes after a wrong request", "wrong_request_is_refused_and_the_next_answered"),
    "no_bound": ("answers OK, whatever the number is", "number_that_is_too_large_is_refused"),
    "forgets_pipelined": ("forgets what came in one packet with a request", "pipelined_requests_in_order"),
    "one_read": ("takes what one read returns for a whole request", "request_in_two_pieces"),
    "deaf_at_the_end": ("answers nothing once the client has closed its direction", "half_close_still_brings_the_answers"),
    "any_line": ("waits for the end of a line, however long", "overlong_line_is_refused"),
    "obeys_browsers": ("skips lines that it does not understand", "browser_gives_no_commands"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order"),
}
_MOST, _MOST_LINE = 10_000_000, 64


def sum_of_primes_below(number):
    sieve = bytearray([1]) * max(2, number)
    sieve[:2] = b"\0\0"
    for at in range(2, int(number ** 0.5) + 1):
        if sieve[at]:
            sieve[at * at::at] = bytes(len(range(at * at, len(sieve), at)))
    return sum(itertools.compress(range(number), sieve))


class Server(base.TcpServer):
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
            client.sendall(answer.encode())
            if answer.startswith("ERR 400 this") or (self.fault == "closes_on_errors" and answer.startswith("ERR")):
                return

    def _line(self, reader):
        if self.fault == "one_read":
            reader.received = b""
            return reader.received.rstrip(b"\n") if reader.fill() else None
        line = reader.line(1 << 30 if self.fault == "any_line" else _MOST_LINE)
        if self.fault == "forgets_pipelined":
            reader.received = b""
        return line

    def _answer(self, line):
        if re.search(r"HTTP/1\.\d\r?$", line) and self.fault != "obeys_browsers":
            return "ERR 400 this is no server of HTTP\n"
        match = re.fullmatch(r"PRIMES (\d+)", line)
        if not match:
            return "ERR 400 expected: PRIMES <n>\n"
        number = int(match[1])
        if number > _MOST:
            return "OK 0\n" if self.fault == "no_bound" else f"ERR 413 at most {_MOST}\n"
        total = sum_of_primes_below(number + (self.fault == "counts_the_bound"))
        return f"OK {total & 0xffff if self.fault == 'overflows' else total}\n"
