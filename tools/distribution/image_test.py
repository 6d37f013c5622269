"""The OCI image as a file: what its configuration says, made of a file system of three files. tools/package --oci --try runs a real
one."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest

# Where Bazel has put the programs: the test begins in tools/.
os.environ.setdefault("POLYSERVE_PROGRAMS", os.path.abspath(".."))

from distribution import debian, image, image_trial, sources  # Now that they are found.

PASSWD = "root:x:0:0:root:/root:/bin/sh\npolyserve:x:997:996:Polyserve:/var/lib/polyserve:/usr/sbin/nologin\n"


def write_tree(path, passwd=PASSWD):
    with tarfile.open(path, "w") as archive:
        for name, text in (("./etc/passwd", passwd), ("./usr/bin/polyserve-server", "#!/bin/sh\n")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


class ImageTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.tree = os.path.join(self.folder, "tree.tar")

    def make(self, name):
        layout, archive = os.path.join(self.folder, name), os.path.join(self.folder, f"{name}.oci.tar")
        image.assemble(self.tree, layout, "polyserve:0.1.0-dev", "0.1.0~dev", "2026-01-02T03:04:05Z")
        image.pack(layout, archive)
        return archive

    def test_the_user_is_a_number_and_there_has_to_be_one(self):
        write_tree(self.tree)
        self.assertEqual(image.user_of(self.tree), "997:996")
        write_tree(self.tree, "root:x:0:0:root:/root:/bin/sh\n")
        with self.assertRaisesRegex(debian.PackageError, "no user"):
            image.user_of(self.tree)

    @unittest.skipUnless(shutil.which("umoci"), "umoci is not installed; tools/setup --test brings it")
    def test_it_says_what_it_is(self):
        write_tree(self.tree)
        layout = image_trial.Layout(self.make("one"), os.path.join(self.folder, "unpacked"))
        image_trial.says_what_it_is(layout)
        self.assertEqual(layout.name, "polyserve:0.1.0-dev")
        self.assertEqual(layout.configuration["created"], "2026-01-02T03:04:05Z")
        self.assertEqual(layout.configuration["config"]["Labels"]["org.opencontainers.image.version"], "0.1.0~dev")

    @unittest.skipUnless(shutil.which("umoci"), "umoci is not installed; tools/setup --test brings it")
    def test_the_same_file_system_makes_the_same_bytes(self):
        write_tree(self.tree)
        first, second = self.make("one"), self.make("two")
        with open(first, "rb") as one, open(second, "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_the_server_understands_the_configuration(self):
        # --version is answered only if the flags are right.
        done = subprocess.run([sources.path_of("server"), f"--flagfile={image.CONFIGURATION}", "--version"], capture_output=True,
                              text=True, check=True)
        self.assertIn("polyserve 0.", done.stdout)

    def test_the_ports_are_those_of_the_configuration(self):
        with open(image.CONFIGURATION, encoding="utf-8") as file:
            text = file.read()
        for port in image.PORTS:
            self.assertIn(f"0.0.0.0:{port.removesuffix('/tcp')}", text)
        self.assertIn(f"--root={image.LIBRARY}\n", text)


if __name__ == "__main__":
    unittest.main()
