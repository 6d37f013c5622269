"""The records of a trace that a server has written (--trace=FILE), as objects. trace/trace.h says what they mean."""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<8sIIQQ")
_RECORD = struct.Struct("<QQiiiiHHI8I")
_MAGIC = b"PSTRACE2"

# By number, as trace/trace.h has them.
KINDS = ("none", "accept", "read", "write", "wait", "fork", "thread", "pass", "take", "wake", "woken", "close", "reap", "enter",
         "submit", "complete", "spawn", "inherit")


class TraceError(Exception):
    """The file is no trace. The text says why."""


@dataclass(frozen=True)
class Record:
    begin_ns: int  # CLOCK_MONOTONIC
    end_ns: int
    pid: int
    tid: int
    fd: int
    result: int
    callers: tuple  # Return addresses in the program, for addr2line: of the call, then of the functions around it.
    kind: str  # One of KINDS.
    port: int  # Of the peer, if it is an accept or an inherit.
    skipped: int  # Calls of the thread before it that found nothing.


def read(path):
    """(records in the order of their begin, how many did not fit into the file). TraceError, OSError."""
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < _HEADER.size:
        raise TraceError(f"{path} is too short to be a trace")
    magic, record_bytes, _, most, following = _HEADER.unpack_from(content)
    if magic != _MAGIC or record_bytes != _RECORD.size:
        raise TraceError(f"{path} is no trace of this version of the server")
    found = []
    for number in range(min(following, most)):
        place = _HEADER.size + number * _RECORD.size
        begin, end, pid, tid, fd, result, kind, port, skipped, *callers = _RECORD.unpack_from(content, place)
        if begin:  # Else the thread was killed while it wrote the record.
            name = KINDS[kind] if kind < len(KINDS) else f"kind {kind}"
            found.append(Record(begin, end, pid, tid, fd, result, tuple(filter(None, callers)), name, port, skipped))
    return sorted(found, key=lambda record: record.begin_ns), max(0, following - most)
