"""Tries the Debian package in a clean Debian of its own: installs, upgrades, removes and purges it, and looks at what is there after
each step. Needs root, and a mirror of Debian."""

import glob
import os
import shutil
import subprocess
import tempfile

from distribution import bootstrap, debian
from distribution.steps import expect, take

# What a package manager and the scripts of other packages change without us.
UNSTABLE = ("var/cache", "var/lib/apt", "var/lib/dpkg", "var/log", "tmp", "run", "proc", "sys", "dev", "etc/ld.so.cache")
# The user stays, as Debian's policy has it.
ACCOUNTS = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid")
START = """set -e
install -d -o polyserve -g polyserve /var/lib/polyserve/files
echo hello >/var/lib/polyserve/files/hello.txt
exec setpriv --reuid=polyserve --regid=polyserve --clear-groups \\
  polyserve-server --flagfile=/etc/polyserve/server.conf --listen=file://127.0.0.1:0
"""


class Machine:
    """A directory with a Debian in it."""

    def __init__(self, folder):
        self.folder = folder

    def create(self):
        """The least that has apt, and what the package asks for that needs no decision."""
        bootstrap.make(self.folder, ["systemd-standalone-sysusers", "init-system-helpers"])

    def run(self, *command, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        return subprocess.run(["chroot", self.folder, *command], text=True, capture_output=True, check=False, env=environment,
                              **options)

    def must(self, *command, **options):
        done = self.run(*command, **options)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def path(self, name):
        return os.path.join(self.folder, name.lstrip("/"))

    def has(self, name):
        return os.path.lexists(self.path(name))

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def append(self, name, text):
        with open(self.path(name), "a", encoding="utf-8") as file:
            file.write(text)

    def files(self):
        """Where anything is that a package could have left."""
        found = set()
        for folder, folders, names in os.walk(self.folder):
            below = os.path.relpath(folder, self.folder)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(below, name)) not in UNSTABLE]
            found |= {os.path.normpath(os.path.join(below, name)) for name in [*folders, *names]}
        return {name for name in found if name not in UNSTABLE and name.rstrip("-") not in ACCOUNTS}


def installs(machine, old):
    """The package and what it depends on; the service is enabled, and its user is there."""
    shutil.copy(old, machine.path("/tmp/old.deb"))
    machine.must("apt-get", "update")
    machine.must("apt-get", "install", "--yes", "--no-install-recommends", "/tmp/old.deb")
    expect("polyserve" in machine.must("getent", "passwd", "polyserve"), "there is no user polyserve")
    expect(machine.has("/etc/systemd/system/multi-user.target.wants/polyserve.service"), "the service is not enabled")
    for program in ("server", "client", "load"):
        expect("polyserve 0." in machine.must(f"polyserve-{program}", "--version"), f"polyserve-{program} does not run")
        pages = glob.glob(machine.path(f"/usr/share/man/man?/polyserve-{program}.?.gz"))
        expect(len(pages) == 1, f"polyserve-{program} has no manual page")


def serves(machine):
    """The user of the service, with its configuration; the client gets a file."""
    with subprocess.Popen(["chroot", machine.folder, "sh", "-c", START], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as server:
        try:
            first = server.stdout.readline().split()
            expect(first[:1] == ["listening"], f"it does not say that it listens, but {first}")
            expect(server.stdout.readline().startswith("ready model=epoll "), "it is not ready")
            text = machine.must("polyserve-client", f"--server=file://{first[3]}", "get", "hello.txt", "-o", "-")
            expect(text == "hello\n", f"the client got {text!r}")
            put = machine.run("polyserve-client", f"--server=file://{first[3]}", "put", "/etc/hostname")
            expect(put.returncode == 1, "the configuration says --read_only, and a file was stored")
        finally:
            server.terminate()
        expect(server.wait() == 0, f"it ended with status {server.returncode}")


def upgrades(machine, new):
    """A configuration that was edited stays, and so does the decision not to start the service."""
    machine.append("/etc/polyserve/server.conf", "# Edited.\n")
    # What `systemctl disable` does; there is no systemd here.
    os.remove(machine.path("/etc/systemd/system/multi-user.target.wants/polyserve.service"))
    shutil.copy(new, machine.path("/tmp/new.deb"))
    machine.must("dpkg", "--force-confdef", "--force-confold", "--install", "/tmp/new.deb")
    expect("~trial" in machine.must("dpkg-query", "--show", "--showformat=${Version}", "polyserve"), "it is the old version")
    expect(machine.read("/etc/polyserve/server.conf").endswith("# Edited.\n"), "the edited configuration was replaced")
    expect("# A newer one." in machine.read("/etc/logrotate.d/polyserve"), "a configuration that nobody edited was not replaced")
    expect(not machine.has("/etc/systemd/system/multi-user.target.wants/polyserve.service"), "the disabled service is enabled")


def is_removed(machine):
    """The programs go, the configuration stays."""
    machine.must("dpkg", "--remove", "polyserve")
    expect(not machine.has("/usr/bin/polyserve-server"), "the server is still there")
    expect(not machine.has("/usr/lib/systemd/system/polyserve.service"), "the service is still there")
    expect(machine.has("/etc/polyserve/server.conf"), "the configuration is gone")


def is_purged(machine, before):
    """Nothing is left but the files that were stored, and the user."""
    machine.must("dpkg", "--purge", "polyserve")
    left = sorted(machine.files() - before)
    expect(left == ["var/lib/polyserve", "var/lib/polyserve/files", "var/lib/polyserve/files/hello.txt"], f"left behind: {left}")


def is_installed_again(machine):
    """After a purge the service is enabled again."""
    machine.must("dpkg", "--install", "/tmp/new.deb")
    expect(machine.has("/etc/systemd/system/multi-user.target.wants/polyserve.service"), "the service is not enabled")
    machine.must("dpkg", "--purge", "polyserve")


def _newer(root):
    for name in ("etc/polyserve/server.conf", "etc/logrotate.d/polyserve"):
        with open(os.path.join(root, name), "a", encoding="utf-8") as file:
            file.write("# A newer one.\n")


def run():
    """Returns 0 if all went well. Prints a line for each step; the first that fails is the last."""
    bootstrap.need("mmdebstrap")
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(os.path.join(folder, "machine"))
        print("package: building two versions, and a Debian to try them in", flush=True)
        old = debian.build(os.path.join(folder, "old"))
        same = debian.build(os.path.join(folder, "again"))
        new = debian.build(os.path.join(folder, "new"), debian.version() + "+1~trial", _newer)
        machine.create()
        before = machine.files()
        subprocess.run(["mount", "-t", "proc", "proc", machine.path("/proc")], check=True)
        try:
            return take([("is built the same twice", lambda: expect(_content(old) == _content(same), "two builds differ")),
                          ("installs", lambda: installs(machine, old)),
                          ("serves", lambda: serves(machine)),
                          ("upgrades", lambda: upgrades(machine, new)),
                          ("is removed", lambda: is_removed(machine)),
                          ("is purged", lambda: is_purged(machine, before | _dependencies(machine, before))),
                          ("is installed again", lambda: is_installed_again(machine))])
        finally:
            subprocess.run(["umount", machine.path("/proc")], check=True)


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _dependencies(machine, before):
    """The files of the packages that came with it."""
    listed = set()
    for package in set(machine.must("dpkg-query", "--show", "--showformat=${Package}\n").split()) - {"polyserve"}:
        listed |= {line.lstrip("/") for line in machine.run("dpkg-query", "--listfiles", package).stdout.splitlines()}
    return listed - before
