"""A tiny server of the framed service of files, and its faults."""

import hashlib
import os

from . import base, library

SERVICE = "file"
FAULTS = {
    "no_spaces": ("ends a name at the first blank", "get_sends_the_file"),
    base.SHORT_WRITE: (base.COMMON[base.SHORT_WRITE], "large_file_is_whole"),
    "lists_hidden": ("lists hidden files", "list_names_visible_files"),
    "range_off_by_one": ("sends a byte less than was asked for", "range_sends_a_part"),
    "wrong_hash": ("keeps 64 bits of the hash", "stat_and_hash_agree_with_the_file"),
    "appends": ("appends an upload to the old file", "put_stores_the_file"),
    "content_as_commands": ("takes the content of a refused upload for commands", "refused_put_stays_in_step"),
    "dot_dot": ("joins names to the root unchecked", "names_do_not_lead_out"),
    "closes_on_errors": ("closes after a wrong command", "wrong_commands_are_refused"),
    "goes_on_after_malformed_put": ("goes on after an upload without a size", "malformed_put_ends_the_connection"),
    "forgets_pipelined": ("forgets what came in one packet with a request", "pipelined_requests_in_order"),
    "one_read": ("takes what one read returns for whole requests", "request_in_two_pieces byte_by_byte"),
    "deaf_at_the_end": ("closes when it sees the end of input, whatever it owes", "half_close_still_brings_the_files"),
    "stores_half": ("stores what has come of an upload that breaks off", "upload_that_breaks_off_leaves_the_old_file"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    "any_line": ("waits for the end of a line, however long", "overlong_line_is_refused"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order half_a_request_keeps_no_other_waiting"),
}
_MOST_LINE, _MOST_HASHED = 16 * 1024, 1 << 20
_MOST_NUMBER = (1 << 63) - 1


def _numbers(words):
    numbers = [int(word) if word.isascii() and word.isdigit() else -1 for word in words]
    if not all(0 <= number <= _MOST_NUMBER for number in numbers):
        raise library.Refused(400, "that is no number")
    return numbers


class Server(base.TcpServer):
    def handle(self, client):
        reader = base.Reader(client)
        if self.fault == "one_read":
            reader.fill = lambda: self._one_read(client, reader)
        while True:
            try:
                line = reader.line(1 << 30 if self.fault == "any_line" else _MOST_LINE)
            except ValueError as error:
                client.sendall(f"ERR 400 {error}\n".encode())
                return
            if line is None or line == b"Q":
                return
            if self.fault == "forgets_pipelined" and line[:1] != b"P":
                reader.received = b""
            if not self._answer(client, reader, line.decode("utf-8", "surrogateescape")):
                return

    @staticmethod
    def _one_read(client, reader):
        """Half a line is dropped."""
        reader.received = client.recv(65536)
        return bool(reader.received)

    def _answer(self, client, reader, line):
        """Whether the conversation goes on."""
        command, _, rest = line.partition(" ")
        try:
            if command in ("P", "p"):
                return self._put(client, reader, rest)
            head, body = self._reply(command, rest, " " in line)
        except library.Refused as why:
            client.sendall(f"ERR {why.code} {why}\n".encode())
            return self.fault != "closes_on_errors"
        self.send(client, head.encode() + b"\n" + body)
        return not (self.fault == "deaf_at_the_end" and body and not reader.fill())

    def _read(self, name):
        if self.fault == "no_spaces":
            name = name.partition(" ")[0]
        return library.read(self.root, name, self.fault != "dot_dot")

    def _reply(self, command, rest, has_rest):
        """(line, bytes behind it)."""
        if command == "L" and not has_rest:
            rows = library.listing(self.root, self.fault == "lists_hidden")
            body = "".join(f"{name}\t{status.st_size}\t{int(status.st_mtime)}\n" for name, status in rows).encode()
            return f"OK {len(body)}", body
        if command == "G" and has_rest:
            content = self._read(rest)
            return f"OK {len(content)}", content
        if command == "S" and has_rest:
            size = len(self._read(rest))
            return f"OK {size} {int(os.stat(os.path.join(self.root, rest)).st_mtime)}", b""
        if command in ("R", "H") and rest.count(" ") >= 2:
            name, *words = rest.rsplit(" ", 2)
            offset, length = _numbers(words)
            part = self._read(name)[offset:offset + length - (self.fault == "range_off_by_one")]
            return self._part(command, part)
        raise library.Refused(400, "that is no command")

    def _part(self, command, part):
        if command == "R":
            return f"OK {len(part)}", part
        part = part[:_MOST_HASHED]
        number = int.from_bytes(hashlib.sha256(part).digest()[:8], "big")
        return f"OK {len(part)} {number if self.fault == 'wrong_hash' else number >> 1}", b""

    def _put(self, client, reader, rest):
        """Whether the conversation goes on: not after a size that is none, since the content would be taken for commands."""
        name, blank, size = rest.rpartition(" ")
        if not (blank and size.isascii() and size.isdigit()):
            client.sendall(b"ERR 400 expected: P <name> <size>\n")
            return self.fault == "goes_on_after_malformed_put"
        try:
            library.path_of(self.root, name)
        except library.Refused as why:
            if self.fault != "content_as_commands":
                reader.take(int(size))
            client.sendall(f"ERR {why.code} {why}\n".encode())
            return True
        content = reader.take(int(size))
        if len(content) < int(size) and self.fault != "stores_half":
            return False
        if self.fault == "appends":
            content = (library.read(self.root, name) if os.path.exists(os.path.join(self.root, name)) else b"") + content
        library.write(self.root, name, content)
        client.sendall(b"OK 0\n")
        return True
