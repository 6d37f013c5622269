"""Compiles a student's file as the README of the exercise says, and the shim once for all."""

import collections
import functools
import hashlib
import os
import re
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIM = os.path.join(TOP, "tools", "grading", "shim")
SHIM_SOURCES = ("calls.cc", "grader_link.cc", "memory.cc")
COMPILER = ("g++", "-std=c++20", "-Wall", "-g", "-O1", "-pthread")
SECONDS = 120  # A file of a hundred lines takes one, or ten on a tenth of a processor.

# program: its path, or None. messages: what the compiler said.
Built = collections.namedtuple("Built", "program messages")


def _run(command):
    """(whether it went well, what was said)"""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False, f"the compiler was not done after {SECONDS} s"
    except FileNotFoundError:
        return False, f"{command[0]} is not installed: tools/setup installs it"
    return done.returncode == 0, done.stdout.strip()


def commands(source, program, exercise, shim):
    """The command lines that make the program."""
    if not exercise.with_shim:
        return [[*COMPILER, *exercise.flags, "-o", program, source]]
    return [[*COMPILER, *exercise.flags, "-c", "-o", program + ".o", source],
            [*COMPILER, *exercise.link_flags, "-o", program, program + ".o", shim]]


def program(source, folder, exercise, shim):
    """Compiles the file into the folder."""
    path = os.path.join(folder, exercise.name)
    said = []
    for command in commands(source, path, exercise, shim):
        well, text = _run(command)
        said.append(text)
        if not well:
            return Built(None, "\n".join(filter(None, said)))
    return Built(path, "\n".join(filter(None, said)))


def _cache():
    """A folder that stays, or one for this run if there is no home."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(folder, "polyserve-grade")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        pass
    return folder if os.access(folder, os.W_OK) else tempfile.mkdtemp(prefix="grade-")


def _bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def shim():
    """The path of the shim, which is compiled if its sources have changed. Raises RuntimeError if it cannot be."""
    sources = [os.path.join(SHIM, name) for name in SHIM_SOURCES]
    headers = [os.path.join(SHIM, "grader_link.h"), os.path.join(TOP, "tests", "next_call.h")]
    text = b"".join(map(_bytes_of, [*sources, *headers]))
    path = os.path.join(_cache(), f"shim-{hashlib.sha256(text).hexdigest()[:16]}.so")
    if not os.path.exists(path):
        # Not named before it is whole: another grader may look for it.
        unfinished = f"{path}.{os.getpid()}"
        well, said = _run([*COMPILER, "-Wno-ignored-attributes", "-fPIC", "-shared", "-I", TOP, "-o", unfinished, *sources, "-ldl"])
        if not well:
            raise RuntimeError(f"the grader's shim does not compile:\n{said}")
        os.replace(unfinished, path)
    return path


def variable(path, address):
    """The name of the global variable there, or None."""
    well, text = _run(["nm", "--demangle", "--print-size", "--defined-only", path])
    for start, size, name in re.findall(r"^([0-9a-f]{8,}) ([0-9a-f]{8,}) \w (.*)$", text, re.MULTILINE) if well else ():
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            return name.replace("(anonymous namespace)::", "")
    return None


def line_of(path, code):
    """"file.cc:12" of an instruction's address, or None. A return address is behind its call, hence the 1."""
    well, text = _run(["addr2line", "-e", path, hex(code - 1)])
    place = text.splitlines()[0].split(" ")[0] if well and text else "??"
    return None if place.startswith("??") else os.path.basename(place)
