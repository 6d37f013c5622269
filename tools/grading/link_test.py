"""Tests of link.py: a program is played by sockets."""

import socket
import unittest

from . import calibration, link, rules, steps
from .processes import Thread


class Tree:
    """Threads that sleep for ever."""

    def threads(self):
        return [Thread(1, 1, "S", 1)]


class LinkTest(unittest.TestCase):

    def start(self, *check_rules):
        self.steps = steps.Steps()
        self.link = link.Link(check_rules, self.steps, calibration.limits(0.0001))
        self.link.start()
        self.addCleanup(self.link.close)

    def thread(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(30)
        connection.connect(self.link.path)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, message):
        connection.send(message)
        return connection.recv(100)

    def test_call_without_a_rule_goes(self):
        self.start()
        self.assertEqual(self.ask(self.thread(), b"ask 1 2 write 4 100"), b"go")

    def test_rule_decides_and_the_step_says_so(self):
        self.start(rules.Accepted("up 1030"))
        self.assertEqual(self.ask(self.thread(), b"ask 1 1 accept 3 0"), b"up 1030")
        self.assertEqual(self.steps.lines(), ["  1  process A  accept(): its descriptor becomes 1030 or more"])

    def test_two_threads_that_meet_go_on_together(self):
        self.start(rules.Meet(rules.is_named("update")))
        one, other = self.thread(), self.thread()
        one.send(b"ask 1 2 update 64 128")
        other.send(b"ask 1 3 update 64 128")
        self.assertEqual([one.recv(100), other.recv(100)], [b"go", b"go"])
        self.assertIn("all 2 of them go on", self.steps.lines()[-1])

    def test_thread_that_is_held_goes_on_if_another_waits_for_a_lock(self):
        self.start(rules.Meet(rules.holds_one_lock))
        one, other = self.thread(), self.thread()
        one.send(b"ask 1 2 locked 64 0")
        other.send(b"tell 1 3 blocked 64 0")
        self.assertEqual(one.recv(100), b"go")
        self.assertEqual(self.link.state.waits_for, {3: 64})
        self.assertEqual(self.link.state.holder(64), 2)

    def test_thread_that_is_held_goes_on_if_nothing_else_moves(self):
        self.start(rules.Meet(rules.is_named("accept"), parties=8))
        self.link.tree = Tree()
        self.assertEqual(self.ask(self.thread(), b"ask 1 1 accept 3 0"), b"go")
        self.assertIn("nothing else moves", self.steps.lines()[-1])

    def test_thread_that_dies_while_it_is_held_is_forgotten(self):
        self.start(rules.Meet(rules.is_named("update")))
        dies = self.thread()
        dies.send(b"ask 1 2 update 64 128")
        self.link.flush()
        dies.close()
        self.link.flush()
        one, other = self.thread(), self.thread()
        one.send(b"ask 1 3 update 64 128")
        self.link.flush()
        self.assertNotIn("go on", "".join(self.steps.lines()))
        other.send(b"ask 1 4 update 64 128")
        self.assertEqual([one.recv(100), other.recv(100)], [b"go", b"go"])

    def test_what_was_told_is_noted_after_a_flush(self):
        self.start()
        for number in range(5):
            self.thread().send(b"tell 1 %d accepted -1 11" % number)
        self.link.flush()
        self.assertEqual([failure for _, failure in self.link.state.accepted], [11] * 5)
        self.assertTrue(self.link.state.asked_about("accepted"))


class StateTest(unittest.TestCase):

    def test_lock_that_is_given_back_has_no_holder(self):
        state = link.State()
        state.note(link.Call("locked", 1, 2, 64, 0))
        state.note(link.Call("unlocked", 1, 2, 64, 0))
        self.assertIsNone(state.holder(64))
        self.assertEqual(state.locks_of(2), [])


if __name__ == "__main__":
    unittest.main()
