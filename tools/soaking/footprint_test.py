"""What a server may hold at the end: as much as before, and what is allowed beyond."""

import dataclasses
import unittest

from soaking.footprint import MEMORY_KIB, MEMORY_KIB_OF_A_PROCESS, Footprint, compare

_BEFORE = Footprint(processes=3, threads=5, zombies=0, descriptors=40, connections=1, temporaries=0, pss_kib=20_000)


class FootprintTest(unittest.TestCase):
    def failed(self, killed=0, **changes):
        return [check.name for check in compare(_BEFORE, dataclasses.replace(_BEFORE, **changes), killed) if not check.ok]

    def test_what_is_as_before_or_less_is_right(self):
        self.assertEqual(self.failed(), [])
        self.assertEqual(self.failed(descriptors=38, pss_kib=10_000), [])

    def test_each_figure_that_has_grown_is_found(self):
        for name in ("processes", "threads", "zombies", "descriptors", "connections", "temporaries"):
            self.assertEqual(self.failed(**{name: getattr(_BEFORE, name) + 1}), [name])

    def test_a_server_that_does_not_say_how_many_connections_it_has_is_found(self):
        self.assertEqual(self.failed(connections=-1), ["connections"])

    def test_memory_has_its_allowance_and_no_more(self):
        most = 25_000 + MEMORY_KIB + _BEFORE.processes * MEMORY_KIB_OF_A_PROCESS
        self.assertEqual(self.failed(pss_kib=most), [])
        self.assertEqual(self.failed(pss_kib=most + 1), ["memory, KiB (PSS)"])

    def test_a_process_that_was_killed_may_leave_one_temporary_file(self):
        self.assertEqual(self.failed(killed=2, temporaries=2), [])
        self.assertEqual(self.failed(killed=2, temporaries=3), ["temporaries"])


if __name__ == "__main__":
    unittest.main()
