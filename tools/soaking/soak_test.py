"""tools/soak itself, for a quarter of a minute each: a model of one process, and one whose clients are processes."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from comparison import programs

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the server lies: in Bazel's runfiles; by hand, POLYSERVE_BIN says it.
_PROGRAMS = os.environ.get("POLYSERVE_BIN", _REPOSITORY)
_SOAK = [os.path.join(_REPOSITORY, "tools/soak"), f"--bin={_PROGRAMS}"]
_KINDS = {"http get", "http range", "http put", "https get", "https put", "file get", "file put", "file+tls get", "tftp get",
          "tftp put", "chat tcp", "chat tls", "chat websocket", "chat udp", "wait", "relay"}
_HOSTILE = {"slow head", "slow reader", "garbage", "tls garbage", "oversized head", "reset within", "half open", "storm"}


class SoakTest(unittest.TestCase):
    def setUp(self):
        if programs.inspect(os.path.join(_PROGRAMS, "server")).sanitizers != "none":
            self.skipTest("what a sanitizer keeps of freed memory is no leak of the server")

    def soak(self, model):
        """What it wrote as JSON."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "soak.json")
            done = subprocess.run([*_SOAK, f"--model={model}", "--minutes=0.25", "--seed=1", f"--json={path}"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(path, encoding="utf-8") as file:
                return json.load(file)["models"][0]

    def test_epoll(self):
        found = self.soak("epoll")
        self.assertEqual(set(found["disturbances"]), {"disk full", "new certificates", "log rotated", "upgrade"})
        for kind in _KINDS:
            self.assertGreater(found["tallies"][kind]["answered"], 0, kind)
        self.assertLessEqual(_HOSTILE, set(found["tallies"]))

    def test_prefork(self):
        found = self.soak("prefork")
        self.assertEqual(set(found["disturbances"]), {"disk full", "new certificates", "log rotated", "upgrade", "worker killed",
                                                      "hub killed"})
        for kind in _KINDS:
            self.assertGreater(found["tallies"][kind]["answered"], 0, kind)


class CommandTest(unittest.TestCase):
    def test_what_makes_no_sense_is_said_in_a_line(self):
        for flags, expected in ((["--model=none"], "there is no model none"), (["--minutes=0.01"], "each model needs 5 s"),
                                (["--bin=/none"], "there is no program /none/server")):
            done = subprocess.run([*_SOAK, *flags], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertIn(expected, done.stderr.splitlines()[-1])

    def test_a_server_that_crashes_is_told_at_once_with_its_log(self):
        with subprocess.Popen([*_SOAK, "--model=epoll", "--minutes=10"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            server = int(re.match(r"epoll: pid (\d+) serves", process.stdout.readline())[1])
            os.kill(server, signal.SIGKILL)
            output, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, said)
        self.assertIn(f"the server (pid {server}) was killed by signal 9; the end of its log:\n", output)
        self.assertIn("soak: FAILED: epoll", output)


if __name__ == "__main__":
    unittest.main()
