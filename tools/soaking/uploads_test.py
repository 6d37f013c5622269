"""Uploads: each way to lose one, or to leave one behind, is found."""

import os
import tempfile
import unittest

from soaking.uploads import Uploads


class UploadsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        self.uploads = Uploads(self.root)

    def write(self, name, content):
        with open(os.path.join(self.root, name), "wb") as file:
            file.write(content)

    def acknowledge(self, name, content):
        self.uploads.begin(name, content)
        self.uploads.acknowledged(name)

    def faults(self, killed=0):
        return self.uploads.check(killed)

    def test_what_was_acknowledged_and_is_there_is_right(self):
        self.acknowledge("a", b"old")
        self.acknowledge("a", b"new")
        self.write("a", b"new")
        self.assertEqual(self.faults(), [])
        self.assertTrue(self.uploads.is_right("a", b"new"))
        self.assertFalse(self.uploads.is_right("a", b"old"))

    def test_what_is_gone_in_part_or_as_it_was_before_is_lost(self):
        for found in (None, b"ne", b"old"):
            with self.subTest(found):
                self.uploads = Uploads(self.root)
                self.acknowledge("a", b"old")
                self.acknowledge("a", b"new")
                if found is not None:
                    self.write("a", found)
                self.assertEqual(len(self.faults()), 1)

    def test_a_refused_upload_leaves_what_was_there(self):
        self.acknowledge("a", b"old")
        self.uploads.begin("a", b"new")
        self.uploads.refused("a")
        self.write("a", b"old")
        self.assertEqual(self.faults(), [])
        self.write("a", b"new")
        self.assertEqual(len(self.faults()), 1)

    def test_a_refused_upload_leaves_no_file(self):
        self.uploads.begin("a", b"new")
        self.uploads.refused("a")
        self.assertFalse(self.uploads.holds("a"))
        self.write("a", b"new")
        self.assertEqual(self.faults(), ["a was never acknowledged, and is there"])

    def test_an_upload_without_an_answer_is_there_as_a_whole_or_not_at_all(self):
        for found, number in ((b"old", 0), (b"new", 0), (b"ne", 1), (None, 1)):
            with self.subTest(found):
                self.uploads = Uploads(self.root)
                self.acknowledge("a", b"old")
                self.uploads.begin("a", b"new")
                self.uploads.unknown("a")
                if found is None:
                    os.unlink(os.path.join(self.root, "a"))
                else:
                    self.write("a", found)
                self.assertEqual(len(self.faults()), number)

    def test_old_names_without_an_answer_are_checked_and_removed(self):
        for number in range(300):
            self.uploads.begin(f"a{number}", b"new")
            self.uploads.unknown(f"a{number}")
            self.write(f"a{number}", b"new")
        self.assertLess(len(os.listdir(self.root)), 210)
        self.assertEqual(self.faults(), [])
        self.assertEqual(self.uploads.checked, 300)

    def test_an_upload_under_a_name_of_its_own_needs_a_process_that_was_killed(self):
        self.write(".polyserve-12-3.part", b"x")
        self.assertEqual(self.uploads.aside(), 1)
        self.assertEqual(self.faults(killed=1), [])
        self.assertEqual(len(self.faults(killed=0)), 1)


if __name__ == "__main__":
    unittest.main()
