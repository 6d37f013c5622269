"""Limits: what is asked for, which groups that makes, what is read from them, and, where groups may be made, that a server is held
to its limits and that it is counted."""

import os
import tempfile
import time
import unittest

from comparison import cgroup, limits, measure, processes, single_figures, subjects, table, workloads
from comparison.limits import Events, LimitError, Limits

_PATIENCE_S = 100


def can_make(wanted):
    try:
        limits.create(wanted).remove()
    except LimitError:
        return False
    return True


class ParseTest(unittest.TestCase):
    def test_both_and_each(self):
        self.assertEqual(Limits.parse("cpus:0.5,memory:128M"), Limits(0.5, 128 * 2**20))
        self.assertEqual(Limits.parse("memory:1.5G"), Limits(0.0, 3 * 2**29))
        self.assertEqual(Limits.parse("cpus:2, memory:4096K").title(), "2 processors and 4 MiB of memory")
        self.assertEqual(Limits.parse("cpus:1").title(), "1 processor")

    def test_what_makes_no_sense_is_named(self):
        for text in ("", "cpus", "cpus:", "cpus:0", "cpus:0.001", "cpus:-1", "cpus:half", "memory:128", "memory:128m", "memory:1K", "memory:0M",
                     "disk:1G", "cpus:1,cpus:2", "cpus:1;memory:1G"):
            with self.assertRaisesRegex(LimitError, "is not understood; .*cpus:0.5,memory:128M"):
                Limits.parse(text)

    def test_limits_that_limit_nothing_are_refused(self):
        with self.assertRaisesRegex(LimitError, r"cpus:2 limits nothing, since the server has 2 processors \(--server_cpus\)"):
            limits.check(Limits(2.0), 2)


class Counting:
    """In place of a cgroup.CpuGroup."""

    def __init__(self):
        self.removed = False

    def cpu_times(self):
        return 1.0, 2.0

    def remove(self):
        self.removed = True


class FolderTest(unittest.TestCase):
    """Folders in place of the kernel's."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = scratch.name

    def put(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def content(self, path):
        with open(os.path.join(self.top, path), encoding="ascii") as file:
            return file.read()


class GroupTest(FolderTest):
    def version2(self, wanted, own="/user"):
        return limits.make_version2(wanted, "box", [(self.top, "cgroup2", "rw")], {"": own}.get)

    def version1(self, wanted, counting):
        mounts = [(f"{self.top}/cpu", "cgroup", "rw,cpu,cpuacct"), (f"{self.top}/memory", "cgroup", "rw,memory")]
        return limits.make_version1(wanted, "box", mounts, {"cpu": "/low", "memory": "/"}.get, lambda: counting)

    def test_version_2_has_one_group_for_all(self):
        self.put("user/cgroup.subtree_control", "cpu io memory pids\n")
        box = self.version2(Limits(0.5, 2**27))
        self.assertEqual(self.content("user/box/cpu.max"), "50000 100000")
        self.assertEqual(self.content("user/box/memory.max"), "134217728")
        self.put("user/box/cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 3\nthrottled_usec 2500000\n")
        self.put("user/box/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n")
        self.assertEqual(box.events(), Events(2.5, 2))
        self.assertEqual(box.cpu_times(), (20e-6, 10e-6))

    def test_version_2_takes_the_group_at_the_top_if_ours_hands_on_nothing(self):
        self.put("user/cgroup.subtree_control", "\n")
        self.put("cgroup.subtree_control", "cpu memory\n")
        self.version2(Limits(0.5))
        self.assertEqual(self.content("box/cpu.max"), "50000 100000")

    def test_version_2_without_its_controllers_is_refused_with_the_reason(self):
        self.put("cgroup.subtree_control", "memory\n")
        with self.assertRaisesRegex(LimitError, f"{self.top}/user does not hand on cpu and memory, {self.top} does not hand on cpu$"):
            self.version2(Limits(0.5, 2**27))
        with self.assertRaisesRegex(LimitError, "not mounted"):
            limits.make_version2(Limits(0.5), "box", [], lambda _: "/")

    def test_version_1_has_a_group_for_each_controller(self):
        os.makedirs(f"{self.top}/cpu/low")
        os.makedirs(f"{self.top}/memory")
        counting = Counting()
        box = self.version1(Limits(0.25, 2**26), counting)
        self.assertEqual(self.content("cpu/low/box/cpu.cfs_quota_us"), "25000")
        self.assertEqual(self.content("memory/box/memory.limit_in_bytes"), "67108864")
        self.put("cpu/low/box/cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 1500000000\n")
        self.put("memory/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
        self.assertEqual((box.events(), box.cpu_times()), (Events(1.5, 3), (1.0, 2.0)))
        box.remove()
        self.assertTrue(counting.removed)

    def test_version_1_without_a_hierarchy_is_refused_and_leaves_no_group(self):
        os.makedirs(f"{self.top}/cpu/low")  # There is none of memory.
        with self.assertRaisesRegex(LimitError, f"^{self.top}/memory: No such file or directory$"):
            self.version1(Limits(memory_bytes=2**26), Counting())
        with self.assertRaisesRegex(LimitError, "no hierarchy of memory"):
            limits.make_version1(Limits(memory_bytes=2**26), "box", [(f"{self.top}/cpu", "cgroup", "cpu")], lambda _: "/", Counting)
        self.assertEqual(os.listdir(f"{self.top}/cpu/low"), [])


class GivenTest(FolderTest):
    """What a container gives the tools themselves."""

    def test_version_2_is_limited_by_each_group_above(self):
        self.put("cpu.max", "max 100000\n")
        self.put("outer/cpu.max", "150000 100000\n")
        self.put("outer/inner/cpu.max", "max 100000\n")
        self.put("outer/memory.max", "max\n")
        self.put("outer/inner/memory.max", "1048576\n")
        self.assertEqual(cgroup.given([(self.top, "cgroup2", "rw")], {"": "/outer/inner"}.get), {"cpus": 1.5, "memory_kib": 1024})

    def test_version_1_has_a_hierarchy_for_each_controller(self):
        self.put("cpu/low/cpu.cfs_quota_us", "25000\n")
        self.put("cpu/low/cpu.cfs_period_us", "50000\n")
        self.put("cpu/cpu.cfs_quota_us", "-1\n")
        self.put("cpu/cpu.cfs_period_us", "100000\n")
        self.put("memory/memory.limit_in_bytes", "9223372036854771712\n")
        mounts = [(f"{self.top}/cpu", "cgroup", "rw,cpu,cpuacct"), (f"{self.top}/memory", "cgroup", "rw,memory")]
        self.assertEqual(cgroup.given(mounts, {"cpu": "/low", "memory": "/"}.get), {"cpus": 0.5, "memory_kib": None})

    def test_a_path_of_the_host_leads_to_the_top_of_what_a_container_sees(self):
        self.put("cpu.max", "200000 100000\n")
        self.assertEqual(cgroup.given([(self.top, "cgroup2", "rw")], {"": "/docker/0123"}.get), {"cpus": 2.0, "memory_kib": None})

    def test_without_control_groups_there_is_no_limit(self):
        self.assertEqual(cgroup.given([], lambda controller: None), {"cpus": None, "memory_kib": None})


class WorkloadTest(unittest.TestCase):
    def test_a_limited_server_is_measured_for_many_periods_without_a_rest(self):
        echo = limits.whole_periods(workloads.choose(["echo"])[0])
        self.assertEqual((echo.rests, echo.least_s), (False, 1.0))


class SummaryTest(unittest.TestCase):
    @staticmethod
    def line(throttled_s, kills, survived, seconds=2.0):
        return {"seconds": seconds, "limits": {"throttled_s": throttled_s, "oom_kills": kills, "survived": survived}}

    def test_rounds_that_failed_count_too(self):
        lines = [self.line(0.5, 0, True), self.line(1.0, 2, True), {**self.line(0.0, 1, False), "seconds": None}]
        self.assertEqual(single_figures.limits(lines), {"limits": {"throttled": 0.375, "oom_kills": 3, "survived": 2, "rounds": 3}})
        self.assertEqual(single_figures.limits(lines[2:])["limits"]["throttled"], None)

    def test_without_limits_there_is_nothing(self):
        self.assertEqual(single_figures.limits([{"seconds": 2.0}]), {})

    def test_a_subject_without_figures_is_in_the_table(self):
        def result(name, **own):
            return {"subject": name, "workload": "echo", "metrics": {}, "limits": {"rounds": 3, **own}}
        summary = {"ranking": {}, "ranked_by": {"echo": "throughput"}, "results": [
            result("epoll", throttled=0.41, oom_kills=0, survived=3), result("fork", throttled=None, oom_kills=3, survived=0)]}
        self.assertEqual(table.limits_rows(summary, {"name": "echo"}), [("epoll", "41 %", "0", "3/3"), ("fork", "-", "3", "0/3")])
        self.assertEqual(table.limits_rows({"results": [{"subject": "epoll"}]}, {"name": "echo"}), [])


# Says that it is ready, then does this.
_SERVER = """
import sys, time
print("listening echo tcp 127.0.0.1:9", flush=True)
print("ready model=none", flush=True)
{}
"""
_SPINS = "while True: pass"
_TAKES_MEMORY = "time.sleep(0.1); taken = bytearray(200 << 20); time.sleep(1000)"


class ServerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def start(self, what, within):
        return processes.Server(["/usr/bin/python3", "-c", _SERVER.format(what)], (), os.path.join(self.scratch, "log"), within=within)

    def until(self, is_so):
        deadline = time.monotonic() + _PATIENCE_S
        while not is_so():
            self.assertLess(time.monotonic(), deadline, "it does not come")
            time.sleep(0.02)

    @unittest.skipUnless(can_make(Limits(cpus=0.02)), "no group with a limit of processor time may be made here")
    def test_a_server_that_wants_more_than_its_share_is_throttled(self):
        with self.start(_SPINS, Limits(cpus=0.02)) as server:
            self.until(lambda: server.events().throttled_s > 0)
            self.assertEqual(server.events().oom_kills, 0)
            self.assertTrue(server.counts_all_children)
            self.until(lambda: server.cpu_times()[0] > 0)

    @unittest.skipUnless(can_make(Limits(memory_bytes=2**26)), "no group with a limit of memory may be made here")
    def test_a_server_that_wants_more_memory_is_killed_and_counted(self):
        with self.start(_TAKES_MEMORY, Limits(memory_bytes=2**26)) as server:
            self.until(lambda: server.exit_status is not None)
            self.assertEqual((server.exit_status, server.events().oom_kills), (-9, 1))

    @unittest.skipUnless(can_make(Limits(memory_bytes=2**20)), "no group with a limit of memory may be made here")
    def test_a_server_for_which_memory_does_not_even_start_it_says_so(self):
        with self.assertRaisesRegex(processes.ServerError, "processes killed for want of memory: 1") as raised:
            self.start("", Limits(memory_bytes=2**20))
        self.assertEqual(raised.exception.events.oom_kills, 1)

    @unittest.skipUnless(can_make(Limits(memory_bytes=2**20)), "no group with a limit of memory may be made here")
    def test_no_group_is_left(self):
        made = []
        create = limits.create
        self.addCleanup(setattr, limits, "create", create)
        limits.create = lambda within: made.append(create(within)) or made[-1]
        with self.start("time.sleep(1000)", Limits(memory_bytes=2**26)):
            folders = list(made[0]._folders.values())  # pylint: disable=protected-access
            self.assertTrue(all(map(os.path.isdir, folders)))
        self.assertFalse(any(map(os.path.exists, folders)))


class Hungry:
    """A subject that needs more memory than it gets to be started at all."""

    def start(self, _service, setting):
        return processes.Server(["/usr/bin/python3", "-c", "0"], (), os.path.join(setting.logs, "log"), within=setting.within)


class LineTest(unittest.TestCase):
    @unittest.skipUnless(can_make(Limits(memory_bytes=2**20)), "no group with a limit of memory may be made here")
    def test_a_server_that_does_not_start_has_a_line_that_says_why(self):
        with tempfile.TemporaryDirectory() as scratch:
            setting = subjects.Setting("/", (), scratch, scratch, 1, within=Limits(memory_bytes=2**20))
            line = measure.measure(Hungry(), workloads.choose(["echo"])[0], setting, None, 1.0, 1)
        self.assertEqual(line["limits"], {"throttled_s": 0.0, "oom_kills": 1, "survived": False})
        self.assertIn("processes killed for want of memory: 1", line["failed"])


if __name__ == "__main__":
    unittest.main()
