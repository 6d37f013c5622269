"""silent_connection: a browser's second connection, on which nothing comes."""

from ..exercise import Check, Exercise


def _get(lab, server, client, why=""):
    client.send(b"GET /\n")
    if client.rest() != b"hello\n":
        raise lab.wrong(server, f"{client.name} has asked for /, and should get \"hello\" and then the end", why,
                        "docs/models.md, prefork and threadpool; poll(2)")


def _answers(lab):
    with lab.start() as server:
        for client in [server.client() for _ in range(3)]:
            _get(lab, server, client)


def _beside_silent_ones(lab):
    with lab.start() as server:
        server.settle()
        threads = len(server.tree.threads())  # More workers alone do not help: there are always more silent clients.
        silent = [server.client() for _ in range(threads + lab.random.randint(0, 3))]
        server.settle()
        talker = server.client()
        _get(lab, server, talker,
             f"{len(silent)} clients have connected and say nothing, as browsers do: they open a second connection in case that "
             "they need it. Each of them has a worker, which waits for a request; no worker is left for the client that has one. "
             "A worker is for work: wait for requests elsewhere, and hand a connection on when something has come.")
        for client in reversed(silent):
            _get(lab, server, client, "A connection that was silent for a while is a connection all the same.")


EXERCISE = Exercise("silent_connection", (Check("requests are answered", _answers),
                                          Check("silent connections keep no worker", _beside_silent_ones, 3)))
