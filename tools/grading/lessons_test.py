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
```console limit=300
$ three
it took a while
```
"""


class CommandsTest(unittest.TestCase):

    def test_only_blocks_of_the_console_count(self):
        self.assertEqual([(command.text, command.shown) for command in lessons.commands(_PAGE)],
                         [("tools/demo --model=loop", ["ready model=loop pid=1"]), ("one; two", []), ("three", ["it took a while"])])

    def test_block_that_sets_a_limit_has_long_commands(self):
        self.assertEqual([(command.seconds, command.is_long) for command in lessons.commands(_PAGE)],
                         [(60, False), (60, False), (300, True)])


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

    def test_command_that_is_not_done_in_time_has_no_status(self):
        self.assertIsNone(self.shell.run("read; read", seconds=0)[0])


class RunTest(unittest.TestCase):
    _PAGE = "```console\n$ echo short\nshort\n```\n```console limit=300\n$ echo long\n```\n"

    def texts(self, **options):
        return [command.text for command, _, _ in lessons.run(self._PAGE, "/", dict(os.environ), **options)]

    def test_long_commands_run_only_if_asked_for(self):
        self.assertEqual(self.texts(with_long=False), ["echo short"])
        self.assertEqual(self.texts(with_long=True), ["echo short", "echo long"])


class PagesTest(unittest.TestCase):

    def setUp(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "course", "lessons")
        self.pages = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                self.pages[name] = file.read()

    def test_each_lesson_starts_a_server_and_has_commands(self):
        for name, page in self.pages.items():
            found = lessons.commands(page)
            self.assertTrue(found and found[0].text.startswith("tools/demo"), name)
            self.assertGreater(len(found), 3, name)

    def test_each_block_is_one_that_is_run(self):
        for name, page in self.pages.items():
            fences = [line for line in page.splitlines() if line.startswith("```")]
            for opening in fences[::2]:
                self.assertRegex(opening, r"^```console( limit=\d+)?$", name)


if __name__ == "__main__":
    unittest.main()
