"""The files of a directory, as the tiny servers of files see them: names are checked, and an upload is in place at once."""

import os
import stat


class Refused(Exception):
    """Why a name is not served: (code, text)."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def path_of(root, name, checked=True):
    """The path of a name; Refused if it is none, or leads out. `checked`: False is a fault."""
    if checked:
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts) or not name.isprintable():
            raise Refused(400, "that is no name of a file")
        if any(part.startswith(".") for part in parts):
            raise Refused(403, "hidden files are not served")
    return os.path.join(root, name)


def read(root, name, checked=True):
    path = path_of(root, name, checked)
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refused(404, "there is no such file") from error


def write(root, name, content):
    """Under another name first, so that a reader sees the old file or the new one."""
    path = path_of(root, name)
    aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{id(content)}")
    with open(aside, "wb") as file:
        file.write(content)
    os.replace(aside, path)


def listing(root, hidden=False):
    """(name, os.stat_result) of the regular files, sorted. `hidden`: True is a fault."""
    found = []
    for name in sorted(os.listdir(root), key=os.fsencode):
        status = os.lstat(os.path.join(root, name))
        if stat.S_ISREG(status.st_mode) and (hidden or not name.startswith(".")):
            found.append((name, status))
    return found
