"""lock_order: two locks, taken in two orders."""

from .. import rules
from ..exercise import Check, Exercise
from . import talk


def _alone(lab):
    with lab.start() as server:
        for client in reversed([server.client() for _ in range(2)]):
            talk.expect(lab, server, client, b"1 2 10\n", b"ok\n")
            talk.expect(lab, server, client, b"3 3 10\n", b"ok\n")


def _who_waits(lab, state):
    """The circle, in words."""
    parts = []
    for tid, lock in state.waits_for.items():
        holder = state.holder(lock)
        name = lab.steps.name("thread", tid)
        parts.append(f"{name} waits for {lab.steps.name('lock', lock)}, which " +
                     (f"{lab.steps.name('thread', holder)} has" if holder else "is not free"))
    return "; ".join(sorted(parts))


def _crossing(lab):
    with lab.start([rules.Meet(rules.holds_one_lock)], ["lock"]) as server:
        clients = [server.client() for _ in range(2)]
        for _ in range(2):
            one, other = lab.random.sample(range(10), 2)
            clients[1].send(b"%d %d 1\n" % (one, other))
            clients[0].send(b"%d %d 1\n" % (other, one))
            answers = [client.line() for client in reversed(clients)]
            if answers != [b"ok\n", b"ok\n"]:
                server.link.flush()
                raise lab.wrong(
                    server, f"Money goes from account {one} to {other} and back at the same moment, and nothing moves any more: "
                    f"{_who_waits(lab, server.link.state)}",
                    "Each thread has one lock and waits for the other's: a deadlock. Of its four conditions (mutual exclusion, "
                    "hold and wait, no taking away, a circle) the circle is the one to break: take locks in one order "
                    "everywhere, or both at once with std::scoped_lock, which lets go and tries again.",
                    "std::scoped_lock, std::lock; pthread_mutex_lock(3)")
        if not server.link.state.asked_about("locked"):
            raise lab.wrong(server, "The grader has seen no lock at all",
                            "Without locks two threads change a balance at the same time, and money gets lost.")


EXERCISE = Exercise("lock_order", (Check("money is moved", _alone),
                                   Check("transfers in opposite directions do not block each other", _crossing, 3)))
