"""tools/compare for real, as short as can be: the folder is complete, Ctrl-C keeps what there is and leaves nobody behind."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from comparison import check
from comparison.limits import Limits
from comparison.limits_test import can_make as can_limit
from comparison.network_test import can_make, namespaces_of

_HERE = os.path.dirname(os.path.abspath(__file__))
_REPOSITORY = os.path.dirname(os.path.dirname(_HERE))
_PATIENCE_S = 200


def programs_folder():
    """Where the server and the load generator lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it."""
    return os.environ.get("POLYSERVE_BIN", _REPOSITORY)


class CompareTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name
        self.out = os.path.join(self.scratch, "out")

    def start(self, *arguments, page="--no_page", command=(), **more):
        # Its temporary folder is in the command line of each server, by which we find those that are left.
        return subprocess.Popen(
            ["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/compare"), *command, "--allow_any_build",
             f"--bin={programs_folder()}", *([page] if page else []), *arguments],
            env={**os.environ, "TMPDIR": self.scratch}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, **more)

    def run_compare(self, *arguments, **more):
        process = self.start(*arguments, **more)
        output, said = process.communicate(timeout=_PATIENCE_S)
        if os.path.isdir(self.out):  # Whatever the run was about, its data follows the format.
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

    def await_lines(self, process, number):
        """Until so many rounds are measured."""
        path = os.path.join(self.out, "rounds.jsonl")
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            self.assertIsNone(process.poll(), "it has ended already")
            if os.path.exists(path) and len(self.lines("rounds")) >= number:
                return
            time.sleep(0.02)
        self.fail("nothing was measured")

    def test_a_short_run_brings_all_that_it_promises(self):
        status, output, said = self.run_compare(
            "--models=fork,epoll", "--peers=python-asyncio", "--workloads=echo,http", "--rounds=3", "--duration=0.4",
            "--twin=epoll", "--idle=8",
            "--parts=rounds,memory", f"--out={self.out}", page=None)
        self.assertIn(status, (0, 1), said)
        self.assertTrue(output.startswith(("ATTENTION", "echo: ")), output)
        self.assertIn("against itself", output)
        self.assertIn(f"The page to look at: {self.out}/report.html", output, said)
        self.assertTrue(os.path.exists(os.path.join(self.out, "report.html")))
        run = self.content("run.json")
        self.assertEqual([subject["name"] for subject in run["subjects"]],
                         ["fork", "epoll", "epoll (again)", "python-asyncio"])
        self.assertEqual([subject["of"] for subject in run["subjects"]], [None, None, "epoll", None])
        self.assertEqual(run["fairness"]["violations"], [])
        self.assertEqual(set(run["fairness"]["contract"]["listen backlog"].values()), {"4096"})
        self.assertEqual(run["fairness"]["contract"]["accept batch"], {"epoll": "64", "epoll (again)": "64"})
        self.assertIn("asyncio.Protocol", run["subjects"][3]["config"])
        self.assertRegex(run["programs"]["server"]["sha256"], "^[0-9a-f]{64}$")
        self.assertTrue(run["machine"]["kernel"])
        rounds = self.lines("rounds")
        self.assertEqual(len(rounds), 3 * (2 * 3 + 1))
        good = [line for line in rounds if line["failed"] is None]
        # On a machine that does much else a round may fail; all of them must not, unless a sanitizer makes forks so slow that
        # half a second is not enough for all connections.
        if run["programs"]["server"]["sanitizers"] == "none":
            self.assertEqual({(line["subject"], line["workload"]) for line in good},
                             {(line["subject"], line["workload"]) for line in rounds})
        for line in good:
            self.assertGreater(line["load"]["replies"], 0)
            self.assertEqual(line["server"]["requests"], line["load"]["replies_in_all"])
            self.assertGreater(line["server"]["pss_kib"], 0)
        # Without a control group it is counted in steps of 10 ms, so that a single round may have none.
        self.assertGreater(sum(line["server"]["cpu_user_s"] + line["server"]["cpu_system_s"] for line in good), 0)
        self.assertGreater(max(line["server"]["processes"] for line in rounds if line["subject"] == "fork"), 10)
        self.assertEqual({line["server"]["processes"] for line in good if line["subject"] == "epoll"}, {1})
        self.assertEqual([line["idle"] for line in self.lines("memory")], [*range(1, 9)] * 3)
        summary = self.content("summary.json")
        self.assertEqual(len(summary["results"]), 2 * 3 + 1)
        self.assertEqual({(twin["a"], twin["b"]) for twin in summary["twins"]}, {("epoll", "epoll (again)")})
        self.assertTrue(all(line["load"]["response_ns"]["histogram"] for line in good))
        self.assertIn("response_p99_us", summary["results"][0]["metrics"])
        self.assertEqual(self.servers_left(), [])

    def test_the_same_rate_for_all_and_a_promise_are_measured(self):
        status, output, said = self.run_compare("--models=epoll", "--workloads=echo", "--rounds=3", "--duration=0.4", "--minutes=0.1",
                                                "--parts=rounds,cost,promise", "--slo=p99<20ms", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertIn("echo, at ", output)
        self.assertEqual(self.content("run.json")["rounds_of"], {"cost": 3, "quiet": 3, "promise": 3})
        cost, searches, quiet = self.lines("cost"), self.lines("promise"), self.lines("quiet")
        self.assertEqual({(line["subject"], line["point"]) for line in cost},
                         {(name, point) for name in ("epoll", "epoll (again)") for point in ("given", "low")})
        self.assertEqual([len(line["probes"]) >= 8 for line in searches], [True] * 3)
        self.assertTrue(all(line["server"]["start_s"] > 0 and line["server"]["drain_s"] > 0 for line in quiet))
        metrics = self.content("summary.json")["results"][0]["metrics"]
        self.assertLessEqual({"given_p99_us", "idle_share", "capacity", "start_ms", "drain_ms"}, set(metrics))
        self.assertEqual([front["workload"] for front in self.content("summary.json")["fronts"]], ["echo"])
        self.assertEqual(self.servers_left(), [])

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

    def test_encrypted_workloads_are_measured(self):
        status, _, said = self.run_compare("--models=fork,epoll", "--peers=python-asyncio", "--workloads=https,https-close", "--rounds=2",
                                           "--duration=0.5", "--parts=rounds,memory", "--idle=4", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertEqual({(line["subject"], line["why"]) for line in self.content("run.json")["skipped"]},
                         {("python-asyncio", "does not serve http+tls")})
        good = [line for line in self.lines("rounds") if line["failed"] is None]
        for subject in ("fork", "epoll"):
            for workload in ("https", "https-close"):
                lines = [line for line in good if (line["subject"], line["workload"]) == (subject, workload)]
                self.assertTrue(lines, f"{subject}, {workload}: {[line['failed'] for line in self.lines('rounds')]}")
                self.assertTrue(all(line["load"]["tls"]["cipher"].startswith("TLSv1.3") for line in lines))
                self.assertEqual(any(line["load"]["tls"]["handshakes"] for line in lines), workload == "https-close")
        self.assertEqual([line["failed"] for line in self.lines("memory") if line["failed"]], [])
        self.assertEqual(self.servers_left(), [])

    def test_servers_that_ask_another_one_are_measured(self):
        status, _, said = self.run_compare("--models=fork,epoll", "--workloads=relay", "--rounds=2", "--duration=0.5", "--parts=rounds",
                                           f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        good = [line for line in self.lines("rounds") if line["failed"] is None]
        self.assertGreaterEqual({line["subject"] for line in good}, {"fork", "epoll"}, said)
        self.assertEqual(self.servers_left(), [])

    def test_a_server_of_ones_own_takes_part(self):
        status, output, said = self.run_compare(
            "--models=epoll", "--server=python=/usr/bin/python3 -m http.server {port} --bind {host} --directory {root}",
            "--workloads=http-close", "--rounds=3", "--duration=0.3", "--parts=rounds,memory", "--idle=4", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertIn("python closes the connection after each reply", said)
        run = self.content("run.json")
        self.assertEqual([(subject["name"], subject["kind"]) for subject in run["subjects"]],
                         [("epoll", "model"), ("epoll (again)", "aa"), ("python", "peer")])
        self.assertIn("http.server 0 --bind 127.0.0.1", run["subjects"][2]["config"])
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
        done = subprocess.run(["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/compare"), "merge",
                               *(f"{os.path.basename(folder)}={folder}" for folder in folders), f"--out={self.out}"],
                              capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
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

    def test_ctrl_c_keeps_what_was_measured_and_leaves_nobody_and_resume_goes_on(self):
        process = self.start("--models=fork,epoll", "--workloads=echo", "--rounds=2", "--duration=0.3",
                             "--parts=rounds", f"--out={self.out}")
        self.await_lines(process, 2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_PATIENCE_S)
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("--resume=", said)
        self.assertEqual(self.servers_left(), [])
        before = self.lines("rounds")
        self.assertGreaterEqual(len(before), 2)
        status, output, said = self.run_compare(f"--resume={self.out}", "--json")
        self.assertIn(status, (0, 1), said)
        self.assertEqual(json.loads(output), self.content("summary.json"))
        after = self.lines("rounds")
        self.assertEqual(after[:len(before)], before)
        self.assertEqual(len(after), 2 * 3)
        self.assertEqual(len({(line["round"], line["subject"]) for line in after}), 2 * 3)

    def write_log(self, requests=600):
        """A table of 5 clients that ask 100 times a second; returns its path."""
        path = os.path.join(self.scratch, "log.csv")
        with open(path, "w", encoding="ascii") as file:
            file.write("time,method,path,bytes,client\n")
            file.writelines(f"{number / 100},GET,/{number % 7},{1000 * (number % 7)},{number % 5}\n" for number in range(requests))
        return path

    def test_a_log_is_replayed_against_each_model(self):
        log = self.write_log()
        status, output, said = self.run_compare("--models=fork,epoll", f"--replay={log}", "--speed=2", "--rounds=3", "--duration=0.4",
                                                "--parts=rounds", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertIn("replay: 600 requests of 5 clients, which took 5.99 s in log.csv, at 2 times their speed", output)
        good = [line for line in self.lines("rounds") if line["failed"] is None]
        self.assertEqual({(line["subject"], line["workload"]) for line in good},
                         {("fork", "replay"), ("epoll", "replay"), ("fork (again)", "replay")})
        for line in good:
            self.assertGreater(line["load"]["due"], 40)
            self.assertEqual(line["load"]["errors"]["wrong"], 0)
        self.assertEqual(self.content("run.json")["workloads"][0]["ranked_by"], "response_p50_us")
        self.assertTrue(os.path.exists(os.path.join(self.out, "schedule.csv")))
        self.assertEqual(self.servers_left(), [])
        self.write_log(500)
        status, _, said = self.run_compare(f"--resume={self.out}")
        self.assertEqual(status, 2, said)
        self.assertIn("has changed since the run began", said)

    @unittest.skipUnless(can_make(), "no network namespaces may be made here")
    def test_a_network_lies_between_clients_and_servers_and_goes_again(self):
        flags = ("--models=epoll", "--workloads=echo", "--rounds=3", "--duration=0.3", "--parts=rounds", f"--out={self.out}")
        status, output, said = self.run_compare("--network=rate:100mbit", *flags)
        self.assertIn(status, (0, 1), said)
        self.assertIn("network      between clients and servers: 100 Mbit/s each way", output)
        self.assertEqual(self.content("run.json")["network"], "100 Mbit/s each way")
        self.assertEqual(self.content("run.json")["fairness"]["violations"], [])
        self.assertTrue(any(line["failed"] is None for line in self.lines("rounds")))
        process = self.start("--network=rate:100mbit", *flags[:-1], f"--out={self.out}-2")
        deadline = time.monotonic() + _PATIENCE_S
        while not self.servers_left() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(namespaces_of(process.pid)), 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_PATIENCE_S)
        self.assertEqual(process.returncode, 130)
        self.assertEqual((self.servers_left(), namespaces_of(process.pid)), ([], []))

    @unittest.skipUnless(can_limit(Limits(0.5, 2**26)), "no control groups with limits may be made here")
    def test_servers_are_held_to_limits_and_what_that_did_is_in_the_data(self):
        # 64 processes of fork do not fit into this; a single one does.
        status, output, said = self.run_compare("--models=fork,epoll", "--workloads=echo", "--rounds=2", "--duration=0.3",
                                                "--parts=rounds", "--limits=cpus:0.5,memory:8M", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertIn("echo, within 0.5 processors and 8 MiB of memory:", output)
        self.assertEqual(self.content("run.json")["limits"], {"cpus": 0.5, "memory_bytes": 2**23,
                                                              "title": "0.5 processors and 8 MiB of memory"})
        self.assertGreater(sum(line["limits"]["oom_kills"] for line in self.lines("rounds") if line["subject"] == "fork"), 0)
        survivors = {result["subject"]: result["limits"]["survived"] for result in self.content("summary.json")["results"]}
        if self.content("run.json")["programs"]["server"]["sanitizers"] == "none":  # One of them alone takes more memory.
            self.assertEqual(survivors["epoll"], 2)
        self.assertEqual(self.servers_left(), [])

    def test_servers_end_with_a_comparison_that_is_killed(self):
        process = self.start("--models=fork,thread", "--workloads=echo", "--rounds=2", "--duration=30",
                             "--parts=rounds", f"--out={self.out}")
        deadline = time.monotonic() + _PATIENCE_S
        started = False
        while not started and time.monotonic() < deadline:  # It may be one that is only tried, and has ended by now.
            started = bool(self.servers_left())
            time.sleep(0.02)
        self.assertTrue(started)
        process.kill()
        process.communicate()
        while self.servers_left() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.servers_left(), [])

    def test_what_makes_no_sense_is_said_in_a_line(self):
        for arguments, expected in ((["--models=treads"], "there is no model 'treads'"),
                                    (["--workloads=ecco"], "there is no workload 'ecco'"),
                                    (["--parts=all"], "there is no 'all'"),
                                    (["--network=delay:5"], "'delay:5' is not understood"),
                                    (["--models=epoll", "--limits=cpus:1T"], "'cpus:1T' is not understood"),
                                    (["--models=epoll", "--limits=cpus:4096"], "limits nothing"),
                                    (["--models=epoll", "--replay=/none"], "/none cannot be read"),
                                    (["--models=loop", "--workloads=echo"], "nothing to measure"),
                                    (["--models=epoll", "--server=mine=true"], "has no {port}"),
                                    (["--models=epoll", "--server=mine=false {port}"], "it ended at once, with status 1"),
                                    (["--models=epoll", "--twin=fork"], "is not one of the models"),
                                    (["--slo=p98<1ms"], "is not a promise"),
                                    (["--by=cost", "--parts=rounds"], "needs the part cost"),
                                    (["--parts=cost"], "need the part rounds"),
                                    (["--rounds=0", "--server_cpus=999"], "there is no processor 999"),
                                    ([f"--resume={self.scratch}"], "holds no run")):
            status, _, said = self.run_compare(f"--out={self.out}-{expected[:5]}{arguments[0]}", *arguments)
            self.assertEqual(status, 2, said)
            self.assertIn(expected, said)
            self.assertEqual(len(said.splitlines()), 1, said)


if __name__ == "__main__":
    unittest.main()
