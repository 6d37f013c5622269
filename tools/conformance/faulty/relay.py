"""A tiny server that asks another one, and its faults."""

import re
import socket

from . import base, line_server

SERVICE = "relay"
FAULTS = line_server.LINE_FAULTS | {
    "adds_ok": ("puts OK in front of the answer", "answer_is_passed_on_as_it_is"),
    "asks_words": ("asks the words, with a blank between them", "line_is_asked_as_it_is"),
    "any_number": ("asks the first server, whatever the number is", "number_of_no_server_is_refused"),
    "closes_on_failures": ("closes if the other server has failed", "failure_of_the_other_server_is_an_answer"),
    "passes_all_on": ("passes on whatever has come", "failure_of_the_other_server_is_an_answer"),
    line_server.BLOCKS_ALL: ("serves several, and asks for one client at a time", "slow_answer_keeps_no_other_waiting"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order slow_answer_keeps_no_other_waiting"),
}
_MOST_LINE = 1024


class Server(line_server.LineServer):
    """`root`: the address of the server that it may ask."""

    most_line = _MOST_LINE + 16

    def answer_line(self, line):
        match = re.fullmatch(r"RELAY (\d+) ([^\0-\x1f\x7f]+)", line)
        if not match:
            return "ERR 400 expected: RELAY <n> <line>\n"
        if int(match[1]) != 1 and self.fault != "any_number":
            return "ERR 404 n is 1 here\n"
        question = " ".join(match[2].split()) if self.fault == "asks_words" else match[2]
        text = self._ask(question.encode("latin-1")).decode("latin-1")
        if self.fault == "passes_all_on":
            return text + "\n"
        if not re.fullmatch(r"[^\0-\x1f\x7f]{1,1024}\n", text):
            if self.fault == "closes_on_failures":
                raise OSError("the other server has failed")
            return "ERR 502 the other server has failed\n"
        return "OK " + text if self.fault == "adds_ok" else text

    def _ask(self, question):
        host, port = self.root.split(":")
        with socket.create_connection((host, int(port))) as other:
            other.sendall(question + b"\n")
            return other.makefile("rb").readline(_MOST_LINE + 2)
