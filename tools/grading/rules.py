"""Rules: what the grader does with a call that the program is about to make, so that the fault shows at every run.

A rule's order(call, state) is "go", another order of shim/grader_link.h, HOLD, or None if the call is none of its business.
`state` is what the grader knows of the program (link.py).
"""

HOLD = "hold"
WAITS = ("poll", "ppoll", "select", "pselect", "epoll_wait", "epoll_pwait", "pause", "sigsuspend")


class Shorten:
    """write() and send() take fewer bytes than they are asked for, as the kernel may at any time: always the first of each
    descriptor, and then those that the seed says."""

    def __init__(self, random):
        self._random = random
        self._seen = set()

    def order(self, call, _state):
        if call.name != "write" or call.second < 2:
            return None
        first = (call.pid, call.first) not in self._seen
        self._seen.add((call.pid, call.first))
        if not first and self._random.random() < 0.5:
            return None
        return f"short {call.second - self._random.randint(1, min(call.second - 1, 4000))}"


class SignalBeforeWait:
    """Sends a signal when the program has checked its flag and is about to wait: at its n-th wait.

    The program waits in the call that it makes first: in accept(), or in poll() for what accept() takes afterwards.
    """

    def __init__(self, number, at):
        self._number = number
        self._left = at
        self._name = None

    def order(self, call, _state):
        if self._name is None and (call.name in WAITS or call.name == "accept"):
            self._name = call.name
        if call.name != self._name:
            return None
        self._left -= 1
        return f"signal {self._number}" if self._left == 0 else None


class Accepted:
    """The accepted sockets behind the first `spared`: "up 1030" moves each to a high descriptor."""

    def __init__(self, order, spared=0):
        self._order = order
        self._spared = spared

    def order(self, call, _state):
        if call.name != "accept":
            return None
        self._spared -= 1
        return self._order if self._spared < 0 else None


class Meet:
    """Threads that arrive at a point are held until some of them are there, so that they go on at the same moment.

    They go on earlier if a thread waits for a lock (one of those that are held may have it), or if nothing else moves any
    more. After some meetings the rule is spent, so that a program that starts over cannot be held for ever.
    """

    def __init__(self, is_there, parties=2, meetings=3):
        self._is_there = is_there
        self.parties = parties
        self._left = meetings

    def order(self, call, state):
        return HOLD if self._left > 0 and self._is_there(call, state) else None

    def met(self):
        """They go on together."""
        self._left -= 1


def holds_one_lock(call, state):
    """The thread has just taken a lock, and has no other."""
    return call.name == "locked" and len(state.locks_of(call.tid)) == 1


def is_named(*names):
    return lambda call, _state: call.name in names
