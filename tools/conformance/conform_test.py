"""tools/conform: its command line, what it says, and that no server keeps it for ever."""

import contextlib
import io
import json
import os
import socket
import tempfile
import unittest
from xml.etree import ElementTree

from conformance import cli, report, runner, scene, suites
from conformance.case import MUST, SHOULD, Failure, NotOffered, Suite
from conformance.faulty import base, echo, http


class _Dripping(base.TcpServer):
    """Sends a byte now and then, and never ends."""

    def handle(self, client):
        while not self.stopped.wait(0.01):
            client.sendall(b"x")


class CommandTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name

    def conform(self, *arguments):
        """(status, what it printed, what it said on standard error)."""
        output, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(said):
            status = cli.main("tools/conform", arguments)
        return status, output.getvalue(), said.getvalue()

    def test_a_server_that_does_all_that_it_must_conforms(self):
        with echo.Server() as server:
            status, output, _ = self.conform(f"--echo={server.address}", "--only=takes*,half_close*")
        self.assertEqual(status, 0)
        self.assertIn("conform: conforms: 2 passed", output)

    def test_a_failure_says_what_was_expected_what_came_and_where_it_is_written(self):
        with http.Server("head_with_content", self.root) as server:
            status, output, _ = self.conform(f"--http={server.address}", f"--root={self.root}", "--only=head_has_no_content")
        self.assertEqual(status, 1)
        for part in ("FAILED    http/head_has_no_content", "Expected: the server answers HEAD with a header section alone",
                     "Written:  RFC 9110, section 9.3.2", "But:      client 1 received 'Hello from a small file.\\n'",
                     "client 1 sends", "conform: does not conform: 1 failed"):
            self.assertIn(part, output)

    def test_what_a_server_should_do_is_advice(self):
        with http.Server("no_type", self.root) as server:
            status, output, _ = self.conform(f"--http={server.address}", f"--root={self.root}", "--only=type_is_named")
        self.assertEqual(status, 0)
        self.assertIn("advice    http/type_is_named", output)
        self.assertIn("conform: conforms: 1 advice", output)

    def test_a_server_of_one_client_at_a_time_is_not_asked_for_more(self):
        with echo.Server(one_at_a_time=True) as server:
            status, output, _ = self.conform(f"--echo={server.address}", "--only=clients_in*,takes*", "--one_client_at_a_time")
        self.assertEqual(status, 0)
        self.assertIn("1 passed, 1 left out", output)

    def test_results_as_json_and_as_junit(self):
        with echo.Server("text_only") as server:
            flags = (f"--echo={server.address}", "--only=takes_any_byte,sends*")
            status, output, _ = self.conform(*flags, "--json")
            found = json.loads(output)
            self.assertEqual((status, found["conforms"], found["counts"]["failed"]), (1, False, 1))
            self.assertEqual(found["servers"]["echo"]["address"], server.address)
            self.assertEqual({case["name"]: case["outcome"] for case in found["cases"]},
                             {"sends_back_what_comes": "passed", "takes_any_byte": "failed"})
            _, output, _ = self.conform(*flags, "--junit")
        suite = ElementTree.fromstring(output).find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        self.assertIn("Expected: the server", suite.find("testcase/failure").text)

    def test_list_names_each_case_with_its_source(self):
        status, output, _ = self.conform("--list", "--only=tftp/*")
        self.assertEqual(status, 0)
        self.assertEqual(len(output.splitlines()), len(suites.ALL["tftp"].cases))
        self.assertIn("[RFC 1123, section 4.2.3.1", output)

    def test_what_makes_no_sense_is_said_in_a_line(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            gone = "127.0.0.1:%d" % unused.getsockname()[1]
            for arguments, expected in (([], "name a server"), ([f"--http={gone}"], "--http needs --root"),
                                        ([f"--http={gone}", "--root=/none"], "there is no directory /none"),
                                        ([f"--relay={gone}"], "--relay needs --asked"),
                                        ([f"--relay={gone}", "--asked=nowhere"], "--asked: 'nowhere' is not HOST:PORT"),
                                        (["--echo=localhost"], "'localhost' is not HOST:PORT"),
                                        ([f"--echo={gone}"], "no echo server at"),
                                        ([f"--tftp={gone}", f"--root={self.root}"], "no tftp server at"),
                                        ([f"--echo={gone}", "--only=head*"], "no case of echo is called 'head*'")):
                status, output, said = self.conform(*arguments)
                self.assertEqual((status, output, len(said.splitlines())), (2, "", 1), said)
                self.assertIn(expected, said)

    def test_files_of_the_cases_are_removed_and_others_stay(self):
        other = os.path.join(self.root, "other.txt")
        with open(other, "w", encoding="ascii") as file:
            file.write("stays")
        with http.Server("", self.root) as server:
            self.conform(f"--http={server.address}", f"--root={self.root}", "--only=get*")
        self.assertEqual(os.listdir(self.root), ["other.txt"])
        with open(os.path.join(self.root, "conform-mine"), "w", encoding="ascii"):
            pass
        status, _, said = self.conform("--http=127.0.0.1:1", f"--root={self.root}")
        self.assertEqual(status, 2)
        self.assertIn("has conform-mine", said)
        self.assertEqual(sorted(os.listdir(self.root)), ["conform-mine", "other.txt"])


class BoundTest(unittest.TestCase):
    def run_case(self, case, server, wait_s=0.05):
        return runner.run_case(case, server.address, None, scene.Patience(0.0, wait_s))

    def test_a_server_that_never_stops_sending_keeps_no_case(self):
        suite = Suite("echo", lambda _: None)
        suite.case("nowhere")(_reads_to_the_end)
        with _Dripping() as server:
            result = self.run_case(suite.cases[0], server)
        self.assertEqual(result.outcome, runner.FAILED)
        self.assertRegex(result.why, "does not close|is not done after its bound")

    def test_a_server_that_says_nothing_keeps_no_case(self):
        with echo.Server("waits_for_the_end") as server:
            results = [self.run_case(case, server, 0.01) for case in suites.ALL["echo"].cases]
        self.assertIn(runner.FAILED, {result.outcome for result in results})

    def test_waits_grow_with_the_round_trip(self):
        self.assertEqual(scene.Patience(0.001).wait_s, 1.0)
        self.assertEqual(scene.Patience(0.2).wait_s, 4.0)


def _reads_to_the_end(a_scene):
    """ends"""
    a_scene.connect().read_to_end()


class OutcomeTest(unittest.TestCase):
    def outcome(self, raised, level=MUST):
        def case(_):
            """does something"""
            if raised:
                raise raised
        suite = Suite("echo", lambda _: None)
        suite.case("RFC 862", level=level)(case)
        return runner.run_case(suite.cases[0], "127.0.0.1:1", None, scene.Patience(0.0))

    def test_only_what_must_be_done_is_fatal(self):
        self.assertTrue(self.outcome(Failure("no")).is_fatal)
        self.assertFalse(self.outcome(Failure("no"), SHOULD).is_fatal)
        self.assertFalse(self.outcome(NotOffered("no")).is_fatal)
        self.assertFalse(self.outcome(None).is_fatal)

    def test_what_is_not_offered_is_skipped_in_junit(self):
        found = ElementTree.fromstring(report.as_junit([self.outcome(NotOffered("it knows no such thing"))]))
        self.assertEqual(found.find("testsuite/testcase/skipped").get("message"), "it knows no such thing")

    def test_control_characters_make_valid_xml(self):
        ElementTree.fromstring(report.as_junit([self.outcome(Failure("received \x01\x1b"))]))


class SuitesTest(unittest.TestCase):
    def test_names_are_unique_and_each_case_says_what_and_where(self):
        for suite in suites.ALL.values():
            names = [case.name for case in suite.cases]
            self.assertEqual(len(names), len(set(names)), suite.service)
            for case in suite.cases:
                self.assertTrue(case.duty and case.written, case.full_name)
                self.assertFalse(case.duty.endswith("."), case.full_name)


if __name__ == "__main__":
    unittest.main()
