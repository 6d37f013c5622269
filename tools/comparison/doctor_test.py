"""tools/doctor: what it calls bad, what it says of refusals, and that its status says the same as its text."""

import contextlib
import dataclasses
import errno
import io
import json
import unittest

from comparison import containers, doctor


def run(*arguments):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = doctor.main(list(arguments))
    return status, output.getvalue()


class DoctorTest(unittest.TestCase):
    def test_few_descriptors_are_bad_and_it_says_what_to_do(self):
        self.assertEqual(doctor.descriptors(1024).level, doctor.BAD)
        self.assertIn("limits.conf", doctor.descriptors(1024).do)
        self.assertEqual(doctor.descriptors(8192).level, doctor.NOTE)
        self.assertEqual(doctor.descriptors(65536).level, doctor.GOOD)

    def test_few_ports_are_bad(self):
        self.assertEqual(doctor.ports("32768 40000").level, doctor.BAD)
        self.assertEqual(doctor.ports("16384 60999").level, doctor.GOOD)

    def refused(self, name, error, kind):
        wanted = next(wanted for wanted in containers.PERMISSIONS if wanted.name == name)
        return doctor.permission(dataclasses.replace(wanted, call=lambda: error, sysctls={}), kind)

    def test_a_refusal_says_what_does_not_work_and_which_option_allows_it(self):
        found = self.refused("io_uring", errno.EPERM, "docker")
        self.assertEqual((found.level, found.found), (doctor.NOTE, "forbidden (EPERM): --model=uring will not start"))
        self.assertIn("--security-opt seccomp=unconfined", found.do)
        self.assertIn("seccompProfile", self.refused("io_uring", errno.EPERM, "kubernetes").do)
        self.assertIn("SYS_PTRACE", self.refused("ptrace", errno.EPERM, "podman").do)
        self.assertEqual(self.refused("ptrace", errno.EPERM, "").do, "run it as root")

    def test_an_old_kernel_is_not_taken_for_a_refusal(self):
        self.assertIn("older than Linux 6.0", self.refused("io_uring", errno.EINVAL, "docker").found)

    def test_what_is_allowed_is_good_and_what_cannot_be_tried_is_said(self):
        self.assertEqual(self.refused("perf", 0, "docker").level, doctor.GOOD)
        self.assertIn("cannot be tried", self.refused("perf", None, "").found)

    def test_few_processes_are_noted_with_what_bounds_them(self):
        found = doctor.processes("podman", (512, "pids.max of the control group"))
        self.assertEqual(found.level, doctor.NOTE)
        self.assertIn("512 at most (pids.max", found.found)
        self.assertIn("--pids-limit", found.do)
        self.assertEqual(doctor.processes("", (4096, "ulimit -u")).level, doctor.GOOD)
        self.assertEqual(doctor.processes("", (None, "")).level, doctor.GOOD)

    def test_status_json_and_text_agree(self):
        status, output = run("--json")
        told = json.loads(output)
        self.assertEqual(told["fit"], status == 0)
        self.assertEqual(told["fit"], all(finding["level"] != "BAD" for finding in told["findings"]))
        names = {finding["name"] for finding in told["findings"]}
        self.assertLessEqual({"descriptors", "ports", "processors", "governor", "turbo", "other load", "swap",
                              "huge pages", "congestion control", "net.core.somaxconn", "packages", "container", "io_uring", "ptrace",
                              "perf", "user namespaces", "processes"}, names)

    def test_text_shows_the_bad_first_and_its_remedy(self):
        text = doctor.report([doctor.Finding("a", doctor.GOOD, "fine"),
                             doctor.Finding("swap", doctor.BAD, "9", "less")])
        self.assertEqual(text.splitlines(), ["BAD   swap  9", "            -> less", "good  a     fine", "",
                                             "1 thing would spoil a measurement."])
        fit = doctor.report([doctor.Finding("a", doctor.GOOD, "fine")])
        self.assertTrue(fit.endswith("This machine is fit to measure."))


if __name__ == "__main__":
    unittest.main()
