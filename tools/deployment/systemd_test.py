"""The units of deploy/systemd, and that of the Debian package: what systemd-analyze says, and a systemd that runs them."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from balancing import stand
from deployment import service_manager

_TOP = os.path.abspath("..")  # The test begins in tools/.
_UNITS = os.path.join(_TOP, "deploy", "systemd")
_PACKAGED = os.path.join(_TOP, "tools", "distribution", "debian", "polyserve.service")
_SERVER = os.path.join(_TOP, "server")
_EXPOSURE = 25  # Tenths of what systemd-analyze(1) calls "OK" up to 50; a unit without restrictions has 96.
# What differs between the service of the package and one of several.
_OWN = ("ExecStart=", "StateDirectory=", "TimeoutStopSec=")
_WHY_NOT = service_manager.why_not(_SERVER)
_DRAIN_S = 10  # --drain_timeout, by default.


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def units():
    """name -> text, with the package's own."""
    found = {name: read(os.path.join(_UNITS, name)) for name in os.listdir(_UNITS) if name.endswith((".service", ".socket"))}
    return {**found, "polyserve.service": read(_PACKAGED)}


def settings(text, key):
    return re.findall(rf"(?m)^{key}=(.*)$", text)


class UnitsTest(unittest.TestCase):
    """What can be said without starting them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def analyze(self, command):
        for name, text in units().items():
            path = os.path.join(self.folder, name)
            with open(path, "w", encoding="utf-8") as file:
                # Neither the program nor its manual is installed here.
                file.write(re.sub(r"(?m)^Documentation=.*\n", "", text).replace("/usr/bin/polyserve-server", "/bin/true"))
        for name in sorted(os.listdir(self.folder)):
            if command[0] == "verify" or name.endswith(".service"):
                done = subprocess.run(["systemd-analyze", *command, os.path.join(self.folder, name)], capture_output=True, text=True,
                                      check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), f"{name}: {done.stdout[-500:]}")

    def test_systemd_finds_no_fault(self):
        self.analyze(["verify"])

    def test_services_may_do_little(self):
        self.analyze(["security", "--offline=true", f"--threshold={_EXPOSURE}"])

    def test_one_of_several_servers_may_do_what_the_packages_may(self):
        service = {name: [line for line in text.partition("[Service]")[2].splitlines() if "=" in line and not line.startswith(("#", *_OWN))]
                   for name, text in units().items()}
        self.assertEqual(service["polyserve@.service"], service["polyserve.service"])

    def test_sockets_are_those_of_the_flags(self):
        flags = read(os.path.join(_UNITS, "web.conf"))
        listen = re.search(r"(?m)^--listen=(.*)$", flags).group(1)
        self.assertEqual(settings(units()["polyserve@.socket"], "ListenStream"), re.findall(r"://([^,]+)", listen))
        echo = re.search(r"echo://(\S+)", units()["polyserve-echo@.service"]).group(1)
        self.assertEqual(settings(units()["polyserve-echo.socket"], "ListenStream"), [echo])

    def test_a_stop_ends_before_the_manager_kills(self):
        flags = read(os.path.join(_UNITS, "web.conf"))
        needed = sum(int(re.search(rf"(?m)^--{name}=(\d+)s$", flags).group(1)) for name in ("stop_notice", "drain_timeout"))
        for name, least_s in (("polyserve@.service", needed), ("polyserve.service", _DRAIN_S), ("polyserve-echo@.service", _DRAIN_S)):
            self.assertGreaterEqual(int(settings(units()[name], "TimeoutStopSec")[0]), least_s + 5, name)

    def test_the_server_understands_its_flags(self):
        flags = read(os.path.join(_UNITS, "web.conf")).replace("/var/lib/polyserve/web/files", self.folder)
        with open(os.path.join(self.folder, "web.conf"), "w", encoding="utf-8") as file:
            file.write(flags)
        subprocess.run([_SERVER, f"--flagfile={file.name}", "--check"], check=True)


@unittest.skipIf(_WHY_NOT, _WHY_NOT)
class RunningTest(unittest.TestCase):
    """With a real systemd, and all restrictions but the user."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.http, cls.file, cls.echo, cls.packaged_http, cls.packaged_file = stand.free_ports(5)
        texts = {name: cls.here(text) for name, text in units().items()}
        cls.manager = service_manager.ServiceManager(_SERVER, cls.folder, texts)
        cls.addClassCleanup(cls.manager.close)
        cls.manager.write("files/hello", "hello, world")
        os.chmod(os.path.join(cls.folder, "srv", "files"), 0o755)
        packaged = read(os.path.join(os.path.dirname(_PACKAGED), "server.conf")).replace("/var/lib/polyserve/files", "/srv/files")
        cls.manager.write("server.conf", packaged.replace("127.0.0.1:8080", f"127.0.0.1:{cls.packaged_http}").replace(
            "127.0.0.1:8081", f"127.0.0.1:{cls.packaged_file}"))

    @classmethod
    def here(cls, text):
        """A unit or its flags with the paths and ports of this test."""
        for old, new in (("/usr/bin/polyserve-server", "/srv/polyserve-server"), ("/etc/polyserve/", "/srv/"),
                         ("/var/lib/polyserve/web/files", "/srv/files"), ("0.0.0.0:8080", f"127.0.0.1:{cls.http}"),
                         ("0.0.0.0:8081", f"127.0.0.1:{cls.file}"), ("0.0.0.0:8082", f"127.0.0.1:{cls.echo}"),
                         ("=5s", "=200ms"),  # --stop_notice: no balancer has to notice here.
                         ("=journal", "=append:/srv/log"), ("DynamicUser=yes\n", "")):
            text = text.replace(old, new)
        text = re.sub(r"(?m)^(User|Documentation)=.*\n", "", text)
        return text if "=append:" in text else text.replace("[Service]\n", "[Service]\nStandardError=append:/srv/log\n")

    def setUp(self):
        self.manager.write("web.conf", self.here(read(os.path.join(_UNITS, "web.conf"))))
        self.addCleanup(self.end)

    def end(self):
        self.manager.do("stop", "polyserve@web.socket", "polyserve-echo.socket", "polyserve@web.service", "polyserve.service")
        self.manager.systemctl("reset-failed")

    def state(self, unit="polyserve@web.service"):
        return self.manager.property(unit, "ActiveState")

    def main_pid(self):
        return self.manager.property("polyserve@web.service", "MainPID")

    def ask(self):
        reply = stand.get(self.http, "/hello")
        return "" if reply.startswith(b"HTTP/1.1 200 ") and reply.endswith(b"hello, world") else reply

    def test_the_first_client_starts_the_server(self):
        self.manager.do("start", "polyserve@web.socket")
        self.assertEqual(self.state(), "inactive")
        self.assertEqual(self.ask(), "", self.manager.log())
        self.assertTrue(stand.eventually(lambda: self.state() == "active"), self.manager.log())

    def test_a_restart_refuses_no_client(self):
        self.manager.do("start", "polyserve@web.socket")
        with stand.Asker(self.ask) as asker:
            for _ in range(2):
                self.assertTrue(asker.await_more(10), asker.failures)
                self.manager.do("restart", "polyserve@web.service")
            self.assertTrue(asker.await_more(10), asker.failures)
        self.assertEqual(asker.failures, [])

    def test_a_start_waits_until_the_server_is_ready(self):
        self.manager.do("start", "polyserve@web.service")
        self.assertEqual(self.ask(), "", self.manager.log())
        self.assertEqual(self.manager.property("polyserve@web.service", "Type"), "notify")

    def test_a_reload_is_sighup(self):
        self.manager.do("start", "polyserve@web.service")
        self.manager.do("reload", "polyserve@web.service")
        self.assertTrue(stand.eventually(lambda: "SIGHUP" in self.manager.log()))
        self.assertTrue(stand.eventually(lambda: self.state() == "active"), self.manager.log())
        self.assertEqual(self.ask(), "")

    def test_the_manager_follows_an_upgrade(self):
        self.manager.do("start", "polyserve@web.service")
        before = self.main_pid()
        with stand.Asker(self.ask) as asker:
            self.manager.do("kill", "--kill-whom=main", "--signal=USR2", "polyserve@web.service")
            self.assertTrue(stand.eventually(lambda: self.main_pid() not in ("0", before)), self.manager.log())
            self.assertTrue(asker.await_more(10), asker.failures)
        self.assertEqual(self.state(), "active")

    def test_a_server_that_is_killed_is_started_again(self):
        self.manager.do("start", "polyserve@web.service")
        before = self.main_pid()
        self.manager.do("kill", "--signal=KILL", "polyserve@web.service")
        self.assertTrue(stand.eventually(lambda: self.main_pid() not in ("0", before) and self.state() == "active"), self.manager.log())
        self.assertEqual(self.ask(), "")

    def test_wrong_flags_end_the_service_at_once(self):
        self.manager.write("web.conf", "--model=none\n")
        self.assertNotEqual(self.manager.systemctl("start", "polyserve@web.service").returncode, 0)
        self.assertEqual(self.state(), "failed")
        self.assertEqual(self.manager.property("polyserve@web.service", "NRestarts"), "0")
        self.assertEqual(self.manager.property("polyserve@web.service", "ExecMainStatus"), "2")

    def test_a_stop_finishes_what_was_begun(self):
        self.manager.do("start", "polyserve@web.service")
        with stand.socket.create_connection((stand.BALANCER, self.http), stand.PATIENCE_S) as connection:
            connection.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.manager.do("stop", "polyserve@web.service")
            self.assertTrue(b"".join(iter(lambda: connection.recv(65536), b"")).endswith(b"hello, world"))
        self.assertEqual(self.manager.property("polyserve@web.service", "Result"), "success")

    def test_every_model_serves_within_the_restrictions(self):
        flags = self.here(read(os.path.join(_UNITS, "web.conf"))).replace("--stop_notice=200ms\n", "")
        told = subprocess.run([_SERVER, "--model=help"], capture_output=True, text=True, check=True).stdout
        models = re.findall(r"(?m)^(?!model )([a-z]+) ", told.partition("\n\n")[0])
        self.assertIn("uring", models)
        for model in [*models, "multiprocess --start_method=spawn", "epoll --sandbox=on"]:
            with self.subTest(model=model):
                self.manager.write("web.conf", flags.replace("--model=epoll", "--model=" + model.replace(" ", "\n")))
                # Forgets the starts so far: on a fast machine the sixth within ten seconds would be refused (StartLimitBurst=).
                self.manager.systemctl("reset-failed", "polyserve@web.service")
                self.manager.do("restart", "polyserve@web.service")
                self.assertEqual(self.ask(), "", self.manager.log())

    def test_the_packages_service_serves(self):
        self.manager.do("start", "polyserve.service")
        self.assertTrue(stand.get(self.packaged_http, "/hello").endswith(b"hello, world"), self.manager.log())

    def test_each_client_of_echo_has_a_program(self):
        self.manager.do("start", "polyserve-echo.socket")
        with stand.socket.create_connection((stand.BALANCER, self.echo), stand.PATIENCE_S) as one, \
                stand.socket.create_connection((stand.BALANCER, self.echo), stand.PATIENCE_S) as other:
            for connection in (one, other):
                connection.sendall(b"ping")
                self.assertEqual(connection.recv(4), b"ping", self.manager.log())
            self.assertEqual(self.manager.property("polyserve-echo.socket", "NConnections"), "2")


if __name__ == "__main__":
    unittest.main()
