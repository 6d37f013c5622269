"""Tests of processes.py."""

import os
import subprocess
import unittest

from . import processes
from .processes import Thread


class ParsingTest(unittest.TestCase):

    def test_name_may_hold_blanks_and_parentheses(self):
        self.assertEqual(processes.parse_stat("17 (a (b) c) S 4 17 9 0 -1"), ("a (b) c", "S", 4, 9))

    def test_both_kinds_of_switches_count(self):
        self.assertEqual(processes.parse_switches("State:\tS (sleeping)\nvoluntary_ctxt_switches:\t7\n"
                                                  "nonvoluntary_ctxt_switches:\t2\n"), 9)


class StillnessTest(unittest.TestCase):

    def setUp(self):
        self.stillness = processes.Stillness()

    def test_sleepers_are_still_since_the_first_look(self):
        threads = [Thread(1, 1, "S", 5), Thread(1, 2, "Z", 1)]
        self.assertEqual([self.stillness.look(threads, now) for now in (10.0, 10.5, 12.0)], [0.0, 0.5, 2.0])

    def test_thread_that_would_run_if_it_could_is_not_still(self):
        self.stillness.look([Thread(1, 1, "S", 5)], 10.0)
        self.assertEqual(self.stillness.look([Thread(1, 1, "R", 5)], 11.0), 0.0)
        self.assertEqual(self.stillness.look([Thread(1, 1, "S", 5)], 12.0), 0.0)

    def test_stopped_thread_is_not_still(self):
        self.assertEqual([self.stillness.look([Thread(1, 1, "T", 5)], now) for now in (1.0, 2.0)], [0.0, 0.0])

    def test_thread_that_has_run_between_two_looks_begins_anew(self):
        self.stillness.look([Thread(1, 1, "S", 5)], 10.0)
        self.assertEqual(self.stillness.look([Thread(1, 1, "S", 6)], 11.0), 0.0)
        self.assertEqual(self.stillness.look([Thread(1, 1, "S", 6)], 11.5), 0.5)

    def test_program_that_has_gone_is_still(self):
        self.assertEqual([self.stillness.look([], now) for now in (1.0, 3.0)], [0.0, 2.0])


class TreeTest(unittest.TestCase):

    def test_children_and_orphans_of_the_session_are_found_and_no_others(self):
        with subprocess.Popen(["sh", "-c", "sleep 1000 & (sleep 1001 &); read line"], stdin=subprocess.PIPE,
                              start_new_session=True) as program:
            tree = processes.ProcessTree(program.pid)
            while [process.name for process in tree.processes()].count("sleep") < 2:
                pass
            self.assertNotIn(os.getpid(), [process.pid for process in tree.processes()])
            self.assertEqual({thread.pid for thread in tree.threads()}, {process.pid for process in tree.processes()})
            self.assertIn(0, tree.descriptors(program.pid))
            self.assertGreater(tree.resident_bytes(program.pid), 0)
            os.killpg(program.pid, 9)


if __name__ == "__main__":
    unittest.main()
