"""tools/compare for real, with other work than echo and http, over a network, and within limits."""

import os
import signal
import time
import unittest

from comparison.compare_fixture import PATIENCE_S, CompareCase
from comparison.limits import Limits
from comparison.limits_test import can_make as can_limit
from comparison.network_test import can_make, namespaces_of


class CompareScenesTest(CompareCase):
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
        deadline = time.monotonic() + PATIENCE_S
        while not self.servers_left() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(namespaces_of(process.pid)), 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
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


if __name__ == "__main__":
    unittest.main()
