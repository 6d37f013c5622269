"""What containers forbid by default, and the option that allows it. Each call is made, not guessed from the name of a container
or a file: profiles differ, and a system without containers may forbid the same calls by a sysctl.

Sources: the default seccomp profiles of Docker (moby, profiles/seccomp/default.json), containerd
(contrib/seccomp/seccomp_default.go) and Podman (containers-common, seccomp.json); docs/containers.md has what they say as a table.
"""

import ctypes
import errno
import os
import re
import resource
import signal
import struct
from dataclasses import dataclass, field
from typing import Callable

from . import machine, procfs

# (file, what it means): who makes it.
_MARKS = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"), ("/var/run/secrets/kubernetes.io", "kubernetes"))
# Parts of the path of a control group.
_GROUPS = (("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker"), ("containerd", "containerd"), ("lxc", "lxc"))
# System calls by number: libc has no function for them. The first has the same number on every machine.
_IO_URING_SETUP = 425
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_SINGLE_ISSUER = 1 << 12  # IORING_SETUP_SINGLE_ISSUER, of Linux 6.0, which --model=uring needs as well.
_PTRACE_SEIZE = 0x4206
_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_MS_REC, _MS_PRIVATE = 1 << 14, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long,) * 4
_libc.ptrace.restype = ctypes.c_long
_libc.mount.argtypes = (ctypes.c_char_p,) * 3 + (ctypes.c_ulong, ctypes.c_char_p)


def container(root="/"):
    """The kind of container that this process runs in, "a container" if it does not say which; "" if it seems to be none."""
    for path, kind in _MARKS:
        if os.path.exists(os.path.join(root, path.lstrip("/"))):
            return kind
    groups = procfs.read(os.path.join(root, "proc/self/cgroup"))
    for part, kind in _GROUPS:
        if re.search(rf"[/-]{part}\b|/{part}", groups):
            return kind
    # The root of a container is an overlay, as a rule; that of a live system may be one as well.
    return os.environ.get("container", "") or (
        "a container" if re.search(r" / / \S+ .*- overlay ", procfs.read(os.path.join(root, "proc/self/mountinfo"))) else "")


def _syscall(number, *arguments):
    """0 or a descriptor, which is closed; or the error, negative."""
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        return -ctypes.get_errno()
    os.close(result)
    return 0


def _in_child(call):
    """The error of a call that changes the process that makes it, 0 if there was none; negative if a profile killed the process."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(call())
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def io_uring():
    """The error of setting up a ring as --model=uring does, 0 if there was none. EINVAL: the system is older than Linux 6.0."""
    # struct io_uring_params is 120 bytes; the flags are its third word.
    parameters = ctypes.create_string_buffer(struct.pack("<III", 0, 0, _SINGLE_ISSUER).ljust(120, b"\0"))
    return -_syscall(_IO_URING_SETUP, ctypes.c_uint(1), parameters)


def perf():
    """The error of counting the processor time of this process by perf_event_open(2). None: the number is not known here."""
    number = _PERF_EVENT_OPEN.get(os.uname().machine)
    if number is None:
        return None
    # The first version of struct perf_event_attr, 64 bytes: type PERF_TYPE_SOFTWARE, size, config PERF_COUNT_SW_TASK_CLOCK, three words
    # that do not matter, and the bits exclude_kernel and exclude_hv, which kernel.perf_event_paranoid=2 asks for.
    attributes = ctypes.create_string_buffer(struct.pack("<IIQQQQQ", 1, 64, 1, 0, 0, 0, 1 << 5 | 1 << 6).ljust(64, b"\0"))
    cloexec = 8
    return -_syscall(number, attributes, ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(-1), ctypes.c_ulong(cloexec))


def tracing():
    """The error of attaching to another process by ptrace(2), one that is no descendant of the tracer, as strace -p does."""
    traced = os.fork()
    if traced == 0:
        signal.pause()
        os._exit(0)

    def attach():
        ctypes.set_errno(0)
        if _libc.ptrace(_PTRACE_SEIZE, traced, 0, 0) != 0:
            return ctypes.get_errno()
        return 0

    try:
        return _in_child(attach)  # With the tracer's end it is no longer traced.
    finally:
        os.kill(traced, signal.SIGKILL)
        os.waitpid(traced, 0)


def namespaces():
    """The error of making a user namespace, and of changing mounts in it, as the tests of full disks do. A system may allow the first
    and refuse the second (AppArmor)."""
    def enter():
        ctypes.set_errno(0)
        if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0 or _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
            return ctypes.get_errno()
        return 0
    return _in_child(enter)


def _controller_paths():
    """The folder of this process's control group for processes, and those above it, the nearest first."""
    mounts = re.findall(r"^\S+ (\S+) (cgroup2?) (\S+)", procfs.read("/proc/self/mounts"), re.MULTILINE)
    for line in procfs.read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for point, kind, options in mounts:
            is_it = kind == "cgroup2" if not controllers else "pids" in controllers.split(",") and "pids" in options.split(",")
            while is_it and path.startswith("/"):
                yield point + path.rstrip("/")
                if path == "/":
                    break
                path = os.path.dirname(path)


def most_processes():
    """How many processes and threads this one and its relatives may be, and what says so: (number, reason); (None, "") if there is no
    bound below the system's own."""
    bounds = []
    for folder in _controller_paths():
        text = procfs.read(folder + "/pids.max").strip()
        if text.isdigit():
            bounds.append((int(text), "pids.max of the control group"))
    own = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if own != resource.RLIM_INFINITY and os.geteuid() != 0:  # It does not hold for root (getrlimit(2)).
        bounds.append((own, "ulimit -u"))
    return min(bounds, default=(None, ""))


@dataclass(frozen=True)
class Permission:
    """A call that containers forbid by default."""

    name: str
    call: Callable  # Returns the error, 0 if there was none, None if that cannot be told.
    without: str  # What does not work without it.
    options: str  # Of `docker run` and `podman run`.
    field: str  # Of a Kubernetes container's securityContext.
    sysctls: dict = field(default_factory=dict)  # {name: the highest value that allows it}.
    outside: str = "run it as root"  # What helps if neither a container nor a sysctl is in the way.

    def remedy(self, kind):
        """What to do about it in this kind of container, "" for none."""
        for name, most in self.sysctls.items():
            value = machine.sysctl(name)
            if value is not None and value.isdigit() and int(value) > most:
                return f"sysctl -w {name}={most}" + (", on the host" if kind else "")
        if kind == "kubernetes":
            return f"securityContext: {self.field}"
        return f"{self.options}, when the container is started" if kind else self.outside


_UNCONFINED = "--security-opt seccomp=unconfined"
PERMISSIONS = (
    Permission("io_uring", io_uring, "--model=uring will not start", _UNCONFINED, "{seccompProfile: {type: Unconfined}}",
               {"kernel.io_uring_disabled": 0}, "a kernel with CONFIG_IO_URING"),
    Permission("ptrace", tracing, "strace and gdb cannot attach, as the lessons and tools/compare do",
               "--cap-add=SYS_PTRACE", "{capabilities: {add: [SYS_PTRACE]}}", {"kernel.yama.ptrace_scope": 0}),
    Permission("perf", perf, "perf cannot count or record", "--cap-add=PERFMON (Podman: --cap-add=SYS_ADMIN)",
               "{capabilities: {add: [PERFMON]}}", {"kernel.perf_event_paranoid": 2}),
    Permission("user namespaces", namespaces, "tests that fill a small disk or a network of their own are skipped",
               f"{_UNCONFINED} --security-opt apparmor=unconfined", "{seccompProfile: {type: Unconfined}}",
               {"kernel.apparmor_restrict_unprivileged_userns": 0}, "sysctl -w user.max_user_namespaces=10000"))


def named(error):
    """EPERM and the like."""
    return "killed" if error < 0 else errno.errorcode.get(error, str(error))
