"""Scene: the place of one case: the server's address, the files that it serves, clients, and bounds on every wait."""

import os
import random
import secrets
import shutil
import time
from dataclasses import dataclass

from . import peers
from .case import Failure

PREFIX = "conform-"
SMALL, EMPTY, LARGE, MIDDLE, SPACED, BLOCK, MARKS = (PREFIX + name for name in (
    "small.txt", "empty.txt", "large.bin", "middle.bin", "with space.txt", "1024.bin", "marks.txt"))
FOLDER, HIDDEN = PREFIX + "folder", "." + PREFIX + "hidden"
_LARGE_BYTES = 3 * 1024 * 1024 + 1  # More than the buffers of a socket hold by default.


def some_bytes(count, seed):
    """The same each time, and unlike any shifted part of themselves."""
    return random.Random(seed).randbytes(count)


class LibraryError(Exception):
    """The directory cannot take the files."""


class Library:
    """Files in the directory that the server serves, by which the cases know what it has to send. Use it as a context manager:
    what begins with `conform-` is removed at the end."""

    FILES = {
        SMALL: b"Hello from a small file.\n", EMPTY: b"", LARGE: some_bytes(_LARGE_BYTES, 1), MIDDLE: some_bytes(200_000, 13),
        SPACED: b"a name with a space\n", BLOCK: some_bytes(1024, 2), MARKS: b"one##two\n##three#\n", HIDDEN: b"hidden\n",
        f"{FOLDER}/inner.txt": b"inner\n"}

    def __init__(self, root):
        self.root = root

    def _own(self):
        return [name for name in os.listdir(self.root) if name.startswith((PREFIX, HIDDEN))]

    def __enter__(self):
        try:
            if self._own():  # They may be the user's, so they are not removed.
                raise LibraryError(f"{self.root} has {self._own()[0]}, perhaps of a run that was killed: remove it first")
            os.mkdir(os.path.join(self.root, FOLDER))
            for name, content in self.FILES.items():
                self.write(name, content)
        except OSError as error:
            raise LibraryError(f"the cases need files of their own in the library: {error}") from error
        return self

    def __exit__(self, *_):
        for name in self._own():
            path = os.path.join(self.root, name)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)

    def content(self, name):
        return self.FILES[name]

    def write(self, name, content):
        with open(os.path.join(self.root, name), "wb") as file:
            file.write(content)

    def read(self, name):
        """What is in the file now; None if there is none of this name."""
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class Patience:
    """How long to wait, in multiples of a round trip, so that a slow machine or network makes no case fail."""

    round_trip_s: float
    least_s: float = 1.0

    @property
    def wait_s(self):
        """For one reply, or for the next piece of it."""
        return max(self.least_s, 20 * self.round_trip_s)

    @property
    def pause_s(self):
        """Between two pieces, so that they arrive as two. Too short a pause makes a case weaker, and never wrong."""
        return min(0.05, max(0.002, 2 * self.round_trip_s))


class Scene:
    """Of one case. Use it as a context manager: at its end all clients are closed."""

    def __init__(self, address, library, patience, waits=10):
        self.address = address
        self.library = library
        self.patience = patience
        self.tag = secrets.token_hex(3)  # In each name of this scene, so that no other scene and no other run has it.
        self.is_reached = False  # A connection was accepted, or a datagram came.
        self.steps = []  # What the clients did, and what they received.
        self.bound_s = waits * patience.wait_s
        self._deadline = time.monotonic() + self.bound_s
        self._clients = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()

    def left_s(self):
        """How long a client may still wait: for one reply, and not beyond the bound of the case."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"the case is not done after its bound of {self.bound_s:.1f} s")
        return min(self.patience.wait_s, left)

    def own_name(self, name):
        return f"{name}-{self.tag}"

    def note(self, step):
        self.steps.append(step)

    def pause(self):
        time.sleep(self.patience.pause_s)

    def _add(self, make, name):
        client = make(self, name or f"client {len(self._clients) + 1}")
        self._clients.append(client)
        return client

    def connect(self, name=None):
        return self._add(peers.Peer, name)

    def datagram_peer(self, name=None):
        return self._add(peers.DatagramPeer, name)

    def is_same(self, what, got, expected):
        """Fails unless the bytes are the same; long ones are compared by SHA-256."""
        if got == expected:
            self.note(f"{what} is as it should be: {peers.shown(expected)}")
            return
        where = next((at for at, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
        raise Failure(f"{what} is {peers.shown(got)}, and should be {peers.shown(expected)}: "
                      f"they differ from byte {where} on")
