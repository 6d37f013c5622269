"""tools/compare for real, as short as can be: the folder is complete, Ctrl-C keeps what there is and leaves nobody behind."""

import json
import os
import signal
import time
import unittest

from comparison.compare_fixture import PATIENCE_S, CompareCase


class CompareTest(CompareCase):
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

    def await_lines(self, process, number):
        """Until so many rounds are measured."""
        path = os.path.join(self.out, "rounds.jsonl")
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.assertIsNone(process.poll(), "it has ended already")
            if os.path.exists(path) and len(self.lines("rounds")) >= number:
                return
            time.sleep(0.02)
        self.fail("nothing was measured")

    def test_ctrl_c_keeps_what_was_measured_and_leaves_nobody_and_resume_goes_on(self):
        process = self.start("--models=fork,epoll", "--workloads=echo", "--rounds=2", "--duration=0.3",
                             "--parts=rounds", f"--out={self.out}")
        self.await_lines(process, 2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
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

    def test_servers_end_with_a_comparison_that_is_killed(self):
        process = self.start("--models=fork,thread", "--workloads=echo", "--rounds=2", "--duration=30",
                             "--parts=rounds", f"--out={self.out}")
        deadline = time.monotonic() + PATIENCE_S
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
