"""tools/compare check: what it finds in a folder, and what it says. All results are made up."""

import contextlib
import io
import json
import os
import tempfile
import unittest

from comparison import check, made_up_results
from comparison.made_up_results import BETTER, verdict

_IDLE = {"subject": "epoll", "workload": "echo", "idle": 100, "load": {"replies_per_second": 5.0}, "failed": None}


class FolderTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def write(self, name="run", verdicts=(verdict("poll", "epoll", BETTER),), **more):
        return made_up_results.write(os.path.join(self.scratch, name), verdicts, **more)

    def put(self, folder, name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


class FaultsTest(FolderTest):
    def test_a_good_folder_has_no_faults(self):
        folder = self.write()
        self.put(folder, "idle.jsonl", json.dumps(_IDLE) + "\n")
        self.assertEqual(check.faults_of_folder(folder), [])

    def test_a_line_is_told_by_its_number(self):
        folder = self.write()
        lines = (_IDLE, {**_IDLE, "idle": -1}, {**_IDLE, "subject": "nobody"}, {**_IDLE, "workload": "nothing"})
        self.put(folder, "idle.jsonl", "".join(json.dumps(line) + "\n" for line in lines) + "{\n")
        found = check.faults_of_folder(folder)
        self.assertEqual(found[:3], ["idle.jsonl, line 2: $.idle: -1 is less than the minimum of 0",
                                     "idle.jsonl, line 3: $.subject: 'nobody' is no subject of run.json",
                                     "idle.jsonl, line 4: $.workload: 'nothing' is no workload of run.json"])
        self.assertTrue(found[3].startswith("idle.jsonl, line 5: it is no JSON: "), found)
        self.assertEqual(len(found), 4)

    def test_a_last_line_that_was_cut_off_is_left_out_as_all_tools_do(self):
        folder = self.write()
        self.put(folder, "idle.jsonl", json.dumps(_IDLE) + "\n" + json.dumps(_IDLE)[:20])
        self.assertEqual(check.faults_of_folder(folder), [])

    def test_a_verdict_on_what_did_not_take_part_is_found(self):
        folder = self.write(run={"subjects": [{"name": "poll", "kind": "model", "model": "poll", "flags": []}]},
                            summary={"ranked_by": {"echo": "throughput", "http": "throughput"}})
        self.assertEqual(check.faults_of_folder(folder), ["summary.json: $.verdicts[0].b: 'epoll' is no subject of run.json",
                                                          "summary.json: $.ranked_by: 'http' is no workload of run.json"])

    def test_a_summary_without_its_run_is_found(self):
        folder = self.write()
        os.remove(os.path.join(folder, "run.json"))
        self.assertEqual(len(check.faults_of_folder(folder)), 1)
        self.assertIn("run.json: it is missing", check.faults_of_folder(folder)[0])

    def test_a_folder_of_something_else_is_no_result(self):
        self.assertIn("it holds no result", check.faults_of_folder(self.scratch)[0])


class CommandTest(FolderTest):
    def run_check(self, *arguments):
        output, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(said):
            status = check.main(arguments)
        return status, output.getvalue(), said.getvalue()

    def test_all_good_is_status_0(self):
        folder = self.write()
        self.assertEqual(self.run_check(folder), (0, f"{folder}: follows the format\n", ""))

    def test_each_folder_is_checked_whatever_is_wrong_with_others(self):
        bad, good = self.write("bad", summary={"margin": 2}), self.write("good")
        self.assertEqual(self.run_check(bad, good),
                         (1, f"{bad}: 1 fault\n  summary.json: $.margin: 2 is greater than the maximum of 0.5\n{good}: follows the format\n", ""))

    def test_of_many_faults_the_first_are_shown_and_all_on_request(self):
        folder = self.write()
        self.put(folder, "idle.jsonl", (json.dumps({**_IDLE, "idle": None}) + "\n") * 25)
        _, output, _ = self.run_check(folder)
        self.assertEqual((output.count("idle.jsonl"), output.splitlines()[-1]), (20, "  and 5 more: --all shows them"))
        self.assertEqual(self.run_check(folder, "--all")[1].count("idle.jsonl"), 25)

    def test_no_folder_is_wrong_usage(self):
        status, output, said = self.run_check(os.path.join(self.scratch, "none"))
        self.assertEqual((status, output), (2, ""))
        self.assertIn("none cannot be read: ", said)


if __name__ == "__main__":
    unittest.main()
