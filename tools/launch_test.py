"""tools/launch: on a fresh machine a tool gets what it needs, or says in a line why it cannot."""

import contextlib
import io
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import launch


class LaunchTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        sys.path.insert(0, self.scratch)
        self.addCleanup(sys.path.remove, self.scratch)

    def prepare(self, script, needed, useful=()):
        """What is said when tools/setup is this script; SystemExit where the tool ends."""
        setup = os.path.join(self.scratch, "setup")
        with open(setup, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\ncd {self.scratch}\n{script}\n")
        os.chmod(setup, os.stat(setup).st_mode | stat.S_IXUSR)
        said = io.StringIO()
        with mock.patch.object(launch, "SETUP", setup), contextlib.redirect_stderr(said), \
                mock.patch.object(launch.subprocess, "run", self.run_quietly):
            launch.prepare("tool", needed, useful)
        return said.getvalue()

    @staticmethod
    def run_quietly(argv, **_):
        # Standard error is no file here.
        return subprocess.CompletedProcess(argv, subprocess.Popen(argv, stdout=subprocess.DEVNULL).wait())

    def test_nothing_missing_is_silent_and_installs_nothing(self):
        self.assertEqual(self.prepare("touch ran", ["json", "os"]), "")
        self.assertFalse(os.path.exists(os.path.join(self.scratch, "ran")))

    def test_what_is_missing_is_installed(self):
        said = self.prepare('[ "$1" = --compare ] && touch polyserve_was_missing.py', ["json", "polyserve_was_missing"])
        self.assertIn("Python's polyserve_was_missing missing here; running tools/setup --compare", said)

    def test_what_cannot_be_had_ends_it_in_a_line(self):
        for script, why in (("exit 1", "failed, see above"), ("exit 0", "does not bring it")):
            with self.assertRaises(SystemExit) as end:
                self.prepare(script, ["polyserve_never_there"])
            self.assertIn("Python's polyserve_never_there is needed, and tools/setup --compare " + why, str(end.exception))

    def test_what_is_merely_useful_may_stay_missing(self):
        self.assertIn("missing here", self.prepare("exit 1", ["json"], ["polyserve_never_there"]))

    def test_interrupt_ends_with_a_line_and_130(self):
        def interrupted():
            raise KeyboardInterrupt
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
            launch.run("tool", interrupted)
        self.assertEqual(end.exception.code, 130)
        self.assertEqual(said.getvalue(), "tool: interrupted\n")


if __name__ == "__main__":
    unittest.main()
