"""Each model at its best, on the page and as CSV: of data that were made up."""
import csv
import json
import pathlib
import tempfile
import unittest

from comparison import check

from . import page, page_test, results, synthetic, tuning

_BOUNDS = {"median": 1.25, "low": 1.2, "high": 1.3}
_SENTENCE = "echo: the choice of the model matters more than tuning it: models lie a factor of 2.00 apart at their defaults."


def _setting(name, fate, rung, why=None, of_default=None):
    return {"name": name, "flags": name.split()[1:], "rounds": 6, "fate": fate, "rung": rung, "why": why, "of_default": of_default}


_TUNING = {
    "races": [{"workload": "echo", "model": "epoll", "metric": "throughput", "best": "uring", "is_sure": False, "known": 6,
               "refused": [{"name": "epoll --wake=all", "why": "<b>not</b> here"}], "rungs": [{"settings": 4, "rounds": 6}],
               "settings": [_setting("epoll", "finalist", 1), _setting("uring", "best", 1, of_default=_BOUNDS),
                            _setting("epoll --workers=2", "failed", None, "it ended before\nit was ready")]},
              {"workload": "echo", "model": "fork", "metric": "throughput", "best": "fork", "is_sure": True, "known": 1, "refused": [],
               "rungs": [], "settings": [_setting("fork", "best", 1)]}],
    "worth": [{"workload": "echo", "metric": "throughput", "best_of": {"epoll": "uring", "fork": "fork"}, "between_defaults": None,
               "between_best": None, "within": None, "matters": "open",
               "gains": [{"model": "epoll", "best": "uring", "of_default": _BOUNDS, "kind": "different"}], "turned": [],
               "sentence": _SENTENCE}],
}


class TuningTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        # What is the best setting here is another model, whose figures are there.
        synthetic.write(cls.folder, models=("fork", "epoll", "uring"), peers=(), rounds=3, workloads=("echo", "http-64k"))
        summary = cls.folder / "summary.json"
        summary.write_text(json.dumps({**json.loads(summary.read_text(encoding="utf-8")), "tuning": _TUNING}), encoding="utf-8")
        cls.measured = results.Results(cls.folder)

    def test_the_data_follows_the_format(self):
        self.assertEqual([fault for fault in check.faults_of_folder(self.folder) if fault.startswith("summary.json")], [])

    def test_the_page_has_what_tuning_is_worth_and_each_setting(self):
        text = page.write(self.measured, self.folder).read_text(encoding="utf-8")
        outline = page_test.Outline()
        outline.feed(text)
        self.assertEqual((outline.faults, outline.open), ([], []))
        self.assertIn(_SENTENCE, text)
        self.assertIn("1.25 (1.20-1.30)", text)
        self.assertIn("The settings of epoll", text)
        self.assertIn("failed: it ended before it was ready", text)
        self.assertIn("&lt;b&gt;not&lt;/b&gt; here", text)
        self.assertIn("Open: another setting of the last rung may be better", text)
        self.assertIn("2 more settings were not tried", text)

    def test_a_model_without_anything_to_choose_has_no_table_of_settings(self):
        self.assertEqual([one["model"] for one in tuning.of_workload(self.measured.summary, "echo")["races"]], ["epoll"])

    def test_a_workload_without_races_has_nothing(self):
        self.assertIsNone(tuning.of_workload(self.measured.summary, "http-64k"))
        self.assertIsNone(tuning.of_workload({}, "echo"))

    def test_csv_has_a_row_for_each_setting(self):
        self.assertEqual(page.write_csv(self.measured, self.folder), self.folder / "figures.csv")
        with open(self.folder / "tuning.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["setting"] for row in rows], ["epoll", "uring", "epoll --workers=2", "fork"])
        self.assertEqual((rows[1]["of_default"], rows[2]["fate"], rows[2]["why"]), ("1.25", "failed", "it ended before it was ready"))


if __name__ == "__main__":
    unittest.main()
