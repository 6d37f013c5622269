"""The result folder: nothing that was written is lost, and nothing is mixed up."""

import json
import os
import tempfile
import unittest

from comparison import store


class StoreTest(unittest.TestCase):
    def setUp(self):
        self._scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self._scratch.cleanup)
        self.folder = store.Store.create(os.path.join(self._scratch.name, "run"))

    def test_lines_come_back_in_order(self):
        for number in range(3):
            self.folder.append(store.ROUNDS, {"round": number, "text": "ä\n"})
        self.assertEqual([line["round"] for line in self.folder.lines(store.ROUNDS)], [0, 1, 2])
        self.assertEqual(self.folder.lines(store.ROUNDS)[0]["text"], "ä\n")

    def test_a_line_that_was_cut_off_is_left_out_and_trimmed(self):
        self.folder.append(store.ROUNDS, {"round": 1})
        with open(self.folder.path("rounds.jsonl"), "a", encoding="utf-8") as file:
            file.write('{"round": 2, "lo')
        self.assertEqual(len(self.folder.lines(store.ROUNDS)), 1)
        self.folder.trim(store.ROUNDS)
        self.folder.append(store.ROUNDS, {"round": 3})
        self.assertEqual([line["round"] for line in self.folder.lines(store.ROUNDS)], [1, 3])

    def test_a_folder_with_a_run_is_not_written_over(self):
        self.folder.write_run({"schema": store.SCHEMA})
        with self.assertRaisesRegex(store.StoreError, "--resume="):
            store.Store.create(self.folder.folder)

    def test_only_a_run_of_this_schema_is_opened(self):
        with self.assertRaisesRegex(store.StoreError, "no run"):
            store.Store.open(self.folder.folder)
        self.folder.write_run({"schema": store.SCHEMA + 1})
        with self.assertRaisesRegex(store.StoreError, "another version"):
            store.Store.open(self.folder.folder)
        self.folder.write_run({"schema": store.SCHEMA, "seed": 5})
        self.assertEqual(store.Store.open(self.folder.folder).run()["seed"], 5)

    def test_a_file_is_whole_or_the_old_one(self):
        self.folder.write_summary({"a": 1})
        self.folder.write_summary({"a": 2})
        with open(self.folder.path("summary.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"a": 2})
        self.assertNotIn("summary.json.new", os.listdir(self.folder.folder))

    def test_of_what_was_not_measured_there_are_no_lines(self):
        self.assertEqual(self.folder.lines(store.IDLE), [])
        self.assertIsNone(self.folder.summary())


if __name__ == "__main__":
    unittest.main()
