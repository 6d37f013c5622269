"""Statements on trial: how a verdict is made, and that experiments whose outcome is a matter of logic, not of speed, come out."""

import json
import math
import os
import subprocess
import tempfile
import unittest

import numpy

from comparison.claims import document, table, tuning
from comparison.claims.verdict import CONFIRMED, REFUTED, UNDECIDED, Ratio, aside, combine, fact, unknown
from comparison.statistics import Interval

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def ratio(low, high, floor=1.1, n=7):
    return Ratio("a over b", Interval((low + high) / 2, low, high, n), floor)


class VerdictTest(unittest.TestCase):
    def test_at_least(self):
        self.assertEqual(ratio(2.4, 2.6).at_least(2).verdict, CONFIRMED)
        self.assertEqual(ratio(2.1, 2.6).at_least(2).verdict, UNDECIDED)
        self.assertEqual(ratio(1.0, 1.2).at_least(2).verdict, REFUTED)

    def test_at_most(self):
        self.assertEqual(ratio(0.7, 0.8).at_most(1).verdict, CONFIRMED)
        self.assertEqual(ratio(0.8, 0.99).at_most(1).verdict, UNDECIDED)
        self.assertEqual(ratio(1.2, 1.3).at_most(1).verdict, REFUTED)

    def test_more_than_one_is_refuted_where_it_is_as_good_as_one(self):
        self.assertEqual(ratio(1.2, 1.3).more_than_one().verdict, CONFIRMED)
        self.assertEqual(ratio(0.99, 1.01, floor=1.02).more_than_one().verdict, REFUTED)
        self.assertEqual(ratio(0.9, 1.2).more_than_one().verdict, UNDECIDED)

    def test_about_one(self):
        self.assertEqual(ratio(0.98, 1.02, floor=1.05).about_one().verdict, CONFIRMED)
        self.assertEqual(ratio(0.5, 0.6).about_one().verdict, REFUTED)
        self.assertEqual(ratio(0.9, 1.3).about_one().verdict, UNDECIDED)

    def test_without_noise_known_or_rounds_enough_nothing_is_decided(self):
        self.assertEqual(ratio(9, 9, floor=None).more_than_one().verdict, UNDECIDED)
        self.assertEqual(ratio(9, 9, n=2).more_than_one().verdict, UNDECIDED)
        self.assertEqual(Ratio("a over b", None, 1.1).more_than_one().verdict, UNDECIDED)

    def test_one_part_refutes_and_all_confirm(self):
        yes, no, perhaps = fact(True, "yes"), fact(False, "no"), unknown("perhaps")
        self.assertEqual(combine([yes, yes]).verdict, CONFIRMED)
        self.assertEqual(combine([yes, perhaps]).verdict, UNDECIDED)
        self.assertEqual(combine([yes, no, perhaps]).verdict, REFUTED)
        self.assertEqual(combine([yes, aside("by the way")]).verdict, CONFIRMED)
        self.assertEqual(combine([]).verdict, UNDECIDED)
        self.assertEqual(combine([aside("by the way")]).verdict, UNDECIDED)


class TuningTest(unittest.TestCase):
    """Claim 12, on throughputs that are made of factors: which share is whose, and what can be said of it."""

    def judged(self, noise, **factors):
        generator = numpy.random.default_rng(5)
        names = ("backlog", "buffer", "no_delay", "batch", "model")
        runs = tuning.design()
        middle = [1000 * math.prod(factors.get(name, 1) ** sign for name, sign in zip(names, signs)) for signs, _ in runs]
        weather = generator.normal(0, 0.2, 4)  # What a whole round has more or less is nobody's.
        values = [[value * math.exp(generator.normal(0, noise) + of_round) for of_round in weather] for value in middle]
        return tuning.judge([signs for signs, _ in runs], values, "a load")

    def test_design_is_balanced_and_names_what_can_be_started(self):
        runs = tuning.design()
        self.assertEqual(len({name for _, name in runs}), 16)
        for factor in range(5):
            self.assertEqual(sum(signs[factor] for signs, _ in runs), 0)
        for signs, name in runs:
            self.assertEqual(name.startswith("epoll "), signs[4] == 1)
            self.assertEqual("--listen_backlog=4096" in name, signs[0] == 1)
            self.assertEqual("--accept_batch" in name, signs[4] == 1)  # The other model has no such flag.

    def test_whoever_has_the_larger_share_is_found(self):
        part = self.judged(0.01, backlog=2, model=1.1)
        self.assertEqual(part.verdict, CONFIRMED, part.text)
        self.assertIn("98 % is due to the settings (most of it: backlog 5 or 4096, 98 %)", part.text)
        self.assertEqual(self.judged(0.01, backlog=1.1, model=2).verdict, REFUTED)

    def test_what_noise_hides_is_left_open(self):
        self.assertEqual(self.judged(0.3, backlog=1.1, model=1.2).verdict, UNDECIDED)


class TableTest(unittest.TestCase):
    def test_all_statements_are_there_once(self):
        names = [statement.name for statement in table.ALL]
        self.assertEqual(names, [f"course-{n}" for n in range(1, 13)] + [f"claim-{n}" for n in range(1, 25)])

    def test_document(self):
        run = {"machine": {"cpu": "a cpu", "cores": 2, "virtual": True, "kernel": "Linux"}, "started": "today",
               "git": {"revision": "0123456789abcdef", "dirty": False}, "rounds": 5, "seconds": 1.0, "busy": ""}
        text = document.write(run, {"course-7": {"verdict": "confirmed", "parts": [
            {"verdict": "confirmed", "text": "told once"}]}})
        self.assertIn("1 confirmed, 0 refuted, 0 undecided.", text)
        self.assertIn("| [course-7](#course-7) |", text)
        self.assertIn("\n+ told once\n", text)
        self.assertIn("tools/claims --only=course-7", text)


class ClaimsTest(unittest.TestCase):
    """What the outcome does not depend on the machine's speed for."""

    def run_claims(self, *arguments):
        with tempfile.TemporaryDirectory() as scratch:
            return subprocess.run(
                ["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/claims"), "--allow_any_build",
                 f"--bin={os.environ.get('POLYSERVE_BIN', _REPOSITORY)}", f"--out={scratch}/out", *arguments],
                env={**os.environ, "TMPDIR": scratch}, capture_output=True, text=True, timeout=200, check=False)

    def test_facts(self):
        expected = {"course-7": "confirmed", "course-9": "confirmed", "course-12": "confirmed", "claim-14": "confirmed",
                    "claim-22": "refuted"}
        done = self.run_claims(f"--only={','.join(expected)}", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        results = json.loads(done.stdout)["results"]
        self.assertEqual({name: result["verdict"] for name, result in results.items()}, expected, results)

    def test_wrong_usage(self):
        done = self.run_claims("--only=claim-99")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "claims: there is no statement 'claim-99'; see --list\n")


if __name__ == "__main__":
    unittest.main()
