"""tools/doctor: what it calls bad, and that its status says the same as its text."""

import contextlib
import io
import json
import unittest

from comparison import doctor


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

    def test_status_json_and_text_agree(self):
        status, output = run("--json")
        told = json.loads(output)
        self.assertEqual(told["fit"], status == 0)
        self.assertEqual(told["fit"], all(finding["level"] != "BAD" for finding in told["findings"]))
        names = {finding["name"] for finding in told["findings"]}
        self.assertLessEqual({"descriptors", "ports", "processors", "governor", "turbo", "other load", "swap",
                              "huge pages", "congestion control", "net.core.somaxconn", "packages"}, names)

    def test_text_shows_the_bad_first_and_its_remedy(self):
        text = doctor.report([doctor.Finding("a", doctor.GOOD, "fine"),
                             doctor.Finding("swap", doctor.BAD, "9", "less")])
        self.assertEqual(text.splitlines(), ["BAD   swap  9", "            -> less", "good  a     fine", "",
                                             "1 thing would spoil a measurement."])
        fit = doctor.report([doctor.Finding("a", doctor.GOOD, "fine")])
        self.assertTrue(fit.endswith("This machine is fit to measure."))


if __name__ == "__main__":
    unittest.main()
