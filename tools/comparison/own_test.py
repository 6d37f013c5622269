"""A server of one's own is started and asked before the run, and a command that does not work is found out, and why."""

import os
import shlex
import tempfile
import unittest

from comparison import processes, subjects, workloads
from comparison.peers import own

_HERE = os.path.dirname(os.path.abspath(__file__))
_ECHO = f"/usr/bin/python3 {shlex.quote(os.path.join(_HERE, 'peers', 'echo_threading.py'))} {{host}} {{port}}"
# One client after the other; what it sends back is made by an expression of `data`.
_ITERATIVE = """/usr/bin/python3 -c '
import socket
listener = socket.create_server(("{host}", {port}))
while True:
    client = listener.accept()[0]
    while data := client.recv(1000):
        client.sendall(%s)
'"""


class OwnServerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        root = os.path.join(self.scratch, "files")
        os.mkdir(root)
        with open(os.path.join(root, "1k.bin"), "wb") as file:
            file.write(bytes(range(33, 97)) * 16)
        self.setting = subjects.Setting(root, tuple(os.sched_getaffinity(0)), self.scratch, self.scratch, 64)

    def tried(self, spec):
        return own.parse(spec, self.scratch).tried(self.setting)

    def workload(self, name):
        return workloads.choose([name])[0]

    def test_http_is_the_default_and_files_are_where_root_says(self):
        server = self.tried("python=/usr/bin/python3 -m http.server {port} --directory {root}")
        self.assertEqual((server.service, server.closes, server.kind), ("http", True, "peer"))
        self.assertIsNone(server.refuses(self.workload("http")))
        self.assertIn("http.server 0 --directory", server.describe(self.setting)["config"])

    def test_echo_that_keeps_its_clients_apart_takes_all_workloads_of_echo(self):
        server = self.tried(f"mine:echo={_ECHO}")
        self.assertEqual((server.services(), server.closes), ({"echo"}, False))
        self.assertIsNone(server.refuses(self.workload("echo")))

    def test_server_of_one_client_at_a_time_refuses_connections_that_stay(self):
        server = self.tried("mine:echo=" + _ITERATIVE % "data")
        self.assertIn("one client after the other", server.refuses(self.workload("echo")))
        self.assertIsNone(server.refuses(self.workload("churn")))

    def test_wrong_replies_are_shown(self):
        with self.assertRaisesRegex(own.OwnServerError, "sends back what it receives; b'hello' brought b'HELLO'"):
            self.tried("mine:echo=" + _ITERATIVE % "data.upper()")

    def test_server_of_other_files_is_told_of_root(self):
        with self.assertRaisesRegex(own.OwnServerError, r"instead of the file: it has to serve the files in \{root\}"):
            self.tried("mine=/usr/bin/python3 -m http.server {port} --directory /")

    def test_command_that_does_not_start_says_why(self):
        with self.assertRaisesRegex(processes.ServerError, r"^mine \(no-such-program \d+\): it ended at once, .*No such file"):
            self.tried("mine=no-such-program {port}")

    def test_paths_are_relative_to_the_folder_of_the_command(self):
        with open(os.path.join(self.scratch, "mine.sh"), "w", encoding="utf-8") as file:
            file.write(f"exec {_ECHO.format(host='127.0.0.1', port='$1')}\n")
        self.assertFalse(self.tried("mine:echo=sh mine.sh {port}").closes)


class SpecificationTest(unittest.TestCase):
    def test_what_is_in_other_braces_stays(self):
        server = own.parse("mine=awk '{print {port}}' {host}", "/")
        self.assertIn("awk '{print 0}'", server.describe(subjects.Setting("/", (), "/", "/", 1))["config"])

    def test_what_makes_no_sense_is_said(self):
        for spec, expected in (("mine", "is not NAME=COMMAND"), ("=x {port}", "is not NAME=COMMAND"),
                               ("a,b=x {port}", "is not NAME=COMMAND"),
                               ("mine=server", "has no {port}"), ("mine:smtp=x {port}", "is of 'smtp'"),
                               ("mine=x 'y {port}", "is not understood")):
            with self.assertRaisesRegex(own.OwnServerError, expected):
                own.parse(spec, "/")

    def test_names_are_given_once(self):
        with self.assertRaisesRegex(own.OwnServerError, "another 'epoll'"):
            own.choose(["epoll=x {port}"], "/", ["epoll"])
        with self.assertRaisesRegex(own.OwnServerError, "another 'mine'"):
            own.choose(["mine=x {port}", "mine=y {port}"], "/", [])


if __name__ == "__main__":
    unittest.main()
