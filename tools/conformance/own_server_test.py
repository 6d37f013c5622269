"""The project's own server does all that a server must, under models of each kind: one client after the other, a process or a
thread for each, and loops."""

import concurrent.futures
import os
import tempfile
import unittest

from comparison import processes
from conformance import report, runner, suites
from conformance.asked import AskedServer
from conformance.case import MUST
from conformance.scene import Library

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_SERVER = os.path.join(os.environ.get("POLYSERVE_BIN", _REPOSITORY), "server")
# Service here -> what the server calls it.
_NAMES = {service: service for service in suites.ALL} | {"chat-udp": "chat+udp", "tftp": "tftp+udp"}
# What is asked at the same time. Both kinds of chat are one room, in which their members would hear of each other.
_GROUPS = [(service,) for service in _NAMES if not service.startswith("chat")] + [("chat", "chat-udp")]
# A server that answers makes no case wait; one on a busy machine gets the time.
_PATIENT_S = 20.0


class OwnServerTest(unittest.TestCase):
    def run_model(self, model, *flags, one_client_at_a_time=False):
        with (tempfile.TemporaryDirectory() as root, tempfile.NamedTemporaryFile() as log, Library(root) as library,
              AskedServer() as asked):
            listen = ",".join(f"{name}://127.0.0.1:0" for name in _NAMES.values())
            argv = [_SERVER, f"--model={model}", *flags, f"--root={root}", f"--listen={listen}",
                    "--tftp_writes", "--tftp_overwrite", f"--relay_to={asked.address}"]
            with processes.Server(argv, None, log.name) as server:
                def results_of(group):
                    return [result for service in group for result in runner.run(
                        [case for case in suites.ALL[service].cases if case.level == MUST], server.addresses[_NAMES[service]],
                        library, runner.Patience(0.0, _PATIENT_S), one_client_at_a_time)]
                with concurrent.futures.ThreadPoolExecutor(1 if one_client_at_a_time else len(_GROUPS)) as pool:
                    results = [result for found in pool.map(results_of, _GROUPS) for result in found]
        failed = [report.line(result) for result in results if result.is_fatal]
        self.assertTrue(not failed, "\n".join(failed))
        self.assertGreater(report.counts(results)["passed"], 100)

    def test_loop(self):
        self.run_model("loop", one_client_at_a_time=True)

    def test_fork(self):
        self.run_model("fork")

    def test_thread(self):
        self.run_model("thread")

    def test_epoll(self):
        self.run_model("epoll")

    def test_epoll_with_several_loops_and_edges(self):
        self.run_model("epoll", "--workers=2", "--trigger=edge")


if __name__ == "__main__":
    unittest.main()
