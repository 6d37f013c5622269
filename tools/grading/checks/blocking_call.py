"""blocking_call: one call that waits, in a loop that serves all."""

from ..exercise import Check, Exercise
from . import talk


def _whole_lines(lab):
    with lab.start() as server:
        for client in reversed([server.client() for _ in range(3)]):
            talk.expect(lab, server, client, b"hello\n", b"5\n")


def _half_lines(lab):
    with lab.start() as server:
        slow = server.client()
        others = [server.client() for _ in range(lab.random.randint(1, 3))]
        half = b"x" * lab.random.randint(1, 20)
        slow.send(half)
        server.settle()
        for client in reversed(others):
            talk.expect(
                lab, server, client, b"hello\n", b"5\n",
                f"{slow.name} has sent half a line, and the server waits inside read() for the other half. In a loop that serves "
                "all clients no call may wait for one of them: what has come is kept, and the loop goes on. poll() promises that "
                "one read() will not wait; it promises nothing for the second.")
        talk.expect(lab, server, slow, b"y\n", b"%d\n" % (len(half) + 1), "The two halves are one line.")


EXERCISE = Exercise("blocking_call", (Check("whole lines are answered", _whole_lines),
                                      Check("half a line of one client keeps no other waiting", _half_lines, 3)))
