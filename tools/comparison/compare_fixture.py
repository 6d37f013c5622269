"""CompareCase: what the tests that run tools/compare for real have in common."""

import json
import os
import subprocess
import tempfile
import unittest

from comparison import check

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 200


def programs_folder():
    """Where the server and the load generator lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it."""
    return os.environ.get("POLYSERVE_BIN", REPOSITORY)


class CompareCase(unittest.TestCase):
    """Each test has a folder of its own for temporary files, and `out` in it for the data."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        self.out = os.path.join(self.scratch, "out")

    def start(self, *arguments, page="--no_page", command=(), **more):
        # Its temporary folder is in the command line of each server, by which we find those that are left.
        return subprocess.Popen(
            ["/usr/bin/python3", os.path.join(REPOSITORY, "tools/compare"), *command, "--allow_any_build",
             f"--bin={programs_folder()}", *([page] if page else []), *arguments],
            env={**os.environ, "TMPDIR": self.scratch}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, **more)

    def run_compare(self, *arguments, **more):
        process = self.start(*arguments, **more)
        output, said = process.communicate(timeout=PATIENCE_S)
        if os.path.exists(os.path.join(self.out, "run.json")):  # Whatever the run was about, its data follows the format.
            self.assertEqual(check.faults_of_folder(self.out), [])
        return process.returncode, output, said

    def servers_left(self):
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if self.scratch.encode() in command and b"--model=" in command:
                left.append(pid)
        return left

    def lines(self, kind):
        with open(os.path.join(self.out, kind + ".jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def content(self, name):
        with open(os.path.join(self.out, name), encoding="utf-8") as file:
            return json.load(file)
