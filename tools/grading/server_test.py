"""Tests of server.py and client.py, with small programs in Python."""

import os
import signal
import tempfile
import time
import unittest

from . import calibration, lab as lab_, orphans, quota
from .exercise import Wrong

_HEAD = """#!/usr/bin/python3
import os, signal, socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
"""
_ECHO = _HEAD + """
while True:
    client, _ = listener.accept()
    while data := client.recv(1000):
        client.sendall(data)
    client.close()
"""
_MUTE = _HEAD + """
client, _ = listener.accept()
time.sleep(1000)
"""
_DIES = _HEAD + """
client, _ = listener.accept()
print("out of luck", file=sys.stderr, flush=True)
os.abort()
"""
_LEAVES_A_CHILD = _HEAD + """
if os.fork() == 0 and os.fork() == 0:
    time.sleep(1000)
listener.accept()
"""


class ServerTest(unittest.TestCase):

    def setUp(self):
        orphans.adopt()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = os.path.join(folder.name, "program")

    def start(self, text):
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.program, 0o755)
        self.lab = lab_.Lab(self.program, "", calibration.limits(0.0005), quota.Whole(), 1)
        return self.lab.start()

    def test_client_gets_what_the_server_sends_and_sees_its_end(self):
        with self.start(_ECHO) as server:
            client = server.client()
            self.assertTrue(client.send(b"one\ntwo"))
            self.assertEqual((client.line(), client.receive(3)), (b"one\n", b"two"))
            client.finish()
            self.assertTrue(client.sees_end())
        self.assertEqual(self.lab.steps.lines()[:3],
                         ["  1  server    listens", "  2  client 1  connects", "  3  client 1  sends 'one\\ntwo'"])

    def test_wait_ends_when_the_program_stands_still(self):
        with self.start(_MUTE) as server:
            client = server.client()
            started = time.monotonic()
            self.assertEqual(client.receive(1), b"")
            self.assertIsNone(client.ended)
            self.assertLess(time.monotonic() - started, server.limits.patience)

    def test_what_comes_while_the_program_is_stopped_is_answered_afterwards(self):
        with self.start(_ECHO) as server:
            client = server.client()
            server.freeze()
            client.send(b"hello")
            self.assertEqual({thread.state for thread in server.tree.threads()}, {"T"})
            server.thaw()
            self.assertEqual(client.receive(5), b"hello")

    def test_how_a_program_ended_is_told(self):
        with self.start(_DIES) as server:
            server.client()
            self.assertTrue(server.until(lambda: server.status() is not None))
            self.assertEqual(server.how_it_ended(), ", and was ended by SIGABRT: out of luck")

    def test_program_that_does_not_listen_is_wrong(self):
        with self.assertRaisesRegex(Wrong, "does not say where it listens; it said b'hello.*has ended with status 3"):
            with self.start("#!/bin/sh\necho hello\nexit 3\n"):
                pass

    def test_nothing_of_the_program_is_left(self):
        with self.start(_LEAVES_A_CHILD) as server:
            server.until(lambda: len(server.children()) == 1)
            child = server.children()[0].pid
        self.assertFalse(os.path.exists(f"/proc/{child}"))
        self.assertFalse(os.path.exists(f"/proc/{server.pid}"))

    def test_signal_reaches_the_program(self):
        with self.start(_ECHO) as server:
            server.signal(signal.SIGTERM)
            self.assertTrue(server.until(lambda: server.status() == -signal.SIGTERM))


if __name__ == "__main__":
    unittest.main()
