"""Where the pages come from: the programs and the tools of this tree."""

import functools
import os
import re
import subprocess
import sys

from distribution import help_text, manual

# Of the sources themselves, wherever a test has put a link to this file.
TOOLS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TOP = os.path.dirname(TOOLS)
# {program: its place in a folder like bazel-bin}
PROGRAMS = {"server": "server", "client": "client/client", "load": "client/load/load"}
# Not for people: Bazel and tests call them.
INTERNAL = ("bazel", "run_unittest.sh")


class SourceError(Exception):
    """A program or a tool does not say what it is."""


def _output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "COLUMNS": "100"})
    if done.returncode != 0:
        raise SourceError(f"{' '.join(command)} ended with status {done.returncode}")
    return done.stdout


def version():
    """That of the top of CHANGELOG.md, which is the programs' as well."""
    with open(os.path.join(TOP, "CHANGELOG.md"), encoding="utf-8") as file:
        return re.search(r"(?m)^## (\d+\.\d+\.\d+)", file.read())[1]


@functools.cache
def path_of(name):
    """The program, built if a source is newer. A test has the programs in the folder POLYSERVE_PROGRAMS."""
    folder = os.environ.get("POLYSERVE_PROGRAMS")
    return os.path.join(folder, PROGRAMS[name]) if folder else _output([os.path.join(TOOLS, "built"), name]).strip()


@functools.cache
def program(name):
    """The help of server, client or load."""
    return help_text.parse(_output([path_of(name), "--help"]))


@functools.cache
def _tools():
    """{name: source} of the tools that people call."""
    tools = {}
    for name in sorted(os.listdir(TOOLS)):
        path = os.path.join(TOOLS, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and name not in INTERNAL:
            with open(path, encoding="utf-8") as file:
                source = file.read()
            if source.startswith("#!"):
                tools[name] = source
    return tools


@functools.cache
def tool(name):
    """What a tool says of itself. Those that launch.py starts, or that use argparse, list their options for --help; the others would
    take it for something else."""
    source = _tools()[name]
    lists_options = re.search(r"(?m)^import (argparse|launch)\b", source)
    options = _output([os.path.join(TOOLS, name), "--help"]) if lists_options else ""
    return help_text.parse_tool(name, source, options)


def names():
    return [*PROGRAMS, *_tools()]


def page(name):
    info = program(name) if name in PROGRAMS else tool(name)
    return manual.render(info, f"polyserve-{name}", version())


def file_name(name):
    return f"polyserve-{name}.{manual.SEE_ALSO.get(f'polyserve-{name}', 1)}"
