"""zombies: children that are never collected."""

from ..exercise import Check, Exercise
from . import talk


def _answers(lab):
    with lab.start() as server:
        talk.echo_in_reverse(lab, server, 3)


def _leaves_none(lab):
    with lab.start() as server:
        clients = talk.echo_in_reverse(lab, server, lab.random.randint(2, 5))
        lab.random.shuffle(clients)
        for client in clients:
            client.close()
        server.until(lambda: not server.children())
        left = talk.zombies(server)
        lab.steps.add("grader", f"counts the server's children: {len(talk.living(server))} alive, {len(left)} zombies")
        if left:
            raise lab.wrong(
                server, f"{len(left)} of {len(clients)} children have ended, and are still in the process table (state Z in ps)",
                "A process that ends leaves its exit status behind, for its parent to ask for. Until the parent has asked, the "
                "entry stays: a zombie. A server that forks for each client and never asks fills the process table.",
                "waitpid(2) with WNOHANG; signal(7), SIGCHLD; backends/fork.cc: --reap=wait|ignore|double_fork")
        if talk.living(server):
            raise lab.wrong(server, f"{len(talk.living(server))} children still run, although their clients have left",
                            "A child should end when its client has: read() returns 0 then.")
        talk.echo(lab, server, server.client(), "After its first children have ended the server should go on: accept() may fail "
                  "with EINTR when SIGCHLD arrives.")


EXERCISE = Exercise("zombies", (Check("each client is answered by a process of its own", _answers),
                                Check("no child that has ended stays a zombie", _leaves_none, 3)))
