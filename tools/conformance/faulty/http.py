"""A tiny HTTP/1.1 server of static files (RFC 9110, RFC 9112), and its faults. http_files.py has what it sends."""

import re
from dataclasses import dataclass

from . import base
from .http_files import FILE_FAULTS, answer

SERVICE = "http"
FAULTS = FILE_FAULTS | {
    base.SHORT_WRITE: (base.COMMON[base.SHORT_WRITE], "large_file_is_whole"),
    "case_sensitive_fields": ("knows names of fields in one spelling alone", "names_of_fields_have_no_case"),
    "ignores_close": ("keeps the connection although the client said Connection: close", "close_is_honoured"),
    "http10_stays": ("keeps the connection of an HTTP/1.0 client", "http10_is_served_and_closed"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order half_a_head_keeps_no_other_waiting"),
    "mixes_replies": ("has one variable for the targets of all clients", "clients_get_their_own_replies"),
    "closes_always": ("closes after each reply", "connection_is_kept"),
    "forgets_pipelined": ("forgets what came in one packet with a request", "pipelined_requests_in_order"),
    "one_read": ("takes what one read returns for a whole request", "request_in_two_pieces byte_by_byte"),
    "aborts_on_half_close": ("closes when it reads the end of input, without a reply", "half_close_still_brings_the_reply"),
    "no_empty_line": ("takes an empty line for a request", "empty_line_before_a_request_is_skipped"),
    "no_host": ("does not miss Host", "host_is_required"),
    "blank_before_colon": ("drops a blank before the colon", "blank_before_the_colon_is_refused"),
    "first_length": ("takes the first of two lengths, and 0 if it is none", "lengths_that_differ_are_refused"),
    "length_beside_chunks": ("ignores Content-Length if there is Transfer-Encoding, and goes on",
                             "length_beside_chunks_ends_the_connection"),
    "content_as_request": ("does not read the content of a request", "content_is_not_a_request"),
    "chunks_as_request": ("does not read chunks", "chunks_are_decoded"),
    "any_coding": ("ignores transfer codings that it does not know", "unknown_coding_is_501"),
    "any_request_line": ("splits a request line at blanks, and takes the first words", "malformed_request_line_is_400"),
    "dies_of_long_target": ("ends when a target is longer than its buffer", "overlong_target_is_refused"),
    "dies_of_long_field": ("ends when a field is longer than its buffer", "overlong_field_is_refused"),
}
_MOST_LINE, _MOST_HEAD = 8192, 65536
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) (HTTP/1\.[01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


class BadRequest(Exception):
    """It is answered with this status, and the connection closed."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


@dataclass
class Request:
    method: str
    target: str
    is_11: bool
    fields: list  # (name, value)

    def all(self, name):
        return [value for found, value in self.fields if found == name]

    def get(self, name):
        return ", ".join(self.all(name)) or None

    def has_option(self, option):
        return option in [one.strip().lower() for one in (self.get("connection") or "").split(",")]


class Server(base.TcpServer):
    target = ""  # Of the last request, by the fault that mixes replies.

    def handle(self, client):
        reader = base.Reader(client)
        goes_on = True
        while goes_on:
            try:
                request = self._read_request(reader)
                if request is None or self._is_aborted(reader):
                    return
                goes_on = self._goes_on(request) and self._read_content(reader, request)
                reply = answer(self, request, goes_on)
            except BadRequest as bad:
                goes_on, reply = False, answer(self, None, False, bad.status)
            self.send(client, reply)

    def _is_aborted(self, reader):
        return self.fault == "aborts_on_half_close" and not reader.fill()

    def _goes_on(self, request):
        """Whether the connection stays after the reply."""
        if self.fault == "closes_always":
            return False
        if not request.is_11:
            return request.has_option("keep-alive") or self.fault == "http10_stays"
        return not request.has_option("close") or self.fault == "ignores_close"

    def _line(self, reader, what="field", status=431):
        """One line of a request; EOFError at the end."""
        try:
            line = reader.line(_MOST_LINE)
        except ValueError as error:
            if self.fault == f"dies_of_long_{what}":
                self.__exit__()
            raise BadRequest(status) from error
        if line is None:
            raise EOFError
        return line.removesuffix(b"\r")

    def _read_request(self, reader):
        """None at the end."""
        try:
            if self.fault == "one_read":
                reader.received = b""
                if reader.fill() and not reader.received.endswith(b"\r\n\r\n"):
                    raise BadRequest(400)
            line = self._line(reader, "target", 414)
            if not line and self.fault != "no_empty_line":
                line = self._line(reader, "target", 414)
            request = self._request_line(line)
            request.fields = self._fields(reader)
        except EOFError:
            return None
        if self.fault == "forgets_pipelined":
            reader.received = b""
        self._check_host(request)
        return request

    def _request_line(self, line):
        match = _REQUEST_LINE.fullmatch(line)
        if not match and self.fault == "any_request_line":
            return Request("GET", "/conform-small.txt", True, [])
        if not match:
            raise BadRequest(400)
        return Request(match[1].decode(), match[2].decode(), match[3] == b"HTTP/1.1", [])

    def _fields(self, reader):
        fields, size = [], 0
        while line := self._line(reader):
            size += len(line)
            if size > _MOST_HEAD:
                raise BadRequest(431)
            if self.fault == "blank_before_colon":
                line = line.replace(b" :", b":")
            match = _FIELD.fullmatch(line)
            if not match:
                raise BadRequest(400)
            name = match[1].decode()
            if self.fault == "case_sensitive_fields":
                fields.append((name.lower() if name == name.title() else "", match[2].decode("latin-1")))
            else:
                fields.append((name.lower(), match[2].decode("latin-1")))
        return fields

    def _check_host(self, request):
        hosts = request.all("host")
        if self.fault != "no_host" and (len(hosts) > 1 or (request.is_11 and not hosts)):
            raise BadRequest(400)

    def _length(self, request):
        lengths = request.all("content-length")
        if self.fault == "first_length":
            return int(lengths[0]) if lengths and lengths[0].isdigit() else 0
        if len(set(lengths)) > 1 or any(not (length.isascii() and length.isdigit()) for length in lengths):
            raise BadRequest(400)
        return int(lengths[0]) if lengths else 0

    def _read_content(self, reader, request):
        """Reads it, since what follows it is the next request; whether the connection can stay after that."""
        coding = request.get("transfer-encoding")
        if coding is None or self.fault == "any_coding" and coding != "chunked":
            length = self._length(request)
            if self.fault != "content_as_request":
                reader.take(length)
            return True
        if coding.lower() != "chunked":
            raise BadRequest(501)
        if self.fault != "chunks_as_request":
            self._read_chunks(reader)
        return not request.all("content-length") or self.fault == "length_beside_chunks"

    def _read_chunks(self, reader):
        try:
            while size := int(self._line(reader).split(b";")[0], 16):
                reader.take(size + 2)
            while self._line(reader):
                pass
        except (ValueError, EOFError) as error:
            raise BadRequest(400) from error
