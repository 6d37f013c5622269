"""thundering_herd: how many workers wake up for one client."""

import errno

from .. import rules
from ..exercise import Check, Exercise

_WORKERS = 8


def _serves(lab):
    with lab.start() as server:
        if not server.until(lambda: len(server.children()) >= _WORKERS):
            raise lab.wrong(server, f"There should be {_WORKERS} workers, each a process; there are {len(server.children())}")
        for client in reversed([server.client() for _ in range(3)]):
            if client.rest() != b"hello\n":
                raise lab.wrong(server, f"{client.name} should hear \"hello\", and then the end")


def _wakes_one(lab):
    with lab.start([rules.Meet(rules.is_named("accept"), parties=_WORKERS, meetings=4)], ["accept"]) as server:
        server.settle()
        state = server.link.state
        for _ in range(lab.random.randint(1, 2)):
            before = len(state.accepted)
            client = server.client()
            if client.rest() != b"hello\n":
                raise lab.wrong(server, f"{client.name} should hear \"hello\", and then the end")
            server.settle()
            in_vain = sum(failure == errno.EAGAIN for _, failure in state.accepted[before:])
            if in_vain > 1:
                raise lab.wrong(
                    server, f"One client came, and {in_vain + 1} workers woke up: one got it, {in_vain} found nothing (EAGAIN)",
                    "poll(), select() and a plain epoll wake all processes that wait for the same listener: a thundering herd. Each "
                    "pays two context switches and two system calls for nothing, and the more workers there are, the more is "
                    "wasted.",
                    "epoll_ctl(2), EPOLLEXCLUSIVE; accept(2), which wakes one; net/wait_set.h")


EXERCISE = Exercise("thundering_herd", (Check("eight workers serve", _serves),
                                        Check("one client wakes one worker", _wakes_one, 3)))
