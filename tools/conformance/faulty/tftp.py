"""A tiny TFTP server (RFC 1350, RFC 2347 to 2349), and its faults."""

import socket
import threading

from .. import tftp_wire as wire
from . import base, library

SERVICE = "tftp"
FAULTS = {
    "no_empty_block": ("ends a file of whole blocks without an empty one", "get_sends_the_file"),
    "byte_of_block_number": ("counts blocks in one byte", "long_file_is_whole"),
    "mode_in_small_letters": ("knows octet in small letters alone", "mode_has_no_case"),
    "same_port": ("answers from the port that was asked", "transfer_has_a_port_of_its_own"),
    "error_0": ("answers ERROR 0, whatever is wrong", "missing_file_is_error_1"),
    "dot_dot": ("joins names to the root unchecked", "names_do_not_lead_out"),
    "sorcerer": ("answers each ACK with a block, also one that comes twice", "repeated_ack_is_not_answered"),
    "never_repeats": ("sends a block once", "lost_block_is_sent_again"),
    "early_last_ack": ("acknowledges the last block, and stores nothing", "put_stores_the_file"),
    "stores_repeats": ("stores a block again that comes twice", "repeated_block_is_acknowledged_and_stored_once"),
    "refuses_repeats": ("answers a block that comes twice with ERROR 4", "repeated_block_is_acknowledged_and_stored_once"),
    "obeys_strangers": ("takes packets from any port for the transfer's", "packet_from_elsewhere_disturbs_nothing"),
    "silent_to_strangers": ("does not answer packets from other ports", "packet_from_elsewhere_is_error_5"),
    "acknowledges_any_option": ("acknowledges options that it does not know", "unknown_option_is_ignored"),
    "ignores_own_blksize": ("acknowledges blksize, and sends blocks of 512 bytes", "block_size_is_kept"),
    "wrong_size": ("tells 0 as the size of a file", "size_is_told"),
    "deaf_to_errors": ("ignores requests from a port that has sent an ERROR", "client_that_gives_up_is_left_alone"),
    "dies_of_rubbish": ("ends at a packet that is none", "rubbish_harms_no_client"),
    base.ONE_AT_A_TIME: ("does one transfer after the other", "two_transfers_do_not_mix"),
}
_TIMER_S, _MOST_TRIES = 1.0, 5


class _Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Server(base.UdpServer):
    def __init__(self, *arguments, **more):
        self._deaf_to = set()
        super().__init__(*arguments, **more)

    def handle(self, datagram, sender):
        kind = wire.kind_of(datagram)
        parts = datagram[2:].split(b"\0")
        if kind not in (wire.RRQ, wire.WRQ) or len(parts) < 3:
            if self.fault == "dies_of_rubbish":
                self.closed = True
            return
        if sender in self._deaf_to:
            return
        own = self.socket if self.fault == "same_port" else base.new_udp_socket()
        transfer = _Transfer(self, own, sender)
        # A deaf one reads the ERROR before it reads the next request: a race would let it serve that one.
        if self.one_at_a_time or self.fault in ("same_port", "deaf_to_errors"):
            transfer.run(kind, parts)
        else:
            threading.Thread(target=transfer.run, args=(kind, parts), daemon=True).start()

    def forget(self, client):
        """Serves this one no more."""
        self._deaf_to.add(client)


class _Transfer:
    """One file to or from one client."""

    def __init__(self, server, own, client):
        self._server, self._socket, self._client = server, own, client
        self._fault = server.fault
        self._block_bytes = wire.BLOCK_BYTES

    def run(self, kind, parts):
        try:
            name, mode, options = self._understood(parts)
            if mode != "octet":
                raise _Refused(4, "octet is the only mode here")
            if kind == wire.RRQ:
                self._send_file(library.read(self._server.root, name, self._fault != "dot_dot"), options)
            else:
                self._receive_file(name)
        except library.Refused as why:
            self._send(wire.error(0 if self._fault == "error_0" else {404: 1}.get(why.code, 2), str(why)))
        except _Refused as why:
            self._send(wire.error(why.code, str(why)))
        except OSError:
            pass  # The server is closed.
        finally:
            if self._socket is not self._server.socket:
                self._socket.close()

    def _understood(self, parts):
        """(name, mode, options)."""
        name, mode = (part.decode("utf-8", "replace") for part in parts[:2])
        words = [part.decode("latin-1") for part in parts[2:] if part]
        options = {key.lower(): value for key, value in zip(words[::2], words[1::2])}
        return name.removeprefix("/"), mode if self._fault == "mode_in_small_letters" else mode.lower(), options

    def _send(self, packet):
        self._socket.sendto(packet, self._client)

    def _receive(self):
        """The client's next packet; None if none comes before the timer."""
        self._socket.settimeout(_TIMER_S)
        while not self._server.closed:
            try:
                packet, sender = self._socket.recvfrom(65536)
            except socket.timeout:
                return None
            if sender == self._client or self._fault == "obeys_strangers":
                return packet
            if self._fault != "silent_to_strangers":
                self._socket.sendto(wire.error(5, "this port is of another transfer"), sender)
        raise OSError("the server is closed")

    def _until(self, packet, is_answer):
        """Sends the packet, again and again, until its answer has come. Returns the answer; None if the client has given up."""
        for _ in range(_MOST_TRIES):
            self._send(packet)
            while (got := self._receive()) is not None or self._fault == "never_repeats":
                if got is None:
                    continue
                if wire.kind_of(got) == wire.ERROR:
                    if self._fault == "deaf_to_errors":
                        self._server.forget(self._client)
                    return None
                if is_answer(got):
                    return got
                if self._fault == "sorcerer" and wire.kind_of(got) == wire.ACK:
                    self._send(packet)
                self._on_other(got)
        return None

    def _on_other(self, packet):
        """Neither the answer nor an ERROR: a block that comes twice is acknowledged twice."""
        if wire.kind_of(packet) == wire.DATA:
            number = wire.number_of(packet)
            self._send(wire.error(4, "again?") if self._fault == "refuses_repeats" else wire.ack(number))

    def _accepted(self, content, options):
        """The options that the server takes, with their values."""
        taken = {}
        if options.get("blksize", "").isdigit():
            taken["blksize"] = str(min(1024, max(8, int(options["blksize"]))))
            if self._fault != "ignores_own_blksize":
                self._block_bytes = int(taken["blksize"])
        if "tsize" in options:
            taken["tsize"] = "0" if self._fault == "wrong_size" else str(len(content))
        return options | taken if self._fault == "acknowledges_any_option" else taken

    def _send_file(self, content, options):
        taken = self._accepted(content, options)
        if taken:
            packet = b"\0\6" + "".join(f"{key}\0{value}\0" for key, value in taken.items()).encode()
            if self._until(packet, lambda got: got == wire.ack(0)) is None:
                return
        size = self._block_bytes
        numbers = 0x100 if self._fault == "byte_of_block_number" else 0x10000
        end = len(content) + (0 if self._fault == "no_empty_block" else 1)
        for number, at in enumerate(range(0, max(1, end), size), 1):
            expected = wire.ack(number % numbers)
            if self._until(wire.data(number % numbers, content[at:at + size]), lambda got, ack=expected: got == ack) is None:
                return

    def _receive_file(self, name):
        content, number, answer = b"", 1, wire.ack(0)
        library.path_of(self._server.root, name)
        while True:
            taken = (number, number - 1) if self._fault == "stores_repeats" and number > 1 else (number,)
            packet = self._until(answer, lambda got, taken=taken: wire.kind_of(got) == wire.DATA and wire.number_of(got) in taken)
            if packet is None:
                return
            content += packet[4:]
            number, answer = wire.number_of(packet) + 1, wire.ack(wire.number_of(packet))
            if len(packet) - 4 < wire.BLOCK_BYTES:
                break
        if self._fault != "early_last_ack":
            library.write(self._server.root, name, content)
        self._send(answer)
