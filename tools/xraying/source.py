"""Where in the code a call was made, by addr2line(1), the program's line numbers, and the functions around the call."""

import os
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    function: str
    file: str  # From the root of the repository.
    number: int
    text: str


@dataclass(frozen=True)
class Place:
    call: Line  # The innermost line of the project: the call itself.
    model: Line  # The line of the model, or of its driver, that has led there; the same one if it makes the call itself.


def _relative(path):
    """Of a path that the compiler has noted; None if the file is not one of the repository."""
    path = os.path.normpath(re.sub(r"^/proc/self/cwd/", "", path))
    return None if path.startswith("/") or path.startswith("external/") or path == "??" else path


def _is_whole(line):
    """Whether what follows this line is a statement of its own."""
    line = re.sub(r"//.*", "", line).rstrip()
    return not line or line[-1] in ";{}:"


def statement(lines, number):
    """The number of the line that begins the statement of this line. For one that only closes a block, as where destructors run,
    it is the line that opens the block. Numbers count from 1."""
    index = number - 1
    if not re.search(r"\w", lines[index]):
        indent = len(lines[index]) - len(lines[index].lstrip())
        while index > 0 and (not re.search(r"\w", lines[index]) or len(lines[index]) - len(lines[index].lstrip()) > indent):
            index -= 1
    while index > 0 and not _is_whole(lines[index - 1]):
        index -= 1
    return index + 1


def _line(function, root, file, number):
    name = re.sub(r"\(anonymous namespace\)::|polyserve::", "", function).split("(")[0]
    try:
        with open(os.path.join(root, file), encoding="utf-8") as source:
            lines = source.read().splitlines()
        number = statement(lines, number)
        text = lines[number - 1].strip()
        return Line(name, file, number, f"{text} {lines[number].strip()}" if text.endswith("=") else text)
    except (OSError, IndexError):
        return Line(name, file, number, "")


def parse(output, root):
    """{address: Lines} of what `addr2line --addresses --functions --inlines --demangle` prints: those of the project among the
    functions that the compiler has put into each other, the innermost first."""
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
        if address is not None and file and number:
            found.setdefault(address, []).append(_line(function, root, file, number))
    return found


# Drivers that some models share say as much about them as their own file; what all of them share says nothing.
_DRIVERS = r"blocking/|uring/"
_SHARED = re.compile("backends/(accept|connection|pool|udp)/")


def place(lines, model):
    """The Place that the lines of a call and of the functions around it tell, the innermost first; at least one."""
    lines = [line for line in lines if not line.text.startswith("Trace::")] or lines  # A probe is not what acts.
    own = re.compile(rf"backends/({_DRIVERS}|(poller/)?{re.escape(model)}[._])")
    of_model = [line for line in lines if own.match(line.file)]
    of_loop = [line for line in lines if line.file.startswith("backends/") and not _SHARED.match(line.file)]
    return Place(lines[0], (of_model or of_loop or lines)[0])


def places(program, stacks, root, model):
    """{callers: Place} of records' callers; empty if there is no addr2line. What is not known is left out."""
    # The call itself is before the address to which it returns.
    addresses = sorted({caller - 1 for callers in stacks for caller in callers})
    argv = ["addr2line", "--exe", program, "--addresses", "--functions", "--inlines", "--demangle"]
    asked = "".join(f"{address:#x}\n" for address in addresses)
    try:
        done = subprocess.run(argv, input=asked, capture_output=True, text=True, check=False)
    except OSError:
        return {}
    by_address = parse(done.stdout, root)
    found = {}
    for callers in set(stacks):
        lines = [line for caller in callers for line in by_address.get(caller - 1, ())]
        if lines:
            found[callers] = place(lines, model)
    return found
