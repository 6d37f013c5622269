"""The network between clients and servers: what is asked for, which disciplines that makes, and, where it may be made, that it is
there and goes again."""

import os
import re
import signal
import socket
import subprocess
import sys
import unittest

from comparison import network, processes, procfs
from comparison.network import Network


def namespaces_of(pid):
    """The names of the namespaces that a process has made; other runs may have theirs at the same time."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    return sorted(name for name in names if name.startswith(f"polyserve-{pid}-"))


class ParseTest(unittest.TestCase):
    def test_all_and_parts(self):
        self.assertEqual(Network.parse("rtt:20ms,loss:0.5%,rate:100mbit"), Network(0.02, 0.005, 1e8))
        self.assertEqual(Network.parse("rate:1.5gbit, rtt:500us"), Network(0.0005, 0.0, 1.5e9))
        self.assertEqual(Network.parse("rtt:1s").title(), "a round trip of 1000 ms")
        self.assertEqual(Network.parse("rtt:20ms,loss:0.5%,rate:100mbit").title(),
                         "a round trip of 20 ms, 0.5 % of the packets lost each way, 100 Mbit/s each way")

    def test_what_makes_no_sense_is_named(self):
        for text in ("", "rtt", "rtt:20", "rtt:-1ms", "rtt:0ms", "rtt:1h", "rtt:99s", "loss:0.5", "loss:60%", "rate:100", "delay:1ms",
                     "rtt:1ms,rtt:2ms", "rtt:1ms;loss:1%"):
            with self.assertRaisesRegex(network.NetworkError, "is not understood; for example rtt:20ms"):
                Network.parse(text)


class DisciplinesTest(unittest.TestCase):
    def test_half_of_the_round_trip_each_way_and_the_rate_behind_it(self):
        self.assertEqual([" ".join(words) for words in Network(0.02, 0.005, 1e8).disciplines()],
                         ["root handle 1: netem limit 100000 delay 10000us loss 0.5%",
                          "parent 1:1 handle 10: tbf rate 100000000bit burst 125000 latency 50ms"])

    def test_a_rate_alone_needs_no_netem(self):
        self.assertEqual([" ".join(words) for words in Network(rate=1e6).disciplines()],
                         ["root handle 1: tbf rate 1000000bit burst 32768 latency 50ms"])

    def test_loss_alone(self):
        self.assertEqual([" ".join(words) for words in Network(loss=0.01).disciplines()],
                         ["root handle 1: netem limit 100000 loss 1%"])


def can_make():
    """Whether this system lets us make network namespaces."""
    try:
        with network.Namespaces(Network(rate=1e9)):
            return True
    except network.NetworkError:
        return False


@unittest.skipUnless(can_make(), "no network namespaces may be made here")
class NamespacesTest(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(namespaces_of(os.getpid()), [])

    def test_a_server_in_the_one_is_reached_from_the_other(self):
        before = os.readlink("/proc/self/ns/net")
        code = "import socket; s = socket.create_server(('10.201.77.1', 0)); print(s.getsockname()[1], flush=True); " \
               "c = s.accept()[0]; c.sendall(c.recv(9)[::-1]); c.recv(9)"
        with network.Namespaces(Network(rate=1e9)) as joined:
            self.assertNotEqual(os.readlink("/proc/self/ns/net"), before)
            server = processes.spawn([sys.executable, "-c", code], namespace=joined.place.namespace, stdout=subprocess.PIPE, text=True)
            port = int(server.stdout.readline())
            with socket.create_connection((joined.place.host, port), timeout=10) as connection:
                connection.sendall(b"abc")
                self.assertEqual(connection.recv(9), b"cba")
                self.assertEqual(connection.getsockname()[0], "10.201.77.2")
                self.assertEqual(len(procfs.connection_inodes(port, server.pid)), 1)
                self.assertEqual(len(procfs.connection_inodes(port)), 0, "its end is not in our network")
            server.communicate(timeout=10)
        self.assertEqual(os.readlink("/proc/self/ns/net"), before)

    def test_the_rate_is_kept(self):
        code = "import socket; s = socket.create_server(('10.201.77.1', 0)); print(s.getsockname()[1], flush=True); " \
               "c = s.accept()[0]; c.sendall(bytes(3_000_000)); c.close()"
        with network.Namespaces(Network(rate=40e6)) as joined:
            server = processes.spawn([sys.executable, "-c", code], namespace=joined.place.namespace, stdout=subprocess.PIPE, text=True)
            port = int(server.stdout.readline())
            sent = processes.run(["tc", "-s", "-n", os.path.basename(joined.place.namespace), "qdisc", "show"])[1]
            with socket.create_connection((joined.place.host, port), timeout=10) as connection:
                received = 0
                while piece := connection.recv(65536):
                    received += len(piece)
            self.assertEqual(received, 3_000_000)
            self.assertIn("tbf 1: dev polyserve0 root refcnt 3 rate 40Mbit", sent.replace("refcnt 2", "refcnt 3"))
            after = processes.run(["tc", "-s", "-n", os.path.basename(joined.place.namespace), "qdisc", "show"])[1]
            packets = int(re.search(r"tbf 1:.*?Sent \d+ bytes (\d+) pkt", after, re.DOTALL)[1])
            self.assertGreater(packets, 3_000_000 / 1514 * 0.9, "segments are packets of their own")
            server.communicate()

    def test_it_goes_after_an_error_and_after_ctrl_c(self):
        with self.assertRaises(ZeroDivisionError), network.Namespaces(Network(rate=1e9)):
            raise ZeroDivisionError
        self.assertEqual(namespaces_of(os.getpid()), [])
        with self.assertRaises(KeyboardInterrupt), network.Namespaces(Network(rate=1e9)):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        code = ("import sys; sys.path.insert(0, 'tools' if __import__('os').path.isdir('tools') else '.'); "
                "from comparison import network; n = network.Namespaces(network.Network(rate=1e9)); n.__enter__(); "
                "print('there', flush=True); sys.stdin.read()")
        killed = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(killed.stdout.readline(), "there\n")
        left = namespaces_of(killed.pid)
        self.assertEqual(len(left), 2)
        network.remove_leftovers()
        self.assertEqual(namespaces_of(killed.pid), left, "it is still running")
        killed.kill()
        killed.communicate()
        self.assertEqual(namespaces_of(killed.pid), left)
        with network.Namespaces(Network(rate=1e9)):
            self.assertEqual(len(namespaces_of(os.getpid())), 2)
            self.assertEqual(namespaces_of(killed.pid), [])

    def test_a_kernel_without_netem_is_told_of(self):
        try:
            with network.Namespaces(Network(rtt_s=0.02)):
                pass
        except network.NetworkError as error:
            self.assertIn("has no sch_netem", str(error))


class RefusalTest(unittest.TestCase):
    def test_who_is_not_root_is_told_so(self):
        if os.geteuid() != 0:
            with self.assertRaisesRegex(network.NetworkError, "takes root"), network.Namespaces(Network(rate=1e9)):
                pass


if __name__ == "__main__":
    unittest.main()
