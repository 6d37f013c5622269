"""Tests of text_rules.py."""

import os
import tempfile
import unittest

import text_rules


def deps(*labels):
    return "cc_library(\n    deps = [\n" + "".join(f"        {label},\n" for label in labels) + "    ],\n)\n"


class BuildTest(unittest.TestCase):
    def found(self, *labels):
        return list(text_rules.unsorted_lists(deps(*labels)))

    def test_own_package_comes_first_then_the_tree_then_others(self):
        self.assertEqual(self.found('":b"', '"//a"', '"//a:b"', '"//a/b:c"', '"@c//:d"'), [])

    def test_wrong_order_is_named_with_its_line(self):
        self.assertEqual(self.found('"//a"', '":b"'), [(2, "deps are not in order: :b, //a")])

    def test_list_with_a_comment_is_left_alone(self):
        self.assertEqual(self.found('"//b"', "# Last, since it is linked last.\n        \"//a\""), [])


class PageTest(unittest.TestCase):
    def found(self, text):
        return [number for number, _ in text_rules.long_lines(text)]

    def test_long_prose_is_found(self):
        self.assertEqual(self.found("short\n" + "word " * 30 + "\n"), [2])

    def test_tables_code_and_headings_are_left_alone(self):
        wide = "x" * 150
        self.assertEqual(self.found(f"| {wide} |\n# {wide}\n```\n{wide}\n```\n[a]: {wide}\n"), [])

    def test_prose_behind_code_is_found(self):
        self.assertEqual(self.found("```\ncode\n```\n" + "word " * 30), [4])


class FilesTest(unittest.TestCase):
    def test_each_kind_of_file_has_its_rules(self):
        with tempfile.TemporaryDirectory() as top:
            for name, text in {"BUILD": deps('"//b"', '"//a"'), "a.md": "word " * 30, "a.cc": "int a; \n", "a.tar": " "}.items():
                with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                    file.write(text)
            found = sorted(":".join(fault.split(":")[:2]) for fault in text_rules.faults(top, ["BUILD", "a.md", "a.cc", "a.tar"]))
        self.assertEqual(found, ["BUILD:2", "a.cc:1", "a.md:1", "a.md:1"])


if __name__ == "__main__":
    unittest.main()
