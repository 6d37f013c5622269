"""What tools/doctor finds out about containers: by which marks it knows one, and that it believes calls, not marks. A seccomp filter
plays the container's profile (seccomp(2))."""

import ctypes
import errno
import os
import struct
import tempfile
import unittest
from unittest import mock

from comparison import containers

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_UNSHARE = {"x86_64": 272, "aarch64": 97}
_PTRACE = {"x86_64": 101, "aarch64": 117}


def _refuse(number, error):
    """Makes a system call fail for this process from now on, whatever its arguments."""
    load, equal, give = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
    fail, allow = 0x00050000 | error, 0x7FFF0000
    code = b"".join(struct.pack("<HBBI", *step) for step in (
        (load, 0, 0, 0), (equal, 0, 1, number), (give, 0, 0, fail), (give, 0, 0, allow)))
    steps = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(steps)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program) != 0:
        os._exit(254)


def _with_refusal(number, error, call):
    """What `call` returns in a child that is refused the system call."""
    pid = os.fork()
    if pid == 0:
        try:
            _refuse(number, error)
            os._exit(call())
        finally:
            os._exit(253)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class CallsTest(unittest.TestCase):
    @unittest.skipUnless(os.uname().machine in _PTRACE, "the numbers of the calls are not known for this processor")
    def test_a_filter_shows_with_its_error(self):
        machine = os.uname().machine
        for number, call in ((containers._IO_URING_SETUP, containers.io_uring), (_PTRACE[machine], containers.tracing),
                             (containers._PERF_EVENT_OPEN[machine], containers.perf), (_UNSHARE[machine], containers.namespaces)):
            for error in (errno.EPERM, errno.ENOSYS):
                with self.subTest(call=call.__name__, error=errno.errorcode[error]):
                    self.assertEqual(_with_refusal(number, error, call), error)

    def test_nothing_is_left_open(self):
        before = sorted(os.listdir("/proc/self/fd"))
        for wanted in containers.PERMISSIONS:
            wanted.call()
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    def test_errors_have_names(self):
        self.assertEqual([containers.named(error) for error in (errno.EPERM, errno.ENOSYS, -31)], ["EPERM", "ENOSYS", "killed"])


class MarksTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        quiet = mock.patch.dict(os.environ)
        quiet.start()
        self.addCleanup(quiet.stop)
        os.environ.pop("container", None)

    def write(self, name, text=""):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_files_and_groups_name_the_kind(self):
        self.write("proc/self/cgroup", "0::/user.slice/user-1000.slice\n")
        self.assertEqual(containers.container(self.root), "")
        self.write("proc/self/cgroup", "0::/kubepods/besteffort/pod1/abc\n")
        self.assertEqual(containers.container(self.root), "kubernetes")
        self.write("proc/self/cgroup", "0::/system.slice/docker-0123abcd.scope\n")
        self.assertEqual(containers.container(self.root), "docker")
        self.write("run/.containerenv")
        self.assertEqual(containers.container(self.root), "podman")

    def test_a_daemon_outside_is_no_container(self):
        self.write("proc/self/cgroup", "0::/system.slice/ssh.service\n")
        self.write("proc/self/mountinfo", "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n")
        self.assertEqual(containers.container(self.root), "")

    def test_a_root_of_layers_is_a_container_of_some_kind(self):
        self.write("proc/self/mountinfo", "700 600 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a,upperdir=/b\n")
        self.assertEqual(containers.container(self.root), "a container")

    def test_the_environment_may_say_it(self):
        os.environ["container"] = "systemd-nspawn"
        self.assertEqual(containers.container(self.root), "systemd-nspawn")


class RemedyTest(unittest.TestCase):
    def remedy(self, name, kind, sysctl):
        wanted = next(wanted for wanted in containers.PERMISSIONS if wanted.name == name)
        with mock.patch.object(containers.machine, "sysctl", lambda _: sysctl):
            return wanted.remedy(kind)

    def test_a_sysctl_that_forbids_it_comes_first(self):
        self.assertEqual(self.remedy("ptrace", "", "1"), "sysctl -w kernel.yama.ptrace_scope=0")
        self.assertEqual(self.remedy("io_uring", "docker", "2"), "sysctl -w kernel.io_uring_disabled=0, on the host")
        self.assertIn("seccomp=unconfined", self.remedy("io_uring", "docker", "0"))


if __name__ == "__main__":
    unittest.main()
