"""tools/compare for real, with more than the models: floors, servers of the user's, two versions of the server, and the runs
of two machines."""

import json
import os
import subprocess
import unittest

from comparison import check
from comparison.compare_fixture import PATIENCE_S, REPOSITORY, CompareCase, programs_folder

# `python3 -m http.server`, but for its backlog of 5: of 64 clients that come at once most would find it full, and wait for a second
# or more until their system tries again.
_HTTP_SERVER = ("/usr/bin/python3 -c 'import runpy, socketserver; socketserver.TCPServer.request_queue_size = 256; "
                'runpy.run_module("http.server", run_name="__main__")\'')


class CompareServersTest(CompareCase):
    def test_a_model_is_shown_beside_its_floor(self):
        status, output, said = self.run_compare("--models=thread,epoll", "--peers=floor", "--workloads=echo", "--rounds=3",
                                                "--duration=0.3", "--parts=rounds", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        run = self.content("run.json")
        self.assertEqual([subject["name"] for subject in run["subjects"]],
                         ["thread", "epoll", "thread (again)", "thread floor", "epoll floor"])
        self.assertEqual(run["fairness"]["violations"], [])
        self.assertEqual(set(run["fairness"]["contract"]["listen backlog"].values()), {"4096"})
        self.assertIn("of floor", output)
        self.assertLessEqual({entry["model"] for entry in self.content("summary.json")["floors"]}, {"thread", "epoll"})
        self.assertEqual(self.servers_left(), [])

    def test_a_server_of_ones_own_takes_part(self):
        status, output, said = self.run_compare(
            "--models=epoll", f"--server=python={_HTTP_SERVER} {{port}} --bind {{host}} --directory {{root}}",
            "--workloads=http-close", "--rounds=3", "--duration=0.3", "--parts=rounds,memory", "--idle=4", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertIn("python closes the connection after each reply", said)
        run = self.content("run.json")
        self.assertEqual([(subject["name"], subject["kind"]) for subject in run["subjects"]],
                         [("epoll", "model"), ("epoll (again)", "aa"), ("python", "peer")])
        self.assertIn(" 0 --bind 127.0.0.1 --directory ", run["subjects"][2]["config"])
        self.assertEqual(run["fairness"]["violations"], [])
        own = [line for line in self.lines("rounds") if line["subject"] == "python"]
        self.assertTrue(any(line["failed"] is None and line["load"]["replies"] > 0 for line in own), own[0]["failed"])
        status, again, said = self.run_compare(f"--resume={self.out}")
        self.assertIn(again.strip().splitlines()[-1], output, said)
        self.assertEqual(self.servers_left(), [])

    def test_runs_are_merged(self):
        folders = [os.path.join(self.scratch, name) for name in ("ada", "ben")]
        for folder in folders:
            self.out = folder
            status, _, said = self.run_compare("--models=fork,epoll", "--workloads=echo", "--rounds=3", "--duration=0.3", "--parts=rounds",
                                               f"--out={folder}")
            self.assertIn(status, (0, 1), said)
            run = self.content("run.json")
            with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
                json.dump({**run, "unfit": []}, file)  # A build for tests is not optimized, and would not count.
        self.out = os.path.join(self.scratch, "merged")
        done = subprocess.run(["/usr/bin/python3", os.path.join(REPOSITORY, "tools/compare"), "merge",
                               *(f"{os.path.basename(folder)}={folder}" for folder in folders), f"--out={self.out}"],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("2 machines:\n  ada "), done.stdout)
        self.assertEqual(check.faults_of_folder(self.out), [])
        self.assertIn("merged.html", os.listdir(self.out))
        merged = self.content("merged.json")
        self.assertIn(("echo", "cpu_us_per_request"), {(pair["workload"], pair["metric"]) for pair in merged["pairs"]})
        for pair in merged["pairs"]:
            self.assertEqual((pair["first"], pair["second"], sorted(name for names in pair["on"].values() for name in names)),
                             ("fork", "epoll", ["ada", "ben"]))

    def test_two_versions_are_compared_model_by_model(self):
        server = os.path.join(programs_folder(), "server")
        status, output, said = self.run_compare("--models=fork,epoll", "--workloads=echo", "--rounds=3", "--duration=0.3",
                                                f"--out={self.out}", command=("diff", server, "."))
        self.assertIn(status, (0, 1, 3), said)  # By chance one may be called worse.
        self.assertIn(f"old: {server}\nnew: this tree\n", output)
        self.assertRegex(output, "echo, (throughput|by processor time)")  # As the load generator is the limit or not.
        self.assertEqual([(subject["name"], subject["against"]) for subject in self.content("run.json")["subjects"]],
                         [("fork (old)", None), ("fork (new)", "fork (old)"), ("epoll (old)", None), ("epoll (new)", "epoll (old)"),
                          ("fork (old) (again)", None)])
        self.assertEqual(len(self.lines("rounds")), 3 * 5)
        status, again, said = self.run_compare(f"--resume={self.out}")
        self.assertIn(again.strip().splitlines()[-1], output, said)
        self.assertEqual(self.servers_left(), [])

    def test_versions_that_are_not_there_are_refused_in_a_line(self):
        for command, expected in ((("diff", "no-such-thing", "."), "neither a folder with a server"),
                                  (("diff", self.scratch, "."), "there is no program"),
                                  (("diff", "."), "diff OLD NEW")):
            status, _, said = self.run_compare(f"--out={self.out}", command=command)
            self.assertEqual((status, len(said.splitlines())), (2, 1), said)
            self.assertIn(expected, said)


if __name__ == "__main__":
    unittest.main()
