"""The Debian package as a file: what it holds, and what dpkg is told. tools/package --try installs it."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest

# Where Bazel has put the programs: the test begins in tools/.
os.environ.setdefault("POLYSERVE_PROGRAMS", os.path.abspath(".."))

from distribution import debian, sources  # Now that they are found.


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-dev is not installed; tools/setup --test brings it")
class DebianTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = scratch.name
        # Compressed it would take a minute.
        cls.package = debian.build(cls.folder, compression="none")
        cls.root = os.path.join(cls.folder, "root")
        output("dpkg-deb", "--raw-extract", cls.package, cls.root)

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    def test_it_holds_all_that_belongs_to_a_program(self):
        for program in sources.PROGRAMS:
            section = sources.file_name(program)[-1]
            for name in (f"bin/polyserve-{program}", f"share/man/man{section}/polyserve-{program}.{section}.gz",
                         f"share/bash-completion/completions/polyserve-{program}",
                         f"share/zsh/vendor-completions/_polyserve_{program}",
                         f"share/fish/vendor_completions.d/polyserve-{program}.fish"):
                self.assertTrue(os.path.exists(os.path.join(self.root, "usr", name)), name)
            self.assertIn("polyserve 0.", output(os.path.join(self.root, f"usr/bin/polyserve-{program}"), "--version"))

    def test_it_belongs_to_root_and_nobody_else_may_write(self):
        for line in output("dpkg-deb", "--contents", self.package).splitlines():
            self.assertRegex(line, r"^[-d]rw[-x]r-[-x]r-[-x] root/root ", line)

    def test_the_version_is_below_the_release_until_then(self):
        self.assertTrue(debian.version().startswith(sources.version()))
        if "~" in debian.version():
            output("dpkg", "--compare-versions", debian.version(), "lt", sources.version())
        self.assertEqual(output("dpkg-deb", "--field", self.package, "Version").strip(), debian.version())

    def test_it_depends_on_the_libraries_and_on_what_makes_the_user(self):
        depends = output("dpkg-deb", "--field", self.package, "Depends")
        for name in ("libc6 ", "libstdc++6 ", "systemd | systemd-standalone-sysusers"):
            self.assertIn(name, depends)

    def test_the_configuration_is_the_administrators(self):
        self.assertEqual(self.read("DEBIAN/conffiles").split(), ["/etc/polyserve/server.conf", "/etc/logrotate.d/polyserve"])

    def test_the_server_understands_the_configuration(self):
        # --version is answered only if the flags are right.
        conf = os.path.join(self.root, "etc/polyserve/server.conf")
        self.assertIn("polyserve 0.", output(sources.path_of("server"), f"--flagfile={conf}", "--version"))
        commented = "".join(re.findall(r"(?m)^#(--.*\n)", self.read("etc/polyserve/server.conf")))
        with open(os.path.join(self.folder, "commented.conf"), "w", encoding="utf-8") as file:
            file.write(commented)
        self.assertIn("--", commented)
        output(sources.path_of("server"), f"--flagfile={file.name}", "--version")

    def test_sums_are_right(self):
        lines = self.read("DEBIAN/md5sums").splitlines()
        for line in lines:
            expected, name = line.split("  ")
            with open(os.path.join(self.root, name), "rb") as file:
                self.assertEqual(hashlib.md5(file.read()).hexdigest(), expected, name)
        self.assertGreater(len(lines), 15)

    def test_scripts_are_for_any_shell(self):
        for script in debian.SCRIPTS:
            self.assertTrue(self.read(f"DEBIAN/{script}").startswith("#!/bin/sh\n"))
            output("sh", "-n", os.path.join(self.root, "DEBIAN", script))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd here")
    def test_systemd_finds_no_fault_in_the_service(self):
        unit = os.path.join(self.folder, "polyserve.service")
        with open(unit, "w", encoding="utf-8") as file:
            # The program is not installed here, and neither are the manual pages.
            text = self.read("usr/lib/systemd/system/polyserve.service").replace("/usr/bin/polyserve-server", "/bin/true")
            file.write(re.sub(r"(?m)^Documentation=.*\n", "", text))
        for command in (["verify"], ["security", "--offline=true", "--threshold=25"]):
            done = subprocess.run(["systemd-analyze", *command, unit], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)


if __name__ == "__main__":
    unittest.main()
