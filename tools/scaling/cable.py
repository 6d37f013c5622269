"""A cable that delays, for kernels without netem: frames that come out of one TAP device go into the other one, some time later.

    host: eth0 (tap) ──▶ this program ──▶ port (tap) of the bridge

It is a program of its own, so that what the clients do delays nothing more: python3 cable.py FD FD, with the two devices' descriptors,
and a line with the delay in seconds, each way, at its standard input whenever it is to change. It ends with its input.

TAP devices announce no offload, so every frame is whole, with its checksums: nothing is left to a card that is not there.
"""

import collections
import os
import select
import sys
import time

_LONGEST_FRAME = 65536
_FRAMES_AT_A_TIME = 64


class Direction:
    """What is under way from one end to the other. The order stays, also when the delay changes."""

    def __init__(self, source, target):
        self.source, self._target = source, target
        self._waiting = collections.deque()  # (due, frame)

    def take(self, now, delay_s):
        for _ in range(_FRAMES_AT_A_TIME):
            try:
                frame = os.read(self.source, _LONGEST_FRAME)
            except BlockingIOError:
                return
            due = now + delay_s
            self._waiting.append((max(due, self._waiting[-1][0]) if self._waiting else due, frame))

    def give(self, now):
        """What is due. A device that is down, or full, loses frames, as a cable that is pulled out does."""
        while self._waiting and self._waiting[0][0] <= now:
            try:
                os.write(self._target, self._waiting.popleft()[1])
            except OSError:
                pass

    def next_due(self):
        return self._waiting[0][0] if self._waiting else None


def run(one, other, control):
    for end in (one, other, control):
        os.set_blocking(end, False)
    directions = [Direction(one, other), Direction(other, one)]
    poller = select.epoll()
    for end in (one, other, control):
        poller.register(end, select.EPOLLIN)
    delay_s = 0.0
    while True:
        due = [direction.next_due() for direction in directions if direction.next_due() is not None]
        events = dict(poller.poll(max(0.0, min(due) - time.monotonic()) if due else None))
        if control in events:
            said = os.read(control, 4096)
            if not said:
                return
            delay_s = float(said.split()[-1])
        now = time.monotonic()
        for direction in directions:
            if events.get(direction.source, 0) & select.EPOLLIN:
                direction.take(now, delay_s)
            direction.give(now)


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), sys.stdin.fileno())
