"""lost_update: a counter that threads share."""

from .. import rules
from ..exercise import Check, Exercise
from . import talk


def _one_by_one(lab):
    with lab.start() as server:
        for number, client in enumerate(reversed([server.client() for _ in range(3)]), 1):
            talk.expect(lab, server, client, b"next\n", b"%d\n" % number)


def _together(lab):
    with lab.start([rules.Meet(rules.is_named("update"))], ["memory", "lock"]) as server:
        clients = [server.client() for _ in range(2)]
        tickets = []
        for _ in range(lab.random.randint(2, 4)):
            for client in reversed(clients):
                client.send(b"next\n")
            tickets += [client.line() for client in reversed(clients)]
        numbers = [int(ticket) if ticket.strip().isdigit() else 0 for ticket in tickets]
        if sorted(numbers) == list(range(1, len(tickets) + 1)):
            return
        raise lab.wrong(
            server, f"{len(tickets)} tickets were asked for, and these were given: {' '.join(map(str, numbers))}",
            "++counter is three steps: read, add, write. If two threads read before either writes, both write the same number, "
            "and one update is lost. volatile does not help, nor does an atomic load with an atomic store behind it: the three "
            "steps have to be one.",
            "std::atomic, fetch_add; std::mutex; net/statistics.h")


EXERCISE = Exercise("lost_update", (Check("tickets are numbered from 1", _one_by_one),
                                    Check("two clients at the same moment get two numbers", _together, 3)),
                    flags=("-fsanitize=thread", "-fno-pie"), link_flags=("-no-pie",), with_shim=True)
