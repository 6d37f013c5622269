"""Link: the grader's end of the line to a program under test. Answers each question of the shim by the rules of the check,
holds threads, and writes down what happened."""

import collections
import errno
import os
import selectors
import signal
import socket
import tempfile
import threading
import time

from . import processes, rules as rules_

# A call that a thread is about to make (shim/calls.cc says what the numbers are).
Call = collections.namedtuple("Call", "name pid tid first second")


def parse(message):
    """(kind, Call) of what the shim sends."""
    kind, pid, tid, name, first, second = message.decode().split()
    return kind, Call(name, int(pid), int(tid), int(first), int(second))


class State:
    """What the calls have told about the program so far."""

    def __init__(self):
        self._locks = {}  # by thread, in the order in which it took them
        self.waits_for = {}  # the lock that each thread waits for
        self.accepted = []  # (call, errno or 0) of each accept() that has returned
        self._names = set()

    def asked_about(self, name):
        """Whether the program has ever made this call."""
        return name in self._names

    def locks_of(self, tid):
        return self._locks.get(tid, [])

    def holder(self, lock):
        """The thread that has the lock, or None."""
        return next((tid for tid, locks in self._locks.items() if lock in locks), None)

    def note(self, call):
        self._names.add(call.name)
        if call.name == "locked":
            self.waits_for.pop(call.tid, None)
            self._locks.setdefault(call.tid, []).append(call.first)
        elif call.name == "unlocked" and call.first in self.locks_of(call.tid):
            self._locks[call.tid].remove(call.first)
        elif call.name == "blocked":
            self.waits_for[call.tid] = call.first
        elif call.name == "accepted":
            self.accepted.append((call, call.second))


class Words:
    """Says what a call is."""

    def __init__(self, steps, symbol):
        self._steps = steps
        self._symbol = symbol

    def who(self, call):
        kind = "thread" if call.pid != call.tid or call.name in ("locked", "blocked", "unlocked", "update") else "process"
        return self._steps.name(kind, call.tid)

    def lock(self, address):
        return self._steps.name("lock", address)

    def what(self, call):
        return {"write": lambda: f"write of {call.second} bytes to descriptor {call.first}",
                "locked": lambda: f"has taken {self.lock(call.first)}",
                "blocked": lambda: f"waits for {self.lock(call.first)}",
                "unlocked": lambda: f"gives back {self.lock(call.first)}",
                "update": lambda: f"has read {self._symbol(call.first, call.second)}, and is about to write it",
                "accepted": lambda: (f"accept: {errno.errorcode.get(call.second, call.second)}" if call.second else
                                     f"accept: descriptor {call.first}")}.get(call.name, lambda: f"{call.name}()")()


def order_in_words(order):
    verb, _, value = order.partition(" ")
    if verb == "signal":
        return f"{signal.Signals(int(value)).name} comes just before it"
    return {"short": f"takes {value} bytes only", "up": f"its descriptor becomes {value} or more"}[verb]


class Link(threading.Thread):
    """Answers until close() is called. All of it runs in this thread; a check reads `state` after flush()."""

    def __init__(self, check_rules, steps, limits, symbol=lambda address, code: "a variable"):
        super().__init__(daemon=True)
        self._rules = check_rules
        self._steps = steps
        self._limits = limits
        self._words = Words(steps, symbol)
        self._folder = tempfile.TemporaryDirectory(prefix="grade-")
        self.path = os.path.join(self._folder.name, "link")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(self.path)
        self._listener.listen(200)
        self._wake, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._on_thread)
        self._selector.register(self._wake, selectors.EVENT_READ, self._on_wake)
        self._flushed = threading.Event()
        self._flush_asked = False
        self._ended = False
        self._held = []  # (connection, call, rule)
        self._stillness = processes.Stillness()
        self.state = State()
        self.tree = None  # set when the program runs; until then, held threads are not released for stillness

    def flush(self):
        """Returns when all that the program has said so far is noted."""
        self._flushed.clear()
        self._waker.send(b"f")
        self._flushed.wait()

    def holds(self):
        """Whether a thread is held at this moment."""
        return bool(self._held)

    def close(self):
        """Lets all threads go on, and ends the answers."""
        self._waker.close()
        self.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        self._folder.cleanup()

    def run(self):
        while not self._ended:
            self._take_messages(0.002 if self._held else None)
            if self._flush_asked:
                while not self._ended and self._take_messages(0):
                    pass
                self._flush_asked = False
                self._flushed.set()
            if self._held:
                self._release_if_met()

    def _take_messages(self, timeout):
        """Whether there were any."""
        ready = self._selector.select(timeout)
        for key, _ in ready:
            key.data(key.fileobj)
        return bool(ready)

    def _on_wake(self, wake):
        if wake.recv(1):
            self._flush_asked = True
        else:
            self._ended = True

    def _on_thread(self, listener):
        connection, _ = listener.accept()
        self._selector.register(connection, selectors.EVENT_READ, self._on_message)

    def _on_message(self, connection):
        try:
            message = connection.recv(256)
        except OSError:
            message = b""
        if not message:  # The thread or its process has ended.
            self._selector.unregister(connection)
            connection.close()
            self._held = [held for held in self._held if held[0] is not connection]
            return
        kind, call = parse(message)
        self.state.note(call)
        if kind == "tell":
            self._steps.add(self._words.who(call), self._words.what(call))
            return
        self._answer(connection, call)

    def _answer(self, connection, call):
        for rule in self._rules:
            order = rule.order(call, self.state)
            if order == rules_.HOLD:
                self._steps.add(self._words.who(call), f"{self._words.what(call)}: held")
                self._held.append((connection, call, rule))
                self._stillness = processes.Stillness()
                return
            if order is not None:
                self._steps.add(self._words.who(call), f"{self._words.what(call)}: {order_in_words(order)}")
                self._send(connection, order)
                return
        if call.name != "accept":  # Its result is reported afterwards.
            self._steps.add(self._words.who(call), self._words.what(call))
        self._send(connection, "go")

    def _send(self, connection, order):
        try:
            connection.send(order.encode())
        except OSError:
            pass  # Its end is read next.

    def _release_if_met(self):
        rule = self._held[0][2]
        why = None
        if len(self._held) >= rule.parties:
            why = f"all {len(self._held)} of them go on"
        elif self.state.waits_for:
            why = "goes on, since another thread waits for a lock"
        elif self.tree is not None and self._stands_still():
            why = "goes on, since nothing else moves"
        if why is None:
            return
        self._steps.add("grader", why)
        rule.met()
        held, self._held = self._held, []
        for connection, _, _ in held:
            self._send(connection, "go")

    def _stands_still(self):
        return self._stillness.look(self.tree.threads(), time.monotonic()) >= self._limits.grace
