"""Requests and replies of HTTP/1.1, byte by byte: what a case sends may be wrong on purpose, and what it receives is read as
strictly as RFC 9112 has it."""

import re
from dataclasses import dataclass

from .case import Failure, NotOffered
from .peers import shown

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*\r\n")
_FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\r\n")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?\r\n")
_MOST_FIELDS = 200


@dataclass
class Reply:
    status: int
    version: bytes
    fields: list  # (name in lower case, value)
    content: bytes = b""
    is_last: bool = False  # The server closes after it.

    def get(self, name):
        """A field's value, those of several lines joined by commas; None if it is not there."""
        values = [value.decode("latin-1") for found, value in self.fields if found == name]
        return ", ".join(values) if values else None

    def says_close(self):
        return "close" in [option.strip().lower() for option in (self.get("connection") or "").split(",")]


def request(target, *fields, method="GET", version="HTTP/1.1", host="localhost", close=True):
    """The head of a request.

    fields  whole lines, without their ends
    host    None: no such field
    close   say `Connection: close`
    """
    lines = [f"{method} {target} {version}", *([f"Host: {host}"] if host is not None else []), *fields,
             *(["Connection: close"] if close else []), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def target_of(name):
    return "/" + name.replace(" ", "%20")


def _read_fields(client):
    fields = []
    while True:
        line = client.read_line()
        if line == b"\r\n":
            return fields
        match = _FIELD_LINE.fullmatch(line)
        if not match or len(fields) == _MOST_FIELDS:
            raise Failure(f"{shown(line)} is no field line of a reply (RFC 9112, section 5), and no empty line")
        fields.append((match[1].decode().lower(), match[2]))


def _read_chunked(client):
    content = b""
    while True:
        line = client.read_line()
        match = _CHUNK_LINE.fullmatch(line)
        if not match:
            raise Failure(f"{shown(line)} is not the first line of a chunk (RFC 9112, section 7.1)")
        size = int(match[1], 16)
        if size == 0:
            _read_fields(client)
            return content
        chunk = client.read(size + 2)
        if len(chunk) != size + 2 or not chunk.endswith(b"\r\n"):
            raise Failure(f"a chunk of {size} bytes is {shown(chunk)}")
        content += chunk[:-2]


def _read_content(client, reply):
    """As RFC 9112, section 6.3, finds the end of it."""
    coding, length = reply.get("transfer-encoding"), reply.get("content-length")
    if coding is not None:
        if length is not None:
            raise Failure("the reply has both Content-Length and Transfer-Encoding (RFC 9112, section 6.2)")
        if coding.lower() != "chunked":
            raise Failure(f"the reply has a Transfer-Encoding that was not asked for: {coding}")
        return _read_chunked(client)
    if length is None:
        reply.is_last = True
        return client.read_to_end()
    if not length.isdigit():
        raise Failure(f"Content-Length is '{length}' (RFC 9110, section 8.6)")
    content = client.read(int(length))
    if len(content) != int(length):
        raise Failure(f"Content-Length announces {length} bytes, and {len(content)} came, then {client.end or 'nothing'}")
    return content


def read_reply(client, method="GET"):
    """The next reply, after any interim ones (1xx)."""
    while True:
        line = client.read_line()
        if not line:
            raise Failure(f"no reply came, but {client.end or 'silence'}")
        if not _STATUS_LINE.fullmatch(line):
            raise Failure(f"{shown(line)} is no status line (RFC 9112, section 4)")
        reply = Reply(int(line[9:12]), line[:8], _read_fields(client))
        if reply.status >= 200:
            break
    if method != "HEAD" and reply.status not in (204, 304):
        reply.content = _read_content(client, reply)
    reply.is_last = reply.is_last or reply.says_close() or (reply.version == b"HTTP/1.0" and "keep-alive" not in (
        reply.get("connection") or "").lower())
    return reply


def ask(scene, target, *fields, method="GET", **more):
    """One request on a connection of its own; its reply."""
    client = scene.connect()
    client.send(request(target, *fields, method=method, **more))
    reply = read_reply(client, method)
    client.close()
    return reply


def send_raw(scene, data):
    """Bytes that may be no request, on a connection of their own; the status, or None if the server closes without a word."""
    client = scene.connect()
    client.send(data, may_fail=True)
    if not client.has_bytes(scene.left_s()):
        raise Failure("no reply comes, and the connection stays open")
    client.half_close()
    status = None
    if not client.is_at_end():
        status = read_reply(client).status
    client.close()
    return status


def has_status(reply, *expected):
    if reply.status not in expected:
        raise Failure(f"the status is {reply.status}, and should be {' or '.join(map(str, expected))}")
    return reply


def get_file(scene, name, *fields, **more):
    """A file that is there, compared with the one in the directory."""
    reply = has_status(ask(scene, target_of(name), *fields, **more), 200)
    scene.is_same(f"the content of {name}", reply.content, scene.library.content(name))
    return reply


def kept_connection(scene, name):
    """A connection on which a reply has come, and more may; NotOffered if the server closes after each."""
    client = scene.connect()
    client.send(request(target_of(name), close=False))
    if has_status(read_reply(client), 200).is_last:
        raise NotOffered("it closes the connection after each reply")
    return client
