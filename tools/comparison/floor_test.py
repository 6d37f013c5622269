"""Each program of tools/floor answers its services as clients expect: curl, our own client, and our load generator, which checks
every byte."""

import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
import time
import unittest

from comparison import load, processes, procfs, subjects, workloads
from comparison.peers import floor

_PATIENCE_S = 20
# Where the programs lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it.
_PROGRAMS = os.environ.get("POLYSERVE_BIN", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def run(*command, **more):
    """What a command prints. CalledProcessError: its status is not 0."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=_PATIENCE_S, check=True, **more).stdout


class FloorTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = os.path.join(scratch.name, "files")
        os.mkdir(self.root)
        workloads.make_files(self.root)
        self.setting = subjects.Setting(self.root, tuple(os.sched_getaffinity(0)), scratch.name, scratch.name, 8)
        self.client = os.path.join(_PROGRAMS, "client/client")
        self.load = load.Load(os.path.join(_PROGRAMS, "client/load/load"), self.setting.cpus)

    def peers(self, service):
        """Those that serve it."""
        return [peer for peer in floor.choose(_PROGRAMS) if service in peer.services()]

    @contextlib.contextmanager
    def running(self, peer, service):
        """Its address, while it runs."""
        with self.subTest(peer.name), peer.start(service, self.setting) as server:
            yield server.addresses[service]

    def check(self, name, address, *flags):
        """The load generator finds no fault."""
        found = self.load.run([*workloads.choose([name])[0].load, "--connections=4", *flags], address, 0.2)
        self.assertIsNone(found.failed)
        self.assertGreater(found.replies, 0)

    def test_echo_sends_back_what_comes(self):
        for peer in self.peers("echo"):
            with self.running(peer, "echo") as address:
                self.check("echo", address)
                self.check("churn", address)

    def test_echo_loses_nothing_of_a_client_that_reads_late(self):
        sent = os.urandom(1 << 20) * 8
        for peer in self.peers("echo"):
            with self.running(peer, "echo") as address, connected(address) as connection:
                self.assertEqual(hashlib.sha256(exchange(connection, sent)).digest(), hashlib.sha256(sent).digest())

    def test_http_sends_the_file_and_no_other(self):
        with open(os.path.join(self.root, "1k.bin"), "rb") as file:
            content = file.read()
        for peer in self.peers("http"):
            with self.running(peer, "http") as address:
                self.assertEqual(run("curl", "-sf", f"http://{address}/1k.bin"), content)
                with self.assertRaises(subprocess.CalledProcessError):
                    run("curl", "-sf", f"http://{address}/none.bin")
                self.check("http", address)
                self.check("http-close", address)

    def test_files_are_sent_and_taken(self):
        content = os.urandom(300_000)
        for peer in (peer for peer in self.peers("http") if peer.has_files):
            with self.running(peer, "http") as address:
                self.check("http-128k", address)
                self.check("upload", address)
                path = os.path.join(self.root, "..", "sent.bin")
                with open(path, "wb") as file:
                    file.write(content)
                run("curl", "-sf", "-H", "Expect:", "-T", path, f"http://{address}/new.bin")
                self.assertEqual(run("curl", "-sf", f"http://{address}/new.bin"), content)
                with self.assertRaises(subprocess.CalledProcessError):
                    run("curl", "-sf", "--path-as-is", f"http://{address}/../sent.bin")

    def test_all_in_a_room_hear_what_one_says(self):
        for peer in self.peers("chat"):
            with self.running(peer, "chat") as address:
                self.check("chat", address, "--depth=8")
                with connected(address) as bob:
                    told = bob.makefile("rb")
                    bob.sendall(b"L bob\nC ada hello\n")
                    self.assertEqual(told.readline(), b"OK\n")
                    self.assertTrue(told.readline().startswith(b"ERR "))
                    ada = subprocess.Popen([self.client, f"--server=chat://{address}", "chat", "ada"], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE)
                    self.assertIn("'ada' 进入".encode(), told.readline())
                    ada.stdin.write(b"hello\n")
                    ada.stdin.flush()
                    self.assertEqual(told.readline(), b"ada : hello\n")
                    bob.sendall(b"C bob good day\nE bob\n")
                    self.assertEqual(told.read(), b"EXIT\n")
                    heard, _ = ada.communicate(b"##\n", timeout=_PATIENCE_S)
                    self.assertIn(b"bob : good day", heard)

    def test_children_are_reaped(self):
        fork = next(peer for peer in self.peers("echo") if peer.program == "fork")
        with fork.start("echo", self.setting) as server:
            self.check("churn", server.addresses["echo"])
            self.assertTrue(comes_true(lambda: procfs.session_members(server.session) == [server.session]))

    def test_a_command_line_that_makes_no_sense_is_refused(self):
        for peer in floor.choose(_PROGRAMS):
            done = subprocess.run([peer.path()], stderr=subprocess.PIPE, timeout=_PATIENCE_S, check=False)
            self.assertEqual(done.returncode, 1, peer.name)
            self.assertIn(b"usage: ", done.stderr, peer.name)


def connected(address):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=_PATIENCE_S)


def exchange(connection, sent):
    """What comes back for it, of a client that reads only while it cannot send."""
    connection.setblocking(False)
    received, left = bytearray(), memoryview(sent)
    while len(received) < len(sent):
        try:
            while left:
                left = left[connection.send(left):]
        except BlockingIOError:
            pass
        if not processes.is_readable(connection.fileno(), _PATIENCE_S):
            break
        piece = connection.recv(1 << 20)
        if not piece:
            break
        received += piece
    return received


def comes_true(is_so):
    """Whether it is so within the patience."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


if __name__ == "__main__":
    unittest.main()
