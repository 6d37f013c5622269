"""Plan: the file that the driver shares with the library in the server's processes. shim/plan.h says what is in it."""

import errno
import mmap
import os
from dataclasses import dataclass

KINDS = ("", "file", "stream", "datagram", "pipe", "other")  # Of the descriptor that a call is about; "": it has none.
# As the library has them: see Call in shim/fault.h.
CALLS = ("accept", "bind", "close", "connect", "dup", "epoll_create", "epoll_ctl", "epoll_wait", "eventfd", "fdopendir",
         "flock", "fork", "fstat", "fstatat", "fstatvfs", "fsync", "ftruncate", "getpeername", "getsockname", "getsockopt",
         "io_uring_enter", "io_uring_register", "io_uring_setup", "linkat", "listen", "lock", "memfd_create", "mkdirat", "mmap",
         "open", "openat", "openat2", "pidfd_open", "pipe", "poll", "posix_fallocate", "posix_spawn", "pthread_create", "read", "readdir",
         "receive", "renameat", "select", "send", "sendfile", "setsockopt", "shutdown", "sigwait", "socket", "socketpair",
         "unlinkat", "wait", "write")
MAY_WAIT, MAY_NOT_WAIT, LARGE = 1, 2, 4

_MOST_CALLS, _NAME_BYTES, _ROLES = 96, 24, 64
_BORN_LATER, _BORN_NOW = 16, 32
_WORD = 4
(_PHASE, _SEQUENCE, _BORN, _ROLE, _CALL, _KIND, _OCCURRENCE, _ACTION, _FIRED, _TRAPS_RINGS, _BAD_CLOSES) = range(11)
_NAMES = 11 * _WORD
_MODES = _NAMES + _MOST_CALLS * _NAME_BYTES
_COUNTS = _MODES + _MOST_CALLS * len(KINDS) * _WORD
BYTES = _COUNTS + _ROLES * _MOST_CALLS * len(KINDS) * _WORD

SHORT = "SHORT"  # One byte is moved, although there are more.
_ACTIONS = {SHORT: 1000, "DIE": 1001, "LEAK": 1002, "PRETEND": 1003, "STALL": 1004}


def action(fault):
    """Its number in the plan. ValueError: there is no such fault."""
    number = _ACTIONS.get(fault, getattr(errno, fault, None))
    if not isinstance(number, int):
        raise ValueError(f"there is no fault '{fault}'")
    return number


def role_name(place):
    """A process, by when it began: in the server's start, later, or in the phase that is looked at; and as which in that time."""
    if place < _BORN_LATER:
        return f"start-{place}"
    return f"later-{place - _BORN_LATER}" if place < _BORN_NOW else f"now-{place - _BORN_NOW}"


def role_place(name):
    """The inverse. ValueError."""
    when, _, number = name.partition("-")
    begin = {"start": 0, "later": _BORN_LATER, "now": _BORN_NOW}.get(when)
    if begin is None or not number.isdigit():
        raise ValueError(f"there is no process '{name}': one is start-0, later-0 or now-0")
    return begin + int(number)


@dataclass(frozen=True)
class Seen:
    """A call that some process made: how often in the phase."""

    role: str
    call: str  # "write.file"; "fork" for one without a descriptor.
    count: int
    modes: int  # MAY_WAIT | MAY_NOT_WAIT | LARGE, as far as such calls were seen.


def check_call(text):
    """ValueError: it is no name of a call, as Seen has it."""
    name, _, kind = text.partition(".")
    if name not in CALLS or kind not in KINDS:
        raise ValueError(f"there is no call '{text}'")


def _call_name(name, kind):
    return f"{name}.{KINDS[kind]}" if KINDS[kind] else name


class Plan:
    """The mapped file. A context manager; the file is the caller's."""

    def __init__(self, path, traps_rings=False):
        with open(path, "w+b") as file:
            os.ftruncate(file.fileno(), BYTES)
            self._map = mmap.mmap(file.fileno(), BYTES)
        self._words = memoryview(self._map).cast("I")
        self._words[_TRAPS_RINGS] = int(traps_rings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._words.release()
        self._map.close()

    def begin(self):
        """A phase in which calls are counted, without a fault so far. The first one is the server's start."""
        words = self._words
        words[_PHASE] = words[_OCCURRENCE] = words[_FIRED] = words[_BORN] = 0
        words[_MODES // _WORD:BYTES // _WORD] = memoryview(bytes(BYTES - _MODES)).cast("I")
        words[_SEQUENCE] += 1
        words[_PHASE] = 1

    def arm(self, place, fault):
        """The call at this Place (see trial.py) is to fail in the phase that begins now."""
        self.begin()
        words = self._words
        words[_PHASE] = 0  # Until all of it is said.
        name, _, kind = place.call.partition(".")
        words[_ROLE], words[_KIND], words[_ACTION] = role_place(place.role), KINDS.index(kind), action(fault)
        words[_CALL] = CALLS.index(name)
        words[_OCCURRENCE] = place.occurrence
        words[_PHASE] = 1

    def rest(self):
        """No calls are counted, and none fails, until the next phase. Processes that begin meanwhile are of "later"."""
        words = self._words
        words[_PHASE] = 0
        words[_BORN] = 0
        words[_SEQUENCE] += 1

    @property
    def fired(self):
        """Whether the call that was to fail was made, and so failed."""
        return self._words[_FIRED] > 0

    @property
    def bad_closes(self):
        """How often close(2) was called for what was not open, since the start."""
        return self._words[_BAD_CLOSES]

    def names(self):
        """What the library calls its calls, in its order; none if it was not loaded yet."""
        raw = bytes(self._map[_NAMES:_MODES])
        found = [raw[at:at + _NAME_BYTES].split(b"\0")[0].decode() for at in range(0, len(raw), _NAME_BYTES)]
        return [name for name in found if name]

    def seen(self):
        """All calls of this phase: [Seen]."""
        kinds = len(KINDS)
        modes = self._words[_MODES // _WORD:_COUNTS // _WORD]
        counts = self._words[_COUNTS // _WORD:BYTES // _WORD]
        found = []
        for place, count in enumerate(counts):
            if count:
                role, key = divmod(place, _MOST_CALLS * kinds)
                call, kind = divmod(key, kinds)
                found.append(Seen(role_name(role), _call_name(CALLS[call], kind), count, modes[key]))
        modes.release()
        counts.release()
        return found
