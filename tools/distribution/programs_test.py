"""The pages and the completion of the programs and tools as they are: nothing is missing, and roff and the shells find no fault. Looks
at the sources themselves, hence no part of Bazel's sandbox."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

# Where Bazel has put the programs: the test begins in tools/.
os.environ.setdefault("POLYSERVE_PROGRAMS", os.path.abspath(".."))

from distribution import completion, manual, sources  # Now that they are found.

# Where each program defines its flags. The server's own are in files of the top folder.
DEFINITIONS = {"server": tuple(name for name in os.listdir(sources.TOP) if name.endswith(".cc")) + ("backends",),
               "client": ("client/main.cc",), "load": ("client/load/main.cc", "client/load/plan_flags.cc")}


def defined_flags(program):
    """The names of all flags in the sources of a program."""
    flags = set()
    for place in DEFINITIONS[program]:
        path = os.path.join(sources.TOP, place)
        files = [path] if os.path.isfile(path) else [os.path.join(folder, name) for folder, _, names in os.walk(path)
                                                     for name in names if name.endswith(".cc") and "_test" not in name]
        for name in files:
            with open(name, encoding="utf-8") as file:
                flags |= set(re.findall(r"(?m)^DEFINE_\w+\(\s*(\w+),", file.read()))
    return flags


def flags_in(text):
    return set(re.findall(r"(?<![\w-])--?(?:\[no\])?([a-z]\w*)", text))


def shown(page):
    """The page as man(1) shows it, and what groff complains of."""
    with tempfile.NamedTemporaryFile("w", suffix=".1", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        done = subprocess.run(["groff", "-ww", "-man", "-Kutf8", "-Tutf8", "-P-cbou", "-rLL=400n", file.name], text=True,
                              capture_output=True, check=False)
    return done.stdout, done.stderr


class ProgramsTest(unittest.TestCase):
    def test_help_names_every_flag_of_the_sources(self):
        for program in sources.PROGRAMS:
            with self.subTest(program):
                flags = {entry.flag.strip("-") for entry in sources.program(program).flags()}
                self.assertEqual(defined_flags(program) - flags, set())

    def test_help_fits_100_columns(self):
        for program in sources.PROGRAMS:
            done = subprocess.run([sources.path_of(program), "--help"], stdout=subprocess.PIPE, text=True, check=True)
            for line in done.stdout.splitlines():
                self.assertLessEqual(len(line), 100, f"{program}: {line}")

    def test_page_and_completion_name_the_flags_of_help(self):
        for program in sources.PROGRAMS:
            with self.subTest(program):
                done = subprocess.run([sources.path_of(program), "--help"], stdout=subprocess.PIPE, text=True, check=True)
                # At the beginning of a line: what the text beside them mentions is elsewhere, too.
                flags = flags_in("\n".join(re.findall(r"(?m)^  (--?[a-z[].*?)(?:  |$)", done.stdout)))
                self.assertGreater(len(flags), 5)
                info = sources.program(program)
                texts = {"page": shown(sources.page(program))[0], "bash": completion.bash(info, [program]),
                         "zsh": completion.zsh(info, [program]),
                         "fish": completion.fish(info, [program]).replace("--long-option ", "--")
                                                                 .replace("--short-option ", "-")}
                for kind, text in texts.items():
                    self.assertEqual(flags - flags_in(text), set(), kind)

    def test_models_and_workloads_are_completed(self):
        for program, flag, value in (("server", "--model", "epoll"), ("load", "--workload", "http-close")):
            info = sources.program(program)
            entry = next(entry for entry in info.flags() if entry.flag == flag)
            self.assertIn(value, info.values(entry))

    def test_commands_of_the_client_are_completed(self):
        script = completion.bash(sources.program("client"), ["client"])
        for command in ("list", "get", "put", "stat", "backup", "chat"):
            self.assertRegex(script, rf"compgen -W '[^']*\b{command}\b")

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed; tools/setup --test brings it")
    def test_roff_finds_no_fault(self):
        for name in sources.names():
            with self.subTest(name):
                text, faults = shown(sources.page(name))
                self.assertEqual(faults, "")
                self.assertIn("NAME", text)
                self.assertTrue(sources.tool(name).summary if name not in sources.PROGRAMS else True, "what it is for")

    def test_shells_find_no_fault(self):
        for program in sources.PROGRAMS:
            for shell, command in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-fn"]), ("fish", ["fish", "--no-execute"])):
                if shutil.which(shell):
                    with self.subTest(f"{program}, {shell}"):
                        text = getattr(completion, shell)(sources.program(program), [program])
                        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
                        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_pages_have_files_of_their_sections(self):
        self.assertEqual(sources.file_name("server"), "polyserve-server.8")
        self.assertEqual(manual.SEE_ALSO["polyserve-client"], 1)
        self.assertEqual(sources.file_name("compare"), "polyserve-compare.1")


if __name__ == "__main__":
    unittest.main()
