"""ServiceManager: a systemd of its own, which starts the units of deploy/ with all of their restrictions.

It is the manager of a user, root, in namespaces of its own: what it mounts, starts and kills is gone with it, and the machine needs
no systemd of its own. For units it does what the system's manager does, but for users: it starts everything as root.

  this test ─▶ unshare ─▶ sh: /run, /srv and /sys/fs/cgroup of its own ─▶ systemd --user ─▶ the server
     └─ systemctl() goes there with nsenter(1)
"""

import contextlib
import os
import subprocess
import time

from comparison import processes

from balancing import stand

HOME = "/srv"  # Of program and files: the units hide /tmp, /root and /home from them.
_RUNTIME = "/run/manager"
# What the system's manager makes at its start, and restrictions are made of: what hides a directory, and what hides a file.
_SCRIPT = f"""
set -e
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
mkdir -p {_RUNTIME} /run/systemd/system /run/systemd/inaccessible/dir
touch /run/systemd/inaccessible/reg
chmod 700 {_RUNTIME}
chmod 0 /run/systemd/inaccessible/*
mount --bind "$1/srv" {HOME}
mount --bind "$2" {HOME}/polyserve-server
export XDG_RUNTIME_DIR={_RUNTIME} HOME={HOME}/home SYSTEMD_LOG_TARGET=console
/lib/systemd/systemd --user --unit=basic.target &  # As process 1 it would be the system's manager.
wait
"""


def why_not(program):
    """What keeps it from running this server here; empty if nothing does."""
    built = subprocess.run([program, "--build_info"], capture_output=True, text=True, check=True).stdout
    if "sanitizers none" not in built:
        return "a sanitizer makes system calls that the units forbid"
    if os.geteuid() != 0:
        return "a systemd of one's own needs root"
    if not os.path.exists("/lib/systemd/systemd"):
        return "there is no systemd here"
    return "" if os.access(_control_groups(), os.W_OK) else "control groups cannot be made here"


def _control_groups():
    """Where the second version of them is mounted; empty if nowhere."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split() for line in file]
    return next((fields[1] for fields in mounts if fields[2] == "cgroup2"), "")


class ServiceManager:
    """Runs until close().

    program  the server, which the units find as HOME/polyserve-server
    units    name -> text
    """

    def __init__(self, program, folder, units):
        self._folder, self._process, self._inner = folder, None, 0
        self._group = os.path.join(_control_groups(), f"polyserve-manager-{os.getpid()}")
        place = os.path.join(folder, "srv", "home", ".config", "systemd", "user")
        os.makedirs(place)
        os.makedirs(os.path.join(folder, "srv", "files"))
        self.write("polyserve-server", "")  # Where the program is mounted.
        for name, text in units.items():
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.mkdir(self._group)
        try:
            self._start(program)
        except BaseException:
            self.close()
            raise

    def _start(self, program):
        # The shell joins the group first, and is the root of the groups that the manager sees.
        enter = "unshare --mount --pid --fork --kill-child --mount-proc --cgroup"
        argv = ["sh", "-c", f'echo $$ >"$1"/cgroup.procs; shift; exec {enter} sh -c "$@"',
                "sh", self._group, _SCRIPT, "sh", self._folder, os.path.realpath(program)]
        with open(os.path.join(self._folder, "manager.log"), "w", encoding="utf-8") as log:
            self._process = processes.spawn(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not stand.eventually(self._is_up):
            raise RuntimeError(f"systemd does not start: {self.log()}")

    def _is_up(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"systemd has ended: {self.log()}")
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        self._inner = int(children[0]) if children else 0
        return self._inner != 0 and self.systemctl("show", "--property=Version").returncode == 0

    def systemctl(self, *arguments):
        """The process that has ended, with its output as text."""
        return subprocess.run(["nsenter", f"--target={self._inner}", "--mount", "--pid", "env", f"XDG_RUNTIME_DIR={_RUNTIME}", "systemctl",
                               "--user", "--no-pager", *arguments], capture_output=True, text=True, check=False,
                              timeout=stand.PATIENCE_S)

    def do(self, *arguments):
        """The same; raises RuntimeError if it fails."""
        done = self.systemctl(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"systemctl {' '.join(arguments)}: {done.stderr}{self.log()}")
        return done.stdout

    def property(self, unit, name):
        return self.do("show", f"--property={name}", "--value", unit).strip()

    def write(self, name, text):
        """A file in HOME."""
        with open(os.path.join(self._folder, "srv", name), "w", encoding="utf-8") as file:
            file.write(text)

    def log(self):
        """What the manager has said, and the servers."""
        text = ""
        for name in ("manager.log", "srv/log"):
            with contextlib.suppress(FileNotFoundError), open(os.path.join(self._folder, name), encoding="utf-8") as file:
                text += file.read()
        return text

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        end = time.monotonic() + stand.PATIENCE_S
        for group, _, _ in os.walk(self._group, topdown=False):
            while True:  # The kernel may still be clearing up behind a process.
                try:
                    os.rmdir(group)
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.02)
