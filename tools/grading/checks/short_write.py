"""short_write: a write that takes less than it is given."""

import random

from .. import rules
from ..exercise import Check, Exercise

_TEXT = b"".join(b"line %d\n" % number for number in range(1, 2001))


def _whole(lab):
    with lab.start() as server:
        for client in [server.client() for _ in range(2)]:
            if client.rest() != _TEXT:
                raise lab.wrong(server, "A client should get the lines 1 to 2000, and then the end")


def _shortened(lab):
    with lab.start([rules.Shorten(random.Random(lab.random.randrange(1 << 30)))], ["write"]) as server:
        for client in [server.client() for _ in range(lab.random.randint(1, 3))]:
            text = client.rest()
            if text == _TEXT:
                continue
            same = next((at for at, (one, other) in enumerate(zip(text, _TEXT)) if one != other), min(len(text), len(_TEXT)))
            raise lab.wrong(
                server, f"{client.name} got {len(text)} bytes of {len(_TEXT)}; what is right ends at byte {same}",
                "write() returns how much it has taken, and that may be less than it was given: the socket's buffer was nearly "
                "full, or a signal came in between. The rest is the program's to send.",
                "write(2), \"RETURN VALUE\"; backends/connection/flush.cc")
        if not server.link.state.asked_about("write"):
            raise lab.wrong(server, "The grader has seen no write() and no send()", "It shortens these two: use one of them.")


EXERCISE = Exercise("short_write", (Check("each client gets the whole text", _whole),
                                    Check("also if write() takes less than it is given", _shortened, 3)))
