"""The course's message server, and its faults."""

from . import base

SERVICE = "message"
_REPLY = b"Receive your message"
FAULTS = {
    "line_end": ("adds a line end to its answer", "acknowledges_each_message"),
    "text_only": ("takes nothing but ASCII", "takes_any_byte"),
    "one_answer": ("answers any number of bytes once", "long_message_is_several_chunks"),
    "silent_at_the_end": ("answers when the next message comes", "half_close_still_brings_the_answer"),
    base.ONLY_ONE: (base.COMMON[base.ONLY_ONE], "serves_one_after_the_other"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order"),
}


class Server(base.TcpServer):
    def handle(self, client):
        owed = b""
        while data := client.recv(1 << 20 if self.fault == "one_answer" else 1024):
            if self.fault == "text_only":
                try:
                    data.decode("ascii")
                except UnicodeDecodeError:
                    return
            if self.fault == "silent_at_the_end":
                client.sendall(owed)
                owed = _REPLY
            else:
                client.sendall(_REPLY + (b"\n" if self.fault == "line_end" else b""))
