"""Result folders: whole ones, those that were broken off, and those that are none."""
import json
import pathlib
import tempfile
import unittest

from . import doubts, results, synthetic, tables


class ResultsTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def test_no_folder_says_what_to_give(self):
        with self.assertRaisesRegex(results.ResultsError, "tools/compare"):
            results.Results(self.folder / "none")

    def test_another_schema_is_refused(self):
        synthetic.tiny(self.folder, {"epoll": {"throughput": 100}})
        run = json.loads((self.folder / "run.json").read_text())
        (self.folder / "run.json").write_text(json.dumps({**run, "schema": 1}))
        with self.assertRaisesRegex(results.ResultsError, "run.json has version 1 of the format"):
            results.Results(self.folder)

    def test_what_does_not_follow_the_format_is_refused_with_the_place(self):
        synthetic.tiny(self.folder, {"epoll": {"throughput": 100}})
        summary = json.loads((self.folder / "summary.json").read_text())
        del summary["results"][0]["rounds"]
        (self.folder / "summary.json").write_text(json.dumps(summary))
        with self.assertRaisesRegex(results.ResultsError, r"summary\.json does not follow .*: \$\.results\[0\]: 'rounds' is a required"):
            results.Results(self.folder)

    def test_a_line_that_was_cut_short_is_left_out(self):
        synthetic.tiny(self.folder, {"epoll": {"throughput": 100}})
        (self.folder /
         "rounds.jsonl").write_text('{"round": 1, "subject": "epoll", "workload": "work"}\n{"round": 2, "sub')
        self.assertEqual(len(results.Results(self.folder).rounds), 1)

    def test_a_broken_line_in_the_middle_is_an_error(self):
        synthetic.tiny(self.folder, {"epoll": {"throughput": 100}})
        (self.folder / "rounds.jsonl").write_text('{"round": 1, "sub\n{"round": 2}\n')
        with self.assertRaisesRegex(results.ResultsError, "line 1"):
            results.Results(self.folder)

    def test_a_network_and_a_replayed_log_are_among_the_caveats(self):
        synthetic.tiny(self.folder, {"epoll": {"throughput": 100}})
        self.assertIn("its loopback device", " ".join(doubts.caveats(results.Results(self.folder))))
        run = json.loads((self.folder / "run.json").read_text())
        run |= {"network": "a round trip of 20 ms", "replay": {"schedule_sha256": "00", "remarks": ["1 of 9 lines is left out"]}}
        (self.folder / "run.json").write_text(json.dumps(run))
        found = " ".join(doubts.caveats(results.Results(self.folder)))
        self.assertNotIn("its loopback device", found)
        self.assertIn("the network between them is made by its kernel: a round trip of 20 ms.", found)
        self.assertIn("Of the log that was replayed: 1 of 9 lines is left out.", found)

    def test_a_replay_is_ranked_by_its_response_times(self):
        for flag, is_paced in (("--workload=replay", True), ("--workload=web", True), ("--rate=5", True), ("--workload=http", False)):
            self.assertEqual(results.Workload("w", "http", "", "1/s", True, (flag,)).is_paced, is_paced, flag)

    def test_figures_beside_a_failed_round_are_not_trusted(self):
        measured = results.Results(synthetic.tiny(self.folder, {"fork": {"throughput": 100}}, failed=("fork",)))
        self.assertIsNone(measured.estimate("work", "fork", "throughput"))
        self.assertTrue(measured.cell("work", "fork").failed)

    def test_what_a_model_reaches_of_its_floor_stands_beside_its_figures(self):
        synthetic.tiny(self.folder, {"thread": {"throughput": 80}, "thread floor": {"throughput": 100}})
        measured = results.Results(self.folder)
        self.assertNotIn("of its floor", tables.of_workload(measured, measured.workloads[0]))
        found = json.loads((self.folder / "summary.json").read_text())
        found["floors"] = [{"workload": "work", "metric": "throughput", "model": "thread", "floor": "thread floor",
                            "ratio": 0.8, "low": 0.75, "high": 0.85}]
        (self.folder / "summary.json").write_text(json.dumps(found))
        measured = results.Results(self.folder)
        text = tables.of_workload(measured, measured.workloads[0])
        self.assertIn("of its floor", text)
        self.assertIn("<td class=\"n\">0.80 (0.75 to 0.85)</td>", text)

    def test_verdicts_hold_in_both_directions(self):
        measured = results.Results(synthetic.tiny(
            self.folder, {"epoll": {"throughput": 100}, "poll": {"throughput": 80}}, real=[("epoll", "poll")]))
        self.assertTrue(measured.differs("work", "throughput", "poll", "epoll"))
        self.assertFalse(measured.differs("work", "throughput", "poll", "poll"))

    def test_a_verdict_is_different_equal_or_open(self):
        measured = results.Results(synthetic.tiny(
            self.folder, {"epoll": {"throughput": 100}, "poll": {"throughput": 101}, "fork": {"throughput": 50}},
            real=[("epoll", "fork")], equal=[("epoll", "poll")]))
        self.assertEqual([measured.verdict("work", "throughput", "epoll", name) for name in ("fork", "poll")],
                         ["different", "equal"])
        self.assertEqual(measured.verdict("work", "throughput", "poll", "fork"), "open")

    def test_where_nobody_judged_it_is_open(self):
        figures = {"epoll": {"p": (100, 95, 105)}, "fork": {"p": (150, 140, 160)}}
        self.assertEqual(results.Results(synthetic.tiny(self.folder, figures)).verdict("work", "p", "epoll", "fork"), "open")


if __name__ == "__main__":
    unittest.main()
