"""sigchld_once: signals do not queue."""

from ..exercise import Check, Exercise
from . import talk


def _one_at_a_time(lab):
    with lab.start() as server:
        for client in reversed(talk.echo_in_reverse(lab, server, 3)):
            before = len(talk.living(server))
            client.close()
            if not server.until(lambda before=before: len(server.children()) < before):
                raise lab.wrong(server, "A child that has ended alone is not collected")
        talk.echo(lab, server, server.client(), "After its first children have ended the server should go on.")


def _all_at_once(lab):
    with lab.start() as server:
        clients = talk.echo_in_reverse(lab, server, lab.random.randint(3, 6))
        server.freeze()
        lab.random.shuffle(clients)
        for client in clients:
            client.close()
        server.until(lambda: not talk.living(server))
        lab.steps.add("grader", f"sees that all {len(clients)} children have ended; SIGCHLD is pending, once")
        server.thaw()
        server.until(lambda: not server.children())
        left = talk.zombies(server)
        lab.steps.add("grader", f"counts the zombies: {len(left)}")
        if left:
            raise lab.wrong(
                server, f"{len(clients)} children have ended while the server did not run; {len(left)} of them stay zombies",
                "A signal that is already pending is not sent a second time: signals do not queue. So one call of the handler "
                "may stand for any number of children, and has to collect all that have ended.",
                "signal(7), \"Queueing and delivery semantics\"; waitpid(2), WNOHANG; net/child_observer.cc")
        talk.echo(lab, server, server.client(), "After its first children have ended the server should go on.")


EXERCISE = Exercise("sigchld_once", (Check("children that end one by one are collected", _one_at_a_time),
                                     Check("children that end at the same time are collected", _all_at_once, 3)))
