"""The dev container (.devcontainer/devcontainer.json): the files that it names are there, and it gives all that tools/doctor would ask
for."""

import json
import os
import re
import unittest

from comparison import containers
from distribution import sources

FOLDER = os.path.join(sources.TOP, ".devcontainer")


class DevContainerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # As JSON without comments, which not all programs that read it understand.
        with open(os.path.join(FOLDER, "devcontainer.json"), encoding="utf-8") as file:
            cls.container = json.load(file)

    def test_it_is_built_of_the_container_file(self):
        build = self.container["build"]
        self.assertTrue(os.path.isfile(os.path.join(FOLDER, build["dockerfile"])))
        self.assertEqual(os.path.realpath(os.path.join(FOLDER, build["context"])), os.path.realpath(sources.TOP))

    def test_it_gives_what_the_doctor_asks_for(self):
        given = [f"--cap-add={name}" for name in self.container["capAdd"]]
        given += [f"--security-opt {option}" for option in self.container["securityOpt"]]
        for wanted in containers.PERMISSIONS:
            # What Podman alone wants is in brackets.
            for option in re.findall(r"--(?:cap-add=|security-opt )\S+", re.sub(r"\(.*\)", "", wanted.options)):
                self.assertIn(option, given, wanted.name)

    def test_it_bounds_neither_processes_nor_files(self):
        self.assertIn("--pids-limit=-1", self.container["runArgs"])
        self.assertIn("--ulimit=nofile=65536:65536", self.container["runArgs"])


if __name__ == "__main__":
    unittest.main()
