"""The plan: what the driver and the library say to each other, and what becomes of a call that is to fail, in small programs."""

import os
import subprocess
import sys
import tempfile
import unittest

from faulting import plan as plans
from faulting.trial import Place

_LIBRARY = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""), "tools/faulting/faulty_calls.so")


def setUpModule():
    with open(_LIBRARY, "rb") as file:
        if b"__asan_init" in file.read():
            raise unittest.SkipTest("a sanitizer's library has to be the first that is loaded")


class PlanTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "plan")
        self.plan = plans.Plan(self.path)
        self.addCleanup(self.plan.__exit__)

    def run_python(self, program):
        """(status, output) of this Python program, under the library."""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "LD_PRELOAD": _LIBRARY, "POLYSERVE_FAULTS": self.path})
        return done.returncode, done.stdout.strip(), done.stderr

    def count(self, role, call):
        return sum(one.count for one in self.plan.seen() if (one.role, one.call) == (role, call))

    def test_names_are_the_librarys(self):
        self.run_python("")
        self.assertEqual(tuple(self.plan.names()), plans.CALLS)

    def test_calls_are_counted_by_process_and_by_kind_of_descriptor(self):
        self.plan.begin()
        program = """if True:
            import os, socket
            a, b = socket.socketpair()
            read, write = os.pipe()
            for _ in range(3): os.write(write, b'12')
            os.write(a.fileno(), b'12')
            if os.fork() == 0:
                os.write(a.fileno(), b'12')
                os._exit(0)
            os.wait()
            """
        self.assertEqual(self.run_python(program)[0], 0)
        self.assertEqual([self.count("now-0", call) for call in ("write.pipe", "write.stream", "fork")], [3, 1, 1])
        self.assertEqual([self.count("now-1", call) for call in ("write.pipe", "write.stream")], [0, 1])

    def test_nothing_is_counted_at_rest(self):
        self.plan.begin()
        self.plan.rest()
        self.run_python("import os; os.pipe()")
        self.assertEqual(self.plan.seen(), [])

    def test_call_fails_once_at_its_place_and_in_no_other(self):
        self.plan.arm(Place("now-0", "pipe", 2), "EMFILE")
        program = """if True:
            import os
            for _ in range(4):
                try:
                    os.pipe()
                    print('made')
                except OSError as error:
                    print(error.errno)
            """
        self.assertEqual(self.run_python(program)[1].split(), ["made", "24", "made", "made"])
        self.assertTrue(self.plan.fired)

    def test_short_write_moves_one_byte(self):
        self.plan.arm(Place("now-0", "write.stream", 1), "SHORT")
        status, output, _ = self.run_python("import os, socket; a, b = socket.socketpair(); print(os.write(a.fileno(), b'1234'), b.recv(9))")
        self.assertEqual((status, output), (0, "1 b'1'"))

    def test_call_that_may_wait_never_says_that_it_would_have_to(self):
        program = """if True:
            import socket
            a, b = socket.socketpair()
            b.send(b'12')
            a.recv(1)
            a.setblocking(False)
            try:
                a.recv(1)
            except BlockingIOError:
                print('EAGAIN')
            """
        self.plan.arm(Place("now-0", "receive.stream", 1), "EAGAIN")
        self.assertEqual(self.run_python(program)[:2], (0, "EAGAIN"))

    def test_close_of_what_is_not_open_is_noticed(self):
        self.plan.begin()
        self.run_python("import os\ntry: os.close(77)\nexcept OSError: pass")
        self.assertEqual(self.plan.bad_closes, 1)

    def test_process_that_dies(self):
        self.plan.arm(Place("now-0", "pipe", 1), "DIE")
        self.assertEqual(self.run_python("import os; os.pipe(); print('alive')")[:2], (3, ""))

    def test_names_of_processes_and_faults_are_read_back(self):
        for name in ("start-0", "later-15", "now-31"):
            self.assertEqual(plans.role_name(plans.role_place(name)), name)
        for wrong in ("start", "then-1", "now-x"):
            self.assertRaises(ValueError, plans.role_place, wrong)
        for wrong in ("ENOTHING", "", "errorcode"):
            self.assertRaises(ValueError, plans.action, wrong)


if __name__ == "__main__":
    unittest.main()
