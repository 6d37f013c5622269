"""Manual pages and the completion of shells, made of a sample."""

import os
import shutil
import subprocess
import tempfile
import unittest

from distribution import completion, help_text, manual

CLIENT = help_text.parse("""client: fetches files

  client [FLAG]... COMMAND

Commands:
  get NAME                fetch a file
  put PATH [NAME]         send a file
  backup DIRECTORY        put all files: the whole directory

Flags of get:
  -o PATH                 where to put it: 'here' [or there]
  --from=HOST:PORT,...    \\ a . and a ' (see ~/x)
  --how=fast|well         how
  --root=DIR              the directory
  --[no]check             check it
  --quiet                 show nothing

Exit status: 0 done; 1 refused; not found; 2 wrong usage.
""")


class PageTest(unittest.TestCase):
    def setUp(self):
        self.page = manual.render(CLIENT, "polyserve-client", "1.2.3")

    def test_it_has_the_usual_sections(self):
        for line in ('.TH POLYSERVE\\-CLIENT 1 "" "polyserve 1.2.3" "Polyserve"', ".SH NAME",
                     "polyserve\\-client \\- fetches files", ".SH OPTIONS", ".SH COMMANDS", ".SH EXIT STATUS", ".SH SEE ALSO"):
            self.assertIn(line, self.page.splitlines())

    def test_examples_have_the_installed_name(self):
        self.assertIn("\\fBpolyserve\\-client [FLAG]... COMMAND\\fR", self.page)

    def test_flags_are_bold_and_values_italic(self):
        self.assertIn("\\fB\\-\\-from=\\fR\\fIHOST\\fR:\\fIPORT\\fR,...", self.page)
        self.assertIn("\\fB\\-\\-[no]check\\fR", self.page)

    def test_each_status_has_its_meaning(self):
        self.assertIn(".TP\n\\fB1\\fR\nrefused; not found\n.TP\n\\fB2\\fR\nwrong usage\n", self.page)

    def test_text_is_no_command_of_roff(self):
        page = manual.render(help_text.Help("x", ".so /etc/passwd", paragraphs=[".PP", "'br", "\\n"]), "x", "1")
        self.assertIn("\\&.PP\n", page)
        self.assertIn("\\&'br\n", page)
        self.assertIn("\\en\n", page)


class BashTest(unittest.TestCase):
    def complete(self, *words):
        """What bash offers behind these words, the last of which is incomplete."""
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "a folder"))
            open(os.path.join(folder, "a file"), "w", encoding="utf-8").close()
            # compopt needs a completion that is under way, which there is none of here.
            script = completion.bash(CLIENT, ["polyserve-client"]) + """
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_polyserve_client
printf '%s\\n' "${COMPREPLY[@]}"
"""
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script, "bash", "polyserve-client", *words], cwd=folder,
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")[:-1]

    def test_flags_are_offered(self):
        self.assertEqual(self.complete("--"), ["--from=", "--how=", "--root=", "--check", "--nocheck", "--quiet"])
        self.assertEqual(self.complete("get", "--q"), ["--quiet"])

    def test_values_are_offered(self):
        self.assertEqual(self.complete("--how", "=", "f"), ["fast"])
        self.assertEqual(self.complete("--how", "="), ["fast", "well"])
        self.assertEqual(self.complete("--how", ""), ["fast", "well"])
        self.assertEqual(self.complete("--root", "=", "a"), ["a folder"])
        self.assertEqual(self.complete("--from", "=", ""), [""])

    def test_commands_and_their_files_are_offered(self):
        self.assertEqual(self.complete(""), ["get", "put", "backup"])
        self.assertEqual(self.complete("--quiet", "b"), ["backup"])
        self.assertEqual(sorted(self.complete("put", "a")), ["a file", "a folder"])
        self.assertEqual(self.complete("backup", "a"), ["a folder"])
        self.assertEqual(self.complete("get", "a"), [""])


class OtherShellsTest(unittest.TestCase):
    def test_zsh_understands_it(self):
        text = completion.zsh(CLIENT, ["polyserve-client"])
        self.assertTrue(text.startswith("#compdef polyserve-client\n"))
        for part in ("--how=[how]:fast|well:(fast well)", "--root=[the directory]:DIR:_files -/", "--nocheck[check it]"):
            self.assertIn(part, text)
        if shutil.which("zsh"):
            done = subprocess.run(["zsh", "-fn"], input=text, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed; tools/setup --test brings it")
    def test_fish_completes_with_it(self):
        def complete(line):
            script = completion.fish(CLIENT, ["polyserve-client"]) + f"complete --do-complete 'polyserve-client {line}'\n"
            done = subprocess.run(["fish", "--no-config"], input=script, capture_output=True, text=True, check=True)
            return [reply.split("\t")[0] for reply in done.stdout.splitlines()]

        self.assertEqual(complete("--how=f"), ["--how=fast"])
        self.assertEqual(complete("b"), ["backup"])
        self.assertIn("--nocheck", complete("--"))


class BriefTest(unittest.TestCase):
    def test_menus_get_the_first_words(self):
        self.assertEqual(completion.brief("take no uploads; at all"), "take no uploads")
        self.assertEqual(completion.brief("word " * 40), "word " * 13 + "word ...")


if __name__ == "__main__":
    unittest.main()
