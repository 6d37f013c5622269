"""The hosts and their links, where they may be made: they reach each other, links can be cut and slowed down, and nothing is left."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import unittest
import unittest.mock

from scaling import namespaces, stand
from scaling.namespaces import NetworkError
from scaling.stand import SERVERS, Stand

_PORT = 7000
_ECHO = f"""
import socket, sys
listener = socket.create_server((sys.argv[1], {_PORT}))
print("ready", flush=True)
while True:
    connection = listener.accept()[0]
    connection.sendall(connection.recv(100))
    connection.close()
"""
_LEAVE = """
import sys
sys.path.insert(0, ".")
from scaling.stand import Stand
Stand().__enter__()
print("there", flush=True)
sys.stdin.read()
"""


def can_make():
    try:
        with Stand():
            return True
    except NetworkError:
        return False


def own_names(pid=os.getpid()):
    folder = "/run/netns"
    return [name for name in os.listdir(folder) if name.startswith(f"polyserve-scale-{pid}-")] if os.path.isdir(folder) else []


def start_echo(host):
    process = host.spawn([sys.executable, "-c", _ECHO, host.address], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def ask(address, patience_s=10):
    """Seconds until the answer; OSError: there is none."""
    begun = time.monotonic()
    with socket.create_connection((address, _PORT), patience_s) as connection:
        connection.sendall(b"ping")
        assert connection.recv(100) == b"ping"
    return time.monotonic() - begun


@unittest.skipUnless(can_make(), "no network namespaces may be made here")
class StandTest(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(own_names(), [])

    def test_hosts_are_reached_and_die(self):
        with Stand() as place:
            for host in place.servers.values():
                process = start_echo(host)
                ask(host.address)
                host.kill()
                self.assertEqual(process.wait(10), -signal.SIGKILL)
                process.stdout.close()
                with self.assertRaises(ConnectionRefusedError):
                    ask(host.address)

    def test_a_link_that_is_cut_and_mended(self):
        with Stand() as place:
            for name in ("a", "b"):
                start_echo(place.hosts[name])
            place.hosts["b"].link.cut()
            with self.assertRaises(OSError):
                ask(SERVERS["b"], patience_s=0.2)
            ask(SERVERS["a"])
            place.hosts["b"].link.mend()
            ask(SERVERS["b"])

    def test_a_link_that_is_slow_for_a_while(self):
        with Stand(can_delay=("b",)) as place:
            for name in ("a", "b"):
                start_echo(place.hosts[name])
            ask(SERVERS["b"])
            place.hosts["b"].link.delay(0.2)
            self.assertGreater(ask(SERVERS["b"]), 2 * 0.2)  # One round trip for the connection, one for the answer.
            ask(SERVERS["a"])
            place.hosts["b"].link.delay(0)
            ask(SERVERS["b"])

    def test_it_goes_after_an_error_and_after_ctrl_c(self):
        before = os.readlink("/proc/self/ns/net")
        with self.assertRaises(ZeroDivisionError), Stand() as place:
            start_echo(place.hosts["a"])
            raise ZeroDivisionError
        self.assertEqual((own_names(), os.readlink("/proc/self/ns/net")), ([], before))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job ignores it.
        with self.assertRaises(KeyboardInterrupt), Stand() as place:
            start_echo(place.hosts["a"])
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        self.assertEqual((own_names(), os.readlink("/proc/self/ns/net")), ([], before))

    def test_it_goes_if_ctrl_c_comes_or_something_fails_while_it_goes(self):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before, remove = os.readlink("/proc/self/ns/net"), namespaces.remove

        def disturbed_remove(name):
            os.kill(os.getpid(), signal.SIGINT)
            remove(name)
            raise NetworkError(name)

        # The interrupt outlives the errors.
        with self.assertRaises(KeyboardInterrupt), contextlib.ExitStack() as patched, Stand():
            patched.enter_context(unittest.mock.patch.object(namespaces, "remove", disturbed_remove))
        self.assertEqual((own_names(), os.readlink("/proc/self/ns/net")), ([], before))

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        with subprocess.Popen([sys.executable, "-c", _LEAVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
            self.assertEqual(killed.stdout.readline(), "there\n")
            self.assertEqual(len(own_names(killed.pid)), len(SERVERS) + 4)
            namespaces.remove_leftovers()
            self.assertEqual(len(own_names(killed.pid)), len(SERVERS) + 4, "it is still running")
            killed.kill()
        with Stand():
            self.assertEqual(own_names(killed.pid), [])


class RefusalTest(unittest.TestCase):
    def test_who_is_not_root_is_told_so(self):
        if os.geteuid() != 0:
            with self.assertRaisesRegex(NetworkError, "take root"):
                stand.check()


if __name__ == "__main__":
    unittest.main()
