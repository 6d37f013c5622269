"""The cases catch the faulty servers, and pass the correct ones."""

import unittest

from conformance import proof


class ProofTest(unittest.TestCase):
    def test_each_fault_is_caught_and_each_correct_server_passes(self):
        said = []
        is_right = proof.prove(said.append)
        self.assertTrue(is_right, "\n".join(line for line in said if not line.startswith(("caught", "passed"))))
        self.assertRegex(said[-1], r"^conform: caught (\d+) of \1 faulty servers; (\d+) of \2 correct ones passed$")

    def test_a_case_that_catches_nothing_is_found_out(self):
        trial = next(trial for trial in proof.faults() if trial.name == "echo/text_only")
        blind = proof.Trial("echo", "text_only", "", (proof.suites.ALL["echo"].cases[0],))
        self.assertFalse(proof.run(blind).is_right)
        self.assertTrue(proof.run(trial).is_right)

    def test_a_fault_in_a_server_that_passes_for_correct_is_found_out(self):
        trial = next(trial for trial in proof.faults() if trial.name == "message/line_end")
        verdict = proof.Verdict(proof.Trial("message", "", "", trial.cases), proof.run(trial).results)
        self.assertFalse(verdict.is_right)
        self.assertIn("message/acknowledges_each_message: failed", verdict.explain()[0])


if __name__ == "__main__":
    unittest.main()
