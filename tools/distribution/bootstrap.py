"""A Debian of its own in a folder or a tar archive, made by mmdebstrap(1) from the mirror that this machine uses. Needs root."""

import os
import shutil
import subprocess
import sys

# Of the machine that it runs on, for its mirror.
SOURCES = "/etc/apt/sources.list.d/debian.sources"
SUITE = "bookworm"


class BootstrapError(Exception):
    """What is missing for it; the text says what to do."""


def options_of_apt():
    """How this machine reaches its mirror: a proxy, a mirror of an older day."""
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
    return [f"--aptopt={line}" for line in dump.splitlines()
            if line.startswith(("Acquire::Check-", "Acquire::http", "Acquire::https", "Acquire::Retries")) and '""' not in line]


def need(*programs):
    """Checks that there is what the caller is going to use."""
    if os.geteuid() != 0:
        raise BootstrapError("that needs root, for a Debian of its own")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise BootstrapError(f"not installed: {' '.join(missing)}; tools/setup --test brings it")


def make(target, packages, *options, variant="apt", environment=None):
    """Fills `target`, a folder or the name of a tar archive, with the variant (mmdebstrap(1)) and the packages. Takes a minute; what
    mmdebstrap says goes to standard error."""
    subprocess.run(["mmdebstrap", f"--variant={variant}", "--mode=root", "--quiet", *options_of_apt(), *options,
                    f"--include={','.join(packages)}", SUITE, target, SOURCES],
                   stdout=sys.stderr, check=True, env={**os.environ, **(environment or {})})
