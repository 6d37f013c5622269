"""Tests of quota.py: how a program gets a part of a processor only."""

import os
import signal
import subprocess
import unittest
from unittest import mock

from . import processes, quota


class GroupTest(unittest.TestCase):

    def test_system_without_groups_gets_the_other_way(self):
        with mock.patch.object(quota, "_mount_points", return_value=[("/nowhere", 1)]):
            self.assertIn("stopping and continuing", quota.tenth().name)

    def test_child_that_enters_is_bounded_and_the_group_is_removed(self):
        group = quota.Group.create(0.1)
        if group is None:
            self.skipTest("no control group can be made here")
        with subprocess.Popen(["sleep", "1000"], preexec_fn=group.enter) as child:
            self.assertIn("polyserve-grade", processes.read(f"/proc/{child.pid}/cgroup"))
            child.kill()
        group.close()
        self.assertFalse(any("polyserve-grade-%d-" % os.getpid() in name for point, _ in quota._mount_points()
                             for name in os.listdir(point)))


class StopCycleTest(unittest.TestCase):

    def setUp(self):
        self.program = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        self.addCleanup(self.program.wait)
        self.addCleanup(self.program.kill)
        self.tree = processes.ProcessTree(self.program.pid)

    def await_state(self, state):
        while self.tree.processes()[0].state != state:
            pass

    def test_program_is_stopped_and_goes_on_and_runs_at_the_end(self):
        cycle = quota.StopCycle(0.5)
        cycle.watch(self.tree, set())
        for state in "TSTS":
            self.await_state(state)
        cycle.leave()
        self.await_state("S")

    def test_what_the_check_has_stopped_stays_stopped(self):
        os.kill(self.program.pid, signal.SIGSTOP)
        self.await_state("T")
        cycle = quota.StopCycle(0.5)
        with mock.patch.object(quota.os, "kill") as kill:
            cycle.watch(self.tree, {self.program.pid})
            cycle.leave()
        kill.assert_not_called()
        os.kill(self.program.pid, signal.SIGCONT)


if __name__ == "__main__":
    unittest.main()
