"""The configurations of deploy/, with the real HAProxy and nginx: clients are who they are, and notice no server that stops."""

import contextlib
import http.client
import json
import os
import shutil
import tempfile
import unittest

from balancing import stand

_TOP = os.path.abspath("..")  # The test begins in tools/.
_QUIET_REQUESTS = 20  # One after the other that a server gets none of: it has left.


class _Cases:
    """What holds behind every balancer."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.stand = self.start()
        self.addCleanup(self.stand.close)

    def logged(self):
        return [client for server in self.stand.servers.values() for client in server.requests()]

    def test_clients_are_who_they_are(self):
        for _ in range(2):  # One for each server, if they take turns.
            self.assertTrue(self.stand.get("127.0.0.5", "/hello").endswith(b"hello, world"))
        self.assertTrue(stand.eventually(lambda: self.logged().count("127.0.0.5") == 2), self.logged())
        with self.stand.connect("127.0.0.6", "echo") as echo:
            echo.sendall(b"ping")
            self.assertEqual(echo.recv(4), b"ping")
            seen = []
            self.assertTrue(stand.eventually(lambda: self._listed_echo(seen)), seen)

    def _listed_echo(self, seen):
        """Whether the server that was asked has the client of echo, and the balancer that speaks for it."""
        page = self.stand.get("127.0.0.5", "/-/status").partition(b"\r\n\r\n")[2]
        seen[:] = [row for row in json.loads(page)["open"] if row["service"] == "echo"]
        return any(row["peer"].startswith("127.0.0.6:") and row["via"].startswith("127.0.0.1:") for row in seen)

    def test_every_service_is_served(self):
        self.assertEqual(self.stand.talk("127.0.0.5", "echo", b"ping"), b"ping")
        self.assertEqual(self.stand.talk("127.0.0.5", "compute", b"PRIMES 10\n"), b"OK 17\n")
        self.assertEqual(self.stand.talk("127.0.0.5", "file", b"G hello\nQ\n"), b"OK 12\nhello, world")

    def test_members_of_the_chat_meet(self):
        with self.stand.connect("127.0.0.5", "chat") as ada, self.stand.connect("127.0.0.6", "chat") as bob:
            with ada.makefile("rb") as heard_by_ada, bob.makefile("rb") as heard_by_bob:
                ada.sendall(b"L ada\n")
                self.assertEqual(heard_by_ada.readline(), b"OK\n")
                bob.sendall(b"L bob\n")
                self.assertEqual(heard_by_bob.readline(), b"OK\n")
                self.assertIn(b"bob", heard_by_ada.readline())
                bob.sendall(b"C bob hello\n")
                self.assertEqual(heard_by_ada.readline(), b"bob : hello\n")

    def ask_hello(self):
        """By a new connection; what is wrong with the reply."""
        reply = self.stand.get("127.0.0.9", "/hello")
        return "" if reply.startswith(b"HTTP/1.1 200 ") and reply.endswith(b"hello, world") else reply

    def has_left(self, server, asker):
        """Whether it gets no clients any more."""
        before = len(server.requests())
        asker.await_more(_QUIET_REQUESTS)
        return len(server.requests()) == before

    def test_no_client_notices_that_a_server_stops_and_comes_back(self):
        server = self.stand.servers["a"]
        with stand.Asker(self.ask_hello) as asker:
            asker.await_more(_QUIET_REQUESTS)
            self.assertTrue(stand.eventually(server.requests))
            self.end(server, asker)
            self.assertEqual(server.await_end(), 0)
            asker.await_more(_QUIET_REQUESTS)
            before = len(server.requests())
            server.start()
            self.assertTrue(stand.eventually(lambda: len(server.requests()) > before or asker.failures))
        self.assertEqual(asker.failures, [])
        self.assertGreater(asker.answered, 2 * _QUIET_REQUESTS)


class HaproxyTest(_Cases, unittest.TestCase):
    def start(self):
        program = stand.needed("haproxy")
        return stand.Stand(os.path.join(_TOP, "server"), self.folder, os.path.join(_TOP, "deploy", "haproxy.cfg"),
                           {"    user haproxy\n": "", "    group haproxy\n": ""}, lambda path: [program, "-db", "-f", path],
                           flags=["--stop_notice=10m"])

    def end(self, server, asker):
        """The balancer turns to the other one while this one still serves."""
        server.signal()
        self.assertTrue(stand.eventually(lambda: self.has_left(server, asker) or asker.failures), self.stand.balancer_log())
        server.signal()

    def test_rolling_restart_under_load_fails_no_request(self):
        kept = http.client.HTTPConnection(stand.BALANCER, self.stand.ports["http"], stand.PATIENCE_S)
        self.addCleanup(kept.close)
        asks = [self.ask_hello, self.ask_hello, lambda: self.ask_again(kept), self.put,
                lambda: self.ask_service("file", b"G hello\nQ\n", b"OK 12\nhello, world"),
                lambda: self.ask_service("compute", b"PRIMES 20000\n", b"OK 21171191\n"),
                lambda: self.ask_service("echo", b"ping", b"ping")]
        with contextlib.ExitStack() as load:
            askers = [load.enter_context(stand.Asker(ask)) for ask in asks]
            for server in self.stand.servers.values():
                self.await_answers(askers)
                self.end(server, askers[0])
                self.assertEqual(server.await_end(), 0)
                before = len(server.requests())
                server.start()
                # The next one stops only when this one is back, or nobody would serve.
                self.assertTrue(stand.eventually(lambda: len(server.requests()) > before), self.stand.balancer_log())
            self.await_answers(askers)
        self.assertEqual([asker.failures for asker in askers], [[]] * len(askers))

    def await_answers(self, askers):
        """Until each of them has had some more."""
        answered = [asker.await_more(_QUIET_REQUESTS) for asker in askers]
        self.assertEqual(answered, [True] * len(askers), [asker.failures for asker in askers])

    @staticmethod
    def ask_again(connection):
        """By a connection that is kept as long as the balancer keeps it."""
        try:
            connection.request("GET", "/hello", headers={"Host": "localhost"})
            reply = connection.getresponse()
            content = reply.read()
        except http.client.HTTPException as error:
            return repr(error)
        return "" if reply.status == 200 and content == b"hello, world" else f"{reply.status} {content}"

    def put(self):
        with self.stand.connect("127.0.0.9", "http") as connection:
            connection.sendall(b"PUT /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
        return "" if reply[9:12] in (b"201", b"204") else reply

    def ask_service(self, service, request, expected):
        reply = self.stand.talk("127.0.0.9", service, request)
        return "" if reply == expected else reply


class NginxTest(_Cases, unittest.TestCase):
    def start(self):
        program = stand.needed("nginx")
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        if not os.path.exists(module):
            raise FileNotFoundError(f"nginx has no {module} (libnginx-mod-stream): tools/setup --test installs it")
        return stand.Stand(os.path.join(_TOP, "server"), self.folder, os.path.join(_TOP, "deploy", "nginx.conf"),
                           {"user www-data;\n": "daemon off;\nmaster_process off;\n",  # No other user, and one process.
                            "/run/nginx.pid": f"{self.folder}/nginx.pid"},
                           lambda path: [program, "-e", "stderr", "-p", self.folder, "-c", path])

    def end(self, server, asker):
        del asker
        server.signal()


if __name__ == "__main__":
    unittest.main()
