"""What --help prints, as data."""

import unittest

from distribution import help_text

SAMPLE = """server: serves files and more

  server --model=epoll --root=DIR
  server --model=help         prints what each model can do

What is served, and by whom:
  --model=NAME            who serves a client (default: epoll)
  --listen=SERVICE[+udp]://HOST:PORT,...
                          what to serve and where; port 0 is any free
                          port
  --overload=wait|refuse  what to do with the others
  --[no]tcp_nodelay       send small replies at once
  -o PATH                 where to put it

Models:
  loop                    one client after the other
  http-close              a new connection each

SIGTERM lets running requests
finish.

Exit status: 0 done; 1 not.
"""

TOOL = '''#!/usr/bin/python3
"""Searches for faults. It takes its time, for example:

  tools/search            # all of them
  tools/search --one=two  # one,
                          # and quickly

Prints what it found.
"""
'''

OPTIONS = """usage: tools/search [-h] [--one ONE]

Searches for faults.

options:
  -h, --help           show this help message and exit
  --one ONE            the first; with a long
                       remark
  --by {some,others}
                       what counts

Exit status: 0 nothing found.
"""


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.help = help_text.parse(SAMPLE)
        self.flags = {entry.flag: entry for entry in self.help.flags()}

    def test_the_first_line_is_the_name_and_what_it_does(self):
        self.assertEqual((self.help.name, self.help.summary), ("server", "serves files and more"))
        self.assertEqual(self.help.examples, [("server --model=epoll --root=DIR", ""),
                                              ("server --model=help", "prints what each model can do")])

    def test_topics_have_entries(self):
        self.assertEqual([section.title for section in self.help.sections], ["What is served, and by whom", "Models"])
        self.assertEqual([entry.head for entry in self.help.section("Models").entries], ["loop", "http-close"])

    def test_long_entries_are_joined(self):
        self.assertEqual(self.flags["--listen"].text, "what to serve and where; port 0 is any free port")
        self.assertEqual(self.flags["--listen"].value, "SERVICE[+udp]://HOST:PORT,...")

    def test_values_are_the_choices_or_what_a_topic_lists(self):
        self.assertEqual(self.help.values(self.flags["--overload"]), ["wait", "refuse"])
        self.assertEqual(self.help.values(self.flags["--model"]), ["loop", "http-close"])
        self.assertEqual(self.help.values(self.flags["--listen"]), [])

    def test_switches_have_no_value(self):
        self.assertEqual(self.flags["--tcp_nodelay"].value, "")
        self.assertTrue(self.flags["--tcp_nodelay"].is_negatable)

    def test_short_flags_take_a_value_as_well(self):
        self.assertEqual(self.flags["-o"].value, "PATH")

    def test_the_rest_is_paragraphs(self):
        self.assertEqual(self.help.paragraphs, ["SIGTERM lets running requests finish.", "Exit status: 0 done; 1 not."])


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.help = help_text.parse_tool("search", TOOL, OPTIONS)

    def test_the_first_sentence_is_the_summary(self):
        self.assertEqual(self.help.summary, "Searches for faults")
        self.assertEqual(self.help.paragraphs,
                         ["It takes its time.", "Prints what it found.", "Exit status: 0 nothing found."])

    def test_examples_have_remarks(self):
        self.assertEqual(self.help.examples, [("tools/search", "all of them"), ("tools/search --one=two", "one, and quickly")])

    def test_options_are_those_of_argparse(self):
        entries = {entry.flag: entry for entry in self.help.flags()}
        self.assertEqual(list(entries), ["--help", "--one", "--by"])
        self.assertEqual((entries["--one"].value, entries["--one"].text), ("ONE", "the first; with a long remark"))
        self.assertEqual(entries["--by"].choices, ["some", "others"])

    def test_comments_of_a_script_are_its_text(self):
        info = help_text.parse_tool("run", "#!/bin/bash\n# Runs it. Other uses:\n#   tools/run fast   # fast\n# Needs root.\nset -e\n")
        self.assertEqual((info.summary, info.examples), ("Runs it", [("tools/run fast", "fast")]))
        self.assertEqual(info.paragraphs, ["Other uses:", "Needs root."])


if __name__ == "__main__":
    unittest.main()
