"""tools/compare --tune for real, in brief: races, and the best beside the defaults; and that the table of flags knows all of them."""

import csv
import io
import json
import os
import signal
import time
import unittest

from comparison import programs
from comparison.compare_fixture import PATIENCE_S, CompareCase, programs_folder
from comparison.tuning import flags, text


class TunableFlagsTest(unittest.TestCase):
    def test_every_flag_of_a_model_is_tuned_or_has_a_reason_why_not(self):
        server = programs.inspect(os.path.join(programs_folder(), "server"))
        known = {row.flag for row in flags.ROWS} | flags.NOT_TUNED.keys()
        there = {flag for traits in programs.models(server).values() for flag in traits["flags"]}
        self.assertEqual(there - known, set())
        self.assertEqual(known - there, set())
        described = flags.ask(server.path)
        self.assertLessEqual(there, described.keys())
        for row in flags.ROWS:  # A help text that is written another way would leave no values.
            self.assertTrue(row.bundles(flags.Facts(2, 64, True, False), described[row.flag]), row.flag)


class CompareTuneTest(CompareCase):
    def test_settings_race_and_the_best_is_measured_beside_the_default(self):
        status, output, said = self.run_compare("--tune", "--candidates=3", "--models=fork,epoll", "--workloads=echo", "--minutes=0.8",
                                                "--rounds=3", "--duration=0.2", "--seed=1", f"--out={self.out}")
        self.assertIn(status, (0, 1), said)
        run, summary = self.content("run.json"), self.content("summary.json")
        races = {one["race"]: one for one in run["races"]}
        self.assertEqual(races["epoll"]["settings"][0], "epoll")
        self.assertEqual(races["fork"]["settings"], ["fork", "fork --reap=ignore", "fork --reap=double_fork"])
        lines = self.lines("tune")
        self.assertEqual({line["race"] for line in lines}, {"fork", "epoll"})
        self.assertTrue(any(line["failed"] is None for line in lines))
        best = {one["model"]: one["best"] for one in summary["tuning"]["races"]}
        names = [subject["name"] for subject in run["subjects"] if subject["kind"] == "model"]
        self.assertEqual(names[:2], ["fork", "epoll"])
        self.assertEqual(set(names), {"fork", "epoll", *filter(None, best.values())})
        measured = {line["subject"] for line in self.lines("rounds")}
        self.assertLessEqual(set(names), measured)
        self.assertIn(summary["tuning"]["worth"][0]["sentence"], output)
        rows = list(csv.DictReader(io.StringIO(text.csv_text(summary), newline="")))
        self.assertEqual(len(rows), 6)
        self.assertEqual(self.servers_left(), [])

    def test_a_run_that_was_broken_off_in_its_races_goes_on(self):
        process = self.start("--tune", "--candidates=2", "--models=fork,epoll", "--workloads=echo", "--minutes=0.8", "--rounds=3",
                             "--duration=0.2", f"--out={self.out}")
        path, deadline = os.path.join(self.out, "tune.jsonl"), time.monotonic() + PATIENCE_S
        while not os.path.exists(path) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("--resume=", said)
        before, started = self.lines("tune"), self.content("run.json")["started"]
        self.assertFalse(os.path.exists(os.path.join(self.out, "rounds.jsonl")))
        self.check_other_races_are_refused()
        status, _, said = self.run_compare(f"--resume={self.out}")
        self.assertIn(status, (0, 1), said)
        self.assertEqual(self.lines("tune")[:len(before)], before)
        self.assertEqual(self.content("run.json")["started"], started)
        self.assertTrue(self.lines("rounds"))
        self.assertEqual(self.servers_left(), [])

    def check_other_races_are_refused(self):
        """As if the server took other settings now."""
        path, run = os.path.join(self.out, "run.json"), self.content("run.json")
        other = {**run, "races": [{**one, "settings": one["settings"][:1]} for one in run["races"]]}
        self.write(path, other)
        process = self.start(f"--resume={self.out}")
        _, said = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 2, said)
        self.assertIn("takes other settings than when the run began", said)
        self.write(path, run)

    @staticmethod
    def write(path, content):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)

    def test_what_makes_no_sense_with_it_is_said_in_a_line(self):
        for arguments, expected in ((["--tune", "--by=cost"], "races are of what rounds measure"),
                                    (["--tune", "--candidates=1"], "--candidates is 2 at least"),
                                    (["--tune", "--minutes=0.1", "--models=epoll"], "--minutes=")):
            status, _, said = self.run_compare(f"--out={self.out}-{arguments[-1]}", *arguments)
            self.assertEqual(status, 2, said)
            self.assertIn(expected, said)
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertFalse(os.path.exists(os.path.join(f"{self.out}-{arguments[-1]}", "run.json")))  # The folder is free yet.


if __name__ == "__main__":
    unittest.main()
