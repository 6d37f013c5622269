"""Who serves whom, seen from outside: small servers of our own, with a thread for each client, with two epoll loops, and one that
never accepts."""

import os
import socket
import subprocess
import sys
import textwrap
import time
import unittest

from comparison import procfs

from . import observer

_PATIENCE_S = 20
_THREADS = """
    import socket, threading
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=client.recv, args=(1,), daemon=True).start()
"""
_LOOPS = """
    import select, socket
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    loops, clients = [select.epoll(), select.epoll()], []
    while True:
        clients.append(listener.accept()[0])
        loops[len(clients) % 2].register(clients[-1], select.EPOLLIN)
"""
_DEAF = """
    import socket, time
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    time.sleep(1000)
"""


class ObserverTest(unittest.TestCase):
    def start(self, program):
        """(its pid, its port)."""
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.pid, int(process.stdout.readline())

    def connect(self, port):
        """The client's port."""
        client = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(client.close)
        return client.getsockname()[1]

    def look_until(self, target, is_there, roles=None):
        """The first look at which it is so."""
        watch = observer.Observer()
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            found = watch.look({"it": target}, roles or {})["it"].as_json()
            if is_there(found):
                return found
        self.fail(f"it was never seen; the last look: {found}")

    def test_a_thread_that_waits_for_its_client_is_known_by_its_connection(self):
        pid, port = self.start(_THREADS)
        if not procfs.read(f"/proc/{pid}/syscall"):
            self.skipTest("/proc/PID/syscall cannot be read here")
        clients = [self.connect(port), self.connect(port)]
        target = observer.Target(pid, (port,), has_thread_each=True)
        found = self.look_until(target, lambda look: len(look["tree"][0]["boxes"]) == 2, {clients[0]: "victim"})
        boxes = found["tree"][0]["boxes"]
        self.assertEqual({tuple(map(tuple, box["connections"])) for box in boxes},
                         {((clients[0], "victim"),), ((clients[1], "load"),)})
        self.assertEqual({box["kind"] for box in boxes}, {"thread"})
        self.assertNotIn(pid, [box["id"] for box in boxes])
        self.assertEqual((found["processes"], found["threads"], found["open"]), (1, 3, 2))

    def test_several_loops_of_a_process_are_known_by_what_they_watch(self):
        pid, port = self.start(_LOOPS)
        for _ in range(5):
            self.connect(port)
        target = observer.Target(pid, (port,))
        found = self.look_until(target, lambda look: sum(box["count"] for box in look["tree"][0]["boxes"]) == 5)
        self.assertEqual(sorted(box["count"] for box in found["tree"][0]["boxes"]), [2, 3])
        self.assertEqual(found["tree"][0]["count"], 0)

    def test_a_client_that_is_not_accepted_waits_in_the_queue(self):
        pid, port = self.start(_DEAF)
        client = self.connect(port)
        found = self.look_until(observer.Target(pid, (port,)), lambda look: look["queue"]["count"] == 1, {client: "guest"})
        self.assertEqual((found["queue"]["connections"], found["open"]), ([[client, "guest"]], 0))

    def test_the_process_that_has_a_client_is_found(self):
        pid, port = self.start(_LOOPS)
        client = self.connect(port)
        target = observer.Target(pid, (port,))
        self.look_until(target, lambda look: look["open"] == 1)
        self.assertEqual(observer.holder(target, client), pid)
        self.assertIsNone(observer.holder(target, 1))

    def test_a_server_that_is_gone_is_nothing_and_no_error(self):
        pid, port = self.start(_DEAF)
        os.kill(pid, 9)
        found = self.look_until(observer.Target(pid, (port,)), lambda look: look["processes"] == 0)
        self.assertEqual((found["threads"], found["memory_kib"], found["tree"]), (0, 0, []))


if __name__ == "__main__":
    unittest.main()
