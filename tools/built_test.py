"""tools/built and the commands in bin/, with a build that does nothing but to write a program."""

import os
import shutil
import subprocess
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))

# `build` writes a script that says what it was built from, and `info` says where it is.
BAZEL = """#!/bin/sh
echo "$@" >>"$ELSEWHERE/calls"
[ ! -e "$ELSEWHERE/broken" ] || exit 1
case $1 in
  build)
    mkdir -p "$ELSEWHERE/out/client/load"
    for program in server client/client client/load/load; do
      echo "#!/bin/sh" >"$ELSEWHERE/out/$program"
      echo "echo $(cat "$TOP/server.cc"): \\"\\$@\\"" >>"$ELSEWHERE/out/$program"
      chmod +x "$ELSEWHERE/out/$program"
    done ;;
  info) echo "$ELSEWHERE/out" ;;
esac
"""


class BuiltTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.elsewhere = scratch.name
        self.top = os.path.join(scratch.name, "a tree")
        for folder in ("bin", "tools", "commands", "docs"):
            os.makedirs(os.path.join(self.top, folder))
        shutil.copy(os.path.join(TOOLS, "built"), os.path.join(self.top, "tools"))
        for name in ("server", "client", "load"):
            shutil.copy(os.path.join(TOOLS, "..", "bin", name), os.path.join(self.top, "bin"))
        self.write("tools/setup", "#!/bin/sh\necho installing\n", executable=True)
        self.write("commands/bazel", BAZEL, executable=True)
        self.write("server.cc", "first")
        self.environment = {**os.environ, "PATH": os.path.join(self.top, "commands") + ":" + os.environ["PATH"],
                            "TOP": self.top, "ELSEWHERE": self.elsewhere}
        self.age(self.top)

    def write(self, name, text, executable=False):
        path = os.path.join(self.top, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if executable:
            os.chmod(path, 0o755)

    @staticmethod
    def age(folder):
        """Makes all files as old as those of a checkout."""
        for directory, _, names in os.walk(folder):
            for name in [".", *names]:
                os.utime(os.path.join(directory, name), (1, 1))

    def run_in(self, command, *arguments):
        return subprocess.run([os.path.join(self.top, command), *arguments], cwd="/", env=self.environment, text=True,
                              capture_output=True, check=False)

    def calls(self):
        path = os.path.join(self.elsewhere, "calls")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        os.remove(path)
        return [line for line in lines if line.startswith("build")]

    def test_a_program_is_built_once_and_run_with_its_arguments(self):
        for _ in range(2):
            run = self.run_in("bin/client", "get", "two words")
            self.assertEqual((run.returncode, run.stdout), (0, "first: get two words\n"), run.stderr)
        self.assertEqual(self.calls(), ["build --config=opt //client"])

    def test_a_newer_source_is_built_and_a_newer_page_is_not(self):
        self.run_in("bin/server")
        self.calls()
        self.write("docs/page.md", "new")
        self.write("README.md", "new")
        self.assertEqual(self.run_in("bin/server").stdout, "first:\n")
        self.assertEqual(self.calls(), [])
        self.write("server.cc", "second")
        self.assertEqual(self.run_in("bin/server").stdout, "second:\n")

    def test_what_changes_during_a_build_is_built_by_the_next_one(self):
        self.write("commands/bazel", BAZEL.replace("info)", 'info) echo third >"$TOP/server.cc";'), executable=True)
        self.age(os.path.join(self.top, "commands"))
        self.assertEqual(self.run_in("bin/load").stdout, "first:\n")
        self.assertEqual(self.run_in("bin/load").stdout, "third:\n")

    def test_several_are_built_together(self):
        run = self.run_in("tools/built", "server", "load")
        self.assertEqual(run.stdout, f"{self.elsewhere}/out/server\n{self.elsewhere}/out/client/load/load\n")
        self.assertEqual(self.calls(), ["build --config=opt //:server //client:load"])

    def test_a_build_that_fails_runs_nothing(self):
        self.run_in("bin/server")
        self.write("server.cc", "wrong")
        self.write("../broken", "")
        run = self.run_in("bin/server")
        self.assertEqual((run.returncode, run.stdout), (1, ""))

    def test_other_names_are_refused(self):
        run = self.run_in("tools/built", "browser")
        self.assertEqual(run.returncode, 2)
        self.assertIn("browser", run.stderr)

    def test_a_link_from_elsewhere_works(self):
        os.symlink(os.path.join(self.top, "bin/server"), os.path.join(self.top, "docs/polyserve"))
        self.assertEqual(self.run_in("docs/polyserve", "--help").stdout, "first: --help\n")


if __name__ == "__main__":
    unittest.main()
