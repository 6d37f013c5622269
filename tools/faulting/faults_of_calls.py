"""Which faults a call may meet, by its manual page; those that a system which is merely short of something, busy or broken
brings about. What only a wrong program meets (EBADF, EFAULT, ...) is not among them."""

from . import plan

_MOVES_ON_SOCKET = ("EINTR", "EAGAIN", "ENOMEM", "ECONNRESET", plan.SHORT)
_NEW_DESCRIPTOR = ("EMFILE", "ENFILE", "ENOMEM")

# By "call.kind", else by "call".
_FAULTS = {
    "accept": ("EINTR", "EAGAIN", "ECONNABORTED", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPROTO"),
    "bind": ("EADDRINUSE", "ENOMEM"),
    "close": ("EINTR", "EIO"),
    "connect": ("EINTR", "EAGAIN", "ECONNREFUSED", "ETIMEDOUT"),
    "connect.datagram": ("ENOMEM", "ENOBUFS"),
    "dup": ("EMFILE",),
    "epoll_create": _NEW_DESCRIPTOR,
    "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "epoll_wait": ("EINTR",),
    "eventfd": _NEW_DESCRIPTOR,
    "fdopendir": ("ENOMEM",),
    "flock": ("EINTR", "EAGAIN", "ENOLCK"),
    "fork": ("EAGAIN", "ENOMEM"),
    "fstat": ("ENOMEM", "EIO"),
    "fstatat": ("ENOMEM", "EIO"),
    "fstatvfs": ("EINTR", "EIO", "ENOMEM"),
    "fsync": ("EINTR", "EIO", "ENOSPC"),
    "ftruncate": ("EIO", "ENOSPC"),
    "getpeername": ("ENOBUFS", "ENOTCONN"),
    "getsockname": ("ENOBUFS",),
    "getsockopt": ("ENOMEM",),
    "io_uring_enter": ("EINTR", "EAGAIN", "EBUSY"),
    "io_uring_register": ("ENOMEM", "EINVAL"),
    "io_uring_setup": _NEW_DESCRIPTOR,
    "linkat": ("EIO", "ENOSPC", "EDQUOT", "ENOMEM"),
    "listen": ("EADDRINUSE",),
    "lock": ("EINTR", "EAGAIN", "ENOLCK"),
    "memfd_create": _NEW_DESCRIPTOR,
    "mkdirat": ("EIO", "ENOSPC", "EDQUOT"),
    "mmap": ("ENOMEM", "EAGAIN"),
    "open": ("EIO", *_NEW_DESCRIPTOR),  # Of a system's own files, such as those of /proc, which are never waited for.
    "openat": ("EINTR", "EIO", "ENOSPC", *_NEW_DESCRIPTOR),
    "openat2": ("EAGAIN", "EIO", *_NEW_DESCRIPTOR),
    "pidfd_open": _NEW_DESCRIPTOR,
    "pipe": ("EMFILE", "ENFILE"),
    "poll": ("EINTR", "ENOMEM"),
    "posix_fallocate": ("EINTR", "EIO", "ENOSPC"),
    "posix_spawn": ("EAGAIN", "ENOMEM"),
    "pthread_create": ("EAGAIN",),
    "read": ("EINTR", "EAGAIN", "ENOMEM", plan.SHORT),
    "read.file": ("EINTR", "EAGAIN", "EIO", plan.SHORT),
    "read.stream": _MOVES_ON_SOCKET,
    "readdir": ("EIO",),
    "receive": _MOVES_ON_SOCKET,
    "receive.datagram": ("EINTR", "EAGAIN", "ENOMEM", "ECONNREFUSED"),
    "renameat": ("EIO", "ENOSPC", "EDQUOT"),
    "select": ("EINTR", "ENOMEM"),
    "send": (*_MOVES_ON_SOCKET, "EPIPE", "ENOBUFS"),
    "send.datagram": ("EINTR", "EAGAIN", "ENOMEM", "ENOBUFS", "ECONNREFUSED"),
    "sendfile": ("EINTR", "EAGAIN", "EIO", "ENOMEM", "ECONNRESET", "EPIPE", plan.SHORT),
    "setsockopt": ("ENOMEM", "ENOBUFS"),
    "shutdown": ("ENOTCONN",),
    "sigwait": ("EINTR",),
    "socket": ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    "socketpair": ("EMFILE", "ENFILE", "ENOMEM"),
    "unlinkat": ("EIO", "ENOMEM"),
    "wait": ("EINTR",),
    "write": ("EINTR", "EAGAIN"),
    "write.other": (),  # An eventfd: it has room.
    "write.pipe": (),  # Messages are short, and there is room.
    "write.file": ("EINTR", "EIO", "ENOSPC", "EDQUOT", plan.SHORT),
    "write.stream": (*_MOVES_ON_SOCKET, "EPIPE", "ENOBUFS"),
}

# What is no failure: the call is to be made again, or the rest of it. A client must not notice.
_TRANSPARENT = {"EINTR", "EAGAIN", plan.SHORT}
# By EAGAIN these say that there is no room for another one, or that too much is locked.
_EAGAIN_FAILS = {"fork", "posix_spawn", "pthread_create", "mmap", "connect", "lock", "flock"}
# There is no room in the queue of another process, which may be for long.
_EAGAIN_REFUSES = {"send.datagram"}
# The call is to be made again, although it could not have waited.
_EAGAIN_REPEATS = {"openat2", "io_uring_enter"}

# Models that are told once that there is something to receive, or room to send. The kernel never says EAGAIN, or moves less than it
# could, before that is used up.
_WITH_EDGES = {"sigio"}


def faults(seen, model):
    """Those that apply to such a call (plan.Seen) of this model."""
    base = seen.call.partition(".")[0]
    for fault in _FAULTS.get(seen.call, _FAULTS.get(base, ())):
        if fault == "EINTR" and not seen.modes & plan.MAY_WAIT:  # A signal ends only a call that waits (signal(7)).
            continue
        if fault == "EAGAIN" and not seen.modes & plan.MAY_NOT_WAIT and base not in _EAGAIN_FAILS | _EAGAIN_REPEATS:
            continue
        # Told of each change once, it would rightly wait for the next.
        if model in _WITH_EDGES and fault in ("EAGAIN", plan.SHORT) and seen.call.endswith(".stream"):
            continue
        if fault == plan.SHORT and not (seen.modes & plan.LARGE and seen.call.endswith((".file", ".stream"))):
            continue
        yield fault


def is_transparent(call, fault):
    """Whether a client must get all that it asked for in spite of it."""
    if fault == "EAGAIN" and (call in _EAGAIN_REFUSES or call.partition(".")[0] in _EAGAIN_FAILS):
        return False
    return fault in _TRANSPARENT
