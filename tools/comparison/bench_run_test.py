"""tools/bench for real, as short as can be: it says something of each target, keeps its data, and leaves no process behind."""

import json
import os
import subprocess
import tempfile
import unittest

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the programs lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it.
_PROGRAMS = os.environ.get("POLYSERVE_BIN", _REPOSITORY)
_PATIENCE_S = 200


def run_bench(*arguments, scratch=None):
    """The process that it was; `scratch` is its folder for temporary files."""
    environment = {**os.environ, **({"TMPDIR": scratch} if scratch else {})}
    return subprocess.run(["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/bench"), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=_PATIENCE_S, env=environment, check=False)


def is_running(scratch):
    """Whether a process is left whose command line has this folder in it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if scratch.encode() in file.read() and int(pid) != os.getpid():
                    return True
        except OSError:
            continue
    return False


class BenchTest(unittest.TestCase):
    def test_a_short_run_judges_each_target_of_its_lines(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = run_bench("--allow_any_build", f"--bin={_PROGRAMS}", "--lines=http-coroutine,churn-each", "--minutes=0.01",
                             "--json", f"--out={scratch}/out", scratch=scratch)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            made = json.loads(done.stdout)["targets"]
            with open(f"{scratch}/out/summary.json", encoding="utf-8") as file:
                self.assertEqual(json.load(file)["targets"], made)
            with open(f"{scratch}/out/bench.jsonl", encoding="utf-8") as file:
                rounds = [json.loads(line) for line in file]
            self.assertFalse(is_running(scratch))
        self.assertEqual([(target["scene"], target["subjects"], target["of"]) for target in made],
                         [("churn", ["thread"], ["thread floor"]), ("churn", ["fork"], ["fork floor"]),
                          ("churn", ["multiprocess"], ["fork floor"]), ("http", ["coroutine"], ["epoll"])])
        self.assertEqual([found["scene"] for found in rounds], ["churn", "http"] * 3)
        for target in made:
            if target["measured"]["middle"] is None:  # A round has failed, on a machine that is very busy.
                self.assertEqual(target["verdict"], "open")
                self.assertTrue(target["note"])
            else:
                self.assertGreater(target["measured"]["middle"], 0)
                self.assertEqual(target["measured"]["rounds"], 3)

    def test_what_makes_no_sense_is_said_in_a_line(self):
        for arguments, expected in ((["--lines=ecco"], "there is no line 'ecco'"), (["--minutes=0"], "more than 0"),
                                    (["--lines=echo", "--bin=/none"], "there is no program /none/server")):
            with tempfile.TemporaryDirectory() as scratch:
                done = run_bench(*arguments, f"--out={scratch}/out", scratch=scratch)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(expected, done.stderr)

    def test_targets_are_listed_without_measuring(self):
        done = run_bench("--list", "--lines=idle-memory")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"idle-memory +idle-memory +epoll +- +at most 256\n")


if __name__ == "__main__":
    unittest.main()
