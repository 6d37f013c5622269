"""A tiny echo server (RFC 862), and its faults."""

from . import base

SERVICE = "echo"
FAULTS = {
    "loses_last_byte_of_split": ("loses the last byte of a message that comes in two pieces", "message_in_two_pieces"),
    "text_only": ("decodes what comes as text, and encodes it again", "takes_any_byte"),
    "one_buffer": ("sends back 1,024 bytes of each read at most", "message_of_many_kilobytes"),
    "waits_for_the_end": ("sends nothing back before the client has closed", "sends_back_what_comes"),
    "trims_short_pieces": ("swallows a line end in a short piece", "byte_by_byte"),
    "reset_at_the_end": ("closes with a reset", "half_close_still_brings_the_rest"),
    "never_closes": ("keeps the connection of a client that has closed", "closes_when_the_client_does"),
    "mixes_clients": ("sends what comes to the client that came last", "clients_get_their_own_bytes"),
    base.SHORT_WRITE: (base.COMMON[base.SHORT_WRITE], "megabytes_in_order"),
    base.ONLY_ONE: (base.COMMON[base.ONLY_ONE], "serves_one_after_the_other"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "silent_client_keeps_no_other_waiting clients_in_reverse_order"),
}


class Server(base.TcpServer):
    _last = None  # The client that came last.

    def handle(self, client):
        self._last = client
        number, kept = 0, b""
        while data := client.recv(65536):
            number += 1
            data = self._spoiled(data, number)
            if self.fault == "waits_for_the_end":
                kept += data
            else:
                self.send(self._last if self.fault == "mixes_clients" else client, data)
        client.sendall(kept)
        if self.fault == "reset_at_the_end":
            base.reset(client)
        if self.fault == "never_closes":
            self.stopped.wait()

    def _spoiled(self, data, number):
        if self.fault == "loses_last_byte_of_split" and number > 1:
            return data[:-1]
        if self.fault == "text_only":
            return data.decode(errors="replace").encode()
        if self.fault == "one_buffer":
            return data[:1024]
        if self.fault == "trims_short_pieces" and len(data) < 8:
            return data.rstrip(b"\n")
        return data
