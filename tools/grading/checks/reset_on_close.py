"""reset_on_close: a socket that is closed with unread bytes in it."""

from ..exercise import Check, Exercise
from . import talk


def _stores(lab):
    with lab.start() as server:
        for _ in range(2):
            client = server.client()
            talk.expect(lab, server, client, b"PUT 5\nhello", b"stored 5\n")
            if not client.sees_end():
                raise lab.wrong(server, "After its answer the server should close the connection")
            client.close()


def _refuses(lab):
    with lab.start() as server:
        size = lab.random.randint(20000, 60000)
        server.freeze()
        client = server.client()
        client.send(b"PUT %d\n" % size + b"x" * size)
        server.thaw()
        answer = client.rest()
        if client.ended not in ("end", None):
            raise lab.wrong(
                server, f"{client.name} gets {answer!r} and then {client.ended}: the connection was reset",
                "close() on a socket that still has unread bytes sends a reset (RST) instead of the end (FIN), since bytes are "
                "lost. A reset that overtakes the answer destroys it, so the client never learns why it was refused. Send the "
                "answer, say that no more will come, and read what is left before you close.",
                "shutdown(2), SHUT_WR; RFC 1122, 4.2.2.13; RFC 9112, 9.6; backends/connection/lingering_close.h")
        if answer != b"too large\n" or client.ended is None:
            raise lab.wrong(server, f"{client.name} wants to store {size} bytes, and should get \"too large\" and then the end; "
                            f"it got {answer!r}, then {client.ended or 'no end'}")
        client.close()
        talk.expect(lab, server, server.client(), b"PUT 5\nhello", b"stored 5\n", "The next client should be served.")


EXERCISE = Exercise("reset_on_close", (Check("a small upload is stored", _stores),
                                       Check("a refusal reaches the client whole", _refuses, 3)))
