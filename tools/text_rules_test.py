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
    def test_long_prose_is_found_once(self):
        self.assertEqual([number for number, _ in text_rules.long_lines("short\n\n" + "word " * 30 + "\n")], [3])

    def test_paragraph_is_wrapped_and_its_neighbours_are_not(self):
        self.assertEqual(text_rules.rewrap("as\nit is\n\n" + "word " * 30 + "\nend\n\nthis\ntoo\n"),
                         "as\nit is\n\n" + " ".join(["word"] * 20) + "\n" + " ".join(["word"] * 10) + " end\n\nthis\ntoo\n")

    def test_list_item_keeps_its_indent(self):
        self.assertEqual(text_rules.rewrap("- " + "word " * 24 + "\n  end\n- next\n"),
                         "- " + " ".join(["word"] * 19) + "\n  " + " ".join(["word"] * 5) + " end\n- next\n")

    def test_tables_code_headings_and_html_are_left_alone(self):
        wide = "wide " * 30
        text = f"| {wide}|\n# {wide}\n<img {wide}>\n```\n{wide}\n```\n[a]: {wide}\n"
        self.assertEqual(text_rules.rewrap(text), text)

    def test_code_is_not_broken_and_no_line_begins_a_list(self):
        wrapped = text_rules.rewrap("word " * 18 + "`some code that is long` " + "x" * 70 + " - " + "y" * 40)
        self.assertIn("\n`some code that is long` ", wrapped)
        self.assertNotRegex(wrapped, r"(?m)^- ")

    def test_what_cannot_be_broken_is_no_fault(self):
        self.assertEqual(list(text_rules.long_lines("x" * 150 + "\n")), [])

    def test_wrapped_page_stays_as_it_is(self):
        once = text_rules.rewrap("1. " + "some words, `and code` (and more) " * 20)
        self.assertEqual(text_rules.rewrap(once), once)


class FilesTest(unittest.TestCase):
    def test_each_kind_of_file_has_its_rules(self):
        with tempfile.TemporaryDirectory() as top:
            for name, text in {"BUILD": deps('"//b"', '"//a"'), "a.md": "word " * 30, "a.cc": "int a; \n", "a.tar": " ",
                               "a.json": '{\n// no\n}\n', "b.json": "[1]\n"}.items():
                with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                    file.write(text)
            found = sorted(":".join(fault.split(":")[:2]) for fault in text_rules.faults(top, sorted(os.listdir(top))))
        self.assertEqual(found, ["BUILD:2", "a.cc:1", "a.json:2", "a.md:1", "a.md:1", "a.md:1"])


if __name__ == "__main__":
    unittest.main()
