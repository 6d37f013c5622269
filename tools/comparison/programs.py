"""The programs under test: built from this tree, and looked at, so that a wrong build cannot pass for a fast one."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Symbols that the sanitizers' run-time libraries bring along; in a binary that was built with one they cannot be absent.
_SANITIZER_SYMBOLS = (b"__asan_init", b"__tsan_init", b"__ubsan_handle", b"__msan_init")


class BuildError(Exception):
    """The programs cannot be had, or are not what a measurement needs. The text says what to do."""


@dataclass(frozen=True)
class Program:
    path: str
    sha256: str
    optimized: bool
    sanitizers: str
    compiler: str

    def faults(self):
        """Why its figures would say nothing; empty for a build that may be measured."""
        faults = []
        if not self.optimized:
            faults.append("is not an optimized build")
        if self.sanitizers != "none":
            faults.append(f"is built with sanitizers ({self.sanitizers})")
        return faults

    def as_json(self):
        return asdict(self)


@dataclass(frozen=True)
class Programs:
    server: Program
    load: Program
    folder: str = ""  # Where they are: one like bazel-bin.

    def faults(self):
        return [f"{os.path.basename(program.path)} {fault}"
                for program in (self.server, self.load) for fault in program.faults()]


def inspect(path):
    """A Program: as the compiler said it to the binary (--build_info), held against what is in its file."""
    try:
        told = subprocess.run([path, "--build_info"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"{path} does not say how it was built (--build_info): {error}") from error
    facts = dict(line.split(" ", 1) for line in told.splitlines() if " " in line)
    with open(path, "rb") as file:
        content = file.read()
    found = [symbol.decode() for symbol in _SANITIZER_SYMBOLS if symbol in content]
    sanitizers = facts.get("sanitizers", "unknown")
    if sanitizers == "none" and found:
        sanitizers = ", ".join(found)
    return Program(path, hashlib.sha256(content).hexdigest(), facts.get("optimized") == "yes", sanitizers,
                   facts.get("compiler", "unknown"))


def bazel(*arguments, folder=REPOSITORY):
    """What bazel prints, called in this folder."""
    try:
        return subprocess.run(["bazel", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise BuildError("bazel is not installed; run tools/setup") from error
    except subprocess.CalledProcessError as error:
        raise BuildError("the build failed:\n" + error.stderr[-3000:]) from error


def _install():
    """Installs what the build and the comparison need, if something is missing, and says so on standard error."""
    done = subprocess.run([os.path.join(REPOSITORY, "tools/setup"), "--compare"], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise BuildError("tools/setup --compare failed; see above")


def obtain(folder=None, more=()):
    """The server and the load generator: out of a folder like bazel-bin, or built now. `more` are targets to build beside them."""
    if folder is None:
        _install()
        bazel("build", "--config=opt", "//:server", "//client:load", *more)
        folder = bazel("info", "--config=opt", "bazel-bin").strip()
    paths = [os.path.join(folder, name) for name in ("server", "client/load/load")]
    for path in paths:
        if not os.access(path, os.X_OK):
            raise BuildError(f"there is no program {path}; leave out --bin to have it built")
    return Programs(*map(inspect, paths), folder)


def revision():
    """What of the source this is: {"revision": commit or None, "dirty": whether files differ from it}."""
    def git(*arguments):
        done = subprocess.run(["git", "-C", REPOSITORY, *arguments], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None
    try:
        commit = git("rev-parse", "HEAD")
    except FileNotFoundError:
        commit = None
    if not commit:
        return {"revision": None, "dirty": None}
    return {"revision": commit.strip(), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}


def models(server):
    """What --model=help says of each model: name -> {"silent": "blocks" | "one of N" | "harmless", "crash":
    "one" (a process for each client or worker) | "all", "long_work": "nobody" | "all" whom it stalls, "max_clients": 0 for no
    bound, "flags": those of its own, "place": in the server's list, which begins with the simplest}."""
    told = subprocess.run([server.path, "--model=help"], capture_output=True, text=True, timeout=30, check=True).stdout
    row = re.compile(r"^(\S+)\s.*?\s(blocks|one of N|harmless)\s+(nobody|all)\s+(one|all)\s+(-|\d+)\s*(.*)$")
    found = {}
    for line in told.splitlines():
        match = row.match(line)
        if match:
            name, silent, long_work, crash, most, flags = match.groups()
            found[name] = {"silent": silent, "crash": crash, "long_work": long_work, "max_clients": 0 if most == "-" else int(most),
                           "flags": flags.split(), "place": len(found)}
    if not found:
        raise BuildError("the server's --model=help is not understood")
    return found
