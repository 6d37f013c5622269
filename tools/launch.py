"""The frame of every tool in Python: installs the Python packages that the tool needs and does not find, and turns Ctrl-C
into a line and status 130."""

import importlib
import importlib.util
import os
import subprocess
import sys

SETUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "setup")


def _missing(modules):
    return [name for name in modules if importlib.util.find_spec(name) is None]


def _install(tool):
    """Whether it was possible."""
    try:  # Its output must not get into what the tool prints.
        return subprocess.run([SETUP, "--compare"], stdout=sys.stderr, check=False).returncode == 0
    except OSError as error:
        print(f"{tool}: {error}", file=sys.stderr)
        return False
    finally:
        importlib.invalidate_caches()


def prepare(tool, needed, useful=()):
    """Returns when Python finds the modules; installs them first if need be. It ends the program if one that is needed cannot
    be had. Quick and silent if nothing is missing. Nothing is installed for --help: what the tool says of itself will do."""
    missing = _missing([*needed, *useful])
    if not missing:
        return
    if {"-h", "--help"} & set(sys.argv):
        print(sys.modules["__main__"].__doc__)
        sys.exit(0)
    print(f"{tool}: Python's {', '.join(missing)} missing here; running tools/setup --compare", file=sys.stderr)
    installed = _install(tool)
    missing = _missing(needed)
    if missing:
        why = "does not bring it" if installed else "failed, see above"
        sys.exit(f"{tool}: Python's {', '.join(missing)} is needed, and tools/setup --compare {why}; on a system other than "
                 "Debian 12, install it yourself")


def run(tool, main):
    """Ends the program with main()'s status."""
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{tool}: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)
