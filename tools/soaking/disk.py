"""The disk of a soak: small, so that it can be filled. Files in memory (tmpfs(5)) that only this program, and what it starts, sees:
in a mount namespace of its own, which leaves nothing behind, however the program ends. Where the system allows none, the bound is
the server's own (--library_quota), and full is what the server then counts.
"""

import ctypes
import os

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)

DISK_BYTES = 96 << 20  # Room for all names of all clients, twice.
_PIECE = 1 << 20


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def isolate():
    """Gives this program mounts of its own. Call it before there is any other thread. OSError: the system does not allow it."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        _call("unshare", _CLONE_NEWNS)
    else:  # Privileges of its own, over nothing else; the user stays who it is (user_namespaces(7)).
        _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    _call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)


class Disk:
    """Mounted over a directory that exists. Use it as a context manager.

    root   the directory of the library
    flags  that the server needs for it
    """

    flags = ()
    what = f"a disk of {DISK_BYTES >> 20} MiB in memory"

    def __init__(self, folder):
        self._folder = folder
        _call("mount", b"soak", folder.encode(), b"tmpfs", 0, f"size={DISK_BYTES},mode=0755".encode())
        self.root = os.path.join(folder, "library")
        os.mkdir(self.root)

    def fill(self):
        """To the last byte. The server must be told (SIGHUP) if this returns True."""
        with open(os.path.join(self._folder, "filler"), "wb", buffering=0) as filler:
            piece = bytes(_PIECE)
            while True:
                try:
                    filler.write(piece)
                except OSError:
                    if len(piece) == 1:
                        return False
                    piece = piece[:len(piece) // 2]

    def free(self):
        os.unlink(os.path.join(self._folder, "filler"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _call("umount2", self._folder.encode(), _MNT_DETACH)


class Quota:
    """The same, for a system that forbids mounts."""

    flags = (f"--library_quota={DISK_BYTES}",)
    what = f"no disk of its own, but --library_quota={DISK_BYTES}"

    def __init__(self, folder):
        self.root = os.path.join(folder, "library")
        os.mkdir(self.root)
        self._filler = os.path.join(self.root, ".filler")

    def fill(self):
        """All of it by size; it takes no room."""
        with open(self._filler, "wb") as filler:
            filler.truncate(DISK_BYTES)
        return True

    def free(self):
        os.unlink(self._filler)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def make(folder, is_isolated):
    """A Disk, or else a Quota, over this directory."""
    if is_isolated:
        try:
            return Disk(folder)
        except OSError:
            pass
    return Quota(folder)
