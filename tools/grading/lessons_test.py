"""Tests of lessons.py."""

import os
import unittest

from . import lessons

_PAGE = """# A lesson

```console
$ tools/demo --model=loop
ready model=loop pid=1
```
Not this: `$ ls`.

```
$ nor this
```
```console
$ one; two
```
"""


class CommandsTest(unittest.TestCase):

    def test_only_blocks_of_the_console_count(self):
        self.assertEqual(lessons.commands(_PAGE), [("tools/demo --model=loop", ["ready model=loop pid=1"]), ("one; two", [])])


class ComparisonTest(unittest.TestCase):

    def test_numbers_and_blanks_may_differ(self):
        self.assertEqual(lessons.missing(["pid 17  at 0xff12, 1,234 times"], ["pid 4 at 0x1, 7 times"]), [])

    def test_line_that_was_not_printed_is_missing(self):
        self.assertEqual(lessons.missing(["hello", "...", "bye"], ["hello", "you"]), ["bye"])


class ShellTest(unittest.TestCase):

    def setUp(self):
        self.shell = lessons.Shell("/", dict(os.environ))
        self.addCleanup(self.shell.close)

    def test_commands_share_one_shell(self):
        self.assertEqual(self.shell.run("one=1; false"), (1, []))
        self.assertEqual(self.shell.run("echo $one; echo more >&2"), (0, ["1", "more"]))


class PagesTest(unittest.TestCase):

    def test_each_lesson_starts_a_server_and_has_commands(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "course", "lessons")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found = lessons.commands(file.read())
            self.assertTrue(found and found[0].text.startswith("tools/demo"), name)
            self.assertGreater(len(found), 3, name)


if __name__ == "__main__":
    unittest.main()
