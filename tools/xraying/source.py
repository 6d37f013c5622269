"""Where in the code a call was made, by addr2line(1) and the program's line numbers."""

import os
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    function: str
    file: str  # From the root of the repository; "" if it is not known.
    line: int
    text: str  # The line.


UNKNOWN = Place("", "", 0, "")


def _relative(path):
    """Of a path that the compiler has noted; None if the file is not one of the repository."""
    path = re.sub(r"^(/proc/self/cwd/|\./)", "", path)
    return None if path.startswith("/") or path.startswith("external/") or path == "??" else path


def _line(root, file, number):
    try:
        with open(os.path.join(root, file), encoding="utf-8") as source:
            return source.read().splitlines()[number - 1].strip()
    except (OSError, IndexError):
        return ""


def parse(output, root):
    """{address: Place} of what `addr2line --addresses --functions --inlines --demangle` prints: of the functions that the compiler
    has put into each other the innermost one that is the project's."""
    found = {}
    address = None
    lines = iter(output.splitlines())
    for line in lines:
        if line.startswith("0x"):
            address = int(line, 16)
            continue
        function, (path, _, number) = line, next(lines, "??:0").rpartition(":")
        number = int(re.match(r"\d+|", number)[0] or 0)
        file = _relative(path)
        if address is not None and address not in found and file and number:
            found[address] = Place(function.split("(")[0].replace("polyserve::", "").replace("(anonymous namespace)::", ""), file, number,
                                   _line(root, file, number))
    return found


def places(program, callers, root):
    """{caller: Place} of return addresses; empty if there is no addr2line. One that is not known is left out."""
    callers = sorted(set(callers) - {0})
    # The call itself is before the address to which it returns.
    argv = ["addr2line", "--exe", program, "--addresses", "--functions", "--inlines", "--demangle"]
    try:
        done = subprocess.run([*argv, *(hex(caller - 1) for caller in callers)], capture_output=True, text=True, check=False)
    except OSError:
        return {}
    by_address = parse(done.stdout, root)
    return {caller: by_address[caller - 1] for caller in callers if caller - 1 in by_address}
