"""edge_once: an edge is reported once."""

from ..exercise import Check, Exercise
from . import talk


def _short(lab):
    with lab.start() as server:
        for client in reversed([server.client() for _ in range(3)]):
            talk.expect(lab, server, client, b"hello", b"HELLO")


def _long(lab):
    with lab.start() as server:
        server.client()
        client = server.client()
        text = bytes(lab.random.choice(b"abcdefghijklmnopqrstuvwxyz") for _ in range(lab.random.randint(1500, 6000)))
        client.send(text)
        answer = client.receive(len(text))
        if answer == text.upper():
            return
        raise lab.wrong(
            server, f"Of {len(text)} bytes that came in one piece, {len(answer)} were answered; then the server waits",
            "With EPOLLET the kernel reports once that something has come, not that something is still there. What the program "
            "leaves in the socket is not reported again until more comes: here the client waits for its answer, and the server "
            "for the client.",
            "epoll(7), \"Level-triggered and edge-triggered\"; backends/event/event_connection.cc, which "
            "reads until EAGAIN, within bounds")


EXERCISE = Exercise("edge_once", (Check("short texts are answered in capitals", _short),
                                  Check("a text that is longer than the buffer is answered to its end", _long, 3)))
