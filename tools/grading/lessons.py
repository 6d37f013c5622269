"""Runs the commands of a lesson, and compares what they print with what the lesson shows.

A lesson's commands are the lines with "$ " in its blocks of the kind "console"; what follows each of them is what it prints, or a
part of it. Numbers and the width of blanks may differ, and "..." stands for lines that are left out. `tools/demo` is the first
terminal; each further one ends the one before. All other commands are typed into one shell, the second terminal.

A command has a minute. A block of the kind "console limit=300" allows each of its commands 300 seconds; such commands are long, and
run only if asked for.
"""

import collections
import os
import re
import select
import subprocess
import tempfile
import time

_SECONDS = 60
_MARK = "--end-of-command--"
_BLOCK = re.compile(r"^```console(?: limit=(?P<limit>\d+))?\n(?P<lines>.*?)^```", re.MULTILINE | re.DOTALL)

# shown: lines. seconds: in which it has to be done. is_long: its block allows it more than a minute.
Command = collections.namedtuple("Command", "text shown seconds is_long", defaults=(_SECONDS, False))


def commands(page):
    """Those of a page, in order."""
    found = []
    for block in _BLOCK.finditer(page):
        limit = (int(block["limit"]), True) if block["limit"] else ()
        for line in block["lines"].splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], [], *limit))
            elif found:
                found[-1].shown.append(line)
    return found


def normal(line):
    """A line without what differs from run to run."""
    return re.sub(r"\s+", " ", re.sub(r"0x[0-9a-f]+|\d[\d,.]*", "0", line)).strip()


def missing(shown, printed):
    """The lines that the lesson shows, and that the command has not printed."""
    known = {normal(line) for line in printed}
    return [line for line in shown if line.strip() != "..." and normal(line) not in known]


class Shell:
    """The second terminal."""

    def __init__(self, folder, environment):
        self._bash = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      cwd=folder, env=environment)
        self._rest = b""

    def run(self, command, seconds=_SECONDS):
        """(status, lines); a status of None if it is not done in time."""
        self._bash.stdin.write(f"{command}\necho {_MARK} $?\n".encode())
        self._bash.stdin.flush()
        end = time.monotonic() + seconds
        while True:
            match = re.search(rb"^" + _MARK.encode() + rb" (\d+)\n", self._rest, re.MULTILINE)
            if match:
                lines = self._rest[:match.start()].decode(errors="replace").splitlines()
                self._rest = self._rest[match.end():]
                return int(match.group(1)), lines
            if not select.select([self._bash.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return None, self._rest.decode(errors="replace").splitlines()
            self._rest += os.read(self._bash.stdout.fileno(), 65536)

    def close(self):
        self._bash.kill()
        self._bash.wait()
        self._bash.stdin.close()
        self._bash.stdout.close()


class Demo:
    """The first terminal."""

    def __init__(self, command, folder, environment):
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(["bash", "-c", f"exec {command}"], stdin=subprocess.DEVNULL, stdout=self._output,
                                         stderr=subprocess.STDOUT, cwd=folder, env=environment)
        end = time.monotonic() + _SECONDS
        while b"Ctrl-C here ends it" not in self._said() and self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)

    def _said(self):
        return os.pread(self._output.fileno(), 1 << 20, 0)

    def lines(self):
        return self._said().decode(errors="replace").splitlines()

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._output.close()


def run(page, folder, environment, with_long=True):
    """Yields (command, status, lines) for each, long ones only `with_long`; ends after one that is not done in time."""
    shell = Shell(folder, environment)
    demo = None
    try:
        for command in commands(page):
            if command.is_long and not with_long:
                continue
            if command.text.startswith("tools/demo"):
                if demo is not None:
                    demo.close()
                demo = Demo(command.text, folder, environment)
                yield command, 0, demo.lines()
            else:
                status, lines = shell.run(command.text, command.seconds)
                yield command, status, lines
                if status is None:
                    return  # The shell still waits for it.
    finally:
        shell.close()
        if demo is not None:
            demo.close()
