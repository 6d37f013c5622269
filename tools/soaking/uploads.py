"""Uploads: what each file has to hold, by what the server has acknowledged.

Each name has one writer, which waits for an answer before it writes the name again. An upload whose answer never came may be
stored or not, and even later than the tool thinks, so its name is not written again: it may hold the old content or the new.
"""

import hashlib
import os
import re

# What an upload is called between its content and its name (files/upload.cc). A process that is killed within that moment, of
# two system calls, leaves it behind; nothing else may.
ASIDE = re.compile(r"\.polyserve-\d+-\d+\.part")
_MOST_RETIRED = 200  # Older ones are checked and removed, so that they do not fill the disk.


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Uploads:
    """Of one root. One thread."""

    def __init__(self, root):
        self._root = root
        self._stored = {}  # name -> digest, None for no file: as acknowledged.
        self._pending = {}  # name -> digest of the upload under way.
        self._either = {}  # name -> what a name that is not written any more may hold.
        self.faults = []
        self.checked = 0

    def expect(self, name, content):
        """A file that the tool itself has made."""
        self._stored[name] = digest(content)

    def begin(self, name, content):
        self._pending[name] = digest(content)

    def acknowledged(self, name):
        self._stored[name] = self._pending.pop(name)

    def refused(self, name):
        """It must have left nothing."""
        del self._pending[name]

    def unknown(self, name):
        """No answer came. The name must not be written again."""
        self._either[name] = {self._stored.pop(name, None), self._pending.pop(name)}
        if len(self._either) > _MOST_RETIRED:
            oldest = next(iter(self._either))
            self._check(oldest, self._either.pop(oldest))
            try:
                os.unlink(os.path.join(self._root, oldest))
            except FileNotFoundError:
                pass

    def is_right(self, name, content):
        """Whether a reader may have got this of a name without an upload under way."""
        return digest(content) == self._stored.get(name)

    def holds(self, name):
        """Whether the name leads to a file, by what was acknowledged."""
        return self._stored.get(name) is not None

    def _check(self, name, allowed):
        self.checked += 1
        try:
            with open(os.path.join(self._root, name), "rb") as file:
                found = digest(file.read())
        except FileNotFoundError:
            found = None
        if found not in allowed:
            self.faults.append(f"{name} was acknowledged, and " + ("is gone" if found is None else "holds something else"))

    def check(self, most_aside):
        """All of it, when nothing is under way. `most_aside`: how many processes were killed. Returns the faults, a line each."""
        for name, wanted in self._stored.items():
            self._check(name, {wanted})
        for name, allowed in self._either.items():
            self._check(name, allowed)
        known, aside = {*self._stored, *self._either}, 0
        for folder, _, names in os.walk(self._root):
            for name in (os.path.relpath(os.path.join(folder, one), self._root) for one in names):
                if ASIDE.fullmatch(os.path.basename(name)):
                    aside += 1
                elif name not in known:
                    self.faults.append(f"{name} was never acknowledged, and is there")
        if aside > most_aside:
            self.faults.append(f"{aside} uploads are left under names of their own, and {most_aside} processes were killed")
        return self.faults

    def aside(self):
        """How many uploads are left under names of their own."""
        return sum(bool(ASIDE.fullmatch(name)) for _, _, names in os.walk(self._root) for name in names)
