"""The account of uploads, the table of figures, and the bound in time."""

import json
import os
import signal
import socket
import tempfile
import threading
import time
import unittest

from scaling import report
from scaling.scene import TooLong, bounded
from scaling.uploads import Account, digest_at


class AccountTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def write(self, name, content):
        with open(os.path.join(self.root, name), "wb") as file:
            file.write(content)

    def test_what_is_missing_or_different_is_lost(self):
        digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # Of "abc".
        account = Account(stored={"there": digest, "changed": digest, "gone": digest})
        self.write("there", b"abc")
        self.write("changed", b"abd")
        self.assertEqual(account.lost(self.root), ["changed", "gone"])

    def test_gaps_and_times(self):
        account = Account(times=[(0.0, 1.0), (0.5, 2.0), (3.0, 6.0), (5.0, 6.5)])
        self.assertEqual(account.longest_gap_s(), 4.0)
        self.assertEqual(account.quantile_s(0.5), 1.5)
        self.assertEqual(account.quantile_s(1.0), 3.0)
        self.assertEqual(account.quantile_s(1.0, since=4.0), 1.5)
        self.assertEqual((Account().longest_gap_s(), Account().quantile_s(0.5)), (0.0, 0.0))


class ReadBackTest(unittest.TestCase):
    """What a server that is not well gives is not there, and ends nothing."""

    def digest_of(self, reply):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                connection = listener.accept()[0]
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)
            thread = threading.Thread(target=answer)
            thread.start()
            try:
                return digest_at(listener.getsockname(), "name")
            finally:
                thread.join()

    def test_whole_contents_alone_count(self):
        self.assertEqual(self.digest_of(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
                         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        for reply in (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc",
                      b"rubbish\r\n", b""):
            self.assertIsNone(self.digest_of(reply), reply)

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        self.assertIsNone(digest_at(address, "name"))


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.good = report.Result("chat", "a room")
        self.good.add("members", 10000)
        self.good.add("time", 1.234, "s")
        self.bad = report.Result("kill", "a host dies", faults=[f"fault {number}" for number in range(7)])
        self.bad.add("rate", 123456.7, "per second")

    def test_table(self):
        self.assertEqual(report.table([self.good, self.bad]).splitlines(),
                         ["| scene       | what    |             figure |",
                          "|-------------|---------|-------------------:|",
                          "| a room      | members |             10,000 |",
                          "|             | time    |             1.23 s |",
                          "| a host dies | rate    | 123,457 per second |"])

    def test_many_faults_of_a_scene_are_counted(self):
        self.assertEqual(report.faults([self.good, self.bad])[-2:],
                         ["a host dies: fault 4", "a host dies: 2 more of these"])

    def test_json_has_all(self):
        told = json.loads(json.dumps(report.as_json([self.good, self.bad], {"quick": True})))
        self.assertTrue(told["quick"])
        self.assertEqual(told["scenes"][0]["figures"]["time"], {"value": 1.234, "unit": "s"})
        self.assertEqual([scene["passed"] for scene in told["scenes"]], [True, False])
        self.assertEqual(len(told["scenes"][1]["faults"]), 7)


class BoundedTest(unittest.TestCase):
    def test_what_takes_too_long_is_ended(self):
        with self.assertRaisesRegex(TooLong, "not done after 0.05 s"), bounded(0.05):
            time.sleep(60)

    def test_what_is_done_is_not_disturbed_later(self):
        before = signal.getsignal(signal.SIGALRM)
        with bounded(600):
            self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 0)
        self.assertEqual((signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM)), (0, before))


if __name__ == "__main__":
    unittest.main()
